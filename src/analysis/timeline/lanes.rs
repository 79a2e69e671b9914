//! Arranges the bars of a run in lanes: by agent, by tool or by kind.

use std::collections::HashMap;

use super::{Bar, Timeline, What, Window};
use crate::model::symbol::Sym;

/// What defines a lane.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum By {
    #[default]
    Agent,
    Tool,
    Kind,
}

impl By {
    pub fn word(self) -> &'static str {
        match self {
            By::Agent => "agent",
            By::Tool => "tool",
            By::Kind => "kind",
        }
    }

    #[must_use]
    pub fn next(self) -> By {
        match self {
            By::Agent => By::Tool,
            By::Tool => By::Kind,
            By::Kind => By::Agent,
        }
    }
}

/// What the bars of a lane have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Key {
    Agent(Sym),
    Tool(Sym),
    What(What),
}

/// Some bars of a run, in time order.
#[derive(Debug, Clone)]
pub struct Lane {
    pub key: Key,
    /// Indices into all bars.
    pub bars: Vec<u32>,
    /// When any of its bars was active, as disjoint windows.
    pub busy: Vec<Window>,
}

impl Key {
    fn of(bar: &Bar, by: By) -> Key {
        match (by, bar.what) {
            (By::Agent, _) => Key::Agent(bar.agent),
            (By::Tool, What::Tool | What::Approval) => Key::Tool(bar.name),
            (By::Tool | By::Kind, what) => Key::What(what),
        }
    }
}

impl Timeline {
    /// The lanes, in order of their start.
    pub fn lanes(&self, by: By) -> Vec<Lane> {
        let mut places: HashMap<Key, usize> = HashMap::new();
        let mut lanes: Vec<Lane> = Vec::new();
        for (number, bar) in (0..).zip(&self.bars) {
            let key = Key::of(bar, by);
            let place = *places.entry(key).or_insert_with(|| {
                lanes.push(Lane {
                    key,
                    bars: Vec::new(),
                    busy: Vec::new(),
                });
                lanes.len() - 1
            });
            lanes[place].bars.push(number);
            lanes[place].join(bar.window());
        }
        lanes
    }
}

impl Lane {
    /// Bars arrive in order of their start.
    fn join(&mut self, window: Window) {
        match self.busy.last_mut().filter(|last| window.from <= last.to) {
            Some(last) => last.to = last.to.max(window.to),
            None => self.busy.push(window),
        }
    }

    /// The total active time, in microseconds.
    pub fn took(&self) -> i64 {
        self.busy.iter().map(|window| window.length()).sum()
    }

    /// The active share of a window; `None` if inactive.
    pub fn is_busy(&self, window: Window) -> Option<f64> {
        let first = self.busy.partition_point(|busy| busy.to < window.from);
        let within = self.busy[first..]
            .iter()
            .take_while(|busy| busy.from <= window.to);
        let mut covered = None;
        for busy in within {
            let length = busy.to.min(window.to) - busy.from.max(window.from);
            covered = Some(covered.unwrap_or(0) + length.max(0));
        }
        covered.map(|covered: i64| covered as f64 / window.length().max(1) as f64)
    }
}
