//! Tables that fit the terminal: the least important columns are dropped, the widest are cut.

use std::borrow::Cow;
use std::io;

use crate::analysis::models;
use crate::base::text;
use crate::cli::out::Out;
use crate::export::words::Role;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Align {
    Left,
    Right,
}

/// Which part of a text that is too long for its column is dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cut {
    End,
    Middle,
    /// The part that distinguishes models least.
    Model,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Column<'a> {
    pub(super) head: &'a str,
    pub(super) align: Align,
    /// 0 is always shown; of the others the highest is dropped first when there is no room.
    pub(super) spare: u8,
    /// May be cut to this many cells.
    pub(super) least: Option<usize>,
    pub(super) cut: Cut,
}

impl<'a> Column<'a> {
    pub(super) const fn left(head: &'a str, spare: u8) -> Column<'a> {
        Column {
            head,
            align: Align::Left,
            spare,
            least: None,
            cut: Cut::End,
        }
    }

    pub(super) const fn right(head: &'a str, spare: u8) -> Column<'a> {
        Column {
            head,
            align: Align::Right,
            spare,
            least: None,
            cut: Cut::End,
        }
    }

    /// May be cut down to `least` cells.
    pub(super) const fn cut_to(mut self, least: usize) -> Column<'a> {
        self.least = Some(least);
        self
    }

    pub(super) const fn dropping(mut self, cut: Cut) -> Column<'a> {
        self.cut = cut;
        self
    }

    fn fit<'t>(&self, text: &'t str, width: usize) -> Cow<'t, str> {
        match self.cut {
            Cut::End => text::cut(text, width),
            Cut::Middle => text::cut_middle(text, width),
            Cut::Model => models::fit(text, width),
        }
    }
}

/// Text that has passed `TextStyle::clean`, and its meaning.
#[derive(Debug, Clone)]
pub(super) struct Cell {
    pub(super) text: String,
    pub(super) role: Role,
}

impl Cell {
    pub(super) fn new(text: impl Into<String>) -> Cell {
        Cell {
            text: text.into(),
            role: Role::Plain,
        }
    }

    pub(super) fn role(text: impl Into<String>, role: Role) -> Cell {
        Cell {
            text: text.into(),
            role,
        }
    }

    /// A number that stands out unless it is 0.
    pub(super) fn alarm(count: u64, role: Role) -> Cell {
        let role = if count == 0 { Role::Dim } else { role };
        Cell {
            text: count.to_string(),
            role,
        }
    }
}

const GAP: usize = 2;

/// Writes a table whose rows are all in memory.
pub(super) fn write(out: &mut Out, columns: &[Column<'_>], rows: &[Vec<Cell>]) -> io::Result<()> {
    let mut layout = Layout::new(columns);
    for row in rows {
        layout.measure(row);
    }
    layout.settle(out.style.width);
    layout.heads(out)?;
    rows.iter().try_for_each(|row| layout.row(out, row))
}

/// The widths of columns. Measure every row, then settle, then write the rows.
#[derive(Debug)]
pub(super) struct Layout<'a> {
    columns: &'a [Column<'a>],
    natural: Vec<usize>,
    /// None where the column is dropped.
    widths: Vec<Option<usize>>,
}

impl<'a> Layout<'a> {
    pub(super) fn new(columns: &'a [Column<'a>]) -> Layout<'a> {
        let natural = columns
            .iter()
            .map(|column| text::width(column.head))
            .collect();
        Layout {
            columns,
            natural,
            widths: Vec::new(),
        }
    }

    /// A row may be short: the remaining columns share the room that is left.
    pub(super) fn measure(&mut self, row: &[Cell]) {
        for (widest, cell) in self.natural.iter_mut().zip(row) {
            *widest = (*widest).max(text::width(&cell.text));
        }
    }

    /// Gives the last column all the room that is left.
    pub(super) fn stretch_last(&mut self) {
        if let Some(last) = self.natural.last_mut() {
            *last = LONGEST;
        }
    }

    pub(super) fn settle(&mut self, room: Option<usize>) {
        self.widths = fit(self.columns, &self.natural, room);
    }

    pub(super) fn heads(&self, out: &mut Out) -> io::Result<()> {
        let heads: Vec<Cell> = self
            .columns
            .iter()
            .map(|column| Cell::role(column.head, Role::Head))
            .collect();
        self.row(out, &heads)
    }

    pub(super) fn row(&self, out: &mut Out, row: &[Cell]) -> io::Result<()> {
        let mut line = String::new();
        let shown = self.columns.iter().zip(&self.widths).zip(row);
        let last = self
            .widths
            .iter()
            .take(row.len())
            .rposition(Option::is_some);
        for (at, ((column, width), cell)) in shown.enumerate() {
            let Some(width) = *width else { continue };
            if !line.is_empty() {
                line.push_str(&" ".repeat(GAP));
            }
            let text = column.fit(&cell.text, width);
            let painted = out.style.paint(cell.role, &text);
            let pad = match (column.align, Some(at) == last) {
                (Align::Left, true) => 0,
                _ => width.saturating_sub(text::width(&text)),
            };
            match column.align {
                Align::Right => line.extend([" ".repeat(pad), painted]),
                Align::Left => line.extend([painted, " ".repeat(pad)]),
            }
        }
        out.line(line.trim_end_matches(' '))
    }
}

/// Wider than any row.
const LONGEST: usize = 1000;

/// The width of each column; none if it is dropped.
fn fit(columns: &[Column<'_>], natural: &[usize], room: Option<usize>) -> Vec<Option<usize>> {
    let mut widths: Vec<Option<usize>> = natural.iter().copied().map(Some).collect();
    let Some(room) = room else { return widths };
    let least = |at: usize| {
        columns[at]
            .least
            .map_or(natural[at], |least| least.min(natural[at]))
    };
    let total = |widths: &[Option<usize>]| {
        widths
            .iter()
            .flatten()
            .map(|width| width + GAP)
            .sum::<usize>()
            .saturating_sub(GAP)
    };
    loop {
        let smallest: Vec<_> = widths
            .iter()
            .enumerate()
            .map(|(at, width)| width.map(|_| least(at)))
            .collect();
        let spare = (0..columns.len()).filter(|at| widths[*at].is_some() && columns[*at].spare > 0);
        match spare.max_by_key(|at| columns[*at].spare) {
            Some(at) if total(&smallest) > room => widths[at] = None,
            _ => break,
        }
    }
    while total(&widths) > room {
        let cuttable =
            (0..columns.len()).filter(|at| widths[*at].is_some_and(|width| width > least(*at)));
        let Some(at) = cuttable.max_by_key(|at| widths[*at]) else {
            break;
        };
        widths[at] = widths[at].map(|width| width - 1);
    }
    widths
}

#[cfg(test)]
mod tests;
