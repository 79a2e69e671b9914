//! Which headers are forwarded, and which few of them are recorded.

use hyper::header::{
    ACCEPT_ENCODING, CONNECTION, CONTENT_ENCODING, HOST, HeaderMap, HeaderName, HeaderValue,
};
use serde_json::{Map, Value};

/// Headers about one connection.
const HOP: &[&str] = &[
    "connection",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// The only headers that are ever written. A name that ends in `-` stands for all names with that prefix.
const RECORDED: &[&str] = &[
    "anthropic-beta",
    "anthropic-organization-id",
    "anthropic-ratelimit-",
    "anthropic-version",
    "content-encoding",
    "content-type",
    "openai-beta",
    "openai-processing-ms",
    "openai-version",
    "originator",
    "request-id",
    "retry-after",
    "session-id",
    "session_id",
    "thread-id",
    "user-agent",
    "version",
    "x-app",
    "x-claude-code-session-id",
    "x-ratelimit-",
    "x-request-id",
    "x-session-id",
    "x-should-retry",
    "x-stainless-",
];

/// The headers to forward: all but those about the connection.
pub(super) fn passed(headers: &HeaderMap) -> HeaderMap {
    let mut own: Vec<HeaderName> = HOP
        .iter()
        .map(|name| HeaderName::from_static(name))
        .collect();
    for value in headers.get_all(CONNECTION) {
        let words = value.to_str().unwrap_or_default().split(',');
        own.extend(words.filter_map(|it| it.trim().to_ascii_lowercase().parse().ok()));
    }
    own.push(HOST);
    let kept = headers.iter().filter(|(name, _)| !own.contains(name));
    kept.map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}

/// The same for a request. It asks only for encodings that the copy can decode.
pub(super) fn request(headers: &HeaderMap) -> HeaderMap {
    let named: Vec<String> = headers
        .get_all(ACCEPT_ENCODING)
        .iter()
        .filter_map(|it| it.to_str().ok())
        .flat_map(|it| it.split(','))
        .filter(|it| !it.replace(' ', "").ends_with(";q=0"))
        .map(|it| it.split(';').next().unwrap_or_default().trim().to_owned())
        .collect();
    let known = ["gzip", "zstd"].into_iter();
    let known: Vec<&str> = known
        .filter(|it| named.iter().any(|name| name == it))
        .collect();
    let value = if known.is_empty() {
        HeaderValue::from_static("identity")
    } else {
        HeaderValue::from_str(&known.join(", ")).unwrap_or(HeaderValue::from_static("identity"))
    };
    let mut out = passed(headers);
    out.insert(ACCEPT_ENCODING, value);
    out
}

/// The headers to record.
pub(super) fn recorded(headers: &HeaderMap) -> Option<Value> {
    let mut out = Map::new();
    for (name, value) in headers {
        let name = name.as_str();
        let is_listed = RECORDED.iter().any(|it| match it.strip_suffix('-') {
            Some(_) => name.starts_with(it),
            None => name == *it,
        });
        if let Some(value) = value.to_str().ok().filter(|_| is_listed) {
            out.insert(name.to_owned(), value.into());
        }
    }
    (!out.is_empty()).then_some(Value::Object(out))
}

/// The session that a host names, with the header that holds it.
pub(super) fn session(headers: &HeaderMap) -> Option<String> {
    let names = [
        "x-claude-code-session-id",
        "session-id",
        "session_id",
        "thread-id",
        "x-session-id",
    ];
    let mut values = names
        .iter()
        .filter_map(|name| headers.get(*name)?.to_str().ok());
    let found = values.find(|value| !value.is_empty() && value.len() <= 200);
    found.map(str::to_owned)
}

pub(super) fn encoding(headers: &HeaderMap) -> Option<&str> {
    headers.get(CONTENT_ENCODING)?.to_str().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(lines: &[(&'static str, &'static str)]) -> HeaderMap {
        let pair = |(name, value): &(&'static str, &'static str)| {
            (
                HeaderName::from_static(name),
                HeaderValue::from_static(value),
            )
        };
        lines.iter().map(pair).collect()
    }

    #[test]
    fn keys_are_passed_on_and_never_recorded() {
        let keys = headers(&[
            ("authorization", "Bearer sk-1"),
            ("x-api-key", "sk-2"),
            ("x-goog-api-key", "sk-3"),
            ("api-key", "sk-4"),
            ("cookie", "sk-5"),
            ("user-agent", "me/1"),
            ("x-stainless-lang", "python"),
        ]);
        assert_eq!(passed(&keys).len(), keys.len());
        let recorded = recorded(&keys).expect("some");
        assert_eq!(
            recorded,
            serde_json::json!({"user-agent": "me/1", "x-stainless-lang": "python"})
        );
    }

    #[test]
    fn what_is_about_the_connection_stays_on_it() {
        let sent = headers(&[
            ("connection", "keep-alive, x-own"),
            ("x-own", "1"),
            ("transfer-encoding", "chunked"),
            ("host", "127.0.0.1:9"),
            ("x-other", "2"),
        ]);
        assert_eq!(passed(&sent), headers(&[("x-other", "2")]));
    }

    #[test]
    fn only_encodings_that_can_be_undone_are_asked_for() {
        let asked = |value: &'static str| {
            let out = request(&headers(&[("accept-encoding", value)]));
            out[ACCEPT_ENCODING].to_str().expect("text").to_owned()
        };
        assert_eq!(asked("gzip, deflate, br, zstd"), "gzip, zstd");
        assert_eq!(asked("br;q=1, gzip;q=0"), "identity");
        assert_eq!(request(&HeaderMap::new())[ACCEPT_ENCODING], "identity");
    }
}
