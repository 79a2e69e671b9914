//! "3 tool calls repeated with the same arguments and result (Bash)."

use super::{Insight, Rule, View, Weight, names};
use crate::base::human;
use crate::model::action::ActionIx;

pub(super) struct RepeatedCalls;

impl Rule for RepeatedCalls {
    fn id(&self) -> &'static str {
        "repeated-calls"
    }

    fn look(&self, view: View<'_>) -> Option<Insight> {
        let mut evidence: Vec<ActionIx> = Vec::new();
        for group in view.groups() {
            let again = group
                .windows(2)
                .filter(|pair| pair[0].result.is_some() && pair[0].result == pair[1].result);
            evidence.extend(again.map(|pair| pair[1].ix));
        }
        evidence.sort_unstable();
        let tools = names(evidence.iter().map(|ix| view.store.row(*ix).tool()));
        let calls = human::counted(evidence.len() as u64, "tool call");
        let skipped = match view.calls.skipped {
            0 => String::new(),
            some => format!(
                "; {} were not compared",
                human::counted(some.into(), "later call")
            ),
        };
        let words =
            format!("{calls} repeated with the same arguments and result ({tools}){skipped}");
        Insight::new(self, Weight::Warning, words, evidence)
    }
}
