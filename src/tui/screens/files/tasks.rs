//! The background task of the list of files.

use std::path::PathBuf;

use crate::base::cancel::CancelFlag;
use crate::base::text;
use crate::ingest::discover::{self, Input};
use crate::tui::effects::Effect;
use crate::tui::screens::files::{Files, How};
use crate::tui::session::Session;
use crate::tui::tasks::Task;

/// Finds the traces below a path.
#[derive(Debug)]
pub(super) struct Find {
    pub(super) path: PathBuf,
    pub(super) how: How,
}

/// The traces to open.
#[derive(Debug)]
pub(super) struct Found {
    title: String,
    inputs: Vec<Input>,
    /// What else is in the folder.
    notes: Vec<String>,
    how: How,
}

impl Task for Find {
    type Screen = Files;
    /// The error is why nothing can be opened, sanitised.
    type Answer = Result<Found, String>;

    fn run(self, _: &CancelFlag, _: &mut dyn FnMut(Self::Answer)) -> Self::Answer {
        let title = self.path.to_string_lossy().into_owned();
        match discover::traces(&self.path) {
            Ok(found) => Ok(Found {
                title,
                notes: found.notes(),
                inputs: found.inputs,
                how: self.how,
            }),
            Err(error) => Err(text::sanitize(&error.to_string()).into_owned()),
        }
    }

    fn answered(files: &mut Files, answer: Self::Answer, session: &mut Session) -> Vec<Effect> {
        let found = match answer {
            Ok(found) => found,
            Err(problem) => {
                files.problem = problem;
                return Vec::new();
            }
        };
        for note in &found.notes {
            session.say(note);
        }
        let Found { title, inputs, .. } = found;
        match found.how {
            How::Replace => vec![Effect::Open { title, inputs }],
            How::Add => vec![Effect::Pop, Effect::Add(inputs)],
        }
    }
}
