//! "1 question to a person was not answered."

use super::{Insight, Rule, View, Weight};
use crate::base::human;
use crate::model::action::Flags;

pub(super) struct Waiting;

impl Rule for Waiting {
    fn look(&self, view: View<'_>) -> Option<Insight> {
        let evidence = view.rows(|row| row.flags().has(Flags::WAITING));
        let questions = human::counted(evidence.len() as u64, "question");
        let verb = match (view.is_growing, evidence.len()) {
            (true, 1) => "waits for an answer",
            (true, _) => "wait for an answer",
            (false, 1) => "was not answered",
            (false, _) => "were not answered",
        };
        let words = format!("{questions} to a person {verb}");
        Insight::new(Weight::Bad, words, evidence)
    }
}
