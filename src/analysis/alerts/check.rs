//! Applies rules to a store: every alert, what is still being learned, and which rules never fired.

use std::collections::HashMap;
use std::sync::Arc;

use crate::analysis::alerts::alert::{Alert, grouped};
use crate::analysis::alerts::detector::Detector;
use crate::analysis::alerts::engine::{Engine, Hit, Sight};
use crate::analysis::alerts::fact::{Fact, Opens, Scratch};
use crate::analysis::alerts::history::baseline::Known;
use crate::analysis::alerts::history::{self, Basis, Learned, Learning, Marks, Mask, Past};
use crate::analysis::alerts::rules::{Rule, Rules, Watches};
use crate::analysis::alerts::trail::Charted;
use crate::base::cancel::CancelFlag;
use crate::model::action::{ActionIx, Flags, Kind};
use crate::model::run::RunIx;
use crate::query::Context;
use crate::query::alerted::{Alerts, ByRule, Rows};
use crate::query::eval::Query;
use crate::query::expr::Expr;
use crate::query::matches::matches;
use crate::query::runs;
use crate::store::Store;
use crate::store::search::in_order;

/// A check to make.
#[derive(Debug, Clone)]
pub struct Ask<'a> {
    pub rules: &'a Arc<Rules>,
    /// Only these runs; none for all.
    pub only: Option<&'a [RunIx]>,
    pub known: &'a [Known],
    pub context: &'a Context,
}

/// The result of a check.
#[derive(Debug, Clone, Default)]
pub struct Report {
    /// The runs that were checked.
    pub runs: Vec<RunIx>,
    /// In the order of the store.
    pub alerts: Vec<Alert>,
    pub learning: Vec<Learning>,
    pub charted: Charted,
    /// What normal levels were learned from; empty if no rule learns.
    pub learned: Vec<Learned>,
    /// Rules, by index.
    pub never_fired: Vec<usize>,
}

impl Report {
    /// The rules that never fired, without those that are still learning.
    pub fn idle(&self) -> Vec<usize> {
        let learns = |rule: &usize| self.learning.iter().any(|it| it.rule == *rule);
        let never = self.never_fired.iter().copied();
        never.filter(|rule| !learns(rule)).collect()
    }

    /// The runs that normal levels were learned from.
    pub fn basis(&self) -> Basis {
        let began = self.learned.iter().flat_map(|it| [it.first, it.last]);
        Basis {
            runs: self.learned.iter().map(|it| it.runs).sum(),
            ..Basis::of(began)
        }
    }
}

pub fn check(store: &Store, ask: &Ask<'_>, cancel: &CancelFlag) -> Report {
    let masks = masks(store, ask.rules, ask.context, cancel);
    let mut feed = Feed::new(store, ask.rules, ask.only);
    feed.all(store, &masks, cancel);
    feed.bills(store);
    feed.engine.finish();
    report(store, ask, (&feed, &masks), cancel)
}

/// Adds findings about whole runs to the hits of an engine, and groups them into alerts.
pub(super) fn report(
    store: &Store,
    ask: &Ask<'_>,
    (feed, masks): (&Feed, &[Mask]),
    cancel: &CancelFlag,
) -> Report {
    let runs = feed.runs();
    let early = true;
    let hits = feed.engine.hits(early);
    let mut hits: Vec<Hit> = hits.into_iter().filter(|hit| is_own(store, hit)).collect();
    let mut past = Past::new(store, &runs);
    for hit in &hits {
        past.is_alarming[hit.run.0 as usize] = true;
    }
    let mut scoped = Vec::new();
    let mut learning = Vec::new();
    let mut charted = Vec::new();
    let mut rules = ask.rules.rules.iter();
    let learns = rules.any(|rule| rule.is_chart() && known(ask, rule).is_none());
    for (at, rule) in ask.rules.rules.iter().enumerate() {
        if cancel.is_raised() {
            break;
        }
        let marks = marks(store, rule, ask.context, cancel);
        let found = history::look(
            &mut past,
            (at, rule),
            (&masks[at], &marks),
            known(ask, rule),
        );
        scoped.extend(found.hits);
        learning.extend(found.learning);
        let trails = found.charted.into_iter();
        charted.extend(trails.map(|(scope, points)| (at, scope, points)));
    }
    let alerts = grouped(store, ask.rules, hits.drain(..), scoped);
    let has_fired = |at: &usize| alerts.iter().any(|alert| alert.rule == *at);
    Report {
        never_fired: (0..ask.rules.rules.len())
            .filter(|at| !has_fired(at))
            .collect(),
        runs,
        alerts,
        learning,
        charted,
        learned: if learns { past.learned() } else { Vec::new() },
    }
}

/// The hits of the loop detectors: what `is:loop` and the metric `loop` mean.
pub fn loops(store: &Store, only: Option<&[RunIx]>, cancel: &CancelFlag) -> Vec<Hit> {
    let detectors: Vec<Detector> = Detector::ALL
        .iter()
        .copied()
        .filter(|it| it.is_loop())
        .collect();
    noticed(store, only, &detectors, cancel)
}

/// All streaks, with their usual limits.
pub fn streaks(store: &Store, cancel: &CancelFlag) -> Vec<Hit> {
    noticed(store, None, Detector::ALL, cancel)
}

/// What `alert:`, `is:alert` and `is:loop` look up. The rules are read only if a filter needs them.
pub fn lookup(rules: impl Fn() -> (Arc<Rules>, Vec<Known>) + Send + Sync + 'static) -> Alerts {
    let loops = |store: &Store| -> Rows {
        let hits = loops(store, None, &CancelFlag::new());
        let evidence = hits.iter().flat_map(|hit| &hit.evidence);
        evidence.map(|ix| ix.0).collect()
    };
    let alerts = move |store: &Store| -> ByRule {
        let (rules, known) = rules();
        let ask = Ask {
            rules: &rules,
            only: None,
            known: &known,
            context: &Context::default(),
        };
        let report = check(store, &ask, &CancelFlag::new());
        let mut found = ByRule::new();
        for alert in &report.alerts {
            let id = rules.rules[alert.rule].id.as_str();
            let rows = found.entry(id.into()).or_default();
            rows.extend(alert.evidence().iter().map(|ix| ix.0));
        }
        found
    };
    Alerts::new(loops, alerts)
}

fn noticed(
    store: &Store,
    only: Option<&[RunIx]>,
    detectors: &[Detector],
    cancel: &CancelFlag,
) -> Vec<Hit> {
    let rules = Arc::new(Rules::only(detectors));
    let mut feed = Feed::new(store, &rules, only);
    feed.all(store, &[Mask::All], cancel);
    feed.engine.finish();
    let hits = feed.engine.hits(false);
    hits.into_iter().filter(|hit| is_own(store, hit)).collect()
}

/// Whether it happened in this run rather than in the session that the run was copied from.
fn is_own(store: &Store, hit: &Hit) -> bool {
    !store.row(hit.at).flags().has(Flags::COPIED)
}

fn known<'a>(ask: &Ask<'a>, rule: &Rule) -> Option<&'a Known> {
    let path = rule.baseline.as_ref().or(ask.rules.baseline.as_ref())?;
    ask.known.iter().find(|known| known.path == *path)
}

/// An engine on its way through a store.
#[derive(Debug, Clone)]
pub(super) struct Feed {
    pub(super) engine: Engine,
    /// By run, whether it is checked.
    only: Option<Vec<bool>>,
    /// By run, what to open: nothing if the run is too short for any streak.
    opens: Vec<Opens>,
    /// By run, whether it has an action.
    is_real: Vec<bool>,
}

/// How many actions a thread opens at a time.
const PIECE: usize = 512;

/// The fewest calls and the fewest responses that can form a streak for some rule; none if no rule looks at them.
fn fewest(rules: &Rules) -> (Option<u32>, Option<u32>) {
    let lanes = rules.rules.iter().filter_map(|rule| match &rule.watches {
        Watches::Lane { limits, .. } => Some(limits),
        Watches::Budget(_)
        | Watches::Outlier
        | Watches::Drift
        | Watches::Rate { .. }
        | Watches::Match { .. } => None,
    });
    let all: Vec<(Detector, u32)> = lanes
        .flatten()
        .map(|(detector, limits)| (*detector, limits.warn.min(limits.trip)))
        .collect();
    let is_context = |it: Detector| matches!(it, Detector::ContextFull | Detector::ContextJump);
    let calls = all
        .iter()
        .filter(|(it, _)| *it != Detector::Echo && !is_context(*it));
    let answers = all.iter().filter(|(it, _)| *it == Detector::Echo);
    (
        calls.map(|(_, least)| *least).min(),
        answers.map(|(_, least)| *least).min(),
    )
}

impl Feed {
    pub(super) fn new(store: &Store, rules: &Arc<Rules>, only: Option<&[RunIx]>) -> Feed {
        Feed::opening(store, rules, (only, false))
    }

    /// For a store that grows: a run that is short now may become long.
    pub(super) fn growing(store: &Store, rules: &Arc<Rules>) -> Feed {
        Feed::opening(store, rules, (None, true))
    }

    fn opening(
        store: &Store,
        rules: &Arc<Rules>,
        (only, is_growing): (Option<&[RunIx]>, bool),
    ) -> Feed {
        let (calls, answers) = fewest(rules);
        let mut counts = vec![(0_u32, 0_u32); store.runs().len()];
        let mut is_real = vec![false; store.runs().len()];
        for row in store.rows().filter(|row| row.kind() != Kind::Malformed) {
            let at = row.run_ix().0 as usize;
            counts[at].0 += u32::from(row.kind() == Kind::ToolCall);
            counts[at].1 += u32::from(row.kind() == Kind::Response);
            is_real[at] = true;
        }
        let counts = counts.into_iter();
        Feed {
            engine: Engine::new(rules),
            only: only.map(|only| {
                let mut runs = vec![false; store.runs().len()];
                for run in only {
                    runs[run.0 as usize] = true;
                }
                runs
            }),
            opens: counts
                .map(|(some_calls, some_answers)| Opens {
                    calls: calls.is_some_and(|least| is_growing || some_calls >= least),
                    answers: answers.is_some_and(|least| is_growing || some_answers >= least),
                })
                .collect(),
            is_real,
        }
    }

    fn runs(&self) -> Vec<RunIx> {
        let all = (0..).map(RunIx).zip(&self.is_real);
        all.filter(|(run, is_real)| **is_real && self.has(*run))
            .map(|(run, _)| run)
            .collect()
    }

    fn has(&self, run: RunIx) -> bool {
        let only = self.only.as_ref();
        only.is_none_or(|only| only.get(run.0 as usize).copied().unwrap_or(false))
    }

    /// What rules see of an action; `None` if its run is not checked.
    pub(super) fn fact(&self, store: &Store, ix: ActionIx, scratch: &mut Scratch) -> Option<Fact> {
        let row = store.row(ix);
        let run = row.run_ix();
        if row.kind() == Kind::Malformed || !self.has(run) {
            return None;
        }
        let opens = self.opens.get(run.0 as usize).copied();
        Some(Fact::of(&row, opens.unwrap_or_default(), scratch))
    }

    /// Takes the whole store.
    pub(super) fn all(&mut self, store: &Store, masks: &[Mask], cancel: &CancelFlag) {
        let rows: Vec<ActionIx> = (store.first()..store.len()).map(ActionIx).collect();
        let mut engine = self.engine.clone();
        self.each(store, &rows, cancel, &mut |fact| {
            engine.push(&fact, &sight(store, masks));
        });
        self.engine = engine;
    }

    pub(super) fn many(&self, store: &Store, rows: &[ActionIx], cancel: &CancelFlag) -> Vec<Fact> {
        let mut all = Vec::new();
        self.each(store, rows, cancel, &mut |fact| all.push(fact));
        all
    }

    /// Facts in the order of `rows`. Records are opened on other threads.
    fn each(
        &self,
        store: &Store,
        rows: &[ActionIx],
        cancel: &CancelFlag,
        take: &mut dyn FnMut(Fact),
    ) {
        let pieces: Vec<&[ActionIx]> = rows.chunks(PIECE).collect();
        let facts = |scratch: &mut Scratch, number: usize| -> Vec<Fact> {
            let rows = pieces[number].iter();
            rows.filter_map(|ix| self.fact(store, *ix, scratch))
                .collect()
        };
        let mut deliver = |_, facts: Vec<Fact>| facts.into_iter().for_each(&mut *take);
        in_order(pieces.len(), cancel, facts, &mut deliver);
    }

    /// Takes one action, for streaks and budgets.
    pub(super) fn push(&mut self, store: &Store, masks: &[Mask], fact: &Fact) {
        self.engine.push(fact, &sight(store, masks));
    }

    pub(super) fn step(&mut self, store: &Store, masks: &[Mask], fact: &Fact) {
        self.engine.step(fact, &sight(store, masks));
    }

    /// Adds up what all runs have used, from scratch.
    pub(super) fn spend(&mut self, store: &Store, masks: &[Mask]) {
        self.engine.forget_spent();
        if !self.engine.has_budgets() {
            return;
        }
        let mut scratch = Scratch::default();
        for row in store.rows() {
            if row.kind() == Kind::Malformed || !self.has(row.run_ix()) {
                continue;
            }
            let fact = Fact::of(&row, Opens::default(), &mut scratch);
            self.engine.spend(&fact, &sight(store, masks));
        }
        self.bills(store);
    }

    /// Takes the costs recorded for whole runs.
    fn bills(&mut self, store: &Store) {
        for (ix, run) in (0..).map(RunIx).zip(store.runs()) {
            if let Some(cost) = run.totals.run_cost.get() {
                self.engine.bill(ix, cost);
            }
        }
    }
}

fn sight<'a>(store: &'a Store, masks: &'a [Mask]) -> Sight<'a> {
    Sight {
        names: store.symbols(),
        masks,
    }
}

/// What each rule may see.
pub(super) fn masks(
    store: &Store,
    rules: &Rules,
    context: &Context,
    cancel: &CancelFlag,
) -> Vec<Mask> {
    let mut known: HashMap<(String, bool), Mask> = HashMap::new();
    let mut mask = |rule: &Rule| {
        let Some(filter) = &rule.filter else {
            return Mask::All;
        };
        let by_run = match rule.watches {
            Watches::Lane { .. } | Watches::Rate { .. } | Watches::Match { .. } => false,
            Watches::Budget(_) | Watches::Outlier | Watches::Drift => true,
        };
        let make = || {
            if by_run {
                let mut all = vec![false; store.runs().len()];
                let found = runs::runs(store, filter, context, cancel);
                for run in &found {
                    all[run.0 as usize] = true;
                }
                Mask::Runs(all)
            } else {
                Mask::Rows(found(store, filter, context, cancel))
            }
        };
        known
            .entry((filter.to_string(), by_run))
            .or_insert_with(make)
            .clone()
    };
    rules.rules.iter().map(&mut mask).collect()
}

fn marks(store: &Store, rule: &Rule, context: &Context, cancel: &CancelFlag) -> Marks {
    let found = |filter: &Expr| found(store, filter, context, cancel);
    match &rule.watches {
        Watches::Lane { .. } | Watches::Budget(_) | Watches::Outlier | Watches::Drift => {
            Marks::default()
        }
        Watches::Rate { event, of } => Marks {
            events: found(event),
            of: found(of),
        },
        Watches::Match { when, .. } => Marks {
            events: found(when),
            of: Vec::new(),
        },
    }
}

/// By action, whether a filter matches it.
fn found(store: &Store, filter: &Expr, context: &Context, cancel: &CancelFlag) -> Vec<bool> {
    let query = Query::compile(filter, store, context);
    let mut all = vec![false; store.len() as usize];
    for ix in matches(store, &query, cancel, &mut |_| {}).rows {
        all[ix.0 as usize] = true;
    }
    all
}
