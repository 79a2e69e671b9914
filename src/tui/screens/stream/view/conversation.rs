//! The conversation around the selected action, below the inspector: on a large screen, or where it leaves room.

use ratatui::buffer::Buffer;
use ratatui::style::Style;

use crate::tui::screens::stream::Stream;
use crate::tui::theme::Theme;
use crate::tui::widgets::paint::{self, Row};

/// ```text
///  ── conversation ─────────────────────────
///  ▷ Refund order 8841, it arrived damaged.
///  ◆ I will look at your order first.
///    later
///  ◆ The refund is on its way.
/// ```
pub(super) fn draw(stream: &Stream, theme: &Theme, buf: &mut Buffer) {
    let area = stream.frame.regions.conversation;
    if area.height == 0 {
        return;
    }
    let (styles, faint) = (&theme.styles, theme.styles.faint);
    for y in 0..area.height {
        Row::new(buf, area, y, Style::new());
    }
    paint::rule(buf, area, 0, (theme.marks.horizontal, faint));
    let mut row = Row::new(buf, area, 0, faint);
    row.put(&theme.marks.horizontal.repeat(2), faint)
        .put(" conversation ", faint);
    let room = row.room();
    row.put(&theme.marks.horizontal.repeat(room), faint);
    let mut y = 1;
    for message in &stream.inspector.conversation.messages {
        for (number, line) in message.rows.iter().enumerate() {
            if y >= area.height {
                return;
            }
            let mut row = Row::new(buf, area, y, Style::new());
            let mark = if number == 0 {
                theme.marks.kind(message.kind)
            } else {
                " "
            };
            let style = if message.is_before {
                styles.text
            } else {
                faint
            };
            row.put(" ", style)
                .put(mark, theme.kind(message.kind))
                .put(" ", style);
            if number == 0 {
                row.flush_right(&format!(" {}", message.seq), faint);
            }
            row.put(line, style);
            y += 1;
        }
    }
}
