//! A filter as plain data. What it means for an action is decided elsewhere.

use crate::query::fields::{Field, Shape};

/// An expression. `And` and `Or` have at least two parts; `All` occurs only at the top.
#[derive(Debug, Clone, PartialEq)]
pub enum Expr {
    /// The empty filter, which matches everything.
    All,
    And(Vec<Expr>),
    Or(Vec<Expr>),
    Not(Box<Expr>),
    Term(Term),
    Text(Text),
    /// `is:(a|b)`: any of these states.
    Is(Vec<State>),
    /// `has:(a|b)`: any of these is recorded.
    Has(Vec<Subject>),
    /// `since:10m`, `since:2026-02-11`: no older than this long ago, or than this date or instant.
    Since(String),
    /// `at:14:02..14:05`: time of day, from the start of the first to the end of the last minute
    /// (or second) given. Wraps past midnight if the first is later than the last.
    At(Option<TimeOfDay>, Option<TimeOfDay>),
}

/// `tool:refund`, `cost>0.05`. False if the value is missing, whatever the test.
#[derive(Debug, Clone, PartialEq)]
pub struct Term {
    pub subject: Subject,
    pub test: Test,
}

/// What a term tests.
#[derive(Debug, Clone, PartialEq)]
pub enum Subject {
    Field(Field),
    Label(String),
    Args(Path),
    Result(Path),
}

impl Expr {
    /// Whether `is` is true of a test in it. `is` never gets an `And`, `Or` or `Not`.
    pub fn has_leaf(&self, is: &dyn Fn(&Expr) -> bool) -> bool {
        match self {
            Expr::And(parts) | Expr::Or(parts) => parts.iter().any(|part| part.has_leaf(is)),
            Expr::Not(inner) => inner.has_leaf(is),
            Expr::All
            | Expr::Term(_)
            | Expr::Text(_)
            | Expr::Is(_)
            | Expr::Has(_)
            | Expr::Since(_)
            | Expr::At(..) => is(self),
        }
    }

    /// Whether a test in it is about this field.
    pub fn tests_field(&self, field: Field) -> bool {
        let is_field = |subject: &Subject| *subject == Subject::Field(field);
        self.has_leaf(&|leaf| match leaf {
            Expr::Term(term) => is_field(&term.subject),
            Expr::Has(subjects) => subjects.iter().any(is_field),
            Expr::All
            | Expr::And(_)
            | Expr::Or(_)
            | Expr::Not(_)
            | Expr::Text(_)
            | Expr::Is(_)
            | Expr::Since(_)
            | Expr::At(..) => false,
        })
    }
}

impl Subject {
    pub fn shape(&self) -> Shape {
        match self {
            Subject::Field(field) => field.info().shape,
            Subject::Label(_) | Subject::Args(_) | Subject::Result(_) => Shape::Json,
        }
    }
}

/// Steps into a JSON value. Empty means any scalar in it.
pub type Path = Vec<Step>;

#[derive(Debug, Clone, PartialEq)]
pub enum Step {
    /// An object key, or an array index from 0.
    Key(String),
    /// `[*]`: every element of an array or value of an object.
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
    /// May contain the wildcards `*` and `?` after `:`.
    Word(String),
    /// Taken literally.
    Quoted(String),
    /// Numbers, both ends included. An open end is `None`.
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
    /// From an adjacent `in:`. `None` means everywhere, including the tool's name.
    pub scope: Option<Scope>,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Find {
    Phrase(String),
    Regex(Regex),
}

/// Where `in:` restricts a word to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Scope {
    pub args: bool,
    pub result: bool,
    pub text: bool,
}

/// The source of a regular expression. `\/` and `/` are equivalent.
#[derive(Debug, Clone, PartialEq)]
pub struct Regex {
    source: String,
    any_case: bool,
}

impl Regex {
    /// Stores an expression as written. It is validated when compiled.
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
        /// What `is:` can test.
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
    Error = "error" "failed or timed out, or an error action",
    Blocked = "blocked" "blocked by a policy",
    Denied = "denied" "denied by a person",
    Approved = "approved" "approved by a person",
    Pending = "pending" "a call without a result",
    Retry = "retry" "retries the call that failed before it",
    UnknownCost = "unknown-cost" "a model call with unknown cost",
    Marked = "marked" "marked by you",
    Truncated = "truncated" "an incomplete last line of a file",
    Malformed = "malformed" "a line that could not be parsed",
    Estimated = "estimated" "cost estimated from a price table",
    Waiting = "waiting" "an approval is pending",
    Subagent = "subagent" "done by a subagent",
    Copied = "copied" "copied from another session, where it counts",
    Alert = "alert" "evidence of an alert",
    Loop = "loop" "a step of an agent that is in a loop",
    Inferred = "inferred" "a status inferred from the text of the result",
    Unguarded = "unguarded" "a call that ran without any hook being asked",
}
