use std::path::PathBuf;
use std::sync::Arc;

use serde_json::json;

use super::line;
use crate::ingest::body::{ApprovalText, Body, DecisionText, ErrorText};
use crate::ingest::bytes::Bytes;
use crate::ingest::formats::FORMATS;
use crate::ingest::records::Framing;
use crate::ingest::{Batch, Source};
use crate::model::action::{ActionIx, Flags, Kind, Place, SourceIx, Status};
use crate::model::chunk::NewAction;
use crate::model::outcome::Settled;
use crate::model::quantity::Time;
use crate::model::run::{Run, RunIx, RunStatus, Totals, Who};
use crate::model::symbol::Sym;
use crate::store::Store;

/// A store with one run: a row of `kind`, then the calls of `tools` it requested.
fn store(kind: Kind, status: Status, tools: &[&str]) -> Store {
    let symbols = tools.iter().map(|name| Box::from(*name)).collect();
    let mut batch = Batch {
        symbols,
        ..Batch::default()
    };
    push(&mut batch, kind, Sym::NONE, ActionIx::NONE);
    for number in 1..=tools.len() {
        push(&mut batch, Kind::ToolCall, Sym(number as u32), ActionIx(0));
    }
    batch.settled.push(Settled {
        status: Some(status),
        ..Settled::new(ActionIx(0))
    });
    batch.runs.push((RunIx(0), Arc::new(run())));
    let mut store = Store::new();
    store.add_sources(vec![Arc::new(Source::new(
        PathBuf::from("t.jsonl"),
        Bytes::Static(b""),
        (FORMATS[0], Framing::Lines),
    ))]);
    store.append(batch);
    store
}

fn push(batch: &mut Batch, kind: Kind, tool: Sym, parent: ActionIx) {
    let seq = batch.chunk.len() as u32 + 1;
    batch.chunk.push(&NewAction {
        kind,
        run: RunIx(0),
        turn: 1,
        seq,
        agent: Sym::NONE,
        tool,
        model: Sym::NONE,
        time: Time::NONE,
        parent,
        source: SourceIx(0),
        line: seq,
        place: Place {
            offset: 7,
            len: 40,
            part: 0,
        },
        flags: Flags::NONE,
    });
    batch.outcomes.push(Flags::NONE);
}

fn run() -> Run {
    Run {
        id: "r1".into(),
        source: SourceIx(0),
        who: Who::default(),
        started: Time::NONE,
        ended: Time::NONE,
        status: RunStatus::Unknown,
        totals: Totals::default(),
        inherited: None,
        lanes: Vec::new(),
        parent_run: None,
        took: crate::model::quantity::Elapsed::NONE,
        score: None,
        correct: None,
        first_action: ActionIx(0),
        first_prompt: ActionIx::NONE,
        title: None,
        span_name: None,
    }
}

#[track_caller]
fn check(kind: Kind, status: Status, body: &Body, expected: &str) {
    let store = store(kind, status, &[]);
    assert_eq!(line(&store.row(ActionIx(0)), body), expected);
}

#[track_caller]
fn check_call(args: serde_json::Value, result: serde_json::Value, expected: &str) {
    let result = (!result.is_null()).then_some(result);
    let body = Body {
        args: Some(args),
        result,
        ..Body::default()
    };
    check(Kind::ToolCall, Status::Ok, &body, expected);
}

fn text(text: &str) -> Body {
    Body {
        text: Some(text.to_owned()),
        ..Body::default()
    }
}

#[test]
fn a_line_that_only_opens_the_next_one_is_joined_with_it() {
    let check = |command: &str, expected: &str| {
        check_call(json!({ "command": command }), json!(""), expected);
    };
    check(
        "git commit -m \"$(cat <<'EOF'\nfeat: a cap on refunds\n\nIt is low.\nEOF\n)\"",
        "git commit -m \"feat: a cap on refunds … +3 lines · no output",
    );
    check(
        "source env.sh && \\\n  make test",
        "source env.sh && make test · no output",
    );
    check(
        "bash -c '\nset -e\nmake\n'",
        "bash -c 'set -e … +2 lines · no output",
    );
    check("echo 'a b'\nls", "echo 'a b' … +1 line · no output");
}

#[test]
fn a_command_shows_its_exit_code_and_line_count() {
    let output = json!({"output": "a\nb\nc\n", "metadata": {"exit_code": 101}});
    check_call(
        json!({"command": "cargo test --all"}),
        output,
        "cargo test --all · exit 101 · 3 lines",
    );
    check_call(
        json!({"command": ["bash", "-lc", "ls"]}),
        json!("one"),
        "ls · one",
    );
    check_call(
        json!({"cmd": "cat <<E\nx\nE"}),
        json!(""),
        "cat <<E … +2 lines · no output",
    );
}

#[test]
fn finds_the_exit_code_in_the_error_message() {
    let error = ErrorText {
        message: "Exit code 2\nboom\nmore".to_owned(),
        ..ErrorText::default()
    };
    let body = Body {
        args: Some(json!({"command": "make"})),
        result: Some(json!("Exit code 2\nboom\nmore")),
        error: Some(error),
        ..Body::default()
    };
    check(
        Kind::ToolCall,
        Status::Error,
        &body,
        "make · exit 2 · 3 lines",
    );
}

#[test]
fn a_file_shows_its_path_and_range() {
    let read = json!({"file_path": "src/lib.rs", "offset": 1, "limit": 200});
    check_call(read, json!(null), "src/lib.rs 1-200");
    let view = json!({"command": "view", "path": "a.rs", "view_range": [5, -1]});
    check_call(view, json!(null), "view a.rs 5-");
    let edit = json!({"file_path": "a.rs", "old_string": "x", "new_string": "x\ny"});
    check_call(edit, json!(null), "a.rs −1 +2");
}

#[test]
fn a_long_path_shows_its_end() {
    let long = "/home/mira/projects/worktrees/app/src/analysis/summary/args.rs";
    check_call(
        json!({"path": long}),
        json!(null),
        "…/app/src/analysis/summary/args.rs",
    );
    let name = format!("/tmp/{}", "x".repeat(50));
    check_call(
        json!({"path": name}),
        json!(null),
        &format!("…/{}", "x".repeat(50)),
    );
}

#[test]
fn a_search_shows_its_pattern_and_path() {
    check_call(
        json!({"pattern": "fn main", "path": "src"}),
        json!(["a", "b"]),
        "fn main in src · 2 items",
    );
    check_call(json!({"query": "rust tui"}), json!(null), "rust tui");
}

#[test]
fn a_patch_shows_its_files() {
    let patch = "*** Begin Patch\n*** Update File: a.rs\n@@\n*** Add File: b.rs\n*** End Patch";
    check_call(json!({"input": patch}), json!(null), "a.rs, b.rs");
    check_call(json!(patch), json!(null), "a.rs, b.rs");
}

#[test]
fn todos_are_counted() {
    let todos = json!({"todos": [{"content": "a", "status": "completed"}, {"content": "b", "status": "in_progress"}]});
    check_call(todos, json!(null), "2 todos, 1 done, now: b");
}

#[test]
fn other_tools_show_identifying_arguments_first() {
    let args = json!({"currency": "USD", "amount": 4200, "order_id": "8841"});
    check_call(args, json!(null), "order_id=8841 amount=4200 currency=USD");
    let args = json!({"a":1,"b":2,"c":3,"d":4,"e":5,"f":6,"g":"two words"});
    check_call(args, json!(null), "a=1 b=2 c=3 d=4 e=5 +2 more");
    check_call(
        json!({"items": [1, 2], "name": "two words"}),
        json!(null),
        "name=\"two words\" items[2]",
    );
}

#[test]
fn a_result_does_not_repeat_the_arguments() {
    check_call(
        json!({"order_id": "8841"}),
        json!({"order_id": "8841", "total": 420}),
        "order_id=8841 · total=420",
    );
}

#[test]
fn a_blocked_call_names_the_policy_and_a_denied_one_the_person() {
    let decision = DecisionText {
        policy: Some("refund-cap".to_owned()),
        decision: Some("block".to_owned()),
        ..DecisionText::default()
    };
    let approval = ApprovalText {
        state: Some("denied".to_owned()),
        by: Some("lead@acme".to_owned()),
        ..ApprovalText::default()
    };
    let body = Body {
        args: Some(json!({"amount": 4200})),
        decisions: vec![decision],
        approvals: vec![approval],
        ..Body::default()
    };
    check(
        Kind::ToolCall,
        Status::Blocked,
        &body,
        "amount=4200 · blocked by refund-cap",
    );
    check(
        Kind::ToolCall,
        Status::Denied,
        &body,
        "amount=4200 · denied by lead@acme",
    );
}

#[test]
fn a_failed_call_shows_the_start_of_its_error() {
    let error = ErrorText {
        kind: Some("Timeout".to_owned()),
        message: "\nafter 5 s\nat x".to_owned(),
        stack: None,
    };
    let body = Body {
        args: Some(json!({"id": 1})),
        error: Some(error),
        ..Body::default()
    };
    check(
        Kind::ToolCall,
        Status::Error,
        &body,
        "id=1 · Timeout: after 5 s",
    );
    let body = Body {
        result: Some(json!({"ok": false, "err": "ledger locked"})),
        ..Body::default()
    };
    check(Kind::ToolCall, Status::Error, &body, "ledger locked");
}

#[test]
fn an_unrecorded_outcome_is_not_shown_as_ok() {
    check(Kind::ToolCall, Status::Unrecorded, &Body::default(), "");
    check(
        Kind::Prompt,
        Status::Unrecorded,
        &Body::default(),
        "no text recorded",
    );
}

#[test]
fn a_prompt_is_its_first_line_in_quotes() {
    check(
        Kind::Prompt,
        Status::Unrecorded,
        &text("\n\n## Fix  the\tbug\nplease"),
        "\"Fix the bug\"",
    );
}

#[test]
fn a_response_is_its_first_sentence_or_the_tools_it_asked_for() {
    check(
        Kind::Response,
        Status::Ok,
        &text("I could not refund it. Sorry."),
        "I could not refund it.",
    );
    let store = store(Kind::Response, Status::Ok, &["refund", "db.read"]);
    assert_eq!(
        line(&store.row(ActionIx(0)), &Body::default()),
        "→ refund, db.read"
    );
}

#[test]
fn a_malformed_line_shows_its_position() {
    check(
        Kind::Malformed,
        Status::Unrecorded,
        &Body::default(),
        "malformed line 1 (40 bytes at 7)",
    );
}

#[test]
fn a_record_of_an_unknown_type_shows_its_type() {
    let body = Body {
        record: Some(json!({"type": "heartbeat"})),
        ..Body::default()
    };
    check(Kind::Unknown, Status::Unrecorded, &body, "heartbeat");
}

#[test]
fn a_summary_is_short_whatever_the_trace_contains() {
    let long = "x y\n".repeat(100_000);
    for body in [text(&long), text(&"z".repeat(1 << 20))] {
        let store = store(Kind::Prompt, Status::Unrecorded, &[]);
        let line = line(&store.row(ActionIx(0)), &body);
        assert!(
            line.chars().count() <= 300 && !line.contains('\n'),
            "{line}"
        );
    }
    let body = Body {
        args: Some(json!({"command": "w ".repeat(5000)})),
        result: Some(json!("done")),
        ..Body::default()
    };
    let store = store(Kind::ToolCall, Status::Ok, &[]);
    let line = line(&store.row(ActionIx(0)), &body);
    assert!(
        line.chars().count() <= 300 && line.ends_with(" · done"),
        "{line}"
    );
}

#[test]
fn a_lone_tag_is_shown_only_if_there_is_nothing_else() {
    let first = |text| super::first_line(text);
    assert_eq!(
        first("<system-reminder>\nCompile error\n").as_deref(),
        Some("Compile error")
    );
    assert_eq!(first("<done>\n\n").as_deref(), Some("<done>"));
    assert_eq!(first("<b>bold</b>\nx").as_deref(), Some("<b>bold</b>"));
}
