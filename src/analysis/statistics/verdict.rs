//! What an interval allows us to conclude.

/// The four verdicts. There is deliberately no "almost significant".
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The whole interval lies outside the margin.
    Changed,
    /// The interval excludes 0 but overlaps the margin.
    ChangedSizeUncertain,
    /// The whole interval lies inside the margin.
    NoMeaningfulChange,
    NotEnoughRuns,
}

impl Verdict {
    /// `margin` is the smallest difference that matters, in the unit of the interval.
    pub fn of(lo: f64, hi: f64, margin: f64) -> Verdict {
        if lo >= margin || hi <= -margin {
            Verdict::Changed
        } else if lo > 0.0 || hi < 0.0 {
            Verdict::ChangedSizeUncertain
        } else if -margin < lo && hi < margin {
            Verdict::NoMeaningfulChange
        } else {
            Verdict::NotEnoughRuns
        }
    }

    pub fn is_change(self) -> bool {
        matches!(self, Verdict::Changed | Verdict::ChangedSizeUncertain)
    }

    /// The word in machine output.
    pub fn word(self) -> &'static str {
        match self {
            Verdict::Changed => "changed",
            Verdict::ChangedSizeUncertain => "changed_size_uncertain",
            Verdict::NoMeaningfulChange => "no_meaningful_change",
            Verdict::NotEnoughRuns => "not_enough_runs",
        }
    }
}
