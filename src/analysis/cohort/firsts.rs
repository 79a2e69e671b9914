//! Whether a run's first tool differs from A's usual first tool for the same task.
//!
//! Without labels it is unknown which tool is right, so the word is "differs". Each run of A
//! is compared with the other runs of A, so that A's rate shows what chance alone does.

use std::collections::BTreeMap;

use crate::analysis::cohort::design::Design;
use crate::analysis::cohort::measure::Measure;
use crate::analysis::cohort::observe::{Cohort, Observation};

/// Sets [`Measure::FirstTool`] for tasks of which A has at least two runs.
pub(super) fn compare(a: &mut Cohort, b: &mut Cohort, design: &Design) {
    if !design.is_paired() {
        return;
    }
    for task in &design.tasks {
        if task.a.len() < 2 {
            continue;
        }
        let firsts: Vec<Option<u32>> = task.a.iter().map(|at| first(&a.runs[*at])).collect();
        for (nth, at) in task.a.iter().enumerate() {
            let others = firsts.iter().enumerate().filter(|(other, _)| *other != nth);
            let usual = usual(others.map(|(_, first)| *first));
            set_differs(&mut a.runs[*at], usual);
        }
        let usual = usual(firsts.iter().copied());
        for at in &task.b {
            set_differs(&mut b.runs[*at], usual);
        }
    }
}

/// The first tool that a run calls, if any.
fn first(run: &Observation) -> Option<u32> {
    run.calls.first().copied()
}

/// The most frequent value; ties go to the first by name.
fn usual(firsts: impl Iterator<Item = Option<u32>>) -> Option<u32> {
    let mut counts: BTreeMap<Option<u32>, u32> = BTreeMap::new();
    for first in firsts {
        *counts.entry(first).or_default() += 1;
    }
    let most = counts.values().copied().max();
    let found = counts.into_iter().find(|(_, count)| Some(*count) == most);
    found.and_then(|(first, _)| first)
}

fn set_differs(run: &mut Observation, usual: Option<u32>) {
    let differs = first(run) != usual;
    run.values
        .set(Measure::FirstTool, Some(f64::from(u8::from(differs))));
}

#[cfg(test)]
mod tests;
