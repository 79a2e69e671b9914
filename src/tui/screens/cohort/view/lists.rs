//! Draws the lists that replace the figures: the models to choose from, the runs behind a figure.

use ratatui::buffer::Buffer;
use ratatui::style::Style;

use crate::base::text;
use crate::export::words;
use crate::tui::screens::cohort::evidence::{Evidence, Item};
use crate::tui::screens::cohort::models::Models;
use crate::tui::screens::cohort::view::Regions;
use crate::tui::theme::Theme;
use crate::tui::widgets::paint::Row;

/// Longer names of models are cut.
const LONGEST_NAME: usize = 40;

pub(super) fn models(models: &Models, regions: &Regions, theme: &Theme, buf: &mut Buffer) {
    let styles = &theme.styles;
    Row::new(buf, regions.heads, 0, styles.faint).put("    MODEL", styles.faint);
    let names = models.all.iter().map(|(name, _)| text::width(name));
    let width = names.max().unwrap_or(0).min(LONGEST_NAME);
    let listed = models.all.iter().enumerate().skip(models.view.top());
    for ((at, (name, tally)), y) in listed.zip(0..regions.list.height) {
        let base = styles.row(at == models.view.cursor);
        let side = models.sides.iter().position(|side| *side == Some(at));
        let letter = side.map_or(" ", |side| ["A", "B"][side]);
        Row::new(buf, regions.list, y, base)
            .put(&format!(" {letter}  "), styles.strong.patch(base))
            .cell(&text::sanitize(name), width, styles.model.patch(base))
            .skip(2)
            .put(&words::tally(tally), styles.text.patch(base));
    }
}

/// The width of the difference between two amounts.
const DIFFERENCE: usize = 11;

pub(super) fn behind(behind: &Evidence, regions: &Regions, theme: &Theme, buf: &mut Buffer) {
    let styles = &theme.styles;
    let room = usize::from(regions.list.width);
    let task = (room / 4).clamp(8, 30);
    let has_difference = behind.items.iter().any(|item| !item.difference.is_empty());
    let difference = if has_difference { DIFFERENCE } else { 0 };
    let side = room.saturating_sub(task + difference + 4) / 2;
    let mut row = Row::new(buf, regions.heads, 0, styles.faint);
    row.put(" ", styles.faint).cell("TASK", task, styles.faint);
    for (at, letter) in ["A", "B"].into_iter().enumerate() {
        let style = if at == behind.side {
            styles.strong
        } else {
            styles.faint
        };
        row.put(" ", styles.faint).cell(letter, side, style);
    }
    if has_difference {
        row.right("B − A", DIFFERENCE, styles.faint);
    }
    let items = behind.items.iter().enumerate().skip(behind.view.top());
    for ((at, item), y) in items.zip(0..regions.list.height) {
        let base = styles.row(at == behind.view.cursor);
        let mut row = Row::new(buf, regions.list, y, base);
        draw_item(item, behind.side, (theme, base), (task, side), &mut row);
    }
}

fn draw_item(
    item: &Item,
    chosen: usize,
    (theme, base): (&Theme, Style),
    (task, side): (usize, usize),
    row: &mut Row<'_>,
) {
    let styles = &theme.styles;
    row.put(" ", base)
        .cell(&text::cut(&item.task, task), task, styles.faint.patch(base));
    for (at, run) in item.sides.iter().enumerate() {
        let words = run.as_ref().map_or_else(
            || theme.marks.none.to_owned(),
            |run| format!("{}  {}", text::cut(&run.value, side / 2), run.id),
        );
        let style = if at == chosen {
            styles.strong
        } else {
            styles.text
        };
        row.put(" ", base)
            .cell(&text::cut(&words, side), side, style.patch(base));
    }
    row.right(&item.difference, DIFFERENCE, styles.number.patch(base));
}
