//! "Turn 12 holds 61 % of the cost of its run ($3.70 of $6.10)."

use std::collections::HashMap;

use super::{Insight, Rule, View, Weight};
use crate::base::human;
use crate::model::action::{ActionIx, Flags};
use crate::model::quantity::Cost as Money;
use crate::model::run::RunIx;

pub(super) struct Cost;

/// Less money is not worth a sentence, in dollars.
const LEAST: f64 = 0.10;
/// In runs of fewer turns one of them always holds much.
const TURNS: u32 = 4;

impl Rule for Cost {
    /// The turn with the largest part of at least half.
    fn look(&self, view: View<'_>) -> Option<Insight> {
        let mut turns: HashMap<(RunIx, u32), (Money, ActionIx, bool)> = HashMap::new();
        for row in view.store.rows().filter(|row| row.cost().is_some()) {
            let key = (row.run_ix(), row.turn());
            let turn = turns.entry(key).or_insert((Money::NONE, row.ix(), false));
            turn.0 = turn.0 + row.cost();
            turn.2 |= row.flags().has(Flags::ESTIMATED);
        }
        let part =
            |((run, turn), (cost, first, about)): (&(RunIx, u32), &(Money, ActionIx, bool))| {
                let run = view.store.run(*run);
                let whole = run.cost()?.0.usd()?;
                let own = cost.usd()?;
                let counts = run.totals.turns >= TURNS && whole >= LEAST && own * 2.0 >= whole;
                counts.then_some((own / whole, *turn, own, whole, *first, *about))
            };
        let parts = turns.iter().filter_map(part);
        let (share, turn, own, whole, first, about) =
            parts.max_by(|a, b| a.0.total_cmp(&b.0).then(b.4.cmp(&a.4)))?;
        let about = if about { "≈" } else { "" };
        let words = format!(
            "turn {turn} holds {:.0} % of the cost of its run ({about}{} of {about}{})",
            share.min(1.0) * 100.0,
            human::usd(own),
            human::usd(whole)
        );
        Insight::new(Weight::Note, words, vec![first])
    }
}
