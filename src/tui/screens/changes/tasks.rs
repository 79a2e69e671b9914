//! The background tasks of the changed files.

use crate::analysis::files::Files;
use crate::analysis::files::unified::{self, Line};
use crate::analysis::replay::Tape;
use crate::base::cancel::CancelFlag;
use crate::model::action::ActionIx;
use crate::model::run::RunIx;
use crate::store::Store;
use crate::tui::effects::Effect;
use crate::tui::screens::changes::Changes;
use crate::tui::session::Session;
use crate::tui::tasks::Task;

/// Follows the files of a run, up to an action if there is one.
#[derive(Debug)]
pub(super) struct Follow {
    pub(super) store: Store,
    pub(super) run: RunIx,
    pub(super) until: Option<ActionIx>,
}

impl Task for Follow {
    type Screen = Changes;
    /// `None` if the task was cancelled.
    type Answer = Option<Files>;

    fn run(self, cancel: &CancelFlag, _: &mut dyn FnMut(Option<Files>)) -> Option<Files> {
        let tape = Tape::new(&self.store, self.run);
        let steps = tape.steps();
        let end = match self.until {
            Some(last) => steps.partition_point(|ix| *ix <= last),
            None => steps.len(),
        };
        Files::of(&self.store, &steps[..end], cancel)
    }

    fn answered(changes: &mut Changes, answer: Option<Files>, _: &mut Session) -> Vec<Effect> {
        if let Some(files) = answer {
            changes.take(files);
        }
        Vec::new()
    }

    fn failed(changes: &mut Changes) {
        changes.take(Files::default());
    }
}

/// Compares the first text of a file with the last.
#[derive(Debug)]
pub(super) struct Compare {
    pub(super) file: usize,
    pub(super) old: String,
    pub(super) new: String,
}

impl Task for Compare {
    type Screen = Changes;
    type Answer = (usize, Vec<Line>);

    fn run(self, _: &CancelFlag, _: &mut dyn FnMut(Self::Answer)) -> Self::Answer {
        (self.file, unified::hunks(&self.old, &self.new))
    }

    fn answered(
        changes: &mut Changes,
        (file, lines): Self::Answer,
        _: &mut Session,
    ) -> Vec<Effect> {
        changes.show_diff(file, lines);
        Vec::new()
    }
}
