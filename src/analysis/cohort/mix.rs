//! The overall mix of tools, and which tool follows which.

use std::collections::BTreeMap;

use crate::analysis::cohort::design::{Design, Task};
use crate::analysis::cohort::observe::Cohort;
use crate::analysis::statistics::resample::{Counts, distance, jensen_shannon, total_variation};

/// How far apart two mixes of tools are.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Mix {
    /// The share of calls that would have to use a different tool.
    pub total_variation: f64,
    /// In bits.
    pub jensen_shannon: f64,
    /// The p-value of the total variation, from swapping the sides of tasks at random; `None`
    /// without pairs.
    pub p: Option<f64>,
    /// The same for transitions between tools.
    pub transitions_bits: f64,
    pub transitions_p: Option<f64>,
}

const ROUNDS: u32 = 999;

/// `None` if a side calls no tool.
pub(super) fn mix(a: &Cohort, b: &Cohort, design: &Design, tools: usize, seed: u64) -> Option<Mix> {
    let calls = counts(a, b, design, <[u32]>::to_vec);
    let is_empty =
        |side: fn(&Counts) -> &Vec<(u32, u32)>| calls.iter().all(|it| side(it).is_empty());
    if is_empty(|it| &it.a) || is_empty(|it| &it.b) {
        return None;
    }
    let ends = tools as u32;
    let steps = dense(counts(a, b, design, |calls| {
        let marked: Vec<u32> = [&[ends], calls, &[ends]].concat();
        marked
            .windows(2)
            .map(|it| it[0] * (ends + 1) + it[1])
            .collect()
    }));
    let rounds = if design.is_paired() { ROUNDS } else { 0 };
    let known = |p: f64| design.is_paired().then_some(p);
    let (variation, p) = distance(&calls, total_variation, seed, rounds);
    let (bits, _) = distance(&calls, jensen_shannon, seed, 0);
    let (steps_bits, steps_p) = distance(&steps, jensen_shannon, seed, rounds);
    Some(Mix {
        total_variation: variation,
        jensen_shannon: bits,
        p: known(p),
        transitions_bits: steps_bits,
        transitions_p: known(steps_p),
    })
}

/// Counts items in the runs of each task.
fn counts(
    a: &Cohort,
    b: &Cohort,
    design: &Design,
    things: impl Fn(&[u32]) -> Vec<u32>,
) -> Vec<Counts> {
    let of = |cohort: &Cohort, runs: &[usize]| {
        let mut counts: BTreeMap<u32, u32> = BTreeMap::new();
        for at in runs {
            for thing in things(&cohort.runs[*at].calls) {
                *counts.entry(thing).or_default() += 1;
            }
        }
        counts.into_iter().collect()
    };
    let tasks = design.tasks.iter();
    tasks
        .map(|task| Counts {
            a: of(a, &task.a),
            b: of(b, &task.b),
        })
        .collect()
}

/// Renumbers items without gaps.
fn dense(mut tasks: Vec<Counts>) -> Vec<Counts> {
    let mut places: BTreeMap<u32, u32> = BTreeMap::new();
    for task in &mut tasks {
        for (thing, _) in task.a.iter_mut().chain(&mut task.b) {
            let next = places.len() as u32;
            *thing = *places.entry(*thing).or_insert(next);
        }
    }
    tasks
}

/// One tool followed by another. `None` stands for the start or the end of a run.
#[derive(Debug, Clone, PartialEq)]
pub struct Transition {
    /// Indices into the list of tools.
    pub from: Option<u32>,
    pub to: Option<u32>,
    /// As a share of everything that follows `from`.
    pub a: f64,
    pub b: f64,
    pub count_a: u32,
    pub count_b: u32,
}

/// Only the most frequent transitions are kept.
const MAX_TRANSITIONS: usize = 20;

pub(super) fn transitions(a: &Cohort, b: &Cohort, design: &Design) -> Vec<Transition> {
    let (of_a, of_b) = (
        steps(a, design, |task| &task.a),
        steps(b, design, |task| &task.b),
    );
    let mut keys: Vec<Step> = of_a.keys().chain(of_b.keys()).copied().collect();
    keys.sort_unstable();
    keys.dedup();
    let from = |steps: &BTreeMap<Step, u32>, tool| -> u32 {
        let all = steps.iter().filter(|((from, _), _)| *from == tool);
        all.map(|(_, count)| *count).sum()
    };
    let mut found: Vec<Transition> = keys
        .into_iter()
        .map(|key| {
            let count = |steps: &BTreeMap<Step, u32>| steps.get(&key).copied().unwrap_or(0);
            let share = |steps| f64::from(count(steps)) / f64::from(from(steps, key.0).max(1));
            Transition {
                from: key.0,
                to: key.1,
                a: share(&of_a),
                b: share(&of_b),
                count_a: count(&of_a),
                count_b: count(&of_b),
            }
        })
        .collect();
    found.sort_by_key(|it| std::cmp::Reverse(it.count_a + it.count_b));
    found.truncate(MAX_TRANSITIONS);
    found
}

type Step = (Option<u32>, Option<u32>);

fn steps(cohort: &Cohort, design: &Design, side: fn(&Task) -> &Vec<usize>) -> BTreeMap<Step, u32> {
    let mut steps = BTreeMap::new();
    for at in design.tasks.iter().flat_map(side) {
        let calls = cohort.runs[*at].calls.iter().copied().map(Some);
        let marked: Vec<Option<u32>> = [None].into_iter().chain(calls).chain([None]).collect();
        for step in marked.windows(2) {
            *steps.entry((step[0], step[1])).or_default() += 1;
        }
    }
    steps
}
