//! Moves the states of alerts as an overlay grows, and returns what to report. Alerts from before watching began are
//! old: they are shown, and sent only if they get worse.
//!
//! Streaks are evaluated at each step of their agent, charts after each run, everything else when it fires. An alert
//! about a run is resolved at the end of the run, whether that is recorded or not.

use std::collections::{HashMap, HashSet};

use crate::analysis::alerts::alert::Alert;
use crate::analysis::alerts::detector::{Detector, Level};
use crate::analysis::alerts::engine::Standing;
use crate::analysis::alerts::overlay::Overlay;
use crate::analysis::alerts::rules::{By, Rule, Rules, Sink};
use crate::analysis::alerts::shown;
use crate::analysis::alerts::state::{AlertRecord, Book, Event, Pace, Reading, State};
use crate::model::action::{ActionIx, Kind};
use crate::model::run::{RunIx, RunStatus};
use crate::store::Store;

/// Whether traces can grow while they are watched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Traces {
    /// They are followed.
    #[default]
    Growing,
    /// They were read once: nothing more comes.
    Read,
}

/// What was evaluated at the last look.
#[derive(Debug, Clone, Default)]
pub struct Watch {
    pub traces: Traces,
    has_begun: bool,
    /// How many actions runs without a recorded end had, and when the last one came.
    news_of_run: HashMap<RunIx, (u32, i64)>,
    /// By alert key, the steps of its agents so far, or the runs for a chart.
    evaluated: HashMap<String, u64>,
    acked: HashSet<String>,
}

/// One event to report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct News {
    pub key: String,
    /// The alert, by its place in the overlay.
    pub alert: usize,
    pub event: Event,
    /// It was there when watching began: shown, but not sent to sinks.
    pub is_old: bool,
}

/// The most evaluations to catch up with at a time: further ones change nothing.
const CATCH_UP: u64 = 64;
/// The seconds without news after which a run counts as ended.
const QUIET: i64 = 3600;

impl Watch {
    /// Evaluates every alert of the overlay. Times are seconds.
    pub fn look(
        &mut self,
        (store, overlay): (&Store, &Overlay),
        book: &mut Book,
        now: i64,
    ) -> Vec<News> {
        let standings = overlay.standings();
        let ended = self.ended(store, overlay, now);
        let mut news = Vec::new();
        for (at, alert) in overlay.alerts().iter().enumerate() {
            let rule = &overlay.rules.rules[alert.rule];
            let key = alert.key(&overlay.rules);
            let kept = book.alerts.entry(key.clone()).or_default();
            describe(kept, alert, rule);
            let is_first = !self.evaluated.contains_key(&key) && !self.has_begun;
            let look = Look {
                alert,
                pace: Pace {
                    // What fires is confirmed already, so that a watched run fires where the same run does when it is
                    // read later.
                    confirm: 1,
                    clear: rule.clear,
                    ..Pace::default()
                },
                ticks: self.ticks((&key, alert), kept.seen == 0, (store, &standings), &ended),
                reading: reading(alert, store, &standings),
                is_over: is_about_one_run(alert)
                    && ended.contains(&alert.run())
                    && !self.is_paused(store, alert),
                now,
            };
            let events = look.evaluate(kept);
            if kept.machine.state == State::Firing && kept.since.is_none() {
                kept.since = Some(now);
            }
            for event in events {
                let is_old = kept.is_old_news(event, is_first);
                news.push(News {
                    key: key.clone(),
                    alert: at,
                    event,
                    is_old,
                });
            }
        }
        self.acks(overlay, book, &mut news);
        self.has_begun = true;
        book.shorten();
        news
    }

    /// The runs that have ended, as far as is known.
    fn ended(&mut self, store: &Store, overlay: &Overlay, now: i64) -> HashSet<RunIx> {
        let alerted = overlay.alerts().iter().map(Alert::run);
        let runs = overlay.report.runs.iter().copied().chain(alerted);
        runs.filter(|run| {
            let status = store.run(*run).status;
            if self.may_continue(status) {
                self.is_quiet(store, *run, now)
            } else {
                has_ended(status)
            }
        })
        .collect()
    }

    /// Whether a run may continue: its trace can grow, and no end is recorded.
    fn may_continue(&self, status: RunStatus) -> bool {
        let is_open = matches!(status, RunStatus::Running | RunStatus::Unknown);
        is_open && self.traces == Traces::Growing
    }

    /// Whether nothing was added to a run for a long time: by its last time, or by our clock if it records no times.
    fn is_quiet(&mut self, store: &Store, ix: RunIx, now: i64) -> bool {
        let run = store.run(ix);
        let last = run.ended.get().map(|last| last.div_euclid(1_000_000));
        let count = run.totals.actions;
        let known = self.news_of_run.entry(ix);
        let known = known.or_insert((count, last.unwrap_or(now)));
        if known.0 != count {
            *known = (count, now);
        }
        now - known.1 >= QUIET
    }

    /// Whether the alert says that a run is silent: more silence does not resolve it.
    fn is_paused(&self, store: &Store, alert: &Alert) -> bool {
        let is_idle = alert.worst().detector == Detector::Idle;
        is_idle && self.may_continue(store.run(alert.run()).status)
    }

    /// How many evaluations are due, not counting those for new hits.
    fn ticks(
        &mut self,
        (key, alert): (&str, &Alert),
        is_new: bool,
        (store, standings): (&Store, &[Standing]),
        ended: &HashSet<RunIx>,
    ) -> u64 {
        let count = if spans_runs(alert) {
            let later = ended.iter().filter(|run| began_after(store, **run, alert));
            later.count() as u64
        } else if is_about_the_past(alert) {
            steps_after(store, alert)
        } else {
            let own = standings.iter().filter(|it| is_about(alert, it));
            own.map(|it| it.steps).max().unwrap_or(0)
        };
        let due = match self.evaluated.insert(key.to_owned(), count) {
            Some(before) => count.saturating_sub(before),
            None if is_new && spans_runs(alert) => count,
            None if is_new => steps_after(store, alert),
            // It was evaluated before a restart.
            None => 0,
        };
        due.min(CATCH_UP)
    }

    /// Acknowledgements since the last look.
    fn acks(&mut self, overlay: &Overlay, book: &Book, news: &mut Vec<News>) {
        for (at, alert) in overlay.alerts().iter().enumerate() {
            let key = alert.key(&overlay.rules);
            let machine = book.alerts.get(&key).map(|kept| &kept.machine);
            let is_acked = machine.is_some_and(|it| {
                it.state == State::Firing && it.acked.is_some() && it.reported.is_some()
            });
            if !is_acked {
                self.acked.remove(&key);
            } else if self.acked.insert(key.clone()) && self.has_begun {
                news.push(News {
                    is_old: book.alerts.get(&key).is_some_and(|kept| kept.is_old),
                    key,
                    alert: at,
                    event: Event::Acknowledge,
                });
            }
        }
    }
}

/// One alert at one look.
struct Look<'a> {
    alert: &'a Alert,
    pace: Pace,
    ticks: u64,
    /// Its current reading if nothing new fired; none if it is unchanged.
    reading: Option<Reading>,
    is_over: bool,
    now: i64,
}

impl Look<'_> {
    fn evaluate(&self, kept: &mut AlertRecord) -> Vec<Event> {
        let mut events: Vec<Event> = Vec::new();
        let mut report = |event: Option<Event>| {
            // The report that it fires already has the current level.
            let is_known = event == Some(Event::Worse) && events.contains(&Event::Fire);
            events.extend(event.filter(|_| !is_known));
        };
        let (now, pace) = (self.now, self.pace);
        let new = self.alert.hits.get(kept.seen..).unwrap_or_default();
        for hit in new {
            let reading = match hit.level {
                Level::Trip => Reading::Trip,
                Level::Info | Level::Warn => Reading::Over,
            };
            if kept.machine.state == State::Resolved {
                kept.since = None;
            }
            report(kept.machine.hit(now, reading, pace));
        }
        // A store that is read again from its start, or with fewer files, has fewer hits.
        kept.seen = self.alert.hits.len();
        if self.is_over {
            report(kept.machine.end(now));
        } else {
            let level = kept.machine.level.unwrap_or(Reading::Over);
            let reading = self.reading.unwrap_or(level);
            let hits = new.len() as u64;
            for _ in hits.min(1)..self.ticks {
                report(kept.machine.hit(now, reading, pace));
            }
            // Without steps to evaluate, only the clock triggers a repeat.
            if self.ticks == 0 && new.is_empty() && reading >= Reading::Over {
                report(again(kept, now, (reading, pace)));
            }
        }
        kept.looked = now;
        events
    }
}

/// Repeats the report of an alert that is still firing.
fn again(kept: &mut AlertRecord, now: i64, (reading, pace): (Reading, Pace)) -> Option<Event> {
    let machine = &mut kept.machine;
    let is_due = machine.state == State::Firing
        && machine
            .reported
            .is_some_and(|last| now - last >= pace.repeat);
    is_due.then(|| machine.hit(now, reading, pace)).flatten()
}

impl AlertRecord {
    /// Whether an event is about an alert from before watching began. Getting worse is news.
    fn is_old_news(&mut self, event: Event, is_first: bool) -> bool {
        match event {
            Event::Fire => self.is_old = is_first,
            Event::Worse => self.is_old &= is_first,
            Event::Again | Event::Acknowledge | Event::Resolve => {}
        }
        self.is_old
    }
}

fn describe(kept: &mut AlertRecord, alert: &Alert, rule: &Rule) {
    kept.rule.clone_from(&rule.id);
    let scope = alert.scope.iter();
    kept.scope = scope
        .map(|(by, value)| (by.word().to_owned(), value.to_string()))
        .collect();
    kept.value = shown::value(alert.worst());
    kept.limit = shown::limit(alert.worst());
}

fn is_about(alert: &Alert, standing: &Standing) -> bool {
    standing.rule == alert.rule
        && alert.hits.iter().any(|hit| {
            let is_lane = hit.lane == Some(standing.lane);
            hit.run == standing.run && is_lane && hit.detector == standing.detector
        })
}

fn is_about_one_run(alert: &Alert) -> bool {
    alert.scope.iter().any(|(by, _)| *by == By::Run)
}

/// Whether it is evaluated after each run rather than after each step of one.
fn spans_runs(alert: &Alert) -> bool {
    alert.worst().detector.is_chart() || !is_about_one_run(alert)
}

/// Whether the alert is over as soon as the run continues: it fires again if it happens again.
fn is_about_the_past(alert: &Alert) -> bool {
    matches!(alert.worst().detector, Detector::Match | Detector::Idle)
}

/// The model calls of its run since it last fired.
fn steps_after(store: &Store, alert: &Alert) -> u64 {
    let last = alert.hits.last().map_or(0, |hit| hit.at.0);
    let rows = (last.saturating_add(1).max(store.first())..store.len()).map(ActionIx);
    let rows = rows.map(|ix| store.row(ix));
    let own = rows.filter(|row| row.run_ix() == alert.run() && row.kind() == Kind::Response);
    own.count() as u64
}

/// The reading of an alert if nothing new fired: that of the worst of its current streaks.
fn reading(alert: &Alert, store: &Store, standings: &[Standing]) -> Option<Reading> {
    if spans_runs(alert) || (is_about_the_past(alert) && steps_after(store, alert) > 0) {
        return Some(Reading::Clear);
    }
    let own = standings.iter().filter(|it| is_about(alert, it));
    own.map(Standing::reading).max()
}

impl Standing {
    pub fn reading(&self) -> Reading {
        let (count, limits) = (self.count, self.limits);
        if self.detector == Detector::ContextFull && count == u32::MAX {
            Reading::Over
        } else if count >= limits.trip {
            Reading::Trip
        } else if count >= limits.warn {
            Reading::Over
        } else if count.saturating_mul(2) >= limits.warn {
            Reading::Between
        } else {
            Reading::Clear
        }
    }
}

/// Whether a run has ended if its trace does not grow: without a recorded end, it has unless a call is open.
fn has_ended(status: RunStatus) -> bool {
    match status {
        RunStatus::Ok
        | RunStatus::Error
        | RunStatus::Blocked
        | RunStatus::Cancelled
        | RunStatus::Unfinished
        | RunStatus::Unknown => true,
        RunStatus::Running => false,
    }
}

/// Whether a run began after an alert last fired.
fn began_after(store: &Store, run: RunIx, alert: &Alert) -> bool {
    let last = alert.hits.last().map_or(ActionIx(0), |hit| hit.at);
    let first = store.run(run).first_action.get();
    first.is_some_and(|first| first > last)
}

/// Whether an alert in traces that do not grow is resolved. `runs` are those that its rule was applied to.
pub fn is_resolved(store: &Store, runs: &[RunIx], (alert, rule): (&Alert, &Rule)) -> bool {
    let is_ended = |run: RunIx| has_ended(store.run(run).status);
    if is_about_one_run(alert) {
        return is_ended(alert.run());
    }
    let later = runs.iter().filter(|run| began_after(store, **run, alert));
    later.filter(|run| is_ended(**run)).count() >= rule.clear as usize
}

/// The names by which a rule asks for all sinks, and for the breaker.
const NOTIFY: &str = "notify";
const STOP: &str = "stop";

impl Rules {
    /// The sinks that a rule notifies at a level.
    pub fn sinks_of(&self, rule: usize, level: Level) -> impl Iterator<Item = &Sink> {
        let wanted = self.wanted(rule, level);
        let is_wanted = move |sink: &&Sink| {
            let is_named = wanted.iter().any(|it| it == NOTIFY || *it == sink.name);
            is_named && level >= sink.min
        };
        self.sinks.iter().filter(is_wanted)
    }

    /// Whether a rule notifies any sink at a level.
    pub fn notifies(&self, rule: usize, level: Level) -> bool {
        let wanted = self.wanted(rule, level);
        wanted.iter().any(|it| it == NOTIFY) || self.sinks_of(rule, level).next().is_some()
    }

    /// Whether a rule stops the run at a level.
    pub fn stops(&self, rule: usize, level: Level) -> bool {
        self.wanted(rule, level).iter().any(|it| it == STOP)
    }

    fn wanted(&self, rule: usize, level: Level) -> &[String] {
        let rule = &self.rules[rule];
        match level {
            Level::Trip => &rule.on_trip,
            Level::Info | Level::Warn => &rule.on_warn,
        }
    }
}

#[cfg(test)]
mod tests;
