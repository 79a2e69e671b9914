//! Permutation tests and the bootstrap, reproducible for a given seed.

use super::random::{Coins, SplitMix64};

/// Tolerance when comparing sums, so that rounding does not decide.
const ROUNDING: f64 = 1e-12;

/// The p-value of a mean of paired differences, by flipping signs at random.
pub fn sign_flip(differences: &[f64], seed: u64, rounds: u32) -> f64 {
    let mut random = SplitMix64::new(seed);
    let observed = differences.iter().sum::<f64>().abs() - ROUNDING;
    let mut reached = 0;
    for _ in 0..rounds {
        let mut coins = Coins::new(&mut random);
        let mut sum = 0.0;
        for difference in differences {
            sum += if coins.flip() {
                *difference
            } else {
                -difference
            };
        }
        reached += u32::from(sum.abs() >= observed);
    }
    f64::from(1 + reached) / f64::from(rounds + 1)
}

/// The percentile bootstrap interval of a mean.
pub fn bootstrap_mean(values: &[f64], seed: u64, rounds: u32, alpha: f64) -> (f64, f64) {
    let mut random = SplitMix64::new(seed);
    let n = values.len() as u64;
    let mut means: Vec<f64> = (0..rounds)
        .map(|_| {
            let sum: f64 = (0..n).map(|_| values[random.below(n) as usize]).sum();
            sum / n as f64
        })
        .collect();
    means.sort_unstable_by(f64::total_cmp);
    let at = |p: f64| {
        let rank = (p * f64::from(rounds + 1)) as usize;
        means[rank.clamp(1, means.len()) - 1]
    };
    (at(alpha / 2.0), at(1.0 - alpha / 2.0))
}

/// Occurrences of each item in one task, on both sides, in no particular order.
#[derive(Debug, Clone, Default)]
pub struct Counts {
    /// Pairs of (item, count).
    pub a: Vec<(u32, u32)>,
    pub b: Vec<(u32, u32)>,
}

/// The distance between two mixes, and how often chance reaches it when the sides of tasks are
/// swapped at random.
pub fn distance(
    tasks: &[Counts],
    measure: fn(&[u64], &[u64]) -> f64,
    seed: u64,
    rounds: u32,
) -> (f64, f64) {
    let things = tasks
        .iter()
        .flat_map(|task| task.a.iter().chain(&task.b))
        .map(|(thing, _)| *thing as usize + 1)
        .max()
        .unwrap_or(0);
    let (mut a, mut b) = (vec![0; things], vec![0; things]);
    for task in tasks {
        add(&mut a, &task.a);
        add(&mut b, &task.b);
    }
    let observed = measure(&a, &b);
    let mut random = SplitMix64::new(seed);
    let mut reached = 0;
    for _ in 0..rounds {
        a.fill(0);
        b.fill(0);
        let mut coins = Coins::new(&mut random);
        for task in tasks {
            let (to_a, to_b) = if coins.flip() {
                (&task.a, &task.b)
            } else {
                (&task.b, &task.a)
            };
            add(&mut a, to_a);
            add(&mut b, to_b);
        }
        reached += u32::from(measure(&a, &b) >= observed - ROUNDING);
    }
    (observed, f64::from(1 + reached) / f64::from(rounds + 1))
}

fn add(sum: &mut [u64], counts: &[(u32, u32)]) {
    for (thing, count) in counts {
        sum[*thing as usize] += u64::from(*count);
    }
}

/// Total variation distance: the share of `a` that would have to move to become `b`. 0 if a side is
/// empty.
pub fn total_variation(a: &[u64], b: &[u64]) -> f64 {
    0.5 * shares(a, b).map(|(a, b)| (a - b).abs()).sum::<f64>()
}

/// Jensen–Shannon divergence in bits: 0 for equal mixes, 1 for disjoint ones.
pub fn jensen_shannon(a: &[u64], b: &[u64]) -> f64 {
    let part = |share: f64, middle: f64| {
        if share > 0.0 {
            0.5 * share * (share / middle).log2()
        } else {
            0.0
        }
    };
    shares(a, b)
        .map(|(a, b)| {
            let middle = f64::midpoint(a, b);
            part(a, middle) + part(b, middle)
        })
        .sum()
}

fn shares<'a>(a: &'a [u64], b: &'a [u64]) -> impl Iterator<Item = (f64, f64)> + 'a {
    let total = |counts: &[u64]| counts.iter().sum::<u64>() as f64;
    let (all_a, all_b) = (total(a), total(b));
    let both = all_a > 0.0 && all_b > 0.0;
    a.iter()
        .zip(b)
        .filter(move |_| both)
        .map(move |(a, b)| (*a as f64 / all_a, *b as f64 / all_b))
}
