//! Draws the completions of a filter line, and the caret under an error.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use crate::base::text;
use crate::query::complete::Completion;
use crate::tui::filtering::Problem;
use crate::tui::screens::filter_bar::FilterBar;
use crate::tui::theme::Theme;
use crate::tui::widgets::paint::Row;
use crate::tui::widgets::popup::{self, Edges};

/// Proposals at once.
const MOST: usize = 8;

/// ```text
///  / tool:ref
///  ┌─────────────────────┐
///  │ tool:refund         │
///  │ tool:refund_status  │
///  └─────────────────────┘
/// ```
pub fn draw_proposals(bar: &FilterBar, line: Rect, theme: &Theme, buf: &mut Buffer) {
    let proposals = bar.proposals.as_ref().filter(|_| bar.prompt.is_some());
    let Some(proposals) = proposals else {
        return;
    };
    let screen = buf.area;
    // Below what is wrong with the filter, where something is.
    let top = line.bottom() + u16::from(bar.problem.is_some());
    let first = (proposals.at.unwrap_or(0) + 1).saturating_sub(MOST);
    let shown = proposals.items.iter().enumerate().skip(first).take(MOST);
    let words = |item: &Completion| text::sanitize(&item.text).into_owned();
    let name = proposals
        .items
        .iter()
        .map(|item| text::width(&words(item)))
        .max()
        .unwrap_or(0)
        .min(40);
    let help = proposals
        .items
        .iter()
        .map(|item| text::width(item.help))
        .max()
        .unwrap_or(0);
    let width =
        (name + help + 2 + usize::from(popup::AROUND)).min(usize::from(screen.width)) as u16;
    let height = (shown.len() as u16).saturating_add(2);
    let area = Rect {
        // The proposals stand below what they would replace.
        x: (proposals.column as u16 + 1).min(screen.width.saturating_sub(width)),
        y: top,
        width,
        height: height.min(screen.bottom().saturating_sub(top)),
    };
    let count = proposals.items.len();
    let foot = if count > MOST {
        format!("{} of {count}", proposals.at.map_or(0, |at| at + 1))
    } else {
        String::new()
    };
    let edges = Edges {
        foot: &foot,
        ..Edges::default()
    };
    let inside = popup::draw(area, edges, theme, buf);
    for ((number, item), y) in shown.zip(0..inside.height) {
        let base = if proposals.at == Some(number) {
            theme.styles.selected
        } else {
            theme.styles.shadow
        };
        let mut row = Row::new(buf, inside, y, base);
        row.flush_right(" ", base);
        row.put(" ", base)
            .cell(&words(item), name, theme.styles.text.patch(base))
            .put("  ", base)
            .put(item.help, theme.styles.faint.patch(base));
    }
}

/// What is typed or in force, and on the right what it keeps: in words, and counted.
pub fn draw_line(bar: &FilterBar, (kept, counted): (&str, &str), theme: &Theme, mut row: Row<'_>) {
    let styles = &theme.styles;
    let most = bar.beside(&bar.text, row.room());
    let (right, style) = match (&bar.problem, &bar.parsed) {
        _ if bar.is_incomplete => (bar.waiting(counted, row.room()), styles.waiting),
        (Some(_), _) => (bar.refused(theme.marks.wrong, counted, most), styles.error),
        (None, Some(_)) if bar.has_failed => (failed(theme), styles.error),
        (None, Some(_)) => (format!(" {} {kept} ", theme.marks.ok), styles.ok),
        (None, None) => (format!(" {kept} "), styles.faint),
    };
    row.flush_right(&text::cut(&right, most), style);
    row.put(" / ", styles.strong);
    let room = row.room();
    match &bar.prompt {
        Some(prompt) => {
            let style = if bar.problem.is_some() {
                styles.error
            } else {
                styles.ok
            };
            prompt.draw(&mut row, room, (style, styles.selected));
        }
        None if bar.text.is_empty() => {
            row.put("press / to filter", styles.faint);
        }
        None => {
            row.put(&text::sanitize(&bar.text), styles.text);
        }
    }
}

/// The words beside a filter whose search failed.
pub fn failed(theme: &Theme) -> String {
    format!(" {} the search failed ", theme.marks.wrong)
}

/// The caret under the error, and its message.
pub fn mistake(problem: &Problem, theme: &Theme, area: Rect, buf: &mut Buffer) {
    let mut row = Row::new(buf, area, 0, theme.styles.text);
    let words = text::sanitize(&problem.message).into_owned();
    let width = text::width(&words) + 2;
    let column = problem.column + 3;
    if column + width > row.room() && width < column {
        row.skip(column - width + 1)
            .put(&words, theme.styles.error)
            .put(" ", Style::new());
        row.put(theme.marks.caret, theme.styles.error);
    } else {
        row.skip(column)
            .put(theme.marks.caret, theme.styles.error)
            .put(" ", Style::new());
        row.put(&words, theme.styles.error);
    }
}
