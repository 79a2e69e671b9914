//! One frame: the header, the view, its overlay, and the newest message.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::base::text;
use crate::tui::keys::Command;
use crate::tui::notices::Level;
use crate::tui::shell::{ScreenEffect, Shell};
use crate::tui::theme::Theme;
use crate::tui::widgets::paint;

/// Below this nothing can be read.
const SMALLEST: (u16, u16) = (40, 8);

impl Shell {
    pub fn draw(&mut self, area: Rect, buf: &mut Buffer) -> Vec<ScreenEffect> {
        let mut asked = self.end_count_if_due();
        asked.extend(self.watch_clock());
        if area.width < SMALLEST.0 || area.height < SMALLEST.1 {
            too_small(&self.theme, area, buf);
        } else {
            asked.extend(self.draw_layers(area, buf));
        }
        self.draw_count(area, buf);
        self.draw_notice(area, buf);
        self.theme.lay_ground(buf);
        if self.theme.ascii || self.theme.ascii_only {
            spell(buf, self.theme.ascii_only);
        }
        asked
    }

    fn draw_layers(&mut self, area: Rect, buf: &mut Buffer) -> Vec<ScreenEffect> {
        let below = Rect {
            y: area.y + 1,
            height: area.height - 1,
            ..area
        };
        let current = self.route.here().view;
        let mut asked = Vec::new();
        for layer in &mut self.views {
            if layer.id == current {
                let effects = layer.screen.prepare(below, &mut self.session);
                asked.push((layer.id, effects));
                layer.screen.draw(&self.theme, below, buf);
                let headline = layer.screen.headline();
                let (session, theme) = (&self.session, &self.theme);
                self.header
                    .draw((&headline, current), session, theme, (area, buf));
            }
        }
        for layer in &mut self.over {
            asked.push((layer.id, layer.screen.prepare(area, &mut self.session)));
            layer.screen.draw(&self.theme, area, buf);
        }
        asked
            .into_iter()
            .flat_map(|(id, effects)| self.obey(id, effects))
            .collect()
    }

    /// A number that waits for its `G`.
    fn draw_count(&self, area: Rect, buf: &mut Buffer) {
        let Some(count) = self.count.as_ref().filter(|count| count.is_number()) else {
            return;
        };
        let styles = &self.theme.styles;
        let keys = self.session.keymap.keys(Command::Bottom);
        let key = keys.first().map_or("", String::as_str);
        let mut row = paint::Row::new(buf, area, area.height.saturating_sub(1), styles.text);
        row.put(&format!(" {} ", count.digits), styles.strong).put(
            &format!("· {key} goes to this action · esc cancels"),
            styles.faint,
        );
    }

    /// Shows the newest message on the last line for a while.
    fn draw_notice(&mut self, area: Rect, buf: &mut Buffer) {
        let Some(notice) = self.session.notices.current(self.session.clock.now()) else {
            return;
        };
        let styles = &self.theme.styles;
        let (mark, style) = match notice.level {
            Level::Note => (self.theme.marks.quiet, styles.waiting),
            Level::Error => (self.theme.marks.error, styles.error),
        };
        let mut row = paint::Row::new(buf, area, area.height.saturating_sub(1), styles.text);
        row.put(&format!(" {mark} {}", notice.words), style);
        self.session.notices.drawn();
    }
}

fn too_small(theme: &Theme, area: Rect, buf: &mut Buffer) {
    let (width, height) = SMALLEST;
    let long = format!(
        "terminal too small ({}×{}, need {width}×{height})",
        area.width, area.height
    );
    let short = format!(
        "too small ({}×{}, need {width}×{height})",
        area.width, area.height
    );
    let words = if long.chars().count() <= usize::from(area.width) {
        long
    } else {
        short
    };
    for y in 0..area.height {
        let mut row = paint::Row::new(buf, area, y, theme.styles.text);
        if y == 0 {
            row.put(&words, theme.styles.strong);
        }
    }
}

/// Replaces our glyphs with ASCII, and everything else for terminals that show only ASCII.
fn spell(buf: &mut Buffer, only: bool) {
    for cell in &mut buf.content {
        let mut letters = cell.symbol().chars();
        let glyph = match (letters.next(), letters.next()) {
            (Some(letter), None) => text::ascii_glyph(letter),
            _ => None,
        };
        match glyph {
            Some(glyph) => {
                cell.set_char(glyph);
            }
            None if only && !cell.symbol().is_ascii() => {
                cell.set_symbol("?");
            }
            None => {}
        }
    }
}
