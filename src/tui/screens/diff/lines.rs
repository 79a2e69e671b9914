//! The columns that are on the screen, as texts: both actions, what differs between their lines, what
//! belongs to them.

use std::ops::Range;
use std::rc::Rc;

use crate::analysis::diff::fold::Item;
use crate::analysis::diff::label::Label;
use crate::analysis::diff::text_changes;
use crate::analysis::diff::{Column, Comparison};
use crate::base::text;
use crate::store::Store;
use crate::tui::screens::diff::{Diff, aligned};
use crate::tui::screens::outcome;
use crate::tui::screens::stream::rows::{self, Numbers, RowText};
use crate::tui::session::Session;
use crate::tui::widgets::viewport::Visible;

/// Both actions of a column.
#[derive(Debug)]
pub(super) struct Made {
    pub(super) sides: [Option<RowText>; 2],
    /// The ranges that only one of the two lines has.
    pub(super) spans: [Vec<Range<usize>>; 2],
}

/// An item on the screen.
#[derive(Debug)]
pub(super) struct Shown {
    pub(super) at: Visible,
    pub(super) is_selected: bool,
    pub(super) what: What,
}

#[derive(Debug)]
pub(super) enum What {
    Folded(usize),
    Pair {
        column: Column,
        made: Rc<Made>,
        /// Letters that the user put on the actions.
        marks: [Option<char>; 2],
        /// The divergence.
        is_divergence: bool,
        is_pinned: bool,
        /// Picked to be paired with another.
        is_taken: [bool; 2],
    },
}

/// Which line of an item is on a screen row, and on which side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    Action(usize),
    Below(usize, usize),
    /// The other side has no such action.
    Gone(usize),
}

/// Rows that an item takes.
pub(super) fn height(diff: &Diff, store: &Store, item: usize) -> usize {
    let Some(Item::Column(column)) = diff.list.items.get(item) else {
        return 1;
    };
    let Some(comparison) = diff.comparison() else {
        return 1;
    };
    let heights = aligned::rows(comparison, *column).map(|ix| {
        ix.map(|ix| rows::height(&store.row(ix)))
            .unwrap_or_default()
    });
    if diff.frame.regions.is_side {
        heights[0].max(heights[1]).max(1)
    } else if is_one(&comparison.columns[*column]) {
        heights[1].max(1)
    } else {
        (heights[0] + heights[1]).max(1)
    }
}

/// Whether one line serves both sides in the unified layout.
fn is_one(column: &Column) -> bool {
    matches!(column.label, Label::Same)
}

/// The rows of an item; side by side, each has two cells.
pub(super) fn parts(column: &Column, made: &Made, is_side: bool) -> Vec<[Option<Part>; 2]> {
    let of = |side: usize| -> Vec<Part> {
        let Some(text) = &made.sides[side] else {
            return vec![Part::Gone(side)];
        };
        let below = (0..text.below.len()).map(|at| Part::Below(side, at));
        std::iter::once(Part::Action(side)).chain(below).collect()
    };
    if !is_side {
        let sides: &[usize] = if is_one(column) { &[1] } else { &[0, 1] };
        let there = sides.iter().filter(|side| made.sides[**side].is_some());
        let all = there.flat_map(|side| of(*side));
        return all.map(|part| [Some(part), None]).collect();
    }
    let (a, b) = (of(0), of(1));
    let rows = 0..a.len().max(b.len());
    rows.map(|row| [a.get(row).copied(), b.get(row).copied()])
        .collect()
}

/// The widths of the columns, in cells: 0 if no action on the screen has anything for one.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Cells {
    pub(super) cost: usize,
    pub(super) latency: usize,
    pub(super) status: usize,
    pub(super) number: usize,
}

/// The minimum width of numbers, so that the columns of a short run do not move when it is scrolled.
const LEAST_NUMBER: usize = 3;

impl Cells {
    pub(super) fn of(lines: &[Shown]) -> Cells {
        let mut cells = Cells {
            number: LEAST_NUMBER,
            ..Cells::default()
        };
        let made = lines.iter().filter_map(|shown| match &shown.what {
            What::Pair { made, .. } => Some(made),
            What::Folded(_) => None,
        });
        for row in made.flat_map(|made| made.sides.iter().flatten()) {
            let width = |words: &Option<String>| words.as_deref().map_or(0, text::width);
            cells.cost = cells.cost.max(width(&row.figures.cost));
            cells.latency = cells.latency.max(width(&row.figures.latency));
            cells.status = cells.status.max(outcome::cells(row.status, row.is_waiting));
            let digits = row.number.map_or(0, |number| number.to_string().len());
            cells.number = cells.number.max(digits);
        }
        cells
    }
}

impl Diff {
    /// Makes the texts of what is visible.
    pub(super) fn show(&mut self, visible: Vec<Visible>, session: &mut Session) {
        self.frame.lines.clear();
        for at in visible {
            let Some(item) = self.list.items.get(at.item).cloned() else {
                continue;
            };
            let what = match item {
                Item::Folded(range) => What::Folded(range.len()),
                Item::Column(column) => self.pair_shown(column, session),
            };
            self.frame.lines.push(Shown {
                at,
                is_selected: at.item == self.list.view.cursor,
                what,
            });
        }
        self.frame.cells = Cells::of(&self.frame.lines);
    }

    fn pair_shown(&mut self, at: usize, session: &mut Session) -> What {
        let made = self.made(at, session);
        let Some(comparison) = self.comparison() else {
            return What::Folded(0);
        };
        let column = comparison.columns[at];
        let rows = aligned::rows(comparison, at);
        let taken = |side: usize, step: Option<u32>| {
            step.is_some_and(|step| self.pending.taken == Some((side, step)))
        };
        What::Pair {
            column,
            made,
            marks: rows.map(|ix| ix.and_then(|ix| session.marks.of(ix))),
            is_divergence: comparison.divergence.first_material == Some(at),
            is_pinned: column
                .a
                .zip(column.b)
                .is_some_and(|pin| self.options.pins.contains(&pin)),
            is_taken: [taken(0, column.a), taken(1, column.b)],
        }
    }

    fn made(&mut self, at: usize, session: &mut Session) -> Rc<Made> {
        if let Some(made) = self.made.get(&at) {
            return Rc::clone(made);
        }
        if self.made.len() > KEEP {
            self.made.clear();
        }
        let made = Rc::new(make(self.comparison(), at, session));
        self.made.insert(at, Rc::clone(&made));
        made
    }
}

/// Texts are made again rather than kept beyond this number.
const KEEP: usize = 2_048;

fn make(comparison: Option<&Comparison>, at: usize, session: &mut Session) -> Made {
    let rows = comparison
        .map(|it| aligned::rows(it, at))
        .unwrap_or_default();
    let zone = session.zone.clone();
    let opened = &mut session.loaded;
    let (store, bodies) = (&opened.store, &mut opened.bodies);
    let sides = rows.map(|ix| Some(rows::build(&store.row(ix?), bodies, &zone, Numbers::Known)));
    let spans = match &sides {
        [Some(a), Some(b)] if a.text != b.text => text_changes::spans(&a.text, &b.text),
        _ => [Vec::new(), Vec::new()],
    };
    Made { sides, spans }
}
