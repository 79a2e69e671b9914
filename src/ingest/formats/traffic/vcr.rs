//! Cassettes of VCR: vcrpy (YAML and JSON, bodies as text, base64 or parsed) and Ruby's.
//!
//! The only times in a cassette of vcrpy are the dates of the answers, to the second; how long an answer took is not
//! recorded.

use serde_json::Value;

use super::Exchanges;
use super::exchange::{Exchange, bytes, document, from_base64, member, status, text};
use crate::ingest::time;
use crate::model::quantity::{Elapsed, Time};

pub(super) fn is_one(head: &[u8]) -> bool {
    let head = String::from_utf8_lossy(head);
    let head = head.trim_start_matches('\u{feff}').trim_start();
    if head.starts_with('{') {
        return head.contains("\"interactions\"") && head.contains("\"request\"");
    }
    let is_content = |line: &&str| {
        let is_aside = line.trim().is_empty() || line.starts_with(['#', '-', '%']);
        !is_aside && !line.starts_with("version:")
    };
    let first = head.lines().find(is_content).unwrap_or_default();
    first.starts_with("interactions:") || first.starts_with("http_interactions:")
}

pub(super) fn exchanges(whole: &[u8]) -> Exchanges {
    let (found, fault) = document(whole);
    let list = member(&found, &["interactions", "http_interactions"]);
    let list = list.as_array().map(Vec::as_slice).unwrap_or_default();
    (list.iter().map(exchange).collect(), fault)
}

fn exchange(recorded: &Value) -> Exchange {
    let request = member(recorded, &["request"]);
    let response = member(recorded, &["response"]);
    let code = member(response, &["status", "status_code"]);
    Exchange {
        method: text(request, &["method"]).to_uppercase(),
        url: text(request, &["uri", "url"]),
        request: body(request),
        status: status(code.get("code").unwrap_or(code)),
        response: body(response),
        began: date(recorded, response),
        took: Elapsed::NONE,
    }
}

/// The body of a request or an answer.
fn body(of: &Value) -> Vec<u8> {
    let found = member(of, &["parsed_body", "body", "content"]);
    let is_wrapped = ["string", "base64_string"]
        .iter()
        .any(|name| found.get(name).is_some());
    if !is_wrapped {
        return bytes(found);
    }
    match member(found, &["base64_string"]) {
        Value::Null => bytes(member(found, &["string"])),
        packed => from_base64(packed),
    }
}

fn date(recorded: &Value, response: &Value) -> Time {
    let own = text(recorded, &["recorded_at"]);
    let headers = member(response, &["headers"]).as_object();
    let header = headers
        .into_iter()
        .flatten()
        .find(|(name, _)| name.eq_ignore_ascii_case("date"));
    let value = header.map(|(_, value)| value.get(0).unwrap_or(value));
    let dates = value.and_then(Value::as_str).into_iter();
    let mut known = dates
        .chain([own.as_str()])
        .map(|text| time::from_text(text.as_bytes()));
    known.find(|time| time.is_some()).unwrap_or(Time::NONE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cassettes_are_recognized_by_how_they_begin() {
        let check = |head: &str, expected| assert_eq!(is_one(head.as_bytes()), expected, "{head}");
        check("interactions:\n- request:\n", true);
        check("version: 1\ninteractions:\n", true);
        check("---\nhttp_interactions:\n- request:\n", true);
        check("# recorded\n\ninteractions: []\n", true);
        check(r#"{"version":1,"interactions":[{"request":{}}]}"#, true);
        check("services:\n  interactions:\n", false);
        check(r#"{"interactions":[]}"#, false);
    }

    #[test]
    fn bodies_are_read_in_every_form() {
        let check = |of: Value, expected: &str| {
            assert_eq!(String::from_utf8_lossy(&body(&of)), expected, "{of}");
        };
        check(serde_json::json!({"body": "{}"}), "{}");
        check(serde_json::json!({"body": {"string": "a"}}), "a");
        check(serde_json::json!({"body": {"base64_string": "aGk="}}), "hi");
        check(
            serde_json::json!({"body": {"string": {"$binary": "aGk="}}}),
            "hi",
        );
        check(serde_json::json!({"parsed_body": {"n": 1}}), r#"{"n":1}"#);
        check(serde_json::json!({"body": null}), "");
    }
}
