//! What the program executes and connects to, as the kernel sees it: nothing without its option, and without consent.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::json;

use crate::serve::{trace, written};
use crate::support::skipped;

/// A run, a second one that diverges from it, and settings that would do anything.
struct Place {
    folder: tempfile::TempDir,
    run: PathBuf,
    other: PathBuf,
    config: PathBuf,
}

impl Place {
    fn new() -> Place {
        let folder = tempfile::tempdir().expect("a folder");
        let request = json!({"model": "m", "messages": [{"role": "user", "content": "weather?"}]});
        let lines = trace(Some([request.clone(), request]));
        let run = written(folder.path(), "run.jsonl", &lines);
        let mut other = lines;
        other[3]["tool"] = "ask".into();
        let other = written(folder.path(), "other.jsonl", &other);
        let config = folder.path().join("config.toml");
        let settings = "[rerun]\nbase-url = \"http://127.0.0.1:9\"\nkey-cmd = [\"printf\", \"sk-1\"]\n\
                        [rerun.tools]\nlook = [\"/bin/echo\", \"rain\"]\n";
        fs::write(&config, settings).expect("written");
        Place {
            folder,
            run,
            other,
            config,
        }
    }
}

/// Whether programs can be traced here.
fn can_trace() -> bool {
    let traced = Command::new("strace")
        .args(["-e", "trace=execve", "true"])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    traced.is_ok_and(|status| status.success())
}

/// The programs that were executed below the first, and the addresses that were connected to.
fn traced(place: &Place, arguments: &[&str]) -> Vec<String> {
    let log = place.folder.path().join("strace");
    let status = Command::new("strace")
        .args(["-f", "-qq", "-e", "trace=execve,connect,sendto", "-o"])
        .arg(&log)
        .arg(assert_cmd::cargo::cargo_bin!("saferun-tui"))
        .args(["--no-state", "--config"])
        .arg(&place.config)
        .args(arguments)
        .env("HOME", place.folder.path())
        .env("OPENAI_API_KEY", "sk-1")
        .env_remove("XDG_STATE_HOME")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .expect("strace runs");
    assert!(status.code().is_some(), "{arguments:?}");
    let log = fs::read_to_string(log).expect("a log");
    // A service of the system that resolves names of users is asked on a socket of its own.
    let is_outward = |line: &&str| {
        line.contains("execve(")
            || (line.contains("sa_family=AF_INET") && !line.contains("= -1 EAF"))
    };
    let mut lines: Vec<String> = log.lines().filter(is_outward).map(str::to_owned).collect();
    assert!(lines[0].contains("execve("), "the first is the program");
    lines.remove(0);
    lines
}

fn name(path: &Path) -> &str {
    path.to_str().expect("UTF-8")
}

#[test]
fn nothing_is_executed_or_connected_to_without_its_option() {
    if !can_trace() {
        return skipped("no strace");
    }
    let place = Place::new();
    let (run, other) = (name(&place.run), name(&place.other));
    let picture = place.folder.path().join("x.svg");
    let keys = "3 j j X gpt-4o enter esc j r look enter esc v serve enter esc";
    let quiet: &[&[&str]] = &[
        &["show", run],
        &["serve", run, "--dry-run"],
        &["serve", run, "--then", "live"],
        &["rerun", run, "--seq", "3"],
        &["rerun", run, "--seq", "3", "--dry-run"],
        &["rerun", run, "--seq", "3", "--allow-net"],
        &["rerun", run, "--seq", "3", "--yes", "--max-usd", "1"],
        &["rerun", run, "--seq", "4"],
        &["rerun", run, "--seq", "4", "--yes"],
        &["rerun", run, "--seq", "4", "--allow-exec"],
        &["rerun", run, "--seq", "4", "--dry-run"],
        &["diff", run, other],
        &["diff", run, other, "--experiment"],
        &["diff", run, other, "--experiment", "--dry-run"],
        &["diff", run, other, "--experiment", "--allow-net"],
        &[
            run,
            "--screenshot",
            name(&picture),
            "--force",
            "--keys",
            keys,
        ],
        &[
            run,
            other,
            "--screenshot",
            name(&picture),
            "--force",
            "--keys",
            "4 X m enter esc",
        ],
    ];
    for arguments in quiet {
        let seen = traced(&place, arguments);
        assert!(seen.is_empty(), "{arguments:?}: {seen:#?}");
    }
}

#[test]
fn with_its_option_only_what_was_named_is_executed_or_connected_to() {
    if !can_trace() {
        return skipped("no strace");
    }
    let place = Place::new();
    let run = name(&place.run);
    let seen = traced(
        &place,
        &["rerun", run, "--seq", "4", "--allow-exec", "--yes"],
    );
    let [ran] = seen.as_slice() else {
        panic!("{seen:#?}")
    };
    assert!(
        ran.contains("execve(\"/bin/echo\", [\"/bin/echo\", \"rain\"]"),
        "{ran}"
    );
    let model = [
        "rerun",
        run,
        "--seq",
        "3",
        "--model",
        "gpt-4o",
        "--allow-net",
        "--yes",
        "--max-usd",
        "1",
    ];
    let seen = traced(&place, &model);
    assert!(
        !seen.is_empty() && seen.iter().all(|line| line.contains("htons(9)")),
        "{seen:#?}"
    );
    let seen = traced(&place, &["serve", run, "--", "/bin/true"]);
    assert!(
        seen.iter()
            .all(|line| line.contains("execve(\"/bin/true\"") || line.contains("127.0.0.1")),
        "{seen:#?}"
    );
}
