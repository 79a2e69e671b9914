//! A recorded model call as a command that sends it again.
//!
//! The trace is not trusted: only an `http(s)` address is taken from it, no control character reaches the
//! shell or the terminal, and the variable with the user's key is named only for the vendor's own host.

mod sendable;

use std::fmt::Write as _;

use serde_json::{Value, json};

pub use sendable::sendable;

use crate::analysis::context::{self, Context, Exactness, Origin};
use crate::analysis::replay::Tape;
use crate::base::cancel::CancelFlag;
use crate::base::text;
use crate::export::json::{self, Escapes};
use crate::export::redact::Masked;
use crate::ingest::request::Api;
use crate::model::action::ActionIx;
use crate::store::Store;

/// The command that sends the request of a model call, below comments on what the trace lacks. `request` is that of
/// `found`, masked or as recorded. `None` where there is nothing to send.
pub fn script(
    store: &Store,
    found: &Context,
    request: Masked<Value>,
    escapes: Escapes,
) -> Option<Masked<String>> {
    let model = store.row(found.call).model();
    let is_rebuilt = found.exactness == Exactness::Reconstructed;
    let mut comments = String::new();
    if is_rebuilt {
        comments.push_str("# reconstructed from a trace; not the bytes that were sent. Missing:\n");
        let missing = found.parts.iter();
        for part in missing.filter(|part| part.origin == Origin::Missing) {
            comments.push_str("#   ");
            comments.push_str(&text::sanitize(&part.note));
            comments.push('\n');
        }
    }
    let mut added = Vec::new();
    let record = request.map(|mut request| {
        if is_rebuilt {
            added = sendable(&mut request, found.api, model);
        }
        json!({ "request": request })
    });
    for words in added {
        comments.extend(["# ", &words, "\n"]);
    }
    let command = command(&record, model, escapes)?;
    Some(command.map(|command| format!("{comments}{command}\n")))
}

/// The same for the model call that an action belongs to. The error says what is not recorded.
pub fn of_action(
    store: &Store,
    ix: ActionIx,
    cancel: &CancelFlag,
) -> Result<Masked<String>, &'static str> {
    let tape = Tape::new(store, store.row(ix).run_ix());
    let step = tape.step_of(ix);
    let call = step.and_then(|step| context::call_of(store, tape.steps(), step));
    let found = call.and_then(|call| context::of(store, call, cancel));
    let found = found.ok_or("the model call of this action is not recorded")?;
    let request = Masked::from(found.request.clone());
    script(store, &found, request, Escapes::Unsafe)
        .ok_or("the request of this action is not recorded")
}

/// The command; `None` where the record of the call holds no request. Lines that begin with `#` say what to know
/// before sending it.
pub fn command(record: &Masked<Value>, model: &str, escapes: Escapes) -> Option<Masked<String>> {
    let request = record
        .get()
        .get("request")
        .filter(|request| request.is_object())?;
    let body = request
        .get("body")
        .filter(|body| body.is_object())
        .unwrap_or(request);
    // Some records keep the URL among its members.
    let body = &without(body, Some("url"));
    let asked = body.get("model").and_then(Value::as_str).unwrap_or(model);
    let service = Service::of(body, asked);
    let recorded = request.get("url").and_then(Value::as_str);
    let usual = service.url.replace(MODEL, asked);
    let address = Address::parse(recorded.unwrap_or(&usual));
    let mut comments = Vec::new();
    let address = address.or_else(|| {
        comments.push(
            "# the recorded URL is not a plain http(s) address: this is the vendor's".to_owned(),
        );
        Address::parse(&usual)
    })?;
    let mut words = vec![
        "curl -sS --globoff".to_owned(),
        format!("--url {}", quoted(&address.text)),
        header("content-type: application/json"),
    ];
    if address.is_of(service) {
        words.push(header(service.key));
    } else {
        let host = &address.host;
        comments.push(format!(
            "# no key is sent to {host}: add its header yourself"
        ));
    }
    words.extend(service.version.map(header));
    let body = without(body, (service.url.contains(MODEL)).then_some("model"));
    words.push(format!(
        "--data-raw {}",
        quoted(&json::text(&body, escapes))
    ));
    comments.push(words.join(" \\\n  "));
    let text = comments.join("\n");
    Some(Masked::composed(text, record.count()))
}

/// Where the request of a model call went, or else where its vendor takes such requests.
pub fn url(request: &Value, model: &str) -> String {
    let asked = request
        .get("model")
        .and_then(Value::as_str)
        .unwrap_or(model);
    let recorded = request.get("url").and_then(Value::as_str);
    let address = recorded.and_then(Address::parse).map(|it| it.text);
    address.unwrap_or_else(|| Service::of(request, asked).url.replace(MODEL, asked))
}

/// The body without a member that is not sent in it.
fn without(body: &Value, name: Option<&str>) -> Value {
    let mut body = body.clone();
    if let (Some(members), Some(name)) = (body.as_object_mut(), name) {
        members.shift_remove(name);
    }
    body
}

/// Where requests of an API go, and the headers that they need.
struct Service {
    url: &'static str,
    host: &'static str,
    key: &'static str,
    version: Option<&'static str>,
}

const ANTHROPIC: Service = Service {
    url: "https://api.anthropic.com/v1/messages",
    host: "api.anthropic.com",
    key: "x-api-key: $ANTHROPIC_API_KEY",
    version: Some("anthropic-version: 2023-06-01"),
};
/// In a URL, the name of the model.
const MODEL: &str = "{model}";
const GEMINI: Service = Service {
    url: "https://generativelanguage.googleapis.com/v1beta/models/{model}:generateContent",
    host: "generativelanguage.googleapis.com",
    key: "x-goog-api-key: $GEMINI_API_KEY",
    version: None,
};
const RESPONSES: Service = Service {
    url: "https://api.openai.com/v1/responses",
    ..CHAT
};
const CHAT: Service = Service {
    url: "https://api.openai.com/v1/chat/completions",
    host: "api.openai.com",
    key: "authorization: Bearer $OPENAI_API_KEY",
    version: None,
};

impl Service {
    fn of(body: &Value, model: &str) -> &'static Service {
        match Api::of_request(body) {
            Api::Messages => &ANTHROPIC,
            Api::Responses => &RESPONSES,
            Api::Gemini => &GEMINI,
            // The simplest requests of both vendors look alike.
            Api::Chat => match Api::of_model(model) {
                Api::Messages => &ANTHROPIC,
                Api::Chat | Api::Responses | Api::Gemini => &CHAT,
            },
        }
    }
}

/// A URL that is safe to hand to curl, and the host that it goes to.
struct Address {
    text: String,
    host: String,
    /// Whether it is encrypted and on the default port.
    is_usual: bool,
}

impl Address {
    /// `None` for another scheme, user information, an unusual host, white space, control characters and
    /// backslashes, which programs read differently. Letters beyond ASCII are percent-encoded.
    fn parse(url: &str) -> Option<Address> {
        let (scheme, rest) = url.split_once("://")?;
        let scheme = scheme.to_ascii_lowercase();
        if !matches!(scheme.as_str(), "http" | "https") {
            return None;
        }
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (authority, path) = rest.split_at_checked(end)?;
        let (host, port) = match authority.rsplit_once(':') {
            Some((host, port)) if !port.contains(']') => (host, Some(port)),
            _ => (authority, None),
        };
        let bare = host
            .strip_prefix('[')
            .and_then(|host| host.strip_suffix(']'));
        let is_host = match bare {
            Some(six) => six.chars().all(|it| it.is_ascii_hexdigit() || it == ':'),
            None => host
                .chars()
                .all(|it| it.is_ascii_alphanumeric() || ".-_".contains(it)),
        };
        let is_port = |port: &str| port.len() <= 5 && port.chars().all(|it| it.is_ascii_digit());
        let is_odd = |it: char| it.is_control() || it.is_whitespace() || it == '\\';
        if host.is_empty() || !is_host || !port.is_none_or(is_port) || path.contains(is_odd) {
            return None;
        }
        let mut text = format!("{scheme}://{authority}");
        for byte in path.bytes() {
            if byte.is_ascii() {
                text.push(char::from(byte));
            } else {
                write!(text, "%{byte:02X}").expect("a String takes anything");
            }
        }
        Some(Address {
            text,
            host: host.to_ascii_lowercase(),
            is_usual: scheme == "https" && port.is_none_or(|port| port == "443"),
        })
    }

    fn is_of(&self, service: &Service) -> bool {
        self.is_usual && self.host == service.host
    }
}

/// In double quotes, so that the shell puts the key in.
fn header(line: &str) -> String {
    format!("-H \"{line}\"")
}

/// Quotes a word for the shell.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::export::json::Escapes;
    use crate::export::redact::Masked;

    fn command(record: &Value, model: &str) -> Option<String> {
        let record = Masked::from(record.clone());
        let command = super::command(&record, model, Escapes::Unsafe);
        command.map(Masked::into_inner)
    }

    #[track_caller]
    fn check(record: &Value, expected: Option<&str>) {
        let command = command(record, "gpt-4o");
        assert_eq!(command.as_deref(), expected);
    }

    fn to(url: &str) -> String {
        let record = json!({"request": {"url": url, "body": {"model": "gpt-4o", "messages": []}}});
        command(&record, "").expect("the request is recorded")
    }

    #[test]
    fn a_request_goes_to_the_vendor_of_its_model_and_no_quote_ends_it_early() {
        check(
            &json!({"request": {"model": "claude-x", "system": "it's"}}),
            Some(
                "curl -sS --globoff \\\n  --url 'https://api.anthropic.com/v1/messages' \\\n  -H \"content-type: application/json\" \\\n  -H \"x-api-key: $ANTHROPIC_API_KEY\" \\\n  -H \"anthropic-version: 2023-06-01\" \\\n  --data-raw '{\"model\":\"claude-x\",\"system\":\"it'\\''s\"}'",
            ),
        );
        check(
            &json!({"request": {"url": "https://api.openai.com/v1/chat/completions", "body": {"messages": []}}}),
            Some(
                "curl -sS --globoff \\\n  --url 'https://api.openai.com/v1/chat/completions' \\\n  -H \"content-type: application/json\" \\\n  -H \"authorization: Bearer $OPENAI_API_KEY\" \\\n  --data-raw '{\"messages\":[]}'",
            ),
        );
    }

    #[test]
    fn the_model_of_gemini_is_in_the_address() {
        let record = json!({"request": {"model": "gemini-3-pro", "contents": []}});
        let command = command(&record, "").expect("a request");
        assert!(
            command.contains("/v1beta/models/gemini-3-pro:generateContent' ")
                && command.contains("$GEMINI_API_KEY")
                && command.ends_with("--data-raw '{\"contents\":[]}'"),
            "{command}"
        );
    }

    #[test]
    fn the_users_key_goes_to_the_vendors_own_host_and_nowhere_else() {
        let elsewhere = [
            "https://evil.example/v1/messages",
            "http://api.openai.com/v1/chat/completions",
            "https://api.openai.com.evil.example/v1",
            "https://api.openai.com:8443/v1",
            "https://evil.example/?https://api.openai.com/",
            "http://[::1]:8080/v1",
            "http://localhost:11434/v1",
        ];
        for url in elsewhere {
            let command = to(url);
            assert!(!command.contains("$OPENAI_API_KEY"), "{command}");
            assert!(command.contains(&format!("--url '{url}'")), "{command}");
        }
        assert!(to("HTTPS://API.OpenAI.com:443/v1").contains("$OPENAI_API_KEY"));
    }

    #[test]
    fn only_plain_http_addresses_are_passed_to_curl() {
        let hostile = [
            "-Kt.jsonl",
            "@trace.jsonl",
            "file:///etc/passwd",
            "https://user:word@api.openai.com/",
            "https://api.openai.com\\@evil.example/",
            "https://api.openai.com/\u{1b}]52;c;eA==\u{7}",
            "https://api.openai.com/\r\n-K x",
            "https://api.openai.com/\u{9b}31m",
            "https:///v1",
            "https://-Kx y/",
        ];
        for url in hostile {
            let command = to(url);
            let vendor = "--url 'https://api.openai.com/v1/chat/completions' ";
            assert!(command.contains(vendor), "{command}");
            assert!(command.starts_with("# the recorded URL"), "{command}");
        }
        assert!(
            to("https://x.example/\u{202e}ä").contains("--url 'https://x.example/%E2%80%AE%C3%A4'")
        );
    }

    #[test]
    fn control_characters_in_a_body_are_escaped() {
        let record = json!({"request": {"messages": "\u{1b}[201~\r\u{7f}\u{9b}\u{202e}"}});
        let command = command(&record, "gpt-4o").expect("a request");
        let is_plain = |it: char| it == '\n' || (' '..='~').contains(&it);
        assert!(command.chars().all(is_plain), "{command:?}");
    }

    #[test]
    fn without_a_recorded_request_there_is_no_command() {
        check(&json!({"content": "x"}), None);
        check(&json!({"request": "req_1"}), None);
    }
}
