//! Gaps in followed traces, shown above the first row after each.

use std::ops::Range;

use crate::base::text;
use crate::model::action::{ActionIx, SourceIx};
use crate::store::Store;

/// The gaps, in the order in which they were noticed.
#[derive(Debug, Default)]
pub struct Gaps {
    all: Vec<Gap>,
    /// How many gaps have no row after them yet.
    open: usize,
}

#[derive(Debug)]
struct Gap {
    source: SourceIx,
    /// Byte offset in the source.
    place: u64,
    before: Option<ActionIx>,
    /// Sanitised.
    words: String,
}

impl Gaps {
    pub(super) fn add(&mut self, source: SourceIx, place: u64, words: &str) {
        self.open += 1;
        self.all.push(Gap {
            source,
            place,
            before: None,
            words: format!("data may be missing here: {}", text::sanitize(words)),
        });
    }

    /// Finds the first row after each gap among new rows.
    pub(super) fn see(&mut self, store: &Store, rows: Range<u32>) {
        if self.open == 0 {
            return;
        }
        for gap in self.all.iter_mut().filter(|gap| gap.before.is_none()) {
            let mut after = rows
                .clone()
                .map(|ix| store.row(ActionIx(ix)))
                .filter(|row| row.source_ix() == gap.source && row.place().offset >= gap.place);
            gap.before = after.next().map(|row| row.ix());
        }
        self.open = self.all.iter().filter(|it| it.before.is_none()).count();
    }

    /// Drops the gaps before `first`: those actions are gone.
    pub(super) fn drop_before(&mut self, first: ActionIx) {
        self.all
            .retain(|gap| gap.before.is_none_or(|before| before >= first));
    }

    /// The text above a row of a list, for a gap since the previous row of the list.
    pub fn above(&self, ix: ActionIx, previous: Option<ActionIx>) -> Option<&str> {
        let is_between = |gap: &&Gap| {
            gap.before.is_some_and(|before| {
                before <= ix && previous.is_none_or(|previous| before > previous)
            })
        };
        let found = self.all.iter().find(is_between)?;
        Some(&found.words)
    }
}
