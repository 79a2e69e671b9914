//! How many runs it takes to see a difference, and which difference so many runs can show.

use super::distribution::{normal_quantile, two_sided};

/// How sure one wants to be.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Aim {
    /// Of a false alarm, both sides.
    pub alpha: f64,
    /// The probability of seeing a difference that is there.
    pub power: f64,
}

impl Aim {
    /// 80 % for `alpha`.
    pub fn new(alpha: f64) -> Aim {
        Aim { alpha, power: 0.8 }
    }

    fn z(self) -> (f64, f64) {
        (two_sided(self.alpha), normal_quantile(self.power))
    }

    /// So many standard errors away a difference is seen with that probability.
    pub fn errors(self) -> f64 {
        let (alpha, power) = self.z();
        alpha + power
    }
}

/// The smallest rise of a rate `p` that two sides of `n` independent runs show; 1 − p where none is.
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

/// Independent runs per side that show the difference between two rates.
pub fn needed_unpaired(p1: f64, p2: f64, aim: Aim) -> f64 {
    let (alpha, power) = aim.z();
    let middle = f64::midpoint(p1, p2);
    let errors = alpha * (2.0 * middle * (1.0 - middle)).sqrt()
        + power * (p1 * (1.0 - p1) + p2 * (1.0 - p2)).sqrt();
    (errors / (p2 - p1)).powi(2).ceil()
}

/// Pairs that show a difference `delta` where a share `discordance` of pairs differs at all
/// (Connor 1987).
pub fn needed_paired(delta: f64, discordance: f64, aim: Aim) -> f64 {
    let (alpha, power) = aim.z();
    // Less than the difference itself cannot differ.
    let discordance = discordance.max(delta.abs());
    let errors = alpha * discordance.sqrt() + power * (discordance - delta * delta).max(0.0).sqrt();
    (errors / delta).powi(2).ceil()
}

/// The smallest difference that `n` pairs show where a share `discordance` of them differs at all.
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
