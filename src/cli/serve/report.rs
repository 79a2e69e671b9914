//! The final report of `serve`: what was served, and how the new run aligns with the recorded one.

use serde_json::{Value, json};

use crate::act::child;
use crate::act::serve::{self, Live, Serving, Written, miss_json};
use crate::analysis::context;
use crate::analysis::diff::label::Label;
use crate::analysis::diff::mask::IgnoreRules;
use crate::analysis::diff::read::Side;
use crate::analysis::diff::story::Story;
use crate::analysis::diff::{self, Comparison, Options};
use crate::analysis::tape::class::Class;
use crate::base::cancel::CancelFlag;
use crate::base::clock::{Clock, System};
use crate::base::human;
use crate::cli::Cx;
use crate::cli::failure::Exit;
use crate::cli::output::{self, OutputFile};
use crate::export::diff::Page;
use crate::export::json::diff as diff_json;
use crate::export::redact::Masked;
use crate::model::action::{ActionIx, Kind, Status};
use crate::model::quantity::Cost;
use crate::model::run::RunIx;
use crate::store::Store;

const SCHEMA: &str = "saferun.tui/serve@1";

/// How serving ended.
pub(super) struct Ended<'a> {
    pub(super) store: &'a Store,
    pub(super) run: RunIx,
    pub(super) class: Class,
    /// The status of the command, if there was one.
    pub(super) status: Option<child::Ended>,
    pub(super) expected: Option<u32>,
    /// Where the new run is stored.
    pub(super) place: Option<OutputFile<'a>>,
}

pub(super) fn finish(cx: &mut Cx, serving: &Serving, ended: &Ended<'_>) -> anyhow::Result<Exit> {
    let status = ended
        .status
        .map(|status| if status.code == 0 { "ok" } else { "error" });
    let events = serving.look(|player, log| log.events(player, status, System.now()));
    if let Some(place) = ended.place.filter(|_| !events.is_empty()) {
        place.write(&output::files(ended.store), &mut |out| {
            events.iter().try_for_each(|event| writeln!(out, "{event}"))
        })?;
    }
    // Its bodies are read while it is compared.
    let written = serve::written(&events)?;
    let again = again(cx, &written);
    let aligned = again.as_ref().and_then(|(store, run)| {
        let sides = (
            Side {
                store: ended.store,
                run: ended.run,
            },
            Side { store, run: *run },
        );
        let compared = diff::compare(
            sides,
            &Options::default(),
            &CancelFlag::new(),
            &mut |_, _| {},
        );
        compared.map(|comparison| (comparison, sides))
    });
    let story = aligned.as_ref().map(|(comparison, (a, b))| Story {
        comparison,
        a: *a,
        b: *b,
    });
    let report = Report {
        cx,
        serving,
        ended,
        story,
    };
    let exit = report.exit();
    let (lines, document) = (report.lines(), cx.global.json.then(|| report.document()));
    for line in lines {
        cx.notes.line(&line);
    }
    if let Some(document) = document {
        let document = Masked::unless(None, document);
        cx.out.json(document.get())?;
    }
    Ok(exit)
}

/// The new run, read like any other. None if nothing was requested.
fn again(cx: &Cx, written: &Written) -> Option<(Store, RunIx)> {
    if written.is_empty {
        return None;
    }
    let read = cx.load.whole(&cx.notes, &[written.path().to_owned()]);
    let run = read.runs().first().copied();
    run.map(|run| (read.store, run))
}

struct Report<'a> {
    cx: &'a Cx,
    serving: &'a Serving,
    ended: &'a Ended<'a>,
    story: Option<Story<'a>>,
}

impl Report<'_> {
    /// Columns that differ in more than noise.
    fn differing(comparison: &Comparison) -> usize {
        let columns = comparison.columns.iter().enumerate();
        let differing = columns
            .filter(|(at, column)| column.label != Label::Same && !comparison.noise.contains(at));
        differing.count()
    }

    /// A miss is worse than a difference, which is worse than the command's own code.
    fn exit(&self) -> Exit {
        let of_tools = self
            .serving
            .tools()
            .map_or(0, |(_, _, misses)| misses.len());
        let (misses, unused) = self
            .serving
            .look(|player, _| (player.misses.len(), player.unused().len()));
        let differs = self
            .story
            .is_none_or(|story| Report::differing(story.comparison) > 0);
        if misses + of_tools > 0 {
            Exit::Missed
        } else if unused > 0 || differs {
            Exit::NoMatch
        } else {
            self.ended
                .status
                .map_or(Exit::Done, |status| Exit::Child(status.code))
        }
    }

    fn lines(&self) -> Vec<String> {
        let style = &self.cx.notes.style;
        let mut lines = vec![String::new()];
        self.serving.look(|player, _| {
            let unused = player.unused();
            lines.push(format!(
                "served     {} of {} answers · {} · {} · egress {}",
                player.served(),
                player.total(),
                human::counted(player.stubs as u64, "stub"),
                match player.misses.len() {
                    1 => "1 miss".to_owned(),
                    many => format!("{} misses", human::count(many as u64)),
                },
                self.egress(),
            ));
            if !unused.is_empty() {
                lines.push(format!(
                    "unused     {} of {} answers were not requested",
                    unused.len(),
                    player.total()
                ));
            }
            for miss in player.misses.iter().take(LISTED) {
                lines.push(format!("miss       {}", style.clean(&miss.words())));
            }
            for (step, difference) in player.differences.iter().take(LISTED) {
                let words = format!(
                    "step {step}: its request differs at {}: recorded {:?}, got {:?}",
                    difference.path, difference.recorded, difference.got
                );
                lines.push(format!("differs    {}", style.clean(&words)));
            }
            let more = player.differences.len().saturating_sub(LISTED);
            if more > 0 {
                lines.push(format!("           and {more} more"));
            }
        });
        if let Some((served, all, misses)) = self.serving.tools() {
            lines.push(format!(
                "tools      {served} of {all} results were requested · {} misses",
                misses.len()
            ));
            let misses = misses.iter().take(LISTED);
            lines.extend(misses.map(|miss| format!("miss       {}", style.clean(miss))));
        }
        if let Some(story) = &self.story {
            lines.extend(self.aligned(story));
        }
        lines
    }

    /// The hosts that requests were sent to.
    fn hosts(&self) -> Vec<String> {
        let spent = self.serving.live().map(Live::spent);
        spent.map_or_else(Vec::new, |it| it.hosts.into_iter().collect())
    }

    fn egress(&self) -> String {
        let Some(spent) = self
            .serving
            .live()
            .map(Live::spent)
            .filter(|it| it.requests > 0)
        else {
            return "none".to_owned();
        };
        let cost = Cost(spent.cost).usd().unwrap_or(0.0);
        let requests = human::counted(spent.requests as u64, "request");
        format!(
            "{} ({requests}, ≈ {})",
            self.hosts().join(" "),
            human::usd(cost)
        )
    }

    fn aligned(&self, story: &Story<'_>) -> Vec<String> {
        let style = &self.cx.notes.style;
        let again = story.b.store.run(story.b.run);
        let totals = &again.totals;
        let took = |run: &crate::model::run::Run| {
            let length = run.ended.since(run.started).get();
            length.map_or_else(|| "time not recorded".to_owned(), human::span)
        };
        let recorded = took(story.a.store.run(story.a.run));
        let mut lines = vec![format!(
            "new run    {}, {}, {} (the recorded one: {recorded})",
            human::counted(
                context::calls(story.b.store, story.b.run).len() as u64,
                "model call"
            ),
            human::counted(u64::from(totals.tool_calls), "tool call"),
            took(again),
        )];
        let comparison = story.comparison;
        let all = comparison.columns.len();
        if Report::differing(comparison) == 0 {
            lines.push(format!("alignment  same {all} of {all}"));
        } else {
            let counts: Vec<String> = comparison
                .counts()
                .iter()
                .map(|(label, count)| format!("{count} {}", label.word()))
                .collect();
            lines.push(format!("alignment  {}", counts.join(" · ")));
            let divergence = &comparison.divergence;
            if let Some(at) = divergence.first_material.or(divergence.first_any) {
                let what = match divergence.first_material {
                    Some(_) => story.cause(),
                    None => story.first_any().unwrap_or_default(),
                };
                let words = format!("{}: {what}", story.place(at));
                lines.push(format!(
                    "           first difference {}",
                    style.clean(&words)
                ));
                lines.push(format!("           {}", story.context()));
            }
        }
        if let Some((seq, is_again)) = self.reproduced(story) {
            let word = if is_again { "yes" } else { "no" };
            let what = if is_again {
                "happened again"
            } else {
                "did not happen again"
            };
            lines.push(format!("reproduced {word}: #{seq} {what}"));
        }
        if let Some(place) = &self.ended.place {
            lines.push(format!("wrote      {}", place.path.display()));
        }
        lines
    }

    /// The action that had to happen again, and whether it did. None if the recorded run has no failure.
    fn reproduced(&self, story: &Story<'_>) -> Option<(u32, bool)> {
        let rows = &story.comparison.a.rows;
        let is_failed = |ix: &ActionIx| {
            let row = story.a.store.row(*ix);
            let failed = matches!(row.status(), Status::Error | Status::Timeout);
            match self.ended.expected {
                Some(seq) => row.seq() == seq,
                None => row.kind() == Kind::ToolCall && failed,
            }
        };
        let at = rows.iter().position(is_failed)?;
        let seq = story.a.store.row(rows[at]).seq();
        let columns = story.comparison.columns.iter().enumerate();
        let mut columns = columns.filter(|(_, column)| column.a == u32::try_from(at).ok());
        let is_again = columns.any(|(at, column)| {
            column.b.is_some()
                && (column.label == Label::Same || story.comparison.noise.contains(&at))
        });
        Some((seq, is_again))
    }

    fn document(&self) -> Value {
        let mut document = self.serving.look(|player, log| {
            let differences = player.differences.iter().map(|(step, it)| {
                json!({"step": step, "path": it.path, "recorded": it.recorded, "got": it.got})
            });
            json!({
                "schema": SCHEMA,
                "run_id": &*self.ended.store.run(self.ended.run).id,
                "class": self.ended.class.letter(),
                "match": player.mode().word(),
                "served": player.served(),
                "total": player.total(),
                "stubs": player.stubs,
                "misses": player.misses.iter().map(miss_json).collect::<Vec<Value>>(),
                "differences": differences.collect::<Vec<Value>>(),
                "unused": player.unused(),
                "egress": self.hosts(),
                "new_run": {"run_id": log.run_id},
                "exit_code": self.ended.status.map(|status| status.code),
            })
        });
        document["tools"] = self.serving.tools().map_or(
            Value::Null,
            |(served, total, misses)| json!({"served": served, "total": total, "misses": misses}),
        );
        document["new_run"]["path"] = match &self.ended.place {
            Some(place) => place.path.display().to_string().into(),
            None => Value::Null,
        };
        if let Some(story) = self.story {
            let page = Page {
                story,
                blind: &IgnoreRules::default(),
                why: None,
                only_changed: true,
            };
            let mut diff = diff_json::masked(&page).into_inner();
            if let Some(members) = diff.as_object_mut() {
                members.shift_remove("columns");
            }
            document["diff"] = diff;
            document["reproduced"] = self.reproduced(&story).map(|(_, is_again)| is_again).into();
        } else {
            document["new_run"] = Value::Null;
            document["diff"] = Value::Null;
            document["reproduced"] = Value::Null;
        }
        document
    }
}

/// Longer lists are cut and counted.
const LISTED: usize = 10;
