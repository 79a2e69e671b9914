//! The model calls of a run as a VCR cassette, which vcrpy replays in tests. Answers are rebuilt in the shape of their
//! API; requests are those recorded, or reconstructed. Headers hold no key.

use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::analysis::context::{self, Context, Exactness};
use crate::analysis::tape::answer::{Answer, Part};
use crate::base::cancel::CancelFlag;
use crate::export::answers::shape::{self, Served};
use crate::export::answers::{chat, gemini, messages, responses};
use crate::export::curl;
use crate::export::json::is_unsafe;
use crate::export::redact::{Masked, Reason};
use crate::ingest::request::Api;
use crate::ingest::wire;
use crate::model::action::ActionIx;
use crate::store::Store;

/// A cassette, and what to know about it.
#[derive(Debug)]
pub struct Cassette {
    pub text: Masked<String>,
    /// Calls whose requests are reconstructed.
    pub reconstructed: usize,
    /// Calls whose answers were cut off: a client could not read them.
    pub cut: usize,
}

/// The cassette of these model calls. Secrets are masked unless there is a reason not to.
pub fn cassette(store: &Store, calls: &[ActionIx], reason: Option<Reason>) -> Cassette {
    let mut text = "interactions:\n".to_owned();
    let (mut written, mut masked) = (0, 0);
    let (mut reconstructed, mut cut) = (0, 0);
    for call in calls {
        let row = store.row(*call);
        let answer = Answer::of(store, &row);
        let found = context::of(store, *call, &CancelFlag::new());
        let Some(mut found) = found.filter(|_| !answer.is_cut) else {
            cut += 1;
            continue;
        };
        if found.exactness == Exactness::Reconstructed {
            curl::sendable(&mut found.request, found.api, row.model());
            reconstructed += 1;
        }
        let interaction = interaction(&found, &answer, (written, row.model()), reason);
        masked += interaction.count();
        let mut interaction = interaction.into_inner();
        if let Some(at) = row.time().get() {
            interaction["response"]["headers"]["Date"] = json!([date(at)]);
        }
        write(&interaction, 0, true, &mut text);
        written += 1;
    }
    if written == 0 {
        "interactions: []\n".clone_into(&mut text);
    }
    text.push_str("version: 1\n");
    Cassette {
        text: Masked::composed(text, masked),
        reconstructed,
        cut,
    }
}

/// A request and its answer, masked before they become texts.
fn interaction(
    found: &Context,
    answer: &Answer,
    (number, model): (usize, &str),
    reason: Option<Reason>,
) -> Masked<Value> {
    let request = Masked::unless(reason, found.request.clone());
    let answer = shape::with_ids(answer, number);
    let (answer, hidden) = masked(answer, reason);
    let served = Served::new(&answer, request.get(), model.to_owned(), number);
    let is_stream = found.request.get("stream") == Some(&Value::Bool(true));
    let (status, kind, body) = match &answer.error {
        Some(error) => {
            let kind = error.kind.as_deref().unwrap_or("error");
            let body = wire(found.api).refusal(kind, &error.message).to_string();
            (shape::status(error), "application/json", body)
        }
        None if is_stream => (200, "text/event-stream", stream(found.api, &served)),
        None => (
            200,
            "application/json",
            whole(found.api, &served).to_string(),
        ),
    };
    let uri = curl::url(&found.request, model);
    let count = request.count() + hidden;
    let request = request.into_inner();
    Masked::composed(
        json!({
            "request": {
                "body": request.to_string(),
                "headers": {"content-type": ["application/json"]},
                "method": "POST",
                "uri": uri,
            },
            "response": {
                "body": {"string": body},
                "headers": {"content-type": [kind]},
                "status": {"code": status, "message": if status < 400 { "OK" } else { "Error" }},
            },
        }),
        count,
    )
}

/// The answer without secrets, and how many were masked. A stream cuts texts into pieces, in which secrets could no
/// longer be recognised.
fn masked(mut answer: Answer, reason: Option<Reason>) -> (Answer, usize) {
    let mut count = 0;
    let mut mask = |value: &mut Value| {
        let masked = Masked::unless(reason, value.take());
        count += masked.count();
        *value = masked.into_inner();
    };
    for part in &mut answer.parts {
        match part {
            Part::Text(text) => *text = masked_text(text, &mut mask),
            Part::Call(asked) => mask(&mut asked.arguments),
            Part::Thought(block) | Part::Other(block) => mask(block),
        }
    }
    if let Some(error) = &mut answer.error {
        error.message = masked_text(&error.message, &mut mask);
    }
    (answer, count)
}

fn masked_text(text: &str, mask: &mut impl FnMut(&mut Value)) -> String {
    let mut value = Value::from(text);
    mask(&mut value);
    value.as_str().unwrap_or_default().to_owned()
}

/// The API whose answers a client expects.
fn wire(api: Api) -> wire::Api {
    match api {
        Api::Chat => wire::Api::Chat,
        Api::Messages => wire::Api::Messages,
        Api::Responses => wire::Api::Responses,
        Api::Gemini => wire::Api::Gemini,
    }
}

fn whole(api: Api, served: &Served<'_>) -> Value {
    match api {
        Api::Chat => chat::whole(served),
        Api::Messages => messages::whole(served),
        Api::Responses => responses::whole(served),
        Api::Gemini => gemini::whole(served),
    }
}

fn stream(api: Api, served: &Served<'_>) -> String {
    match api {
        Api::Chat => chat::stream(served),
        Api::Messages => messages::stream(served),
        Api::Responses => responses::stream(served),
        Api::Gemini => gemini::stream(served),
    }
}

/// `Mon, 05 Oct 2026 08:14:03 GMT`.
fn date(micros: i64) -> String {
    let stamp = jiff::Timestamp::from_microsecond(micros).unwrap_or_default();
    let printer = jiff::fmt::rfc2822::DateTimePrinter::new();
    printer
        .timestamp_to_rfc9110_string(&stamp)
        .unwrap_or_default()
}

/// Writes a value as block YAML.
fn write(value: &Value, depth: usize, is_item: bool, out: &mut String) {
    let indent = |out: &mut String, depth: usize| out.extend(std::iter::repeat_n("  ", depth));
    match value {
        Value::Object(members) if !members.is_empty() => {
            for (at, (name, value)) in members.iter().enumerate() {
                if at == 0 && is_item {
                    indent(out, depth);
                    out.push_str("- ");
                } else {
                    indent(out, depth + usize::from(is_item));
                }
                out.push_str(&scalar(&Value::from(name.as_str())));
                out.push(':');
                inner(value, depth + usize::from(is_item), out);
            }
        }
        other => {
            indent(out, depth);
            out.extend(["- ", &scalar(other), "\n"]);
        }
    }
}

fn inner(value: &Value, depth: usize, out: &mut String) {
    match value {
        Value::Object(members) if !members.is_empty() => {
            out.push('\n');
            write(value, depth + 1, false, out);
        }
        Value::Array(items) if !items.is_empty() => {
            out.push('\n');
            for item in items {
                write(item, depth, true, out);
            }
        }
        other => out.extend([" ", &scalar(other), "\n"]),
    }
}

/// A scalar, in double quotes unless it is a number or a plain name.
fn scalar(value: &Value) -> String {
    let Value::String(text) = value else {
        return value.to_string();
    };
    let is_plain = !text.is_empty()
        && text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
    if is_plain
        && !matches!(
            text.as_str(),
            "null" | "true" | "false" | "yes" | "no" | "on" | "off"
        )
    {
        return text.clone();
    }
    let mut quoted = "\"".to_owned();
    for c in text.chars() {
        match c {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\t' => quoted.push_str("\\t"),
            ' '..='~' => quoted.push(c),
            '\u{a0}'..='\u{d7ff}' | '\u{e000}'..='\u{fdff}' if !is_unsafe(c) => quoted.push(c),
            _ => write!(quoted, "\\U{:08X}", u32::from(c)).expect("a String takes anything"),
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn block_yaml_is_written() {
        let value = json!({"request": {"body": "{\"a\": \"é\u{1b}\u{2028}😀\"}\n", "headers": {"a": ["b c", "x"]}, "n": null}, "status": {"code": 200}});
        let mut text = String::new();
        write(&value, 0, true, &mut text);
        assert_eq!(
            text,
            "- request:\n    body: \"{\\\"a\\\": \\\"é\\U0000001B\\U00002028\\U0001F600\\\"}\\n\"\n    headers:\n      a:\n      - \"b c\"\n      - x\n    n: null\n  status:\n    code: 200\n"
        );
    }

    #[test]
    fn dates_are_those_of_http() {
        assert_eq!(date(1_791_188_043_000_000), "Mon, 05 Oct 2026 08:14:03 GMT");
    }
}
