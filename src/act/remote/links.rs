//! Signed links are keys to other files, valid for anyone who has them. They are removed from records before these are
//! written.

use serde_json::{Map, Value};

/// Fields that hold such links, whatever their value.
const FIELDS: &[&str] = &[
    "signed_body_url",
    "s3_urls",
    "share_url",
    "share_token",
    "presigned_url",
    "signed_url",
    "inputs_s3_urls",
    "outputs_s3_urls",
    "attachments",
];

/// Query parameters that sign a link.
const SIGNED: &[&str] = &[
    "X-Amz-Signature=",
    "X-Goog-Signature=",
    "x-amz-signature=",
    "Signature=",
];

/// Removes signed links; returns how many there were.
pub(super) fn remove(value: &mut Value) -> u64 {
    match value {
        Value::Object(members) => {
            // Nearly no object has one: comparing its names is faster than looking for each.
            let is_ours = |name: &&String| FIELDS.contains(&name.as_str());
            let named: Vec<String> = members.keys().filter(is_ours).cloned().collect();
            let found = named.iter().map(|name| removed(members, name)).sum::<u64>();
            found + members.values_mut().map(remove).sum::<u64>()
        }
        Value::Array(values) => values.iter_mut().map(remove).sum(),
        Value::String(text) if is_signed(text) => {
            let end = text.find('?').unwrap_or(text.len());
            text.truncate(end);
            text.push_str("?(signature removed)");
            1
        }
        Value::String(_) | Value::Null | Value::Bool(_) | Value::Number(_) => 0,
    }
}

fn removed(members: &mut Map<String, Value>, name: &str) -> u64 {
    let is_there = members.get(name).is_some_and(|value| match value {
        Value::String(text) => text.contains("://") || name == "share_token",
        Value::Object(links) => !links.is_empty() && name != "attachments" || has_link(value),
        Value::Array(_) => has_link(value),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    });
    if is_there {
        members.shift_remove(name);
    }
    u64::from(is_there)
}

fn has_link(value: &Value) -> bool {
    match value {
        Value::Object(members) => members.values().any(has_link),
        Value::Array(values) => values.iter().any(has_link),
        Value::String(text) => text.contains("://"),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

/// A link alone, not a text that quotes one.
fn is_signed(text: &str) -> bool {
    text.starts_with("http")
        && !text.contains(char::is_whitespace)
        && SIGNED.iter().any(|name| text.contains(name))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn check(mut from: Value, to: &Value, count: u64) {
        assert_eq!(remove(&mut from), count);
        assert_eq!(from, *to);
    }

    #[test]
    fn signed_links_are_removed_wherever_they_are() {
        check(
            json!({"id": 1, "signed_body_url": "https://s3/x?X-Amz-Signature=ab"}),
            &json!({"id": 1}),
            1,
        );
        check(
            json!({"a": [{"image": "https://s3/x.png?X-Amz-Date=1&X-Amz-Signature=ab"}], "share_url": null}),
            &json!({"a": [{"image": "https://s3/x.png?(signature removed)"}], "share_url": null}),
            1,
        );
        check(
            json!({"attachments": {"a.png": {"presigned_url": "https://x"}}, "s3_urls": {"inputs": "https://y"}}),
            &json!({}),
            2,
        );
    }

    #[test]
    fn an_agents_text_about_links_is_kept() {
        let text = json!({
            "text": "see https://s3/x?X-Amz-Signature=ab for it",
            "attachments": ["a note"],
            "url": "https://example.com/?q=1",
        });
        check(text.clone(), &text, 0);
    }
}
