//! How the runs of two cohorts relate: same tasks, repeated tasks, or independent runs.

use std::collections::BTreeMap;

use crate::analysis::cohort::observe::{Cohort, Observation};
use crate::analysis::statistics::sample::{MIN_TASKS, Pairing, Sample, Values};

/// A task, with the indices of its runs in both cohorts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Task {
    pub a: Vec<usize>,
    pub b: Vec<usize>,
}

/// The tasks that are compared, ordered by name.
#[derive(Debug, Clone)]
pub struct Design {
    pub pairing: Pairing,
    pub tasks: Vec<Task>,
    /// The number of tasks with runs on both sides, whether or not they are paired.
    pub common: usize,
    /// Runs that are left out because their task occurs on one side only.
    pub alone: Task,
}

impl Design {
    /// Pairs if there is enough to pair: at least [`MIN_TASKS`] common tasks, and at least half the
    /// tasks of the smaller side. `paired` overrides this.
    pub fn new(a: &Cohort, b: &Cohort, paired: Option<bool>) -> Design {
        let mut tasks: BTreeMap<Key<'_>, Task> = BTreeMap::new();
        for (side, cohort) in [a, b].into_iter().enumerate() {
            for (at, run) in cohort.runs.iter().enumerate() {
                let task = tasks.entry(key(run, side, at)).or_default();
                let places = if side == 0 { &mut task.a } else { &mut task.b };
                places.push(at);
            }
        }
        let is_common = |task: &Task| !task.a.is_empty() && !task.b.is_empty();
        let tasks: Vec<Task> = tasks.into_values().collect();
        let common = tasks.iter().filter(|task| is_common(task)).count();
        let on = |side: fn(&Task) -> &Vec<usize>| {
            let on = tasks.iter().filter(|task| !side(task).is_empty());
            on.count()
        };
        let smaller = on(|task| &task.a).min(on(|task| &task.b));
        let paired = paired.unwrap_or(common >= MIN_TASKS && common * 2 >= smaller);
        if paired {
            let (tasks, rest): (Vec<Task>, Vec<Task>) = tasks.into_iter().partition(is_common);
            let single = tasks.iter().all(|it| it.a.len() == 1 && it.b.len() == 1);
            return Design {
                pairing: Pairing::Paired { single },
                tasks,
                common,
                alone: Task {
                    a: rest.iter().flat_map(|task| task.a.clone()).collect(),
                    b: rest.iter().flat_map(|task| task.b.clone()).collect(),
                },
            };
        }
        let repeats = tasks.iter().any(|it| it.a.len() > 1 || it.b.len() > 1);
        Design {
            pairing: if repeats {
                Pairing::Clustered
            } else {
                Pairing::Independent
            },
            tasks,
            common,
            alone: Task::default(),
        }
    }

    pub fn is_paired(&self) -> bool {
        matches!(self.pairing, Pairing::Paired { .. })
    }

    /// The values of both sides by task. Drops runs without a value, and when pairing also tasks
    /// without a counterpart.
    pub fn sample(
        &self,
        a: impl Fn(usize) -> Option<f64>,
        b: impl Fn(usize) -> Option<f64>,
    ) -> Sample {
        let paired = self.is_paired();
        let tasks = self.tasks.iter().map(|task| Values {
            a: task.a.iter().filter_map(|at| a(*at)).collect(),
            b: task.b.iter().filter_map(|at| b(*at)).collect(),
        });
        let tasks: Vec<Values> = tasks
            .filter(|it| !paired || (!it.a.is_empty() && !it.b.is_empty()))
            .collect();
        let single = tasks.iter().all(|it| it.a.len() <= 1 && it.b.len() <= 1);
        let pairing = match self.pairing {
            Pairing::Paired { .. } => Pairing::Paired { single },
            Pairing::Clustered if single => Pairing::Independent,
            pairing => pairing,
        };
        Sample { pairing, tasks }
    }
}

/// What runs of one task share. Runs without a task sort last.
type Key<'a> = (Option<usize>, &'a str, usize);

fn key(run: &Observation, side: usize, at: usize) -> Key<'_> {
    match run.task.as_deref() {
        Some(task) => (None, task, 0),
        None => (Some(side), "", at),
    }
}
