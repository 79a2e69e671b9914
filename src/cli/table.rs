//! Columns of text that fit the terminal: the least needed are dropped, the widest cut.

use std::io;

use crate::base::text;
use crate::cli::look::Role;
use crate::cli::out::Out;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Align {
    Left,
    Right,
}

#[derive(Debug, Clone, Copy)]
pub struct Column {
    pub head: &'static str,
    pub align: Align,
    /// 0 stays always; of the others the largest goes first when there is no room.
    pub spare: u8,
    /// May be cut to this many cells.
    pub least: Option<usize>,
}

impl Column {
    pub const fn left(head: &'static str, spare: u8) -> Column {
        Column { head, align: Align::Left, spare, least: None }
    }

    pub const fn right(head: &'static str, spare: u8) -> Column {
        Column { head, align: Align::Right, spare, least: None }
    }

    /// May be cut down to `least` cells.
    pub const fn cut_to(mut self, least: usize) -> Column {
        self.least = Some(least);
        self
    }
}

/// Text that passed `Look::clean`, and what it means.
#[derive(Debug, Clone)]
pub struct Cell {
    pub text: String,
    pub role: Role,
}

impl Cell {
    pub fn new(text: impl Into<String>) -> Cell {
        Cell { text: text.into(), role: Role::Plain }
    }

    pub fn role(text: impl Into<String>, role: Role) -> Cell {
        Cell { text: text.into(), role }
    }

    /// A number that draws the eye when it is not 0.
    pub fn alarm(count: u64, role: Role) -> Cell {
        let role = if count == 0 { Role::Dim } else { role };
        Cell { text: count.to_string(), role }
    }
}

const GAP: usize = 2;

pub fn write(out: &mut Out, columns: &[Column], rows: &[Vec<Cell>]) -> io::Result<()> {
    let widths = fit(columns, &natural(columns, rows), out.look.width);
    let heads: Vec<Cell> = columns.iter().map(|column| Cell::role(column.head, Role::Head)).collect();
    for row in std::iter::once(&heads).chain(rows) {
        let line = line(out, columns, &widths, row);
        out.line(&line)?;
    }
    Ok(())
}

fn line(out: &Out, columns: &[Column], widths: &[Option<usize>], row: &[Cell]) -> String {
    let shown: Vec<_> = columns.iter().zip(widths).zip(row).collect();
    let last = shown.iter().rposition(|((_, width), _)| width.is_some());
    let mut line = String::new();
    for (at, ((column, width), cell)) in shown.into_iter().enumerate() {
        let Some(width) = *width else { continue };
        if !line.is_empty() {
            line.push_str(&" ".repeat(GAP));
        }
        let text = text::cut(&cell.text, width);
        let pad = " ".repeat(width.saturating_sub(text::width(&text)));
        let painted = out.look.paint(cell.role, &text);
        match column.align {
            Align::Right => line.extend([pad.as_str(), &painted]),
            Align::Left if Some(at) == last => line.push_str(&painted),
            Align::Left => line.extend([painted.as_str(), &pad]),
        }
    }
    line.truncate(line.trim_end_matches(' ').len());
    line
}

fn natural(columns: &[Column], rows: &[Vec<Cell>]) -> Vec<usize> {
    let widest = |at: usize| rows.iter().filter_map(|row| Some(text::width(&row.get(at)?.text))).max();
    let heads = columns.iter().map(|column| text::width(column.head));
    heads.enumerate().map(|(at, head)| head.max(widest(at).unwrap_or(0))).collect()
}

/// The width of each column, none where it is dropped.
fn fit(columns: &[Column], natural: &[usize], room: Option<usize>) -> Vec<Option<usize>> {
    let mut widths: Vec<Option<usize>> = natural.iter().copied().map(Some).collect();
    let Some(room) = room else { return widths };
    let least = |at: usize| columns[at].least.map_or(natural[at], |least| least.min(natural[at]));
    let total = |widths: &[Option<usize>]| {
        widths.iter().flatten().map(|width| width + GAP).sum::<usize>().saturating_sub(GAP)
    };
    loop {
        let smallest: Vec<_> =
            widths.iter().enumerate().map(|(at, width)| width.map(|_| least(at))).collect();
        let spare = (0..columns.len()).filter(|at| widths[*at].is_some() && columns[*at].spare > 0);
        match spare.max_by_key(|at| columns[*at].spare) {
            Some(at) if total(&smallest) > room => widths[at] = None,
            _ => break,
        }
    }
    while total(&widths) > room {
        let cuttable = (0..columns.len()).filter(|at| widths[*at].is_some_and(|width| width > least(*at)));
        let Some(at) = cuttable.max_by_key(|at| widths[*at]) else { break };
        widths[at] = widths[at].map(|width| width - 1);
    }
    widths
}

#[cfg(test)]
mod tests;
