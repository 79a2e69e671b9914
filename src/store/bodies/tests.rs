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
