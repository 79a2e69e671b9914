use std::fs;
use std::path::Path;
use std::time::{Duration, UNIX_EPOCH};

use crate::ingest::discover::Input;
use crate::ingest::recent::Homes;
use crate::tui::render::{self, Headless};
use crate::tui::testing::{NOW, options};
use crate::tui::{Options, Setup};

const SESSION: &str = "sample-traces/claude-code/5b0c2d7e-91f4-4c3a-8e6d-2f7a1b9c0d34.jsonl";
const ROLLOUT: &str =
    "sample-traces/codex/rollout-2026-11-17T18-40-03-019a9d3e-5c41-7b02-9f6e-3d2c8a417e55.jsonl";

fn played(home: &Path, keys: &str) -> String {
    let options = Options {
        recent: true,
        setup: Setup {
            homes: Some(Homes::below(home)),
            demo: vec![Input::Bundled {
                name: "demo.jsonl",
                bytes:
                    b"{\"type\":\"prompt\",\"run_id\":\"r\",\"id\":\"p\",\"content\":\"A demo\"}\n",
                companions: &[],
            }],
            ..Setup::default()
        },
        ..options()
    };
    let mut screen = Headless::new(&options, (100, 20));
    screen.play(keys);
    render::text(&screen.draw())
}

fn home() -> tempfile::TempDir {
    let home = tempfile::tempdir().expect("a temporary folder");
    for (from, folder, name) in [
        (SESSION, ".claude/projects/-work-shop", "session.jsonl"),
        (ROLLOUT, ".codex/sessions/2026/11/17", "rollout.jsonl"),
    ] {
        let folder = home.path().join(folder);
        fs::create_dir_all(&folder).expect("a folder");
        let copy = folder.join(name);
        fs::copy(from, &copy).expect("copied");
        // An hour before the clock of the test, whatever the date is today.
        let changed = UNIX_EPOCH + Duration::from_micros(NOW as u64) - Duration::from_hours(1);
        let file = fs::File::options().append(true).open(copy);
        let set = file.and_then(|file| file.set_modified(changed));
        set.expect("a file of our own");
    }
    home
}

#[test]
fn runs_are_listed_with_what_was_asked_and_found_by_a_few_letters() {
    let home = home();
    let all = played(home.path(), "");
    assert!(
        all.contains("claude-code") && all.contains("codex"),
        "{all}"
    );
    let found = played(home.path(), "codex");
    assert!(
        found.contains("1 of 2") && !found.contains("-work-shop"),
        "{found}"
    );
    let back = played(home.path(), "codex esc");
    assert!(back.contains("claude-code"), "{back}");
}

#[test]
fn enter_opens_the_run_and_the_key_of_the_list_brings_it_back() {
    let home = home();
    let opened = played(home.path(), "rollout enter");
    assert!(
        opened.contains("TOOL / TEXT") && opened.contains("gpt"),
        "{opened}"
    );
    let again = played(home.path(), "rollout enter ctrl-r");
    assert!(again.contains("recent runs"), "{again}");
    let left = played(home.path(), "rollout enter ctrl-r esc");
    assert!(left.contains("TOOL / TEXT"), "{left}");
}

#[test]
fn what_runs_cost_and_their_errors_are_shown_and_all_open_together() {
    let home = home();
    let all = played(home.path(), "");
    for words in ["AGE", "COST", "ERR", "≈$", "these 2 runs together"] {
        assert!(all.contains(words), "{words}\n{all}");
    }
    let opened = played(home.path(), "down down enter");
    assert!(
        opened.contains("2 runs") && opened.contains("STARTED"),
        "{opened}"
    );
}

#[test]
fn where_no_agent_left_anything_the_demo_is_offered() {
    let home = tempfile::tempdir().expect("a temporary folder");
    let empty = played(home.path(), "");
    assert!(
        empty.contains("no agent runs in") && empty.contains("demo"),
        "{empty}"
    );
    assert!(played(home.path(), "enter").contains("A demo"));
}

#[test]
fn runs_that_will_be_deleted_are_offered_to_be_kept() {
    let home = home();
    let state = tempfile::tempdir().expect("a temporary folder");
    let settings = home.path().join(".claude/settings.json");
    fs::write(settings, r#"{"cleanupPeriodDays":1}"#).expect("written");
    let play = |keys: &str| {
        let options = Options {
            recent: true,
            setup: Setup {
                homes: Some(Homes::below(home.path())),
                keeper: Some(crate::act::keep::Keeper {
                    state: state.path().to_owned(),
                    home: home.path().to_owned(),
                }),
                ..Setup::default()
            },
            ..options()
        };
        let mut screen = Headless::new(&options, (80, 24));
        screen.play(keys);
        render::text(&screen.draw())
    };
    let shown = play("");
    assert!(
        shown.contains("1 run to be deleted · ctrl-k keeps copies"),
        "{shown}"
    );
    assert!(play("ctrl-k").contains("1 file kept"));
    let copy = state
        .path()
        .join("kept/.claude/projects/-work-shop/session.jsonl.zst");
    assert!(copy.is_file());
    assert!(!play("").contains("to be deleted"));
}
