//! The column beside the list: which part of it is on the screen, and where its errors, blocks, marks
//! and matches are.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};

use crate::tui::screens::stream::Stream;
use crate::tui::theme::Theme;
use crate::tui::widgets::paint::Row;

pub(super) fn draw(stream: &Stream, theme: &Theme, buf: &mut Buffer) {
    let area = stream.frame.regions.scroll;
    let len = stream.list.listing.len();
    if area.height == 0 || len == 0 || stream.end.is_some() {
        return;
    }
    let ticks = &stream.overview.survey.ticks;
    let rows = usize::from(area.height);
    let thumb = thumb(stream, rows, len);
    // What is on the screen whole needs no map.
    if thumb.is_empty() {
        return;
    }
    let (marks, styles) = (theme.marks, &theme.styles);
    for y in 0..rows {
        let tick = ticks.get(y).copied().unwrap_or_default();
        let is_on_screen = thumb.contains(&y);
        let (mark, style) = if stream.frame.ticks.marked.contains(&y) {
            (marks.mark, styles.waiting)
        } else if stream.frame.ticks.hits.contains(&y) {
            (marks.hit, styles.string)
        } else if tick.error {
            (marks.error, styles.error)
        } else if tick.block {
            (marks.blocked, styles.blocked)
        } else if is_on_screen {
            (marks.thumb, styles.text)
        } else {
            (marks.vertical, styles.faint)
        };
        let style = if is_on_screen && mark != marks.thumb {
            style.add_modifier(Modifier::REVERSED)
        } else {
            style
        };
        let cell = Rect {
            y: area.y + y as u16,
            height: 1,
            ..area
        };
        Row::new(buf, cell, 0, Style::new()).put(mark, style);
    }
}

/// The rows of the column that stand for what is on the screen; none where that is everything.
fn thumb(stream: &Stream, rows: usize, len: usize) -> std::ops::Range<usize> {
    let seen = &stream.frame.rows;
    let (Some(first), Some(last)) = (seen.first(), seen.last()) else {
        return 0..0;
    };
    if first.at.item == 0 && last.at.item + 1 >= len {
        return 0..0;
    }
    let top = first.at.item * rows / len;
    let end = ((last.at.item + 1) * rows).div_ceil(len).min(rows);
    top.min(rows - 1)..end.max(top + 1)
}
