//! The answers of a repeated model call: stored as runs, compared with the recorded answer.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::Rerun;
use crate::act::rerun::answers::{Answers, difference, first};
use crate::act::rerun::attempt_runs::{AttemptRuns, Series, Step};
use crate::base::clock::{Clock, System};
use crate::cli::failure::{Exit, Failure};
use crate::cli::output::{self, OutputFile};
use crate::cli::{Cx, settings};
use crate::export::redact::Masked;

const SCHEMA: &str = "saferun.tui/rerun@1";

/// What was sent, and what came back.
pub(super) struct Sent<'a> {
    pub(super) asked: &'a Rerun,
    pub(super) step: Step<'a>,
    pub(super) edits: &'a [Value],
    pub(super) answers: &'a [Answers],
}

pub(super) fn finish(cx: &mut Cx, sent: &Sent<'_>) -> anyhow::Result<Exit> {
    let now = System.now();
    let mut kept = AttemptRuns::default();
    for answers in sent.answers {
        let series = Series {
            model: &answers.model,
            edits: sent.edits,
        };
        kept.answers(sent.step, series, answers, now);
    }
    let path = keep(cx, sent.asked, sent.step, (&kept, now))?;
    if cx.global.json {
        let document = Masked::unless(None, document(sent, &kept.ids, path.as_ref()));
        cx.out.json(document.get())?;
    } else {
        for answers in sent.answers {
            let line = cx.out.style.clean(&answers.line());
            cx.out.line(&line)?;
        }
        if let [a, b] = sent.answers {
            cx.out.line(&difference(a, b))?;
        }
    }
    report(cx, sent.answers.iter(), path.as_deref());
    let is_answered = sent.answers.iter().any(|it| it.agreement.n > 0);
    Ok(if is_answered {
        Exit::Done
    } else {
        Exit::NoMatch
    })
}

/// Failed and unsent requests, and where the new runs are.
pub(in crate::cli) fn report<'a>(
    cx: &Cx,
    answers: impl Iterator<Item = &'a Answers> + Clone,
    path: Option<&Path>,
) {
    for error in answers.clone().flat_map(Answers::errors).take(3) {
        cx.notes.error(error);
    }
    for it in answers.filter(|it| it.unsent() > 0) {
        let what = format!(
            "{}: {} of {} were not sent: they could exceed the limit",
            it.model,
            it.unsent(),
            it.wanted
        );
        cx.notes.note(&what);
    }
    if let Some(path) = path {
        cx.notes.note(&format!("kept in {}", path.display()));
    }
}

/// An error if there is no place for new runs, before anything is done.
pub(super) fn check_place(cx: &Cx, asked: &Rerun) -> Result<(), Failure> {
    if asked.output.is_some() {
        return Ok(());
    }
    folder(cx).map(|_| ())
}

fn folder(cx: &Cx) -> Result<PathBuf, Failure> {
    let folder = settings::rerun(&cx.config).folder;
    folder.ok_or_else(|| {
        Failure::Usage("there is no home folder to keep the new runs in: use -o FILE".to_owned())
    })
}

/// Writes the new runs where the user chose, else into the state folder. None if there are none.
pub(super) fn keep(
    cx: &Cx,
    asked: &Rerun,
    step: Step<'_>,
    (kept, now): (&AttemptRuns, i64),
) -> anyhow::Result<Option<PathBuf>> {
    if kept.is_empty() {
        return Ok(None);
    }
    let Some(path) = &asked.output else {
        return in_state(cx, step, (kept, now)).map(Some);
    };
    let place = OutputFile {
        path,
        force: asked.force,
    };
    let lines = kept.lines();
    place.write(&output::files(step.store), &mut |out| {
        out.write_all(lines.as_bytes())
    })?;
    Ok(Some(path.clone()))
}

/// Writes the new runs into the state folder.
pub(in crate::cli) fn in_state(
    cx: &Cx,
    step: Step<'_>,
    (kept, now): (&AttemptRuns, i64),
) -> anyhow::Result<PathBuf> {
    Ok(kept.write(step, &folder(cx)?, now)?)
}

fn document(sent: &Sent<'_>, ids: &[Vec<Option<String>>], path: Option<&PathBuf>) -> Value {
    let row = sent.step.store.row(sent.step.action);
    let models = sent.answers.iter().zip(ids).map(|(it, ids)| {
        let attempts = it.attempts.iter().zip(ids).map(|(attempt, id)| {
            let answer = attempt.answer.as_ref();
            let asked = answer.ok().and_then(first);
            json!({
                "run_id": id,
                "tool": asked.as_ref().map(|(tool, _)| tool),
                "arguments": asked.as_ref().map(|(_, arguments)| arguments),
                "error": answer.err(),
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
        "edits": sent.edits,
        "models": models.collect::<Vec<Value>>(),
        "path": path.map(|path| path.display().to_string()),
    })
}
