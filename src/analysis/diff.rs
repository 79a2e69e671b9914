//! Two runs compared: which action of one belongs to which of the other, where they part and why, and
//! what differs inside a pair.
//!
//! Actions are aligned, not lines: affine gaps, and a substitution costs what the arguments differ. All
//! costs are integers (thousandths), so that the same runs give the same alignment everywhere.

pub mod align;
pub mod fold;
pub mod json;
pub mod label;
pub mod mask;
pub mod pair;
pub mod read;
pub mod say;
pub mod step;
pub mod tell;
pub mod why;
pub mod words;

mod anchors;
mod gotoh;
mod sketch;

use crate::analysis::diff::label::{Divergence, Label};
use crate::analysis::diff::mask::Blind;
use crate::analysis::diff::read::{Side, Steps};
use crate::base::cancel::CancelFlag;

#[cfg(test)]
mod tests;

/// Two actions that belong together, or one that has no partner: places in the steps of A and of B.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Column {
    pub a: Option<u32>,
    pub b: Option<u32>,
    pub label: Label,
}

/// How to compare.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// What does not count as a difference.
    pub blind: Blind,
    /// Places in A and B that a person paired; each of them is kept where it can be.
    pub pins: Vec<(u32, u32)>,
}

/// Two runs, aligned.
#[derive(Debug, Clone)]
pub struct Comparison {
    pub a: Steps,
    pub b: Steps,
    pub columns: Vec<Column>,
    /// What the alignment costs, in thousandths of an action.
    pub cost: u64,
    /// Large stretches without a common action were aligned by sketches, in a band.
    pub is_approximate: bool,
    pub divergence: Divergence,
    /// What was said was not compared, so that nobody knows whether the inputs were the same.
    pub ignores_words: bool,
}

/// Reads both runs and aligns them; `None` when nobody waits for it any more. `tell` hears how many
/// actions of how many are read.
pub fn compare(
    (a, b): (Side<'_>, Side<'_>),
    options: &Options,
    cancel: &CancelFlag,
    tell: &mut dyn FnMut(usize, usize),
) -> Option<Comparison> {
    let (rows_a, rows_b) = (read::rows(a), read::rows(b));
    let (first, all) = (rows_a.len(), rows_a.len() + rows_b.len());
    let read = |side: Side<'_>, rows, tell: &mut dyn FnMut(usize)| {
        read::steps((side.store, rows), &options.blind, cancel, tell)
    };
    let a = read(a, rows_a, &mut |done| tell(done, all))?;
    let b = read(b, rows_b, &mut |done| tell(first + done, all))?;
    let aligned = align::align((&a.steps, &b.steps), &options.pins, cancel)?;
    let columns = label::columns((&a.steps, &b.steps), &aligned.pairs);
    let divergence = label::divergence((&a.steps, &b.steps), &columns);
    Some(Comparison {
        columns,
        cost: aligned.cost,
        is_approximate: aligned.is_approximate,
        divergence,
        ignores_words: options.blind.ignores_text(),
        a,
        b,
    })
}

impl Comparison {
    /// How many columns have each label, those that occur, in the order of [`Label::ALL`].
    pub fn counts(&self) -> Vec<(Label, usize)> {
        let count = |label: &Label| {
            let same = self.columns.iter().filter(|it| it.label == *label);
            (*label, same.count())
        };
        let all = Label::ALL.iter().map(count);
        all.filter(|(_, count)| *count > 0).collect()
    }

    pub fn is_equal(&self) -> bool {
        self.columns.iter().all(|it| it.label == Label::Same)
    }
}
