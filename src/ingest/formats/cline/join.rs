//! Joins the two files of a task and converts them to lines.
//!
//! The requests that were shown and the answers that were kept are the same model calls. They are matched by number if
//! there are equally many, otherwise by time; requests without an answer keep their tokens in lines of their own. Older
//! versions write tools as XML in the text of answers.

use std::path::Path;

use serde_json::{Value, json};

use super::{SENT, SHOWN, elements};
use crate::ingest::bytes::Bytes;
use crate::ingest::formats::content::string;
use crate::ingest::formats::plain::{given, list, word};
use crate::ingest::json;

/// The tools of Cline and Roo, by their names in XML.
const TOOLS: &[&str] = &[
    "access_mcp_resource",
    "apply_diff",
    "ask_followup_question",
    "attempt_completion",
    "browser_action",
    "codebase_search",
    "condense",
    "execute_command",
    "fetch_instructions",
    "insert_content",
    "list_code_definition_names",
    "list_files",
    "load_mcp_documentation",
    "new_rule",
    "new_task",
    "plan_mode_respond",
    "read_file",
    "replace_in_file",
    "search_and_replace",
    "search_files",
    "switch_mode",
    "update_todo_list",
    "use_mcp_tool",
    "web_fetch",
    "write_to_file",
];

/// The kinds of rows about a tool call.
const ABOUT_TOOLS: &[&str] = &[
    "tool",
    "command",
    "browser_action_launch",
    "use_mcp_server",
    "use_mcp_tool",
    "access_mcp_resource",
];

/// A task: its messages, with the rows that were shown.
pub(super) fn task(path: &Path, text: &[u8]) -> Vec<u8> {
    let sent = elements(text);
    let shown = shown(&read(&path.with_file_name(SHOWN)));
    as_lines(path, &sent, &shown)
}

/// A task of which only the shown rows are left.
pub(super) fn shown_alone(path: &Path, text: &[u8]) -> Vec<u8> {
    let rows = elements(text);
    let mut records = vec![head(path)];
    for (at, row) in rows.iter().filter(|row| !is_partial(row)).enumerate() {
        records.extend(alone(row, at));
    }
    lines(records)
}

/// A message file of the command line, which holds everything.
pub(super) fn of_cli(path: &Path, text: &[u8]) -> Vec<u8> {
    let mut records = vec![head(path)];
    let whole = json::value_head(text).unwrap_or_default();
    if let Some(id) = string(&whole, "sessionId") {
        records[0]["id"] = json!(id);
    }
    for (at, message) in list(&whole, "messages").iter().enumerate() {
        let metrics = message.get("metrics").unwrap_or(&Value::Null);
        let model = message.get("modelInfo").unwrap_or(&Value::Null);
        records.push(json!({
            "cline": "message", "ts": message.get("ts"), "role": message.get("role"), "content": message.get("content"),
            "group": at.to_string(), "model": given(model, &["id", "modelId"]),
            "input": metrics.get("inputTokens"), "output": metrics.get("outputTokens"),
            "cache_read": metrics.get("cacheReadTokens"), "cache_write": metrics.get("cacheWriteTokens"),
            "cost": metrics.get("cost"),
        }));
    }
    lines(records)
}

fn read(path: &Path) -> Vec<Value> {
    let bytes = Bytes::open(path).ok();
    let text = bytes.and_then(|bytes| bytes.slice(0, bytes.len().ok()? as usize).ok());
    text.map(|text| elements(&text)).unwrap_or_default()
}

fn lines(records: Vec<Value>) -> Vec<u8> {
    let lines = records.into_iter().map(|line| line.to_string() + "\n");
    lines.collect::<String>().into_bytes()
}

fn head(path: &Path) -> Value {
    let whole = path.to_string_lossy();
    let known = [("roo", "roo-code"), ("kilo", "kilo-code")];
    let program = known
        .iter()
        .find(|(part, _)| whole.contains(part))
        .map_or("cline", |(_, name)| name);
    let is_task = path
        .file_name()
        .is_some_and(|name| name == SENT || name == SHOWN);
    let folder = path
        .parent()
        .and_then(Path::file_name)
        .unwrap_or_default()
        .to_string_lossy();
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    let id = if is_task { folder } else { stem };
    json!({ "cline": "task", "id": id, "program": program })
}

fn is_partial(row: &Value) -> bool {
    row.get("partial").and_then(Value::as_bool) == Some(true)
}

/// A request that was shown, and the rows about tools that follow it.
#[derive(Debug, Default)]
struct Shown {
    ts: Option<f64>,
    figures: Value,
    tools: Vec<Tool>,
}

#[derive(Debug)]
struct Tool {
    /// The user was asked; otherwise a setting approved the call.
    is_asked: bool,
    ts: Value,
    next: Value,
    args: Value,
}

fn shown(rows: &[Value]) -> Vec<Shown> {
    let rows: Vec<&Value> = rows.iter().filter(|row| !is_partial(row)).collect();
    let mut found: Vec<Shown> = Vec::new();
    for (at, row) in rows.iter().enumerate() {
        let kind = word(row, &["say", "ask"]);
        let next = rows
            .get(at + 1)
            .and_then(|next| next.get("ts"))
            .cloned()
            .unwrap_or_default();
        if kind == "api_req_started" {
            let records = string(row, "text").and_then(|text| json::value(text.as_bytes()));
            found.push(Shown {
                ts: row.get("ts").and_then(Value::as_f64),
                figures: records.unwrap_or_default(),
                tools: Vec::new(),
            });
        } else if ABOUT_TOOLS.contains(&kind.as_str())
            && let Some(last) = found.last_mut()
        {
            let text = string(row, "text").unwrap_or_default();
            let args = json::value(text.as_bytes()).unwrap_or_else(|| json!({ "command": text }));
            last.tools.push(Tool {
                is_asked: word(row, &["type"]) == "ask",
                ts: row.get("ts").cloned().unwrap_or_default(),
                next,
                args,
            });
        }
    }
    // A request that was never answered has no figures.
    found.retain(|it| {
        given(&it.figures, &["tokensOut", "tokensIn", "cost"]).is_some() || !it.tools.is_empty()
    });
    found
}

/// The request of each answer.
fn matched(answers: &[&Value], shown: &[Shown]) -> Vec<Option<usize>> {
    if answers.len() == shown.len() {
        return (0..answers.len()).map(Some).collect();
    }
    let mut from = 0;
    let mut found = Vec::new();
    for answer in answers {
        let ts = answer.get("ts").and_then(Value::as_f64);
        let rest = shown.get(from..).unwrap_or_default();
        let before = |it: &&Shown| ts.is_none_or(|ts| it.ts.is_none_or(|shown| shown <= ts));
        // The last request shown before the answer was kept; without times, the next one.
        let count = if ts.is_some() {
            rest.iter().take_while(before).count()
        } else {
            rest.len().min(1)
        };
        found.push(count.checked_sub(1).map(|at| from + at));
        from += count;
    }
    found
}

fn as_lines(path: &Path, sent: &[Value], shown: &[Shown]) -> Vec<u8> {
    let is_answer = |message: &&Value| word(message, &["role"]) == "assistant";
    let answers: Vec<&Value> = sent.iter().filter(is_answer).collect();
    let requests = matched(&answers, shown);
    let mut records = vec![head(path)];
    let mut answer = 0;
    let mut asked = Vec::new();
    let mut calls: Vec<(String, String)> = Vec::new();
    for (at, message) in sent.iter().enumerate() {
        let mut line =
            json!({ "cline": "message", "role": message.get("role"), "group": at.to_string() });
        line["ts"] = message.get("ts").cloned().unwrap_or_default();
        if is_answer(&message) {
            let request = requests
                .get(answer)
                .copied()
                .flatten()
                .and_then(|at| shown.get(at));
            answer += 1;
            calls.clear();
            line["content"] = Value::Array(spoken(message, at, &mut calls));
            line["model"] = given(
                message.get("modelInfo").unwrap_or(&Value::Null),
                &["modelId"],
            )
            .cloned()
            .unwrap_or_default();
            if let Some(request) = request {
                add_figures(&mut line, request);
                asked = request
                    .tools
                    .iter()
                    .zip(calls.iter().map(|(id, _)| id.clone()))
                    .collect();
            }
            records.push(line);
            continue;
        }
        let (content, denied) = answered(message, &calls);
        for (tool, call) in asked.drain(..).filter(|(tool, _)| tool.is_asked) {
            let verdict = if denied.contains(&call) {
                "denied"
            } else {
                "approved"
            };
            records.push(json!({
                "cline": "ask", "ts": tool.ts, "answered": tool.next, "call": call, "answer": verdict, "args": tool.args,
            }));
        }
        line["content"] = Value::Array(content);
        records.push(line);
    }
    let used: Vec<usize> = requests.into_iter().flatten().collect();
    for (at, request) in shown
        .iter()
        .enumerate()
        .filter(|(at, _)| !used.contains(at))
    {
        let mut line = json!({ "cline": "usage", "request": at });
        add_figures(&mut line, request);
        records.push(line);
    }
    lines(records)
}

fn add_figures(line: &mut Value, request: &Shown) {
    let names = [
        ("input", "tokensIn"),
        ("output", "tokensOut"),
        ("cache_read", "cacheReads"),
        ("cache_write", "cacheWrites"),
        ("cost", "cost"),
    ];
    for (name, shown) in names {
        line[name] = request.figures.get(shown).cloned().unwrap_or_default();
    }
    if line.get("ts").is_none_or(Value::is_null) {
        line["ts"] = json!(request.ts);
    }
}

/// The blocks of a message; a text is one block.
fn blocks(message: &Value) -> Vec<Value> {
    match message.get("content") {
        Some(Value::Array(blocks)) => blocks.clone(),
        Some(Value::String(text)) => vec![json!({ "type": "text", "text": text })],
        _ => Vec::new(),
    }
}

/// An answer, with tools in XML as blocks. The ids and names of its calls are added to `calls`.
fn spoken(message: &Value, at: usize, calls: &mut Vec<(String, String)>) -> Vec<Value> {
    let mut found = Vec::new();
    for block in blocks(message) {
        let text = string(&block, "text").filter(|_| word(&block, &["type"]) == "text");
        let tool = text.as_deref().and_then(|text| in_xml(text));
        if word(&block, &["type"]) == "tool_use" {
            calls.push((word(&block, &["id"]), word(&block, &["name"])));
        }
        let Some((words, name, args)) = tool else {
            found.push(block);
            continue;
        };
        let id = format!("{at}.{}", calls.len());
        calls.push((id.clone(), name.to_owned()));
        found.push(json!({ "type": "text", "text": words }));
        found.push(json!({ "type": "tool_use", "id": id, "name": name, "input": args }));
    }
    found
}

/// The text before a call in XML, the tool and its arguments.
fn in_xml(text: &str) -> Option<(&str, &'static str, Value)> {
    let first = TOOLS
        .iter()
        .filter_map(|tool| Some((text.find(&format!("<{tool}>"))?, *tool)))
        .min()?;
    let (at, tool) = first;
    let words = text.get(..at)?;
    let inner = text.get(at + tool.len() + 2..)?;
    let inner = inner
        .rsplit_once(&format!("</{tool}>"))
        .map_or(inner, |(inner, _)| inner);
    let mut args = serde_json::Map::new();
    let mut rest = inner;
    while let Some((_, tag)) = rest.split_once('<') {
        let Some((name, after)) = tag.split_once('>') else {
            break;
        };
        let is_name =
            !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        let end = format!("</{name}>");
        let Some((value, left)) = after.split_once(&end).filter(|_| is_name) else {
            break;
        };
        args.insert(name.to_owned(), Value::from(value.trim_matches('\n')));
        rest = left;
    }
    Some((words, tool, Value::Object(args)))
}

/// A user message, with the results of calls in XML as blocks, and the calls that were refused.
fn answered(message: &Value, calls: &[(String, String)]) -> (Vec<Value>, Vec<String>) {
    let mut found: Vec<Value> = Vec::new();
    let mut denied = Vec::new();
    let mut open: Option<usize> = None;
    for block in blocks(message) {
        let text = string(&block, "text").unwrap_or_default();
        let named = calls
            .iter()
            .find(|(_, name)| text.starts_with(&format!("[{name}")));
        if let Some((id, _)) = named.filter(|_| text.contains("Result:")) {
            let words = text
                .split_once("Result:")
                .map_or("", |(_, words)| words)
                .trim();
            open = Some(found.len());
            found.push(json!({ "type": "tool_result", "tool_use_id": id, "content": words }));
        } else if let Some(at) =
            open.filter(|_| !text.is_empty() && !text.starts_with("<environment_details>"))
        {
            let before = word(&found[at], &["content"]);
            found[at]["content"] = json!(format!("{before}\n{text}").trim());
        } else {
            open = None;
            found.push(block);
        }
    }
    for block in &found {
        if super::is_denial(block.get("content")) {
            denied.push(word(block, &["tool_use_id"]));
        }
    }
    (found, denied)
}

/// The contents of a shown row, without the other file.
fn alone(row: &Value, at: usize) -> Vec<Value> {
    let ts = row.get("ts").cloned().unwrap_or_default();
    let text = string(row, "text").unwrap_or_default();
    let kind = word(row, &["say", "ask"]);
    let message = |role: &str, block: Value| json!({ "cline": "message", "ts": ts, "role": role, "content": [block], "group": at.to_string() });
    let text_message = |role: &str| message(role, json!({ "type": "text", "text": text }));
    match kind.as_str() {
        _ if at == 0 => vec![text_message("user")],
        "text" | "completion_result" => vec![text_message("assistant")],
        "user_feedback" => vec![text_message("user")],
        "reasoning" => vec![message(
            "assistant",
            json!({ "type": "thinking", "thinking": text }),
        )],
        "api_req_started" => {
            let figures = json::value(text.as_bytes()).unwrap_or_default();
            let mut line = json!({ "cline": "usage", "ts": ts });
            add_figures(
                &mut line,
                &Shown {
                    ts: None,
                    figures,
                    tools: Vec::new(),
                },
            );
            vec![line]
        }
        "error" => vec![json!({ "cline": "error", "ts": ts, "text": text })],
        kind if ABOUT_TOOLS.contains(&kind) => {
            let args = json::value(text.as_bytes())
                .filter(Value::is_object)
                .unwrap_or_else(|| json!({ "command": text }));
            let name = string(&args, "tool").unwrap_or_else(|| kind.to_owned());
            vec![message(
                "assistant",
                json!({ "type": "tool_use", "id": at.to_string(), "name": name, "input": args }),
            )]
        }
        _ => vec![json!({ "cline": "note", "ts": ts, "text": text })],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn records(sent: &str, shown: &str) -> Vec<Value> {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join(SENT);
        std::fs::write(folder.path().join(SHOWN), shown).expect("written");
        let text = task(&path, sent.as_bytes());
        let text = String::from_utf8(text).expect("text");
        text.lines()
            .map(|line| serde_json::from_str(line).expect("JSON"))
            .collect()
    }

    #[test]
    fn messages_get_the_figures_and_approvals_that_were_shown() {
        let sent = r#"[{"role":"user","content":[{"type":"text","text":"<task>\nlist\n</task>"}]},
{"role":"assistant","content":[{"type":"text","text":"I look.\n<execute_command>\n<command>ls -l</command>\n<requires_approval>true</requires_approval>\n</execute_command>"}]},
{"role":"user","content":[{"type":"text","text":"[execute_command for 'ls -l'] Result:"},{"type":"text","text":"The user denied this operation."},{"type":"text","text":"<environment_details>x</environment_details>"}]},
{"role":"assistant","content":"done"}]"#;
        let shown = r#"[{"ts":1,"type":"say","say":"text","text":"list"},
{"ts":2,"type":"say","say":"api_req_started","text":"{\"tokensIn\":10,\"tokensOut\":3,\"cacheReads\":5,\"cost\":0.25}"},
{"ts":5,"type":"ask","ask":"command","text":"ls -l","partial":true},
{"ts":5,"type":"ask","ask":"command","text":"ls -l"},
{"ts":9005,"type":"say","say":"api_req_started","text":"{\"tokensIn\":1,\"tokensOut\":1,\"cost\":0.5}"},
{"ts":9009,"type":"say","say":"text","text":"done"}]"#;
        let records = records(sent, shown);
        let kinds: Vec<&str> = records
            .iter()
            .map(|line| line["cline"].as_str().expect("a kind"))
            .collect();
        assert_eq!(
            kinds,
            ["task", "message", "message", "ask", "message", "message"]
        );
        assert_eq!(records[2]["cost"], 0.25);
        assert_eq!(records[2]["cache_read"], 5);
        assert_eq!(records[2]["content"][1]["input"]["command"], "ls -l");
        assert_eq!(
            (records[3]["ts"].as_i64(), records[3]["answered"].as_i64()),
            (Some(5), Some(9005))
        );
        assert_eq!(records[3]["answer"], "denied");
        assert_eq!(records[3]["call"], records[2]["content"][1]["id"]);
        assert_eq!(
            records[4]["content"][0]["content"],
            "The user denied this operation."
        );
        assert_eq!(records[5]["cost"], 0.5);
    }

    #[test]
    fn a_request_without_an_answer_keeps_its_cost() {
        let sent =
            r#"[{"role":"user","content":"a","ts":1},{"role":"assistant","content":"b","ts":20}]"#;
        let shown = r#"[{"ts":2,"say":"api_req_started","text":"{\"tokensOut\":3,\"cost\":0.25}"},
{"ts":10,"say":"api_req_started","text":"{\"tokensOut\":4,\"cost\":0.5}"}]"#;
        let records = records(sent, shown);
        assert_eq!(records[2]["cost"], 0.5);
        assert_eq!(records[3]["cline"], "usage");
        assert_eq!(records[3]["cost"], 0.25);
    }
}
