//! Pulling from real servers: Phoenix, `MLflow` and `ClickHouse`'s engine. `SAFERUN_REMOTE` names a folder of virtual
//! environments; missing ones are skipped with a message:
//!
//! ```sh
//! for name in phoenix:arize-phoenix mlflow:mlflow chdb:chdb-core; do
//!     python3 -m venv "$SAFERUN_REMOTE/${name%:*}" && "$SAFERUN_REMOTE/${name%:*}/bin/pip" install "${name#*:}"
//! done
//! ```

mod langfuse;
mod logs;
mod rows;
mod selection;

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

const STORY: &str = "sample-traces/otlp/library-desk.otlp.jsonl";

/// A server that ends with the test.
struct Server {
    child: Child,
    port: u16,
    home: tempfile::TempDir,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Server {
    /// Sends a statement to `ClickHouse`.
    fn post(&self, statement: &str) {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).expect("a connection");
        let length = statement.len();
        let head = format!("POST /?database=default HTTP/1.0\r\nContent-Length: {length}\r\n\r\n");
        stream.write_all(head.as_bytes()).expect("sent");
        stream.write_all(statement.as_bytes()).expect("sent");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("an answer");
        assert_eq!(answer.get(9..12), Some("200"), "{answer}");
    }
}

/// A program of a virtual environment; none, with a message, if it is not installed.
fn installed(environment: &str, program: &str) -> Option<PathBuf> {
    let folder = std::env::var_os("SAFERUN_REMOTE").map(PathBuf::from);
    let path = folder.map(|folder| folder.join(environment).join("bin").join(program));
    let path = path.filter(|path| path.exists());
    if path.is_none() {
        let thread = std::thread::current();
        let test = thread.name().unwrap_or("unnamed test").to_owned();
        let _ = writeln!(
            std::io::stderr(),
            "skipped: {test} (no {environment} in SAFERUN_REMOTE)"
        );
    }
    path
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("an address").port()
}

fn start(mut command: Command, port: u16, home: tempfile::TempDir, ready: &str) -> Server {
    let log = std::fs::File::create(home.path().join("log")).expect("a file");
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(log);
    let server = Server {
        child: command.spawn().expect("it starts"),
        port,
        home,
    };
    let until = Instant::now() + Duration::from_mins(4);
    while !answers(port, ready) {
        assert!(
            Instant::now() < until,
            "{}",
            std::fs::read_to_string(server.home.path().join("log")).expect("a log")
        );
        std::thread::sleep(Duration::from_millis(300));
    }
    server
}

fn answers(port: u16, path: &str) -> bool {
    let Ok(mut stream) = TcpStream::connect(("127.0.0.1", port)) else {
        return false;
    };
    let _ = stream.set_read_timeout(Some(Duration::from_secs(5)));
    let asked = format!("GET {path} HTTP/1.0\r\nHost: localhost\r\n\r\n");
    let mut answer = Vec::new();
    stream.write_all(asked.as_bytes()).is_ok()
        && stream.read_to_end(&mut answer).is_ok()
        && answer.get(9..12) == Some(b"200")
}

fn phoenix() -> Option<Server> {
    let program = installed("phoenix", "phoenix")?;
    let home = tempfile::tempdir().expect("a folder");
    let (port, grpc) = (free_port(), free_port());
    let mut command = Command::new(program);
    command
        .arg("serve")
        .env("PHOENIX_WORKING_DIR", home.path())
        .env("PHOENIX_PORT", port.to_string())
        .env("PHOENIX_GRPC_PORT", grpc.to_string())
        .env("PHOENIX_TELEMETRY_ENABLED", "false");
    Some(start(command, port, home, "/healthz"))
}

fn mlflow() -> Option<Server> {
    let program = installed("mlflow", "mlflow")?;
    let home = tempfile::tempdir().expect("a folder");
    let port = free_port();
    let store = format!("sqlite:///{}", home.path().join("db").display());
    let mut command = Command::new(program);
    command
        .args([
            "server",
            "--workers",
            "1",
            "--backend-store-uri",
            &store,
            "--port",
            &port.to_string(),
        ])
        .current_dir(home.path());
    Some(start(command, port, home, "/health"))
}

fn clickhouse() -> Option<Server> {
    let program = installed("chdb", "python")?;
    let port = free_port();
    let mut command = Command::new(program);
    command.args(["tests/remote/clickhouse.py", &port.to_string()]);
    Some(start(
        command,
        port,
        tempfile::tempdir().expect("a folder"),
        "/ping",
    ))
}

/// Sends a file of OTLP lines to a server.
fn fill(environment: &str, script: &str, arguments: &[&str]) {
    let python = installed(environment, "python").expect("it is installed");
    let done = Command::new(python)
        .arg(format!("tests/remote/{script}"))
        .args(arguments)
        .output()
        .expect("it runs");
    assert!(
        done.status.success(),
        "{}",
        String::from_utf8_lossy(&done.stderr)
    );
}

fn run(home: &Path, args: &[&str]) -> (Option<i32>, Value, String) {
    let output = Command::new(assert_cmd::cargo::cargo_bin!("saferun-tui"))
        .args(args)
        .env("HOME", home)
        .env("XDG_CACHE_HOME", home)
        .output()
        .expect("the program runs");
    let document = serde_json::from_slice(&output.stdout).unwrap_or_default();
    (
        output.status.code(),
        document,
        String::from_utf8_lossy(&output.stderr).into_owned(),
    )
}

/// Pulls everything since 2026-11-01.
fn pull(home: &Path, url: &str, folder: &Path, more: &[&str]) -> Value {
    let folder = folder.to_str().expect("a path");
    let args = [
        &["pull", url, "-o", folder, "--since", "2026-11-01", "--json"],
        more,
    ]
    .concat();
    let (code, document, text) = run(home, &args);
    assert_eq!(code, Some(0), "{text}");
    document
}

/// The runs of a path by id, without where they were read from and members that a server does not keep.
fn runs(path: &Path, filter: Option<&str>, lost: &[&str]) -> BTreeMap<String, Value> {
    let mut args = vec!["ls", path.to_str().expect("a path"), "--json"];
    args.extend(filter.into_iter().flat_map(|filter| ["-w", filter]));
    let (_, document, text) = run(path, &args);
    let runs = document["runs"]
        .as_array()
        .unwrap_or_else(|| panic!("{text}"))
        .clone();
    let runs = runs.into_iter().map(|mut run| {
        for member in ["path", "format"].iter().chain(lost) {
            run.as_object_mut().expect("a run").remove(*member);
        }
        (run["run_id"].as_str().expect("an id").to_owned(), run)
    });
    runs.collect()
}

#[test]
fn phoenix_gives_back_what_was_sent() {
    let Some(server) = phoenix() else { return };
    let home = server.home.path();
    let sent = format!("http://127.0.0.1:{}/v1/traces", server.port);
    fill("phoenix", "fill.py", &[&sent, STORY]);
    let url = format!("phoenix://127.0.0.1:{}/default", server.port);
    let folder = home.join("pulled");
    let until = Instant::now() + Duration::from_mins(1);
    // Spans are inserted shortly after they were accepted.
    while pull(home, &url, &folder, &[])["bytes"].as_u64() < Some(19_000) {
        assert!(Instant::now() < until, "the spans do not arrive");
    }
    // Phoenix does not store resource attributes.
    let lost = ["env", "release", "service"];
    assert_eq!(
        runs(&folder, None, &lost),
        runs(Path::new(STORY), None, &lost)
    );
    let again = pull(home, &url, &folder, &[]);
    assert_eq!(
        (&again["records"], &again["requests"]),
        (&json!(0), &json!(2))
    );
    let (code, _, text) = run(
        home,
        &[
            "ls",
            &format!("phoenix://127.0.0.1:{}/nothing", server.port),
        ],
    );
    assert_eq!(code, Some(4), "{text}");
    assert!(text.contains("404"), "{text}");
}

#[test]
fn mlflow_gives_back_what_was_sent() {
    let Some(server) = mlflow() else { return };
    let home = server.home.path();
    let sent = format!("http://127.0.0.1:{}/v1/traces", server.port);
    fill(
        "mlflow",
        "fill.py",
        &[&sent, STORY, "x-mlflow-experiment-id=0"],
    );
    let url = format!("mlflow://127.0.0.1:{}/Default", server.port);
    let folder = home.join("pulled");
    pull(home, &url, &folder, &[]);
    assert_eq!(runs(&folder, None, &[]), runs(Path::new(STORY), None, &[]));
    let again = pull(home, &url, &folder, &[]);
    assert_eq!(
        (&again["records"], &again["requests"]),
        (&json!(0), &json!(2))
    );
    let (code, _, text) = run(
        home,
        &["ls", &format!("mlflow://127.0.0.1:{}/nothing", server.port)],
    );
    assert_eq!(code, Some(4), "{text}");
}

#[test]
fn clickhouse_gives_back_what_was_sent_and_chooses_no_run_too_few() {
    let Some(server) = clickhouse() else { return };
    let home = server.home.path();
    let sent = format!("http://127.0.0.1:{}/", server.port);
    let many = home.join("many.jsonl");
    fill(
        "chdb",
        "fill_clickhouse.py",
        &[&sent, STORY, many.to_str().expect("a path")],
    );
    let url = format!("clickhouse://127.0.0.1:{}/otel", server.port);
    let whole = home.join("whole");
    pull(home, &url, &whole, &[]);
    let local = runs(&many, None, &[]);
    assert_eq!(runs(&whole, None, &[]), local);
    assert!(local.len() > 100);
    let chosen = [
        "tool:renew",
        "tool:renew is:error",
        "waive_fine",
        "model:gpt-5*",
        "run:desk-copy-17",
        "tool:find_loan -is:error",
        "tool:nothing-of-this",
        "\"Je voudrais prolonger\"",
        "args.amount_eur:3.2 tool:waive_fine",
        "user:reader-31",
        "\"copy-5\" or user:reader-7",
        "is:error user:reader-12 tool:renew",
    ];
    for (at, filter) in chosen.iter().enumerate() {
        let folder = home.join(at.to_string());
        pull(home, &url, &folder, &["-w", filter]);
        let of_folder = if std::fs::read_dir(&folder).expect("a folder").count() > 3 {
            runs(&folder, Some(filter), &[])
        } else {
            BTreeMap::new()
        };
        assert_eq!(of_folder, runs(&many, Some(filter), &[]), "{filter}");
    }
}
