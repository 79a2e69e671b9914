//! A file is claimed by the format of its writer or by none.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex};

use saferun_tui::ingest::bytes::Bytes;
use saferun_tui::ingest::formats::sniff::{Caveat, ReadAs, identify};
use saferun_tui::ingest::records::Framing;
use saferun_tui::model::action::Kind;

/// What no agent wrote, by the name of its writer.
fn shapes() -> BTreeMap<&'static str, Vec<&'static str>> {
    let lines = include_str!("files/no-traces.txt").lines();
    let mut shapes = BTreeMap::<_, Vec<_>>::new();
    for line in lines.filter(|line| !line.starts_with('#')) {
        let (name, record) = line.split_once(' ').expect("a name and a record");
        shapes.entry(name).or_default().push(record);
    }
    shapes
}

fn read_as(text: &str) -> ReadAs {
    let bytes = Bytes::Memory(Arc::new(Mutex::new(text.as_bytes().to_vec())));
    identify(Path::new("file"), &bytes, None, false).expect("text")
}

#[track_caller]
fn check(text: &str, format: &str, caveat: Option<Caveat>) {
    let found = read_as(text);
    assert_eq!((found.format.name(), found.caveat), (format, caveat));
}

/// The ways in which a program may write its records.
fn written(records: &[&str]) -> Vec<String> {
    let pretty = |record: &&str| {
        let value: serde_json::Value = serde_json::from_str(record).expect("valid JSON");
        serde_json::to_string_pretty(&value).expect("JSON")
    };
    vec![
        records.join("\n"),
        records.repeat(30).join("\n"),
        format!("[{}]", records.join(",\n")),
        format!("{{\"count\": 2, \"items\": [\n{}]}}", records.join(",")),
        records.iter().map(pretty).collect::<Vec<_>>().join("\n"),
    ]
}

#[test]
fn what_no_agent_wrote_is_claimed_by_no_format() {
    let shapes = shapes();
    assert!(shapes.len() >= 200);
    let mut wrong = Vec::new();
    for (name, records) in shapes {
        for text in written(&records) {
            let found = read_as(&text);
            if found.format.name() != "json" || found.caveat.is_some() {
                wrong.push(format!(
                    "{name}: {} {:?}",
                    found.format.name(),
                    found.caveat
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

const LOG: &str = r#"{"level":"info","msg":"request","time":"2026-09-01T08:00:01Z"}"#;
const CLAUDE: &str = r#"{"type":"user","sessionId":"s","uuid":"u","parentUuid":null,"message":{"role":"user","content":"hi"}}"#;
const CODEX: &str = r#"{"type":"response_item","timestamp":"2026-09-01T08:00:01Z","payload":{"type":"message","role":"user","content":[]}}"#;

#[test]
fn one_record_of_many_decides_nothing() {
    let lines = [LOG; 10].join("\n");
    check(
        &format!("{lines}\n{CLAUDE}\n{lines}"),
        "json",
        Some(Caveat::Mixed),
    );
    check(&format!("{CLAUDE}\n{CLAUDE}\n{LOG}"), "claude-code", None);
}

#[test]
fn a_file_of_two_formats_says_so() {
    let records = [CLAUDE, CLAUDE, CODEX].join("\n");
    check(&records, "claude-code", Some(Caveat::Mixed));
}

#[test]
fn agents_are_distinguished_and_those_without_a_reader_are_named() {
    let grok = [
        r#"{"type":"system","content":"You help."}"#,
        r#"{"type":"user","content":"count","prompt_index":0}"#,
        r#"{"type":"assistant","content":"I count.","model_id":"grok-4.5"}"#,
        r#"{"type":"tool_result","tool_call_id":"c","content":"3"}"#,
    ];
    check(&grok.join("\n"), "grok", None);
    let droid = [
        r#"{"type":"session_start","id":"s","title":"T","cwd":"/p","version":2}"#,
        r#"{"type":"message","id":"m","timestamp":"2026-09-01T08:00:01Z","message":{"role":"user","content":[{"type":"text","text":"go"}]}}"#,
    ];
    check(&droid.join("\n"), "droid", None);
    let amp = r#"{"id":"T-1","agentMode":"smart","messages":[]}"#;
    let words = "looks like an Amp thread; shown as it is";
    check(amp, "json", Some(Caveat::Stranger(words)));
}

#[test]
fn conversations_are_messages_only_if_there_is_text() {
    check(
        r#"{"messages":[{"role":"user","content":"hi"},{"role":"assistant","content":"hello"}]}"#,
        "chat-messages",
        None,
    );
    check(
        r#"{"messages":[{"role":"user","content":{"a":1}}]}"#,
        "json",
        None,
    );
    check(
        r#"{"messages":[{"id":1,"text":"hi"},{"role":"user","content":"x"},{"id":2}]}"#,
        "json",
        None,
    );
}

#[test]
fn a_conversation_is_read_under_any_name() {
    for name in [
        "messages",
        "conversation",
        "transcript",
        "input",
        "anything",
    ] {
        let messages = r#"[{"role":"user","content":"hi"},{"role":"assistant","content":"hello"}]"#;
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("a.json");
        let text = format!("{{\n\"id\":\"c\",\n\"{name}\":{messages},\n\"copy\":{messages}}}");
        std::fs::write(&path, text).expect("written");
        let store = crate::support::load(&[path]);
        let kinds: Vec<_> = store.rows().map(|row| row.kind()).collect();
        assert_eq!(kinds, [Kind::Prompt, Kind::Response], "{name}");
    }
}

#[test]
fn records_in_arrays_of_arrays_are_rows() {
    check("[[{\"a\":1}],\n[{\"a\":2},{\"a\":3}]]", "json", None);
    assert_eq!(read_as("[[\n{\"a\":1}]]").framing, Framing::Document);
}
