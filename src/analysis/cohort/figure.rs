//! One figure of a comparison: a measure on both sides, the difference, and the verdict.

use crate::analysis::cohort::measure::{Measure, Unit, Worse};
use crate::analysis::statistics::choose::{Answer, Method};
use crate::analysis::statistics::interval::Estimate;
use crate::analysis::statistics::verdict::Verdict;

/// What a figure measures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Subject {
    Measure(Measure),
    /// Whether a run calls this tool at all. An index into the tools of the comparison.
    Tool(u32),
    /// Whether this tool is the first that a run calls.
    First(u32),
    /// Whether any action of the run matches this predicate. An index into the predicates.
    Predicate(usize),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Rate,
    Mean,
    Median,
    /// The 95th or 99th percentile: shown but not tested.
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

/// The sign of a change.
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
    /// The name in machine output. Raw: it may contain a tool name or a filter.
    pub name: String,
    /// The name on screen. Raw, too.
    pub words: String,
    pub kind: Kind,
    pub unit: Unit,
    pub worse: Worse,
    /// `None` if no run of that side has a value.
    pub a: Option<f64>,
    pub b: Option<f64>,
    /// The number of runs with a value.
    pub runs_a: usize,
    pub runs_b: usize,
    pub estimate: Option<Estimate>,
    pub p: Option<f64>,
    /// The p-value adjusted for the number of figures.
    pub q: Option<f64>,
    pub method: Method,
    pub verdict: Verdict,
    /// The smallest difference that matters, in this figure's unit.
    pub margin: f64,
    pub smallest: Option<f64>,
    /// The number of paired tasks, or of runs per side, that would detect the margin.
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

    /// Whether the estimate, significant or not, is on the bad side; none if neither side is bad.
    pub fn leans_worse(&self) -> Option<bool> {
        (self.worse != Worse::None).then(|| self.goes(self.worse))
    }

    /// Whether behaviour changed in a way that is neither better nor worse by itself.
    pub fn is_shift(&self) -> bool {
        self.verdict.is_change() && self.worse == Worse::None
    }

    fn goes(&self, way: Worse) -> bool {
        matches!(
            (self.direction(), way),
            (Direction::Up, Worse::Up) | (Direction::Down, Worse::Down)
        )
    }

    /// Stores a test result. The verdict follows once all figures are known.
    pub(super) fn take(&mut self, answer: Answer, alpha: f64) {
        self.method = answer.method;
        self.estimate = answer.estimate;
        self.p = answer.p;
        self.smallest = answer.smallest;
        self.needed = answer.power.needed(self.margin, alpha);
    }

    /// Among many figures, a change counts only if it survives the adjustment for their number.
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
