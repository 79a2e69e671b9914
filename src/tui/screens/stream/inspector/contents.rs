//! What each tab of the inspector says about an action.

use serde_json::Value;

use crate::base::{human, text};
use crate::ingest::body::{ApprovalText, Body, DecisionText};
use crate::ingest::records;
use crate::model::action::{Flags, Kind, Status, Verdict};
use crate::model::outcome::AttachedKind;
use crate::model::quantity::Tokens;
use crate::store::bodies::{self, GLANCE};
use crate::store::row::Row;
use crate::tui::screens::stream::inspector::Tab;
use crate::tui::screens::stream::rows::{self, Numbers, condition};
use crate::tui::widgets::json_lines::{Line, Lines, Tone};

/// The chosen tab where the action has it, else the one that tells how the action came out, else the
/// first that has something to show.
pub(super) fn effective(chosen: Option<Tab>, row: &Row<'_>, body: &Body) -> Tab {
    let has = |tab: &Tab| match tab {
        Tab::Args => body.args.is_some(),
        Tab::Result => body.result.is_some(),
        Tab::Text => body.text.is_some() || body.error.is_some(),
        Tab::Policy => row.attached().len() > 0,
        Tab::Raw => true,
    };
    let failed = |tab: &Tab| *tab == Tab::Result && body.error.is_some();
    let telling = Some(telling(row)).filter(|tab| has(tab) || failed(tab));
    let first = || Tab::ALL.iter().copied().find(&has);
    chosen
        .filter(&has)
        .or(telling)
        .or_else(first)
        .unwrap_or(Tab::Raw)
}

/// The tab that tells the outcome.
fn telling(row: &Row<'_>) -> Tab {
    match (row.kind(), row.status()) {
        (Kind::Malformed, _) => Tab::Raw,
        (Kind::PolicyDecision | Kind::Approval, _)
        | (Kind::ToolCall | Kind::Unknown, Status::Blocked | Status::Denied) => Tab::Policy,
        (
            Kind::Prompt
            | Kind::Response
            | Kind::Reasoning
            | Kind::Note
            | Kind::Error
            | Kind::RunStart
            | Kind::RunEnd,
            _,
        ) => Tab::Text,
        (Kind::ToolCall | Kind::Unknown, Status::Pending) if row.flags().has(Flags::WAITING) => {
            Tab::Policy
        }
        (Kind::ToolCall | Kind::Unknown, Status::Error | Status::Timeout) => Tab::Result,
        (
            Kind::ToolCall | Kind::Unknown,
            Status::Unrecorded | Status::Ok | Status::Pending | Status::Cancelled,
        ) => Tab::Args,
    }
}

pub(super) fn fill((tab, numbers): (Tab, Numbers), row: &Row<'_>, body: &Body, lines: &mut Lines) {
    match tab {
        Tab::Args => match &body.args {
            Some(args) => lines.value(args),
            None => lines.say(Tone::Faint, "no arguments recorded"),
        },
        Tab::Result => result(row, body, lines),
        Tab::Text => text_of(body, lines),
        Tab::Policy => policy(row, body, lines),
        Tab::Raw => raw(row, body, numbers, lines),
    }
}

fn result(row: &Row<'_>, body: &Body, lines: &mut Lines) {
    match (&body.result, row.status()) {
        (Some(result), _) => lines.value(result),
        (None, Status::Blocked | Status::Denied) => {
            lines.say(Tone::Faint, "no result: stopped before it ran");
        }
        (None, Status::Pending) => lines.say(Tone::Faint, "no result yet"),
        (None, _) => lines.say(Tone::Faint, "no result recorded"),
    }
    // Some formats tell the error in the words of the result: they are read once.
    let said = body.result.as_ref().and_then(Value::as_str);
    if body
        .error
        .as_ref()
        .is_none_or(|error| said.map(str::trim) != Some(error.message.trim()))
    {
        error(body, lines);
    }
}

fn text_of(body: &Body, lines: &mut Lines) {
    match (&body.text, &body.error) {
        (Some(content), _) => lines.text(0, Tone::Plain, content),
        (None, None) => lines.say(Tone::Faint, "no text recorded"),
        (None, Some(_)) => {}
    }
    error(body, lines);
    for (name, value) in &body.labels {
        let piece = |tone, content: &str| (tone, text::sanitize(content).into_owned());
        lines.push(vec![
            piece(Tone::Key, name),
            (Tone::Plain, "  ".to_owned()),
            piece(Tone::Plain, value),
        ]);
    }
}

fn error(body: &Body, lines: &mut Lines) {
    let Some(error) = &body.error else { return };
    let kind = error.kind.as_deref().unwrap_or_default();
    lines.say(Tone::Bad, &format!("error {kind}"));
    lines.text(2, Tone::Plain, &error.message);
    if let Some(stack) = &error.stack {
        lines.text(2, Tone::Faint, stack);
    }
}

fn policy(row: &Row<'_>, body: &Body, lines: &mut Lines) {
    let (mut decisions, mut approvals) = (body.decisions.iter(), body.approvals.iter());
    for (attached, sub) in row.attached().zip(rows::attached(row, body)) {
        lines.say(sub.tone, &sub.text);
        match attached.kind {
            AttachedKind::Decision => decisions
                .next()
                .into_iter()
                .for_each(|told| conditions(told, lines)),
            AttachedKind::Approval => approvals
                .next()
                .into_iter()
                .for_each(|told| answer(told, attached.verdict, body.args.as_ref(), lines)),
        }
    }
    if row.attached().len() == 0 {
        lines.say(Tone::Faint, "no policy decision and no approval recorded");
    }
}

fn conditions(told: &DecisionText, lines: &mut Lines) {
    for matched in &told.matched {
        lines.say_in(
            2,
            Tone::Plain,
            &format!("when {} ({})", condition(matched), matched.path),
        );
    }
    for (name, value) in [("mode", &told.mode), ("reason", &told.reason)] {
        if let Some(value) = value {
            lines.say_in(2, Tone::Plain, &format!("{name} {value}"));
        }
    }
}

/// What the person saw. A value that is not the one of the call stands beside it.
fn answer(told: &ApprovalText, verdict: Verdict, asked: Option<&Value>, lines: &mut Lines) {
    let Some(args) = &told.args else { return };
    let asks = matches!(verdict, Verdict::Requested | Verdict::RequireApproval);
    let lead = if asks {
        "shown to the person:"
    } else {
        "decided on:"
    };
    lines.say_in(2, Tone::Faint, lead);
    let (Value::Object(told), Some(Value::Object(asked))) = (args, asked) else {
        lines.value_in(2, args);
        return;
    };
    for (key, value) in told {
        let other = asked.get(key).filter(|other| *other != value);
        let mark = if other.is_some() { "! " } else { "" };
        lines.field(2, (mark, key), value);
        if let Some(other) = other {
            lines.field(3, ("", "the call has"), other);
        }
    }
}

fn raw(row: &Row<'_>, body: &Body, numbers: Numbers, lines: &mut Lines) {
    let mut path = row.source().path.display().to_string();
    if numbers == Numbers::Known {
        path = format!("{path}:{}", row.line());
    }
    let place = row.place();
    let size = human::bytes(u64::from(place.len));
    lines.say(
        Tone::Faint,
        &format!("{path} · byte {} · {size}", human::count(place.offset)),
    );
    if row.kind() == Kind::Malformed {
        let head = bodies::raw(row, place, GLANCE);
        lines.say(Tone::Bad, &records::reason(&head, place));
    }
    if let Some(record) = &body.record {
        lines.value(record);
    } else {
        let head = bodies::raw(row, place, GLANCE);
        lines.text(0, Tone::Plain, &String::from_utf8_lossy(&head));
        if u64::from(place.len) > GLANCE as u64 {
            let rest = u64::from(place.len) - GLANCE as u64;
            lines.say(Tone::Faint, &format!("… {} more", human::bytes(rest)));
        }
    }
}

/// `4103 refund`: the number and the name of the action; its status is drawn beside it.
pub(super) fn title(row: &Row<'_>, numbers: Numbers) -> Line {
    let number = if numbers == Numbers::Known && row.seq() > 0 {
        row.seq().to_string()
    } else {
        "—".to_owned()
    };
    let name = if row.tool().is_empty() {
        row.kind().word()
    } else {
        row.tool()
    };
    vec![
        (Tone::Faint, format!("{number}  ")),
        (Tone::Strong, text::sanitize(name).into_owned()),
    ]
}

/// What is known of time, money, tokens and oddities, in at most three lines.
pub(super) fn facts(row: &Row<'_>) -> Vec<Line> {
    let mut who = Vec::new();
    who.extend(
        [row.agent(), row.model()]
            .iter()
            .filter(|name| !name.is_empty())
            .map(|name| text::sanitize(name).into_owned()),
    );
    who.extend(row.duration().get().map(human::span));
    who.extend(rows::cost(row));
    let usage = row.usage();
    let part = |name: &str, tokens: Tokens| {
        tokens
            .get()
            .map(|count| format!("{name} {}", human::count(count)))
    };
    let tokens = [
        part("in", usage.input),
        part("out", usage.output),
        part("cache read", usage.cache_read),
        part("cache write", usage.cache_write),
    ];
    let tokens: Vec<String> = tokens.into_iter().flatten().collect();
    let spent = if tokens.is_empty() {
        String::new()
    } else {
        format!("tokens {}", tokens.join(" · "))
    };
    let odd: Vec<&str> = ODD
        .iter()
        .filter(|(flag, _)| row.flags().has(*flag))
        .map(|(_, words)| *words)
        .collect();
    let lines = [
        (Tone::Plain, who.join(" · ")),
        (Tone::Faint, spent),
        (Tone::Waiting, odd.join(" · ")),
    ];
    lines
        .into_iter()
        .filter(|(_, words)| !words.is_empty())
        .map(|piece| vec![piece])
        .collect()
}

/// What a reader should know about how the record was read.
const ODD: &[(Flags, &str)] = &[
    (Flags::RETRY, "retry"),
    (Flags::ESTIMATED, "cost estimated"),
    (Flags::BAD_UTF8, "bytes that are not UTF-8"),
    (Flags::LONE_SURROGATE, "half of a surrogate pair"),
    (Flags::TOO_DEEP, "nested too deep: kept raw"),
    (Flags::DUPLICATE_KEY, "a key occurs twice"),
    (Flags::BAD_NUMBER, "a number that cannot be"),
    (Flags::INCOMPLETE, "incomplete last line"),
    (Flags::META, "not typed by the user"),
    (Flags::SECOND_RESULT, "a second result came"),
    (Flags::IMPLIED, "the model call itself was not recorded"),
    (Flags::STRAY_BOM, "a stray byte order mark"),
];
