//! "1 question to a person was not answered."

use super::{Insight, Rule, View, Weight, counted};
use crate::model::action::Flags;

pub(super) struct Waiting;

impl Rule for Waiting {
    fn look(&self, view: View<'_>) -> Option<Insight> {
        let evidence = view.rows(|row| row.flags().has(Flags::WAITING));
        let verb = if evidence.len() == 1 { "was" } else { "were" };
        let questions = counted(evidence.len(), "question");
        let words = format!("{questions} to a person {verb} not answered");
        Insight::new(Weight::Bad, words, evidence)
    }
}
