use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::Receiver;

use serde_json::{Value, json};

use crate::act::rerun::Settings;
use crate::act::rerun::testing::{calls, vendor};
use crate::base::clock::Clock;
use crate::ingest::discover::Input;
use crate::tui::render::{self, Headless};
use crate::tui::testing::{ManualClock, options};
use crate::tui::{Options, Setup};

const TRACE: &str = r#"{"type":"run_start","run_id":"r1","agent":"shop","model":"gpt-4o"}
{"type":"prompt","run_id":"r1","role":"user","content":"where is it?"}
{"type":"response","run_id":"r1","id":"m1","model":"gpt-4o","content":"I look","usage":{"input_tokens":100,"output_tokens":9},"request":{"model":"gpt-4o","messages":[{"role":"user","content":"where is it?"}]}}
{"type":"tool_call","run_id":"r1","id":"c1","parent_id":"m1","tool":"look","args":{"at":1}}
{"type":"tool_result","run_id":"r1","call_id":"c1","status":"ok","result":"seen"}
{"type":"response","run_id":"r1","id":"m2","model":"gpt-4o","content":"There"}
{"type":"run_end","run_id":"r1","status":"ok"}
"#;

struct Screen {
    shown: Headless,
    clock: Arc<ManualClock>,
    base: String,
    requests: Receiver<Value>,
    folder: tempfile::TempDir,
}

impl Screen {
    /// Replays the run at its first model call.
    fn new(size: (u16, u16)) -> Screen {
        let folder = tempfile::tempdir().expect("a folder");
        let (base, requests) = vendor(|_| calls("ask", &json!({"at": 2})));
        let marker = folder.path().join("ran");
        let script = format!("touch {}; printf other", marker.display());
        let look = ["/bin/sh", "-c", script.as_str()].map(str::to_owned);
        let clock = ManualClock::new();
        let options = Options {
            clock: Arc::clone(&clock) as Arc<dyn Clock>,
            setup: Setup {
                rerun: Settings {
                    base_url: Some(base.clone()),
                    key_command: vec!["printf".to_owned(), "sk-test".to_owned()],
                    tools: vec![("look".to_owned(), look.to_vec())],
                    folder: Some(folder.path().join("reruns")),
                },
                ..Setup::default()
            },
            ..options()
        };
        let path = folder.path().join("trace.jsonl");
        fs::write(&path, TRACE).expect("written");
        let mut shown = Headless::new(&options, size);
        shown.open("trace.jsonl".to_owned(), vec![Input::File(path)]);
        shown.play("3 j j");
        Screen {
            shown,
            clock,
            base,
            requests,
            folder,
        }
    }

    /// Plays keys half a second after the screen was last drawn.
    fn play(&mut self, keys: &str) {
        self.shown.draw();
        self.clock.pass(600);
        self.shown.play(keys);
    }

    fn text(&mut self) -> String {
        render::text(&self.shown.draw())
    }

    #[track_caller]
    fn check(&mut self, expected: &[&str]) {
        let text = self.text();
        for words in expected {
            assert!(text.contains(words), "{words:?} in\n{text}");
        }
    }

    /// The files of attempts.
    fn kept(&self) -> Vec<PathBuf> {
        let kept = fs::read_dir(self.folder.path().join("reruns"));
        kept.into_iter()
            .flatten()
            .map(|entry| entry.expect("an entry").path())
            .collect()
    }
}

fn exists(folder: &Path) -> bool {
    folder.join("ran").exists()
}

#[test]
fn the_replay_says_what_can_be_repeated() {
    let mut screen = Screen::new((120, 36));
    screen.check(&["X ask #3 again (recorded)", "v serve"]);
    screen.play("j");
    screen.check(&["r look run again"]);
}

#[test]
fn a_question_shows_exactly_what_would_be_sent_and_nothing_behind_it() {
    let mut screen = Screen::new((80, 24));
    screen.play("X");
    screen.play("n space 3 enter");
    // The port is another one each time, and of another length.
    let shown = screen.text().replace(&screen.base, "BASE");
    let lines = shown.lines().map(|line| line.trim_end_matches(['│', ' ']));
    insta::assert_snapshot!(lines.collect::<Vec<&str>>().join("\n"));
    // The recorded request sets no limit on its answer.
    let words: Vec<&str> = shown
        .split([' ', '\n', '│'])
        .filter(|it| !it.is_empty())
        .collect();
    let whole = words.join(" ");
    for words in ["at most, estimated", "sets no limit on output"] {
        assert!(whole.contains(words), "{words}\n{shown}");
    }
    assert!(screen.requests.try_recv().is_err(), "nothing may be sent");
}

#[test]
fn nothing_is_sent_or_run_without_the_word() {
    let mut screen = Screen::new((120, 36));
    for keys in [
        "X esc",
        "X enter",
        "X y enter esc",
        "X gpt-4o esc",
        "j r enter esc k",
        "j r y enter esc k",
    ] {
        screen.play(keys);
    }
    // Typed ahead: the clock stands still while the question appears.
    screen
        .shown
        .play("X gpt-4o enter gpt-4o enter esc j r look enter esc");
    assert!(screen.requests.try_recv().is_err(), "nothing may be sent");
    assert!(!exists(screen.folder.path()), "nothing may run");
    assert!(screen.kept().is_empty());
}

#[test]
fn attempts_are_forks_of_the_run_with_their_difference_one_key_away() {
    let mut screen = Screen::new((120, 40));
    screen.play("X");
    screen.play("n space 2 enter");
    screen.play("gpt-4o enter");
    assert_eq!(screen.requests.try_iter().count(), 2);
    assert_eq!(screen.kept().len(), 1);
    screen.check(&[
        "FORKS",
        "#3 gpt-4o ×2",
        "same tool 0 of 2",
        "ask  another choice",
    ]);
    // What the attempts copied is paid for by the run.
    let kept = fs::read_to_string(&screen.kept()[0]).expect("a file");
    assert_eq!(kept.matches("\"usage\"").count(), 2, "{kept}");
    screen.play("F j enter");
    screen.check(&["A r1 ↔ B r1-rerun", "different tool: look → ask"]);
}

#[test]
fn a_tool_runs_again_after_its_name_was_typed() {
    let mut screen = Screen::new((120, 40));
    screen.play("j r");
    screen.check(&[
        "re-run tool call #4",
        "/bin/sh",
        "type look and press enter",
    ]);
    screen.play("look enter");
    assert!(exists(screen.folder.path()));
    screen.check(&["#4 look ×1", "ok  another result"]);
}

#[test]
fn a_change_that_cannot_be_made_is_reported() {
    let mut screen = Screen::new((120, 36));
    screen.play("X");
    screen.play("yes enter");
    screen.check(&["not the word, and nothing to change: yes"]);
    screen.play("set space no.such.place=1 enter");
    screen.check(&["--set no.such.place=1: the request has no such place"]);
    screen.play("gpt-4o enter");
    assert!(screen.requests.try_recv().is_err(), "nothing may be sent");
    // What could be done without the change still can.
    screen.play("n space 2 enter");
    screen.check(&["type gpt-4o and press enter", "2 × ≈"]);
}

#[test]
fn the_attempts_are_seen_on_a_small_screen_too() {
    let mut screen = Screen::new((80, 24));
    screen.play("X");
    screen.play("gpt-4o enter");
    screen.play("F");
    screen.check(&[
        "FORKS",
        "#3 gpt-4o ×1",
        "ask  another choice",
        "compare with the run",
    ]);
}
