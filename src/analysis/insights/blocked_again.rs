//! "blocked calls were retried 2 times with the same arguments (refund)."

use super::{Insight, Rule, View, Weight, names};
use crate::base::human;
use crate::model::action::{ActionIx, Status};

pub(super) struct BlockedAgain;

impl Rule for BlockedAgain {
    fn id(&self) -> &'static str {
        "blocked-again"
    }

    fn look(&self, view: View<'_>) -> Option<Insight> {
        let is_stopped = |ix: ActionIx| {
            matches!(
                view.store.row(ix).status(),
                Status::Blocked | Status::Denied
            )
        };
        let mut evidence: Vec<ActionIx> = Vec::new();
        for group in view.groups() {
            let after = group.iter().skip_while(|call| !is_stopped(call.ix)).skip(1);
            evidence.extend(after.map(|call| call.ix));
        }
        evidence.sort_unstable();
        let tools = names(evidence.iter().map(|ix| view.store.row(*ix).tool()));
        let times = human::counted(evidence.len() as u64, "time");
        let words = format!("blocked calls were retried {times} with the same arguments ({tools})");
        Insight::new(self, Weight::Bad, words, evidence)
    }
}
