//! The lines of a comparison: figures, transitions between tools, and where runs diverge.

use crate::analysis::cohort::compare::Comparison;
use crate::analysis::cohort::figure::{Figure, Kind};
use crate::analysis::statistics::verdict::Verdict;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sort {
    /// Changes first, the most certain on top.
    Evidence,
    /// In the order of the measures, tools by name.
    Measure,
}

impl Sort {
    pub(super) fn other(self) -> Sort {
        match self {
            Sort::Evidence => Sort::Measure,
            Sort::Measure => Sort::Evidence,
        }
    }

    pub(super) fn word(self) -> &'static str {
        match self {
            Sort::Evidence => "by evidence",
            Sort::Measure => "by measure",
        }
    }
}

/// Which figures are listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Show {
    All,
    Changed,
    /// Inconclusive figures.
    Open,
}

impl Show {
    pub(super) fn next(self) -> Show {
        match self {
            Show::All => Show::Changed,
            Show::Changed => Show::Open,
            Show::Open => Show::All,
        }
    }

    pub(super) fn word(self) -> Option<&'static str> {
        match self {
            Show::All => None,
            Show::Changed => Some("only what changed"),
            Show::Open => Some("only inconclusive figures"),
        }
    }

    fn shows(self, figure: &Figure) -> bool {
        match self {
            Show::All => true,
            Show::Changed => figure.verdict.is_change(),
            Show::Open => figure.verdict == Verdict::NotEnoughRuns && !is_tail(figure),
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Line {
    Figure(Box<Figure>),
    /// A line that cannot be selected; empty for a gap.
    Head(&'static str),
    /// Its place among the transitions of the comparison.
    Step(usize),
    /// Its place among the forks.
    Fork(usize),
}

impl Line {
    fn can_be_selected(&self) -> bool {
        !matches!(self, Line::Head(_))
    }
}

/// The most kinds of forks to list.
const FORKS: usize = 50;

pub(super) fn lines(found: &Comparison, sort: Sort, show: Show) -> Vec<Line> {
    let figures: Vec<&Figure> = match sort {
        Sort::Evidence => found.by_evidence(),
        Sort::Measure => found.all().collect(),
    };
    let tails = found.figures.iter().filter(|it| is_tail(it));
    let listed = figures.into_iter().chain(tails).filter(|it| show.shows(it));
    let mut lines: Vec<Line> = listed
        .map(|it| Line::Figure(Box::new(it.clone())))
        .collect();
    let margin = found.options.margin;
    let changed = |(_, step): &(usize, &crate::analysis::cohort::mix::Transition)| {
        (step.a - step.b).abs() >= margin
    };
    let steps = found.transitions.iter().enumerate().filter(changed);
    let steps: Vec<Line> = steps.map(|(at, _)| Line::Step(at)).collect();
    if !steps.is_empty() {
        lines.extend([
            Line::Head(""),
            Line::Head("TOOL TRANSITIONS   changes of at least the margin; counted, not tested"),
        ]);
        lines.extend(steps);
    }
    if !found.forks.is_empty() {
        lines.extend([
            Line::Head(""),
            Line::Head("WHERE RUNS OF THE SAME TASK DIVERGE   first tool that differs"),
        ]);
        lines.extend((0..found.forks.len().min(FORKS)).map(Line::Fork));
    }
    lines
}

pub(super) fn is_tail(figure: &Figure) -> bool {
    matches!(figure.kind, Kind::Tail(_))
}

/// The line at `at`, or the next that can be selected, or the last.
pub(super) fn nearest(lines: &[Line], at: usize) -> usize {
    let can = |at: &usize| lines.get(*at).is_some_and(Line::can_be_selected);
    let below = (at..lines.len()).find(can);
    below.or_else(|| (0..lines.len()).rfind(can)).unwrap_or(0)
}

/// The next line that can be selected, `by` lines away or beyond; at the ends the last that can.
pub(super) fn stepped(lines: &[Line], from: usize, by: isize) -> usize {
    let can = |at: &usize| lines.get(*at).is_some_and(Line::can_be_selected);
    let last = lines.len().saturating_sub(1);
    let to = from.saturating_add_signed(by).min(last);
    let found = if by > 0 {
        (to..lines.len()).find(can)
    } else {
        (0..=to).rfind(can)
    };
    found.unwrap_or_else(|| nearest(lines, to))
}
