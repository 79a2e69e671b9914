//! A line to type in and a list below it that follows what is typed, laid over the top of the screen.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::base::text;
use crate::tui::keys::{Code, Key};
use crate::tui::theme::Theme;
use crate::tui::widgets::paint::Row;
use crate::tui::widgets::popup::{self, Edges};
use crate::tui::widgets::prompt::Prompt;
use crate::tui::widgets::viewport::{Extent, Viewport};

#[derive(Debug, Default)]
pub struct Chooser {
    pub prompt: Prompt,
    view: Viewport,
}

/// What a key asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChooserEvent {
    /// The text changed.
    Edited,
    /// To take what is selected.
    Taken,
    /// To put what is selected into the line.
    Completed,
    Closed,
    Nothing,
}

/// One line of the list, sanitised.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Item {
    pub name: String,
    pub about: String,
    /// Flush right: a key or a size.
    pub aside: String,
}

/// What is drawn around the list.
#[derive(Debug, Clone, Copy)]
pub struct Frame<'a> {
    /// Stands before the text.
    pub sign: &'a str,
    /// Shown after the name if there is room.
    pub hint: &'a str,
    /// What is wrong with what was typed.
    pub problem: &'a str,
}

/// Lines above the list: the edge and what is typed.
const ABOVE: u16 = 2;
/// Lines of the list at most.
const TALLEST: u16 = 14;
/// Cells of the longest name that moves the words about it to the right.
const NAME: usize = 34;

impl Chooser {
    pub fn new(text: &str) -> Chooser {
        Chooser {
            prompt: Prompt::new(text),
            view: Viewport::default(),
        }
    }

    pub fn selected(&self) -> usize {
        self.view.cursor
    }

    /// Takes a key; of a list with `len` lines.
    pub fn key(&mut self, key: Key, len: usize) -> ChooserEvent {
        let last = len.saturating_sub(1);
        let cursor = self.view.cursor;
        match (key.code, key.ctrl) {
            (Code::Esc, _) => return ChooserEvent::Closed,
            (Code::Enter, _) => return ChooserEvent::Taken,
            (Code::Tab, _) => return ChooserEvent::Completed,
            (Code::Down, _) | (Code::Char('n'), true) => self.view.cursor = (cursor + 1).min(last),
            (Code::Up, _) | (Code::Char('p'), true) => self.view.cursor = cursor.saturating_sub(1),
            (Code::PageDown, _) => self.view.cursor = (cursor + usize::from(TALLEST)).min(last),
            (Code::PageUp, _) => self.view.cursor = cursor.saturating_sub(usize::from(TALLEST)),
            _ if self.prompt.edit(key) => {
                self.view = Viewport::default();
                return ChooserEvent::Edited;
            }
            _ => {}
        }
        ChooserEvent::Nothing
    }

    /// Moves the selection by the wheel.
    pub fn roll(&mut self, down: bool, len: usize) {
        let cursor = self.view.cursor;
        self.view.cursor = if down {
            (cursor + 1).min(len.saturating_sub(1))
        } else {
            cursor.saturating_sub(1)
        };
    }

    /// The line at row `y` of the screen, of a list in `area`.
    pub fn at(&self, area: Rect, y: u16, len: usize) -> Option<usize> {
        let row = y.checked_sub(area.y + ABOVE)?;
        let at = self.view.top() + usize::from(row);
        (row < height(area, len) && at < len).then_some(at)
    }

    pub fn select(&mut self, at: usize) {
        self.view.cursor = at;
    }

    /// Brings the selected line into the window.
    pub fn settle(&mut self, area: Rect, len: usize) {
        self.view.settle(&Extent {
            len,
            rows: usize::from(height(area, len)),
            height: &|_| 1,
        });
    }

    /// ```text
    /// ┌──────────────────────────── tab completes, enter runs ┐
    /// │ : next-e█                                             │
    /// │ next-error      next error or malformed line        e │
    /// └─────────────────────────────────────────────── 1 of 3 ┘
    /// ```
    pub fn draw(
        &self,
        items: &[Item],
        frame: Frame<'_>,
        theme: &Theme,
        (area, buf): (Rect, &mut Buffer),
    ) {
        let styles = &theme.styles;
        let rows = height(area, items.len());
        let area = Rect {
            height: (rows + ABOVE + 1).min(area.height),
            ..area
        };
        let place = format!("{} of {}", self.view.cursor + 1, items.len());
        let edges = Edges {
            title: "",
            hint: frame.hint,
            foot: if items.is_empty() { "" } else { &place },
        };
        let inside = popup::draw(area, edges, theme, buf);
        let mut row = Row::new(buf, inside, 0, styles.shadow);
        if !frame.problem.is_empty() {
            row.flush_right(&format!(" {} ", frame.problem), styles.error);
        }
        row.put(&format!(" {} ", frame.sign), styles.strong);
        let room = row.room();
        self.prompt
            .draw(&mut row, room, (styles.text, styles.selected));
        let longest = items.iter().map(|item| text::width(&item.name)).max();
        let name = longest.unwrap_or(0).min(NAME) + 2;
        let shown = items.iter().enumerate().skip(self.view.top());
        for ((at, item), y) in shown.zip(1..=rows) {
            let base = if at == self.view.cursor {
                styles.selected
            } else {
                styles.shadow
            };
            let mut row = Row::new(buf, inside, y, base);
            row.flush_right(&format!(" {} ", item.aside), styles.key.patch(base));
            row.put(" ", base);
            if item.about.is_empty() {
                row.put(&item.name, styles.text.patch(base));
            } else {
                row.cell(&item.name, name, styles.text.patch(base))
                    .put(&item.about, styles.faint.patch(base));
            }
        }
    }
}

/// Lines of the list that are shown.
fn height(area: Rect, len: usize) -> u16 {
    let len = u16::try_from(len).unwrap_or(u16::MAX);
    len.min(TALLEST).min(area.height.saturating_sub(ABOVE + 1))
}

#[cfg(test)]
mod tests {
    use ratatui::layout::Rect;

    use super::{Chooser, ChooserEvent};
    use crate::tui::keys;

    #[test]
    fn what_is_typed_selects_the_first_line_again() {
        let mut chooser = Chooser::default();
        for key in keys::script("down down") {
            assert_eq!(chooser.key(key, 5), ChooserEvent::Nothing);
        }
        assert_eq!(chooser.selected(), 2);
        for key in keys::script("x") {
            assert_eq!(chooser.key(key, 5), ChooserEvent::Edited);
        }
        assert_eq!((chooser.selected(), chooser.prompt.text()), (0, "x"));
    }

    #[test]
    fn a_click_is_on_a_line_of_the_list_or_on_none() {
        let mut chooser = Chooser::default();
        let area = Rect::new(0, 1, 40, 30);
        chooser.settle(area, 3);
        assert_eq!(chooser.at(area, 2, 3), None);
        assert_eq!(chooser.at(area, 3, 3), Some(0));
        assert_eq!(chooser.at(area, 5, 3), Some(2));
        assert_eq!(chooser.at(area, 6, 3), None);
    }
}
