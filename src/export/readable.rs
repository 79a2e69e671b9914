//! One action as readable text: request, result, decisions. Every line is sanitised.

use jiff::tz::TimeZone;
use serde_json::Value;

use crate::analysis::changes;
use crate::analysis::edits::{self, Edit};
use crate::analysis::summary;
use crate::base::{human, text};
use crate::export::json::action::REASON_HEAD;
use crate::export::words::{self, Role};
use crate::ingest::body::{ApprovalText, Body, DecisionText, Matched};
use crate::ingest::records;
use crate::model::action::{Flags, Kind};
use crate::model::outcome::{Attached, AttachedKind};
use crate::store::bodies::{self, Depth};
use crate::store::row::Row;

/// Lines of each text that the view of a turn shows.
const BRIEF: usize = 20;

/// How many lines of each text to show.
#[derive(Debug, Clone, Copy)]
struct Limit(usize);

/// A line in pieces, each with the role that colours it.
pub type Line = Vec<(Role, String)>;

#[derive(Debug, Default)]
struct Page {
    lines: Vec<Line>,
}

impl Page {
    fn line(&mut self, clean: &str) {
        self.painted(Role::Plain, clean);
    }

    fn painted(&mut self, role: Role, clean: &str) {
        self.lines.push(vec![(role, clean.to_owned())]);
    }
}

fn clean(raw: &str) -> String {
    text::sanitize(raw).into_owned()
}

/// Everything about an action.
pub fn full(row: &Row<'_>, zone: &TimeZone) -> Vec<Line> {
    let body = bodies::open(row, Depth::Full);
    let mut page = Page::default();
    head(&mut page, row, zone);
    facts(&mut page, row, &body);
    contents(&mut page, row, &body, Limit(usize::MAX));
    page.lines
}

/// The action without its metadata; long texts are cut, and the omitted lines are counted.
pub fn brief(row: &Row<'_>, zone: &TimeZone) -> Vec<Line> {
    let body = bodies::open(row, Depth::Full);
    let mut page = Page::default();
    head(&mut page, row, zone);
    contents(&mut page, row, &body, Limit(BRIEF));
    page.lines
}

/// Like [`brief`], for an opened action and a limit of `most` lines per text.
pub fn opened(row: &Row<'_>, body: &Body, most: usize, zone: &TimeZone) -> Vec<Line> {
    let mut page = Page::default();
    head(&mut page, row, zone);
    contents(&mut page, row, body, Limit(most));
    page.lines
}

/// Records are opened up to this size for [`text()`]: the program that shows the text must hold it too.
const MOST: u32 = 16 << 20;

/// Everything about an action as plain text. Only the head of very large records is included.
pub fn text(row: &Row<'_>, zone: &TimeZone) -> String {
    let body = bodies::open(row, Depth::UpTo(MOST));
    let mut page = Page::default();
    head(&mut page, row, zone);
    facts(&mut page, row, &body);
    contents(&mut page, row, &body, Limit(usize::MAX));
    let places = [row.place(), row.result_place()];
    let rest: u64 = places
        .iter()
        .map(|place| u64::from(place.len.saturating_sub(MOST)))
        .sum();
    if rest > 0 {
        page.line(&format!("  … {} more are left out", human::bytes(rest)));
    }
    let mut text = String::new();
    for line in page.lines {
        text.extend(line.into_iter().map(|(_, piece)| piece));
        text.push('\n');
    }
    text
}

fn head(page: &mut Page, row: &Row<'_>, zone: &TimeZone) {
    let (status, role) = words::status(row.status());
    let mut parts = vec![
        format!("#{}", words::seq(row.seq())),
        words::time_of_day(row.time(), zone),
        row.kind().word().to_owned(),
    ];
    parts.extend(
        [row.tool(), row.model(), row.agent()]
            .iter()
            .filter(|it| !it.is_empty())
            .map(|it| clean(it)),
    );
    let spent = [words::span(row.duration()), words::row_cost(row)];
    let spent = spent
        .into_iter()
        .filter(|it| it != words::NOTHING)
        .map(|it| format!(" · {it}"));
    page.lines.push(vec![
        (Role::Head, parts.join(" ")),
        (Role::Plain, " · ".to_owned()),
        (role, status.to_owned()),
        (Role::Plain, spent.collect()),
    ]);
}

fn facts(page: &mut Page, row: &Row<'_>, body: &Body) {
    let place = row.place();
    let spot = row.spot();
    let path = spot.path.to_string_lossy();
    let estimated = if row.flags().has(Flags::ESTIMATED) {
        " (estimated from tokens)"
    } else {
        ""
    };
    let turn = (row.turn() > 0).then(|| row.turn().to_string());
    let result = row.result_place();
    let at = |offset: u64, len: u32| format!("{} bytes at {offset}", human::count(len.into()));
    let labels = body
        .labels
        .iter()
        .map(|(key, value)| format!("{key}={value}"));
    let known = [
        ("run", Some(row.run().id.to_string())),
        ("turn", turn),
        ("user", Some(row.user().to_owned())),
        ("id", body.id.clone()),
        ("caused by", body.parent_id.clone()),
        ("tokens", words::usage(&row.usage())),
        (
            "cost",
            row.cost()
                .is_some()
                .then(|| format!("{}{estimated}", words::row_cost(row))),
        ),
        ("labels", Some(labels.collect::<Vec<_>>().join(" "))),
        ("flags", Some(flags(row.flags()).join(", "))),
        (
            "line",
            Some(format!(
                "{path}:{} ({})",
                spot.line,
                at(spot.offset, place.len)
            )),
        ),
        (
            "result",
            result.is_some().then(|| at(result.offset, result.len)),
        ),
    ];
    for (name, value) in known {
        let Some(value) = value.filter(|value| !value.is_empty()) else {
            continue;
        };
        let value = clean(&value);
        page.line(&format!("  {name:<10}{value}"));
    }
}

/// The oddities of a record, in words.
fn flags(flags: Flags) -> Vec<&'static str> {
    let words = [
        (Flags::RETRY, "retry of the previous call"),
        (Flags::BAD_UTF8, "bytes that are not UTF-8"),
        (Flags::LONE_SURROGATE, "half of a surrogate pair"),
        (Flags::TOO_DEEP, "nested too deep, kept raw"),
        (Flags::DUPLICATE_KEY, "a key occurs twice, the last counts"),
        (Flags::BAD_NUMBER, "an invalid number, ignored"),
        (Flags::INCOMPLETE, "incomplete last line"),
        (Flags::META, "injected by the harness"),
        (Flags::SECOND_RESULT, "a second result arrived"),
        (Flags::IMPLIED, "the model call itself was not recorded"),
        (Flags::WAITING, "waiting for approval"),
        (Flags::INFERRED, "status inferred from words"),
        (Flags::COPIED, "copied from another session"),
        (Flags::UNGUARDED, "ran unguarded: no hook was asked"),
        (Flags::SHORTENED, "shortened by the recorder"),
    ];
    words
        .into_iter()
        .filter(|(flag, _)| flags.has(*flag))
        .map(|(_, word)| word)
        .collect()
}

fn contents(page: &mut Page, row: &Row<'_>, body: &Body, limit: Limit) {
    if row.kind() == Kind::Malformed {
        return malformed(page, row, limit);
    }
    let text = body.text.as_deref().filter(|text| !text.trim().is_empty());
    if let Some(content) = text {
        section(page, "text", content, limit);
    }
    if let Some(args) = &body.args {
        arguments(page, args, limit);
    }
    decisions(page, row, body);
    if let Some(result) = &body.result {
        section(page, "result", &readable(result), limit);
    }
    if let Some(seen) = &body.seen {
        section(page, "what the model saw instead", seen, limit);
    }
    if let Some(error) = &body.error {
        let kind = error
            .kind
            .as_ref()
            .map(|kind| format!("{kind}: "))
            .unwrap_or_default();
        let stack = error
            .stack
            .as_ref()
            .map(|stack| format!("\n{stack}"))
            .unwrap_or_default();
        section(
            page,
            "error",
            &format!("{kind}{}{stack}", error.message),
            limit,
        );
    }
    if row.kind() == Kind::ToolCall && body.result.is_none() && body.error.is_none() {
        page.painted(Role::Dim, "  no result recorded");
    }
    if text.is_none() && body.args.is_none() && row.kind() != Kind::ToolCall {
        let line = clean(&summary::line(row, body));
        page.painted(Role::Dim, &format!("  {line}"));
    }
}

/// Edits as differences, then the other arguments.
fn arguments(page: &mut Page, args: &Value, limit: Limit) {
    let found = edits::find(args);
    for edit in &found.all {
        match edit {
            Edit::Replaced { old, new } => {
                let file = found.file.unwrap_or("the text");
                let words = changes::words(old, new);
                page.painted(Role::Dim, &format!("  change  {} {words}", clean(file)));
                changed(page, changes::lines(old, new), limit);
            }
            Edit::Patch(patch) => {
                page.painted(Role::Dim, "  patch");
                changed(page, patch.lines().map(signed).collect(), limit);
            }
        }
    }
    match without(args, &found.paths) {
        Some(rest) => section(page, "args", &readable(&rest), limit),
        None if found.all.is_empty() => section(page, "args", &readable(args), limit),
        None => {}
    }
}

/// The arguments without those shown as differences; none if no others are left.
fn without(args: &Value, paths: &[String]) -> Option<Value> {
    let Value::Object(members) = args else {
        return None;
    };
    let is_shown = |name: &String| {
        let ends = |path: &String| path.split(['.', '[']).next() == Some(name);
        paths.iter().any(ends)
    };
    let rest = members.iter().filter(|(name, _)| !is_shown(name));
    let rest: serde_json::Map<_, _> = rest.map(|(name, it)| (name.clone(), it.clone())).collect();
    (!rest.is_empty()).then_some(Value::Object(rest))
}

/// A line of a patch.
fn signed(line: &str) -> changes::Line {
    match line.split_at_checked(1) {
        Some(("+", rest)) => changes::Line::Came(rest.to_owned()),
        Some(("-", rest)) => changes::Line::Went(rest.to_owned()),
        Some((_, _)) | None => changes::Line::Same(line.to_owned()),
    }
}

fn changed(page: &mut Page, lines: Vec<changes::Line>, limit: Limit) {
    let rest = lines.len().saturating_sub(limit.0);
    for line in lines.into_iter().take(limit.0) {
        let (role, sign, text) = match line {
            changes::Line::Same(text) => (Role::Plain, ' ', text),
            changes::Line::Came(text) => (Role::Good, '+', text),
            changes::Line::Went(text) => (Role::Bad, '-', text),
            changes::Line::Skipped(count) => {
                let lines = human::counted(count as u64, "equal line");
                page.painted(Role::Dim, &format!("    … {lines}"));
                continue;
            }
        };
        page.painted(role, &format!("    {sign} {}", clean(&text)));
    }
    more(page, rest);
}

fn malformed(page: &mut Page, row: &Row<'_>, limit: Limit) {
    let raw = bodies::raw(row, row.place(), REASON_HEAD);
    section(page, "reason", &records::reason(&raw, row.place()), limit);
    section(page, "line", &String::from_utf8_lossy(&raw), limit);
}

/// Text as it is; other values as indented JSON.
fn readable(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => serde_json::to_string_pretty(other).unwrap_or_else(|_| other.to_string()),
    }
}

fn section(page: &mut Page, name: &str, raw: &str, limit: Limit) {
    page.painted(Role::Dim, &format!("  {name}"));
    let mut lines = text::sanitize_lines(raw);
    for line in lines.by_ref().take(limit.0) {
        page.line(&format!("    {line}"));
    }
    more(page, lines.count());
}

fn more(page: &mut Page, rest: usize) {
    if rest > 0 {
        let rest = human::counted(rest as u64, "more line");
        page.painted(Role::Dim, &format!("    … {rest} (--seq shows them)"));
    }
}

fn decisions(page: &mut Page, row: &Row<'_>, body: &Body) {
    let of = |kind: AttachedKind| row.attached().filter(move |it| it.kind == kind);
    for (text, known) in body.decisions.iter().zip(
        of(AttachedKind::Decision)
            .map(Some)
            .chain(std::iter::repeat(None)),
    ) {
        let line = clean(&decision(text, known));
        page.painted(Role::Warn, &format!("  policy    {line}"));
        for found in &text.matched {
            let line = clean(&condition(found));
            page.line(&format!("    {line}"));
        }
    }
    for (text, known) in body.approvals.iter().zip(
        of(AttachedKind::Approval)
            .map(Some)
            .chain(std::iter::repeat(None)),
    ) {
        let line = clean(&approval(text, known, body.args.as_ref()));
        page.painted(Role::Warn, &format!("  approval  {line}"));
    }
}

fn decision(text: &DecisionText, known: Option<&Attached>) -> String {
    let name = [&text.policy, &text.rule]
        .into_iter()
        .flatten()
        .cloned()
        .collect::<Vec<_>>()
        .join(" ");
    let shadow = known
        .is_some_and(|known| known.shadow)
        .then(|| "(shadow)".to_owned());
    let why = text.reason.as_ref().map(|why| format!("· {why}"));
    let parts = [Some(name), text.decision.clone(), shadow, why];
    parts
        .into_iter()
        .flatten()
        .filter(|part| !part.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}

fn condition(found: &Matched) -> String {
    let value = |value: &Option<Value>| value.as_ref().map(Value::to_string).unwrap_or_default();
    let actual = found
        .actual
        .as_ref()
        .map(|actual| format!(" (it was {actual})"));
    format!(
        "{} {} {}{}",
        found.path,
        found.op,
        value(&found.value),
        actual.unwrap_or_default()
    )
}

/// A request has no answer yet; an answer says who gave it and how long it took.
fn approval(text: &ApprovalText, known: Option<&Attached>, asked: Option<&Value>) -> String {
    let state = match text.state.as_deref() {
        Some("requested") => Some("asked".to_owned()),
        state => state.map(str::to_owned),
    };
    let by = text.by.as_ref().map(|by| format!("by {by}"));
    let wait = known.filter(|known| known.wait.is_some());
    let wait = wait.map(|known| format!("after {}", words::span(known.wait)));
    let why = text.reason.as_ref().map(|why| format!("· {why}"));
    let differences = differences(text, asked);
    [state, by, wait, why]
        .into_iter()
        .flatten()
        .chain(differences)
        .collect::<Vec<_>>()
        .join(" ")
}

/// `· amount: shown 420, called with 4200`.
fn differences(text: &ApprovalText, called: Option<&Value>) -> Vec<String> {
    let found = text.differences(called).unwrap_or_default().into_iter();
    let words = found.map(|it| {
        let name = if it.name.is_empty() {
            String::new()
        } else {
            format!("{}: ", it.name)
        };
        format!("· {name}shown {}, called with {}", it.approved, it.ran)
    });
    words.collect()
}

#[cfg(test)]
mod tests;
