//! "the context reached ≈91 % of the window of gpt-4o in turn 14."

use super::{Insight, Rule, View, Weight};
use crate::analysis::windows::window;
use crate::model::action::{ActionIx, Kind};

pub(super) struct FullContext;

/// Below this percentage there is room.
const MIN_PERCENT: u64 = 80;

impl Rule for FullContext {
    fn id(&self) -> &'static str {
        "full-context"
    }

    /// The fullest call among models whose window is known.
    fn look(&self, view: View<'_>) -> Option<Insight> {
        let mut fullest: Option<(u64, ActionIx)> = None;
        for row in view.all().filter(|row| row.kind() == Kind::Response) {
            let usage = row.usage();
            let used =
                usage.input.or_zero() + usage.cache_read.or_zero() + usage.cache_write.or_zero();
            // More tokens than the window holds: our figure for this model is wrong.
            let Some(window) = window(row.model()).filter(|window| used <= *window) else {
                continue;
            };
            let percent = used * 100 / window;
            if fullest.is_none_or(|(most, _)| percent > most) {
                fullest = Some((percent, row.ix()));
            }
        }
        let (percent, ix) = fullest.filter(|(percent, _)| *percent >= MIN_PERCENT)?;
        let row = view.store.row(ix);
        let words = format!(
            "the context reached ≈{percent} % of the window of {} in turn {}",
            row.model(),
            row.turn()
        );
        Insight::new(self, Weight::Warning, words, vec![ix])
    }
}
