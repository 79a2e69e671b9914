//! Drawing the timeline: only what `prepare` put on the screen, in the roles of the theme.

use ratatui::buffer::Buffer;
use ratatui::style::{Modifier, Style};

use crate::analysis::timeline::{Length, What};
use crate::base::text;
use crate::model::action::{Kind, Status};
use crate::tui::keys::Command;
use crate::tui::screens::stream::shorten;
use crate::tui::screens::timeline::Timeline;
use crate::tui::screens::timeline::layout::FIGURE;
use crate::tui::screens::timeline::rows::{Drawn, Row as Shown, Shape};
use crate::tui::screens::timeline::words::Strip;
use crate::tui::theme::Theme;
use crate::tui::widgets::hints;
use crate::tui::widgets::paint::{self, Row};

pub(super) fn draw(timeline: &Timeline, theme: &Theme, buf: &mut Buffer) {
    time(timeline, theme, buf);
    heads(timeline, theme, buf);
    list(timeline, theme, buf);
    path(timeline, theme, buf);
    growth(timeline, theme, buf);
    foot(timeline, theme, buf);
}

/// ```text
///  14:01:10 ─────────────────────────── 14:04:22   3m12s · lanes: agent
/// ```
fn time(timeline: &Timeline, theme: &Theme, buf: &mut Buffer) {
    let (regions, words) = (&timeline.frame.regions, &timeline.frame.words);
    let (styles, faint) = (&theme.styles, theme.styles.faint);
    let mut row = Row::new(buf, regions.time, 0, styles.text);
    if !words.from.is_empty() {
        row.put(" ", faint)
            .put(&words.from, styles.strong)
            .put(" ", faint);
        row.flush_right(&format!("   {} ", words.state), styles.text);
        row.flush_right(&format!(" {}", words.to), styles.strong);
        let room = row.room();
        row.put(&theme.marks.horizontal.repeat(room), faint);
    }
    if regions.upper_rule.height > 0 {
        paint::rule(buf, regions.upper_rule, 0, (theme.marks.horizontal, faint));
    }
}

fn heads(timeline: &Timeline, theme: &Theme, buf: &mut Buffer) {
    let (regions, words) = (&timeline.frame.regions, &timeline.frame.words);
    let faint = theme.styles.faint;
    let mut row = Row::new(buf, regions.columns, 0, faint);
    if words.from.is_empty() {
        return;
    }
    if regions.figures > 0 {
        row.flush_right(&format!("{:>FIGURE$}{:>FIGURE$}", "DUR", "COST"), faint);
    }
    row.cell(" LANE / ACTION", regions.label, faint);
    let mut at = 0;
    for (cell, label) in &words.labels {
        let fits = cell + text::width(label) <= regions.cells;
        if *cell >= at && fits {
            row.skip(cell - at).put(label, faint);
            at = cell + text::width(label);
        }
    }
}

fn list(timeline: &Timeline, theme: &Theme, buf: &mut Buffer) {
    let area = timeline.frame.regions.list;
    for y in 0..area.height {
        Row::new(buf, area, y, Style::new());
    }
    for (y, line) in (1..).zip(&timeline.frame.words.empty) {
        Row::new(buf, area, y, Style::new()).put(&format!("  {line}"), theme.styles.faint);
    }
    for (shown, y) in timeline.frame.rows.iter().zip(0..area.height) {
        let base = theme.styles.row(shown.is_selected);
        let row = Row::new(buf, area, y, base);
        one(timeline, (shown, base), theme, row);
    }
}

fn one(timeline: &Timeline, (shown, base): (&Shown, Style), theme: &Theme, mut row: Row<'_>) {
    let regions = &timeline.frame.regions;
    let (styles, marks) = (&theme.styles, theme.marks);
    let over = |style: Style| style.patch(base);
    if regions.figures > 0 {
        let or_none = |words: &str| {
            if words.is_empty() {
                marks.none.to_owned()
            } else {
                words.to_owned()
            }
        };
        let figures = [&shown.took, &shown.cost].map(|it| or_none(it));
        let pad = |words: &str| " ".repeat(FIGURE.saturating_sub(text::width(words)));
        let figures = figures.map(|words| format!("{}{words}", pad(&words)));
        row.flush_right(&figures.concat(), over(styles.faint));
    }
    match &shown.shape {
        Shape::Lane { is_folded, busy } => {
            let mark = if *is_folded {
                marks.folded
            } else {
                marks.unfolded
            };
            let label = text::cut(&shown.label, regions.label - 4);
            row.cell(
                &format!(" {mark} {label}"),
                regions.label,
                over(styles.strong),
            );
            for cell in busy {
                let mark = match cell {
                    None => " ",
                    Some(part) if *part >= 0.5 => marks.bar,
                    Some(part) if *part > 0.0 => marks.partly,
                    Some(_) => marks.quiet,
                };
                row.put(mark, over(theme.lane(&shown.label)));
            }
        }
        Shape::Bar(drawn) => {
            let label = shorten::call(&shown.label, regions.label - 5);
            let style = match drawn.on_path {
                Some(false) => styles.faint,
                Some(true) => styles.strong,
                None => styles.text,
            };
            row.cell(&format!("    {label}"), regions.label, over(style));
            bar(drawn, (shown, base), theme, (&mut row, regions.cells));
        }
    }
}

/// A bar and the columns after it.
fn bar(
    drawn: &Drawn,
    (shown, base): (&Shown, Style),
    theme: &Theme,
    (row, cells): (&mut Row<'_>, usize),
) {
    let style = style(drawn, theme).patch(base);
    let last = cells.saturating_sub(1);
    let first = (drawn.from / 8).min(last);
    let end = drawn.to.div_ceil(8).clamp(first + 1, cells.max(1));
    let mut note = shown.note.as_str();
    let width = text::width(note) + 1;
    if !note.is_empty() && end + width > cells && width <= first {
        // There is no room after the bar, but there is before it.
        row.skip(first - width).put(note, style).skip(1);
        note = "";
    } else {
        row.skip(first);
    }
    let mark = mark(drawn, theme);
    if drawn.length == Length::Point {
        row.put(mark, style);
    } else if end - first == 1 && drawn.to - drawn.from < 4 {
        row.put(theme.marks.short, style);
    } else {
        row.put(&mark.repeat(end - first), style);
    }
    let mut left = cells - end;
    let mut behind = |words: &str, style: Style| {
        let width = text::width(words) + 1;
        if !words.is_empty() && width <= left {
            row.put(" ", style).put(words, style);
            left -= width;
        }
    };
    if drawn.length == Length::Open {
        behind(theme.marks.running, theme.styles.waiting.patch(base));
    }
    behind(note, style);
}

fn mark(drawn: &Drawn, theme: &Theme) -> &'static str {
    let marks = theme.marks;
    match (drawn.length, drawn.what) {
        (Length::Point, what) => match (drawn.status, what) {
            (Status::Blocked | Status::Denied, _) => marks.blocked,
            (Status::Error | Status::Timeout, _) | (_, What::Error) => marks.error,
            (_, What::Prompt) => marks.kind(Kind::Prompt),
            (_, What::Model) => marks.kind(Kind::Response),
            (_, What::Tool) => marks.kind(Kind::ToolCall),
            (_, What::Approval) => marks.waiting,
        },
        (_, What::Approval) => marks.wait,
        (Length::Inferred, _) => marks.inferred,
        (Length::Recorded | Length::Open, _) => marks.bar,
    }
}

/// Shares of the highest cost from which an action counts as expensive.
const DEAR: f64 = 0.5;
const SOME: f64 = 0.1;

fn style(drawn: &Drawn, theme: &Theme) -> Style {
    let styles = &theme.styles;
    let own = match (drawn.status, drawn.what) {
        _ if drawn.dear.is_some() => match drawn.dear.unwrap_or(0.0) {
            part if part >= DEAR => styles.error,
            part if part >= SOME => styles.waiting,
            part if part > 0.0 => styles.ok,
            _ => styles.faint,
        },
        (_, What::Approval) => styles.waiting,
        (Status::Blocked | Status::Denied, _) => styles.blocked,
        (Status::Error | Status::Timeout, _) | (_, What::Error) => styles.error,
        (_, What::Prompt) => styles.prompt,
        (_, What::Model) => styles.model,
        (_, What::Tool) => styles.tool,
    };
    match drawn.on_path {
        Some(true) => own.add_modifier(Modifier::BOLD),
        Some(false) => styles.faint,
        None => own,
    }
}

/// ```text
///  critical path  model 61 % · tools 14 % · approval wait 21 % · idle 4 %          parallelism ×1.2
/// ```
fn path(timeline: &Timeline, theme: &Theme, buf: &mut Buffer) {
    let (regions, words) = (&timeline.frame.regions, &timeline.frame.words);
    let styles = &theme.styles;
    let mut row = Row::new(buf, regions.path, 0, styles.text);
    if words.path.is_empty() {
        return;
    }
    let all = text::width(&words.path) + text::width(&words.parallelism) + 19;
    if all <= row.room() {
        row.flush_right(&format!("{} ", words.parallelism), styles.text);
    }
    let style = if timeline.path.is_some() {
        styles.strong
    } else {
        styles.faint
    };
    if row.room() >= 70 {
        row.put(" critical path  ", style);
    } else {
        row.put(" ", style);
    }
    row.put(&words.path, styles.text);
}

/// ```text
///  cost  ▁▁▂▂▂▃▃▃▄▄▅▅▆▆▇▇██  $1.92        ctx ▁▂▂▃▃▄▅▆▆▇▇▆▇▇█ ≈71 %
/// ```
fn growth(timeline: &Timeline, theme: &Theme, buf: &mut Buffer) {
    let (regions, words) = (&timeline.frame.regions, &timeline.frame.words);
    let styles = &theme.styles;
    if regions.growth.height == 0 {
        return;
    }
    let mut row = Row::new(buf, regions.growth, 0, styles.text);
    if words.path.is_empty() {
        return;
    }
    for (label, strip) in [(" cost ", &words.cost), ("    ctx ", &words.context)] {
        row.put(label, styles.faint);
        levels(strip, theme, &mut row);
        let content = if strip.words.is_empty() {
            theme.marks.none
        } else {
            &strip.words
        };
        row.put(" ", styles.faint).put(content, styles.number);
    }
}

fn levels(strip: &Strip, theme: &Theme, row: &mut Row<'_>) {
    if strip.levels.iter().all(Option::is_none) {
        return;
    }
    let top = theme.marks.levels.len() - 1;
    for level in &strip.levels {
        let mark = level.map_or(" ", |level| {
            let level = (level.clamp(0.0, 1.0) * top as f64).round() as usize;
            theme.marks.levels[level.min(top)]
        });
        row.put(mark, theme.styles.model);
    }
}

const HINTS: &[Command] = &[
    Command::Open,
    Command::Earlier,
    Command::Later,
    Command::ZoomIn,
    Command::ZoomOut,
    Command::Slowest,
    Command::CriticalPath,
    Command::Lanes,
    Command::ByCost,
    Command::ToStream,
];

fn foot(timeline: &Timeline, theme: &Theme, buf: &mut Buffer) {
    let regions = &timeline.frame.regions;
    let Some(mut row) = paint::foot(buf, (regions.lower_rule, regions.footer), theme) else {
        return;
    };
    row.flush_right(
        &format!("  {} ", timeline.frame.words.position),
        theme.styles.text,
    );
    hints::draw(None, HINTS, theme, &mut row);
}
