//! A comparison of two runs as Markdown, for an issue or a review.

use serde_json::json;

use crate::analysis::diff::describe::{self, Description};
use crate::analysis::diff::label::Label;
use crate::analysis::diff::pair;
use crate::analysis::diff::text_changes::{Piece, Side as On};
use crate::export::diff::{LISTED, Page, TALLEST, action, clean, head, spent};
use crate::export::redact::{self, Masked};

/// A heading, where the runs diverge, and a table of the columns that differ. Secrets are masked.
pub fn markdown(page: &Page<'_>) -> Masked<Vec<String>> {
    let mut lines = vec!["## Two runs compared".to_owned(), String::new()];
    let mut masked = 0;
    let mut harmless = |words: &str| {
        let (words, count) = redact::masked(words);
        masked += count;
        cell(&words)
    };
    for line in head(page) {
        let words: String = line.into_iter().map(|(_, piece)| piece).collect();
        lines.push(format!("- {}", harmless(&words)));
    }
    lines.extend(["", "| A | B | | action |", "|--:|--:|---|---|"].map(str::to_owned));
    let mut equal = 0;
    let mut in_changes = 0;
    for (at, column) in page.story.comparison.columns.iter().enumerate() {
        if column.label == Label::Same {
            equal += 1;
            continue;
        }
        skipped(&mut lines, &mut equal, page.only_changed);
        let (a, b) = (page.story.row_a(at), page.story.row_b(at));
        let number = |row: Option<u32>| row.map(|seq| seq.to_string()).unwrap_or_default();
        let summary = b.as_ref().or(a.as_ref()).map(action).unwrap_or_default();
        let mut cells = vec![harmless(&summary)];
        if let Some((a, b)) = a.as_ref().zip(b.as_ref()) {
            let found = pair::pair(a, b, page.blind);
            for found in found.changes.iter().take(LISTED) {
                let (cell, count) = change(&describe::describe(found));
                cells.push(cell);
                in_changes += count;
            }
            let more = found.changes.len().saturating_sub(LISTED);
            cells.extend((more > 0).then(|| format!("… {more} more")));
            cells.extend(spent(a, b).map(|spent| cell(&spent)));
        }
        lines.push(format!(
            "| {} | {} | {} | {} |",
            number(a.map(|row| row.seq())),
            number(b.map(|row| row.seq())),
            column.label.word(),
            cells.join("<br>"),
        ));
    }
    skipped(&mut lines, &mut equal, page.only_changed);
    Masked::composed(lines, masked + in_changes)
}

fn skipped(lines: &mut Vec<String>, equal: &mut usize, only_changed: bool) {
    if *equal > 0 && !only_changed {
        lines.push(format!("| | | same | {equal} equal |"));
    }
    *equal = 0;
}

/// One difference as a cell, and how many secrets were masked in it.
fn change(found: &Description) -> (String, usize) {
    let shown = found.lines.iter().take(TALLEST);
    let (mut lines, count) =
        masked_lines(found).unwrap_or_else(|| (shown.map(|pieces| line(pieces)).collect(), 0));
    let more = found.lines.len().saturating_sub(TALLEST);
    lines.extend((more > 0).then(|| format!("… {more} more lines")));
    (
        format!("{}{}", code(&found.path), lines.join("<br>")),
        count,
    )
}

/// A path as code in a cell: it holds neither a backtick nor a bar, so nothing in it ends the code or the cell.
fn code(raw: &str) -> String {
    let (path, _) = redact::masked(raw);
    let path = clean(&path).replace('`', "'").replace('|', "¦");
    if path.is_empty() {
        return String::new();
    }
    format!("`{path}` ")
}

/// Both sides whole, where one of them holds a secret: its pieces alone would not show that. The path says what the
/// value is.
fn masked_lines(found: &Description) -> Option<(Vec<String>, usize)> {
    let side = |own: On| {
        let lines = found.lines.iter().map(|pieces| {
            let pieces = pieces
                .iter()
                .filter(|it| matches!(it.side, On::Both) || it.side == own);
            pieces.map(|it| it.text.as_str()).collect::<String>()
        });
        lines.collect::<Vec<_>>().join("\n")
    };
    let masked = json!({"path": found.path, "a": side(On::Old), "b": side(On::New)});
    let masked = Masked::from(masked);
    if masked.count() == 0 {
        return None;
    }
    let lines = |side: &str, tag: &str| {
        let text = masked.get()[side].as_str().unwrap_or_default();
        let lines = text
            .lines()
            .filter(|line| !line.trim().is_empty())
            .take(TALLEST);
        let lines: Vec<String> = lines
            .map(|line| format!("<{tag}>{}</{tag}>", cell(&clean(line))))
            .collect();
        lines
    };
    Some((
        [lines("a", "del"), lines("b", "ins")].concat(),
        masked.count(),
    ))
}

fn line(pieces: &[Piece]) -> String {
    let pieces = pieces.iter().map(|piece| {
        let text = cell(&clean(&piece.text));
        match (piece.side, text.trim().is_empty()) {
            (On::Both, _) | (_, true) => text,
            (On::Old, false) => format!("<del>{text}</del>"),
            (On::New, false) => format!("<ins>{text}</ins>"),
        }
    });
    pieces.collect()
}

/// Escapes text for a table cell.
fn cell(clean: &str) -> String {
    let mut out = String::with_capacity(clean.len());
    for char in clean.chars() {
        match char {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '|' | '*' | '_' | '`' | '[' | ']' | '\\' => out.extend(['\\', char]),
            char => out.push(char),
        }
    }
    out
}
