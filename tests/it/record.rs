//! `record` around a small client, with a model on a plain socket.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use saferun_tui::model::action::Kind;

use crate::support::load;

const KEY: &str = "sk-planted-0123456789abcdefghij";

/// The model's answer to a request: the rest of the head and the body, with pauses between pieces.
pub(crate) type Script = fn(&str, &str) -> Vec<Step>;

pub(crate) enum Step {
    Send(Vec<u8>),
    Pause(u64),
}

pub(crate) struct Model {
    pub(crate) address: SocketAddr,
    /// Head and body of all requests.
    pub(crate) asked: Arc<Mutex<Vec<(String, String)>>>,
}

pub(crate) fn model(script: Script) -> Model {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    let asked: Arc<Mutex<Vec<(String, String)>>> = Arc::default();
    let heard = Arc::clone(&asked);
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let heard = Arc::clone(&heard);
            thread::spawn(move || converse(stream, script, &heard));
        }
    });
    Model { address, asked }
}

fn converse(mut stream: TcpStream, script: Script, heard: &Mutex<Vec<(String, String)>>) {
    let mut reader = BufReader::new(stream.try_clone().expect("cloned"));
    let mut head = String::new();
    while reader.read_line(&mut head).is_ok_and(|read| read > 2) {}
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length")
            .then(|| value.trim().parse().ok())?
    });
    let mut body = vec![0; length.unwrap_or(0)];
    if reader.read_exact(&mut body).is_err() {
        return;
    }
    let body = String::from_utf8(body).expect("text");
    heard
        .lock()
        .expect("heard")
        .push((head.clone(), body.clone()));
    for step in script(&head, &body) {
        match step {
            Step::Send(bytes) => {
                if stream.write_all(&bytes).is_err() {
                    return;
                }
            }
            Step::Pause(ms) => thread::sleep(Duration::from_millis(ms)),
        }
    }
}

fn whole(body: &Value) -> Vec<Step> {
    let body = body.to_string();
    let head = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nx-request-id: req-1\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        body.len()
    );
    vec![Step::Send(head.into_bytes()), Step::Send(body.into_bytes())]
}

const STREAM: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\n";

fn chunk(text: &[u8]) -> Step {
    let mut out = format!("{:x}\r\n", text.len()).into_bytes();
    out.extend_from_slice(text);
    out.extend_from_slice(b"\r\n");
    Step::Send(out)
}

/// A tool call, then text: as events cut everywhere, or whole.
pub(crate) fn chat(_head: &str, body: &str) -> Vec<Step> {
    let body: Value = serde_json::from_str(body).expect("JSON");
    let has_result = body["messages"].to_string().contains("\"tool\"");
    let usage = json!({"prompt_tokens": 100, "completion_tokens": 10, "prompt_tokens_details": {"cached_tokens": 40}});
    let call = json!({"index": 0, "id": "call_1", "type": "function", "function": {"name": "read", "arguments": "{\"path\":\"ä.txt\"}"}});
    if body["stream"] != true {
        let message = if has_result {
            json!({"role": "assistant", "content": "done"})
        } else {
            json!({"role": "assistant", "content": null, "tool_calls": [call]})
        };
        return whole(
            &json!({"id": "c", "model": "gpt-4o-2024-08-06", "choices": [{"index": 0, "message": message,
            "finish_reason": if has_result { "stop" } else { "tool_calls" }}], "usage": usage}),
        );
    }
    let delta = if has_result {
        json!({"content": "done"})
    } else {
        json!({"tool_calls": [call]})
    };
    let events = [
        json!({"id": "c", "model": "gpt-4o-2024-08-06", "choices": [{"index": 0, "delta": delta}]}),
        json!({"id": "c", "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}),
        json!({"id": "c", "choices": [], "usage": usage}),
    ];
    let text: String = events
        .iter()
        .flat_map(|it| ["data: ".to_owned(), it.to_string(), "\n\n".to_owned()])
        .collect();
    let text = text + "data: [DONE]\n\n";
    let mut steps = vec![Step::Send(STREAM.to_vec())];
    steps.extend(text.as_bytes().chunks(7).map(chunk));
    steps.push(Step::Send(b"0\r\n\r\n".to_vec()));
    steps
}

struct Place {
    _home: tempfile::TempDir,
    folder: PathBuf,
}

impl Place {
    fn new() -> Place {
        let home = tempfile::tempdir().expect("a folder");
        let folder = home.path().to_owned();
        Place {
            _home: home,
            folder,
        }
    }

    fn trace(&self) -> PathBuf {
        self.folder.join("t.jsonl")
    }

    /// Records a client of the model: a script of Python, with `ask(path, body)`.
    fn record(&self, model: &Model, options: &[&str], script: &str) -> Output {
        let client = format!("{CLIENT}\n{script}\n");
        self.command(model, options)
            .arg("--")
            .args(["python3", "-c", &client])
            .output()
            .expect("it ran")
    }

    fn command(&self, model: &Model, options: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_saferun-tui"));
        command
            .args(["record", "-o"])
            .arg(self.trace())
            .args(options)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", &self.folder)
            .env("OPENAI_API_KEY", KEY)
            .env("OPENAI_BASE_URL", format!("http://{}/v1", model.address))
            .env("ANTHROPIC_BASE_URL", format!("http://{}", model.address))
            .current_dir(&self.folder);
        command
    }

    fn events(&self) -> Vec<Value> {
        events(&self.trace())
    }
}

pub(crate) fn events(trace: &Path) -> Vec<Value> {
    let text = fs::read_to_string(trace).expect("a trace");
    text.lines()
        .map(|line| serde_json::from_str(line).expect("a whole line"))
        .collect()
}

const CLIENT: &str = r#"
import json, os, sys, time, urllib.request, urllib.error
def ask(path, body, headers={}):
    base = os.environ["OPENAI_BASE_URL"]
    headers = {"content-type": "application/json", "authorization": "Bearer " + os.environ["OPENAI_API_KEY"], **headers}
    request = urllib.request.Request(base + path, json.dumps(body).encode(), headers)
    return urllib.request.urlopen(request).read()
messages = [{"role": "system", "content": "be brief"}, {"role": "user", "content": "read it"}]
tools = [{"type": "function", "function": {"name": "read"}}]
call = {"role": "assistant", "tool_calls": [{"id": "call_1", "type": "function", "function": {"name": "read", "arguments": "{}"}}]}
result = {"role": "tool", "tool_call_id": "call_1", "content": "the text"}
"#;

pub(crate) fn of<'a>(events: &'a [Value], kind: &str) -> Vec<&'a Value> {
    events.iter().filter(|it| it["type"] == kind).collect()
}

#[test]
fn a_conversation_becomes_events_and_no_key_is_written() {
    for stream in ["True", "False"] {
        let model = model(chat);
        let place = Place::new();
        let script = format!(
            "print(len(ask('/chat/completions', dict(model='gpt-4o', stream={stream}, messages=messages, tools=tools), {{'x-api-key': '{KEY}'}})))\n\
             print(len(ask('/chat/completions?key={KEY}', dict(model='gpt-4o', stream={stream}, messages=messages + [call, result], tools=tools))))\n\
             sys.exit(3)"
        );
        let done = place.record(&model, &[], &script);
        assert_eq!(
            done.status.code(),
            Some(3),
            "{}",
            String::from_utf8_lossy(&done.stderr)
        );
        let events = place.events();
        let kinds: Vec<&str> = events.iter().filter_map(|it| it["type"].as_str()).collect();
        assert_eq!(
            kinds,
            [
                "run_start",
                "prompt",
                "prompt",
                "response",
                "tool_call",
                "tool_result",
                "response",
                "run_end"
            ]
        );
        let call = &events[4];
        assert_eq!(
            (&call["id"], &call["args"]),
            (&json!("call_1"), &json!({"path": "ä.txt"}))
        );
        assert_eq!(call["parent_id"], events[3]["id"]);
        assert_eq!(
            events[3]["usage"],
            json!({"input_tokens": 60, "output_tokens": 10, "cache_read_tokens": 40})
        );
        assert_eq!(events[5]["result"], "the text");
        assert_eq!(events[6]["content"], "done");
        assert_eq!(events[6]["request"]["messages"]["$keep"], 2);
        assert_eq!(
            (&events[7]["status"], &events[7]["reason"]),
            (&json!("error"), &json!("exit code 3"))
        );
        assert!(events[0]["pid"].is_u64());
        let text = fs::read_to_string(place.trace()).expect("a trace");
        assert!(!text.contains(KEY));
        // The model got everything, the key as well.
        let asked = model.asked.lock().expect("asked");
        assert!(
            asked[0].0.contains(&format!("Bearer {KEY}")),
            "{}",
            asked[0].0
        );
        assert!(
            asked[1]
                .0
                .starts_with(&format!("POST /v1/chat/completions?key={KEY} "))
        );
        let summary = String::from_utf8_lossy(&done.stderr);
        assert!(
            summary.contains("recorded 2 model calls, 1 tool call, $0.0"),
            "{summary}"
        );
    }
}

#[test]
fn a_recording_is_a_trace_like_any_other() {
    let model = model(chat);
    let place = Place::new();
    let script = "ask('/chat/completions', dict(model='gpt-4o', messages=messages, tools=tools))\n\
                  ask('/chat/completions', dict(model='gpt-4o', messages=messages + [call, result], tools=tools))";
    place.record(&model, &[], script);
    let store = load(&[place.trace()]);
    let kinds: Vec<Kind> = store.rows().map(|row| row.kind()).collect();
    let expected = [
        Kind::RunStart,
        Kind::Prompt,
        Kind::Prompt,
        Kind::Response,
        Kind::ToolCall,
        Kind::Response,
        Kind::RunEnd,
    ];
    assert_eq!(kinds, expected);
    let run = store.run(saferun_tui::model::run::RunIx(0));
    assert_eq!(store.runs().len(), 1);
    // 60 tokens of input, 40 from the cache, 10 of output, twice, at US$ 2.50, 1.25 and 10 per million.
    let usd = run.cost().and_then(|(cost, _)| cost.usd()).expect("a cost");
    assert!(
        (usd - 2.0 * (60.0 * 2.5 + 40.0 * 1.25 + 10.0 * 10.0) / 1e6).abs() < 1e-9,
        "{usd}"
    );
}

#[test]
fn the_call_after_the_limit_gets_an_answer_that_no_client_retries() {
    let model = model(chat);
    let place = Place::new();
    let script = "ask('/chat/completions', dict(model='gpt-4o', messages=messages))\n\
        try:\n    ask('/chat/completions', dict(model='gpt-4o', messages=messages))\n\
        except urllib.error.HTTPError as error:\n    print(error.code, error.headers['x-should-retry'], json.load(error)['error']['code'])";
    let done = place.record(&model, &["--max-cost", "0.0001"], script);
    assert_eq!(
        String::from_utf8_lossy(&done.stdout),
        "400 false saferun_breaker\n"
    );
    assert_eq!(model.asked.lock().expect("asked").len(), 1);
    let events = place.events();
    let stop = of(&events, "policy_decision")[0];
    assert_eq!(
        (&stop["policy"], &stop["rule"], &stop["decision"]),
        (&json!("breaker"), &json!("max-cost"), &json!("block"))
    );
    assert!(String::from_utf8_lossy(&done.stderr).contains("1 stopped by a breaker"));
}

/// The limit on file sizes fails as a full disk does: with an error of `write`.
#[test]
fn without_room_for_the_trace_the_agent_goes_on_and_the_end_reports_it() {
    let model = model(chat);
    let place = Place::new();
    let script = "for _ in range(3):\n    print(len(ask('/chat/completions', dict(model='gpt-4o', messages=messages + [dict(role='user', content='x' * 3000)]))) > 100)";
    let client = format!("{CLIENT}\n{script}\n");
    let command = place.command(&model, &[]);
    let mut limited = Command::new("sh");
    limited
        .args(["-c", "trap '' XFSZ; ulimit -f 8; exec \"$@\"", "sh"])
        .arg(command.get_program())
        .args(command.get_args())
        .args(["--", "python3", "-c", &client])
        .env_clear()
        .envs(
            command
                .get_envs()
                .filter_map(|(name, value)| Some((name, value?))),
        )
        .current_dir(&place.folder);
    let done = limited.output().expect("it ran");
    assert_eq!(done.status.code(), Some(0));
    assert_eq!(said(&done.stdout), "True\nTrue\nTrue\n");
    let summary = said(&done.stderr);
    assert!(summary.contains("recorded 3 model calls"), "{summary}");
    assert!(summary.contains("could not be recorded"), "{summary}");
    // Readers find whole lines, and at most one cut one.
    let store = load(&[place.trace()]);
    assert_eq!(
        store.rows().next().map(|row| row.kind()),
        Some(Kind::RunStart)
    );
}

fn said(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// As `chat`; the connection stays open for a while after the last event.
fn lingering(head: &str, body: &str) -> Vec<Step> {
    let mut steps = chat(head, body);
    steps.insert(steps.len() - 1, Step::Pause(3000));
    steps
}

/// Clients stop reading at the last event, and go on.
#[test]
fn a_call_waits_until_the_costs_of_finished_answers_are_counted() {
    let model = model(lingering);
    let place = Place::new();
    let script = "import http.client\n\
        base = os.environ['OPENAI_BASE_URL'].split('/', 3)\n\
        def stream():\n\
        \x20   connection = http.client.HTTPConnection(base[2])\n\
        \x20   connection.request('POST', '/' + base[3] + '/chat/completions', json.dumps(dict(model='gpt-4o', stream=True, messages=messages)))\n\
        \x20   answer = connection.getresponse()\n\
        \x20   while answer.status == 200 and b'[DONE]' not in answer.readline():\n        pass\n\
        \x20   return connection, answer\n\
        first = stream()\n\
        print(stream()[1].status)";
    let done = place.record(&model, &["--max-cost", "0.0001"], script);
    assert_eq!(String::from_utf8_lossy(&done.stdout), "400\n");
    assert_eq!(model.asked.lock().expect("asked").len(), 1);
    let events = place.events();
    assert_eq!(of(&events, "response")[0]["finish_reason"], "stop");
    assert_eq!(of(&events, "tool_call").len(), 1);
}

#[test]
fn a_trip_file_stops_the_next_model_call() {
    let model = model(chat);
    let place = Place::new();
    let script = "folder = os.environ['HOME'] + '/.local/state/saferun-tui/live'\n\
        os.makedirs(folder, 0o700)\n\
        path = folder + '/' + os.environ['SAFERUN_RUN'] + '.trip'\n\
        json.dump({'schema': 'saferun.tui/trip@1', 'run_id': 'x', 'rule': 'loop', 'reason': 'the same call 5 times', 'by': 'loop'}, open(path, 'w'))\n\
        os.chmod(path, 0o600)\n\
        try:\n    ask('/chat/completions', dict(model='gpt-4o', messages=messages))\n\
        except urllib.error.HTTPError as error:\n    print(json.load(error)['error']['message'])";
    let done = place.record(&model, &[], script);
    let said = String::from_utf8_lossy(&done.stdout);
    assert!(
        said.contains("loop") && said.contains("the same call 5 times"),
        "{said} {}",
        String::from_utf8_lossy(&done.stderr)
    );
    assert!(model.asked.lock().expect("asked").is_empty());
}

/// Three events, half a second apart.
fn slow(_head: &str, _body: &str) -> Vec<Step> {
    let event = |text: &str| {
        let event =
            json!({"id": "c", "model": "m", "choices": [{"index": 0, "delta": {"content": text}}]});
        chunk(format!("data: {event}\n\n").as_bytes())
    };
    let mut steps = vec![Step::Send(STREAM.to_vec())];
    for text in ["one", "two", "three"] {
        steps.push(event(text));
        steps.push(Step::Pause(500));
    }
    steps.push(chunk(b"data: [DONE]\n\n"));
    steps.push(Step::Send(b"0\r\n\r\n".to_vec()));
    steps
}

#[test]
fn pieces_pass_as_they_arrive_and_a_client_that_leaves_is_recorded_as_cut() {
    let model = model(slow);
    let place = Place::new();
    let script = "import http.client\n\
        base = os.environ['OPENAI_BASE_URL'].split('/', 3)\n\
        connection = http.client.HTTPConnection(base[2])\n\
        connection.request('POST', '/' + base[3] + '/chat/completions', json.dumps(dict(model='m', stream=True, messages=messages)))\n\
        answer = connection.getresponse()\n\
        start = time.time()\n\
        first = answer.readline()\n\
        print(time.time() - start < 0.4, b'one' in first)\n\
        connection.close()\n\
        time.sleep(0.3)";
    let done = place.record(&model, &[], script);
    assert_eq!(String::from_utf8_lossy(&done.stdout), "True True\n");
    let events = place.events();
    let response = of(&events, "response")[0];
    assert_eq!(response["content"], "one");
    assert_eq!(response["finish_reason"], "cut");
    assert!(response["ttft_ms"].as_f64().expect("a time") < 450.0);
}

/// 64 MiB for a client that asks for `much`.
fn much(head: &str, body: &str) -> Vec<Step> {
    if !body.contains("\"much\"") {
        return chat(head, body);
    }
    let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-length: 67108864\r\nconnection: close\r\n\r\n";
    vec![
        Step::Send(head.as_bytes().to_vec()),
        Step::Send(vec![b'\n'; 64 << 20]),
    ]
}

#[test]
fn a_client_that_reads_or_sends_slowly_holds_up_no_other_and_fills_no_memory() {
    let model = model(much);
    let place = Place::new();
    let script = "import socket\n\
        _, _, host, path = os.environ['OPENAI_BASE_URL'].split('/', 3)\n\
        def kilobytes():\n\
        \x20   try:\n\
        \x20       lines = open('/proc/%d/status' % os.getppid()).read().splitlines()\n\
        \x20   except OSError:\n\
        \x20       return 0\n\
        \x20   return next(int(it.split()[1]) for it in lines if it.startswith('VmRSS'))\n\
        def start(length, body):\n\
        \x20   connection = socket.create_connection(host.split(':'))\n\
        \x20   head = f'POST /{path}/chat/completions HTTP/1.1\\r\\nHost: {host}\\r\\nContent-Length: {length}\\r\\n\\r\\n'\n\
        \x20   connection.sendall(head.encode() + body)\n\
        \x20   return connection\n\
        ask('/chat/completions', dict(model='m', messages=messages, tools=tools))\n\
        before = kilobytes()\n\
        body = json.dumps(dict(model='much', stream=True, messages=messages)).encode()\n\
        reads_nothing, sends_half = start(len(body), body), start(1000, body[:20])\n\
        time.sleep(0.5)\n\
        began = time.time()\n\
        for _ in range(3):\n\
        \x20   ask('/chat/completions', dict(model='m', messages=messages, tools=tools))\n\
        print(time.time() - began < 5, kilobytes() - before < 32 << 10)";
    let done = place.record(&model, &[], script);
    let stderr = String::from_utf8_lossy(&done.stderr);
    assert_eq!(
        String::from_utf8_lossy(&done.stdout),
        "True True\n",
        "{stderr}"
    );
    let events = place.events();
    let whole = of(&events, "response")
        .into_iter()
        .filter(|it| it["finish_reason"] == "tool_calls");
    assert_eq!(whole.count(), 4);
}

#[test]
fn an_unreachable_server_is_reported_to_the_client_and_in_the_trace() {
    let place = Place::new();
    let closed = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = closed.local_addr().expect("an address");
    drop(closed);
    let nobody = Model {
        address,
        asked: Arc::default(),
    };
    let script = "try:\n    ask('/chat/completions', dict(model='gpt-4o', messages=messages))\n\
        except urllib.error.HTTPError as error:\n    print(error.code, json.load(error)['error']['code'])";
    let done = place.record(&nobody, &[], script);
    assert_eq!(
        String::from_utf8_lossy(&done.stdout),
        "502 saferun_upstream\n"
    );
    let events = place.events();
    assert_eq!(of(&events, "response")[0]["error"]["type"], "connection");
}

/// A model that is overloaded.
fn busy(_head: &str, _body: &str) -> Vec<Step> {
    let body = "{\"error\":{\"type\":\"rate_limit\",\"message\":\"later\"}}";
    let head = "HTTP/1.1 429 Too Many Requests\r\ncontent-type: application/json\r\nretry-after: 7\r\nconnection: close";
    let answer = format!("{head}\r\ncontent-length: {}\r\n\r\n{body}", body.len());
    vec![Step::Send(answer.into_bytes())]
}

#[test]
fn an_error_of_the_model_passes_unchanged_and_is_not_tried_again() {
    let model = model(busy);
    let place = Place::new();
    let script = "try:\n    ask('/chat/completions', dict(model='gpt-4o', messages=messages))\n\
        except urllib.error.HTTPError as error:\n    print(error.code, error.headers['retry-after'], error.read().decode())";
    let done = place.record(&model, &[], script);
    assert_eq!(
        said(&done.stdout),
        "429 7 {\"error\":{\"type\":\"rate_limit\",\"message\":\"later\"}}\n"
    );
    assert_eq!(model.asked.lock().expect("asked").len(), 1);
    let events = place.events();
    let error = &of(&events, "response")[0]["error"];
    assert_eq!(
        (&error["http_status"], &error["message"]),
        (&json!(429), &json!("later"))
    );
}

/// A model that is killed in the middle of its answer.
fn dying(head: &str, body: &str) -> Vec<Step> {
    slow(head, body).into_iter().take(2).collect()
}

#[test]
fn an_answer_that_breaks_off_breaks_off_for_the_client_too() {
    let model = model(dying);
    let place = Place::new();
    let script = "try:\n    ask('/chat/completions', dict(model='gpt-4o', stream=True, messages=messages))\n    print('whole')\n\
        except Exception as error:\n    print('one' in str(getattr(error, 'partial', '')))";
    let done = place.record(&model, &[], script);
    assert_eq!(said(&done.stdout), "True\n", "{}", said(&done.stderr));
    let events = place.events();
    let response = of(&events, "response")[0];
    assert_eq!(response["content"], "one");
    assert!(
        response["finish_reason"] == "cut" || response["error"].is_object(),
        "{response}"
    );
}

#[test]
fn a_recorder_that_is_killed_leaves_whole_lines() {
    let model = model(chat);
    let place = Place::new();
    let script = "for _ in range(500):\n    ask('/chat/completions', dict(model='gpt-4o', messages=messages))";
    let client = format!("{CLIENT}\n{script}\n");
    let mut recorder = place
        .command(&model, &[])
        .args(["--", "python3", "-c", &client])
        .stderr(std::process::Stdio::null())
        .spawn()
        .expect("started");
    let answers = || {
        let text = fs::read_to_string(place.trace()).unwrap_or_default();
        text.matches("\"type\":\"response\"").count()
    };
    let late = Instant::now() + Duration::from_secs(30);
    while answers() < 3 && Instant::now() < late {
        thread::sleep(Duration::from_millis(5));
    }
    recorder.kill().expect("killed");
    recorder.wait().expect("it ends");
    let text = fs::read_to_string(place.trace()).expect("a trace");
    assert!(text.ends_with('\n'));
    let events = place.events();
    assert!(of(&events, "response").len() >= 3);
    assert!(of(&events, "run_end").is_empty(), "nothing is made up");
}

#[test]
fn of_two_recorders_only_one_records_a_call() {
    let model = model(chat);
    let place = Place::new();
    let script =
        "print(len(ask('/chat/completions', dict(model='gpt-4o', messages=messages))) > 9)";
    let client = format!("{CLIENT}\n{script}\n");
    let done = place
        .command(&model, &[])
        .args(["--", env!("CARGO_BIN_EXE_saferun-tui"), "record", "--"])
        .args(["python3", "-c", &client])
        .output()
        .expect("it ran");
    assert_eq!(said(&done.stdout), "True\n", "{}", said(&done.stderr));
    assert_eq!(of(&place.events(), "response").len(), 1);
    assert_eq!(model.asked.lock().expect("asked").len(), 1);
}

/// Serves the recording to a client; returns its exit code, the report, and its standard error.
fn served(place: &Place, client: &str) -> (Option<i32>, Value, String) {
    let done = Command::new(env!("CARGO_BIN_EXE_saferun-tui"))
        .args(["--no-config", "serve", "--json"])
        .arg(place.trace())
        .arg("-o")
        .arg(place.folder.join("again.jsonl"))
        .args(["--", "python3", "-c", client])
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("HOME", &place.folder)
        .current_dir(&place.folder)
        .output()
        .expect("it ran");
    let out = said(&done.stdout);
    let report = out.lines().rfind(|line| line.starts_with('{'));
    let report = report.and_then(|line| serde_json::from_str(line).ok());
    let _ = fs::remove_file(place.folder.join("again.jsonl"));
    (
        done.status.code(),
        report.unwrap_or_default(),
        said(&done.stderr),
    )
}

#[test]
fn an_agent_against_its_own_recording_does_the_same_and_another_one_does_not() {
    let model = model(chat);
    let place = Place::new();
    let script = "ask('/chat/completions', dict(model='gpt-4o', messages=messages, tools=tools))\n\
                  ask('/chat/completions', dict(model='gpt-4o', messages=messages + [call, result], tools=tools))";
    place.record(&model, &[], script);
    let (code, report, stderr) = served(&place, &format!("{CLIENT}\n{script}\n"));
    assert_eq!(code, Some(0), "{stderr}");
    assert_eq!(
        (&report["served"], &report["misses"]),
        (&json!(2), &json!([])),
        "{stderr}"
    );
    let aligned = stderr.lines().find(|line| line.starts_with("alignment"));
    assert!(
        aligned.is_some_and(|line| line.contains("same")),
        "{stderr}"
    );
    let other = format!("{CLIENT}\nmessages[1]['content'] = 'burn it'\n{script}\n");
    let (code, report, stderr) = served(&place, &other);
    assert_eq!(code, Some(3), "{stderr}");
    assert_eq!(report["served"], 0, "{stderr}");
}

#[test]
fn a_port_that_is_taken_is_named() {
    let place = Place::new();
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("an address").to_string();
    let done = Command::new(env!("CARGO_BIN_EXE_saferun-tui"))
        .args(["listen", "--grpc", "off", "--http", &address, "-o"])
        .arg(place.folder.join("otlp.jsonl"))
        .env("HOME", &place.folder)
        .output()
        .expect("it ran");
    assert_eq!(done.status.code(), Some(69));
    let words = said(&done.stderr);
    assert!(words.contains(&address), "{words}");
    let own = format!("(pid {})", std::process::id());
    assert!(
        !cfg!(target_os = "linux") || words.contains(&own),
        "{words}"
    );
}

#[test]
fn who_does_not_know_the_token_is_not_served_and_other_requests_are_notes() {
    fn list(_head: &str, _body: &str) -> Vec<Step> {
        whole(&json!({"data": []}))
    }
    let model = model(list);
    let place = Place::new();
    let script = "base = os.environ['OPENAI_BASE_URL']\n\
        answer = urllib.request.urlopen(base + '/models?key=' + 'sec' + 'ret')\n\
        answer.read()\n\
        print(answer.status)\n\
        token = base.split('/')[4]\n\
        for url in [base.replace(token, 'x' * len(token)), base.replace('/openai/', '/other/')]:\n\
        \x20   try:\n        urllib.request.urlopen(url + '/models')\n\
        \x20   except urllib.error.HTTPError as error:\n        print(error.code)";
    let done = place.record(&model, &[], script);
    assert_eq!(String::from_utf8_lossy(&done.stdout), "200\n404\n404\n");
    let events = place.events();
    let notes = of(&events, "note");
    assert_eq!(notes.len(), 1);
    assert_eq!(notes[0]["content"], "GET /v1/models: 200, 11 bytes");
    assert!(
        !fs::read_to_string(place.trace())
            .expect("a trace")
            .contains("secret")
    );
}

#[test]
fn without_a_proxy_nothing_changes_for_the_child_but_the_trace_is_named() {
    let model = model(chat);
    let place = Place::new();
    let script = "print(os.environ['OPENAI_BASE_URL'], os.environ['SAFERUN_TRACE'], 'SAFERUN_PROXY' in os.environ)";
    let done = place.record(&model, &["--no-proxy"], script);
    let expected = format!(
        "http://{}/v1 {} False\n",
        model.address,
        place.trace().display()
    );
    assert_eq!(String::from_utf8_lossy(&done.stdout), expected);
    let kinds: Vec<Value> = place.events().iter().map(|it| it["type"].clone()).collect();
    assert_eq!(kinds, ["run_start", "run_end"]);
}

#[test]
fn a_signal_reaches_the_child_and_is_the_exit_code() {
    let model = model(chat);
    let place = Place::new();
    let mut recorder = place
        .command(&model, &[])
        .args(["--", "sh", "-c", "echo ready > here; exec sleep 60"])
        .spawn()
        .expect("started");
    let started = Instant::now();
    while !place.folder.join("here").exists() && started.elapsed() < Duration::from_secs(30) {
        thread::sleep(Duration::from_millis(20));
    }
    kill("-TERM", &recorder.id().to_string());
    let status = recorder.wait().expect("it ends");
    assert_eq!(status.code(), Some(128 + 15));
    let events = place.events();
    let end = events.last().expect("an end");
    assert_eq!(
        (&end["status"], &end["reason"]),
        (&json!("cancelled"), &json!("signal 15"))
    );
}

/// The child and what it started ignore interrupts.
#[test]
fn two_interrupts_in_a_row_end_the_child_and_all_it_started() {
    let model = model(chat);
    let place = Place::new();
    let script = "trap '' INT; sleep 300 & echo $! > pid; mv pid here; wait; sleep 300";
    let mut recorder = place
        .command(&model, &[])
        .args(["--", "sh", "-c", script])
        .spawn()
        .expect("started");
    let here = place.folder.join("here");
    let ready = Instant::now() + Duration::from_secs(30);
    while !here.exists() && Instant::now() < ready {
        thread::sleep(Duration::from_millis(20));
    }
    for _ in 0..2 {
        kill("-INT", &recorder.id().to_string());
        thread::sleep(Duration::from_millis(200));
    }
    let status = recorder.wait().expect("it ends");
    assert_eq!(status.code(), Some(128 + 9));
    let started = fs::read_to_string(here).expect("a pid");
    let is_gone = || !fs::exists(format!("/proc/{}/cwd", started.trim())).unwrap_or(false);
    let late = Instant::now() + Duration::from_secs(5);
    while !is_gone() && Instant::now() < late {
        thread::sleep(Duration::from_millis(20));
    }
    assert!(is_gone() || !cfg!(target_os = "linux"));
    let events = place.events();
    assert_eq!(events.last().expect("an end")["reason"], "signal 9");
}

/// A model that asks for a tool of a server, and the server, which answers in a stream.
fn shop(head: &str, body: &str) -> Vec<Step> {
    let body: Value = serde_json::from_str(body).expect("JSON");
    if !head.starts_with("POST /shop") {
        let call = json!({"id": "call_1", "function": {"name": "mcp__shop__look", "arguments": "{\"at\":\"a\"}"}});
        return whole(
            &json!({"id": "c", "model": "gpt-4o", "choices": [{"index": 0,
            "message": {"role": "assistant", "tool_calls": [call]}, "finish_reason": "tool_calls"}]}),
        );
    }
    let is_known = body["params"]["name"] == "look";
    let content = json!([{"type": "text", "text": "seen"}]);
    let result = json!({"content": content, "isError": !is_known});
    let answer = json!({"jsonrpc": "2.0", "id": body["id"], "result": result});
    let note = json!({"jsonrpc": "2.0", "method": "notifications/progress"});
    let text = format!("data: {note}\n\nevent: message\ndata: {answer}\n\n");
    let mut steps = vec![Step::Send(STREAM.to_vec())];
    steps.extend(text.as_bytes().chunks(9).map(chunk));
    steps.push(Step::Send(b"0\r\n\r\n".to_vec()));
    steps
}

#[test]
fn calls_of_an_mcp_server_over_http_are_joined_with_those_of_the_model() {
    let model = model(shop);
    let place = Place::new();
    let script = "ask('/chat/completions', dict(model='gpt-4o', messages=messages))\n\
        def call(id, name, args):\n\
        \x20   body = dict(jsonrpc='2.0', id=id, method='tools/call', params=dict(name=name, arguments=args))\n\
        \x20   url = os.environ['SAFERUN_PROXY'] + '/mcp/shop'\n\
        \x20   request = urllib.request.Request(url, json.dumps(body).encode(), {'content-type': 'application/json'})\n\
        \x20   print(b'seen' in urllib.request.urlopen(request).read())\n\
        call(1, 'look', {'at': 'a'})\n\
        call(2, 'buy', {})";
    let server = format!("shop=http://{}/shop", model.address);
    let done = place.record(&model, &["--mcp", &server], script);
    assert_eq!(said(&done.stdout), "True\nTrue\n", "{}", said(&done.stderr));
    let events = place.events();
    let calls: Vec<[&Value; 3]> = of(&events, "tool_call")
        .iter()
        .map(|it| [&it["via"], &it["id"], &it["tool"]])
        .collect();
    let other = calls[2][1];
    let (wire, mcp, first) = (json!("wire"), json!("mcp"), json!("call_1"));
    let (look, buy) = (json!("mcp__shop__look"), json!("mcp__shop__buy"));
    assert_eq!(
        calls,
        [
            [&wire, &first, &look],
            [&mcp, &first, &look],
            [&mcp, other, &buy]
        ]
    );
    let results: Vec<[&Value; 2]> = of(&events, "tool_result")
        .iter()
        .map(|it| [&it["call_id"], &it["status"]])
        .collect();
    assert_eq!(results, [[&first, &json!("ok")], [other, &json!("error")]]);
    let store = load(&[place.trace()]);
    let calls = store.rows().filter(|row| row.kind() == Kind::ToolCall);
    assert_eq!(calls.count(), 2, "one row for one call");
}

/// OpenCode's settings can name a plugin: it is there for one run.
#[test]
fn a_guard_for_one_run_of_opencode_leaves_nothing_behind() {
    let model = model(chat);
    let place = Place::new();
    let program = place.folder.join("opencode");
    fs::write(&program, "#!/bin/sh\necho \"$OPENCODE_CONFIG_CONTENT\"\n").expect("written");
    fs::set_permissions(&program, fs::Permissions::from_mode(0o700)).expect("set");
    let run = |set: &str| {
        let mut command = place.command(&model, &["--guard"]);
        command.arg("--").arg(&program);
        if !set.is_empty() {
            command.env("OPENCODE_CONFIG_CONTENT", set);
        }
        command.output().expect("it ran")
    };
    let done = run("");
    let printed = said(&done.stdout);
    let settings: Value = serde_json::from_str(printed.lines().next().unwrap_or_default())
        .unwrap_or_else(|_| panic!("{printed} {}", said(&done.stderr)));
    let plugin = settings["plugin"][0].as_str().expect("a plugin");
    let plugin = plugin.strip_prefix("file://").expect("a file");
    let plugin = Path::new(plugin);
    assert!(plugin.extension().is_some_and(|it| it == "js") && !plugin.exists());
    let refused = run("{}");
    assert_eq!(refused.status.code(), Some(2));
    assert!(said(&refused.stderr).contains("OPENCODE_CONFIG_CONTENT is given already"));
}

fn kill(signal: &str, pid: &str) {
    let sent = Command::new("kill").args([signal, pid]).status();
    assert!(sent.expect("kill").success());
}

#[test]
fn a_program_that_is_not_there_leaves_no_trace_behind() {
    let home = tempfile::tempdir().expect("a folder");
    let done = Command::new(env!("CARGO_BIN_EXE_saferun-tui"))
        .args(["record", "--", "no-such-program-anywhere"])
        .env("HOME", home.path())
        .env("XDG_STATE_HOME", home.path().join("state"))
        .output()
        .expect("it ran");
    assert_eq!(done.status.code(), Some(4));
    let left: Vec<PathBuf> = walk(home.path());
    assert!(left.is_empty(), "{left:?}");
}

fn walk(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder").flatten() {
        let path = entry.path();
        if path.is_dir() {
            files.extend(walk(&path));
        } else {
            files.push(path);
        }
    }
    files
}

/// Hooks append to the same trace: their records are compared with the wire.
#[test]
fn a_call_that_no_hook_was_asked_about_is_marked() {
    let model = model(chat);
    let place = Place::new();
    let script = "trace = open(os.environ['SAFERUN_TRACE'], 'a')\n\
        other = dict(type='tool_call', via='hook', run_id=os.environ['SAFERUN_RUN'], id='call_0', tool='read', args={})\n\
        trace.write(json.dumps(other, separators=(',', ':')) + '\\n')\n\
        trace.flush()\n\
        ask('/chat/completions', dict(model='gpt-4o', messages=messages, tools=tools))\n\
        ask('/chat/completions', dict(model='gpt-4o', messages=messages + [call, result], tools=tools))";
    let done = place.record(&model, &[], script);
    let events = place.events();
    let unguarded = of(&events, "unguarded");
    assert_eq!(unguarded.len(), 1, "{events:?}");
    assert_eq!(unguarded[0]["call_id"], "call_1");
    assert!(String::from_utf8_lossy(&done.stderr).contains("1 unguarded"));
}
