use serde_json::{Value, json};

use super::bill::TokenKind;
use super::misses::{self, Cause, Misses};
use super::prefix::{Difference, first_difference};
use super::spent::Spent;
use super::toll::{self, End, Toll};
use super::tool_calls::ToolCalls;
use super::{Costs, Key, lanes};
use crate::analysis::context::Exactness;
use crate::base::cancel::CancelFlag;
use crate::ingest::prices::PriceTable;
use crate::ingest::request::Api;
use crate::model::action::ActionIx;
use crate::model::quantity::{Cost, Elapsed, Tokens};
use crate::model::run::CostSource;
use crate::store::Store;
use crate::store::testing::load;

/// US$ per million tokens: input 5, output 25, read 0.50, written 6.25 for five minutes and 10 for an hour.
const OPUS: &str = "claude-opus-4-6";

fn line(at: u32, mut record: Value) -> String {
    record["run_id"] = "r".into();
    let (minute, second) = (at / 60, at % 60);
    record["ts"] = format!("2026-11-25T10:{minute:02}:{second:02}Z").into();
    format!("{record}\n")
}

fn response(at: u32, id: &str, model: &str, usage: &Value) -> String {
    line(
        at,
        json!({"type": "response", "id": id, "model": model, "content": "x", "usage": usage}),
    )
}

fn tool(at: u32, id: &str, parent: &str, name: &str) -> String {
    line(
        at,
        json!({"type": "tool_call", "id": id, "parent_id": parent, "tool": name}),
    )
}

fn counted(trace: &str) -> (Store, Costs) {
    let store = load(trace);
    let rows: Vec<ActionIx> = store.rows().map(|row| row.ix()).collect();
    let costs = Costs::of(&store, &rows, &PriceTable::built_in(), &CancelFlag::new());
    (store, costs)
}

/// A priced call that asks for three tools, one without a price, and one with a recorded cost.
fn mixed() -> String {
    let usage = json!({"input_tokens": 100, "output_tokens": 10, "reasoning_tokens": 4, "cache_read_tokens": 1000,
        "cache_write_tokens": 2000, "cache_write_hour_tokens": 500});
    let mut recorded = json!({"type": "response", "id": "m3", "model": OPUS, "content": "x",
        "usage": {"input_tokens": 10, "output_tokens": 10}, "cost_usd": 0.5});
    recorded["parent_id"] = "p".into();
    [
        line(0, json!({"type": "prompt", "id": "p", "content": "go"})),
        response(1, "m1", OPUS, &usage),
        tool(2, "a", "m1", "bash"),
        tool(3, "b", "m1", "read"),
        tool(4, "c", "m1", "bash"),
        response(
            5,
            "m2",
            "house-model",
            &json!({"input_tokens": 7, "output_tokens": 3}),
        ),
        line(6, recorded),
    ]
    .concat()
}

#[test]
fn kinds_of_token_add_up_to_the_cost_of_the_calls() {
    let (_, costs) = counted(&mixed());
    let told: Vec<_> = costs
        .kinds
        .iter()
        .map(|line| (line.kind, line.tokens.get(), line.cost.get()))
        .collect();
    let expected = [
        // 100 at $5, and a sixth of the recorded $0.50: 10 at $5 beside 10 at $25.
        (
            TokenKind::Input,
            Some(117),
            Some(500_000_000 + 83_333_333_333),
        ),
        (TokenKind::CacheRead, Some(1000), Some(500_000_000)),
        (TokenKind::CacheWrite, Some(1500), Some(9_375_000_000)),
        (TokenKind::CacheWriteHour, Some(500), Some(5_000_000_000)),
        (
            TokenKind::Output,
            Some(23),
            Some(250_000_000 + 416_666_666_667),
        ),
        (TokenKind::Reasoning, Some(4), Some(100_000_000)),
    ];
    assert_eq!(told, expected);
    let whole = costs
        .kinds
        .iter()
        .filter(|line| line.kind.part_of().is_none());
    let sum = whole.fold(Cost::NONE, |sum, line| sum + line.cost);
    assert_eq!(costs.total.cost(), Some((sum, CostSource::Mixed)));
    assert_eq!(sum, Cost(515_625_000_000));
    assert_eq!((costs.total.calls, costs.total.unpriced), (3, 1));
}

#[test]
fn a_call_for_several_tools_is_split_evenly_and_counted_once_per_tool() {
    let (store, costs) = counted(&mixed());
    let named = |key| match key {
        Key::Tool(Some(tool)) => store.symbols().name(tool).to_owned(),
        _ => "none".to_owned(),
    };
    let told: Vec<_> = costs
        .tools
        .iter()
        .map(|line| (named(line.key), line.spent.calls, line.spent.weight().0))
        .collect();
    // $0.015625 over three calls: what does not divide goes to the first.
    let expected = [
        ("none", 2, Some(500_000_000_000)),
        ("bash", 1, Some(10_416_666_667)),
        ("read", 1, Some(5_208_333_333)),
    ];
    assert_eq!(
        told,
        expected.map(|(tool, calls, cost)| (tool.to_owned(), calls, cost))
    );
    let tool_calls = ToolCalls::of(&store);
    let tools = store.rows().filter(|row| !row.tool().is_empty());
    let shares = tools
        .map(|row| tool_calls.share(&row))
        .collect::<Vec<Spent>>();
    let tokens = shares
        .iter()
        .map(|share| share.usage.input)
        .collect::<Vec<_>>();
    assert_eq!(tokens, [34, 33, 33].map(Tokens));
}

#[test]
fn a_cost_without_tokens_is_not_split_and_a_call_without_either_is_counted() {
    let (_, costs) = counted(&[
        line(0, json!({"type": "response", "id": "m1", "model": OPUS, "content": "x", "cost_usd": 0.25})),
        line(1, json!({"type": "response", "id": "m2", "model": OPUS, "content": "x"})),
    ]
    .concat());
    let told: Vec<_> = costs
        .kinds
        .iter()
        .map(|line| (line.kind, line.cost, line.source))
        .collect();
    assert_eq!(
        told,
        [(
            TokenKind::Unsplit,
            Cost(250_000_000_000),
            CostSource::Recorded
        )]
    );
    assert_eq!((costs.total.calls, costs.total.unrecorded), (2, 1));
    assert_eq!(costs.calls.len(), 2);
}

#[test]
fn writes_of_unknown_lifetime_are_not_called_five_minutes() {
    let (_, costs) = counted(&response(
        0,
        "m",
        OPUS,
        &json!({"input_tokens": 0, "cache_write_tokens": 100}),
    ));
    let kinds: Vec<_> = costs.kinds.iter().map(|line| line.kind).collect();
    assert_eq!(kinds, [TokenKind::Input, TokenKind::CacheWriteUnknown]);
}

fn tolls(trace: &str) -> Vec<Toll> {
    let store = load(trace);
    let rows: Vec<ActionIx> = store.rows().map(|row| row.ix()).collect();
    let lanes = lanes::lanes(&store, |_| true, &PriceTable::built_in());
    toll::tolls(&store, &rows, &lanes, &CancelFlag::new()).expect("not cancelled")
}

/// A result of 100 tokens behind a prompt of 1000.
fn result() -> String {
    let text = "x".repeat(388);
    response(0, "m1", OPUS, &json!({"input_tokens": 1000}))
        + &tool(1, "a", "m1", "bash")
        + &line(
            2,
            json!({"type": "tool_result", "call_id": "a", "status": "ok", "result": text}),
        )
}

fn prompt(at: u32, [input, read, write]: [u64; 3]) -> String {
    let usage =
        json!({"input_tokens": input, "cache_read_tokens": read, "cache_write_tokens": write});
    response(at, &format!("m{at}"), OPUS, &usage)
}

#[test]
fn a_result_is_paid_for_by_its_place_in_every_later_prompt() {
    let told = tolls(
        &[
            result(),
            // It is at 1100..1200: written, read, and paid in full after a cache miss.
            prompt(10, [0, 1000, 200]),
            prompt(20, [0, 1200, 50]),
            prompt(30, [1300, 0, 0]),
            // Only what is left after compaction.
            prompt(40, [300, 0, 0]),
            prompt(50, [400, 0, 0]),
        ]
        .concat(),
    );
    let expected = Toll {
        action: ActionIx(1),
        tokens: 100,
        readers: 3,
        unpriced: 0,
        cost: Cost(100 * (6_250_000 + 500_000 + 5_000_000)),
        end: End::Compacted(ActionIx(5)),
    };
    assert_eq!(told, [expected]);
}

#[test]
fn a_recorded_compaction_ends_a_toll_and_a_side_call_of_another_model_does_not() {
    let side = response(20, "s", "claude-haiku-4-5", &json!({"input_tokens": 200}));
    let told = tolls(
        &[
            result(),
            prompt(10, [1200, 0, 0]),
            side,
            prompt(30, [1300, 0, 0]),
        ]
        .concat(),
    );
    assert_eq!((told[0].readers, told[0].end), (2, End::Run));
    let compacted = line(20, json!({"type": "note", "compacted": "a summary"}));
    let told = tolls(
        &[
            result(),
            prompt(10, [1200, 0, 0]),
            compacted,
            prompt(30, [1300, 0, 0]),
        ]
        .concat(),
    );
    assert_eq!(
        (told[0].readers, told[0].end),
        (1, End::Compacted(ActionIx(4)))
    );
}

#[test]
fn a_toll_of_calls_without_a_price_is_unknown_and_one_of_some_is_a_lower_bound() {
    let unknown = |at| {
        response(
            at,
            &format!("m{at}"),
            "house-model",
            &json!({"input_tokens": 1200}),
        )
    };
    let told = tolls(&(result() + &unknown(10)));
    assert_eq!((told[0].cost, told[0].unpriced), (Cost::NONE, 1));
    let told = tolls(&[result(), unknown(10), prompt(20, [1300, 0, 0])].concat());
    assert_eq!((told[0].cost, told[0].unpriced), (Cost(500_000_000), 1));
}

/// A call with a request of these tools and messages.
fn sent(
    at: u32,
    model: &str,
    tools: &[&str],
    messages: &[&str],
    [read, write]: [u64; 2],
) -> String {
    let tools: Vec<Value> = tools
        .iter()
        .map(|name| json!({"name": name, "input_schema": {}}))
        .collect();
    let messages: Vec<Value> = messages
        .iter()
        .map(|text| json!({"role": "user", "content": text}))
        .collect();
    let request = json!({"model": model, "system": "s", "tools": tools, "messages": messages});
    let usage = json!({"input_tokens": 1, "cache_read_tokens": read, "cache_write_tokens": write});
    line(
        at,
        json!({"type": "response", "id": format!("m{at}"), "model": model, "content": "x", "usage": usage,
            "request": request}),
    )
}

fn missed(trace: &str) -> (Store, Misses) {
    let store = load(trace);
    let lanes = lanes::lanes(&store, |_| true, &PriceTable::built_in());
    let misses = misses::misses(&store, &lanes, &CancelFlag::new()).expect("not cancelled");
    (store, misses)
}

#[track_caller]
fn check_cause(trace: &str, cause: &Cause, exactness: Option<Exactness>) {
    let (_, misses) = missed(trace);
    let found: Vec<_> = misses
        .found
        .iter()
        .map(|miss| (&miss.cause, miss.exactness))
        .collect();
    assert_eq!(found, [(cause, exactness)]);
}

const RECORDED: Option<Exactness> = Some(Exactness::Recorded);

#[test]
fn a_request_with_other_tools_rebuilds_everything() {
    let trace = sent(0, OPUS, &["a"], &["u"], [0, 5000])
        + &sent(60, OPUS, &["a", "b"], &["u", "v"], [0, 5100]);
    check_cause(&trace, &Cause::Request(Difference::Tools), RECORDED);
}

#[test]
fn an_edited_message_costs_everything_after_it() {
    let trace = sent(0, OPUS, &[], &["u", "v"], [0, 5100])
        + &sent(60, OPUS, &[], &["u", "w", "x"], [1000, 4200]);
    let (_, misses) = missed(&trace);
    let miss = &misses.found[0];
    let place = Difference::History("$.messages[1]".to_owned());
    assert_eq!(miss.cause, Cause::Request(place));
    assert_eq!((miss.kept, miss.tokens), (1000, 4100));
    assert_eq!(miss.cost, Cost(4100 * 6_250_000));
    assert_eq!(miss.extra, Cost(4100 * (6_250_000 - 500_000)));
}

#[test]
fn a_pause_longer_than_the_cache_lives_is_the_cause_only_of_equal_prefixes() {
    let first = sent(0, OPUS, &[], &["u"], [0, 5000]);
    let gap = Cause::Gap {
        lifetime: Some(Elapsed(300_000_000)),
    };
    check_cause(
        &(first.clone() + &sent(301, OPUS, &[], &["u", "v"], [0, 5100])),
        &gap,
        None,
    );
    check_cause(
        &(first.clone() + &sent(300, OPUS, &[], &["u", "v"], [0, 5100])),
        &Cause::SamePrefix,
        RECORDED,
    );
    let system = Cause::Request(Difference::Tools);
    check_cause(
        &(first + &sent(301, OPUS, &["a"], &["u", "v"], [0, 5100])),
        &system,
        RECORDED,
    );
}

#[test]
fn another_model_has_a_cache_of_its_own() {
    let trace = sent(0, OPUS, &[], &["u"], [0, 5000])
        + &sent(60, "claude-opus-4-5", &[], &["u", "v"], [0, 5100]);
    let (store, misses) = missed(&trace);
    let Cause::Model { from, to } = misses.found[0].cause else {
        panic!("{misses:?}");
    };
    assert_eq!(
        [from, to].map(|sym| store.symbols().name(sym)),
        [OPUS, "claude-opus-4-5"]
    );
    // Back at the first model, its cache is still there.
    let (_, misses) = missed(&(trace + &sent(70, OPUS, &[], &["u", "v"], [5000, 100])));
    assert_eq!(misses.found.len(), 1);
}

#[test]
fn requests_that_are_not_recorded_leave_the_cause_open() {
    let first = prompt(0, [1, 0, 5000]);
    let (_, misses) = missed(&(first.clone() + &prompt(60, [1, 1000, 4100])));
    assert_eq!(
        (&misses.found[0].cause, misses.found[0].kept),
        (&Cause::NotRecorded, 1000)
    );
    check_cause(
        &(first.clone() + &prompt(60, [1, 0, 2000])),
        &Cause::Compacted,
        None,
    );
    // Rounding, and a prefix that was read, are no misses.
    assert_eq!(
        missed(&(first.clone() + &prompt(60, [1, 4000, 1200]))).1,
        Misses::default()
    );
    let unrecorded = response(60, "m", OPUS, &json!({"input_tokens": 9000}));
    let (_, misses) = missed(&(first + &unrecorded));
    assert_eq!((misses.found.len(), misses.unrecorded), (0, 1));
}

#[track_caller]
fn check_difference(earlier: &Value, later: &Value, expected: Option<&Difference>) {
    let found = first_difference(earlier, later, Api::Messages);
    assert_eq!(found.as_ref(), expected);
}

#[test]
fn a_prefix_may_move_its_cache_marks_and_grow_its_last_message() {
    let earlier = json!({"system": [{"type": "text", "text": "s", "cache_control": {"type": "ephemeral"}}],
        "messages": [{"role": "user", "content": "u"}]});
    let later = json!({"system": [{"type": "text", "text": "s"}],
        "messages": [{"role": "user", "content": [{"type": "text", "text": "u", "cache_control": {}}, {"type": "text", "text": "v"}]},
            {"role": "assistant", "content": "a"}]});
    check_difference(&earlier, &later, None);
    let other = json!({"system": "t", "messages": []});
    check_difference(&earlier, &other, Some(&Difference::System));
    let shorter = json!({"system": [{"type": "text", "text": "s"}], "messages": []});
    let place = Difference::History("$.messages[0]".to_owned());
    check_difference(&earlier, &shorter, Some(&place));
}
