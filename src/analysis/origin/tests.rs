use super::{FoundIn, origin};
use crate::base::cancel::CancelFlag;
use crate::ingest::discover::Input;
use crate::ingest::intake::{self, Options};
use crate::ingest::prices::PriceTable;
use crate::model::action::ActionIx;
use crate::store::Store;

/// The order number occurs first within a longer number, then in a result, then in text.
const TRACE: &str = r#"{"type":"prompt","run_id":"r1","role":"user","content":"Ticket 98841 please"}
{"type":"prompt","run_id":"r2","role":"user","content":"order 8841"}
{"type":"tool_call","run_id":"r1","id":"c1","tool":"read","args":{"about":"8841"}}
{"type":"tool_call","run_id":"r1","id":"c2","tool":"find","args":{}}
{"type":"tool_result","run_id":"r1","call_id":"c2","status":"ok","result":{"orders":[{"id":8841,"to":"Oslo \"N\""}]}}
{"type":"response","run_id":"r1","content":"It is order 8841."}
{"type":"tool_call","run_id":"r1","id":"c3","tool":"refund","args":{"order":"8841","city":"Oslo \"N\"","x":"nowhere"}}
{"type":"tool_result","run_id":"r1","call_id":"c1","status":"ok","result":"late 8841"}
"#;

#[track_caller]
fn check(value: &str, expected: Option<(u32, FoundIn)>) {
    let inputs = vec![Input::Bundled {
        name: "trace.jsonl",
        bytes: TRACE.as_bytes(),
        companions: &[],
    }];
    let store = Store::load(intake::load(inputs, Options::new(PriceTable::built_in()))).0;
    let found = origin(&store, ActionIx(5), value, &CancelFlag::new());
    assert_eq!(found.map(|it| (it.action.0, it.found_in)), expected);
}

#[test]
fn finds_the_first_earlier_action_of_the_run_that_contains_it() {
    check("8841", Some((3, FoundIn::Result)));
    check("Oslo \"N\"", Some((3, FoundIn::Result)));
    check("Ticket", Some((0, FoundIn::Text)));
    check("order", Some((4, FoundIn::Text)));
}

#[test]
fn a_value_that_occurs_nowhere_has_no_origin() {
    check("nowhere", None);
    check("x", None);
    check("late", None);
}
