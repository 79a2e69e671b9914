//! The effects that a screen can request.

use std::path::PathBuf;

use crate::act::events::Answer;
use crate::act::viewer::Viewer;
use crate::analysis::cohort::ask::Choice;
use crate::export::redact::Masked;
use crate::ingest::discover::Input;
use crate::tui::Alert;
use crate::tui::keys::Command;
use crate::tui::screen::id::ScreenId;
use crate::tui::session::Here;
use crate::tui::tasks::{Start, Task};

#[derive(Debug)]
pub enum Effect {
    /// Closes an overlay; in a view, goes back; from the first view, quits.
    Pop,
    /// Goes to another view with this selection. `q` comes back.
    Visit(ScreenId, Here),
    /// Goes to the cohort view and compares these there.
    Compare(Choice),
    /// Shows a view, with this filter if there is one.
    Show(ScreenId, Option<String>),
    /// Runs a command on the view below, with its argument.
    Obey(Command, String),
    /// Opens other traces in place of the open ones.
    Open {
        title: String,
        inputs: Vec<Input>,
    },
    /// Opens further traces next to the open ones.
    Add(Vec<Input>),
    /// Reopens the trace and follows it.
    Follow,
    /// Stops loading.
    StopLoading,
    Quit,
    Suspend,
    /// Repaints everything, for terminals that got confused.
    Redraw,
    /// Runs a task in the background; its answer comes back to this screen.
    Start(Start),
    /// Shows a sanitised text in another program, which gets the terminal until it ends.
    View {
        text: Masked<String>,
        with: Viewer,
    },
    /// Opens one of the user's files in the editor, at a line.
    Edit {
        path: PathBuf,
        line: u32,
    },
    /// Copies a text to the terminal's clipboard.
    Copy(Masked<String>),
    /// Calls the user as the settings say, with these sanitised words where they can be shown.
    Alert(Alert, String),
    /// Answers a question from outside.
    Answer(Answer),
}

impl Effect {
    pub fn start(task: impl Task) -> Effect {
        Effect::Start(Start::new(task))
    }
}
