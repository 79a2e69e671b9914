//! Content a log keeps aside: long texts, and messages that many calls were given.

use serde_json::{Map, Value};

use crate::ingest::formats::spans::messages::{Role, messages};
use crate::ingest::formats::spans::pieces::of_request;
use crate::ingest::formats::spans::request::RequestFields;
use crate::ingest::request::RequestPart;

/// How texts are referred to, and were before 2025.
const REFERENCES: &[&str] = &["attachment://", "tc://"];

/// Puts texts and messages where a record refers to them. Content is not found stays a reference.
pub(super) fn complete(record: &mut Value, find: &dyn Fn(&str) -> Option<Value>) {
    if let Some(refs) = record.get("input_refs").and_then(Value::as_array)
        && !refs.is_empty()
        && let Some(given) = pooled(refs, find)
    {
        record["input"] = Value::Array(given);
    }
    texts(record, find);
}

/// A call is given no message of the pool more often than this, on average.
const OFTEN: usize = 4;

/// Messages `from..to` of the pool, for each such pair.
fn pooled(refs: &[Value], find: &dyn Fn(&str) -> Option<Value>) -> Option<Vec<Value>> {
    let newer = || find("events_data")?.get_mut("messages").map(Value::take);
    let pool = find("message_pool").or_else(newer)?;
    let pool = pool.as_array()?;
    let range = |pair: &Value| {
        let end = |at: usize| usize::try_from(pair.get(at)?.as_u64()?).ok();
        pool.get(end(0)?..end(1)?)
    };
    let given: Vec<&[Value]> = refs.iter().map(range).collect::<Option<_>>()?;
    // Content refers to the same messages over and over is no log.
    let many: usize = given.iter().map(|part| part.len()).sum();
    (many <= pool.len().saturating_mul(OFTEN)).then(|| given.concat())
}

fn texts(value: &mut Value, find: &dyn Fn(&str) -> Option<Value>) {
    match value {
        Value::String(text) => {
            let hash = REFERENCES.iter().find_map(|it| text.strip_prefix(it));
            if let Some(Value::String(found)) =
                hash.filter(|it| is_hash(it.as_bytes())).and_then(find)
            {
                *text = found;
            }
        }
        Value::Array(all) => all.iter_mut().for_each(|one| texts(one, find)),
        Value::Object(members) => members.values_mut().for_each(|one| texts(one, find)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Whether a text may have been kept under this name.
pub(super) fn is_hash(name: &[u8]) -> bool {
    name.len() == 32 && name.iter().all(u8::is_ascii_hexdigit)
}

/// The body that was sent, where the event holds it for an interface that we know; else the messages,
/// tools and parameters that the model was given.
pub(super) fn request(event: &Value) -> Vec<RequestPart> {
    let mut asked = RequestFields::default();
    if let Some(body) = event.pointer("/call/request").and_then(Value::as_object) {
        // Content was not given is written as null, and headers beside the body.
        let sent = body.iter().filter(|(name, value)| {
            !value.is_null()
                && !matches!(name.as_str(), "extra_headers" | "extra_query" | "timeout")
        });
        let sent: Map<String, Value> = sent
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect();
        asked.called_with(&sent.into());
    }
    asked.tools(event.get("tools"));
    asked.parameters(event.get("config"));
    if let Some(choice) = event.get("tool_choice") {
        asked.parameter("tool_choice", choice);
    }
    let input = event.get("input").map(|input| messages(input, Role::User));
    of_request(&input.unwrap_or_default(), asked)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const HASH: &str = "8af05366093e4c6869bca2eb8ec58fd6";

    #[track_caller]
    fn check(mut record: Value, expected: &Value) {
        let find = |name: &str| match name {
            HASH => Some(json!("a long text")),
            "events_data" => Some(json!({"messages": ["a", "b", "c", "d"]})),
            _ => None,
        };
        complete(&mut record, &find);
        assert_eq!(record, *expected);
    }

    #[test]
    fn what_is_kept_aside_is_put_where_it_is_referred_to() {
        let text = format!("attachment://{HASH}");
        check(json!(text), &json!("a long text"));
        check(
            json!({"content": [{"text": format!("tc://{HASH}")}]}),
            &json!({"content": [{"text": "a long text"}]}),
        );
        check(
            json!({"input": [], "input_refs": [[0, 1], [2, 4]]}),
            &json!({"input": ["a", "c", "d"], "input_refs": [[0, 1], [2, 4]]}),
        );
        // Content is not there stays what it was.
        let lost = json!({"said": "attachment://00000000000000000000000000000000", "input_refs": [[3, 9]]});
        check(lost.clone(), &lost);
    }
}
