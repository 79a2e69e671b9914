//! Where something may be missing of traces that are followed: told above the row that comes after.

use std::ops::Range;

use crate::base::text;
use crate::model::action::{ActionIx, SourceIx};
use crate::store::Store;

/// What may be missing, in the order in which it was found out.
#[derive(Debug, Default)]
pub struct Gaps {
    all: Vec<Gap>,
    /// So many in the end have no row after them yet.
    open: usize,
}

#[derive(Debug)]
struct Gap {
    source: SourceIx,
    /// In the bytes of the source.
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
            words: format!("something may be missing here: {}", text::sanitize(words)),
        });
    }

    /// Looks which of the rows that came are the first after a gap.
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

    /// Actions before `first` are there no longer, nor what was told of them.
    pub(super) fn let_go(&mut self, first: ActionIx) {
        self.all
            .retain(|gap| gap.before.is_none_or(|before| before >= first));
    }

    /// What is told above a row of a list, of all that may be missing since the row before it in the list.
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
