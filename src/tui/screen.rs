//! What a screen is.

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

/// A screen is a state and a few questions. It asks the outside by effects and does no IO.
pub trait Screen: Any + Debug {
    /// Whether keys go to the part of the screen that has commands of its own.
    fn is_inner(&self) -> bool {
        false
    }

    /// A key before the table of commands sees it; `None` when the screen does not want it.
    fn typed(&mut self, key: Key, session: &mut Session) -> Option<Vec<Effect>>;

    fn pasted(&mut self, text: &str, session: &mut Session) -> Vec<Effect> {
        let _ = (text, session);
        Vec::new()
    }

    /// Sets the filter, for screens that have one.
    fn filter(&mut self, text: &str, session: &mut Session) -> Vec<Effect> {
        let _ = (text, session);
        Vec::new()
    }

    /// Compares these cohorts, for the screen that can.
    fn compare(&mut self, cohorts: Choice) {
        let _ = cohorts;
    }

    /// The screen comes to the front: it takes over what is selected in the session.
    fn entered(&mut self, session: &mut Session) -> Vec<Effect> {
        let _ = session;
        Vec::new()
    }

    /// What is selected here is selected everywhere.
    fn tell_here(&self, session: &mut Session) {
        let _ = session;
    }

    fn update(&mut self, command: Command, session: &mut Session) -> Vec<Effect>;

    /// A command with what was typed after it in the palette; or what is wrong with that.
    fn told(
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

    /// Settles what depends on the size of the screen and fetches what will be drawn.
    fn prepare(&mut self, area: Rect, session: &mut Session) -> Vec<Effect>;

    /// How long what was drawn last stays true if nothing comes: a clock runs on it. None where none does.
    fn stays(&self) -> Option<Duration> {
        None
    }

    /// What the header says of a view, as of the last `prepare`.
    fn headline(&self) -> Headline<'_> {
        Headline::default()
    }

    fn draw(&self, theme: &Theme, area: Rect, buf: &mut Buffer);
}

/// Where a view is, in sanitised words.
#[derive(Debug, Clone, Copy, Default)]
pub struct Headline<'a> {
    /// The way to what is selected; the last part is never cut.
    pub crumbs: &'a [String],
    /// How much there is, where there is room to say it.
    pub amount: &'a str,
}

/// What the mouse did, and at which cell.
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
