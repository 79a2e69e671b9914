//! `alert ls`, `ack`, `snooze` and `reset`: the saved states of alerts, and the marks people set on them.

use std::path::PathBuf;

use serde::Serialize;

use crate::act::places::Places;
use crate::act::trip;
use crate::analysis::alerts::alert::in_words;
use crate::analysis::alerts::state::{AlertRecord, Book, Mark, Reading, State};
use crate::base::clock::{Clock, System};
use crate::base::human;
use crate::cli::Cx;
use crate::cli::alert::sources::{self, InForce};
use crate::cli::failure::{Exit, Failure};
use crate::cli::table::{self, Cell, Column};
use crate::query::value::duration;
use crate::state::alerts::AlertStates;

/// List the alerts that a watcher saw: which are firing, since when, and who acknowledged them
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  saferun-tui alert ls                     firing and pending alerts
  saferun-tui alert ls --all --json        resolved ones too

States are saved by `alert watch`; each rules file has its own.")]
pub(super) struct Ls {
    /// The rules file
    #[arg(long, value_name = "FILE")]
    rules: Option<PathBuf>,
    /// Also list resolved alerts
    #[arg(long)]
    all: bool,
}

/// Acknowledge an alert: it is not sent again, unless it gets worse
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  saferun-tui alert ack 0f3a91c2
  saferun-tui alert ack 0f3a91c2 --by lead
  saferun-tui alert ack 0f3a91c2 --undo")]
pub(super) struct Ack {
    /// The id of the alert, or a unique prefix
    #[arg(value_name = "ID")]
    id: String,
    /// Who acknowledges it [default: your user name]
    #[arg(long, value_name = "NAME")]
    by: Option<String>,
    /// Withdraw the acknowledgement
    #[arg(long, conflicts_with = "by")]
    undo: bool,
    /// The rules file
    #[arg(long, value_name = "FILE")]
    rules: Option<PathBuf>,
}

/// Silence an alert for a while, unless it gets worse
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  saferun-tui alert snooze 0f3a91c2 2h
  saferun-tui alert snooze 0f3a91c2 0s         end the snooze")]
pub(super) struct Snooze {
    /// The id of the alert, or a unique prefix
    #[arg(value_name = "ID")]
    id: String,
    /// How long: 30m, 4h, 1d
    #[arg(value_name = "TIME")]
    time: String,
    /// The rules file
    #[arg(long, value_name = "FILE")]
    rules: Option<PathBuf>,
}

/// Let a run that a breaker stopped continue, and forget its alerts
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  saferun-tui alert reset 7f3a91c0             the id of a run, as in the trace")]
pub(super) struct Reset {
    /// The id of the run
    #[arg(value_name = "RUN")]
    run: String,
    /// The rules file
    #[arg(long, value_name = "FILE")]
    rules: Option<PathBuf>,
}

#[derive(Serialize)]
struct KeptJson<'a> {
    id: &'a str,
    key: &'a str,
    rule: &'a str,
    level: &'static str,
    state: &'static str,
    scope: serde_json::Map<String, serde_json::Value>,
    value: &'a str,
    limit: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    since: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    acked_by: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    snoozed_until: Option<String>,
    old: bool,
}

impl Ls {
    pub(super) fn run(self, cx: &mut Cx) -> anyhow::Result<Exit> {
        let states = states(cx, self.rules.as_deref())?;
        let (book, problems) = states.read();
        for problem in problems {
            cx.notes.error(&problem.to_string());
        }
        let is_listed = |kept: &AlertRecord| {
            self.all || matches!(kept.machine.state, State::Firing | State::Pending)
        };
        let listed: Vec<(&String, &AlertRecord)> = book
            .alerts
            .iter()
            .filter(|(_, kept)| is_listed(kept))
            .collect();
        let now = now();
        if cx.global.json {
            let all: Vec<_> = listed
                .iter()
                .map(|(key, kept)| record(key, kept, now))
                .collect();
            cx.out.json(&all)?;
            return Ok(Exit::Done);
        }
        if cx.global.jsonl {
            for (key, kept) in &listed {
                cx.out.json(&record(key, kept, now))?;
            }
            return Ok(Exit::Done);
        }
        if listed.is_empty() {
            let hint = if book.alerts.is_empty() {
                "no alerts saved yet: `saferun-tui alert watch PATH` saves what it sees"
            } else {
                "nothing is firing (--all lists resolved alerts)"
            };
            cx.notes.note(hint);
            return Ok(Exit::Done);
        }
        table(cx, &listed, now)?;
        let held: u32 = book.sinks.values().map(|it| it.held).sum();
        if held > 0 {
            cx.out.line(&format!("{held} more not sent (rate limit)"))?;
        }
        Ok(Exit::Done)
    }
}

fn table(cx: &mut Cx, listed: &[(&String, &AlertRecord)], now: i64) -> anyhow::Result<()> {
    let columns = [
        Column::left("ID", 0),
        Column::left("LEVEL", 0),
        Column::left("RULE", 0),
        Column::left("SCOPE", 1),
        Column::left("NOW", 2),
        Column::left("LIMIT", 3),
        Column::left("SINCE", 1),
        Column::left("STATE", 0),
    ];
    let zone = cx.out.style.zone.clone();
    let style = cx.out.style.clone();
    let cells: Vec<Vec<Cell>> = listed
        .iter()
        .map(|(key, kept)| {
            let cell = |text: &str| Cell::new(style.clean(text));
            let since = kept
                .since
                .map(|since| human::when(since * 1_000_000, now * 1_000_000, &zone));
            let state = match (&kept.machine.acked, kept.machine.snoozed) {
                (_, Some(until)) if kept.machine.is_snoozed(now) => {
                    format!("snoozed {}", human::roughly((until - now) * 1_000_000))
                }
                (Some(by), _) => format!("acked {by}"),
                (None, _) => kept.machine.shown(now).to_owned(),
            };
            vec![
                cell(id(key).get(..8).unwrap_or_default()),
                cell(level(kept)),
                cell(&kept.rule),
                cell(&scope(kept)),
                cell(&kept.value),
                cell(&kept.limit),
                cell(&since.unwrap_or_default()),
                cell(&state),
            ]
        })
        .collect();
    table::write(&mut cx.out, &columns, &cells)?;
    Ok(())
}

fn id(key: &str) -> &str {
    key.rsplit('/').next().unwrap_or_default()
}

fn level(kept: &AlertRecord) -> &'static str {
    match kept.machine.level {
        Some(Reading::Trip) => "trip",
        Some(Reading::Over | Reading::Between | Reading::Clear) => "warn",
        None => "",
    }
}

fn scope(kept: &AlertRecord) -> String {
    let scope = kept.scope.iter();
    in_words(scope.map(|(by, value)| (by.as_str(), value.as_str())))
}

fn record<'a>(key: &'a str, kept: &'a AlertRecord, now: i64) -> KeptJson<'a> {
    let time = |seconds: i64| human::rfc3339(seconds * 1_000_000);
    let scope = kept.scope.iter();
    KeptJson {
        id: id(key),
        key,
        rule: &kept.rule,
        level: level(kept),
        state: kept.machine.shown(now),
        scope: scope
            .map(|(by, value)| (by.clone(), value.clone().into()))
            .collect(),
        value: &kept.value,
        limit: &kept.limit,
        since: kept.since.map(time),
        acked_by: kept.machine.acked.as_deref(),
        snoozed_until: kept
            .machine
            .snoozed
            .filter(|_| kept.machine.is_snoozed(now))
            .map(time),
        old: kept.is_old,
    }
}

fn now() -> i64 {
    System.now().div_euclid(1_000_000)
}

fn states(cx: &Cx, rules: Option<&std::path::Path>) -> Result<AlertStates, Failure> {
    let in_force = InForce::read(cx, rules)?;
    let none = || Failure::Usage("no alert states: the settings have state = false".to_owned());
    sources::states(cx, &in_force).ok_or_else(none)
}

/// Sets a mark on the one alert whose id begins with `wanted`, and returns that alert.
fn mark(
    cx: &mut Cx,
    states: &AlertStates,
    wanted: &str,
    mark: &Mark,
) -> anyhow::Result<AlertRecord> {
    let marked = states.update(|book| {
        let keys = book.with_id(wanted);
        match keys.as_slice() {
            [key] => {
                book.mark(key, mark);
                Ok(book.alerts.get(key).cloned().unwrap_or_default())
            }
            [] => Err(unknown(book, wanted)),
            several => Err(format!("{} alerts begin with {wanted}", several.len())),
        }
    });
    let (marked, problems) = marked?;
    for problem in problems {
        cx.notes.error(&problem.to_string());
    }
    Ok(marked.map_err(Failure::Usage)?)
}

fn unknown(book: &Book, wanted: &str) -> String {
    let known: Vec<&str> = book
        .alerts
        .iter()
        .filter(|(_, kept)| kept.machine.state == State::Firing)
        .filter_map(|(key, _)| id(key).get(..8))
        .collect();
    if known.is_empty() {
        return format!("no alert {wanted}: no watcher has reported a firing alert");
    }
    format!("no alert {wanted} (firing: {})", known.join(", "))
}

impl Ack {
    pub(super) fn run(self, cx: &mut Cx) -> anyhow::Result<Exit> {
        let states = states(cx, self.rules.as_deref())?;
        let name = || std::env::var("USER").ok().filter(|name| !name.is_empty());
        let by = match (self.undo, self.by) {
            (true, _) => None,
            (false, Some(by)) => Some(by),
            (false, None) => Some(name().unwrap_or_else(|| "unknown".to_owned())),
        };
        let kept = mark(cx, &states, &self.id, &Mark::Ack(by.clone()))?;
        let what = by.map_or_else(
            || "not acknowledged".to_owned(),
            |by| format!("acknowledged by {by}"),
        );
        say(cx, &kept, &what)
    }
}

impl Snooze {
    pub(super) fn run(self, cx: &mut Cx) -> anyhow::Result<Exit> {
        let states = states(cx, self.rules.as_deref())?;
        let wrong = |_| Failure::Usage(format!("'{}' is not a time, such as 30m or 4h", self.time));
        let lasts = duration(&self.time).map_err(wrong)? / 1e6;
        let until = now() + lasts as i64;
        let kept = mark(cx, &states, &self.id, &Mark::Snooze(until))?;
        say(cx, &kept, &format!("snoozed for {}", self.time))
    }
}

fn say(cx: &mut Cx, kept: &AlertRecord, what: &str) -> anyhow::Result<Exit> {
    let line = cx
        .out
        .style
        .clean(&format!("{} · {}: {what}", kept.rule, scope(kept)));
    cx.out.line(&line)?;
    Ok(Exit::Done)
}

impl Reset {
    pub(super) fn run(self, cx: &mut Cx) -> anyhow::Result<Exit> {
        let places = Places::of_environment();
        let places = places.ok_or_else(|| Failure::Usage("no home folder".to_owned()))?;
        let was_stopped = trip::reset(&places, &self.run)?;
        let states = states(cx, self.rules.as_deref())?;
        let forgotten = states.update(|book| {
            let keys = book.of_run(&self.run);
            for key in &keys {
                book.mark(key, &Mark::Reset);
            }
            keys.len()
        });
        let (forgotten, _) = forgotten?;
        let run = cx.out.style.clean(&self.run);
        let stopped = if was_stopped {
            "may continue"
        } else {
            "was not stopped"
        };
        let count = human::counted(forgotten as u64, "alert");
        cx.out
            .line(&format!("run {run} {stopped} · {count} forgotten"))?;
        Ok(if was_stopped || forgotten > 0 {
            Exit::Done
        } else {
            Exit::NoMatch
        })
    }
}
