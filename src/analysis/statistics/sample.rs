//! The values of one measure in two groups, task by task.

use super::cluster::mean;

/// With fewer common tasks than this, only counts are reported.
pub const MIN_TASKS: usize = 5;
/// With fewer runs on a side than this, only counts are reported.
pub const MIN_RUNS: usize = 10;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pairing {
    /// The same tasks on both sides. `single` if each has one run per side.
    Paired { single: bool },
    /// Tasks repeat, but they are not the same on both sides.
    Clustered,
    /// Every run is independent.
    Independent,
}

/// The values of one task.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Values {
    pub a: Vec<f64>,
    pub b: Vec<f64>,
}

/// The values of one measure, for all runs that have it.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    pub pairing: Pairing,
    pub tasks: Vec<Values>,
}

impl Sample {
    pub fn a(&self) -> Vec<f64> {
        self.tasks.iter().flat_map(|task| task.a.clone()).collect()
    }

    pub fn b(&self) -> Vec<f64> {
        self.tasks.iter().flat_map(|task| task.b.clone()).collect()
    }

    /// The difference B − A of each task's means, for tasks with both sides.
    pub fn differences(&self) -> Vec<f64> {
        let both = self
            .tasks
            .iter()
            .filter(|it| !it.a.is_empty() && !it.b.is_empty());
        both.map(|task| mean(&task.b) - mean(&task.a)).collect()
    }

    /// Whether there is enough data to report more than counts.
    pub fn is_enough(&self) -> bool {
        let runs = |side: fn(&Values) -> &Vec<f64>| -> usize {
            self.tasks.iter().map(|task| side(task).len()).sum()
        };
        let enough_runs = runs(|it| &it.a).min(runs(|it| &it.b)) >= MIN_RUNS;
        let enough_tasks = match self.pairing {
            Pairing::Paired { .. } | Pairing::Clustered => self.tasks.len() >= MIN_TASKS,
            Pairing::Independent => true,
        };
        enough_runs && enough_tasks
    }

    /// The mean of each side: over tasks if they are paired, otherwise over runs.
    pub fn means(&self) -> (Option<f64>, Option<f64>) {
        let side = |pick: fn(&Values) -> &Vec<f64>| {
            let of_tasks: Vec<f64> = match self.pairing {
                Pairing::Paired { .. } => self.tasks.iter().map(|it| mean(pick(it))).collect(),
                Pairing::Clustered | Pairing::Independent => {
                    self.tasks.iter().flat_map(pick).copied().collect()
                }
            };
            (!of_tasks.is_empty()).then(|| mean(&of_tasks))
        };
        (side(|it| &it.a), side(|it| &it.b))
    }
}
