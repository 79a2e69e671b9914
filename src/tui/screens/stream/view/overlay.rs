//! What lies over the stream: proposals below the filter, and menus.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::base::text;
use crate::tui::screens::stream::Stream;
use crate::tui::screens::stream::filter_bar::Proposals;
use crate::tui::screens::stream::menu::Menu;
use crate::tui::screens::stream::view::pane;
use crate::tui::theme::Theme;
use crate::tui::widgets::paint::{self, Row};

/// Proposals at once.
const MOST: usize = 8;

pub(super) fn draw(stream: &Stream, theme: &Theme, buf: &mut Buffer) {
    if let Some(menu) = &stream.menu {
        draw_menu(menu, theme, buf);
    } else if let Some(proposals) = stream
        .filter
        .proposals
        .as_ref()
        .filter(|_| stream.filter.prompt.is_some())
    {
        draw_proposals(proposals, stream, theme, buf);
    }
}

/// ```text
///  / tool:ref
///    tool:refund
///    tool:refund_status
/// ```
fn draw_proposals(proposals: &Proposals, stream: &Stream, theme: &Theme, buf: &mut Buffer) {
    let screen = buf.area;
    // Below what is wrong with the filter, where something is.
    let top = stream.frame.regions.filter.bottom() + u16::from(stream.filter.problem.is_some());
    let first = (proposals.at.unwrap_or(0) + 1).saturating_sub(MOST);
    let shown = proposals.items.iter().enumerate().skip(first).take(MOST);
    let words = |item: &crate::query::complete::Completion| text::sanitize(&item.text).into_owned();
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
    let width = (name + help + 4).min(usize::from(screen.width)) as u16;
    let x = (proposals.column as u16 + 3).min(screen.width.saturating_sub(width));
    for ((number, item), y) in shown.zip(top..screen.bottom()) {
        let base = if proposals.at == Some(number) {
            theme.styles.selected
        } else {
            theme.styles.shadow
        };
        let area = Rect {
            x,
            y,
            width,
            height: 1,
        };
        Row::new(buf, area, 0, base)
            .put(" ", base)
            .cell(&words(item), name, base)
            .put("  ", base)
            .put(item.help, theme.styles.faint.patch(base));
    }
}

fn draw_menu(menu: &Menu, theme: &Theme, buf: &mut Buffer) {
    let screen = buf.area;
    let (room_x, room_y) = (
        screen.width.saturating_sub(4),
        screen.height.saturating_sub(4),
    );
    let widest = menu
        .items
        .iter()
        .map(|item| text::width(&item.words))
        .max()
        .unwrap_or(0);
    let width = (widest.max(menu.foot.len()) + 4).min(usize::from(room_x)) as u16;
    let height = (menu.items.len() as u16 + 4).min(room_y);
    let area = Rect {
        x: screen.x + (screen.width - width) / 2,
        y: screen.y + (screen.height - height) / 2,
        width,
        height,
    };
    let (styles, rule) = (&theme.styles, (theme.marks.horizontal, theme.styles.faint));
    for y in 0..height {
        Row::new(buf, area, y, styles.shadow);
    }
    paint::rule(buf, area, 0, rule);
    paint::rule(buf, area, height.saturating_sub(1), rule);
    let title = Rect { height: 1, ..area };
    Row::new(buf, title, 0, styles.strong).put(&format!(" {} ", menu.title), styles.strong);
    let rows = usize::from(height.saturating_sub(3));
    let first = (menu.cursor + 1).saturating_sub(rows);
    for ((number, item), y) in menu
        .items
        .iter()
        .enumerate()
        .skip(first)
        .take(rows)
        .zip(1..)
    {
        let base = if number == menu.cursor {
            styles.selected
        } else {
            styles.shadow
        };
        let mut row = Row::new(buf, area, y, base);
        row.flush_right(theme.marks.vertical, styles.faint);
        row.put(theme.marks.vertical, styles.faint)
            .put(" ", base)
            .put(&item.words, pane::tone(theme, item.tone).patch(base));
    }
    let mut row = Row::new(buf, area, height.saturating_sub(2), styles.shadow);
    row.flush_right(theme.marks.vertical, styles.faint);
    row.put(theme.marks.vertical, styles.faint)
        .put(" ", styles.faint)
        .put(menu.foot, styles.faint);
}
