//! A filter as plain data. What it means for an action is decided elsewhere.

use crate::query::fields::{Field, Shape};

/// An expression. `And` and `Or` hold at least two parts; `All` stands only at the top.
#[derive(Debug, Clone, PartialEq)]
pub enum Expr {
    /// The empty filter: true of everything.
    All,
    And(Vec<Expr>),
    Or(Vec<Expr>),
    Not(Box<Expr>),
    Term(Term),
    Text(Text),
    /// `is:(a|b)`: any of these.
    Is(Vec<State>),
    /// `has:(a|b)`: any of these is recorded.
    Has(Vec<Subject>),
    /// `since:10m`, `since:2026-02-11`: not older than this before now, or than this date or instant.
    Since(String),
    /// `at:14:02..14:05`: time of day, from the start of the first to the end of the last minute
    /// (or second) named; over midnight when the first is later than the last.
    At(Option<TimeOfDay>, Option<TimeOfDay>),
}

/// `tool:refund`, `cost>0.05`. A missing value makes it false, whatever the test.
#[derive(Debug, Clone, PartialEq)]
pub struct Term {
    pub subject: Subject,
    pub test: Test,
}

/// What a term is about.
#[derive(Debug, Clone, PartialEq)]
pub enum Subject {
    Field(Field),
    Label(String),
    Args(Path),
    Result(Path),
}

impl Subject {
    pub fn shape(&self) -> Shape {
        match self {
            Subject::Field(field) => field.info().shape,
            Subject::Label(_) | Subject::Args(_) | Subject::Result(_) => Shape::Json,
        }
    }
}

/// Steps into a JSON value; empty means any scalar in it.
pub type Path = Vec<Step>;

#[derive(Debug, Clone, PartialEq)]
pub enum Step {
    /// A key of an object, or a number that counts into an array from 0.
    Key(String),
    /// `[*]`: every element of an array, every value of an object.
    Each,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Test {
    /// `:`, any of them.
    Matches(Vec<Value>),
    /// `=`, any of them.
    Equals(Vec<Value>),
    /// `!=`, none of them.
    Differs(Vec<Value>),
    Compare(Comparison, String),
    Regex(Regex),
}

#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// May hold `*` and `?` under `:`.
    Word(String),
    /// Taken letter by letter.
    Quoted(String),
    /// Numbers, both ends included; an open end is `None`.
    Range(Option<String>, Option<String>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparison {
    Greater,
    GreaterOrEqual,
    Less,
    LessOrEqual,
}

/// A bare word, a quoted phrase or `/regex/`.
#[derive(Debug, Clone, PartialEq)]
pub struct Text {
    pub find: Find,
    /// From an `in:` beside it; `None` means everywhere, the name of the tool included.
    pub scope: Option<Scope>,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Find {
    Phrase(String),
    Regex(Regex),
}

/// Where `in:` lets a word be looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Scope {
    pub args: bool,
    pub result: bool,
    pub text: bool,
}

/// The source of a regular expression. `\/` and `/` are the same.
#[derive(Debug, Clone, PartialEq)]
pub struct Regex {
    source: String,
    any_case: bool,
}

impl Regex {
    /// Keeps an expression as written; whether it is one is seen when it is made ready.
    pub fn new(source: &str, any_case: bool) -> Regex {
        let mut plain = String::with_capacity(source.len());
        let mut chars = source.chars();
        while let Some(c) = chars.next() {
            if c != '\\' {
                plain.push(c);
                continue;
            }
            match chars.next() {
                Some('/') => plain.push('/'),
                Some(next) => plain.extend(['\\', next]),
                None => plain.push('\\'),
            }
        }
        Regex {
            source: plain,
            any_case,
        }
    }

    pub fn source(&self) -> &str {
        &self.source
    }

    pub fn any_case(&self) -> bool {
        self.any_case
    }
}

/// A time of day as typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimeOfDay {
    pub hour: u8,
    pub minute: u8,
    pub second: Option<u8>,
}

macro_rules! states {
    ($($(#[$doc:meta])* $variant:ident = $word:literal $help:literal),* $(,)?) => {
        /// What `is:` can ask.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum State { $($(#[$doc])* $variant),* }

        impl State {
            pub const ALL: &[State] = &[$(State::$variant),*];

            pub fn word(self) -> &'static str {
                match self { $(State::$variant => $word),* }
            }

            /// One line of help.
            pub fn help(self) -> &'static str {
                match self { $(State::$variant => $help),* }
            }

            pub fn from_word(word: &str) -> Option<State> {
                match word { $($word => Some(State::$variant),)* _ => None }
            }
        }
    };
}

states! {
    Error = "error" "failed or timed out, or an error of its own",
    Blocked = "blocked" "stopped by a policy",
    Denied = "denied" "stopped by a person",
    Approved = "approved" "let through by a person",
    Pending = "pending" "a call without a result",
    Retry = "retry" "repeats a call that failed just before",
    UnknownCost = "unknown-cost" "a model call whose cost is not known",
    Marked = "marked" "marked by you",
    Truncated = "truncated" "the last line of a file, cut short",
    Malformed = "malformed" "a line that could not be understood",
    Estimated = "estimated" "its cost is worked out from a price table",
    Waiting = "waiting" "a person was asked and has not answered",
    Subagent = "subagent" "done by an agent that another agent started",
}
