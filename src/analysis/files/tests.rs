use serde_json::json;

use super::{Certainty, Files};
use crate::analysis::replay::Tape;
use crate::base::cancel::CancelFlag;
use crate::model::run::RunIx;
use crate::store::testing;

fn files(trace: &str) -> Files {
    let store = testing::load(trace);
    let tape = Tape::new(&store, RunIx(0));
    Files::of(&store, tape.steps(), &CancelFlag::new()).expect("not cancelled")
}

/// A run in our own format: each call with its arguments, its result and its status.
fn run(calls: &[(&str, serde_json::Value, &str, &str)]) -> String {
    let mut trace = String::new();
    for (at, (tool, args, result, status)) in calls.iter().enumerate() {
        let call = serde_json::json!({"type": "tool_call", "run_id": "r", "id": format!("c{at}"), "tool": tool, "args": args});
        let answer = serde_json::json!({"type": "tool_result", "run_id": "r", "call_id": format!("c{at}"), "status": status, "result": result});
        trace.extend([
            call.to_string(),
            "\n".to_owned(),
            answer.to_string(),
            "\n".to_owned(),
        ]);
    }
    trace
}

fn edit(old: &str, new: &str) -> serde_json::Value {
    json!({"file_path": "/w/a.rs", "old_string": old, "new_string": new})
}

#[track_caller]
fn check(
    calls: &[(&str, serde_json::Value, &str, &str)],
    certainty: Certainty,
    net: Option<(Option<&str>, Option<&str>)>,
) {
    let files = files(&run(calls));
    let file = files.find("/w/a.rs").expect("a.rs is named");
    assert_eq!((file.certainty(), file.net()), (certainty, net), "{file:?}");
}

const READ: &str = "     1→one\n     2→two\n     3→";

#[test]
fn an_edit_of_a_text_that_was_read_is_exact() {
    check(
        &[
            ("Read", json!({"file_path": "/w/a.rs"}), READ, "ok"),
            ("Edit", edit("two", "2"), "done", "ok"),
        ],
        Certainty::Exact,
        Some((Some("one\ntwo\n"), Some("one\n2\n"))),
    );
}

#[test]
fn a_failed_call_is_listed_and_changes_nothing() {
    let calls = [
        ("Read", json!({"file_path": "/w/a.rs"}), READ, "ok"),
        ("Edit", edit("two", "2"), "refused", "error"),
    ];
    check(&calls, Certainty::Exact, None);
    assert_eq!(files(&run(&calls)).all[0].events.len(), 2);
}

#[test]
fn an_edit_without_its_base_or_that_does_not_fit_is_partial() {
    check(
        &[("Edit", edit("two", "2"), "done", "ok")],
        Certainty::Partial,
        None,
    );
    check(
        &[
            ("Read", json!({"file_path": "/w/a.rs"}), READ, "ok"),
            ("Edit", edit("three", "3"), "done", "ok"),
        ],
        Certainty::Partial,
        None,
    );
}

#[test]
fn a_shell_command_that_names_a_file_makes_it_unknown_until_it_is_read_again() {
    let touched = [
        ("Read", json!({"file_path": "/w/a.rs"}), READ, "ok"),
        (
            "Bash",
            json!({"command": "cd /w && sed -i s/one/1/ a.rs"}),
            "",
            "ok",
        ),
    ];
    check(&touched, Certainty::Unknown, None);
    let mut read = touched.to_vec();
    read.push((
        "Read",
        json!({"file_path": "/w/a.rs"}),
        "     1→1\n     2→two\n     3→",
        "ok",
    ));
    check(
        &read,
        Certainty::Exact,
        Some((Some("one\ntwo\n"), Some("1\ntwo\n"))),
    );
}

#[test]
fn a_folder_or_a_pattern_touches_every_known_file_below_it() {
    for command in ["rm -rf /w", "rm /w/*.rs", "cd /w && git reset --hard"] {
        let calls = [
            ("Read", json!({"file_path": "/w/a.rs"}), READ, "ok"),
            ("Bash", json!({"command": command}), "", "ok"),
        ];
        check(&calls, Certainty::Unknown, None);
    }
}

#[test]
fn a_patch_makes_changes_moves_and_deletes() {
    let patch = |text: &str| json!({"input": format!("*** Begin Patch\n{text}\n*** End Patch")});
    let add = patch("*** Add File: /w/a.rs\n+one\n+two");
    let update = patch("*** Update File: /w/a.rs\n@@\n one\n-two\n+2");
    let delete = patch("*** Delete File: /w/a.rs");
    let calls = [
        ("apply_patch", add, "Success", "ok"),
        ("apply_patch", update, "Success", "ok"),
        ("apply_patch", delete, "Success", "ok"),
    ];
    check(
        &calls[..2],
        Certainty::Exact,
        Some((None, Some("one\n2\n"))),
    );
    check(&calls, Certainty::Exact, None);
}

#[test]
fn a_file_that_is_written_is_new_only_if_the_tool_says_so() {
    let write = json!({"file_path": "/w/a.rs", "content": "x\n"});
    check(
        &[(
            "Write",
            write.clone(),
            "File created successfully at: /w/a.rs",
            "ok",
        )],
        Certainty::Exact,
        Some((None, Some("x\n"))),
    );
    check(
        &[("write", write, "Wrote 2 bytes", "ok")],
        Certainty::Partial,
        None,
    );
}

#[test]
fn the_editor_of_openhands_is_followed() {
    let editor = |fields: serde_json::Value| {
        let mut args = json!({"path": "/w/a.rs"});
        for (key, value) in fields.as_object().expect("an object") {
            args[key] = value.clone();
        }
        args
    };
    check(
        &[
            (
                "str_replace_editor",
                editor(json!({"command": "create", "file_text": "a\nb"})),
                "File created successfully at: /w/a.rs",
                "ok",
            ),
            (
                "str_replace_editor",
                editor(json!({"command": "insert", "insert_line": 1, "new_str": "x"})),
                "edited",
                "ok",
            ),
            (
                "str_replace_editor",
                editor(json!({"command": "str_replace", "old_str": "b", "new_str": "c"})),
                "edited",
                "ok",
            ),
        ],
        Certainty::Exact,
        Some((None, Some("a\nx\nc"))),
    );
}
