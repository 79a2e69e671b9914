//! Drawing the policy: only what `prepare` put on the screen, in the roles of the theme.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use crate::analysis::policy::Effect;
use crate::base::{human, text};
use crate::tui::keys::Command;
use crate::tui::screens::export;
use crate::tui::screens::policy::lists::{CallText, RuleText};
use crate::tui::screens::policy::{Focus, Input, Policy, Wanted};
use crate::tui::theme::Theme;
use crate::tui::widgets::hints;
use crate::tui::widgets::paint::{self, Row};

pub(super) fn draw(policy: &Policy, theme: &Theme, buf: &mut Buffer) {
    let (frame, styles) = (&policy.frame, &theme.styles);
    let regions = &frame.regions;
    let mut row = Row::new(buf, regions.files, 0, styles.text);
    row.flush_right(&format!(" {} ", frame.amount), styles.faint);
    let room = row.room().saturating_sub(1);
    row.put(" ", styles.text)
        .put(&text::cut(&frame.files, room), styles.strong);
    if regions.sums.height > 0 {
        Row::new(buf, regions.sums, 0, styles.text)
            .put(" ", styles.text)
            .put(&frame.sums, styles.text);
    }
    if regions.upper_rule.height > 0 {
        let rule = (theme.marks.horizontal, styles.faint);
        paint::rule(buf, regions.upper_rule, 0, rule);
    }
    let whole = regions.whole();
    if policy.suggested.is_open() {
        lines(&policy.suggested.shown(), whole, theme, buf);
    } else if !frame.empty.is_empty() {
        let shown: Vec<&str> = frame.empty.iter().map(String::as_str).collect();
        lines(&shown, whole, theme, buf);
    } else {
        table(policy, theme, buf);
        rules(policy, theme, buf);
        calls(policy, theme, buf);
    }
    foot(policy, theme, buf);
}

fn lines(shown: &[&str], area: Rect, theme: &Theme, buf: &mut Buffer) {
    for y in 0..area.height {
        let words = shown.get(usize::from(y)).copied().unwrap_or_default();
        Row::new(buf, area, y, Style::new())
            .put(" ", Style::new())
            .put(words, theme.styles.text);
    }
}

fn style(theme: &Theme, effect: Effect) -> Style {
    let styles = &theme.styles;
    match effect {
        Effect::Allow => styles.ok,
        Effect::Warn | Effect::Ask => styles.waiting,
        Effect::Deny => styles.blocked,
        Effect::Error => styles.error,
        Effect::Unknown => styles.faint,
    }
}

const WAS: usize = 20;
const CELL: usize = 9;

fn table(policy: &Policy, theme: &Theme, buf: &mut Buffer) {
    let (area, grid, styles) = (
        policy.frame.regions.table,
        &policy.frame.table,
        &theme.styles,
    );
    if area.height == 0 {
        return;
    }
    let was = if grid.is_compared {
        "THE OTHER ↓ NEW →"
    } else {
        "RECORDED ↓ NEW →"
    };
    let mut notes = policy.frame.notes.iter();
    let mut head = Row::new(buf, area, 0, styles.faint);
    head.skip(2).cell(was, WAS, styles.faint);
    for now in &grid.columns {
        head.right(now.word(), CELL, styles.faint);
    }
    note(&mut head, notes.next(), theme);
    let selected = policy.lists.cells.get(policy.lists.cell);
    let selected = selected.filter(|_| policy.focus == Focus::Table);
    for y in 1..area.height {
        let mut row = Row::new(buf, area, y, Style::new());
        let Some((was, counts)) = grid.rows.get(usize::from(y) - 1) else {
            row.skip(2 + WAS + CELL * grid.columns.len());
            note(&mut row, notes.next(), theme);
            continue;
        };
        row.skip(2).cell(was.word(), WAS, styles.text);
        for (now, count) in grid.columns.iter().zip(counts) {
            let plain = match count {
                0 => styles.faint,
                _ if now == was => styles.text,
                _ => style(theme, *now),
            };
            let is_selected = selected == Some(&(*was, *now));
            let shown = if is_selected { styles.selected } else { plain };
            row.skip(1).right(&human::count(*count), CELL - 1, shown);
        }
        note(&mut row, notes.next(), theme);
    }
}

/// A line beside the table.
fn note(row: &mut Row<'_>, words: Option<&String>, theme: &Theme) {
    let words = words.map_or("", String::as_str);
    row.put("  ", Style::new())
        .put(theme.marks.vertical, theme.styles.faint)
        .put(" ", Style::new());
    let room = row.room();
    row.put(&text::cut(words, room), theme.styles.text);
}

const EFFECT: usize = 7;
const RULE: usize = 32;
/// Below [`WIDE`]: what lint says needs the room.
const NARROW_RULE: usize = 24;
const FIGURE: usize = 9;
/// Below this width, DECIDES is the only figure of a rule.
const WIDE: u16 = 100;

fn rules(policy: &Policy, theme: &Theme, buf: &mut Buffer) {
    let (regions, styles) = (&policy.frame.regions, &theme.styles);
    paint::titled("rules", regions.rules_rule, theme, buf);
    let mut head = Row::new(buf, regions.heads, 0, styles.faint);
    head.skip(2)
        .cell("EFFECT", EFFECT, styles.faint)
        .cell("RULE", rule_width(regions.heads), styles.faint)
        .right("DECIDES", FIGURE, styles.faint);
    if regions.heads.width >= WIDE {
        head.right("STOPS", FIGURE, styles.faint)
            .right("ASKS", FIGURE, styles.faint);
    }
    head.put("  LINT", styles.faint);
    for y in 0..regions.rules.height {
        let shown = policy.frame.rules.get(usize::from(y));
        let is_selected = shown.is_some_and(|it| it.is_selected);
        let base = match (is_selected, policy.focus) {
            (true, Focus::Rules) => styles.selected,
            (true, _) => styles.shadowed,
            (false, _) => Style::new(),
        };
        let row = Row::new(buf, regions.rules, y, base);
        if let Some(shown) = shown {
            rule(policy, shown, (theme, base), row);
        }
    }
}

fn rule_width(area: Rect) -> usize {
    if area.width >= WIDE {
        RULE
    } else {
        NARROW_RULE
    }
}

fn rule(policy: &Policy, shown: &RuleText, (theme, base): (&Theme, Style), mut row: Row<'_>) {
    let styles = &theme.styles;
    let over = |style: Style| style.patch(base);
    let effect = shown.effect.map_or("", Effect::word);
    let tone = shown.effect.map_or(styles.faint, |it| style(theme, it));
    let width = rule_width(policy.frame.regions.rules);
    row.cell(mark(shown.is_selected, theme), 2, over(styles.text))
        .cell(effect, EFFECT, over(tone))
        .cell(&text::cut(&shown.name, width - 1), width, over(styles.text))
        .right(&shown.decides, FIGURE, over(styles.number));
    if policy.frame.regions.rules.width >= WIDE {
        // What never happens needs no attention.
        let figure = |words: &str, style| if words == "0" { styles.faint } else { style };
        let (stops, asks) = (&shown.stops, &shown.asks);
        row.right(stops, FIGURE, over(figure(stops, styles.blocked)))
            .right(asks, FIGURE, over(figure(asks, styles.waiting)));
    }
    row.put("  ", over(styles.text));
    let room = row.room();
    row.cell(&text::cut(&shown.lint, room), room, over(styles.faint));
}

/// The sign of the selected line.
fn mark(is_selected: bool, theme: &Theme) -> &'static str {
    if is_selected { theme.marks.folded } else { " " }
}

const PLACE: usize = 18;
const WORD: usize = 8;
const NOTE: usize = 36;

fn calls(policy: &Policy, theme: &Theme, buf: &mut Buffer) {
    let regions = &policy.frame.regions;
    paint::titled(&policy.frame.calls_title, regions.calls_rule, theme, buf);
    for y in 0..regions.calls.height {
        let shown = policy.frame.calls.get(usize::from(y));
        let is_selected = shown.is_some_and(|it| it.is_selected);
        let base = theme.styles.row(is_selected);
        let row = Row::new(buf, regions.calls, y, base);
        if let Some(shown) = shown {
            call(shown, (theme, base), row);
        }
    }
}

fn call(shown: &CallText, (theme, base): (&Theme, Style), mut row: Row<'_>) {
    let styles = &theme.styles;
    let over = |style: Style| style.patch(base);
    row.cell(mark(shown.is_selected, theme), 2, over(styles.text))
        .cell(&shown.place, PLACE, over(styles.faint));
    let is_wide = row.room() > 90;
    let after = 2 * WORD + 4 + if is_wide { NOTE } else { 0 };
    let room = row.room().saturating_sub(after);
    row.cell(&text::cut(&shown.what, room), room, over(styles.text))
        .put(" ", over(styles.text))
        .right(shown.was, WORD, over(styles.faint))
        .put(" → ", over(styles.faint));
    let now = shown.now.unwrap_or(Effect::Unknown);
    row.cell(now.word(), WORD, over(style(theme, now)));
    if is_wide {
        row.cell(shown.note, NOTE, over(styles.faint));
    }
}

/// Without a policy.
const NONE: &[Command] = &[Command::UsePolicy, Command::Suggest, Command::Reload];

const HINTS: &[Command] = &[
    Command::Open,
    Command::NextPart,
    Command::WhatIf,
    Command::UsePolicy,
    Command::ComparePolicies,
    Command::Suggest,
    Command::Reload,
    Command::CopyRule,
    Command::Export,
];

fn foot(policy: &Policy, theme: &Theme, buf: &mut Buffer) {
    let (regions, styles) = (&policy.frame.regions, &theme.styles);
    let Some(mut row) = paint::foot(buf, (regions.lower_rule, regions.footer), theme) else {
        return;
    };
    match &policy.input {
        Input::Exporting => export::draw_offers(theme, &mut row),
        Input::Path(wanted, prompt) => {
            let words = match wanted {
                Wanted::Judge => " judge by the policy at: ",
                Wanted::Other => " compare with the policy at: ",
            };
            row.put(words, styles.faint);
            let room = row.room();
            prompt.draw(&mut row, room, (styles.text, styles.selected));
        }
        Input::Nothing => {
            let is_empty = !policy.frame.empty.is_empty();
            let hints = if is_empty { NONE } else { HINTS };
            hints::draw(None, hints, theme, &mut row);
        }
    }
}
