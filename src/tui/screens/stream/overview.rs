//! The whole list and the whole run at a glance: ticks beside the list, the shape of the run above it.

use crate::analysis::shape::{self, Cell, Tick};
use crate::analysis::slow::Slow;
use crate::base::cancel::CancelFlag;
use crate::model::run::RunIx;
use crate::store::Store;
use crate::tui::screens::stream::listing::Listing;

/// A survey, and what it was made of.
#[derive(Debug, Default)]
pub struct Survey {
    of: Of,
    pub slow: Slow,
    pub ticks: Vec<Tick>,
    pub shape: Vec<Cell>,
}

/// What a survey depends on; when it changes, a new survey is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Of {
    /// Counts changes.
    pub version: u64,
    pub len: u32,
    pub listed: usize,
    pub rows: usize,
    pub run: Option<RunIx>,
    pub cells: usize,
}

/// A snapshot to survey.
#[derive(Debug)]
pub struct Wanted {
    pub store: Store,
    pub listing: Listing,
    pub of: Of,
}

#[derive(Debug, Default)]
pub struct Overview {
    pub survey: Survey,
    asked: Option<Of>,
    version: u64,
}

/// Up to this many actions are surveyed between two frames.
const AT_ONCE: u32 = 20_000;

impl Overview {
    /// Actions changed, or the list did.
    pub fn outdate(&mut self) {
        self.version += 1;
    }

    /// Returns the survey that is due, if any. A large growing store is surveyed again only after it has grown enough:
    /// by a quarter while a file is read, else by a little.
    pub fn prepare(
        &mut self,
        (store, listing): (&Store, &Listing),
        mut of: Of,
        is_loading: bool,
    ) -> Option<Wanted> {
        of.version = self.version;
        let known = &self.survey.of;
        let same_view = (known.rows, known.run, known.cells) == (of.rows, of.run, of.cells);
        let is_small = of.len <= AT_ONCE && !is_loading;
        let grown = u64::from(of.len.saturating_sub(known.len));
        let has_grown = grown * if is_loading { 4 } else { 64 } >= u64::from(known.len);
        let is_other_list = of.listed != known.listed && of.len == known.len;
        let is_stale = *known != of && (is_small || !same_view || has_grown || is_other_list);
        if !is_stale || self.asked.is_some() {
            return None;
        }
        let wanted = Wanted {
            store: store.clone(),
            listing: listing.clone(),
            of,
        };
        if of.len <= AT_ONCE {
            self.survey = wanted.survey(&CancelFlag::new());
            return None;
        }
        self.asked = Some(of);
        Some(wanted)
    }

    pub fn surveyed(&mut self, survey: Survey) {
        self.asked = None;
        self.survey = survey;
    }

    /// The task ended without an answer.
    pub fn give_up(&mut self) {
        self.asked = None;
    }
}

impl Wanted {
    pub fn survey(&self, cancel: &CancelFlag) -> Survey {
        let Wanted { store, listing, of } = self;
        let mut rows = (0..listing.len()).map(|position| listing.at(position).unwrap_or_default());
        Survey {
            of: *of,
            slow: Slow::of(store, cancel),
            ticks: shape::ticks(store, &mut rows, of.rows, cancel),
            shape: of
                .run
                .map(|run| shape::of_run(store, run, of.cells, cancel))
                .unwrap_or_default(),
        }
    }
}
