//! A run over time: what took how long, what waited for what, and how cost and context grew.
//!
//! Only recorded times are drawn. A model call without a duration is drawn from the end of its
//! input, and marked as inferred, because some formats record only the time of the answer.

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

/// A run over time. Times are in microseconds since the Unix epoch.
#[derive(Debug, Clone, Default)]
pub struct Timeline {
    pub run: Option<RunIx>,
    /// From the start of the first bar to the end of the last; `None` if there is nothing to draw.
    pub whole: Option<Window>,
    /// In order of their start.
    pub bars: Vec<Bar>,
    pub path: Path,
    pub growth: Growth,
    /// Actions that take time but have none recorded.
    pub untimed: u32,
    /// Notes, reasoning and the like, which take no time of their own.
    pub aside: u32,
}

/// A time span.
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

/// What a bar represents.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum What {
    Prompt,
    Model,
    Tool,
    /// A pending approval of a call.
    Approval,
    /// An error that is not part of another action.
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

/// How reliable the ends of a bar are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Length {
    /// Both were recorded.
    Recorded,
    /// It starts where its input ended.
    Inferred,
    /// The end is unknown: a point in time.
    Point,
    /// It has not ended yet.
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

    /// Its duration, if known.
    pub fn took(&self) -> Option<i64> {
        match self.length {
            Length::Recorded | Length::Inferred => Some(self.to.saturating_sub(self.from)),
            Length::Point | Length::Open => None,
        }
    }

    /// Whether it overlaps a window.
    pub fn is_in(&self, window: Window) -> bool {
        self.to >= window.from && self.from <= window.to
    }
}

impl Timeline {
    /// Builds the timeline of a run. `now` ends what is still open, if the run is still going.
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

    /// The slowest bar within a window, ranked below `below` if given.
    pub fn slowest(&self, window: Window, below: Option<(i64, ActionIx)>) -> Option<&Bar> {
        let key = |bar: &Bar| (bar.took().unwrap_or(-1), std::cmp::Reverse(bar.ix));
        let is_below =
            |bar: &&Bar| below.is_none_or(|(took, ix)| key(bar) < (took, std::cmp::Reverse(ix)));
        let long = self.bars.iter().filter(|bar| bar.took().is_some());
        let visible = long.filter(|bar| bar.is_in(window)).filter(is_below);
        visible.max_by_key(|bar| key(bar))
    }
}

fn whole(bars: &[Bar]) -> Option<Window> {
    let from = bars.iter().map(|bar| bar.from).min()?;
    let to = bars.iter().map(|bar| bar.to).max()?;
    // If all records have the same time, there is nothing to draw.
    (to > from).then_some(Window { from, to })
}

/// What an action is on the timeline, if it takes time of its own.
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
