//! Hooks in JSON settings: adds and removes ours, and leaves everything else unchanged.

use serde::Serialize;
use serde_json::ser::{PrettyFormatter, Serializer};
use serde_json::{Map, Value, json};

use crate::act::guard::install::files::is_ours;

/// One hook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) event: &'static str,
    /// A call waits for this hook.
    pub(super) is_gate: bool,
    pub(super) command: String,
    pub(super) timeout: u64,
}

/// The layout of a host's hooks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// `{"hooks":{EVENT:[{"hooks":[{"type":"command","command":…,"timeout":…}]}]}}`
    Nested,
    /// The same, with a name for each hook.
    Named,
    /// `{"version":1,"hooks":{EVENT:[{"type":"command","bash":…,"timeoutSec":…}]}}`
    Copilot,
    /// `{"version":1,"hooks":{EVENT:[{"command":…,"timeout":…,"failClosed":…}]}}`
    Cursor,
}

impl Shape {
    fn entry(self, entry: &Entry) -> Value {
        let Entry {
            command, timeout, ..
        } = entry;
        match self {
            Shape::Nested => {
                json!({"hooks": [{"type": "command", "command": command, "timeout": timeout}]})
            }
            Shape::Named => json!({"hooks": [
                {"name": "saferun", "type": "command", "command": command, "timeout": timeout}
            ]}),
            Shape::Copilot => {
                json!({"type": "command", "bash": command, "timeoutSec": timeout})
            }
            Shape::Cursor if entry.is_gate => {
                json!({"command": command, "timeout": timeout, "failClosed": true})
            }
            Shape::Cursor => json!({"command": command, "timeout": timeout}),
        }
    }

    fn is_versioned(self) -> bool {
        matches!(self, Shape::Copilot | Shape::Cursor)
    }
}

/// The settings with our hooks appended to the existing ones.
pub(super) fn add(text: Option<&str>, shape: Shape, entries: &[Entry]) -> Result<String, String> {
    let mut all = parse(text.unwrap_or("{}"))?;
    if shape.is_versioned() && !all.contains_key("version") {
        all.insert("version".to_owned(), json!(1));
    }
    let hooks = all.entry("hooks").or_insert_with(|| json!({}));
    let hooks = hooks.as_object_mut().ok_or("'hooks' is not an object")?;
    for entry in entries {
        let list = hooks.entry(entry.event).or_insert_with(|| json!([]));
        let list = list.as_array_mut();
        let list = list.ok_or_else(|| format!("the hooks of {} are not a list", entry.event))?;
        list.push(shape.entry(entry));
    }
    Ok(written(&all, text))
}

/// The settings without our hooks; none if nothing else is left.
pub(super) fn remove(text: &str, shape: Shape, host: &str) -> Result<Option<String>, String> {
    let mut all = parse(text)?;
    let Some(hooks) = all.get_mut("hooks").and_then(Value::as_object_mut) else {
        return Ok(Some(text.to_owned()));
    };
    let mut is_changed = false;
    for list in hooks.values_mut().filter_map(Value::as_array_mut) {
        for group in list.iter_mut() {
            if let Some(inner) = group.get_mut("hooks").and_then(Value::as_array_mut) {
                let before = inner.len();
                inner.retain(|hook| !runs_us(hook, host));
                is_changed |= inner.len() < before;
            }
        }
        let before = list.len();
        list.retain(|group| !runs_us(group, host) && !is_emptied(group));
        is_changed |= list.len() < before;
    }
    if !is_changed {
        return Ok(Some(text.to_owned()));
    }
    hooks.retain(|_, list| list.as_array().is_none_or(|it| !it.is_empty()));
    if hooks.is_empty() {
        all.shift_remove("hooks");
    }
    let is_bare = all
        .keys()
        .all(|name| name == "version" && shape.is_versioned());
    Ok((!is_bare).then(|| written(&all, Some(text))))
}

fn runs_us(hook: &Value, host: &str) -> bool {
    ["command", "bash"]
        .iter()
        .filter_map(|name| hook.get(*name)?.as_str())
        .any(|command| is_ours(command, host))
}

/// A group that held only our hook.
fn is_emptied(group: &Value) -> bool {
    let inner = group.get("hooks").and_then(Value::as_array);
    inner.is_some_and(Vec::is_empty)
}

fn parse(text: &str) -> Result<Map<String, Value>, String> {
    let text = if text.trim().is_empty() { "{}" } else { text };
    match serde_json::from_str(text) {
        Ok(Value::Object(all)) => Ok(all),
        Ok(_) => Err("not a JSON object".to_owned()),
        Err(error) => Err(format!("not plain JSON ({error})")),
    }
}

/// Keeps the indentation of the file.
fn written(all: &Map<String, Value>, before: Option<&str>) -> String {
    let indented = before.and_then(|text| text.lines().find(|line| line.starts_with([' ', '\t'])));
    let indent = indented.map_or("  ", |line| {
        let len = line.len() - line.trim_start_matches([' ', '\t']).len();
        line.get(..len).unwrap_or("  ")
    });
    let mut text = Vec::new();
    let formatter = PrettyFormatter::with_indent(indent.as_bytes());
    let mut serializer = Serializer::with_formatter(&mut text, formatter);
    // Writing JSON to memory does not fail.
    let _ = all.serialize(&mut serializer);
    if before.is_none_or(|text| text.ends_with('\n') || text.is_empty()) {
        text.push(b'\n');
    }
    String::from_utf8_lossy(&text).into_owned()
}
