//! A confidence sequence: intervals that hold at all looks simultaneously, however often and whenever one looks.

/// The asymptotic confidence sequence of a mean (Waudby-Smith, Arbour, Sinha, Kennedy and Ramdas 2024, theorem 2.2),
/// tuned to be narrowest at about this many values.
const NARROWEST: f64 = 50.0;
/// With fewer values, the sequence is not valid yet.
pub const LEAST: usize = 20;

/// Mean and spread of values that come one by one (Welford 1962).
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Sequence {
    pub n: usize,
    pub mean: f64,
    squares: f64,
}

impl Sequence {
    /// Counts one deviation of `scale`, the range of the values, before the first value comes: as long as all values are
    /// the same, their spread is unknown rather than 0.
    pub fn of_scale(scale: f64) -> Sequence {
        Sequence {
            squares: scale * scale,
            ..Sequence::default()
        }
    }

    pub fn add(&mut self, value: f64) {
        self.n += 1;
        let away = value - self.mean;
        self.mean += away / self.n as f64;
        self.squares += away * (value - self.mean);
    }

    fn variance(&self) -> f64 {
        self.squares / self.n.max(1) as f64
    }
}

/// Half the width of the interval of a mean after `n` values with this variance.
fn width(n: f64, variance: f64, alpha: f64) -> f64 {
    let log = (-2.0 * alpha.ln() + (-2.0 * alpha.ln() + 1.0).ln()).max(1.0);
    let rho = log / NARROWEST;
    let spread = n * rho + 1.0;
    (variance * spread / (n * n * rho) * (spread / (alpha * alpha)).ln()).sqrt()
}

/// The interval of a mean of paired differences; none while it is not valid yet.
pub fn paired(differences: &Sequence, alpha: f64) -> Option<(f64, f64)> {
    if differences.n < LEAST {
        return None;
    }
    let half = width(differences.n as f64, differences.variance(), alpha);
    Some((differences.mean - half, differences.mean + half))
}

/// The interval of the difference of two means, B minus A: each side gets half of the error rate.
pub fn independent(a: &Sequence, b: &Sequence, alpha: f64) -> Option<(f64, f64)> {
    if a.n < LEAST || b.n < LEAST {
        return None;
    }
    let half = |side: &Sequence| width(side.n as f64, side.variance(), alpha / 2.0);
    let (mean, half) = (b.mean - a.mean, half(a) + half(b));
    Some((mean - half, mean + half))
}

#[cfg(test)]
mod tests {
    use super::{LEAST, Sequence, independent, paired};
    use crate::analysis::statistics::random::SplitMix64;

    fn coin(random: &mut SplitMix64, percent: u64) -> f64 {
        f64::from(u8::from(random.below(100) < percent))
    }

    #[test]
    fn looking_after_every_run_finds_nothing_where_there_is_nothing() {
        let mut wrong = 0;
        for seed in 0..400 {
            let mut random = SplitMix64::new(seed);
            let mut all = Sequence::default();
            let is_wrong = (0..400).any(|_| {
                all.add(coin(&mut random, 50) - coin(&mut random, 50));
                paired(&all, 0.05).is_some_and(|(lo, hi)| lo > 0.0 || hi < 0.0)
            });
            wrong += u32::from(is_wrong);
        }
        // 5 % of 400, and two standard deviations of that count.
        assert!(wrong <= 28, "{wrong} of 400");
    }

    #[test]
    fn a_large_difference_is_found_early() {
        let mut random = SplitMix64::new(7);
        let (mut a, mut b) = (Sequence::default(), Sequence::default());
        let found = (1..400).find(|_| {
            a.add(coin(&mut random, 90));
            b.add(coin(&mut random, 40));
            independent(&a, &b, 0.05).is_some_and(|(_, hi)| hi < 0.0)
        });
        assert!(
            found.is_some_and(|n| (LEAST..120).contains(&n)),
            "{found:?}"
        );
    }
}
