//! Draws the alerts: only what `prepare` provides, in the roles of the theme.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use crate::base::text;
use crate::tui::keys::Command;
use crate::tui::screens::alerts::layout::Regions;
use crate::tui::screens::alerts::moves::SNOOZES;
use crate::tui::screens::alerts::rows::{Mark, RowText};
use crate::tui::screens::alerts::sorting::{By, Order};
use crate::tui::screens::alerts::stop::Dialog;
use crate::tui::screens::alerts::{Alerts, Input, sorting};
use crate::tui::screens::export;
use crate::tui::screens::filter_bar::view as filter_bar;
use crate::tui::screens::stream::view::pane;
use crate::tui::theme::Theme;
use crate::tui::widgets::hints;
use crate::tui::widgets::paint::{self, Row};
use crate::tui::widgets::popup::{self, Edges};
use crate::tui::widgets::spark;
use crate::tui::widgets::tone::Line;

/// Below this width, value and limit share a column and the action is omitted.
const WIDE: u16 = 100;

/// The least width of the rule.
const RULE: usize = 20;
const NARROW_RULE: usize = 15;
/// The width of the scope beside short rules; it grows beyond the reference width.
const SCOPE: usize = 26;
const REFERENCE: usize = 120;
const NARROW_SCOPE: usize = 18;
const VALUE: usize = 10;
const LIMIT: usize = 17;
const SINCE: usize = 7;
const TIMES: usize = 4;
const STATE: usize = 12;
const NARROW_STATE: usize = 11;
/// The least width of the action.
const ACTION: usize = 10;
/// The least width of the scope.
const LEAST_SCOPE: usize = 16;
const LEAST_NARROW_SCOPE: usize = 10;
/// Cells before the rule.
const MARKS: usize = 4;
/// The width of value and limit together, in a narrow row.
const BOTH: usize = 20;
const LABEL: usize = 9;

pub(super) fn draw(alerts: &Alerts, theme: &Theme, area: Rect, buf: &mut Buffer) {
    let (frame, regions) = (&alerts.frame, &alerts.frame.regions);
    top(alerts, theme, buf);
    list(alerts, theme, buf);
    paint::titled(&frame.details.title, regions.details_rule, theme, buf);
    details(alerts, theme, buf);
    paint::titled(&frame.history.title, regions.history_rule, theme, buf);
    history(alerts, theme, buf);
    foot(alerts, theme, buf);
    if let Some(problem) = &alerts.sifted.bar.problem {
        let lines = [regions.upper_rule, regions.heads, regions.list];
        let below = lines.into_iter().find(|line| line.height > 0);
        filter_bar::mistake(problem, theme, below.unwrap_or(regions.list), buf);
    }
    filter_bar::draw_proposals(&alerts.sifted.bar, regions.filter, theme, buf);
    sorting::draw(alerts, theme, over(regions), buf);
    if let Input::Stopping(dialog) = &alerts.input {
        draw_dialog(alerts, dialog, (theme, area), buf);
    }
}

/// Where the rules come from, and the filter.
fn top(alerts: &Alerts, theme: &Theme, buf: &mut Buffer) {
    let (frame, styles) = (&alerts.frame, &theme.styles);
    let regions = &frame.regions;
    let mut row = Row::new(buf, regions.rules, 0, styles.text);
    row.flush_right(&format!("  {} ", frame.counts), styles.strong);
    let room = row.room().saturating_sub(2);
    row.put(" ", styles.text)
        .put(&text::cut(&frame.rules, room), styles.faint);
    if regions.filter.height > 0 {
        let line = Row::new(buf, regions.filter, 0, styles.text);
        let (kept, counted) = &frame.kept;
        filter_bar::draw_line(&alerts.sifted.bar, (kept, counted), theme, line);
    }
    if regions.upper_rule.height > 0 {
        let rule = (theme.marks.horizontal, styles.faint);
        paint::rule(buf, regions.upper_rule, 0, rule);
    }
}

fn list(alerts: &Alerts, theme: &Theme, buf: &mut Buffer) {
    let (frame, styles) = (&alerts.frame, &theme.styles);
    let regions = &frame.regions;
    let names = Names::new(frame.widest_rule, regions.list.width.into());
    heads(alerts.order, names, (theme, regions.heads), buf);
    for y in 0..regions.list.height {
        let shown = frame.rows.get(usize::from(y));
        let base = styles.row(shown.is_some_and(|it| it.is_selected));
        let row = Row::new(buf, regions.list, y, base);
        if let Some(shown) = shown {
            item(shown, names, (theme, base), row);
        }
    }
    for (y, line) in (0..regions.list.height).zip(&frame.empty) {
        Row::new(buf, regions.list, y, Style::new()).put(&format!(" {line}"), styles.text);
    }
}

fn history(alerts: &Alerts, theme: &Theme, buf: &mut Buffer) {
    let (shown, styles) = (&alerts.frame.history, &theme.styles);
    let area = alerts.frame.regions.history;
    for y in 0..area.height {
        let mut row = Row::new(buf, area, y, Style::new());
        row.put("  ", Style::new());
        if let Some(line) = shown.lines.get(usize::from(y)) {
            pieces(line, theme, &mut row);
        } else if let Some(it) = &shown.spark {
            let bars = spark::against(it.limit, &it.points, &theme.marks.levels);
            row.put(&bars, styles.number).put("  ", styles.text);
            let room = row.room();
            row.put(&text::cut(&it.words, room), styles.faint);
        }
    }
}

/// What the list of orders may cover.
fn over(regions: &Regions) -> Rect {
    let parts = [regions.list, regions.details, regions.history];
    let parts = parts.into_iter().filter(|part| part.height > 0);
    parts.fold(regions.list, Rect::union)
}

/// The widths of rule and scope.
#[derive(Clone, Copy)]
struct Names {
    rule: usize,
    scope: usize,
}

impl Names {
    /// The name of a rule is cut only where nothing would be left of the scope.
    fn new(widest_rule: usize, width: usize) -> Names {
        let (rule, scope, least, others) = if width >= usize::from(WIDE) {
            let others = VALUE + LIMIT + SINCE + TIMES + STATE + ACTION;
            (RULE, scope_cells(width), LEAST_SCOPE, others)
        } else {
            let others = BOTH + SINCE + NARROW_STATE;
            (NARROW_RULE, NARROW_SCOPE, LEAST_NARROW_SCOPE, others)
        };
        let room = width.saturating_sub(MARKS + others);
        let rule = (widest_rule + 1).clamp(rule, rule.max(room.saturating_sub(least)));
        Names {
            rule,
            scope: scope.min(room.saturating_sub(rule)).max(least),
        }
    }
}

/// As in the table of runs, the head of the column that the list is sorted by carries the direction.
fn heads(order: Order, names: Names, (theme, area): (&Theme, Rect), buf: &mut Buffer) {
    let (faint, strong) = (theme.styles.faint, theme.styles.strong);
    let mark = theme.marks.direction(order.falling);
    let mut row = Row::new(buf, area, 0, faint);
    let mut head = |words: &str, cells: usize, by: Option<By>| {
        if by == Some(order.by) {
            row.cell(&format!("{words}{mark}"), cells, strong);
        } else {
            row.cell(words, cells, faint);
        }
    };
    let is_wide = area.width >= WIDE;
    head("", MARKS - 2, None);
    head("", 2, Some(By::Severity));
    head("RULE", names.rule, Some(By::Rule));
    head("SCOPE", names.scope, Some(By::Scope));
    if is_wide {
        head("NOW", VALUE, None);
        head("LIMIT", LIMIT, None);
    } else {
        head("NOW, LIMIT", BOTH, None);
    }
    head("SINCE", SINCE, Some(By::Since));
    if is_wide {
        head(theme.marks.times, TIMES, Some(By::Times));
        head("STATE", STATE, Some(By::State));
        head("ACTION", ACTION, None);
    } else {
        head("STATE", NARROW_STATE, Some(By::State));
    }
}

fn item(shown: &RowText, names: Names, (theme, base): (&Theme, Style), mut row: Row<'_>) {
    let (styles, marks) = (&theme.styles, theme.marks);
    let over = |style: Style| style.patch(base);
    let is_wide = row.room() >= usize::from(WIDE);
    let (mark, tone) = match shown.mark {
        Mark::Trip => (marks.error, styles.error),
        Mark::Warn => (if theme.ascii { "!" } else { "⚠" }, styles.waiting),
        Mark::Info | Mark::Pending => (marks.quiet, styles.faint),
        Mark::Learning => (if theme.ascii { "o" } else { "◌" }, styles.faint),
    };
    let words = if shown.is_quiet {
        over(styles.faint)
    } else {
        over(styles.text)
    };
    let arrow = if shown.is_selected { marks.folded } else { " " };
    row.cell(arrow, 2, words).cell(mark, 2, over(tone));
    let cell = |row: &mut Row<'_>, text: &str, cells: usize, style: Style| {
        row.cell(&text::cut(text, cells - 1), cells, style);
    };
    let number = if shown.is_quiet {
        words
    } else {
        over(styles.number)
    };
    let state = if shown.is_quiet { words } else { over(tone) };
    cell(&mut row, &shown.rule, names.rule, words);
    cell(&mut row, &shown.scope, names.scope, words);
    if is_wide {
        cell(&mut row, &shown.value, VALUE, number);
        cell(&mut row, &shown.limit, LIMIT, words);
        cell(
            &mut row,
            or_none(&shown.since, theme),
            SINCE,
            over(styles.faint),
        );
        cell(&mut row, &shown.times, TIMES, over(styles.faint));
        cell(&mut row, &shown.state, STATE, state);
        let room = row.room();
        row.put(&text::cut(or_none(&shown.action, theme), room), words);
    } else {
        let joint = match shown.mark {
            Mark::Pending => "of",
            Mark::Learning => "",
            Mark::Info | Mark::Warn | Mark::Trip => "≥",
        };
        let both = match (shown.mark, theme.ascii) {
            (Mark::Learning, _) => shown.limit.clone(),
            (_, true) => format!("{} / {}", shown.value, shown.limit),
            (_, false) => format!("{} {joint} {}", shown.value, shown.limit),
        };
        cell(&mut row, &both, BOTH, number);
        cell(&mut row, &shown.since, SINCE, over(styles.faint));
        let room = row.room();
        row.put(&text::cut(&shown.state, room), state);
    }
}

/// Half of the extra width of a wide screen goes to the scope, the rest to the action.
fn scope_cells(width: usize) -> usize {
    SCOPE + width.saturating_sub(REFERENCE) / 2
}

fn or_none<'a>(text: &'a str, theme: &Theme) -> &'a str {
    if text.is_empty() {
        theme.marks.none
    } else {
        text
    }
}

fn details(alerts: &Alerts, theme: &Theme, buf: &mut Buffer) {
    let area = alerts.frame.regions.details;
    let is_wide = area.width >= WIDE;
    for y in 0..area.height {
        let mut row = Row::new(buf, area, y, Style::new());
        let Some((label, line)) = alerts.frame.details.lines.get(usize::from(y)) else {
            continue;
        };
        row.put(" ", Style::new());
        if is_wide {
            row.put(" ", Style::new())
                .cell(label, LABEL, theme.styles.faint);
        }
        pieces(line, theme, &mut row);
    }
}

fn pieces(line: &Line, theme: &Theme, row: &mut Row<'_>) {
    for (tone, words) in line {
        row.put(words, pane::tone(theme, *tone));
    }
}

const HINTS: &[Command] = &[
    Command::SortAlerts,
    Command::Ack,
    Command::Snooze,
    Command::WouldHave,
    Command::AlertHistory,
    Command::EditRule,
    Command::StopRun,
    Command::Release,
    Command::Export,
];

fn foot(alerts: &Alerts, theme: &Theme, buf: &mut Buffer) {
    let (regions, styles) = (&alerts.frame.regions, &theme.styles);
    let Some(mut row) = paint::foot(buf, (regions.lower_rule, regions.footer), theme) else {
        return;
    };
    match &alerts.input {
        Input::Exporting => export::draw_offers(theme, &mut row),
        Input::Name(_, prompt) => {
            row.put(" who acknowledges it? ", styles.faint);
            let room = row.room();
            prompt.draw(&mut row, room, (styles.text, styles.selected));
        }
        Input::Snoozing => {
            row.put(" snooze", styles.faint);
            for (key, _, words) in SNOOZES {
                row.put(&format!(" {key} "), styles.strong)
                    .put(&format!("{words} "), styles.faint);
            }
        }
        _ if alerts.sifted.bar.prompt.is_some() => hints::typing(theme, &mut row),
        Input::Stopping(_) | Input::Sorting(_) | Input::Nothing => {
            hints::draw(Some((Command::Open, "evidence")), HINTS, theme, &mut row);
        }
    }
}

fn draw_dialog(alerts: &Alerts, dialog: &Dialog, (theme, area): (&Theme, Rect), buf: &mut Buffer) {
    let lines = &alerts.frame.dialog;
    let widest = lines
        .iter()
        .map(|line| text::width(line))
        .max()
        .unwrap_or(0);
    let width = u16::try_from(widest.max(60)).unwrap_or(u16::MAX);
    let width = width.saturating_add(popup::AROUND).min(area.width);
    let height = u16::try_from(lines.len() + 4)
        .unwrap_or(u16::MAX)
        .min(area.height);
    let place = Rect {
        x: area.x + (area.width - width) / 2,
        y: area.y + (area.height - height) / 2,
        width,
        height,
    };
    let word = text::sanitize(&dialog.word()).into_owned();
    let edges = Edges {
        title: "end the process of this run",
        hint: "esc closes",
        foot: "",
    };
    let inside = popup::draw(place, edges, theme, buf);
    let shadow = theme.styles.shadow;
    for (y, line) in (0..inside.height).zip(lines) {
        Row::new(buf, inside, y, shadow).put(&format!(" {line}"), theme.styles.text.patch(shadow));
    }
    if matches!(&dialog.target, Some(Ok(_))) && inside.height > 1 {
        let ask = format!(" type {word} and press enter: ");
        let mut row = Row::new(buf, inside, inside.height - 1, shadow);
        row.put(&ask, theme.styles.strong.patch(shadow));
        let room = row.room();
        dialog
            .consent
            .prompt
            .draw(&mut row, room, (theme.styles.text, theme.styles.selected));
    }
}
