//! The interface of a screen.

pub mod id;

use std::any::Any;
use std::fmt::Debug;
use std::time::Duration;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::analysis::cohort::ask::Choice;
use crate::state::Layout;
use crate::tui::effects::Effect;
use crate::tui::keys::{Command, Key};
use crate::tui::session::{News, Session};
use crate::tui::theme::Theme;

/// A screen holds state and answers a few questions. It acts on the outside through effects, and does no I/O but reading bodies.
pub trait Screen: Any + Debug {
    /// Whether a part of the screen with commands of its own has the focus.
    fn is_inner(&self) -> bool {
        false
    }

    /// A key, before it is looked up in the command table; `None` to pass it on.
    fn typed(&mut self, key: Key, session: &mut Session) -> Option<Vec<Effect>>;

    fn pasted(&mut self, text: &str, session: &mut Session) -> Vec<Effect> {
        let _ = (text, session);
        Vec::new()
    }

    /// Sets the filter, if the screen has one.
    fn filter(&mut self, text: &str, session: &mut Session) -> Vec<Effect> {
        let _ = (text, session);
        Vec::new()
    }

    /// The filter in force; empty without one.
    fn filtered(&self) -> String {
        String::new()
    }

    /// Compares these cohorts, for the screen that can.
    fn compare(&mut self, cohorts: Choice) {
        let _ = cohorts;
    }

    /// The screen comes to the front and takes over the selection of the session.
    fn entered(&mut self, session: &mut Session) -> Vec<Effect> {
        let _ = session;
        Vec::new()
    }

    /// Writes the selection to the session, for all views.
    fn share_selection(&self, session: &mut Session) {
        let _ = session;
    }

    fn update(&mut self, command: Command, session: &mut Session) -> Vec<Effect>;

    /// Runs a command with its argument from the palette; an error describes what is wrong with the argument.
    fn run_with(
        &mut self,
        command: Command,
        argument: &str,
        session: &mut Session,
    ) -> Result<Vec<Effect>, String> {
        let _ = argument;
        Ok(self.update(command, session))
    }

    fn pointed(&mut self, pointer: Pointer, session: &mut Session) -> Vec<Effect>;

    fn loaded(&mut self, news: &News, session: &mut Session) -> Vec<Effect> {
        let _ = (news, session);
        Vec::new()
    }

    /// The columns and the order that the user can change; they are remembered.
    fn layout(&self) -> Option<Layout> {
        None
    }

    /// Computes what depends on the size of the screen, and fetches the rows to draw.
    fn prepare(&mut self, area: Rect, session: &mut Session) -> Vec<Effect>;

    /// Time until the frame is stale because a clock runs on it; `None` if it is static.
    fn stays(&self) -> Option<Duration> {
        None
    }

    /// The header's text about a view, as of the last `prepare`.
    fn headline(&self) -> Headline<'_> {
        Headline::default()
    }

    fn draw(&self, theme: &Theme, area: Rect, buf: &mut Buffer);
}

/// The text of the header, sanitised.
#[derive(Debug, Clone, Copy, Default)]
pub struct Headline<'a> {
    /// The path to the selection; the last part is never cut.
    pub crumbs: &'a [String],
    /// The amount, if there is room.
    pub amount: &'a str,
}

/// What the mouse did, and where.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pointer {
    Click {
        x: u16,
        y: u16,
    },
    WheelUp {
        x: u16,
        y: u16,
    },
    WheelDown {
        x: u16,
        y: u16,
    },
    /// Moved with the button held down.
    Drag {
        x: u16,
        y: u16,
    },
    Release,
}
