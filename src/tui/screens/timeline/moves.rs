//! What keys and the mouse do: moving over the lines, and over the time.

use ratatui::layout::Position;

use crate::analysis::timeline::Window;
use crate::tui::effects::Effect;
use crate::tui::keys::Command;
use crate::tui::screen::Pointer;
use crate::tui::screens::timeline::Timeline;
use crate::tui::session::Session;
use crate::tui::widgets::viewport::{WHEEL, stepped};

/// A step of panning is this part of the time on the screen.
const PAN: i64 = 10;
/// The shortest time that fills the screen, in microseconds.
const SHORTEST: i64 = 1_000;

impl Timeline {
    pub(super) fn step(&mut self, command: Command) {
        let rows = usize::from(self.frame.regions.list.height);
        let size = (self.lines.len(), rows);
        if let Some(to) = stepped(command, self.view.cursor, size) {
            self.choose(to);
        }
    }

    /// Another stretch of time, kept inside of the run.
    pub(super) fn look_at(&mut self, window: Option<Window>) {
        let whole = self.made.whole;
        self.window = window.zip(whole).and_then(|(window, whole)| {
            let length = window
                .length()
                .clamp(SHORTEST.min(whole.length()), whole.length());
            let from = window.from.clamp(whole.from, whole.to - length);
            let inside = Window {
                from,
                to: from + length,
            };
            (inside != whole).then_some(inside)
        });
        self.is_stale = true;
    }

    pub(super) fn pan(&mut self, steps: i64) {
        let Some(window) = self.window() else { return };
        let by = (window.length() / PAN).max(1) * steps;
        self.look_at(Some(Window {
            from: window.from.saturating_add(by),
            to: window.to.saturating_add(by),
        }));
    }

    /// Half or twice the time, around what is selected where that can be seen.
    pub(super) fn zoom(&mut self, is_in: bool) {
        let Some(window) = self.window() else { return };
        let middle = |window: Window| window.from + window.length() / 2;
        let selected = self.selected_bar().filter(|bar| bar.is_in(window));
        let around = selected.map_or(middle(window), |bar| {
            let seen = Window {
                from: bar.from.max(window.from),
                to: bar.to.min(window.to),
            };
            middle(seen)
        });
        let length = if is_in {
            window.length() / 2
        } else {
            window.length().saturating_mul(2)
        };
        // What is zoomed on stays in its column.
        let before = i128::from(around - window.from) * i128::from(length)
            / i128::from(window.length().max(1));
        let from = around.saturating_sub(i64::try_from(before).unwrap_or(0));
        self.look_at(Some(Window {
            from,
            to: from.saturating_add(length),
        }));
    }

    /// Goes to the slowest bar on the screen; again, to the next slowest.
    pub(super) fn go_to_slowest(&mut self, session: &mut Session) {
        let Some(window) = self.window() else { return };
        let found = self.made.slowest(window, self.slow);
        let Some(bar) = found.copied() else {
            session.say("no more actions with a duration on the screen");
            return;
        };
        self.slow = bar.took().map(|took| (took, bar.ix));
        self.anchor = Some((bar.ix, bar.what));
        let is_folded = |number: u32| {
            let lanes = self.lanes.iter();
            let mut holding = lanes.filter(|lane| lane.bars.contains(&number));
            holding
                .find(|lane| self.folded.contains(&lane.key))
                .map(|lane| lane.key)
        };
        let number = self.made.bars.iter().position(|it| *it == bar);
        if let Some(key) = number.and_then(|number| is_folded(number as u32)) {
            self.folded.remove(&key);
        }
        self.is_stale = true;
    }

    /// A click selects a line, and opens the selected one.
    pub(super) fn point(&mut self, pointer: Pointer, session: &mut Session) -> Vec<Effect> {
        let list = self.frame.regions.list;
        match pointer {
            Pointer::WheelUp { .. } => (0..WHEEL).for_each(|_| self.step(Command::Up)),
            Pointer::WheelDown { .. } => (0..WHEEL).for_each(|_| self.step(Command::Down)),
            Pointer::Click { x, y } if list.contains(Position { x, y }) => {
                let at = self.view.top() + usize::from(y - list.y);
                if at == self.view.cursor {
                    return self.open(session);
                }
                if at < self.lines.len() {
                    self.choose(at);
                }
            }
            Pointer::Click { .. } | Pointer::Drag { .. } | Pointer::Release => {}
        }
        Vec::new()
    }
}
