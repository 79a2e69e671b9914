//! What lies over the stream: proposals below the filter, and menus.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::base::text;
use crate::tui::screens::filter_bar::view as filter_bar;
use crate::tui::screens::stream::Stream;
use crate::tui::screens::stream::menu::Menu;
use crate::tui::screens::stream::view::pane;
use crate::tui::theme::Theme;
use crate::tui::widgets::paint::{self, Row};

pub(super) fn draw(stream: &Stream, theme: &Theme, buf: &mut Buffer) {
    if let Some(menu) = &stream.input.menu {
        draw_menu(menu, theme, buf);
    } else {
        filter_bar::draw_proposals(&stream.query.bar, stream.frame.regions.filter, theme, buf);
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
