//! The background tasks of attempts: reading what would be done, doing it, and finding the attempts.

use std::path::PathBuf;
use std::sync::Arc;

use crate::act::net::Net;
use crate::act::net::server::loopback;
use crate::act::rerun::Settings;
use crate::act::rerun::attempt_runs::{self, AttemptRuns, Series};
use crate::act::rerun::call::Call;
use crate::act::rerun::offer::{Offer, Wanted};
use crate::act::serve::{self, Serving};
use crate::analysis::replay::Tape;
use crate::analysis::tape::Recording;
use crate::analysis::tape::forks::{self, Fork};
use crate::analysis::tape::player::{self, Mode, Player};
use crate::base::cancel::CancelFlag;
use crate::base::clock::{Clock, System};
use crate::base::{human, text};
use crate::ingest::discover::Input;
use crate::ingest::prices::PriceTable;
use crate::model::action::ActionIx;
use crate::model::run::RunIx;
use crate::store::Store;
use crate::tui::effects::Effect;
use crate::tui::screens::again::folder;
use crate::tui::screens::replay::Replay;
use crate::tui::screens::replay::again::{Ready, Step, What};
use crate::tui::session::Session;
use crate::tui::tasks::Task;

/// Reads what would be sent, run or served. Does none of it.
#[derive(Debug)]
pub(in crate::tui::screens::replay) struct Prepare {
    pub(super) store: Store,
    pub(super) what: What,
    pub(super) wanted: Wanted,
    pub(super) settings: Settings,
    pub(super) prices: PriceTable,
}

/// Does what the user agreed to, and keeps it as new runs.
#[derive(Debug)]
pub(in crate::tui::screens::replay) struct Send {
    pub(super) store: Store,
    pub(super) run: RunIx,
    pub(super) step: Step,
    pub(super) settings: Settings,
    pub(super) prices: PriceTable,
    pub(super) stop: CancelFlag,
}

/// Serves a run until it is stopped.
#[derive(Debug)]
pub(in crate::tui::screens::replay) struct Serve {
    pub(super) store: Store,
    pub(super) run: RunIx,
    pub(super) stop: CancelFlag,
    pub(super) settings: Settings,
}

/// Finds the attempts at the steps of a run.
#[derive(Debug)]
pub(in crate::tui::screens::replay) struct ReadForks {
    pub(super) store: Store,
    pub(super) run: RunIx,
}

/// The result: raw lines, and the file with the new runs.
#[derive(Debug, Default)]
pub(in crate::tui::screens::replay) struct Done {
    lines: Vec<String>,
    path: Option<PathBuf>,
}

#[derive(Debug)]
pub(in crate::tui::screens::replay) enum Served {
    /// The address, and answers given, of how many, and misses.
    News(String, [usize; 3]),
    Ended(Result<Done, String>),
}

impl Task for Prepare {
    type Screen = Replay;
    type Answer = (What, Result<(Ready, Vec<String>), String>);

    fn run(self, _: &CancelFlag, _: &mut dyn FnMut(Self::Answer)) -> Self::Answer {
        let store = &self.store;
        let read = match self.what {
            What::Tool(call) => Call::new(store, call, &self.settings).map(|call| {
                let lines = call.lines();
                (Ready::Step(Step::Tool(Box::new(call))), lines)
            }),
            What::Model(call) => {
                Offer::new(store, call, &self.wanted, &self.settings).map(|offer| {
                    let lines = offer.lines(&self.prices);
                    (Ready::Step(Step::Model(Box::new(offer))), lines)
                })
            }
            What::Run(run) => {
                served_lines(&Recording::of(store, run)).map(|lines| (Ready::Run(run), lines))
            }
        };
        (self.what, read)
    }

    fn answered(replay: &mut Replay, (what, read): Self::Answer, _: &mut Session) -> Vec<Effect> {
        replay.take_ready(what, read);
        Vec::new()
    }
}

fn served_lines(recording: &Recording) -> Result<Vec<String>, String> {
    let class = recording.class();
    let class = class.ok_or("no answer of a model is recorded, so there is nothing to serve")?;
    let mode = Mode::of(class);
    Ok(vec![
        format!(
            "  answers  {} · class {}: {}",
            human::counted(recording.calls.len() as u64, "model call"),
            class.letter(),
            class.words()
        ),
        format!("  matching {}: {}", mode.word(), mode.words()),
        "  listens  on 127.0.0.1, any free port; nothing is sent anywhere".to_owned(),
        "  agent    start it with OPENAI_BASE_URL or ANTHROPIC_BASE_URL set to the address shown after you confirm"
            .to_owned(),
        "  effects  the tools of an agent that asks run as usual; what it does is kept as a new run"
            .to_owned(),
    ])
}

impl Send {
    fn done(&self, cancel: &CancelFlag) -> Result<Done, String> {
        let tape = Tape::new(&self.store, self.run);
        let step = |action: ActionIx| attempt_runs::Step {
            store: &self.store,
            tape: &tape,
            action,
        };
        let mut kept = AttemptRuns::default();
        let now = System.now();
        let (action, lines) = match &self.step {
            Step::Tool(call) => {
                let done = call.run().map_err(|error| error.to_string())?;
                kept.call(step(call.action), call, &done, now);
                (
                    call.action,
                    vec![format!("{}: {}", call.tool, done.words())],
                )
            }
            Step::Model(offer) => {
                let key = offer.key()?;
                let net = Net::start().map_err(|error| error.to_string())?;
                let answers = offer.send(&net, &key, &self.prices, cancel);
                let mut lines = Vec::new();
                for it in &answers {
                    let series = Series {
                        model: &it.model,
                        edits: &offer.edits,
                    };
                    kept.answers(step(offer.call), series, it, now);
                    lines.push(it.line());
                    lines.extend(it.errors().take(1).map(|error| format!("failed: {error}")));
                    if it.unsent() > 0 {
                        lines.push(format!("{} not sent: the limit", it.unsent()));
                    }
                }
                (offer.call, lines)
            }
        };
        if kept.is_empty() {
            return Ok(Done { lines, path: None });
        }
        let path = kept.write(step(action), folder(&self.settings)?, now);
        Ok(Done {
            lines,
            path: Some(path.map_err(|error| error.to_string())?),
        })
    }
}

impl Task for Send {
    type Screen = Replay;
    type Answer = Result<Done, String>;

    fn run(self, _: &CancelFlag, _: &mut dyn FnMut(Self::Answer)) -> Self::Answer {
        self.done(&self.stop)
    }

    fn answered(replay: &mut Replay, answer: Self::Answer, session: &mut Session) -> Vec<Effect> {
        replay.again.running = None;
        replay.take_done(answer, session)
    }

    fn failed(replay: &mut Replay) {
        replay.again.running = None;
    }

    fn finishes(&self) -> Option<CancelFlag> {
        Some(self.stop.clone())
    }
}

impl Replay {
    /// Takes the result of a repeated step, and keeps its first line in view.
    fn take_done(&mut self, done: Result<Done, String>, session: &mut Session) -> Vec<Effect> {
        if let Ok(done) = &done {
            let first = done.lines.first();
            self.again.outcome = first.map(|line| text::sanitize(line).into_owned());
        }
        open_result(done, session)
    }
}

/// Reports a result, and opens the new runs beside the trace.
fn open_result(done: Result<Done, String>, session: &mut Session) -> Vec<Effect> {
    let done = match done {
        Ok(done) => done,
        Err(why) => {
            session.fail(&why);
            return Vec::new();
        }
    };
    for line in &done.lines {
        session.say(line);
    }
    let path = done.path.map(|path| Effect::Add(vec![Input::File(path)]));
    path.into_iter().collect()
}

impl Serve {
    fn start(&self) -> Result<(Net, Serving), String> {
        let recording = Recording::of(&self.store, self.run);
        let class = recording.class().ok_or("nothing to serve")?;
        let options = player::Options {
            mode: Mode::of(class),
            ignored: Vec::new(),
            keeps_noise: false,
            skips_errors: false,
            stubs: true,
            until: None,
        };
        let player = Player::new(Arc::new(self.store.clone()), recording, options);
        let net = Net::start().map_err(|error| error.to_string())?;
        let address = loopback("127.0.0.1:0").map_err(|error| error.to_string())?;
        let how = serve::Options {
            speed: None,
            live: None,
        };
        let serving = Serving::start(&net, address, player, how);
        Ok((net, serving.map_err(|error| error.to_string())?))
    }

    /// What its agent did, as a new run.
    fn keep(&self, serving: &Serving) -> Result<Done, String> {
        let events = serving.look(|player, log| log.events(player, None, System.now()));
        if events.is_empty() {
            return Ok(Done {
                lines: vec![
                    "no longer served; no answer was asked for, so nothing is kept".to_owned(),
                ],
                path: None,
            });
        }
        let folder = folder(&self.settings)?;
        let mut kept = AttemptRuns::default();
        kept.whole(events);
        let name = self.store.run(self.run);
        let path = kept.write_as(folder, (&name.id, "served"), System.now());
        Ok(Done {
            lines: vec!["no longer served; the requests are kept as a new run".to_owned()],
            path: Some(path.map_err(|error| error.to_string())?),
        })
    }
}

impl Task for Serve {
    type Screen = Replay;
    type Answer = Served;

    fn run(self, cancel: &CancelFlag, report: &mut dyn FnMut(Served)) -> Served {
        let (_net, serving) = match self.start() {
            Ok(started) => started,
            Err(why) => return Served::Ended(Err(why)),
        };
        let address = serving.address.to_string();
        serving.watch([&self.stop, cancel], &mut |counts| {
            report(Served::News(address.clone(), counts));
        });
        Served::Ended(self.keep(&serving))
    }

    fn answered(replay: &mut Replay, answer: Served, session: &mut Session) -> Vec<Effect> {
        match answer {
            Served::News(address, [served, total, misses]) => {
                if let Some(serving) = &mut replay.again.serving {
                    if serving.address.is_none() {
                        session.say(&format!(
                            "OPENAI_BASE_URL=http://{address}/v1 · ANTHROPIC_BASE_URL=http://{address}"
                        ));
                    }
                    serving.address = Some(address);
                    (serving.served, serving.total, serving.misses) = (served, total, misses);
                }
                Vec::new()
            }
            Served::Ended(done) => {
                replay.again.serving = None;
                open_result(done, session)
            }
        }
    }

    fn failed(replay: &mut Replay) {
        replay.again.serving = None;
    }

    fn finishes(&self) -> Option<CancelFlag> {
        Some(self.stop.clone())
    }
}

impl Task for ReadForks {
    type Screen = Replay;
    /// `None` if the task was cancelled.
    type Answer = (RunIx, Option<Vec<Fork>>);

    fn run(self, cancel: &CancelFlag, _: &mut dyn FnMut(Self::Answer)) -> Self::Answer {
        (self.run, forks::of(&self.store, self.run, cancel))
    }

    fn answered(replay: &mut Replay, (run, forks): Self::Answer, _: &mut Session) -> Vec<Effect> {
        if let (true, Some(forks)) = (replay.run == Some(run), forks) {
            replay.again.forks = forks;
        }
        Vec::new()
    }
}
