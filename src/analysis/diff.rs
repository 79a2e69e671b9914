//! Compares two runs: aligns their actions, finds where they diverge and why, and what differs
//! inside each pair.
//!
//! The alignment works on actions, not lines, with affine gaps and substitution costs that depend
//! on how much the arguments differ. All costs are integers (thousandths), so that the same runs
//! align the same way on every machine.

pub mod align;
pub mod describe;
pub mod experiment;
pub mod fold;
pub mod headline;
pub mod inputs;
pub mod json;
pub mod label;
pub mod mask;
pub mod pair;
pub mod read;
pub mod step;
pub mod story;
pub mod text_changes;

mod anchors;
mod gotoh;
mod sketch;

use crate::analysis::diff::headline::Answers;
use crate::analysis::diff::label::{Divergence, Label};
use crate::analysis::diff::mask::IgnoreRules;
use crate::analysis::diff::read::{Side, Steps};
use crate::base::cancel::CancelFlag;

#[cfg(test)]
mod tests;

/// Two aligned actions, or one without a counterpart. Indices into the steps of A and B.
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
    pub blind: IgnoreRules,
    /// Pairs of indices in A and B that the user fixed. Each is honoured where possible.
    pub pins: Vec<(u32, u32)>,
}

/// Two aligned runs.
#[derive(Debug, Clone)]
pub struct Comparison {
    pub a: Steps,
    pub b: Steps,
    pub columns: Vec<Column>,
    /// The cost of the alignment, in thousandths of an action.
    pub cost: u64,
    /// Long stretches without common actions were aligned within a band, by sketches.
    pub is_approximate: bool,
    /// Where the runs diverge other than by noise.
    pub divergence: Divergence,
    /// Columns before the divergence that differ in noise alone (ids, times, order of JSON members).
    pub noise: Vec<usize>,
    /// The final answers, if they differ.
    pub answers: Option<Answers>,
    /// Text was ignored, so whether the inputs were the same is unknown.
    pub ignores_words: bool,
}

/// Reads both runs and aligns them. `None` if cancelled. Calls `report` with the number of actions
/// read so far and in total.
pub fn compare(
    (a, b): (Side<'_>, Side<'_>),
    options: &Options,
    cancel: &CancelFlag,
    report: &mut dyn FnMut(usize, usize),
) -> Option<Comparison> {
    let (rows_a, rows_b) = (read::rows(a), read::rows(b));
    let (first, all) = (rows_a.len(), rows_a.len() + rows_b.len());
    let read = |side: Side<'_>, rows, report: &mut dyn FnMut(usize)| {
        read::steps((side.store, rows), &options.blind, cancel, report)
    };
    let sides = (a, b);
    let a = read(a, rows_a, &mut |done| report(done, all))?;
    let b = read(b, rows_b, &mut |done| report(first + done, all))?;
    let aligned = align::align((&a.steps, &b.steps), &options.pins, cancel)?;
    let columns = label::columns((&a.steps, &b.steps), &aligned.pairs);
    let (divergence, noise) =
        headline::divergence(sides, (&a, &b), &columns, &options.blind, cancel)?;
    Some(Comparison {
        answers: headline::answers(sides, (&a, &b)),
        columns,
        cost: aligned.cost,
        is_approximate: aligned.is_approximate,
        divergence,
        noise,
        ignores_words: options.blind.ignores_text(),
        a,
        b,
    })
}

impl Comparison {
    /// The number of columns per label, for labels that occur, in the order of [`Label::ALL`].
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
