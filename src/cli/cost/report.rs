//! `cost` without `--by`: every list, the longest ones in part.

use crate::analysis::costs::By;
use crate::cli::Cx;
use crate::cli::cost::{CostReport, tables};
use crate::export::costs as cost_text;
use crate::export::words::{self, Role};

/// Lines of each list, unless `--limit` says otherwise.
const SHOWN: usize = 8;

pub(super) fn write(
    cx: &mut Cx,
    found: &CostReport<'_>,
    limit: Option<usize>,
) -> anyhow::Result<()> {
    let costs = &found.costs;
    if costs.calls.is_empty() {
        cx.notes.note("no model calls");
        return Ok(());
    }
    let usage = words::usage(&costs.total.usage).unwrap_or_else(|| "not recorded".to_owned());
    for (name, value) in [("cost", cost_text::total(costs)), ("tokens", usage)] {
        let name = cx.out.style.paint(Role::Dim, &format!("{name:<10}"));
        cx.out.line(&format!("{name}{value}"))?;
    }
    for window in &found.windows {
        let words = cost_text::window(window, &cx.out.style.zone);
        let name = cx.out.style.paint(Role::Dim, &format!("{:<10}", "limit"));
        cx.out.line(&format!("{name}{words}"))?;
    }
    let limit = Some(limit.unwrap_or(SHOWN));
    for by in shown(found) {
        cx.out.line("")?;
        tables::write(cx, found, by, limit)?;
    }
    notes(cx, found)
}

fn shown(found: &CostReport<'_>) -> Vec<By> {
    let costs = &found.costs;
    let is_shown = |by: &By| match by {
        By::Kind | By::Model | By::Tool | By::Call => true,
        By::Subagent => costs.agents.len() > 1,
        By::Run => costs.runs.len() > 1,
        By::Turn => costs.runs.len() == 1 && costs.turns.len() > 1,
        By::Result => found.tolls.as_ref().is_some_and(|tolls| !tolls.is_empty()),
        By::Miss => found.misses.as_ref().is_some_and(|it| !it.found.is_empty()),
    };
    let order = [
        By::Kind,
        By::Run,
        By::Model,
        By::Tool,
        By::Subagent,
        By::Turn,
        By::Call,
        By::Result,
        By::Miss,
    ];
    order.into_iter().filter(is_shown).collect()
}

/// What the lists cannot say.
fn notes(cx: &mut Cx, found: &CostReport<'_>) -> anyhow::Result<()> {
    let unrecorded = found.misses.as_ref().map_or(0, |misses| misses.unrecorded);
    if unrecorded > 0 {
        cx.out.line("")?;
        let words = format!(
            "cache misses: {} without recorded cache reads",
            cost_text::calls(unrecorded)
        );
        cx.out.painted(Role::Dim, &words)?;
    }
    if found.tolls.is_none() {
        let words = "tolls and cache misses are listed for one run (PATH#RUN), or with --by result and --by miss";
        cx.notes.note(words);
    }
    Ok(())
}
