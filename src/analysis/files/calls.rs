//! Which files a tool call is about, and what it does to them, judged by the tool and argument names of known
//! agents.

use serde_json::Value;

use crate::analysis::files::names::{self, Args};
use crate::analysis::files::patch::{self, Action, Chunk};
use crate::analysis::files::shell;

/// What a call does to one file.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct FileEffect {
    /// As the call names it.
    pub(super) path: String,
    pub(super) what: What,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum What {
    Read,
    Write(String),
    Append(String),
    Replace(Vec<Swap>),
    /// A text after this line.
    Insert {
        line: usize,
        text: String,
    },
    Patch(Vec<Chunk>),
    /// Made by a patch.
    Add(String),
    /// Changed, but the call does not say how; with the lines that came and went, if known.
    Change(Option<(usize, usize)>),
    Delete,
    /// A patch takes the text to another path.
    MoveTo(String, Vec<Chunk>),
    /// A program of the shell may have changed it, or everything below it.
    Touch(String),
}

/// A text that is replaced by another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Swap {
    pub(super) old: String,
    pub(super) new: String,
    /// Everywhere, not only in one place.
    pub(super) is_all: bool,
}

impl FileEffect {
    pub(super) fn new(path: impl Into<String>, what: What) -> FileEffect {
        FileEffect {
            path: path.into(),
            what,
        }
    }
}

/// What a call does, in order. `result` is its result as text: some tools name their file only there.
pub(super) fn effects(tool: &str, args: &Value, result: Option<&str>) -> Vec<FileEffect> {
    match args {
        Value::Object(args) => of_fields(tool, args),
        Value::String(text) if names::is_patch(text) => patched(text),
        Value::String(text) => of_line(text, result),
        Value::Array(words) => of_words(words, None),
        Value::Null | Value::Bool(_) | Value::Number(_) => Vec::new(),
    }
}

fn of_fields(tool: &str, args: &Args) -> Vec<FileEffect> {
    if let Some(text) = names::patch(args) {
        return patched(text);
    }
    if let Some(changes) = args.get("changes") {
        return changed(changes);
    }
    let path = names::path(args);
    match (names::command(args), path) {
        (Some(Value::Array(words)), _) => return of_words(words, names::folder(args)),
        (Some(Value::String(verb)), Some(path)) if !verb.contains(char::is_whitespace) => {
            return edited(verb, path, args);
        }
        (Some(Value::String(script)), _) => return of_script(script, names::folder(args)),
        _ => {}
    }
    if let Some(code) = args.get("code").and_then(Value::as_str) {
        return of_code(code);
    }
    let what = path.and_then(|path| Some(FileEffect::new(path, of_tool(tool, args)?)));
    what.into_iter().collect()
}

/// Tools that are named for what they do.
fn of_tool(tool: &str, args: &Args) -> Option<What> {
    let tool = tool.to_lowercase();
    let says = |words: &[&str]| words.iter().any(|word| tool.contains(word));
    if let Some(Value::Array(edits)) = args.get("edits") {
        let swaps = edits.iter().filter_map(|edit| swap(edit.as_object()?));
        let swaps: Vec<Swap> = swaps.collect();
        let is_whole = swaps.len() == edits.len();
        return Some(if is_whole {
            What::Replace(swaps)
        } else {
            What::Change(None)
        });
    }
    if let Some(swap) = swap(args) {
        return Some(What::Replace(vec![swap]));
    }
    // OpenHands wraps its editor in a line of Python.
    if let Some(code) = args.get("translated_ipython_code").and_then(Value::as_str) {
        let is_view = code.contains("'command': 'view'") || code.is_empty();
        return Some(if is_view {
            What::Read
        } else {
            What::Change(None)
        });
    }
    if says(&["delete", "remove"]) {
        return Some(What::Delete);
    }
    match names::content(args) {
        Some(text) if says(&["append"]) => return Some(What::Append(text.to_owned())),
        Some(text) if says(&["write", "create", "save"]) => {
            return Some(What::Write(text.to_owned()));
        }
        Some(_) | None => {}
    }
    if says(&[
        "edit", "write", "create", "replace", "patch", "modif", "insert",
    ]) {
        return Some(What::Change(None));
    }
    let reads = ["read", "view", "open", "cat", "get_file"];
    says(&reads[..1]).then_some(What::Read).or_else(|| {
        let name = tool.rsplit("__").next().unwrap_or(&tool);
        reads
            .iter()
            .any(|it| name.starts_with(it))
            .then_some(What::Read)
    })
}

fn swap(args: &Args) -> Option<Swap> {
    let (old, new) = names::pair(args)?;
    let flag = |name: &str| args.get(name).and_then(Value::as_bool).unwrap_or(false);
    let several = args.get("expected_replacements").and_then(Value::as_u64);
    Some(Swap {
        old: old.to_owned(),
        new: new.to_owned(),
        is_all: ["replace_all", "replaceAll", "allow_multiple"]
            .into_iter()
            .any(flag)
            || several.is_some_and(|count| count > 1),
    })
}

/// Editors that take a verb: `view`, `create`, `str_replace`, `insert`.
fn edited(verb: &str, path: &str, args: &Args) -> Vec<FileEffect> {
    let text = |name: &str| args.get(name).and_then(Value::as_str).map(str::to_owned);
    let what = match verb {
        "view" | "read" | "open" => What::Read,
        "create" | "write" => text("file_text")
            .or_else(|| text("content"))
            .map_or(What::Change(None), What::Write),
        "str_replace" | "replace" => {
            let old = text("old_str").or_else(|| text("old_string"));
            // A text that is left out is empty.
            let new = text("new_str").or_else(|| text("new_string"));
            old.map_or(What::Change(None), |old| {
                What::Replace(vec![Swap {
                    old,
                    new: new.unwrap_or_default(),
                    is_all: false,
                }])
            })
        }
        "insert" => {
            let line = args.get("insert_line").and_then(Value::as_u64);
            let text = text("new_str").or_else(|| text("insert_text"));
            match (line.and_then(|line| usize::try_from(line).ok()), text) {
                (Some(line), Some(text)) => What::Insert { line, text },
                _ => What::Change(None),
            }
        }
        "undo_edit" => What::Change(None),
        "delete" => What::Delete,
        _ => return Vec::new(),
    };
    vec![FileEffect::new(path, what)]
}

fn patched(text: &str) -> Vec<FileEffect> {
    let changes = patch::read(text).into_iter();
    let effects = changes.map(|change| {
        let what = match change.action {
            Action::Add(text) => What::Add(text),
            Action::Delete => What::Delete,
            Action::Update {
                to: Some(to),
                chunks,
            } => What::MoveTo(to, chunks),
            Action::Update { to: None, chunks } if chunks.is_empty() => What::Change(None),
            Action::Update { to: None, chunks } => What::Patch(chunks),
        };
        FileEffect::new(change.path, what)
    });
    effects.collect()
}

/// A list of changed files without their text: `[{"path": …, "kind": "add"}]`.
fn changed(changes: &Value) -> Vec<FileEffect> {
    let what = |kind: Option<&str>| match kind {
        Some("delete") => What::Delete,
        Some(_) | None => What::Change(None),
    };
    match changes {
        Value::Array(items) => {
            let effects = items.iter().filter_map(|item| {
                let path = names::path(item.as_object()?)?;
                Some(FileEffect::new(
                    path,
                    what(item.get("kind").and_then(Value::as_str)),
                ))
            });
            effects.collect()
        }
        Value::Object(by_path) => {
            let effects = by_path.iter().map(|(path, change)| {
                let text = |pointer: &str| change.pointer(pointer).and_then(Value::as_str);
                let kind = text("/type").or_else(|| text("/kind"));
                match (text("/add/content"), kind, text("/content")) {
                    (Some(text), ..) | (None, Some("add"), Some(text)) => {
                        FileEffect::new(path, What::Add(text.to_owned()))
                    }
                    _ if change.get("delete").is_some() => FileEffect::new(path, What::Delete),
                    _ => FileEffect::new(path, what(kind)),
                }
            });
            effects.collect()
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Vec::new(),
    }
}

/// `["bash", "-lc", "…"]` or `["apply_patch", "…"]`.
fn of_words(words: &[Value], folder: Option<&str>) -> Vec<FileEffect> {
    let texts: Vec<&str> = words.iter().filter_map(Value::as_str).collect();
    match texts.as_slice() {
        [_shell, "-c" | "-lc", script, ..] => of_script(script, folder),
        ["apply_patch", text] => patched(text),
        texts => {
            let quoted = texts
                .iter()
                .map(|word| format!("'{}'", word.replace('\'', "'\\''")));
            of_script(&quoted.collect::<Vec<_>>().join(" "), folder)
        }
    }
}

fn of_script(script: &str, folder: Option<&str>) -> Vec<FileEffect> {
    if names::is_patch(script) && script.contains("apply_patch") {
        return patched(script);
    }
    shell::effects(script, folder)
}

/// A line of SWE-agent: its file commands say in the result which file is open, the others are for the shell.
fn of_line(text: &str, result: Option<&str>) -> Vec<FileEffect> {
    let (line, rest) = text.split_once('\n').unwrap_or((text, ""));
    let mut words = line.split_whitespace();
    let shown = result.and_then(shown_file);
    let named =
        |words: &mut std::str::SplitWhitespace<'_>| shown.or(words.next()).map(str::to_owned);
    let effect = match words.next() {
        Some("open" | "goto" | "scroll_up" | "scroll_down") => {
            shown.map(|path| FileEffect::new(path, What::Read))
        }
        Some("create") => named(&mut words).map(|path| FileEffect::new(path, What::Change(None))),
        Some("edit") => {
            let range = words.next().and_then(|range| range.split_once(':'));
            let number = |text: &str| text.parse::<usize>().ok();
            let range = range.and_then(|(from, to)| Some((number(from)?, number(to)?)));
            let added = rest
                .lines()
                .take_while(|line| *line != "end_of_edit")
                .count();
            let lines = range.map(|(from, to)| (added, (to + 1).saturating_sub(from)));
            shown.map(|path| FileEffect::new(path, What::Change(lines)))
        }
        _ => return shell::effects(text, None),
    };
    effect.into_iter().collect()
}

/// `[File: /src/a.py (120 lines total)]`.
fn shown_file(result: &str) -> Option<&str> {
    let (_, rest) = result.split_once("[File: ")?;
    let (path, _) = rest.split_once(" (")?;
    (!path.contains('\n')).then_some(path)
}

/// The file functions that OpenHands offers in Python.
fn of_code(code: &str) -> Vec<FileEffect> {
    const FUNCTIONS: &[(&str, bool)] = &[
        ("open_file(", false),
        ("edit_file_by_replace(", true),
        ("insert_content_at_line(", true),
        ("append_file(", true),
        ("create_file(", true),
        ("edit_file(", true),
    ];
    let mut found = Vec::new();
    for (function, is_change) in FUNCTIONS {
        for (at, _) in code.match_indices(function) {
            let rest = code.get(at + function.len()..).unwrap_or_default();
            let mut rest = rest.trim_start().trim_start_matches("file_name=").chars();
            let Some(quote) = rest.next().filter(|it| matches!(it, '\'' | '"')) else {
                continue;
            };
            if let Some((path, _)) = rest
                .as_str()
                .split_once(quote)
                .filter(|(path, _)| !path.is_empty())
            {
                let what = if *is_change {
                    What::Change(None)
                } else {
                    What::Read
                };
                found.push(FileEffect::new(path, what));
            }
        }
    }
    found
}
