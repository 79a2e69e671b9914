//! One line of a comparison: a measure on both sides, how they differ, and what that lets one say.

use crate::analysis::cohort::measure::{Measure, Unit, Worse};
use crate::analysis::statistics::choose::{Answer, Method};
use crate::analysis::statistics::interval::Estimate;
use crate::analysis::statistics::verdict::Verdict;

/// What a figure is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Subject {
    Measure(Measure),
    /// The run calls this tool at all; its place among the tools of the comparison.
    Tool(u32),
    /// This tool is the first that the run calls.
    First(u32),
    /// An action of the run fulfils this predicate; its place among those asked for.
    Predicate(usize),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Rate,
    Mean,
    Median,
    /// The 95th or 99th percentile: shown, not tested.
    Tail(u8),
}

impl Kind {
    pub fn word(self) -> &'static str {
        match self {
            Kind::Rate => "rate",
            Kind::Mean => "mean",
            Kind::Median => "median",
            Kind::Tail(95) => "p95",
            Kind::Tail(_) => "p99",
        }
    }
}

/// Of which direction a change is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    Up,
    Down,
    None,
}

impl Direction {
    pub fn word(self) -> &'static str {
        match self {
            Direction::Up => "up",
            Direction::Down => "down",
            Direction::None => "none",
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct Figure {
    pub subject: Subject,
    /// The name in machine output; raw where it holds the name of a tool or a filter.
    pub name: String,
    /// The same for people, raw.
    pub words: String,
    pub kind: Kind,
    pub unit: Unit,
    pub worse: Worse,
    /// None where no run of that side has it.
    pub a: Option<f64>,
    pub b: Option<f64>,
    /// Runs that have it.
    pub runs_a: usize,
    pub runs_b: usize,
    pub estimate: Option<Estimate>,
    pub p: Option<f64>,
    /// Corrected for how many figures are shown.
    pub q: Option<f64>,
    pub method: Method,
    pub verdict: Verdict,
    /// The smallest difference that matters, in its unit.
    pub margin: f64,
    pub smallest: Option<f64>,
    /// Paired tasks, or runs a side, that would show the margin.
    pub needed: Option<u64>,
}

impl Figure {
    pub fn direction(&self) -> Direction {
        match self.estimate {
            Some(it) if it.value > 0.0 => Direction::Up,
            Some(it) if it.value < 0.0 => Direction::Down,
            _ => Direction::None,
        }
    }

    /// Whether it changed for the worse.
    pub fn is_regression(&self) -> bool {
        self.verdict.is_change() && self.goes(self.worse)
    }

    pub fn is_improvement(&self) -> bool {
        let better = match self.worse {
            Worse::Up => Worse::Down,
            Worse::Down => Worse::Up,
            Worse::None => return false,
        };
        self.verdict.is_change() && self.goes(better)
    }

    /// Whether what the agent does changed, which is neither better nor worse by itself.
    pub fn is_shift(&self) -> bool {
        self.verdict.is_change() && self.worse == Worse::None
    }

    fn goes(&self, way: Worse) -> bool {
        matches!(
            (self.direction(), way),
            (Direction::Up, Worse::Up) | (Direction::Down, Worse::Down)
        )
    }

    /// What the test says; the verdict waits for all figures.
    pub(super) fn take(&mut self, answer: Answer, alpha: f64) {
        self.method = answer.method;
        self.estimate = answer.estimate;
        self.p = answer.p;
        self.smallest = answer.smallest;
        self.needed = answer.power.needed(self.margin, alpha);
    }

    /// A change among many figures is one only where it also survives the correction for them.
    pub(super) fn judge(&mut self, q: Option<f64>, alpha: f64) {
        self.q = q;
        self.verdict = match (self.estimate, q) {
            (Some(it), Some(q)) if q < alpha => Verdict::of(it.lo, it.hi, self.margin),
            (Some(it), _) if -self.margin < it.lo && it.hi < self.margin => {
                Verdict::NoMeaningfulChange
            }
            _ => Verdict::NotEnoughRuns,
        };
    }
}
