//! Power: how many runs it takes to detect a difference, and what difference a given number can
//! detect.

use super::distribution::{normal_quantile, two_sided};

/// The error rates to plan for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Aim {
    /// The two-sided false-alarm rate.
    pub alpha: f64,
    /// The probability of detecting a real difference.
    pub power: f64,
}

impl Aim {
    /// 80 % power at `alpha`.
    pub fn new(alpha: f64) -> Aim {
        Aim { alpha, power: 0.8 }
    }

    fn z(self) -> (f64, f64) {
        (two_sided(self.alpha), normal_quantile(self.power))
    }

    /// The difference, in standard errors, that is detected with this power.
    pub fn errors(self) -> f64 {
        let (alpha, power) = self.z();
        alpha + power
    }
}

/// The smallest rise of a rate `p` that two sides of `n` independent runs detect; 1 − p if none is.
pub fn smallest_unpaired(p: f64, n: u64, aim: Aim) -> f64 {
    let (alpha, power) = aim.z();
    let (mut lo, mut hi) = (0.0, 1.0 - p);
    for _ in 0..80 {
        let rise = f64::midpoint(lo, hi);
        let q = p + rise;
        let middle = f64::midpoint(p, q);
        let need = (alpha * (2.0 * middle * (1.0 - middle)).sqrt()
            + power * (p * (1.0 - p) + q * (1.0 - q)).sqrt())
            / (n as f64).sqrt();
        if rise < need {
            lo = rise;
        } else {
            hi = rise;
        }
    }
    hi
}

/// Independent runs per side needed to detect the difference between two rates.
pub fn needed_unpaired(p1: f64, p2: f64, aim: Aim) -> f64 {
    let (alpha, power) = aim.z();
    let middle = f64::midpoint(p1, p2);
    let errors = alpha * (2.0 * middle * (1.0 - middle)).sqrt()
        + power * (p1 * (1.0 - p1) + p2 * (1.0 - p2)).sqrt();
    (errors / (p2 - p1)).powi(2).ceil()
}

/// Pairs needed to detect a difference of `delta` when a share `discordance` of pairs is discordant
/// (Connor 1987).
pub fn needed_paired(delta: f64, discordance: f64, aim: Aim) -> f64 {
    let (alpha, power) = aim.z();
    // At least `delta` of the pairs must be discordant.
    let discordance = discordance.max(delta.abs());
    let errors = alpha * discordance.sqrt() + power * (discordance - delta * delta).max(0.0).sqrt();
    (errors / delta).powi(2).ceil()
}

/// The smallest difference that `n` pairs detect when a share `discordance` of them is discordant.
pub fn smallest_paired(n: u64, discordance: f64, aim: Aim) -> f64 {
    let (mut lo, mut hi) = (0.0, 1.0);
    for _ in 0..80 {
        let delta = f64::midpoint(lo, hi);
        if delta == 0.0 || needed_paired(delta, discordance, aim) > n as f64 {
            lo = delta;
        } else {
            hi = delta;
        }
    }
    hi
}
