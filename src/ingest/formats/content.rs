//! Text and JSON inside message contents, for all formats.

use serde_json::Value;

use crate::base::human;
use crate::ingest::json;

/// The text of a string, or of the text parts of a list of content parts.
pub(crate) fn text_of(content: &Value) -> Option<String> {
    match content {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        Value::Array(parts) => Some(parts.iter().map(part_text).collect::<Vec<_>>().join("\n")),
        other => Some(other.to_string()),
    }
}

fn part_text(part: &Value) -> String {
    let text = part
        .as_str()
        .or_else(|| part.get("text").and_then(Value::as_str));
    match text {
        Some(text) => text.to_owned(),
        None => placeholder(part),
    }
}

/// `[image image/png · 45 kB]`: the placeholder of a part that is not text.
fn placeholder(part: &Value) -> String {
    let word = |value: &Value, keys: &[&str]| {
        let mut found = keys.iter().filter_map(|key| value.get(*key)?.as_str());
        found.next().map(str::to_owned)
    };
    let inner = part.get("source").unwrap_or(part);
    let kind = word(part, &["type"]).unwrap_or_else(|| "part".to_owned());
    let media = word(inner, &["media_type", "mimeType", "mime_type"]);
    let size = word(inner, &["data", "blob"]).map(|data| human::bytes(data.len() as u64 / 4 * 3));
    let what = [Some(kind), media]
        .into_iter()
        .flatten()
        .collect::<Vec<_>>();
    let size = size.map(|size| format!(" · {size}")).unwrap_or_default();
    format!("[{}{size}]", what.join(" "))
}

/// Unpacks an object or array that is encoded in a string; any other string stays as it is.
pub(super) fn unpacked(args: &Value) -> Value {
    args.as_str()
        .and_then(|text| json::value(text.as_bytes()))
        .filter(|value| value.is_object() || value.is_array())
        .unwrap_or_else(|| args.clone())
}

/// A member that is a string.
pub(super) fn string(record: &Value, key: &str) -> Option<String> {
    record.get(key)?.as_str().map(str::to_owned)
}
