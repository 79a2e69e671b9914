use crate::tui::render::{self, Headless};
use crate::tui::testing::{load, options, played};

/// Two turns, two calls of a model, a failed call of a tool, a blocked one that a person had to look at.
const TRACE: &str = r#"{"type":"run_start","run_id":"r1","ts":1000,"agent":"shop","model":"gpt-4o","system":"Be brief."}
{"type":"prompt","run_id":"r1","id":"p1","ts":1001,"role":"user","content":"First question"}
{"type":"response","run_id":"r1","id":"m1","ts":1002,"model":"gpt-4o","content":"I look \u001b[31mit up","usage":{"input_tokens":12800,"output_tokens":9},"cost_usd":0.5}
{"type":"tool_call","run_id":"r1","id":"c1","parent_id":"m1","ts":1003,"tool":"read","args":{"path":"a/b.txt"}}
{"type":"tool_result","run_id":"r1","call_id":"c1","ts":1004,"status":"error","error":{"message":"no such file"}}
{"type":"prompt","run_id":"r1","id":"p2","ts":1060,"role":"user","content":"Second question"}
{"type":"response","run_id":"r1","id":"m2","ts":1061,"model":"gpt-4o","content":"I pay","usage":{"input_tokens":25600,"output_tokens":9},"cost_usd":0.25}
{"type":"tool_call","run_id":"r1","id":"c2","parent_id":"m2","ts":1062,"tool":"pay","args":{"amount":9}}
{"type":"policy_decision","run_id":"r1","call_id":"c2","ts":1063,"policy":"cap","decision":"block"}
{"type":"tool_result","run_id":"r1","call_id":"c2","ts":1064,"status":"blocked"}
"#;

fn screen(keys: &str) -> String {
    played(&options(), TRACE, &format!("3 {keys}"))
}

#[track_caller]
fn check(keys: &str, expected: &[&str]) {
    let shown = screen(keys);
    for words in expected {
        assert!(
            shown.contains(words),
            "{words:?} after {keys:?} in\n{shown}"
        );
    }
}

#[test]
fn steps_go_on_and_back_and_stop_at_the_ends() {
    check("", &["step 1/7"]);
    check("l l h", &["step 2/7"]);
    check("h h", &["step 1/7"]);
    check("G l", &["step 7/7"]);
    check("g j k j", &["step 2/7"]);
}

#[test]
fn jumps_go_to_what_needs_attention() {
    check("f", &["step 4/7", "read"]);
    check("e", &["step 4/7"]);
    check("b", &["step 7/7"]);
    check("L", &["turn 1/2 · step 2/7"]);
    check("L L", &["turn 2/2 · step 5/7"]);
    check("G H H", &["turn 1/2 · step 2/7"]);
    check("e p", &["step 3/7"]);
    check("G e", &["no further action of that kind", "step 7/7"]);
    check(": 5 enter", &["step 5/7"]);
}

#[test]
fn marks_are_those_of_the_other_views() {
    check("f m x g ' x", &["step 4/7", "◆ x"]);
    check("' y", &["no action of this run has that mark"]);
    let stream = played(&options(), TRACE, "j j m x 3 g ' x");
    assert!(stream.contains("step 3/7"), "{stream}");
}

#[test]
fn the_state_is_that_after_the_step_with_what_the_step_changed() {
    check(
        "l l",
        &[
            "cost so far   $0.50",
            "+$0.50",
            "≈10 % · 12,800 of 128,000 tokens",
        ],
    );
    check(
        "f",
        &[
            "errors        1 · 0 retried",
            "+1",
            "files touched 1 · last b.txt",
            "read ×1",
        ],
    );
    check(
        "G",
        &[
            "1 decision · 1 blocked · 0 denied",
            "≈20 % · 25,600",
            "cost so far   $0.75",
        ],
    );
}

#[test]
fn what_the_model_saw_is_that_of_the_call_of_the_step() {
    check(
        "l l",
        &[
            "call #3 · turn 1 · gpt-4o",
            "reconstructed",
            "Be brief.",
            "First question",
        ],
    );
    check(
        "G",
        &["call #6 · turn 2", "2 parts as before", "Second question"],
    );
    check("G c", &["First question", "Second question"]);
    // The title of the run is in the header.
    let shown = screen("G");
    assert!(
        !shown
            .lines()
            .skip(1)
            .any(|line| line.contains("First question")),
        "{shown}"
    );
    check("l", &["call #3"]);
}

#[test]
fn trace_text_is_harmless() {
    let shown = screen("l l");
    assert!(!shown.contains('\u{1b}'), "{shown}");
    assert!(shown.contains("I look "), "{shown}");
}

#[test]
fn the_selected_action_is_the_same_on_every_view() {
    check("f 1", &["read"]);
    let back = played(&options(), TRACE, "j j j R");
    assert!(back.contains("step 4/7"), "{back}");
    let opened = screen("f enter");
    assert!(opened.contains("no such file"), "{opened}");
    let returned = screen("f enter q");
    assert!(returned.contains("step 4/7"), "{returned}");
}

#[test]
fn playing_begins_and_any_step_ends_it() {
    check("a", &["×1 playing"]);
    check("a > >", &["×4 playing"]);
    check("a < < <", &["×1/4 playing"]);
    assert!(!screen("a l").contains("playing"));
    assert!(!screen("a a").contains("playing"));
}

#[test]
fn a_part_of_what_the_model_saw_unfolds_and_leads_to_its_action() {
    const LONG: &str = r#"{"type":"prompt","run_id":"r1","id":"p1","ts":1001,"role":"user","content":"First line\nsecond line of it"}
{"type":"response","run_id":"r1","id":"m1","ts":1002,"model":"gpt-4o","content":"done"}
"#;
    let folded = played(&options(), LONG, "3 l");
    assert!(!folded.contains("second line of it"), "{folded}");
    let unfolded = played(&options(), LONG, "3 l tab space");
    assert!(
        unfolded.contains("second line of it") && unfolded.contains("step 2/2"),
        "{unfolded}"
    );
    let again = played(&options(), LONG, "3 l tab space j space");
    assert!(!again.contains("second line of it"), "{again}");
    let opened = played(&options(), LONG, "3 l tab enter");
    assert!(opened.contains("TOOL / TEXT"), "{opened}");
    let back = played(&options(), LONG, "3 l tab enter q");
    assert!(back.contains("step 2/2"), "{back}");
    let mut copied = Headless::new(&options(), (120, 30));
    for message in load(LONG) {
        copied.load(message);
    }
    copied.play("3 l tab y");
    assert_eq!(copied.copied(), Some("First line\nsecond line of it"));
}

#[test]
fn what_a_compaction_threw_away_can_be_opened() {
    const COMPACTED: &str = r#"{"type":"user","uuid":"u1","parentUuid":null,"sessionId":"s","timestamp":"2026-11-17T09:00:00.000Z","cwd":"/w","version":"2.0.1","message":{"role":"user","content":"the old plan"}}
{"type":"assistant","uuid":"a1","parentUuid":"u1","sessionId":"s","timestamp":"2026-11-17T09:00:02.000Z","cwd":"/w","version":"2.0.1","requestId":"q1","message":{"id":"m1","type":"message","role":"assistant","model":"claude-opus-4-5","content":[{"type":"text","text":"noted"}],"usage":{"input_tokens":10,"output_tokens":5}}}
{"type":"system","subtype":"compact_boundary","uuid":"b1","parentUuid":null,"logicalParentUuid":"a1","sessionId":"s","timestamp":"2026-11-17T09:01:00.000Z","cwd":"/w","version":"2.0.1","content":"Conversation compacted","compactMetadata":{"trigger":"auto","preTokens":15}}
{"type":"user","uuid":"u2","parentUuid":"b1","sessionId":"s","timestamp":"2026-11-17T09:01:01.000Z","cwd":"/w","version":"2.0.1","isCompactSummary":true,"message":{"role":"user","content":"a summary"}}
{"type":"assistant","uuid":"a2","parentUuid":"u2","sessionId":"s","timestamp":"2026-11-17T09:01:05.000Z","cwd":"/w","version":"2.0.1","requestId":"q2","message":{"id":"m2","type":"message","role":"assistant","model":"claude-opus-4-5","content":[{"type":"text","text":"on we go"}],"usage":{"input_tokens":8,"output_tokens":5}}}
"#;
    let folded = played(&options(), COMPACTED, "3 G");
    assert!(
        folded.contains("dropped by the compaction at #"),
        "{folded}"
    );
    let pane = |keys: &str| {
        let shown = played(&options(), COMPACTED, keys);
        let left = shown
            .lines()
            .skip(2)
            .map(|line| line.chars().take(53).collect::<String>());
        left.collect::<Vec<_>>().join("\n")
    };
    assert!(!pane("3 G").contains("the old plan"));
    assert!(
        pane("3 G tab g space").contains("the old plan"),
        "{}",
        pane("3 G tab g space")
    );
}

#[test]
fn a_narrow_screen_names_the_key_to_the_other_pane() {
    let mut shown = Headless::new(&options(), (80, 24));
    for message in load(TRACE) {
        shown.load(message);
    }
    shown.play("3");
    let picture = render::text(&shown.draw());
    assert!(picture.contains("tab other pane"), "{picture}");
    shown.play("l l tab");
    let parts = render::text(&shown.draw());
    assert!(
        parts.contains("WHAT THE MODEL SAW") && parts.contains("First question"),
        "{parts}"
    );
}

#[test]
fn an_edit_is_shown_as_a_difference() {
    const EDIT: &str = r#"{"type":"tool_call","run_id":"r1","id":"c1","ts":1003,"tool":"Edit","args":{"file_path":"a/b.rs","old_string":"one\ntwo","new_string":"one\nthree"}}
"#;
    let shown = played(&options(), EDIT, "3");
    for words in ["change  a/b.rs −1 +1", "- two", "+ three"] {
        assert!(shown.contains(words), "{words}\n{shown}");
    }
    assert!(!shown.contains("old_string"), "{shown}");
}

#[test]
fn y_copies_the_part_that_is_selected_or_the_request_as_curl() {
    let copied = |keys: &str| {
        let mut shown = Headless::new(&options(), (120, 30));
        for message in load(TRACE) {
            shown.load(message);
        }
        shown.play(&format!("3 {keys}"));
        let picture = render::text(&shown.draw());
        (shown.copied().map(str::to_owned), picture)
    };
    let (curl, picture) = copied("f y");
    let curl = curl.expect("a command");
    assert!(
        curl.contains("curl ") && curl.contains("First question"),
        "{curl}"
    );
    assert!(picture.contains("copied curl of the request"), "{picture}");
    let (part, picture) = copied("f tab y");
    assert_eq!(part.as_deref(), Some("Be brief."));
    assert!(picture.contains("copied the part"), "{picture}");
}
