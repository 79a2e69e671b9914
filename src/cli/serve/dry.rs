//! `serve --dry-run`: the recorded answers, and how closely requests for each can be compared.

use serde_json::{Value, json};

use super::head;
use crate::analysis::tape::answer::Part;
use crate::analysis::tape::class::Class;
use crate::analysis::tape::{Call, Recording};
use crate::base::human;
use crate::cli::Cx;
use crate::cli::failure::Exit;
use crate::cli::table::{self, Cell, Column};
use crate::export::redact::Masked;
use crate::export::words::{self, Role};
use crate::store::Store;

const SCHEMA: &str = "saferun.tui/tape@1";

const CALLS: &[Column] = &[
    Column::right("STEP", 0),
    Column::right("#", 0),
    Column::left("CLASS", 1),
    Column::left("AGENT", 2).cut_to(12),
    Column::left("MODEL", 2).cut_to(12),
    Column::right("TOKENS", 1),
    Column::left("ANSWER", 0).cut_to(24),
];

pub(super) fn run(
    cx: &mut Cx,
    store: &Store,
    recording: &Recording,
    class: Class,
) -> anyhow::Result<Exit> {
    if cx.global.json {
        let document = Masked::unless(None, document(store, recording, class));
        cx.out.json(document.get())?;
        return Ok(Exit::Done);
    }
    for line in head(store, recording, class) {
        cx.out.line(&line)?;
    }
    cx.out.line("")?;
    let rows: Vec<Vec<Cell>> = recording
        .calls
        .iter()
        .enumerate()
        .map(|(at, call)| row(cx, store, at, call))
        .collect();
    table::write(&mut cx.out, CALLS, &rows)?;
    Ok(Exit::Done)
}

fn row(cx: &Cx, store: &Store, at: usize, call: &Call) -> Vec<Cell> {
    let style = &cx.out.style;
    let total = call.answer.usage.total().get();
    let tokens = total.map_or_else(|| words::NOTHING.to_owned(), human::count);
    let masked = Masked::unless(None, Value::from(summary(call)));
    let answer = masked.get().as_str().unwrap_or_default().to_owned();
    vec![
        Cell::new((at + 1).to_string()),
        Cell::role(call.seq.to_string(), Role::Dim),
        Cell::new(call.class.letter()),
        Cell::new(style.clean(store.symbols().name(call.agent))),
        Cell::new(style.clean(&call.answer.model)),
        Cell::role(tokens, Role::Dim),
        Cell::new(style.clean(&answer)),
    ]
}

/// `look at(…) · "text"`.
fn summary(call: &Call) -> String {
    if let Some(error) = &call.answer.error {
        return format!("failed: {}", error.message);
    }
    let parts = call.answer.parts.iter().filter_map(|part| match part {
        Part::Text(text) => Some(text.clone()),
        Part::Call(asked) => Some(format!("{} {}", asked.name, asked.text())),
        Part::Other(block) => block["type"].as_str().map(str::to_owned),
        Part::Thought(_) => None,
    });
    parts.collect::<Vec<String>>().join(" · ")
}

fn document(store: &Store, recording: &Recording, class: Class) -> Value {
    let calls = recording.calls.iter().enumerate().map(|(at, call)| {
        let asked = call.answer.calls();
        let asked = asked.map(|it| json!({"id": it.id, "name": it.name, "arguments": it.arguments}));
        let usage = &call.answer.usage;
        json!({
            "step": at + 1,
            "seq": call.seq,
            "lane": call.lane,
            "agent": store.symbols().name(call.agent),
            "class": call.class.letter(),
            "model": call.answer.model,
            "text": call.answer.text(),
            "tool_calls": asked.collect::<Vec<Value>>(),
            "error": call.answer.error.as_ref().map(|error| &error.message),
            "usage": {"input": usage.input.get(), "cache_read": usage.cache_read.get(), "output": usage.output.get()},
        })
    });
    json!({
        "schema": SCHEMA,
        "run_id": &*store.run(recording.run).id,
        "class": class.letter(),
        "calls": calls.collect::<Vec<Value>>(),
        "tool_calls": recording.tools.len() + recording.unanswered,
        "cut": recording.cut,
    })
}
