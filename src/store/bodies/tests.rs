use std::sync::Arc;

use super::{Bodies, CAPACITY, Depth};
use crate::ingest::discover::Input;
use crate::ingest::intake::{self, Options};
use crate::ingest::prices::PriceTable;
use crate::model::action::{ActionIx, Place};
use crate::store::Store;

/// Notes of about `size` bytes each.
fn notes(count: usize, size: usize) -> Store {
    let content = "x".repeat(size);
    let line = format!("{{\"type\":\"note\",\"run_id\":\"r\",\"content\":\"{content}\"}}\n");
    let input = Input::Bundled {
        name: "test.jsonl",
        bytes: line.repeat(count).leak().as_bytes(),
        companions: &[],
    };
    Store::load(intake::load(
        vec![input],
        Options::new(PriceTable::default()),
    ))
    .0
}

#[test]
fn an_action_is_read_from_disk_once() {
    let store = notes(1, 10);
    let mut bodies = Bodies::new();
    let row = store.row(ActionIx(0));
    let first = bodies.open(&row, Depth::Full);
    assert_eq!(first.text.as_deref(), Some("xxxxxxxxxx"));
    assert!(Arc::ptr_eq(&first, &bodies.open(&row, Depth::Full)));
    assert!(!Arc::ptr_eq(&first, &bodies.open(&row, Depth::Glance)));
    bodies.forget();
    assert!(!Arc::ptr_eq(&first, &bodies.open(&row, Depth::Full)));
}

#[test]
fn the_least_recently_used_bodies_are_evicted() {
    let store = notes(9, CAPACITY / 8);
    let mut bodies = Bodies::new();
    let keep = bodies.open(&store.row(ActionIx(0)), Depth::Full);
    for ix in 1..9 {
        bodies.open(&store.row(ActionIx(ix)), Depth::Full);
        bodies.open(&store.row(ActionIx(0)), Depth::Full);
        assert!(bodies.size <= CAPACITY);
    }
    assert!(Arc::ptr_eq(
        &keep,
        &bodies.open(&store.row(ActionIx(0)), Depth::Full)
    ));
    assert_eq!(bodies.cached.len(), 7);
    assert_eq!(bodies.cached.len(), bodies.order.len());
}

#[test]
fn an_action_is_opened_again_after_its_result_arrived() {
    let store = notes(1, 10);
    let mut bodies = Bodies::new();
    let first = bodies.open(&store.row(ActionIx(0)), Depth::Full);
    let (_, outcomes) = store.chunk(0).expect("a chunk");
    let mut outcomes = outcomes.clone();
    let place = Place {
        offset: 0,
        len: 5,
        part: 0,
    };
    outcomes.result.set(0, place);
    let row = crate::store::row::Row {
        outcomes: &outcomes,
        ..store.row(ActionIx(0))
    };
    assert!(!Arc::ptr_eq(&first, &bodies.open(&row, Depth::Full)));
}

#[test]
fn a_request_recorded_as_a_difference_is_shown_whole() {
    let store = crate::store::testing::load(
        r#"{"type":"response","run_id":"r","id":"e1","content":"a","request":{"model":"m","messages":[1]}}
{"type":"response","run_id":"other","id":"e1","content":"x","request":{"model":"x","messages":[7]}}
{"type":"response","run_id":"r","id":"e2","content":"b","request":{"$base":"e1","messages":{"$keep":1,"$add":[2]}}}
{"type":"response","run_id":"r","id":"e3","parent_id":"e2","content":"c","request":{"$base":"e2","$drop":["model"],"messages":{"$keep":2,"$add":[3]}}}
{"type":"response","run_id":"r","id":"e4","content":"d","request":{"$base":"e9","messages":{"$keep":2,"$add":[3]}}}
"#,
    );
    let request = |ix: u32| {
        let row = store.row(ActionIx(ix));
        let record = super::record(&row, row.place(), Depth::Full).expect("a record");
        record["request"].to_string()
    };
    assert_eq!(request(2), r#"{"model":"m","messages":[1,2]}"#);
    assert_eq!(request(3), r#"{"messages":[1,2,3]}"#);
    assert!(request(4).contains("$base"), "its base is missing");
}
