//! A question about two cohorts of one store, and its answer.

use std::collections::HashSet;

use crate::analysis::cohort::compare::{self, Comparison};
use crate::analysis::cohort::expect::{self, Rule};
use crate::analysis::cohort::observe::{self, Cohort, Observed, PairBy, RunChecks};
use crate::analysis::cohort::sides::{self, Excluded, Order};
use crate::analysis::runs::{Grouping, Tally};
use crate::base::cancel::CancelFlag;
use crate::model::run::RunIx;
use crate::query::expr::Expr;
use crate::query::{Context, runs};
use crate::store::Store;

/// How the two sides are chosen.
#[derive(Debug, Clone)]
pub enum Choice {
    /// The runs that match each filter. Without a second filter, B is all other runs.
    Filters(Expr, Option<Expr>),
    /// The two groups that occur, such as the two models; of more, the two that ran the same tasks.
    By(Grouping),
    /// The two groups that occur; of more, none: the user chooses.
    ByHand(Grouping),
    /// One cohort split in half at random (an A/A test).
    Halves,
    /// Explicit runs, with names for the sides.
    Runs([(String, Vec<RunIx>); 2]),
}

#[derive(Debug, Clone)]
pub struct Ask {
    pub choice: Choice,
    pub order: Order,
    /// Restricts both sides; `None` for all runs.
    pub only: Option<Expr>,
    pub pair_by: PairBy,
    pub options: compare::Options,
    /// Predicates on actions, parallel to the names in `options`.
    pub predicates: Vec<Expr>,
    /// Rules for which tool would have been right.
    pub rules: Vec<Rule>,
    pub context: Context,
    /// For a store of runs without their actions: what was observed when these were read.
    pub held: Option<Held>,
}

/// What was observed of every run of a store, in its order.
#[derive(Debug, Clone, Default)]
pub struct Held {
    pub runs: Vec<Observed>,
    /// For each predicate, the runs that have a matching action.
    pub fulfils: Vec<Vec<bool>>,
}

impl Held {
    fn cohort(&self, store: &Store, name: &str, runs: &[RunIx], by: PairBy) -> Cohort {
        let each = runs.iter().map(|ix| (*ix, &self.runs[ix.0 as usize]));
        let each: Vec<(RunIx, &Observed)> = each.collect();
        observe::cohort(store, name, &each, (by, &self.fulfils))
    }
}

#[derive(Debug, Clone)]
pub struct Answer {
    pub comparison: Comparison,
    /// How runs were paired in the end.
    pub pair_by: PairBy,
    pub excluded: Vec<Excluded>,
    /// An A/A test: the sides are halves of one cohort.
    pub halves: bool,
}

/// Why there is nothing to compare.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// There are not exactly two groups. Lists them, with raw names and their outcomes.
    Groups(Grouping, Vec<(String, Tally)>),
    /// A side has no runs. Holds what selected it.
    Empty(String),
    /// All runs of a side are excluded. Holds what selected it, and the reasons.
    AllLeftOut(String, Vec<Excluded>),
    Cancelled,
}

/// A side before it is observed.
struct Side {
    name: String,
    runs: Vec<RunIx>,
}

impl Ask {
    pub fn run(&self, store: &Store, cancel: &CancelFlag) -> Result<Answer, Refusal> {
        let (a, b) = self.sides(store, cancel)?;
        let found = sides::sides(store, &a.runs, &b.runs);
        for (side, runs) in [(&a, &found.a), (&b, &found.b)] {
            if !runs.is_empty() {
                continue;
            }
            let name = side.name.clone();
            let left_out = found.excluded.into_iter();
            let left_out: Vec<Excluded> = left_out.collect();
            return Err(if side.runs.is_empty() {
                Refusal::Empty(name)
            } else {
                Refusal::AllLeftOut(name, left_out)
            });
        }
        let all = [found.a.as_slice(), &found.b].concat();
        let pair_by = observe::resolve(store, &all, self.pair_by);
        let (a, b) = if let Some(held) = &self.held {
            let of = |side: &Side, runs: &[RunIx]| held.cohort(store, &side.name, runs, pair_by);
            (of(&a, &found.a), of(&b, &found.b))
        } else {
            let checks = self.checks(store, cancel);
            let of = |side: &Side, runs: &[RunIx]| {
                observe::observe(store, &side.name, runs, pair_by, &checks, cancel)
            };
            (of(&a, &found.a), of(&b, &found.b))
        };
        if cancel.is_raised() {
            return Err(Refusal::Cancelled);
        }
        let comparison = compare::compare(a, b, self.options.clone());
        if cancel.is_raised() {
            return Err(Refusal::Cancelled);
        }
        Ok(Answer {
            excluded: found
                .excluded
                .into_iter()
                .chain(alone(&comparison))
                .collect(),
            comparison,
            pair_by,
            halves: matches!(self.choice, Choice::Halves),
        })
    }

    /// Compares the runs of the store, as side B, with a stored cohort. Pair them the way the
    /// stored cohort was.
    pub fn against(
        &self,
        store: &Store,
        stored: Cohort,
        cancel: &CancelFlag,
    ) -> Result<Answer, Refusal> {
        let (now, pair_by, excluded) = self.cohort(store, cancel)?;
        let comparison = compare::compare(stored, now, self.options.clone());
        Ok(Answer {
            excluded: excluded.into_iter().chain(alone(&comparison)).collect(),
            comparison,
            pair_by,
            halves: false,
        })
    }

    /// The runs of the store as one cohort, for a baseline or to compare with one, and how they are
    /// paired.
    pub fn cohort(
        &self,
        store: &Store,
        cancel: &CancelFlag,
    ) -> Result<(Cohort, PairBy, Vec<Excluded>), Refusal> {
        let name = self
            .only
            .as_ref()
            .map_or_else(|| "all runs".to_owned(), ToString::to_string);
        let found = sides::sides(store, &self.all(store, cancel), &[]);
        if found.a.is_empty() {
            return Err(Refusal::Empty(name));
        }
        let pair_by = observe::resolve(store, &found.a, self.pair_by);
        let checks = self.checks(store, cancel);
        let cohort = observe::observe(store, &name, &found.a, pair_by, &checks, cancel);
        Ok((cohort, pair_by, found.excluded))
    }

    fn all(&self, store: &Store, cancel: &CancelFlag) -> Vec<RunIx> {
        let only = self.only.as_ref().unwrap_or(&Expr::All);
        runs::runs(store, only, &self.context, cancel)
    }

    fn sides(&self, store: &Store, cancel: &CancelFlag) -> Result<(Side, Side), Refusal> {
        let all = self.all(store, cancel);
        let side = |name: &str, runs: Vec<RunIx>| Side {
            name: name.to_owned(),
            runs,
        };
        match &self.choice {
            Choice::Filters(a, b) => {
                let of = |expr: &Expr| -> HashSet<RunIx> {
                    runs::runs(store, expr, &self.context, cancel)
                        .into_iter()
                        .collect()
                };
                let on_a = of(a);
                let on_b = b.as_ref().map(of);
                let in_order = |test: &dyn Fn(&RunIx) -> bool| -> Vec<RunIx> {
                    all.iter().copied().filter(|ix| test(ix)).collect()
                };
                let rest = || format!("not {a}");
                let name_b = b.as_ref().map_or_else(rest, ToString::to_string);
                let is_on_b = |ix: &RunIx| match &on_b {
                    Some(on_b) => on_b.contains(ix),
                    None => !on_a.contains(ix),
                };
                let (a_runs, b_runs) = (in_order(&|ix| on_a.contains(ix)), in_order(&is_on_b));
                Ok((side(&a.to_string(), a_runs), side(&name_b, b_runs)))
            }
            Choice::By(grouping) | Choice::ByHand(grouping) => {
                let zone = &self.context.zone;
                let mut groups = sides::groups(store, &all, *grouping, self.order, zone);
                let is_chosen = matches!(self.choice, Choice::By(_)) && groups.len() > 2;
                let pair = is_chosen.then(|| sides::on_common_tasks(store, &groups));
                if let Some([a, b]) = pair.flatten() {
                    groups = vec![groups[a].clone(), groups[b].clone()];
                }
                let name = |group: &str| format!("{}:{group}", grouping.word());
                if let [(a, on_a), (b, on_b)] = groups.as_mut_slice() {
                    return Ok((
                        side(&name(a), std::mem::take(on_a)),
                        side(&name(b), std::mem::take(on_b)),
                    ));
                }
                let groups = groups.into_iter();
                let tallies = groups.map(|(name, runs)| {
                    let tally = Tally::of(store, &runs);
                    (name, tally)
                });
                Err(Refusal::Groups(*grouping, tallies.collect()))
            }
            Choice::Halves => {
                let whole = sides::sides(store, &all, &[]).a;
                let (a, b) = sides::halves(store, &whole, self.options.seed);
                Ok((side("one half", a), side("the other half", b)))
            }
            Choice::Runs([(a, on_a), (b, on_b)]) => {
                Ok((side(a, on_a.clone()), side(b, on_b.clone())))
            }
        }
    }

    /// Evaluates the predicates and rules for each run.
    fn checks(&self, store: &Store, cancel: &CancelFlag) -> RunChecks {
        let of = |expr: &Expr| {
            let mut found = vec![false; store.runs().len()];
            for ix in runs::runs(store, expr, &self.context, cancel) {
                found[ix.0 as usize] = true;
            }
            found
        };
        RunChecks {
            fulfils: self.predicates.iter().map(of).collect(),
            broken: expect::broken(store, &self.rules, &self.context, cancel),
        }
    }
}

/// The runs whose task occurs on one side only.
fn alone(comparison: &Comparison) -> Option<Excluded> {
    let alone = &comparison.design.alone;
    let of_a = alone.a.iter().filter_map(|at| comparison.a.runs[*at].run);
    let of_b = alone.b.iter().filter_map(|at| comparison.b.runs[*at].run);
    let runs: Vec<RunIx> = of_a.chain(of_b).collect();
    let many = alone.a.len() + alone.b.len();
    (many > 0).then(|| Excluded {
        reason: "whose task is on one side only".to_owned(),
        count: many,
        runs,
    })
}
