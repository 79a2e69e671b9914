//! A recorded request to a model as a command to send it again. No key is ever written: the command
//! names the variable that holds it.

use serde_json::Value;

/// The command; none where the record of the call holds no request.
pub fn command(record: &Value, model: &str) -> Option<String> {
    let request = record
        .get("request")
        .filter(|request| request.is_object())?;
    let body = request
        .get("body")
        .filter(|body| body.is_object())
        .unwrap_or(request);
    let asked = body.get("model").and_then(Value::as_str).unwrap_or(model);
    let service = Service::of(body, asked);
    let url = request
        .get("url")
        .and_then(Value::as_str)
        .unwrap_or(service.url);
    let mut words = vec!["curl -sS".to_owned(), quoted(url)];
    let headers = ["content-type: application/json"]
        .iter()
        .chain(service.headers);
    // Double quotes, so that the shell puts the key in.
    words.extend(headers.map(|header| format!("-H \"{header}\"")));
    words.push(format!("--data-raw {}", quoted(&body.to_string())));
    Some(words.join(" \\\n  "))
}

/// Where requests of a kind go, and how they say who asks.
struct Service {
    url: &'static str,
    headers: &'static [&'static str],
}

const ANTHROPIC: Service = Service {
    url: "https://api.anthropic.com/v1/messages",
    headers: &[
        "x-api-key: $ANTHROPIC_API_KEY",
        "anthropic-version: 2023-06-01",
    ],
};
const RESPONSES: Service = Service {
    url: "https://api.openai.com/v1/responses",
    headers: &["authorization: Bearer $OPENAI_API_KEY"],
};
const CHAT: Service = Service {
    url: "https://api.openai.com/v1/chat/completions",
    headers: &["authorization: Bearer $OPENAI_API_KEY"],
};

impl Service {
    fn of(body: &Value, model: &str) -> &'static Service {
        if model.contains("claude") {
            &ANTHROPIC
        } else if body.get("input").is_some() {
            &RESPONSES
        } else {
            &CHAT
        }
    }
}

/// A word of a shell in which nothing has a meaning.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::command;

    #[track_caller]
    fn check(record: &Value, expected: Option<&str>) {
        assert_eq!(command(record, "gpt-4o").as_deref(), expected);
    }

    #[test]
    fn a_request_goes_to_the_service_of_its_model_and_no_quote_ends_it_early() {
        check(
            &json!({"request": {"model": "claude-x", "system": "it's"}}),
            Some(
                "curl -sS \\\n  'https://api.anthropic.com/v1/messages' \\\n  -H \"content-type: application/json\" \\\n  -H \"x-api-key: $ANTHROPIC_API_KEY\" \\\n  -H \"anthropic-version: 2023-06-01\" \\\n  --data-raw '{\"model\":\"claude-x\",\"system\":\"it'\\''s\"}'",
            ),
        );
        check(
            &json!({"request": {"url": "http://localhost/v1", "body": {"messages": []}}}),
            Some(
                "curl -sS \\\n  'http://localhost/v1' \\\n  -H \"content-type: application/json\" \\\n  -H \"authorization: Bearer $OPENAI_API_KEY\" \\\n  --data-raw '{\"messages\":[]}'",
            ),
        );
    }

    #[test]
    fn without_a_recorded_request_there_is_no_command() {
        check(&json!({"content": "x"}), None);
        check(&json!({"request": "req_1"}), None);
    }
}
