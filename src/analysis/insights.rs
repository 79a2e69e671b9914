//! What a careful reader would notice about the data, in sentences, with the actions that show it.
//!
//! To add one: a file in `insights/` and a line in [`RULES`].

mod blocked_again;
mod broken;
pub mod calls;
mod context;
mod cost;
mod dear;
mod failing;
mod pending;
mod repeats;
mod shadow;
mod slow;
mod unpriced;
mod waiting;

use crate::analysis::insights::calls::Calls;
use crate::base::cancel::CancelFlag;
use crate::model::action::ActionIx;
use crate::store::Store;
use crate::store::row::Row;

/// A sentence about the data. It holds names of the trace, so it is sanitised before it is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Insight {
    pub weight: Weight,
    pub words: String,
    /// The actions that show it, in order; at least one.
    pub evidence: Vec<ActionIx>,
}

/// How much it matters, the most first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Weight {
    Bad,
    Warning,
    Note,
}

/// What rules look at.
#[derive(Debug, Clone, Copy)]
pub struct View<'a> {
    pub store: &'a Store,
    pub calls: &'a Calls,
    /// More may come: what is not there yet is not missing.
    pub is_growing: bool,
}

/// One thing to notice.
pub trait Rule: Sync {
    fn look(&self, view: View<'_>) -> Option<Insight>;
}

pub static RULES: &[&dyn Rule] = &[
    &pending::Pending,
    &waiting::Waiting,
    &blocked_again::BlockedAgain,
    &failing::Failing,
    &repeats::Repeats,
    &context::Context,
    &cost::Cost,
    &dear::DearRuns,
    &slow::SlowCalls,
    &broken::Broken,
    &shadow::Shadow,
    &unpriced::Unpriced,
];

/// Everything there is to notice, the most important first.
pub fn look(view: View<'_>, cancel: &CancelFlag) -> Vec<Insight> {
    let rules = RULES.iter().take_while(|_| !cancel.is_raised());
    let mut found: Vec<Insight> = rules.filter_map(|rule| rule.look(view)).collect();
    found.sort_by_key(|insight| insight.weight);
    found
}

impl Insight {
    /// None where nothing shows it.
    fn new(weight: Weight, words: String, evidence: Vec<ActionIx>) -> Option<Insight> {
        (!evidence.is_empty()).then_some(Insight {
            weight,
            words,
            evidence,
        })
    }
}

impl<'a> View<'a> {
    fn rows(self, test: impl Fn(&Row<'a>) -> bool) -> Vec<ActionIx> {
        self.store.rows().filter(test).map(|row| row.ix()).collect()
    }
}

/// The names that occur, the most frequent first, at most three of them.
fn names<'a>(all: impl Iterator<Item = &'a str>) -> String {
    let mut counts: Vec<(&str, usize)> = Vec::new();
    for name in all {
        match counts.iter_mut().find(|(known, _)| *known == name) {
            Some((_, count)) => *count += 1,
            None => counts.push((name, 1)),
        }
    }
    counts.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let shown = counts.iter().take(3).map(|(name, _)| *name);
    let mut words = shown.collect::<Vec<_>>().join(", ");
    if counts.len() > 3 {
        words.push_str(", …");
    }
    words
}

#[cfg(test)]
mod tests;
