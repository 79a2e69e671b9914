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
    how: How,
}

impl Task for Find {
    type Screen = Files;
    /// The error is why nothing can be opened, sanitised.
    type Answer = Result<Found, String>;

    fn run(self, _: &CancelFlag, _: &mut dyn FnMut(Self::Answer)) -> Self::Answer {
        let title = self.path.to_string_lossy().into_owned();
        match discover::traces(&self.path) {
            Ok(inputs) => Ok(Found {
                title,
                inputs,
                how: self.how,
            }),
            Err(error) => Err(text::sanitize(&error.to_string()).into_owned()),
        }
    }

    fn answered(files: &mut Files, answer: Self::Answer, _: &mut Session) -> Vec<Effect> {
        match answer {
            Ok(Found {
                title,
                inputs,
                how: How::Replace,
            }) => vec![Effect::Open { title, inputs }],
            Ok(Found { inputs, .. }) => vec![Effect::Pop, Effect::Add(inputs)],
            Err(problem) => {
                files.problem = problem;
                Vec::new()
            }
        }
    }
}
