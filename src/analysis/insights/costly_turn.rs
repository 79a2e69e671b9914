//! "turn 12 accounts for 61 % of the cost of its run ($3.70 of $6.10)."

use std::collections::HashMap;

use super::{Insight, Rule, View, Weight};
use crate::base::human;
use crate::model::action::{ActionIx, Flags};
use crate::model::quantity::Cost;
use crate::model::run::RunIx;

pub(super) struct CostlyTurn;

/// Cheaper runs are not worth a sentence, in dollars.
const MIN_USD: f64 = 0.10;
/// With fewer turns, one of them always dominates.
const MIN_TURNS: u32 = 4;

impl Rule for CostlyTurn {
    fn id(&self) -> &'static str {
        "costly-turn"
    }

    /// The turn with the largest share, if that is at least half.
    fn look(&self, view: View<'_>) -> Option<Insight> {
        let mut turns: HashMap<(RunIx, u32), (Cost, ActionIx, bool)> = HashMap::new();
        for row in view.all().filter(|row| row.cost().is_some()) {
            let key = (row.run_ix(), row.turn());
            let turn = turns.entry(key).or_insert((Cost::NONE, row.ix(), false));
            turn.0 = turn.0 + row.cost();
            turn.2 |= row.flags().has(Flags::ESTIMATED);
        }
        let part =
            |((run, turn), (cost, first, about)): (&(RunIx, u32), &(Cost, ActionIx, bool))| {
                let run = view.store.run(*run);
                let whole = run.cost()?.0.usd()?;
                let own = cost.usd()?;
                let counts =
                    run.totals.turns >= MIN_TURNS && whole >= MIN_USD && own * 2.0 >= whole;
                counts.then_some((own / whole, *turn, own, whole, *first, *about))
            };
        let parts = turns.iter().filter_map(part);
        let (share, turn, own, whole, first, about) =
            parts.max_by(|a, b| a.0.total_cmp(&b.0).then(b.4.cmp(&a.4)))?;
        let about = if about { "≈" } else { "" };
        let words = format!(
            "turn {turn} accounts for {:.0} % of the cost of its run ({about}{} of {about}{})",
            share.min(1.0) * 100.0,
            human::usd(own),
            human::usd(whole)
        );
        Insight::new(self, Weight::Note, words, vec![first])
    }
}
