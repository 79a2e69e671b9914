//! Attempts as runs of their own, beside the run that they repeat: they begin like it and end with what was tried.

use std::io;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::act::places;
use crate::act::rerun::answers::Answers;
use crate::act::rerun::call::{Call, Done};
use crate::act::rerun::model::Attempt;
use crate::analysis::diff::pair;
use crate::analysis::diff::step::canon;
use crate::analysis::replay::Tape;
use crate::export::redact::Masked;
use crate::export::saferun;
use crate::ingest::wire::answer::{ModelAnswer, Part, reported};
use crate::model::action::{ActionIx, Kind, Status};
use crate::store::Store;
use crate::store::bodies::{self, Depth};

/// The step that is repeated.
#[derive(Debug, Clone, Copy)]
pub struct Step<'a> {
    pub store: &'a Store,
    pub tape: &'a Tape,
    /// The model call or tool call.
    pub action: ActionIx,
}

/// What one series of attempts changed.
#[derive(Debug, Clone, Copy)]
pub struct Series<'a> {
    pub model: &'a str,
    pub edits: &'a [Value],
}

/// New runs, and the id of each attempt's run; none for attempts without an answer.
#[derive(Debug, Default)]
pub struct AttemptRuns {
    events: Vec<Value>,
    pub ids: Vec<Vec<Option<String>>>,
}

impl AttemptRuns {
    /// Adds the answers of one model.
    pub fn answers(&mut self, step: Step<'_>, series: Series<'_>, answers: &Answers, now: i64) {
        let first = self.ids.len() * 1000;
        let results = step.results();
        let mut ids = Vec::new();
        for (number, attempt) in answers.attempts.iter().enumerate() {
            let Ok(reply) = &attempt.answer else {
                ids.push(None);
                continue;
            };
            let id = step.id(now, first + number + 1);
            let mut start = step.start(&id, number + 1);
            if let Some(start) = start.first_mut() {
                start["edits"] = series.edits.to_vec().into();
                start["model"] = series.model.into();
            }
            self.events.append(&mut start);
            self.events
                .extend(answer(&id, reply, (attempt, &results), now));
            self.events.push(end(&id));
            ids.push(Some(id));
        }
        self.ids.push(ids);
    }

    /// Adds a tool call that was run again.
    pub fn call(&mut self, step: Step<'_>, call: &Call, done: &Done, now: i64) {
        let id = step.id(now, 1);
        self.events.extend(step.start(&id, 1));
        let has_failed = done.code() != 0;
        let status = if has_failed { "error" } else { "ok" };
        self.events.push(json!({
            "type": "tool_call", "run_id": id, "id": "rerun", "ts": now, "tool": call.tool, "args": call.arguments,
        }));
        self.events.push(json!({
            "type": "tool_result", "run_id": id, "call_id": "rerun", "ts": now, "status": status,
            "result": done.ran.stdout, "error": has_failed.then_some(done.ran.stderr.as_str()),
            "duration_ms": u64::try_from(done.ran.took.as_millis()).unwrap_or(u64::MAX),
        }));
        self.events.push(end(&id));
        self.ids.push(vec![Some(id)]);
    }

    /// Adds the events of a whole run.
    pub fn whole(&mut self, mut events: Vec<Value>) {
        self.events.append(&mut events);
    }

    pub fn is_empty(&self) -> bool {
        self.events.is_empty()
    }

    /// The lines of the file, with secrets masked.
    pub fn lines(&self) -> String {
        let events = self.events.iter();
        let lines = events.map(|event| {
            let masked = Masked::unless(None, event.clone());
            format!("{}\n", masked.get())
        });
        lines.collect()
    }

    /// Writes them into a private folder, under a name of their own.
    pub fn write(&self, step: Step<'_>, folder: &Path, now: i64) -> io::Result<PathBuf> {
        let row = step.store.row(step.action);
        self.write_as(folder, (&row.run().id, &row.seq().to_string()), now)
    }

    /// The same for the attempt `what` at a run.
    pub fn write_as(
        &self,
        folder: &Path,
        (run, what): (&str, &str),
        now: i64,
    ) -> io::Result<PathBuf> {
        places::private(folder)?;
        let name = format!("{}-{what}-{now}.jsonl", places::of_run(run));
        let path = folder.join(name);
        places::replace(&path, self.lines().as_bytes())?;
        Ok(path)
    }
}

impl Step<'_> {
    fn id(&self, now: i64, number: usize) -> String {
        let row = self.store.row(self.action);
        format!("{}-rerun-{}-{now}-{number}", row.run().id, row.seq())
    }

    /// The run up to the step, under another id.
    fn start(&self, id: &str, attempt: usize) -> Vec<Value> {
        let row = self.store.row(self.action);
        let steps = self.tape.steps();
        let before = steps.partition_point(|ix| *ix < self.action);
        let (mut past, _) = saferun::past(self.store, row.run(), &steps[..before], id);
        // The run has paid for its past; the attempt pays for what it adds.
        for event in past.iter_mut().filter_map(Value::as_object_mut) {
            event.retain(|name, _| name != "usage" && name != "cost_usd");
        }
        if let Some(start) = past.first_mut() {
            start["parent_run_id"] = (*row.run().id).into();
            start["parent_seq"] = row.seq().into();
            start["attempt"] = attempt.into();
        }
        past
    }

    /// The recorded results of the calls that the model made at this step.
    fn results(&self) -> Vec<Recorded> {
        let rows = self.tape.steps().iter().map(|ix| self.store.row(*ix));
        let made =
            rows.filter(|row| row.kind() == Kind::ToolCall && row.parent() == Some(self.action));
        let results = made.filter_map(|row| {
            let body = bodies::open(&row, Depth::Full);
            let call = (
                row.tool().to_owned(),
                canon(&body.args.clone().unwrap_or_default()),
            );
            Some(Recorded {
                call,
                status: row.status(),
                result: pair::result(&body)?,
            })
        });
        results.collect()
    }
}

/// A recorded call of the step, and its result.
struct Recorded {
    /// The tool, and its arguments in canonical form.
    call: (String, String),
    status: Status,
    result: Value,
}

/// An attempt ends here. How it would have continued is unknown.
fn end(run: &str) -> Value {
    json!({"type": "run_end", "run_id": run})
}

/// The answer of a model. No tool is executed: a call that was recorded gets its recorded result.
fn answer(
    run: &str,
    reply: &ModelAnswer,
    (attempt, results): (&Attempt, &[Recorded]),
    now: i64,
) -> Vec<Value> {
    let texts = reply.parts.iter().filter_map(|part| match part {
        Part::Text(text) => Some(text.as_str()),
        Part::Call(_) | Part::Reasoning(_) | Part::Result { .. } => None,
    });
    let text = texts.collect::<Vec<&str>>().join("\n");
    let response = json!({
        "type": "response", "run_id": run, "id": "rerun", "ts": now, "model": reply.model, "content": text,
        "usage": reported(&reply.usage).unwrap_or_else(|| json!({})),
        "duration_ms": u64::try_from(attempt.took.as_millis()).unwrap_or(u64::MAX),
        "finish_reason": reply.finish,
    });
    let mut events = vec![response];
    for (at, part) in reply.parts.iter().enumerate() {
        let Part::Call(call) = part else { continue };
        let id = call.id.clone().unwrap_or_else(|| format!("rerun-{at}"));
        events.push(json!({
            "type": "tool_call", "run_id": run, "parent_id": "rerun", "tool": call.tool, "args": call.args, "id": id,
        }));
        let made = (call.tool.clone(), canon(&call.args));
        if let Some(recorded) = results.iter().find(|it| it.call == made) {
            events.push(json!({
                "type": "tool_result", "run_id": run, "call_id": id, "status": recorded.status.word(),
                "result": recorded.result, "from": "recording",
            }));
        }
    }
    events
}
