//! The background tasks of the alerts view.

use std::collections::HashSet;
use std::sync::Arc;

use crate::act::kill::{self, Grace, Refused, Step, Target};
use crate::act::places::Places;
use crate::act::trip;
use crate::analysis::alerts::backtest::{Backtest, backtest};
use crate::analysis::alerts::detector::Level;
use crate::analysis::alerts::sift::{self, Listed};
use crate::analysis::alerts::state::{AlertRecord, Mark};
use crate::analysis::alerts::trail::{Trail, trail};
use crate::base::cancel::CancelFlag;
use crate::model::quantity::Time;
use crate::query::Context;
use crate::query::expr::Expr;
use crate::state::alerts::AlertStates;
use crate::store::Store;
use crate::tui::alerting::{Evaluation, Looked, Looking};
use crate::tui::effects::Effect;
use crate::tui::screens::alerts::Alerts;
use crate::tui::session::Session;
use crate::tui::tasks::Task;

/// Evaluates the rules over the open traces.
#[derive(Debug)]
pub(super) struct Look(pub(super) Looking);

impl Task for Look {
    type Screen = Alerts;
    type Answer = Looked;

    fn run(self, cancel: &CancelFlag, _: &mut dyn FnMut(Looked)) -> Looked {
        self.0.run(cancel)
    }

    fn answered(alerts: &mut Alerts, answer: Looked, session: &mut Session) -> Vec<Effect> {
        session.take_alerts(answer);
        alerts.is_stale = true;
        alerts.look(session)
    }

    fn failed(alerts: &mut Alerts) {
        alerts.has_failed = true;
    }
}

/// Finds the rows that the filter keeps.
#[derive(Debug)]
pub(super) struct Sift {
    pub(super) store: Store,
    pub(super) expr: Expr,
    /// By name.
    pub(super) rows: Vec<(String, Listed)>,
    pub(super) context: Context,
}

/// The names of the rows that are kept.
#[derive(Debug)]
pub(super) struct Sifting {
    pub(super) kept: HashSet<String>,
}

impl Task for Sift {
    type Screen = Alerts;
    type Answer = Sifting;

    fn run(self, cancel: &CancelFlag, _: &mut dyn FnMut(Sifting)) -> Sifting {
        let (names, rows): (Vec<String>, Vec<Listed>) = self.rows.into_iter().unzip();
        let found = sift::kept(&self.store, &self.expr, &rows, (&self.context, cancel));
        let kept = names.into_iter().zip(found);
        Sifting {
            kept: kept
                .filter(|(_, kept)| *kept)
                .map(|(name, _)| name)
                .collect(),
        }
    }

    fn answered(alerts: &mut Alerts, answer: Sifting, _: &mut Session) -> Vec<Effect> {
        alerts.take_sifted(answer);
        Vec::new()
    }

    fn failed(alerts: &mut Alerts) {
        alerts.sift_failed();
    }
}

/// Writes a mark to the state file.
#[derive(Debug)]
pub(super) struct SaveMark {
    pub(super) states: AlertStates,
    pub(super) key: String,
    /// The alert as shown, in case the file does not have it.
    pub(super) kept: AlertRecord,
    pub(super) mark: Mark,
}

impl Task for SaveMark {
    type Screen = Alerts;
    type Answer = Result<(), String>;

    fn run(self, _: &CancelFlag, _: &mut dyn FnMut(Self::Answer)) -> Self::Answer {
        let SaveMark {
            states,
            key,
            kept,
            mark,
        } = self;
        let put = states.update(|book| {
            book.alerts.entry(key.clone()).or_insert(kept);
            book.mark(&key, &mark);
        });
        let named = |error| format!("{}: not saved: {error}", states.path().display());
        put.map(|_| ()).map_err(named)
    }

    fn answered(alerts: &mut Alerts, answer: Self::Answer, session: &mut Session) -> Vec<Effect> {
        if let Err(words) = answer {
            session.fail(&words);
        }
        session.alerting.is_outdated = true;
        alerts.look(session)
    }
}

/// What the rule of an alert would have done to the open runs, and how its measure approached the limit.
#[derive(Debug)]
pub(super) struct Test {
    pub(super) seen: Arc<Evaluation>,
    pub(super) store: Store,
    pub(super) of: TestOf,
    pub(super) context: Context,
}

/// An alert by its place, and the length of the store.
pub(super) type TestOf = (usize, u32);

/// The answer.
#[derive(Debug)]
pub(super) struct Tested {
    pub(super) of: TestOf,
    pub(super) levels: Vec<(Level, Backtest)>,
    pub(super) trail: Option<Trail>,
}

impl Task for Test {
    type Screen = Alerts;
    type Answer = Tested;

    fn run(self, cancel: &CancelFlag, _: &mut dyn FnMut(Tested)) -> Tested {
        let seen = &self.seen;
        let alert = &seen.alerts()[self.of.0];
        let rule = alert.rule;
        let hits = || {
            let alerts = seen.alerts().iter().filter(|alert| alert.rule == rule);
            alerts.flat_map(|alert| &alert.hits)
        };
        let runs = &seen.overlay.report.runs;
        let levels = [Level::Warn, Level::Trip].into_iter();
        let levels = levels.filter(|level| hits().any(|hit| hit.level >= *level));
        let tested = levels.map(|level| (level, backtest(&self.store, runs, hits(), level)));
        let found = (&seen.overlay.report, alert);
        Tested {
            of: self.of,
            levels: tested.collect(),
            trail: trail(&self.store, seen.rules(), found, (&self.context, cancel)),
        }
    }

    fn answered(alerts: &mut Alerts, answer: Tested, _: &mut Session) -> Vec<Effect> {
        alerts.tested = Some(answer);
        alerts.testing = None;
        Vec::new()
    }

    fn failed(alerts: &mut Alerts) {
        alerts.testing = None;
    }
}

/// Looks up the process that would be ended.
#[derive(Debug)]
pub(super) struct Find {
    pub(super) pid: i32,
    pub(super) began: Time,
}

impl Task for Find {
    type Screen = Alerts;
    type Answer = Result<Target, Refused>;

    fn run(self, _: &CancelFlag, _: &mut dyn FnMut(Self::Answer)) -> Self::Answer {
        kill::target(self.pid, self.began)
    }

    fn answered(alerts: &mut Alerts, answer: Self::Answer, _: &mut Session) -> Vec<Effect> {
        alerts.take_target(answer);
        Vec::new()
    }
}

/// Ends the process.
#[derive(Debug)]
pub(super) struct End {
    pub(super) target: Target,
}

/// The progress: a signal was sent, or the attempt is over.
#[derive(Debug)]
pub(super) enum Progress {
    Sent(Step),
    Over(Result<Step, Refused>),
}

impl Task for End {
    type Screen = Alerts;
    type Answer = Progress;

    fn run(self, _: &CancelFlag, report: &mut dyn FnMut(Progress)) -> Progress {
        let mut tell = |step| report(Progress::Sent(step));
        Progress::Over(kill::stop(&self.target, Grace::default(), &mut tell))
    }

    fn answered(_: &mut Alerts, answer: Progress, session: &mut Session) -> Vec<Effect> {
        match answer {
            Progress::Sent(step) => session.say(&format!("sent {step} to the process group")),
            Progress::Over(Ok(step)) => session.say(&format!("the run ended after {step}")),
            Progress::Over(Err(why)) => session.fail(&why.to_string()),
        }
        Vec::new()
    }
}

/// Lets a stopped run continue.
#[derive(Debug)]
pub(super) struct Release {
    pub(super) run: String,
}

impl Task for Release {
    type Screen = Alerts;
    type Answer = Result<bool, String>;

    fn run(self, _: &CancelFlag, _: &mut dyn FnMut(Self::Answer)) -> Self::Answer {
        let places = Places::of_environment().ok_or("no home folder")?;
        trip::reset(&places, &self.run).map_err(|error| error.to_string())
    }

    fn answered(_: &mut Alerts, answer: Self::Answer, session: &mut Session) -> Vec<Effect> {
        match answer {
            Ok(true) => session.say("released: the run may continue"),
            Ok(false) => session.say("no breaker has stopped this run"),
            Err(words) => session.fail(&words),
        }
        Vec::new()
    }
}
