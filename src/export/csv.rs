//! CSV as spreadsheets read it (RFC 4180), with the names of the JSON output.

use serde_json::Value;

/// The columns of a table of runs.
pub const RUNS: &[&str] = &[
    "run_id",
    "path",
    "format",
    "title",
    "agent",
    "models",
    "user",
    "service",
    "env",
    "task",
    "trial",
    "release",
    "started_at",
    "ended_at",
    "duration_ms",
    "waited_ms",
    "status",
    "turns",
    "actions",
    "tool_calls",
    "errors",
    "blocked",
    "denied",
    "retries",
    "subagents",
    "parent_run_id",
    "input_tokens",
    "output_tokens",
    "cache_read_tokens",
    "cache_write_tokens",
    "reasoning_tokens",
    "total_tokens",
    "cost_usd",
    "cost_source",
    "score",
    "correct",
];

/// One line, with its line end. Unrecorded values are empty fields.
pub fn row<'a>(values: impl Iterator<Item = Option<&'a Value>>) -> String {
    let fields: Vec<String> = values.map(field).collect();
    format!("{}\r\n", fields.join(","))
}

fn field(value: Option<&Value>) -> String {
    let text = match value {
        None | Some(Value::Null) => return String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(Value::Array(items)) if items.iter().all(Value::is_string) => items
            .iter()
            .filter_map(Value::as_str)
            .collect::<Vec<_>>()
            .join(" "),
        Some(other) => other.to_string(),
    };
    let text = crate::base::text::sanitize(&text);
    // Spreadsheets execute text that begins like a formula.
    let formula = text.starts_with(['=', '+', '-', '@']) && text.parse::<f64>().is_err();
    let quote = if formula { "'" } else { "" };
    if formula || text.contains(['"', ',', '\n', '\r']) {
        format!("\"{quote}{}\"", text.replace('"', "\"\""))
    } else {
        text.into_owned()
    }
}

#[cfg(test)]
mod tests;
