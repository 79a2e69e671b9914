use super::complete;
use crate::ingest::discover::Input;
use crate::ingest::intake::{self, Options};
use crate::ingest::prices::PriceTable;
use crate::store::Store;

const TRACE: &str = r#"{"type":"run_start","run_id":"r1","agent":"support","model":"large","user":"ann lee"}
{"type":"tool_call","run_id":"r1","id":"c1","tool":"refund","args":{"amount":4,"a b":1,"to":{"name":"Ann"}}}
{"type":"tool_call","run_id":"r1","id":"c2","tool":"read_file","args":{}}
"#;

/// Checks the texts that result from each proposal at `|`.
#[track_caller]
fn check(before: &str, expected: &[&str]) {
    let input = Input::Bundled {
        name: "test.jsonl",
        bytes: TRACE.as_bytes(),
        companions: &[],
    };
    let (store, _) = Store::load(intake::load(
        vec![input],
        Options::new(PriceTable::default()),
    ));
    let after: Vec<String> = complete(before, before.len(), &store)
        .into_iter()
        .map(|completion| {
            let mut text = before.to_owned();
            text.replace_range(completion.replace, &completion.text);
            text
        })
        .collect();
    assert_eq!(after, expected);
}

#[test]
fn proposes_fields_after_a_minus() {
    check("lat", &["latency:"]);
    check("a -pol", &["a -policy:"]);
    check("(arg", &["(args."]);
}

#[test]
fn proposes_values_that_occur() {
    check("tool:re", &["tool:read_file", "tool:refund"]);
    check("tool:(refund|rea", &["tool:(refund|read_file"]);
    check("kind:to", &["kind:tool", "kind:tool_call"]);
    check("kind:resp", &[]);
    check("is:bl", &["is:blocked"]);
    check("wou", &["would:"]);
    check("would:a", &["would:allow", "would:ask"]);
    check("user:", &["user:\"ann lee\""]);
}

#[test]
fn a_status_is_completed_from_the_word_that_screens_show() {
    check("status:", &["status:pending", "status:running"]);
    check("status:no", &["status:pending"]);
    check("status:op", &["status:running"]);
    check("-status:(pending|op", &["-status:(pending|running"]);
    check("status:canc", &[]);
}

#[test]
fn proposes_arguments_that_occur() {
    check("-args.", &["-args.amount:", "-args.to."]);
    check("args.am", &["args.amount:"]);
    check("args.to.", &["args.to.name:"]);
}

#[test]
fn a_cursor_beyond_the_text_counts_as_its_end() {
    let store = Store::new();
    let at_the_end = complete("lat", 3, &store);
    assert_eq!(at_the_end.len(), 1);
    assert_eq!(complete("lat", 999, &store), at_the_end);
}
