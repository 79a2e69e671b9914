//! The model calls of a run as a cassette: `--as vcr`.

use super::{Export, report_masked, write};
use crate::analysis::context;
use crate::base::human;
use crate::cli::Cx;
use crate::cli::failure::{Exit, Failure};
use crate::cli::place;
use crate::export::vcr;
use crate::model::action::ActionIx;
use crate::model::run::RunIx;
use crate::store::Store;

pub(super) fn run(
    cx: &mut Cx,
    (store, run): (&Store, RunIx),
    asked: &Export,
) -> anyhow::Result<Exit> {
    let (from, to) = (asked.from.unwrap_or(0), asked.to.unwrap_or(u32::MAX));
    // What a fork or a resumed session copied is not requested again.
    let rows = store.rows().filter(|row| {
        row.run_ix() == run
            && row.copied_from().is_none()
            && context::is_call(row)
            && (from..=to).contains(&row.seq())
    });
    let calls: Vec<ActionIx> = rows.map(|row| row.ix()).collect();
    if asked.review || calls.is_empty() {
        let what = if asked.review {
            "--review is for --as md and --as html"
        } else {
            "no model call to export"
        };
        return Err(Failure::Usage(what.to_owned()).into());
    }
    let made = vcr::cassette(store, &calls, asked.target.reason());
    store.intact()?;
    let text = made.text.get().as_bytes();
    write(cx, &asked.target, &place::files(store), text)?;
    let told = [
        (
            made.reconstructed,
            "reconstructed from the trace: a test may send something else",
        ),
        (made.cut, "left out, because their answers were cut off"),
    ];
    for (count, what) in told.into_iter().filter(|(count, _)| *count > 0) {
        let calls = human::counted(count as u64, "model call");
        cx.notes.note(&format!("{calls} {what}"));
    }
    report_masked(cx, made.text.count());
    Ok(Exit::Done)
}
