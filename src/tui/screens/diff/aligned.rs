//! Two runs, aligned in the background.

use std::sync::Arc;

use crate::analysis::diff::inputs::{self, InputDiff};
use crate::analysis::diff::read::Side;
use crate::analysis::diff::story::Story;
use crate::analysis::diff::{self, Comparison, Options};
use crate::base::cancel::CancelFlag;
use crate::model::action::ActionIx;
use crate::model::run::RunIx;
use crate::store::Store;

/// An alignment; empty if it was cancelled.
#[derive(Debug)]
pub(super) struct Aligned {
    pub(super) pair: [RunIx; 2],
    pub(super) comparison: Option<Arc<Comparison>>,
    /// The model inputs at the divergence.
    pub(super) why: Option<InputDiff>,
}

impl Aligned {
    pub(super) fn new(
        store: &Store,
        pair: [RunIx; 2],
        options: &Options,
        (cancel, progress): (&CancelFlag, &mut dyn FnMut(usize, usize)),
    ) -> Aligned {
        let [a, b] = pair.map(|run| Side { store, run });
        let comparison = diff::compare((a, b), options, cancel, progress).map(Arc::new);
        let story = comparison
            .as_deref()
            .map(|comparison| Story { comparison, a, b });
        Aligned {
            pair,
            why: story.and_then(|story| inputs::at_divergence(&story, cancel)),
            comparison,
        }
    }

    /// The sentences about a comparison, made from its store.
    pub(super) fn story<'a>(&self, comparison: &'a Comparison, store: &'a Store) -> Story<'a> {
        let [a, b] = self.pair.map(|run| Side { store, run });
        Story { comparison, a, b }
    }
}

/// The actions of a column.
pub(super) fn rows(comparison: &Comparison, column: usize) -> [Option<ActionIx>; 2] {
    let Some(column) = comparison.columns.get(column) else {
        return [None; 2];
    };
    let a = column.a.map(|at| comparison.a.rows[at as usize]);
    let b = column.b.map(|at| comparison.b.rows[at as usize]);
    [a, b]
}

/// The column that holds one of these actions.
pub(super) fn find(comparison: &Comparison, wanted: [Option<ActionIx>; 2]) -> Option<usize> {
    let holds = |at: &usize, side: usize| {
        let own = rows(comparison, *at)[side];
        own.is_some() && own == wanted[side]
    };
    let all = 0..comparison.columns.len();
    let both = all.clone().find(|at| holds(at, 0) && holds(at, 1));
    both.or_else(|| all.clone().find(|at| holds(at, 1) || holds(at, 0)))
}
