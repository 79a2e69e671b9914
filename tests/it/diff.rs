//! Alignment equals its executable specification (the reference data, where it is), and keeps the laws
//! that a comparison must keep.

use std::ops::Range;

use proptest::prelude::*;
use saferun_tui::analysis::diff::Column;
use saferun_tui::analysis::diff::align::{self, Aligned};
use saferun_tui::analysis::diff::label::{self, Cause, Divergence, Label};
use saferun_tui::analysis::diff::step::{CallOutcome, Sort, Step, result_key};
use saferun_tui::base::cancel::CancelFlag;
use serde_json::Value;

use crate::support::shared;

/// An action as the reference data has it.
fn step(action: &Value) -> Step {
    let text = action["text"].as_str().unwrap_or_default();
    match action["kind"].as_str() {
        Some("user") => Step::words(Sort::User, text),
        Some("say") => Step::words(Sort::Say, text),
        _ => {
            let result = match &action["result"] {
                Value::Null => String::new(),
                result => result_key(result),
            };
            let outcome = CallOutcome {
                result: &result,
                is_error: action["err"] == true,
                is_blocked: action["blocked"] == true,
            };
            Step::call(
                action["tool"].as_str().expect("a tool"),
                &action["args"],
                outcome,
            )
        }
    }
}

fn steps(actions: &Value) -> Vec<Step> {
    let actions = actions.as_array().expect("actions");
    actions.iter().map(step).collect()
}

fn judged((a, b): (&[Step], &[Step]), aligned: &Aligned) -> (Vec<Column>, Divergence) {
    let columns = label::columns((a, b), &aligned.pairs);
    let divergence = label::divergence((a, b), &columns);
    (columns, divergence)
}

fn whole(a: &[Step], b: &[Step]) -> Aligned {
    align::whole((a, b), &CancelFlag::new()).expect("nobody cancels")
}

#[test]
fn every_golden_pair_aligns_as_in_the_reference() {
    let Some(path) = shared("golden/align.json") else {
        return;
    };
    let text = std::fs::read_to_string(path).expect("the golden file");
    let golden: Value = serde_json::from_str(&text).expect("JSON");
    let pairs = golden["pairs"].as_array().expect("pairs");
    assert!(pairs.len() >= 6);
    for (number, pair) in pairs.iter().enumerate() {
        let (a, b) = (steps(&pair["a"]), steps(&pair["b"]));
        let aligned = whole(&a, &b);
        let (columns, divergence) = judged((&a, &b), &aligned);
        let told: Vec<Value> = columns
            .iter()
            .map(|it| serde_json::json!([it.a, it.b, it.label.word()]))
            .collect();
        assert_eq!(Value::Array(told), pair["columns"], "pair {number}");
        let place = |place: &Value| place.as_u64().map(|place| place as usize);
        assert_eq!(Some(aligned.cost), pair["cost"].as_u64(), "pair {number}");
        assert_eq!(divergence.first_any, place(&pair["first_any"]));
        assert_eq!(divergence.first_material, place(&pair["first_material"]));
        assert_eq!(divergence.cause.word(), pair["cause"], "pair {number}");
        let name = |side: &str, at: Option<u32>| {
            let tool = at.and_then(|at| pair[side][at as usize]["tool"].as_str());
            tool.unwrap_or("None").to_owned()
        };
        let [next_a, next_b] = divergence.next;
        let detail = format!("{} -> {}", name("a", next_a), name("b", next_b));
        if divergence.cause != Cause::None {
            assert_eq!(pair["detail"], detail, "pair {number}");
        }
    }
}

/// A small world of actions, so that equal ones occur.
#[derive(Debug, Clone, PartialEq)]
enum Act {
    Call {
        tool: u8,
        order: u32,
        note: u8,
        result: u8,
        failed: bool,
    },
    Say(Vec<u8>),
    User(Vec<u8>),
}

impl Act {
    fn step(&self) -> Step {
        let text = |words: &[u8]| {
            let words = words.iter().map(|word| format!("word{word}"));
            words.collect::<Vec<_>>().join(" ")
        };
        match self {
            Act::Say(words) => Step::words(Sort::Say, &text(words)),
            Act::User(words) => Step::words(Sort::User, &text(words)),
            Act::Call {
                tool,
                order,
                note,
                result,
                failed,
            } => {
                let args = serde_json::json!({"order": order, "note": note, "tier": tool});
                let outcome = CallOutcome {
                    result: &result.to_string(),
                    is_error: *failed,
                    is_blocked: false,
                };
                Step::call(&format!("tool{tool}"), &args, outcome)
            }
        }
    }
}

fn act() -> impl Strategy<Value = Act> {
    let words = || prop::collection::vec(0..40_u8, 1..8);
    let call = (
        0..6_u8,
        0..40_u32,
        0..3_u8,
        0..4_u8,
        prop::bool::weighted(0.1),
    );
    prop_oneof![
        5 => call.prop_map(|(tool, order, note, result, failed)| Act::Call { tool, order, note, result, failed }),
        2 => words().prop_map(Act::Say),
        1 => words().prop_map(Act::User),
    ]
}

/// What may happen to an action in the other run.
#[derive(Debug, Clone)]
enum Edit {
    Keep,
    Drop,
    Other(Act),
    Before(Act),
    Twice,
}

fn edit() -> impl Strategy<Value = Edit> {
    prop_oneof![
        12 => Just(Edit::Keep),
        1 => Just(Edit::Drop),
        1 => act().prop_map(Edit::Other),
        1 => act().prop_map(Edit::Before),
        1 => Just(Edit::Twice),
    ]
}

/// A run, and the same with some edits.
fn edited(lengths: Range<usize>) -> impl Strategy<Value = (Vec<Step>, Vec<Step>)> {
    prop::collection::vec((act(), edit()), lengths).prop_map(|acts| {
        let a = acts.iter().map(|(act, _)| act.step()).collect();
        let b = acts.iter().flat_map(|(act, edit)| match edit {
            Edit::Keep => vec![act.step()],
            Edit::Drop => vec![],
            Edit::Other(other) => vec![other.step()],
            Edit::Before(other) => vec![other.step(), act.step()],
            Edit::Twice => vec![act.step(), act.step()],
        });
        (a, b.collect())
    })
}

fn unrelated(most: usize) -> impl Strategy<Value = (Vec<Step>, Vec<Step>)> {
    let run = move || {
        let acts = prop::collection::vec(act(), 0..most);
        acts.prop_map(|acts| acts.iter().map(Act::step).collect::<Vec<_>>())
    };
    (run(), run())
}

/// Every action of both sides occurs once, in its order.
fn is_complete((a, b): (&[Step], &[Step]), aligned: &Aligned) -> bool {
    let of_a: Vec<u32> = aligned.pairs.iter().filter_map(|pair| pair.0).collect();
    let of_b: Vec<u32> = aligned.pairs.iter().filter_map(|pair| pair.1).collect();
    let empty = aligned.pairs.contains(&(None, None));
    let all = |len: usize| (0..len as u32).collect::<Vec<_>>();
    of_a == all(a.len()) && of_b == all(b.len()) && !empty
}

/// The same actions the other way round.
fn inverted(aligned: &Aligned) -> Vec<(Option<u32>, Option<u32>)> {
    aligned.pairs.iter().map(|(a, b)| (*b, *a)).collect()
}

fn cost_of((a, b): (&[Step], &[Step]), pairs: &[(Option<u32>, Option<u32>)]) -> u64 {
    let mut before = (true, true);
    let costs = pairs.iter().map(|pair| {
        let now = (pair.0.is_some(), pair.1.is_some());
        let goes_on = now == before;
        before = now;
        match *pair {
            (Some(a_at), Some(b_at)) => {
                u64::from(align::substitute(&a[a_at as usize], &b[b_at as usize]))
            }
            _ => {
                if goes_on {
                    400
                } else {
                    600
                }
            }
        }
    });
    costs.sum()
}

fn keeps_the_laws(a: &[Step], b: &[Step]) {
    let aligned = whole(a, b);
    assert!(is_complete((a, b), &aligned));
    // No alignment is dearer than one without a single pair.
    assert!(aligned.cost <= 400 * (a.len() + b.len()) as u64 + 400);
    assert_eq!(aligned.cost, cost_of((a, b), &aligned.pairs));
    // The other way round it costs the same, whichever of equally good alignments is taken.
    let back = whole(b, a);
    assert_eq!(back.cost, aligned.cost);
    assert_eq!(cost_of((a, b), &inverted(&back)), aligned.cost);
    let (columns, _) = judged((a, b), &aligned);
    for column in &columns {
        let missing = column.a.is_some() && column.b.is_none();
        let label = column.label;
        assert!(label != Label::Missing || missing, "{column:?}");
        assert!(label != Label::Extra || column.a.is_none(), "{column:?}");
    }
}

proptest! {
    #![proptest_config(crate::properties::config(96))]

    #[test]
    fn a_comparison_keeps_the_laws((a, b) in edited(0..40), (c, d) in unrelated(24)) {
        keeps_the_laws(&a, &b);
        keeps_the_laws(&c, &d);
    }

    #[test]
    fn a_run_does_not_differ_from_itself((a, _) in edited(0..60)) {
        for aligned in [whole(&a, &a), by_anchors(&a, &a)] {
            let (columns, divergence) = judged((&a, &a), &aligned);
            prop_assert_eq!(aligned.cost, 0);
            prop_assert!(columns.iter().all(|it| it.label == Label::Same && it.a == it.b));
            prop_assert_eq!((divergence.first_any, divergence.cause), (None, Cause::None));
        }
    }

    #[test]
    fn what_a_person_paired_stays_together(
        (a, b) in unrelated(30),
        places in prop::collection::vec((0..30_u32, 0..30_u32), 0..3),
    ) {
        let aligned = align::align((&a, &b), &places, &CancelFlag::new()).expect("nobody cancels");
        prop_assert!(is_complete((&a, &b), &aligned));
        prop_assert_eq!(aligned.cost, cost_of((&a, &b), &aligned.pairs));
        let first = places.iter().min().copied();
        if let Some((at, other)) = first
            && let (Some(step), Some(with)) = (a.get(at as usize), b.get(other as usize))
            && step.sort == with.sort
        {
            prop_assert!(aligned.pairs.contains(&(Some(at), Some(other))));
        }
    }
}

proptest! {
    #![proptest_config(crate::properties::config(24))]

    // Short runs are always aligned without anchors; these are long enough that one unlucky place is not
    // all there is.
    #[test]
    fn anchors_cost_little_more_than_looking_at_every_pair((a, b) in edited(260..320)) {
        let (full, anchored) = (whole(&a, &b), by_anchors(&a, &b));
        prop_assert!(is_complete((&a, &b), &anchored));
        prop_assert_eq!(anchored.cost, cost_of((&a, &b), &anchored.pairs));
        prop_assert!(anchored.cost >= full.cost);
        prop_assert!(
            anchored.cost * 100 <= full.cost * 105,
            "{} {}",
            anchored.cost,
            full.cost
        );
    }
}

fn by_anchors(a: &[Step], b: &[Step]) -> Aligned {
    align::anchored((a, b), &CancelFlag::new()).expect("nobody cancels")
}

#[test]
fn two_equal_runs_of_a_hundred_thousand_actions_align_quickly() {
    let act = Act::Call {
        tool: 1,
        order: 7,
        note: 0,
        result: 0,
        failed: false,
    };
    let (a, b) = (vec![act.step(); 100_000], vec![act.step(); 90_000]);
    let aligned = align::align((&a, &b), &[], &CancelFlag::new()).expect("nobody cancels");
    assert_eq!(aligned.cost, 200 + 400 * 10_000);
    assert!(is_complete((&a, &b), &aligned));
}

#[test]
fn long_stretches_without_an_anchor_are_aligned_approximately_and_marked_so() {
    // No action occurs twice as it is, so that there is no anchor; those in the same place are alike.
    let run = |salt: u32| -> Vec<Step> {
        let steps = (0..1_100_u32).map(|at| {
            let args = serde_json::json!({
                "order": at / 2, "customer": format!("c{}", at * 7 % 613), "lines": [at, at + 1, at + 2],
                "request": salt + at,
            });
            Step::call(&format!("tool{}", at * 13 % 11), &args, CallOutcome::default())
        });
        steps.collect()
    };
    let (a, mut b) = (run(0), run(1_000_000));
    b.drain(300..340);
    let near = by_anchors(&a, &b);
    let exact = whole(&a, &b);
    assert!(near.is_approximate && !exact.is_approximate);
    assert!(is_complete((&a, &b), &near));
    assert!(
        near.cost * 100 <= exact.cost * 105,
        "{} {}",
        near.cost,
        exact.cost
    );
}

#[test]
fn a_cancelled_comparison_stops() {
    let cancel = CancelFlag::new();
    cancel.raise();
    let step = Act::Say(vec![1]).step();
    let run = [step];
    assert_eq!(align::align((&run, &run), &[], &cancel), None);
}
