//! "5 lines are malformed."

use super::{Insight, Rule, View, Weight};
use crate::base::human;
use crate::model::action::Kind;

pub(super) struct Malformed;

impl Rule for Malformed {
    fn id(&self) -> &'static str {
        "malformed-lines"
    }

    fn look(&self, view: View<'_>) -> Option<Insight> {
        let evidence = view.rows(|row| row.kind() == Kind::Malformed);
        let verb = if evidence.len() == 1 { "is" } else { "are" };
        let words = format!(
            "{} {verb} malformed",
            human::counted(evidence.len() as u64, "line")
        );
        Insight::new(self, Weight::Warning, words, evidence)
    }
}
