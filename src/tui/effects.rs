//! What a screen asks of the world outside of it.

use crate::act::viewer::Viewer;
use crate::tui::jobs::Job;
use crate::tui::screens::ScreenId;

#[derive(Debug)]
pub enum Effect {
    /// Puts a screen on top of this one.
    Push(ScreenId),
    /// Leaves this screen; leaving the last one ends the program.
    Pop,
    Quit,
    Suspend,
    /// Draws everything again, for terminals that got confused.
    Redraw,
    Start(Box<Job>),
    /// Shows a sanitised text in another program, which has the terminal until it ends.
    View {
        text: String,
        with: Viewer,
    },
    /// Puts a text on the clipboard of the terminal.
    Copy(String),
}
