//! Order statistics: quantiles, and shifts of medians with their tests.

use super::distribution::{normal_tail, two_sided};
use super::interval::Estimate;

/// The `q` quantile of sorted values, interpolated (type 7 of Hyndman and Fan 1996).
pub fn quantile(sorted: &[f64], q: f64) -> Option<f64> {
    let last = sorted.len().checked_sub(1)?;
    let at = q * last as f64;
    let below = at.floor() as usize;
    let above = (below + 1).min(last);
    Some(sorted[below] + (at - below as f64) * (sorted[above] - sorted[below]))
}

pub fn median(sorted: &[f64]) -> Option<f64> {
    quantile(sorted, 0.5)
}

/// The median absolute deviation. Multiply by 1.4826 to estimate a standard deviation.
pub fn median_deviation(sorted: &[f64]) -> Option<f64> {
    let middle = median(sorted)?;
    median(&ordered(sorted.iter().map(|value| (value - middle).abs())))
}

/// Sorts the values.
pub fn ordered(values: impl Iterator<Item = f64>) -> Vec<f64> {
    let mut values: Vec<f64> = values.collect();
    values.sort_unstable_by(f64::total_cmp);
    values
}

/// The Mann–Whitney U of the first sample and its two-sided p-value, by normal approximation with
/// corrections for ties and continuity.
pub fn mann_whitney(first: &[f64], second: &[f64]) -> (f64, f64) {
    let (m, n) = (first.len() as f64, second.len() as f64);
    let all = m + n;
    let (ranks, ties) = ranks(&[first, second].concat());
    let u = ranks[..first.len()].iter().sum::<f64>() - m * (m + 1.0) / 2.0;
    let spread = (m * n / 12.0 * ((all + 1.0) - ties / (all * (all - 1.0)))).sqrt();
    if spread.is_nan() || spread == 0.0 {
        return (u, 1.0);
    }
    let z = (u.max(m * n - u) - m * n / 2.0 - 0.5) / spread;
    (u, (2.0 * normal_tail(z)).min(1.0))
}

/// The Wilcoxon signed-rank test of paired differences, dropping zeros: the smaller rank sum, and
/// its two-sided p-value by normal approximation with the correction for ties.
pub fn wilcoxon(differences: &[f64]) -> (f64, f64) {
    let nonzero: Vec<f64> = differences
        .iter()
        .copied()
        .filter(|it| *it != 0.0)
        .collect();
    let n = nonzero.len() as f64;
    let sizes: Vec<f64> = nonzero.iter().map(|it| it.abs()).collect();
    let (ranks, ties) = ranks(&sizes);
    let up: f64 = ranks
        .iter()
        .zip(&nonzero)
        .filter(|(_, it)| **it > 0.0)
        .map(|(rank, _)| rank)
        .sum();
    let w = up.min(n * (n + 1.0) / 2.0 - up);
    let spread = ((n * (n + 1.0) * (2.0 * n + 1.0) - ties / 2.0) / 24.0).sqrt();
    if spread.is_nan() || spread == 0.0 {
        return (w, 1.0);
    }
    let z = (n * (n + 1.0) / 4.0 - w) / spread;
    (w, (2.0 * normal_tail(z)).min(1.0))
}

/// Ranks from 1, with tied values sharing their mean rank, and the sum of t³ − t over all ties.
fn ranks(values: &[f64]) -> (Vec<f64>, f64) {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_unstable_by(|a, b| values[*a].total_cmp(&values[*b]));
    let mut ranks = vec![0.0; values.len()];
    let mut ties = 0.0;
    let mut first = 0;
    for same in order.chunk_by(|a, b| values[*a] >= values[*b]) {
        let many = same.len() as f64;
        for at in same {
            ranks[*at] = first as f64 + f64::midpoint(many, 1.0);
        }
        ties += many * many * many - many;
        first += same.len();
    }
    (ranks, ties)
}

/// How far `y` lies above `x`: the median of all pairwise differences (Hodges, Lehmann 1963) with
/// Moses' interval (normal approximation). `None` if a side is empty.
pub fn hodges_lehmann(x: &[f64], y: &[f64], alpha: f64) -> Option<Estimate> {
    let (x, y) = (ordered(x.iter().copied()), ordered(y.iter().copied()));
    let (m, n) = (x.len(), y.len());
    let all = m * n;
    let (m_, n_) = (m as f64, n as f64);
    let reach = two_sided(alpha) * (m_ * n_ * (m_ + n_ + 1.0) / 12.0).sqrt();
    let outer = ((m_ * n_ / 2.0 - reach).floor().max(1.0)) as usize;
    let count = |bound: f64| {
        let mut within = 0;
        let mut below = 0;
        for x in &x {
            while below < n && y[below] - x <= bound {
                below += 1;
            }
            within += below;
        }
        within
    };
    order_estimate(all, outer, count)
}

/// The median of all Walsh averages (means of two differences, or of one with itself), with the
/// interval that matches Wilcoxon's test. `None` without differences.
pub fn paired_shift(differences: &[f64], alpha: f64) -> Option<Estimate> {
    let sorted = ordered(differences.iter().copied());
    let n = sorted.len();
    let all = n * (n + 1) / 2;
    let n_ = n as f64;
    let reach = two_sided(alpha) * (n_ * (n_ + 1.0) * (2.0 * n_ + 1.0) / 24.0).sqrt();
    let outer = ((n_ * (n_ + 1.0) / 4.0 - reach).floor().max(1.0)) as usize;
    let count = |bound: f64| {
        let mut within = 0;
        let mut below = n;
        for (at, low) in sorted.iter().enumerate() {
            while below > at && f64::midpoint(*low, sorted[below - 1]) > bound {
                below -= 1;
            }
            if below <= at {
                break;
            }
            within += below - at;
        }
        within
    };
    order_estimate(all, outer, count)
}

/// The median of `all` values and the `outer`-th from either end, given only a function that counts
/// the values at or below a bound: there may be too many values to list.
fn order_estimate(all: usize, outer: usize, count: impl Fn(f64) -> usize) -> Option<Estimate> {
    if all == 0 {
        return None;
    }
    let nth = |rank: usize| smallest(rank, &count);
    let outer = outer.min(all);
    let middle = if all.is_multiple_of(2) {
        f64::midpoint(nth(all / 2), nth(all / 2 + 1))
    } else {
        nth(all / 2 + 1)
    };
    Some(Estimate {
        value: middle,
        lo: nth(outer),
        hi: nth(all + 1 - outer),
    })
}

/// The smallest number that at least `rank` values do not exceed, by bisection over all floats,
/// which takes at most 64 steps.
fn smallest(rank: usize, count: &impl Fn(f64) -> usize) -> f64 {
    let (mut lo, mut hi) = (place(f64::NEG_INFINITY), place(f64::INFINITY));
    while lo < hi {
        let middle = lo + (hi - lo) / 2;
        if count(number(middle)) >= rank {
            hi = middle;
        } else {
            lo = middle + 1;
        }
    }
    // Turns −0 into 0.
    number(lo) + 0.0
}

/// The position of a number in the order of all floats.
fn place(number: f64) -> u64 {
    let bits = number.to_bits();
    if bits >> 63 == 1 {
        !bits
    } else {
        bits | 1 << 63
    }
}

fn number(place: u64) -> f64 {
    if place >> 63 == 1 {
        f64::from_bits(place & !(1 << 63))
    } else {
        f64::from_bits(!place)
    }
}
