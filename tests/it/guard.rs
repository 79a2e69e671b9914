//! The hook as hosts run it: a separate process, with its payload on standard input and its answer on standard output.

use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use saferun_tui::act::ask::approver::Approver;
use saferun_tui::act::ask::mailbox::Mailbox;
use saferun_tui::act::ask::{Ask, State};
use saferun_tui::act::places::Places;
use saferun_tui::base::clock::{Clock, System};
use serde_json::{Value, json};

struct Home(tempfile::TempDir);

const POLICY: &str = r#"version = 1
wait = "30s"
[[rule]]
id = "rm"
effect = "ask"
when = 'args.command~"rm -rf"'
reason = "recursive delete"
[[rule]]
id = "push"
effect = "deny"
when = 'args.command~"git push"'
reason = "a person pushes"
"#;

impl Home {
    fn new(policy: &str) -> Home {
        let home = Home(tempfile::tempdir().expect("a folder"));
        home.write(".config/saferun-tui/policy.toml", policy);
        home
    }

    fn write(&self, path: &str, text: &str) -> PathBuf {
        let path = self.0.path().join(path);
        fs::create_dir_all(path.parent().expect("a folder")).expect("created");
        fs::write(&path, text).expect("written");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("set");
        path
    }

    fn places(&self) -> Places {
        let home = self.0.path().to_owned();
        Places::of(|name| (name == "HOME").then(|| home.clone())).expect("a home")
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_saferun-tui"));
        command
            .args(arguments)
            .env_clear()
            .env("HOME", self.0.path())
            .env("PLANTED", "sk-planted-0123456789")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    fn start(&self, arguments: &[&str], payload: &str) -> Child {
        let mut child = self.command(arguments).spawn().expect("started");
        let mut stdin = child.stdin.take().expect("a pipe");
        stdin.write_all(payload.as_bytes()).expect("told");
        child
    }

    fn hook(&self, arguments: &[&str], payload: &Value) -> Output {
        let child = self.start(arguments, &payload.to_string());
        child.wait_with_output().expect("it ends")
    }

    /// The events of all traces.
    fn events(&self) -> Vec<Value> {
        let mut events = Vec::new();
        for path in files(&self.0.path().join(".local/state/saferun-tui/traces")) {
            let mode = fs::metadata(&path).expect("there").permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
            let text = fs::read_to_string(path).expect("read");
            events.extend(
                text.lines()
                    .map(|line| serde_json::from_str::<Value>(line).expect("JSON")),
            );
        }
        events
    }

    fn kinds(&self) -> Vec<String> {
        let events = self.events();
        let word = |event: &Value, name: &str| event[name].as_str().unwrap_or_default().to_owned();
        let words = events.iter().map(|event| {
            let more = ["decision", "state", "status"]
                .map(|name| word(event, name))
                .concat();
            format!("{} {more}", word(event, "type")).trim().to_owned()
        });
        words.collect()
    }

    /// Answers the next question, as an explorer would.
    fn answer(&self, state: State, reason: &str) -> Ask {
        let mailbox = Mailbox::usable(&self.places()).expect("a mailbox");
        let end = Instant::now() + Duration::from_secs(20);
        while Instant::now() < end {
            if let Some(ask) = mailbox.list().pop() {
                let now = System.now();
                let answer = ask.answer(state, "alex@box (tui)", reason, now);
                mailbox.answer(&ask, &answer, now).expect("answered");
                return ask;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        panic!("nothing was asked");
    }
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut found = Vec::new();
    for path in entries.map(|entry| entry.path()) {
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push(path);
        }
    }
    found.sort();
    found
}

fn claude(event: &str, command: &str, more: &Value) -> Value {
    let mut payload = json!({
        "session_id": "s1", "cwd": "/", "hook_event_name": event, "tool_name": "Bash",
        "tool_input": {"command": command}, "tool_use_id": "toolu_1",
    });
    for (name, value) in more.as_object().into_iter().flatten() {
        payload[name] = value.clone();
    }
    payload
}

fn bash(command: &str) -> Value {
    claude("PreToolUse", command, &json!({}))
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

const HOOK: &[&str] = &["guard", "claude-code"];

#[test]
fn a_call_without_a_rule_is_recorded_and_left_to_the_host() {
    let home = Home::new(POLICY);
    let before = home.hook(HOOK, &bash("ls"));
    assert_eq!(
        (said(&before).as_str(), before.status.code()),
        ("", Some(0))
    );
    let more = json!({"tool_response": {"stdout": "a"}, "duration_ms": 7});
    let after = home.hook(HOOK, &claude("PostToolUse", "ls", &more));
    assert_eq!(after.status.code(), Some(0));
    assert_eq!(
        home.kinds(),
        [
            "run_start",
            "tool_call",
            "policy_decision allow",
            "tool_result ok"
        ]
    );
    let events = home.events();
    assert_eq!(events[3]["result"], json!({"stdout": "a"}));
    assert_eq!(events[3]["duration_ms"], json!(7));
    assert!(
        events
            .iter()
            .all(|event| event["via"] == "hook" && event["run_id"] == "s1")
    );
}

#[test]
fn a_denial_carries_the_reason_of_its_rule() {
    let home = Home::new(POLICY);
    let output = home.hook(HOOK, &bash("git push"));
    assert_eq!(
        said(&output),
        r#"{"hookSpecificOutput":{"hookEventName":"PreToolUse","permissionDecision":"deny","permissionDecisionReason":"Blocked by policy push: a person pushes"}}"#
    );
    assert_eq!(
        home.kinds(),
        [
            "run_start",
            "tool_call",
            "policy_decision block",
            "tool_result blocked"
        ]
    );
    let batch = json!({"tool_calls": [{"tool_use_id": "toolu_1", "tool_response": "denied"}]});
    home.hook(HOOK, &claude("PostToolBatch", "git push", &batch));
    assert_eq!(home.kinds().len(), 4, "the call has already ended");
}

#[cfg(feature = "cel")]
#[test]
fn a_rule_can_look_at_the_calls_before() {
    let home = Home::new(
        "version = 1\ndefault = \"allow\"\n[[rule]]\nid = \"again\"\neffect = \"deny\"\n\
         cel = \"history.exists(h, h.command == command && h.status == 'ok')\"\nreason = \"it was done\"\n",
    );
    let call = |id: &str, event: &str, command: &str| {
        let more = json!({"tool_use_id": id, "tool_response": {"stdout": "a"}});
        said(&home.hook(HOOK, &claude(event, command, &more)))
    };
    assert_eq!(call("toolu_1", "PreToolUse", "ls"), "");
    call("toolu_1", "PostToolUse", "ls");
    assert_eq!(call("toolu_2", "PreToolUse", "pwd"), "");
    let denied = call("toolu_3", "PreToolUse", "ls");
    assert!(denied.contains("it was done"), "{denied}");
}

#[track_caller]
fn asked(state: State, reason: &str, decision: &str, expected: &[&str]) {
    let home = Home::new(POLICY);
    let approver = Approver::new(&home.places());
    let hook = home.start(HOOK, &bash("rm -rf build").to_string());
    let ask = home.answer(state, reason);
    assert_eq!(
        (ask.tool.as_str(), ask.rule.as_deref()),
        ("Bash", Some("rm"))
    );
    assert_eq!(ask.args, json!({"command": "rm -rf build"}));
    let output = hook.wait_with_output().expect("it ends");
    let answer: Value = serde_json::from_str(&said(&output)).expect("JSON");
    let told = &answer["hookSpecificOutput"];
    assert_eq!(told["permissionDecision"], decision);
    assert!(
        told["permissionDecisionReason"]
            .to_string()
            .contains("alex@box (tui)")
    );
    assert_eq!(home.kinds(), expected);
    let approval = &home.events()[4];
    assert_eq!(approval["by"], "alex@box (tui)");
    assert!(approval["wait_ms"].is_u64() || approval["wait_ms"].is_number());
    drop(approver);
}

#[test]
fn an_answer_is_recorded_with_its_author_reason_and_wait() {
    let began = [
        "run_start",
        "tool_call",
        "policy_decision require_approval",
        "approval requested",
    ];
    asked(
        State::Approved,
        "",
        "allow",
        &[&began[..], &["approval approved"]].concat(),
    );
    asked(
        State::Denied,
        "not today",
        "deny",
        &[&began[..], &["approval denied", "tool_result denied"]].concat(),
    );
}

#[test]
fn a_call_is_denied_if_no_answer_comes_in_time() {
    let home = Home::new(&POLICY.replace("30s", "1s"));
    let _approver = Approver::new(&home.places());
    let output = home.hook(HOOK, &bash("rm -rf build"));
    assert!(
        said(&output).contains("\"deny\"") && said(&output).contains("no answer within"),
        "{}",
        said(&output)
    );
    let kinds = home.kinds();
    assert_eq!(kinds[4..], ["approval expired", "tool_result denied"]);
}

#[test]
fn without_an_approver_the_host_asks_or_the_call_is_denied() {
    let home = Home::new(POLICY);
    let output = home.hook(HOOK, &bash("rm -rf build"));
    assert!(said(&output).contains("\"ask\""), "{}", said(&output));
    let alone = home
        .command(HOOK)
        .env("CLAUDE_CODE_SESSION_ATTENDED", "0")
        .spawn();
    let mut alone = alone.expect("started");
    let mut stdin = alone.stdin.take().expect("a pipe");
    stdin
        .write_all(bash("rm -rf build").to_string().as_bytes())
        .expect("told");
    drop(stdin);
    let output = alone.wait_with_output().expect("it ends");
    assert!(said(&output).contains("\"deny\""), "{}", said(&output));
    let never = Home::new(&POLICY.replace("wait", "no_approver = \"deny\"\nwait"));
    let output = never.hook(HOOK, &bash("rm -rf build"));
    assert!(said(&output).contains("\"deny\""), "{}", said(&output));
}

#[test]
fn a_hook_terminated_while_asking_blocks_and_withdraws() {
    let home = Home::new(POLICY);
    let _approver = Approver::new(&home.places());
    let hook = home.start(HOOK, &bash("rm -rf build").to_string());
    let mailbox = Mailbox::usable(&home.places()).expect("a mailbox");
    wait_until(|| !mailbox.list().is_empty());
    signal(hook.id(), "-TERM");
    let output = hook.wait_with_output().expect("it ends");
    assert_eq!(output.status.code(), Some(2));
    assert!(said(&output).contains("\"deny\""));
    assert!(mailbox.list().is_empty());
}

#[test]
fn if_the_hook_is_killed_the_shell_command_around_it_blocks() {
    let home = Home::new(POLICY);
    let _approver = Approver::new(&home.places());
    let program = env!("CARGO_BIN_EXE_saferun-tui");
    let line = format!(
        "'{program}' guard claude-code || {{ echo 'saferun-tui guard failed' >&2; exit 2; }}"
    );
    let mut shell = Command::new("sh")
        .args(["-c", &line])
        .env("HOME", home.0.path())
        .env_remove("XDG_RUNTIME_DIR")
        .env_remove("XDG_STATE_HOME")
        .env_remove("XDG_CONFIG_HOME")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("sh");
    let mut stdin = shell.stdin.take().expect("a pipe");
    stdin
        .write_all(bash("rm -rf build").to_string().as_bytes())
        .expect("told");
    drop(stdin);
    let mailbox = Mailbox::usable(&home.places()).expect("a mailbox");
    wait_until(|| !mailbox.list().is_empty());
    let ask = mailbox.list().remove(0);
    signal(ask.pid, "-KILL");
    let output = shell.wait_with_output().expect("it ends");
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("guard failed"));
    wait_until(|| !ask.is_waited_for());
    let now = System.now();
    let late = mailbox.answer(&ask, &ask.answer(State::Approved, "x", "", now), now);
    assert!(late.is_err(), "the hook is no longer waiting");
}

fn signal(pid: u32, signal: &str) {
    let done = Command::new("kill")
        .args([signal, &pid.to_string()])
        .status();
    assert!(done.expect("kill").success());
}

#[track_caller]
fn wait_until(is_so: impl Fn() -> bool) {
    let end = Instant::now() + Duration::from_secs(20);
    while !is_so() {
        assert!(Instant::now() < end, "timed out");
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn a_broken_policy_asks_and_never_allows() {
    let home = Home::new("version = 7");
    let output = home.hook(HOOK, &bash("ls"));
    assert!(
        said(&output).contains("\"ask\"") && said(&output).contains("policy.toml"),
        "{}",
        said(&output)
    );
}

/// Nothing can be written: the policy still holds, and what it allows runs unless it must be recorded.
#[test]
fn without_room_for_the_trace_only_what_must_be_recorded_is_blocked() {
    for (must, expected) in [("", ""), ("must_record = true\n", "deny")] {
        let home = Home::new(&POLICY.replacen("wait", &format!("{must}wait"), 1));
        let full = |payload: &Value| {
            let command = home.command(HOOK);
            let mut limited = Command::new("sh");
            limited
                .args(["-c", "trap '' XFSZ; ulimit -f 0; exec \"$0\" \"$@\""])
                .arg(command.get_program())
                .args(HOOK)
                .env_clear()
                .env("HOME", home.0.path())
                .stdin(Stdio::piped())
                .stdout(Stdio::piped());
            let mut hook = limited.spawn().expect("started");
            let mut stdin = hook.stdin.take().expect("a pipe");
            stdin
                .write_all(payload.to_string().as_bytes())
                .expect("told");
            drop(stdin);
            hook.wait_with_output().expect("it ends")
        };
        let allowed = full(&bash("ls"));
        assert_eq!(decision(&allowed), expected);
        assert_eq!(decision(&full(&bash("git push"))), "deny");
    }
}

/// What the hook tells Claude Code.
fn decision(output: &Output) -> String {
    let said: Value = serde_json::from_str(&said(output)).unwrap_or_default();
    let decision = said["hookSpecificOutput"]["permissionDecision"].as_str();
    decision.unwrap_or_default().to_owned()
}

#[test]
fn an_unreadable_payload_blocks() {
    let home = Home::new(POLICY);
    for (arguments, payload) in [
        (HOOK, "{"),
        (HOOK, "{}"),
        (
            HOOK,
            "{\"hook_event_name\":\"PreToolUse\",\"session_id\":\"s\"}",
        ),
        (&["guard", "codex"][..], "[]"),
    ] {
        let output = home
            .start(arguments, payload)
            .wait_with_output()
            .expect("it ends");
        assert_eq!(output.status.code(), Some(2), "{payload}");
        assert!(!output.stderr.is_empty(), "{payload}");
        assert!(said(&output).contains("deny"), "{payload}");
    }
}

#[test]
fn a_payload_of_another_host_is_answered_in_that_hosts_shape() {
    let home = Home::new(POLICY);
    let copilot = json!({"sessionId": "s", "toolName": "bash", "toolArgs": {"command": "git push"}, "cwd": "/"});
    let output = home.hook(HOOK, &copilot);
    assert!(
        said(&output).starts_with("{\"permissionDecision\":\"deny\""),
        "{}",
        said(&output)
    );
}

#[test]
fn a_breaker_stops_the_next_call_with_its_arithmetic() {
    let home = Home::new(POLICY);
    home.hook(HOOK, &bash("ls"));
    let trip = r#"{"schema":"saferun.tui/trip@1","run_id":"s1","rule":"cost","reason":"too expensive","arithmetic":"4.10 + 1.20 > 5.00","at":"2026-11-22T10:00:00Z","by":"rule"}"#;
    let path = home.write(".local/state/saferun-tui/live/s1.trip", trip);
    let output = home.hook(HOOK, &bash("ls"));
    assert!(
        said(&output).contains("too expensive (4.10 + 1.20 > 5.00)"),
        "{}",
        said(&output)
    );
    fs::set_permissions(&path, fs::Permissions::from_mode(0o000)).expect("set");
    fs::write(&path, "{")
        .or_else(|_| fs::remove_file(&path))
        .expect("changed");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).expect("set");
    let output = home.hook(HOOK, &bash("ls"));
    assert!(
        said(&output).contains("cannot be read"),
        "{}",
        said(&output)
    );
    fs::remove_file(&path).expect("removed");
    assert_eq!(said(&home.hook(HOOK, &bash("ls"))), "");
}

#[test]
fn an_agent_cannot_answer_for_a_person() {
    let home = Home::new(POLICY);
    for command in [
        "saferun-tui approve a-1",
        "cat ~/.local/state/saferun-tui/run/ask/x",
    ] {
        let output = home.hook(HOOK, &bash(command));
        assert!(said(&output).contains("self-protect"), "{}", said(&output));
    }
    let output = home.hook(&["approve", "a-1"], &json!({}));
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("not a terminal"));
}

#[test]
fn with_observe_nothing_is_blocked_or_asked() {
    let home = Home::new(POLICY);
    let _approver = Approver::new(&home.places());
    for command in ["git push", "rm -rf build"] {
        let output = home.hook(&["guard", "claude-code", "--observe"], &bash(command));
        assert_eq!(
            (said(&output).as_str(), output.status.code()),
            ("", Some(0))
        );
    }
    let events = home.events();
    let modes: Vec<&str> = events
        .iter()
        .filter_map(|event| event["mode"].as_str())
        .collect();
    assert_eq!(modes, ["shadow", "shadow"]);
}

#[test]
fn the_environment_is_never_written_to_a_file() {
    let home = Home::new(POLICY);
    let _approver = Approver::new(&home.places());
    home.hook(HOOK, &bash("ls"));
    home.hook(HOOK, &bash("git push"));
    let hook = home.start(HOOK, &bash("rm -rf build").to_string());
    home.answer(State::Approved, "ok");
    hook.wait_with_output().expect("it ends");
    let all = files(home.0.path());
    assert!(all.len() > 3);
    for path in all {
        let text = fs::read(&path).expect("read");
        let text = String::from_utf8_lossy(&text);
        assert!(!text.contains("sk-planted"), "{}", path.display());
    }
}

#[test]
fn concurrent_calls_of_one_run_are_all_recorded() {
    let home = Home::new(POLICY);
    let gemini = |n: usize| json!({"session_id": "g", "timestamp": "t", "cwd": "/", "hook_event_name": "BeforeTool", "tool_name": "run_shell_command", "tool_input": {"command": format!("ls {}", n % 3)}});
    let all: Vec<Child> = (0..12)
        .map(|n| home.start(&["guard", "gemini"], &gemini(n).to_string()))
        .collect();
    for hook in all {
        let output = hook.wait_with_output().expect("it ends");
        assert_eq!(said(&output), "{}");
    }
    let events = home.events();
    let calls: Vec<&Value> = events
        .iter()
        .filter(|event| event["type"] == "tool_call")
        .collect();
    assert_eq!(calls.len(), 12);
    let mut ids: Vec<&str> = calls
        .iter()
        .filter_map(|event| event["id"].as_str())
        .collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 12, "equal calls have different ids");
    assert_eq!(
        events
            .iter()
            .filter(|event| event["type"] == "run_start")
            .count(),
        1
    );
}

#[test]
fn settings_change_only_after_confirmation_and_only_ours_are_removed() {
    let home = Home::new(POLICY);
    let own = "{\n  \"model\": \"opus\",\n  \"hooks\": {\n    \"Stop\": [\n      {\n        \"hooks\": [\n          {\n            \"type\": \"command\",\n            \"command\": \"say done\"\n          }\n        ]\n      }\n    ]\n  }\n}\n";
    let settings = home.write(".claude/settings.json", own);
    let run = |arguments: &[&str]| home.hook(arguments, &json!({}));
    let asks = run(&["guard", "install", "claude-code"]);
    assert_eq!(
        asks.status.code(),
        Some(2),
        "standard input is not a terminal"
    );
    assert!(said(&asks).contains("+++") && said(&asks).contains("guard claude-code || { echo"));
    assert_eq!(fs::read_to_string(&settings).expect("read"), own);
    let known = String::from_utf8_lossy(&asks.stderr);
    assert!(
        known.contains("13 hooks: PreToolUse and PermissionRequest may stop a tool call"),
        "{known}"
    );
    // The name of the program does as well.
    let done = run(&["guard", "install", "claude", "--yes"]);
    assert_eq!(
        done.status.code(),
        Some(0),
        "{}",
        String::from_utf8_lossy(&done.stderr)
    );
    let installed = fs::read_to_string(&settings).expect("read");
    assert_eq!(installed.matches("guard claude-code ||").count(), 13);
    let again = run(&["guard", "install", "claude-code", "--yes"]);
    assert!(said(&again).contains("needs no change"));
    let status: Value =
        serde_json::from_str(&said(&run(&["guard", "status", "--json"]))).expect("JSON");
    let host = &status["hosts"][0];
    assert_eq!(
        (host["installed"].as_bool(), host["problems"].clone()),
        (Some(true), json!([]))
    );
    let gone = run(&["guard", "uninstall", "claude-code", "--yes"]);
    assert_eq!(gone.status.code(), Some(0));
    assert_eq!(fs::read_to_string(&settings).expect("read"), own);
}

#[test]
fn every_host_is_installed_and_removed_without_a_trace() {
    let home = Home::new(POLICY);
    let before = files(home.0.path());
    for host in [
        "claude-code",
        "codex",
        "gemini",
        "copilot",
        "qwen",
        "cursor",
        "kimi",
        "opencode",
    ] {
        let done = home.hook(&["guard", "install", host, "--yes"], &json!({}));
        assert_eq!(
            done.status.code(),
            Some(0),
            "{host}: {}",
            String::from_utf8_lossy(&done.stderr)
        );
        assert!(files(home.0.path()).len() > before.len(), "{host}");
        let gone = home.hook(&["guard", "uninstall", host, "--yes"], &json!({}));
        assert_eq!(
            gone.status.code(),
            Some(0),
            "{host}: {}",
            String::from_utf8_lossy(&gone.stderr)
        );
        let noted = home.0.path().join(".local/state/saferun-tui/installs.json");
        fs::remove_file(noted).expect("the record of installations");
        assert_eq!(files(home.0.path()), before, "{host}");
    }
}

#[test]
fn a_policy_can_be_tested_before_use() {
    let home = Home::new(POLICY);
    let output = home.hook(
        &[
            "guard",
            "test",
            "tool:Bash args.command=\"rm -rf x\"",
            "--json",
        ],
        &json!({}),
    );
    let told: Value = serde_json::from_str(&said(&output)).expect("JSON");
    assert_eq!(
        (told["effect"].as_str(), told["rule"].as_str()),
        (Some("ask"), Some("rm"))
    );
    let call = home.write("call.json", &bash("git push").to_string());
    let output = home.hook(
        &["guard", "test", "--file", &call.to_string_lossy()],
        &json!({}),
    );
    assert!(said(&output).starts_with("deny: push"), "{}", said(&output));
}

/// A server that lists and runs one tool, and echoes every other request.
const SERVER: &str = r#"while read -r line; do
  id=$(printf '%s' "$line" | sed -n 's/.*"id":\([0-9]*\).*/\1/p')
  case "$line" in
    *tools/list*) printf '{"jsonrpc":"2.0","id":%s,"result":{"tools":[{"name":"pay"}]}}\n' "$id" ;;
    *tools/call*) printf '{"jsonrpc":"2.0","id":%s,"result":{"content":[{"type":"text","text":"paid"}]}}\n' "$id" ;;
    *) printf '%s\n' "$line" ;;
  esac
done"#;

/// Sends `lines` to the server behind the wrapper, and returns the answers.
fn through_mcp(home: &Home, lines: &[Value], while_open: impl FnOnce()) -> Vec<Value> {
    let arguments = ["mcp", "--name", "bank", "--guard", "--", "sh", "-c", SERVER];
    let mut child = home
        .command(&arguments)
        .env("PATH", "/usr/bin:/bin")
        .spawn()
        .expect("started");
    let mut stdin = child.stdin.take().expect("a pipe");
    for line in lines {
        writeln!(stdin, "{line}").expect("told");
    }
    while_open();
    drop(stdin);
    let output = child.wait_with_output().expect("it ends");
    let text = said(&output);
    text.lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect()
}

fn pay(id: u32, amount: u32) -> Value {
    json!({"jsonrpc": "2.0", "id": id, "method": "tools/call", "params": {"name": "pay", "arguments": {"amount": amount}}})
}

const BANK: &str = "version = 1\nwait = \"20s\"\n[[rule]]\nid = \"cap\"\neffect = \"EFFECT\"\ntool = \"mcp__bank__pay\"\nwhen = \"args.amount>500\"\nreason = \"over 500\"\n";

#[test]
fn calls_to_an_mcp_server_are_recorded_and_held_to_the_policy() {
    let home = Home::new(&BANK.replace("EFFECT", "deny"));
    let list = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/list"});
    let batch = json!([pay(9, 9000)]);
    let other = json!({"jsonrpc": "2.0", "id": 5, "method": "server/discover"});
    let heard = through_mcp(
        &home,
        &[list, pay(2, 20), pay(3, 9000), batch, other.clone()],
        || {
            std::thread::sleep(Duration::from_millis(1500));
        },
    );
    let of = |id: u32| {
        heard
            .iter()
            .find(|it| it["id"] == id)
            .cloned()
            .unwrap_or_default()
    };
    assert_eq!(of(2)["result"]["content"][0]["text"], "paid");
    assert_eq!(of(3)["result"]["isError"], true);
    assert_eq!(
        of(3)["result"]["content"][0]["text"],
        "Blocked by policy cap: over 500"
    );
    assert_eq!(of(5), other, "unknown messages pass unchanged");
    assert!(
        heard.iter().any(|it| it["error"]["code"] == -32600),
        "the batch"
    );
    assert_eq!(heard.len(), 5);
    let kinds = home.kinds();
    for kind in [
        "tool_call",
        "policy_decision block",
        "tool_result blocked",
        "tool_result ok",
        "note",
    ] {
        assert!(kinds.iter().any(|it| it == kind), "{kind} in {kinds:?}");
    }
    assert!(home.events().iter().all(|event| event["via"] == "mcp"));
}

#[test]
fn rules_about_earlier_calls_hold_for_an_mcp_server_too() {
    let policy = BANK.replace("EFFECT", "deny");
    let home = Home::new(&policy.replace("args.amount>500", "calls>=1"));
    let heard = through_mcp(&home, &[pay(2, 20), pay(3, 20)], || {
        std::thread::sleep(Duration::from_millis(1500));
    });
    let text = |id: u32| {
        let found = heard.iter().find(|it| it["id"] == id);
        found.expect("an answer")["result"]["content"][0]["text"].clone()
    };
    assert_eq!(text(2), "paid");
    assert_eq!(text(3), "Blocked by policy cap: over 500");
}

#[test]
fn a_call_to_an_mcp_server_waits_for_approval_while_other_messages_pass() {
    let home = Home::new(&BANK.replace("EFFECT", "ask"));
    let _approver = Approver::new(&home.places());
    let mut asked = None;
    let heard = through_mcp(&home, &[pay(1, 9000), pay(2, 20)], || {
        asked = Some(home.answer(State::Approved, "a known payee"));
        std::thread::sleep(Duration::from_millis(1500));
    });
    assert_eq!(asked.map(|it| it.args), Some(json!({"amount": 9000})));
    let ids: Vec<&Value> = heard.iter().map(|it| &it["id"]).collect();
    assert_eq!(ids, [&json!(2), &json!(1)]);
    assert!(home.kinds().contains(&"approval approved".to_owned()));
}

#[test]
fn a_call_that_the_agent_cancels_is_not_forwarded() {
    let home = Home::new(&BANK.replace("EFFECT", "ask"));
    let _approver = Approver::new(&home.places());
    let cancel =
        json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 1}});
    let heard = through_mcp(&home, &[pay(1, 9000), cancel], || {
        std::thread::sleep(Duration::from_millis(1500));
    });
    assert_eq!(heard, Vec::<Value>::new());
    assert!(
        home.kinds().contains(&"tool_result cancelled".to_owned()),
        "{:?}",
        home.kinds()
    );
}

#[test]
fn without_an_explorer_the_agent_asks_its_own_user() {
    let home = Home::new(&BANK.replace("EFFECT", "ask"));
    let start = json!({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {"capabilities": {"elicitation": {}}}});
    let answer = json!({"jsonrpc": "2.0", "id": "saferun-elicit-0", "result": {"action": "accept", "content": {"approve": false, "reason": "no"}}});
    let heard = through_mcp(&home, &[start, pay(2, 9000)], || {
        std::thread::sleep(Duration::from_millis(1500));
    });
    let asks = heard
        .iter()
        .find(|it| it["method"] == "elicitation/create")
        .expect("it asks");
    assert!(asks["params"]["message"].to_string().contains("9000"));
    let heard = through_mcp(
        &home,
        &[
            json!({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {"capabilities": {"elicitation": {}}}}),
            pay(2, 9000),
            answer,
        ],
        || {
            std::thread::sleep(Duration::from_millis(1500));
        },
    );
    let refused = heard.iter().find(|it| it["id"] == 2).expect("an answer");
    assert_eq!(refused["result"]["isError"], true);
    assert!(
        home.events()
            .iter()
            .any(|event| event["by"] == "mcp-elicitation")
    );
}

#[test]
fn a_call_checked_by_the_hook_is_not_checked_again() {
    let home = Home::new(&BANK.replace("EFFECT", "warn"));
    let hook = claude(
        "PreToolUse",
        "x",
        &json!({"tool_name": "mcp__bank__pay", "tool_input": {"amount": 9000}}),
    );
    home.hook(HOOK, &hook);
    home.write(
        ".config/saferun-tui/policy.toml",
        &BANK.replace("EFFECT", "deny"),
    );
    let mut call = pay(7, 9000);
    call["params"]["_meta"] = json!({"claudecode/toolUseId": "toolu_1"});
    let heard = through_mcp(&home, &[call], || {
        std::thread::sleep(Duration::from_millis(1500));
    });
    assert_eq!(heard[0]["result"]["content"][0]["text"], "paid");
    let calls = home.events();
    let calls = calls.iter().filter(|event| event["type"] == "tool_call");
    let told: Vec<(&Value, &Value, &Value)> = calls
        .map(|it| (&it["run_id"], &it["id"], &it["via"]))
        .collect();
    assert_eq!(
        told,
        [
            (&json!("s1"), &json!("toolu_1"), &json!("hook")),
            (&json!("s1"), &json!("toolu_1"), &json!("mcp")),
        ],
        "both record the same call in one trace"
    );
}

#[test]
fn an_event_about_a_tool_that_is_not_understood_is_denied_with_a_reason() {
    let home = Home::new(POLICY);
    let retried = json!({"event": "retry\u{1b}[2J", "run_id": "r", "tool": "bash", "args": {}});
    let output = home.hook(&["guard", "sdk"], &retried);
    assert_eq!(output.status.code(), Some(2));
    let answer: Value = serde_json::from_str(&said(&output)).expect("JSON");
    assert_eq!(answer["decision"], "deny");
    let reason = answer["reason"].as_str().expect("a reason");
    assert!(
        reason.contains("from sdk is not understood") && !reason.contains('\u{1b}'),
        "{reason}"
    );
    let shell = json!({
        "conversation_id": "c", "hook_event_name": "beforeShellExecution", "command": "ls", "cwd": "/w",
    });
    let output = home.hook(&["guard", "cursor"], &shell);
    assert_eq!(output.status.code(), Some(2));
    let answer: Value = serde_json::from_str(&said(&output)).expect("JSON");
    assert_eq!(answer["permission"], "deny");
    for nothing in [json!({}), json!({"event": "before", "run_id": "r"})] {
        assert_eq!(
            home.hook(&["guard", "sdk"], &nothing).status.code(),
            Some(2)
        );
    }
    // A prompt in a shape that is not known: nothing runs because of it.
    let prompt = json!({"hook_event_name": "UserPromptSubmit", "session_id": "s", "prompt": {"new": "shape"}});
    let output = home.hook(&["guard", "kimi"], &prompt);
    assert_eq!(
        (output.status.code(), said(&output)),
        (Some(0), String::new())
    );
    let other = json!({"hook": "session.idle", "sessionID": "s", "directory": "/w"});
    let output = home.hook(&["guard", "opencode"], &other);
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(said(&output), r#"{"decision":"allow"}"#);
}

#[test]
fn an_event_that_copilot_sends_for_every_call_is_not_taken_for_a_prompt() {
    let home = Home::new(POLICY);
    let _approver = Approver::new(&home.places());
    let event = json!({
        "hookName": "permissionRequest", "sessionId": "s", "cwd": "/w", "toolName": "bash",
        "toolInput": {"command": "ls"}, "permissionSuggestions": [],
    });
    let output = home.hook(&["guard", "copilot"], &event);
    assert_eq!(
        (output.status.code(), said(&output)),
        (Some(0), "{}".to_owned())
    );
}
