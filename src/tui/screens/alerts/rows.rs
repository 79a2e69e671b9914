//! The rows of the list: alerts, pending streaks, and baselines still being learned. Names from the trace become text
//! here, so all of them are sanitised.

use std::cmp::Reverse;

use crate::analysis::alerts::alert::{Alert, about};
use crate::analysis::alerts::detector::{Detector, Level};
use crate::analysis::alerts::engine::Standing;
use crate::analysis::alerts::history::{Learning, Scope};
use crate::analysis::alerts::rules::By as Named;
use crate::analysis::alerts::shown;
use crate::analysis::alerts::sift::Listed;
use crate::analysis::alerts::state::{AlertRecord, State};
use crate::base::{human, order, text};
use crate::model::quantity::Time;
use crate::model::run::RunIx;
use crate::store::Store;
use crate::tui::alerting::Evaluation;
use crate::tui::screens::alerts::sorting::{By, Order};
use crate::tui::session::Session;

/// What a row is about.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Item {
    /// By its place among the alerts.
    Alert(usize),
    Pending(Standing),
    /// By its place among the baselines being learned.
    Learning(usize),
}

/// The severity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Mark {
    #[default]
    Info,
    Warn,
    Trip,
    Pending,
    Learning,
}

/// The texts of a row.
#[derive(Debug, Clone, Default)]
pub(super) struct RowText {
    pub(super) mark: Mark,
    pub(super) rule: String,
    pub(super) scope: String,
    pub(super) value: String,
    pub(super) limit: String,
    pub(super) since: String,
    pub(super) times: String,
    pub(super) state: String,
    pub(super) action: String,
    /// Needs no attention.
    pub(super) is_quiet: bool,
    pub(super) is_selected: bool,
}

/// The rows in the given order.
pub(super) fn items(seen: &Evaluation, session: &Session, order: Order) -> Vec<Item> {
    let mut items = all(seen, session);
    let by_word = |items: Vec<Item>, word: fn(RowText) -> String| {
        sorted(items, order.falling, |item| {
            Some(word(row(item, seen, session))).filter(|word| !word.is_empty())
        })
    };
    match order.by {
        By::Severity => {
            if !order.falling {
                items.reverse();
            }
            items
        }
        By::Since => sorted(items, order.falling, |item| {
            since(item, seen, session).get()
        }),
        By::Times => sorted(items, order.falling, |item| match item {
            Item::Alert(at) => Some(seen.alerts()[*at].times()),
            Item::Pending(_) | Item::Learning(_) => None,
        }),
        By::Rule => by_word(items, |row| row.rule),
        By::Scope => by_word(items, |row| row.scope),
        By::State => by_word(items, |row| row.state),
    }
}

fn sorted<K: PartialOrd>(
    items: Vec<Item>,
    falling: bool,
    key: impl Fn(&Item) -> Option<K>,
) -> Vec<Item> {
    let mut keyed: Vec<(Option<K>, Item)> =
        items.into_iter().map(|item| (key(&item), item)).collect();
    keyed.sort_by(|(a, _), (b, _)| order::compare(a.as_ref(), b.as_ref(), falling));
    keyed.into_iter().map(|(_, item)| item).collect()
}

/// When it first fired.
fn since(item: &Item, seen: &Evaluation, session: &Session) -> Time {
    match item {
        Item::Alert(at) => {
            let first = seen.alerts()[*at].hits[0].at;
            session.loaded.store.row(first).time()
        }
        Item::Pending(_) | Item::Learning(_) => Time::NONE,
    }
}

/// The name of its rule, with the detector where that says more.
pub(super) fn rule(item: &Item, seen: &Evaluation) -> String {
    let raw = match item {
        Item::Alert(at) => {
            let alert = &seen.alerts()[*at];
            shown::title(seen.rules(), (alert.rule, alert.worst().detector))
        }
        Item::Pending(it) => shown::title(seen.rules(), (it.rule, it.detector)),
        Item::Learning(at) => {
            let rule = seen.overlay.report.learning[*at].rule;
            seen.rules().rules[rule].id.clone()
        }
    };
    clean(&raw)
}

/// The same for the same row of later findings.
pub(super) fn name(item: &Item, seen: &Evaluation) -> String {
    let rule = |at: usize| seen.rules().rules[at].id.as_str();
    match item {
        Item::Alert(at) => seen.key(&seen.alerts()[*at]),
        Item::Pending(it) => format!("pending/{}/{}/{}", rule(it.rule), it.run.0, it.lane.0),
        Item::Learning(at) => {
            let it = &seen.overlay.report.learning[*at];
            format!("learning/{}/{}", rule(it.rule), about(&it.scope))
        }
    }
}

/// The row as a filter sees it.
pub(super) fn listed(item: &Item, seen: &Evaluation, session: &Session) -> Listed {
    let shown = row(item, seen, session);
    let (rule, about, evidence) = match item {
        Item::Alert(at) => {
            let alert = &seen.alerts()[*at];
            let about = format!("{} {}", alert.about(), alert.worst().arithmetic());
            (alert.rule, about, alert.evidence())
        }
        Item::Pending(it) => (it.rule, String::new(), it.at.into_iter().collect()),
        Item::Learning(at) => {
            let it = &seen.overlay.report.learning[*at];
            (it.rule, about(&it.scope), Vec::new())
        }
    };
    let shown = [
        shown.rule,
        shown.scope,
        shown.value,
        shown.limit,
        shown.since,
        shown.times,
        shown.state,
        shown.action,
        about,
    ];
    Listed {
        rule: seen.rules().rules[rule].id.clone(),
        words: shown.join(" "),
        evidence,
        has_fired: matches!(item, Item::Alert(_)),
    }
}

/// Firing before resolved, then the most severe, then the newest; then what is pending, and what is learned.
fn all(seen: &Evaluation, session: &Session) -> Vec<Item> {
    let store = &session.loaded.store;
    let mut alerts: Vec<usize> = (0..seen.alerts().len()).collect();
    alerts.sort_by_key(|at| {
        let alert = &seen.alerts()[*at];
        let kept = seen.kept(alert);
        let is_firing = kept.is_some_and(|kept| kept.machine.state == State::Firing);
        let when = store.row(alert.worst().at).time();
        (!is_firing, Reverse((alert.level(), when)), *at)
    });
    let is_going = |run: RunIx| session.trace.live && session.life(run).is_at_work();
    let pending = shown::pending(&seen.overlay, &is_going);
    let learning = 0..seen.overlay.report.learning.len();
    let alerts = alerts.into_iter().map(Item::Alert);
    alerts
        .chain(pending.into_iter().map(Item::Pending))
        .chain(learning.map(Item::Learning))
        .collect()
}

pub(super) fn row(item: &Item, seen: &Evaluation, session: &Session) -> RowText {
    let text = match item {
        Item::Alert(at) => alert(&seen.alerts()[*at], seen, session),
        Item::Pending(standing) => pending(standing, session),
        Item::Learning(at) => learning(&seen.overlay.report.learning[*at], session),
    };
    RowText {
        rule: rule(item, seen),
        ..text
    }
}

fn alert(alert: &Alert, seen: &Evaluation, session: &Session) -> RowText {
    let (store, hit) = (&session.loaded.store, alert.worst());
    let now = session.clock.now().div_euclid(1_000_000);
    let kept = seen.kept(alert);
    let time = store.row(alert.hits[0].at).time().get();
    let since = time.map(|time| human::since(time, session.clock.now(), &session.zone));
    RowText {
        mark: match alert.level() {
            Level::Info => Mark::Info,
            Level::Warn => Mark::Warn,
            Level::Trip => Mark::Trip,
        },
        rule: String::new(),
        scope: scope(&alert.scope, store, alert.run()),
        value: shown::value(hit),
        limit: shown::limit(hit),
        since: since.unwrap_or_default(),
        times: alert.times().to_string(),
        state: kept.map_or_else(|| "firing".to_owned(), |kept| state(kept, now)),
        action: kept.map_or_else(String::new, |kept| action(alert, kept, seen, session)),
        is_quiet: kept.is_some_and(|kept| {
            let machine = &kept.machine;
            machine.acked.is_some() || machine.is_snoozed(now) || machine.state != State::Firing
        }),
        is_selected: false,
    }
}

/// `FIRING`, `acked lead`, `snoozed 2h`.
fn state(kept: &AlertRecord, now: i64) -> String {
    let machine = &kept.machine;
    if let Some(until) = machine.snoozed.filter(|_| machine.is_snoozed(now)) {
        return format!("snoozed {}", human::roughly((until - now) * 1_000_000));
    }
    match (&machine.acked, machine.shown(now)) {
        (Some(by), _) => clean(&format!("ack {by}")).trim_end().to_owned(),
        (None, "firing") => "FIRING".to_owned(),
        (None, word) => word.to_owned(),
    }
}

/// What was done about it: `slack ✓ 14:01`, `stop (dry)`.
fn action(alert: &Alert, kept: &AlertRecord, seen: &Evaluation, session: &Session) -> String {
    let (rules, level) = (seen.rules(), alert.level());
    let mut words = Vec::new();
    if rules.stops(alert.rule, level) {
        let armed = if seen.in_force.is_armed() {
            ""
        } else {
            " (dry)"
        };
        words.push(format!("stop{armed}"));
    }
    words.extend(kept.sent.iter().map(|(sink, (at, arrived))| {
        let time = human::since(at * 1_000_000, session.clock.now(), &session.zone);
        let mark = if *arrived { "✓" } else { "✗" };
        format!("{sink} {mark} {time}")
    }));
    if words.is_empty() && rules.notifies(alert.rule, level) && kept.machine.state == State::Firing
    {
        words.push(if seen.is_watched { "old" } else { "no watcher" }.to_owned());
    }
    clean(&words.join(" · "))
}

fn pending(it: &Standing, session: &Session) -> RowText {
    let store = &session.loaded.store;
    let lane = store.symbols().name(it.lane).to_owned();
    let lane: Scope = vec![
        (Named::Run, store.run(it.run).id.clone()),
        (Named::Lane, lane.into()),
    ];
    let word = if matches!(it.detector, Detector::StoppedAgain | Detector::Echo) {
        "time"
    } else {
        "step"
    };
    RowText {
        mark: Mark::Pending,
        scope: scope(&lane, store, it.run),
        value: format!("×{}", it.count),
        limit: human::counted(it.limits.warn.into(), word),
        state: "pending".to_owned(),
        is_quiet: true,
        ..RowText::default()
    }
}

fn learning(it: &Learning, session: &Session) -> RowText {
    RowText {
        mark: Mark::Learning,
        scope: scope(&it.scope, &session.loaded.store, RunIx(0)),
        value: "learning".to_owned(),
        limit: format!("{} of {}", it.have, human::counted(it.need as u64, "run")),
        state: "learning".to_owned(),
        is_quiet: true,
        ..RowText::default()
    }
}

/// The width of a run id, in cells: the agent beside it is to be read too.
const RUN: usize = 11;

/// `run 7f3a91 support`; without names, all runs.
fn scope(of: &Scope, store: &Store, run: RunIx) -> String {
    let named = of.iter().filter(|(_, value)| !value.is_empty());
    let words: Vec<String> = named
        .map(|(by, value)| match by {
            Named::Run => format!("run {}", text::cut_middle(&clean(&store.run(run).id), RUN)),
            Named::Lane
            | Named::Agent
            | Named::Tool
            | Named::Model
            | Named::User
            | Named::Service
            | Named::Task => value.to_string(),
        })
        .collect();
    if words.is_empty() {
        return about(of);
    }
    let join = if of.first().is_some_and(|(by, _)| *by == Named::Run) {
        " "
    } else {
        " · "
    };
    clean(&words.join(join))
}

pub(super) fn clean(raw: &str) -> String {
    text::sanitize(raw).into_owned()
}

/// `2 firing · 1 acked · 1 learning`.
pub(super) fn counts(seen: &Evaluation, session: &Session) -> String {
    let now = session.clock.now().div_euclid(1_000_000);
    let mut parts = Vec::new();
    for word in ["firing", "acked", "snoozed", "pending", "resolved"] {
        let is_so = |alert: &&Alert| {
            seen.kept(alert)
                .is_some_and(|it| it.machine.shown(now) == word)
        };
        let count = seen.alerts().iter().filter(is_so).count();
        if count > 0 {
            parts.push(format!("{count} {word}"));
        }
    }
    let learning = seen.overlay.report.learning.len();
    if learning > 0 {
        parts.push(format!("{learning} learning"));
    }
    let held: u32 = seen.book.sinks.values().map(|sink| sink.held).sum();
    if held > 0 {
        parts.push(format!("{held} held back"));
    }
    if seen.alerts().is_empty() {
        parts.insert(0, "no alerts".to_owned());
    }
    parts.join(" · ")
}
