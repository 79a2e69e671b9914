use std::fs;

use super::*;
use crate::act::record::breaker::Limits;
use crate::ingest::wire::Api;

fn writer(folder: &tempfile::TempDir) -> Writer {
    let trace = Trace::open(&folder.path().join("t.jsonl"), false).expect("a trace");
    let manner = Manner {
        run: "r-1".to_owned(),
        agent: "agent".to_owned(),
        has_sessions: false,
        derives_ids: false,
        recorder: Value::Null,
        bodies: Bodies::None,
        is_guarded: false,
    };
    let breaker = Arc::new(Breaker::new(Limits::default(), None));
    Writer::new(
        trace,
        manner,
        (breaker, PriceTable::default()),
        Clockwork::start(),
    )
}

fn events(folder: &tempfile::TempDir) -> Vec<Value> {
    let text = fs::read_to_string(folder.path().join("t.jsonl")).expect("a trace");
    text.lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect()
}

fn ask(writer: &mut Writer, exchange: u64, words: &str) {
    let body = json!({"model": "m", "messages": [{"role": "user", "content": words}]});
    for what in [
        What::Begin(Box::new(Head::of_model_call())),
        What::Asked(body.to_string().into()),
        What::AskedAll(Lost::default()),
    ] {
        tell(writer, exchange, what);
    }
}

fn tell(writer: &mut Writer, exchange: u64, what: What) {
    writer.survive(Message {
        exchange,
        at: 1,
        what,
    });
}

fn over() -> What {
    What::End {
        how: End::Over { is_whole: true },
        lost: Lost::default(),
    }
}

#[test]
fn a_fault_of_the_recorder_costs_one_call_and_says_so() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut writer = writer(&folder);
    ask(&mut writer, 1, "one");
    ask(&mut writer, 2, "two");
    // A conversation that does not exist.
    let broken = writer.open.get_mut(&1).and_then(|it| it.placed.as_mut());
    broken.expect("placed").lane = 99;
    let answer = Answering::new(Some(Api::Chat), (200, None), None);
    let mut answer = answer.keeping(false);
    answer.push(
        br#"{"id":"x","choices":[{"message":{"content":"hi"},"finish_reason":"stop"}]}"#,
        1,
    );
    writer.open.get_mut(&1).expect("open").answer = Some(answer);
    tell(&mut writer, 1, over());
    tell(&mut writer, 2, over());
    assert!(writer.open.is_empty());
    assert_eq!(writer.held, 0);
    let events = events(&folder);
    let kinds: Vec<&str> = events.iter().filter_map(|it| it["type"].as_str()).collect();
    let gap = kinds.iter().position(|it| *it == "gap").expect("a gap");
    assert_eq!(kinds.last(), Some(&"response"), "{kinds:?}");
    assert!(gap < kinds.len() - 1);
}

#[test]
fn a_clock_that_is_set_back_is_noted_in_the_run() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut writer = writer(&folder);
    let now = writer.clock.now();
    writer.watch_clock(now - 60_000_000);
    let events = events(&folder);
    assert_eq!(events[0]["type"], "note");
    let words = events[0]["content"].as_str().expect("words");
    assert!(words.contains("went back by 1m"), "{words}");
}
