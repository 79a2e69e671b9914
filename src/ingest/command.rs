//! The shell line that a call runs.

use serde_json::Value;

use crate::model::class::Class;

/// The line of a call of a shell; none for other tools.
pub fn of(tool: &str, args: &Value) -> Option<String> {
    (Class::of(tool) == Class::Shell)
        .then(|| among(args))
        .flatten()
}

/// The line among the arguments of a call of a shell.
pub fn among(args: &Value) -> Option<String> {
    let found = ["command", "cmd", "script", "input"]
        .iter()
        .find_map(|key| args.get(key));
    match found? {
        Value::String(text) => Some(text.clone()),
        Value::Array(words) => Some(of_words(words)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => None,
    }
}

/// `["bash", "-lc", "make a"]` is the line `make a`; other words are quoted where they must be.
fn of_words(words: &[Value]) -> String {
    let words: Vec<&str> = words.iter().filter_map(Value::as_str).collect();
    match words.as_slice() {
        [shell, flag, line] if is_shell(shell) && matches!(*flag, "-c" | "-lc" | "-ic") => {
            (*line).to_owned()
        }
        words => words
            .iter()
            .map(|it| quoted(it))
            .collect::<Vec<_>>()
            .join(" "),
    }
}

/// Whether a program is a shell, by its name or path.
pub fn is_shell(program: &str) -> bool {
    let name = program.rsplit('/').next().unwrap_or(program);
    matches!(name, "sh" | "bash" | "zsh" | "dash" | "ksh" | "fish")
}

fn quoted(word: &str) -> String {
    let is_plain = |it: char| it.is_alphanumeric() || "-_./:=+,@%".contains(it);
    if !word.is_empty() && word.chars().all(is_plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}
