//! Drawing the recent runs.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use crate::base::human;
use crate::tui::screens::outcome;
use crate::tui::screens::recent::tasks::SOON;
use crate::tui::screens::recent::{FileEntry, Recent};
use crate::tui::theme::Theme;
use crate::tui::widgets::paint::{self, Row};

/// Lines above the list.
pub(super) const HEAD: u16 = 4;
/// Lines above and below it.
pub(super) const AROUND: u16 = HEAD + 3;

const WHEN: usize = 12;
const AGE: usize = 4;
const SIZE: usize = 7;
const COST: usize = 8;
const ERRORS: usize = 4;
const FORMAT: usize = 12;
/// Narrower screens leave the format out.
const WIDE: u16 = 72;
/// Only these show what a run cost and its errors.
const FIGURES: u16 = 100;

/// ```text
///  saferun › recent runs                         12 of 48 · first words of 48 read
///  search  refund█
/// ────────────────────────────────────────────────────────────────────────────────
///  MODIFIED      AGE    SIZE FORMAT           COST  ERR FIRST PROMPT
///  14:01 today    2h  1.2 MB claude-code    ≈$1.20    3 Fix the failing refund test
/// ────────────────────────────────────────────────────────────────────────────────
///  .claude/projects/-work-shop/258c7280.jsonl
///  ⏎ open  esc leaves
/// ```
pub(super) fn draw(recent: &Recent, theme: &Theme, area: Rect, buf: &mut Buffer) {
    let styles = &theme.styles;
    for y in 0..area.height {
        Row::new(buf, area, y, Style::new());
    }
    head(recent, theme, area, buf);
    let rows = usize::from(area.height.saturating_sub(AROUND));
    let found = recent.found.as_deref().unwrap_or_default();
    let places = (recent.view.top()..recent.len()).take(rows);
    for (at, y) in places.zip(HEAD..) {
        let base = styles.row(at == recent.view.cursor);
        let row = Row::new(buf, area, y, base);
        match recent.listed.get(at).and_then(|at| found.get(*at)) {
            Some(found) => file(found, theme, base, row),
            None if recent.is_all(at) => all(recent.listed.len(), theme, base, row),
            None => demo(theme, base, row),
        }
    }
    foot(recent, theme, area, buf);
}

fn head(recent: &Recent, theme: &Theme, area: Rect, buf: &mut Buffer) {
    let styles = &theme.styles;
    let mut row = Row::new(buf, area, 0, Style::new());
    row.flush_right(&format!(" {} ", amount(recent)), styles.faint);
    row.flush_right(&recent.asks, styles.waiting);
    row.put(" saferun ", styles.strong)
        .put(theme.marks.crumb, styles.faint)
        .put(" recent runs", styles.text);
    let mut row = Row::new(buf, area, 1, Style::new());
    row.put(" search  ", styles.strong);
    let room = row.room();
    recent
        .search
        .draw(&mut row, room, (styles.text, styles.selected));
    paint::rule(buf, area, 2, (theme.marks.horizontal, styles.faint));
    let mut row = Row::new(buf, area, 3, styles.faint);
    row.put(" ", styles.faint)
        .cell("MODIFIED", WHEN, styles.faint)
        .skip(1)
        .right("AGE", AGE, styles.faint)
        .skip(1);
    if area.width >= WIDE {
        row.right("SIZE", SIZE, styles.faint).skip(1);
        row.cell("FORMAT", FORMAT, styles.faint).skip(1);
    }
    if area.width >= FIGURES {
        row.right("COST", COST, styles.faint)
            .skip(1)
            .right("ERR", ERRORS, styles.faint)
            .skip(1);
    }
    row.put("FIRST PROMPT", styles.faint);
}

/// The number of runs that agents will delete soon, and the key that keeps them.
fn due(recent: &Recent, width: u16) -> Option<String> {
    let (runs, _) = recent.due;
    let runs = human::counted(Some(runs as u64).filter(|runs| *runs > 0)?, "run");
    let key = "ctrl-k keeps copies";
    Some(match width {
        FIGURES.. => format!(" {runs} will be deleted within {SOON} days · {key} "),
        _ => format!(" {runs} to be deleted · {key} "),
    })
}

fn amount(recent: &Recent) -> String {
    let Some(found) = &recent.found else {
        return "searching this machine".to_owned();
    };
    let (listed, all) = (recent.listed.len(), found.len());
    let of = if listed < all {
        format!(
            "{} of {}",
            human::count(listed as u64),
            human::count(all as u64)
        )
    } else {
        human::count(all as u64)
    };
    if recent.read < all {
        let read = human::count(recent.read as u64);
        format!("{of} · first prompts of {read} read")
    } else {
        of
    }
}

fn file(found: &FileEntry, theme: &Theme, base: Style, mut row: Row<'_>) {
    let styles = &theme.styles;
    let is_wide = row.room() >= usize::from(WIDE);
    let has_figures = row.room() >= usize::from(FIGURES);
    row.put(" ", base)
        .cell(&found.when, WHEN, styles.faint.patch(base))
        .skip(1)
        .right(&found.age, AGE, styles.faint.patch(base))
        .skip(1);
    if is_wide {
        row.right(&found.size, SIZE, styles.faint.patch(base))
            .skip(1);
        let format = found.file.format.name();
        row.cell(format, FORMAT, styles.tool.patch(base)).skip(1);
    }
    if has_figures {
        figures(found, theme, base, &mut row);
    }
    // A file shows its name until its first prompt is read, or if it has none.
    if found.words.is_empty() {
        row.put(&found.path, styles.faint.patch(base));
    } else {
        row.put(&found.words, styles.text.patch(base));
    }
}

/// What it cost and its errors; empty until the file is read.
fn figures(found: &FileEntry, theme: &Theme, base: Style, row: &mut Row<'_>) {
    let styles = &theme.styles;
    let (cost, errors) = match found.figures {
        Some(figures) => (
            outcome::cost_in(figures.cost, COST).unwrap_or_else(|| theme.marks.none.to_owned()),
            figures.errors.to_string(),
        ),
        None => (String::new(), String::new()),
    };
    let has_errors = found.figures.is_some_and(|figures| figures.errors > 0);
    let style = if has_errors {
        styles.error
    } else {
        styles.faint
    };
    row.right(&cost, COST, styles.text.patch(base))
        .skip(1)
        .right(&errors, ERRORS, style.patch(base))
        .skip(1);
}

fn all(count: usize, theme: &Theme, base: Style, mut row: Row<'_>) {
    let words = format!(
        "open these {} together",
        human::counted(count as u64, "run")
    );
    row.put(" ", base)
        .cell("all", WHEN, theme.styles.strong.patch(base))
        .skip(1)
        .put(&words, theme.styles.text.patch(base));
}

fn demo(theme: &Theme, base: Style, mut row: Row<'_>) {
    row.put(" ", base)
        .cell("demo", WHEN, theme.styles.strong.patch(base))
        .skip(1)
        .put("the bundled sample traces", theme.styles.text.patch(base));
}

fn foot(recent: &Recent, theme: &Theme, area: Rect, buf: &mut Buffer) {
    let styles = &theme.styles;
    let found = recent.found.as_deref();
    let Some(top) = area.height.checked_sub(3) else {
        return;
    };
    paint::rule(buf, area, top, (theme.marks.horizontal, styles.faint));
    let selected = recent.listed.get(recent.view.cursor);
    let selected = selected.and_then(|at| found?.get(*at));
    let words = match (selected, found) {
        (Some(found), _) => found.path.clone(),
        (None, Some([])) if !recent.places.is_empty() => {
            format!("no agent runs in {}", recent.places)
        }
        (None, _) => String::new(),
    };
    Row::new(buf, area, top + 1, Style::new()).put(&format!(" {words}"), styles.faint);
    let mut row = Row::new(buf, area, top + 2, Style::new());
    if let Some(words) = due(recent, area.width) {
        row.flush_right(&words, styles.waiting);
    }
    row.put(&format!(" {}", theme.marks.enter), styles.strong)
        .put(" open  ", styles.faint)
        .put("type", styles.strong)
        .put(" to search  ", styles.faint)
        .put("esc", styles.strong)
        .put(" leave  ", styles.faint)
        .put("ctrl-c", styles.strong)
        .put(" quit", styles.faint);
}
