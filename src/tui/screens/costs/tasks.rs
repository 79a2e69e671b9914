//! The background task of the costs.

use std::sync::Arc;

use crate::analysis::costs::Costs as Sums;
use crate::analysis::costs::lanes;
use crate::analysis::costs::limits::{self, Window};
use crate::analysis::costs::misses::{self, Misses};
use crate::analysis::costs::toll::{self, Toll};
use crate::base::cancel::CancelFlag;
use crate::ingest::prices::PriceTable;
use crate::model::action::ActionIx;
use crate::model::run::RunIx;
use crate::store::Store;
use crate::tui::effects::Effect;
use crate::tui::screens::costs::Costs;
use crate::tui::session::Session;
use crate::tui::tasks::Task;

/// Counts what a run cost, or what all runs did: first the sums, then what needs the bodies of actions.
#[derive(Debug)]
pub(super) struct Count {
    pub(super) store: Store,
    pub(super) prices: Arc<PriceTable>,
    /// None for all runs.
    pub(super) run: Option<RunIx>,
}

#[derive(Debug, Clone, Default)]
pub(super) struct Counted {
    pub(super) costs: Sums,
    pub(super) tolls: Vec<Toll>,
    pub(super) misses: Misses,
    /// Of a single run.
    pub(super) windows: Vec<Window>,
    /// The tolls and misses are in.
    pub(super) is_complete: bool,
}

impl Task for Count {
    type Screen = Costs;
    type Answer = Counted;

    fn run(self, cancel: &CancelFlag, report: &mut dyn FnMut(Counted)) -> Counted {
        let is_in = |run: RunIx| self.run.is_none_or(|only| only == run);
        let rows = self.store.rows().filter(|row| is_in(row.run_ix()));
        let rows: Vec<ActionIx> = rows.map(|row| row.ix()).collect();
        let mut counted = Counted {
            costs: Sums::of(&self.store, &rows, &self.prices, cancel),
            ..Counted::default()
        };
        report(counted.clone());
        let lanes = lanes::lanes(&self.store, is_in, &self.prices);
        counted.misses = misses::misses(&self.store, &lanes, cancel).unwrap_or_default();
        counted.tolls = toll::tolls(&self.store, &rows, &lanes, cancel).unwrap_or_default();
        if let Some(run) = self.run {
            counted.windows = limits::windows(&self.store, run, cancel);
        }
        counted.is_complete = true;
        counted
    }

    fn answered(costs: &mut Costs, answer: Counted, _: &mut Session) -> Vec<Effect> {
        costs.take(answer);
        Vec::new()
    }

    fn failed(costs: &mut Costs) {
        costs.asking.is_running = false;
    }
}
