//! What a rule measured over time: a number after each step of a run, or after each run of a chart.

use std::sync::Arc;

use crate::analysis::alerts::alert::Alert;
use crate::analysis::alerts::budget::Resource;
use crate::analysis::alerts::check::{self, Feed, Report};
use crate::analysis::alerts::detector::Detector;
use crate::analysis::alerts::engine::{Amount, Hit};
use crate::analysis::alerts::fact::{Fact, Scratch, What};
use crate::analysis::alerts::history::Scope;
use crate::analysis::alerts::rules::{By, Rules};
use crate::base::cancel::CancelFlag;
use crate::model::action::ActionIx;
use crate::query::Context;
use crate::store::Store;

/// The numbers, in order.
#[derive(Debug, Clone, PartialEq)]
pub struct Trail {
    pub points: Vec<f64>,
    pub limit: f64,
    /// What a number is, in words: `steps in a row after each step`.
    pub what: &'static str,
}

/// What charts measured: the rule, the scope, and a number after each run.
pub type Charted = Vec<(usize, Scope, Vec<f64>)>;

/// How the measure of an alert approached its limit; none for a detector without a measure between hits.
pub fn trail(
    store: &Store,
    rules: &Rules,
    (report, alert): (&Report, &Alert),
    (context, cancel): (&Context, &CancelFlag),
) -> Option<Trail> {
    let hit = alert.worst();
    let (_, limit) = hit.numbers();
    let charted = |limit: f64, what| {
        let scope = chart_of(store, alert);
        let mut all = report.charted.iter();
        let found = all.find(|(rule, of, _)| *rule == alert.rule && *of == scope)?;
        Some(Trail {
            points: found.2.clone(),
            limit,
            what,
        })
    };
    match &hit.amount {
        Amount::Rate(_) => charted(limit, "S after each run"),
        Amount::Drift(drift) => charted(drift.point.limit - drift.mean, "z after each run"),
        Amount::Outlier(_) => charted(limit, "cost of each run"),
        Amount::Match { .. } => None,
        Amount::Count { .. } | Amount::Used(_) => {
            let points = stepwise(store, rules, hit, (context, cancel))?;
            Some(Trail {
                points,
                limit,
                what: what(hit.detector),
            })
        }
    }
}

/// The scope under which a chart is kept: outliers are about a run, but compared with those of its agent.
fn chart_of(store: &Store, alert: &Alert) -> Scope {
    if alert.worst().detector != Detector::CostOutlier {
        return alert.scope.clone();
    }
    let agent = store.run(alert.run()).who.agent;
    vec![(By::Agent, store.symbols().name(agent).into())]
}

fn what(detector: Detector) -> &'static str {
    match detector {
        Detector::Repeat | Detector::Stale | Detector::Errors | Detector::SameResult => {
            "steps in a row, after each step"
        }
        Detector::StoppedAgain | Detector::Echo => "times, after each step",
        Detector::ContextFull => "percent of the window, after each model call",
        Detector::ContextJump => "tokens added by each step",
        Detector::Cost => "cost so far, after each model call",
        Detector::Tokens => "tokens so far, after each model call",
        Detector::Calls => "tool calls so far, after each model call",
        Detector::Steps => "model calls so far",
        Detector::Wall => "time so far, after each model call",
        Detector::Idle
        | Detector::CostOutlier
        | Detector::CostDrift
        | Detector::Rate
        | Detector::Match => "",
    }
}

/// Feeds the run of a hit to its rule once more, and reads the measure after each model call.
fn stepwise(
    store: &Store,
    rules: &Rules,
    hit: &Hit,
    (context, cancel): (&Context, &CancelFlag),
) -> Option<Vec<f64>> {
    if hit.detector == Detector::Idle {
        return None;
    }
    let alone = Arc::new(Rules {
        rules: vec![rules.rules[hit.rule].clone()],
        ..Rules::default()
    });
    let masks = check::masks(store, &alone, context, cancel);
    let mut feed = Feed::new(store, &alone, Some(&[hit.run]));
    let mut scratch = Scratch::default();
    let mut points = Vec::new();
    let mut before = None;
    let first = store.run(hit.run).first_action.0.max(store.first());
    for ix in (first..store.len()).map(ActionIx) {
        if cancel.is_raised() {
            return None;
        }
        let Some(fact) = feed.fact(store, ix, &mut scratch) else {
            continue;
        };
        feed.push(store, &masks, &fact);
        if matches!(fact.what, What::Response(_)) && hit.lane.is_none_or(|lane| lane == fact.lane) {
            points.extend(read(&feed, hit, &fact, &mut before));
        }
    }
    feed.engine.finish();
    points.extend(feed.engine.measure(hit));
    Some(points)
}

/// The measure after a model call.
fn read(feed: &Feed, hit: &Hit, fact: &Fact, before: &mut Option<u64>) -> Option<f64> {
    let What::Response(response) = fact.what else {
        return None;
    };
    if hit.detector == Detector::ContextFull {
        let (tokens, window) = response.context.zip(response.window)?;
        Some(100.0 * tokens as f64 / window.max(1) as f64)
    } else if hit.detector == Detector::ContextJump {
        let tokens = response.context?;
        let before = before.replace(tokens)?;
        Some(tokens.saturating_sub(before) as f64)
    } else {
        feed.engine.measure(hit)
    }
}

/// A resource in the unit of [`Hit::numbers`].
pub(super) fn scaled(resource: Resource, amount: i64) -> f64 {
    let scale = match resource {
        Resource::Cost => 1e12,
        Resource::Wall | Resource::Idle => 1e3,
        Resource::Tokens | Resource::Calls | Resource::Steps => 1.0,
    };
    amount as f64 / scale
}
