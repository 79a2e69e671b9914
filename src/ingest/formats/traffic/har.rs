//! HAR, the archives of browsers, proxies and HTTP clients.

use serde_json::Value;

use super::Exchanges;
use super::exchange::{Exchange, bytes, document, from_base64, member, status, text};
use crate::ingest::time;
use crate::model::quantity::Elapsed;

pub(super) fn is_one(head: &[u8]) -> bool {
    let head = String::from_utf8_lossy(head);
    let head = head.trim_start_matches('\u{feff}').trim_start();
    let rest = head.strip_prefix('{').map(str::trim_start);
    let has = |name: &str| head.contains(name);
    rest.is_some_and(|rest| rest.starts_with("\"log\""))
        && (has("\"creator\"") || has("\"entries\""))
}

pub(super) fn exchanges(whole: &[u8]) -> Exchanges {
    let (found, fault) = document(whole);
    let list = found.pointer("/log/entries").and_then(Value::as_array);
    let list = list.map(Vec::as_slice).unwrap_or_default();
    (list.iter().map(exchange).collect(), fault)
}

fn exchange(entry: &Value) -> Exchange {
    let request = member(entry, &["request"]);
    let response = member(entry, &["response"]);
    let content = member(response, &["content"]);
    let body = member(content, &["text"]);
    let is_packed = text(content, &["encoding"]) == "base64";
    let took = member(entry, &["time"]).as_f64();
    Exchange {
        method: text(request, &["method"]).to_uppercase(),
        url: text(request, &["url"]),
        request: bytes(member(member(request, &["postData"]), &["text"])),
        status: status(member(response, &["status"])),
        response: if is_packed {
            from_base64(body)
        } else {
            bytes(body)
        },
        began: time::from_text(text(entry, &["startedDateTime"]).as_bytes()),
        // Recorders write -1 for what they do not know.
        took: took
            .filter(|took| *took > 0.0)
            .map_or(Elapsed::NONE, Elapsed::from_millis),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_is_an_exchange_and_a_cut_archive_keeps_what_is_whole() {
        let text = r#"{"log":{"version":"1.2","creator":{},"entries":[
            {"startedDateTime":"2026-10-01T10:00:00.250Z","time":1200.5,
             "request":{"method":"post","url":"https://u:p@api.example/v1/messages?key=k#f","postData":{"text":"{}"}},
             "response":{"status":200,"content":{"text":"aGk=","encoding":"base64"}}},
            {"startedDateTime":"#;
        assert!(is_one(text.as_bytes()));
        let (found, fault) = exchanges(text.as_bytes());
        assert!(fault.is_some());
        let first = &found[0];
        assert_eq!(first.method, "POST");
        assert_eq!(first.address(), ("api.example", "/v1/messages"));
        assert_eq!(
            (first.request.as_slice(), first.response.as_slice()),
            (&b"{}"[..], &b"hi"[..])
        );
        assert_eq!(first.took, Elapsed::from_millis(1200.5));
        assert!(first.began.is_some());
    }
}
