//! Reports one change of an alert: a line of text or JSON, and a message for each sink.

use std::io;

use serde_json::{Value, json};

use crate::act::notify::{Message, Notifier};
use crate::analysis::alerts::alert::Alert;
use crate::analysis::alerts::detector::Level;
use crate::analysis::alerts::overlay::Overlay;
use crate::analysis::alerts::rules::Sink;
use crate::analysis::alerts::shown;
use crate::analysis::alerts::state::{Book, Event};
use crate::analysis::alerts::watch::News;
use crate::base::{human, text};
use crate::cli::Cx;
use crate::cli::alert::sources::InForce;
use crate::export::alerts::Document;
use crate::export::json::alert as alert_json;
use crate::export::redact::{self, Masked};
use crate::export::words::Role;
use crate::store::Store;

/// What a report is composed from.
pub(super) struct Reporter<'a> {
    pub(super) store: &'a Store,
    pub(super) overlay: &'a Overlay,
    pub(super) in_force: &'a InForce,
    /// None where another program sends.
    pub(super) notifier: Option<&'a Notifier>,
    pub(super) backlog: bool,
    pub(super) is_armed: bool,
    /// In microseconds.
    pub(super) now: i64,
}

/// One reported change.
pub(super) struct Reported {
    pub(super) news: News,
    level: Level,
    /// The actions taken, in words.
    done: Vec<String>,
    title: String,
    why: String,
    id: String,
    record: Value,
    now: i64,
}

impl Reporter<'_> {
    /// Sends the news to the sinks, unless it is old or over the hourly limit; the book records what was sent.
    pub(super) fn report(&self, news: &News, book: &mut Book) -> Reported {
        let alert = &self.overlay.alerts()[news.alert];
        let level = alert.level();
        let rules = &self.in_force.rules;
        let mut done = Vec::new();
        let mut held_back = 0;
        if !news.is_old || self.backlog {
            for sink in rules.sinks_of(alert.rule, level) {
                done.extend(self.send(sink, (news, alert), book, &mut held_back));
            }
        }
        if news.event.is_bad() && rules.stops(alert.rule, level) && !news.is_old {
            done.push(if self.is_armed { "stop" } else { "stop (dry)" }.to_owned());
        }
        if held_back > 0 {
            done.push(format!("held back ({held_back} so far)"));
        }
        Reported {
            level,
            title: self.title(alert),
            why: clean(&alert.why(self.store)),
            id: alert.id.get(..8).unwrap_or_default().to_owned(),
            record: self.record(news, alert, book, &done),
            news: news.clone(),
            done,
            now: self.now,
        }
    }

    fn send(
        &self,
        sink: &Sink,
        (news, alert): (&News, &Alert),
        book: &mut Book,
        held_back: &mut u32,
    ) -> Option<String> {
        let notifier = self
            .notifier
            .filter(|_| Notifier::wants(sink.kind, news.event))?;
        let kept = book.alerts.get(&news.key);
        let is_new = news.event == Event::Fire;
        let was_told = !is_new && kept.is_some_and(|it| it.sent.contains_key(&sink.name));
        let mut held = 0;
        if !was_told {
            // A sink that never got the alert does not need its resolution.
            if !news.event.is_bad() {
                return None;
            }
            let fatigue = book.sinks.entry(sink.name.clone()).or_default();
            let Some(before) = fatigue.admit(self.now.div_euclid(1_000_000), sink.per_hour) else {
                *held_back = fatigue.held;
                return None;
            };
            held = before;
        }
        let message = Message {
            held,
            ..self.message(news, alert, book)
        };
        let seconds = self.now.div_euclid(1_000_000);
        match notifier.send(&sink.name, message) {
            Ok(()) => {
                if let Some(kept) = book.alerts.get_mut(&news.key) {
                    kept.sent.insert(sink.name.clone(), (seconds, true));
                }
                Some(sink.name.clone())
            }
            Err(why) => {
                if let Some(kept) = book.alerts.get_mut(&news.key) {
                    kept.sent.insert(sink.name.clone(), (seconds, false));
                }
                Some(why)
            }
        }
    }

    fn title(&self, alert: &Alert) -> String {
        let name = shown::title(&self.in_force.rules, (alert.rule, alert.worst().detector));
        clean(&format!("{name} · {}", alert.about()))
    }

    fn message(&self, news: &News, alert: &Alert, book: &Book) -> Message {
        let store = self.store;
        let run = store.run(alert.run());
        let time = store.row(alert.worst().at).time().get();
        Message {
            event: news.event,
            level: alert.level(),
            key: news.key.clone(),
            rule: clean(&self.in_force.rules.rules[alert.rule].id),
            run: clean(&run.id),
            agent: clean(store.symbols().name(run.who.agent)),
            title: self.title(alert),
            text: clean(&alert.worst().arithmetic()),
            at: human::rfc3339(time.unwrap_or(self.now)),
            held: 0,
            alert: self.record(news, alert, book, &[]),
        }
    }

    /// The alert as JSON, with what happened to it; masked.
    fn record(&self, news: &News, alert: &Alert, book: &Book, done: &[String]) -> Value {
        let document = Document {
            store: self.store,
            rules: &self.in_force.rules,
            path: self.in_force.path.as_deref(),
            sha256: &self.in_force.sha256,
            known: &self.in_force.known,
            report: &self.overlay.report,
            backtests: &[],
        };
        let masked = Masked::document(&alert_json::alert(&document, alert));
        let mut record = masked.into_inner();
        let kept = book.alerts.get(&news.key);
        if let Some(members) = record.as_object_mut() {
            members.insert("event".to_owned(), json!(news.event.word()));
            if news.is_old {
                members.insert("old".to_owned(), json!(true));
            }
            if let Some(kept) = kept {
                let state = kept.machine.shown(self.now.div_euclid(1_000_000));
                members.insert("state".to_owned(), json!(state));
                if let Some(by) = &kept.machine.acked {
                    members.insert("acked_by".to_owned(), json!(by));
                }
            }
            if !done.is_empty() {
                members.insert("done".to_owned(), json!(done));
            }
        }
        record
    }
}

/// Sanitised and masked: it leaves the program.
fn clean(raw: &str) -> String {
    let (masked, _) = redact::masked(raw);
    text::sanitize(&masked).into_owned()
}

impl Reported {
    /// `14:02:07 fire  ✖ trip  loop·repeat · run 7f3a91 · 5 steps … (limit 5) → bell · 0f3a91c2`.
    pub(super) fn print(&self, cx: &mut Cx) -> io::Result<()> {
        if cx.global.jsonl || cx.global.json {
            return cx.out.json(&self.record);
        }
        let (mark, role) = match (self.news.event, self.level) {
            (Event::Resolve, _) => ("✓", Role::Good),
            (Event::Acknowledge, _) | (_, Level::Info) => ("·", Role::Dim),
            (_, Level::Trip) => ("✖", Role::Bad),
            (_, Level::Warn) => ("⚠", Role::Warn),
        };
        let time = human::time_of_day(self.now, &cx.out.style.zone);
        let event = if self.news.is_old {
            format!("({})", self.news.event.word())
        } else {
            self.news.event.word().to_owned()
        };
        let done = if self.done.is_empty() {
            String::new()
        } else {
            format!(" → {}", self.done.join(", "))
        };
        cx.out.pieces(&[
            (Role::Dim, format!("{time} ")),
            (Role::Plain, format!("{event:11} ")),
            (role, format!("{mark} {} ", self.level.word())),
            (Role::Plain, format!("{} · {}{done}", self.title, self.why)),
            (Role::Dim, format!(" · {}", self.id)),
        ])
    }
}
