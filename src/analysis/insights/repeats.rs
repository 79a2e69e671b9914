//! "3 tool calls repeated with equal arguments and result (Bash)."

use super::{Insight, Rule, View, Weight, names};
use crate::base::human;
use crate::model::action::ActionIx;

pub(super) struct Repeats;

impl Rule for Repeats {
    fn look(&self, view: View<'_>) -> Option<Insight> {
        let mut evidence: Vec<ActionIx> = Vec::new();
        for group in view.calls.groups() {
            let again = group
                .windows(2)
                .filter(|pair| pair[0].result.is_some() && pair[0].result == pair[1].result);
            evidence.extend(again.map(|pair| pair[1].ix));
        }
        evidence.sort_unstable();
        let tools = names(evidence.iter().map(|ix| view.store.row(*ix).tool()));
        let calls = human::counted(evidence.len() as u64, "tool call");
        let left_out = match view.calls.left_out {
            0 => String::new(),
            some => format!(
                "; {} were not compared",
                human::counted(some.into(), "later call")
            ),
        };
        let words = format!("{calls} repeated with equal arguments and result ({tools}){left_out}");
        Insight::new(Weight::Warning, words, evidence)
    }
}
