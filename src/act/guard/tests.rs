//! The contract of each host: what it sends, and exactly what it gets back.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::hook_call::{Event, HookCall};
use super::host::{HOSTS, Host, HostAnswer, by_name};
use crate::base::testing;

fn host(name: &str) -> &'static Host {
    by_name(name).expect("a host")
}

#[track_caller]
fn reads(name: &str, payload: &Value) -> HookCall {
    let hook = (host(name).read)(payload);
    hook.unwrap_or_else(|| panic!("{name} does not know {payload}"))
}

/// Each host's minimal payload before a tool call.
fn before(name: &str) -> Value {
    let claude = json!({
        "session_id": "s1", "transcript_path": "/t.jsonl", "cwd": "/w", "permission_mode": "default",
        "hook_event_name": "PreToolUse", "tool_name": "Bash", "tool_input": {"command": "ls"},
        "tool_use_id": "toolu_1",
    });
    let with = |more: Value| {
        let mut all = claude.clone();
        for (key, value) in more.as_object().into_iter().flatten() {
            all[key] = value.clone();
        }
        all
    };
    match name {
        "claude-code" => claude,
        "codex" => with(json!({"turn_id": "t1", "model": "gpt-5.5"})),
        "qwen" => with(
            json!({"timestamp": "2026-11-22T10:00:00Z", "tool_call_id": "call_1", "tool_name": "run_shell_command"}),
        ),
        "kimi" => with(json!({"tool_call_id": "call_1", "tool_use_id": null})),
        "gemini" => json!({
            "session_id": "s1", "transcript_path": "/t.json", "cwd": "/w", "hook_event_name": "BeforeTool",
            "timestamp": "2026-11-22T10:00:00Z", "tool_name": "run_shell_command", "tool_input": {"command": "ls"},
        }),
        "copilot" => json!({
            "sessionId": "s1", "timestamp": 1_795_478_400_000_i64, "cwd": "/w", "toolName": "bash",
            "toolArgs": "{\"command\":\"ls\"}",
        }),
        "cursor" => json!({
            "conversation_id": "s1", "generation_id": "g", "model": "m", "hook_event_name": "preToolUse",
            "cursor_version": "3.9.16", "workspace_roots": ["/w"], "user_email": "a@b.c", "transcript_path": null,
            "tool_name": "Shell", "tool_input": {"command": "ls"}, "tool_use_id": "tu1",
        }),
        "opencode" => json!({
            "hook": "tool.execute.before", "tool": "bash", "sessionID": "s1", "callID": "c1", "args": {"command": "ls"}, "directory": "/w",
        }),
        _ => {
            json!({"event": "before", "run_id": "s1", "call_id": "c1", "tool": "bash", "args": {"command": "ls"}, "cwd": "/w"})
        }
    }
}

#[test]
fn every_host_describes_a_call_alike() {
    for host in HOSTS {
        let hook = reads(host.name, &before(host.name));
        assert_eq!(hook.event, Event::Before, "{}", host.name);
        assert_eq!(hook.run, "s1");
        assert_eq!(hook.args, json!({"command": "ls"}), "{}", host.name);
        assert_eq!(hook.cwd.as_deref(), Some("/w"), "{}", host.name);
        assert!(!hook.tool.is_empty());
        let has_id = !matches!(host.name, "gemini" | "copilot");
        assert_eq!(hook.call.is_some(), has_id, "{}", host.name);
    }
    assert_eq!(
        reads("qwen", &before("qwen")).call.as_deref(),
        Some("call_1")
    );
    assert_eq!(
        reads("kimi", &before("kimi")).call.as_deref(),
        Some("call_1")
    );
}

#[test]
fn a_host_does_not_accept_the_payload_of_another() {
    for (name, other) in [
        ("claude-code", "codex"),
        ("claude-code", "copilot"),
        ("claude-code", "cursor"),
        ("claude-code", "gemini"),
        ("claude-code", "qwen"),
        ("codex", "claude-code"),
        ("codex", "copilot"),
        ("qwen", "claude-code"),
        ("gemini", "claude-code"),
        ("gemini", "copilot"),
        ("copilot", "claude-code"),
        ("cursor", "claude-code"),
        ("opencode", "claude-code"),
        ("sdk", "claude-code"),
    ] {
        assert_eq!(
            (host(name).read)(&before(other)),
            None,
            "{name} reads {other}"
        );
    }
    for host in HOSTS {
        for odd in [
            json!({}),
            json!([]),
            json!("x"),
            json!({"hook_event_name": "PreToolUse"}),
        ] {
            assert_eq!((host.read)(&odd), None, "{} reads {odd}", host.name);
        }
    }
}

#[track_caller]
fn says(name: &str, say: &HostAnswer, expected: &str) {
    let hook = reads(name, &before(name));
    assert_eq!((host(name).reply)(&hook, say), expected, "{name} {say:?}");
}

#[test]
fn every_host_gets_a_denial_in_exactly_its_own_shape() {
    let no = HostAnswer::Deny("why".to_owned());
    let a = r#"{"hookSpecificOutput":{"hookEventName":"PreToolUse","permissionDecision":"deny","permissionDecisionReason":"why"}}"#;
    for name in ["claude-code", "codex", "qwen", "kimi"] {
        says(name, &no, a);
    }
    says("gemini", &no, r#"{"decision":"deny","reason":"why"}"#);
    says(
        "copilot",
        &no,
        r#"{"permissionDecision":"deny","permissionDecisionReason":"why"}"#,
    );
    says(
        "cursor",
        &no,
        r#"{"permission":"deny","user_message":"why","agent_message":"why"}"#,
    );
    says("opencode", &no, r#"{"decision":"deny","reason":"why"}"#);
    says("sdk", &no, r#"{"decision":"deny","reason":"why"}"#);
}

#[test]
fn only_hosts_that_understand_an_approval_get_one() {
    let yes = HostAnswer::Allow("ok".to_owned());
    let a = r#"{"hookSpecificOutput":{"hookEventName":"PreToolUse","permissionDecision":"allow","permissionDecisionReason":"ok"}}"#;
    for name in ["claude-code", "qwen"] {
        says(name, &yes, a);
    }
    for name in ["codex", "kimi"] {
        says(name, &yes, "");
    }
    says("gemini", &yes, "{}");
    says(
        "copilot",
        &yes,
        r#"{"permissionDecision":"allow","permissionDecisionReason":"ok"}"#,
    );
    says("cursor", &yes, r#"{"permission":"allow"}"#);
}

#[test]
fn only_hosts_that_can_ask_are_handed_a_question() {
    let ask = HostAnswer::Ask("why".to_owned());
    for host in HOSTS {
        let hook = reads(host.name, &before(host.name));
        let said = (host.reply)(&hook, &ask);
        assert_eq!(said.contains("\"ask\""), host.can_ask, "{}", host.name);
        assert_eq!(
            said.contains("deny"),
            !host.can_ask,
            "{} must not run it",
            host.name
        );
    }
}

#[test]
fn without_a_decision_each_host_gets_its_neutral_answer() {
    for name in ["claude-code", "codex", "qwen", "kimi"] {
        says(name, &HostAnswer::Nothing, "");
    }
    for name in ["gemini", "copilot"] {
        says(name, &HostAnswer::Nothing, "{}");
    }
    says("cursor", &HostAnswer::Nothing, r#"{"permission":"allow"}"#);
    for name in ["opencode", "sdk"] {
        says(name, &HostAnswer::Nothing, r#"{"decision":"allow"}"#);
    }
}

#[test]
fn a_hosts_own_prompt_is_answered_in_its_own_shape() {
    let mut payload = before("claude-code");
    payload["hook_event_name"] = json!("PermissionRequest");
    for (name, more) in [
        ("claude-code", json!({})),
        ("codex", json!({"turn_id": "t"})),
        ("qwen", json!({"timestamp": "t"})),
    ] {
        let mut payload = payload.clone();
        for (key, value) in more.as_object().into_iter().flatten() {
            payload[key] = value.clone();
        }
        let hook = reads(name, &payload);
        assert_eq!(hook.event, Event::Permission);
        assert_eq!(
            (host(name).reply)(&hook, &HostAnswer::Deny("why".to_owned())),
            r#"{"hookSpecificOutput":{"hookEventName":"PermissionRequest","decision":{"behavior":"deny","message":"why"}}}"#
        );
        assert_eq!(
            (host(name).reply)(&hook, &HostAnswer::Allow(String::new())),
            r#"{"hookSpecificOutput":{"hookEventName":"PermissionRequest","decision":{"behavior":"allow"}}}"#
        );
        assert_eq!((host(name).reply)(&hook, &HostAnswer::Nothing), "");
    }
    let hook = reads(
        "copilot",
        &json!({"sessionId": "s", "toolName": "bash", "toolInput": {"command": "ls"}}),
    );
    assert_eq!(hook.event, Event::Permission);
    assert_eq!(
        (host("copilot").reply)(&hook, &HostAnswer::Deny("why".to_owned())),
        r#"{"behavior":"deny","message":"why"}"#
    );
}

#[track_caller]
fn ends(
    name: &str,
    payload: &Value,
    status: Option<&str>,
    result: Option<&Value>,
    error: Option<&str>,
) {
    let hook = reads(name, payload);
    let Event::After(outcome) = hook.event else {
        panic!("{name}: {:?}", hook.event);
    };
    assert_eq!(outcome.status, status, "{name}");
    assert_eq!(outcome.result.as_ref(), result, "{name}");
    assert_eq!(outcome.error.as_deref(), error, "{name}");
}

#[test]
fn an_outcome_is_read_as_far_as_the_host_reports_it() {
    let claude = |event: &str, more: Value| {
        let mut all = json!({"session_id": "s", "hook_event_name": event, "tool_name": "Bash", "tool_input": {}, "tool_use_id": "t"});
        for (key, value) in more.as_object().into_iter().flatten() {
            all[key] = value.clone();
        }
        all
    };
    let answer = json!({"stdout": "x"});
    ends(
        "claude-code",
        &claude(
            "PostToolUse",
            json!({"tool_response": answer, "duration_ms": 7}),
        ),
        Some("ok"),
        Some(&answer),
        None,
    );
    ends(
        "claude-code",
        &claude("PostToolUseFailure", json!({"error": "boom"})),
        Some("error"),
        None,
        Some("boom"),
    );
    ends(
        "claude-code",
        &claude(
            "PostToolUseFailure",
            json!({"error": "no", "is_interrupt": true}),
        ),
        Some("cancelled"),
        None,
        Some("no"),
    );
    ends(
        "codex",
        &claude("PostToolUse", json!({"turn_id": "t", "tool_response": "x"})),
        None,
        Some(&json!("x")),
        None,
    );
    let gemini = |response: Value| json!({"session_id": "s", "timestamp": "t", "hook_event_name": "AfterTool", "tool_name": "ls", "tool_input": {}, "tool_response": response});
    ends(
        "gemini",
        &gemini(json!({"llmContent": "x", "returnDisplay": "y", "error": null})),
        Some("ok"),
        Some(&json!("x")),
        None,
    );
    ends(
        "gemini",
        &gemini(json!({"llmContent": "x", "error": "bad"})),
        Some("error"),
        Some(&json!("x")),
        Some("bad"),
    );
    let copilot = |kind: &str| json!({"sessionId": "s", "toolName": "bash", "toolArgs": {}, "toolResult": {"resultType": kind, "textResultForLlm": "x"}});
    ends(
        "copilot",
        &copilot("success"),
        Some("ok"),
        Some(&json!("x")),
        None,
    );
    ends(
        "copilot",
        &copilot("failure"),
        Some("error"),
        None,
        Some("x"),
    );
    ends("copilot", &copilot("new"), None, Some(&json!("x")), None);
    let cursor = |event: &str, more: Value| {
        let mut all = json!({"conversation_id": "s", "hook_event_name": event, "tool_name": "Shell", "tool_input": {}, "tool_use_id": "t"});
        for (key, value) in more.as_object().into_iter().flatten() {
            all[key] = value.clone();
        }
        all
    };
    ends(
        "cursor",
        &cursor(
            "postToolUse",
            json!({"tool_output": "{\"a\":1}", "duration": 3}),
        ),
        Some("ok"),
        Some(&json!({"a": 1})),
        None,
    );
    ends(
        "cursor",
        &cursor("postToolUseFailure", json!({"error_message": "x"})),
        Some("error"),
        None,
        Some("x"),
    );
}

#[test]
fn kimi_sends_prompts_in_parts_and_the_beginning_of_results() {
    let kimi = |event: &str, more: Value| {
        let mut all = json!({"hook_event_name": event, "session_id": "s", "cwd": "/w", "client_type": "kimi_code_cli"});
        for (key, value) in more.as_object().into_iter().flatten() {
            all[key] = value.clone();
        }
        all
    };
    let prompt = json!({"prompt": [{"type": "text", "text": "go"}, {"type": "image"}]});
    let hook = reads("kimi", &kimi("UserPromptSubmit", prompt));
    assert_eq!(hook.event, Event::Prompt("go".to_owned()));
    let call = json!({"tool_name": "Bash", "tool_input": {}, "tool_call_id": "c"});
    let with = |name: &str, value: Value| {
        let mut all = call.clone();
        all[name] = value;
        all
    };
    let ok = kimi("PostToolUse", with("tool_output", json!("x")));
    ends("kimi", &ok, Some("ok"), Some(&json!("x")), None);
    let long = kimi("PostToolUse", with("tool_output", json!("x".repeat(2000))));
    let Event::After(outcome) = reads("kimi", &long).event else {
        panic!("not a result");
    };
    assert!(outcome.is_cut);
    let failed = kimi(
        "PostToolUseFailure",
        with("error", json!({"code": "internal", "message": "boom"})),
    );
    ends("kimi", &failed, Some("error"), None, Some("boom"));
}

#[test]
fn an_empty_prompt_from_qwen_is_ignored() {
    let prompt = |text: &str| {
        reads("qwen", &json!({"session_id": "s", "timestamp": "t", "hook_event_name": "UserPromptSubmit", "prompt": text})).event
    };
    assert_eq!(prompt(""), Event::Other);
    assert_eq!(prompt("go"), Event::Prompt("go".to_owned()));
}

/// The member that names the event, for the hosts that name it.
fn names_event(host: &str) -> Option<&'static str> {
    match host {
        "opencode" => Some("hook"),
        "sdk" => Some("event"),
        "copilot" => None,
        _ => Some("hook_event_name"),
    }
}

#[test]
fn an_event_about_a_tool_that_is_not_understood_is_refused_by_every_host() {
    for host in HOSTS {
        let Some(name) = names_event(host.name) else {
            continue;
        };
        for event in [
            "BeforeEverything",
            "tool.execute.retry",
            "beforeShellExecution",
            "",
        ] {
            let mut payload = before(host.name);
            payload[name] = json!(event);
            assert_eq!((host.read)(&payload), None, "{} {event}", host.name);
        }
        let mut payload = before(host.name);
        payload[name] = json!(7);
        assert_eq!((host.read)(&payload), None, "{}", host.name);
    }
    let copilot =
        json!({"sessionId": "s", "cwd": "/w", "toolCallId": "c", "command": "ls", "reason": "x"});
    assert_eq!((host("copilot").read)(&copilot), None);
    // What Cursor sends for a command that its general event does not cover.
    let shell = json!({
        "conversation_id": "s", "hook_event_name": "beforeShellExecution", "command": "ls", "cwd": "/w",
    });
    let read = json!({"conversation_id": "s", "hook_event_name": "beforeReadFile", "file_path": "/etc/passwd"});
    for payload in [shell, read] {
        assert_eq!((host("cursor").read)(&payload), None, "{payload}");
    }
}

#[test]
fn an_event_that_is_about_no_tool_passes_with_every_host() {
    for host in HOSTS {
        let payload = match host.name {
            "copilot" => {
                json!({"sessionId": "s1", "timestamp": 1, "cwd": "/w", "stopReason": "end_turn"})
            }
            "cursor" => json!({
                "conversation_id": "s1", "hook_event_name": "preCompact", "model": "m", "tool_name": null,
            }),
            "opencode" => {
                json!({"hook": "session.idle", "sessionID": "s1", "directory": "/w"})
            }
            "sdk" => json!({"event": "checkpoint", "run_id": "s1"}),
            _ => json!({
                "session_id": "s1", "transcript_path": "/t", "cwd": "/w", "permission_mode": "default",
                "timestamp": "t", "hook_event_name": "Notification", "message": "waiting",
            }),
        };
        let payload = match host.name {
            "claude-code" | "codex" | "kimi" => {
                let mut payload = payload;
                payload["timestamp"] = Value::Null;
                payload
            }
            _ => payload,
        };
        let hook = reads(host.name, &payload);
        assert_eq!(hook.event, Event::Other, "{}", host.name);
        let said = (host.reply)(&hook, &HostAnswer::Nothing);
        assert!(!said.contains("deny"), "{}: {said}", host.name);
    }
}

/// Whatever a host sends in place of a field, a call is either refused or decided on as a call.
#[test]
fn no_payload_about_a_call_passes_as_something_else() {
    let wrong = [
        json!(null),
        json!(7),
        json!(true),
        json!(""),
        json!([]),
        json!({}),
        json!("\u{0}\u{202e}"),
    ];
    for host in HOSTS {
        let payload = before(host.name);
        for key in payload.as_object().expect("an object").keys() {
            if matches!(key.as_str(), "hook_event_name" | "hook" | "event") {
                continue;
            }
            for wrong in &wrong {
                let mut bent = payload.clone();
                bent[key] = wrong.clone();
                let Some(hook) = (host.read)(&bent) else {
                    continue;
                };
                let at = format!("{}: {key} = {wrong}", host.name);
                assert_eq!(hook.event, Event::Before, "{at}");
                assert!(!hook.tool.is_empty(), "{at}");
            }
        }
    }
}

/// What payloads are made of.
#[rustfmt::skip]
const SOUGHT: &[&str] = &[
    "session_id", "sessionId", "sessionID", "conversation_id", "run_id", "hook_event_name", "hook", "event", "tool_name",
    "toolName", "tool", "tool_input", "toolArgs", "toolInput", "toolResult", "args", "tool_use_id", "tool_call_id", "callID",
    "call_id", "tool_response", "tool_output", "tool_calls", "output", "error", "duration_ms", "is_interrupt", "timestamp",
    "turn_id", "model", "prompt", "text", "reason", "cwd", "agent_id", "agent_type", "workspace_roots", "PreToolUse",
    "PostToolUse", "PostToolBatch", "PermissionRequest", "BeforeTool", "AfterTool", "preToolUse", "postToolUse",
    "tool.execute.before", "tool.execute.after", "before", "after", "SessionStart", "Stop",
];

proptest! {
    #![proptest_config(testing::cases(256))]

    #[test]
    fn any_payload_is_read_or_refused_and_can_be_answered(payload in testing::json(SOUGHT)) {
        let denied = HostAnswer::Deny("why".to_owned());
        for host in HOSTS {
            if let Some(hook) = (host.read)(&payload) {
                let is_call = matches!(hook.event, Event::Before | Event::After(_) | Event::Permission);
                prop_assert!(!is_call || !hook.tool.is_empty());
                let said = (host.reply)(&hook, &denied);
                prop_assert!(hook.event != Event::Before || said.contains("deny"), "{}: {}", host.name, said);
            }
        }
    }

    /// Whatever else it holds, a payload that names a tool is not taken for an event about none.
    #[test]
    fn no_event_with_a_tool_passes_under_an_unknown_name(event in "[a-zA-Z._]{0,16}", more in testing::json(SOUGHT)) {
        for host in HOSTS {
            let mut payload = before(host.name);
            if let (Value::Object(payload), Value::Object(more)) = (&mut payload, &more) {
                for (name, value) in more {
                    payload.entry(name.clone()).or_insert_with(|| value.clone());
                }
            }
            if let Some(name) = names_event(host.name) {
                payload[name] = json!(format!("x{event}"));
            }
            let hook = (host.read)(&payload);
            let is_decided = hook.is_none_or(|it| matches!(it.event, Event::Before | Event::After(_) | Event::Permission));
            prop_assert!(is_decided, "{}: {}", host.name, payload);
        }
    }
}
