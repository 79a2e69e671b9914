//! Drawing what can be repeated, and the attempts as a tree of forks of the run.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use crate::analysis::models;
use crate::analysis::tape::forks::{Attempt, AttemptOutcome, Fork};
use crate::base::text;
use crate::export::words;
use crate::tui::screens::replay::Replay;
use crate::tui::screens::replay::again::Again;
use crate::tui::theme::Theme;
use crate::tui::widgets::paint::{self, Row};

/// Lines above the tree.
const ABOVE: u16 = 3;
/// The most lines of the tree.
const TALLEST: usize = 8;

/// The height of it all: what can be repeated, and the tree if there are attempts.
pub(in crate::tui::screens::replay) fn height(again: &Again) -> u16 {
    let rows = again.rows().len().min(TALLEST);
    match (rows, again.outcome.is_none()) {
        (0, true) => 2,
        (rows, _) => ABOVE + rows as u16,
    }
}

/// ```text
/// ─────────────────────────────────────────────
///  r read no template  X ask #104 again (recorded)  v serve
///  FORKS
///  ├ #104 gpt-5 ×2   same tool 1 of 2 · refund 1  escalate 1
///  │ ├ refund   same call
///  │ └ escalate
///  └ #52 read ×1
/// ```
pub(in crate::tui::screens::replay) fn forks(replay: &Replay, theme: &Theme, buf: &mut Buffer) {
    let (area, styles) = (replay.frame.regions.forks, &theme.styles);
    if area.height == 0 {
        return;
    }
    for y in 0..area.height {
        Row::new(buf, area, y, Style::new());
    }
    paint::rule(buf, area, 0, (theme.marks.horizontal, styles.faint));
    offers(replay, theme, (area, 1), buf);
    let again = &replay.again;
    if area.height < ABOVE {
        return;
    }
    let rows = again.rows();
    let mut head = Row::new(buf, area, 2, Style::new());
    head.put(" FORKS", styles.strong);
    // The tree says it too, once the attempts are read.
    if let (Some(outcome), true) = (&again.outcome, rows.is_empty()) {
        head.put("  ", styles.faint).put(outcome, styles.faint);
    }
    let height = usize::from(area.height.saturating_sub(ABOVE));
    let top = again
        .cursor
        .saturating_sub(height.saturating_sub(1))
        .min(rows.len().saturating_sub(height));
    for (y, (at, place)) in (ABOVE..area.height).zip(rows.iter().enumerate().skip(top)) {
        let is_selected = replay.is_in_forks() && at == again.cursor;
        let base = styles.row(is_selected);
        let mut row = Row::new(buf, area, y, base);
        branch(again, *place, (theme, base), &mut row);
    }
}

fn branch(
    again: &Again,
    (at, attempt): (usize, Option<usize>),
    (theme, base): (&Theme, Style),
    row: &mut Row<'_>,
) {
    let styles = &theme.styles;
    let Some(fork) = again.forks.get(at) else {
        return;
    };
    let is_last = at + 1 == again.forks.len();
    let faint = styles.faint.patch(base);
    let (tee, end) = (theme.marks.lane, theme.marks.branch);
    let Some(number) = attempt else {
        row.put(&format!(" {} ", if is_last { end } else { tee }), faint);
        head(fork, (theme, base), row);
        return;
    };
    let stem = if is_last { " " } else { theme.marks.vertical };
    let is_end = number + 1 == fork.attempts.len();
    row.put(
        &format!(" {stem} {} ", if is_end { end } else { tee }),
        faint,
    );
    if let Some(attempt) = fork.attempts.get(number) {
        let (words, style) = came(attempt, theme);
        row.put(&format!("{} ", number + 1), faint)
            .put(&words, style.patch(base));
    }
}

fn head(fork: &Fork, (theme, base): (&Theme, Style), row: &mut Row<'_>) {
    let styles = &theme.styles;
    if let Some(seq) = fork.seq {
        row.put(&format!("#{seq} "), styles.faint.patch(base));
    }
    let about = match fork.agreement {
        Some(_) => models::bare(&fork.about),
        None => &fork.about,
    };
    let about = text::sanitize(about);
    let many = format!("{about} {}{}", theme.marks.times, fork.attempts.len());
    row.put(&many, styles.model.patch(base));
    if let Some(agreement) = &fork.agreement {
        let words = agreement.words();
        row.put("  ", base)
            .put(&text::sanitize(&words), styles.text.patch(base));
    }
}

fn came(attempt: &Attempt, theme: &Theme) -> (String, Style) {
    let styles = &theme.styles;
    match &attempt.came {
        AttemptOutcome::Chose { first, is_same } => {
            let tool = first.as_ref().map_or("(no tool)", |(tool, _)| tool);
            let tool = text::sanitize(tool);
            match is_same {
                true => (format!("{tool}  the recorded choice"), styles.ok),
                false => (format!("{tool}  another choice"), styles.text),
            }
        }
        AttemptOutcome::Returned { status, is_same } => {
            let result = match is_same {
                Some(true) => "the recorded result",
                Some(false) => "another result",
                None => "no result is recorded to compare with",
            };
            let (word, _) = words::status(*status);
            (format!("{word}  {result}"), styles.text)
        }
        AttemptOutcome::Ran => ("a whole run".to_owned(), styles.text),
    }
}

/// What a key would repeat at this step.
fn offers(replay: &Replay, theme: &Theme, (area, y): (Rect, u16), buf: &mut Buffer) {
    let styles = &theme.styles;
    let mut row = Row::new(buf, area, y, Style::new());
    for (command, words) in &replay.frame.offers {
        if let Some(key) = theme.keymap.key(*command) {
            row.put(&format!(" {key} "), styles.strong)
                .put(words, styles.faint)
                .put(" ", styles.faint);
        }
    }
}

/// The question over the whole screen.
pub(in crate::tui::screens::replay) fn question(
    replay: &Replay,
    (theme, area): (&Theme, Rect),
    buf: &mut Buffer,
) {
    if let Some(asked) = &replay.again.asked {
        asked.question.draw((theme, area), buf);
    }
}
