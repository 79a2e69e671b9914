//! Picks the method that fits the data: paired or not, one run per task or several, rates or
//! amounts.

use crate::analysis::statistics::cluster::{
    ClusterMean, Tested, cluster_mean, difference_of_means, mean, mean_difference,
};
use crate::analysis::statistics::distribution::two_sided;
use crate::analysis::statistics::interval::{Estimate, Pairs, Rate, newcombe, newcombe_paired};
use crate::analysis::statistics::power::{
    Aim, needed_paired, needed_unpaired, smallest_paired, smallest_unpaired,
};
use crate::analysis::statistics::resample::{bootstrap_mean, sign_flip};
use crate::analysis::statistics::sample::{Pairing, Sample, Values};
use crate::analysis::statistics::{exact, ranks};

/// How a figure was computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// Too little data for a test.
    Counts,
    McNemar,
    TaskMeans,
    TaskMeansFlipped,
    TaskMeansDrawn,
    Clusters,
    Fisher,
    /// No task differs within a side, so only the number of tasks limits the estimate.
    Unanimous,
    MannWhitney,
    Wilcoxon,
}

impl Method {
    pub fn words(self) -> &'static str {
        match self {
            Method::Counts => "counts only",
            Method::McNemar => "McNemar exact, Newcombe paired interval",
            Method::TaskMeans => "differences of task means, Student's t",
            Method::TaskMeansFlipped => "differences of task means, Student's t, p by sign flips",
            Method::TaskMeansDrawn => {
                "differences of task means, bootstrap interval, p by sign flips"
            }
            Method::Clusters => "means clustered by task, Student's t",
            Method::Fisher => "Fisher exact, Newcombe interval",
            Method::Unanimous => "no task differs, Newcombe interval over tasks",
            Method::MannWhitney => "Mann–Whitney, Hodges–Lehmann shift",
            Method::Wilcoxon => "Wilcoxon signed ranks, Hodges–Lehmann shift",
        }
    }
}

/// The parameters of every test.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Terms {
    /// The false-alarm rate of a test, and the miss rate of an interval.
    pub alpha: f64,
    pub seed: u64,
}

/// The result of a test.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Answer {
    pub method: Method,
    pub estimate: Option<Estimate>,
    pub p: Option<f64>,
    /// The smallest difference that this sample detects with 80 % power.
    pub smallest: Option<f64>,
    pub power: Power,
}

/// What a power calculation needs to know.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Power {
    Unknown,
    /// Pairs, of which this share is discordant.
    Pairs {
        discordance: f64,
    },
    /// Independent runs per side, from this baseline rate.
    Runs {
        rate: f64,
    },
    /// This many units, with this standard error.
    Error {
        se: f64,
        units: f64,
    },
}

impl Power {
    /// The number of paired tasks, or of runs per side, needed to detect `margin`.
    pub fn needed(self, margin: f64, alpha: f64) -> Option<u64> {
        let aim = Aim::new(alpha);
        let needed = match self {
            Power::Unknown => return None,
            Power::Pairs { discordance } => needed_paired(margin, discordance, aim),
            Power::Runs { rate } if rate + margin <= 1.0 => {
                needed_unpaired(rate, rate + margin, aim)
            }
            Power::Runs { rate } => needed_unpaired(rate, rate - margin, aim),
            Power::Error { se, units } => (units * (aim.errors() * se / margin).powi(2)).ceil(),
        };
        (needed.is_finite() && needed < 1e12).then_some(needed as u64)
    }
}

impl Answer {
    const COUNTS: Answer = Answer {
        method: Method::Counts,
        estimate: None,
        p: None,
        smallest: None,
        power: Power::Unknown,
    };
}

/// Compares rates: each value is 0 or 1.
pub fn rate(sample: &Sample, terms: Terms) -> Answer {
    if !sample.is_enough() {
        return Answer::COUNTS;
    }
    match sample.pairing {
        Pairing::Paired { single: true } => mcnemar(sample, terms),
        Pairing::Paired { single: false } | Pairing::Clustered => {
            let answer = means(sample, terms);
            match answer.estimate {
                Some(it) if it.lo < it.hi => answer,
                _ => unanimous(sample, terms),
            }
        }
        Pairing::Independent => independent(sample, terms),
    }
}

/// Compares means.
pub fn average(sample: &Sample, terms: Terms) -> Answer {
    if !sample.is_enough() {
        return Answer::COUNTS;
    }
    means(sample, terms)
}

/// Compares means of long-tailed amounts, with a bootstrap interval.
pub fn amount(sample: &Sample, terms: Terms) -> Answer {
    let mut answer = average(sample, terms);
    if let (Pairing::Paired { .. }, Some(estimate)) = (sample.pairing, &mut answer.estimate) {
        let differences = sample.differences();
        let rounds = rounds(differences.len());
        (estimate.lo, estimate.hi) = bootstrap_mean(&differences, terms.seed, rounds, terms.alpha);
        answer.p = Some(sign_flip(&differences, terms.seed, rounds));
        answer.method = Method::TaskMeansDrawn;
    }
    answer
}

/// Compares medians.
pub fn median(sample: &Sample, terms: Terms) -> Answer {
    if !sample.is_enough() {
        return Answer::COUNTS;
    }
    let (method, p, estimate) = match sample.pairing {
        Pairing::Paired { .. } => {
            let differences = sample.differences();
            let shift = ranks::paired_shift(&differences, terms.alpha);
            (Method::Wilcoxon, ranks::wilcoxon(&differences).1, shift)
        }
        Pairing::Clustered | Pairing::Independent => {
            let (a, b) = (sample.a(), sample.b());
            let shift = ranks::hodges_lehmann(&a, &b, terms.alpha);
            (Method::MannWhitney, ranks::mann_whitney(&a, &b).1, shift)
        }
    };
    Answer {
        method,
        estimate,
        p: Some(p),
        ..Answer::COUNTS
    }
}

fn mcnemar(sample: &Sample, terms: Terms) -> Answer {
    let pairs = pairs(&sample.tasks);
    let discordance = pairs.discordance().max(1.0 / pairs.n().max(1) as f64);
    Answer {
        method: Method::McNemar,
        estimate: Some(newcombe_paired(pairs, two_sided(terms.alpha))),
        p: Some(exact::mcnemar(pairs.only_a, pairs.only_b)),
        smallest: Some(smallest_paired(
            pairs.n(),
            discordance,
            Aim::new(terms.alpha),
        )),
        power: Power::Pairs { discordance },
    }
}

/// Counts tasks with one run per side by the outcome of both.
pub fn pairs(tasks: &[Values]) -> Pairs {
    let mut pairs = Pairs::default();
    for task in tasks {
        let is_hit = |side: &[f64]| side.first().is_some_and(|value| *value > 0.5);
        *match (is_hit(&task.a), is_hit(&task.b)) {
            (true, true) => &mut pairs.both,
            (true, false) => &mut pairs.only_a,
            (false, true) => &mut pairs.only_b,
            (false, false) => &mut pairs.neither,
        } += 1;
    }
    pairs
}

fn independent(sample: &Sample, terms: Terms) -> Answer {
    let (a, b) = (counted(&sample.a()), counted(&sample.b()));
    let harmonic = (2.0 * a.n as f64 * b.n as f64 / (a.n + b.n) as f64) as u64;
    Answer {
        method: Method::Fisher,
        estimate: Some(newcombe(a, b, two_sided(terms.alpha))),
        p: Some(exact::fisher(a, b)),
        // A rate near 1 can fall as far as a rate near 0 can rise.
        smallest: Some(smallest_unpaired(
            a.value().min(1.0 - a.value()),
            harmonic,
            Aim::new(terms.alpha),
        )),
        power: Power::Runs { rate: a.value() },
    }
}

fn counted(values: &[f64]) -> Rate {
    Rate {
        hits: values.iter().filter(|value| **value > 0.5).count() as u64,
        n: values.len() as u64,
    }
}

/// Without spread between tasks there is no standard error, but the number of tasks still bounds
/// the difference.
fn unanimous(sample: &Sample, terms: Terms) -> Answer {
    let z = two_sided(terms.alpha);
    let of_tasks = |side: fn(&Values) -> &Vec<f64>| {
        let tasks: Vec<f64> = sample
            .tasks
            .iter()
            .map(side)
            .filter(|values| !values.is_empty())
            .map(|values| mean(values))
            .collect();
        counted(&tasks)
    };
    let (a, b) = (of_tasks(|it| &it.a), of_tasks(|it| &it.b));
    let (estimate, p) = if let Pairing::Paired { .. } = sample.pairing {
        let averaged: Vec<Values> = sample
            .tasks
            .iter()
            .map(|task| Values {
                a: vec![mean(&task.a)],
                b: vec![mean(&task.b)],
            })
            .collect();
        let pairs = pairs(&averaged);
        let p = exact::mcnemar(pairs.only_a, pairs.only_b);
        (newcombe_paired(pairs, z), p)
    } else {
        (newcombe(a, b, z), exact::fisher(a, b))
    };
    Answer {
        method: Method::Unanimous,
        estimate: Some(estimate),
        p: Some(p),
        smallest: None,
        power: Power::Unknown,
    }
}

fn means(sample: &Sample, terms: Terms) -> Answer {
    let (tested, units, method) = match sample.pairing {
        Pairing::Paired { .. } => {
            let differences = sample.differences();
            let Some(mut tested) = mean_difference(&differences, terms.alpha) else {
                return Answer::COUNTS;
            };
            let mut method = Method::TaskMeans;
            if tested.se > 0.0 && (differences.len() < MIN_FOR_STUDENT || is_skewed(&differences)) {
                let rounds = rounds(differences.len());
                tested.p = sign_flip(&differences, terms.seed, rounds);
                method = Method::TaskMeansFlipped;
            }
            (tested, differences.len() as f64, method)
        }
        Pairing::Clustered | Pairing::Independent => {
            let (Some(a), Some(b)) = (side(sample, |it| &it.a), side(sample, |it| &it.b)) else {
                return Answer::COUNTS;
            };
            let tested = difference_of_means(&a, &b, terms.alpha);
            let units = f64::midpoint(a.runs as f64, b.runs as f64);
            (tested, units, Method::Clusters)
        }
    };
    answer_from(tested, units, method, terms)
}

fn answer_from(tested: Tested, units: f64, method: Method, terms: Terms) -> Answer {
    let power = if tested.se > 0.0 {
        Power::Error {
            se: tested.se,
            units,
        }
    } else {
        Power::Unknown
    };
    Answer {
        method,
        estimate: Some(tested.estimate),
        p: Some(tested.p),
        smallest: (tested.se > 0.0).then(|| Aim::new(terms.alpha).errors() * tested.se),
        power,
    }
}

fn side(sample: &Sample, pick: fn(&Values) -> &Vec<f64>) -> Option<ClusterMean> {
    let clusters = sample.tasks.iter().map(pick);
    let clusters: Vec<Vec<f64>> = clusters.filter(|it| !it.is_empty()).cloned().collect();
    cluster_mean(&clusters)
}

/// With fewer tasks than this, Student's t is not trusted on its own.
const MIN_FOR_STUDENT: usize = 30;
/// Nor with a larger skewness than this.
const MAX_SKEWNESS: f64 = 1.0;

fn is_skewed(values: &[f64]) -> bool {
    let centre = mean(values);
    let moment = |power: i32| {
        let powers: Vec<f64> = values.iter().map(|it| (it - centre).powi(power)).collect();
        mean(&powers)
    };
    (moment(3) / moment(2).powf(1.5)).abs() > MAX_SKEWNESS
}

/// 9,999 rounds, or fewer for many tasks, where fewer suffice.
fn rounds(tasks: usize) -> u32 {
    const WORK: usize = 10_000_000;
    (WORK / tasks.max(1)).clamp(1_999, 9_999) as u32
}
