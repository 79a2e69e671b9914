//! Exact tests of counts.

use statrs::function::gamma::ln_gamma;

use super::interval::Rate;

/// The two-sided exact `McNemar` test, from the two counts of discordant pairs.
pub fn mcnemar(only_a: u64, only_b: u64) -> f64 {
    let n = only_a + only_b;
    if n == 0 {
        return 1.0;
    }
    let tail: f64 = (0..=only_a.min(only_b)).map(|k| half_binomial(k, n)).sum();
    (2.0 * tail).min(1.0)
}

/// The mid-p variant of the `McNemar` test, which is less conservative than the exact one.
pub fn mcnemar_mid_p(only_a: u64, only_b: u64) -> f64 {
    let n = only_a + only_b;
    if n == 0 {
        return 1.0;
    }
    let observed = half_binomial(only_a.min(only_b), n);
    if only_a == only_b {
        return 1.0 - 0.5 * observed;
    }
    (mcnemar(only_a, only_b) - observed).min(1.0)
}

/// Fisher's two-sided exact test of two rates: sums all tables that are no more likely than this
/// one.
pub fn fisher(a: Rate, b: Rate) -> f64 {
    let hits = a.hits + b.hits;
    let least = hits.saturating_sub(b.n);
    let most = hits.min(a.n);
    let all = ln_choose(a.n + b.n, hits);
    let likely = |k: u64| (ln_choose(a.n, k) + ln_choose(b.n, hits - k) - all).exp();
    let bound = likely(a.hits) * (1.0 + 1e-7);
    let sum: f64 = (least..=most).map(likely).filter(|p| *p <= bound).sum();
    sum.min(1.0)
}

/// The probability of `k` heads in `n` fair coin flips.
fn half_binomial(k: u64, n: u64) -> f64 {
    (ln_choose(n, k) - n as f64 * std::f64::consts::LN_2).exp()
}

fn ln_choose(n: u64, k: u64) -> f64 {
    let ln_factorial = |count: u64| ln_gamma(count as f64 + 1.0);
    ln_factorial(n) - ln_factorial(k) - ln_factorial(n - k)
}
