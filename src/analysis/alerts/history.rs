//! Findings about whole runs: cost outliers, creeping costs and rates, and actions that are too close together. Runs
//! are taken in the order in which they began.
//!
//! The normal level comes from a baseline file, or is learned from the earlier runs of the same store without alerts.

pub mod baseline;
mod bursts;
mod costs;
mod rates;

use std::collections::{BTreeMap, HashMap};

use crate::analysis::alerts::charts::{Normal, Point};
use crate::analysis::alerts::engine::Hit;
use crate::analysis::alerts::history::baseline::Known;
use crate::analysis::alerts::rules::{By, Rule, Watches};
use crate::base::human;
use crate::model::action::ActionIx;
use crate::model::quantity::Time;
use crate::model::run::RunIx;
use crate::store::Store;
use crate::store::row::Row;

/// A run that cost more than normal.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Outlier {
    /// In dollars.
    pub cost: f64,
    pub normal: Normal,
    pub basis: Basis,
}

/// A drift of costs upwards.
#[derive(Debug, Clone, PartialEq)]
pub struct Drift {
    pub point: Point,
    /// The mean of the chart.
    pub mean: f64,
    pub basis: Basis,
    /// `sympy 40 % of the last 20, 15 % before`; empty if task families are unknown or their mix is unchanged.
    pub mix: String,
}

/// An event that happens more often than normal.
#[derive(Debug, Clone, PartialEq)]
pub struct Rate {
    pub sum: f64,
    pub p0: f64,
    /// Since the sum was last 0.
    pub events: u32,
    pub calls: u32,
    pub basis: Basis,
}

/// The runs that a normal level comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Basis {
    pub runs: usize,
    /// From the day on which the first of them began to that of the last, both included (UTC). None unless all of them
    /// record when they began; the first day of 1970 is that of a clock that was never set.
    pub days: Option<u32>,
}

impl Basis {
    pub fn of(began: impl Iterator<Item = Time>) -> Basis {
        let known = |time: Time| time.day().filter(|day| *day > 0);
        let days: Vec<Option<i64>> = began.map(known).collect();
        let first = days.iter().copied().min().flatten();
        let last = days.iter().copied().max().flatten();
        let between = first.zip(last).map(|(first, last)| last - first + 1);
        Basis {
            runs: days.len(),
            days: between.and_then(|days| u32::try_from(days).ok()),
        }
    }

    /// `214 runs over 12 days`.
    pub fn words(self) -> String {
        let runs = human::counted(self.runs as u64, "run");
        match self.days {
            Some(days) => format!("{runs} over {}", human::counted(days.into(), "day")),
            None if self.runs == 0 => runs,
            None => format!("{runs}, days not recorded"),
        }
    }
}

/// A scope whose normal level is not known yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Learning {
    pub rule: usize,
    pub scope: Scope,
    pub have: usize,
    pub need: usize,
}

/// The runs of an agent that normal levels are learned from: those without an alert.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Learned {
    pub agent: Box<str>,
    pub runs: usize,
    /// When the first and the last of them began.
    pub first: Time,
    pub last: Time,
}

/// What one alert of a rule is about.
pub type Scope = Vec<(By, Box<str>)>;

/// Findings about whole runs.
#[derive(Debug, Clone, Default)]
pub struct RunFindings {
    pub hits: Vec<(Scope, Hit)>,
    pub learning: Vec<Learning>,
    /// By scope, what was measured after each run.
    pub charted: BTreeMap<Scope, Vec<f64>>,
}

/// The runs to check, in the order in which they began.
#[derive(Debug)]
pub struct Past<'a> {
    pub store: &'a Store,
    pub runs: Vec<RunIx>,
    /// Per run of the store, its actions.
    rows: Vec<Vec<ActionIx>>,
    /// Per run of the store, whether another alert fired in it: nothing is learned from it.
    pub is_alarming: Vec<bool>,
}

impl<'a> Past<'a> {
    pub fn new(store: &'a Store, runs: &[RunIx]) -> Past<'a> {
        let mut runs = runs.to_vec();
        // Runs without a time come last, in store order.
        runs.sort_by_key(|ix| {
            let started = store.run(*ix).started;
            (!started.is_some(), started, *ix)
        });
        let mut rows = vec![Vec::new(); store.runs().len()];
        for row in store.rows() {
            if row.seq() > 0
                && let Some(rows) = rows.get_mut(row.run_ix().0 as usize)
            {
                rows.push(row.ix());
            }
        }
        Past {
            store,
            runs,
            rows,
            is_alarming: vec![false; store.runs().len()],
        }
    }

    pub fn rows(&self, run: RunIx) -> &[ActionIx] {
        self.rows
            .get(run.0 as usize)
            .map(Vec::as_slice)
            .unwrap_or_default()
    }

    fn last(&self, run: RunIx) -> Option<ActionIx> {
        self.rows(run).last().copied()
    }

    /// By agent, what is learned from; the agent with the most runs first.
    pub fn learned(&self) -> Vec<Learned> {
        let mut agents: BTreeMap<&str, Learned> = BTreeMap::new();
        let calm = self.runs.iter();
        for run in calm.filter(|run| !self.is_alarming[run.0 as usize]) {
            let run = self.store.run(*run);
            let agent = self.store.symbols().name(run.who.agent);
            let learned = agents.entry(agent).or_insert_with(|| Learned {
                agent: agent.into(),
                runs: 0,
                first: Time::NONE,
                last: Time::NONE,
            });
            learned.runs += 1;
            // Runs come in the order in which they began.
            learned.first = learned.first.or(run.started);
            learned.last = learned.last.max(run.started);
        }
        let mut all: Vec<Learned> = agents.into_values().collect();
        all.sort_by_key(|it| std::cmp::Reverse(it.runs));
        all
    }

    /// The runs that a rule looks at.
    fn kept(&self, mask: &Mask) -> Vec<RunIx> {
        let runs = self.runs.iter().copied();
        runs.filter(|run| mask.sees_run(*run)).collect()
    }
}

/// What passes the filter of a rule.
#[derive(Debug, Clone, Default)]
pub enum Mask {
    #[default]
    All,
    /// By action.
    Rows(Vec<bool>),
    /// By run.
    Runs(Vec<bool>),
}

impl Mask {
    pub fn sees(&self, run: RunIx, ix: ActionIx) -> bool {
        let at = |all: &[bool], at: u32| all.get(at as usize).copied().unwrap_or(false);
        match self {
            Mask::All => true,
            Mask::Rows(rows) => at(rows, ix.0),
            Mask::Runs(runs) => at(runs, run.0),
        }
    }

    /// Whether two masks see the same of these actions.
    pub fn agrees(&self, other: &Mask, mut among: impl Iterator<Item = ActionIx>) -> bool {
        match (self, other) {
            (Mask::Rows(one), Mask::Rows(two)) => {
                let at = |all: &[bool], ix: ActionIx| all.get(ix.0 as usize).copied();
                among.all(|ix| at(one, ix) == at(two, ix))
            }
            (Mask::All, Mask::All) | (Mask::Runs(_), Mask::Runs(_)) => true,
            (Mask::All | Mask::Rows(_) | Mask::Runs(_), _) => false,
        }
    }

    fn sees_run(&self, run: RunIx) -> bool {
        match self {
            Mask::All | Mask::Rows(_) => true,
            Mask::Runs(runs) => runs.get(run.0 as usize).copied().unwrap_or(false),
        }
    }
}

/// The scope that an action belongs to.
pub fn scope_of(by: &[By], row: &Row<'_>) -> Scope {
    let (store, run) = (row.store, row.run());
    let name = |sym| store.symbols().name(sym);
    by.iter()
        .map(|by| {
            let value = match by {
                By::Run => &*run.id,
                By::Lane => row.agent(),
                By::Agent => name(run.who.agent),
                By::Tool => row.tool(),
                By::Model => run.who.models.first().map_or("", |model| name(*model)),
                By::User => name(run.who.user),
                By::Service => name(run.who.service),
                By::Task => name(run.who.task),
            };
            (*by, value.into())
        })
        .collect()
}

/// All findings of one rule about whole runs.
pub fn look(
    past: &mut Past<'_>,
    (at, rule): (usize, &Rule),
    (mask, marks): (&Mask, &Marks),
    known: Option<&Known>,
) -> RunFindings {
    let look = Look {
        at,
        rule,
        mask,
        known,
    };
    match &rule.watches {
        Watches::Lane { .. } | Watches::Budget(_) => RunFindings::default(),
        Watches::Outlier => costs::outliers(past, &look),
        Watches::Drift => costs::drift(past, &look),
        Watches::Rate { event, .. } => rates::rates(past, &look, marks, event),
        Watches::Match { count, within, .. } => {
            bursts::bursts(past, &look, marks, (*count, *within))
        }
    }
}

/// The actions that match the filters of a rule.
#[derive(Debug, Clone, Default)]
pub struct Marks {
    /// `event` of a rate, `when` of a match.
    pub events: Vec<bool>,
    /// `of` of a rate.
    pub of: Vec<bool>,
}

/// One rule, and what it may see.
#[derive(Debug)]
struct Look<'a> {
    at: usize,
    rule: &'a Rule,
    mask: &'a Mask,
    known: Option<&'a Known>,
}

/// How often a rule went off on each scope, confirmed or not.
#[derive(Debug, Default)]
struct Firings(HashMap<Scope, u32>);

impl Firings {
    /// Counts one, and returns whether it is confirmed. A chart adds up runs before it goes off: that confirms once.
    fn confirm(&mut self, scope: &Scope, rule: &Rule) -> bool {
        let before = u32::from(rule.is_chart());
        let count = self.0.entry(scope.clone()).or_insert(before);
        *count += 1;
        *count >= rule.confirm
    }
}

/// The part of a task id before its number: runs of one family are alike. Empty if there is none.
pub fn family(task: &str) -> &str {
    let ends = ["__", "/", ":"]
        .iter()
        .filter_map(|end| task.find(end))
        .min();
    ends.and_then(|end| task.get(..end)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::Basis;
    use crate::model::quantity::Time;

    #[test]
    fn the_days_of_a_baseline_are_counted_with_both_ends_or_not_recorded() {
        let hours = |hours: &[i64]| {
            let of = |hour: &i64| Time((20_000 * 24 + hour) * 3_600_000_000);
            let times: Vec<Time> = hours.iter().map(of).collect();
            Basis::of(times.into_iter()).words()
        };
        assert_eq!(hours(&[1, 2]), "2 runs over 1 day");
        assert_eq!(hours(&[23, 49, 25]), "3 runs over 3 days");
        let today = Time(20_000 * 24 * 3_600_000_000);
        for unknown in [Time::NONE, Time(0)] {
            let words = Basis::of([today, unknown].into_iter()).words();
            assert_eq!(words, "2 runs, days not recorded");
        }
        assert_eq!(Basis::default().words(), "0 runs");
    }
}
