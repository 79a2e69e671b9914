use super::{Grouping, Key, Order, Tally, brief_id, short_ids, shown_ids};
use crate::ingest::discover::Input;
use crate::ingest::intake;
use crate::ingest::prices::PriceTable;
use crate::model::quantity::Elapsed;
use crate::model::run::RunIx;
use crate::store::Store;
use crate::store::testing::load;

const RUNS: &str = r#"{"type":"run_start","run_id":"cheap","ts":"2026-11-22T10:00:00Z","agent":"b","model":"gpt-4o"}
{"type":"response","run_id":"cheap","id":"e1","ts":"2026-11-22T10:00:01Z","content":"x","cost_usd":0.1}
{"type":"run_start","run_id":"costly","ts":"2026-11-23T10:00:00Z","agent":"a","model":"gpt-5"}
{"type":"response","run_id":"costly","id":"e2","ts":"2026-11-23T10:00:01Z","content":"x","cost_usd":2.5}
{"type":"prompt","run_id":"free","id":"e3","content":"x"}
"#;

fn store() -> Store {
    let input = Input::Bundled {
        name: "runs.jsonl",
        bytes: RUNS.as_bytes(),
        companions: &[],
    };
    let options = intake::Options::new(PriceTable::built_in());
    Store::load(intake::load(vec![input], options)).0
}

#[track_caller]
fn check(order: &str, expected: &str) {
    let store = store();
    let mut runs: Vec<RunIx> = (0..store.runs().len() as u32).map(RunIx).collect();
    Order::parse(order).expect("a key").sort(&store, &mut runs);
    let ids: Vec<&str> = runs.iter().map(|ix| &*store.run(*ix).id).collect();
    assert_eq!(ids.join(" "), expected);
}

#[test]
fn an_id_that_is_cut_says_so_unless_it_is_random() {
    for (id, shown) in [
        ("catalog-77", "catalog-77"),
        ("search_catalog-77", "sea…talog-77"),
        ("5b0c2d7e-91f4-4c3a-8e6d-2f7a1b9c0d34", "5b0c2d7e"),
    ] {
        assert_eq!(brief_id(id), shown);
    }
}

#[test]
fn unknown_values_sort_last_in_either_direction() {
    check("cost", "cheap costly free");
    check("-cost", "costly cheap free");
    check("-started", "costly cheap free");
    check("agent", "costly cheap free");
    check("run", "cheap costly free");
}

#[test]
fn parses_every_key_and_returns_unknown_words() {
    for key in Key::ALL {
        assert_eq!(Order::parse(key.word()).map(|order| order.key), Ok(*key));
    }
    assert_eq!(Order::parse("-costt"), Err("costt"));
}

#[test]
fn runs_are_grouped_by_a_field() {
    let store = store();
    let zone = jiff::tz::TimeZone::UTC;
    let groups = |grouping: Grouping| {
        let runs = store.runs().iter();
        let groups: Vec<String> = runs.map(|run| grouping.group(&store, run, &zone)).collect();
        groups.join("|")
    };
    assert_eq!(groups(Grouping::Agent), "b|a|");
    assert_eq!(groups(Grouping::Model), "gpt-4o|gpt-5|");
    assert_eq!(groups(Grouping::Day), "2026-11-22 Sun|2026-11-23 Mon|");
    assert_eq!(groups(Grouping::File), "runs.jsonl|runs.jsonl|runs.jsonl");
}

#[test]
fn the_median_of_two_durations_is_halfway_between_them() {
    let run = |id: &str, end: u32| {
        format!(
            r#"{{"type":"run_start","run_id":"{id}","ts":"2026-11-22T10:00:00Z"}}
{{"type":"run_end","run_id":"{id}","ts":"2026-11-22T10:00:0{end}Z"}}
"#
        )
    };
    let trace = format!("{}{}{}", run("fast", 2), run("slow", 5), run("slower", 9));
    let store = load(&trace);
    let median = |runs: &[u32]| {
        let runs: Vec<RunIx> = runs.iter().copied().map(RunIx).collect();
        Tally::of(&store, &runs).median
    };
    assert_eq!(median(&[0, 1]), Elapsed::from_millis(3_500.0));
    assert_eq!(median(&[2, 0, 1]), Elapsed::from_millis(5_000.0));
    assert_eq!(median(&[]), Elapsed::NONE);
}

#[test]
fn ids_are_shortened_to_unique_prefixes() {
    let ids = [
        "0a1b2c3d-aaaa-1111",
        "0a1b2c3d-aaab-2222",
        "ffffffff-0000-0000",
        "r1",
    ];
    assert_eq!(
        short_ids(&ids),
        ["0a1b2c3d-aaaa", "0a1b2c3d-aaab", "ffffffff", "r1"]
    );
}

#[test]
fn only_random_ids_are_shown_as_prefixes() {
    let ids = [
        "0a1b2c3d-aaaa-1111",
        "sess-20261122-01",
        "astropy__astropy-13398",
    ];
    assert_eq!(
        shown_ids(&ids),
        ["0a1b2c3d", "sess-20261122-01", "astropy__astropy-13398"]
    );
}
