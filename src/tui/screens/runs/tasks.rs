//! The background tasks of the table of runs.

use std::collections::HashMap;

use crate::analysis::profile::{self, Profile};
use crate::base::cancel::CancelFlag;
use crate::base::text;
use crate::model::action::ActionIx;
use crate::model::run::RunIx;
use crate::query::expr::Expr;
use crate::query::hint::Over;
use crate::query::{self, Context};
use crate::store::Store;
use crate::tui::effects::Effect;
use crate::tui::screens::runs::Runs;
use crate::tui::screens::runs::table::{Table, Wanted};
use crate::tui::session::Session;
use crate::tui::tasks::Task;

/// Slices of time in the shape of a run.
const SLICES: usize = 24;

/// Which runs the filter keeps.
#[derive(Debug)]
pub(super) struct Filter {
    pub(super) store: Store,
    pub(super) expr: Expr,
    pub(super) context: Context,
}

#[derive(Debug)]
pub(super) struct Filtered {
    pub(super) kept: Vec<RunIx>,
    /// The first action of each that matches.
    pub(super) hits: HashMap<RunIx, ActionIx>,
    /// The number of actions in the store that was filtered.
    pub(super) tested: u32,
    /// What to change in a filter that keeps nothing, sanitised.
    pub(super) hint: Option<String>,
}

/// Builds the table of many runs.
#[derive(Debug)]
pub(super) struct Build {
    pub(super) store: Store,
    pub(super) wanted: Wanted,
}

/// What a run spent its time on, slice by slice.
#[derive(Debug)]
pub(super) struct Shape {
    pub(super) store: Store,
    pub(super) run: RunIx,
}

impl Task for Filter {
    type Screen = Runs;
    type Answer = Filtered;

    fn run(self, cancel: &CancelFlag, _: &mut dyn FnMut(Filtered)) -> Filtered {
        let Filter {
            store,
            expr,
            context,
        } = &self;
        let (kept, hits) = query::runs::with_hits(store, expr, context, cancel);
        let hint = (kept.is_empty() && !cancel.is_raised())
            .then(|| query::hint::hint(store, expr, context, Over::Runs))
            .flatten();
        Filtered {
            kept,
            hits,
            tested: store.len(),
            hint: hint.map(|hint| text::sanitize(&hint.to_string()).into_owned()),
        }
    }

    fn answered(runs: &mut Runs, answer: Filtered, session: &mut Session) -> Vec<Effect> {
        runs.take_kept(answer, session)
    }

    fn failed(runs: &mut Runs) {
        runs.kept.is_running = false;
        runs.filter.has_failed = true;
    }
}

impl Task for Build {
    type Screen = Runs;
    type Answer = Table;

    fn run(self, _: &CancelFlag, _: &mut dyn FnMut(Table)) -> Table {
        Table::new(&self.store, &self.wanted)
    }

    fn answered(runs: &mut Runs, answer: Table, session: &mut Session) -> Vec<Effect> {
        runs.take_table(answer, session);
        Vec::new()
    }

    fn failed(runs: &mut Runs) {
        runs.is_building = false;
    }
}

impl Task for Shape {
    type Screen = Runs;
    type Answer = (RunIx, Profile);

    fn run(self, cancel: &CancelFlag, _: &mut dyn FnMut(Self::Answer)) -> Self::Answer {
        let profile = profile::profile(&self.store, self.run, SLICES, cancel);
        (self.run, profile)
    }

    fn answered(runs: &mut Runs, answer: Self::Answer, _: &mut Session) -> Vec<Effect> {
        runs.profile.found = Some(answer);
        Vec::new()
    }
}
