//! Reads a settings file of Claude Code: only its `permissions`.

use serde_json::{Map, Value};

use crate::analysis::policy::mistake::{Mistake, spot};
use crate::analysis::policy::{Dead, Effect, Rule};
use crate::query::fields::nearest;

pub(super) struct Settings {
    pub(super) rules: Vec<Stated>,
    /// `additionalDirectories`
    pub(super) folders: Vec<String>,
}

/// A rule, and where its text is in the file, in bytes.
pub(super) struct Stated {
    pub(super) text: String,
    pub(super) effect: Effect,
    at: usize,
    line: u32,
    column: u32,
}

impl Stated {
    pub(super) fn rule(&self, file: usize, dead: Option<Dead>) -> Rule {
        Rule {
            name: self.text.clone(),
            effect: self.effect,
            file,
            line: self.line,
            column: self.column,
            dead,
        }
    }

    pub(super) fn mistake(&self, whole: &str, what: &str) -> Mistake {
        let end = self.at + Value::String(self.text.clone()).to_string().len();
        Mistake::at(whole, self.at..end, what)
    }
}

/// Any JSON file: other JSON kinds are tried first.
pub(super) fn is_settings(path: &str, text: &str) -> bool {
    let is_json = std::path::Path::new(path)
        .extension()
        .is_some_and(|it| it == "json");
    is_json || text.trim_start().starts_with('{')
}

const KNOWN: &[&str] = &[
    "allow",
    "ask",
    "deny",
    "defaultMode",
    "additionalDirectories",
    "disableBypassPermissionsMode",
    "disableAutoMode",
];

pub(super) fn read(text: &str) -> Result<Settings, Mistake> {
    let value: Value = serde_json::from_str(text)
        .map_err(|error| Mistake::at_line(text, error.line(), error.column(), plain(&error)))?;
    let Value::Object(top) = &value else {
        return Err(Mistake::at(text, 0..1, "settings are a JSON object"));
    };
    let mut settings = Settings {
        rules: Vec::new(),
        folders: Vec::new(),
    };
    let permissions = match top.get("permissions") {
        None => return missing(text, top).map_or(Ok(settings), Err),
        Some(Value::Object(permissions)) => permissions,
        Some(_) => {
            return Err(at_key(
                text,
                "permissions",
                "permissions are an object with allow, ask and deny",
            ));
        }
    };
    let mut from = text.find("\"permissions\"").unwrap_or(0);
    for (key, value) in permissions {
        let effect = match key.as_str() {
            "allow" => Effect::Allow,
            "ask" => Effect::Ask,
            "deny" => Effect::Deny,
            "additionalDirectories" => {
                settings.folders = strings(text, key, value)?;
                continue;
            }
            key => {
                unknown(text, key)?;
                continue;
            }
        };
        from = place(text, from, &format!("\"{key}\""));
        for rule in strings(text, key, value)? {
            let at = place(text, from, &Value::String(rule.clone()).to_string());
            from = at + 1;
            let (line, column) = spot(text, at);
            settings.rules.push(Stated {
                text: rule,
                effect,
                at,
                line,
                column,
            });
        }
    }
    Ok(settings)
}

/// The message of a syntax error, without its place.
fn plain(error: &serde_json::Error) -> String {
    let text = error.to_string();
    text.split(" at line ").next().unwrap_or(&text).to_owned()
}

/// A key of `permissions` at the top of the file, or misspelt.
fn missing(text: &str, top: &Map<String, Value>) -> Option<Mistake> {
    for key in top.keys() {
        if matches!(key.as_str(), "allow" | "ask" | "deny") {
            return Some(at_key(
                text,
                key,
                &format!("'{key}' belongs in \"permissions\""),
            ));
        }
        if nearest(key, ["permissions"]).is_some() {
            return Some(
                at_key(text, key, &format!("unknown key '{key}'")).meaning(Some("permissions")),
            );
        }
    }
    None
}

/// A key that is not known is an error only where another one was meant: newer versions have more keys.
fn unknown(text: &str, key: &str) -> Result<(), Mistake> {
    let near = nearest(key, KNOWN.iter().copied()).filter(|near| *near != key);
    match near {
        Some(near) => Err(at_key(text, key, &format!("unknown key '{key}'")).meaning(Some(near))),
        None => Ok(()),
    }
}

fn strings(text: &str, key: &str, value: &Value) -> Result<Vec<String>, Mistake> {
    let wrong = || at_key(text, key, &format!("'{key}' is a list of strings"));
    let items = value.as_array().ok_or_else(wrong)?;
    items
        .iter()
        .map(|it| it.as_str().map(str::to_owned).ok_or_else(wrong))
        .collect()
}

fn at_key(text: &str, key: &str, what: &str) -> Mistake {
    let key = format!("\"{key}\"");
    let at = place(text, 0, &key);
    Mistake::at(text, at..at + key.len(), what)
}

/// Where a string is in the text; if it is escaped differently there, the place before it.
fn place(text: &str, from: usize, what: &str) -> usize {
    let found = text.get(from..).and_then(|rest| rest.find(what));
    found.map_or(from, |at| from + at)
}
