//! Two runs, aligned in the background.

use std::sync::Arc;

use crate::analysis::diff::read::Side;
use crate::analysis::diff::story::Story;
use crate::analysis::diff::why::{self, Why};
use crate::analysis::diff::{self, Comparison, Options};
use crate::base::cancel::CancelFlag;
use crate::model::action::ActionIx;
use crate::model::run::RunIx;
use crate::store::Store;

#[derive(Debug)]
pub struct Task {
    pub store: Store,
    pub pair: [RunIx; 2],
    pub options: Options,
}

/// What came of it; nothing where nobody waits any more.
#[derive(Debug)]
pub struct Aligned {
    pub pair: [RunIx; 2],
    pub comparison: Option<Arc<Comparison>>,
    /// What the models had been given where they part.
    pub why: Option<Why>,
}

impl Task {
    pub fn run(self, cancel: &CancelFlag, tell: &mut dyn FnMut(usize, usize)) -> Aligned {
        let [a, b] = self.pair.map(|run| Side {
            store: &self.store,
            run,
        });
        let comparison = diff::compare((a, b), &self.options, cancel, tell).map(Arc::new);
        let story = comparison
            .as_deref()
            .map(|comparison| Story { comparison, a, b });
        Aligned {
            pair: self.pair,
            why: story.and_then(|story| why::why(&story, cancel)),
            comparison,
        }
    }
}

impl Aligned {
    /// The story of a comparison, told from the store it is about.
    pub fn story<'a>(&self, comparison: &'a Comparison, store: &'a Store) -> Story<'a> {
        let [a, b] = self.pair.map(|run| Side { store, run });
        Story { comparison, a, b }
    }
}

/// The actions of a column.
pub fn rows(comparison: &Comparison, column: usize) -> [Option<ActionIx>; 2] {
    let Some(column) = comparison.columns.get(column) else {
        return [None; 2];
    };
    let a = column.a.map(|at| comparison.a.rows[at as usize]);
    let b = column.b.map(|at| comparison.b.rows[at as usize]);
    [a, b]
}

/// The column that holds one of these actions.
pub fn find(comparison: &Comparison, wanted: [Option<ActionIx>; 2]) -> Option<usize> {
    let holds = |at: &usize, side: usize| {
        let own = rows(comparison, *at)[side];
        own.is_some() && own == wanted[side]
    };
    let all = 0..comparison.columns.len();
    let both = all.clone().find(|at| holds(at, 0) && holds(at, 1));
    both.or_else(|| all.clone().find(|at| holds(at, 1) || holds(at, 0)))
}
