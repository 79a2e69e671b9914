//! What an alert can be about, and how bad it can be.

/// How serious an alert is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    Info,
    Warn,
    Trip,
}

impl Level {
    pub const ALL: &[Level] = &[Level::Info, Level::Warn, Level::Trip];

    pub fn word(self) -> &'static str {
        match self {
            Level::Info => "info",
            Level::Warn => "warn",
            Level::Trip => "trip",
        }
    }
}

/// What a number of an alert counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    Steps,
    Times,
    /// Picodollars.
    Money,
    Tokens,
    Calls,
    /// Microseconds.
    Time,
    Percent,
    /// The sum of a control chart, without a unit.
    Sum,
    /// The logarithm of a cost.
    Log,
}

impl Unit {
    pub fn word(self) -> &'static str {
        match self {
            Unit::Steps => "steps",
            Unit::Times => "times",
            Unit::Money => "usd",
            Unit::Tokens => "tokens",
            Unit::Calls => "calls",
            Unit::Time => "ms",
            Unit::Percent => "percent",
            Unit::Sum => "sum",
            Unit::Log => "log_usd",
        }
    }
}

macro_rules! detectors {
    ($($detector:ident $word:literal $unit:ident $doc:literal;)*) => {
        /// What finds an alert.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Detector { $(#[doc = $doc] $detector),* }

        impl Detector {
            pub const ALL: &[Detector] = &[$(Detector::$detector),*];

            /// The name in files and JSON.
            pub fn word(self) -> &'static str {
                match self { $(Detector::$detector => $word),* }
            }

            pub fn unit(self) -> Unit {
                match self { $(Detector::$detector => Unit::$unit),* }
            }

            /// One line of help.
            pub fn doc(self) -> &'static str {
                match self { $(Detector::$detector => $doc),* }
            }
        }
    };
}

detectors! {
    Repeat       "repeat"          Steps   "steps in a row that had the same calls and results";
    Stale        "stale"           Steps   "steps in a row that repeated earlier calls and results";
    Errors       "errors"          Steps   "steps in a row whose calls all failed";
    SameResult   "same_result"     Steps   "steps in a row in which one tool gave the same result";
    StoppedAgain "stopped_again"   Times   "times a call was stopped and requested again";
    Echo         "echo"            Times   "times in a row that the model gave the same response";
    ContextFull  "context_full"    Percent "how full the context window is";
    ContextJump  "context_jump"    Tokens  "tokens that one step added to the context";
    Cost         "budget.cost_usd" Money   "cost of a run";
    Tokens       "budget.tokens"   Tokens  "tokens of a run";
    Calls        "budget.calls"    Calls   "tool calls of a run";
    Steps        "budget.steps"    Steps   "model calls of a run";
    Wall         "budget.wall"     Time    "time from the first to the last action of a run";
    Idle         "budget.idle"     Time    "time since the last action of a run that has not ended";
    CostOutlier  "cost_outlier"    Money   "cost of a run against other runs";
    CostDrift    "cost_drift"      Log     "creeping cost of runs";
    Rate         "rate"            Sum     "how often something happens among calls";
    Match        "match"           Times   "actions that a filter finds";
}

impl Detector {
    /// The detectors that look at the steps of one agent, with their limits in steps or times.
    pub const STREAKS: &[(Detector, u32, u32)] = &[
        (Detector::Repeat, 3, 5),
        (Detector::Stale, 4, 6),
        (Detector::Errors, 4, 6),
        (Detector::SameResult, 8, 12),
        (Detector::StoppedAgain, 2, 4),
        (Detector::Echo, 3, 6),
    ];

    /// Whether it means that an agent is in a loop.
    pub fn is_loop(self) -> bool {
        matches!(
            self,
            Detector::Repeat | Detector::Stale | Detector::SameResult
        )
    }

    /// Whether it judges whole runs against other runs.
    pub fn is_chart(self) -> bool {
        matches!(
            self,
            Detector::CostOutlier | Detector::CostDrift | Detector::Rate
        )
    }
}
