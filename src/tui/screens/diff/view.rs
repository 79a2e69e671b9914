//! Drawing two runs side by side, or one below the other.

use std::ops::Range;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use crate::analysis::diff::Column;
use crate::analysis::diff::label::Label;
use crate::base::text;
use crate::tui::keys::Command;
use crate::tui::screens::diff::lines::{self, Cells, Made, Part, Shown, What};
use crate::tui::screens::diff::{Diff, Focus};
use crate::tui::screens::export;
use crate::tui::screens::outcome;
use crate::tui::screens::stream::rows::RowText;
use crate::tui::screens::stream::view::pane;
use crate::tui::theme::Theme;
use crate::tui::widgets::hints;
use crate::tui::widgets::paint::{self, Row};
use crate::tui::widgets::tone::Line;

pub(super) fn draw(diff: &Diff, theme: &Theme, buf: &mut Buffer) {
    story(diff, theme, buf);
    heads(diff, theme, buf);
    list(diff, theme, buf);
    fields(diff, theme, buf);
    foot(diff, theme, buf);
}

fn put(line: &Line, theme: &Theme, base: Style, row: &mut Row<'_>) {
    for (tone, piece) in line {
        row.put(piece, pane::tone(theme, *tone).patch(base));
    }
}

fn story(diff: &Diff, theme: &Theme, buf: &mut Buffer) {
    let area = diff.frame.regions.story;
    for y in 0..area.height {
        Row::new(buf, area, y, theme.styles.text);
    }
    for (line, y) in diff.frame.words.story.iter().zip(0..area.height) {
        let mut row = Row::new(buf, area, y, theme.styles.text);
        row.put(" ", Style::new());
        put(line, theme, Style::new(), &mut row);
    }
}

/// Cells of the sign between the runs; with the word for it where there is room.
fn gutter(width: u16) -> u16 {
    if width >= 110 { 12 } else { 3 }
}

/// The cells of A and of B.
fn halves(area: Rect) -> [Rect; 2] {
    let gutter = gutter(area.width).min(area.width);
    let left = (area.width - gutter) / 2;
    let b = Rect {
        x: area.x + left + gutter,
        width: area.width - gutter - left,
        ..area
    };
    [
        Rect {
            width: left,
            ..area
        },
        b,
    ]
}

fn heads(diff: &Diff, theme: &Theme, buf: &mut Buffer) {
    let regions = &diff.frame.regions;
    paint::rule(
        buf,
        regions.heads,
        0,
        (theme.marks.horizontal, theme.styles.faint),
    );
    if regions.heads.height < 2 {
        return;
    }
    let style = |side: usize| {
        if diff.side == side {
            theme.styles.strong
        } else {
            theme.styles.faint
        }
    };
    let mut row = Row::new(buf, regions.heads, 1, Style::new());
    if !regions.is_side {
        for letter in ["A", "B"] {
            let cells = diff.frame.cells.number;
            row.skip(1).right(letter, cells, theme.styles.faint);
        }
        row.skip(3);
        let words = diff.frame.words.heads.join("   ");
        row.put(&words, theme.styles.faint);
        return;
    }
    for (side, area) in halves(regions.heads).into_iter().enumerate() {
        let mut row = Row::new(buf, area, 1, Style::new());
        if diff.frame.lines.is_empty() {
            continue;
        }
        row.skip(1)
            .right("#", diff.frame.cells.number, theme.styles.faint)
            .skip(1);
        row.put(&diff.frame.words.heads[side], style(side));
    }
}

fn list(diff: &Diff, theme: &Theme, buf: &mut Buffer) {
    let area = diff.frame.regions.list;
    for y in 0..area.height {
        Row::new(buf, area, y, Style::new());
    }
    for (y, line) in diff.frame.words.empty.iter().enumerate() {
        Row::new(buf, area, (y + 1) as u16, Style::new())
            .put(&format!("  {line}"), theme.styles.faint);
    }
    for shown in &diff.frame.lines {
        let painter = Painter {
            theme,
            base: match (shown.is_selected, diff.focus) {
                (true, Focus::List) => theme.styles.selected,
                (true, Focus::Fields) => theme.styles.shadowed,
                (false, _) => Style::new(),
            },
            is_side: diff.frame.regions.is_side,
            side: diff.side,
            cells: diff.frame.cells,
        };
        painter.item(shown, area, buf);
    }
}

struct Painter<'a> {
    theme: &'a Theme,
    /// What the whole row has on it: the selection.
    base: Style,
    is_side: bool,
    side: usize,
    cells: Cells,
}

impl Painter<'_> {
    fn over(&self, style: Style) -> Style {
        style.patch(self.base)
    }

    fn item(&self, shown: &Shown, area: Rect, buf: &mut Buffer) {
        match &shown.what {
            What::Folded(count) => {
                let mut row = Row::new(buf, area, shown.at.row as u16, self.base);
                let plural = if *count == 1 { "" } else { "s" };
                let words = format!("      ⋯ {count} equal action{plural}");
                row.put(&words, self.over(self.theme.styles.faint));
            }
            What::Pair { column, made, .. } => {
                let parts = lines::parts(column, made, self.is_side);
                let rows = shown.at.row..usize::from(area.height);
                for (at, y) in (shown.at.skip..parts.len()).zip(rows) {
                    let place = (area, y as u16);
                    if self.is_side {
                        self.beside(shown, (at == 0, parts[at]), place, buf);
                    } else if let [Some(part), _] = parts[at] {
                        self.below(shown, (at == 0, part), place, buf);
                    }
                }
            }
        }
    }

    fn beside(
        &self,
        shown: &Shown,
        (is_first, parts): (bool, [Option<Part>; 2]),
        (area, y): (Rect, u16),
        buf: &mut Buffer,
    ) {
        let What::Pair { column, made, .. } = &shown.what else {
            return;
        };
        // The whole row first, so that the selection has no holes.
        Row::new(buf, area, y, self.base);
        for (half, part) in halves(area).into_iter().zip(parts) {
            let mut row = Row::new(buf, half, y, self.base);
            if let Some(part) = part {
                self.part(shown, (column, made), part, &mut row);
            }
        }
        let [left, right] = halves(area);
        let between = Rect {
            x: left.right(),
            width: right.x - left.right(),
            ..area
        };
        let mut row = Row::new(buf, between, y, self.base);
        let vertical = self.theme.marks.vertical;
        let faint = self.over(self.theme.styles.faint);
        let (sign, style) = self.sign(column.label);
        let style = self.over(style);
        match (is_first, between.width) {
            (true, 4..) => {
                row.put(vertical, faint);
                let words = format!("{sign} {:<8}", column.label.word());
                row.put(&words, style).put(vertical, faint);
            }
            (true, _) => {
                row.put(" ", faint).put(sign, style);
            }
            (false, 4..) => {
                row.put(vertical, faint).skip(10).put(vertical, faint);
            }
            (false, _) => {
                row.put(" ", faint).put(vertical, faint);
            }
        }
    }

    fn below(
        &self,
        shown: &Shown,
        (_, part): (bool, Part),
        (area, y): (Rect, u16),
        buf: &mut Buffer,
    ) {
        let What::Pair { column, made, .. } = &shown.what else {
            return;
        };
        let mut row = Row::new(buf, area, y, self.base);
        self.part(shown, (column, made), part, &mut row);
    }

    /// A line of one of the two actions.
    fn part(&self, shown: &Shown, (column, made): (&Column, &Made), part: Part, row: &mut Row<'_>) {
        let faint = self.over(self.theme.styles.faint);
        match part {
            Part::Action(side) => {
                let Some(text) = &made.sides[side] else {
                    return;
                };
                self.number(shown, (column, made), side, row);
                self.action(text, &made.spans[side], column.label, row);
            }
            Part::Below(side, at) => {
                let sub = made.sides[side]
                    .as_ref()
                    .and_then(|text| text.below.get(at));
                let Some(sub) = sub else { return };
                let number = self.cells.number;
                let indent = if self.is_side {
                    number + 3
                } else {
                    2 * number + 5
                };
                row.skip(indent)
                    .put(self.theme.marks.branch, faint)
                    .put(" ", Style::new())
                    .put(&sub.text, self.over(pane::tone(self.theme, sub.tone)));
            }
            Part::Gone(side) => {
                let letter = ["A", "B"][side];
                row.skip(self.cells.number + 3)
                    .put(&format!("· · ·  not in {letter}"), faint);
            }
        }
    }

    /// Marks and the number; one below the other the numbers of both sides and the sign.
    fn number(
        &self,
        shown: &Shown,
        (column, made): (&Column, &Made),
        side: usize,
        row: &mut Row<'_>,
    ) {
        let What::Pair {
            marks,
            is_divergence,
            is_pinned,
            is_taken,
            ..
        } = &shown.what
        else {
            return;
        };
        let (theme, faint) = (self.theme, self.over(self.theme.styles.faint));
        let mark = match (is_taken[side], marks[side]) {
            (true, _) => "=".to_owned(),
            (false, Some(letter)) => letter.to_string(),
            (false, None) if *is_pinned => theme.marks.mark.to_owned(),
            (false, None) if *is_divergence => theme.marks.folded.to_owned(),
            (false, None) => " ".to_owned(),
        };
        row.put(&mark, self.over(theme.styles.strong));
        let number = |side: usize| {
            let text = made.sides[side].as_ref();
            let number = text.and_then(|text| text.number);
            number.map(|number| number.to_string()).unwrap_or_default()
        };
        let style = if self.side == side && shown.is_selected {
            self.over(theme.styles.strong)
        } else {
            faint
        };
        if self.is_side {
            row.right(&number(side), self.cells.number, style)
                .put(" ", faint);
            return;
        }
        let is_same = column.label == Label::Same;
        for at in [0, 1] {
            let shown = if is_same || at == side {
                number(at)
            } else {
                String::new()
            };
            row.right(&shown, self.cells.number, style).put(" ", faint);
        }
        let (sign, style) = match (column.label, side) {
            (Label::Same | Label::Moved | Label::Retry, _) => self.sign(column.label),
            (_, 0) => (theme.marks.missing, theme.styles.error),
            (_, _) => (theme.marks.extra, theme.styles.ok),
        };
        row.put(sign, self.over(style)).put(" ", faint);
    }

    fn action(&self, text: &RowText, spans: &[Range<usize>], label: Label, row: &mut Row<'_>) {
        let theme = self.theme;
        let faint = self.over(theme.styles.faint);
        let width = row.room();
        let spent = [
            (text.figures.cost.as_deref(), self.cells.cost, 48),
            (text.figures.latency.as_deref(), self.cells.latency, 40),
        ];
        for (words, cells, least) in spent {
            if width >= least && cells > 0 {
                let words = words.unwrap_or_default();
                let padding = " ".repeat(1 + cells.saturating_sub(text::width(words)));
                row.flush_right(&format!("{padding}{words}"), faint);
            }
        }
        if width >= 28 && self.cells.status > 0 {
            let cells = self.cells.status;
            let (words, style) = outcome::status((text.status, text.is_waiting), theme, cells);
            let words = if words == theme.marks.none {
                String::new()
            } else {
                words
            };
            row.flush_right(&format!(" {}", text::fit(&words, cells)), self.over(style));
        }
        row.put(
            theme.marks.kind(text.kind),
            self.over(theme.kind(text.kind)),
        );
        row.put(" ", faint);
        let plain = if label == Label::Same {
            faint
        } else {
            self.over(theme.styles.text)
        };
        let changed = self.over(theme.styles.strong);
        let shown = text::cut(&text.text, row.room());
        // Cut text ends with a mark that has no position in the text.
        let end = if shown.len() == text.text.len() {
            shown.len()
        } else {
            shown.len() - "…".len()
        };
        let mut done = 0;
        for span in spans.iter().filter(|span| span.start < end) {
            row.put(shown.get(done..span.start).unwrap_or_default(), plain);
            done = span.end.min(end);
            row.put(shown.get(span.start..done).unwrap_or_default(), changed);
        }
        row.put(shown.get(done..).unwrap_or_default(), plain);
    }

    fn sign(&self, label: Label) -> (&'static str, Style) {
        let (marks, styles) = (self.theme.marks, &self.theme.styles);
        match label {
            Label::Same => ("=", styles.faint),
            Label::Text | Label::Input => (marks.unsure, styles.note),
            Label::Result | Label::Outcome | Label::Args | Label::Tool => {
                (marks.differs, styles.waiting)
            }
            Label::Blocked => (marks.blocked, styles.blocked),
            Label::Missing => (marks.missing, styles.error),
            Label::Extra => (marks.extra, styles.ok),
            Label::Moved => (marks.moved, styles.note),
            Label::Retry => (marks.retry, styles.waiting),
        }
    }
}

fn fields(diff: &Diff, theme: &Theme, buf: &mut Buffer) {
    let area = diff.frame.regions.fields;
    if area.height == 0 {
        return;
    }
    paint::rule(buf, area, 0, (theme.marks.horizontal, theme.styles.faint));
    let title = format!(" {} ", diff.frame.words.fields);
    if title.trim() != "" {
        let name = Rect {
            x: area.x + 1,
            width: (text::width(&title) as u16).min(area.width.saturating_sub(2)),
            ..area
        };
        let style = match diff.focus {
            Focus::Fields => theme.styles.selected,
            Focus::List => theme.styles.strong,
        };
        Row::new(buf, name, 0, Style::new()).put(&title, style);
    }
    let body = Rect {
        y: area.y + 1,
        height: area.height - 1,
        ..area
    };
    for y in 0..body.height {
        Row::new(buf, body, y, Style::new());
    }
    let top = diff.fields.view.top();
    let lines = diff.fields.lines.iter().enumerate().skip(top);
    for ((at, line), y) in lines.zip(0..body.height) {
        let is_selected = diff.focus == Focus::Fields && at == diff.fields.view.cursor;
        let base = theme.styles.row(is_selected);
        let mut row = Row::new(buf, body, y, base);
        row.put("  ", base);
        put(&line.pieces, theme, base, &mut row);
    }
}

const HINTS: &[Command] = &[
    Command::NextChange,
    Command::FirstDivergence,
    Command::Fields,
    Command::Unified,
    Command::FoldEqual,
    Command::Ignore,
    Command::Noise,
    Command::Repair,
    Command::Mark,
    Command::Export,
    Command::Experiment,
];

fn foot(diff: &Diff, theme: &Theme, buf: &mut Buffer) {
    let regions = &diff.frame.regions;
    let Some(mut row) = paint::foot(buf, (regions.lower_rule, regions.footer), theme) else {
        return;
    };
    if diff.pending.chord == Some(Command::Export) {
        return export::draw_offers(theme, &mut row);
    }
    row.flush_right(
        &format!("  {} ", diff.frame.words.position),
        theme.styles.text,
    );
    let is_empty = diff.frame.lines.is_empty();
    hints::draw(None, if is_empty { &[] } else { HINTS }, theme, &mut row);
}
