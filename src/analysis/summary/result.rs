//! Summarises the result of a call: the exit code, the size, or what went wrong.

use serde_json::{Map, Value};

use super::args::{count, pairs, scalar};
use super::{clip, first_line};
use crate::ingest::body::Body;
use crate::model::action::Status;
use crate::store::row::Row;

/// A one-line result up to this length is shown as it is.
const MAX_LINE: usize = 72;

/// The exit code and size of the result, or the first words of the error. `None` without a result.
pub fn describe(row: &Row<'_>, body: &Body) -> Option<String> {
    let exit = body
        .result
        .as_ref()
        .and_then(exit_code)
        .or_else(|| exit_in_text(&body.error.as_ref()?.message));
    let failed = !matches!(
        row.status(),
        Status::Ok | Status::Unrecorded | Status::Pending
    );
    let what = match (&body.error, &body.result) {
        (Some(_), _) if exit.is_none() => super::error(body).map(|message| clip(&message, 120)),
        (_, Some(result)) if failed && exit.is_none() => {
            failure(result).or_else(|| size(row, body))
        }
        (_, Some(_)) => size(row, body),
        _ => None,
    };
    match (exit, what) {
        (Some(exit), Some(what)) => Some(format!("exit {exit} · {what}")),
        (Some(exit), None) => Some(format!("exit {exit}")),
        (None, what) => what,
    }
}

/// Tools report the exit code of a process in a field, or in words before the output.
fn exit_code(result: &Value) -> Option<i64> {
    const FIELDS: &[&str] = &[
        "exit_code",
        "exitCode",
        "exit_status",
        "returncode",
        "return_code",
    ];
    match result {
        Value::Object(fields) => FIELDS
            .iter()
            .find_map(|key| fields.get(*key)?.as_i64())
            .or_else(|| exit_code(fields.get("metadata")?))
            .or_else(|| exit_in_text(text_of(result)?.as_str())),
        _ => exit_in_text(text_of(result)?.as_str()),
    }
}

fn exit_in_text(text: &str) -> Option<i64> {
    const WORDS: &[&str] = &["Exit code ", "Exit code: ", "Process exited with code "];
    text.lines().take(6).find_map(|line| {
        let after = WORDS
            .iter()
            .find_map(|words| line.trim_start().strip_prefix(words))?;
        let digits = after
            .split(|char: char| !char.is_ascii_digit() && char != '-')
            .next()?;
        digits.parse().ok()
    })
}

/// The error message in a result.
fn failure(result: &Value) -> Option<String> {
    let field = |fields: &Map<String, Value>| {
        ["error", "message", "err", "stderr", "reason"]
            .iter()
            .find_map(|key| {
                let value = fields.get(*key)?;
                let text = value.as_str().or_else(|| value.get("message")?.as_str())?;
                first_line(text)
            })
    };
    let words = result
        .as_object()
        .and_then(field)
        .or_else(|| first_line(&text_of(result)?));
    words.map(|words| clip(&words, 120))
}

fn size(row: &Row<'_>, body: &Body) -> Option<String> {
    let result = body.result.as_ref()?;
    // A quick look reads only the head of a large record, so the count is a lower bound.
    let place = row.result_place();
    let place = if place.is_some() { place } else { row.place() };
    let cut = body.record.is_none() && place.len as usize > row.source().format.glance();
    let more = if cut { "+" } else { "" };
    if let Some(text) = text_of(result) {
        return Some(text_size(&text, more));
    }
    match result {
        Value::Array(items) => Some(counted(items.len(), "item", more)),
        Value::Object(fields) if fields.is_empty() => Some("empty".to_owned()),
        Value::Object(fields) => Some(pairs(&news(fields, body.args.as_ref()), 3)),
        Value::Null => Some("null".to_owned()),
        Value::String(_) | Value::Number(_) | Value::Bool(_) => scalar(result),
    }
}

/// The fields of a result that do not repeat the arguments, or all of them if none remain.
fn news(fields: &Map<String, Value>, args: Option<&Value>) -> Map<String, Value> {
    let is_repeated = |key: &str, value: &Value| args.and_then(|args| args.get(key)) == Some(value);
    let new = fields
        .iter()
        .filter(|(key, value)| !is_repeated(key, value));
    let new: Map<String, Value> = new
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect();
    if new.is_empty() { fields.clone() } else { new }
}

fn text_size(text: &str, more: &str) -> String {
    let lines = text.trim_end().lines().count();
    match (lines, first_line(text)) {
        (_, None) => "no output".to_owned(),
        (1, Some(line)) if more.is_empty() && line.chars().count() <= MAX_LINE => line,
        (lines, Some(_)) => counted(lines, "line", more),
    }
}

fn counted(number: usize, word: &str, more: &str) -> String {
    if more.is_empty() {
        count(number, word)
    } else {
        format!("{number}{more} {word}s")
    }
}

/// The text of a result: a string, the output of a process, or text parts.
fn text_of(result: &Value) -> Option<String> {
    match result {
        Value::String(text) => Some(text.clone()),
        Value::Array(parts) if !parts.is_empty() => {
            let texts = parts.iter().map(|part| part.get("text")?.as_str());
            texts
                .collect::<Option<Vec<_>>>()
                .map(|texts| texts.join("\n"))
        }
        Value::Object(fields) => process_output(fields).or_else(|| text_of(fields.get("content")?)),
        _ => None,
    }
}

fn process_output(fields: &Map<String, Value>) -> Option<String> {
    if let Some(output) = fields.get("output").and_then(Value::as_str) {
        return Some(output.to_owned());
    }
    let stdout = fields.get("stdout")?.as_str()?;
    let stderr = fields
        .get("stderr")
        .and_then(Value::as_str)
        .unwrap_or_default();
    Some(if stdout.is_empty() {
        stderr.to_owned()
    } else {
        stdout.to_owned()
    })
}
