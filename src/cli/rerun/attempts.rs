//! The answers of a repeated model call: stored as runs, compared with the recorded answer.

use std::path::PathBuf;

use serde_json::{Value, json};

use super::{Rerun, Step};
use crate::act::places::{self, Places};
use crate::act::rerun::model::Attempt;
use crate::analysis::statistics::distribution::two_sided;
use crate::analysis::statistics::interval::newcombe;
use crate::analysis::tape::again::{Agreement, FEWEST, First};
use crate::analysis::tape::answer::Answer;
use crate::base::clock::{Clock, System};
use crate::base::human;
use crate::cli::Cx;
use crate::cli::failure::{Exit, Failure};
use crate::cli::place::{self, Place};
use crate::export::redact::Masked;
use crate::export::saferun;
use crate::ingest::wire::answer::{Part, Said};
use crate::model::quantity::{Cost, Tokens, Usage};

const SCHEMA: &str = "saferun.tui/rerun@1";

/// The answers of one model.
pub(super) struct Told {
    model: String,
    wanted: usize,
    attempts: Vec<Attempt>,
    agreement: Agreement,
}

impl Told {
    pub(super) fn new(
        model: String,
        wanted: usize,
        attempts: Vec<Attempt>,
        recorded: &Answer,
    ) -> Told {
        let firsts: Vec<First> = attempts
            .iter()
            .filter_map(|it| it.said.as_ref().ok())
            .map(first)
            .collect();
        let asked = recorded.calls().next();
        let recorded = asked.map(|it| (it.name.clone(), it.arguments.clone()));
        Told {
            model,
            wanted,
            agreement: Agreement::of(&recorded, &firsts),
            attempts,
        }
    }

    fn cost(&self) -> Option<f64> {
        let costs = self.attempts.iter().filter_map(|it| it.cost.get());
        costs
            .reduce(|sum, cost| sum + cost)
            .and_then(|sum| Cost(sum).usd())
    }

    /// The median time of the answers, in milliseconds.
    fn median(&self) -> Option<u64> {
        let answered = self.attempts.iter().filter(|it| it.said.is_ok());
        let mut times: Vec<u128> = answered.map(|it| it.took.as_millis()).collect();
        times.sort_unstable();
        let middle = times.get(times.len().saturating_sub(1) / 2)?;
        u64::try_from(*middle).ok()
    }

    /// `gpt-5   ×10  same tool 7 of 10 (40–89 %) · same arguments 5 · refund 7  (no tool) 3 · $0.36`.
    fn line(&self) -> String {
        let found = &self.agreement;
        let percent = |share: f64| format!("{:.0}", share * 100.0);
        let interval = found.interval().map_or_else(String::new, |(lo, hi)| {
            format!(" ({}–{} %)", percent(lo), percent(hi))
        });
        let name = |name: &str| {
            if name.is_empty() {
                "(no tool)".to_owned()
            } else {
                name.to_owned()
            }
        };
        let tools: Vec<String> = found
            .tools
            .iter()
            .map(|(tool, count)| format!("{} {count}", name(tool)))
            .collect();
        let cost = self
            .cost()
            .map_or_else(|| "cost not known".to_owned(), human::usd);
        let time = self.median().map_or_else(String::new, |ms| {
            format!(" · median {}", human::span(ms as i64 * 1000))
        });
        format!(
            "{} ×{}   same tool {} of {}{interval} · same arguments {} · {} · {cost}{time}",
            self.model,
            found.n,
            found.same_tool,
            found.n,
            found.same_arguments,
            tools.join("  ")
        )
    }
}

fn first(said: &Said) -> First {
    said.parts.iter().find_map(|part| match part {
        Part::Call(call) => Some((call.tool.clone(), call.args.clone())),
        Part::Text(_) | Part::Reasoning(_) | Part::Result { .. } => None,
    })
}

/// The input for the new runs.
pub(super) struct Kept<'a> {
    pub(super) asked: &'a Rerun,
    pub(super) step: Step<'a>,
    pub(super) edits: &'a [Value],
}

pub(super) fn finish(cx: &mut Cx, kept: &Kept<'_>, told: &[Told]) -> anyhow::Result<Exit> {
    let (events, ids) = kept.events(told);
    let path = if events.is_empty() {
        None
    } else {
        Some(kept.write(&events)?)
    };
    let failed: Vec<&str> = told
        .iter()
        .flat_map(|it| &it.attempts)
        .filter_map(|it| it.said.as_ref().err().map(String::as_str))
        .collect();
    if cx.global.json {
        let document = Masked::unless(None, document(kept, told, (&ids, path.as_ref())));
        cx.out.json(document.get())?;
    } else {
        for line in told {
            let line = cx.out.look.clean(&line.line());
            cx.out.line(&line)?;
        }
        if let [a, b] = told {
            cx.out.line(&difference(a, b))?;
        }
    }
    for error in failed.iter().take(3) {
        cx.notes.error(error);
    }
    for it in told.iter().filter(|it| it.attempts.len() < it.wanted) {
        let what = format!(
            "{}: {} of {} were not sent: they could exceed the limit",
            it.model,
            it.wanted - it.attempts.len(),
            it.wanted
        );
        cx.notes.note(&what);
    }
    if let Some(path) = path {
        cx.notes.note(&format!("kept in {}", path.display()));
    }
    let is_answered = told.iter().any(|it| it.agreement.n > 0);
    Ok(if is_answered {
        Exit::Done
    } else {
        Exit::NoMatch
    })
}

/// How much more often the second model took the recorded tool.
fn difference(a: &Told, b: &Told) -> String {
    if a.agreement.n < FEWEST || b.agreement.n < FEWEST {
        return format!("difference: too few answers (at least {FEWEST} each)");
    }
    let found = newcombe(a.agreement.rate(), b.agreement.rate(), two_sided(0.05));
    let points = |share: f64| format!("{:+.0}", share * 100.0);
    let word = if found.lo > 0.0 || found.hi < 0.0 {
        ""
    } else {
        ": not enough to be sure"
    };
    format!(
        "difference {} points [{}, {}]{word}",
        points(found.value),
        points(found.lo),
        points(found.hi)
    )
}

impl Kept<'_> {
    /// Each answer as a run that begins like the recorded one; and the ids of those runs.
    fn events(&self, told: &[Told]) -> (Vec<Value>, Vec<Vec<Option<String>>>) {
        let (store, call) = (self.step.store, self.step.call);
        let row = store.row(call);
        let steps = self.step.tape.steps();
        let before = steps.partition_point(|ix| *ix < call);
        let now = System.now();
        let mut events = Vec::new();
        let mut ids = Vec::new();
        for (of_model, it) in told.iter().enumerate() {
            let mut own = Vec::new();
            for (number, attempt) in it.attempts.iter().enumerate() {
                let Ok(said) = &attempt.said else {
                    own.push(None);
                    continue;
                };
                let id = format!(
                    "{}-rerun-{}-{now}-{}",
                    row.run().id,
                    row.seq(),
                    of_model * 1000 + number + 1
                );
                let (mut past, _) = saferun::past(store, row.run(), &steps[..before], &id);
                if let Some(start) = past.first_mut() {
                    start["parent_run_id"] = (*row.run().id).into();
                    start["parent_seq"] = row.seq().into();
                    start["attempt"] = (number + 1).into();
                    start["edits"] = self.edits.to_vec().into();
                    start["model"] = it.model.as_str().into();
                }
                events.append(&mut past);
                events.extend(answer(&id, said, attempt, now));
                own.push(Some(id));
            }
            ids.push(own);
        }
        (events, ids)
    }

    /// Where the user chose, else in the state folder.
    fn write(&self, events: &[Value]) -> anyhow::Result<PathBuf> {
        let masked: Vec<Masked<Value>> = events
            .iter()
            .map(|event| Masked::unless(None, event.clone()))
            .collect();
        let lines: String = masked
            .iter()
            .flat_map(|event| [event.get().to_string(), "\n".to_owned()])
            .collect();
        if let Some(path) = &self.asked.output {
            let place = Place {
                path,
                force: self.asked.force,
            };
            place.write(&place::files(self.step.store), &mut |out| {
                out.write_all(lines.as_bytes())
            })?;
            return Ok(path.clone());
        }
        let places = Places::of_environment().ok_or_else(|| {
            Failure::Usage(
                "there is no home folder to keep the new runs in: use -o FILE".to_owned(),
            )
        })?;
        let folder = places.state().join("reruns");
        places::private(&folder)?;
        let row = self.step.store.row(self.step.call);
        let name = format!(
            "{}-{}-{}.jsonl",
            places::of_run(&row.run().id),
            row.seq(),
            System.now()
        );
        let path = folder.join(name);
        places::replace(&path, lines.as_bytes())?;
        Ok(path)
    }
}

fn answer(run: &str, said: &Said, attempt: &Attempt, now: i64) -> Vec<Value> {
    let texts = said.parts.iter().filter_map(|part| match part {
        Part::Text(text) => Some(text.as_str()),
        Part::Call(_) | Part::Reasoning(_) | Part::Result { .. } => None,
    });
    let text = texts.collect::<Vec<&str>>().join("\n");
    let response = json!({
        "type": "response", "run_id": run, "id": "rerun", "ts": now, "model": said.model, "content": text,
        "usage": usage(&said.usage), "duration_ms": u64::try_from(attempt.took.as_millis()).unwrap_or(u64::MAX),
        "finish_reason": said.finish,
    });
    let calls = said.parts.iter().enumerate().filter_map(|(at, part)| match part {
        Part::Call(call) => Some(json!({
            "type": "tool_call", "run_id": run, "parent_id": "rerun", "tool": call.tool, "args": call.args,
            "id": call.id.clone().unwrap_or_else(|| format!("rerun-{at}")),
        })),
        Part::Text(_) | Part::Reasoning(_) | Part::Result { .. } => None,
    });
    [response].into_iter().chain(calls).collect()
}

fn usage(usage: &Usage) -> Value {
    let counts = [
        ("input_tokens", usage.input),
        ("output_tokens", usage.output),
        ("cache_read_tokens", usage.cache_read),
        ("cache_write_tokens", usage.cache_write),
        ("reasoning_tokens", usage.reasoning),
    ];
    let known = |(name, tokens): (&str, Tokens)| Some((name.to_owned(), tokens.get()?.into()));
    Value::Object(counts.into_iter().filter_map(known).collect())
}

fn document(
    kept: &Kept<'_>,
    told: &[Told],
    (ids, path): (&[Vec<Option<String>>], Option<&PathBuf>),
) -> Value {
    let row = kept.step.store.row(kept.step.call);
    let models = told.iter().zip(ids).map(|(it, ids)| {
        let attempts = it.attempts.iter().zip(ids).map(|(attempt, id)| {
            let said = attempt.said.as_ref();
            let asked = said.ok().and_then(first);
            json!({
                "run_id": id,
                "tool": asked.as_ref().map(|(tool, _)| tool),
                "arguments": asked.as_ref().map(|(_, arguments)| arguments),
                "error": said.err(),
                "duration_ms": u64::try_from(attempt.took.as_millis()).unwrap_or(u64::MAX),
                "cost_usd": attempt.cost.usd(),
            })
        });
        let tools = it
            .agreement
            .tools
            .iter()
            .map(|(tool, count)| json!({"tool": tool, "count": count}));
        json!({
            "model": it.model,
            "wanted": it.wanted,
            "answered": it.agreement.n,
            "same_tool": it.agreement.same_tool,
            "same_tool_interval": it.agreement.interval().map(|(lo, hi)| [lo, hi]),
            "same_arguments": it.agreement.same_arguments,
            "first_tools": tools.collect::<Vec<Value>>(),
            "cost_usd": it.cost(),
            "median_ms": it.median(),
            "attempts": attempts.collect::<Vec<Value>>(),
        })
    });
    json!({
        "schema": SCHEMA,
        "run_id": &*row.run().id,
        "seq": row.seq(),
        "edits": kept.edits,
        "models": models.collect::<Vec<Value>>(),
        "path": path.map(|path| path.display().to_string()),
    })
}
