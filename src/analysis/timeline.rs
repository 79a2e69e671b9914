//! A run along its time: what took how long, what waited for what, and what all of it came to.
//!
//! Only times that were recorded are drawn. Two of them may be used together: of a model call without a
//! duration the time since what it answers is taken, and marked as inferred, since formats that note the
//! moment of an answer only say no more.

mod bars;
mod growth;
mod lanes;
mod path;

pub use growth::{Fill, Growth};
pub use lanes::{By, Key, Lane};
pub use path::{Path, Share};

use crate::base::cancel::CancelFlag;
use crate::model::action::{ActionIx, Kind, Status};
use crate::model::run::RunIx;
use crate::model::symbol::Sym;
use crate::store::Store;

/// A run along its time. Times are in microseconds since the Unix epoch.
#[derive(Debug, Clone, Default)]
pub struct Timeline {
    pub run: Option<RunIx>,
    /// From the first bar to the end of the last; none where nothing can be drawn.
    pub whole: Option<Window>,
    /// By the time at which they begin.
    pub bars: Vec<Bar>,
    pub path: Path,
    pub growth: Growth,
    /// Actions that take time and have none recorded.
    pub untimed: u32,
    /// Notes, thoughts and marks, which take no time of their own.
    pub aside: u32,
}

/// A stretch of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    pub from: i64,
    pub to: i64,
}

impl Window {
    pub fn length(self) -> i64 {
        self.to.saturating_sub(self.from)
    }
}

/// What a bar stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum What {
    Prompt,
    Model,
    Tool,
    /// A person is asked about a call.
    Approval,
    /// An error that stands for itself.
    Error,
}

impl What {
    pub const ALL: &[What] = &[
        What::Prompt,
        What::Model,
        What::Tool,
        What::Approval,
        What::Error,
    ];

    pub fn word(self) -> &'static str {
        match self {
            What::Prompt => "prompts",
            What::Model => "model",
            What::Tool => "tools",
            What::Approval => "approval",
            What::Error => "errors",
        }
    }
}

/// How sure the ends of a bar are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Length {
    /// Both were recorded.
    Recorded,
    /// It begins where what it answers ended.
    Inferred,
    /// When it ended is not known: it is a point.
    Point,
    /// It has not ended.
    Open,
}

/// One thing that took time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bar {
    pub ix: ActionIx,
    pub what: What,
    pub from: i64,
    pub to: i64,
    pub length: Length,
    pub status: Status,
    pub agent: Sym,
    /// The tool or the model.
    pub name: Sym,
}

impl Bar {
    pub fn window(&self) -> Window {
        Window {
            from: self.from,
            to: self.to,
        }
    }

    /// How long it took, where that is known.
    pub fn took(&self) -> Option<i64> {
        match self.length {
            Length::Recorded | Length::Inferred => Some(self.to.saturating_sub(self.from)),
            Length::Point | Length::Open => None,
        }
    }

    /// Whether any of it lies in a stretch of time.
    pub fn is_in(&self, window: Window) -> bool {
        self.to >= window.from && self.from <= window.to
    }
}

impl Timeline {
    /// Goes through a run. `now` ends what has not ended, where the run goes on.
    pub fn of(store: &Store, run: RunIx, now: Option<i64>, cancel: &CancelFlag) -> Timeline {
        let drawn = bars::of_run(store, run, now, cancel);
        let whole = whole(&drawn.bars);
        Timeline {
            run: Some(run),
            path: path::of(store, run, (&drawn.bars, whole)),
            growth: drawn.growth,
            whole,
            bars: drawn.bars,
            untimed: drawn.untimed,
            aside: drawn.aside,
        }
    }

    /// The bar that took longest among those in a stretch of time, beyond one of so many microseconds.
    pub fn slowest(&self, window: Window, below: Option<(i64, ActionIx)>) -> Option<&Bar> {
        let key = |bar: &Bar| (bar.took().unwrap_or(-1), std::cmp::Reverse(bar.ix));
        let is_below =
            |bar: &&Bar| below.is_none_or(|(took, ix)| key(bar) < (took, std::cmp::Reverse(ix)));
        let long = self.bars.iter().filter(|bar| bar.took().is_some());
        let seen = long.filter(|bar| bar.is_in(window)).filter(is_below);
        seen.max_by_key(|bar| key(bar))
    }
}

fn whole(bars: &[Bar]) -> Option<Window> {
    let from = bars.iter().map(|bar| bar.from).min()?;
    let to = bars.iter().map(|bar| bar.to).max()?;
    // One time, or the same on every record, is no time.
    (to > from).then_some(Window { from, to })
}

/// Whether an action takes time of its own.
fn takes_time(kind: Kind) -> Option<What> {
    match kind {
        Kind::Prompt => Some(What::Prompt),
        Kind::Response => Some(What::Model),
        Kind::ToolCall => Some(What::Tool),
        Kind::Error => Some(What::Error),
        Kind::Approval => Some(What::Approval),
        Kind::Reasoning
        | Kind::PolicyDecision
        | Kind::Note
        | Kind::RunStart
        | Kind::RunEnd
        | Kind::Malformed
        | Kind::Unknown => None,
    }
}

#[cfg(test)]
mod tests;
