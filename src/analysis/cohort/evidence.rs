//! The runs behind a figure, and the forks where two runs of one task chose different tools.

use std::collections::BTreeMap;

use crate::analysis::cohort::compare::Comparison;
use crate::analysis::cohort::design::Design;
use crate::analysis::cohort::figure::Subject;
use crate::analysis::cohort::measure::Measure;
use crate::analysis::cohort::observe::{Cohort, Observation};

/// "A called this, B called that": the first point where the tools of two runs differ.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fork {
    /// Indices into the list of tools; `None` if the run ended there.
    pub a: Option<u32>,
    pub b: Option<u32>,
    pub pairs: Vec<Pair>,
}

/// Two runs of the same task, as indices into the cohorts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pair {
    pub a: usize,
    pub b: usize,
    /// The number of calls on each side before the fork.
    pub before_a: usize,
    pub before_b: usize,
}

/// The forks of all pairs, most frequent first. If a task has several runs, they are paired in
/// order.
pub(super) fn forks(a: &Cohort, b: &Cohort, design: &Design) -> Vec<Fork> {
    if !design.is_paired() {
        return Vec::new();
    }
    let mut found: BTreeMap<(Option<u32>, Option<u32>), Vec<Pair>> = BTreeMap::new();
    for task in &design.tasks {
        for (at_a, at_b) in task.a.iter().zip(&task.b) {
            let (of_a, of_b) = (&a.runs[*at_a].calls, &b.runs[*at_b].calls);
            let (before_a, before_b) = alike(of_a, of_b);
            let fork = (of_a.get(before_a).copied(), of_b.get(before_b).copied());
            if fork.0 != fork.1 {
                found.entry(fork).or_default().push(Pair {
                    a: *at_a,
                    b: *at_b,
                    before_a,
                    before_b,
                });
            }
        }
    }
    let forks = found
        .into_iter()
        .map(|((a, b), pairs)| Fork { a, b, pairs });
    let mut forks: Vec<Fork> = forks.collect();
    forks.sort_by_key(|fork| std::cmp::Reverse(fork.pairs.len()));
    forks
}

/// The number of calls on each side before the first that differs. Consecutive calls of one tool
/// count as one: a retry, or reading three files instead of two, is not a different choice.
fn alike(a: &[u32], b: &[u32]) -> (usize, usize) {
    let mut before = (0, 0);
    let (mut of_a, mut of_b) = (a.chunk_by(u32::eq), b.chunk_by(u32::eq));
    while let (Some(a), Some(b)) = (of_a.next(), of_b.next()) {
        if a[0] != b[0] {
            break;
        }
        before = (before.0 + a.len(), before.1 + b.len());
    }
    before
}

/// A task or run that contributes to a figure.
#[derive(Debug, Clone, PartialEq)]
pub struct Contributor {
    /// Indices into the cohorts; `None` if the side has no run of the task.
    pub a: Option<usize>,
    pub b: Option<usize>,
    pub value_a: Option<f64>,
    pub value_b: Option<f64>,
}

impl Contributor {
    fn distance(&self) -> f64 {
        match (self.value_a, self.value_b) {
            (Some(a), Some(b)) => (a - b).abs(),
            (Some(it), None) | (None, Some(it)) => it.abs(),
            (None, None) => 0.0,
        }
    }
}

impl Comparison {
    /// What a figure is based on: pairs of runs that differ, or single runs without pairing,
    /// largest difference first.
    pub fn behind(&self, subject: Subject) -> Vec<Contributor> {
        let value = |run: &Observation| value(run, subject);
        let mut found = Vec::new();
        for task in &self.design.tasks {
            let longer = task.a.len().max(task.b.len());
            for nth in 0..longer {
                let (a, b) = (task.a.get(nth).copied(), task.b.get(nth).copied());
                found.push(Contributor {
                    a,
                    b,
                    value_a: a.and_then(|at| value(&self.a.runs[at])),
                    value_b: b.and_then(|at| value(&self.b.runs[at])),
                });
            }
        }
        found.retain(|it| it.distance() > 0.0);
        found.sort_by(|x, y| y.distance().total_cmp(&x.distance()));
        found
    }
}

/// The value of one run for a figure.
pub fn value(run: &Observation, subject: Subject) -> Option<f64> {
    let truth = |it: bool| Some(f64::from(u8::from(it)));
    match subject {
        Subject::Measure(Measure::Success) => {
            let judged = run.values.get(Measure::Success);
            judged.or(run.values.get(Measure::Score))
        }
        Subject::Measure(measure) => run.values.get(measure),
        Subject::Tool(tool) => truth(run.calls.contains(&tool)),
        Subject::First(tool) => truth(run.calls.first() == Some(&tool)),
        Subject::Predicate(at) => run.fulfils.get(at).copied().and_then(truth),
    }
}
