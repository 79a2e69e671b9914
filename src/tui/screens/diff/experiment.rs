//! The experiment that finds what made two runs diverge: the question before it, and the table after it. Nothing is sent
//! before the user has read what it would be and typed the name of the model.

use std::path::PathBuf;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::act::net::Net;
use crate::act::rerun::Settings;
use crate::act::rerun::attempt_runs::Step;
use crate::act::rerun::offer::Wanted;
use crate::act::rerun::trial::{Trials, table};
use crate::analysis::diff::Comparison;
use crate::analysis::diff::read::Side;
use crate::analysis::diff::story::Story;
use crate::analysis::replay::Tape;
use crate::base::cancel::CancelFlag;
use crate::base::clock::{Clock, System};
use crate::base::text;
use crate::ingest::discover::Input;
use crate::ingest::prices::PriceTable;
use crate::model::run::RunIx;
use crate::store::Store;
use crate::tui::effects::Effect;
use crate::tui::keys::Key;
use crate::tui::screens::again::{AMOUNTS, Question, Typed, change, folder};
use crate::tui::screens::diff::Diff;
use crate::tui::session::Session;
use crate::tui::tasks::Task;
use crate::tui::theme::Theme;
use crate::tui::widgets::paint::Row;
use crate::tui::widgets::popup::{self, Edges};

#[derive(Debug, Default)]
pub(super) struct Experiment {
    asked: Option<PendingExperiment>,
    /// What is being sent, sanitised. One at a time.
    running: Option<String>,
    /// Raised to send no more of it.
    stop: CancelFlag,
    /// The table of the last experiment, until the user closes it; sanitised.
    found: Option<Vec<String>>,
    /// The question is not ready for an answer yet.
    pub(super) is_waiting: bool,
}

#[derive(Debug)]
struct PendingExperiment {
    question: Question,
    wanted: Wanted,
    trials: Option<Box<Trials>>,
}

/// Reads what would be sent. Sends nothing.
#[derive(Debug)]
pub(super) struct Plan {
    store: Store,
    comparison: Comparison,
    pair: [RunIx; 2],
    wanted: Wanted,
    settings: Settings,
    prices: PriceTable,
}

/// Sends what the user agreed to, and keeps the answers as new runs.
#[derive(Debug)]
pub(super) struct Try {
    store: Store,
    run: RunIx,
    trials: Box<Trials>,
    settings: Settings,
    prices: PriceTable,
    stop: CancelFlag,
}

#[derive(Debug)]
pub(super) enum Tried {
    /// The ingredient whose requests are being sent, raw.
    Progress(String),
    /// The table, raw, and the file with the new runs.
    Done(Result<(Vec<String>, Option<PathBuf>), String>),
}

/// Answers for each ingredient, unless the user asks for another number.
const TIMES: usize = 10;

impl Experiment {
    pub(super) fn aside(&self) -> Option<&str> {
        self.running.as_deref()
    }

    pub(super) fn drawn(&mut self, area: Rect, now: i64) {
        self.is_waiting = self.asked.as_mut().is_some_and(|asked| {
            asked.question.drawn(area, now);
            asked.question.is_waiting(now)
        });
    }

    pub(super) fn paste(&mut self, text: &str, now: i64) {
        if let Some(asked) = &mut self.asked {
            asked.question.paste(text, now);
        }
    }

    /// The question, or the table, over the whole screen.
    pub(super) fn draw(&self, (theme, area): (&Theme, Rect), buf: &mut Buffer) {
        if let Some(asked) = &self.asked {
            return asked.question.draw((theme, area), buf);
        }
        let Some(found) = &self.found else { return };
        let edges = Edges {
            title: "experiment: how often each led to B's branch",
            hint: "esc closes",
            foot: "",
        };
        let inside = popup::draw(area, edges, theme, buf);
        let style = theme.styles.text.patch(theme.styles.shadow);
        for (y, line) in (0..inside.height).zip(found) {
            Row::new(buf, inside, y, theme.styles.shadow).put(&format!(" {line}"), style);
        }
    }
}

impl Diff {
    /// Handles keys while a question or a table is on the screen.
    pub(super) fn type_experiment(
        &mut self,
        key: Key,
        session: &mut Session,
    ) -> Option<Vec<Effect>> {
        if self.experiment.asked.is_none() {
            return self.experiment.found.take().map(|_| Vec::new());
        }
        let asked = self.experiment.asked.as_mut()?;
        match asked.question.typed(key, session.clock.now()) {
            Typed::Nothing => {}
            Typed::Close => self.experiment.asked = None,
            Typed::Agreed => return Some(self.try_it(session)),
            Typed::Line(line) => match change(&mut asked.wanted, &line) {
                Ok(()) => return Some(self.plan(session)),
                Err(why) => asked.question.note(&why),
            },
        }
        Some(Vec::new())
    }

    pub(super) fn ask_experiment(&mut self, session: &mut Session) -> Vec<Effect> {
        if self.experiment.running.is_some() {
            self.experiment.stop.raise();
            session.hint("no more are sent; wait for those under way");
            return Vec::new();
        }
        if self.comparison().is_none() {
            return Vec::new();
        }
        self.experiment.asked = Some(PendingExperiment {
            question: Question::reading(
                "experiment: A's model call with one thing at a time as in B",
            ),
            wanted: Wanted {
                times: TIMES,
                ..Wanted::default()
            },
            trials: None,
        });
        self.plan(session)
    }

    fn plan(&mut self, session: &Session) -> Vec<Effect> {
        let (Some(comparison), Some(pair)) = (self.comparison().cloned(), self.pair) else {
            return Vec::new();
        };
        let Some(asked) = &mut self.experiment.asked else {
            return Vec::new();
        };
        asked.trials = None;
        vec![Effect::start(Plan {
            store: session.loaded.store.clone(),
            comparison,
            pair,
            wanted: asked.wanted.clone(),
            settings: session.setup.rerun.clone(),
            prices: (*session.setup.prices).clone(),
        })]
    }

    /// Sends what the user read and agreed to.
    fn try_it(&mut self, session: &Session) -> Vec<Effect> {
        let trials = self.experiment.asked.take().and_then(|it| it.trials);
        let (Some(trials), Some([run, _])) = (trials, self.pair) else {
            return Vec::new();
        };
        self.experiment.running = Some("experiment…".to_owned());
        self.experiment.stop = CancelFlag::new();
        vec![Effect::start(Try {
            store: session.loaded.store.clone(),
            run,
            trials,
            settings: session.setup.rerun.clone(),
            prices: (*session.setup.prices).clone(),
            stop: self.experiment.stop.clone(),
        })]
    }
}

impl Task for Plan {
    type Screen = Diff;
    type Answer = Result<(Box<Trials>, Vec<String>), String>;

    fn run(self, _: &CancelFlag, _: &mut dyn FnMut(Self::Answer)) -> Self::Answer {
        let store = &self.store;
        let [a, b] = self.pair.map(|run| Side { store, run });
        let story = Story {
            comparison: &self.comparison,
            a,
            b,
        };
        let trials = Trials::new(&story, &self.wanted, &self.settings)?;
        let lines = trials.lines(&self.prices);
        Ok((Box::new(trials), lines))
    }

    fn answered(diff: &mut Diff, answer: Self::Answer, _: &mut Session) -> Vec<Effect> {
        if let Some(asked) = &mut diff.experiment.asked {
            match answer {
                Ok((trials, lines)) => {
                    asked.question.ask(&lines, &trials.offer.models[0], AMOUNTS);
                    asked.trials = Some(trials);
                }
                Err(why) => asked.question.refuse(&why, ""),
            }
        }
        Vec::new()
    }
}

impl Try {
    fn done(
        &self,
        report: &mut dyn FnMut(Tried),
    ) -> Result<(Vec<String>, Option<PathBuf>), String> {
        let keys = self.trials.keys()?;
        let net = Net::start().map_err(|error| error.to_string())?;
        let mut say = |at: usize| report(Tried::Progress(self.trials.rows[at].0.clone()));
        let outcomes = self
            .trials
            .send(&net, &keys, &self.prices, (&self.stop, &mut say));
        let tape = Tape::new(&self.store, self.run);
        let step = Step {
            store: &self.store,
            tape: &tape,
            action: self.trials.offer.call,
        };
        let now = System.now();
        let kept = self.trials.keep(step, &outcomes, now);
        let errors = outcomes.iter().flat_map(|it| it.answers.errors());
        let errors: Vec<String> = errors.take(3).map(|it| format!("failed: {it}")).collect();
        let lines = table(&outcomes).into_iter().chain(errors).collect();
        if kept.is_empty() {
            return Ok((lines, None));
        }
        let path = kept.write(step, folder(&self.settings)?, now);
        Ok((lines, Some(path.map_err(|error| error.to_string())?)))
    }
}

impl Task for Try {
    type Screen = Diff;
    type Answer = Tried;

    fn run(self, _: &CancelFlag, report: &mut dyn FnMut(Tried)) -> Tried {
        Tried::Done(self.done(report))
    }

    fn answered(diff: &mut Diff, answer: Tried, session: &mut Session) -> Vec<Effect> {
        let clean = |raw: &str| text::sanitize(raw).into_owned();
        match answer {
            Tried::Progress(what) => {
                diff.experiment.running = Some(format!("experiment · {}…", clean(&what)));
            }
            Tried::Done(Ok((lines, path))) => {
                diff.experiment.running = None;
                diff.experiment.found = Some(lines.iter().map(|line| clean(line)).collect());
                return path
                    .map(|path| vec![Effect::Add(vec![Input::File(path)])])
                    .unwrap_or_default();
            }
            Tried::Done(Err(why)) => {
                diff.experiment.running = None;
                session.fail(&why);
            }
        }
        Vec::new()
    }

    fn failed(diff: &mut Diff) {
        diff.experiment.running = None;
    }

    fn finishes(&self) -> Option<CancelFlag> {
        Some(self.stop.clone())
    }
}
