//! What a careful reader would notice about the data: sentences, each with the actions that show it.
//!
//! To add one: a file in `insights/` and a line in [`RULES`].

mod blocked_on_people;
mod costly_runs;
mod costly_turn;
pub mod equal_calls;
mod full_context;
mod malformed;
mod missing_results;
mod shadow_blocks;
mod slow_actions;
mod streaks;
mod unanswered;
mod unpriced_calls;

use crate::analysis::alerts::engine::Hit;
use crate::base::cancel::CancelFlag;
use crate::model::action::ActionIx;
use crate::model::run::RunIx;
use crate::store::Store;
use crate::store::row::Row;

/// A sentence about the data. It quotes names from the trace, so sanitise it before showing it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Insight {
    /// The [`Rule::id`] of the rule that found it.
    pub rule: &'static str,
    pub weight: Weight,
    pub words: String,
    /// The actions that show it, in order. Never empty.
    pub evidence: Vec<ActionIx>,
}

/// How much it matters, most important first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Weight {
    Bad,
    Warning,
    Note,
}

/// The input of a rule.
#[derive(Debug, Clone, Copy)]
pub struct View<'a> {
    pub store: &'a Store,
    /// What the alert detectors found, from [`crate::analysis::alerts::check::streaks`].
    pub hits: &'a [Hit],
    /// Only this run; none for all of them.
    pub run: Option<RunIx>,
    /// More data may arrive, so a result that is absent is pending rather than missing.
    pub is_growing: bool,
}

/// One thing to notice.
pub trait Rule: Sync {
    /// A stable kebab-case name, for machine output and options.
    fn id(&self) -> &'static str;

    fn look(&self, view: View<'_>) -> Option<Insight>;
}

pub static RULES: &[&dyn Rule] = &[
    &missing_results::MissingResults,
    &unanswered::Unanswered,
    &blocked_on_people::BlockedOnPeople,
    &streaks::STOPPED_AGAIN,
    &streaks::LOOP,
    &streaks::ERRORS,
    &streaks::ECHO,
    &full_context::FullContext,
    &costly_turn::CostlyTurn,
    &costly_runs::CostlyRuns,
    &slow_actions::SlowActions,
    &malformed::Malformed,
    &shadow_blocks::ShadowBlocks,
    &unpriced_calls::UnpricedCalls,
];

/// Everything there is to notice, most important first.
pub fn look(view: View<'_>, cancel: &CancelFlag) -> Vec<Insight> {
    let rules = RULES.iter().take_while(|_| !cancel.is_raised());
    let mut found: Vec<Insight> = rules.filter_map(|rule| rule.look(view)).collect();
    found.sort_by_key(|insight| insight.weight);
    found
}

impl Insight {
    /// `None` without evidence.
    fn new(
        rule: &dyn Rule,
        weight: Weight,
        words: String,
        evidence: Vec<ActionIx>,
    ) -> Option<Insight> {
        (!evidence.is_empty()).then(|| Insight {
            rule: rule.id(),
            weight,
            words,
            evidence,
        })
    }
}

impl<'a> View<'a> {
    /// The actions that the view is about.
    fn all(self) -> impl Iterator<Item = Row<'a>> {
        let is_ours = move |row: &Row<'a>| self.run.is_none_or(|run| row.run_ix() == run);
        self.store.rows().filter(is_ours)
    }

    fn rows(self, test: impl Fn(&Row<'a>) -> bool) -> Vec<ActionIx> {
        self.all().filter(test).map(|row| row.ix()).collect()
    }
}

/// The three most frequent names, with an ellipsis if there are more.
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
