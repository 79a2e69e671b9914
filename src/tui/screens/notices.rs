//! The message log, newest first.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use crate::base::{human, text};
use crate::tui::effects::Effect;
use crate::tui::keys::{Command, Key};
use crate::tui::notices::Level;
use crate::tui::screen::{Pointer, Screen};
use crate::tui::session::Session;
use crate::tui::theme::Theme;
use crate::tui::widgets::paint::{self, Row};

#[derive(Debug, Default)]
pub struct Notices {
    scroll: usize,
    rows: usize,
    lines: Vec<(Level, String)>,
}

/// Lines above the list.
const HEAD: u16 = 2;

impl Screen for Notices {
    fn typed(&mut self, _key: Key, _session: &mut Session) -> Option<Vec<Effect>> {
        None
    }

    fn entered(&mut self, session: &mut Session) -> Vec<Effect> {
        session.notices.read();
        Vec::new()
    }

    fn update(&mut self, command: Command, _session: &mut Session) -> Vec<Effect> {
        match command {
            Command::Down => self.scroll += 1,
            Command::Up => self.scroll = self.scroll.saturating_sub(1),
            Command::PageDown | Command::HalfDown => self.scroll += self.rows,
            Command::PageUp | Command::HalfUp => {
                self.scroll = self.scroll.saturating_sub(self.rows);
            }
            Command::Top => self.scroll = 0,
            Command::Bottom => self.scroll = self.lines.len(),
            Command::Back | Command::Cancel | Command::Notices => return vec![Effect::Pop],
            _ => {}
        }
        Vec::new()
    }

    fn pointed(&mut self, pointer: Pointer, session: &mut Session) -> Vec<Effect> {
        match pointer {
            Pointer::WheelDown { .. } => self.update(Command::Down, session),
            Pointer::WheelUp { .. } => self.update(Command::Up, session),
            Pointer::Click { .. } | Pointer::Drag { .. } | Pointer::Release => Vec::new(),
        }
    }

    /// Long notices are wrapped: an error must be read to its end.
    fn prepare(&mut self, area: Rect, session: &mut Session) -> Vec<Effect> {
        self.rows = usize::from(area.height.saturating_sub(HEAD));
        let cells = usize::from(area.width.saturating_sub(13));
        self.lines.clear();
        for notice in session.notices.all().iter().rev() {
            let mut time = human::time_of_day(notice.at, &session.zone);
            for row in text::wrap(&notice.words, cells) {
                self.lines.push((notice.level, format!(" {time:8}  {row}")));
                time.clear();
            }
        }
        self.scroll = self.scroll.min(self.lines.len().saturating_sub(self.rows));
        Vec::new()
    }

    fn draw(&self, theme: &Theme, area: Rect, buf: &mut Buffer) {
        let styles = &theme.styles;
        Row::new(buf, area, 0, Style::new())
            .put(" saferun ", styles.strong)
            .put(theme.marks.crumb, styles.faint)
            .put(" messages   ", styles.text)
            .put("newest first, q leaves", styles.faint);
        paint::rule(buf, area, 1, (theme.marks.horizontal, styles.faint));
        for y in HEAD..area.height {
            Row::new(buf, area, y, Style::new());
        }
        if self.lines.is_empty() {
            Row::new(buf, area, HEAD, Style::new()).put("   no messages yet", styles.faint);
        }
        let lines = self.lines.iter().skip(self.scroll);
        for ((level, words), y) in lines.zip(HEAD..area.height) {
            let style = match level {
                Level::Note => styles.text,
                Level::Error => styles.error,
            };
            Row::new(buf, area, y, Style::new()).put(words, style);
        }
    }
}
