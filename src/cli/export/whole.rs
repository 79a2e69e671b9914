//! A whole run as one document: `--as md` and `--as html`.

use super::{As, Export, report_masked, write};
use crate::analysis::replay::Tape;
use crate::base::human;
use crate::cli::Cx;
use crate::cli::failure::{Exit, Failure};
use crate::cli::output;
use crate::export::page::{self, html, markdown};
use crate::model::action::ActionIx;
use crate::model::run::RunIx;
use crate::store::Store;

pub(super) fn run(
    cx: &mut Cx,
    (store, run): (&Store, RunIx),
    asked: &Export,
) -> anyhow::Result<Exit> {
    let tape = Tape::new(store, run);
    let (from, to) = (asked.from.unwrap_or(0), asked.to.unwrap_or(u32::MAX));
    let is_wanted = |ix: &&ActionIx| (from..=to).contains(&store.row(**ix).seq());
    let steps: Vec<ActionIx> = tape.steps().iter().filter(is_wanted).copied().collect();
    if steps.is_empty() {
        let actions = store.run(run).totals.actions;
        let what = format!("no action from {from} to {to} (the run has {actions})");
        return Err(Failure::Usage(what).into());
    }
    let is_masked = asked.target.reason().is_none();
    let page = page::page(store, run, &steps, is_masked, &cx.out.style.zone);
    store.intact()?;
    if asked.review {
        for mask in &page.masks {
            cx.out
                .line(&format!("#{} {}: {}", mask.seq, mask.place, mask.shown))?;
        }
        let what = human::counted(page.masks.len() as u64, "secret");
        let verb = if is_masked {
            "would be masked"
        } else {
            "are masked in the trace itself"
        };
        cx.notes
            .note(&format!("{what} {verb}; nothing was written"));
        return Ok(Exit::Done);
    }
    let document = match asked.what {
        As::Md => markdown::write(&page),
        As::Request | As::Curl | As::Fixture | As::Vcr | As::Html => html::write(&page),
    };
    write(
        cx,
        &asked.target,
        &output::files(store),
        document.as_bytes(),
    )?;
    if page.cut > 0 {
        let what = human::counted(page.cut as u64, "text");
        cx.notes.note(&format!(
            "{what} truncated: open the trace to read them in full"
        ));
    }
    report_masked(cx, page.masks.len());
    Ok(Exit::Done)
}
