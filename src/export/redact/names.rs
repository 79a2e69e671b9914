//! Which names hold secrets, and which of their values are not secret.

use super::is_hidden;

/// What the name of a field, variable or option implies about its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Secrecy {
    None,
    /// A secret if it looks like one: `token` also names pieces of text.
    Maybe,
    /// A secret if it is a short number: `pin`.
    Code,
    /// A secret unless it is a path: `pwd` is also the working directory.
    UnlessPath,
    Sure,
}

/// Names end with one of these, written without separators.
const SURE: &[&str] = &[
    "accesskey",
    "accesstoken",
    "accountkey",
    "adminkey",
    "apikey",
    "apitoken",
    "applicationkey",
    "appkey",
    "authkey",
    "authorization",
    "authtoken",
    "bearer",
    "bearertoken",
    "clientkey",
    "connectionstring",
    "consumerkey",
    "cookie",
    "cookies",
    "credential",
    "credentials",
    "encryptionkey",
    "functionkey",
    "idtoken",
    "jwt",
    "masterkey",
    "mnemonic",
    "passcode",
    "passphrase",
    "passwd",
    "password",
    "privatekey",
    "refreshtoken",
    "secret",
    "secretkey",
    "securitytoken",
    "seedphrase",
    "servicekey",
    "sessiontoken",
    "sharedkey",
    "signingkey",
    "sshkey",
    "storagekey",
    "subscriptionkey",
];

/// Words after the one that counts: `API_KEY_PROD`, `password_confirmation`.
const QUALIFIERS: &[&str] = &[
    "again",
    "b64",
    "base64",
    "confirm",
    "confirmation",
    "current",
    "dev",
    "live",
    "new",
    "old",
    "plain",
    "plaintext",
    "prod",
    "production",
    "raw",
    "repeat",
    "staging",
    "test",
    "value",
];

/// First words of names that speak about a secret: `has_password`, `max_token`.
const ABOUT: &[&str] = &[
    "allow", "count", "has", "have", "hide", "is", "max", "min", "n", "need", "needs", "no", "num",
    "public", "require", "required", "requires", "show", "supports", "total", "use", "with",
    "without",
];

/// Words before `token` that make it a piece of text or a place in a list.
const OTHER_TOKENS: &[&str] = &[
    "bos",
    "cancel",
    "cancellation",
    "cls",
    "completion",
    "continuation",
    "continue",
    "cursor",
    "end",
    "eos",
    "first",
    "image",
    "input",
    "last",
    "mask",
    "next",
    "output",
    "pad",
    "page",
    "per",
    "prompt",
    "resume",
    "sep",
    "special",
    "start",
    "stop",
    "sync",
    "text",
    "unk",
    "word",
];

/// Words before `key` that make it a name, not a secret.
const OTHER_KEYS: &[&str] = &[
    "cache",
    "column",
    "composite",
    "dict",
    "foreign",
    "group",
    "hash",
    "i18n",
    "idempotency",
    "index",
    "lookup",
    "map",
    "natural",
    "object",
    "order",
    "partition",
    "primary",
    "public",
    "row",
    "sort",
    "translation",
    "unique",
];

/// Words before `pass` that make it a round or a result.
const OTHER_PASSES: &[&str] = &[
    "all", "first", "full", "last", "multi", "second", "single", "test", "two",
];

/// Values that stand for a secret without being one: types, answers, notes of what was left out.
const HARMLESS: &[&str] = &[
    "any",
    "array",
    "bool",
    "boolean",
    "default",
    "empty",
    "false",
    "float",
    "int",
    "integer",
    "n/a",
    "nil",
    "no",
    "none",
    "null",
    "number",
    "object",
    "off",
    "on",
    "optional",
    "redacted",
    "required",
    "str",
    "string",
    "true",
    "undefined",
    "unknown",
    "unset",
    "yes",
];

/// Longer values are never harmless.
const LONGEST_HARMLESS: usize = 64;

/// What a name says; names may be written in any way: `X-Api-Key`, `apiKey`, `API_KEY`, `--api-key`.
pub(super) fn secrecy(name: &str) -> Secrecy {
    let mut words = words(name);
    while words.last().is_some_and(|last| is_qualifier(last)) {
        words.pop();
    }
    let Some((last, before)) = words.split_last() else {
        return Secrecy::None;
    };
    let previous = before.last().map_or("", String::as_str);
    if before
        .first()
        .is_some_and(|first| ABOUT.contains(&first.as_str()))
    {
        return Secrecy::None;
    }
    let joined = words.concat();
    if SURE.iter().any(|sure| joined.ends_with(sure)) {
        return Secrecy::Sure;
    }
    match last.as_str() {
        "token" if OTHER_TOKENS.contains(&previous) => Secrecy::None,
        "pass" if OTHER_PASSES.contains(&previous) => Secrecy::None,
        "token" | "pass" if before.is_empty() => Secrecy::Maybe,
        "token" | "pass" => Secrecy::Sure,
        "key" if before.is_empty() || OTHER_KEYS.contains(&previous) => Secrecy::None,
        "key" | "auth" => Secrecy::Maybe,
        "pwd" | "oldpwd" => Secrecy::UnlessPath,
        "pin" | "otp" | "totp" => Secrecy::Code,
        _ => Secrecy::None,
    }
}

fn is_qualifier(word: &str) -> bool {
    QUALIFIERS.contains(&word) || word.bytes().all(|byte| byte.is_ascii_digit())
}

/// The words of a name in lower case: split at other characters, and where capitals begin.
fn words(name: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut current = String::new();
    let chars: Vec<char> = name.chars().collect();
    for (at, char) in chars.iter().enumerate() {
        let after_lower =
            at > 0 && (chars[at - 1].is_ascii_lowercase() || chars[at - 1].is_ascii_digit());
        let before_lower = chars.get(at + 1).is_some_and(char::is_ascii_lowercase)
            && at > 0
            && chars[at - 1].is_ascii_uppercase();
        let begins = char.is_ascii_uppercase() && (after_lower || before_lower);
        if begins || !char.is_ascii_alphanumeric() {
            words.extend((!current.is_empty()).then(|| std::mem::take(&mut current)));
        }
        if char.is_ascii_alphanumeric() {
            current.push(char.to_ascii_lowercase());
        }
    }
    words.extend((!current.is_empty()).then_some(current));
    words
}

/// Whether a value under a name is to be hidden.
pub(super) fn hides(secrecy: Secrecy, value: &str) -> bool {
    if is_hidden(value) || is_harmless(value) {
        return false;
    }
    match secrecy {
        Secrecy::None => false,
        Secrecy::Maybe => looks_generated(value),
        Secrecy::Code => {
            (3..=10).contains(&value.len()) && value.bytes().all(|byte| byte.is_ascii_digit())
        }
        Secrecy::UnlessPath => !is_path(value),
        Secrecy::Sure => true,
    }
}

/// Words for types and answers, placeholders, references to variables, stars.
pub(super) fn is_harmless(value: &str) -> bool {
    let value = value.trim();
    if value.len() > LONGEST_HARMLESS {
        return false;
    }
    let lower = value.to_ascii_lowercase();
    let between = |open: &str, close: &str| {
        value.len() > open.len() && value.starts_with(open) && value.ends_with(close)
    };
    let is_variable = value.strip_prefix('$').is_some_and(|name| {
        let letter = |char: char| char.is_ascii_alphanumeric() || char == '_';
        name.starts_with(|char: char| char.is_ascii_alphabetic() || char == '_')
            && name.chars().all(letter)
    });
    value.chars().all(|char| "*•xX.-…_#?".contains(char))
        || HARMLESS.contains(&lower.as_str())
        || is_variable
        || [
            ("<", ">"),
            ("${", "}"),
            ("$(", ")"),
            ("{{", "}}"),
            ("%", "%"),
            ("[", "]"),
        ]
        .iter()
        .any(|(open, close)| between(open, close))
        || ["your", "redacted", "process.env", "os.environ", "secrets."]
            .iter()
            .any(|start| lower.starts_with(start))
}

/// Letters and digits that no person would write: long enough, no spaces, no path.
pub(super) fn looks_generated(value: &str) -> bool {
    if value.len() < 8 || is_path(value) {
        return false;
    }
    let (mut digits, mut lower, mut upper) = (0, 0, 0);
    for byte in value.bytes() {
        match byte {
            b'0'..=b'9' => digits += 1,
            b'a'..=b'z' => lower += 1,
            b'A'..=b'Z' => upper += 1,
            byte if byte.is_ascii_whitespace() => return false,
            _ => {}
        }
    }
    let is_mixed = lower > 0 && upper > 0 && value.len() >= 16;
    (lower > 0 || upper > 0) && (digits > 0 || is_mixed)
}

fn is_path(value: &str) -> bool {
    let drive = value.as_bytes().get(1..3);
    value.starts_with(['/', '~', '.'])
        || value.contains("://")
        || matches!(drive, Some(b":\\" | b":/"))
}
