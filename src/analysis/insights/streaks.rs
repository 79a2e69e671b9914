//! "5 steps in a row had the same calls and results (refund)": loops, failures and stopped calls that alerts find.

use super::{Insight, Rule, View, Weight, names};
use crate::analysis::alerts::detector::Detector;
use crate::model::action::{ActionIx, Kind};

/// An alert of these detectors, as a sentence.
pub(super) struct Streaks {
    id: &'static str,
    detectors: &'static [Detector],
    weight: Weight,
}

pub(super) static LOOP: Streaks = Streaks {
    id: "loop",
    detectors: &[Detector::Repeat, Detector::Stale, Detector::SameResult],
    weight: Weight::Bad,
};

pub(super) static ERRORS: Streaks = Streaks {
    id: "errors",
    detectors: &[Detector::Errors],
    weight: Weight::Bad,
};

pub(super) static STOPPED_AGAIN: Streaks = Streaks {
    id: "stopped-again",
    detectors: &[Detector::StoppedAgain],
    weight: Weight::Bad,
};

pub(super) static ECHO: Streaks = Streaks {
    id: "echo",
    detectors: &[Detector::Echo],
    weight: Weight::Warning,
};

impl Rule for Streaks {
    fn id(&self) -> &'static str {
        self.id
    }

    /// The longest streak, and how many others there are.
    fn look(&self, view: View<'_>) -> Option<Insight> {
        let is_ours = |run| view.run.is_none_or(|ours| ours == run);
        let hits = view.hits.iter();
        let hits = hits.filter(|hit| self.detectors.contains(&hit.detector) && is_ours(hit.run));
        let worst = hits.clone().max_by_key(|hit| (hit.level, hit.count))?;
        let places = hits.clone().map(|hit| (hit.run, hit.lane));
        let places: std::collections::HashSet<_> = places.collect();
        let mut evidence: Vec<ActionIx> = hits.flat_map(|hit| hit.evidence.clone()).collect();
        evidence.sort_unstable();
        evidence.dedup();
        let rows = worst.evidence.iter().map(|ix| view.store.row(*ix));
        let calls = rows.filter(|row| row.kind() == Kind::ToolCall);
        let tools = names(calls.map(|row| row.tool()));
        let tools = if tools.is_empty() {
            String::new()
        } else {
            format!(" ({tools})")
        };
        let more = match places.len() {
            0 | 1 => String::new(),
            places => format!("; {places} agents in all"),
        };
        let words = format!("{}{tools}{more}", worst.sentence());
        Insight::new(self, self.weight, words, evidence)
    }
}
