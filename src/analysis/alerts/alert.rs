//! Alerts as they are reported to people and programs: all hits of one rule on one scope, with the arithmetic behind
//! them.

use std::collections::BTreeMap;

use crate::analysis::alerts::budget::{Resource, Used};
use crate::analysis::alerts::detector::{Detector, Level};
use crate::analysis::alerts::engine::{Amount, Hit};
use crate::analysis::alerts::history::{Drift, Outlier, Rate, Scope, scope_of};
use crate::analysis::alerts::rules::{Rules, Within};
use crate::analysis::alerts::trail;
use crate::base::hash::fixed_hash;
use crate::base::human;
use crate::model::action::ActionIx;
use crate::model::run::RunIx;
use crate::store::Store;

/// One rule on one scope.
#[derive(Debug, Clone, PartialEq)]
pub struct Alert {
    /// 16 hexadecimal digits, the same whenever the rule fires on this scope.
    pub id: String,
    /// The index of the rule.
    pub rule: usize,
    pub scope: Scope,
    /// All hits, in the order of the store. Never empty.
    pub hits: Vec<Hit>,
    /// The one that is shown, by index: the first of the worst.
    worst: usize,
}

impl Alert {
    pub fn worst(&self) -> &Hit {
        &self.hits[self.worst]
    }

    pub fn level(&self) -> Level {
        self.worst().level
    }

    pub fn run(&self) -> RunIx {
        self.worst().run
    }

    /// The evidence of all hits, in order.
    pub fn evidence(&self) -> Vec<ActionIx> {
        let mut all: Vec<ActionIx> = self
            .hits
            .iter()
            .flat_map(|hit| hit.evidence.iter().copied())
            .collect();
        all.sort_unstable();
        all.dedup();
        all
    }

    /// The deduplication key for sinks.
    pub fn key(&self, rules: &Rules) -> String {
        format!("saferun/{}/{}", rules.rules[self.rule].id, self.id)
    }

    /// The scope in words: `run 7f3a91 · support`.
    pub fn about(&self) -> String {
        about(&self.scope)
    }
}

/// A scope in words; raw names.
pub fn about(scope: &Scope) -> String {
    in_words(scope.iter().map(|(by, value)| (by.word(), &**value)))
}

/// A scope in words, from pairs of a word and a raw name.
pub fn in_words<'a>(scope: impl Iterator<Item = (&'a str, &'a str)>) -> String {
    let (named, unnamed): (Vec<_>, Vec<_>) = scope.partition(|(_, value)| !value.is_empty());
    if !named.is_empty() {
        let words = named.iter().map(|(by, value)| format!("{by} {value}"));
        return words.collect::<Vec<_>>().join(" · ");
    }
    if unnamed.is_empty() {
        return "all runs".to_owned();
    }
    let missing: Vec<&str> = unnamed.iter().map(|(by, _)| *by).collect();
    format!("runs without a recorded {}", missing.join(" or "))
}

/// Groups the hits of a rule on the same scope into one alert. Those in `hits` are about a run and an agent.
pub(super) fn grouped(
    store: &Store,
    rules: &Rules,
    hits: impl Iterator<Item = Hit>,
    scoped: Vec<(Scope, Hit)>,
) -> Vec<Alert> {
    let mut groups: BTreeMap<(usize, Scope), Vec<Hit>> = BTreeMap::new();
    let own = hits.map(|hit| {
        let scope = scope_of(&rules.rules[hit.rule].by, &store.row(hit.at));
        (scope, hit)
    });
    for (scope, hit) in own.chain(scoped) {
        groups.entry((hit.rule, scope)).or_default().push(hit);
    }
    let mut alerts: Vec<Alert> = groups
        .into_iter()
        .map(|((rule, scope), mut hits)| {
            hits.sort_by_key(|hit| (hit.at, hit.detector, hit.level));
            let rank = |at: &usize| (std::cmp::Reverse(hits[*at].level), *at);
            Alert {
                id: id(&rules.rules[rule].id, &scope),
                rule,
                worst: (0..hits.len()).min_by_key(rank).unwrap_or_default(),
                scope,
                hits,
            }
        })
        .collect();
    alerts.sort_by_key(|alert| (alert.hits[0].at, alert.rule));
    alerts
}

fn id(rule: &str, scope: &Scope) -> String {
    let mut text = rule.to_owned();
    for (by, value) in scope {
        text.push('\0');
        text.push_str(by.word());
        text.push('\0');
        text.push_str(value);
    }
    format!("{:016x}", fixed_hash(text.as_bytes()))
}

impl Hit {
    /// The measured number and its limit, in the unit of the detector; money in dollars, time in milliseconds.
    pub fn numbers(&self) -> (f64, f64) {
        match &self.amount {
            Amount::Count { limit } => (f64::from(self.count), f64::from(*limit)),
            Amount::Used(used) => {
                let scaled = |amount| trail::scaled(used.resource, amount);
                (scaled(used.value), scaled(used.limit))
            }
            Amount::Outlier(outlier) => (outlier.cost, outlier.normal.limit),
            Amount::Drift(drift) => (drift.point.value, drift.point.limit),
            Amount::Rate(rate) => (rate.sum, super::charts::HEIGHT),
            Amount::Match { count, .. } => (f64::from(self.count), f64::from(*count)),
        }
    }

    /// The reason as a sentence, with its numbers.
    pub fn arithmetic(&self) -> String {
        let sentence = match (&self.amount, self.detector) {
            (Amount::Count { limit }, Detector::ContextFull) => {
                format!("{} (limit {limit} %)", self.sentence())
            }
            (Amount::Count { limit }, _) => {
                format!(
                    "{} (limit {})",
                    self.sentence(),
                    human::count((*limit).into())
                )
            }
            _ => self.sentence(),
        };
        match self.period {
            Some(period) if self.detector != Detector::Repeat => {
                format!("{sentence} · period {period}")
            }
            Some(_) | None => sentence,
        }
    }

    /// The same without the limit of a streak.
    pub fn sentence(&self) -> String {
        match &self.amount {
            Amount::Count { .. } => counted(self.detector, self.count),
            Amount::Used(used) => used_up(used),
            Amount::Outlier(outlier) => out_of_line(outlier),
            Amount::Drift(drift) => drifting(drift, self.count),
            Amount::Rate(rate) => often(rate),
            Amount::Match { count, within } => {
                let actions = human::counted(self.count.into(), "action");
                format!("{actions}{} (limit {count})", spanned(*within))
            }
        }
    }
}

fn counted(detector: Detector, count: u32) -> String {
    let steps = human::counted(count.into(), "step");
    match detector {
        Detector::Repeat => format!("{steps} in a row had the same calls and results"),
        Detector::Stale => format!("{steps} in a row repeated earlier calls and results"),
        Detector::Errors => format!("{steps} in a row failed"),
        Detector::SameResult => format!("{steps} in a row of one tool gave the same result"),
        Detector::StoppedAgain => format!("a call was stopped {count} times and requested again"),
        Detector::Echo => format!("the model gave the same response {count} times"),
        Detector::ContextFull => format!("{count} % of the context window is used"),
        Detector::ContextJump => {
            format!(
                "one step added {} tokens to the context",
                human::count(count.into())
            )
        }
        Detector::Cost
        | Detector::Tokens
        | Detector::Calls
        | Detector::Steps
        | Detector::Wall
        | Detector::Idle
        | Detector::CostOutlier
        | Detector::CostDrift
        | Detector::Rate
        | Detector::Match => count.to_string(),
    }
}

fn used_up(used: &Used) -> String {
    let amount = |number: i64| match used.resource {
        Resource::Cost => human::usd(number as f64 / 1e12),
        Resource::Wall | Resource::Idle => human::span(number),
        Resource::Tokens => format!("{} tokens", human::count(number.unsigned_abs())),
        Resource::Calls => human::counted(number.unsigned_abs(), "tool call"),
        Resource::Steps => human::counted(number.unsigned_abs(), "model call"),
    };
    let bound = match (used.unpriced, used.is_estimate, used.resource) {
        (1.., _, Resource::Cost) => "≥ ",
        (0, true, Resource::Cost) => "≈",
        _ => "",
    };
    let (value, limit) = (amount(used.value), amount(used.limit));
    // `4 of 5 tool calls`: the unit once.
    let value = match used.resource {
        Resource::Cost | Resource::Wall | Resource::Idle => value,
        Resource::Tokens | Resource::Calls | Resource::Steps => {
            human::count(used.value.unsigned_abs())
        }
    };
    let mut words = match (used.level, used.early) {
        (_, Some(step)) => format!(
            "{bound}{value} + {} for one more step > {limit}",
            amount(step)
        ),
        (Level::Trip, None) => format!("{bound}{value} of {limit}"),
        (Level::Info | Level::Warn, None) => {
            let percent = used.value.saturating_mul(100) / used.limit.max(1);
            format!("{bound}{value} of {limit} ({percent} %)")
        }
    };
    if used.resource == Resource::Idle {
        words.push_str(" without an action");
    }
    if used.unpriced > 0 && used.resource == Resource::Cost {
        let calls = human::counted(used.unpriced.into(), "model call");
        words.extend([" · ", &calls, " unpriced"]);
    }
    words
}

fn out_of_line(outlier: &Outlier) -> String {
    let normal = &outlier.normal;
    let (cost, limit) = (human::usd(outlier.cost), human::usd(normal.limit));
    let (median, spread) = (human::usd(normal.median), normal.spread);
    let (n, baseline) = (normal.n, outlier.basis.words());
    format!("{cost} > {limit} = {median} · e^(3.5·√(1+20/{n})·{spread:.3}) · baseline: {baseline}")
}

fn drifting(drift: &Drift, count: u32) -> String {
    let percent = ((drift.point.value - drift.mean).exp() - 1.0) * 100.0;
    let (value, limit) = (
        drift.point.value - drift.mean,
        drift.point.limit - drift.mean,
    );
    let runs = human::counted(count.into(), "run");
    let baseline = drift.basis.words();
    let mix = if drift.mix.is_empty() {
        String::new()
    } else {
        format!(" · {}", drift.mix)
    };
    format!(
        "the last {runs} cost ≈{percent:.0} % more than before: z {value:.3} > {limit:.3}{mix} · baseline: {baseline}"
    )
}

fn often(rate: &Rate) -> String {
    let share = 100.0 * f64::from(rate.events) / f64::from(rate.calls.max(1));
    format!(
        "S {:.1} > {}: {} of {} ({share:.0} %), where p₀ is {:.1} % · baseline: {}",
        rate.sum,
        super::charts::HEIGHT,
        rate.events,
        human::counted(rate.calls.into(), "call"),
        100.0 * rate.p0,
        rate.basis.words()
    )
}

fn spanned(within: Option<Within>) -> String {
    match within {
        None => String::new(),
        Some(Within::Time(span)) => format!(" within {}", human::span(span)),
        Some(Within::Runs(runs)) => format!(" within {}", human::counted(runs.into(), "run")),
        Some(Within::Steps(steps)) => format!(" within {}", human::counted(steps.into(), "step")),
    }
}

#[cfg(test)]
mod tests {
    use super::about;
    use crate::analysis::alerts::rules::By;

    #[test]
    fn runs_without_a_name_are_not_all_runs() {
        assert_eq!(about(&Vec::new()), "all runs");
        let unnamed = vec![(By::Agent, "".into())];
        assert_eq!(about(&unnamed), "runs without a recorded agent");
        let unnamed = vec![(By::Agent, "".into()), (By::Model, "".into())];
        assert_eq!(about(&unnamed), "runs without a recorded agent or model");
        let named = vec![(By::Agent, "".into()), (By::Model, "gpt-5".into())];
        assert_eq!(about(&named), "model gpt-5");
    }
}
