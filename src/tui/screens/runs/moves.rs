//! What keys and the mouse do to the selection.

use ratatui::layout::Position;

use crate::tui::effects::Effect;
use crate::tui::keys::Command;
use crate::tui::screen::Pointer;
use crate::tui::screens::runs::Runs;
use crate::tui::screens::runs::columns::Placed;
use crate::tui::session::Session;
use crate::tui::widgets::viewport::{WHEEL, stepped};

impl Runs {
    pub(super) fn step(&mut self, command: Command) {
        let rows = usize::from(self.frame.regions.list.height);
        let size = (self.table.lines.len(), rows);
        if let Some(to) = stepped(command, self.view.cursor, size) {
            self.choose(to);
        }
    }

    pub(super) fn choose(&mut self, at: usize) {
        self.view.cursor = at;
        self.anchor = self.selected().cloned();
    }

    /// A click selects a line, and opens the selected one; on a head it sorts by that column.
    pub(super) fn point(&mut self, pointer: Pointer, session: &mut Session) -> Vec<Effect> {
        let regions = self.frame.regions;
        match pointer {
            Pointer::WheelUp { .. } => (0..WHEEL).for_each(|_| self.step(Command::Up)),
            Pointer::WheelDown { .. } => (0..WHEEL).for_each(|_| self.step(Command::Down)),
            Pointer::Click { x, y } if regions.columns.contains(Position { x, y }) => {
                if let Some(key) = self.column_at(x).and_then(Placed::key) {
                    self.sort_by(key);
                }
            }
            Pointer::Click { x, y } if regions.list.contains(Position { x, y }) => {
                let at = self.view.top() + usize::from(y - regions.list.y);
                if at == self.view.cursor {
                    return self.open(session);
                }
                if at < self.table.lines.len() {
                    self.choose(at);
                }
            }
            Pointer::Click { x, y } if regions.filter.contains(Position { x, y }) => {
                self.filter.open();
            }
            Pointer::Click { .. } | Pointer::Drag { .. } | Pointer::Release => {}
        }
        Vec::new()
    }

    fn column_at(&self, x: u16) -> Option<&Placed> {
        let mut start = self.frame.regions.columns.x + 1;
        self.frame.columns.iter().find(|column| {
            start += column.width as u16 + 1;
            x < start
        })
    }
}
