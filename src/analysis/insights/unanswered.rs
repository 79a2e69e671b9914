//! "1 approval request was never answered."

use super::{Insight, Rule, View, Weight};
use crate::base::human;
use crate::model::action::Flags;

pub(super) struct Unanswered;

impl Rule for Unanswered {
    fn id(&self) -> &'static str {
        "unanswered-approvals"
    }

    fn look(&self, view: View<'_>) -> Option<Insight> {
        let evidence = view.rows(|row| row.flags().has(Flags::WAITING));
        let requests = human::counted(evidence.len() as u64, "approval request");
        let verb = match (view.is_growing, evidence.len()) {
            (true, 1) => "is waiting for an answer",
            (true, _) => "are waiting for an answer",
            (false, 1) => "was never answered",
            (false, _) => "were never answered",
        };
        let words = format!("{requests} {verb}");
        Insight::new(self, Weight::Bad, words, evidence)
    }
}
