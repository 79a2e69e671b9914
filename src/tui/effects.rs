//! What a screen asks of the world outside of it.

use crate::act::events::Answer;
use crate::act::viewer::Viewer;
use crate::analysis::cohort::ask::Choice;
use crate::ingest::discover::Input;
use crate::tui::keys::Command;
use crate::tui::screen::id::ScreenId;
use crate::tui::session::Here;
use crate::tui::tasks::{Start, Task};

#[derive(Debug)]
pub enum Effect {
    /// Leaves what lies over a view; in a view one step back; leaving the first one ends the program.
    Pop,
    /// Goes to another view, with this selected there. `q` comes back.
    Visit(ScreenId, Here),
    /// Goes to the cohort view and compares these there.
    Compare(Choice),
    /// Shows a view, with this filter if there is one.
    Show(ScreenId, Option<String>),
    /// Does a command on the view below, with what was typed after it.
    Obey(Command, String),
    /// Opens something else instead of what is open.
    Open {
        title: String,
        inputs: Vec<Input>,
    },
    /// Opens more beside what is open.
    Add(Vec<Input>),
    /// Opens what is open anew and follows it from then on.
    Follow,
    /// Reads no further.
    StopLoading,
    Quit,
    Suspend,
    /// Draws everything again, for terminals that got confused.
    Redraw,
    /// Runs a task in the background; its answer comes back to this screen.
    Start(Start),
    /// Shows a sanitised text in another program, which has the terminal until it ends.
    View {
        text: String,
        with: Viewer,
    },
    /// Puts a text on the clipboard of the terminal.
    Copy(String),
    /// Answers a question from outside.
    Answer(Answer),
}

impl Effect {
    pub fn start(task: impl Task) -> Effect {
        Effect::Start(Start::new(task))
    }
}
