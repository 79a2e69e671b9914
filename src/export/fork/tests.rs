use serde_json::{Value, json};

use super::{Edit, Fork, Refused, fork};
use crate::ingest::discover::Input;
use crate::ingest::intake::{self, Options};
use crate::ingest::prices::PriceTable;
use crate::model::action::ActionIx;
use crate::store::Store;

const TRACE: &str = r#"{"type":"run_start","run_id":"r1","agent":"shop","model":"gpt-4o","system":"Be brief."}
{"type":"prompt","run_id":"r1","role":"user","content":"Pay"}
{"type":"response","run_id":"r1","id":"m1","model":"gpt-4o","content":"I pay"}
{"type":"tool_call","run_id":"r1","id":"c1","tool":"pay","args":{"amount":4200,"to":["a","b"]}}
{"type":"tool_call","run_id":"r1","id":"c2","tool":"log","args":{}}
{"type":"tool_result","run_id":"r1","call_id":"c1","status":"ok","result":"paid"}
{"type":"tool_call","run_id":"r1","id":"c3","tool":"wait","args":{}}
{"type":"tool_result","run_id":"r1","call_id":"c2","status":"ok","result":"logged"}
"#;

fn store(trace: &'static str) -> Store {
    let inputs = vec![Input::Bundled {
        name: "trace.jsonl",
        bytes: trace.as_bytes(),
        companions: &[],
    }];
    Store::load(intake::load(inputs, Options::new(PriceTable::built_in()))).0
}

fn forked(count: u32, edits: &[&str]) -> Result<Fork, Refused> {
    let store = store(TRACE);
    let actions: Vec<ActionIx> = (0..count).map(ActionIx).collect();
    let edits: Vec<Edit> = edits
        .iter()
        .map(|text| Edit::parse(text).expect("an edit"))
        .collect();
    fork(&store, &actions, &edits)
}

fn kinds(events: &[Value]) -> Vec<&str> {
    events
        .iter()
        .filter_map(|event| event["type"].as_str())
        .collect()
}

#[test]
fn a_fork_keeps_earlier_events_and_names_its_parent() {
    let fork = forked(3, &[]).expect("a fork");
    assert_eq!(kinds(&fork.events), ["run_start", "prompt", "response"]);
    let start = &fork.events[0];
    assert_eq!(start["run_id"], "r1-fork-3");
    assert_eq!(start["parent_run_id"], "r1");
    assert_eq!(start["parent_seq"], 3);
    assert_eq!(start["edits"], json!([]));
    assert!(
        fork.events
            .iter()
            .all(|event| event["run_id"] == "r1-fork-3")
    );
}

#[test]
fn a_result_after_the_cut_is_copied_with_its_call() {
    let fork = forked(5, &[]).expect("a fork");
    assert_eq!(
        kinds(&fork.events),
        [
            "run_start",
            "prompt",
            "response",
            "tool_call",
            "tool_result",
            "tool_call",
            "tool_result"
        ]
    );
    assert_eq!(fork.completed, [4, 5]);
}

#[test]
fn decisions_about_other_arguments_are_dropped() {
    const DECIDED: &str = r#"{"type":"run_start","run_id":"r1"}
{"type":"tool_call","run_id":"r1","id":"c1","tool":"pay","args":{"amount":4200}}
{"type":"policy_decision","run_id":"r1","call_id":"c1","decision":"require_approval","rule":"cap"}
{"type":"approval","run_id":"r1","call_id":"c1","state":"approved","by":"lead"}
{"type":"tool_result","run_id":"r1","call_id":"c1","status":"ok","result":"paid"}
"#;
    let actions = [ActionIx(0), ActionIx(1)];
    let forked = |edits: &[Edit]| fork(&store(DECIDED), &actions, edits).expect("a fork");
    let as_recorded = forked(&[]);
    assert!(kinds(&as_recorded.events).contains(&"policy_decision"));
    assert!(kinds(&as_recorded.events).contains(&"approval"));
    let edited = forked(&[Edit::parse("args.amount=420").expect("an edit")]);
    assert_eq!(
        kinds(&edited.events),
        ["run_start", "tool_call", "tool_result"]
    );
    assert_eq!(edited.events[2]["status"], "cancelled");
}

#[test]
fn a_call_without_a_result_is_refused() {
    let refused = forked(6, &[]).expect_err("no fork");
    assert_eq!(refused, Refused::OpenCall { call: 6, before: 5 });
    assert!(refused.to_string().contains("--at 5"));
}

#[test]
fn an_edited_call_loses_its_result() {
    let fork =
        forked(4, &["args.amount=420", "args.to.1=\"c\"", "args.note=soon"]).expect("a fork");
    let call = &fork.events[3];
    assert_eq!(
        call["args"],
        json!({"amount": 420, "to": ["a", "c"], "note": "soon"})
    );
    let result = fork.events.last().expect("a result");
    assert_eq!(result["status"], "cancelled");
    assert!(!fork.events.iter().any(|event| event["result"] == "paid"));
    assert_eq!(
        fork.events[0]["edits"],
        json!([
            {"path": "args.amount", "from": 4200, "to": 420},
            {"path": "args.to.1", "from": "b", "to": "c"},
            {"path": "args.note", "from": null, "to": "soon"},
        ])
    );
}

#[test]
fn only_existing_places_can_be_edited() {
    let fork = forked(2, &["content=Do not pay", "system=Be long."]).expect("a fork");
    assert_eq!(fork.events[1]["content"], "Do not pay");
    assert_eq!(fork.events[0]["system"], "Be long.");
    let refused = forked(4, &["result.x.y=1"]).expect_err("no fork");
    assert!(matches!(refused, Refused::Edit { .. }), "{refused}");
    let refused = forked(2, &["args.x=1"]).expect_err("no fork");
    assert!(refused.to_string().starts_with("args.x: neither action #2"));
    assert!(Edit::parse("=1").is_err() && Edit::parse("args").is_err());
}
