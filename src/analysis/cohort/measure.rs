//! Everything measured per run. To add a measure: a row here, and its value in `observe.rs`.

/// How a measure is aggregated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// True or false per run: a rate.
    Rate,
    /// Small whole numbers: a mean.
    Count,
    /// Long-tailed amounts: a mean and a median, and tail percentiles if there are enough runs.
    Amount,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// A fraction of 1.
    Share,
    Count,
    Usd,
    Ms,
    Tokens,
}

/// Which direction is worse, if either is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Worse {
    Up,
    Down,
    /// Neither: a different tool is not worse by itself.
    None,
}

/// A row of the table.
#[derive(Debug)]
pub struct Info {
    pub measure: Measure,
    /// The name in machine output and for `--metric`.
    pub name: &'static str,
    /// The name on screen.
    pub words: &'static str,
    pub shape: Shape,
    pub unit: Unit,
    pub worse: Worse,
    /// Hidden if it is 0 in every run of both sides, since the trace may not record it at all.
    pub rare: bool,
}

macro_rules! measures {
    ($($measure:ident $name:literal $words:literal $shape:ident $unit:ident $worse:ident $rare:literal;)*) => {
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Measure { $($measure),* }

        /// In display order.
        pub static MEASURES: &[Info] = &[$(Info {
            measure: Measure::$measure,
            name: $name,
            words: $words,
            shape: Shape::$shape,
            unit: Unit::$unit,
            worse: Worse::$worse,
            rare: $rare,
        }),*];

        pub const COUNT: usize = [$(Measure::$measure),*].len();
    };
}

measures! {
    Success   "success"       "succeeded"                   Rate   Share  Down false;
    Score     "score"         "score"                       Count  Share  Down false;
    EndedOk   "ended_ok"      "ended ok"                    Rate   Share  Down false;
    WrongTool "wrong_tool"    "wrong tool (vs label)"       Rate   Share  Up   false;
    OffRule   "wrong_tool_rule" "wrong tool (vs rule)"    Rate   Share  Up   false;
    FirstTool "first_tool_differs" "first tool not A's usual" Rate Share  None true;
    Error     "error"         "runs with an error"          Rate   Share  Up   false;
    Blocked   "blocked"       "runs with a block"           Rate   Share  Up   true;
    Denied    "denied"        "runs with a denial"          Rate   Share  Up   true;
    Approval  "approval"      "runs that asked a person"    Rate   Share  None true;
    Retry     "retry"         "runs with a retry"           Rate   Share  Up   true;
    Loop      "loop"          "runs with a loop"            Rate   Share  Up   true;
    NoTool    "no_tool"       "runs without a tool call"    Rate   Share  None true;
    Errors    "errors"        "errors / run"                Count  Count  Up   true;
    Retries   "retries"       "retries / run"               Count  Count  Up   true;
    Turns     "turns"         "turns / run"                 Count  Count  None false;
    Steps     "steps"         "actions / run"               Count  Count  None false;
    Calls     "tool_calls"    "tool calls / run"            Count  Count  None true;
    Cost      "cost_usd"      "cost / run"                  Amount Usd    Up   false;
    TokensIn  "tokens_in"     "input tokens / run"          Amount Tokens Up   false;
    TokensOut "tokens_out"    "output tokens / run"         Amount Tokens Up   false;
    Latency   "latency_ms"    "duration"                    Amount Ms     Up   false;
}

impl Measure {
    pub fn info(self) -> &'static Info {
        &MEASURES[self as usize]
    }

    pub fn find(name: &str) -> Option<Measure> {
        MEASURES
            .iter()
            .find(|info| info.name == name)
            .map(|info| info.measure)
    }
}

/// The measures of one run; `None` where the trace does not record one.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Values([Option<f64>; COUNT]);

impl Values {
    pub fn get(&self, measure: Measure) -> Option<f64> {
        self.0[measure as usize]
    }

    pub fn set(&mut self, measure: Measure, value: Option<f64>) {
        self.0[measure as usize] = value;
    }
}
