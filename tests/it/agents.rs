//! The peculiar records of some agents: failures given only in words, messages written twice, calls that the harness
//! rejects. Inputs are small and written by hand; each names the behaviour of the tool that it represents.

use saferun_tui::model::action::Flags;
use saferun_tui::store::Store;
use serde_json::{Value, json};

use crate::support::load;

/// A file with this name and text, opened as the program does.
fn opened(name: &str, text: &str) -> Store {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join(name);
    std::fs::write(&path, text).expect("a file");
    load(&[path])
}

/// The cost of the first run, in picodollars.
fn cost(store: &Store) -> Option<i64> {
    let (cost, _) = store.runs()[0].cost()?;
    cost.get()
}

fn document(name: &str, value: &Value) -> Store {
    opened(name, &value.to_string())
}

fn lines(name: &str, values: &[Value]) -> Store {
    let text: String = values
        .iter()
        .flat_map(|value| [value.to_string(), "\n".to_owned()])
        .collect();
    opened(name, &text)
}

/// Kind, tool and status of every row; `?` marks a status derived from words.
fn rows(store: &Store) -> Vec<String> {
    let words = store.rows().map(|row| {
        let doubt = if row.flags().has(Flags::INFERRED) {
            "?"
        } else {
            ""
        };
        let status = format!("{}{doubt}", row.status().word());
        let words = [row.kind().word(), row.tool(), &status];
        let words = words.into_iter().filter(|word| !word.is_empty());
        words.collect::<Vec<_>>().join(" ")
    });
    words.collect()
}

/// The rows of tool calls alone.
fn calls(store: &Store) -> Vec<String> {
    let mut rows = rows(store);
    rows.retain(|row| row.starts_with("tool_call"));
    rows
}

fn gemini(id: &str, tokens: u64) -> Value {
    json!({
        "id": id, "type": "gemini", "timestamp": "2026-10-01T10:00:05Z", "model": "gemini-3-pro",
        "content": format!("answer {id}"), "tokens": {"input": tokens, "output": 1, "cached": 0, "thoughts": 0},
    })
}

fn asked(id: &str) -> Value {
    json!({"id": id, "type": "user", "timestamp": "2026-10-01T10:00:00Z", "content": "question"})
}

fn gemini_header() -> Value {
    json!({"sessionId": "s1", "projectHash": "f00d", "startTime": "2026-10-01T10:00:00Z", "kind": "main"})
}

#[test]
fn a_gemini_message_in_a_snapshot_counts_once() {
    let snapshot = json!({"$set": {"messages": [asked("u1"), gemini("g1", 100)]}});
    let store = lines(
        "session-1.jsonl",
        &[
            gemini_header(),
            asked("u1"),
            gemini("g1", 100),
            snapshot,
            gemini("g2", 200),
        ],
    );
    assert_eq!(
        rows(&store)
            .iter()
            .filter(|row| row.starts_with("response"))
            .count(),
        2
    );
    assert_eq!(store.runs()[0].totals.usage.input.get(), Some(300));
}

#[test]
fn a_gemini_snapshot_may_bring_messages_that_have_no_line() {
    let snapshot = json!({"$set": {"messages": [asked("u1"), gemini("g1", 100)]}});
    let store = lines("session-1.jsonl", &[gemini_header(), snapshot]);
    assert_eq!(rows(&store), ["prompt", "response"]);
    assert_eq!(store.runs()[0].totals.usage.input.get(), Some(100));
}

#[test]
fn a_gemini_header_line_may_hold_the_whole_conversation() {
    let mut header = gemini_header();
    header["messages"] = json!([asked("u1"), gemini("g1", 100)]);
    let store = lines("session-1.jsonl", &[header, asked("u2"), gemini("g2", 50)]);
    assert_eq!(rows(&store), ["prompt", "response", "prompt", "response"]);
    assert_eq!(store.runs()[0].totals.usage.input.get(), Some(150));
}

#[test]
fn an_edit_that_swe_agent_rejects_is_an_inferred_error() {
    let step = |action: &str, observation: &str| json!({"action": action, "observation": observation, "response": "I try this", "thought": "t"});
    let rejected = "Your proposed edit has introduced new syntax error(s). Please read this error message carefully.";
    let store = document(
        "task.traj",
        &json!({"trajectory": [
            step("edit 1:2\nx = (\nend_of_edit", rejected),
            step("python run.py", "COMMAND TIMED OUT after 30 seconds"),
            step("ls", "a.py"),
            step("grep 'edit has introduced' log", "nothing was found"),
        ], "info": {}}),
    );
    assert_eq!(
        calls(&store),
        [
            "tool_call edit error?",
            "tool_call python timeout?",
            "tool_call ls",
            "tool_call grep"
        ]
    );
    assert_eq!(store.runs()[0].totals.errors, 2);
}

fn mini_swe(messages: &Value) -> Value {
    json!({
        "trajectory_format": "mini-swe-agent-2", "messages": messages,
        "info": {"mini_version": "2.0", "exit_status": "Submitted", "config": {"model": {"model_name": "gemini-3-pro"}}},
    })
}

#[test]
fn return_codes_of_mini_swe_agent_are_statuses() {
    let said = |command: &str| json!({"role": "assistant", "content": format!("Next:\n```bash\n{command}\n```")});
    let result = |code: u8| json!({"role": "user", "content": format!("<returncode>{code}</returncode>\n<output>\nx\n</output>")});
    let store = document(
        "task.traj.json",
        &mini_swe(&json!([
            {"role": "system", "content": "You write ```bash blocks"}, {"role": "user", "content": "fix it"},
            said("true"), result(0), said("false"), result(1), said("sleep 99"),
            {"role": "user", "content": "The last command <command>sleep 99</command> timed out"},
        ])),
    );
    assert_eq!(
        calls(&store),
        [
            "tool_call bash ok",
            "tool_call bash error",
            "tool_call bash timeout"
        ]
    );
}

#[test]
fn mini_swe_agent_2_calls_tools_by_id() {
    let call = |id: &str| {
        json!({"role": "assistant", "content": null, "tool_calls": [
            {"id": id, "type": "function", "function": {"name": "bash", "arguments": "{\"command\":\"make\"}"}}]})
    };
    let result = |id: &str, code: u8| json!({"role": "tool", "tool_call_id": id, "content": "out", "extra": {"returncode": code}});
    let store = document(
        "task.traj.json",
        &mini_swe(&json!([
            {"role": "user", "content": "build"}, call("a"), result("a", 0), call("b"), result("b", 2),
        ])),
    );
    assert_eq!(calls(&store), ["tool_call bash ok", "tool_call bash error"]);
}

#[test]
fn an_answer_that_mini_swe_agent_rejects_is_paid_for() {
    let used = json!({"created": 1_790_000_000, "model": "gemini-3-pro",
        "usage": {"prompt_tokens": 400, "completion_tokens": 20, "cost": 0.25}});
    let store = document(
        "task.traj.json",
        &mini_swe(&json!([
            {"role": "user", "content": "build"},
            {"role": "user", "content": "No tool call found.", "extra": {"interrupt_type": "FormatError", "response": used}},
        ])),
    );
    let totals = &store.runs()[0].totals;
    assert_eq!(totals.usage.input.get(), Some(400));
    assert_eq!(cost(&store), Some(250_000_000_000));
}

#[test]
fn openhands_reports_failures_by_exit_code_and_by_words() {
    let call = |id: u8, action: &str, args: Value| json!({"id": id, "source": "agent", "action": action, "args": args, "timestamp": "2026-10-01T10:00:00"});
    let seen = |id: u8, cause: u8, observation: &str, content: &str, extras: Value| {
        json!({"id": id, "cause": cause, "source": "agent", "observation": observation, "content": content,
            "extras": extras, "timestamp": "2026-10-01T10:00:01"})
    };
    let store = document(
        "task.json",
        &json!([
            {"id": 0, "source": "user", "action": "message", "args": {"content": "fix it"}, "timestamp": "2026-10-01T10:00:00"},
            call(1, "run", json!({"command": "make"})),
            seen(2, 1, "run", "no rule", json!({"exit_code": 2})),
            call(3, "edit", json!({"path": "/a.py"})),
            seen(4, 3, "edit", "ERROR:\nNo replacement was performed", json!({})),
            call(5, "read", json!({"path": "/a.py"})),
            seen(6, 5, "read", "x = 1", json!({})),
            call(7, "read", json!({"path": "/nowhere"})),
            seen(8, 7, "error", "File not found: /nowhere", json!({})),
        ]),
    );
    let calls = calls(&store);
    assert_eq!(calls[0], "tool_call run error");
    assert_eq!(calls[1], "tool_call edit error?");
    assert!(!calls[2].contains("error"), "{calls:?}");
    assert_eq!(calls[3], "tool_call read error");
}

#[test]
fn codex_reports_failures_in_the_words_of_its_outputs() {
    let item = |payload: Value| json!({"timestamp": "2026-10-01T10:00:00Z", "type": "response_item", "payload": payload});
    let call = |id: &str, name: &str| {
        item(json!({"type": "function_call", "name": name, "arguments": "{}", "call_id": id}))
    };
    let output = |id: &str, output: Value| {
        item(json!({"type": "function_call_output", "call_id": id, "output": output}))
    };
    let store = lines(
        "rollout-2026-10-01T10-00-00-x.jsonl",
        &[
            json!({"timestamp": "2026-10-01T10:00:00Z", "type": "session_meta", "payload": {"id": "x"}}),
            call("a", "exec_command"),
            output(
                "a",
                json!("failed to parse function arguments: missing field `cmd` at line 1 column 2"),
            ),
            call("b", "exec_command"),
            output("b", json!("aborted by user after 3.0s")),
            call("c", "exec_command"),
            output(
                "c",
                json!("Script failed\nWall time 0.1 seconds\nOutput:\nno such file"),
            ),
            call("d", "exec_command"),
            output("d", json!("all is well")),
        ],
    );
    assert_eq!(
        calls(&store),
        [
            "tool_call exec_command error?",
            "tool_call exec_command cancelled?",
            "tool_call exec_command error?",
            "tool_call exec_command",
        ]
    );
}

#[test]
fn a_recorded_cost_of_nothing_is_a_cost_and_a_missing_one_is_none() {
    let said = |cost: Value| {
        let mut response = json!({"type": "response", "run_id": "r1", "model": "unheard-of", "content": "hi",
            "usage": {"input_tokens": 10, "output_tokens": 1}});
        if !cost.is_null() {
            response["cost_usd"] = cost;
        }
        lines(
            "trace.jsonl",
            &[json!({"type": "run_start", "run_id": "r1"}), response],
        )
    };
    assert_eq!(cost(&said(json!(0))), Some(0));
    assert_eq!(cost(&said(Value::Null)), None);
}
