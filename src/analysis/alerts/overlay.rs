//! The alerts of a store, found by run and by action: for screens and filters. Grows with its store.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use crate::analysis::alerts::alert::Alert;
use crate::analysis::alerts::check::{self, Ask, Feed, Report};
use crate::analysis::alerts::detector::Level;
use crate::analysis::alerts::engine::Standing;
use crate::analysis::alerts::fact::{Fact, Scratch, What};
use crate::analysis::alerts::history::Mask;
use crate::analysis::alerts::history::baseline::Known;
use crate::analysis::alerts::rules::{Rules, Watches};
use crate::base::cancel::CancelFlag;
use crate::model::action::ActionIx;
use crate::model::quantity::Time;
use crate::model::run::RunIx;
use crate::model::symbol::Sym;
use crate::query::Context;
use crate::store::Store;

/// The alerts of a store as it was.
#[derive(Debug, Clone)]
pub struct Overlay {
    pub rules: Arc<Rules>,
    pub report: Report,
    known: Arc<[Known]>,
    feed: Feed,
    /// Calls taken without a result, because their agent had already responded: a result may still come.
    taken_open: Vec<ActionIx>,
    /// Actions held back until an earlier call has its result.
    waiting: Vec<ActionIx>,
    /// By rule, what it saw of the actions taken.
    masks: Vec<Mask>,
    /// How many actions the store had.
    pub len: u32,
    /// When pauses were last looked for; none if they were not.
    now: Time,
    by_run: HashMap<RunIx, Vec<usize>>,
    by_action: HashMap<ActionIx, Vec<usize>>,
}

impl Overlay {
    pub fn new(
        store: &Store,
        rules: &Arc<Rules>,
        (known, context): (Arc<[Known]>, &Context),
        cancel: &CancelFlag,
    ) -> Overlay {
        let masks = check::masks(store, rules, context, cancel);
        Overlay::empty(store, rules, (known, masks)).read(store, context, cancel)
    }

    fn empty(
        store: &Store,
        rules: &Arc<Rules>,
        (known, masks): (Arc<[Known]>, Vec<Mask>),
    ) -> Overlay {
        Overlay {
            rules: Arc::clone(rules),
            report: Report::default(),
            known,
            feed: Feed::growing(store, rules),
            taken_open: Vec::new(),
            waiting: Vec::new(),
            masks,
            len: store.first(),
            now: Time::NONE,
            by_run: HashMap::new(),
            by_action: HashMap::new(),
        }
    }

    /// The same rules over a store with more actions or details. Only new actions are opened, unless a result is late.
    #[must_use]
    pub fn grown(&self, store: &Store, context: &Context, cancel: &CancelFlag) -> Overlay {
        let mut scratch = Scratch::default();
        let is_late = |ix: &ActionIx| {
            let fact = self.feed.fact(store, *ix, &mut scratch);
            fact.is_some_and(|fact| !fact.is_open())
        };
        let masks = check::masks(store, &self.rules, context, cancel);
        if self.sees_otherwise(store, &masks) || self.taken_open.iter().any(is_late) {
            let empty = Overlay::empty(store, &self.rules, (Arc::clone(&self.known), masks));
            let now = self.now;
            return Overlay { now, ..empty }.read(store, context, cancel);
        }
        let mut feed = Feed::growing(store, &self.rules);
        feed.engine = self.feed.engine.clone();
        let grown = Overlay {
            feed,
            masks,
            ..self.clone()
        };
        grown.read(store, context, cancel)
    }

    /// Whether the filter of a streak rule now decides differently about an action that was taken: its status may have
    /// come later.
    fn sees_otherwise(&self, store: &Store, masks: &[Mask]) -> bool {
        let waiting: HashSet<ActionIx> = self.waiting.iter().copied().collect();
        let taken = || {
            let all = (store.first()..self.len).map(ActionIx);
            all.filter(|ix| !waiting.contains(ix))
        };
        let rules = self.rules.rules.iter().zip(self.masks.iter().zip(masks));
        let mut streaks = rules.filter(|(rule, _)| matches!(rule.watches, Watches::Lane { .. }));
        streaks.any(|(_, (before, now))| !before.agrees(now, taken()))
    }

    fn read(mut self, store: &Store, context: &Context, cancel: &CancelFlag) -> Overlay {
        let known = Arc::clone(&self.known);
        let rules = Arc::clone(&self.rules);
        let ask = Ask {
            rules: &rules,
            only: None,
            known: &known,
            context,
        };
        let masks = std::mem::take(&mut self.masks);
        let new = (self.len..store.len()).map(ActionIx);
        let mut due: Vec<ActionIx> = std::mem::take(&mut self.waiting);
        due.extend(new);
        let facts: Vec<Fact> = self.feed.many(store, &due, cancel);
        let last = Last::of(&facts);
        let mut held: HashSet<(RunIx, Sym)> = HashSet::new();
        for fact in &facts {
            let lane = (fact.run, fact.lane);
            if held.contains(&lane) || last.may_change(fact) {
                held.insert(lane);
                self.waiting.push(fact.ix);
                continue;
            }
            if fact.is_open() {
                self.taken_open.push(fact.ix);
            }
            self.feed.step(store, &masks, fact);
        }
        self.feed.spend(store, &masks);
        self.feed.engine.idle(self.now);
        self.len = store.len();
        self.report = check::report(store, &ask, (&self.feed, &masks), cancel);
        self.masks = masks;
        self.index();
        self
    }

    fn index(&mut self) {
        self.by_run.clear();
        self.by_action.clear();
        for (at, alert) in self.report.alerts.iter().enumerate() {
            for hit in &alert.hits {
                let runs = self.by_run.entry(hit.run).or_default();
                if !runs.contains(&at) {
                    runs.push(at);
                }
            }
            for ix in alert.evidence() {
                self.by_action.entry(ix).or_default().push(at);
            }
        }
    }

    /// The same at a given time: pauses of runs that have not ended are known only by the clock.
    #[must_use]
    pub fn at(
        mut self,
        now: Time,
        (store, context): (&Store, &Context),
        cancel: &CancelFlag,
    ) -> Overlay {
        self.now = now;
        self.grown(store, context, cancel)
    }

    /// When the clock alone raises the next alert, if nothing happens.
    pub fn next_pause(&self, now: Time) -> Option<Time> {
        self.feed.engine.next_pause(now)
    }

    /// The current streaks of all agents.
    pub fn standings(&self) -> Vec<Standing> {
        self.feed.engine.standings()
    }

    pub fn alerts(&self) -> &[Alert] {
        &self.report.alerts
    }

    /// The alerts of a run, in the order of the store.
    pub fn of_run(&self, run: RunIx) -> impl Iterator<Item = &Alert> {
        let found = self.by_run.get(&run).into_iter().flatten();
        found.map(|at| &self.report.alerts[*at])
    }

    /// The highest level in a run; none if nothing fired.
    pub fn level(&self, run: RunIx) -> Option<Level> {
        self.of_run(run).map(Alert::level).max()
    }

    /// The alerts that an action is evidence of.
    pub fn of_action(&self, ix: ActionIx) -> impl Iterator<Item = &Alert> {
        let found = self.by_action.get(&ix).into_iter().flatten();
        found.map(|at| &self.report.alerts[*at])
    }

    /// By rule id, the actions that are evidence of its alerts: for `alert:` and `is:alert`.
    pub fn marks(&self) -> BTreeMap<&str, Vec<ActionIx>> {
        let mut marks: BTreeMap<&str, Vec<ActionIx>> = BTreeMap::new();
        for alert in &self.report.alerts {
            let id = self.rules.rules[alert.rule].id.as_str();
            marks.entry(id).or_default().extend(alert.evidence());
        }
        marks
    }
}

/// For each agent, its last action, and its last response or prompt.
#[derive(Debug, Default)]
struct Last {
    actions: HashMap<(RunIx, Sym), ActionIx>,
    answers: HashMap<(RunIx, Sym), ActionIx>,
}

impl Last {
    fn of(facts: &[Fact]) -> Last {
        let mut last = Last::default();
        for fact in facts {
            let lane = (fact.run, fact.lane);
            last.actions.insert(lane, fact.ix);
            match fact.what {
                What::Prompt(_) | What::Response(_) => {
                    last.answers.insert(lane, fact.ix);
                }
                What::Call(_) | What::End | What::Other => {}
            }
        }
        last
    }

    /// Whether an action may still change before its agent continues.
    fn may_change(&self, fact: &Fact) -> bool {
        let lane = (fact.run, fact.lane);
        let is_last = |last: &HashMap<(RunIx, Sym), ActionIx>| {
            last.get(&lane).is_none_or(|last| *last <= fact.ix)
        };
        (fact.is_open() && is_last(&self.answers))
            || (fact.is_uncounted() && is_last(&self.actions))
    }
}
