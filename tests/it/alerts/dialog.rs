//! Ending a run from the screen, on a real terminal: the typed id confirms it, queued keys do not.

use std::thread;
use std::time::Duration;

use super::{agent, begin, steps};
use crate::pty::terminal::{Terminal, program};

const RUN: &str = "7f3a91c0";

#[test]
fn the_typed_id_ends_a_run_and_queued_keys_do_not() {
    let mut agent = agent();
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("run.jsonl");
    std::fs::write(&path, begin(RUN, &agent) + &steps(RUN, 1, 5)).expect("written");
    let path = path.to_str().expect("a plain path");
    let mut terminal = Terminal::start(program(&[path]), (120, 36));
    terminal.wait_for("desk");
    terminal.type_in("6");
    terminal.wait_for("1 resolved");
    assert!(!terminal.text().contains("6!"), "{}", terminal.text());
    terminal.type_in(&format!("K{RUN}\r"));
    terminal.wait_for("type 7f3a91c0 and press enter");
    assert!(terminal.text().contains("sleep 600"), "{}", terminal.text());
    thread::sleep(Duration::from_secs(1));
    assert!(agent.try_wait().expect("asked").is_none(), "it was ended");
    terminal.type_in("7f3a");
    thread::sleep(Duration::from_millis(200));
    terminal.type_in("91c0\r");
    terminal.wait_for("the run ended after INT");
    let ended = agent.wait().expect("it ended");
    assert!(!ended.success());
    assert_eq!(terminal.quit(), 0);
}
