//! Drawing the help.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use crate::base::text;
use crate::tui::screens::help::{Help, Line};
use crate::tui::theme::Theme;
use crate::tui::widgets::paint::{self, Row};

/// Lines above the list.
pub(super) const HEAD: u16 = 2;
const KEYS: usize = 22;

/// ```text
///  keys for every screen                        / search
/// ──────────────────────────────────────────────────────
///  move
///    j down                next row
/// ```
pub(super) fn draw(help: &Help, theme: &Theme, area: Rect, buf: &mut Buffer) {
    let styles = &theme.styles;
    let mut row = Row::new(buf, area, 0, Style::new());
    row.put(" saferun ", styles.strong)
        .put(theme.marks.crumb, styles.faint)
        .put(" keys   / ", styles.text);
    let room = row.room();
    if help.is_typing {
        help.search
            .draw(&mut row, room, (styles.text, styles.selected));
    } else if help.search.text().is_empty() {
        row.put("searches, j k scroll, q leaves", styles.faint);
    } else {
        row.put(&text::sanitize(help.search.text()), styles.text);
    }
    paint::rule(buf, area, 1, (theme.marks.horizontal, styles.faint));
    for y in HEAD..area.height {
        Row::new(buf, area, y, Style::new());
    }
    for (line, y) in help.lines().iter().skip(help.scroll).zip(HEAD..area.height) {
        let mut row = Row::new(buf, area, y, Style::new());
        match line {
            Line::Title(group) => row.put(" ", Style::new()).put(group.title(), styles.strong),
            Line::Entry(entry) => row
                .put("   ", Style::new())
                .cell(entry.keys, KEYS, styles.key)
                .put(entry.help, styles.text),
        };
    }
}
