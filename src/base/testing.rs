//! Hostile input for tests: the same in every run, and as much of it as `SAFERUN_CASES` says.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use serde_json::Value;

const SEED: u64 = 19;

/// `few` cases, unless `SAFERUN_CASES` is set.
pub(crate) fn cases(few: u32) -> ProptestConfig {
    let more = std::env::var("SAFERUN_CASES").ok();
    ProptestConfig {
        cases: more.and_then(|it| it.parse().ok()).unwrap_or(few),
        rng_seed: RngSeed::Fixed(SEED),
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

/// Any JSON. Most of its members, and some of its texts, are those that a reader looks for.
pub(crate) fn json(sought: &'static [&'static str]) -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
        prop::sample::select(sought).prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 32, 5, move |inner| {
        let name = prop_oneof![
            5 => prop::sample::select(sought).prop_map(str::to_owned),
            1 => ".{0,6}",
        ];
        prop_oneof![
            vec(inner.clone(), 0..5).prop_map(Value::from),
            vec((name, inner), 0..8).prop_map(|members| members.into_iter().collect::<Value>()),
        ]
    })
}

/// Some bytes with up to three of them changed, and perhaps without their end.
pub(crate) fn bent(whole: Vec<u8>) -> impl Strategy<Value = Vec<u8>> {
    let len = whole.len();
    let changes = vec((0..len, any::<u8>()), 0..4);
    let kept = prop_oneof![2 => Just(len), 1 => 0..len];
    (changes, kept).prop_map(move |(changes, kept)| {
        let mut bent = whole.clone();
        for (at, byte) in changes {
            bent[at] = byte;
        }
        bent.truncate(kept);
        bent
    })
}
