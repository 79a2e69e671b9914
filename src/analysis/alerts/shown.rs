//! Alerts as table cells: the measured number, its limit, and streaks below theirs.

use std::collections::BTreeMap;

use crate::analysis::alerts::alert::Alert;
use crate::analysis::alerts::budget::{Resource, Used};
use crate::analysis::alerts::charts::HEIGHT;
use crate::analysis::alerts::detector::Detector;
use crate::analysis::alerts::engine::{Amount, Hit, Standing};
use crate::analysis::alerts::overlay::Overlay;
use crate::analysis::alerts::rules::{Rules, Within};
use crate::base::human;
use crate::model::run::RunIx;
use crate::store::Store;

/// The measured number: `×5`, `$2.19`, `S 5.1`.
pub fn value(hit: &Hit) -> String {
    match &hit.amount {
        Amount::Count { .. } if hit.detector == Detector::ContextFull => {
            format!("{} %", hit.count)
        }
        Amount::Count { .. } if hit.detector == Detector::ContextJump => {
            format!("+{}", human::short_count(hit.count.into()))
        }
        Amount::Count { .. } | Amount::Match { .. } => format!("×{}", hit.count),
        Amount::Used(used) => {
            let bound = match (used.resource, used.unpriced) {
                (Resource::Cost, 1..) => "≥ ",
                _ => "",
            };
            format!("{bound}{}", resource(used, used.value))
        }
        Amount::Outlier(outlier) => human::usd(outlier.cost),
        Amount::Drift(drift) => format!("z {:.2}", drift.point.value - drift.mean),
        Amount::Rate(rate) => format!("S {:.1}", rate.sum),
    }
}

/// Its limit: `5 steps`, `$2.10 n 499`, `4.5  p₀ 1.8 %`.
pub fn limit(hit: &Hit) -> String {
    match &hit.amount {
        Amount::Count { limit } => counted(hit.detector, *limit),
        Amount::Used(used) => resource(used, used.limit),
        Amount::Outlier(outlier) => {
            let normal = &outlier.normal;
            format!("{} n {}", human::usd(normal.limit), normal.n)
        }
        Amount::Drift(drift) => format!(
            "{:.2} n {}",
            drift.point.limit - drift.mean,
            drift.basis.runs
        ),
        Amount::Rate(rate) => format!("{HEIGHT}  p₀ {:.1} %", 100.0 * rate.p0),
        Amount::Match { count, within } => match within {
            None => human::counted((*count).into(), "time"),
            Some(Within::Time(span)) => format!("{count} in {}", human::span(*span)),
            Some(Within::Runs(runs)) => {
                format!("{count} in {}", human::counted((*runs).into(), "run"))
            }
            Some(Within::Steps(steps)) => {
                format!("{count} in {}", human::counted((*steps).into(), "step"))
            }
        },
    }
}

fn counted(detector: Detector, limit: u32) -> String {
    if detector == Detector::ContextFull {
        format!("{limit} %")
    } else if detector == Detector::ContextJump {
        format!("{} tokens", human::short_count(limit.into()))
    } else if matches!(detector, Detector::StoppedAgain | Detector::Echo) {
        human::counted(limit.into(), "time")
    } else {
        human::counted(limit.into(), "step")
    }
}

fn resource(used: &Used, number: i64) -> String {
    match used.resource {
        Resource::Cost => human::usd(number as f64 / 1e12),
        Resource::Wall | Resource::Idle => human::span(number),
        Resource::Tokens => format!("{} tok", human::short_count(number.unsigned_abs())),
        Resource::Calls => human::counted(number.unsigned_abs(), "call"),
        Resource::Steps => human::counted(number.unsigned_abs(), "step"),
    }
}

/// `loop·repeat`, `context·full`, or only the id if it names the detector.
pub fn title(rules: &Rules, (rule, detector): (usize, Detector)) -> String {
    let id = &rules.rules[rule].id;
    let word = detector.word().trim_start_matches("budget.");
    let word = word.trim_end_matches("_usd");
    let own = word.strip_prefix(id.as_str());
    let word = own.and_then(|it| it.strip_prefix('_')).unwrap_or(word);
    let says_it = detector.word().replace('_', "-") == *id || word == id;
    if says_it || detector.is_chart() || detector == Detector::Match {
        id.clone()
    } else {
        format!("{id}·{word}")
    }
}

impl Alert {
    /// The arithmetic, and a note if the time at which it fired is not recorded.
    pub fn why(&self, store: &Store) -> String {
        let (words, at) = (self.worst().arithmetic(), self.worst().at);
        // Of a long followed trace, the oldest actions are dropped.
        if at.0 < store.first() || store.row(at).time().is_some() {
            words
        } else {
            format!("{words} · no times recorded")
        }
    }

    /// How often the rule fired at the current level.
    pub fn times(&self) -> usize {
        let level = self.level();
        self.hits.iter().filter(|hit| hit.level == level).count()
    }

    /// `fired 6 times, 3 at this level`.
    pub fn fired(&self) -> String {
        let (all, own) = (self.hits.len(), self.times());
        let fired = format!("fired {}", human::counted(all as u64, "time"));
        if own == all {
            fired
        } else {
            format!("{fired}, {own} at this level")
        }
    }
}

/// Streaks of running runs that are at least half way to their limit and have not fired: the nearest one for each agent
/// and rule.
pub fn pending(overlay: &Overlay, is_going: &dyn Fn(RunIx) -> bool) -> Vec<Standing> {
    let mut nearest: BTreeMap<(RunIx, u32, usize), Standing> = BTreeMap::new();
    let has_fired = |it: &Standing| {
        let mut own = overlay.of_run(it.run).filter(|alert| alert.rule == it.rule);
        own.any(|alert| alert.hits.iter().any(|hit| hit.lane == Some(it.lane)))
    };
    let share = |it: &Standing| f64::from(it.count) / f64::from(it.limits.warn.max(1));
    for it in overlay.standings() {
        let is_half = it.count >= 2 && it.count < it.limits.warn && share(&it) >= 0.5;
        if !is_half || !is_going(it.run) || has_fired(&it) {
            continue;
        }
        let key = (it.run, it.lane.0, it.rule);
        let known = nearest.entry(key).or_insert(it);
        if share(&it) > share(known) {
            *known = it;
        }
    }
    nearest.into_values().collect()
}
