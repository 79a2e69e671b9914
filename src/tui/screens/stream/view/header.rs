//! The lines above and below the panes.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use crate::base::text;
use crate::tui::filtering::Problem;
use crate::tui::keys::Command;
use crate::tui::screens::stream::chords::Typing;
use crate::tui::screens::stream::view::pane;
use crate::tui::screens::stream::{Focus, Stream};
use crate::tui::theme::Theme;
use crate::tui::widgets::paint::{self, Row};

/// ```text
/// saferun › agent › run 7f3a91                     48,201 actions · indexing 34 % · 1.2 GB   ? help
/// / tool:refund                                        ✓ 12 of 48,201 · 48,189 hidden by filter
///   ^ 'toll' is not a field · did you mean 'tool'?
/// ```
pub(super) fn draw(stream: &Stream, theme: &Theme, buf: &mut Buffer) {
    let (regions, styles) = (&stream.frame.regions, &theme.styles);
    let words = &stream.frame.words;
    let mut row = Row::new(buf, regions.header, 0, styles.text);
    row.flush_right("? help ", styles.faint);
    if !words.loading.is_empty() {
        row.flush_right(&format!("{}   ", words.loading), styles.waiting);
    }
    let amount = format!("  {}   ", words.amount);
    let run = words.crumbs.last().map_or(0, |run| text::width(run) + 3);
    if text::width(&amount) + run <= row.room() {
        row.flush_right(&amount, styles.text);
    }
    let fitting = crumbs(&words.crumbs, row.room());
    for (place, crumb) in fitting.iter().enumerate() {
        match place {
            0 => row.put(" ", styles.faint),
            _ => row.put(&format!(" {} ", theme.marks.crumb), styles.faint),
        };
        row.put(
            crumb,
            if crumb == PROGRAM {
                styles.strong
            } else {
                styles.text
            },
        );
    }
    filter(stream, theme, buf);
}

const PROGRAM: &str = "saferun";
/// A crumb that is cut to less says nothing.
const LEAST_CRUMB: usize = 6;

/// The way in `room` cells: the crumbs on the left are shortened and left out, the run in the end never.
fn crumbs(all: &[String], room: usize) -> Vec<String> {
    let Some((run, left)) = all.split_last() else {
        return vec![PROGRAM.to_owned()];
    };
    let mut left: Vec<String> = left.to_vec();
    left.insert(0, PROGRAM.to_owned());
    loop {
        let taken: usize = left.iter().map(|crumb| text::width(crumb) + 3).sum();
        let excess = (taken + text::width(run) + 1).saturating_sub(room);
        if excess == 0 {
            break;
        }
        let names = left.iter_mut().skip(1);
        let longest = names.max_by_key(|crumb| text::width(crumb));
        if let Some(crumb) = longest.filter(|crumb| text::width(crumb) > LEAST_CRUMB) {
            let cells = text::width(crumb).saturating_sub(excess).max(LEAST_CRUMB);
            *crumb = text::cut(crumb, cells).into_owned();
        } else if left.pop().is_none() {
            break;
        }
    }
    left.push(run.clone());
    left
}

fn filter(stream: &Stream, theme: &Theme, buf: &mut Buffer) {
    let (regions, styles, bar) = (&stream.frame.regions, &theme.styles, &stream.filter);
    let kept = &stream.frame.words.kept;
    let (mark, style) = match (&bar.problem, stream.answers.tally.unjudged) {
        (Some(_), _) => (theme.marks.wrong, styles.error),
        (None, 0) => (theme.marks.ok, styles.ok),
        (None, _) => (theme.marks.unsure, styles.waiting),
    };
    let mut row = Row::new(buf, regions.filter, 0, styles.text);
    if stream.finder.prompt.is_some() {
        row.flush_right(&format!(" {} ", stream.frame.words.found), styles.string);
    }
    match (&bar.problem, kept.is_empty()) {
        (Some(_), true) => row.flush_right(&format!(" {mark} not applied "), style),
        (Some(_), false) => {
            row.flush_right(&format!(" {mark} not applied · still: {kept} "), style);
        }
        (None, false) => row.flush_right(&format!(" {mark} {kept} "), style),
        (None, true) => {}
    }
    if let Some(prompt) = &stream.finder.prompt {
        row.put(" find: ", styles.strong);
        let room = row.room();
        prompt.draw(&mut row, room, (styles.text, styles.selected));
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
        mistake(problem, theme, below.unwrap_or(regions.columns), buf);
    }
}

/// What is typed, or what is in force.
fn filter_text(stream: &Stream, theme: &Theme, row: &mut Row<'_>) {
    let (styles, bar) = (&theme.styles, &stream.filter);
    row.put(" / ", styles.strong);
    let room = row.room();
    match &bar.prompt {
        Some(prompt) => {
            let style = match (&bar.problem, stream.answers.tally.unjudged) {
                (Some(_), _) => styles.error,
                (None, 0) => styles.ok,
                (None, _) => styles.waiting,
            };
            prompt.draw(row, room, (style, styles.selected));
        }
        None if bar.text.is_empty() => {
            row.put("press / to filter", styles.faint);
        }
        None => {
            row.put(&text::sanitize(&bar.text), styles.text);
        }
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

const LAST_HINTS: &[Command] = &[Command::Help, Command::Back];
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
    Command::NextPane,
    Command::Toggle,
    Command::Yank,
    Command::Keep,
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
    if let Typing::Chord(_) = stream.typing {
        choices(stream, theme, &mut row);
        return;
    }
    if let Typing::Number(number) = stream.typing {
        row.put(&format!(" {number}"), styles.strong)
            .put(" G goes to this action", styles.faint);
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
        for (key, words) in [("n", "next"), ("N", "previous"), ("esc", "forget")] {
            hint((key, words), theme, &mut row);
        }
        return;
    }
    hints(stream, theme, &mut row);
}

/// What fits of the hints; the way to the help and the way out always have their room.
fn hints(stream: &Stream, theme: &Theme, row: &mut Row<'_>) {
    let commands = match stream.focus {
        Focus::List => LIST_HINTS,
        Focus::Inspector => PANE_HINTS,
    };
    let shown = |command: &Command| {
        let entry = command.entry();
        let key = entry.keys().next().unwrap_or_default();
        let key = if key == "enter" {
            theme.marks.enter
        } else {
            key
        };
        (key, entry.hint)
    };
    let clears = stream.focus == Focus::List && stream.is_filtered();
    let clear = clears.then_some(("esc", "clear filter"));
    let width = |(key, words): (&str, &str)| text::width(key) + text::width(words) + 3;
    let last: Vec<_> = LAST_HINTS.iter().map(shown).collect();
    let reserved: usize = last.iter().copied().map(width).sum();
    let others = clear.into_iter().chain(commands.iter().map(shown));
    for (key, words) in others {
        if width((key, words)) + reserved <= row.room() {
            hint((key, words), theme, row);
        }
    }
    for words in last {
        hint(words, theme, row);
    }
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

#[cfg(test)]
mod tests {
    use super::crumbs;

    #[test]
    fn the_crumbs_on_the_left_are_shortened_and_the_run_never() {
        let all = ["258c7280-ae70.jsonl", "support-agent", "run 7f3a91"].map(str::to_owned);
        let fit = |room| crumbs(&all, room).join(" > ");
        assert_eq!(
            fit(80),
            "saferun > 258c7280-ae70.jsonl > support-agent > run 7f3a91"
        );
        assert_eq!(fit(50), "saferun > 258c7280-… > support-agent > run 7f3a91");
        assert_eq!(fit(24), "saferun > run 7f3a91");
        assert_eq!(fit(11), "run 7f3a91");
    }
}
