use crate::tui::testing;

const TRACE: &str = concat!(
    r#"{"type":"prompt","run_id":"r1","id":"p","content":"fix it"}"#,
    "\n",
    r#"{"type":"tool_call","run_id":"r1","id":"c1","tool":"Read","args":{"file_path":"/w/src/a.rs"}}"#,
    "\n",
    r#"{"type":"tool_result","run_id":"r1","call_id":"c1","status":"ok","result":"     1→one\n     2→two\n     3→"}"#,
    "\n",
    r#"{"type":"tool_call","run_id":"r1","id":"c2","tool":"Edit","args":{"file_path":"/w/src/a.rs","old_string":"two","new_string":"2"}}"#,
    "\n",
    r#"{"type":"tool_result","run_id":"r1","call_id":"c2","status":"ok","result":"done"}"#,
    "\n",
    r#"{"type":"tool_call","run_id":"r1","id":"c3","tool":"Read","args":{"file_path":"/w/src/b.rs"}}"#,
    "\n",
    r#"{"type":"tool_result","run_id":"r1","call_id":"c3","status":"ok","result":"     1→b"}"#,
    "\n",
);

#[track_caller]
fn check(keys: &str, shown: &[&str]) {
    let screen = testing::screen(TRACE, keys);
    for words in shown {
        assert!(screen.contains(words), "no {words:?} in\n{screen}");
    }
}

#[test]
fn the_files_of_the_run_are_listed_with_the_changed_ones_first() {
    check(
        "u",
        &[
            "1 changed, 1 exact · 1 only read",
            "1 read · 1 edit",
            "+1",
            "−1",
            "exact",
        ],
    );
}

#[test]
fn the_net_change_is_one_diff() {
    check("u d", &["@@ -1,2 +1,2 @@", "-two", "+2"]);
    check("u enter d esc", &["RESULT"]);
    check("u j d", &["the file was not changed"]);
}

#[test]
fn the_calls_on_a_file_lead_to_their_actions() {
    check("u enter", &["#2", "#3", "edit", "done"]);
    let shown = testing::screen(TRACE, "u enter j enter");
    assert!(!shown.contains("RESULT"), "{shown}");
    assert!(shown.contains("Edit"), "{shown}");
}

#[test]
fn over_the_replay_the_files_are_those_of_the_step() {
    check("g 3 u", &["up to #1", "no call names a file"]);
    check("g 3 l u", &["up to #2", "0 changed, 0 exact · 1 only read"]);
}
