//! What a screen asks of the world outside of it.

use crate::tui::jobs::Job;
use crate::tui::screens::ScreenId;
use crate::tui::session::Here;

#[derive(Debug)]
pub enum Effect {
    /// Lays a screen over this one.
    Push(ScreenId),
    /// Leaves what lies over a view; in a view one step back; leaving the first one ends the program.
    Pop,
    /// Goes to another view, with this selected there. `q` comes back.
    Visit(ScreenId, Here),
    Quit,
    Suspend,
    /// Draws everything again, for terminals that got confused.
    Redraw,
    Start(Box<Job>),
}
