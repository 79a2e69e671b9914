//! Running a tool call again, with a template from the settings.

use serde_json::json;

use super::attempts::{check_place, keep};
use super::{Rerun, confirm};
use crate::act::rerun::attempt_runs::{AttemptRuns, Step};
use crate::act::rerun::call::{Call, Done};
use crate::base::clock::{Clock, System};
use crate::cli::failure::{Exit, Failure};
use crate::cli::{Cx, settings};
use crate::export::redact::Masked;

/// Runs the call, keeps it as a new run, and prints its output and whether it is the recorded one.
pub(super) fn run(cx: &mut Cx, asked: &Rerun, step: Step<'_>) -> anyhow::Result<Exit> {
    let call = Call::new(step.store, step.action, &settings::rerun(&cx.config));
    step.store.intact()?;
    let call = call.map_err(Failure::Usage)?;
    let style = &cx.notes.style;
    let title = format!(
        "RE-RUN of tool call #{} {}",
        call.seq,
        style.clean(&call.tool)
    );
    cx.notes.line(&title);
    for line in call.lines() {
        cx.notes.line(&style.clean(&line));
    }
    if asked.dry_run {
        return Ok(Exit::Done);
    }
    if !asked.allow_exec {
        let what = "nothing was run: use --allow-exec to run it, or --dry-run to show it";
        return Err(Failure::Usage(what.to_owned()).into());
    }
    check_place(cx, asked)?;
    if !asked.yes {
        confirm(cx, "To run it", &call.tool)?;
    }
    let done = call.run()?;
    let now = System.now();
    let mut kept = AttemptRuns::default();
    kept.call(step, &call, &done, now);
    report(cx, &call, &done)?;
    if let Some(path) = keep(cx, asked, step, (&kept, now))? {
        cx.notes.note(&format!("kept in {}", path.display()));
    }
    Ok(if done.is_same == Some(false) {
        Exit::NoMatch
    } else {
        Exit::Done
    })
}

fn report(cx: &mut Cx, call: &Call, done: &Done) -> anyhow::Result<()> {
    let ran = &done.ran;
    if cx.global.json {
        let document = json!({
            "schema": "saferun.tui/rerun@1", "seq": call.seq, "tool": call.tool, "exit_code": done.code(),
            "stdout": ran.stdout, "stderr": ran.stderr, "ended_by_us": ran.was_ended,
            "duration_ms": u64::try_from(ran.took.as_millis()).unwrap_or(u64::MAX), "same_result": done.is_same,
        });
        let document = Masked::unless(None, document);
        cx.out.json(document.get())?;
    } else {
        for line in ran.stdout.lines().chain(ran.stderr.lines()) {
            let line = cx.out.style.clean(line);
            cx.out.line(&line)?;
        }
    }
    cx.notes.line(&done.words());
    Ok(())
}
