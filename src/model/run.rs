//! One run of an agent: who, what, when, and its totals.

use std::fmt;

use crate::model::action::{ActionIx, SourceIx, Status};
use crate::model::quantity::{Cost, Elapsed, Time, Usage};
use crate::model::symbol::Sym;

/// The index of a run in its store, in order of first occurrence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RunIx(pub u32);

/// How a run ended, as far as recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum RunStatus {
    #[default]
    Unknown,
    Ok,
    Error,
    Blocked,
    Cancelled,
    /// No end was recorded and a call is still open.
    Running,
    /// As [`RunStatus::Running`], but its file has not grown for long: nothing runs any more.
    Unfinished,
}

impl RunStatus {
    pub const ALL: &[RunStatus] = &[
        RunStatus::Unknown,
        RunStatus::Ok,
        RunStatus::Error,
        RunStatus::Blocked,
        RunStatus::Cancelled,
        RunStatus::Running,
        RunStatus::Unfinished,
    ];

    /// The machine word, for JSON output and the query language; the words of [`Status`] where both have it.
    pub fn word(self) -> &'static str {
        match self {
            RunStatus::Unknown => "unknown",
            RunStatus::Ok => Status::Ok.word(),
            RunStatus::Error => Status::Error.word(),
            RunStatus::Blocked => Status::Blocked.word(),
            RunStatus::Cancelled => Status::Cancelled.word(),
            RunStatus::Running => "running",
            RunStatus::Unfinished => "unfinished",
        }
    }
}

/// The grade of the answer by a grader, a benchmark or a person: a run may end well and be wrong.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Grade {
    Right,
    Wrong,
    Score(f64),
}

/// `right`, `wrong`, or a score with at most two decimals.
impl fmt::Display for Grade {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Grade::Right => f.write_str("right"),
            Grade::Wrong => f.write_str("wrong"),
            Grade::Score(score) => {
                let text = format!("{score:.2}");
                f.write_str(text.trim_end_matches('0').trim_end_matches('.'))
            }
        }
    }
}

/// Where the cost of a run comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CostSource {
    Recorded,
    /// Calculated from tokens and a price table; always shown as an estimate.
    Estimated,
    Mixed,
}

impl CostSource {
    pub fn word(self) -> &'static str {
        match self {
            CostSource::Recorded => "recorded",
            CostSource::Estimated => "estimated",
            CostSource::Mixed => "mixed",
        }
    }
}

/// A run and its totals. `Sym` fields are [`Sym::NONE`] and options empty if not recorded.
#[derive(Debug, Clone)]
pub struct Run {
    pub id: Box<str>,
    pub source: SourceIx,
    pub who: Who,
    pub started: Time,
    pub ended: Time,
    /// The duration stated by the end of the run.
    pub took: Elapsed,
    pub status: RunStatus,
    /// What the run itself did.
    pub totals: Totals,
    /// What it copied from another session; boxed, because few runs have any.
    pub inherited: Option<Box<Inherited>>,
    /// The agents other than the main one, each a lane of the stream.
    pub lanes: Vec<Lane>,
    /// The run that started this one, if it is in another file that was not opened with it.
    pub parent_run: Option<Box<str>>,
    pub score: Option<f64>,
    pub correct: Option<bool>,
    pub first_action: ActionIx,
    pub first_prompt: ActionIx,
    /// A title, if recorded.
    pub title: Option<Box<str>>,
    /// The name of its outermost span, for runs made of spans. Names the program rather than the run.
    pub span_name: Option<Box<str>>,
}

/// Who ran, for whom, on what.
#[derive(Debug, Clone, Default)]
pub struct Who {
    pub agent: Sym,
    /// In order of first use.
    pub models: Vec<Sym>,
    pub user: Sym,
    pub service: Sym,
    pub env: Sym,
    /// Runs of the same task are compared with each other.
    pub task: Sym,
    pub trial: Sym,
    pub release: Sym,
    pub provider: Sym,
}

/// A subagent of a run.
#[derive(Debug, Clone, Copy)]
pub struct Lane {
    pub agent: Sym,
    /// The call that started it, or [`ActionIx::NONE`] if not recorded.
    pub parent: ActionIx,
}

/// Sums over the actions of a run, including its subagents once.
#[derive(Debug, Clone, Copy, Default)]
pub struct Totals {
    pub turns: u32,
    pub actions: u32,
    pub tool_calls: u32,
    pub errors: u32,
    pub blocked: u32,
    pub denied: u32,
    pub retries: u32,
    /// Calls without a result so far.
    pub pending: u32,
    /// Records of this run that repeat an earlier record.
    pub copies: u32,
    pub usage: Usage,
    pub recorded_cost: Cost,
    pub estimated_cost: Cost,
    /// Model calls with known tokens and unknown cost.
    pub unpriced: u32,
    /// A cost recorded for the whole run; it overrides the sum.
    pub run_cost: Cost,
}

/// The history that a forked or resumed session copied. It counts where it was recorded first.
#[derive(Debug, Clone, Default)]
pub struct Inherited {
    /// The id of the run it was copied from; the nearest one, if there are several.
    pub from: Box<str>,
    pub totals: Totals,
}

impl Totals {
    /// The cost, and where it comes from; none if unknown.
    pub fn cost(&self) -> Option<(Cost, CostSource)> {
        if self.run_cost.is_some() {
            return Some((self.run_cost, CostSource::Recorded));
        }
        let source = match (self.recorded_cost.is_some(), self.estimated_cost.is_some()) {
            (true, true) => CostSource::Mixed,
            (true, false) => CostSource::Recorded,
            (false, true) => CostSource::Estimated,
            (false, false) => return None,
        };
        Some((self.recorded_cost + self.estimated_cost, source))
    }
}

impl Run {
    /// The cost to show, and whether it is an estimate; none if unknown.
    pub fn cost(&self) -> Option<(Cost, CostSource)> {
        self.totals.cost()
    }

    /// From the first time to the last; if all times are equal, the duration stated by the end.
    pub fn duration(&self) -> Elapsed {
        if self.ended == self.started {
            return self.took;
        }
        self.ended.since(self.started)
    }

    /// The grade of the run; none if it was not graded.
    pub fn grade(&self) -> Option<Grade> {
        match (self.correct, self.score) {
            (Some(true), _) => Some(Grade::Right),
            (Some(false), _) => Some(Grade::Wrong),
            (None, Some(score)) => Some(Grade::Score(score)),
            (None, None) => None,
        }
    }
}
