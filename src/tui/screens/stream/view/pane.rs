//! The inspector pane.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use crate::tui::screens::outcome;
use crate::tui::screens::stream::Stream;
use crate::tui::screens::stream::inspector::{ShownLine, Tab};
use crate::tui::screens::stream::layout::Focus;
use crate::tui::theme::Theme;
use crate::tui::widgets::outline::layout;
use crate::tui::widgets::paint::{self, Row, Sought};
use crate::tui::widgets::tone::Tone;

/// ```text
///  4103  refund                       ⊘ blocked
/// [Args] Result  Text  Policy  Raw
///  ────────────────────── 0 above · 3 below ───
///  support · 1.9s · $0.0212
///   order_id  "8841"
/// ▾ items     2 items
///  $.args.items                         y yank
/// ```
pub(super) fn draw(stream: &Stream, theme: &Theme, buf: &mut Buffer) {
    let (area, shown) = (stream.frame.regions.inspector, stream.inspector.shown());
    for y in 0..area.height {
        Row::new(buf, area, y, Style::new());
    }
    if stream.frame.rows.is_empty() && stream.subject().is_none() {
        return;
    }
    let mut row = Row::new(buf, area, 0, Style::new());
    if let Some(status) = shown.status {
        let (words, style) = outcome::status(status, theme, outcome::WIDE);
        row.flush_right(&format!(" {words} "), style);
    }
    row.put(" ", Style::new());
    line(&shown.title, theme, &mut row);
    tabs(stream, theme, buf);
    rule(shown.hidden, theme, area, buf);
    for (fact, y) in shown.facts.iter().zip(3..area.height) {
        let mut row = Row::new(buf, area, y, Style::new());
        row.put(" ", Style::new());
        line(fact, theme, &mut row);
    }
    let first = 3 + shown.facts.len() as u16;
    for (content, y) in shown.lines.iter().zip(first..area.height) {
        let base = base(content, stream, theme);
        outline_line(content, stream, theme, Row::new(buf, area, y, base));
    }
    foot(stream, theme, buf);
}

fn rule((above, below): (usize, usize), theme: &Theme, area: Rect, buf: &mut Buffer) {
    paint::rule(buf, area, 2, (theme.marks.horizontal, theme.styles.faint));
    if above + below > 0 && area.height > 3 {
        let mut row = Row::new(buf, area, 2, theme.styles.faint);
        row.flush_right(
            &format!(" {above} above · {below} below "),
            theme.styles.faint,
        );
        let rest = row.room();
        row.put(&theme.marks.horizontal.repeat(rest), theme.styles.faint);
    }
}

/// What the whole line has on it: the cursor, where the pane has the focus.
fn base(content: &ShownLine, stream: &Stream, theme: &Theme) -> Style {
    if content.is_selected && stream.split.focus == Focus::Inspector {
        theme.styles.selected
    } else {
        Style::new()
    }
}

/// The text that is searched for, wherever it occurs.
pub(super) fn sought<'a>(stream: &'a Stream, theme: &Theme) -> Sought<'a> {
    Sought {
        texts: stream.sought(),
        style: theme.styles.hit,
    }
}

fn outline_line(content: &ShownLine, stream: &Stream, theme: &Theme, mut row: Row<'_>) {
    let base = base(content, stream, theme);
    let mark = match content.fold {
        Some(true) => theme.marks.folded,
        Some(false) => theme.marks.unfolded,
        None => " ",
    };
    row.skip(1 + content.indent)
        .put(mark, theme.styles.faint.patch(base))
        .skip(layout::MARK - 1);
    let sought = sought(stream, theme);
    for (kind, piece) in &content.line {
        row.put_with(piece, (tone(theme, *kind).patch(base), sought));
    }
}

/// Where the cursor is, on the last line of the pane.
fn foot(stream: &Stream, theme: &Theme, buf: &mut Buffer) {
    let (area, shown) = (stream.frame.regions.inspector, stream.inspector.shown());
    let first = 3 + shown.facts.len() as u16;
    if area.height <= first + 1 || shown.path.is_empty() {
        return;
    }
    let mut row = Row::new(buf, area, area.height - 1, Style::new());
    row.put(" ", Style::new())
        .put(&shown.path, theme.styles.faint);
}

fn tabs(stream: &Stream, theme: &Theme, buf: &mut Buffer) {
    let mut row = Row::new(buf, stream.frame.regions.inspector, 1, Style::new());
    let has_focus = stream.split.focus == Focus::Inspector;
    for tab in Tab::ALL {
        let (style, marks) = match (*tab == stream.inspector.tab(), has_focus) {
            (true, true) => (theme.styles.selected, ("[", "]")),
            (true, false) => (theme.styles.strong, ("[", "]")),
            (false, _) => (theme.styles.faint, (" ", " ")),
        };
        row.put(&format!("{}{}{}", marks.0, tab.title(), marks.1), style);
    }
}

fn line(pieces: &[(Tone, String)], theme: &Theme, row: &mut Row<'_>) {
    for (kind, piece) in pieces {
        row.put(piece, tone(theme, *kind));
    }
}

/// The style of a piece of text.
pub(in crate::tui::screens) fn tone(theme: &Theme, tone: Tone) -> Style {
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
        Tone::Added => styles.added,
        Tone::Removed => styles.removed,
    }
}
