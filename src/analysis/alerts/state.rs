//! The life cycle of an alert: ok, pending, firing, resolved; and when to report it. Plain data, so that it can be
//! saved in a file. Times are seconds.
//!
//! Acknowledged and snoozed are marks on a firing alert, not states of their own: it still counts.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The pace at which alerts of a rule change state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// Evaluations over the limit before it fires.
    pub confirm: u32,
    /// Clear evaluations in a row before it is resolved.
    pub clear: u32,
    /// Seconds after which a firing alert is reported again.
    pub repeat: i64,
}

impl Default for Pace {
    fn default() -> Pace {
        Pace {
            confirm: 2,
            clear: 20,
            repeat: 4 * 3600,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    #[default]
    Ok,
    Pending,
    Firing,
    Resolved,
}

/// The result of one evaluation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Reading {
    /// Below half of the limit.
    Clear,
    /// Between half of the limit and the limit: the state does not change.
    Between,
    Over,
    /// Bad enough to fire immediately.
    Trip,
}

/// A change of an alert, to report to sinks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    Fire,
    /// From a warning to a trip.
    Worse,
    /// It is still firing after a long time.
    Again,
    /// A person acknowledged it.
    Acknowledge,
    Resolve,
}

impl Event {
    pub fn word(self) -> &'static str {
        match self {
            Event::Fire => "fire",
            Event::Worse => "worse",
            Event::Again => "again",
            Event::Acknowledge => "acknowledge",
            Event::Resolve => "resolve",
        }
    }

    /// Whether it reports a problem.
    pub fn is_bad(self) -> bool {
        matches!(self, Event::Fire | Event::Worse | Event::Again)
    }
}

/// The state of one alert.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Machine {
    pub state: State,
    /// Evaluations over the limit since it was ok.
    pub hits: u32,
    /// Evaluations over the limit since it began to fire.
    pub count: u32,
    /// Clear evaluations in a row.
    pub cleared: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub level: Option<Reading>,
    /// Who acknowledged it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub acked: Option<String>,
    /// When the snooze ends.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub snoozed: Option<i64>,
    /// When it was last reported.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reported: Option<i64>,
}

impl Machine {
    /// Takes one evaluation, and returns what to report.
    pub fn hit(&mut self, now: i64, reading: Reading, pace: Pace) -> Option<Event> {
        let is_over = reading >= Reading::Over;
        if self.state == State::Resolved && is_over {
            *self = Machine::default();
        }
        match self.state {
            State::Ok | State::Pending => self.not_firing(now, reading, pace),
            State::Firing if is_over => self.still_over(now, reading, pace),
            State::Firing => self.not_over(now, reading, pace),
            State::Resolved => None,
        }
    }

    fn not_firing(&mut self, now: i64, reading: Reading, pace: Pace) -> Option<Event> {
        if reading < Reading::Over {
            self.state = State::Ok;
            self.hits = 0;
            return None;
        }
        self.hits += 1;
        if reading == Reading::Over && self.hits < pace.confirm {
            self.state = State::Pending;
            return None;
        }
        self.state = State::Firing;
        self.count = self.hits;
        self.level = Some(reading);
        self.cleared = 0;
        self.report(now, Event::Fire)
    }

    fn still_over(&mut self, now: i64, reading: Reading, pace: Pace) -> Option<Event> {
        self.count += 1;
        self.cleared = 0;
        if Some(reading) > self.level {
            self.level = Some(reading);
            return self.report(now, Event::Worse);
        }
        let is_old = self.reported.is_none_or(|last| now - last >= pace.repeat);
        is_old.then(|| self.report(now, Event::Again)).flatten()
    }

    fn not_over(&mut self, now: i64, reading: Reading, pace: Pace) -> Option<Event> {
        self.cleared = if reading == Reading::Clear {
            self.cleared + 1
        } else {
            0
        };
        if self.cleared < pace.clear {
            return None;
        }
        self.resolve(now)
    }

    fn resolve(&mut self, now: i64) -> Option<Event> {
        self.state = State::Resolved;
        self.acked = None;
        // An alert that was never reported needs no resolution.
        self.reported.and_then(|_| self.report(now, Event::Resolve))
    }

    /// Its subject has ended: it can no longer get better or worse.
    pub fn end(&mut self, now: i64) -> Option<Event> {
        match self.state {
            State::Firing => self.resolve(now),
            State::Pending => {
                *self = Machine::default();
                None
            }
            State::Ok | State::Resolved => None,
        }
    }

    /// Reports, unless a mark forbids it. Getting worse is always reported.
    fn report(&mut self, now: i64, what: Event) -> Option<Event> {
        if self.is_snoozed(now) && what != Event::Worse {
            return None;
        }
        if self.acked.is_some() && what == Event::Again {
            return None;
        }
        self.reported = Some(now);
        Some(what)
    }

    pub fn is_snoozed(&self, now: i64) -> bool {
        self.snoozed.is_some_and(|until| now < until)
    }

    pub fn ack(&mut self, by: Option<String>) {
        self.acked = by;
    }

    pub fn snooze(&mut self, until: i64) {
        self.snoozed = Some(until);
    }

    /// The state as shown to a person.
    pub fn shown(&self, now: i64) -> &'static str {
        if self.is_snoozed(now) {
            return "snoozed";
        }
        match self.state {
            State::Firing if self.acked.is_some() => "acked",
            State::Ok => "ok",
            State::Pending => "pending",
            State::Firing => "firing",
            State::Resolved => "resolved",
        }
    }
}

/// Rate limit of one sink. Alerts held back are counted, and the count goes out with the next one let through.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Fatigue {
    /// When the last alerts were let through.
    times: Vec<i64>,
    pub held: u32,
}

/// An hour.
const SPAN: i64 = 3600;

impl Fatigue {
    /// Lets a new alert through, and returns how many were held back before it; none if it is held back.
    pub fn admit(&mut self, now: i64, most: u32) -> Option<u32> {
        self.times.retain(|time| now - time < SPAN);
        if self.times.len() >= most as usize {
            self.held += 1;
            return None;
        }
        self.times.push(now);
        Some(std::mem::take(&mut self.held))
    }
}

/// Everything saved about the alerts of one rules file.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Book {
    pub schema: String,
    /// By the key of the alert.
    pub alerts: BTreeMap<String, AlertRecord>,
    /// By the name of the sink.
    pub sinks: BTreeMap<String, Fatigue>,
}

/// One alert in the book. The names of its scope are the only trace content in it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct AlertRecord {
    pub rule: String,
    pub scope: Vec<(String, String)>,
    /// The measured number and its limit, as they are shown.
    pub value: String,
    pub limit: String,
    #[serde(flatten)]
    pub machine: Machine,
    /// How often the rule had fired at the last evaluation.
    pub seen: usize,
    /// When it began to fire, and when it was last evaluated.
    pub since: Option<i64>,
    pub looked: i64,
    /// It was there before watching began: shown, never sent.
    pub is_old: bool,
    /// By sink, when it was last sent, and whether it arrived.
    pub sent: BTreeMap<String, (i64, bool)>,
}

/// What a person does to an alert.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mark {
    /// Acknowledged by this person; none withdraws it.
    Ack(Option<String>),
    /// Snoozed until this time.
    Snooze(i64),
    /// As if it had never fired.
    Reset,
}

pub const SCHEMA: &str = "saferun.tui/alert-states@1";
/// The most alerts saved: those not evaluated for longest are dropped first.
const MOST: usize = 2_000;

impl Book {
    pub fn new() -> Book {
        Book {
            schema: SCHEMA.to_owned(),
            ..Book::default()
        }
    }

    /// Sets a mark on an alert; returns whether one with this key exists.
    pub fn mark(&mut self, key: &str, mark: &Mark) -> bool {
        let Some(kept) = self.alerts.get_mut(key) else {
            return false;
        };
        match mark {
            Mark::Ack(by) => kept.machine.ack(by.clone()),
            Mark::Snooze(until) => kept.machine.snooze(*until),
            Mark::Reset => {
                self.alerts.remove(key);
            }
        }
        true
    }

    /// The keys of the alerts whose id begins with `id`.
    pub fn with_id(&self, id: &str) -> Vec<String> {
        let is_meant = |key: &&String| {
            let own = key.rsplit('/').next().unwrap_or_default();
            !id.is_empty() && own.starts_with(id)
        };
        self.alerts.keys().filter(is_meant).cloned().collect()
    }

    /// The keys of the alerts about a run.
    pub fn of_run(&self, run: &str) -> Vec<String> {
        let is_about = |kept: &AlertRecord| {
            let mut names = kept.scope.iter();
            names.any(|(by, value)| by == "run" && value == run)
        };
        let all = self.alerts.iter().filter(|(_, kept)| is_about(kept));
        all.map(|(key, _)| key.clone()).collect()
    }

    /// Drops the alerts not evaluated for longest, until at most [`MOST`] are left.
    pub fn shorten(&mut self) {
        let surplus = self.alerts.len().saturating_sub(MOST);
        if surplus == 0 {
            return;
        }
        let mut ages: Vec<(bool, i64, String)> = self
            .alerts
            .iter()
            .map(|(key, it)| (it.machine.state == State::Firing, it.looked, key.clone()))
            .collect();
        ages.sort_unstable();
        for (_, _, key) in ages.into_iter().take(surplus) {
            self.alerts.remove(&key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{AlertRecord, Book, Event, Fatigue, Machine, Mark, Pace, Reading, State};

    const PACE: Pace = Pace {
        confirm: 2,
        clear: 2,
        repeat: 100,
    };

    #[track_caller]
    fn check(machine: &mut Machine, (now, reading): (i64, Reading), expected: Option<Event>) {
        assert_eq!(machine.hit(now, reading, PACE), expected, "{now}");
    }

    #[test]
    fn it_fires_when_confirmed_and_is_resolved_when_clear_for_long_enough() {
        let mut it = Machine::default();
        check(&mut it, (0, Reading::Over), None);
        assert_eq!(it.state, State::Pending);
        check(&mut it, (1, Reading::Over), Some(Event::Fire));
        check(&mut it, (2, Reading::Clear), None);
        check(&mut it, (3, Reading::Between), None);
        check(&mut it, (4, Reading::Clear), None);
        check(&mut it, (5, Reading::Clear), Some(Event::Resolve));
        check(&mut it, (6, Reading::Trip), Some(Event::Fire));
    }

    #[test]
    fn a_mark_silences_everything_except_getting_worse() {
        let mut it = Machine::default();
        it.hit(0, Reading::Over, PACE);
        it.hit(1, Reading::Over, PACE);
        it.ack(Some("lead".to_owned()));
        check(&mut it, (500, Reading::Over), None);
        it.snooze(2000);
        check(&mut it, (501, Reading::Trip), Some(Event::Worse));
        assert_eq!(it.shown(502), "snoozed");
        assert_eq!(it.shown(2000), "acked");
    }

    #[test]
    fn an_alert_survives_being_written_and_read() {
        let mut it = Machine::default();
        it.hit(0, Reading::Trip, PACE);
        it.ack(Some("lead".to_owned()));
        let text = serde_json::to_string(&it).expect("JSON");
        assert_eq!(
            serde_json::from_str::<Machine>(&text).expect("a machine"),
            it
        );
    }

    #[test]
    fn the_next_alert_carries_the_count_of_those_held_back() {
        let mut it = Fatigue::default();
        assert_eq!(it.admit(0, 1), Some(0));
        assert_eq!(it.admit(10, 1), None);
        assert_eq!(it.admit(20, 1), None);
        assert_eq!(it.admit(3600, 1), Some(2));
    }

    #[test]
    fn the_end_of_a_run_resolves_an_alert_and_is_reported_only_if_the_alert_was() {
        let mut it = Machine::default();
        it.hit(0, Reading::Trip, PACE);
        assert_eq!(it.end(1), Some(Event::Resolve));
        assert_eq!(it.end(2), None);
        let mut quiet = Machine::default();
        quiet.snooze(10);
        quiet.hit(0, Reading::Trip, PACE);
        assert_eq!((quiet.end(1), quiet.state), (None, State::Resolved));
    }

    #[test]
    fn alerts_are_marked_by_their_key_and_found_by_id_and_run() {
        let mut book = Book::new();
        let kept = AlertRecord {
            scope: vec![("run".to_owned(), "r1".to_owned())],
            ..AlertRecord::default()
        };
        book.alerts.insert("saferun/loop/0a1b".to_owned(), kept);
        let key = book.with_id("0a").remove(0);
        assert_eq!(
            (book.of_run("r1"), book.of_run("r2").len()),
            (vec![key.clone()], 0)
        );
        assert!(book.mark(&key, &Mark::Snooze(9)) && !book.mark("other", &Mark::Reset));
        assert!(book.alerts[&key].machine.is_snoozed(8));
        assert!(book.mark(&key, &Mark::Reset) && book.alerts.is_empty());
    }
}
