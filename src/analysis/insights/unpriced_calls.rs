//! "14 model calls have no price: the cost is a lower bound (some-model)."

use super::{Insight, Rule, View, Weight, names};
use crate::base::human;

pub(super) struct UnpricedCalls;

impl Rule for UnpricedCalls {
    fn id(&self) -> &'static str {
        "unpriced-calls"
    }

    fn look(&self, view: View<'_>) -> Option<Insight> {
        let evidence = view.rows(|row| row.usage().is_unpriced(row.cost()));
        let models = evidence.iter().map(|ix| view.store.row(*ix).model());
        let models = names(models.filter(|model| !model.is_empty()));
        let models = if models.is_empty() {
            models
        } else {
            format!(" ({models})")
        };
        let calls = human::counted(evidence.len() as u64, "model call");
        let verb = if evidence.len() == 1 { "has" } else { "have" };
        let words = format!("{calls} {verb} no price: the cost is a lower bound{models}");
        Insight::new(self, Weight::Note, words, evidence)
    }
}
