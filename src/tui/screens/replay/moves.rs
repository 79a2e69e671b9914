//! What the keys of the replay do.

use ratatui::layout::Position;

use crate::analysis::replay::events::Event;
use crate::analysis::slow::Slow;
use crate::base::cancel::CancelFlag;
use crate::tui::keys::{Command, Key};
use crate::tui::screen::Pointer;
use crate::tui::screens::replay::Replay;
use crate::tui::screens::replay::layout::Pane;
use crate::tui::screens::replay::view::HEAD;
use crate::tui::screens::stream::jumps::{self, Direction, Known, Target};
use crate::tui::screens::stream::listing::Listing;
use crate::tui::session::Session;

/// Steps of half a page and of a page.
const HALF: usize = 10;
const PAGE: usize = 25;
/// Lines that one notch of the wheel moves.
const WHEEL: usize = 3;

impl Replay {
    pub(super) fn go(&mut self, command: Command, session: &Session) {
        let is_scroll = matches!(command, Command::ContextDown | Command::ContextUp);
        if (self.is_in_parts() || is_scroll) && self.move_in_parts(command) {
            return;
        }
        let last = self.tape.len().saturating_sub(1);
        match command {
            Command::StepOn | Command::Down | Command::NextAction => self.jump(self.at + 1),
            Command::StepBack | Command::Up | Command::PrevAction => {
                self.jump(self.at.saturating_sub(1));
            }
            Command::HalfDown => self.jump(self.at + HALF),
            Command::HalfUp => self.jump(self.at.saturating_sub(HALF)),
            Command::PageDown => self.jump(self.at + PAGE),
            Command::PageUp => self.jump(self.at.saturating_sub(PAGE)),
            Command::Top => self.jump(0),
            Command::Bottom => self.jump(last),
            Command::FirstError => self.first_error(),
            Command::Parent => self.step_to_parent(session),
            Command::Autoplay => {
                self.toggle_play(session);
                return;
            }
            Command::Faster | Command::Slower => {
                self.play.turn(command == Command::Faster);
                return;
            }
            Command::Unchanged => self.parts.has_seen = !self.parts.has_seen,
            Command::OtherPane => self.turn_pane(),
            _ => self.look_for(command, session),
        }
        if !matches!(command, Command::Unchanged | Command::OtherPane) {
            self.play.stop();
        }
    }

    fn look_for(&mut self, command: Command, session: &Session) {
        let Some((target, direction)) = target(command) else {
            return;
        };
        let slow = if target == Target::Slow {
            Slow::of(&session.loaded.store, &CancelFlag::new())
        } else {
            Slow::default()
        };
        let known = Known {
            slow: &slow,
            hits: &[],
            evidence: &[],
            overlay: None,
        };
        let listing = Listing::Kept(self.tape.steps().to_vec());
        let store = &session.loaded.store;
        match jumps::find(store, &listing, self.at, (target, direction, known)) {
            Some(step) => self.jump(step),
            None => self.notice = Some("no further action of that kind"),
        }
    }

    fn first_error(&mut self) {
        let found = self.scrub.first(Event::Error);
        match found {
            Some(step) => self.jump(step),
            None => self.notice = Some("no error was recorded in this run"),
        }
    }

    fn step_to_parent(&mut self, session: &Session) {
        let store = &session.loaded.store;
        let parent = self.action().and_then(|ix| store.row(ix).parent());
        match parent.and_then(|parent| self.tape.step_of(parent)) {
            Some(step) => self.jump(step),
            None => self.notice = Some("the cause of this action is not recorded"),
        }
    }

    pub(super) fn go_to_number(&mut self, number: u32, session: &Session) {
        let store = &session.loaded.store;
        let steps = self.tape.steps();
        let step = steps.partition_point(|ix| store.row(*ix).seq() < number);
        self.play.stop();
        self.jump(step);
    }

    fn turn_pane(&mut self) {
        self.pane = match self.pane {
            Pane::State | Pane::Forks => Pane::Context,
            Pane::Context => Pane::State,
        };
    }

    /// The letter of a mark.
    pub(super) fn second(&mut self, chord: Command, key: Key, session: &mut Session) {
        let Some(letter) = key.char().filter(char::is_ascii_alphabetic) else {
            return;
        };
        if chord == Command::Mark {
            if let Some(ix) = self.action() {
                session.mark(letter, ix);
                self.scrub.is_stale = true;
            }
            return;
        }
        let marked = session.marks.get(letter);
        let in_run = |ix: &_| self.tape.steps().binary_search(ix).is_ok();
        match marked.filter(in_run) {
            Some(ix) => {
                self.play.stop();
                self.jump(self.tape.step_of(ix).unwrap_or(self.at));
            }
            None => self.notice = Some("no action of this run has that mark"),
        }
    }

    /// A click on the scrubber goes there; the wheel steps, or scrolls what the model saw.
    pub(super) fn point(&mut self, pointer: Pointer, session: &mut Session) {
        let regions = self.frame.regions;
        match pointer {
            Pointer::Click { x, y } | Pointer::Drag { x, y } => {
                if regions.scrubber.contains(Position { x, y }) {
                    let cell = usize::from(x.saturating_sub(regions.track.x));
                    self.play.stop();
                    self.jump(self.scrub.step_at(cell));
                } else if regions.seen.contains(Position { x, y }) {
                    self.pane = Pane::Context;
                    let row = usize::from(y.saturating_sub(regions.seen.y + HEAD));
                    let last = self.parts.rows.len().saturating_sub(1);
                    self.parts.view.cursor = (self.parts.view.top() + row).min(last);
                }
            }
            Pointer::WheelUp { x, y } if regions.seen.contains(Position { x, y }) => {
                (0..WHEEL).for_each(|_| self.go(Command::ContextUp, session));
            }
            Pointer::WheelDown { x, y } if regions.seen.contains(Position { x, y }) => {
                (0..WHEEL).for_each(|_| self.go(Command::ContextDown, session));
            }
            Pointer::WheelUp { .. } => self.go(Command::StepBack, session),
            Pointer::WheelDown { .. } => self.go(Command::StepOn, session),
            Pointer::Release => {}
        }
    }
}

fn target(command: Command) -> Option<(Target, Direction)> {
    use Direction::{Backward, Forward};
    Some(match command {
        Command::NextError => (Target::Error, Forward),
        Command::PrevError => (Target::Error, Backward),
        Command::NextBlock => (Target::Block, Forward),
        Command::PrevBlock => (Target::Block, Backward),
        Command::NextTurn | Command::TurnOn => (Target::Turn, Forward),
        Command::PrevTurn | Command::TurnBack => (Target::Turn, Backward),
        Command::NextSame => (Target::SameTool, Forward),
        Command::PrevSame => (Target::SameTool, Backward),
        Command::NextAgent => (Target::SameAgent, Forward),
        Command::PrevAgent => (Target::SameAgent, Backward),
        Command::NextSlow => (Target::Slow, Forward),
        Command::PrevSlow => (Target::Slow, Backward),
        _ => return None,
    })
}
