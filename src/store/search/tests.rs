use proptest::prelude::*;

use super::{Needle, Reader, candidates};
use crate::base::cancel::CancelFlag;
use crate::ingest::discover::Input;
use crate::ingest::intake::{self, Options};
use crate::ingest::prices::PriceTable;
use crate::model::action::ActionIx;
use crate::store::Store;
use crate::store::bodies::{self, Depth};

fn load(text: String) -> Store {
    let input = Input::Bundled {
        name: "test.jsonl",
        bytes: text.leak().as_bytes(),
        companions: &[],
    };
    Store::load(intake::load(
        vec![input],
        Options::new(PriceTable::default()),
    ))
    .0
}

fn call(number: usize, query: &str, result: &str) -> String {
    let (query, result) = (serde_json::json!(query), serde_json::json!(result));
    format!(
        "{{\"type\":\"tool_call\",\"run_id\":\"r\",\"id\":\"c{number}\",\"tool\":\"t\",\"args\":{{\"q\":{query}}}}}\n\
         {{\"type\":\"tool_result\",\"run_id\":\"r\",\"call_id\":\"c{number}\",\"status\":\"ok\",\"result\":{result}}}\n"
    )
}

fn found(store: &Store, needle: &Needle) -> Vec<u32> {
    let mut found = Vec::new();
    candidates(store, needle, &CancelFlag::new(), &mut |rows| {
        found.extend(rows.iter().map(|ix| ix.0));
    });
    found
}

#[test]
fn finds_the_action_by_its_arguments_and_by_its_result() {
    let store = load(
        [
            call(0, "alpha", "one"),
            call(1, "beta", "alpha two"),
            call(2, "gamma", "three"),
        ]
        .concat(),
    );
    assert_eq!(found(&store, &Needle::new("alpha", true)), [0, 1]);
    assert_eq!(found(&store, &Needle::new("THREE", false)), [2]);
    assert_eq!(found(&store, &Needle::new("THREE", true)), [0; 0]);
}

#[test]
fn keeps_every_action_when_the_text_has_several_spellings_in_json() {
    let store = load([call(0, "a", "b"), call(1, "c", "d")].concat());
    assert_eq!(found(&store, &Needle::new("\u{e9}\u{e8}", true)), [0, 1]);
    assert_eq!(found(&store, &Needle::new("x", true)), [0, 1]);
}

#[test]
fn keeps_actions_whose_letters_are_escaped() {
    let store = load(
        call(0, "plain", "x")
            + "{\"type\":\"note\",\"run_id\":\"r\",\"content\":\"\\u0061lpha\"}\n",
    );
    assert_eq!(found(&store, &Needle::new("alpha", true)), [1]);
}

#[test]
fn keeps_actions_whose_result_has_escaped_letters() {
    let store = load(call(0, "plain", "xlpha").replace("xlpha", "\\u0061lpha"));
    assert_eq!(found(&store, &Needle::new("alpha", true)), [0]);
}

#[test]
fn finds_text_across_the_blocks_of_a_long_record() {
    let long = "x".repeat(super::BLOCK as usize - 70);
    for shift in 0..80 {
        // What follows may reach into a third block, or end in the second.
        let rest = if shift % 20 == 0 { long.as_str() } else { "x" };
        let query = format!("{long}{}needle{rest}", "y".repeat(shift));
        let store = load([call(0, "a", "b"), call(1, &query, "z")].concat());
        assert_eq!(
            found(&store, &Needle::new("needle", true)),
            [1],
            "shift {shift}"
        );
    }
}

#[test]
fn visits_all_chunks_in_order() {
    let mut text = String::new();
    for number in 0..10_000 {
        text += &call(
            number,
            if number % 1000 == 7 { "needle" } else { "hay" },
            "r",
        );
    }
    let expected: Vec<u32> = (0..10).map(|thousand| thousand * 1000 + 7).collect();
    assert_eq!(found(&load(text), &Needle::new("needle", true)), expected);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn never_misses_text_that_a_body_contains(
        texts in prop::collection::vec(("[a-cA-C\"/\u{e9} <]{0,8}", "[a-c\n\\\\ ]{0,8}"), 1..30),
        needle in "[a-cA-C\"/\u{e9} <]{1,4}",
        exact in any::<bool>(),
    ) {
        let text: String = texts.iter().enumerate().map(|(number, (query, result))| call(number, query, result)).collect();
        let store = load(text);
        let holds = |text: &str| if exact { text.contains(&needle) } else {
            text.to_ascii_lowercase().contains(&needle.to_ascii_lowercase())
        };
        let mut rows: Vec<u16> = (0..store.len() as u16).collect();
        Reader::default().narrow(&store, 0, &Needle::new(&needle, exact), &mut rows);
        for ix in 0..store.len() {
            let body = bodies::open(&store.row(ActionIx(ix)), Depth::Full);
            let texts = [body.args.as_ref().map(|args| &args["q"]), body.result.as_ref()];
            let inside = texts.into_iter().flatten().any(|value| value.as_str().is_some_and(holds));
            prop_assert!(!inside || rows.contains(&(ix as u16)), "{} in {}", needle, ix);
        }
    }
}
