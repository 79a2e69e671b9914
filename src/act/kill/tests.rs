use std::io::Read;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::{Grace, Refused, Step, stop, target};
use crate::base::clock::{Clock, System};
use crate::model::quantity::Time;

const SHORT: Grace = Grace {
    interrupt: Duration::from_millis(300),
    terminate: Duration::from_millis(300),
    kill: Duration::from_secs(10),
};

/// Starts a script in its own process group, and waits until it reports that it is ready.
fn start(script: &str) -> Child {
    let mut child = Command::new("sh")
        .args(["-c", script])
        .stdout(Stdio::piped())
        .process_group(0)
        .spawn()
        .expect("sh starts");
    let mut ready = [0; 1];
    let out = child.stdout.as_mut().expect("its output");
    out.read_exact(&mut ready).expect("it is ready");
    child
}

fn pid(child: &Child) -> i32 {
    i32::try_from(child.id()).expect("a pid")
}

fn now() -> Time {
    Time(System.now())
}

#[track_caller]
fn check(script: &str, enough: Step) {
    let mut child = start(script);
    let found = target(pid(&child), now()).expect("it may be ended");
    let mut steps = Vec::new();
    let ended = stop(&found, SHORT, &mut |step| steps.push(step));
    let _ = child.wait();
    assert_eq!(ended, Ok(enough));
    assert_eq!(steps.last(), Some(&enough), "{steps:?}");
}

#[test]
fn an_agent_that_handles_int_ends_at_the_first_signal() {
    check(
        "trap 'exit 0' INT; echo r; while :; do sleep 0.05; done",
        Step::Interrupt,
    );
}

#[test]
fn an_agent_that_ignores_int_and_term_is_killed() {
    check(
        "trap '' INT TERM; echo r; while :; do sleep 0.05; done",
        Step::Kill,
    );
}

#[test]
fn child_processes_end_with_their_agent() {
    let script = "sleep 600 & echo r; wait";
    let mut child = start(script);
    let found = target(pid(&child), now()).expect("it may be ended");
    assert!(
        found
            .others
            .iter()
            .any(|it| it.command.first().is_some_and(|word| word == "sleep")),
        "{found:?}"
    );
    let ended = stop(&found, SHORT, &mut |_| {});
    let _ = child.wait();
    assert!(ended.is_ok(), "{ended:?}");
    let until = Instant::now() + Duration::from_secs(5);
    while super::process::find(found.others[0].pid).is_ok_and(|it| !it.is_over) {
        assert!(Instant::now() < until, "its child is still there");
    }
}

#[test]
fn a_process_that_started_after_its_run_or_is_ours_is_left_alone() {
    let mut child = start("echo r; sleep 600");
    let number = pid(&child);
    let before = Time(System.now() - 60_000_000);
    assert_eq!(target(number, before), Err(Refused::Younger(number)));
    assert_eq!(target(number, Time::NONE), Err(Refused::Untimed(number)));
    child.kill().expect("ended");
    let _ = child.wait();
    assert_eq!(target(number, now()), Err(Refused::Gone(number)));
    let own = i32::try_from(std::process::id()).expect("a pid");
    assert_eq!(target(own, now()), Err(Refused::OurGroup(own)));
    assert!(target(0, now()).is_err() && target(-1, now()).is_err());
    assert!(matches!(target(1, now()), Err(Refused::Special(1))));
}
