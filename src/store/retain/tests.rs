use std::fmt::Write;

use crate::ingest::Loaded;
use crate::ingest::discover::Input;
use crate::ingest::intake::{self, Options};
use crate::ingest::prices::PriceTable;
use crate::model::action::{ActionIx, Kind};
use crate::model::chunk::CHUNK_ROWS;
use crate::model::run::RunIx;
use crate::store::Store;
use crate::store::row::Row;

/// Two runs that do not end and many that do, interleaved; the result of one call arrives very late.
fn trace(rounds: u32) -> String {
    let mut text = String::new();
    let mut line = |run: &str, more: &str| {
        writeln!(text, "{{\"run_id\":\"{run}\",{more}}}").expect("written");
    };
    line("long", r#""type":"tool_call","id":"late","tool":"wait""#);
    for round in 0..rounds {
        let call = format!("\"type\":\"tool_call\",\"id\":\"c{round}\",\"tool\":\"t\"");
        line("long", &call);
        let result = format!(
            "\"type\":\"tool_result\",\"call_id\":\"c{round}\",\"status\":\"ok\",\"duration_ms\":{round}"
        );
        line("long", &result);
        let short = format!("short-{round}");
        line(&short, r#""type":"prompt","id":"p","content":"x""#);
        line(&short, r#""type":"run_end","status":"ok""#);
    }
    line(
        "long",
        r#""type":"tool_result","call_id":"late","status":"ok""#,
    );
    text
}

fn facts<'a>(row: &Row<'a>) -> (Kind, u32, &'a str, &'a str, Option<i64>) {
    (
        row.kind(),
        row.seq(),
        row.tool(),
        row.status().word(),
        row.duration().get(),
    )
}

#[test]
fn kept_actions_are_the_same_as_without_a_limit_and_older_ones_are_dropped() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("endless.jsonl");
    std::fs::write(&path, trace(8_000)).expect("written");
    let options = Options::new(PriceTable::built_in());
    let inputs = vec![Input::File(path.clone())];
    let (all, _) = Store::load(intake::load(inputs, options.clone()));
    // The least possible: the last chunks.
    let options = Options {
        memory: 0,
        ..options
    };
    let mut kept = Store::new();
    for message in intake::follow(vec![path], options, true)
        .expect("a thread")
        .iter()
    {
        if matches!(message, Loaded::Done) {
            break;
        }
        kept.apply(message);
    }
    let first = kept.first();
    assert!(first >= 4 * CHUNK_ROWS as u32 && first.is_multiple_of(CHUNK_ROWS as u32));
    // The call of the late result was dropped, so the result has a row of its own.
    assert_eq!(kept.len(), all.len() + 1);
    assert_eq!(kept.rows().len(), (kept.len() - first) as usize);
    for ix in (first..all.len()).map(ActionIx) {
        let (row, expected) = (kept.row(ix), all.row(ix));
        assert_eq!(facts(&row), facts(&expected));
        assert_eq!(row.run().id, expected.run().id);
    }
    assert!(kept.place(0).is_none());
    assert_eq!(kept.row(ActionIx(0)).kind(), Kind::Unknown);
    // A run that has not ended keeps its totals; one that ended long ago is dropped.
    assert_eq!(
        kept.run(RunIx(0)).totals.tool_calls,
        all.run(RunIx(0)).totals.tool_calls
    );
    assert_eq!(
        (&*kept.run(RunIx(1)).id, kept.run(RunIx(1)).totals.actions),
        ("", 0)
    );
    assert_eq!(kept.first_of(RunIx(0)), Some(ActionIx(first)));
}
