//! What goes wrong at a product whose runs are selected, and at those with other ways to name a key.

use std::path::Path;
use std::process::{Output, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use super::products::KEY;
use super::selected::{PRODUCTS, TIMES, large, phoenix};
use super::server::{Answer, Received, Server};
use super::{all_bytes, command, files, text};

fn pull(server: &Server, scheme: &str, folder: &Path, more: &[&str]) -> std::process::Command {
    let url = format!("{scheme}://127.0.0.1:{}/desk", server.port);
    let path = folder.to_str().expect("a path");
    let mut command = command(
        folder,
        &[&["pull", &url, "-o", path][..], &TIMES, more].concat(),
    );
    command.env("PHOENIX_API_KEY", KEY).stdout(Stdio::null());
    command
}

#[test]
fn a_killed_pull_of_selected_runs_resumes_to_the_same_bytes() {
    let spans = Arc::new(large().spans());
    let server = Server::start(move |asked| phoenix(&spans, asked));
    let home = tempfile::tempdir().expect("a folder");
    let filter = ["-w", "user=Maria"];
    let whole = home.path().join("whole");
    let output = pull(&server, "phoenix", &whole, &filter)
        .output()
        .expect("the program runs");
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    assert!(!files(&whole).is_empty());
    for milliseconds in [40, 80, 120, 200, 300] {
        let killed = home.path().join(milliseconds.to_string());
        let mut child = pull(&server, "phoenix", &killed, &filter)
            .stderr(Stdio::null())
            .spawn()
            .expect("the program runs");
        thread::sleep(Duration::from_millis(milliseconds));
        child.kill().expect("killed");
        child.wait().expect("it ends");
        let output = pull(&server, "phoenix", &killed, &filter)
            .output()
            .expect("the program runs");
        assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
        assert_eq!(files(&killed), files(&whole), "after {milliseconds} ms");
    }
}

/// A client with a slow clock, or without a network for a day, sends spans that began before what was pulled.
#[test]
fn spans_that_arrive_a_day_late_are_put_where_they_belong() {
    let mut spans = large().spans();
    // The last to arrive are the oldest.
    let third = spans.len() / 3;
    spans.rotate_left(third);
    let arrived = Arc::new(AtomicUsize::new(third * 2));
    let count = Arc::clone(&arrived);
    let server = Server::start(move |asked| {
        let until = count.load(Ordering::Relaxed).min(spans.len());
        phoenix(&spans[..until], asked)
    });
    let home = tempfile::tempdir().expect("a folder");
    let (late, once) = (home.path().join("late"), home.path().join("once"));
    let run = |folder: &Path| {
        let output = pull(&server, "phoenix", folder, &[])
            .output()
            .expect("the program runs");
        assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    };
    run(&late);
    arrived.store(usize::MAX, Ordering::Relaxed);
    run(&late);
    run(&once);
    assert_eq!(super::runs(&late).len(), super::runs(&once).len());
    assert_eq!(super::records(&late), super::records(&once));
}

/// A careless server that quotes the request in its answer.
fn quoting(asked: &Received) -> Answer {
    let headers: Vec<String> = asked
        .headers
        .iter()
        .map(|(name, value)| format!("{name}: {value}"))
        .collect();
    Answer {
        body: format!("no: {}", headers.join("\n")),
        ..Answer::status(403)
    }
}

/// The products whose keys the tests of their APIs do not plant.
const OTHERS: [(&str, &str); 5] = [
    ("phoenix", "PHOENIX_API_KEY"),
    ("mlflow", "MLFLOW_TRACKING_TOKEN"),
    ("clickhouse", "CLICKHOUSE_PASSWORD"),
    ("tempo", "TEMPO_TOKEN"),
    ("jaeger", "JAEGER_TOKEN"),
];

#[test]
fn no_key_is_in_any_output_of_the_other_products() {
    for (scheme, variable) in OTHERS {
        let server = Server::start(quoting);
        let home = tempfile::tempdir().expect("a folder");
        let url = format!("{scheme}://127.0.0.1:{}/desk", server.port);
        let picture = home.path().join("picture.svg");
        let run = |args: &[&str]| -> Output {
            let mut command = command(home.path(), args);
            command.env(variable, KEY).env("RUST_BACKTRACE", "1");
            command.output().expect("the program runs")
        };
        let mut outputs: Vec<Vec<u8>> = Vec::new();
        for args in [
            vec!["pull", &url, "--json"],
            vec!["pull", &url, "--dry-run"],
            vec!["pull", &url, "-w", "run=one"],
            vec!["ls", &url, "--verbose"],
            vec!["stats", &url, "--by", "tool"],
            vec!["load", "sample-traces/saferun", "--to", &url, "--yes"],
            vec!["config"],
            vec![
                url.as_str(),
                "--screenshot",
                picture.to_str().expect("a path"),
            ],
        ] {
            let output = run(&args);
            outputs.extend([output.stdout, output.stderr]);
        }
        assert!(
            server
                .asked()
                .iter()
                .any(|it| it.headers.iter().any(|(_, value)| value.contains(KEY))),
            "{scheme} was not sent the key"
        );
        outputs.push(all_bytes(home.path()));
        for output in outputs {
            let found = output.windows(KEY.len()).any(|it| it == KEY.as_bytes());
            assert!(!found, "{scheme}: {}", String::from_utf8_lossy(&output));
        }
    }
}

#[test]
fn an_old_server_that_cannot_select_says_so() {
    let (_, url, keys) = PRODUCTS[0];
    let server = Server::start(super::products::old_langfuse);
    let home = tempfile::tempdir().expect("a folder");
    let url = url.replace("HOST", &format!("127.0.0.1:{}", server.port));
    let output = { command(home.path(), &["pull", &url, "-w", "user=Maria"]) }
        .envs(keys.iter().copied())
        .output()
        .expect("the program runs");
    assert_eq!(output.status.code(), Some(4));
    let said = text(&output.stderr);
    assert!(
        said.contains("before version 4 cannot select runs"),
        "{said}"
    );
}
