//! Drawing the help.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use crate::base::text;
use crate::tui::screens::help::{Help, Line, searched};
use crate::tui::theme::Theme;
use crate::tui::widgets::paint::{self, Row};

/// Lines above the list.
pub(super) const HEAD: u16 = 2;
const KEYS: usize = 20;

/// ```text
///  saferun › keys of Stream   / search
/// ──────────────────────────────────────────────────────
///  move
///    j down                next row
/// ```
pub(super) fn draw(help: &Help, theme: &Theme, area: Rect, buf: &mut Buffer) {
    let styles = &theme.styles;
    let mut row = Row::new(buf, area, 0, Style::new());
    row.put(" saferun ", styles.strong)
        .put(theme.marks.crumb, styles.faint)
        .put(&format!(" keys of {}   / ", help.about), styles.text);
    // Shows that the list goes on.
    let place = format!(" {} of {} ", help.view.cursor + 1, help.lines.len());
    row.flush_right(&place, styles.faint);
    let room = row.room();
    let searched = searched(help);
    if help.is_typing {
        help.search
            .draw(&mut row, room, (styles.text, styles.selected));
    } else if searched.is_empty() {
        row.put("search · enter: run the command · q: close", styles.faint);
    } else {
        row.put(&searched, styles.text);
    }
    paint::rule(buf, area, 1, (theme.marks.horizontal, styles.faint));
    for y in HEAD..area.height {
        Row::new(buf, area, y, Style::new());
    }
    let lines = help.lines.iter().enumerate().skip(help.view.top());
    for ((at, line), y) in lines.zip(HEAD..area.height) {
        let base = if at == help.view.cursor && matches!(line, Line::Entry { .. }) {
            styles.selected
        } else {
            Style::new()
        };
        let mut row = Row::new(buf, area, y, base);
        match line {
            Line::Title(title) => row.put(" ", base).put(title, styles.strong),
            Line::Entry { keys, help, .. } => row
                .put("   ", base)
                .cell(keys, KEYS, styles.key.patch(base))
                .skip(1)
                .put(help, styles.text.patch(base)),
            Line::Filter { text, means } => row
                .put("   ", base)
                .cell(text, KEYS, styles.text)
                .skip(1)
                .put(means, styles.faint),
        };
    }
    cut(help, theme, area, buf);
}

/// The end of the selected line below all others, where it did not fit.
fn cut(help: &Help, theme: &Theme, area: Rect, buf: &mut Buffer) {
    let Some(Line::Entry { help: words, .. }) = help.lines.get(help.view.cursor) else {
        return;
    };
    let room = usize::from(area.width).saturating_sub(KEYS + 4);
    if text::width(words) <= room || area.height <= HEAD + 1 {
        return;
    }
    let end = text::cut_front(words, usize::from(area.width).saturating_sub(4));
    Row::new(buf, area, area.height - 1, theme.styles.selected)
        .put("   ", theme.styles.selected)
        .put(&end, theme.styles.selected);
}
