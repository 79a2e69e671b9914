//! The seam to the filter language: a text becomes the rows it keeps.

use std::ops::Range;

use crate::base::cancel::CancelFlag;
use crate::model::action::ActionIx;
use crate::model::run::RunIx;
use crate::store::Store;

/// A filter that makes sense.
#[derive(Debug, Clone)]
pub struct Filter {
    needle: String,
}

/// Why a text is not a filter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Cells of the text before the place where it goes wrong.
    pub column: usize,
    pub message: String,
}

/// What to test, and how far an earlier answer got.
#[derive(Debug, Clone)]
pub struct Task {
    pub store: Store,
    pub filter: Option<Filter>,
    pub run: Option<RunIx>,
    /// Rows below this are answered already.
    pub tested: u32,
    /// Rows below `tested` about which something was learned since.
    pub again: Vec<ActionIx>,
    pub zone: jiff::tz::TimeZone,
}

/// Which rows a filter keeps, of those that were asked for.
#[derive(Debug, Clone, Default)]
pub struct Answer {
    pub tested: Range<u32>,
    pub rows: Vec<ActionIx>,
    pub again: Vec<(ActionIx, bool)>,
    pub unjudged: u64,
}

impl Task {
    /// Keeps everything.
    pub fn all(store: Store) -> Task {
        let zone = jiff::tz::TimeZone::UTC;
        Task {
            store,
            filter: None,
            run: None,
            tested: 0,
            again: Vec::new(),
            zone,
        }
    }
}

/// Reads a filter; `None` for a text that keeps everything.
pub fn parse(text: &str) -> Result<Option<Filter>, Problem> {
    if text.contains("((") {
        return Err(Problem {
            column: 0,
            message: "no".to_owned(),
        });
    }
    Ok((!text.trim().is_empty()).then(|| Filter {
        needle: text.trim().to_owned(),
    }))
}

/// Tests the rows of `task`; gives up when cancelled.
pub fn run(task: Task, cancel: &CancelFlag) -> Answer {
    let keeps = |ix: ActionIx| {
        let row = task.store.row(ix);
        task.run.is_none_or(|run| row.run_ix() == run)
            && task
                .filter
                .as_ref()
                .is_none_or(|filter| row.tool().contains(&filter.needle))
    };
    let tested = task.tested..task.store.len();
    let rows = tested
        .clone()
        .map(ActionIx)
        .take_while(|_| !cancel.is_raised())
        .filter(|ix| keeps(*ix))
        .collect();
    let again = task.again.iter().map(|ix| (*ix, keeps(*ix))).collect();
    Answer {
        tested,
        rows,
        again,
        unjudged: 0,
    }
}
