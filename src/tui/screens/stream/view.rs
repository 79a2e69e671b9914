//! Drawing the stream: only what `prepare` put on the screen, in the roles of the theme.

mod conversation;
mod header;
mod overlay;
pub(in crate::tui::screens) mod pane;
pub(in crate::tui::screens) mod rows;
mod scroll;
mod spark;

use ratatui::buffer::Buffer;

use crate::tui::screens::stream::Stream;
use crate::tui::theme::Theme;
use crate::tui::widgets::paint;

pub(super) fn draw(stream: &Stream, theme: &Theme, buf: &mut Buffer) {
    let regions = &stream.frame.regions;
    spark::draw(stream, theme, buf);
    header::draw(stream, theme, buf);
    if regions.list.width > 0 {
        rows::head(stream, theme, buf);
        rows::draw(stream, theme, buf);
    }
    if regions.inspector.width > 0 {
        pane::draw(stream, theme, buf);
        conversation::draw(stream, theme, buf);
    }
    header::foot(stream, theme, buf);
    if regions.is_split() {
        divider(stream, theme, buf);
    }
    scroll::draw(stream, theme, buf);
    overlay::draw(stream, theme, buf);
}

fn divider(stream: &Stream, theme: &Theme, buf: &mut Buffer) {
    let regions = &stream.frame.regions;
    let column = ratatui::layout::Rect {
        x: regions.inspector.x - 1,
        width: 1,
        height: regions.inspector.height + regions.conversation.height,
        ..regions.inspector
    };
    for y in 0..column.height {
        paint::Row::new(buf, column, y, theme.styles.faint)
            .put(theme.marks.vertical, theme.styles.faint);
    }
    for (rule, mark) in [
        (regions.upper_rule, theme.marks.tee_down),
        (regions.lower_rule, theme.marks.tee_up),
    ] {
        let cell = ratatui::layout::Rect {
            x: column.x,
            width: 1,
            ..rule
        };
        // Words in the lower rule are not cut in two.
        let is_free = rule.y == regions.upper_rule.y || stream.frame.words.noticed.is_none();
        if rule.height > 0 && is_free && stream.query.bar.problem.is_none() {
            paint::Row::new(buf, cell, 0, theme.styles.faint).put(mark, theme.styles.faint);
        }
    }
}
