//! Texts stored outside their records: long texts, and messages shared by many calls.

use serde_json::{Map, Value};

use crate::ingest::formats::spans::messages::{Role, messages};
use crate::ingest::formats::spans::pieces::of_request;
use crate::ingest::formats::spans::request::RequestFields;
use crate::ingest::json::Json;
use crate::ingest::request::RequestPart;

/// The prefixes of references, now and before 2025.
const REFERENCES: &[&str] = &["attachment://", "tc://"];

/// Replaces references in a record with the texts and messages they refer to. References that cannot be
/// resolved stay.
pub(super) fn complete(record: &mut Value, find: &dyn Fn(&str) -> Option<Value>) {
    if let Some(refs) = record.get("input_refs").and_then(Value::as_array)
        && !refs.is_empty()
        && let Some(given) = pooled(refs, find)
    {
        record["input"] = Value::Array(given);
    }
    texts(record, find);
}

/// On average no call uses a message of the pool more often than this.
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
    // Only malicious input repeats the same messages over and over.
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

/// Whether a text may be stored under this name.
pub(super) fn is_hash(name: &[u8]) -> bool {
    name.len() == 32 && name.iter().all(u8::is_ascii_hexdigit)
}

/// The request body as sent, if the event has it in a known API; otherwise the messages, tools and
/// parameters of the call.
pub(super) fn request(event: &Value) -> Vec<RequestPart> {
    let mut fields = RequestFields::default();
    if let Some(body) = event.pointer("/call/request").and_then(Value::as_object) {
        // Unset parameters are written as null, and headers are beside the body.
        let sent = body.iter().filter(|(name, value)| {
            !value.is_null()
                && !matches!(name.as_str(), "extra_headers" | "extra_query" | "timeout")
        });
        let sent: Map<String, Value> = sent
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect();
        fields.called_with(&Json::from(&Value::Object(sent)));
    }
    let of = |name: &str| event.get(name).map(Json::from);
    fields.tools(of("tools").as_ref());
    fields.parameters(of("config").as_ref());
    if let Some(choice) = of("tool_choice") {
        fields.parameter("tool_choice", &choice);
    }
    let input = of("input").map(|input| messages(&input, Role::User));
    of_request(&input.unwrap_or_default(), fields)
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
    fn references_are_replaced_with_what_they_refer_to() {
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
        // A reference without a target stays as it is.
        let lost = json!({"said": "attachment://00000000000000000000000000000000", "input_refs": [[3, 9]]});
        check(lost.clone(), &lost);
    }
}
