//! Rates of events among calls, compared with the normal rate of their scope.

use std::collections::BTreeMap;

use crate::analysis::alerts::charts::{Cusum, LEAST, normal_rate};
use crate::analysis::alerts::detector::Detector;
use crate::analysis::alerts::engine::{Amount, Hit};
use crate::analysis::alerts::history::{
    Basis, Firings, Learning, Look, Marks, Past, Rate, RunFindings, Scope, scope_of,
};
use crate::analysis::alerts::rules::By;
use crate::model::action::ActionIx;
use crate::model::quantity::Time;
use crate::model::run::RunIx;
use crate::query::expr::Expr;

/// The most events kept as evidence.
const KEPT: usize = 32;

/// Events and calls of a run to learn from, and when it began.
#[derive(Debug)]
struct Counted {
    events: u32,
    calls: u32,
    at: Time,
}

/// The chart of one scope.
#[derive(Debug, Default)]
struct Chart {
    learned: Vec<Counted>,
    cusum: Option<Cusum>,
    basis: Basis,
    /// Since the sum was last 0.
    events: Vec<ActionIx>,
    calls: u32,
}

pub(super) fn rates(past: &Past<'_>, look: &Look<'_>, marks: &Marks, event: &Expr) -> RunFindings {
    let mut found = RunFindings::default();
    let mut charts: BTreeMap<Scope, Chart> = BTreeMap::new();
    let mut firings = Firings::default();
    for run in past.kept(look.mask) {
        for (scope, calls) in scopes(past, look, marks, run) {
            let chart = charts.entry(scope.clone()).or_default();
            if chart.cusum.is_none() && !chart.prepare(look, &scope, event) {
                let events = calls.iter().filter(|(_, is_event)| *is_event).count();
                chart.learned.push(Counted {
                    events: events as u32,
                    calls: calls.len() as u32,
                    at: past.store.run(run).started,
                });
                continue;
            }
            let fires = chart.run(&calls);
            let top = fires.iter().map(|(_, rate, _)| rate.sum);
            let sum = chart.cusum.as_ref().map_or(0.0, |cusum| cusum.sum);
            let trail = found.charted.entry(scope.clone()).or_default();
            trail.push(top.fold(sum, f64::max));
            for (ix, rate, evidence) in fires {
                if !firings.confirm(&scope, look.rule) {
                    continue;
                }
                let hit = Hit {
                    rule: look.at,
                    detector: Detector::Rate,
                    level: look.rule.severity,
                    run,
                    lane: None,
                    at: ix,
                    count: rate.events,
                    amount: Amount::Rate(rate),
                    period: None,
                    evidence,
                };
                found.hits.push((scope.clone(), hit));
            }
        }
    }
    for (scope, chart) in charts {
        if chart.cusum.is_none() {
            found.learning.push(Learning {
                rule: look.at,
                scope,
                have: chart.learned.len().min(LEAST),
                need: LEAST,
            });
        }
    }
    found
}

/// The calls of a run by scope, in order, and whether each is an event.
fn scopes(
    past: &Past<'_>,
    look: &Look<'_>,
    marks: &Marks,
    run: RunIx,
) -> BTreeMap<Scope, Vec<(ActionIx, bool)>> {
    let mut scopes: BTreeMap<Scope, Vec<(ActionIx, bool)>> = BTreeMap::new();
    let marked = |all: &[bool], ix: ActionIx| all.get(ix.0 as usize).copied().unwrap_or(false);
    let of_run = !look
        .rule
        .by
        .iter()
        .any(|by| matches!(by, By::Tool | By::Lane));
    let mut whole: Option<Scope> = None;
    for ix in past.rows(run) {
        if !marked(&marks.of, *ix) || !look.mask.sees(run, *ix) {
            continue;
        }
        let row = past.store.row(*ix);
        let scope = match &whole {
            Some(scope) if of_run => scope.clone(),
            _ => scope_of(&look.rule.by, &row),
        };
        whole = Some(scope.clone());
        let calls = scopes.entry(scope).or_default();
        calls.push((*ix, marked(&marks.events, *ix)));
    }
    scopes
}

impl Chart {
    /// Starts the chart if the normal rate is known.
    fn prepare(&mut self, look: &Look<'_>, scope: &Scope, event: &Expr) -> bool {
        if let Some(known) = known(look, scope, event) {
            self.learned = known;
        }
        if self.learned.len() < LEAST {
            return false;
        }
        let learned = self.learned.iter();
        self.basis = Basis::of(learned.clone().map(|it| it.at));
        let counts = learned.map(|it| (it.events, it.calls));
        self.cusum = Some(Cusum::new(normal_rate(counts)));
        true
    }

    /// Where the chart fires among the calls of a run, with the events that caused it.
    fn run(&mut self, calls: &[(ActionIx, bool)]) -> Vec<(ActionIx, Rate, Vec<ActionIx>)> {
        let mut fires = Vec::new();
        let Some(cusum) = &mut self.cusum else {
            return fires;
        };
        cusum.run();
        for (ix, is_event) in calls {
            let fired = cusum.add(*is_event);
            self.calls += 1;
            if *is_event && self.events.len() < KEPT {
                self.events.push(*ix);
            }
            if let Some(sum) = fired {
                let rate = Rate {
                    sum,
                    p0: cusum.p0,
                    events: self.events.len() as u32,
                    calls: self.calls,
                    basis: self.basis,
                };
                fires.push((*ix, rate, std::mem::take(&mut self.events)));
            }
            if cusum.sum <= 0.0 {
                self.calls = 0;
                self.events.clear();
            }
        }
        fires
    }
}

/// The runs of a baseline, if it covers the scope.
fn known(look: &Look<'_>, scope: &Scope, event: &Expr) -> Option<Vec<Counted>> {
    let is_known = |by: &By| matches!(by, By::Agent | By::Model);
    let known = look.known.filter(|_| look.rule.by.iter().all(is_known))?;
    let fits = |run: &&super::baseline::KnownRun| {
        scope.iter().all(|(by, value)| match by {
            By::Agent => run.agent == *value,
            _ => run.model == *value,
        })
    };
    let runs = known.runs.iter().filter(fits);
    let counted = runs.filter_map(|run| {
        let (events, calls) = run.events(event)?;
        let at = run.at;
        Some(Counted { events, calls, at })
    });
    let counted: Vec<Counted> = counted.collect();
    (!counted.is_empty()).then_some(counted)
}
