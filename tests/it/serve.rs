use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

use crate::support::samples;

pub(crate) fn program() -> Command {
    let mut command = Command::new(assert_cmd::cargo::cargo_bin!("saferun-tui"));
    command.args(["--no-config", "--no-state"]);
    command
}

pub(crate) fn written(folder: &Path, name: &str, lines: &[Value]) -> PathBuf {
    let path = folder.join(name);
    let text: String = lines
        .iter()
        .flat_map(|line| [line.to_string(), "\n".to_owned()])
        .collect();
    fs::write(&path, text).expect("written");
    path
}

const ANSWER: &str = "Regen in Zürich ☂, nimm den großen Schirm mit";

/// A run that calls a tool and answers; `requests` are its recorded bodies.
pub(crate) fn trace(requests: Option<[Value; 2]>) -> Vec<Value> {
    let mut lines = vec![
        json!({"type": "run_start", "run_id": "r", "agent": "a"}),
        json!({"type": "prompt", "run_id": "r", "role": "user", "content": "weather?"}),
        json!({"type": "response", "run_id": "r", "id": "e1", "model": "m", "content": "I look.", "usage": {"input_tokens": 30, "output_tokens": 5, "cache_read_tokens": 7}}),
        json!({"type": "tool_call", "run_id": "r", "id": "c1", "parent_id": "e1", "tool": "look", "args": {"city": "Zürich"}}),
        json!({"type": "tool_result", "run_id": "r", "call_id": "c1", "status": "ok", "result": "rain"}),
        json!({"type": "response", "run_id": "r", "model": "m", "content": ANSWER, "usage": {"input_tokens": 40, "output_tokens": 9}}),
        json!({"type": "run_end", "run_id": "r", "status": "ok"}),
    ];
    if let Some([first, second]) = requests {
        lines[2]["request"] = first;
        lines[5]["request"] = second;
    }
    lines
}

/// A run that is being served.
struct Serving {
    child: Child,
    address: SocketAddr,
    stderr: BufReader<ChildStderr>,
}

impl Serving {
    fn start(path: &Path, options: &[&str]) -> Serving {
        let mut child = program()
            .arg("serve")
            .arg(path)
            .args(options)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("it starts");
        let mut stderr = BufReader::new(child.stderr.take().expect("a pipe"));
        let address = loop {
            let mut line = String::new();
            assert!(stderr.read_line(&mut line).expect("a line") > 0, "it ended");
            if let Some(address) = line.trim().strip_prefix("serving    ") {
                break address.parse().expect("an address");
            }
        };
        Serving {
            child,
            address,
            stderr,
        }
    }

    fn post(&self, path: &str, body: &Value) -> (u16, String, String) {
        post(self.address, path, body)
    }

    /// Interrupts it; returns its exit code, output and report.
    fn end(mut self) -> (i32, String, String) {
        let pid = self.child.id().to_string();
        let killed = Command::new("kill").args(["-INT", &pid]).status();
        assert!(killed.expect("kill runs").success());
        let mut report = String::new();
        self.stderr.read_to_string(&mut report).expect("UTF-8");
        let done = self.child.wait_with_output().expect("it ended");
        let printed = String::from_utf8_lossy(&done.stdout).into_owned();
        (done.status.code().expect("a code"), printed, report)
    }
}

/// Status, head and body of the answer to some bytes.
fn raw(address: SocketAddr, bytes: &[u8]) -> (u16, String, String) {
    let mut stream = TcpStream::connect(address).expect("connected");
    let time = Some(Duration::from_secs(30));
    stream.set_read_timeout(time).expect("a time-out");
    stream.write_all(bytes).expect("sent");
    let mut answer = Vec::new();
    // A reset after the answer also ends it.
    let _ = stream.read_to_end(&mut answer);
    let answer = String::from_utf8_lossy(&answer).into_owned();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
    let status = head.split(' ').nth(1).and_then(|it| it.parse().ok());
    (status.unwrap_or(0), head.to_owned(), body.to_owned())
}

pub(crate) fn post(address: SocketAddr, path: &str, body: &Value) -> (u16, String, String) {
    let body = body.to_string();
    let length = body.len();
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n"
    );
    raw(address, &[head.as_bytes(), body.as_bytes()].concat())
}

fn asked(texts: &[&str]) -> Value {
    let all = texts.iter().enumerate().map(|(at, text)| {
        let role = if at % 2 == 0 { "user" } else { "assistant" };
        json!({"role": role, "content": text})
    });
    let tools = json!([{"type": "function", "function": {"name": "look"}}]);
    json!({"model": "m", "tools": tools, "messages": all.collect::<Vec<Value>>()})
}

/// The data of each event of a stream.
fn events(body: &str) -> Vec<Value> {
    let data = body.lines().filter_map(|line| line.strip_prefix("data: "));
    data.filter_map(|it| serde_json::from_str(it).ok())
        .collect()
}

#[test]
fn every_api_gives_the_recorded_answers_plain_and_streamed() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = written(folder.path(), "run.jsonl", &trace(None));
    let check = |url: &str,
                 mut body: Value,
                 stream_url: &str,
                 call: &str,
                 text: &dyn Fn(&[Value]) -> String| {
        let serving = Serving::start(&path, &[]);
        let (status, _, first) = serving.post(url, &body);
        assert_eq!(status, 200, "{first}");
        let first: Value = serde_json::from_str(&first).expect("JSON");
        assert_eq!(first.pointer(call), Some(&json!("look")), "{first}");
        body["stream"] = true.into();
        let (status, head, second) = serving.post(stream_url, &body);
        assert_eq!(status, 200, "{second}");
        assert!(head.contains("text/event-stream"), "{head}");
        assert_eq!(text(&events(&second)), ANSWER);
        let (code, _, report) = serving.end();
        assert_eq!(code, 1, "the agent sent no result: {report}");
        assert!(report.contains("served     2 of 2 answers"), "{report}");
    };
    let all = |at: &'static str| {
        move |events: &[Value]| {
            let pieces = events.iter().filter_map(|it| it.pointer(at)?.as_str());
            pieces.collect::<String>()
        }
    };
    let chat = "/openai/v1/chat/completions";
    check(
        chat,
        asked(&["weather?"]),
        chat,
        "/choices/0/message/tool_calls/0/function/name",
        &all("/choices/0/delta/content"),
    );
    let messages = "/anthropic/v1/messages?beta=true";
    let body = json!({"model": "m", "max_tokens": 9, "tools": [{"name": "look"}], "messages": [{"role": "user", "content": "weather?"}]});
    check(
        messages,
        body,
        messages,
        "/content/1/name",
        &all("/delta/text"),
    );
    let responses = "/v1/responses";
    let body =
        json!({"model": "m", "tools": [{"type": "function", "name": "look"}], "input": "weather?"});
    check(responses, body, responses, "/output/1/name", &all("/delta"));
    let gemini = "/gemini/v1beta/models/m:generateContent";
    let body = json!({"tools": [{"functionDeclarations": [{"name": "look"}]}], "contents": [{"role": "user", "parts": [{"text": "weather?"}]}]});
    let streamed = "/gemini/v1beta/models/m:streamGenerateContent?alt=sse";
    check(
        gemini,
        body,
        streamed,
        "/candidates/0/content/parts/1/functionCall/name",
        &all("/candidates/0/content/parts/0/text"),
    );
}

#[test]
fn ollama_streams_one_object_per_line_unless_asked_not_to() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = written(folder.path(), "run.jsonl", &trace(None));
    let serving = Serving::start(&path, &[]);
    let mut body = asked(&["weather?"]);
    body["stream"] = false.into();
    let (_, _, first) = serving.post("/ollama/api/chat", &body);
    let first: Value = serde_json::from_str(&first).expect("JSON");
    assert_eq!(
        first.pointer("/message/tool_calls/0/function/arguments/city"),
        Some(&json!("Zürich"))
    );
    body["stream"] = true.into();
    let (_, _, second) = serving.post("/ollama/api/chat", &body);
    let lines: Vec<Value> = second
        .lines()
        .filter_map(|it| serde_json::from_str(it).ok())
        .collect();
    let pieces = lines
        .iter()
        .filter_map(|it| it["message"]["content"].as_str());
    assert_eq!(pieces.collect::<String>(), ANSWER);
    assert_eq!(lines.last().expect("a line")["eval_count"], 9);
    serving.end();
}

#[test]
fn a_miss_is_an_error_that_no_client_retries() {
    let folder = tempfile::tempdir().expect("a folder");
    let requests = [
        asked(&["weather?"]),
        asked(&["weather?", "I look.", "rain"]),
    ];
    let path = written(folder.path(), "run.jsonl", &trace(Some(requests)));
    let serving = Serving::start(&path, &["--json"]);
    let (status, head, body) = serving.post("/v1/chat/completions", &asked(&["whether?"]));
    assert_eq!(status, 400);
    assert!(
        head.to_lowercase().contains("x-should-retry: false"),
        "{head}"
    );
    let body: Value = serde_json::from_str(&body).expect("JSON");
    assert_eq!(body["error"]["code"], "saferun_replay_miss");
    let message = body["error"]["message"].as_str().expect("words");
    assert!(
        message.contains("$.messages[0].content") && message.contains("weather?"),
        "{message}"
    );
    let (code, printed, _) = serving.end();
    assert_eq!(code, 3);
    let report: Value = serde_json::from_str(&printed).expect("JSON");
    assert_eq!(
        (&report["class"], &report["match"]),
        (&json!("A"), &json!("order"))
    );
    assert_eq!(report["misses"][0]["reason"], "request_changed");
    assert_eq!(report["misses"][0]["nearest"]["step"], 1);
    assert_eq!(report["unused"], json!([1, 2]));
}

#[test]
fn parallel_requests_get_each_recorded_answer_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let lines: Vec<Value> = (0..16)
        .map(|at| json!({"type": "response", "run_id": "r", "model": "m", "content": format!("answer {at}"), "request": asked(&["same"])}))
        .collect();
    let path = written(folder.path(), "run.jsonl", &lines);
    let serving = Serving::start(&path, &["--match", "hash"]);
    let address = serving.address;
    let ask = move || post(address, "/v1/chat/completions", &asked(&["same"]));
    let threads: Vec<_> = (0..16).map(|_| thread::spawn(ask)).collect();
    let mut answers: Vec<String> = threads
        .into_iter()
        .map(|thread| {
            let (status, _, body) = thread.join().expect("an answer");
            assert_eq!(status, 200, "{body}");
            let body: Value = serde_json::from_str(&body).expect("JSON");
            body["choices"][0]["message"]["content"]
                .as_str()
                .expect("text")
                .to_owned()
        })
        .collect();
    answers.sort();
    answers.dedup();
    assert_eq!(answers.len(), 16);
    assert_eq!(ask().0, 400);
    assert_eq!(serving.end().0, 3);
}

#[test]
fn a_request_may_arrive_byte_by_byte() {
    let folder = tempfile::tempdir().expect("a folder");
    let question = asked(&["Wetter in Zürich? 🌧"]);
    let path = written(
        folder.path(),
        "run.jsonl",
        &trace(Some([question.clone(), asked(&["x"])])),
    );
    let serving = Serving::start(&path, &[]);
    let address = serving.address;
    let mut request = format!(
        "POST /v1/chat/completions HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
    )
    .into_bytes();
    // Every chunk border is within a character somewhere.
    for byte in question.to_string().bytes() {
        request.extend([b"1\r\n", &[byte][..], b"\r\n"].concat());
    }
    request.extend(b"0\r\n\r\n");
    let (status, _, body) = raw(address, &request);
    assert_eq!(status, 200, "{body}");
    serving.end();
}

#[test]
fn hostile_requests_are_refused_and_others_still_served() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = written(folder.path(), "run.jsonl", &trace(None));
    let serving = Serving::start(&path, &[]);
    let address = serving.address;
    let check = |lines: &str, status: u16| {
        let request = format!("POST /v1/messages HTTP/1.1\r\n{lines}Connection: close\r\n\r\n{{}}");
        let got = raw(address, request.as_bytes());
        assert_eq!(got.0, status, "{lines:?}: {}", got.1);
    };
    let host = format!("Host: {address}\r\n");
    check("Host: evil.example\r\nContent-Length: 2\r\n", 421);
    check(
        &format!("{host}Origin: https://evil.example\r\nContent-Length: 2\r\n"),
        403,
    );
    check(&format!("{host}Content-Length: 99999999999\r\n"), 413);
    check(
        &format!("{host}Transfer-Encoding: chunked\r\nContent-Length: 2\r\n"),
        400,
    );
    check(
        &format!("{host}Content-Length: 2\r\nContent-Encoding: br\r\n"),
        400,
    );
    assert_eq!(serving.post("/v1/embeddings", &json!({})).0, 404);
    assert_eq!(serving.post("/v1/messages", &json!([])).0, 400);
    let whole = format!(
        "POST /v1/messages HTTP/1.1\r\n{host}Content-Length: 40\r\n\r\n{{\"messages\": []}}"
    );
    for cut in [1, 20, whole.len()] {
        let mut stream = TcpStream::connect(address).expect("connected");
        stream.write_all(&whole.as_bytes()[..cut]).expect("sent");
    }
    let (status, _, body) = serving.post("/v1/messages", &json!({"tools": [{"name": "look"}], "messages": [{"role": "user", "content": "weather?"}]}));
    assert_eq!(status, 200, "{body}");
    serving.end();
}

#[test]
fn only_addresses_of_this_machine_are_served_on() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = written(folder.path(), "run.jsonl", &trace(None));
    let done = program()
        .arg("serve")
        .arg(&path)
        .args(["--listen", "0.0.0.0:0"])
        .output()
        .expect("it runs");
    assert_eq!(done.status.code(), Some(2));
}

#[test]
fn a_command_gets_base_urls_and_its_code_comes_after_what_was_asked() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = written(folder.path(), "run.jsonl", &trace(None));
    let done = program()
        .arg("serve")
        .arg(&path)
        .args(["--json", "--", "sh", "-c", "echo $OPENAI_BASE_URL; exit 5"])
        .env_remove("OPENAI_BASE_URL")
        .output()
        .expect("it runs");
    let printed = String::from_utf8_lossy(&done.stdout).into_owned();
    assert!(printed.starts_with("http://127.0.0.1:"), "{printed}");
    let report: Value =
        serde_json::from_str(printed.lines().last().expect("a line")).expect("JSON");
    assert_eq!(
        (&report["served"], &report["exit_code"]),
        (&json!(0), &json!(5))
    );
    assert_eq!(done.status.code(), Some(1), "answers were not requested");
}

#[test]
fn every_sample_says_how_exactly_it_can_be_served() {
    let mut classes = String::new();
    for path in samples() {
        let done = program()
            .arg("serve")
            .arg(&path)
            .args(["--dry-run", "--json"])
            .output()
            .expect("it runs");
        let code = done.status.code().expect("a code");
        let stderr = String::from_utf8_lossy(&done.stderr);
        assert!(matches!(code, 0 | 2 | 4), "{}: {stderr}", path.display());
        if code == 0 {
            let report: Value = serde_json::from_slice(&done.stdout).expect("JSON");
            assert!(
                report["calls"].as_array().is_some_and(|it| !it.is_empty()),
                "{}",
                path.display()
            );
            classes.push_str(report["class"].as_str().expect("a class"));
        }
    }
    for class in ["B", "C", "D"] {
        assert!(classes.contains(class), "{classes}");
    }
}

#[test]
fn recorded_results_are_served_to_mcp_clients() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = written(folder.path(), "run.jsonl", &trace(None));
    let mut child = program()
        .arg("mcp-serve")
        .arg(&path)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("it starts");
    let call = |id: u32, city: &str| json!({"jsonrpc": "2.0", "id": id, "method": "tools/call", "params": {"name": "look", "arguments": {"city": city}}});
    let mut stdin = child.stdin.take().expect("a pipe");
    for message in [
        json!({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": {}}),
        call(1, "Zürich"),
        call(2, "Zürich"),
    ] {
        writeln!(stdin, "{message}").expect("sent");
    }
    drop(stdin);
    let done = child.wait_with_output().expect("it ended");
    let text = String::from_utf8_lossy(&done.stdout);
    let answers: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    assert_eq!(
        answers[1]["result"],
        json!({"content": [{"type": "text", "text": "rain"}], "isError": false})
    );
    assert_eq!(answers[2]["result"]["isError"], true);
    assert_eq!(done.status.code(), Some(3));
}

/// A vendor that answers each request with a call of `look`, and keeps the requests.
fn vendor() -> (String, Receiver<String>) {
    vendor_that(|_| {
        let call = json!({"id": "x", "type": "function", "function": {"name": "look", "arguments": "{\"city\":\"Zürich\"}"}});
        json!({"model": "gpt-4o", "choices": [{"message": {"role": "assistant", "content": "live", "tool_calls": [call]}, "finish_reason": "tool_calls"}],
            "usage": {"prompt_tokens": 40, "completion_tokens": 9}})
    })
}

/// A vendor that answers by the text of the request.
pub(crate) fn vendor_that(answer: fn(&str) -> Value) -> (String, Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let base = format!("http://{}/v1", listener.local_addr().expect("an address"));
    let (sender, receiver) = channel();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            let sender = sender.clone();
            thread::spawn(move || {
                let mut reader = BufReader::new(stream.try_clone().expect("a clone"));
                let mut head = String::new();
                while !head.ends_with("\r\n\r\n")
                    && reader.read_line(&mut head).is_ok_and(|it| it > 0)
                {}
                let length = head
                    .lines()
                    .find_map(|line| line.strip_prefix("content-length: "));
                let mut body = vec![0; length.and_then(|it| it.parse().ok()).unwrap_or(0)];
                let _ = reader.read_exact(&mut body);
                let body = String::from_utf8_lossy(&body).into_owned();
                let answer = answer(&body).to_string();
                let _ = sender.send(format!("{head}{body}"));
                let whole = format!(
                    "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{answer}",
                    answer.len()
                );
                let _ = stream.write_all(whole.as_bytes());
            });
        }
    });
    (base, receiver)
}

#[test]
fn a_model_is_asked_again_only_when_it_is_allowed() {
    let folder = tempfile::tempdir().expect("a folder");
    let first = json!({"model": "gpt-4o", "temperature": 1, "stream": true, "messages": [{"role": "user", "content": "weather?"}]});
    let path = written(
        folder.path(),
        "run.jsonl",
        &trace(Some([first, asked(&["x"])])),
    );
    let (base, requests) = vendor();
    let rerun = |options: &[&str]| {
        program()
            .arg("rerun")
            .arg(&path)
            .args([
                "--seq",
                "3",
                "-n",
                "6",
                "--base-url",
                &base,
                "--set",
                "temperature=0",
            ])
            .args(options)
            .env("OPENAI_API_KEY", "sk-test")
            .env("HOME", folder.path())
            .env_remove("XDG_STATE_HOME")
            .stdin(Stdio::null())
            .output()
            .expect("it runs")
    };
    for (options, code) in [
        (&["--dry-run"][..], 0),
        (&[], 2),
        (&["--allow-net"], 2),
        (&["--yes", "--max-usd", "1"], 2),
        (&["--allow-net", "--yes"], 2),
    ] {
        let done = rerun(options);
        let stderr = String::from_utf8_lossy(&done.stderr);
        assert_eq!(done.status.code(), Some(code), "{options:?}: {stderr}");
        assert!(!stderr.contains("sk-test"), "{stderr}");
    }
    assert!(requests.try_recv().is_err(), "nothing may be sent");
    let kept = folder.path().join("again.jsonl");
    let done = rerun(&[
        "--allow-net",
        "--yes",
        "--max-usd",
        "1",
        "--json",
        "-o",
        kept.to_str().expect("UTF-8"),
    ]);
    let stderr = String::from_utf8_lossy(&done.stderr);
    assert_eq!(done.status.code(), Some(0), "{stderr}");
    let report: Value = serde_json::from_slice(&done.stdout).expect("JSON");
    let model = &report["models"][0];
    assert_eq!(
        (
            &model["answered"],
            &model["same_tool"],
            &model["same_arguments"]
        ),
        (&json!(6), &json!(6), &json!(6))
    );
    let low = model["same_tool_interval"][0].as_f64().expect("a number");
    assert!((low - 0.61).abs() < 0.01, "{low}");
    let sent: Vec<String> = requests.try_iter().collect();
    assert_eq!(sent.len(), 6);
    assert!(
        sent[0].contains("authorization: Bearer sk-test\r\n")
            && sent[0].contains("\"temperature\":0")
            && !sent[0].contains("stream"),
        "{}",
        sent[0]
    );
    let done = program()
        .args(["ls", "--jsonl"])
        .arg(&kept)
        .output()
        .expect("it runs");
    assert_eq!(String::from_utf8_lossy(&done.stdout).lines().count(), 6);
}

#[test]
fn a_tool_is_run_again_only_by_a_template_and_when_it_is_allowed() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = written(folder.path(), "run.jsonl", &trace(None));
    let config = folder.path().join("config.toml");
    let marker = folder.path().join("ran");
    let script = format!("touch {}; cat > /dev/null; printf rain", marker.display());
    let rerun = |words: &str, options: &[&str]| {
        fs::write(&config, words).expect("written");
        Command::new(assert_cmd::cargo::cargo_bin!("saferun-tui"))
            .args(["--no-state", "--config"])
            .arg(&config)
            .arg("rerun")
            .arg(&path)
            .args(["--seq", "4"])
            .args(options)
            .env("HOME", folder.path())
            .env_remove("XDG_STATE_HOME")
            .stdin(Stdio::null())
            .output()
            .expect("it runs")
    };
    let template = format!("[rerun.tools]\nlook = [\"/bin/sh\", \"-c\", {script:?}]\n");
    for (words, options, code) in [
        ("", &["--allow-exec", "--yes"][..], 2),
        (&template, &[], 2),
        (&template, &["--yes"], 2),
        (&template, &["--allow-exec"], 2),
        (&template, &["--dry-run"], 0),
    ] {
        let done = rerun(words, options);
        assert_eq!(
            done.status.code(),
            Some(code),
            "{options:?}: {}",
            String::from_utf8_lossy(&done.stderr)
        );
    }
    assert!(!marker.exists(), "nothing may run");
    let done = rerun(&template, &["--allow-exec", "--yes"]);
    let stderr = String::from_utf8_lossy(&done.stderr);
    assert_eq!(done.status.code(), Some(0), "{stderr}");
    assert!(
        marker.exists() && stderr.contains("the same result as recorded"),
        "{stderr}"
    );
}

#[test]
fn after_the_recorded_answers_the_real_model_continues_only_if_allowed() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = written(folder.path(), "run.jsonl", &trace(None));
    let refused = program()
        .arg("serve")
        .arg(&path)
        .args(["--then", "live"])
        .output()
        .expect("it runs");
    assert_eq!(refused.status.code(), Some(2));
    let (base, requests) = vendor();
    let mut child = program()
        .arg("serve")
        .arg(&path)
        .args([
            "--until",
            "1",
            "--then",
            "live",
            "--allow-net",
            "--yes",
            "--json",
        ])
        .env("OPENAI_BASE_URL", &base)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it starts");
    let mut stderr = BufReader::new(child.stderr.take().expect("a pipe"));
    let address: SocketAddr = loop {
        let mut line = String::new();
        assert!(stderr.read_line(&mut line).expect("a line") > 0, "it ended");
        if let Some(address) = line.trim().strip_prefix("serving    ") {
            break address.parse().expect("an address");
        }
    };
    let serving = Serving {
        child,
        address,
        stderr,
    };
    let mut body = asked(&["weather?"]);
    body["model"] = "gpt-4o".into();
    let url = "/openai/v1/chat/completions";
    assert_eq!(serving.post(url, &body).0, 200);
    assert!(requests.try_recv().is_err(), "the first answer is recorded");
    let (status, _, second) = serving.post(url, &body);
    assert!(status == 200 && second.contains("live"), "{second}");
    let sent = requests
        .recv_timeout(Duration::from_secs(10))
        .expect("it was sent");
    assert!(
        sent.starts_with("POST /v1/chat/completions HTTP/1.1\r\n"),
        "{sent}"
    );
    body["model"] = "a-model-without-price".into();
    assert_eq!(serving.post(url, &body).0, 400);
    let (_, printed, _) = serving.end();
    let report: Value = serde_json::from_str(&printed).expect("JSON");
    assert_eq!(
        report["egress"],
        json!([base.trim_start_matches("http://").trim_end_matches("/v1")])
    );
}
