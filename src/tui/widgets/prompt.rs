//! A line that the user types, with its cursor.

use ratatui::style::Style;
use tui_input::Input;

use crate::base::text;
use crate::tui::keys::Key;
use crate::tui::widgets::paint::Row;

#[derive(Debug, Clone, Default)]
pub struct Prompt {
    input: Input,
}

impl Prompt {
    pub fn new(text: &str) -> Prompt {
        Prompt {
            input: Input::new(text.to_owned()),
        }
    }

    /// With the cursor between two parts of the text.
    pub fn with_cursor(before: &str, after: &str) -> Prompt {
        let cursor = before.chars().count();
        Prompt {
            input: Input::new(format!("{before}{after}")).with_cursor(cursor),
        }
    }

    /// Bytes of the text before the cursor.
    pub fn cursor(&self) -> usize {
        let letters = self.input.value().char_indices();
        let mut letters = letters.skip(self.input.cursor());
        letters
            .next()
            .map_or(self.input.value().len(), |(at, _)| at)
    }

    pub fn text(&self) -> &str {
        self.input.value()
    }

    /// Handles a key; returns whether the text changed.
    pub fn edit(&mut self, key: Key) -> bool {
        key.edit()
            .and_then(|request| self.input.handle(request))
            .is_some_and(|change| change.value)
    }

    /// Pasted text: its line ends become spaces.
    pub fn paste(&mut self, pasted: &str) {
        for letter in pasted.chars() {
            let letter = if letter.is_control() { ' ' } else { letter };
            self.input
                .handle(tui_input::InputRequest::InsertChar(letter));
        }
    }

    /// Writes the text with a visible cursor into `cells` cells, scrolled so that the cursor is seen.
    pub fn draw(
        &self,
        row: &mut Row<'_>,
        cells: usize,
        (text_style, cursor_style): (Style, Style),
    ) {
        let at = self.input.cursor();
        let head: String = self.input.value().chars().take(at).collect();
        let mut tail = self.input.value().chars().skip(at);
        let under = tail.next().map_or_else(|| " ".to_owned(), String::from);
        let tail: String = tail.collect();
        let head = tail_of(&text::sanitize(&head), cells.saturating_sub(2));
        let left = cells.saturating_sub(text::width(&head) + text::width(&under));
        row.put(&head, text_style)
            .put(&text::sanitize(&under), cursor_style);
        row.cell(&text::sanitize(&tail), left, text_style);
    }
}

/// The last part of `text` that fits `cells`.
fn tail_of(text: &str, cells: usize) -> String {
    let mut start = 0;
    for (at, _) in text.char_indices() {
        start = at;
        if text.get(at..).map_or(0, text::width) <= cells {
            return text.get(at..).unwrap_or_default().to_owned();
        }
    }
    text.get(start..)
        .filter(|rest| text::width(rest) <= cells)
        .unwrap_or_default()
        .to_owned()
}

#[cfg(test)]
mod tests {
    use ratatui::buffer::Buffer;
    use ratatui::layout::Rect;
    use ratatui::style::Style;

    use super::Prompt;
    use crate::tui::keys;
    use crate::tui::widgets::paint::Row;

    #[test]
    fn a_long_text_is_scrolled_to_its_cursor() {
        let mut prompt = Prompt::new("");
        for key in keys::script("tool:refund") {
            prompt.edit(key);
        }
        let mut buf = Buffer::empty(Rect::new(0, 0, 8, 1));
        let area = buf.area;
        prompt.draw(
            &mut Row::new(&mut buf, area, 0, Style::new()),
            8,
            (Style::new(), Style::new()),
        );
        assert_eq!(buf, Buffer::with_lines(["refund  "]));
        assert_eq!(prompt.text(), "tool:refund");
    }

    #[test]
    fn pasted_line_ends_become_spaces() {
        let mut prompt = Prompt::new("a");
        prompt.paste("b\nc\u{1b}d");
        assert_eq!(prompt.text(), "ab c d");
    }
}
