//! A comparison as markdown, for an issue or a review.

use crate::analysis::diff::describe;
use crate::analysis::diff::label::Label;
use crate::analysis::diff::pair;
use crate::analysis::diff::words::Side as On;
use crate::export::diff::{LISTED, Page, TALLEST, action, clean, head, spent};

/// A heading, where they part, and a table of the columns that differ.
pub fn markdown(page: &Page<'_>) -> Vec<String> {
    let mut lines = vec!["## Two runs compared".to_owned(), String::new()];
    let told = head(page).into_iter();
    lines.extend(told.map(|line| {
        let words: String = line.into_iter().map(|(_, piece)| piece).collect();
        format!("- {}", cell(&words))
    }));
    lines.extend(["", "| A | B | | action |", "|--:|--:|---|---|"].map(str::to_owned));
    let mut equal = 0;
    for (at, column) in page.story.comparison.columns.iter().enumerate() {
        if column.label == Label::Same {
            equal += 1;
            continue;
        }
        skipped(&mut lines, &mut equal, page.only_changed);
        let (a, b) = (page.story.row_a(at), page.story.row_b(at));
        let number = |row: Option<u32>| row.map(|seq| seq.to_string()).unwrap_or_default();
        let told = b.as_ref().or(a.as_ref()).map(action).unwrap_or_default();
        let mut cells = vec![cell(&told)];
        if let Some((a, b)) = a.as_ref().zip(b.as_ref()) {
            let found = pair::pair(a, b, page.blind);
            cells.extend(
                found
                    .changes
                    .iter()
                    .take(LISTED)
                    .map(|it| change(&describe::describe(it))),
            );
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
    lines
}

fn skipped(lines: &mut Vec<String>, equal: &mut usize, only_changed: bool) {
    if *equal > 0 && !only_changed {
        lines.push(format!("| | | same | {equal} equal |"));
    }
    *equal = 0;
}

fn change(told: &describe::Description) -> String {
    let line = |pieces: &[crate::analysis::diff::words::Piece]| {
        let pieces = pieces.iter().map(|piece| {
            let text = cell(&clean(&piece.text));
            match (piece.side, text.trim().is_empty()) {
                (On::Both, _) | (_, true) => text,
                (On::Old, false) => format!("<del>{text}</del>"),
                (On::New, false) => format!("<ins>{text}</ins>"),
            }
        });
        pieces.collect::<String>()
    };
    let shown = told.lines.iter().take(TALLEST);
    let mut lines: Vec<String> = shown.map(|pieces| line(pieces)).collect();
    let more = told.lines.len().saturating_sub(TALLEST);
    lines.extend((more > 0).then(|| format!("… {more} more lines")));
    format!(
        "`{}` {}",
        clean(&told.path).replace('`', "'"),
        lines.join("<br>")
    )
}

/// Text that a cell of a table shows as it is.
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
