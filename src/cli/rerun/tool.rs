//! Running a tool call again, with a template from the settings.

use serde_json::{Value, json};

use super::{Rerun, confirm};
use crate::act::child;
use crate::act::rerun::tool::{self, Ran};
use crate::analysis::diff::pair;
use crate::analysis::diff::step::result_key;
use crate::base::human;
use crate::cli::Cx;
use crate::cli::failure::{Exit, Failure};
use crate::export::redact::Masked;
use crate::model::action::ActionIx;
use crate::store::Store;
use crate::store::bodies::{self, Depth};

/// Runs the call, and prints its output and whether it is the recorded one.
pub(super) fn run(
    cx: &mut Cx,
    asked: &Rerun,
    store: &Store,
    call: ActionIx,
) -> anyhow::Result<Exit> {
    let row = store.row(call);
    let body = bodies::open(&row, Depth::Full);
    store.intact()?;
    let name = row.tool();
    let templates = &cx.config.rerun.tools;
    let template = templates
        .iter()
        .find(|(known, _)| known == name)
        .map(|(_, words)| &words.value);
    let Some(template) = template else {
        let what = format!(
            "the settings have no template for '{name}': add it to [rerun.tools] (see saferun-tui rerun --help)"
        );
        return Err(Failure::Usage(what).into());
    };
    let arguments = body.args.clone().unwrap_or_else(|| json!({}));
    let words = tool::filled(template, &arguments).map_err(Failure::Usage)?;
    let look = &cx.notes.look;
    cx.notes.line(&format!(
        "RE-RUN of tool call #{} {}",
        row.seq(),
        look.clean(name)
    ));
    for (at, word) in words.iter().enumerate() {
        cx.notes.line(&format!("  {at:>3}  {}", look.clean(word)));
    }
    cx.notes.line(
        "  in an empty folder, with PATH, HOME and LANG, at most 30 s; arguments on standard input",
    );
    if asked.dry_run {
        return Ok(Exit::Done);
    }
    if !asked.allow_exec {
        let what = "nothing was run: use --allow-exec to run it, or --dry-run to show it";
        return Err(Failure::Usage(what.to_owned()).into());
    }
    if !asked.yes {
        confirm(cx, "To run it", name)?;
    }
    let named = [
        ("SAFERUN_TOOL", name.to_owned()),
        ("SAFERUN_RUN", row.run().id.to_string()),
        ("SAFERUN_STEP", row.seq().to_string()),
    ];
    let ran = tool::run(&words, &arguments, &named)?;
    let recorded = pair::result(&body);
    let is_same = recorded
        .as_ref()
        .map(|it| result_key(it) == result_key(&Value::from(ran.stdout.as_str())));
    report(cx, (row.seq(), name), &ran, is_same)
}

fn report(
    cx: &mut Cx,
    (seq, name): (u32, &str),
    ran: &Ran,
    is_same: Option<bool>,
) -> anyhow::Result<Exit> {
    let code = child::code(ran.status);
    if cx.global.json {
        let document = json!({
            "schema": "saferun.tui/rerun@1", "seq": seq, "tool": name, "exit_code": code,
            "stdout": ran.stdout, "stderr": ran.stderr, "ended_by_us": ran.was_ended,
            "duration_ms": u64::try_from(ran.took.as_millis()).unwrap_or(u64::MAX), "same_result": is_same,
        });
        let document = Masked::unless(None, document);
        cx.out.json(document.get())?;
    } else {
        for line in ran.stdout.lines().chain(ran.stderr.lines()) {
            let line = cx.out.look.clean(line);
            cx.out.line(&line)?;
        }
    }
    let took = human::span(i64::try_from(ran.took.as_micros()).unwrap_or(i64::MAX));
    let ended = if ran.was_ended {
        ", stopped by saferun-tui"
    } else {
        ""
    };
    let same = match is_same {
        Some(true) => "the same result as recorded",
        Some(false) => "not the recorded result",
        None => "no result is recorded to compare with",
    };
    cx.notes
        .line(&format!("ended with {code}{ended} after {took} · {same}"));
    Ok(if is_same == Some(false) {
        Exit::NoMatch
    } else {
        Exit::Done
    })
}
