//! Writing runs of styled text into the cells of one row. The text must be sanitised already.

use std::ops::Range;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};

use crate::base::text;
use crate::query::needles::{self, Needle};
use crate::tui::theme::Theme;

/// A row of the screen that is filled from the left. What does not fit is cut with a mark.
#[derive(Debug)]
pub struct Row<'a> {
    buf: &'a mut Buffer,
    x: u16,
    y: u16,
    end: u16,
    /// Drawn in reverse: other colours on it would be blocks.
    is_bar: bool,
}

/// Search texts, and the style of their matches.
#[derive(Debug, Clone, Copy)]
pub struct Sought<'a> {
    pub texts: &'a [Needle],
    pub style: Style,
}

impl Sought<'_> {
    /// The first place of one of the texts, from a byte on.
    fn next(self, text: &str, from: usize) -> Option<Range<usize>> {
        needles::first(self.texts, text, from)
    }
}

/// The rule above a footer, and the row below it to write on; none where there is no room for a footer.
pub fn foot<'a>(
    buf: &'a mut Buffer,
    (rule_at, footer): (Rect, Rect),
    theme: &Theme,
) -> Option<Row<'a>> {
    let look = (theme.marks.horizontal, theme.styles.faint);
    rule(buf, rule_at, 0, look);
    (footer.height > 0).then(|| Row::new(buf, footer, 0, theme.styles.text))
}

/// A rule with a title in it; nothing where there is no room for a row.
pub fn titled(words: &str, area: Rect, theme: &Theme, buf: &mut Buffer) {
    if area.height == 0 {
        return;
    }
    let faint = theme.styles.faint;
    let mut row = Row::new(buf, area, 0, faint);
    row.put(theme.marks.horizontal, faint);
    if !words.is_empty() {
        let words = text::cut(words, row.room().saturating_sub(4)).into_owned();
        row.put(" ", faint)
            .put(&words, theme.styles.strong)
            .put(" ", faint);
    }
    let room = row.room();
    row.put(&theme.marks.horizontal.repeat(room), faint);
}

impl<'a> Row<'a> {
    /// Row `y` of `area`, wiped. Outside of the area, and where the area leaves the buffer, nothing is written.
    pub fn new(buf: &'a mut Buffer, area: Rect, y: u16, style: Style) -> Row<'a> {
        let area = area.intersection(buf.area);
        let line = Rect {
            x: area.x,
            y: area.y.saturating_add(y),
            width: area.width,
            height: 1,
        }
        .intersection(area);
        if line.is_empty() {
            let x = line.x;
            return Row {
                buf,
                x,
                y: line.y,
                end: x,
                is_bar: false,
            };
        }
        for x in line.left()..line.right() {
            if let Some(cell) = buf.cell_mut((x, line.y)) {
                cell.reset();
                cell.set_style(style);
            }
        }
        let end = line.right();
        Row {
            buf,
            x: line.x,
            y: line.y,
            end,
            is_bar: style.add_modifier.contains(Modifier::REVERSED),
        }
    }

    /// What of `style` a row may have: a bar has one look from end to end.
    fn worn(&self, style: Style) -> Style {
        if self.is_bar {
            Style::new().add_modifier(style.add_modifier & (Modifier::BOLD | Modifier::UNDERLINED))
        } else {
            style
        }
    }

    /// Writes `text` at column `x`; blanks at its ends are not underlined.
    fn write(&mut self, x: u16, text: &str, style: Style) -> u16 {
        let style = self.worn(style);
        let mut bare = style;
        bare.add_modifier.remove(Modifier::UNDERLINED);
        let lead = text.len() - text.trim_start_matches(' ').len();
        let (lead, rest) = text.split_at(lead);
        let (core, tail) = rest.split_at(rest.trim_end_matches(' ').len());
        let mut at = x;
        for (part, style) in [(lead, bare), (core, style), (tail, bare)] {
            if !part.is_empty() {
                (at, _) = self.buf.set_stringn(at, self.y, part, usize::MAX, style);
            }
        }
        at
    }

    /// Cells that are left.
    pub fn room(&self) -> usize {
        usize::from(self.end.saturating_sub(self.x))
    }

    /// The column after the last cell that can be written.
    pub fn end(&self) -> u16 {
        self.end
    }

    /// Writes `text`, cut where the row ends.
    pub fn put(&mut self, text: &str, style: Style) -> &mut Self {
        let room = self.room();
        if room > 0 {
            let shown = text::cut(text, room);
            self.x = self.write(self.x, &shown, style);
        }
        self
    }

    /// Writes `text` in exactly `cells` cells, filled with spaces.
    pub fn cell(&mut self, text: &str, cells: usize, style: Style) -> &mut Self {
        let cells = cells.min(self.room());
        let shown = text::cut(text, cells);
        let start = self.x;
        if cells > 0 {
            self.write(self.x, &shown, style);
        }
        self.x = start.saturating_add(cells as u16);
        self
    }

    /// The same, with what is looked for in another style.
    pub fn cell_with(
        &mut self,
        text: &str,
        cells: usize,
        (style, sought): (Style, Sought<'_>),
    ) -> &mut Self {
        let cells = cells.min(self.room());
        let start = self.x;
        self.put_with(&text::cut(text, cells), (style, sought));
        self.x = start.saturating_add(cells as u16);
        self
    }

    /// Writes `text`, with what is looked for in another style.
    pub fn put_with(&mut self, text: &str, (style, sought): (Style, Sought<'_>)) -> &mut Self {
        let mut done = 0;
        while let Some(found) = sought.next(text, done) {
            self.put(text.get(done..found.start).unwrap_or_default(), style);
            self.put(
                text.get(found.clone()).unwrap_or_default(),
                style.patch(sought.style),
            );
            done = found.end;
        }
        self.put(text.get(done..).unwrap_or_default(), style)
    }

    /// The same, flush right.
    pub fn right(&mut self, text: &str, cells: usize, style: Style) -> &mut Self {
        let taken = text::width(text).min(cells);
        self.skip(cells - taken);
        self.cell(text, taken, style)
    }

    /// Leaves cells empty.
    pub fn skip(&mut self, cells: usize) -> &mut Self {
        self.x = self.x.saturating_add(cells.min(self.room()) as u16);
        self
    }

    /// Writes `text` so that it ends with the row; only when all of it fits.
    pub fn flush_right(&mut self, text: &str, style: Style) {
        let width = text::width(text);
        if width <= self.room() {
            let x = self.end - width as u16;
            self.write(x, text, style);
            self.end = x;
        }
    }
}

/// Fills row `y` of `area` with a mark of one cell.
pub fn rule(buf: &mut Buffer, area: Rect, y: u16, (mark, style): (&str, Style)) {
    let width = usize::from(area.width);
    Row::new(buf, area, y, style).put(&mark.repeat(width), style);
}

#[cfg(test)]
mod tests {
    use ratatui::buffer::Buffer;
    use ratatui::layout::Rect;
    use ratatui::style::Style;

    use super::Row;
    use crate::tui::render;

    #[test]
    fn a_row_is_wiped_and_never_written_past_its_end() {
        let mut buf = Buffer::with_lines(["xxxxxxxx", "xxxxxxxx"]);
        let area = Rect::new(1, 0, 5, 1);
        Row::new(&mut buf, area, 0, Style::new())
            .cell("ab", 3, Style::new())
            .right("7", 2, Style::new())
            .put("zz", Style::new());
        Row::new(&mut buf, area, 1, Style::new()).put("out", Style::new());
        assert_eq!(render::text(&buf), "xab  7xx\nxxxxxxxx\n");
    }

    #[test]
    fn text_flush_right_takes_its_room_away() {
        let mut buf = Buffer::empty(Rect::new(0, 0, 6, 1));
        let area = buf.area;
        let mut row = Row::new(&mut buf, area, 0, Style::new());
        row.flush_right("99", Style::new());
        row.put("abcd", Style::new());
        assert_eq!(row.room(), 0);
        assert_eq!(render::text(&buf), "abcd99\n");
    }
}
