//! Drawing the runs: only what `prepare` put on the screen, in the roles of the theme.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use crate::analysis::life::Life;
use crate::analysis::{models, snippet};
use crate::base::text::{self, cut_middle};
use crate::export::words::Role;
use crate::tui::keys::Command;
use crate::tui::screens::filter_bar::view as filter_bar;
use crate::tui::screens::outcome;
use crate::tui::screens::runs::columns::{Column, Placed};
use crate::tui::screens::runs::sorting;
use crate::tui::screens::runs::words::{Preview, TOOLS, Tool};
use crate::tui::screens::runs::{RunLine, Runs, What};
use crate::tui::theme::Theme;
use crate::tui::widgets::hints;
use crate::tui::widgets::paint::{self, Row, Sought};
use crate::tui::widgets::spark;

pub(super) fn draw(runs: &Runs, theme: &Theme, buf: &mut Buffer) {
    let regions = &runs.frame.regions;
    filter(runs, theme, buf);
    heads(runs, theme, buf);
    mistake(runs, theme, buf);
    list(runs, theme, buf);
    if let Some(preview) = &runs.frame.words.preview {
        draw_preview(preview, theme, regions.preview, buf);
    } else {
        for y in 0..regions.preview.height {
            Row::new(buf, regions.preview, y, Style::new());
        }
    }
    foot(runs, theme, buf);
    filter_bar::draw_proposals(&runs.filter, regions.filter, theme, buf);
    let over = regions.columns.union(regions.list).union(regions.preview);
    sorting::draw(runs, theme, over, buf);
}

fn filter(runs: &Runs, theme: &Theme, buf: &mut Buffer) {
    let (regions, styles, words) = (&runs.frame.regions, &theme.styles, &runs.frame.words);
    let row = Row::new(buf, regions.filter, 0, styles.text);
    filter_bar::draw_line(&runs.filter, (&words.kept, &words.counted), theme, row);
    if regions.upper_rule.height > 0 {
        paint::rule(
            buf,
            regions.upper_rule,
            0,
            (theme.marks.horizontal, styles.faint),
        );
    }
}

/// The caret under what is wrong takes the line below the filter.
fn mistake(runs: &Runs, theme: &Theme, buf: &mut Buffer) {
    let regions = &runs.frame.regions;
    if let Some(problem) = &runs.filter.problem {
        let lines = [regions.upper_rule, regions.columns];
        let below = lines.into_iter().find(|line| line.height > 0);
        filter_bar::mistake(problem, theme, below.unwrap_or(regions.columns), buf);
    }
}

/// The head of the column that the table is sorted by carries the direction.
fn heads(runs: &Runs, theme: &Theme, buf: &mut Buffer) {
    let styles = &theme.styles;
    let mut row = Row::new(buf, runs.frame.regions.columns, 0, styles.faint);
    row.skip(1);
    for column in &runs.frame.columns {
        let is_sorted = column.key() == Some(runs.order.key);
        let mark = theme.marks.direction(runs.order.falling);
        let (head, style) = if is_sorted {
            (format!("{}{mark}", column.info.head), styles.strong)
        } else {
            (column.info.head.to_owned(), styles.faint)
        };
        cell(&mut row, column, &head, style);
    }
}

fn cell(row: &mut Row<'_>, column: &Placed, words: &str, style: Style) {
    if column.info.is_right {
        row.right(words, column.width, style);
    } else {
        row.cell(words, column.width, style);
    }
    row.skip(1);
}

fn list(runs: &Runs, theme: &Theme, buf: &mut Buffer) {
    let area = runs.frame.regions.list;
    for y in 0..area.height {
        Row::new(buf, area, y, Style::new());
    }
    for (y, line) in runs.frame.words.empty.iter().enumerate() {
        Row::new(buf, area, (y + 1) as u16, Style::new())
            .put(&format!("  {line}"), theme.styles.faint);
    }
    for (shown, y) in runs.frame.lines.iter().zip(0..area.height) {
        let base = theme.styles.row(shown.is_selected);
        let mut row = Row::new(buf, area, y, base);
        match &shown.what {
            What::Group { words, is_folded } => {
                let mark = if *is_folded {
                    theme.marks.folded
                } else {
                    theme.marks.unfolded
                };
                row.put(&format!(" {mark} {words}"), theme.styles.strong.patch(base));
            }
            What::Run(line) => {
                let base = (base, shown.is_selected);
                draw_run(runs, line, base, theme, &mut row);
            }
        }
    }
}

fn draw_run(
    runs: &Runs,
    line: &RunLine,
    (base, is_selected): (Style, bool),
    theme: &Theme,
    row: &mut Row<'_>,
) {
    row.skip(1);
    for column in &runs.frame.columns {
        if column.info.column == Column::Title {
            let title = (line.text.title.as_str(), line.found.as_deref());
            draw_title(runs, title, (column, base), theme, row);
            continue;
        }
        let (words, style) = value(column, line, theme);
        let style = if is_selected {
            style.patch(base)
        } else {
            style
        };
        if column.info.column == Column::Run {
            let look = (style, looked_for(runs, theme));
            row.cell_with(&words, column.width, look).skip(1);
        } else {
            cell(row, column, &words, style);
        }
    }
}

fn value(column: &Placed, line: &RunLine, theme: &Theme) -> (String, Style) {
    let text = &line.text;
    let styles = &theme.styles;
    let or_none = |words: &str| {
        if words.is_empty() {
            theme.marks.none.to_owned()
        } else {
            words.to_owned()
        }
    };
    let alarm = |count: u32, style: Style| {
        (
            count.to_string(),
            if count > 0 { style } else { styles.faint },
        )
    };
    match column.info.column {
        Column::Pair => (
            line.pair.map(String::from).unwrap_or_default(),
            styles.strong,
        ),
        Column::Run => (
            cut_middle(&or_none(&line.id), column.width).into_owned(),
            styles.text,
        ),
        Column::Started => (or_none(&text.started), styles.faint),
        Column::Agent => (or_none(&text.agent), theme.lane(&text.agent)),
        Column::Model => (
            models::fit(&or_none(&text.model), column.width).into_owned(),
            styles.model,
        ),
        Column::Title => (or_none(&text.title), styles.text),
        Column::Turns => (text.turns.clone(), styles.faint),
        Column::Actions => (text.actions.clone(), styles.text),
        Column::Duration => (or_none(&text.duration), styles.faint),
        Column::Cost => (or_none(&text.cost), styles.text),
        Column::Errors => alarm(text.errors, styles.error),
        Column::Blocked => alarm(text.blocked, styles.blocked),
        Column::Retries => alarm(text.retries, styles.waiting),
        Column::Waited => (or_none(&text.waited), styles.waiting),
        Column::Grade => match &text.grade {
            Some((words, Role::Good)) => (words.clone(), styles.ok),
            Some((words, Role::Bad)) => (words.clone(), styles.error),
            Some((words, _)) => (words.clone(), styles.text),
            None => (or_none(""), styles.faint),
        },
        Column::Alerts => alerts(line.alerts, theme),
        Column::Outcome => outcome::words(line.life, theme, column.width),
        Column::Project => (or_none(&line.project), styles.text),
        Column::Now => (or_none(&line.now), now_style(line.life, theme)),
        Column::Pace => (or_none(&line.pace), styles.text),
    }
}

/// `✖1 ⚠2`: alerts that trip, and those that warn.
fn alerts((trips, warnings): (usize, usize), theme: &Theme) -> (String, Style) {
    let styles = &theme.styles;
    let warn = if theme.ascii { "!" } else { "⚠" };
    let parts = [(theme.marks.error, trips), (warn, warnings)];
    let parts = parts.iter().filter(|(_, count)| *count > 0);
    let words: Vec<String> = parts
        .map(|(mark, count)| format!("{mark}{count}"))
        .collect();
    match (trips, warnings) {
        (0, 0) => (theme.marks.none.to_owned(), styles.faint),
        (0, _) => (words.join(" "), styles.waiting),
        (_, _) => (words.join(" "), styles.error),
    }
}

/// Runs that are not working are dimmed.
fn now_style(life: Life, theme: &Theme) -> Style {
    if life.is_at_work() {
        theme.styles.text
    } else {
        theme.styles.faint
    }
}

fn looked_for<'a>(runs: &'a Runs, theme: &Theme) -> Sought<'a> {
    Sought {
        texts: &runs.filter.sought,
        style: theme.styles.hit,
    }
}

/// The title, or the text around the match where the title does not show it.
fn draw_title(
    runs: &Runs,
    (title, found): (&str, Option<&str>),
    (column, base): (&Placed, Style),
    theme: &Theme,
    row: &mut Row<'_>,
) {
    let sought = looked_for(runs, theme);
    let shown = text::cut(title, column.width);
    let is_shown = snippet::holds(&shown, sought.texts);
    let found = found.filter(|_| !is_shown);
    let found = found.map(|found| snippet::nearer(found, sought.texts, column.width));
    let words = found.as_deref().unwrap_or(title);
    let words = if words.is_empty() {
        theme.marks.none
    } else {
        words
    };
    let style = theme.styles.text.patch(base);
    row.cell_with(words, column.width, (style, sought)).skip(1);
}

const LABEL: usize = 8;

fn draw_preview(preview: &Preview, theme: &Theme, area: Rect, buf: &mut Buffer) {
    let styles = &theme.styles;
    paint::rule(buf, area, 0, (theme.marks.horizontal, styles.faint));
    let head = format!(" {} ", preview.title);
    let name = Rect {
        x: area.x + 1,
        width: (text::width(&head) as u16).min(area.width.saturating_sub(2)),
        ..area
    };
    Row::new(buf, name, 0, Style::new()).put(&head, styles.strong);
    for y in 1..area.height {
        Row::new(buf, area, y, Style::new());
    }
    let tools = tools(&preview.tools, theme);
    for ((label, words), y) in preview.lines.iter().zip(1..area.height) {
        let mut row = Row::new(buf, area, y, Style::new());
        let is_tools = *label == TOOLS;
        if is_tools && !preview.shape.is_empty() {
            let shape = spark::bars(&preview.shape, &theme.marks.levels);
            row.flush_right(&format!("  activity {shape} "), styles.faint);
        }
        let words = if is_tools { &tools } else { words };
        let words = if words.is_empty() {
            theme.marks.none
        } else {
            words
        };
        row.put("  ", Style::new())
            .cell(label, LABEL, styles.faint)
            .put(words, styles.text);
    }
}

/// `refund ×5 (3⊘)  db.read ×61 (2✖)`.
fn tools(tools: &[Tool], theme: &Theme) -> String {
    let marks = theme.marks;
    let one = |tool: &Tool| {
        let name = if tool.name.is_empty() {
            marks.none
        } else {
            &tool.name
        };
        let came_out = [(tool.stopped, marks.blocked), (tool.failed, marks.error)];
        let came_out = came_out.iter().filter(|(count, _)| *count > 0);
        let came_out: Vec<String> = came_out
            .map(|(count, mark)| format!("{count}{mark}"))
            .collect();
        let came_out = if came_out.is_empty() {
            String::new()
        } else {
            format!(" ({})", came_out.join(" "))
        };
        format!("{name} {}{}{came_out}", marks.times, tool.calls)
    };
    tools.iter().map(one).collect::<Vec<_>>().join("  ")
}

const HINTS: &[Command] = &[
    Command::Open,
    Command::Filter,
    Command::Pair,
    Command::Cohorts,
    Command::Sort,
    Command::Gather,
];

fn foot(runs: &Runs, theme: &Theme, buf: &mut Buffer) {
    let regions = &runs.frame.regions;
    let Some(mut row) = paint::foot(buf, (regions.lower_rule, regions.footer), theme) else {
        return;
    };
    row.flush_right(
        &format!("  {} ", runs.frame.words.totals),
        theme.styles.text,
    );
    if runs.filter.prompt.is_some() {
        hints::typing(theme, &mut row);
    } else {
        hints::draw(None, HINTS, theme, &mut row);
    }
}
