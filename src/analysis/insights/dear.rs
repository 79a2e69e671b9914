//! "2 runs cost more than 4 times the usual (up to $6.10, usually $0.52)."

use super::{Insight, Rule, View, Weight};
use crate::base::human;
use crate::model::action::ActionIx;

pub(super) struct DearRuns;

/// Fewer runs have no usual cost.
const LEAST: usize = 8;
const TIMES: f64 = 4.0;
/// Less money is not worth a sentence, in dollars.
const CHEAPEST: f64 = 0.10;

impl Rule for DearRuns {
    fn look(&self, view: View<'_>) -> Option<Insight> {
        let known = view.store.runs().iter().filter_map(|run| {
            let usd = run.cost()?.0.usd()?;
            Some((usd, run.first_action.get()?))
        });
        let known: Vec<(f64, ActionIx)> = known.collect();
        if known.len() < LEAST {
            return None;
        }
        let mut costs: Vec<f64> = known.iter().map(|(usd, _)| *usd).collect();
        costs.sort_by(f64::total_cmp);
        let usual = costs[costs.len() / 2];
        let is_dear = |usd: f64| usd > usual * TIMES && usd >= CHEAPEST;
        let dear = known.iter().filter(|(usd, _)| is_dear(*usd));
        let evidence: Vec<ActionIx> = dear.map(|(_, first)| *first).collect();
        let most = costs.last().copied().unwrap_or_default();
        let words = format!(
            "{} cost more than 4 times the usual (up to {}, usually {})",
            human::counted(evidence.len() as u64, "run"),
            human::usd(most),
            human::usd(usual)
        );
        Insight::new(Weight::Warning, words, evidence)
    }
}
