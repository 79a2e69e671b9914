//! Means over repeated tasks: the task is the unit of analysis, not the run (Miller 2024, arXiv
//! 2411.00640).

use super::distribution::{student_p, student_two_sided};
use super::interval::Estimate;

/// A difference with its standard error and the p-value of Student's t.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Tested {
    pub estimate: Estimate,
    pub se: f64,
    pub p: f64,
}

/// The mean of one difference per task, with n − 1 degrees of freedom.
///
/// `None` for fewer than two differences, which have no spread.
pub fn mean_difference(differences: &[f64], alpha: f64) -> Option<Tested> {
    if differences.len() < 2 {
        return None;
    }
    let n = differences.len() as f64;
    let mean = mean(differences);
    let squares: f64 = differences.iter().map(|it| (it - mean).powi(2)).sum();
    let se = (squares / (n - 1.0)).sqrt() / n.sqrt();
    Some(student(mean, se, n - 1.0, alpha))
}

/// A mean over runs, with a standard error that accounts for runs of one task being correlated.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ClusterMean {
    pub mean: f64,
    pub se: f64,
    /// The standard error if all runs were independent.
    pub naive_se: f64,
    pub runs: usize,
    pub tasks: usize,
}

impl ClusterMean {
    /// How many runs carry as much information as one independent run; 1 if unknown.
    pub fn design_effect(&self) -> f64 {
        if self.naive_se > 0.0 {
            (self.se / self.naive_se).powi(2)
        } else {
            1.0
        }
    }
}

/// The mean of clustered values, with CR1 standard errors (correction G / (G − 1)). `None` below
/// two clusters.
pub fn cluster_mean(clusters: &[Vec<f64>]) -> Option<ClusterMean> {
    let runs: usize = clusters.iter().map(Vec::len).sum();
    let tasks = clusters.len();
    if tasks < 2 {
        return None;
    }
    let n = runs as f64;
    let mean = clusters.iter().flatten().sum::<f64>() / n;
    let between: f64 = clusters
        .iter()
        .map(|cluster| {
            cluster
                .iter()
                .map(|value| value - mean)
                .sum::<f64>()
                .powi(2)
        })
        .sum();
    let within: f64 = clusters
        .iter()
        .flatten()
        .map(|value| (value - mean).powi(2))
        .sum();
    let groups = tasks as f64;
    Some(ClusterMean {
        mean,
        se: (groups / (groups - 1.0) * between).sqrt() / n,
        naive_se: (within / (n - 1.0) / n).sqrt(),
        runs,
        tasks,
    })
}

/// The difference B − A of means over different tasks, with `G_A + G_B − 2` degrees of freedom.
pub fn difference_of_means(a: &ClusterMean, b: &ClusterMean, alpha: f64) -> Tested {
    let se = (a.se * a.se + b.se * b.se).sqrt();
    let freedom = (a.tasks + b.tasks) as f64 - 2.0;
    student(b.mean - a.mean, se, freedom, alpha)
}

/// A ratio of sums, `part` over `whole`, one element per task, with its linearised standard error.
/// `None` below two tasks or for an empty `whole`.
pub fn ratio(part: &[f64], whole: &[f64]) -> Option<(f64, f64)> {
    let (parts, wholes): (f64, f64) = (part.iter().sum(), whole.iter().sum());
    let groups = whole.len() as f64;
    if whole.len() < 2 || wholes == 0.0 {
        return None;
    }
    let share = parts / wholes;
    let residues: f64 = part
        .iter()
        .zip(whole)
        .map(|(part, whole)| (part - share * whole).powi(2))
        .sum();
    Some((share, (groups / (groups - 1.0) * residues).sqrt() / wholes))
}

pub fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

fn student(value: f64, se: f64, freedom: f64, alpha: f64) -> Tested {
    let reach = student_two_sided(alpha, freedom);
    let p = if se > 0.0 {
        student_p(value / se, freedom)
    } else if value == 0.0 {
        1.0
    } else {
        0.0
    };
    let half = if se > 0.0 { reach * se } else { 0.0 };
    Tested {
        estimate: Estimate {
            value,
            lo: value - half,
            hi: value + half,
        },
        se,
        p,
    }
}
