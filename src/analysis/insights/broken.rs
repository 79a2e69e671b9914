//! "5 lines are broken."

use super::{Insight, Rule, View, Weight};
use crate::base::human;
use crate::model::action::Kind;

pub(super) struct Broken;

impl Rule for Broken {
    fn look(&self, view: View<'_>) -> Option<Insight> {
        let evidence = view.rows(|row| row.kind() == Kind::Malformed);
        let verb = if evidence.len() == 1 { "is" } else { "are" };
        let words = format!(
            "{} {verb} broken",
            human::counted(evidence.len() as u64, "line")
        );
        Insight::new(Weight::Warning, words, evidence)
    }
}
