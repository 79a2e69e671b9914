//! Tools: whether a run calls one at all, how often, and its share of all calls.

use crate::analysis::cohort::design::Task;
use crate::analysis::cohort::figure::{Figure, Subject};
use crate::analysis::cohort::figures::Cx;
use crate::analysis::cohort::measure::Worse;
use crate::analysis::cohort::observe::{Cohort, Observation};
use crate::analysis::statistics::cluster::ratio;

/// One tool on both sides.
#[derive(Debug, Clone, PartialEq)]
pub struct Tool {
    /// Raw.
    pub name: Box<str>,
    /// Whether runs call it at all, so that a long run counts no more than a short one.
    pub figure: Figure,
    pub runs_a: usize,
    pub runs_b: usize,
    pub calls_per_run: (f64, f64),
    /// Its share of all calls, with the standard error; `None` without calls.
    pub share_a: Option<(f64, f64)>,
    pub share_b: Option<(f64, f64)>,
}

/// Tools called by fewer runs than this on both sides are not tested.
const MIN_RUNS: usize = 5;

/// Whether enough runs of either side call a tool to test it.
pub(super) fn is_common(a: usize, b: usize) -> bool {
    a.max(b) >= MIN_RUNS
}

/// Gives both cohorts one list of tools, sorted by name.
pub(super) fn unite(a: &mut Cohort, b: &mut Cohort) -> Vec<Box<str>> {
    let mut names: Vec<Box<str>> = a.tools.iter().chain(&b.tools).cloned().collect();
    names.sort_unstable();
    names.dedup();
    for cohort in [a, b] {
        let places: Vec<u32> = cohort
            .tools
            .iter()
            .map(|tool| names.binary_search(tool).map_or(0, |at| at as u32))
            .collect();
        for run in &mut cohort.runs {
            for call in &mut run.calls {
                *call = places[*call as usize];
            }
        }
        cohort.tools.clone_from(&names);
    }
    names
}

impl Cx<'_> {
    /// The tools that enough runs call, and the names of the others.
    pub(super) fn tools(&self) -> (Vec<Tool>, Vec<Box<str>>) {
        let counts = [
            self.counts(self.a, |task| &task.a),
            self.counts(self.b, |task| &task.b),
        ];
        let (mut tools, mut rare) = (Vec::new(), Vec::new());
        for (tool, name) in (0..).zip(self.names) {
            let runs = |side: usize| {
                counts[side]
                    .iter()
                    .filter(|of_run| of_run.has(tool))
                    .count()
            };
            let (runs_a, runs_b) = (runs(0), runs(1));
            if !is_common(runs_a, runs_b) {
                if runs_a + runs_b > 0 {
                    rare.push(name.clone());
                }
                continue;
            }
            tools.push(Tool {
                name: name.clone(),
                figure: self.presence(tool),
                runs_a,
                runs_b,
                calls_per_run: (per_run(&counts[0], tool), per_run(&counts[1], tool)),
                share_a: self.share(&counts[0], tool),
                share_b: self.share(&counts[1], tool),
            });
        }
        (tools, rare)
    }

    fn presence(&self, tool: u32) -> Figure {
        let sample =
            self.sample(&|run: &Observation| Some(f64::from(u8::from(run.calls.contains(&tool)))));
        let name = &self.names[tool as usize];
        let names = (format!("tool:{name}"), format!("calls {name}"));
        self.rate(Subject::Tool(tool), names, Worse::None, &sample)
    }

    /// The calls of each compared run, counted by tool.
    fn counts(&self, cohort: &Cohort, side: fn(&Task) -> &Vec<usize>) -> Vec<Counted> {
        let tasks = self.design.tasks.iter().enumerate();
        tasks
            .flat_map(|(task, runs)| side(runs).iter().map(move |at| (task, *at)))
            .map(|(task, at)| {
                let mut calls = vec![0; self.names.len()];
                for call in &cohort.runs[at].calls {
                    calls[*call as usize] += 1;
                }
                Counted { task, calls }
            })
            .collect()
    }

    fn share(&self, counted: &[Counted], tool: u32) -> Option<(f64, f64)> {
        let mut part = vec![0.0; self.design.tasks.len()];
        let mut whole = vec![0.0; self.design.tasks.len()];
        for run in counted {
            part[run.task] += f64::from(run.calls[tool as usize]);
            whole[run.task] += f64::from(run.calls.iter().sum::<u32>());
        }
        ratio(&part, &whole)
    }
}

struct Counted {
    task: usize,
    calls: Vec<u32>,
}

impl Counted {
    fn has(&self, tool: u32) -> bool {
        self.calls[tool as usize] > 0
    }
}

fn per_run(counted: &[Counted], tool: u32) -> f64 {
    let calls: u32 = counted.iter().map(|run| run.calls[tool as usize]).sum();
    f64::from(calls) / counted.len().max(1) as f64
}
