//! Which rows of an outline are folded, which are shown, and where the cursor is: the movements of a
//! tree of values. Pure arithmetic on the flat array.

use std::collections::HashSet;

use crate::tui::widgets::outline::{Form, Outline};

/// The rows that no folded row hides, in order, and the folded ones.
#[derive(Debug, Clone, Default)]
pub struct Folds {
    folded: HashSet<u32>,
    shown: Vec<u32>,
}

/// A movement of the cursor, or a change of what is folded, as `jless` has them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Motion {
    /// Into the row: unfold it, or go to its first child.
    In,
    /// Out of the row: fold it, or go to its parent.
    Out,
    Parent,
    NextSibling,
    PreviousSibling,
    FoldSiblings,
    UnfoldSiblings,
    NextSameKey,
    Toggle,
}

impl Folds {
    pub fn new(outline: &Outline) -> Folds {
        let starts = |at: &usize| outline.row(*at).starts_folded;
        let folded = (0..outline.len()).filter(starts).map(|at| at as u32);
        let mut folds = Folds {
            folded: folded.collect(),
            shown: Vec::new(),
        };
        folds.show(outline);
        folds
    }

    /// How many rows are shown.
    pub fn len(&self) -> usize {
        self.shown.len()
    }

    pub fn is_empty(&self) -> bool {
        self.shown.is_empty()
    }

    /// The row at a place among those that are shown.
    pub fn at(&self, place: usize) -> Option<usize> {
        self.shown.get(place).map(|row| *row as usize)
    }

    pub fn is_folded(&self, row: usize) -> bool {
        self.folded.contains(&(row as u32))
    }

    /// The place of a row among those that are shown, or of the folded row that hides it.
    pub fn place(&self, row: usize) -> usize {
        let row = row as u32;
        self.shown
            .partition_point(|shown| *shown <= row)
            .saturating_sub(1)
    }

    /// Works the whole list out again, for another outline of the same rows.
    pub fn show(&mut self, outline: &Outline) {
        self.shown.clear();
        let mut at = 0;
        while at < outline.len() {
            self.shown.push(at as u32);
            at = if self.is_folded(at) {
                outline.end(at)
            } else {
                at + 1
            };
        }
    }

    /// Opens whatever hides `row`.
    pub fn reveal(&mut self, outline: &Outline, row: usize) {
        let mut above = outline.parent(row);
        let mut is_hidden = false;
        while let Some(parent) = above {
            is_hidden |= self.folded.remove(&(parent as u32));
            above = outline.parent(parent);
        }
        if is_hidden {
            self.show(outline);
        }
    }

    /// Moves from the row `from`; the row to be on after it.
    pub fn go(&mut self, outline: &Outline, from: usize, motion: Motion) -> usize {
        let to = match motion {
            Motion::In => return self.go_in(outline, from),
            Motion::Out => return self.go_out(outline, from),
            Motion::Toggle => {
                let row = owner(outline, from);
                self.set(outline, [row], !self.is_folded(row));
                return row;
            }
            Motion::FoldSiblings | Motion::UnfoldSiblings => {
                let siblings: Vec<usize> = outline.siblings(from).collect();
                self.set(outline, siblings, motion == Motion::FoldSiblings);
                return from;
            }
            Motion::Parent => outline.parent(from),
            Motion::NextSibling => outline.next_sibling(from),
            Motion::PreviousSibling => outline.previous_sibling(from),
            Motion::NextSameKey => outline.next_same_key(from),
        };
        let to = to.unwrap_or(from);
        self.reveal(outline, to);
        to
    }

    fn go_in(&mut self, outline: &Outline, from: usize) -> usize {
        if self.is_folded(from) {
            self.set(outline, [from], false);
            from
        } else if outline.folds(from) {
            from + 1
        } else {
            from
        }
    }

    fn go_out(&mut self, outline: &Outline, from: usize) -> usize {
        if outline.folds(from) && !self.is_folded(from) {
            self.set(outline, [from], true);
            from
        } else {
            outline.parent(from).unwrap_or(from)
        }
    }

    fn set(&mut self, outline: &Outline, rows: impl IntoIterator<Item = usize>, folded: bool) {
        for row in rows.into_iter().filter(|row| outline.folds(*row)) {
            if folded {
                self.folded.insert(row as u32);
            } else {
                self.folded.remove(&(row as u32));
            }
        }
        self.show(outline);
    }
}

/// The row that folds: for a line of a text, the text.
fn owner(outline: &Outline, row: usize) -> usize {
    match outline.row(row).form {
        Form::Line if !outline.folds(row) => outline.parent(row).unwrap_or(row),
        Form::Line
        | Form::Object
        | Form::Array
        | Form::Scalar
        | Form::Text
        | Form::Section
        | Form::More => row,
    }
}
