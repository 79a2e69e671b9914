//! What keys and the mouse do to the selection.

use ratatui::layout::Position;

use crate::tui::effects::Effect;
use crate::tui::keys::Command;
use crate::tui::screen::Pointer;
use crate::tui::screens::cohort::rows::{nearest, stepped};
use crate::tui::screens::cohort::{Cohort, State};
use crate::tui::session::Session;
use crate::tui::widgets::viewport::{Viewport, WHEEL};

impl Cohort {
    /// How many lines the list has that is on the screen.
    pub(super) fn len(&self) -> usize {
        match (&self.behind, &self.state) {
            (Some(behind), _) => behind.items.len(),
            (None, State::Choosing(models)) => models.all.len(),
            (None, State::Nothing | State::Refused(_) | State::Shown(_)) => self.lines.len(),
        }
    }

    /// The list that is on the screen.
    pub(super) fn viewport(&mut self) -> &mut Viewport {
        match (&mut self.behind, &mut self.state) {
            (Some(behind), _) => &mut behind.view,
            (None, State::Choosing(models)) => &mut models.view,
            (None, State::Nothing | State::Refused(_) | State::Shown(_)) => &mut self.view,
        }
    }

    pub(super) fn step(&mut self, command: Command) {
        let rows = usize::from(self.frame.regions.list.height).max(1) as isize;
        let far = self.len() as isize;
        let by = match command {
            Command::Down => 1,
            Command::Up => -1,
            Command::HalfDown => (rows / 2).max(1),
            Command::HalfUp => -(rows / 2).max(1),
            Command::PageDown => rows,
            Command::PageUp => -rows,
            Command::Top => -far,
            Command::Bottom => far,
            Command::OtherSide => {
                if let Some(behind) = &mut self.behind {
                    behind.side = 1 - behind.side;
                }
                return;
            }
            _ => return,
        };
        let last = self.len().saturating_sub(1);
        let is_figures = self.behind.is_none() && self.answer().is_some();
        let from = self.viewport().cursor;
        self.viewport().cursor = if is_figures {
            stepped(&self.lines, from, by)
        } else {
            from.saturating_add_signed(by).min(last)
        };
    }

    /// A click selects a line, and opens the selected one.
    pub(super) fn point(&mut self, pointer: Pointer, session: &mut Session) -> Vec<Effect> {
        let list = self.frame.regions.list;
        match pointer {
            Pointer::WheelUp { .. } => (0..WHEEL).for_each(|_| self.step(Command::Up)),
            Pointer::WheelDown { .. } => (0..WHEEL).for_each(|_| self.step(Command::Down)),
            Pointer::Click { x, y } if list.contains(Position { x, y }) => {
                let at = self.viewport().top() + usize::from(y - list.y);
                if at == self.viewport().cursor {
                    return self.open(session);
                }
                if at < self.len() {
                    let is_figures = self.behind.is_none() && self.answer().is_some();
                    let at = if is_figures {
                        nearest(&self.lines, at)
                    } else {
                        at
                    };
                    self.viewport().cursor = at;
                }
            }
            Pointer::Click { .. } | Pointer::Drag { .. } | Pointer::Release => {}
        }
        Vec::new()
    }
}
