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
use crate::tui::screens::replay::context_text::{ContextText, Line};
use crate::tui::screens::replay::layout::Pane;
use crate::tui::screens::replay::pane::{INDENT, Of, PaneRow, Parts, wrapped_note};
use crate::tui::screens::replay::scrub::TrackCell;
use crate::tui::theme::{Theme, signed};
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
    Command::OtherPane,
    Command::Unchanged,
    Command::Mark,
    Command::Open,
];

/// On a screen with room for one pane, the way to the other comes first.
const NARROW: &[Command] = &[
    Command::OtherPane,
    Command::StepBack,
    Command::StepOn,
    Command::TurnOn,
    Command::FirstError,
    Command::Open,
];

/// Among the parts of what the model saw.
const IN_PARTS: &[Command] = &[
    Command::Open,
    Command::Yank,
    Command::OtherPane,
    Command::StepBack,
    Command::StepOn,
    Command::Unchanged,
];

/// Among the attempts.
const IN_FORKS: &[Command] = &[Command::Down, Command::StepBack, Command::StepOn];

/// The key with another meaning among the parts or the attempts.
fn hint(replay: &Replay) -> Option<(Command, &'static str)> {
    if replay.pane == Pane::Forks {
        return Some((Command::Open, "compare with the run"));
    }
    replay.is_in_parts().then_some((Command::Autoplay, "fold"))
}

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
    #[cfg(feature = "capture")]
    super::again::view::forks(replay, theme, buf);
    let mut foot = Row::new(buf, regions.footer, 0, Style::new());
    let hints = if replay.pane == Pane::Forks {
        IN_FORKS
    } else if replay.is_in_parts() {
        IN_PARTS
    } else if regions.is_split() {
        HINTS
    } else {
        NARROW
    };
    hints::draw(hint(replay), hints, theme, &mut foot);
}

/// ```text
///  turn 17/31 · step 104/204   ● recorded: the body of the request, as it was sent        steps show the record
/// ```
fn title(replay: &Replay, theme: &Theme, buf: &mut Buffer) {
    let styles = &theme.styles;
    let mut row = Row::new(buf, replay.frame.regions.title, 0, Style::new());
    let (aside, style) = match (replay.notice, &replay.frame.aside) {
        (Some(notice), _) => (notice, styles.waiting),
        (None, Some(aside)) => (aside.as_str(), styles.ok),
        (None, None) => ("a replay of the record · nothing is executed", styles.faint),
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
    for (at, cell) in replay.scrub.cells.iter().enumerate() {
        let (mark, style) = match cell {
            TrackCell::Mark => (marks.mark, styles.key),
            TrackCell::Event(Event::Error) => (marks.error, styles.error),
            TrackCell::Event(Event::Stopped) => (marks.blocked, styles.blocked),
            TrackCell::Event(Event::Approval) => (marks.waiting, styles.waiting),
            TrackCell::Event(Event::Compaction) => (marks.falling, styles.note),
            TrackCell::Plain if at < here => (marks.passed, styles.model),
            TrackCell::Plain => (marks.horizontal, styles.faint),
        };
        if at == here {
            let mark = if *cell == TrackCell::Plain {
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

/// Lines above the parts.
pub(super) const HEAD: u16 = 4;

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
    let (parts, top) = (&replay.parts, replay.parts.view.top());
    let rows = usize::from(area.height - HEAD);
    let left = (top, parts.rows.len().saturating_sub(top + rows));
    rule(area, left, theme, buf);
    let shown = parts.rows.iter().enumerate().skip(top);
    for ((at, row), y) in shown.zip(HEAD..area.height) {
        let is_selected = replay.is_in_parts() && at == parts.view.cursor;
        let base = styles.row(is_selected);
        let mut cells = Row::new(buf, area, y, base);
        pane_row(row, (seen, parts), (theme, base), &mut cells);
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

fn pane_row(
    row: &PaneRow,
    (seen, parts): (&ContextText, &Parts),
    (theme, base): (&Theme, Style),
    cells: &mut Row<'_>,
) {
    let (styles, marks) = (&theme.styles, theme.marks);
    let faint = styles.faint.patch(base);
    if let Some(text) = &row.text {
        let style = match row.of {
            Of::Missing(_) => faint,
            Of::Part(_) | Of::Gone(_) | Of::Before(..) | Of::Dropped => styles.text.patch(base),
        };
        cells.skip(INDENT);
        cells.put(text, style);
        return;
    }
    let fold = |is_unfolded: bool| {
        if is_unfolded {
            marks.unfolded
        } else {
            marks.folded
        }
    };
    let is_unfolded = parts.unfolded.contains(&row.of);
    let size = |tokens: u64| format!("{}{} tokens", marks.about, human::count(tokens));
    match row.of {
        Of::Before(count, tokens) => {
            let parts = human::counted(count as u64, "part");
            let words = format!(" {} {parts} as before · {}", fold(false), size(tokens));
            cells.put(&words, faint);
        }
        Of::Dropped => {
            let Some(dropped) = &seen.dropped else { return };
            let parts = human::counted(dropped.lines.len() as u64, "part");
            let tokens = size(dropped.estimate);
            let words = format!(
                " {} dropped by the compaction at #{} · {parts} · {tokens}",
                fold(is_unfolded),
                dropped.seq
            );
            cells.put(&words, styles.waiting.patch(base));
        }
        Of::Missing(None) => {
            cells.put(" not in the trace", styles.strong.patch(base));
        }
        Of::Missing(Some(at)) => {
            let words = seen.missing.get(at).map_or("", String::as_str);
            let first = wrapped_note(words, cells.room()).swap_remove(0);
            cells.put(&format!("  {} {first}", marks.none), faint);
        }
        Of::Part(_) | Of::Gone(_) => {
            if let Some(line) = seen.line(row.of) {
                part(line, fold(is_unfolded), (theme, base), cells);
            }
        }
    }
}

fn part(line: &Line, fold: &str, (theme, base): (&Theme, Style), row: &mut Row<'_>) {
    let styles = &theme.styles;
    let about = if line.tokens == words::NOTHING {
        ""
    } else {
        theme.marks.about
    };
    let faint = styles.faint.patch(base);
    row.flush_right(&format!(" {about}{} ", line.tokens), faint);
    let (mark, style) = match (line.is_new, line.is_rebuilt) {
        (true, _) => ("+", signed(styles.added)),
        (false, true) => (theme.marks.unsure, styles.faint),
        (false, false) => (" ", styles.faint),
    };
    let who = match line.who.as_str() {
        "user" => styles.prompt,
        "assistant" => styles.model,
        "tool" => styles.tool,
        _ => styles.note,
    };
    let text_style = if line.is_new {
        styles.text
    } else {
        styles.faint
    };
    row.put(mark, style.patch(base))
        .put(&format!("{fold} "), faint)
        .cell(&line.who, WHO, who.patch(base))
        .put(" ", base)
        .put(&line.what, text_style.patch(base));
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
            row.flush_right(&format!(" {} ", fact.change), signed(styles.added));
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
        // Lines with several colours are short; long lines have one colour and are wrapped.
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
