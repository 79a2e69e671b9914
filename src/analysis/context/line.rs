//! Summarises a part of a request in one line.

use serde_json::Value;

use crate::analysis::summary;

/// A block, message or member in one line of raw content.
pub fn line(value: &Value) -> String {
    let text = |key: &str| value.get(key).and_then(Value::as_str);
    let name = text("name").unwrap_or_default();
    match text("type") {
        Some("tool_use") => call(name, value.get("input")),
        Some("function_call" | "custom_tool_call") => {
            let args = ["arguments", "input"]
                .iter()
                .find_map(|key| value.get(*key));
            call(name, args)
        }
        Some("tool_result") => summary(value.get("content")),
        Some("thinking") => summary(value.get("thinking")),
        Some("reasoning") => summary(value.get("summary")),
        Some(kind) if kind.ends_with("_output") => summary(value.get("output")),
        Some("text") => summary(value.get("text")),
        _ if value.get("tool_calls").is_some() => asked(value),
        _ if value.get("content").is_some() => summary(value.get("content")),
        _ => match value.get("parts").and_then(Value::as_array) {
            Some(parts) => parts.iter().map(part).collect::<Vec<_>>().join(" · "),
            None => summary(Some(value)),
        },
    }
}

/// A part of Gemini.
fn part(value: &Value) -> String {
    if let Some(asked) = value.get("functionCall") {
        let name = asked.get("name").and_then(Value::as_str);
        return call(name.unwrap_or_default(), asked.get("args"));
    }
    match value.get("functionResponse") {
        Some(result) => summary(result.get("response")),
        None => summary(value.get("text")),
    }
}

/// The whole text of a block, message or member, raw: its words if it has any, else indented JSON.
pub fn text(value: &Value) -> String {
    let kind = value.get("type").and_then(Value::as_str);
    let content = match kind {
        Some("tool_result") => value.get("content"),
        Some("thinking") => value.get("thinking"),
        Some("text") => value.get("text"),
        Some(kind) if kind.ends_with("_output") => value.get("output"),
        _ if value.get("tool_calls").is_some() => None,
        _ if value.is_string() => Some(value),
        _ => value.get("content"),
    };
    let content = content.and_then(crate::ingest::formats::content::text_of);
    content
        .filter(|text| !text.trim().is_empty())
        .unwrap_or_else(|| serde_json::to_string_pretty(value).unwrap_or_default())
}

fn call(name: &str, args: Option<&Value>) -> String {
    let parsed = args
        .and_then(Value::as_str)
        .and_then(|text| serde_json::from_str::<Value>(text).ok());
    let args = parsed.as_ref().or(args);
    let args = args.map(summary::args);
    format!("{name} {}", args.unwrap_or_default())
        .trim_end()
        .to_owned()
}

/// A chat message with tool calls.
fn asked(message: &Value) -> String {
    let calls = message.get("tool_calls").and_then(Value::as_array);
    let calls = calls
        .into_iter()
        .flatten()
        .filter_map(|it| it.get("function"));
    let calls: Vec<String> = calls
        .map(|function| {
            let name = function.get("name").and_then(Value::as_str);
            call(name.unwrap_or_default(), function.get("arguments"))
        })
        .collect();
    let text = summary(message.get("content"));
    let parts = [text].into_iter().filter(|text| !text.is_empty());
    parts.chain(calls).collect::<Vec<_>>().join(" · ")
}

fn summary(content: Option<&Value>) -> String {
    let text = content.and_then(crate::ingest::formats::content::text_of);
    first_line(&text.unwrap_or_default())
}

fn first_line(text: &str) -> String {
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let first = lines.next().unwrap_or_default();
    match lines.count() {
        0 => first.to_owned(),
        more => format!("{first} · {} lines", more + 1),
    }
}
