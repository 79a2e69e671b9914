//! "Context reached ≈91 % of the window of gpt-4o at turn 14."

use super::{Insight, Rule, View, Weight};
use crate::analysis::windows::window;
use crate::model::action::{ActionIx, Kind};

pub(super) struct Context;

/// Below this there is room.
const MUCH: u64 = 80;

impl Rule for Context {
    /// The fullest call, as far as the window of its model is known.
    fn look(&self, view: View<'_>) -> Option<Insight> {
        let mut fullest: Option<(u64, ActionIx)> = None;
        for row in view.store.rows().filter(|row| row.kind() == Kind::Response) {
            let usage = row.usage();
            let used =
                usage.input.or_zero() + usage.cache_read.or_zero() + usage.cache_write.or_zero();
            // More than the window holds means that the window is another one.
            let Some(window) = window(row.model()).filter(|window| used <= *window) else {
                continue;
            };
            let percent = used * 100 / window;
            if fullest.is_none_or(|(most, _)| percent > most) {
                fullest = Some((percent, row.ix()));
            }
        }
        let (percent, ix) = fullest.filter(|(percent, _)| *percent >= MUCH)?;
        let row = view.store.row(ix);
        let words = format!(
            "context reached ≈{percent} % of the window of {} at turn {}",
            row.model(),
            row.turn()
        );
        Insight::new(Weight::Warning, words, vec![ix])
    }
}
