//! The files with which a program records itself, in the languages that this machine has.

use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};

use crate::record::{chat, events, model, of};
use crate::support::skipped;

const POLICY: &str = r#"version = 1
[[rule]]
id = "refund-cap"
effect = "deny"
when = "tool:refund args.amount>500"
reason = "refunds over 500 need a person"
"#;

/// A folder with the file and a policy, in which a program of that language runs.
struct Place(tempfile::TempDir);

impl Place {
    fn new(language: &str) -> Place {
        let place = Place(tempfile::tempdir().expect("a folder"));
        let written = Command::new(env!("CARGO_BIN_EXE_saferun-tui"))
            .args(["wire", language, "-o"])
            .arg(place.0.path())
            .output();
        assert!(written.expect("it ran").status.success());
        let folder = place.0.path().join(".config/saferun-tui");
        fs::create_dir_all(&folder).expect("created");
        let policy = folder.join("policy.toml");
        fs::write(&policy, POLICY).expect("written");
        fs::set_permissions(&policy, fs::Permissions::from_mode(0o600)).expect("set");
        place
    }

    /// None: the language is not installed.
    fn run(&self, program: &[&str], url: &str) -> Option<Output> {
        self.run_with(program, &[("BASE_URL", url)])
    }

    fn run_with(&self, program: &[&str], variables: &[(&str, &str)]) -> Option<Output> {
        let mut command = Command::new(program[0]);
        command
            .args(&program[1..])
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.0.path())
            .env("SAFERUN_TUI", env!("CARGO_BIN_EXE_saferun-tui"))
            .env("SAFERUN_TRACE", self.0.path().join("t.jsonl"))
            .envs(variables.iter().copied())
            .current_dir(self.0.path());
        let done = command.output().ok();
        if done.is_none() {
            skipped(&format!("no {}", program[0]));
        }
        done
    }

    fn events(&self) -> Vec<Value> {
        events(&self.0.path().join("t.jsonl"))
    }
}

const JAVASCRIPT: &str = r#"
import { observe, guarded, run } from "./saferun.mjs";
const client = observe({ fetch }, { service: "support", env: "prod" });
const ask = async (stream, messages) => {
  const body = JSON.stringify({ model: "gpt-4o", stream, messages, tools: [{ function: { name: "read" } }] });
  const headers = { "content-type": "application/json", authorization: "Bearer sk-planted-0123456789" };
  const answer = await client.fetch(process.env.BASE_URL + "/chat/completions", { method: "POST", headers, body });
  return answer.text();
};
const read = guarded(function read(path) { return `text of ${path}`; });
const refund = guarded(async function refund(order, amount) { return amount; });
const start = [{ role: "user", content: "read it" }];
for (const stream of [true, false]) {
  await run(async () => {
    await ask(stream, start);
    const content = read("ä.txt");
    await ask(stream, [...start, { role: "assistant", tool_calls: [] }, { role: "tool", tool_call_id: "call_1", content }]);
  }, { task: `stream ${stream}` });
}
console.log(await refund("a", 20), await refund("a", 501).catch((error) => `${error.name}: ${error.message}`));
"#;

#[test]
fn a_javascript_program_records_its_models_and_tools_and_holds_to_the_policy() {
    let model = model(chat);
    let place = Place::new("javascript");
    let script = place.0.path().join("agent.mjs");
    fs::write(&script, JAVASCRIPT).expect("written");
    let url = format!("http://{}/v1", model.address);
    let Some(done) = place.run(&["node", "agent.mjs"], &url) else {
        return;
    };
    let stdout = String::from_utf8_lossy(&done.stdout);
    let complaints = String::from_utf8_lossy(&done.stderr);
    assert_eq!(
        stdout,
        "20 PermissionError: Blocked by policy refund-cap: refunds over 500 need a person\n",
        "{complaints}"
    );
    let events = place.events();
    assert!(!format!("{events:?}").contains("sk-planted"));
    let starts = of(&events, "run_start");
    assert_eq!(starts[0]["service"], "support");
    let ends = of(&events, "run_end");
    assert_eq!((starts.len(), ends.len()), (3, 3));
    for start in starts.iter().filter(|it| it["task"].is_string()) {
        let mine = |kind: &str| {
            let all = of(&events, kind).into_iter();
            let mine: Vec<&Value> = all.filter(|it| it["run_id"] == start["run_id"]).collect();
            mine
        };
        let answers = mine("response");
        assert_eq!(answers.len(), 2, "{start}");
        assert_eq!(
            answers[0]["usage"],
            json!({"input_tokens": 60, "output_tokens": 10, "cache_read_tokens": 40})
        );
        assert_eq!(answers[1]["content"], "done");
        // The client and the guard both record the call, under one id: they are one row.
        let calls = mine("tool_call");
        let by: Vec<&Value> = calls.iter().map(|it| &it["via"]).collect();
        assert_eq!(by, ["sdk", "hook"]);
        assert_eq!(calls[1]["id"], calls[0]["id"]);
        assert_eq!(
            (&calls[0]["id"], &calls[0]["args"], &calls[0]["parent_id"]),
            (
                &json!("call_1"),
                &json!({"path": "ä.txt"}),
                &answers[0]["id"]
            )
        );
        let results = mine("tool_result");
        assert_eq!(
            results.len(),
            1,
            "the wrapped function and the wire report one result"
        );
        assert_eq!(results[0]["result"], "text of ä.txt");
    }
    let blocked = of(&events, "tool_result");
    assert!(blocked.iter().any(|it| it["status"] == "blocked"));
}

const PYTHON: &str = r#"
from saferun import guarded
@guarded
def refund(order, amount):
    return amount
print(refund("a", 20))
try:
    refund("a", amount=501)
except PermissionError as error:
    print(error)
"#;

#[test]
fn a_python_program_holds_to_the_policy() {
    let place = Place::new("python");
    let Some(done) = place.run(&["python3", "-c", PYTHON], "") else {
        return;
    };
    let stdout = String::from_utf8_lossy(&done.stdout);
    let complaints = String::from_utf8_lossy(&done.stderr);
    assert_eq!(
        stdout, "20\nBlocked by policy refund-cap: refunds over 500 need a person\n",
        "{complaints}"
    );
    let events = place.events();
    let statuses: Vec<&Value> = of(&events, "tool_result")
        .iter()
        .map(|it| &it["status"])
        .collect();
    assert_eq!(statuses, ["ok", "blocked"]);
}

#[test]
fn the_typescript_file_is_written_with_types() {
    let place = Place::new("typescript");
    let text = fs::read_to_string(place.0.path().join("saferun.ts")).expect("written");
    assert!(text.starts_with("// saferun.ts "));
    assert!(text.contains("export function observe<T>(thing: T"));
}

const PYTHON_TOOLS: &str = r#"
import asyncio, json, os
from saferun import guarded
is_real = "REAL" in os.environ
@guarded
def look(at):
    assert is_real, "look ran"
    return {"at": at, "all": [1, None, "ä"]}
@guarded
async def count(words):
    assert is_real, "count ran"
    return "7"
@guarded
def fail():
    assert is_real, "fail ran"
    raise ValueError("broken")
@guarded
def send(to):
    assert is_real, "send ran"
def tried(call, *values):
    try:
        return call(*values)
    except Exception as error:
        return str(error)
print(json.dumps([look("a"), asyncio.run(count("x")), tried(fail), send("b")]))
if not is_real:
    print(tried(look, "a"))
"#;

const JAVASCRIPT_TOOLS: &str = r#"
import { guarded } from "./saferun.mjs";
const isReal = "REAL" in process.env;
const real = (name) => {
  if (!isReal) throw new Error(`${name} ran`);
};
const look = guarded(function look(at) { real("look"); return { at, all: [1, null, "ä"] }; });
const count = guarded(async function count(words) { real("count"); return "7"; });
const fail = guarded(function fail() { real("fail"); throw new Error("broken"); });
const send = guarded(function send(to) { real("send"); });
const tried = (call, ...values) => {
  try {
    return call(...values);
  } catch (error) {
    return error.message;
  }
};
console.log(JSON.stringify([look("a"), await count("x"), tried(fail), send("b")]));
if (!isReal) console.log(tried(look, "a"));
"#;

/// Records a program's tools, and runs it again with the recording in their place: from the file, and from an address.
fn check_replay(language: &str, program: &[&str], (file, text): (&str, &str)) {
    let place = Place::new(language);
    fs::write(place.0.path().join(file), text).expect("written");
    let Some(real) = place.run_with(program, &[("REAL", "1")]) else {
        return;
    };
    let complaints = String::from_utf8_lossy(&real.stderr);
    let real = String::from_utf8_lossy(&real.stdout);
    assert!(real.contains("broken"), "{real}{complaints}");
    let recording = place.0.path().join("recording.jsonl");
    fs::rename(place.0.path().join("t.jsonl"), &recording).expect("moved");

    let mut served = Command::new(env!("CARGO_BIN_EXE_saferun-tui"))
        .args(["--no-config", "mcp-serve", "--http", "127.0.0.1:0"])
        .arg(&recording)
        .stderr(Stdio::piped())
        .spawn()
        .expect("it starts");
    let mut line = String::new();
    let stderr = served.stderr.take().expect("a pipe");
    let read = BufReader::new(stderr).read_line(&mut line);
    let address = line.split_whitespace().last().unwrap_or_default();
    assert!(
        read.is_ok() && address.starts_with("http://127.0.0.1:"),
        "{line}"
    );

    let recorded = recording.to_str().expect("UTF-8");
    for source in [recorded, address] {
        let again = place.run_with(program, &[("SAFERUN_REPLAY", source)]);
        let again = again.expect("it ran before");
        let complaints = String::from_utf8_lossy(&again.stderr);
        let again = String::from_utf8_lossy(&again.stdout);
        let (same, miss) = again.trim_end().split_once('\n').unwrap_or_default();
        assert_eq!(same, real.trim_end(), "{source}: {complaints}");
        assert!(miss.starts_with("saferun replay miss: look"), "{miss}");
    }
    served.kill().expect("killed");
    served.wait().expect("ended");

    // Replayed results are recorded as results of the tools.
    let results = place.events();
    let results = of(&results, "tool_result").into_iter();
    let errors = results.filter(|it| it["status"] == "error").count();
    assert_eq!(errors, 4, "a failure and a miss, twice");
    let none = place.run_with(program, &[("SAFERUN_REPLAY", "no-such.jsonl")]);
    let none = String::from_utf8_lossy(&none.expect("it ran").stderr).into_owned();
    assert!(none.contains("gives no recorded results"), "{none}");
}

#[test]
fn the_tools_of_a_python_program_return_what_was_recorded() {
    let file = ("agent.py", PYTHON_TOOLS);
    check_replay("python", &["python3", "agent.py"], file);
}

#[test]
fn the_tools_of_a_javascript_program_return_what_was_recorded() {
    let file = ("agent.mjs", JAVASCRIPT_TOOLS);
    check_replay("javascript", &["node", "agent.mjs"], file);
}

const PYTHON_LOOP: &str = r#"
import asyncio, os
from saferun import guarded
is_real = "REAL" in os.environ

@guarded
async def look(at):
    assert is_real, "it ran"
    return at

async def main():
    beats = 0
    async def beat():
        nonlocal beats
        while True:
            beats += 1
            await asyncio.sleep(0.01)
    beating = asyncio.ensure_future(beat())
    answers = await asyncio.gather(*(look(at) for at in range(300)))
    print(answers == list(range(300)), beats > 3)
    beating.cancel()

asyncio.run(main())
"#;

const JAVASCRIPT_LOOP: &str = r#"
import { guarded } from "./saferun.mjs";
const look = guarded(async function look(at) {
  if (!process.env.REAL) throw new Error("it ran");
  return at;
});
let beats = 0;
const beating = setInterval(() => (beats += 1), 10);
const all = Array.from({ length: 300 }, (_, at) => at);
const answers = await Promise.all(all.map((at) => look(at)));
console.log(answers.every((it, at) => it === at) ? "True" : "False", beats > 3 ? "True" : "False");
clearInterval(beating);
"#;

/// A policy that takes its time, as a person does: others go on while a call waits for it, and so do replayed ones.
fn check_loop(language: &str, program: &[&str], (file, text): (&str, &str)) {
    let place = Place::new(language);
    let slow = place.0.path().join("slow");
    let script = "#!/bin/sh\ncat > /dev/null\nsleep 0.2\necho '{\"decision\":\"allow\"}'\n";
    fs::write(&slow, script).expect("written");
    fs::set_permissions(&slow, fs::Permissions::from_mode(0o700)).expect("set");
    let slow = slow.to_str().expect("UTF-8");
    let one = text.replace("300", "8");
    fs::write(place.0.path().join(file), one).expect("written");
    let Some(real) = place.run_with(program, &[("REAL", "1"), ("SAFERUN_TUI", slow)]) else {
        return;
    };
    let complaints = String::from_utf8_lossy(&real.stderr);
    assert_eq!(
        String::from_utf8_lossy(&real.stdout),
        "True True\n",
        "{complaints}"
    );
    fs::write(place.0.path().join(file), text).expect("written");
    let recording = place.0.path().join("recording.jsonl");
    let record = [
        ("REAL", "1"),
        ("SAFERUN_GUARD", "off"),
        ("SAFERUN_TRACE", recording.to_str().expect("UTF-8")),
    ];
    place.run_with(program, &record).expect("it ran before");
    let source = recording.to_str().expect("UTF-8");
    let began = std::time::Instant::now();
    let again = place.run_with(program, &[("SAFERUN_REPLAY", source)]);
    let again = again.expect("it ran before");
    let complaints = String::from_utf8_lossy(&again.stderr);
    let answers = String::from_utf8_lossy(&again.stdout);
    assert!(answers.starts_with("True "), "{answers}{complaints}");
    // A process for each call would take minutes.
    assert!(began.elapsed().as_secs() < 60);
}

#[test]
fn an_event_loop_in_python_goes_on_while_a_call_is_decided() {
    let file = ("agent.py", PYTHON_LOOP);
    check_loop("python", &["python3", "agent.py"], file);
}

#[test]
fn an_event_loop_in_javascript_goes_on_while_a_call_is_decided() {
    let file = ("agent.mjs", JAVASCRIPT_LOOP);
    check_loop("javascript", &["node", "agent.mjs"], file);
}
