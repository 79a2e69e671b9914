//! Ending a run from the screen, on a real terminal: the typed id confirms it, queued keys do not.

use std::os::unix::process::CommandExt;
use std::process::Command;
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::pty::terminal::{Terminal, program};

const RUN: &str = "7f3a91c0";

fn trace(pid: u32) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let now = now.expect("a time").as_secs();
    let begin = format!(
        "{{\"type\":\"run_start\",\"run_id\":\"{RUN}\",\"agent\":\"desk\",\"pid\":{pid},\"ts\":{now}}}\n"
    );
    let step = |n: u32| {
        format!(
            "{{\"type\":\"tool_call\",\"run_id\":\"{RUN}\",\"id\":\"c{n}\",\"tool\":\"refund\",\"args\":{{}}}}\n\
             {{\"type\":\"tool_result\",\"run_id\":\"{RUN}\",\"call_id\":\"c{n}\",\"status\":\"ok\",\"result\":\"open\"}}\n\
             {{\"type\":\"response\",\"run_id\":\"{RUN}\",\"id\":\"m{n}\",\"content\":\"text {n}\"}}\n"
        )
    };
    begin + &(1..=5).map(step).collect::<String>()
}

#[test]
fn the_typed_id_ends_a_run_and_queued_keys_do_not() {
    let mut agent = Command::new("sleep")
        .arg("600")
        .process_group(0)
        .spawn()
        .expect("an agent");
    // The run begins after its process started.
    thread::sleep(Duration::from_millis(1200));
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("run.jsonl");
    std::fs::write(&path, trace(agent.id())).expect("written");
    let path = path.to_str().expect("a plain path");
    let mut terminal = Terminal::start(program(&[path]), (120, 36));
    terminal.wait_for("6!1");
    terminal.type_in("6");
    terminal.wait_for("FIRING");
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
