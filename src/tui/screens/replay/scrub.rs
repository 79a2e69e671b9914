//! The scrubber: a run in one line, with the steps that need attention.

use crate::analysis::replay::Tape;
use crate::analysis::replay::events::{self, Event};
use crate::model::action::ActionIx;
use crate::store::Store;
use crate::tui::session::Marks;

#[derive(Debug, Default)]
pub(super) struct Scrub {
    events: Vec<(usize, Event)>,
    /// One per cell of the track.
    pub(super) cells: Vec<TrackCell>,
    len: usize,
    pub(super) is_stale: bool,
}

/// What a cell of the track shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum TrackCell {
    #[default]
    Plain,
    Event(Event),
    Mark,
}

impl Scrub {
    pub(super) fn settle(&mut self, store: &Store, of: (&Tape, &Marks), width: usize) {
        let (tape, marks) = of;
        if self.len != tape.len() || self.is_stale {
            self.events = events::events(store, tape);
        } else if self.cells.len() == width {
            return;
        }
        (self.len, self.is_stale) = (tape.len(), false);
        self.cells = vec![TrackCell::Plain; width];
        for (step, event) in &self.events {
            let cell = self.cell_of(*step);
            let known = self.cells.get_mut(cell);
            if let Some(cell) =
                known.filter(|cell| !matches!(cell, TrackCell::Event(more) if more >= event))
            {
                *cell = TrackCell::Event(*event);
            }
        }
        let marked = marks.all().iter().map(|ix| ActionIx(*ix));
        for step in marked.filter_map(|ix| tape.steps().binary_search(&ix).ok()) {
            let cell = self.cell_of(step);
            if let Some(cell) = self.cells.get_mut(cell) {
                *cell = TrackCell::Mark;
            }
        }
    }

    /// The first step where this happened.
    pub(super) fn first(&self, wanted: Event) -> Option<usize> {
        let found = self.events.iter().find(|(_, event)| *event == wanted);
        found.map(|(step, _)| *step)
    }

    /// The cell of a step: the first step is in the first cell, the last in the last.
    pub(super) fn cell_of(&self, step: usize) -> usize {
        scale(step, self.len, self.cells.len())
    }

    /// The middle step of those that share a cell.
    pub(super) fn step_at(&self, cell: usize) -> usize {
        scale(
            cell.min(self.cells.len().saturating_sub(1)),
            self.cells.len(),
            self.len,
        )
    }
}

fn scale(at: usize, from: usize, to: usize) -> usize {
    match (from, to) {
        (0 | 1, _) | (_, 0) => 0,
        (from, to) => (at * (to - 1) + (from - 1) / 2) / (from - 1),
    }
}

#[cfg(test)]
mod tests {
    use super::scale;

    #[test]
    fn the_ends_are_the_ends_and_the_way_is_even() {
        assert_eq!((scale(0, 1000, 10), scale(999, 1000, 10)), (0, 9));
        assert_eq!((scale(0, 10, 1000), scale(9, 10, 1000)), (0, 999));
        assert_eq!(scale(500, 1001, 11), 5);
        assert_eq!(
            (scale(0, 1, 10), scale(0, 0, 10), scale(3, 7, 0)),
            (0, 0, 0)
        );
    }
}
