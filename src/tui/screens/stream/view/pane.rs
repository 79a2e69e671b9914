//! The inspector pane.

use ratatui::buffer::Buffer;
use ratatui::style::Style;

use crate::tui::screens::stream::inspector::Tab;
use crate::tui::screens::stream::view::rows;
use crate::tui::screens::stream::{Focus, Stream};
use crate::tui::theme::Theme;
use crate::tui::widgets::json_lines::Tone;
use crate::tui::widgets::paint::{self, Row};

/// ```text
///  4103  refund                       ⊘ blocked
///  Args  Result  Text  Policy  Raw
///  ────────────────────────────────────────────
///  support · 1.9s · $.0212
///  order_id  "8841"
///                                   12 more rows
/// ```
pub(super) fn draw(stream: &Stream, theme: &Theme, buf: &mut Buffer) {
    let (area, inspector) = (stream.frame.regions.inspector, &stream.inspector);
    for y in 0..area.height {
        Row::new(buf, area, y, Style::new());
    }
    if stream.frame.visible.is_empty() && stream.subject().is_none() {
        return;
    }
    let mut row = Row::new(buf, area, 0, Style::new());
    if let Some(status) = inspector.status() {
        let (words, style) = rows::status(status, theme, true);
        row.flush_right(&format!(" {words} "), style);
    }
    row.put(" ", Style::new());
    line(inspector.title(), theme, row);
    tabs(stream, theme, buf);
    paint::rule(buf, area, 2, (theme.marks.horizontal, theme.styles.faint));
    let lines = inspector.facts().iter().chain(inspector.visible());
    for (content, y) in lines.zip(3..area.height) {
        let mut row = Row::new(buf, area, y, Style::new());
        row.put(" ", Style::new());
        line(content, theme, row);
    }
    let (above, below, is_more) = inspector.hidden();
    if above + below > 0 && area.height > 3 {
        let plus = if is_more { "+" } else { "" };
        let mut row = Row::new(buf, area, 2, theme.styles.faint);
        row.flush_right(
            &format!(" {above} above · {below}{plus} below "),
            theme.styles.faint,
        );
        let rest = row.room();
        row.put(&theme.marks.horizontal.repeat(rest), theme.styles.faint);
    }
}

fn tabs(stream: &Stream, theme: &Theme, buf: &mut Buffer) {
    let mut row = Row::new(buf, stream.frame.regions.inspector, 1, Style::new());
    let has_focus = stream.focus == Focus::Inspector;
    for tab in Tab::ALL {
        let (style, marks) = match (*tab == stream.inspector.tab(), has_focus) {
            (true, true) => (theme.styles.selected, ("[", "]")),
            (true, false) => (theme.styles.strong, ("[", "]")),
            (false, _) => (theme.styles.faint, (" ", " ")),
        };
        row.put(&format!("{}{}{}", marks.0, tab.title(), marks.1), style);
    }
}

fn line(pieces: &[(Tone, String)], theme: &Theme, mut row: Row<'_>) {
    for (kind, piece) in pieces {
        row.put(piece, tone(theme, *kind));
    }
}

/// The style of a piece of text.
pub(super) fn tone(theme: &Theme, tone: Tone) -> Style {
    let styles = &theme.styles;
    match tone {
        Tone::Plain => styles.text,
        Tone::Faint => styles.faint,
        Tone::Strong => styles.strong,
        Tone::Key => styles.key,
        Tone::String => styles.string,
        Tone::Number => styles.number,
        Tone::Good => styles.ok,
        Tone::Bad => styles.error,
        Tone::Waiting => styles.waiting,
    }
}
