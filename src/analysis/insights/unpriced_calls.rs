//! "14 model calls have no price: the cost is a lower bound (some-model)."

use super::{Insight, Rule, View, Weight, names};
use crate::base::human;
use crate::model::action::Kind;

pub(super) struct UnpricedCalls;

impl Rule for UnpricedCalls {
    fn id(&self) -> &'static str {
        "unpriced-calls"
    }

    fn look(&self, view: View<'_>) -> Option<Insight> {
        let evidence = view.rows(|row| {
            let usage = row.usage();
            row.kind() == Kind::Response
                && !row.cost().is_some()
                && (usage.input.or_zero() > 0 || usage.output.or_zero() > 0)
        });
        let models = names(evidence.iter().map(|ix| view.store.row(*ix).model()));
        let calls = human::counted(evidence.len() as u64, "model call");
        let verb = if evidence.len() == 1 { "has" } else { "have" };
        let words = format!("{calls} {verb} no price: the cost is a lower bound ({models})");
        Insight::new(self, Weight::Note, words, evidence)
    }
}
