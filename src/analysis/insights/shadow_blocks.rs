//! "4 calls would have been stopped by a policy in shadow mode."

use super::{Insight, Rule, View, Weight};
use crate::base::human;
use crate::model::action::Verdict;

pub(super) struct ShadowBlocks;

impl Rule for ShadowBlocks {
    fn id(&self) -> &'static str {
        "shadow-blocks"
    }

    fn look(&self, view: View<'_>) -> Option<Insight> {
        let evidence = view.rows(|row| {
            let mut verdicts = row.attached();
            verdicts.any(|attached| attached.shadow && attached.verdict == Verdict::Block)
        });
        let calls = human::counted(evidence.len() as u64, "call");
        let words = format!("{calls} would have been stopped by a policy in shadow mode");
        Insight::new(self, Weight::Note, words, evidence)
    }
}
