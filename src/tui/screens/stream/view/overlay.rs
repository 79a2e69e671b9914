//! What lies over the stream: proposals below the filter, and menus.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::base::text;
use crate::tui::screens::filter_bar::view as filter_bar;
use crate::tui::screens::stream::Stream;
use crate::tui::screens::stream::menu::Menu;
use crate::tui::screens::stream::view::pane;
use crate::tui::theme::Theme;
use crate::tui::widgets::paint::Row;
use crate::tui::widgets::popup::{self, Edges};

pub(super) fn draw(stream: &Stream, theme: &Theme, buf: &mut Buffer) {
    if let Some(menu) = &stream.input.menu {
        draw_menu(menu, theme, buf);
    } else {
        filter_bar::draw_proposals(&stream.query.bar, stream.frame.regions.filter, theme, buf);
    }
}

fn draw_menu(menu: &Menu, theme: &Theme, buf: &mut Buffer) {
    let screen = buf.area;
    let room = screen.width.saturating_sub(4);
    let words = menu.items.iter().map(|item| text::width(&item.words));
    let widest = words.max().unwrap_or(0).max(text::width(menu.foot) + 2);
    let width = (widest as u16).saturating_add(popup::AROUND).min(room);
    let height = (menu.items.len() as u16).saturating_add(2);
    let height = height.min(screen.height.saturating_sub(4));
    let area = Rect {
        x: screen.x + (screen.width - width) / 2,
        y: screen.y + (screen.height - height) / 2,
        width,
        height,
    };
    let edges = Edges {
        title: menu.title,
        hint: "",
        foot: menu.foot,
    };
    let inside = popup::draw(area, edges, theme, buf);
    let styles = &theme.styles;
    let first = (menu.cursor + 1).saturating_sub(usize::from(inside.height));
    let items = menu.items.iter().enumerate().skip(first);
    for ((number, item), y) in items.zip(0..inside.height) {
        let base = if number == menu.cursor {
            styles.selected
        } else {
            styles.shadow
        };
        let mut row = Row::new(buf, inside, y, base);
        row.flush_right(" ", base);
        row.put(" ", base)
            .put(&item.words, pane::tone(theme, item.tone).patch(base));
    }
}
