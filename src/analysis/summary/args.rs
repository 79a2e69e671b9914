//! Finds the arguments that identify a call, by argument names rather than tool names.

use serde_json::Value;

use super::{clip, first_line, squeeze};
use crate::analysis::changes;
use crate::analysis::files::names::{self, Args};

/// Tried in order; the first that matches wins.
const KNOWN: &[fn(&Args) -> Option<String>] = &[
    command, patch, pattern, todos, file, delegate, address, question,
];

/// Identifying arguments, most telling first. The rest follow in their own order.
const TELLING: &[&str] = &[
    "id",
    "order_id",
    "order",
    "customer_id",
    "customer",
    "user_id",
    "user",
    "name",
    "key",
    "title",
    "path",
    "query",
    "sql",
    "amount",
    "to",
    "subject",
    "channel",
    "action",
];

/// How many arguments the generic form shows.
const MAX_PAIRS: usize = 5;

/// Summarises the arguments of a call; empty if there are none.
pub fn describe(args: &Value) -> String {
    match args {
        Value::Object(args) => KNOWN
            .iter()
            .find_map(|known| known(args))
            .unwrap_or_else(|| pairs(args, MAX_PAIRS)),
        Value::String(text) => patched_files(text).unwrap_or_else(|| headline(text)),
        Value::Array(items) if !items.is_empty() => command_words(items),
        Value::Null | Value::Array(_) => String::new(),
        Value::Bool(_) | Value::Number(_) => scalar(args).unwrap_or_default(),
    }
}

fn command(args: &Args) -> Option<String> {
    let value = ["command", "cmd", "script"]
        .iter()
        .find_map(|key| args.get(*key))?;
    let text = match value {
        Value::String(text) => patched_files(text).unwrap_or_else(|| headline(text)),
        Value::Array(words) => command_words(words),
        _ => return None,
    };
    // Editor tools call their verb "command" and pass the file separately.
    match path_of(args) {
        Some(path) if !text.contains(' ') => {
            let words = with_range(args, format!("{text} {path}"));
            Some(changed(args).map_or(words.clone(), |changed| format!("{words} {changed}")))
        }
        _ => (!text.is_empty()).then_some(text),
    }
}

/// `["bash", "-lc", "cargo test"]` becomes `cargo test`; any other list, its words.
fn command_words(words: &[Value]) -> String {
    let texts: Vec<&str> = words.iter().filter_map(Value::as_str).collect();
    match texts.as_slice() {
        [_shell, "-c" | "-lc", script, ..] => headline(script),
        ["apply_patch", patch] => patched_files(patch).unwrap_or_else(|| headline(patch)),
        [] => count(words.len(), "item"),
        texts => squeeze(&texts.join(" ")),
    }
}

fn patch(args: &Args) -> Option<String> {
    ["patch", "input", "diff"]
        .iter()
        .find_map(|key| patched_files(args.get(*key)?.as_str()?))
}

/// The files that a patch changes.
fn patched_files(text: &str) -> Option<String> {
    const HEADS: &[&str] = &["*** Update File: ", "*** Add File: ", "*** Delete File: "];
    if !text.contains("*** Begin Patch") {
        return None;
    }
    let files = text
        .lines()
        .filter_map(|line| HEADS.iter().find_map(|head| line.strip_prefix(head)));
    let files = files.map(squeeze).collect::<Vec<_>>().join(", ");
    Some(if files.is_empty() {
        "a patch".to_owned()
    } else {
        files
    })
}

fn pattern(args: &Args) -> Option<String> {
    let what = ["pattern", "regex", "glob", "glob_pattern"]
        .iter()
        .find_map(|key| args.get(*key)?.as_str())?;
    let mut text = squeeze(what);
    if let Some(path) = path_of(args) {
        text = format!("{} in {path}", clip(&text, 200));
    }
    Some(text)
}

fn todos(args: &Args) -> Option<String> {
    let (items, word) = match (args.get("todos"), args.get("plan")) {
        (Some(Value::Array(items)), _) => (items, "todo"),
        (_, Some(Value::Array(items))) => (items, "step"),
        _ => return None,
    };
    let state = |item: &Value| {
        item.get("status")
            .and_then(Value::as_str)
            .map(str::to_owned)
    };
    let done = items
        .iter()
        .filter(|item| state(item).as_deref() == Some("completed"))
        .count();
    let now = items
        .iter()
        .find(|item| state(item).as_deref() == Some("in_progress"));
    let now = now.and_then(|item| {
        ["activeForm", "content", "step"]
            .iter()
            .find_map(|key| first_line(item.get(*key)?.as_str()?))
    });
    let text = format!("{}, {done} done", count(items.len(), word));
    Some(now.map_or(text.clone(), |now| format!("{text}, now: {now}")))
}

fn file(args: &Args) -> Option<String> {
    let path = path_of(args)?;
    if let Some(changed) = changed(args) {
        return Some(format!("{path} {changed}"));
    }
    if let Some(Value::Array(edits)) = args.get("edits") {
        return Some(format!("{path} {}", count(edits.len(), "edit")));
    }
    let written = lines_of(args, "content").or_else(|| lines_of(args, "file_text"));
    if let Some(written) = written {
        return Some(format!("{path} +{written}"));
    }
    // It names a file and more, so it is a tool of its own kind: show its other arguments.
    let plain = [
        "offset",
        "limit",
        "view_range",
        "start_line",
        "end_line",
        "description",
        "dir_path",
    ];
    let own = args.iter().any(|(key, value)| {
        !names::PATHS.contains(&key.as_str()) && !plain.contains(&key.as_str()) && is_scalar(value)
    });
    if own {
        return None;
    }
    Some(with_range(args, path))
}

/// How many lines an edit takes away and adds.
fn changed(args: &Args) -> Option<String> {
    names::pair(args).map(|(old, new)| changes::words(old, new))
}

fn lines_of(args: &Args, key: &str) -> Option<usize> {
    Some(args.get(key)?.as_str()?.lines().count())
}

fn path_of(args: &Args) -> Option<String> {
    let folder = || args.get("dir_path").and_then(Value::as_str);
    let path = names::path(args).or_else(folder).map(squeeze)?;
    (!path.is_empty()).then(|| short_path(path))
}

/// The distinctive end of a long path: `…/summary/args.rs`.
fn short_path(path: String) -> String {
    const MAX_PATH: usize = 40;
    let size = path.chars().count();
    if size <= MAX_PATH {
        return path;
    }
    let slashes = path
        .match_indices('/')
        .map(|(at, _)| at)
        .filter(|at| *at > 0);
    let mut tails = slashes.filter_map(|at| path.get(at..));
    let fitting = tails.find(|tail| tail.chars().count() < MAX_PATH);
    let tail = fitting.or_else(|| path.rfind('/').and_then(|at| path.get(at..)));
    tail.filter(|tail| *tail != path)
        .map_or_else(|| path.clone(), |tail| format!("…{tail}"))
}

/// `src/lib.rs 1-200`: a path with its range.
fn with_range(args: &Args, path: String) -> String {
    let number = |key: &str| args.get(key).and_then(Value::as_u64);
    let view = args.get("view_range").and_then(Value::as_array);
    let view = |at: usize| view.and_then(|range| range.get(at)).and_then(Value::as_i64);
    if let (Some(from), Some(to)) = (view(0), view(1)) {
        return if to < 0 {
            format!("{path} {from}-")
        } else {
            format!("{path} {from}-{to}")
        };
    }
    if let Some(from) = number("start_line") {
        let to = number("end_line")
            .map(|to| to.to_string())
            .unwrap_or_default();
        return format!("{path} {from}-{to}");
    }
    match (number("offset"), number("limit")) {
        (None, None) => path,
        (Some(from), None) => format!("{path} {from}-"),
        (from, Some(limit)) => {
            let from = from.unwrap_or(1).max(1);
            format!(
                "{path} {from}-{}",
                from.saturating_add(limit).saturating_sub(1)
            )
        }
    }
}

/// Tasks for subagents, and questions to the user.
fn delegate(args: &Args) -> Option<String> {
    let what = args
        .get("description")
        .and_then(Value::as_str)
        .and_then(first_line)?;
    match args.get("subagent_type").and_then(Value::as_str) {
        Some(agent) => Some(format!("{}: {what}", squeeze(agent))),
        None => args.contains_key("prompt").then_some(what),
    }
}

fn address(args: &Args) -> Option<String> {
    let url = ["url", "uri"]
        .iter()
        .find_map(|key| args.get(*key)?.as_str())?;
    let method = args
        .get("method")
        .and_then(Value::as_str)
        .map(|method| format!("{method} "));
    Some(format!("{}{}", method.unwrap_or_default(), squeeze(url)))
}

fn question(args: &Args) -> Option<String> {
    let alone = |key: &str| {
        args.get(key)
            .and_then(Value::as_str)
            .filter(|_| args.len() <= 2)
    };
    [
        "query",
        "q",
        "search_query",
        "question",
        "prompt",
        "skill",
        "thought",
    ]
    .iter()
    .find_map(|key| first_line(alone(key)?))
}

/// Scalar values as `key=value`, identifying ones first, with a count of what is left out.
pub(super) fn pairs(args: &Args, most: usize) -> String {
    let rank = |key: &str| {
        TELLING
            .iter()
            .position(|it| *it == key)
            .unwrap_or(TELLING.len())
    };
    let mut sorted: Vec<(&String, &Value)> =
        args.iter().filter(|(_, value)| !value.is_null()).collect();
    sorted.sort_by_key(|(key, value)| (!is_scalar(value), rank(key)));
    let mut text: Vec<String> = sorted
        .iter()
        .take(most)
        .map(|(key, value)| pair(key, value))
        .collect();
    if sorted.len() > most {
        text.push(format!("+{} more", sorted.len() - most));
    }
    text.join(" ")
}

fn pair(key: &str, value: &Value) -> String {
    let key = clip(&squeeze(key), 40);
    match value {
        Value::Array(items) => format!("{key}[{}]", items.len()),
        Value::Object(fields) => format!("{key}{{{}}}", fields.len()),
        _ => format!("{key}={}", scalar(value).unwrap_or_default()),
    }
}

pub(super) fn is_scalar(value: &Value) -> bool {
    matches!(value, Value::String(_) | Value::Number(_) | Value::Bool(_))
}

/// A value as one word, quoted if it has several.
pub(super) fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => {
            let text = clip(&squeeze(text), 60);
            Some(if text.is_empty() || text.contains(' ') {
                format!("\"{text}\"")
            } else {
                text
            })
        }
        Value::Number(number) => Some(clip(&number.to_string(), 24)),
        Value::Bool(flag) => Some(flag.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// The first line with content, and the number of lines after it. A line that only opens the next one is joined with
/// it: `git commit -m "$(cat <<'EOF'` means little without the message.
fn headline(text: &str) -> String {
    let mut lines = text.lines().map(squeeze).filter(|line| !line.is_empty());
    let Some(mut first) = lines.next() else {
        return String::new();
    };
    for _ in 0..MAX_JOINED {
        let Some(opened) = opened(&first) else { break };
        let Some(next) = lines.next() else { break };
        first = format!("{opened}{next}");
    }
    match lines.count() {
        0 => first,
        more => format!("{} … +{}", clip(&first, 200), count(more, "line")),
    }
}

/// The most lines joined to the first.
const MAX_JOINED: usize = 3;

/// The text before the next line, if this one only opens it: with a backslash, a here-document or a quote.
fn opened(line: &str) -> Option<String> {
    if let Some(continued) = line.strip_suffix('\\') {
        return Some(format!("{} ", continued.trim_end()));
    }
    if let Some((before, mark)) = line.rsplit_once("$(cat <<") {
        let is_all = !mark.trim_start().contains(' ');
        return is_all.then(|| before.to_owned());
    }
    let quote = line
        .chars()
        .last()
        .filter(|last| matches!(last, '\'' | '"'))?;
    let before = line.strip_suffix(quote)?;
    let is_open = before.ends_with(' ') && before.matches(quote).count().is_multiple_of(2);
    is_open.then(|| line.to_owned())
}

pub(super) fn count(number: usize, word: &str) -> String {
    if number == 1 {
        format!("1 {word}")
    } else {
        format!("{number} {word}s")
    }
}
