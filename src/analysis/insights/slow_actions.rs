//! "3 actions took more than 4 times as long as usual (Bash up to 4m12s)."

use super::{Insight, Rule, View, Weight};
use crate::analysis::slow::Slow;
use crate::analysis::trouble::ChunkRow;
use crate::base::cancel::CancelFlag;
use crate::base::human;
use crate::store::row::Row;

pub(super) struct SlowActions;

impl Rule for SlowActions {
    fn id(&self) -> &'static str {
        "slow-actions"
    }

    fn look(&self, view: View<'_>) -> Option<Insight> {
        let slow = Slow::of(view.store, &CancelFlag::new());
        let evidence = view.rows(|row| {
            slow.is_slow(ChunkRow {
                chunk: row.chunk,
                outcomes: row.outcomes,
                row: row.at,
            })
        });
        let rows = evidence.iter().map(|ix| view.store.row(*ix));
        let longest = rows.max_by_key(Row::duration)?;
        let name = if longest.tool().is_empty() {
            longest.model()
        } else {
            longest.tool()
        };
        let took = longest.duration().get().map(human::span)?;
        let actions = human::counted(evidence.len() as u64, "action");
        let words =
            format!("{actions} took more than 4 times as long as usual ({name} up to {took})");
        Insight::new(self, Weight::Note, words, evidence)
    }
}
