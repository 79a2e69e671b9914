//! The statistics of normal runs: the outlier limit for costs, a control chart for creeping costs, and one for event
//! rates. Pure functions of numbers; `history` brings the runs.

use crate::analysis::statistics::ranks;

/// The fewest runs to learn from.
pub const LEAST: usize = 8;
/// The limit, in spreads above the median, for a large baseline.
const WIDTH: f64 = 3.5;
/// Allowance for a small baseline: the width grows by the root of 1 + this / runs.
const SMALL: f64 = 20.0;
/// The smallest spread: a baseline of runs that happen to cost the same is too narrow.
const FLOOR: f64 = 0.2;
/// Converts a median absolute deviation to a standard deviation.
const TO_SD: f64 = 1.4826;

/// The normal cost.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Normal {
    pub n: usize,
    /// In dollars.
    pub median: f64,
    /// Of the logarithm.
    pub spread: f64,
    pub k: f64,
    /// In dollars.
    pub limit: f64,
}

impl Normal {
    /// None below [`LEAST`] costs. All costs must be above 0.
    pub fn of(costs: &[f64]) -> Option<Normal> {
        let n = costs.len();
        if n < LEAST {
            return None;
        }
        let logs = ranks::ordered(costs.iter().map(|cost| cost.ln()));
        let centre = ranks::median(&logs)?;
        let spread = (TO_SD * ranks::median_deviation(&logs)?).max(FLOOR);
        let k = WIDTH * (1.0 + SMALL / n as f64).sqrt();
        Some(Normal {
            n,
            median: centre.exp(),
            spread,
            k,
            limit: (centre + k * spread).exp(),
        })
    }

    /// How many spreads a cost is above the median.
    pub fn score(&self, cost: f64) -> f64 {
        (cost.ln() - self.median.ln()) / self.spread
    }
}

/// Mean and standard deviation of the logarithms of costs.
pub fn spread(logs: &[f64]) -> (f64, f64) {
    let n = logs.len().max(1) as f64;
    let mean = logs.iter().sum::<f64>() / n;
    let squares: f64 = logs.iter().map(|log| (log - mean) * (log - mean)).sum();
    (mean, (squares / n).sqrt())
}

/// An upward EWMA chart of the logarithm of costs. Resets after it fires.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ewma {
    pub mean: f64,
    pub sd: f64,
    pub z: f64,
    runs: i32,
}

/// The weight of the newest run.
const LAMBDA: f64 = 0.1;
const SIGMAS: f64 = 3.0;

/// One point of a chart.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Point {
    pub value: f64,
    pub limit: f64,
    pub fires: bool,
}

impl Ewma {
    pub fn new(mean: f64, sd: f64) -> Ewma {
        Ewma {
            mean,
            sd,
            z: mean,
            runs: 0,
        }
    }

    pub fn add(&mut self, log: f64) -> Point {
        self.runs += 1;
        self.z = LAMBDA * log + (1.0 - LAMBDA) * self.z;
        let settled = 1.0 - (1.0 - LAMBDA).powi(2 * self.runs);
        let limit = self.mean + SIGMAS * self.sd * (LAMBDA / (2.0 - LAMBDA) * settled).sqrt();
        let point = Point {
            value: self.z,
            limit,
            fires: self.z > limit,
        };
        if point.fires {
            *self = Ewma::new(self.mean, self.sd);
        }
        point
    }
}

/// The most events of one run that count: calls within a run are alike, and one bad run is not a trend.
pub const CAP: u32 = 3;
/// The lowest rate that is taken as normal.
const RAREST: f64 = 0.005;
const QUARTILE: f64 = 0.674_489_750_196_081_7;

/// The normal rate, from the events and calls of runs: an upper quartile, so that a few runs do not set it too low.
pub fn normal_rate(runs: impl Iterator<Item = (u32, u32)>) -> f64 {
    let (mut events, mut calls) = (0_u64, 0_u64);
    for (some, all) in runs {
        events += u64::from(some.min(CAP));
        calls += u64::from(all - some.saturating_sub(CAP));
    }
    let (a, b) = ((1 + events) as f64, (1 + calls - events) as f64);
    let sd = (a * b / ((a + b).powi(2) * (a + b + 1.0))).sqrt();
    RAREST.max(a / (a + b) + QUARTILE * sd)
}

/// A chart that detects twice the normal rate, call by call. Resets after it fires.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Cusum {
    pub p0: f64,
    pub up: f64,
    pub down: f64,
    pub sum: f64,
    pub calls: u32,
    pub top: f64,
    /// Events of the run so far.
    events: u32,
}

const TIMES: f64 = 2.0;
/// The sum at which it fires.
pub const HEIGHT: f64 = 4.5;

impl Cusum {
    pub fn new(p0: f64) -> Cusum {
        let p1 = (TIMES * p0).min(0.95);
        Cusum {
            p0,
            up: (p1 / p0).ln(),
            down: ((1.0 - p1) / (1.0 - p0)).ln(),
            sum: 0.0,
            calls: 0,
            top: 0.0,
            events: 0,
        }
    }

    /// Call before the calls of each run.
    pub fn run(&mut self) {
        self.events = 0;
    }

    /// The sum, if it fires.
    pub fn add(&mut self, is_event: bool) -> Option<f64> {
        self.calls += 1;
        if is_event {
            self.events += 1;
            if self.events > CAP {
                return None;
            }
        }
        self.sum = (self.sum + if is_event { self.up } else { self.down }).max(0.0);
        self.top = self.top.max(self.sum);
        let sum = self.sum;
        (sum > HEIGHT).then(|| {
            self.sum = 0.0;
            sum
        })
    }
}
