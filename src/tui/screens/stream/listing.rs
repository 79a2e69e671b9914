//! Which actions a list shows, in their order: all of them, or those that a filter kept.

use std::collections::HashSet;
use std::ops::Range;

use crate::model::action::ActionIx;

/// Without a filter there is no list in memory: 10 million actions cost nothing.
#[derive(Debug, Clone)]
pub enum Listing {
    /// From the first that is kept to the last.
    All(Range<u32>),
    Kept(Vec<ActionIx>),
}

impl Default for Listing {
    fn default() -> Listing {
        Listing::All(0..0)
    }
}

impl Listing {
    pub fn len(&self) -> usize {
        match self {
            Listing::All(range) => range.len(),
            Listing::Kept(rows) => rows.len(),
        }
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub fn at(&self, position: usize) -> Option<ActionIx> {
        match self {
            Listing::All(range) => u32::try_from(position)
                .ok()
                .and_then(|position| range.start.checked_add(position))
                .filter(|ix| *ix < range.end)
                .map(ActionIx),
            Listing::Kept(rows) => rows.get(position).copied(),
        }
    }

    /// The position of an action, or of the next one that is listed.
    pub fn seek(&self, ix: ActionIx) -> usize {
        match self {
            Listing::All(range) => ix.0.saturating_sub(range.start) as usize,
            Listing::Kept(rows) => rows.partition_point(|row| *row < ix),
        }
    }

    /// The positions of actions if the whole list is scaled to this many rows; actions that are not listed are left out.
    pub fn rows_of(&self, actions: impl Iterator<Item = ActionIx>, rows: usize) -> HashSet<usize> {
        let len = self.len().max(1);
        let place = |ix: ActionIx| {
            let position = self.seek(ix);
            (self.at(position) == Some(ix)).then(|| position * rows / len)
        };
        actions.filter_map(place).collect()
    }

    /// Drops actions before `first`; returns how many were listed.
    pub fn drop_before(&mut self, first: ActionIx) -> usize {
        let gone = self.seek(first).min(self.len());
        match self {
            Listing::All(range) => range.start += gone as u32,
            Listing::Kept(rows) => {
                rows.drain(..gone);
            }
        }
        gone
    }

    /// Adds kept rows after the last one, and updates some earlier rows.
    pub fn extend(&mut self, more: Vec<ActionIx>, again: &[(ActionIx, bool)]) {
        let Listing::Kept(rows) = self else { return };
        rows.extend(more);
        for (ix, keep) in again {
            match (rows.binary_search(ix), keep) {
                (Err(place), true) => rows.insert(place, *ix),
                (Ok(place), false) => {
                    rows.remove(place);
                }
                (Ok(_), true) | (Err(_), false) => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Listing;
    use crate::model::action::ActionIx;

    #[test]
    fn rows_that_changed_come_and_go() {
        let mut listing = Listing::Kept(vec![ActionIx(1), ActionIx(5)]);
        listing.extend(
            vec![ActionIx(9)],
            &[(ActionIx(5), false), (ActionIx(3), true)],
        );
        let Listing::Kept(rows) = &listing else {
            panic!("a list")
        };
        assert_eq!(*rows, [ActionIx(1), ActionIx(3), ActionIx(9)]);
        assert_eq!(listing.seek(ActionIx(4)), 2);
        assert_eq!(listing.at(3), None);
    }

    #[test]
    fn what_is_let_go_is_listed_no_longer_and_the_rest_keeps_its_numbers() {
        let mut all = Listing::All(0..9);
        assert_eq!(all.drop_before(ActionIx(4)), 4);
        assert_eq!(
            (all.len(), all.at(0), all.at(5)),
            (5, Some(ActionIx(4)), None)
        );
        assert_eq!((all.seek(ActionIx(2)), all.seek(ActionIx(6))), (0, 2));
        let mut kept = Listing::Kept(vec![ActionIx(1), ActionIx(5)]);
        assert_eq!(kept.drop_before(ActionIx(4)), 1);
        assert_eq!(kept.at(0), Some(ActionIx(5)));
    }
}
