//! The critical path: the chain of actions that determined when the run ended.
//!
//! It is found by walking backwards from the end. At any moment, the action that ended last is what
//! that moment waited for. If none ended but one was active, it is that one, and if none was
//! active, the run was idle. A call that stands for a subagent is replaced by the subagent's
//! actions, and the part of a call that waited for approval by the approval. (This is the last
//! finishing child of Zhang et al., CRISP, USENIX ATC 2022.)

use std::collections::HashMap;

use super::{Bar, Length, What, Window};
use crate::model::action::ActionIx;
use crate::model::run::RunIx;
use crate::model::symbol::Sym;
use crate::store::Store;

/// The critical path of a run.
#[derive(Debug, Clone, Default)]
pub struct Path {
    /// In time order. Gaps are idle time.
    pub steps: Vec<Step>,
    /// The duration of the run.
    pub length: i64,
    /// Total active time of all bars, divided by the time in which any was active. `None` if no bar
    /// has a duration.
    pub parallelism: Option<f64>,
    /// Whether it includes inferred durations.
    pub is_inferred: bool,
}

/// A part of a bar on the path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    /// An index into all bars.
    pub bar: u32,
    pub what: What,
    pub window: Window,
}

/// How much of the path each kind takes, in microseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Share {
    pub model: i64,
    pub tools: i64,
    pub approval: i64,
    pub idle: i64,
}

impl Path {
    pub fn share(&self) -> Share {
        let sum = |what: What| -> i64 {
            let steps = self.steps.iter().filter(|step| step.what == what);
            steps.map(|step| step.window.length()).sum()
        };
        let (model, tools, approval) = (sum(What::Model), sum(What::Tool), sum(What::Approval));
        Share {
            model,
            tools,
            approval,
            idle: self.length - model - tools - approval,
        }
    }

    /// Whether a bar is on the path.
    pub fn holds(&self, bar: u32) -> bool {
        self.steps.iter().any(|step| step.bar == bar)
    }
}

/// A part of a bar that is not covered by a more specific one.
#[derive(Debug, Clone, Copy)]
struct Piece {
    bar: u32,
    what: What,
    window: Window,
}

pub(super) fn of(store: &Store, run: RunIx, (bars, whole): (&[Bar], Option<Window>)) -> Path {
    let Some(whole) = whole else {
        return Path::default();
    };
    let pieces = pieces(store, run, bars);
    let mut path = Path {
        steps: walk(&pieces, whole),
        length: whole.length(),
        parallelism: parallelism(&pieces),
        is_inferred: false,
    };
    path.is_inferred = path
        .steps
        .iter()
        .any(|step| bars[step.bar as usize].length == Length::Inferred);
    path
}

fn pieces(store: &Store, run: RunIx, bars: &[Bar]) -> Vec<Piece> {
    let mut children: HashMap<ActionIx, Vec<Sym>> = HashMap::new();
    for lane in &store.run(run).lanes {
        children.entry(lane.parent).or_default().push(lane.agent);
    }
    let mut of_agent: HashMap<Sym, Vec<Window>> = HashMap::new();
    let mut approvals: HashMap<ActionIx, Vec<Window>> = HashMap::new();
    for bar in bars.iter().filter(|bar| bar.to > bar.from) {
        of_agent.entry(bar.agent).or_default().push(bar.window());
        if bar.what == What::Approval {
            approvals.entry(bar.ix).or_default().push(bar.window());
        }
    }
    let mut pieces = Vec::new();
    for (number, bar) in (0..).zip(bars).filter(|(_, bar)| bar.to > bar.from) {
        let piece = |window| Piece {
            bar: number,
            what: bar.what,
            window,
        };
        if bar.what != What::Tool {
            pieces.push(piece(bar.window()));
            continue;
        }
        let mut covers = approvals.get(&bar.ix).cloned().unwrap_or_default();
        for agent in children.get(&bar.ix).into_iter().flatten() {
            covers.extend(of_agent.get(agent).into_iter().flatten());
        }
        pieces.extend(without(bar.window(), covers).into_iter().map(piece));
    }
    pieces
}

/// What remains of a window outside of others.
fn without(window: Window, mut covers: Vec<Window>) -> Vec<Window> {
    covers.sort_by_key(|cover| cover.from);
    let mut left = Vec::new();
    let mut from = window.from;
    for cover in covers {
        if cover.from > from {
            let to = cover.from.min(window.to);
            left.extend((to > from).then_some(Window { from, to }));
        }
        from = from.max(cover.to);
    }
    left.extend((window.to > from).then_some(Window {
        from,
        to: window.to,
    }));
    left
}

fn walk(pieces: &[Piece], whole: Window) -> Vec<Step> {
    // By end; of equal ones, the longest last.
    let mut by_end: Vec<&Piece> = pieces.iter().collect();
    by_end.sort_by_key(|piece| (piece.window.to, std::cmp::Reverse(piece.window.from)));
    // By start, with the latest-ending piece up to each.
    let mut by_start: Vec<&Piece> = pieces.iter().collect();
    by_start.sort_by_key(|piece| piece.window.from);
    let mut last: Option<&Piece> = None;
    let longest: Vec<&Piece> = by_start
        .iter()
        .map(|piece| {
            let longer = last.filter(|last| last.window.to >= piece.window.to);
            last = Some(longer.unwrap_or(piece));
            longer.unwrap_or(piece)
        })
        .collect();
    let mut steps = Vec::new();
    let mut at = whole.to;
    while at > whole.from {
        let ended = by_end.partition_point(|piece| piece.window.to <= at);
        let ended = ended.checked_sub(1).map(|place| by_end[place]);
        let begun = by_start.partition_point(|piece| piece.window.from < at);
        let going_on = begun.checked_sub(1).map(|place| longest[place]);
        let going_on = going_on.filter(|piece| piece.window.to > at);
        let chosen = match (ended, going_on) {
            (Some(ended), _) if ended.window.to == at => ended,
            (_, Some(going_on)) => going_on,
            (Some(ended), None) => ended,
            (None, None) => break,
        };
        let to = chosen.window.to.min(at);
        steps.push(Step {
            bar: chosen.bar,
            what: chosen.what,
            window: Window {
                from: chosen.window.from,
                to,
            },
        });
        at = chosen.window.from;
    }
    steps.reverse();
    steps
}

fn parallelism(pieces: &[Piece]) -> Option<f64> {
    let mut windows: Vec<Window> = pieces.iter().map(|piece| piece.window).collect();
    windows.sort_by_key(|window| window.from);
    let (mut sum, mut covered, mut end) = (0_i64, 0_i64, i64::MIN);
    for window in windows {
        sum = sum.saturating_add(window.length());
        covered += (window.to - window.from.max(end)).max(0);
        end = end.max(window.to);
    }
    (covered > 0).then(|| sum as f64 / covered as f64)
}
