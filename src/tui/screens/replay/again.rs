//! Repeating a step of the run that is replayed, and serving the run. Nothing is sent, run or listened on before the
//! user has read what it would be and typed the word.

pub(super) mod tasks;
#[cfg(test)]
mod tests;
pub(super) mod view;

use ratatui::layout::Rect;

use crate::act::rerun::call::Call;
use crate::act::rerun::offer::{Offer, Wanted};
use crate::analysis::tape::forks::Fork;
use crate::base::cancel::CancelFlag;
use crate::base::text;
use crate::export::words;
use crate::model::action::{ActionIx, Kind};
use crate::model::run::RunIx;
use crate::tui::effects::Effect;
use crate::tui::keys::{Command, Key};
use crate::tui::screen::id::ScreenId;
use crate::tui::screens::again::{CHANGES, Question, Typed, change};
use crate::tui::screens::replay::Replay;
use crate::tui::screens::replay::again::tasks::{Prepare, ReadForks, Send, Serve};
use crate::tui::screens::replay::layout::Pane;
use crate::tui::session::{Here, Session};
use crate::tui::widgets::viewport::stepped;

#[derive(Debug, Default)]
pub(super) struct Again {
    asked: Option<PendingRerun>,
    /// What is being sent or run, sanitised. One at a time: each has a price.
    running: Option<String>,
    /// Raised to send no more of them.
    stop: CancelFlag,
    serving: Option<Serving>,
    /// The result of the last one in a line, sanitised.
    pub(super) outcome: Option<String>,
    pub(super) forks: Vec<Fork>,
    /// The run whose forks were read, and the number of runs then.
    read: Option<(RunIx, usize)>,
    /// The selected row of the tree.
    pub(super) cursor: usize,
}

/// A question on the screen.
#[derive(Debug)]
struct PendingRerun {
    question: Question,
    what: What,
    wanted: Wanted,
    ready: Option<Ready>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum What {
    Tool(ActionIx),
    Model(ActionIx),
    Run(RunIx),
}

/// What the user agrees to: this and nothing else is done.
#[derive(Debug, Clone)]
pub(super) enum Ready {
    Step(Step),
    Run(RunIx),
}

/// A step to repeat.
#[derive(Debug, Clone)]
pub(super) enum Step {
    Tool(Box<Call>),
    Model(Box<Offer>),
}

/// A run that is being served.
#[derive(Debug)]
pub(super) struct Serving {
    run: RunIx,
    /// None until it listens.
    address: Option<String>,
    served: usize,
    total: usize,
    misses: usize,
    stop: CancelFlag,
}

impl Drop for Serving {
    fn drop(&mut self) {
        self.stop.raise();
    }
}

impl Again {
    /// The state for another run; what is being sent or served continues.
    pub(super) fn elsewhere(&mut self) -> Again {
        Again {
            running: self.running.take(),
            stop: self.stop.clone(),
            serving: self.serving.take(),
            ..Again::default()
        }
    }

    /// `serving 127.0.0.1:40311 · 12 of 41 · 0 misses`, or what is being sent.
    pub(super) fn aside(&self) -> Option<String> {
        if let Some(running) = &self.running {
            return Some(format!("{running}…"));
        }
        let serving = self.serving.as_ref()?;
        Some(match &serving.address {
            Some(address) => format!(
                "serving {address} · {} of {} · {} misses",
                serving.served, serving.total, serving.misses
            ),
            None => "starting to serve…".to_owned(),
        })
    }

    /// Whether the screen changes without a key.
    pub(super) fn is_waiting(&self, now: i64) -> bool {
        let asked = self.asked.as_ref();
        asked.is_some_and(|asked| asked.question.is_waiting(now))
    }

    pub(super) fn drawn(&mut self, area: Rect, now: i64) {
        if let Some(asked) = &mut self.asked {
            asked.question.drawn(area, now);
        }
    }

    pub(super) fn paste(&mut self, text: &str, now: i64) {
        if let Some(asked) = &mut self.asked {
            asked.question.paste(text, now);
        }
    }

    /// Rows of the tree: each series, and its attempts.
    pub(super) fn rows(&self) -> Vec<(usize, Option<usize>)> {
        let forks = self.forks.iter().enumerate();
        let rows = forks.flat_map(|(at, fork)| {
            let attempts = (0..fork.attempts.len()).map(move |attempt| (at, Some(attempt)));
            [(at, None)].into_iter().chain(attempts)
        });
        rows.collect()
    }

    /// The run of the selected attempt, the first of a series.
    fn selected(&self) -> Option<RunIx> {
        let (fork, attempt) = *self.rows().get(self.cursor)?;
        let attempts = &self.forks.get(fork)?.attempts;
        Some(attempts.get(attempt.unwrap_or(0))?.run)
    }
}

impl Replay {
    /// Whether the attempts handle this command while they have the focus.
    pub(super) fn is_for_forks(command: Command) -> bool {
        let moves = stepped(command, 0, (2, 1)).is_some();
        moves
            || matches!(
                command,
                Command::Open | Command::Back | Command::Cancel | Command::Forks
            )
    }

    pub(super) fn is_in_forks(&self) -> bool {
        self.pane == Pane::Forks
    }

    /// Handles keys while a question is on the screen.
    pub(super) fn type_answer(&mut self, key: Key, session: &mut Session) -> Option<Vec<Effect>> {
        let asked = self.again.asked.as_mut()?;
        let typed = asked.question.typed(key, session.clock.now());
        Some(match typed {
            Typed::Nothing => Vec::new(),
            Typed::Close => {
                self.again.asked = None;
                Vec::new()
            }
            Typed::Agreed => self.agree(session),
            Typed::Line(line) => {
                let changed = match asked.what {
                    What::Model(_) => change(&mut asked.wanted, &line),
                    What::Tool(_) | What::Run(_) => Err("not the word".to_owned()),
                };
                match changed {
                    Ok(()) => self.prepare_again(session),
                    Err(why) => {
                        asked.question.note(&why);
                        Vec::new()
                    }
                }
            }
        })
    }

    /// Opens the question about a step or the run.
    pub(super) fn ask_about(&mut self, command: Command, session: &mut Session) -> Vec<Effect> {
        self.play.stop();
        let (Some(run), Some(action)) = (self.run, self.action()) else {
            return Vec::new();
        };
        if command == Command::ServeRun && self.again.serving.take().is_some() {
            session.hint("stopping");
            return Vec::new();
        }
        let row = session.loaded.store.row(action);
        let what = match (command, self.seen.call) {
            (Command::ServeRun, _) => What::Run(run),
            (Command::Rerun, _) if row.kind() == Kind::ToolCall => What::Tool(action),
            (_, Some(call)) => What::Model(call),
            (_, None) => {
                self.notice = Some("this action belongs to no model call");
                return Vec::new();
            }
        };
        if self.again.running.is_some() && !matches!(what, What::Run(_)) {
            self.again.stop.raise();
            self.notice = Some("no more are sent; wait for those under way");
            return Vec::new();
        }
        let seq = |ix| session.loaded.store.row(ix).seq();
        let title = match what {
            What::Tool(call) => format!("re-run tool call #{}", seq(call)),
            What::Model(call) => format!("re-run model call #{}", seq(call)),
            What::Run(run) => format!("serve run {}", session.loaded.store.run(run).id),
        };
        self.again.asked = Some(PendingRerun {
            question: Question::reading(&title),
            what,
            wanted: Wanted::default(),
            ready: None,
        });
        self.prepare_again(session)
    }

    /// Reads in the background what would be sent or run.
    fn prepare_again(&mut self, session: &Session) -> Vec<Effect> {
        let Some(asked) = &mut self.again.asked else {
            return Vec::new();
        };
        asked.ready = None;
        vec![Effect::start(Prepare {
            store: session.loaded.store.clone(),
            what: asked.what,
            wanted: asked.wanted.clone(),
            settings: session.setup.rerun.clone(),
            prices: (*session.setup.prices).clone(),
        })]
    }

    /// What was read for the question on the screen.
    fn take_ready(&mut self, what: What, read: Result<(Ready, Vec<String>), String>) {
        let Some(asked) = self.again.asked.as_mut().filter(|it| it.what == what) else {
            return;
        };
        let help = match what {
            What::Model(_) => CHANGES,
            What::Tool(_) | What::Run(_) => "",
        };
        match read {
            Ok((ready, lines)) => {
                let word = match &ready {
                    Ready::Step(Step::Tool(call)) => call.tool.clone(),
                    Ready::Step(Step::Model(offer)) => offer.models[0].clone(),
                    Ready::Run(_) => "serve".to_owned(),
                };
                asked.question.ask(&lines, &word, help);
                asked.ready = Some(ready);
            }
            // A change that cannot be made is undone.
            Err(why) if asked.wanted != Wanted::default() => {
                asked.wanted = Wanted::default();
                asked.question.refuse(&why, CHANGES);
            }
            Err(why) => asked.question.refuse(&why, help),
        }
    }

    /// Does what the user read and agreed to.
    fn agree(&mut self, session: &Session) -> Vec<Effect> {
        let ready = self.again.asked.take().and_then(|asked| asked.ready);
        let (Some(ready), Some(run)) = (ready, self.run) else {
            return Vec::new();
        };
        match ready {
            Ready::Run(run) => self.serve(run, session),
            Ready::Step(step) => self.repeat(step, run, session),
        }
    }

    fn serve(&mut self, run: RunIx, session: &Session) -> Vec<Effect> {
        let stop = CancelFlag::new();
        self.again.serving = Some(Serving {
            run,
            address: None,
            served: 0,
            total: 0,
            misses: 0,
            stop: stop.clone(),
        });
        vec![Effect::start(Serve {
            store: session.loaded.store.clone(),
            run,
            stop,
            settings: session.setup.rerun.clone(),
        })]
    }

    fn repeat(&mut self, step: Step, run: RunIx, session: &Session) -> Vec<Effect> {
        let words = match &step {
            Step::Tool(call) => format!("running {}", call.tool),
            Step::Model(offer) => format!("asking {} ×{}", offer.models.join(", "), offer.times),
        };
        self.again.running = Some(text::sanitize(&words).into_owned());
        self.again.stop = CancelFlag::new();
        vec![Effect::start(Send {
            store: session.loaded.store.clone(),
            run,
            step,
            settings: session.setup.rerun.clone(),
            prices: (*session.setup.prices).clone(),
            stop: self.again.stop.clone(),
        })]
    }

    /// Reads the attempts again when more runs are open than last time.
    pub(super) fn ask_forks(&mut self, session: &Session) -> Vec<Effect> {
        let store = &session.loaded.store;
        let wanted = self.run.map(|run| (run, store.runs().len()));
        if wanted == self.again.read || session.is_loading() {
            return Vec::new();
        }
        self.again.read = wanted;
        let run = wanted.map(|(run, _)| run);
        let start = run.map(|run| {
            Effect::start(ReadForks {
                store: store.clone(),
                run,
            })
        });
        start.into_iter().collect()
    }

    /// Moves among the attempts, or compares one with the run.
    pub(super) fn in_forks(&mut self, command: Command, session: &mut Session) -> Vec<Effect> {
        let rows = self.again.rows();
        match command {
            Command::Open => {
                let pair = self.run.zip(self.again.selected());
                let Some((run, fork)) = pair else {
                    return Vec::new();
                };
                session.marks.pair = [Some(run), Some(fork)];
                let here = Here {
                    run: Some(run),
                    ..session.here
                };
                return vec![Effect::Visit(ScreenId::Diff, here)];
            }
            Command::Back | Command::Cancel | Command::Forks => self.pane = Pane::State,
            command => {
                let size = (rows.len(), usize::from(self.frame.regions.forks.height));
                if let Some(to) = stepped(command, self.again.cursor, size) {
                    self.again.cursor = to;
                }
            }
        }
        Vec::new()
    }

    /// What each key would repeat at this step, sanitised.
    pub(super) fn offers(&self, session: &Session) -> Vec<(Command, String)> {
        let store = &session.loaded.store;
        let clean = |words: &str| text::sanitize(words).into_owned();
        let mut offers = Vec::new();
        let action = self.action().map(|ix| store.row(ix));
        if let Some(row) = action.filter(|row| row.kind() == Kind::ToolCall) {
            let mut tools = session.setup.rerun.tools.iter();
            let template = if tools.any(|(name, _)| name == row.tool()) {
                "run again"
            } else {
                "no template"
            };
            let words = format!("{} {template}", words::name(row.tool()));
            offers.push((Command::Rerun, clean(&words)));
        }
        if let Some(row) = self.seen.call.map(|ix| store.row(ix)) {
            let exactness = self
                .seen
                .shown
                .as_ref()
                .map_or("", |seen| seen.exactness.word());
            let words = format!("ask #{} again ({exactness})", row.seq());
            offers.push((Command::AskAgain, clean(&words)));
        }
        let serve = match &self.again.serving {
            Some(serving) if Some(serving.run) == self.run => "stop serving",
            Some(_) | None => "serve",
        };
        offers.push((Command::ServeRun, serve.to_owned()));
        if !self.again.forks.is_empty() {
            offers.push((Command::Forks, "forks".to_owned()));
        }
        offers
    }

    pub(super) fn go_to_forks(&mut self, session: &mut Session) {
        if self.again.forks.is_empty() {
            session.say("no attempts yet: r or X makes one");
        } else {
            self.pane = Pane::Forks;
        }
    }
}
