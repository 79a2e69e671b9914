//! The lines above and below the panes.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use crate::base::text;
use crate::tui::keys::Command;
use crate::tui::screens::filter_bar::view as filter_bar;
use crate::tui::screens::stream::Stream;
use crate::tui::screens::stream::chords::Typing;
use crate::tui::screens::stream::kept;
use crate::tui::screens::stream::layout::Focus;
use crate::tui::screens::stream::view::pane;
use crate::tui::theme::Theme;
use crate::tui::widgets::hints;
use crate::tui::widgets::paint::{self, Row};

/// ```text
/// / tool:refund                                        ✓ 12 of 48,201 · 48,189 hidden by filter
///   ^ 'toll' is not a field · did you mean 'tool'?
/// ```
pub(super) fn draw(stream: &Stream, theme: &Theme, buf: &mut Buffer) {
    let (regions, styles, bar) = (&stream.frame.regions, &theme.styles, &stream.query.bar);
    let (mark, style) = match (&bar.problem, stream.query.answers.tally.unjudged) {
        _ if bar.is_incomplete => (theme.marks.unsure, styles.waiting),
        (Some(_), _) => (theme.marks.wrong, styles.error),
        (None, _) if bar.has_failed => (theme.marks.wrong, styles.error),
        (None, 0) => (theme.marks.ok, styles.ok),
        (None, _) => (theme.marks.unsure, styles.waiting),
    };
    let mut row = Row::new(buf, regions.filter, 0, styles.text);
    if stream.finder.prompt.is_some() {
        row.flush_right(&format!(" {} ", stream.frame.words.found), styles.string);
    }
    let words = &stream.frame.words;
    // Without a filter, the line names the policy where the filter would be.
    let left = if bar.text.is_empty() {
        &words.what_if
    } else {
        &bar.text
    };
    let most = bar.beside(left, row.room());
    let words = match &bar.problem {
        _ if bar.is_incomplete => bar.waiting(&words.counted, row.room()),
        Some(_) => bar.refused(mark, &words.counted, most),
        None if bar.has_failed => filter_bar::failed(theme),
        None if words.kept.is_empty() => String::new(),
        None => {
            let around = text::width(mark) + 3;
            let kept = kept::fitting(&words.kept, most.saturating_sub(around));
            format!(" {mark} {kept} ")
        }
    };
    row.flush_right(&text::cut(&words, most), style);
    if let Some(prompt) = &stream.finder.prompt {
        row.put(" find: ", styles.strong);
        let room = row.room();
        prompt.draw(&mut row, room, (styles.text, styles.selected));
    } else if let Some(note) = &stream.input.note {
        row.put(&format!(" note on {}: ", note.letter), styles.strong);
        let room = row.room();
        note.prompt
            .draw(&mut row, room, (styles.text, styles.selected));
    } else if let Some(prompt) = &stream.extras.prompt {
        row.put(" | ", styles.strong)
            .put("column of: ", styles.faint);
        let room = row.room();
        prompt.draw(&mut row, room, (styles.text, styles.selected));
    } else {
        filter_text(stream, theme, &mut row);
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
        let lines = [regions.spark, below, regions.columns];
        let below = lines.into_iter().find(|line| line.height > 0);
        filter_bar::mistake(problem, theme, below.unwrap_or(regions.columns), buf);
    }
}

/// What is typed, or what is in force.
fn filter_text(stream: &Stream, theme: &Theme, row: &mut Row<'_>) {
    let (styles, bar) = (&theme.styles, &stream.query.bar);
    row.put(" / ", styles.strong);
    let room = row.room();
    match &bar.prompt {
        Some(prompt) => {
            let style = match (&bar.problem, stream.query.answers.tally.unjudged) {
                (Some(_), _) => styles.error,
                (None, 0) => styles.ok,
                (None, _) => styles.waiting,
            };
            prompt.draw(row, room, (style, styles.selected));
        }
        None if bar.text.is_empty() && !stream.frame.words.what_if.is_empty() => {
            row.put(&stream.frame.words.what_if, styles.text);
        }
        None if bar.text.is_empty() => {
            row.put("press / to filter", styles.faint);
        }
        None => {
            row.put(&text::sanitize(&bar.text), styles.text);
        }
    }
}

const LIST_HINTS: &[Command] = &[
    Command::Open,
    Command::Filter,
    Command::NextError,
    Command::NextBlock,
    Command::NextTurn,
    Command::OnlyTrouble,
    Command::Yank,
    Command::NextPane,
    Command::Maximise,
];
const PANE_HINTS: &[Command] = &[
    Command::Down,
    Command::Toggle,
    Command::NextAction,
    Command::Yank,
    Command::Keep,
    Command::Maximise,
];

pub(super) fn foot(stream: &Stream, theme: &Theme, buf: &mut Buffer) {
    let (regions, styles, words) = (&stream.frame.regions, &theme.styles, &stream.frame.words);
    let bar = &stream.query.bar;
    if regions.peek.height > 0 {
        let mut row = Row::new(buf, regions.peek, 0, styles.text);
        row.put(" ", styles.text).put(&words.peek, styles.strong);
    }
    if regions.footer.height == 0 && stream.input.typing != Typing::Nothing {
        let mut row = Row::new(buf, regions.filter, 0, styles.text);
        choices(stream, theme, &mut row);
        return;
    }
    if regions.footer.height == 0 {
        if let Some(notice) = &stream.notice {
            say(&notice.words, theme, regions.filter, buf);
        }
        return;
    }
    paint::rule(
        buf,
        regions.lower_rule,
        0,
        (theme.marks.horizontal, styles.faint),
    );
    noticed(stream, theme, buf);
    let mut row = Row::new(buf, regions.footer, 0, styles.text);
    row.flush_right(&format!("  {} ", words.position), styles.text);
    if let Typing::Chord(_) = stream.input.typing {
        choices(stream, theme, &mut row);
        return;
    }
    if let Some(notice) = &stream.notice {
        row.put(
            &format!(" {}", text::sanitize(&notice.words)),
            styles.waiting,
        );
        return;
    }
    if !words.found.is_empty() {
        row.put(&format!(" {}  ", words.found), styles.string);
        let esc = if stream.finder.is_carried {
            "back"
        } else {
            "forget"
        };
        for words in [("n", "next"), ("N", "previous"), ("esc", esc)] {
            if text::width(words.0) + text::width(words.1) + 3 <= row.room() {
                hint(words, theme, &mut row);
            }
        }
        return;
    }
    if bar.prompt.is_some() {
        hints::typing(theme, &mut row);
    } else {
        hints(stream, theme, &mut row);
    }
}

fn hints(stream: &Stream, theme: &Theme, row: &mut Row<'_>) {
    let commands = match stream.split.focus {
        Focus::List => LIST_HINTS,
        Focus::Inspector => PANE_HINTS,
    };
    let first = match stream.split.focus {
        Focus::List if stream.is_narrowed() => Some((Command::Cancel, "clear filter")),
        Focus::List => None,
        Focus::Inspector => Some((Command::NextPane, "next tab")),
    };
    hints::draw(first, commands, theme, row);
}

/// The most important sentence about the data, in the rule above the footer.
fn noticed(stream: &Stream, theme: &Theme, buf: &mut Buffer) {
    let (rule, faint) = (theme.marks.horizontal, theme.styles.faint);
    let Some((tone, words)) = &stream.frame.words.noticed else {
        return;
    };
    let mut row = Row::new(buf, stream.frame.regions.lower_rule, 0, faint);
    row.put(&rule.repeat(2), faint)
        .put(" ! ", pane::tone(theme, *tone))
        .put(words, pane::tone(theme, *tone))
        .put(" ", faint);
    let room = row.room();
    row.put(&rule.repeat(room), faint);
}

/// What the second key can be.
fn choices(stream: &Stream, theme: &Theme, row: &mut Row<'_>) {
    for (key, words) in &stream.frame.words.choices {
        let key = key.to_string();
        if text::width(words) + 4 <= row.room() {
            hint((&key, words), theme, row);
        }
    }
    if text::width("esc cancel") + 2 <= row.room() {
        hint(("esc", "cancel"), theme, row);
    }
}

fn hint((key, words): (&str, &str), theme: &Theme, row: &mut Row<'_>) {
    row.put(" ", Style::new()).put(key, theme.styles.strong);
    row.put(" ", Style::new())
        .put(words, theme.styles.faint)
        .put(" ", Style::new());
}

fn say(notice: &str, theme: &Theme, area: Rect, buf: &mut Buffer) {
    Row::new(buf, area, 0, theme.styles.text).put(
        &format!(" {}", text::sanitize(notice)),
        theme.styles.waiting,
    );
}
