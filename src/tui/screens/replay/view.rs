//! Drawing the replay: only what `prepare` settled, in the roles of the theme.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};

use crate::analysis::context::Exactness;
use crate::analysis::replay::events::Event;
use crate::base::{human, text};
use crate::export::words::{self, Role};
use crate::tui::keys::Command;
use crate::tui::screens::replay::Replay;
use crate::tui::screens::replay::scrub::Bead;
use crate::tui::screens::replay::seen::{Line, Seen};
use crate::tui::theme::Theme;
use crate::tui::widgets::hints;
use crate::tui::widgets::paint::{self, Row};

const HINTS: &[Command] = &[
    Command::StepBack,
    Command::StepOn,
    Command::TurnOn,
    Command::NextSame,
    Command::NextError,
    Command::FirstError,
    Command::Autoplay,
    Command::Unchanged,
    Command::Mark,
    Command::Open,
];

pub(super) fn draw(replay: &Replay, theme: &Theme, buf: &mut Buffer) {
    let regions = &replay.frame.regions;
    if let Some(words) = replay.frame.words.empty {
        let mut row = Row::new(buf, regions.title, 0, Style::new());
        row.put(&format!(" {words}"), theme.styles.faint);
        return;
    }
    title(replay, theme, buf);
    scrubber(replay, theme, buf);
    let rule = (theme.marks.horizontal, theme.styles.faint);
    paint::rule(buf, regions.upper_rule, 0, rule);
    paint::rule(buf, regions.lower_rule, 0, rule);
    if regions.is_split() {
        divider(replay, theme, buf);
    }
    draw_seen(replay, theme, buf);
    state(replay, theme, buf);
    step(replay, theme, buf);
    let mut foot = Row::new(buf, regions.footer, 0, Style::new());
    hints::draw(None, HINTS, theme, &mut foot);
}

/// ```text
///  turn 17/31 · step 104/204   ● recorded: the body of the request, as it was sent        steps show the record
/// ```
fn title(replay: &Replay, theme: &Theme, buf: &mut Buffer) {
    let styles = &theme.styles;
    let mut row = Row::new(buf, replay.frame.regions.title, 0, Style::new());
    let (aside, style) = match replay.notice {
        Some(notice) => (notice, styles.waiting),
        None => ("steps show the record · nothing runs", styles.faint),
    };
    row.flush_right(&format!(" {aside} "), style);
    row.put(" ", styles.text)
        .put(&replay.frame.words.place, styles.strong);
    if let Some(mark) = replay.frame.words.mark {
        row.put(&format!("  {} {mark}", theme.marks.mark), styles.key);
    }
}

/// ```text
///  |━━━━━━━━━━●─────┊─────✖──| ×1  13:02:11 › 13:07:55
/// ```
fn scrubber(replay: &Replay, theme: &Theme, buf: &mut Buffer) {
    let (regions, styles, marks) = (&replay.frame.regions, &theme.styles, theme.marks);
    let mut row = Row::new(buf, regions.scrubber, 0, Style::new());
    row.put(" ", styles.text).put(marks.vertical, styles.faint);
    let here = replay.scrub.cell_of(replay.at);
    for (cell, bead) in replay.scrub.cells.iter().enumerate() {
        let (mark, style) = match bead {
            Bead::Mark => (marks.mark, styles.key),
            Bead::Event(Event::Error) => (marks.error, styles.error),
            Bead::Event(Event::Stopped) => (marks.blocked, styles.blocked),
            Bead::Event(Event::Approval) => (marks.waiting, styles.waiting),
            Bead::Event(Event::Compaction) => (marks.falling, styles.note),
            Bead::Plain if cell < here => (marks.passed, styles.model),
            Bead::Plain => (marks.horizontal, styles.faint),
        };
        if cell == here {
            let mark = if *bead == Bead::Plain {
                marks.hit
            } else {
                mark
            };
            row.put(mark, style.add_modifier(Modifier::REVERSED));
        } else {
            row.put(mark, style);
        }
    }
    row.put(marks.vertical, styles.faint);
    let speed = replay.play.words(marks.times);
    let (playing, style) = if replay.play.is_on() {
        (" playing", styles.ok)
    } else {
        ("", styles.faint)
    };
    row.put(&format!(" {speed}{playing}"), style);
    row.flush_right(&format!(" {} ", replay.frame.words.times), styles.faint);
}

fn divider(replay: &Replay, theme: &Theme, buf: &mut Buffer) {
    let regions = &replay.frame.regions;
    let x = regions.seen.right();
    let marks = theme.marks;
    let mut put = |y: u16, mark: &str| {
        if let Some(cell) = buf.cell_mut((x, y)) {
            cell.set_symbol(mark).set_style(theme.styles.faint);
        }
    };
    for y in regions.seen.top()..regions.seen.bottom() {
        put(y, marks.vertical);
    }
    if regions.upper_rule.height > 0 {
        put(regions.upper_rule.y, marks.tee_down);
        put(regions.lower_rule.y, marks.tee_up);
    }
}

/// A line of the left pane.
enum Shown<'a> {
    Part(&'a Line),
    /// So many parts that the model had seen before, and their size.
    Folded(usize, u64),
    Head(&'static str),
    Missing(&'a str),
}

/// The parts in order; those the model had already seen are folded unless unfolded by the user.
fn shown(seen: &Seen, is_unfolded: bool) -> Vec<Shown<'_>> {
    let mut shown = Vec::new();
    let mut folded = (0, 0);
    let has_new = seen.lines.iter().any(|line| line.is_new);
    for line in &seen.lines {
        if has_new && !is_unfolded && !line.is_new && !line.is_member {
            folded = (folded.0 + 1, folded.1 + line.estimate);
            continue;
        }
        if folded.0 > 0 {
            shown.push(Shown::Folded(folded.0, folded.1));
            folded = (0, 0);
        }
        shown.push(Shown::Part(line));
    }
    if folded.0 > 0 {
        shown.push(Shown::Folded(folded.0, folded.1));
    }
    if !seen.missing.is_empty() {
        shown.push(Shown::Head("not in the trace"));
        shown.extend(seen.missing.iter().map(|words| Shown::Missing(words)));
    }
    shown
}

/// Lines above the parts.
const HEAD: u16 = 4;

impl Replay {
    /// The last part does not leave the pane.
    pub(super) fn bound_scroll(&mut self) {
        let lines = match &self.seen.shown {
            Some(seen) => shown(seen, self.is_unfolded).len(),
            None => 0,
        };
        let rows = usize::from(self.frame.regions.seen.height.saturating_sub(HEAD));
        self.scroll = self.scroll.min(lines.saturating_sub(rows));
    }
}

fn draw_seen(replay: &Replay, theme: &Theme, buf: &mut Buffer) {
    let (area, styles) = (replay.frame.regions.seen, &theme.styles);
    for y in 0..area.height {
        Row::new(buf, area, y, Style::new());
    }
    if area.height < HEAD {
        return;
    }
    let mut row = Row::new(buf, area, 0, Style::new());
    row.put(" WHAT THE MODEL SAW", styles.strong);
    let Some(call) = replay.seen.call else {
        let words = "no model call after this action";
        Row::new(buf, area, 1, Style::new()).put(&format!(" {words}"), styles.faint);
        return;
    };
    let Some(seen) = replay.seen.shown.as_ref().filter(|seen| seen.call == call) else {
        row.put("  reading…", styles.faint);
        return;
    };
    row.put(&format!("  {}", seen.title), styles.model);
    let badge = match seen.exactness {
        Exactness::Recorded => (theme.marks.hit, styles.ok),
        Exactness::Reconstructed => (theme.marks.unsure, styles.waiting),
    };
    Row::new(buf, area, 1, Style::new())
        .put(&format!(" {} {}", badge.0, seen.exactness.word()), badge.1)
        .put(
            &format!(" · {}", words::exactness(seen.exactness)),
            styles.faint,
        );
    let mut row = Row::new(buf, area, 2, Style::new());
    row.flush_right(&format!(" {} ", seen.api), styles.faint);
    row.put(&format!(" {}", seen.fill), styles.text);
    let lines = shown(seen, replay.is_unfolded);
    let rows = usize::from(area.height - HEAD);
    let left = (
        replay.scroll,
        lines.len().saturating_sub(replay.scroll + rows),
    );
    rule(area, left, theme, buf);
    for (line, y) in lines.iter().skip(replay.scroll).zip(HEAD..area.height) {
        part(line, theme, &mut Row::new(buf, area, y, Style::new()));
    }
}

fn rule(area: Rect, (above, below): (usize, usize), theme: &Theme, buf: &mut Buffer) {
    paint::rule(buf, area, 3, (theme.marks.horizontal, theme.styles.faint));
    if above + below > 0 {
        let mut row = Row::new(buf, area, 3, theme.styles.faint);
        let words = format!(" {above} above · {below} below ");
        row.flush_right(&words, theme.styles.faint);
        let rest = row.room();
        row.put(&theme.marks.horizontal.repeat(rest), theme.styles.faint);
    }
}

const WHO: usize = 9;

fn part(line: &Shown<'_>, theme: &Theme, row: &mut Row<'_>) {
    let styles = &theme.styles;
    match line {
        Shown::Folded(count, tokens) => {
            row.put(&format!(" {} ", theme.marks.folded), styles.faint);
            let words = format!(
                "{} as before · {}{} tokens",
                human::counted(*count as u64, "part"),
                theme.marks.about,
                human::count(*tokens)
            );
            row.put(&words, styles.faint);
        }
        Shown::Head(words) => {
            row.put(&format!(" {words}"), styles.strong);
        }
        Shown::Missing(words) => {
            row.put(&format!(" {} {words}", theme.marks.none), styles.faint);
        }
        Shown::Part(line) => {
            let about = if line.tokens == words::NOTHING {
                String::new()
            } else {
                theme.marks.about.to_owned()
            };
            row.flush_right(&format!(" {about}{} ", line.tokens), styles.faint);
            let (mark, style) = match (line.is_new, line.is_rebuilt) {
                (true, _) => ("+", styles.added),
                (false, true) => (theme.marks.unsure, styles.faint),
                (false, false) => (" ", styles.faint),
            };
            let who = match line.who.as_str() {
                "user" => styles.prompt,
                "assistant" => styles.model,
                "tool" => styles.tool,
                _ => styles.note,
            };
            row.put(mark, style)
                .cell(&line.who, WHO, who)
                .put(" ", styles.text)
                .put(
                    &line.what,
                    if line.is_new {
                        styles.text
                    } else {
                        styles.faint
                    },
                );
        }
    }
}

fn role(role: Role, theme: &Theme) -> Style {
    let styles = &theme.styles;
    match role {
        Role::Plain => styles.text,
        Role::Head => styles.strong,
        Role::Dim => styles.faint,
        Role::Good => styles.ok,
        Role::Bad => styles.error,
        Role::Warn => styles.blocked,
    }
}

const NAME: usize = 14;

fn state(replay: &Replay, theme: &Theme, buf: &mut Buffer) {
    let (area, styles) = (replay.frame.regions.state, &theme.styles);
    for y in 0..area.height {
        Row::new(buf, area, y, Style::new());
    }
    let mut head = Row::new(buf, area, 0, Style::new());
    head.flush_right(" this step ", styles.faint);
    head.put(" STATE AFTER THIS STEP", styles.strong);
    for (fact, y) in replay.frame.words.state.iter().zip(1..area.height) {
        let mut row = Row::new(buf, area, y, Style::new());
        if !fact.change.is_empty() {
            row.flush_right(&format!(" {} ", fact.change), styles.added);
        }
        row.put(" ", styles.text)
            .cell(fact.name, NAME, styles.faint)
            .put(&fact.value, role(fact.role, theme));
    }
}

fn step(replay: &Replay, theme: &Theme, buf: &mut Buffer) {
    let (area, styles) = (replay.frame.regions.step, &theme.styles);
    for y in 0..area.height {
        Row::new(buf, area, y, Style::new());
    }
    if area.height == 0 {
        return;
    }
    paint::rule(buf, area, 0, (theme.marks.horizontal, styles.faint));
    let lines = replay.frame.words.step.iter();
    let width = usize::from(area.width).saturating_sub(2);
    let mut y = 1;
    for line in lines {
        let whole: String = line.iter().map(|(_, piece)| piece.as_str()).collect();
        if y >= area.height {
            break;
        }
        // Lines of several colours are short; long ones are of one and are wrapped.
        if text::width(&whole) <= width || line.len() > 1 {
            let mut row = Row::new(buf, area, y, Style::new());
            row.put(" ", styles.text);
            for (kind, piece) in line {
                row.put(piece, role(*kind, theme));
            }
            y += 1;
            continue;
        }
        let style = role(line.first().map_or(Role::Plain, |(kind, _)| *kind), theme);
        for wrapped in text::wrap(&whole, width) {
            Row::new(buf, area, y, Style::new())
                .put(" ", styles.text)
                .put(&wrapped, style);
            y += 1;
        }
    }
}
