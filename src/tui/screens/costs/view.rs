//! Drawing the costs: only what `prepare` put on the screen, in the roles of the theme.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use crate::analysis::costs::By;
use crate::base::text;
use crate::tui::keys::Command;
use crate::tui::screens::costs::Costs;
use crate::tui::screens::costs::table::{self, Column, Row as Shown};
use crate::tui::theme::Theme;
use crate::tui::widgets::hints;
use crate::tui::widgets::paint::{self, Row};

pub(super) fn draw(costs: &Costs, theme: &Theme, buf: &mut Buffer) {
    let (regions, styles) = (&costs.frame.regions, &theme.styles);
    let mut row = Row::new(buf, regions.total, 0, styles.text);
    row.put(" ", styles.text)
        .put(&costs.frame.total, styles.strong);
    for rule in [regions.upper_rule, regions.kinds_rule] {
        if rule.height > 0 {
            paint::rule(buf, rule, 0, (theme.marks.horizontal, styles.faint));
        }
    }
    kinds(costs, theme, buf);
    tabs(costs, theme, buf);
    heads((&costs.frame.columns, regions.columns, 0), theme, buf);
    list(costs, theme, buf);
    let mut row = Row::new(buf, regions.about, 0, styles.faint);
    row.put(" ", styles.faint)
        .put(costs.frame.about, styles.faint);
    foot(costs, theme, buf);
}

fn kinds(costs: &Costs, theme: &Theme, buf: &mut Buffer) {
    let area = costs.frame.regions.kinds;
    if area.height == 0 {
        return;
    }
    let columns = table::kind_columns();
    heads((&columns, area, 0), theme, buf);
    for (shown, y) in costs.frame.kinds.iter().zip(1..area.height) {
        line((&columns, area, y), shown, theme, buf);
    }
}

fn list(costs: &Costs, theme: &Theme, buf: &mut Buffer) {
    let area = costs.frame.regions.list;
    for y in 0..area.height {
        Row::new(buf, area, y, Style::new());
    }
    if costs.lines.is_empty() {
        let mut row = Row::new(buf, area, 1, Style::new());
        row.put("  ", Style::new())
            .put(&costs.frame.empty, theme.styles.faint);
    }
    for (shown, y) in costs.frame.rows.iter().zip(0..area.height) {
        line((&costs.frame.columns, area, y), shown, theme, buf);
    }
}

type Place<'a> = (&'a [Column], Rect, u16);

fn heads((columns, area, y): Place<'_>, theme: &Theme, buf: &mut Buffer) {
    let faint = theme.styles.faint;
    let mut row = Row::new(buf, area, y, faint);
    row.skip(1);
    for column in columns {
        // Heads of columns with text are flush with it.
        cell(&mut row, column, column.head, (faint, rest(columns, area)));
    }
}

/// What the columns of fixed width leave.
fn rest(columns: &[Column], area: Rect) -> usize {
    let fixed: usize = columns.iter().map(|column| column.width).sum();
    usize::from(area.width).saturating_sub(fixed + 2)
}

fn cell(row: &mut Row<'_>, column: &Column, words: &str, (style, rest): (Style, usize)) {
    let width = if column.width == 0 {
        rest
    } else {
        column.width
    };
    // Columns never touch.
    let words = text::cut(words, width.saturating_sub(1));
    if column.is_right {
        row.right(&words, width, style);
    } else {
        row.cell(&words, width, style);
    }
}

fn line((columns, area, y): Place<'_>, shown: &Shown, theme: &Theme, buf: &mut Buffer) {
    let styles = &theme.styles;
    let base = styles.row(shown.is_selected);
    let mut row = Row::new(buf, area, y, base);
    row.skip(1);
    let rest = rest(columns, area);
    for column in columns {
        let words = shown.cells.get(column.at).map_or("", String::as_str);
        let style = match column.head.trim() {
            "COST" | "TOLL" => styles.number,
            "SHARE" | "TURN" | "FROM" | "RUN" => styles.faint,
            _ => styles.text,
        };
        let style = if shown.is_selected { base } else { style };
        cell(&mut row, column, words, (style, rest));
    }
    bar(&mut row, shown, (theme, base));
}

/// The longest bar.
const BAR: usize = 24;

fn bar(row: &mut Row<'_>, shown: &Shown, (theme, base): (&Theme, Style)) {
    let room = row.room().saturating_sub(3).min(BAR);
    let cells = (shown.part.clamp(0.0, 1.0) * room as f64).round() as usize;
    let style = if shown.is_selected {
        base
    } else {
        theme.styles.model
    };
    row.skip(2).put(&theme.marks.bar.repeat(cells), style);
}

fn tabs(costs: &Costs, theme: &Theme, buf: &mut Buffer) {
    let styles = &theme.styles;
    let mut row = Row::new(buf, costs.frame.regions.tabs, 0, Style::new());
    for by in costs.tabs() {
        let (style, marks) = if by == costs.by {
            (styles.strong, ("[", "]"))
        } else {
            (styles.faint, (" ", " "))
        };
        row.put(
            &format!("{}{}{}", marks.0, table::title(by), marks.1),
            style,
        );
    }
}

/// The list whose tab covers this cell.
pub(super) fn tab_at(costs: &Costs, x: usize) -> Option<By> {
    let mut end = 0;
    costs.tabs().find(|by| {
        end += text::width(table::title(*by)) + 2;
        x < end
    })
}

const HINTS: &[Command] = &[
    Command::Open,
    Command::NextList,
    Command::CostOrder,
    Command::AllRuns,
];

fn foot(costs: &Costs, theme: &Theme, buf: &mut Buffer) {
    let regions = &costs.frame.regions;
    let Some(mut row) = paint::foot(buf, (regions.lower_rule, regions.footer), theme) else {
        return;
    };
    row.flush_right(&format!("  {} ", costs.frame.position), theme.styles.text);
    hints::draw(None, HINTS, theme, &mut row);
}
