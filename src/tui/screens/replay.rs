//! One run step by step: the position, what the model saw, and the state after each step.
//!
//! Stepping shows the record and does nothing. A step is repeated, or the run served, only by `again`, after a
//! confirmation.

#[cfg(feature = "capture")]
mod again;
mod context_text;
mod layout;
mod moves;
mod pane;
mod play;
mod scrub;
mod tasks;
mod view;
mod words;

use std::rc::Rc;
use std::time::Duration;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::analysis::context;
use crate::analysis::replay::files::Touch;
use crate::analysis::replay::{State, Tape};
use crate::model::action::ActionIx;
use crate::model::run::RunIx;
use crate::tui::effects::Effect;
use crate::tui::keys::{Command, Key};
use crate::tui::screen::id::ScreenId;
use crate::tui::screen::{Headline, Pointer, Screen};
use crate::tui::screens::replay::context_text::ContextText;
use crate::tui::screens::replay::layout::{Pane, Regions};
use crate::tui::screens::replay::pane::Parts;
use crate::tui::screens::replay::play::Play;
use crate::tui::screens::replay::scrub::Scrub;
use crate::tui::screens::replay::tasks::{FindFiles, ReadContext};
use crate::tui::screens::replay::words::Words;
use crate::tui::session::{Here, News, Session};
use crate::tui::theme::Theme;

#[derive(Debug, Default)]
pub struct Replay {
    run: Option<RunIx>,
    tape: Tape,
    /// The step that is shown, counted from 0.
    at: usize,
    states: States,
    scrub: Scrub,
    seen: Contexts,
    touched: Touched,
    play: Play,
    pane: Pane,
    parts: Parts,
    /// A message about the last key.
    notice: Option<&'static str>,
    /// The first of two keys.
    chord: Option<Command>,
    #[cfg(feature = "capture")]
    again: again::Again,
    frame: Frame,
}

/// The states before and after the step.
#[derive(Debug, Default)]
struct States {
    before: State,
    after: State,
    /// They belong to another step.
    is_stale: bool,
}

/// What the model saw, as far as it was requested.
#[derive(Debug, Default)]
struct Contexts {
    /// The call of the step, if there is one.
    call: Option<ActionIx>,
    asked: Option<ActionIx>,
    shown: Option<Rc<ContextText>>,
}

/// Files that calls named, found in the background once the run is open.
#[derive(Debug, Default)]
struct Touched {
    asked: Option<(RunIx, usize)>,
    files: Vec<Touch>,
    is_known: bool,
}

/// What the last `prepare` settled.
#[derive(Debug, Default)]
struct Frame {
    regions: Regions,
    words: Words,
    /// What each key would repeat.
    #[cfg(feature = "capture")]
    offers: Vec<(Command, String)>,
    /// What is under way, sanitised.
    aside: Option<String>,
    /// The question is not ready for an answer yet.
    is_waiting: bool,
}

impl Screen for Replay {
    fn typed(&mut self, key: Key, session: &mut Session) -> Option<Vec<Effect>> {
        #[cfg(feature = "capture")]
        if let Some(effects) = self.type_answer(key, session) {
            return Some(effects);
        }
        let chord = self.chord.take()?;
        self.second(chord, key, session);
        Some(Vec::new())
    }

    #[cfg(feature = "capture")]
    fn pasted(&mut self, text: &str, session: &mut Session) -> Vec<Effect> {
        self.again.paste(text, session.clock.now());
        Vec::new()
    }

    fn entered(&mut self, session: &mut Session) -> Vec<Effect> {
        self.take_over(session);
        Vec::new()
    }

    fn share_selection(&self, session: &mut Session) {
        if let Some(action) = self.action() {
            session.here.action = Some(action);
            session.here.run = self.run;
        }
    }

    fn update(&mut self, command: Command, session: &mut Session) -> Vec<Effect> {
        self.notice = None;
        match command {
            #[cfg(feature = "capture")]
            Command::Rerun | Command::AskAgain | Command::ServeRun => {
                return self.ask_about(command, session);
            }
            #[cfg(feature = "capture")]
            command if self.is_in_forks() && Replay::is_for_forks(command) => {
                return self.in_forks(command, session);
            }
            #[cfg(feature = "capture")]
            Command::Forks => self.go_to_forks(session),
            Command::Back | Command::Cancel => return vec![Effect::Pop],
            Command::Open if self.is_in_parts() => {
                self.share_selection(session);
                return self.open_part(session);
            }
            Command::Yank if self.is_in_parts() => return self.copy_part(),
            Command::Yank => return self.copy_request(session),
            Command::Autoplay if self.is_in_parts() => self.toggle_part(),
            Command::Open => {
                self.share_selection(session);
                let here = Here {
                    scope: session.here.scope.and(self.run),
                    ..session.here
                };
                return vec![Effect::Visit(ScreenId::Stream, here)];
            }
            Command::Mark | Command::GoToMark => self.chord = Some(command),
            _ => self.go(command, session),
        }
        Vec::new()
    }

    fn run_with(
        &mut self,
        command: Command,
        argument: &str,
        session: &mut Session,
    ) -> Result<Vec<Effect>, String> {
        if command == Command::GoTo {
            let number: u32 = argument
                .parse()
                .map_err(|_| format!("'{argument}' is not a number"))?;
            self.go_to_number(number, session);
            return Ok(Vec::new());
        }
        Ok(self.update(command, session))
    }

    fn pointed(&mut self, pointer: Pointer, session: &mut Session) -> Vec<Effect> {
        self.point(pointer, session);
        Vec::new()
    }

    fn loaded(&mut self, news: &News, session: &mut Session) -> Vec<Effect> {
        let Some(run) = self.run else {
            return Vec::new();
        };
        self.tape.extend(&session.loaded.store, run);
        if !news.settled.is_empty() || !news.rows.is_empty() {
            (self.states.is_stale, self.scrub.is_stale) = (true, true);
            // A call's context cannot change; only its result can.
            if self
                .seen
                .call
                .is_some_and(|call| news.settled.contains(&call))
            {
                self.seen.asked = None;
            }
        }
        Vec::new()
    }

    fn prepare(&mut self, area: Rect, session: &mut Session) -> Vec<Effect> {
        if self.run.is_none() {
            self.take_over(session);
        }
        self.play_on(session);
        self.settle(session);
        let mut asked = self.ask(session);
        asked.extend(self.prepare_again_pane(area, session));
        self.scrub.settle(
            &session.loaded.store,
            (&self.tape, &session.marks),
            usize::from(self.frame.regions.track.width),
        );
        if session.place.screen == ScreenId::Replay {
            self.share_selection(session);
        }
        self.frame.words = Words::new(self, session);
        self.settle_parts(view::HEAD);
        asked
    }

    fn stays(&self) -> Option<Duration> {
        let waits = self.frame.is_waiting.then_some(Duration::from_millis(100));
        waits.or(self.play.stays())
    }

    fn headline(&self) -> Headline<'_> {
        Headline {
            crumbs: &self.frame.words.crumbs,
            amount: "",
        }
    }

    fn draw(&self, theme: &Theme, area: Rect, buf: &mut Buffer) {
        view::draw(self, theme, buf);
        #[cfg(feature = "capture")]
        again::view::question(self, (theme, area), buf);
        #[cfg(not(feature = "capture"))]
        let _ = area;
    }
}

impl Replay {
    /// The action of the step.
    fn action(&self) -> Option<ActionIx> {
        self.tape.get(self.at)
    }

    /// Shows the run that is selected on the other views, at the selected action.
    fn take_over(&mut self, session: &Session) {
        let store = &session.loaded.store;
        let first = || (!store.runs().is_empty()).then_some(RunIx(0));
        let Some(run) = session.here.run.or_else(first) else {
            return;
        };
        if self.run != Some(run) {
            *self = Replay {
                pane: self.pane,
                parts: self.parts.of_call(None),
                #[cfg(feature = "capture")]
                again: self.again.elsewhere(),
                run: Some(run),
                tape: Tape::new(store, run),
                ..Replay::default()
            };
            self.states.is_stale = true;
        }
        let step = session.here.action.and_then(|ix| self.tape.step_of(ix));
        self.jump(step.unwrap_or(0));
    }

    /// Goes to a step, or to the last one.
    fn jump(&mut self, step: usize) {
        let step = step.min(self.tape.len().saturating_sub(1));
        if step != self.at {
            (self.at, self.states.is_stale) = (step, true);
        }
    }

    /// The states around the step: advanced by one action, or folded from the start.
    fn settle(&mut self, session: &Session) {
        let store = &session.loaded.store;
        self.at = self.at.min(self.tape.len().saturating_sub(1));
        if !self.states.is_stale {
            return;
        }
        let before = if self.states.after.steps == self.at && self.at > 0 {
            std::mem::take(&mut self.states.after)
        } else {
            self.tape.state(store, self.at)
        };
        let mut after = before.clone();
        if let Some(ix) = self.action() {
            after.step(&store.row(ix));
        }
        self.states = States {
            before,
            after,
            is_stale: false,
        };
        self.seen.call = context::call_of(store, self.tape.steps(), self.at);
    }

    /// Divides the screen, and prepares what can be repeated and what was.
    #[cfg(feature = "capture")]
    fn prepare_again_pane(&mut self, area: Rect, session: &mut Session) -> Vec<Effect> {
        let now = session.clock.now();
        let asked = self.ask_forks(session);
        if self.is_in_forks() && self.again.forks.is_empty() {
            self.pane = Pane::State;
        }
        self.frame.regions = Regions::new(area, self.pane, again::view::height(&self.again));
        self.frame.offers = self.offers(session);
        self.frame.aside = self.again.aside();
        self.again.drawn(area, now);
        self.frame.is_waiting = self.again.is_waiting(now);
        asked
    }

    #[cfg(not(feature = "capture"))]
    fn prepare_again_pane(&mut self, area: Rect, _: &mut Session) -> Vec<Effect> {
        self.frame.regions = Regions::new(area, self.pane, 0);
        Vec::new()
    }

    /// Requests in the background what must be read from disk.
    fn ask(&mut self, session: &Session) -> Vec<Effect> {
        let mut asked = Vec::new();
        let store = &session.loaded.store;
        if self.seen.call != self.seen.asked {
            self.seen.asked = self.seen.call;
            asked.extend(self.seen.call.map(|call| {
                Effect::start(ReadContext {
                    store: store.clone(),
                    call,
                })
            }));
        }
        let wanted = self.run.map(|run| (run, self.tape.len()));
        if wanted != self.touched.asked && !session.is_loading() {
            self.touched.asked = wanted;
            asked.extend(wanted.map(|(run, _)| {
                Effect::start(FindFiles {
                    store: store.clone(),
                    run,
                })
            }));
        }
        asked
    }
}

#[cfg(test)]
mod tests;
