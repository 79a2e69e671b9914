//! Bursts: enough actions that match a filter within a time span or a number of steps or runs.

use std::collections::{BTreeMap, VecDeque};

use crate::analysis::alerts::detector::Detector;
use crate::analysis::alerts::engine::{Amount, Hit};
use crate::analysis::alerts::history::{Firings, Look, Marks, Past, RunFindings, Scope, scope_of};
use crate::analysis::alerts::rules::Within;
use crate::model::action::{ActionIx, Kind};
use crate::model::quantity::Time;
use crate::model::run::RunIx;

/// The position of an action.
#[derive(Debug, Clone, Copy)]
struct Stand {
    ix: ActionIx,
    time: Time,
    /// The number of its run, in the order in which runs began.
    run: (RunIx, u32),
    /// Model calls of its run before it.
    step: u32,
}

pub(super) fn bursts(
    past: &Past<'_>,
    look: &Look<'_>,
    marks: &Marks,
    (count, within): (u32, Option<Within>),
) -> RunFindings {
    let mut found = RunFindings::default();
    let mut scopes: BTreeMap<Scope, VecDeque<Stand>> = BTreeMap::new();
    let mut firings = Firings::default();
    for (number, run) in past.kept(look.mask).into_iter().enumerate() {
        let mut step = 0;
        for ix in past.rows(run) {
            let row = past.store.row(*ix);
            step += u32::from(row.kind() == Kind::Response);
            let is_marked = marks.events.get(ix.0 as usize).copied().unwrap_or(false);
            if !is_marked || !look.mask.sees(run, *ix) {
                continue;
            }
            let scope = scope_of(&look.rule.by, &row);
            let stand = Stand {
                ix: *ix,
                time: row.time(),
                run: (run, number as u32),
                step,
            };
            let near = scopes.entry(scope.clone()).or_default();
            near.push_back(stand);
            near.retain(|before| is_within(before, &stand, within));
            if near.len() >= count as usize {
                let evidence: Vec<ActionIx> = near.drain(..).map(|it| it.ix).collect();
                if !firings.confirm(&scope, look.rule) {
                    continue;
                }
                let hit = Hit {
                    rule: look.at,
                    detector: Detector::Match,
                    level: look.rule.severity,
                    run,
                    lane: None,
                    at: *ix,
                    count: evidence.len() as u32,
                    amount: Amount::Match { count, within },
                    period: None,
                    evidence,
                };
                found.hits.push((scope, hit));
            }
        }
    }
    found
}

fn is_within(before: &Stand, now: &Stand, within: Option<Within>) -> bool {
    match within {
        None => true,
        Some(Within::Time(span)) => now
            .time
            .since(before.time)
            .get()
            .is_some_and(|it| it <= span),
        Some(Within::Runs(runs)) => now.run.1 - before.run.1 < runs,
        Some(Within::Steps(steps)) => now.run.0 == before.run.0 && now.step - before.step < steps,
    }
}
