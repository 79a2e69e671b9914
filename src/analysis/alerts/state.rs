//! What happens to an alert over time: ok, pending, firing, resolved; and what is told about it when. Plain data, so that
//! it can be kept in a file. Times are seconds.
//!
//! That someone knows about it, or does not want to hear of it for a while, are marks on an alert that fires, and no
//! states of their own: it still counts.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// How an alert of a rule moves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// Evaluations over the limit before it fires.
    pub confirm: u32,
    /// Clear evaluations in a row before it is resolved.
    pub clear: u32,
    /// After so many seconds it is told again.
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
    /// Between half of the limit and the limit: nothing moves.
    Between,
    Over,
    /// So bad that it fires at once.
    Trip,
}

/// What is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Told {
    Fire,
    /// From a warning to a trip.
    Worse,
    /// It still fires after a long time.
    Again,
    Resolve,
}

impl Told {
    pub fn word(self) -> &'static str {
        match self {
            Told::Fire => "fire",
            Told::Worse => "worse",
            Told::Again => "again",
            Told::Resolve => "resolve",
        }
    }
}

/// The state of one alert.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Machine {
    pub state: State,
    /// Evaluations over the limit since it was ok.
    pub hits: u32,
    /// Evaluations over the limit since it fires.
    pub count: u32,
    /// Clear evaluations in a row.
    pub cleared: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub level: Option<Reading>,
    /// Who knows about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub acked: Option<String>,
    /// Until when nobody wants to hear of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub snoozed: Option<i64>,
    /// When it was last told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub told: Option<i64>,
}

impl Machine {
    /// One evaluation, and what is to be told about it.
    pub fn hit(&mut self, now: i64, reading: Reading, pace: Pace) -> Option<Told> {
        let is_over = reading >= Reading::Over;
        if self.state == State::Resolved && is_over {
            *self = Machine::default();
        }
        match self.state {
            State::Ok | State::Pending => self.rise(now, reading, pace),
            State::Firing if is_over => self.burn(now, reading, pace),
            State::Firing => self.cool(now, reading, pace),
            State::Resolved => None,
        }
    }

    fn rise(&mut self, now: i64, reading: Reading, pace: Pace) -> Option<Told> {
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
        self.tell(now, Told::Fire)
    }

    fn burn(&mut self, now: i64, reading: Reading, pace: Pace) -> Option<Told> {
        self.count += 1;
        self.cleared = 0;
        if Some(reading) > self.level {
            self.level = Some(reading);
            return self.tell(now, Told::Worse);
        }
        let is_old = self.told.is_none_or(|told| now - told >= pace.repeat);
        is_old.then(|| self.tell(now, Told::Again)).flatten()
    }

    fn cool(&mut self, now: i64, reading: Reading, pace: Pace) -> Option<Told> {
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

    fn resolve(&mut self, now: i64) -> Option<Told> {
        self.state = State::Resolved;
        self.acked = None;
        // What nobody was told of need not be taken back.
        self.told.and_then(|_| self.tell(now, Told::Resolve))
    }

    /// What it is about has ended: nothing can get better or worse any more.
    pub fn end(&mut self, now: i64) -> Option<Told> {
        match self.state {
            State::Firing => self.resolve(now),
            State::Pending => {
                *self = Machine::default();
                None
            }
            State::Ok | State::Resolved => None,
        }
    }

    /// Told, unless a mark says otherwise. That it got worse is always told.
    fn tell(&mut self, now: i64, what: Told) -> Option<Told> {
        if self.is_snoozed(now) && what != Told::Worse {
            return None;
        }
        if self.acked.is_some() && what == Told::Again {
            return None;
        }
        self.told = Some(now);
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

    /// What a person is shown.
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

/// Holds back what would be too much for one sink; what was held back is counted, and told when there is room.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Fatigue {
    /// When the last ones were let through.
    times: Vec<i64>,
    pub held: u32,
}

/// An hour.
const SPAN: i64 = 3600;

impl Fatigue {
    /// Whether a new alert is let through, and then how many were held back before it.
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

/// Everything that is remembered about the alerts of one file of rules.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Book {
    pub schema: String,
    /// By the key of the alert.
    pub alerts: BTreeMap<String, Kept>,
    /// By the name of the sink.
    pub sinks: BTreeMap<String, Fatigue>,
}

/// One alert in the book. Names of its scope are the only words of a trace in it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Kept {
    pub rule: String,
    pub scope: Vec<(String, String)>,
    /// The measured number and its limit, as they are shown.
    pub value: String,
    pub limit: String,
    #[serde(flatten)]
    pub machine: Machine,
    /// How often the rule had gone off when it was last evaluated.
    pub seen: usize,
    /// When it began to fire, and when it was last evaluated.
    pub since: Option<i64>,
    pub looked: i64,
    /// It was there before anybody watched: shown, never sent.
    pub is_old: bool,
    /// Of each sink, when it was sent there last, and whether it arrived.
    pub sent: BTreeMap<String, (i64, bool)>,
}

/// What a person does to an alert.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mark {
    /// Somebody knows about it; none takes that back.
    Ack(Option<String>),
    /// Until when nobody wants to hear of it.
    Snooze(i64),
    /// As if it had never fired.
    Reset,
}

pub const SCHEMA: &str = "saferun.tui/alert-states@1";
/// More alerts are not remembered: those that were not evaluated for longest go first.
const MOST: usize = 2_000;

impl Book {
    pub fn new() -> Book {
        Book {
            schema: SCHEMA.to_owned(),
            ..Book::default()
        }
    }

    /// Puts a mark on an alert; whether there is one of this key.
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

    /// The keys of the alerts whose id begins so.
    pub fn with_id(&self, id: &str) -> Vec<String> {
        let is_meant = |key: &&String| {
            let own = key.rsplit('/').next().unwrap_or_default();
            !id.is_empty() && own.starts_with(id)
        };
        self.alerts.keys().filter(is_meant).cloned().collect()
    }

    /// The keys of the alerts about a run.
    pub fn of_run(&self, run: &str) -> Vec<String> {
        let is_about = |kept: &Kept| {
            let mut names = kept.scope.iter();
            names.any(|(by, value)| by == "run" && value == run)
        };
        let all = self.alerts.iter().filter(|(_, kept)| is_about(kept));
        all.map(|(key, _)| key.clone()).collect()
    }

    /// Forgets what was not evaluated for longest, until the rest is few enough.
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
    use super::{Book, Fatigue, Kept, Machine, Mark, Pace, Reading, State, Told};

    const PACE: Pace = Pace {
        confirm: 2,
        clear: 2,
        repeat: 100,
    };

    #[track_caller]
    fn check(machine: &mut Machine, (now, reading): (i64, Reading), expected: Option<Told>) {
        assert_eq!(machine.hit(now, reading, PACE), expected, "{now}");
    }

    #[test]
    fn it_fires_when_confirmed_and_is_resolved_when_clear_for_long_enough() {
        let mut it = Machine::default();
        check(&mut it, (0, Reading::Over), None);
        assert_eq!(it.state, State::Pending);
        check(&mut it, (1, Reading::Over), Some(Told::Fire));
        check(&mut it, (2, Reading::Clear), None);
        check(&mut it, (3, Reading::Between), None);
        check(&mut it, (4, Reading::Clear), None);
        check(&mut it, (5, Reading::Clear), Some(Told::Resolve));
        check(&mut it, (6, Reading::Trip), Some(Told::Fire));
    }

    #[test]
    fn a_mark_silences_all_but_what_gets_worse() {
        let mut it = Machine::default();
        it.hit(0, Reading::Over, PACE);
        it.hit(1, Reading::Over, PACE);
        it.ack(Some("lead".to_owned()));
        check(&mut it, (500, Reading::Over), None);
        it.snooze(2000);
        check(&mut it, (501, Reading::Trip), Some(Told::Worse));
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
    fn what_is_held_back_is_told_with_the_next() {
        let mut it = Fatigue::default();
        assert_eq!(it.admit(0, 1), Some(0));
        assert_eq!(it.admit(10, 1), None);
        assert_eq!(it.admit(20, 1), None);
        assert_eq!(it.admit(3600, 1), Some(2));
    }

    #[test]
    fn what_ends_is_resolved_and_that_is_told_only_if_it_was_told_that_it_fired() {
        let mut it = Machine::default();
        it.hit(0, Reading::Trip, PACE);
        assert_eq!(it.end(1), Some(Told::Resolve));
        assert_eq!(it.end(2), None);
        let mut quiet = Machine::default();
        quiet.snooze(10);
        quiet.hit(0, Reading::Trip, PACE);
        assert_eq!((quiet.end(1), quiet.state), (None, State::Resolved));
    }

    #[test]
    fn alerts_are_marked_by_their_key_and_found_by_id_and_run() {
        let mut book = Book::new();
        let kept = Kept {
            scope: vec![("run".to_owned(), "r1".to_owned())],
            ..Kept::default()
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
