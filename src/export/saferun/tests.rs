use serde_json::json;

use super::events;
use crate::ingest::discover::Input;
use crate::ingest::loader::{self, Options};
use crate::ingest::prices::PriceTable;
use crate::model::action::ActionIx;
use crate::store::Store;
use crate::store::row::Row;

fn load(bytes: &'static [u8]) -> Store {
    let inputs = vec![Input::Bundled {
        name: "trace.jsonl",
        bytes,
        companions: &[],
    }];
    Store::load(loader::start(inputs, Options::new(PriceTable::built_in()))).0
}

const TRACE: &str = r#"{"type":"run_start","run_id":"r1","ts":"2026-11-22T10:00:00.000001Z","agent":"shop","model":"gpt-4o","system":"Be brief.","params":{"temperature":0},"task":"t7"}
{"type":"prompt","run_id":"r1","id":"p1","ts":"2026-11-22T10:00:01Z","role":"user","content":"Pay"}
{"type":"response","run_id":"r1","id":"m1","ts":"2026-11-22T10:00:02Z","model":"gpt-4o","content":"I pay","usage":{"input_tokens":10,"output_tokens":2},"cost_usd":0.5,"duration_ms":12.5}
{"type":"tool_call","run_id":"r1","id":"c1","parent_id":"m1","ts":"2026-11-22T10:00:03Z","tool":"pay","args":{"amount":9}}
{"type":"policy_decision","run_id":"r1","call_id":"c1","policy":"cap","rule":"r3","decision":"require_approval","matched":[{"path":"args.amount","op":">","value":5,"actual":9}]}
{"type":"approval","run_id":"r1","call_id":"c1","state":"denied","by":"lead","wait_ms":1500}
{"type":"tool_result","run_id":"r1","call_id":"c1","ts":"2026-11-22T10:00:05Z","status":"denied","duration_ms":2000}
{"type":"run_end","run_id":"r1","ts":"2026-11-22T10:00:06Z","status":"blocked","score":0.5}
"#;

/// What is known of a row by its columns.
fn known(row: &Row<'_>) -> String {
    let attached: Vec<String> = row
        .attached()
        .map(|it| format!("{:?} {:?} {:?}", it.kind, it.verdict, it.wait))
        .collect();
    format!(
        "{} {} {} {} {} {:?} {:?} {:?} {:?} {attached:?}",
        row.kind().word(),
        row.status().word(),
        row.tool(),
        row.agent(),
        row.turn(),
        row.time(),
        row.duration(),
        row.cost(),
        row.usage(),
    )
}

#[test]
fn the_events_of_a_run_open_to_the_same_run() {
    let store = load(TRACE.as_bytes());
    let all: Vec<ActionIx> = (0..store.len()).map(ActionIx).collect();
    let mut text = String::new();
    for event in events(&store, &store.runs()[0], &all, "r1") {
        text.push_str(&event.to_string());
        text.push('\n');
    }
    let again = load(Box::leak(text.into_bytes().into_boxed_slice()));
    let rows = |store: &Store| store.rows().map(|row| known(&row)).collect::<Vec<_>>();
    assert_eq!(rows(&again), rows(&store));
    let (was, is) = (&store.runs()[0], &again.runs()[0]);
    assert_eq!(
        (&is.id, is.status, is.score),
        (&was.id, was.status, was.score)
    );
    assert_eq!(again.symbols().name(is.who.task), "t7");
}

#[test]
fn what_was_not_recorded_is_left_out() {
    let store =
        load(b"{\"type\":\"tool_call\",\"run_id\":\"r1\",\"id\":\"c1\",\"tool\":\"pay\"}\n");
    let events = events(&store, &store.runs()[0], &[ActionIx(0)], "x");
    assert_eq!(
        events,
        [
            json!({"type": "run_start", "run_id": "x", "v": 1}),
            json!({"type": "tool_call", "run_id": "x", "id": "a1", "tool": "pay"}),
        ]
    );
}
