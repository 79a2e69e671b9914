//! Takes facts one by one, in the order of the store, and detects streaks and budgets as it goes.
//!
//! Later facts never change earlier hits, except that the evidence of the last streak may gain one action. Feed a call
//! once it has its result or its agent has responded again, so that a watched run gives the same hits as the same run
//! read later; [`crate::analysis::alerts::overlay`] does that.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

use crate::analysis::alerts::budget::{self, Resource, Spent, Used};
use crate::analysis::alerts::detector::{Detector, Level};
use crate::analysis::alerts::fact::{Fact, What};
use crate::analysis::alerts::history::Mask;
use crate::analysis::alerts::loops::{Lane, Limits, Notes, Noticed};
use crate::analysis::alerts::rules::{Rules, Watches};
use crate::analysis::alerts::trail;
use crate::analysis::policy::stars::Stars;
use crate::model::action::ActionIx;
use crate::model::quantity::Time;
use crate::model::run::RunIx;
use crate::model::symbol::{Sym, Symbols};

type Map<K, V> = HashMap<K, V, foldhash::fast::RandomState>;

/// The streaks and budgets of all runs that are fed to it.
#[derive(Debug, Clone)]
pub struct Engine {
    groups: Vec<Group>,
    budgets: Vec<Budget>,
    /// The number of hits.
    count: usize,
}

/// One firing of a rule.
#[derive(Debug, Clone, PartialEq)]
pub struct Hit {
    /// The index of the rule.
    pub rule: usize,
    pub detector: Detector,
    pub level: Level,
    pub run: RunIx,
    /// The agent, if it is about one.
    pub lane: Option<Sym>,
    pub at: ActionIx,
    /// Steps, times, or 1.
    pub count: u32,
    pub amount: Amount,
    pub period: Option<u32>,
    pub evidence: Vec<ActionIx>,
}

/// The numbers of a hit, in the unit of its detector.
#[derive(Debug, Clone, PartialEq)]
pub enum Amount {
    Count {
        limit: u32,
    },
    Used(Used),
    Outlier(super::history::Outlier),
    Drift(super::history::Drift),
    Rate(super::history::Rate),
    Match {
        count: u32,
        within: Option<super::rules::Within>,
    },
}

/// The current length of a streak.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    pub rule: usize,
    pub detector: Detector,
    pub run: RunIx,
    pub lane: Sym,
    /// In steps or times.
    pub count: u32,
    pub limits: Limits,
    /// Steps of the agent that were judged.
    pub steps: u64,
    /// The last action of the streak.
    pub at: Option<ActionIx>,
}

/// Streaks shared by the rules that look at the same actions.
#[derive(Debug, Clone)]
struct Group {
    limits: Vec<(Detector, Limits, usize)>,
    /// One of these rules, for their common filter.
    rule: usize,
    wait_tools: Vec<Stars>,
    /// What `wait_tools` says about each tool.
    waits: Map<Sym, bool>,
    /// Shared by the copies of an engine until one of them changes a lane: a growing store copies what grew.
    lanes: Map<(RunIx, Sym), Arc<Watched>>,
}

/// An agent within a run, and what was noticed in it.
type Watched = (Lane, Vec<Noticed>);

#[derive(Debug, Clone)]
struct Budget {
    rule: usize,
    limits: budget::Limits,
    runs: Map<RunIx, (Spent, Vec<Used>)>,
}

/// What the engine uses about actions in addition to their facts.
#[derive(Debug, Clone, Copy)]
pub struct Sight<'a> {
    pub names: &'a Symbols,
    /// By rule, what passes its filter. A rule without a mask sees everything.
    pub masks: &'a [Mask],
}

impl Sight<'_> {
    fn sees(&self, rule: usize, fact: &Fact) -> bool {
        let mask = self.masks.get(rule);
        mask.is_none_or(|mask| mask.sees(fact.run, fact.ix))
    }
}

impl Engine {
    pub fn new(rules: &Arc<Rules>) -> Engine {
        let mut groups: Vec<Group> = Vec::new();
        let mut budgets = Vec::new();
        for (at, rule) in rules.rules.iter().enumerate() {
            match &rule.watches {
                Watches::Lane { limits, wait_tools } => {
                    let fits = |group: &&mut Group| {
                        rules.rules[group.rule].filter == rule.filter
                            && group.wait_tools == *wait_tools
                            && !limits.iter().any(|(it, _)| group.has(*it))
                    };
                    let limits = limits.iter().map(|(detector, limits)| {
                        (*detector, limits.confirmed(*detector, rule.confirm), at)
                    });
                    match groups.iter_mut().find(fits) {
                        Some(group) => group.limits.extend(limits),
                        None => groups.push(Group {
                            limits: limits.collect(),
                            rule: at,
                            wait_tools: wait_tools.clone(),
                            waits: Map::default(),
                            lanes: Map::default(),
                        }),
                    }
                }
                Watches::Budget(limits) => budgets.push(Budget {
                    rule: at,
                    limits: limits.confirmed(rule.confirm),
                    runs: Map::default(),
                }),
                Watches::Outlier
                | Watches::Drift
                | Watches::Rate { .. }
                | Watches::Match { .. } => {}
            }
        }
        Engine {
            groups,
            budgets,
            count: 0,
        }
    }

    /// Takes the next action of the store. Returns whether a rule fired.
    pub fn push(&mut self, fact: &Fact, sight: &Sight<'_>) -> bool {
        let before = self.count;
        self.step(fact, sight);
        self.spend(fact, sight);
        self.count > before
    }

    /// Updates only the streaks, which are held back for a watched run until a call has its result.
    pub fn step(&mut self, fact: &Fact, sight: &Sight<'_>) {
        for group in &mut self.groups {
            self.count += group.push(fact, sight);
        }
    }

    /// Updates only the budgets.
    pub fn spend(&mut self, fact: &Fact, sight: &Sight<'_>) {
        for budget in &mut self.budgets {
            if sight.sees(budget.rule, fact) {
                let (spent, used) = budget.runs.entry(fact.run).or_default();
                let had = used.len();
                spent.add(fact, &budget.limits, used);
                self.count += used.len() - had;
            }
        }
    }

    /// Where the streak or the budget of a hit stands now, in the unit of its numbers; none if it has none.
    pub fn measure(&self, hit: &Hit) -> Option<f64> {
        if let Amount::Used(used) = &hit.amount {
            let budget = self.budgets.first()?;
            let (spent, _) = budget.runs.get(&hit.run)?;
            let amount = spent.of(used.resource)?;
            return Some(trail::scaled(used.resource, amount));
        }
        let is_streak = Detector::STREAKS.iter().any(|(it, ..)| *it == hit.detector);
        let mut groups = self.groups.iter().filter(|it| it.has(hit.detector));
        let state = groups.next()?.lanes.get(&(hit.run, hit.lane?))?;
        is_streak.then(|| f64::from(state.0.count(hit.detector)))
    }

    pub fn has_budgets(&self) -> bool {
        !self.budgets.is_empty()
    }

    /// Resets what runs have used, to add it up again: costs may arrive late. Pauses that were noticed are kept, since
    /// only the clock shows them.
    pub fn forget_spent(&mut self) {
        for budget in &mut self.budgets {
            for (spent, used) in budget.runs.values_mut() {
                *spent = Spent::default();
                used.retain(|it| it.resource == Resource::Idle);
            }
        }
    }

    /// Judges the last step of every agent: nothing more can come.
    pub fn finish(&mut self) {
        for group in &mut self.groups {
            for state in group.lanes.values_mut() {
                let (lane, noticed) = Arc::make_mut(state);
                close(lane, &group.limits, noticed);
            }
        }
    }

    /// Takes the cost recorded for a whole run.
    pub fn bill(&mut self, run: RunIx, picodollars: i64) {
        for budget in &mut self.budgets {
            if let Some((spent, used)) = budget.runs.get_mut(&run) {
                spent.bill(picodollars, &budget.limits, used);
            }
        }
    }

    /// Checks for runs that have been idle for too long.
    pub fn idle(&mut self, now: Time) {
        for budget in &mut self.budgets {
            for (spent, used) in budget.runs.values_mut() {
                spent.idle(now, &budget.limits, used);
            }
        }
    }

    /// When the next pause of a run reaches a level, if nothing happens.
    pub fn next_pause(&self, now: Time) -> Option<Time> {
        let pauses = self.budgets.iter().flat_map(|budget| {
            let runs = budget.runs.values();
            runs.filter_map(|(spent, _)| spent.next_pause(now, &budget.limits))
        });
        pauses.min()
    }

    /// All hits, in the order of the store. `early` also counts steps that have all of their results although their
    /// agent has not responded yet.
    pub fn hits(&self, early: bool) -> Vec<Hit> {
        let mut hits = Vec::new();
        for group in &self.groups {
            for ((run, lane), state) in &group.lanes {
                let (state, noticed) = &**state;
                let mut hit = |noticed: &Noticed| {
                    hits.extend(group.hit((*run, *lane), noticed));
                };
                if early && state.is_settled() {
                    let (mut state, mut noticed) = (state.clone(), noticed.clone());
                    close(&mut state, &group.limits, &mut noticed);
                    noticed.iter().for_each(&mut hit);
                } else {
                    noticed.iter().for_each(&mut hit);
                }
            }
        }
        for budget in &self.budgets {
            for (run, (_, used)) in &budget.runs {
                hits.extend(used.iter().map(|used| over(budget.rule, *run, used)));
            }
        }
        hits.sort_by_key(|hit| (hit.at, hit.rule, hit.detector, hit.level));
        hits
    }

    /// The current streaks of all agents, with their last steps if those have all of their results.
    pub fn standings(&self) -> Vec<Standing> {
        let mut all = Vec::new();
        for group in &self.groups {
            for ((run, lane), state) in &group.lanes {
                let mut state = Cow::Borrowed(&state.0);
                if state.is_settled() {
                    close(state.to_mut(), &group.limits, &mut Vec::new());
                }
                all.extend(
                    group
                        .limits
                        .iter()
                        .map(|(detector, limits, rule)| Standing {
                            rule: *rule,
                            detector: *detector,
                            run: *run,
                            lane: *lane,
                            count: state.count(*detector),
                            limits: *limits,
                            steps: state.steps(),
                            at: state.end(*detector),
                        }),
                );
            }
        }
        all.sort_by_key(|it| (it.run, it.lane.0, it.rule, it.detector));
        all
    }
}

fn over(rule: usize, run: RunIx, used: &Used) -> Hit {
    Hit {
        rule,
        detector: used.resource.detector(),
        level: used.level,
        run,
        lane: None,
        at: used.at,
        count: 1,
        amount: Amount::Used(*used),
        period: None,
        evidence: vec![used.at],
    }
}

fn close(lane: &mut Lane, limits: &[(Detector, Limits, usize)], noticed: &mut Vec<Noticed>) {
    lane.close(&mut Notes {
        limits,
        out: noticed,
    });
}

impl Group {
    fn has(&self, detector: Detector) -> bool {
        self.limits.iter().any(|(it, ..)| *it == detector)
    }

    /// Returns how many hits were added.
    fn push(&mut self, fact: &Fact, sight: &Sight<'_>) -> usize {
        let waits = match fact.what {
            What::Call(call) => self.waits(call.tool, sight.names),
            What::Prompt(_) | What::Response(_) => false,
            What::End | What::Other => return 0,
        };
        let sees = sight.sees(self.rule, fact);
        let state = self.lanes.entry((fact.run, fact.lane)).or_default();
        let (lane, noticed) = Arc::make_mut(state);
        let before = noticed.len();
        let mut notes = Notes {
            limits: &self.limits,
            out: noticed,
        };
        match fact.what {
            What::Prompt(said) => lane.prompt(said, &mut notes),
            // The model responded, whether or not the rule looks at the response.
            What::Response(_) if !sees => lane.close(&mut notes),
            What::Response(response) => lane.response(fact.ix, &response, &mut notes),
            What::Call(_) if !sees => {}
            What::Call(mut call) => {
                call.waits |= waits;
                lane.call(fact.ix, call);
            }
            What::End | What::Other => {}
        }
        noticed.len() - before
    }

    fn waits(&mut self, tool: Sym, names: &Symbols) -> bool {
        if self.wait_tools.is_empty() {
            return false;
        }
        let tools = &self.wait_tools;
        let matches = || tools.iter().any(|it| it.matches(names.name(tool)));
        *self.waits.entry(tool).or_insert_with(matches)
    }

    fn hit(&self, (run, lane): (RunIx, Sym), noticed: &Noticed) -> Option<Hit> {
        let rule = self
            .limits
            .iter()
            .find(|(it, ..)| *it == noticed.detector)?;
        Some(Hit {
            rule: rule.2,
            detector: noticed.detector,
            level: noticed.level,
            run,
            lane: Some(lane),
            at: noticed.at,
            count: noticed.count,
            amount: Amount::Count {
                limit: noticed.limit,
            },
            period: noticed.period,
            evidence: noticed.evidence.clone(),
        })
    }
}
