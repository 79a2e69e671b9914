//! The net changes of runs as patches: applied to the first text that is recorded, they give the last one.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use saferun_tui::analysis::files::{Certainty, File, Files};
use saferun_tui::analysis::replay::Tape;
use saferun_tui::base::cancel::CancelFlag;
use saferun_tui::export::files as file_text;
use saferun_tui::export::redact::Reason;
use saferun_tui::model::run::RunIx;
use saferun_tui::store::Store;
use serde_json::{Value, json};

use crate::support::{load, shared, skipped};

fn files(store: &Store, run: RunIx) -> Files {
    let tape = Tape::new(store, run);
    Files::of(store, tape.steps(), &CancelFlag::new()).expect("not cancelled")
}

fn has_git() -> bool {
    let version = Command::new("git")
        .arg("--version")
        .stdout(Stdio::null())
        .status();
    version.is_ok_and(|status| status.success())
}

/// Applies the net patch of all exact files at once, and returns how many there were.
#[track_caller]
fn check(files: &Files) -> usize {
    let changed = files
        .all
        .iter()
        .filter(|file| file.certainty() == Certainty::Exact);
    let changed: Vec<&File> = changed.filter(|file| file.net().is_some()).collect();
    let patch = file_text::patch("a run", files, Some(Reason::AsTheUserAsked));
    assert_eq!(patch.files, changed.len());
    let folder = tempfile::tempdir().expect("a folder");
    for file in &changed {
        let path = folder.path().join(files.name(file).trim_start_matches('/'));
        fs::create_dir_all(path.parent().expect("a folder")).expect("made");
        if let Some((Some(old), _)) = file.net() {
            fs::write(path, old).expect("written");
        }
    }
    let text = patch.text.get();
    if has_git() {
        git_apply(folder.path(), text);
    } else {
        skipped("no git: the patches are applied by the test itself");
        apply(folder.path(), text);
    }
    for file in &changed {
        let path = folder.path().join(files.name(file).trim_start_matches('/'));
        let (_, new) = file.net().expect("it has a net change");
        assert_eq!(
            fs::read_to_string(&path).ok().as_deref(),
            new,
            "{}",
            file.path
        );
    }
    changed.len()
}

#[track_caller]
fn git_apply(folder: &Path, patch: &str) {
    let place = folder.join(".net.patch");
    fs::write(&place, patch).expect("written");
    if !patch.contains("diff --git") {
        return;
    }
    let done = Command::new("git")
        .args(["apply", "--whitespace=nowarn", ".net.patch"])
        .current_dir(folder)
        .env(
            "GIT_CEILING_DIRECTORIES",
            folder.parent().expect("a parent"),
        )
        .output()
        .expect("git runs");
    let words = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "{words}");
}

/// A small `patch`: hunks must fit exactly.
#[track_caller]
fn apply(folder: &Path, patch: &str) {
    for part in patch.split("diff --git a/").skip(1) {
        let (names, _) = part.split_once('\n').expect("a head");
        let (name, _) = names.split_once(" b/").expect("two names");
        let path = folder.join(name);
        let old = fs::read_to_string(&path).unwrap_or_default();
        let old: Vec<&str> = old.split_inclusive('\n').collect();
        let (mut at, mut new) = (0, String::new());
        let body: Vec<&str> = part.split_inclusive('\n').collect();
        let hunks = body
            .iter()
            .position(|line| line.starts_with("@@"))
            .unwrap_or(body.len());
        for (number, line) in body.iter().enumerate().skip(hunks) {
            let is_cut = body
                .get(number + 1)
                .is_some_and(|next| next.starts_with('\\'));
            let text = line.get(1..).unwrap_or_default();
            let text = if is_cut {
                text.trim_end_matches('\n')
            } else {
                text
            };
            match line.as_bytes()[0] {
                b'@' => {
                    let first = line.trim_start_matches("@@ -").split([',', ' ']).next();
                    let first = first.expect("a number");
                    let first: usize = first.parse().expect("a number");
                    let start = if line.starts_with("@@ -0,0") {
                        0
                    } else {
                        first - 1
                    };
                    new.extend(old[at..start].iter().copied());
                    at = start;
                }
                b' ' => {
                    assert_eq!(old[at], text);
                    new.push_str(text);
                    at += 1;
                }
                b'-' => {
                    assert_eq!(old[at], text);
                    at += 1;
                }
                b'+' => new.push_str(text),
                _ => {}
            }
        }
        new.extend(old[at..].iter().copied());
        if part.contains("deleted file mode") {
            fs::remove_file(path).expect("deleted");
        } else {
            fs::write(path, new).expect("written");
        }
    }
}

/// A trace of calls with their arguments and results, all of which succeed.
fn trace(calls: &[(&str, Value, &str)]) -> (tempfile::TempDir, Store) {
    let mut lines = String::new();
    for (at, (tool, args, result)) in calls.iter().enumerate() {
        let id = format!("c{at}");
        let call =
            json!({"type": "tool_call", "run_id": "r", "id": id, "tool": tool, "args": args});
        let answer = json!({"type": "tool_result", "run_id": "r", "call_id": id, "status": "ok", "result": result});
        lines.extend([call.to_string(), "\n".to_owned()]);
        lines.extend([answer.to_string(), "\n".to_owned()]);
    }
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("trace.jsonl");
    fs::write(&path, lines).expect("written");
    let store = load(&[path]);
    (folder, store)
}

fn patch(text: &str) -> Value {
    json!({"input": format!("*** Begin Patch\n{text}\n*** End Patch")})
}

fn made() -> (tempfile::TempDir, Store) {
    let read = |path: &str| json!({"file_path": path});
    let edit = |path: &str, old: &str, new: &str| json!({"file_path": path, "old_string": old, "new_string": new});
    let long: Vec<String> = (1..60)
        .map(|line| format!("{line:>6}→line {line}\n"))
        .collect();
    let long = long.concat();
    trace(&[
        ("Read", read("/w/long.txt"), long.trim_end()),
        (
            "Edit",
            edit("/w/long.txt", "line 7\n", "line seven\nand more\n"),
            "done",
        ),
        ("Edit", edit("/w/long.txt", "line 59", "the end\n"), "done"),
        ("Read", read("/w/with space.txt"), "     1→a\n     2→b"),
        (
            "Edit",
            edit("/w/with space.txt", "b", "b\nåäö \\ \"q\""),
            "done",
        ),
        (
            "Write",
            json!({"file_path": "/w/new/one.txt", "content": "no end of line"}),
            "File created successfully at: x",
        ),
        (
            "Write",
            json!({"file_path": "/w/new/empty.txt", "content": ""}),
            "File created successfully at: x",
        ),
        (
            "apply_patch",
            patch("*** Add File: /w/moved.rs\n+fn one() {}\n+fn two() {}"),
            "Success",
        ),
        (
            "apply_patch",
            patch(
                "*** Update File: /w/moved.rs\n*** Move to: /w/there.rs\n@@\n-fn two() {}\n+fn 2() {}",
            ),
            "Success",
        ),
        ("Read", read("/w/gone.txt"), "     1→x\n     2→"),
        (
            "apply_patch",
            patch("*** Delete File: /w/gone.txt"),
            "Success",
        ),
        ("Read", read("/w/touched.txt"), "     1→x\n     2→"),
        (
            "Bash",
            json!({"command": "sed -i s/x/y/ /w/touched.txt"}),
            "",
        ),
        (
            "Edit",
            edit(
                "/w/unseen.txt",
                "x",
                "token = \"sk-ant-api03-abcdefghijklmnopqrstuvwxyz\"",
            ),
            "done",
        ),
        (
            "Write",
            json!({"file_path": "/w/env", "content": "API_KEY=sk-ant-api03-abcdefghijklmnopqrstuvwxyz0123456789\n"}),
            "File created successfully at: x",
        ),
    ])
}

#[test]
fn the_net_patch_of_a_run_gives_its_last_texts() {
    let (_folder, store) = made();
    let files = files(&store, RunIx(0));
    assert_eq!(check(&files), 7, "{:?}", files.all);
}

#[test]
fn the_net_patches_of_real_sessions_give_their_last_texts() {
    let sessions = [
        (
            "data/agents/claude-code/spotter/ae4a77f8-aedd-4bc1-888f-c94edc91af04.jsonl",
            20,
        ),
        (
            "data/agents/claude-code/spotter/258c7280-ae70-4798-800f-63464d01a85d.jsonl",
            26,
        ),
        (
            "data/agents/claude-code/ccviewer/fe5e1c67-53e7-4862-81ae-d0e013e3270b.jsonl",
            26,
        ),
        ("data/agents/pi/pi-mono/large-session.jsonl", 5),
    ];
    for (path, at_least) in sessions {
        let Some(path) = shared(path) else {
            return;
        };
        let store = load(std::slice::from_ref(&path));
        let checked = check(&files(&store, RunIx(0)));
        assert!(checked >= at_least, "{}: {checked}", path.display());
    }
}

fn run(args: &[&str]) -> (Option<i32>, String, String) {
    let done = Command::new(assert_cmd::cargo::cargo_bin!("saferun-tui"))
        .arg("--no-config")
        .args(args)
        .output()
        .expect("the program runs");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (done.status.code(), text(&done.stdout), text(&done.stderr))
}

#[test]
fn a_patch_is_masked_says_what_is_left_out_and_never_replaces_a_file() {
    let (folder, _) = made();
    let trace = folder
        .path()
        .join("trace.jsonl")
        .to_string_lossy()
        .into_owned();
    let output = folder.path().join("net.patch");
    let output = output.to_string_lossy();
    let (code, patch, notes) = run(&["export", &trace, "--patch"]);
    assert_eq!(code, Some(0), "{notes}");
    assert!(!patch.contains("abcdefghijklmnop"), "{patch}");
    assert!(patch.contains("# 1 secret masked"), "{patch}");
    assert!(
        patch.contains("# left out: touched.txt (unknown): a shell command may have changed it\n"),
        "{patch}"
    );
    assert!(
        patch.contains("# left out: unseen.txt (partial)"),
        "{patch}"
    );
    assert!(
        notes.contains("7 files in the patch, 2 files left out"),
        "{notes}"
    );
    let (_, shown, _) = run(&["export", &trace, "--patch", "--show-secrets"]);
    assert!(shown.contains("abcdefghijklmnop"), "{shown}");
    assert_eq!(
        run(&["export", &trace, "--patch", "-o", &output]).0,
        Some(0)
    );
    let (code, _, refused) = run(&["export", &trace, "--patch", "-o", &output]);
    assert_eq!(code, Some(2));
    assert!(refused.contains("already exists"), "{refused}");
}

#[test]
fn the_text_of_a_file_is_that_after_the_action() {
    let (folder, _) = made();
    let trace = folder
        .path()
        .join("trace.jsonl")
        .to_string_lossy()
        .into_owned();
    let text = |file: &str| run(&["export", &trace, "--file", file]);
    assert!(text("long.txt@1").1.ends_with("line 58\nline 59"));
    assert!(text("long.txt@3").1.ends_with("line 58\nthe end\n"));
    assert!(text("long.txt").1.contains("line seven\nand more\n"));
    let (code, _, refused) = text("touched.txt@13");
    assert_eq!(code, Some(2));
    assert!(
        refused.contains("a shell command may have changed it"),
        "{refused}"
    );
    assert!(
        text("gone.txt")
            .2
            .contains("there is no such file at the end")
    );
    assert!(
        text("nothing.txt")
            .2
            .contains("no call up to that action names this file")
    );
}

#[test]
fn show_lists_the_files_as_text_and_as_json() {
    let (folder, _) = made();
    let trace = folder
        .path()
        .join("trace.jsonl")
        .to_string_lossy()
        .into_owned();
    let (_, listed, _) = run(&["show", &trace, "--files"]);
    assert!(listed.contains("there.rs"), "{listed}");
    assert!(listed.contains("files changed, "), "{listed}");
    let (_, document, _) = run(&["show", &trace, "--files", "--json"]);
    let document: Value = serde_json::from_str(&document).expect("JSON");
    assert_eq!(document["schema"], "saferun.tui/files@1");
    let all = document["files"].as_array().expect("a list");
    let found = all.iter().find(|file| file["shown_as"] == "touched.txt");
    assert_eq!(found.expect("it is listed")["certainty"], "unknown");
}
