//! The background task of the list of files.

use std::path::PathBuf;

use crate::base::cancel::CancelFlag;
use crate::base::text;
use crate::ingest::discover::{self, Input};
use crate::tui::effects::Effect;
use crate::tui::screens::files::Files;
use crate::tui::session::Session;
use crate::tui::tasks::Task;

/// Finds the traces below a path.
#[derive(Debug)]
pub(super) struct Find {
    pub(super) path: PathBuf,
}

/// What to open, or why nothing can be opened, sanitised.
pub(super) type Found = Result<(String, Vec<Input>), String>;

impl Task for Find {
    type Screen = Files;
    type Answer = Found;

    fn run(self, _: &CancelFlag, _: &mut dyn FnMut(Found)) -> Found {
        let title = self.path.to_string_lossy().into_owned();
        match discover::traces(&self.path) {
            Ok(inputs) => Ok((title, inputs)),
            Err(error) => Err(text::sanitize(&error.to_string()).into_owned()),
        }
    }

    fn answered(files: &mut Files, answer: Found, _: &mut Session) -> Vec<Effect> {
        match answer {
            Ok((title, inputs)) => vec![Effect::Open { title, inputs }],
            Err(problem) => {
                files.problem = problem;
                Vec::new()
            }
        }
    }
}
