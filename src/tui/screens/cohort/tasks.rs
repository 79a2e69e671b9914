//! The background task of the cohort view.

use crate::analysis::cohort::ask::{Answer, Ask, Refusal};
use crate::base::cancel::CancelFlag;
use crate::store::Store;
use crate::tui::effects::Effect;
use crate::tui::screens::cohort::Cohort;
use crate::tui::session::Session;
use crate::tui::tasks::Task;

/// Compares two cohorts.
#[derive(Debug)]
pub(super) struct Compare {
    pub(super) store: Store,
    pub(super) ask: Ask,
}

impl Task for Compare {
    type Screen = Cohort;
    type Answer = Result<Answer, Refusal>;

    fn run(self, cancel: &CancelFlag, _: &mut dyn FnMut(Self::Answer)) -> Self::Answer {
        self.ask.run(&self.store, cancel)
    }

    fn answered(cohort: &mut Cohort, answer: Self::Answer, session: &mut Session) -> Vec<Effect> {
        cohort.take(answer, session);
        Vec::new()
    }

    fn failed(cohort: &mut Cohort) {
        cohort.is_running = false;
    }
}
