//! One action in the words of a row. Here trace content becomes text for the screen: every string is sanitised.

use jiff::tz::TimeZone;

use serde_json::Value;

use crate::analysis::summary;
use crate::base::{human, text};
use crate::ingest::body::{ApprovalText, Body, DecisionText, Matched};
use crate::model::action::{Flags, Kind, Status, Verdict};
use crate::model::outcome::{Attached, AttachedKind};
use crate::store::bodies::{Bodies, Depth};
use crate::store::row::Row;
use crate::tui::widgets::tone::Tone;

/// A row and the rows below it that belong to the same action.
#[derive(Debug, Clone)]
pub struct RowText {
    pub number: Option<u32>,
    pub time: String,
    pub turn: Option<u32>,
    pub agent: String,
    pub is_lane: bool,
    pub kind: Kind,
    pub text: String,
    pub is_retry: bool,
    /// Copied from another session.
    pub is_copied: bool,
    pub status: Status,
    pub is_waiting: bool,
    pub figures: Figures,
    pub below: Vec<SubRow>,
}

/// What an action took and cost, in words; `None` where that is not recorded.
#[derive(Debug, Clone, Default)]
pub struct Figures {
    pub latency: Option<String>,
    pub cost: Option<String>,
    /// The cost in few cells.
    pub cents: Option<String>,
}

/// A policy decision, an approval or an error, shown below the action.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubRow {
    pub tone: Tone,
    pub text: String,
}

/// Whether numbers are known: at the end of a file that is not read yet they are not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Numbers {
    Known,
    NotYet,
}

/// Rows of the screen that an action takes, by its columns alone.
pub fn height(row: &Row<'_>) -> usize {
    1 + row.attached().len() + usize::from(shows_error(row))
}

fn shows_error(row: &Row<'_>) -> bool {
    match row.kind() {
        Kind::Error | Kind::Malformed => false,
        Kind::ToolCall if matches!(row.status(), Status::Error | Status::Timeout) => true,
        _ => row.flags().has(Flags::HAS_ERROR),
    }
}

pub fn build(row: &Row<'_>, bodies: &mut Bodies, zone: &TimeZone, numbers: Numbers) -> RowText {
    let body = bodies.open(row, Depth::Glance);
    let known = numbers == Numbers::Known;
    RowText {
        number: known.then(|| row.seq()).filter(|seq| *seq > 0),
        time: row
            .time()
            .get()
            .map(|us| human::time_of_day(us, zone))
            .unwrap_or_default(),
        turn: (known && row.turn() > 0).then(|| row.turn()),
        agent: text::sanitize(row.agent()).into_owned(),
        is_lane: is_lane(row),
        kind: row.kind(),
        text: if known || row.kind() != Kind::Malformed {
            summary(row, &body)
        } else {
            let place = row.place();
            format!("malformed line ({} bytes at {})", place.len, place.offset)
        },
        is_retry: row.flags().has(Flags::RETRY),
        is_copied: row.flags().has(Flags::COPIED),
        status: row.status(),
        is_waiting: row.flags().has(Flags::WAITING),
        figures: Figures::of(row),
        below: below(row, &body),
    }
}

impl Figures {
    pub fn of(row: &Row<'_>) -> Figures {
        Figures {
            latency: row.duration().get().map(human::span),
            cost: cost(row, human::usd),
            cents: cost(row, human::cents),
        }
    }
}

/// The cost, with `≈` where it is an estimate.
pub fn cost(row: &Row<'_>, words: fn(f64) -> String) -> Option<String> {
    let usd = words(row.cost().usd()?);
    Some(if row.flags().has(Flags::ESTIMATED) {
        format!("≈{usd}")
    } else {
        usd
    })
}

fn is_lane(row: &Row<'_>) -> bool {
    let symbols = row.store.symbols();
    !row.agent().is_empty()
        && row
            .run()
            .lanes
            .iter()
            .any(|lane| symbols.name(lane.agent) == row.agent())
}

/// What happened, in one line: the tool, what the call was about, and its outcome.
pub fn summary(row: &Row<'_>, body: &Body) -> String {
    let line = summary::line(row, body);
    text::sanitize(&named(row.tool(), line)).into_owned()
}

/// The words of a call behind the name of its tool, unless they begin with it: `curl -X POST`.
fn named(tool: &str, line: String) -> String {
    let first = line.split([' ', '\u{a0}']).next().unwrap_or_default();
    if tool.is_empty() || first == tool {
        line
    } else {
        format!("{tool} {line}")
    }
}

/// Policy decisions and approvals, in the order recorded.
pub fn attached(row: &Row<'_>, body: &Body) -> Vec<SubRow> {
    let (mut decisions, mut approvals) = (body.decisions.iter(), body.approvals.iter());
    let one = |attached: &Attached| match attached.kind {
        AttachedKind::Decision => decision(row, attached, decisions.next()),
        AttachedKind::Approval => approval(row, attached, approvals.next(), body.args.as_ref()),
    };
    row.attached().map(one).collect()
}

fn below(row: &Row<'_>, body: &Body) -> Vec<SubRow> {
    let mut below = attached(row, body);
    if shows_error(row) {
        let words = match (&body.error, &body.result) {
            (Some(error), _) => {
                let kind = error.kind.as_deref().filter(|kind| !kind.is_empty());
                let kind = kind.map(|kind| format!("{kind}: ")).unwrap_or_default();
                as_error(&format!("{kind}{}", error_line(&error.message)))
            }
            (None, Some(Value::String(content))) if !error_line(content).is_empty() => {
                as_error(error_line(content))
            }
            (None, _) => "error (open the action to read it)".to_owned(),
        };
        below.push(SubRow {
            tone: Tone::Bad,
            text: text::sanitize(&words).into_owned(),
        });
    }
    below
}

fn as_error(words: &str) -> String {
    let head = words.get(..5).unwrap_or_default();
    if head.eq_ignore_ascii_case("error") {
        words.to_owned()
    } else {
        format!("error {words}")
    }
}

/// How many lines of an error are searched.
const LOOK_FOR_CALL: usize = 100;

/// The line of an error that says what went wrong: the first that calls itself one, else the first that is
/// no exit code and no mark.
fn error_line(message: &str) -> &str {
    const CALLS: &[&str] = &["error:", "error[", "fatal:", "panicked at", "exception:"];
    const MARKS: &[&str] = &[
        "<tool_use_error>",
        "</tool_use_error>",
        "<error>",
        "</error>",
    ];
    let bare = |line: &'_ str| {
        !line.is_empty()
            && !line.eq_ignore_ascii_case("error:")
            && !line.to_ascii_lowercase().starts_with("exit code")
    };
    let unmarked = |line| {
        MARKS.iter().fold(str::trim(line), |line, mark| {
            let line = line.strip_prefix(mark).unwrap_or(line);
            line.strip_suffix(mark).unwrap_or(line).trim()
        })
    };
    let is_called = |line: &&str| {
        let line = line.to_ascii_lowercase();
        CALLS.iter().any(|call| line.contains(call))
    };
    let lines = || message.lines().map(unmarked).filter(|line| bare(line));
    let found = lines()
        .take(LOOK_FOR_CALL)
        .find(is_called)
        .or_else(|| lines().next());
    found.unwrap_or(message).trim()
}

fn decision(row: &Row<'_>, attached: &Attached, recorded: Option<&DecisionText>) -> SubRow {
    let symbols = row.store.symbols();
    let recorded = recorded.cloned().unwrap_or_default();
    let named =
        |sym, recorded: Option<String>| recorded.unwrap_or_else(|| symbols.name(sym).to_owned());
    let mut words = vec![
        "policy".to_owned(),
        named(attached.policy, recorded.policy),
        named(attached.rule, recorded.rule),
    ];
    words.push(verdict_word(attached.verdict).to_owned());
    if attached.shadow {
        words.push("(shadow: reported only)".to_owned());
    }
    let conditions: Vec<String> = recorded.matched.iter().map(condition).collect();
    if let (false, Some(verdict)) = (conditions.is_empty(), words.last_mut()) {
        verdict.push(':');
    }
    words.push(conditions.join(" and "));
    words.extend(recorded.reason.map(|reason| format!("\"{reason}\"")));
    words.retain(|word| !word.is_empty());
    SubRow {
        tone: verdict_tone(attached.verdict),
        text: text::sanitize(&words.join(" ")).into_owned(),
    }
}

/// `amount 4200 > 500`: the value that was met, and the condition.
pub fn condition(matched: &Matched) -> String {
    let value = |value: &Option<serde_json::Value>| {
        value.as_ref().map(ToString::to_string).unwrap_or_default()
    };
    let path = matched.path.rsplit('.').next().unwrap_or_default();
    let words = [
        path.to_owned(),
        value(&matched.actual),
        matched.op.clone(),
        value(&matched.value),
    ];
    words
        .into_iter()
        .filter(|word| !word.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}

fn approval(
    row: &Row<'_>,
    attached: &Attached,
    recorded: Option<&ApprovalText>,
    asked: Option<&Value>,
) -> SubRow {
    let recorded = recorded.cloned().unwrap_or_default();
    let is_changed = recorded
        .differences(asked)
        .is_some_and(|all| !all.is_empty());
    let by = recorded
        .by
        .unwrap_or_else(|| row.store.symbols().name(attached.by).to_owned());
    let verdict = verdict_word(attached.verdict);
    let mut words = vec![match (attached.verdict, by.as_str()) {
        (Verdict::Requested | Verdict::RequireApproval, "") => "asked for approval".to_owned(),
        (Verdict::Requested | Verdict::RequireApproval, by) => format!("asked {by} for approval"),
        (Verdict::Approved | Verdict::Denied, "") => verdict.to_owned(),
        (Verdict::Approved | Verdict::Denied, by) => format!("{verdict} by {by}"),
        (_, "") => format!("approval {verdict}"),
        (_, by) => format!("approval {verdict} by {by}"),
    }];
    if let Some(wait) = attached.wait.get() {
        words.push(format!("after {}", human::span(wait)));
    } else if attached.verdict == Verdict::Requested && row.flags().has(Flags::WAITING) {
        words.push("· not answered".to_owned());
    }
    words.extend(recorded.reason.map(|reason| format!("\"{reason}\"")));
    if is_changed {
        words.push("· with changed arguments".to_owned());
    }
    words.retain(|word| !word.is_empty());
    SubRow {
        tone: verdict_tone(attached.verdict),
        text: text::sanitize(&words.join(" ")).into_owned(),
    }
}

/// The verdict, prominently; says so if none was recorded.
pub fn verdict_word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Unrecorded => "(verdict not recorded)",
        Verdict::Allow => "allow",
        Verdict::Block => "BLOCK",
        Verdict::RequireApproval => "needs approval",
        Verdict::Redact => "redact",
        Verdict::Warn => "warn",
        Verdict::Requested => "asked",
        Verdict::Approved => "approved",
        Verdict::Denied => "DENIED",
        Verdict::Expired => "expired",
    }
}

pub fn verdict_tone(verdict: Verdict) -> Tone {
    match verdict {
        Verdict::Allow | Verdict::Approved => Tone::Good,
        Verdict::Block | Verdict::Denied | Verdict::Expired => Tone::Bad,
        Verdict::RequireApproval | Verdict::Redact | Verdict::Warn | Verdict::Requested => {
            Tone::Waiting
        }
        Verdict::Unrecorded => Tone::Faint,
    }
}
