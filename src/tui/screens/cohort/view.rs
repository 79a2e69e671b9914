//! Drawing a comparison: only what `prepare` settled, in the roles of the theme.

mod lists;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use crate::analysis::cohort::figure::Figure;
use crate::base::text;
use crate::export::cohort as cohort_text;
use crate::export::words::Role;
use crate::tui::keys::Command;
use crate::tui::screens::cohort::rows::Line;
use crate::tui::screens::cohort::{Cohort, State};
use crate::tui::screens::export;
use crate::tui::theme::Theme;
use crate::tui::widgets::hints;
use crate::tui::widgets::paint::{self, Row};

/// ```text
/// A model:gpt-4o  600 runs   ↔   B model:gpt-5  600 runs
/// VERDICT  2 differ · 15 without meaningful change                             visible from ±2.3 pp
/// paired by task: 600 common tasks · left out: 5 runs without a recorded end · 1 thing differs besides the model
/// ────────────────
/// METRIC              A        B     DIFF   INTERVAL         Q    MEANING            EFFECT
/// list
/// ────────────────
/// detail, three lines
/// footer
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Regions {
    sides: Rect,
    verdict: Rect,
    caution: Rect,
    rule: Rect,
    pub(super) heads: Rect,
    pub(super) list: Rect,
    lower_rule: Rect,
    detail: Rect,
    footer: Rect,
}

/// From this height on there are rules, a detail and a footer.
const ROOMY: u16 = 16;
/// From this height on a long caution has two lines.
const TALL: u16 = 24;

impl Regions {
    /// `words` is the width of the caution: a long one gets a second line if there is room.
    pub(super) fn new(area: Rect, words: usize) -> Regions {
        let part = |y: u16, height: u16| Rect {
            y: area.y + y.min(area.height),
            height: height.min(area.height.saturating_sub(y)),
            ..area
        };
        if area.height < ROOMY {
            return Regions {
                verdict: part(0, 1),
                heads: part(1, 1),
                list: part(2, area.height.saturating_sub(4)),
                detail: part(area.height.saturating_sub(2), 1),
                footer: part(area.height.saturating_sub(1), 1),
                ..Regions::default()
            };
        }
        let foot = area.height - 5;
        let lines = if words > usize::from(area.width) && area.height >= TALL {
            2
        } else {
            1
        };
        Regions {
            sides: part(0, 1),
            verdict: part(1, 1),
            caution: part(2, lines),
            rule: part(2 + lines, 1),
            heads: part(3 + lines, 1),
            list: part(4 + lines, foot - 4 - lines),
            lower_rule: part(foot, 1),
            detail: part(foot + 1, 3),
            footer: part(foot + 4, 1),
        }
    }
}

/// Narrower screens leave out the interval, q and the effect.
const WIDE: u16 = 110;
/// From here on the whole sentence of a verdict has room.
const NUMBER: usize = 9;
const INTERVAL: usize = 16;
const VERDICT: usize = 22;
const EFFECT: usize = 15;

pub(super) fn draw(cohort: &Cohort, theme: &Theme, buf: &mut Buffer) {
    let regions = &cohort.frame.regions;
    for area in [regions.list, regions.detail] {
        for y in 0..area.height {
            Row::new(buf, area, y, Style::new());
        }
    }
    top(cohort, theme, buf);
    match (&cohort.behind, &cohort.state) {
        (Some(behind), _) => lists::behind(behind, regions, theme, buf),
        (None, State::Shown(_)) => draw_lines(cohort, theme, buf),
        (None, State::Choosing(models)) => lists::models(models, regions, theme, buf),
        (None, State::Refused(lines)) => empty(lines, regions, theme, buf),
        (None, State::Nothing) => {
            let waiting = std::slice::from_ref(&cohort.frame.words.listed);
            empty(waiting, regions, theme, buf);
        }
    }
    foot(cohort, theme, buf);
}

fn style(role: Role, theme: &Theme) -> Style {
    let styles = &theme.styles;
    match role {
        Role::Plain => styles.text,
        Role::Head => styles.strong,
        Role::Dim => styles.faint,
        Role::Good => styles.ok,
        Role::Bad => styles.error,
        Role::Warn => styles.waiting,
    }
}

fn top(cohort: &Cohort, theme: &Theme, buf: &mut Buffer) {
    let (regions, styles, words) = (&cohort.frame.regions, &theme.styles, &cohort.frame.words);
    if regions.sides.height > 0 {
        let mut row = Row::new(buf, regions.sides, 0, styles.text);
        let room = row.room().saturating_sub(2);
        let sides = words.sides.as_ref().map(|it| it.fitting(room));
        let title = sides.as_deref().unwrap_or(&words.title);
        row.put(&format!(" {title}"), styles.strong);
    }
    let mut row = Row::new(buf, regions.verdict, 0, styles.text);
    let aside = format!("  {} ", words.aside);
    let told: usize = words
        .verdict
        .iter()
        .map(|(it, _)| text::width(it) + 3)
        .sum();
    if told + text::width(&aside) + 10 < row.room() {
        row.flush_right(&aside, styles.faint);
    }
    if !words.verdict.is_empty() {
        row.put(" VERDICT  ", styles.strong);
    }
    for (at, (it, role)) in words.verdict.iter().enumerate() {
        if at > 0 {
            row.put(" · ", styles.faint);
        }
        row.put(it, style(*role, theme));
    }
    if regions.rule.height > 0 {
        let mut row = Row::new(buf, regions.caution, 0, styles.text);
        row.put(&format!(" {}", words.pairing), styles.faint);
        if regions.caution.height > 1 {
            row = Row::new(buf, regions.caution, 1, styles.text);
            row.put(" ", styles.faint);
        } else if !words.caution.is_empty() {
            row.put(" · ", styles.faint);
        }
        row.put(&words.caution, styles.waiting);
        let rule = (theme.marks.horizontal, styles.faint);
        paint::rule(buf, regions.rule, 0, rule);
    }
}

fn empty(lines: &[String], regions: &Regions, theme: &Theme, buf: &mut Buffer) {
    Row::new(buf, regions.heads, 0, Style::new());
    for (line, y) in lines.iter().zip(1..regions.list.height) {
        Row::new(buf, regions.list, y, Style::new()).put(&format!("  {line}"), theme.styles.text);
    }
}

fn draw_lines(cohort: &Cohort, theme: &Theme, buf: &mut Buffer) {
    let (regions, styles) = (&cohort.frame.regions, &theme.styles);
    let is_wide = regions.list.width >= WIDE;
    let mut row = Row::new(buf, regions.heads, 0, styles.faint);
    let name = name_width(row.room(), is_wide);
    row.put(" ", styles.faint)
        .cell("METRIC", name, styles.faint);
    for head in ["A", "B", "DIFF"] {
        row.right(head, NUMBER, styles.faint);
    }
    row.skip(2);
    if is_wide {
        row.cell("INTERVAL", INTERVAL, styles.faint)
            .right("Q", 5, styles.faint)
            .skip(2);
    }
    row.cell("", 2, styles.faint)
        .cell("MEANING", VERDICT, styles.faint);
    if is_wide {
        row.put("  − EFFECT +", styles.faint);
    }
    let lines = cohort.lines.iter().enumerate().skip(cohort.view.top());
    for ((at, line), y) in lines.zip(0..regions.list.height) {
        let is_selected = at == cohort.view.cursor;
        let base = styles.row(is_selected);
        let mut row = Row::new(buf, regions.list, y, base);
        match line {
            Line::Head(words) => {
                row.put(&format!(" {words}"), styles.faint);
            }
            Line::Figure(figure) => draw_figure(figure, (theme, base), (name, is_wide), &mut row),
            Line::Step(at) => draw_step(cohort, *at, (theme, base), &mut row),
            Line::Fork(at) => draw_fork(cohort, *at, (theme, base), &mut row),
        }
    }
}

/// What is left of a line for the name of a figure.
fn name_width(room: usize, is_wide: bool) -> usize {
    let others = 3 * NUMBER + 3 + 2 + VERDICT;
    let wide = if is_wide { INTERVAL + 7 + EFFECT } else { 0 };
    room.saturating_sub(others + wide).clamp(12, 34)
}

fn draw_figure(
    figure: &Figure,
    (theme, base): (&Theme, Style),
    (name, is_wide): (usize, bool),
    row: &mut Row<'_>,
) {
    let styles = &theme.styles;
    let (words, role) = cohort_text::verdict(figure);
    let verdict = if base == Style::new() {
        style(role, theme)
    } else {
        style(role, theme).patch(base)
    };
    let plain = styles.text.patch(base);
    let words_of = text::sanitize(&figure.words);
    row.put(" ", base)
        .cell(&text::cut(&words_of, name), name, plain);
    for value in [
        cohort_text::value(figure, figure.a),
        cohort_text::value(figure, figure.b),
        cohort_text::difference(figure),
    ] {
        row.right(&value, NUMBER, plain);
    }
    row.skip(2);
    if is_wide {
        row.cell(&cohort_text::interval(figure), INTERVAL, plain)
            .right(&cohort_text::probability(figure.q), 5, plain)
            .skip(2);
    }
    row.cell(cohort_text::arrow(figure), 2, verdict)
        .cell(words, VERDICT, verdict);
    if is_wide {
        let style = if figure.verdict.is_change() {
            verdict
        } else {
            styles.faint.patch(base)
        };
        row.put(&bar(figure), style);
    }
}

/// Cells on either side of no difference.
const HALF: f64 = 6.0;
const PER_MARGIN: f64 = 1.5;

/// Where the interval lies: one cell is two thirds of the margin, the middle is no difference.
fn bar(figure: &Figure) -> String {
    let Some(it) = figure.estimate.filter(|_| figure.margin > 0.0) else {
        return String::new();
    };
    let place = |value: f64| {
        (value / figure.margin * PER_MARGIN)
            .clamp(-HALF, HALF)
            .round() as i32
    };
    let (lo, middle, hi) = (place(it.lo), place(it.value), place(it.hi));
    let cell = |at: i32| match at {
        _ if at == middle => '■',
        0 => '│',
        _ if (lo..=hi).contains(&at) => '─',
        _ => ' ',
    };
    (-6..=6).map(cell).collect()
}

fn draw_step(cohort: &Cohort, at: usize, (theme, base): (&Theme, Style), row: &mut Row<'_>) {
    let Some(answer) = cohort.answer() else {
        return;
    };
    let found = &answer.comparison;
    let step = &found.transitions[at];
    let from = text::sanitize(cohort_text::tool(found, step.from, "the beginning")).into_owned();
    let to = text::sanitize(cohort_text::tool(found, step.to, "the end")).into_owned();
    let (a, b) = (step.a * 100.0, step.b * 100.0);
    let plain = theme.styles.text.patch(base);
    row.put("   ", base)
        .put(&from, theme.styles.tool.patch(base))
        .put(" → ", plain)
        .put(&to, theme.styles.tool.patch(base))
        .put(&format!("   {a:.0} % → {b:.0} %"), plain);
}

fn draw_fork(cohort: &Cohort, at: usize, (theme, base): (&Theme, Style), row: &mut Row<'_>) {
    let Some(answer) = cohort.answer() else {
        return;
    };
    let found = &answer.comparison;
    let fork = &found.forks[at];
    let tool = |tool| text::sanitize(cohort_text::tool(found, tool, "the end")).into_owned();
    let plain = theme.styles.text.patch(base);
    let marks = theme.marks;
    row.put("   ", base)
        .right(&fork.pairs.len().to_string(), 5, plain)
        .put(&format!(" {}  A ", marks.times), plain)
        .put(&tool(fork.a), theme.styles.tool.patch(base))
        .put("  →  B ", plain)
        .put(&tool(fork.b), theme.styles.tool.patch(base));
}

const HINTS: &[Command] = &[
    Command::Open,
    Command::SortFigures,
    Command::WhichFigures,
    Command::Paired,
    Command::Reseed,
    Command::Export,
    Command::Models,
];
const BEHIND: &[Command] = &[Command::Open, Command::OpenRun, Command::OtherSide];
/// Nothing is compared, so there is nothing to sort or to export.
const REFUSED: &[Command] = &[Command::Palette];
const CHOOSING: &[Command] = &[Command::ChooseSide, Command::Palette];

fn foot(cohort: &Cohort, theme: &Theme, buf: &mut Buffer) {
    let (regions, styles, words) = (&cohort.frame.regions, &theme.styles, &cohort.frame.words);
    if regions.lower_rule.height > 0 {
        let rule = (theme.marks.horizontal, styles.faint);
        paint::rule(buf, regions.lower_rule, 0, rule);
    }
    for (line, y) in words.detail.iter().zip(0..regions.detail.height) {
        let style = if y == 0 { styles.text } else { styles.faint };
        Row::new(buf, regions.detail, y, Style::new()).put(&format!(" {line}"), style);
    }
    let mut row = Row::new(buf, regions.footer, 0, styles.text);
    if cohort.exporting {
        return export::draw_offers(theme, &mut row);
    }
    row.flush_right(&format!("  {} ", words.listed), styles.faint);
    let hints = match (&cohort.behind, &cohort.state) {
        (Some(_), _) => BEHIND,
        (None, State::Choosing(_)) => CHOOSING,
        (None, State::Refused(_)) => REFUSED,
        (None, State::Nothing | State::Shown(_)) => HINTS,
    };
    hints::draw(None, hints, theme, &mut row);
}
