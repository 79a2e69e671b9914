//! Masks secrets in what leaves the program as a file: by the names of fields, and by the shapes of known keys.
//!
//! What is masked keeps its first four characters and its length, so that two keys can still be told apart. The
//! shapes are those that the services themselves publish for secret scanning.

use std::sync::LazyLock;

use regex::{Captures, Regex};
use serde_json::Value;

/// Names of fields that hold secrets, in lower case, without `-` and `_`.
const NAMES: &[&str] = &[
    "authorization",
    "proxyauthorization",
    "apikey",
    "xapikey",
    "password",
    "passwd",
    "pwd",
    "passphrase",
    "secret",
    "clientsecret",
    "token",
    "accesstoken",
    "refreshtoken",
    "authtoken",
    "idtoken",
    "sessiontoken",
    "bearer",
    "cookie",
    "setcookie",
    "privatekey",
    "secretkey",
    "accesskey",
    "secretaccesskey",
];

const SHAPES: &[&str] = &[
    // Amazon Web Services
    r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b",
    // GitHub and GitLab
    r"\bgh[pousr]_[A-Za-z0-9]{36,}\b",
    r"\bgithub_pat_[A-Za-z0-9_]{22,}\b",
    r"\bglpat-[A-Za-z0-9_-]{20,}",
    // OpenAI, Anthropic and those who write theirs alike
    r"\bsk-[A-Za-z0-9_-]{20,}",
    // Slack
    r"\bxox[abeoprs]-[A-Za-z0-9-]{10,}",
    // Google
    r"\bAIza[0-9A-Za-z_-]{35}",
    r"\bya29\.[0-9A-Za-z_-]{20,}",
    // Stripe, SendGrid, npm, Hugging Face, PyPI
    r"\b[rs]k_(?:live|test)_[0-9A-Za-z]{16,}",
    r"\bSG\.[\w-]{16,}\.[\w-]{16,}",
    r"\bnpm_[A-Za-z0-9]{36}\b",
    r"\bhf_[A-Za-z0-9]{30,}\b",
    r"\bpypi-[A-Za-z0-9_-]{50,}",
    // Signed tokens
    r"\beyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}",
    r"(?s)-----BEGIN [A-Z ]*PRIVATE KEY-----.*?-----END [A-Z ]*PRIVATE KEY-----",
    r"(?i)\bbearer\s+[A-Za-z0-9._~+/=-]{20,}",
];

static PATTERN: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(&SHAPES.join("|")).expect("the shapes are valid expressions"));

/// The password in an address.
static IN_ADDRESS: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"(://[^/\s:@]+:)([^/\s:@]+)(@)").expect("a valid expression"));

/// Masks every secret in a value; how many there were. Masking again changes nothing.
pub fn mask(value: &mut Value) -> usize {
    match value {
        Value::String(text) => {
            let (masked, count) = masked(text);
            if count > 0 {
                *text = masked;
            }
            count
        }
        Value::Array(items) => items.iter_mut().map(mask).sum(),
        Value::Object(members) => members
            .iter_mut()
            .map(|(name, value)| match value {
                Value::String(text) if is_secret(name) && is_maskable(text) => {
                    *text = hidden(text);
                    1
                }
                value => mask(value),
            })
            .sum(),
        Value::Null | Value::Bool(_) | Value::Number(_) => 0,
    }
}

/// A text with its secrets masked, and how many there were.
pub fn masked(text: &str) -> (String, usize) {
    let mut count = 0;
    let shaped = PATTERN.replace_all(text, |found: &Captures<'_>| {
        count += 1;
        hidden(&found[0])
    });
    let done = IN_ADDRESS.replace_all(&shaped, |found: &Captures<'_>| {
        if !is_maskable(&found[2]) {
            return found[0].to_owned();
        }
        count += 1;
        format!("{}{}{}", &found[1], hidden(&found[2]), &found[3])
    });
    (done.into_owned(), count)
}

fn is_secret(name: &str) -> bool {
    let plain: String = name
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .map(|letter| letter.to_ascii_lowercase())
        .collect();
    NAMES.contains(&plain.as_str())
}

const END: &str = "_masked";

/// Whether there is something to hide that is not hidden already.
fn is_maskable(text: &str) -> bool {
    !text.is_empty() && !text.ends_with(END)
}

/// `sk-p…48_masked`: no shape of a secret, and harmless wherever it stands.
fn hidden(text: &str) -> String {
    let head: String = text.chars().take(4).collect();
    format!("{head}…{}{END}", text.chars().count())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{mask, masked};

    #[track_caller]
    fn check(text: &str, expected: &str) {
        let (once, _) = masked(text);
        assert_eq!(once, expected);
        assert_eq!(
            masked(&once),
            (once.clone(), 0),
            "masking again changes nothing"
        );
    }

    #[test]
    fn keys_are_known_by_their_shapes() {
        // Put together here, so that no scanner takes them for real ones.
        let github = format!("ghp_{}", "a1B2".repeat(9));
        check(&format!("use {github}."), "use ghp_…40_masked.");
        check(
            &format!("x {} y", ["AKIA", "IOSFODNN7EXAMPLE"].concat()),
            "x AKIA…20_masked y",
        );
        let anthropic = format!("sk-ant-{}", "x".repeat(30));
        check(&anthropic, "sk-a…37_masked");
        check(
            "postgres://app:hunter22@db/x",
            "postgres://app:hunt…8_masked@db/x",
        );
        let signed = format!("eyJ{0}.eyJ{0}.{0}", "abcdefgh");
        check(&signed, "eyJa…32_masked");
        check(
            "skip-this-word and a task-force",
            "skip-this-word and a task-force",
        );
    }

    #[test]
    fn fields_are_known_by_their_names_and_counts_are_not_secrets() {
        let mut value = json!({
            "headers": {"X-Api-Key": "abcdefgh", "Accept": "text/html"},
            "max_tokens": 4096,
            "tokens": "many",
            "password": "",
            "list": [{"access_token": "12345678"}],
        });
        assert_eq!(mask(&mut value), 2);
        assert_eq!(value["headers"]["X-Api-Key"], "abcd…8_masked");
        assert_eq!(value["headers"]["Accept"], "text/html");
        assert_eq!(value["max_tokens"], 4096);
        assert_eq!(value["tokens"], "many");
        assert_eq!(value["list"][0]["access_token"], "1234…8_masked");
        let once = value.clone();
        assert_eq!(mask(&mut value), 0);
        assert_eq!(value, once);
    }
}
