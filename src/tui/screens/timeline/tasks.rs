//! The background task of the timeline.

use crate::analysis::timeline::Timeline as Made;
use crate::base::cancel::CancelFlag;
use crate::model::run::RunIx;
use crate::store::Store;
use crate::tui::effects::Effect;
use crate::tui::screens::timeline::Timeline;
use crate::tui::session::Session;
use crate::tui::tasks::Task;

/// Lays a run out along its time.
#[derive(Debug)]
pub(super) struct BuildTimeline {
    pub(super) store: Store,
    pub(super) run: RunIx,
    /// When to end what has not ended; `None` if the run is over.
    pub(super) now: Option<i64>,
}

impl Task for BuildTimeline {
    type Screen = Timeline;
    type Answer = Made;

    fn run(self, cancel: &CancelFlag, _: &mut dyn FnMut(Made)) -> Made {
        Made::of(&self.store, self.run, self.now, cancel)
    }

    fn answered(timeline: &mut Timeline, answer: Made, _: &mut Session) -> Vec<Effect> {
        timeline.take(answer);
        Vec::new()
    }

    fn failed(timeline: &mut Timeline) {
        timeline.asking.is_running = false;
    }
}
