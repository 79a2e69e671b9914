//! A frame on a cleared background, for overlays.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::base::text;
use crate::tui::theme::Theme;
use crate::tui::widgets::paint::Row;

/// Cells that a frame takes from a line: an edge and a space on each side.
pub const AROUND: u16 = 4;

/// The texts in the edges of a frame.
#[derive(Debug, Clone, Copy, Default)]
pub struct Edges<'a> {
    pub title: &'a str,
    /// At the right end of the upper edge, where it fits beside the title.
    pub hint: &'a str,
    /// At the right end of the lower edge.
    pub foot: &'a str,
}

/// Clears `area`, draws the frame and returns what is within. A row of it begins and ends with a space, so
/// that a bar in it reaches from edge to edge.
///
/// ```text
/// ┌ saved filters ─────────── esc closes ┐
/// │ refunds: tool:refund                 │
/// └────────────────────────────── 1 of 4 ┘
/// ```
pub fn draw(area: Rect, edges: Edges<'_>, theme: &Theme, buf: &mut Buffer) -> Rect {
    let area = area.intersection(buf.area);
    if area.width < 2 || area.height < 2 {
        return Rect { height: 0, ..area };
    }
    let (marks, styles) = (theme.marks, &theme.styles);
    let line = styles.faint.patch(styles.shadow);
    let [upper_left, upper_right, lower_left, lower_right] = marks.corners;
    for y in 0..area.height {
        let mut row = Row::new(buf, area, y, styles.shadow);
        row.flush_right(marks.vertical, line);
        row.put(marks.vertical, line);
    }
    let mut upper = Row::new(buf, area, 0, styles.shadow);
    upper.flush_right(upper_right, line);
    let asked = text::width(edges.title) + text::width(edges.hint) + 8;
    if !edges.hint.is_empty() && asked <= upper.room() {
        upper.flush_right(&format!(" {} ", edges.hint), line);
    }
    upper.put(upper_left, line);
    if !edges.title.is_empty() {
        let title = styles.strong.patch(styles.shadow);
        upper.put(&format!(" {} ", edges.title), title);
    }
    let room = upper.room();
    upper.put(&marks.horizontal.repeat(room), line);
    let mut lower = Row::new(buf, area, area.height - 1, styles.shadow);
    lower.flush_right(lower_right, line);
    if !edges.foot.is_empty() && text::width(edges.foot) + 4 <= lower.room() {
        lower.flush_right(&format!(" {} ", edges.foot), line);
    }
    lower.put(lower_left, line);
    let room = lower.room();
    lower.put(&marks.horizontal.repeat(room), line);
    inside(area)
}

/// What is within the frame of `area`.
pub fn inside(area: Rect) -> Rect {
    Rect {
        x: area.x.saturating_add(1),
        y: area.y.saturating_add(1),
        width: area.width.saturating_sub(2),
        height: area.height.saturating_sub(2),
    }
}

#[cfg(test)]
mod tests {
    use ratatui::buffer::Buffer;
    use ratatui::layout::Rect;

    use super::{Edges, draw};
    use crate::tui::render;
    use crate::tui::theme::{Palette, Theme};

    #[track_caller]
    fn check(area: Rect, expected: &str) {
        let mut buf = Buffer::with_lines(vec!["xxxxxxxxxxxxxxxxxxxxxxxxxx"; 4]);
        let edges = Edges {
            title: "open",
            hint: "esc",
            foot: "1 of 4",
        };
        draw(area, edges, &Theme::new(Palette::None, false), &mut buf);
        assert_eq!(render::text(&buf), expected);
    }

    #[test]
    fn a_frame_is_closed_and_what_it_covers_is_gone() {
        check(
            Rect::new(1, 0, 24, 3),
            "x┌ open ─────────── esc ┐x\nx│                      │x\nx└────────────── 1 of 4 ┘x\nxxxxxxxxxxxxxxxxxxxxxxxxxx\n",
        );
    }

    #[test]
    fn a_frame_never_leaves_the_screen() {
        check(
            Rect::new(20, 2, 30, 9),
            "xxxxxxxxxxxxxxxxxxxxxxxxxx\nxxxxxxxxxxxxxxxxxxxxxxxxxx\nxxxxxxxxxxxxxxxxxxxx┌ op…┐\nxxxxxxxxxxxxxxxxxxxx└────┘\n",
        );
    }
}
