use std::fmt::Write as _;

use super::{Cell, Tick, of_run, place, ticks};
use crate::analysis::slow::Slow;
use crate::analysis::trouble::ChunkRow;
use crate::base::cancel::CancelFlag;
use crate::model::action::ActionIx;
use crate::model::run::RunIx;
use crate::store::testing::load;

const TRACE: &str = r#"{"type":"tool_call","run_id":"r1","id":"c1","ts":"2026-01-01T00:00:00Z","tool":"t"}
{"type":"tool_result","run_id":"r1","call_id":"c1","ts":"2026-01-01T00:00:01Z","status":"error","result":"x"}
{"type":"tool_call","run_id":"r1","id":"c2","ts":"2026-01-01T00:00:09Z","tool":"t"}
{"type":"policy_decision","run_id":"r1","call_id":"c2","decision":"block"}
{"type":"tool_call","run_id":"r1","id":"c3","ts":"2026-01-01T00:00:10Z","tool":"t"}
"#;

#[test]
fn a_run_is_divided_by_time_and_counts_errors_and_blocks() {
    let store = load(TRACE);
    let cell = |actions, errors, blocks| Cell {
        actions,
        errors,
        blocks,
    };
    assert_eq!(
        of_run(&store, RunIx(0), 5, &CancelFlag::new()),
        [
            cell(1, 1, 0),
            cell(0, 0, 0),
            cell(0, 0, 0),
            cell(0, 0, 0),
            cell(2, 0, 1)
        ]
    );
    assert_eq!(place(&store, ActionIx(1), 5), Some(4));
}

#[test]
fn a_run_without_times_is_divided_by_order() {
    let store = load(&TRACE.replace("\"ts\"", "\"no\""));
    let shape = of_run(&store, RunIx(0), 3, &CancelFlag::new());
    assert_eq!(
        shape.iter().map(|cell| cell.actions).collect::<Vec<_>>(),
        [1, 1, 1]
    );
    assert_eq!(place(&store, ActionIx(1), 3), Some(1));
}

#[test]
fn ticks_mark_the_errors_and_blocks_of_a_list() {
    let store = load(TRACE);
    let mut rows = [ActionIx(1), ActionIx(2)].into_iter();
    let tick = |error, block| Tick { error, block };
    assert_eq!(
        ticks(&store, &mut rows, 2, &CancelFlag::new()),
        [tick(false, true), tick(false, false)]
    );
    let mut none = std::iter::empty();
    assert_eq!(
        ticks(&store, &mut none, 1, &CancelFlag::new()),
        [tick(false, false)]
    );
}

#[test]
fn slow_actions_took_many_times_longer_than_the_median() {
    let mut trace = String::new();
    for (call, took) in [100, 110, 90, 120, 100, 95, 105, 5000, 100]
        .iter()
        .enumerate()
    {
        write!(trace, "{{\"type\":\"tool_call\",\"run_id\":\"r1\",\"id\":\"c{call}\",\"tool\":\"t\"}}\n{{\"type\":\"tool_result\",\"run_id\":\"r1\",\"call_id\":\"c{call}\",\"status\":\"ok\",\"duration_ms\":{took}}}\n").expect("written");
    }
    let store = load(&trace);
    let slow = Slow::of(&store, &CancelFlag::new());
    let (chunk, outcomes) = store.chunk(0).expect("a chunk");
    let found: Vec<usize> = (0..chunk.len())
        .filter(|row| {
            slow.is_slow(ChunkRow {
                chunk,
                outcomes,
                row: *row,
            })
        })
        .collect();
    assert_eq!(found, [7]);
}
