//! Requests in OTLP/JSON: checked and otherwise left as they are.

use serde_json::Value;

use super::{Signal, items, member};

pub(super) fn read(signal: Signal, bytes: &[u8]) -> Result<Value, String> {
    // An empty body is an empty request.
    if bytes.trim_ascii().is_empty() {
        return Ok(Value::Object(serde_json::Map::new()));
    }
    let request: Value = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
    let Value::Object(members) = &request else {
        return Err("the request is not an object".to_owned());
    };
    let name = member(signal);
    match members.get(name) {
        Some(Value::Array(_)) | None => Ok(request),
        Some(_) => Err(format!("{name} is not a list")),
    }
}

/// Drops spans with invalid ids, and counts them.
pub(super) fn reject(request: &mut Value) -> u64 {
    let mut rejected = 0;
    let mut lists = Vec::new();
    for resource in list(request, "resourceSpans") {
        for scope in list(resource, "scopeSpans") {
            lists.extend(scope.get_mut("spans").and_then(Value::as_array_mut));
        }
    }
    for spans in lists {
        let before = spans.len();
        spans.retain(|span| is_id(span, "traceId", 32) && is_id(span, "spanId", 16));
        rejected += (before - spans.len()) as u64;
    }
    rejected
}

fn list<'a>(of: &'a mut Value, name: &str) -> impl Iterator<Item = &'a mut Value> + use<'a> {
    let list = of.get_mut(name).and_then(Value::as_array_mut);
    list.into_iter().flatten()
}

/// Whether an id has the right length and is not all zeros. Some exporters write ids in base 64, as in protobuf's own
/// JSON.
fn is_id(span: &Value, name: &str, digits: usize) -> bool {
    let id = span.get(name).and_then(Value::as_str).unwrap_or_default();
    let is_hex = id.len() == digits && id.bytes().all(|byte| byte.is_ascii_hexdigit());
    let in_base_64 = (digits / 2).div_ceil(3) * 4;
    let is_other = id.len() == in_base_64 && id.ends_with('=');
    (is_hex && id.bytes().any(|byte| byte != b'0')) || is_other
}

/// The number of spans and log records in a request.
pub(super) fn count(request: &Value) -> (u64, u64) {
    let inside = |outer: &str, middle: &str, inner: &str| {
        let scopes = items(request, outer)
            .iter()
            .flat_map(|it| items(it, middle));
        scopes.map(|it| items(it, inner).len() as u64).sum()
    };
    (
        inside("resourceSpans", "scopeSpans", "spans"),
        inside("resourceLogs", "scopeLogs", "logRecords"),
    )
}
