//! The lines above and below the panes.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use crate::base::text;
use crate::tui::filtering::Problem;
use crate::tui::keys::Command;
use crate::tui::screens::stream::{Focus, Stream};
use crate::tui::theme::Theme;
use crate::tui::widgets::hints;
use crate::tui::widgets::paint::{self, Row};

/// ```text
/// / tool:refund                                        ✓ 12 of 48,201 · 48,189 hidden by filter
///   ^ 'toll' is not a field · did you mean 'tool'?
/// ```
pub(super) fn draw(stream: &Stream, theme: &Theme, buf: &mut Buffer) {
    let (regions, styles, bar) = (&stream.frame.regions, &theme.styles, &stream.filter);
    let kept = &stream.frame.words.kept;
    let (mark, style) = match (&bar.problem, stream.answers.tally.unjudged) {
        (Some(_), _) => (theme.marks.wrong, styles.error),
        (None, 0) => (theme.marks.ok, styles.ok),
        (None, _) => (theme.marks.unsure, styles.waiting),
    };
    let mut row = Row::new(buf, regions.filter, 0, styles.text);
    match (&bar.problem, kept.is_empty()) {
        (Some(_), true) => row.flush_right(&format!(" {mark} not applied "), style),
        (Some(_), false) => {
            row.flush_right(&format!(" {mark} not applied · still: {kept} "), style);
        }
        (None, false) => row.flush_right(&format!(" {mark} {kept} "), style),
        (None, true) => {}
    }
    row.put(" / ", styles.strong);
    let room = row.room();
    match &bar.prompt {
        Some(prompt) => prompt.draw(&mut row, room, (styles.text, styles.selected)),
        None if bar.text.is_empty() => {
            row.put("press / to filter", styles.faint);
        }
        None => {
            row.put(&text::sanitize(&bar.text), styles.text);
        }
    }
    let below = if regions.upper_rule.height > 0 {
        regions.upper_rule
    } else {
        Rect {
            height: 0,
            ..regions.columns
        }
    };
    if below.height > 0 {
        paint::rule(buf, below, 0, (theme.marks.horizontal, styles.faint));
    }
    if let Some(problem) = &bar.problem {
        let below = if below.height > 0 {
            below
        } else {
            regions.columns
        };
        mistake(problem, theme, below, buf);
    }
}

/// The caret under the place where the text goes wrong, and what is wrong there.
fn mistake(problem: &Problem, theme: &Theme, area: Rect, buf: &mut Buffer) {
    let mut row = Row::new(buf, area, 0, theme.styles.text);
    let words = text::sanitize(&problem.message).into_owned();
    let width = text::width(&words) + 2;
    let column = problem.column + 3;
    if column + width > row.room() && width < column {
        row.skip(column - width + 1)
            .put(&words, theme.styles.error)
            .put(" ", Style::new());
        row.put(theme.marks.caret, theme.styles.error);
    } else {
        row.skip(column)
            .put(theme.marks.caret, theme.styles.error)
            .put(" ", Style::new());
        row.put(&words, theme.styles.error);
    }
}

const LIST_HINTS: &[Command] = &[
    Command::Open,
    Command::Filter,
    Command::NextError,
    Command::NextBlock,
    Command::NextTurn,
    Command::Scope,
    Command::NextPane,
    Command::Maximise,
];
const PANE_HINTS: &[Command] = &[
    Command::Down,
    Command::NextPane,
    Command::TabRight,
    Command::Maximise,
];

pub(super) fn foot(stream: &Stream, theme: &Theme, buf: &mut Buffer) {
    let (regions, styles, words) = (&stream.frame.regions, &theme.styles, &stream.frame.words);
    if regions.peek.height > 0 {
        let mut row = Row::new(buf, regions.peek, 0, styles.text);
        row.put(" ", styles.text).put(&words.peek, styles.strong);
    }
    if regions.footer.height == 0 {
        if let Some(notice) = &stream.notice {
            say(notice, theme, regions.filter, buf);
        }
        return;
    }
    paint::rule(
        buf,
        regions.lower_rule,
        0,
        (theme.marks.horizontal, styles.faint),
    );
    let mut row = Row::new(buf, regions.footer, 0, styles.text);
    row.flush_right(&format!("  {} ", words.position), styles.text);
    if let Some(notice) = &stream.notice {
        row.put(&format!(" {}", text::sanitize(notice)), styles.waiting);
        return;
    }
    hints(stream, theme, &mut row);
}

fn hints(stream: &Stream, theme: &Theme, row: &mut Row<'_>) {
    let commands = match stream.focus {
        Focus::List => LIST_HINTS,
        Focus::Inspector => PANE_HINTS,
    };
    let clears = stream.focus == Focus::List && stream.is_filtered();
    let clear = clears.then_some((Command::Cancel, "clear filter"));
    hints::draw(clear, commands, theme, row);
}

fn say(notice: &str, theme: &Theme, area: Rect, buf: &mut Buffer) {
    Row::new(buf, area, 0, theme.styles.text).put(
        &format!(" {}", text::sanitize(notice)),
        theme.styles.waiting,
    );
}
