//! Whether a run calls another tool first than A usually does on the same task.
//!
//! Without labels nobody knows which tool is right: then the word is "differs". Each run of A is held
//! against the other runs of A, so that its rate is what chance alone does (METHODS.md section B).

use std::collections::BTreeMap;

use crate::analysis::cohort::design::Design;
use crate::analysis::cohort::measure::Measure;
use crate::analysis::cohort::observe::{Cohort, Observation};

/// Sets [`Measure::FirstTool`] where it can be told: in tasks that A has at least two runs of.
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
            tell(&mut a.runs[*at], usual);
        }
        let usual = usual(firsts.iter().copied());
        for at in &task.b {
            tell(&mut b.runs[*at], usual);
        }
    }
}

/// The first tool that a run calls; none where it calls none.
fn first(run: &Observation) -> Option<u32> {
    run.calls.first().copied()
}

/// What occurs most; of those that occur as often, the first in the order of names.
fn usual(firsts: impl Iterator<Item = Option<u32>>) -> Option<u32> {
    let mut counts: BTreeMap<Option<u32>, u32> = BTreeMap::new();
    for first in firsts {
        *counts.entry(first).or_default() += 1;
    }
    let most = counts.values().copied().max();
    let found = counts.into_iter().find(|(_, count)| Some(*count) == most);
    found.and_then(|(first, _)| first)
}

fn tell(run: &mut Observation, usual: Option<u32>) {
    let differs = first(run) != usual;
    run.values
        .set(Measure::FirstTool, Some(f64::from(u8::from(differs))));
}

#[cfg(test)]
mod tests;
