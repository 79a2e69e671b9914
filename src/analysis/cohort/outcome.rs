//! What a comparison concludes overall.

use std::collections::BTreeMap;

use crate::analysis::cohort::compare::Comparison;
use crate::analysis::cohort::figure::{Figure, Kind, Subject};
use crate::analysis::cohort::measure::Measure;
use crate::analysis::statistics::choose::Method;
use crate::analysis::statistics::ranks;
use crate::analysis::statistics::verdict::Verdict;

/// The result of a gate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    Passed,
    Regressed,
    /// Nothing demonstrably got worse, but not every rate is known to be unchanged.
    CannotTell,
}

impl Comparison {
    /// Every tested figure, with those of tools last.
    pub fn all(&self) -> impl Iterator<Item = &Figure> {
        let tools = self.tools.iter().map(|tool| &tool.figure);
        self.figures
            .iter()
            .chain(tools)
            .filter(|it| !matches!(it.kind, Kind::Tail(_)))
    }

    /// Whether the runs succeeded comes first; then changes, then within each group by strength of evidence.
    pub fn by_evidence(&self) -> Vec<&Figure> {
        // Tools come first: whether one is called at all says more than whether it is called first.
        let mut all: Vec<&Figure> = self.tools.iter().map(|tool| &tool.figure).collect();
        all.extend(
            self.figures
                .iter()
                .filter(|it| !matches!(it.kind, Kind::Tail(_))),
        );
        let sure = |figure: &Figure| {
            let rank = match figure.verdict {
                _ if figure.subject == Subject::Measure(Measure::Success) => -1,
                Verdict::Changed | Verdict::ChangedSizeUncertain => 0,
                Verdict::NotEnoughRuns if figure.p.is_some() => 1,
                Verdict::NoMeaningfulChange => 2,
                Verdict::NotEnoughRuns => 3,
            };
            (rank, figure.p.unwrap_or(1.0))
        };
        all.sort_by(|x, y| {
            let ((rank, p), (other, q)) = (sure(x), sure(y));
            rank.cmp(&other).then(p.total_cmp(&q))
        });
        all
    }

    /// The result of a gate: whether anything got worse. A change of tools counts, since nothing
    /// says it is right. Amounts that cannot be told apart do not make the result undecided.
    pub fn outcome(&self) -> Outcome {
        if self.all().any(|it| it.is_regression() || it.is_shift()) {
            return Outcome::Regressed;
        }
        let is_open = |it: &Figure| it.verdict == Verdict::NotEnoughRuns && it.kind == Kind::Rate;
        if self.all().any(is_open) || self.all().next().is_none() {
            return Outcome::CannotTell;
        }
        Outcome::Passed
    }

    /// The smallest difference of rates that these runs can detect: the median over the figures.
    pub fn smallest_rate(&self) -> Option<f64> {
        let rates = self.all().filter(|it| it.kind == Kind::Rate);
        ranks::median(&ranks::ordered(rates.filter_map(|it| it.smallest)))
    }

    /// How often each method was used.
    pub fn methods(&self) -> Vec<(Method, usize)> {
        let mut counts: BTreeMap<&str, (Method, usize)> = BTreeMap::new();
        for figure in self.all() {
            let count = counts
                .entry(figure.method.words())
                .or_insert((figure.method, 0));
            count.1 += 1;
        }
        let mut counts: Vec<_> = counts.into_values().collect();
        counts.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        counts
    }
}
