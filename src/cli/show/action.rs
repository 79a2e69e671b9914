//! One action to read: what was asked, what came back, who decided.

use serde_json::Value;

use crate::analysis::summary;
use crate::base::{human, text};
use crate::cli::look::Role;
use crate::cli::{Cx, words};
use crate::export::json::action::REASON_HEAD;
use crate::ingest::body::{ApprovalText, Body, DecisionText, Matched};
use crate::ingest::records;
use crate::model::action::{Flags, Kind};
use crate::model::outcome::{Attached, AttachedKind};
use crate::store::bodies::{self, Depth};
use crate::store::row::Row;

/// Lines of a text that a turn shows of each action.
const BRIEF: usize = 20;

/// How much of the text to print.
#[derive(Debug, Clone, Copy)]
struct Limit(usize);

pub(super) fn full(cx: &mut Cx, row: &Row<'_>) -> anyhow::Result<()> {
    let body = bodies::open(row, Depth::Full);
    head(cx, row)?;
    facts(cx, row, &body)?;
    contents(cx, row, &body, Limit(usize::MAX))
}

/// The same without the small print; long texts are cut, and what is left out is counted.
pub(super) fn brief(cx: &mut Cx, row: &Row<'_>) -> anyhow::Result<()> {
    let body = bodies::open(row, Depth::Full);
    head(cx, row)?;
    contents(cx, row, &body, Limit(BRIEF))
}

fn head(cx: &mut Cx, row: &Row<'_>) -> anyhow::Result<()> {
    let (status, role) = words::status(row.status());
    let mut parts = vec![
        format!("#{}", words::seq(row.seq())),
        words::time_of_day(row.time(), &cx.out.look.zone),
        row.kind().word().to_owned(),
    ];
    parts.extend(
        [row.tool(), row.model(), row.agent()]
            .iter()
            .filter(|it| !it.is_empty())
            .map(|it| cx.out.look.clean(it)),
    );
    let head = cx.out.look.paint(Role::Head, &parts.join(" "));
    let status = cx.out.look.paint(role, status);
    let spent = [words::span(row.duration()), words::row_cost(row)];
    let spent = spent
        .into_iter()
        .filter(|it| it != words::NOTHING)
        .map(|it| format!(" · {it}"));
    cx.out
        .line(&format!("{head} · {status}{}", spent.collect::<String>()))?;
    Ok(())
}

fn facts(cx: &mut Cx, row: &Row<'_>, body: &Body) -> anyhow::Result<()> {
    let place = row.place();
    let path = row.source().path.to_string_lossy();
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
                row.line(),
                at(place.offset, place.len)
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
        let value = cx.out.look.clean(&value);
        cx.out.line(&format!("  {name:<10}{value}"))?;
    }
    Ok(())
}

/// What was odd about a record, in words.
fn flags(flags: Flags) -> Vec<&'static str> {
    let words = [
        (Flags::RETRY, "retry of the call before"),
        (Flags::BAD_UTF8, "bytes that are not UTF-8"),
        (Flags::LONE_SURROGATE, "half of a surrogate pair"),
        (Flags::TOO_DEEP, "nested too deep, kept raw"),
        (Flags::DUPLICATE_KEY, "a key occurs twice, the last counts"),
        (
            Flags::BAD_NUMBER,
            "a number that cannot be right does not count",
        ),
        (Flags::INCOMPLETE, "incomplete last line"),
        (Flags::META, "injected by the harness"),
        (Flags::SECOND_RESULT, "a second result came"),
        (Flags::IMPLIED, "known only by its parts"),
        (Flags::WAITING, "waiting for approval"),
    ];
    words
        .into_iter()
        .filter(|(flag, _)| flags.has(*flag))
        .map(|(_, word)| word)
        .collect()
}

fn contents(cx: &mut Cx, row: &Row<'_>, body: &Body, limit: Limit) -> anyhow::Result<()> {
    if row.kind() == Kind::Malformed {
        return malformed(cx, row, limit);
    }
    let text = body.text.as_deref().filter(|text| !text.trim().is_empty());
    if let Some(said) = text {
        section(cx, "text", said, limit)?;
    }
    if let Some(args) = &body.args {
        section(cx, "args", &readable(args), limit)?;
    }
    decisions(cx, row, body)?;
    if let Some(result) = &body.result {
        section(cx, "result", &readable(result), limit)?;
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
            cx,
            "error",
            &format!("{kind}{}{stack}", error.message),
            limit,
        )?;
    }
    if row.kind() == Kind::ToolCall && body.result.is_none() && body.error.is_none() {
        cx.out.painted(Role::Dim, "  no result recorded")?;
    }
    if text.is_none() && body.args.is_none() && row.kind() != Kind::ToolCall {
        let line = cx.out.look.clean(&summary::line(row, body));
        cx.out.painted(Role::Dim, &format!("  {line}"))?;
    }
    Ok(())
}

fn malformed(cx: &mut Cx, row: &Row<'_>, limit: Limit) -> anyhow::Result<()> {
    let raw = bodies::raw(row, row.place(), REASON_HEAD);
    section(cx, "reason", &records::reason(&raw, row.place()), limit)?;
    section(cx, "line", &String::from_utf8_lossy(&raw), limit)
}

/// Text as it is; other values as indented JSON.
fn readable(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => serde_json::to_string_pretty(other).unwrap_or_else(|_| other.to_string()),
    }
}

fn section(cx: &mut Cx, name: &str, raw: &str, limit: Limit) -> anyhow::Result<()> {
    cx.out.painted(Role::Dim, &format!("  {name}"))?;
    let mut lines = text::sanitize_lines(raw);
    for line in lines.by_ref().take(limit.0) {
        let line = cx.out.look.spell(&line).into_owned();
        cx.out.line(&format!("    {line}"))?;
    }
    let rest = lines.count();
    if rest > 0 {
        let rest = words::counted(rest as u64, "more line");
        cx.out
            .painted(Role::Dim, &format!("    … {rest} (--seq shows them)"))?;
    }
    Ok(())
}

fn decisions(cx: &mut Cx, row: &Row<'_>, body: &Body) -> anyhow::Result<()> {
    let of = |kind: AttachedKind| row.attached().filter(move |it| it.kind == kind);
    for (text, known) in body.decisions.iter().zip(
        of(AttachedKind::Decision)
            .map(Some)
            .chain(std::iter::repeat(None)),
    ) {
        let line = cx.out.look.clean(&decision(text, known));
        cx.out.painted(Role::Warn, &format!("  policy    {line}"))?;
        for found in &text.matched {
            let line = cx.out.look.clean(&condition(found));
            cx.out.line(&format!("    {line}"))?;
        }
    }
    for (text, known) in body.approvals.iter().zip(
        of(AttachedKind::Approval)
            .map(Some)
            .chain(std::iter::repeat(None)),
    ) {
        let line = cx
            .out
            .look
            .clean(&approval(text, known, body.args.as_ref()));
        cx.out.painted(Role::Warn, &format!("  approval  {line}"))?;
    }
    Ok(())
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

/// A request has no answer yet; an answer tells who gave it, and after how long.
fn approval(text: &ApprovalText, known: Option<&Attached>, asked: Option<&Value>) -> String {
    let state = match text.state.as_deref() {
        Some("requested") => Some("asked".to_owned()),
        state => state.map(str::to_owned),
    };
    let by = text.by.as_ref().map(|by| format!("by {by}"));
    let wait = known.filter(|known| known.wait.is_some());
    let wait = wait.map(|known| format!("after {}", words::span(known.wait)));
    let why = text.reason.as_ref().map(|why| format!("· {why}"));
    let differences = differences(text.args.as_ref(), asked);
    [state, by, wait, why]
        .into_iter()
        .flatten()
        .chain(differences)
        .collect::<Vec<_>>()
        .join(" ")
}

/// Where a person was shown other values than the call has. A key that only one of the two holds
/// says nothing: recorders leave out what they do not show.
fn differences(shown: Option<&Value>, called: Option<&Value>) -> Vec<String> {
    let (Some(Value::Object(shown)), Some(Value::Object(called))) = (shown, called) else {
        return Vec::new();
    };
    let common = shown
        .iter()
        .filter_map(|(key, value)| Some((key, value, called.get(key)?)));
    common
        .filter(|(_, shown, called)| shown != called)
        .map(|(key, shown, called)| format!("· {key}: shown {shown}, called with {called}"))
        .collect()
}

#[cfg(test)]
mod tests;
