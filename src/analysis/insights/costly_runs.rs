//! "2 runs cost more than 4 times the median (up to $6.10, median $0.52)."

use super::{Insight, Rule, View, Weight};
use crate::analysis::statistics::ranks::{median, ordered};
use crate::base::human;
use crate::model::action::ActionIx;

pub(super) struct CostlyRuns;

/// With fewer runs, the median says little.
const MIN_RUNS: usize = 8;
const TIMES: f64 = 4.0;
/// Cheaper runs are not worth a sentence, in dollars.
const MIN_USD: f64 = 0.10;

impl Rule for CostlyRuns {
    fn id(&self) -> &'static str {
        "costly-runs"
    }

    fn look(&self, view: View<'_>) -> Option<Insight> {
        let known = view.store.runs().iter().filter_map(|run| {
            let usd = run.cost()?.0.usd()?;
            Some((usd, run.first_action.get()?))
        });
        let known: Vec<(f64, ActionIx)> = known.collect();
        if known.len() < MIN_RUNS {
            return None;
        }
        let costs = ordered(known.iter().map(|(usd, _)| *usd));
        let usual = median(&costs)?;
        let is_costly = |usd: f64| usd > usual * TIMES && usd >= MIN_USD;
        let is_ours = |ix: ActionIx| {
            let of = || view.store.row(ix).run_ix();
            view.run.is_none_or(|run| of() == run)
        };
        let costly = known
            .iter()
            .filter(|(usd, first)| is_costly(*usd) && is_ours(*first));
        let evidence: Vec<ActionIx> = costly.map(|(_, first)| *first).collect();
        let most = costs.last().copied().unwrap_or_default();
        let words = format!(
            "{} cost more than 4 times the median (up to {}, median {})",
            human::counted(evidence.len() as u64, "run"),
            human::usd(most),
            human::usd(usual)
        );
        Insight::new(self, Weight::Warning, words, evidence)
    }
}
