use super::{State, Tape};
use crate::ingest::discover::Input;
use crate::ingest::intake::{self, Options};
use crate::ingest::prices::PriceTable;
use crate::model::action::ActionIx;
use crate::model::run::RunIx;
use crate::store::Store;

fn load(trace: &'static str) -> Store {
    let inputs = vec![Input::Bundled {
        name: "trace.jsonl",
        bytes: trace.as_bytes(),
        companions: &[],
    }];
    Store::load(intake::load(inputs, Options::new(PriceTable::built_in()))).0
}

/// Two parallel calls, of which the first returns last.
const PARALLEL: &str = r#"{"type":"prompt","run_id":"r1","ts":1000,"role":"user","content":"go"}
{"type":"response","run_id":"r1","ts":1001,"model":"gpt-4o","content":"","usage":{"input_tokens":64000,"output_tokens":10},"cost_usd":0.5}
{"type":"tool_call","run_id":"r1","ts":1002,"id":"c1","tool":"read","args":{"path":"a.txt"}}
{"type":"tool_call","run_id":"r1","ts":1003,"id":"c2","tool":"read","args":{"path":"b.txt"}}
{"type":"tool_result","run_id":"r1","ts":1004,"call_id":"c2","status":"error","error":{"message":"no such file"}}
{"type":"note","run_id":"r1","ts":1005,"content":"waiting"}
{"type":"tool_result","run_id":"r1","ts":1006,"call_id":"c1","status":"ok","result":"x"}
{"type":"response","run_id":"r1","ts":1007,"model":"gpt-4o","content":"done","usage":{"input_tokens":20000,"output_tokens":5},"cost_usd":0.25}
{"type":"tool_call","run_id":"r1","ts":1008,"id":"c3","tool":"write","args":{}}
"#;

fn pending(state: &State) -> Vec<u32> {
    state.pending().into_iter().map(|ix| ix.0).collect()
}

#[test]
fn calls_are_pending_until_the_step_after_their_result() {
    let store = load(PARALLEL);
    let tape = Tape::new(&store, RunIx(0));
    let after = |count| pending(&tape.state(&store, count));
    assert_eq!(after(3), [0; 0]);
    assert_eq!(after(4), [2]);
    assert_eq!(after(5), [2], "the note came between the two results");
    assert_eq!(after(6), [0; 0]);
    assert_eq!(after(7), [6], "it never got a result");
}

#[test]
fn cost_context_and_tools_grow_with_the_steps() {
    let store = load(PARALLEL);
    let tape = Tape::new(&store, RunIx(0));
    let after = |count| tape.state(&store, count);
    assert_eq!(after(1).cost().0.usd(), None);
    assert_eq!(after(2).cost().0.usd(), Some(0.5));
    assert_eq!(after(6).cost().0.usd(), Some(0.75));
    assert_eq!(after(2).context.and_then(super::Fill::percent), Some(50));
    assert_eq!((after(5).compactions, after(6).compactions), (0, 1));
    assert_eq!((after(3).errors, after(4).errors), (0, 1));
    let tools: Vec<(&str, u32)> = after(7)
        .tools
        .iter()
        .map(|(tool, calls)| (store.symbols().name(*tool), *calls))
        .collect();
    assert_eq!(tools, [("read", 2), ("write", 1)]);
}

#[test]
fn the_state_is_the_fold_of_the_first_steps() {
    let store = load(PARALLEL);
    let tape = Tape::new(&store, RunIx(0));
    let mut walked = State::default();
    for step in 0..tape.len() {
        assert_eq!(walked, tape.state(&store, step));
        walked.step(&store.row(tape.get(step).expect("a step")));
    }
    assert_eq!(walked, tape.state(&store, tape.len()));
}

#[test]
fn a_malformed_line_maps_to_the_step_before_it() {
    let store = load(
        "{\"type\":\"note\",\"run_id\":\"r1\"}\nbroken\n{\"type\":\"note\",\"run_id\":\"r1\"}\n",
    );
    let tape = Tape::new(&store, RunIx(0));
    let steps: Vec<Option<usize>> = (0..3).map(|ix| tape.step_of(ActionIx(ix))).collect();
    assert_eq!(steps, [Some(0), Some(0), Some(1)]);
    assert_eq!(tape.len(), 2);
}

#[test]
fn files_are_those_named_by_calls() {
    let store = load(PARALLEL);
    let tape = Tape::new(&store, RunIx(0));
    let found = super::files::touched(&store, &tape, &crate::base::cancel::CancelFlag::new());
    let found = found
        .iter()
        .map(|it| (it.step, it.path.as_str(), it.distinct));
    let found: Vec<(usize, &str, usize)> = found.collect();
    assert_eq!(found, [(2, "a.txt", 1), (3, "b.txt", 2)]);
}
