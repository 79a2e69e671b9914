//! The model calls of a run as a cassette: `--as vcr`.

use super::{Export, report_masked, write};
use crate::analysis::context;
use crate::base::human;
use crate::cli::Cx;
use crate::cli::failure::{Exit, Failure};
use crate::cli::output;
use crate::export::vcr;
use crate::model::action::ActionIx;
use crate::model::run::RunIx;
use crate::store::Store;

pub(super) fn run(
    cx: &mut Cx,
    (store, run): (&Store, RunIx),
    asked: &Export,
) -> anyhow::Result<Exit> {
    let usage = |what: &str| anyhow::Error::from(Failure::Usage(what.to_owned()));
    if asked.review {
        return Err(usage("--review is for --as md and --as html"));
    }
    let (from, to) = (asked.from.unwrap_or(0), asked.to.unwrap_or(u32::MAX));
    // Calls that a fork or a resumed session copied were requested in another run.
    let rows = store.rows().filter(|row| {
        row.run_ix() == run
            && row.copied_from().is_none()
            && context::is_call(row)
            && (from..=to).contains(&row.seq())
    });
    let calls: Vec<ActionIx> = rows.map(|row| row.ix()).collect();
    if calls.is_empty() {
        return Err(usage("no model call to export"));
    }
    let made = vcr::cassette(store, &calls, asked.target.reason());
    store.intact()?;
    let text = made.text.get().as_bytes();
    write(cx, &asked.target, &output::files(store), text)?;
    let notes = [
        (
            made.reconstructed,
            "reconstructed from the trace: a test may send something else",
        ),
        (made.cut, "left out, because their answers were cut off"),
    ];
    for (count, what) in notes.into_iter().filter(|(count, _)| *count > 0) {
        let calls = human::counted(count as u64, "model call");
        cx.notes.note(&format!("{calls} {what}"));
    }
    report_masked(cx, made.text.count());
    Ok(Exit::Done)
}
