//! `alert watch` beside runs that are being written: what it prints, sends, remembers and stops.

use std::fs::{self, OpenOptions};
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;

use super::{agent, begin, steps};

/// Longer than any step takes on the slowest machine.
const PATIENCE: Duration = Duration::from_mins(1);

const RULES: &str = "version = 1\n[[rule]]\nid = \"loop\"\ndetector = \"repeat\"\non_warn = [\"show\", \"notify\"]\n";

/// A separate home folder with a growing trace.
struct Home {
    folder: TempDir,
}

impl Home {
    fn new() -> Home {
        let folder = tempfile::tempdir().expect("a folder");
        let home = Home { folder };
        fs::write(home.trace(), "").expect("written");
        home
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn trace(&self) -> PathBuf {
        self.path("run.jsonl")
    }

    fn write(&self, name: &str, text: &str) -> String {
        let path = self.path(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("made");
        fs::write(&path, text).expect("written");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("set");
        path.to_string_lossy().into_owned()
    }

    /// Rules with a sink that appends to a file; both paths.
    fn rules_with_file(&self) -> (String, PathBuf) {
        let out = self.path("out");
        let sink = "[sink.file]\ntype = \"command\"\ncommand = [\"sh\", \"-c\", \"cat >> ";
        let rules = format!("{RULES}{sink}'{}'\"]\n", out.display());
        (self.write("alerts.toml", &rules), out)
    }

    fn append(&self, text: &str) {
        let file = OpenOptions::new().append(true).open(self.trace());
        file.and_then(|mut file| file.write_all(text.as_bytes()))
            .expect("appended");
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(assert_cmd::cargo::cargo_bin!("saferun-tui"));
        command
            .args(args)
            .env("HOME", self.folder.path())
            .env("XDG_STATE_HOME", self.path("state"))
            .env("XDG_CONFIG_HOME", self.path("config"))
            .env_remove("XDG_RUNTIME_DIR")
            .stdin(Stdio::null());
        command
    }

    fn run(&self, args: &[&str]) -> (i32, String) {
        let output = self.command(args).output().expect("it runs");
        let text = format!(
            "{}{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
        (output.status.code().unwrap_or(-1), text)
    }

    fn start(&self, args: &[&str]) -> Watcher {
        let trace = self.trace();
        let trace = trace.to_str().expect("a plain path");
        let all = [&["alert", "watch", "--jsonl", trace], args].concat();
        let mut child = self
            .command(&all)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts");
        Watcher {
            lines: lines(child.stdout.take().expect("a pipe")),
            notes: lines(child.stderr.take().expect("a pipe")),
            child,
        }
    }

    /// Starts watching, and waits until it has begun.
    fn watch(&self, args: &[&str]) -> Watcher {
        let watcher = self.start(args);
        // What is written from now on is new.
        watcher.note("watching");
        watcher
    }
}

struct Watcher {
    child: Child,
    lines: Receiver<String>,
    notes: Receiver<String>,
}

impl Drop for Watcher {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn lines(from: impl std::io::Read + Send + 'static) -> Receiver<String> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        for line in BufReader::new(from).lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                return;
            }
        }
    });
    receiver
}

impl Watcher {
    /// The next change.
    #[track_caller]
    fn next(&self) -> Value {
        let line = self.lines.recv_timeout(PATIENCE).expect("a line");
        serde_json::from_str(&line).expect("JSON")
    }

    #[track_caller]
    fn event(&self, event: &str, level: &str) -> Value {
        let next = self.next();
        assert_eq!(
            (next["event"].as_str(), next["level"].as_str()),
            (Some(event), Some(level)),
            "{next}"
        );
        next
    }

    /// Waits for a note that contains `words`.
    #[track_caller]
    fn note(&self, words: &str) -> String {
        let until = Instant::now() + PATIENCE;
        while Instant::now() < until {
            match self.notes.recv_timeout(PATIENCE) {
                Ok(note) if note.contains(words) => return note,
                Ok(_) => {}
                Err(_) => break,
            }
        }
        panic!("no note with {words}");
    }

    fn signal(&self, signal: Signal) {
        let pid = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
        kill_process(pid.expect("a pid"), signal).expect("sent");
    }
}

fn start(run: &str) -> String {
    format!("{{\"type\":\"run_start\",\"run_id\":\"{run}\",\"agent\":\"desk\"}}\n")
}

fn end(run: &str) -> String {
    format!("{{\"type\":\"run_end\",\"run_id\":\"{run}\",\"status\":\"ok\"}}\n")
}

#[test]
fn a_loop_is_reported_as_it_happens_and_saved() {
    let home = Home::new();
    let (rules, out) = home.rules_with_file();
    let mut watcher = home.watch(&["--rules", &rules]);
    home.append(&(start("r1") + &steps("r1", 1, 3)));
    let fired = watcher.event("fire", "warn");
    assert_eq!(fired["done"][0], "file", "{fired}");
    home.append(&steps("r1", 4, 5));
    watcher.event("worse", "trip");
    let id = fired["id"].as_str().expect("an id").to_owned();
    let (code, listed) = home.run(&["alert", "ls", "--rules", &rules]);
    assert!(
        code == 0 && listed.contains(id.get(..8).expect("an id")) && listed.contains("firing"),
        "{listed}"
    );
    let (code, acked) = home.run(&[
        "alert",
        "ack",
        id.get(..8).expect("an id"),
        "--by",
        "lead",
        "--rules",
        &rules,
    ]);
    assert!(
        code == 0 && acked.contains("acknowledged by lead"),
        "{acked}"
    );
    let acked = watcher.event("acknowledge", "trip");
    assert_eq!(acked["acked_by"], "lead");
    home.append(&end("r1"));
    watcher.event("resolve", "trip");
    watcher.signal(Signal::TERM);
    let ended = watcher.child.wait().expect("it ends");
    assert_eq!(ended.code(), Some(143));
    let sent = fs::read_to_string(&out).expect("what the sink got");
    let events: Vec<Value> = sent
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    let events: Vec<&str> = events
        .iter()
        .filter_map(|it| it["event"].as_str())
        .collect();
    assert_eq!(events, ["fire", "worse", "resolve"]);
    assert!(
        !sent.contains("sk-live"),
        "an argument left the program: {sent}"
    );
    let (_, listed) = home.run(&["alert", "ls", "--rules", &rules]);
    assert!(listed.contains("nothing is firing"), "{listed}");
}

#[test]
fn alerts_from_before_are_printed_as_old_and_not_sent() {
    let home = Home::new();
    let (rules, out) = home.rules_with_file();
    home.append(&(start("r1") + &steps("r1", 1, 5)));
    let watcher = home.watch(&["--rules", &rules]);
    let old = watcher.event("fire", "trip");
    assert_eq!(
        (&old["old"], &old["done"]),
        (&Value::Bool(true), &Value::Null),
        "{old}"
    );
    // Later alerts are new.
    home.append(&(start("r2") + &steps("r2", 1, 3)));
    let new = watcher.event("fire", "warn");
    assert_eq!(new["scope"]["run"], "r2");
    let until = Instant::now() + PATIENCE;
    while !out.exists() && Instant::now() < until {
        thread::sleep(Duration::from_millis(50));
    }
    let sent = fs::read_to_string(&out).expect("what the sink got");
    assert!(!sent.contains("\"r1\""), "{sent}");
}

#[test]
fn only_one_of_two_watchers_sends() {
    let home = Home::new();
    let (rules, out) = home.rules_with_file();
    let first = home.watch(&["--rules", &rules]);
    let second = home.start(&["--rules", &rules]);
    second.note("another program watches these rules");
    second.note("watching");
    home.append(&(start("r1") + &steps("r1", 1, 3)));
    let (one, other) = (first.event("fire", "warn"), second.event("fire", "warn"));
    assert_eq!(one["done"][0], "file");
    assert_eq!(other["done"], Value::Null, "{other}");
    first.signal(Signal::TERM);
    second.note("alerts are sent from here now");
    let sent = fs::read_to_string(&out).expect("what the sink got");
    assert_eq!(sent.lines().count(), 1, "{sent}");
}

#[test]
fn a_signal_reloads_the_rules_and_mistakes_are_refused() {
    let home = Home::new();
    let rules = home.write("alerts.toml", RULES);
    let watcher = home.watch(&["--rules", &rules, "--sink", "bell"]);
    home.write(
        "alerts.toml",
        "version = 1\n[[rule]]\nid = \"x\"\ndetector = \"rpeat\"\n",
    );
    watcher.signal(Signal::HUP);
    let refused = watcher.note("rpeat");
    assert!(refused.contains("alerts.toml"), "{refused}");
    watcher.note("the rules stay as they were");
    home.append(&(start("r1") + &steps("r1", 1, 3)));
    watcher.event("fire", "warn");
    home.write("alerts.toml", &RULES.replace("\"loop\"", "\"again\""));
    watcher.signal(Signal::HUP);
    watcher.note("rules reloaded");
    // The same streak under the new rule was there before.
    assert_eq!(watcher.event("fire", "warn")["old"], Value::Bool(true));
    home.append(&(start("r2") + &steps("r2", 1, 3)));
    assert_eq!(watcher.event("fire", "warn")["rule"], "again");
}

const ARMED: &str = "version = 1\n[[rule]]\nid = \"loop\"\ndetector = \"repeat\"\non_trip = [\"show\", \"stop\"]\n[breaker]\narmed = true\nuse = [\"guard\", \"proxy\"]\nuntil = \"10m\"\n";

#[test]
fn only_the_rules_of_the_settings_stop_a_run_and_reset_lets_it_continue() {
    let home = Home::new();
    let beside = home.write("alerts.toml", ARMED);
    let trip = home.path("state/saferun-tui/live/r1.trip");
    let watcher = home.watch(&["--rules", &beside]);
    home.append(&(start("r1") + &steps("r1", 1, 3)));
    watcher.event("fire", "warn");
    home.append(&steps("r1", 4, 5));
    let dry = watcher.event("worse", "trip");
    assert_eq!(dry["done"][0], "stop (dry)", "{dry}");
    assert!(!trip.exists());
    drop(watcher);

    home.write("config/saferun-tui/alerts.toml", ARMED);
    fs::set_permissions(
        home.path("config/saferun-tui"),
        fs::Permissions::from_mode(0o700),
    )
    .expect("set");
    fs::write(home.trace(), "").expect("emptied");
    let watcher = home.watch(&[]);
    home.append(&(start("r1") + &steps("r1", 1, 3)));
    watcher.event("fire", "warn");
    home.append(&steps("r1", 4, 5));
    let stopped = watcher.event("worse", "trip");
    assert_eq!(stopped["done"][0], "stop", "{stopped}");
    watcher.note("run r1 stopped");
    let text = fs::read_to_string(&trip).expect("a trip");
    let told: Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(
        (&told["schema"], &told["run_id"], &told["rule"]),
        (&"saferun.tui/trip@1".into(), &"r1".into(), &"loop".into())
    );
    assert!(
        told["until"].is_string()
            && told["arithmetic"]
                .as_str()
                .is_some_and(|it| it.contains("5 steps")),
        "{told}"
    );
    let mode = fs::metadata(&trip).expect("a file").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let (code, text) = home.run(&["alert", "reset", "r1"]);
    assert!(
        code == 0 && text.contains("may continue") && !trip.exists(),
        "{text}"
    );
}

#[test]
fn an_armed_kill_ends_the_process_group_of_the_run() {
    let home = Home::new();
    home.write(
        "config/saferun-tui/alerts.toml",
        &ARMED.replace("\"guard\", \"proxy\"", "\"kill\""),
    );
    fs::set_permissions(
        home.path("config/saferun-tui"),
        fs::Permissions::from_mode(0o700),
    )
    .expect("set");
    let mut agent = agent();
    let watcher = home.watch(&[]);
    home.append(&(begin("r1", &agent) + &steps("r1", 1, 3)));
    watcher.event("fire", "warn");
    home.append(&steps("r1", 4, 5));
    watcher.event("worse", "trip");
    watcher.note("its process ended after INT");
    let ended = agent.wait().expect("it ended");
    assert!(!ended.success());
}

#[test]
fn mistakes_in_sinks_are_reported_before_watching_begins() {
    let home = Home::new();
    let trace = home.trace();
    let trace = trace.to_str().expect("a plain path");
    let (code, text) = home.run(&["alert", "watch", trace, "--sink", "nobody"]);
    assert!(
        code == 2 && text.contains("no sink 'nobody'") && text.contains("bell"),
        "{text}"
    );
    let rules = home.write(
        "alerts.toml",
        &format!("{RULES}[sink.oncall]\ntype = \"pagerduty\"\nkey_env = \"SAFERUN_NO_SUCH_KEY\"\n"),
    );
    let (code, text) = home.run(&["alert", "watch", &rules, trace]);
    assert!(
        code == 2 && text.contains("SAFERUN_NO_SUCH_KEY is not set"),
        "{text}"
    );
    let (code, text) = home.run(&["alert", "ack", "0000"]);
    assert!(code == 2 && text.contains("no alert 0000"), "{text}");
    assert!(Path::new(trace).exists());
}
