//! Drawing the files of a run.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use crate::analysis::files::Certainty;
use crate::analysis::files::unified::Sign;
use crate::base::text;
use crate::tui::keys::Command;
use crate::tui::screens::changes::{Changes, Mode, Shown};
use crate::tui::theme::{Theme, signed};
use crate::tui::widgets::hints;
use crate::tui::widgets::paint::{self, Row};

/// Lines above the list, and below it.
const HEAD: u16 = 3;
const FOOT: u16 = 2;

const ACTIONS: usize = 28;
const LINES: usize = 7;
const TEXT: usize = 9;
/// From this width on, there is a column for what calls did to a file.
const WIDE: u16 = 84;
/// The least room for a note.
const NOTE: usize = 18;

pub(super) fn list_area(area: Rect) -> Rect {
    Rect {
        y: area.y + HEAD.min(area.height),
        height: area.height.saturating_sub(HEAD + FOOT),
        ..area
    }
}

/// ```text
///  files › run 4d5611e5                     11 changed, 10 exact · 7 only read
/// ────────────────────────────────────────────────────────────────────────────
///  FILE                 ACTIONS                 ADDED  REMOVED  TEXT     NOTE
///  lib/spotter/otel.ex  1 write · 2 edits         +75      −21  exact    new
/// ────────────────────────────────────────────────────────────────────────────
///  ⏎ open  d net change
/// ```
pub(super) fn draw(changes: &Changes, theme: &Theme, area: Rect, buf: &mut Buffer) {
    for y in 0..area.height {
        Row::new(buf, area, y, Style::new());
    }
    head(changes, theme, area, buf);
    let list = changes.frame.list;
    let is_read = matches!(changes.mode, Mode::Diff { .. });
    let (cursor, top) = match &changes.mode {
        Mode::List => (changes.list.cursor, changes.list.top()),
        Mode::Events => (changes.events.cursor, changes.events.top()),
        Mode::Diff { .. } => (changes.diff.cursor, changes.diff.top()),
    };
    for (at, (shown, y)) in changes.frame.rows.iter().zip(0..list.height).enumerate() {
        let base = theme.styles.row(top + at == cursor);
        let row = Row::new(buf, list, y, base);
        put(shown, theme, base, row);
    }
    if changes.frame.rows.is_empty() && !is_read {
        let mut row = Row::new(buf, list, 1, Style::new());
        row.put("  ", Style::new())
            .put(&changes.frame.empty, theme.styles.faint);
    }
    foot(changes, theme, area, buf);
}

fn head(changes: &Changes, theme: &Theme, area: Rect, buf: &mut Buffer) {
    let styles = &theme.styles;
    let mut row = Row::new(buf, area, 0, Style::new());
    row.flush_right(&format!(" {} ", changes.frame.amount), styles.faint);
    for (at, part) in changes.frame.title.iter().enumerate() {
        if at == 0 {
            row.put(" ", styles.text).put(part, styles.strong);
        } else {
            let crumb = format!(" {} ", theme.marks.crumb);
            row.put(&crumb, styles.faint).put(part, styles.text);
        }
    }
    paint::rule(buf, area, 1, (theme.marks.horizontal, styles.faint));
    let mut row = Row::new(buf, area, 2, styles.faint);
    row.put(" ", styles.faint);
    match changes.mode {
        Mode::List => {
            let (name, note) = widths(area.width);
            row.cell("FILE", name, styles.faint).skip(1);
            if area.width >= WIDE {
                row.cell("ACTIONS", ACTIONS, styles.faint);
            }
            row.right("ADDED", LINES, styles.faint)
                .right("REMOVED", LINES + 2, styles.faint)
                .skip(2)
                .cell("TEXT", TEXT, styles.faint);
            if note > 0 {
                row.put("NOTE", styles.faint);
            }
        }
        Mode::Events => {
            row.right("#", 7, styles.faint)
                .right("TURN", 6, styles.faint)
                .skip(2)
                .cell("WHAT", 8, styles.faint)
                .cell("TOOL", 20, styles.faint)
                .right("ADDED", LINES, styles.faint)
                .right("REMOVED", LINES + 2, styles.faint)
                .skip(2)
                .put("RESULT", styles.faint);
        }
        Mode::Diff { .. } => {
            row.put("from the first known contents to the last", styles.faint);
        }
    }
}

/// Cells for the name of a file, and for the note.
fn widths(width: u16) -> (usize, usize) {
    let actions = if width >= WIDE { ACTIONS } else { 0 };
    let fixed = 1 + 1 + actions + LINES + LINES + 2 + 2 + TEXT;
    let rest = usize::from(width).saturating_sub(fixed);
    let note = (rest / 3).max(NOTE);
    if rest >= note + 24 {
        (rest - note, note)
    } else {
        (rest, 0)
    }
}

/// The style of a number of lines; faint if there is none.
fn figure(words: &str, style: Style, theme: &Theme) -> Style {
    if words.contains(|it: char| it.is_ascii_digit()) {
        signed(style)
    } else {
        theme.styles.faint
    }
}

fn put(shown: &Shown, theme: &Theme, base: Style, mut row: Row<'_>) {
    let styles = &theme.styles;
    let is_bar = base != Style::new();
    let worn = |style: Style| if is_bar { base } else { style };
    let figure = |words: &str, style: Style| worn(figure(words, style, theme));
    match shown {
        Shown::File {
            name,
            actions,
            lines: [added, removed],
            certainty,
            note,
        } => {
            let width = u16::try_from(row.room()).unwrap_or(u16::MAX);
            let (name_cells, note_cells) = widths(width);
            row.put(" ", base)
                .cell(
                    &text::cut_front(name, name_cells),
                    name_cells,
                    worn(styles.text),
                )
                .skip(1);
            if width >= WIDE {
                row.cell(actions, ACTIONS, worn(styles.faint));
            }
            row.right(added, LINES, figure(added, styles.added))
                .right(removed, LINES + 2, figure(removed, styles.removed))
                .skip(2);
            let style = match certainty {
                Certainty::Exact => styles.ok,
                Certainty::Partial => styles.faint,
                Certainty::Unknown => styles.waiting,
            };
            row.cell(certainty.word(), TEXT, worn(style));
            if note_cells > 0 {
                row.put(note, worn(styles.faint));
            }
        }
        Shown::Event {
            cells: [place, turn, verb, tool],
            lines: [added, removed],
            is_done,
            outcome,
        } => {
            let style = if *is_done { styles.faint } else { styles.error };
            row.put(" ", base)
                .right(place, 7, worn(styles.text))
                .right(turn, 6, worn(styles.faint))
                .skip(2)
                .cell(verb, 8, worn(styles.text))
                .cell(tool, 20, worn(styles.tool))
                .right(added, LINES, figure(added, styles.added))
                .right(removed, LINES + 2, figure(removed, styles.removed))
                .skip(2)
                .put(outcome, worn(style));
        }
        Shown::Line { sign, text: words } => {
            let (mark, style) = match sign {
                Sign::Hunk => ("", styles.key),
                Sign::Same => (" ", styles.text),
                Sign::Added => ("+", signed(styles.added)),
                Sign::Removed => ("-", signed(styles.removed)),
                Sign::NoEnd => ("\\ ", styles.faint),
            };
            row.put(" ", base)
                .put(mark, worn(style))
                .put(words, worn(style));
        }
    }
}

fn foot(changes: &Changes, theme: &Theme, area: Rect, buf: &mut Buffer) {
    let rule = Rect {
        y: area.bottom().saturating_sub(FOOT),
        height: 1,
        ..area
    };
    let footer = Rect {
        y: area.bottom().saturating_sub(1),
        height: 1,
        ..area
    };
    let Some(mut row) = paint::foot(buf, (rule, footer), theme) else {
        return;
    };
    row.flush_right(&format!("  {} ", changes.frame.position), theme.styles.text);
    let first = match changes.mode {
        Mode::List => Some((Command::Open, "its calls in order")),
        Mode::Events => Some((Command::Open, "in the stream")),
        Mode::Diff { .. } => None,
    };
    hints::draw(first, &[Command::NetChange], theme, &mut row);
}
