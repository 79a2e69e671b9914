//! The line about the run of the selected action: how much happened when, where it failed,
//! and what it came to.

use ratatui::buffer::Buffer;
use ratatui::style::{Modifier, Style};

use crate::analysis::shape::Cell;
use crate::base::{human, text};
use crate::tui::screens::stream::Stream;
use crate::tui::screens::stream::layout::SHAPE_LABELS;
use crate::tui::theme::Theme;
use crate::tui::widgets::paint::Row;

/// ```text
///  actions ▁▂▂▃▅▂▁▁▂▇█▇▅▂▁▁▂▃   trouble ······⊘·········✖·······   $12.84 · ⊘ 2 · ✖ 1 · ↻ 3
/// ```
pub(super) fn draw(stream: &Stream, theme: &Theme, buf: &mut Buffer) {
    let area = stream.frame.regions.spark;
    if area.height == 0 {
        return;
    }
    let styles = &theme.styles;
    let mut row = Row::new(buf, area, 0, styles.text);
    let shape = &stream.overview.survey.shape;
    let cells = stream.frame.shape_cells;
    if shape.len() != cells || stream.end.is_some() {
        return;
    }
    let most = shape.iter().map(|cell| cell.actions).max().unwrap_or(0);
    let here = |at: usize, style: Style| {
        if stream.frame.shape_at == Some(at) {
            style.add_modifier(Modifier::REVERSED)
        } else {
            style
        }
    };
    row.put(SHAPE_LABELS.0, styles.faint);
    for (at, cell) in shape.iter().enumerate() {
        // In reverse a low bar would be a high one.
        let style = if stream.frame.shape_at == Some(at) {
            styles.strong
        } else {
            styles.model
        };
        row.put(level(cell.actions, most, theme), style);
    }
    row.put(SHAPE_LABELS.1, styles.faint);
    for (at, cell) in shape.iter().enumerate() {
        let (mark, style) = trouble(cell, theme);
        row.put(mark, here(at, style));
    }
    let totals = totals(stream, theme);
    let wanted: usize = totals.iter().map(|(words, _)| text::width(words) + 3).sum();
    if wanted > row.room() {
        return;
    }
    let mut room = row.room() - wanted;
    for (number, (words, style)) in totals.into_iter().enumerate() {
        row.put("   ", styles.faint).put(&words, style);
        if number > 0 {
            continue;
        }
        // The rate of a run is shown beside its cost, if there is room.
        for words in &stream.frame.words.totals.pace {
            if let Some(left) = room.checked_sub(text::width(words) + 3) {
                row.put(" · ", styles.faint).put(words, styles.text);
                room = left;
            }
        }
    }
}

/// A stretch in which something happened is never empty.
fn level(actions: u32, most: u32, theme: &Theme) -> &'static str {
    if actions == 0 {
        return " ";
    }
    let top = theme.marks.levels.len() as u64 - 1;
    let level = u64::from(actions) * top / u64::from(most.max(1));
    theme.marks.levels[level as usize]
}

fn trouble(cell: &Cell, theme: &Theme) -> (&'static str, Style) {
    let (marks, styles) = (theme.marks, &theme.styles);
    match (cell.errors, cell.blocks) {
        (0, 0) => (marks.quiet, styles.faint),
        (_, 0) => (marks.error, styles.error),
        (_, _) => (marks.blocked, styles.blocked),
    }
}

fn totals(stream: &Stream, theme: &Theme) -> Vec<(String, Style)> {
    let (totals, styles, marks) = (&stream.frame.words.totals, &theme.styles, theme.marks);
    let cost = totals.cost.clone().unwrap_or_else(|| marks.none.to_owned());
    let counted = |mark: &str, count: u32, style: Style| {
        let style = if count > 0 { style } else { styles.faint };
        (format!("{mark} {}", human::count(count.into())), style)
    };
    vec![
        (cost, styles.number),
        counted(marks.blocked, totals.blocks, styles.blocked),
        counted(marks.error, totals.errors, styles.error),
        counted(marks.retry, totals.retries, styles.waiting),
    ]
}
