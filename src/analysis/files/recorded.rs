//! What the result of a call shows of the text of a file: all of it, or the text before and after a change.

use std::sync::Arc;

use serde_json::Value;

use crate::analysis::files::names;
use crate::analysis::files::unified;

/// A text that is known, or that there was no file.
pub(super) type FileText = Option<Arc<str>>;

/// What a result shows beyond the arguments of its call.
#[derive(Debug, Default)]
pub(super) struct Recorded {
    /// The text before the change; of a read, the whole text.
    pub(super) before: Option<FileText>,
    pub(super) after: Option<Arc<str>>,
    /// The user changed what the call asked for.
    pub(super) is_altered: bool,
}

/// Members with the text before a change, and with the text after it.
const BEFORE: &[&str] = &[
    "originalFile",
    "originalFileContents",
    "originalContent",
    "before",
];
const AFTER: &[&str] = &["newContent", "after"];

/// What the record of a result holds about a change of `path`, next to the result itself.
pub(super) fn beside(record: &Value, path: &str) -> Recorded {
    let Some(shown) = display(record, path) else {
        return Recorded::default();
    };
    let text = |names: &[&str]| names.iter().find_map(|name| shown.get(*name));
    let says = |name: &str| shown.get(name).and_then(Value::as_str);
    let mut found = Recorded {
        is_altered: shown.get("userModified").and_then(Value::as_bool) == Some(true),
        ..Recorded::default()
    };
    let is_created =
        says("type") == Some("create") || shown.get("isNewFile") == Some(&Value::Bool(true));
    found.before = match text(BEFORE) {
        Some(Value::String(before)) if !is_created => Some(Some(Arc::from(before.as_str()))),
        _ if is_created => Some(None),
        _ => None,
    };
    found.after = text(AFTER).and_then(Value::as_str).map(Arc::from);
    if let (None, Some(Some(before))) = (&found.after, &found.before) {
        found.after = shown
            .get("structuredPatch")
            .and_then(|patch| patched(before, patch));
    }
    if let Some(file) = shown.get("file") {
        found.before = whole_file(file).map(Some);
    }
    found
}

/// The object that describes what happened to `path`; none if that is ambiguous.
fn display<'a>(record: &'a Value, path: &str) -> Option<&'a Value> {
    let several = record.pointer("/message/content").and_then(Value::as_array);
    let results = several.into_iter().flatten();
    let is_result = |part: &&Value| part.get("type").and_then(Value::as_str) == Some("tool_result");
    if results.filter(is_result).count() > 1 {
        return None;
    }
    let calls = record
        .get("toolCalls")
        .and_then(Value::as_array)
        .into_iter()
        .flatten();
    let calls = calls.filter_map(|call| call.get("resultDisplay"));
    let single = [
        "/toolUseResult",
        "/resultDisplay",
        "/toolCallResult/resultDisplay",
        "/state/metadata/filediff",
        "/part/state/metadata/filediff",
    ];
    let single = single.iter().filter_map(|pointer| record.pointer(pointer));
    let mut found = single.chain(calls).filter(|shown| is_about(shown, path));
    found.next().filter(|_| found.next().is_none())
}

fn is_about(shown: &Value, path: &str) -> bool {
    let file = shown.get("file");
    let named = [
        shown.get("filePath"),
        file.and_then(|file| file.get("filePath")),
        file,
        shown.get("fileName"),
    ];
    let named = named.into_iter().flatten().find_map(Value::as_str);
    named.is_some_and(|named| {
        named == path
            || path.ends_with(&format!("/{named}"))
            || named.ends_with(&format!("/{path}"))
    })
}

/// `{"content": …, "startLine": 1, "numLines": 12, "totalLines": 12}`.
fn whole_file(file: &Value) -> Option<Arc<str>> {
    let number = |name: &str| file.get(name).and_then(Value::as_u64);
    let is_whole = number("startLine") == Some(1) && number("numLines")? == number("totalLines")?;
    let text = file.get("content")?.as_str()?;
    is_whole.then(|| Arc::from(text))
}

/// `[{"oldStart": 3, "lines": [" x", "-y", "+z"]}]`.
fn patched(before: &str, patch: &Value) -> Option<Arc<str>> {
    let hunks = patch.as_array().filter(|hunks| !hunks.is_empty())?;
    let hunks = hunks.iter().map(|hunk| {
        let first = hunk.get("oldStart").and_then(Value::as_u64).unwrap_or(0);
        let lines = hunk.get("lines").and_then(Value::as_array);
        let lines = lines.into_iter().flatten().filter_map(Value::as_str);
        (
            usize::try_from(first).unwrap_or(usize::MAX),
            lines.collect(),
        )
    });
    unified::apply(before, hunks).map(Arc::from)
}

/// The whole text that a read returned; none if it may be a part, or if the end of its last line is not recorded.
pub(super) fn whole(tool: &str, args: &Value, result: &str) -> Option<String> {
    const PARTS: &[&str] = &[
        "offset",
        "limit",
        "view_range",
        "start_line",
        "end_line",
        "start",
        "end",
        "pages",
    ];
    let args = args.as_object()?;
    let is_part = |name: &&str| args.get(*name).is_some_and(|value| !value.is_null());
    if PARTS.iter().any(is_part) || names::path(args).is_none() {
        return None;
    }
    let result = result
        .split("\n\n<system-reminder>")
        .next()
        .unwrap_or(result);
    if let Some((_, listed)) = result.split_once("result of running `cat -n` on ") {
        let (_, listed) = listed.split_once(":\n")?;
        return numbered(listed.strip_suffix('\n')?, '\t');
    }
    if let Some(listed) = result.strip_prefix("<file>\n") {
        let (listed, rest) = listed.split_once("\n\n(End of file")?;
        let text = numbered(listed, '|')?;
        let total: String = rest.chars().filter(char::is_ascii_digit).collect();
        let is_all = total.is_empty() || total.parse() == Ok(text.split('\n').count());
        // Each line follows its mark after a space.
        let lines: Option<Vec<&str>> = text
            .split('\n')
            .map(|line| line.strip_prefix(' '))
            .collect();
        return lines.filter(|_| is_all).map(|lines| lines.join("\n"));
    }
    if let Some(text) = numbered(result, '→') {
        return Some(text);
    }
    let tool = tool.to_lowercase();
    (matches!(tool.as_str(), "read" | "read_file") && !is_cut(result)).then(|| result.to_owned())
}

/// Longer texts and lines are cut by the tools that number lines.
const MOST_LINES: usize = 2000;
const LONGEST: usize = 2000;

/// The text of lines that are numbered from 1; an empty last line is the end of the one before.
fn numbered(listed: &str, mark: char) -> Option<String> {
    let mut lines = Vec::new();
    for (at, line) in listed.split('\n').enumerate() {
        let (number, text) = line.split_once(mark)?;
        let is_next = number.trim().parse() == Ok(at + 1);
        if !is_next || at + 1 >= MOST_LINES || text.len() >= LONGEST {
            return None;
        }
        lines.push(text);
    }
    Some(lines.join("\n"))
}

/// Whether a text without line numbers is not a whole file but truncated, an error, or composed by a tool.
fn is_cut(text: &str) -> bool {
    let (head, tail) = (text.lines().take(3), text.lines().rev().take(3));
    let mut ends = head.chain(tail).map(str::to_lowercase);
    text.is_empty()
        || text.starts_with('<')
        || is_numbered(text)
        || ends.any(|line| {
            let words = [
                "truncated",
                "trimmed",
                "more lines",
                "[showing lines",
                "use offset=",
                "error:",
            ];
            words.iter().any(|word| line.contains(word))
        })
}

fn is_numbered(text: &str) -> bool {
    let number = text
        .split_once(['→', '\t'])
        .map(|(number, _)| number.trim());
    number.is_some_and(|number| number.parse::<usize>().is_ok())
}

/// Whether the result of a write says that the file is new.
pub(super) fn is_new(result: &str) -> bool {
    let head = result.lines().next().unwrap_or_default().to_lowercase();
    head.contains("file created")
        || head.contains("new file")
        || head.contains("created file")
        || head.starts_with("created ")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{beside, whole};

    #[track_caller]
    fn check(result: &str, expected: Option<&str>) {
        assert_eq!(
            whole("Read", &json!({"file_path": "a"}), result).as_deref(),
            expected
        );
    }

    #[test]
    fn line_numbers_are_no_part_of_the_text() {
        check(
            "     1→fn a() {\n     2→}\n     3→\n\n<system-reminder>x</system-reminder>",
            Some("fn a() {\n}\n"),
        );
        check("     2→later", None);
        check(
            "Here's the result of running `cat -n` on /a:\n     1\tx\n     2\t\n",
            Some("x\n"),
        );
        check(
            "<file>\n00001| a\n00002| \n\n(End of file - total 2 lines)\n</file>",
            Some("a\n"),
        );
        check(
            "<file>\n00001| a\n\n(File has more lines. Use 'offset')\n</file>",
            None,
        );
        check("plain\ntext\n", Some("plain\ntext\n"));
        check(
            "plain\n\n[Showing lines 1-2 of 9. Use offset=3 to continue]",
            None,
        );
    }

    #[test]
    fn a_part_is_not_the_whole() {
        let args = json!({"path": "a", "offset": 3});
        assert_eq!(whole("read", &args, "text"), None);
    }

    #[test]
    fn the_text_before_a_change_and_the_patch_made_of_it_give_the_text_after() {
        let record = json!({"toolUseResult": {
            "filePath": "/w/a", "originalFile": "1\n2\n", "userModified": false,
            "structuredPatch": [{"oldStart": 1, "lines": [" 1", "-2", "+two"]}]
        }});
        let found = beside(&record, "/w/a");
        assert_eq!(found.before.flatten().as_deref(), Some("1\n2\n"));
        assert_eq!(found.after.as_deref(), Some("1\ntwo\n"));
        assert!(beside(&record, "/w/other").before.is_none());
    }
}
