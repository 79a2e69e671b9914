//! One action as Markdown, for an issue or a pull request.

use jiff::tz::TimeZone;
use serde_json::Value;

use crate::analysis::summary;
use crate::base::text;
use crate::export::words;
use crate::ingest::body::Body;
use crate::model::action::Kind;
use crate::store::row::Row;

/// The action under a heading, its texts in fences. Every line is sanitised.
pub fn step(row: &Row<'_>, body: &Body, zone: &TimeZone) -> String {
    let mut parts = vec![heading(row)];
    parts.push(facts(row, zone));
    let content = body
        .text
        .as_deref()
        .filter(|content| !content.trim().is_empty());
    parts.extend(content.map(quoted));
    if let Some(args) = &body.args {
        parts.push(section("Arguments", args));
    }
    if let Some(result) = &body.result {
        parts.push(section("Result", result));
    }
    if let Some(error) = &body.error {
        let kind = error.kind.iter().map(|kind| format!("{kind}: "));
        let message = Value::String(format!("{}{}", kind.collect::<String>(), error.message));
        parts.push(section("Error", &message));
    }
    if content.is_none() && body.args.is_none() && row.kind() != Kind::ToolCall {
        parts.push(clean(&summary::line(row, body)));
    }
    parts.retain(|part| !part.is_empty());
    format!("{}\n", parts.join("\n\n"))
}

/// `### #12 Bash · error`.
fn heading(row: &Row<'_>) -> String {
    let name = [row.tool(), row.model(), row.kind().word()];
    let name = name.into_iter().find(|name| !name.is_empty());
    let (status, _) = words::status(row.status());
    let mut heading = format!(
        "### #{} {}",
        words::seq(row.seq()),
        clean(name.unwrap_or_default())
    );
    if status != words::NOTHING {
        heading = format!("{heading} · {status}");
    }
    heading
}

/// When it was, how long it took and what it cost, as far as that is recorded.
fn facts(row: &Row<'_>, zone: &TimeZone) -> String {
    let turn = match row.turn() {
        0 => String::new(),
        turn => format!("turn {turn}"),
    };
    let facts = [
        format!("run `{}`", clean(&row.run().id)),
        turn,
        words::time_of_day(row.time(), zone),
        words::span(row.duration()),
        words::row_cost(row),
    ];
    let known = facts
        .into_iter()
        .filter(|fact| !fact.is_empty() && fact != words::NOTHING);
    known.collect::<Vec<_>>().join(" · ")
}

/// A message as a quotation.
fn quoted(content: &str) -> String {
    let lines = text::sanitize_lines(content.trim_end());
    let lines = lines.map(|line| format!("> {line}"));
    lines.collect::<Vec<_>>().join("\n")
}

/// A value in a fence under its name: text as it is, commands for a shell, other values as JSON.
fn section(name: &str, value: &Value) -> String {
    let command = value.get("command").and_then(Value::as_str);
    let is_alone = value.as_object().is_some_and(|members| members.len() == 1);
    let (language, raw) = match (value, command) {
        (Value::String(content), _) => ("text", content.clone()),
        (_, Some(command)) if is_alone => ("sh", command.to_owned()),
        (other, _) => (
            "json",
            serde_json::to_string_pretty(other).unwrap_or_else(|_| other.to_string()),
        ),
    };
    let lines: Vec<String> = text::sanitize_lines(&raw).map(String::from).collect();
    let fence = fence(&lines);
    format!(
        "**{name}**\n\n{fence}{language}\n{}\n{fence}",
        lines.join("\n")
    )
}

/// Longer than any fence in the text.
fn fence(lines: &[String]) -> String {
    let longest = lines.iter().filter_map(|line| {
        let line = line.trim_start();
        let ticks = line.len() - line.trim_start_matches('`').len();
        (ticks >= 3).then_some(ticks)
    });
    "`".repeat(longest.max().map_or(3, |ticks| ticks + 1))
}

fn clean(raw: &str) -> String {
    text::sanitize(raw).into_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::section;

    #[test]
    fn a_command_alone_is_for_a_shell_and_a_fence_is_longer_than_those_inside() {
        assert_eq!(
            section("Arguments", &json!({"command": "ls -l"})),
            "**Arguments**\n\n```sh\nls -l\n```"
        );
        assert_eq!(
            section("Result", &json!("a\n```\nb")),
            "**Result**\n\n````text\na\n```\nb\n````"
        );
        assert!(section("Arguments", &json!({"a": 1, "command": "x"})).contains("```json"));
    }
}
