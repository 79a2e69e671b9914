use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use proptest::prelude::*;
use serde_json::json;

use super::{Lost, Mailbox};
use crate::act::ask::wait::{Ended, wait};
use crate::act::ask::{Answer, Ask, Standing, State, VERSION, hash, random};
use crate::base::{human, testing};

const NOW: i64 = 1_795_478_400_000_000;

fn mailbox() -> (tempfile::TempDir, Mailbox) {
    let folder = tempfile::tempdir().expect("a folder");
    let mailbox = Mailbox::at(&folder.path().join("run")).expect("a mailbox");
    (folder, mailbox)
}

fn ask(id: &str, pid: u32) -> Ask {
    let args = json!({"command": "rm -rf build", "n": 1});
    Ask {
        v: VERSION,
        id: id.to_owned(),
        nonce: random(16).expect("random"),
        host: "claude-code".to_owned(),
        run_id: "r1".to_owned(),
        call_id: "c1".to_owned(),
        tool: "Bash".to_owned(),
        args_sha256: hash(&args),
        args,
        cwd: None,
        agent: None,
        policy: "user".to_owned(),
        rule: Some("rm".to_owned()),
        reason: "recursive delete".to_owned(),
        matched: Vec::new(),
        asked_at: human::rfc3339(NOW),
        deadline: human::rfc3339(NOW + 600_000_000),
        pid,
        trace: None,
        headless: false,
    }
}

fn approved(ask: &Ask) -> Answer {
    ask.answer(State::Approved, "alex@box (tui)", "", NOW)
}

fn own() -> u32 {
    std::process::id()
}

#[test]
fn of_two_simultaneous_answers_one_wins_and_the_other_learns_who() {
    let (_folder, mailbox) = mailbox();
    let (wins, losses) = (AtomicUsize::new(0), AtomicUsize::new(0));
    for n in 0..1000 {
        let asked = ask(&format!("a-{n}"), own());
        mailbox.put(&asked).expect("asked");
        let gate = std::sync::Barrier::new(2);
        thread::scope(|threads| {
            for (name, state) in [("one", State::Approved), ("two", State::Denied)] {
                let (mailbox, asked, gate) = (&mailbox, &asked, &gate);
                let (wins, losses) = (&wins, &losses);
                threads.spawn(move || {
                    let answer = asked.answer(state, name, "", NOW);
                    gate.wait();
                    match mailbox.answer(asked, &answer, NOW) {
                        Ok(()) => wins.fetch_add(1, Ordering::Relaxed),
                        Err(Lost::Earlier(other)) => {
                            assert_ne!(other.by, name);
                            losses.fetch_add(1, Ordering::Relaxed)
                        }
                        Err(other) => panic!("{other}"),
                    };
                });
            }
        });
        let answer = mailbox.answer_to(&asked).expect("an answer");
        assert_eq!(answer.by == "one", answer.state == State::Approved);
        mailbox.withdraw(&asked);
    }
    assert_eq!(wins.into_inner(), 1000);
    assert_eq!(losses.into_inner(), 1000);
}

#[track_caller]
fn refused(what: &str, change: impl Fn(&mut Answer)) {
    let (_folder, mailbox) = mailbox();
    let asked = ask("a-1", own());
    mailbox.put(&asked).expect("asked");
    let mut answer = approved(&asked);
    change(&mut answer);
    mailbox.answer(&asked, &answer, NOW).expect("it is written");
    assert_eq!(mailbox.answer_to(&asked), None, "{what}");
    mailbox
        .answer(&asked, &approved(&asked), NOW)
        .expect("a refused answer does not block this one");
    assert!(mailbox.answer_to(&asked).is_some());
}

#[test]
fn an_answer_to_something_else_is_refused() {
    refused("nonce", |it| it.nonce = "0".repeat(32));
    refused("arguments", |it| it.args_sha256 = hash(&json!({})));
    refused("id", |it| it.id = "a-2".to_owned());
    refused("version", |it| it.v = 2);
}

#[test]
fn an_answer_that_others_could_have_written_is_refused() {
    let (_folder, mailbox) = mailbox();
    let asked = ask("a-1", own());
    mailbox.put(&asked).expect("asked");
    let path = mailbox.folder().join("a-1.answer.json");
    let whole = serde_json::to_vec(&approved(&asked)).expect("JSON");
    let mut attempts = 0;
    let mut check = |prepare: &dyn Fn(&Path)| {
        prepare(&path);
        assert_eq!(mailbox.answer_to(&asked), None);
        assert!(fs::symlink_metadata(&path).is_err(), "it is moved aside");
        attempts += 1;
    };
    check(&|path| {
        fs::write(path, &whole).expect("written");
        fs::set_permissions(path, fs::Permissions::from_mode(0o620)).expect("set");
    });
    let elsewhere = mailbox.folder().join("elsewhere");
    fs::write(&elsewhere, &whole).expect("written");
    fs::set_permissions(&elsewhere, fs::Permissions::from_mode(0o600)).expect("set");
    check(&|path| std::os::unix::fs::symlink(&elsewhere, path).expect("a link"));
    check(&|path| {
        fs::write(path, "{\"v\":1").expect("written");
        fs::set_permissions(path, fs::Permissions::from_mode(0o600)).expect("set");
    });
    if rustix::process::geteuid().is_root() {
        check(&|path| {
            fs::write(path, &whole).expect("written");
            fs::set_permissions(path, fs::Permissions::from_mode(0o600)).expect("set");
            std::os::unix::fs::chown(path, Some(65_534), None).expect("given away");
        });
    }
    assert!(attempts >= 3);
}

#[test]
fn a_question_with_altered_arguments_is_ignored() {
    let (_folder, mailbox) = mailbox();
    let mut asked = ask("a-1", own());
    asked.args = json!({"command": "ls"});
    mailbox.put(&asked).expect("written");
    assert!(mailbox.list().is_empty());
}

#[test]
fn a_question_is_open_until_answered_expired_or_abandoned() {
    let (_folder, mailbox) = mailbox();
    let asked = ask("a-1", own());
    assert_eq!(
        mailbox.standing(&asked, NOW),
        Standing::Gone,
        "not asked yet"
    );
    mailbox.put(&asked).expect("asked");
    assert_eq!(mailbox.standing(&asked, NOW), Standing::Open);
    assert_eq!(
        mailbox.standing(&asked, NOW + 600_000_000),
        Standing::Expired
    );
    mailbox
        .answer(&asked, &approved(&asked), NOW)
        .expect("answered");
    assert_eq!(mailbox.standing(&asked, NOW), Standing::Answered);
    let dead = ask("a-2", ended());
    mailbox.put(&dead).expect("asked");
    assert_eq!(mailbox.standing(&dead, NOW), Standing::Gone);
    assert!(matches!(
        mailbox.answer(&dead, &approved(&dead), NOW),
        Err(Lost::Gone)
    ));
}

/// The id of a process that was killed.
fn ended() -> u32 {
    let mut child = Command::new("sleep")
        .arg("60")
        .stdin(Stdio::null())
        .spawn()
        .expect("sleep");
    child.kill().expect("killed");
    child.wait().expect("it ends");
    child.id()
}

#[test]
fn the_caller_gets_the_answer_or_learns_that_time_is_up() {
    let (_folder, mailbox) = mailbox();
    let asked = ask("a-1", own());
    mailbox.put(&asked).expect("asked");
    let short = Duration::from_millis(60);
    assert_eq!(wait(&mailbox, &asked, short, &|| false), Ended::Expired);
    assert_eq!(wait(&mailbox, &asked, short, &|| true), Ended::Withdrawn);
    mailbox
        .answer(&asked, &approved(&asked), NOW)
        .expect("answered");
    let ended = wait(&mailbox, &asked, short, &|| true);
    assert_eq!(ended, Ended::Answered(approved(&asked)));
}

#[test]
fn abandoned_questions_are_removed_after_an_hour() {
    let (_folder, mailbox) = mailbox();
    mailbox.put(&ask("a-1", own())).expect("asked");
    mailbox.put(&ask("a-2", ended())).expect("asked");
    let now = std::time::SystemTime::now();
    mailbox.clean(now);
    assert_eq!(mailbox.list().len(), 2);
    mailbox.clean(now + Duration::from_secs(3700));
    let left: Vec<String> = mailbox.list().into_iter().map(|it| it.id).collect();
    assert_eq!(left, ["a-1"], "the other is still pending");
}

const SOUGHT: &[&str] = &[
    "v",
    "id",
    "nonce",
    "host",
    "run_id",
    "call_id",
    "tool",
    "args",
    "args_sha256",
    "policy",
    "reason",
    "asked_at",
    "deadline",
    "pid",
    "a-1",
    "state",
    "approved",
    "by",
    "at",
];

fn bent(whole: &impl serde::Serialize) -> BoxedStrategy<Vec<u8>> {
    testing::bent(serde_json::to_vec(whole).expect("JSON")).boxed()
}

fn put(path: &Path, bytes: &[u8]) {
    fs::write(path, bytes).expect("written");
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).expect("set");
}

proptest! {
    #![proptest_config(testing::cases(128))]

    /// Whatever is in the folder, an altered question is never shown, and an answer that does not fit never counts.
    #[test]
    fn any_file_in_the_folder_is_a_question_or_ignored(
        question in prop_oneof![
            bent(&ask("a-1", own())),
            testing::json(SOUGHT).prop_map(|it| it.to_string().into_bytes()),
        ],
        answer in prop_oneof![
            bent(&approved(&ask("a-1", own()))),
            testing::json(SOUGHT).prop_map(|it| it.to_string().into_bytes()),
        ],
    ) {
        let (_folder, mailbox) = mailbox();
        put(&mailbox.folder().join("a-1.ask.json"), &question);
        put(&mailbox.folder().join("a-1.answer.json"), &answer);
        for found in mailbox.list() {
            prop_assert_eq!(&found.id, "a-1");
            prop_assert_eq!(hash(&found.args), found.args_sha256.clone());
            let _ = (mailbox.standing(&found, NOW), found.asked(), found.until());
        }
        let asked = ask("a-1", own());
        // Each question has a nonce of its own, and this one is new.
        prop_assert_eq!(mailbox.answer_to(&asked), None);
        mailbox.clean(std::time::SystemTime::now() + Duration::from_hours(2));
        let _ = mailbox.list();
    }
}
