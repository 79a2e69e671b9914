//! Summarises an action in one line, so that there is no need to open it.
//!
//! Ids and JSON punctuation are left to the inspector. The line does not repeat what a list shows
//! next to it: the tool, the agent and the time.

pub mod args;
pub mod result;

use serde_json::Value;

use crate::ingest::body::Body;
use crate::model::action::{Flags, Kind, Status};
use crate::store::row::Row;

/// The maximum length of a line, in characters.
const MAX_CHARS: usize = 300;

/// How many rows after a model call to search for the calls it requested.
const LOOK_AHEAD: u32 = 48;

/// The arguments of a call in one line, identifying ones first.
pub fn args(args: &Value) -> String {
    args::describe(args)
}

/// One line of raw trace content. The caller sanitises it and cuts it to its column.
pub fn line(row: &Row<'_>, body: &Body) -> String {
    let line = match row.kind() {
        Kind::Prompt => prompt(body),
        Kind::Response => response(row, body),
        Kind::Reasoning => words(body, "no text recorded"),
        Kind::ToolCall => tool_call(row, body),
        Kind::PolicyDecision => decision(body).unwrap_or_else(|| "policy decision".to_owned()),
        Kind::Approval => approval(body).unwrap_or_else(|| "approval".to_owned()),
        Kind::Error => error(body).unwrap_or_else(|| words(body, "error without a message")),
        Kind::Note => note(body),
        Kind::RunStart => run_start(row),
        Kind::RunEnd => run_end(row, body),
        Kind::Malformed => malformed(row),
        Kind::Unknown => unknown(body),
    };
    clip(&line, MAX_CHARS)
}

/// The outcome of a call in a few words; `None` if nothing is known.
pub fn outcome(row: &Row<'_>, body: &Body) -> Option<String> {
    let found = result::describe(row, body);
    let status = match row.status() {
        Status::Blocked => Some(stopped("blocked", blocker(body))),
        Status::Denied => Some(stopped("denied", denier(body))),
        Status::Timeout if found.as_ref().is_some_and(|found| found.contains("imeout")) => None,
        Status::Timeout => Some("timeout".to_owned()),
        Status::Cancelled => Some("cancelled".to_owned()),
        Status::Error if found.is_none() => Some("error".to_owned()),
        Status::Pending if row.flags().has(Flags::WAITING) => {
            Some("waiting for approval".to_owned())
        }
        Status::Unrecorded | Status::Ok | Status::Error | Status::Pending => None,
    };
    match (status, found) {
        (Some(status), Some(found)) => Some(format!("{status} · {found}")),
        (status, found) => status.or(found),
    }
}

fn tool_call(row: &Row<'_>, body: &Body) -> String {
    let request = body
        .args
        .as_ref()
        .map(args::describe)
        .filter(|request| !request.is_empty());
    match (request, outcome(row, body)) {
        (Some(request), Some(outcome)) => {
            // A long command must not push out its outcome.
            let room = MAX_CHARS
                .saturating_sub(outcome.chars().count() + 3)
                .max(MAX_CHARS / 2);
            format!("{} · {outcome}", clip(&request, room))
        }
        (Some(request), None) => request,
        (None, Some(outcome)) => outcome,
        (None, None) if body.args.is_some() => "no arguments".to_owned(),
        (None, None) => String::new(),
    }
}

fn prompt(body: &Body) -> String {
    match first_line(body.text.as_deref().unwrap_or_default()) {
        Some(line) => format!("\"{}\"", clip(&line, MAX_CHARS - 2)),
        None => "no text recorded".to_owned(),
    }
}

fn response(row: &Row<'_>, body: &Body) -> String {
    if let Some(words) = first_line(body.text.as_deref().unwrap_or_default()) {
        return sentence(&words);
    }
    if let Some(error) = error(body) {
        return error;
    }
    let tools = requested_tools(row);
    if tools.is_empty() {
        "no text recorded".to_owned()
    } else {
        format!("→ {tools}")
    }
}

/// The tools that a model call requested, in order, with counts.
fn requested_tools(row: &Row<'_>) -> String {
    let mut tools: Vec<(&str, u32)> = Vec::new();
    let first = row.ix().0 + 1;
    let last = row.store.len().min(first.saturating_add(LOOK_AHEAD));
    for ix in first..last {
        let next = row.store.row(crate::model::action::ActionIx(ix));
        if next.parent() != Some(row.ix()) || next.kind() != Kind::ToolCall {
            continue;
        }
        match tools.iter_mut().find(|(name, _)| *name == next.tool()) {
            Some((_, times)) => *times += 1,
            None => tools.push((next.tool(), 1)),
        }
    }
    let named = tools.iter().map(|(name, times)| match times {
        1 => (*name).to_owned(),
        times => format!("{name} ×{times}"),
    });
    named.collect::<Vec<_>>().join(", ")
}

fn decision(body: &Body) -> Option<String> {
    let decision = body.decisions.first()?;
    let name = [decision.policy.as_deref(), decision.rule.as_deref()];
    let name = name.into_iter().flatten().collect::<Vec<_>>().join(" ");
    let words = decision.decision.clone().unwrap_or_default();
    let why = decision
        .reason
        .as_deref()
        .and_then(first_line)
        .map(|why| format!("· {why}"));
    Some(join(&[Some(name), Some(words), why]))
}

fn approval(body: &Body) -> Option<String> {
    let approval = body.approvals.first()?;
    let by = approval.by.as_ref().map(|by| format!("by {by}"));
    let why = approval
        .reason
        .as_deref()
        .and_then(first_line)
        .map(|why| format!("· {why}"));
    Some(join(&[approval.state.clone(), by, why]))
}

fn blocker(body: &Body) -> Option<String> {
    let stops = |words: &str| matches!(words, "block" | "blocked" | "deny" | "denied");
    let found = body
        .decisions
        .iter()
        .rev()
        .find(|it| it.decision.as_deref().is_some_and(stops))?;
    found.policy.clone().or_else(|| found.rule.clone())
}

fn denier(body: &Body) -> Option<String> {
    let found = body
        .approvals
        .iter()
        .rev()
        .find(|it| it.state.as_deref() == Some("denied"))?;
    found.by.clone()
}

fn stopped(word: &str, by: Option<String>) -> String {
    by.map_or_else(|| word.to_owned(), |by| format!("{word} by {by}"))
}

fn error(body: &Body) -> Option<String> {
    let error = body.error.as_ref()?;
    let message = first_line(&error.message);
    match (error.kind.as_deref(), message) {
        (Some(kind), Some(message)) if !message.contains(kind) => {
            Some(format!("{kind}: {message}"))
        }
        (_, Some(message)) => Some(message),
        (kind, None) => kind.map(str::to_owned),
    }
}

fn note(body: &Body) -> String {
    match (
        record_type(body),
        first_line(body.text.as_deref().unwrap_or_default()),
    ) {
        (_, Some(text)) => text,
        (Some(kind), None) => kind,
        (None, None) => "empty note".to_owned(),
    }
}

fn run_start(row: &Row<'_>) -> String {
    let names = row.store.symbols();
    let who = &row.run().who;
    let model = match row.model() {
        "" => who.models.first().map_or("", |first| names.name(*first)),
        model => model,
    };
    let part = |label: &str, value: &str| (!value.is_empty()).then(|| format!("{label} {value}"));
    let words = join(&[
        part("model", model),
        part("user", names.name(who.user)),
        part("task", names.name(who.task)),
    ]);
    if words.is_empty() {
        "run started".to_owned()
    } else {
        words
    }
}

fn run_end(row: &Row<'_>, body: &Body) -> String {
    let status = Some(row.run().status).filter(|it| *it != crate::model::run::RunStatus::Unknown);
    let status = match row.status() {
        Status::Unrecorded => status.map(|status| status.word().to_owned()),
        status => Some(status.word().to_owned()),
    };
    let why = first_line(body.text.as_deref().unwrap_or_default()).or_else(|| error(body));
    let grade = row.run().grade().map(|grade| grade.to_string());
    let words: Vec<String> = [status, grade, why].into_iter().flatten().collect();
    let words = words.join(" · ");
    if words.is_empty() {
        "run ended".to_owned()
    } else {
        words
    }
}

fn malformed(row: &Row<'_>) -> String {
    let what = if row.flags().has(Flags::INCOMPLETE) {
        "incomplete"
    } else {
        "malformed"
    };
    format!(
        "{what} line {} ({} bytes at {})",
        row.line(),
        row.place().len,
        row.place().offset
    )
}

fn unknown(body: &Body) -> String {
    let text = first_line(body.text.as_deref().unwrap_or_default());
    match (record_type(body), text) {
        (Some(kind), Some(text)) if kind != text => format!("{kind} · {text}"),
        (kind, text) => kind
            .or(text)
            .unwrap_or_else(|| "record of unknown type".to_owned()),
    }
}

/// A record's own type, if it was opened in full or the format kept it.
fn record_type(body: &Body) -> Option<String> {
    let label = body
        .labels
        .iter()
        .find(|(key, _)| key == "type")
        .map(|(_, value)| value.clone());
    let field = || {
        body.record
            .as_ref()?
            .get("type")?
            .as_str()
            .map(str::to_owned)
    };
    label.or_else(field)
}

fn words(body: &Body, without: &str) -> String {
    let text = first_line(body.text.as_deref().unwrap_or_default());
    text.map_or_else(|| without.to_owned(), |line| sentence(&line))
}

/// The first line with content, with whitespace collapsed and heading marks removed. A lone tag
/// counts only if there is nothing else.
fn first_line(text: &str) -> Option<String> {
    let bare = |line: &str| {
        let line = squeeze(line);
        let line = line
            .trim_start_matches(['#', '>', '*', ' '])
            .trim_end_matches('*');
        (!line.is_empty()).then(|| line.to_owned())
    };
    let mut lines = text.lines().filter_map(bare);
    let first = lines.next()?;
    if opens(&first) {
        // JSON over several lines: join the first few.
        let more = lines
            .take(LOOK_PAST)
            .filter(|line| !line.starts_with("```"));
        let open = (!first.starts_with("```")).then_some(first);
        let all: Vec<String> = open.into_iter().chain(more).collect();
        return (!all.is_empty()).then(|| all.join(" "));
    }
    if !is_tag(&first) {
        return Some(first);
    }
    let telling = lines.take(LOOK_PAST).find(|line| !is_tag(line));
    Some(telling.unwrap_or(first))
}

/// A bracket or a code fence: the content follows.
fn opens(line: &str) -> bool {
    line.starts_with("```") || matches!(line, "{" | "[" | "[{" | "{{")
}

/// How many lines to search for one that is not a tag.
const LOOK_PAST: usize = 8;

/// `<system-reminder>`: names what follows.
fn is_tag(line: &str) -> bool {
    let name = line
        .strip_prefix('<')
        .and_then(|line| line.strip_suffix('>'));
    name.is_some_and(|name| !name.is_empty() && !name.contains(['<', '>', ' ']))
}

/// Everything up to the first sentence end that is followed by a space.
fn sentence(line: &str) -> String {
    let mut out = String::new();
    let mut chars = line.chars().peekable();
    while let Some(char) = chars.next() {
        out.push(char);
        let ends = matches!(char, '.' | '!' | '?') && chars.peek() == Some(&' ');
        // "1. First", "e.g. this": too short to be a sentence.
        if (ends && out.len() > 12) || char == '。' {
            break;
        }
    }
    out
}

/// Collapses whitespace. Stops after what a line can show.
fn squeeze(text: &str) -> String {
    let mut out = String::new();
    for word in text.split_whitespace() {
        if !out.is_empty() {
            out.push(' ');
        }
        out.extend(word.chars().take(MAX_CHARS + 1));
        if out.len() > 4 * MAX_CHARS {
            break;
        }
    }
    out
}

/// At most `most` characters, ending in `…` if cut.
pub(in crate::analysis) fn clip(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        None => text.to_owned(),
        Some(_) => text
            .chars()
            .take(most.saturating_sub(1))
            .chain(['…'])
            .collect(),
    }
}

fn join(parts: &[Option<String>]) -> String {
    let parts = parts.iter().flatten().filter(|part| !part.is_empty());
    parts.map(String::as_str).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests;
