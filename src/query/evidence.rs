//! What must be in the spans of a run if a filter keeps the run: conditions that a store elsewhere can test. They may
//! let too much through, never too little; the filter itself is then applied here.
//!
//! Nothing follows from a negation, from what is absent, or from the history of a whole run; nor from words that a
//! reader may have added.

use std::fmt;

use crate::ingest::composed;
use crate::model::quantity::Time;
use crate::query::Context;
use crate::query::expr::{Expr, Find, State, Subject, Term, Test, Value};
use crate::query::fields::Field;
use crate::query::pattern::has_capital;
use crate::query::value;

/// Conditions on the spans of a run. `All` may be met by different spans of one run: what an action shows may come from
/// several.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Evidence {
    /// Nothing follows: any run may match.
    Anything,
    Fact(Fact),
    All(Vec<Evidence>),
    Any(Vec<Evidence>),
}

/// A condition that at least one span of the run meets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fact {
    /// A text in a name or a value.
    Text {
        text: String,
        any_case: bool,
        /// The field of the run that has it, if the whole of its value is known.
        name: Option<Name>,
    },
    /// A sign of a failure.
    Failure,
    /// The run has this id: its trace, or what joins its traces.
    Run { id: String, any_case: bool },
    /// It had not ended before this time.
    Since(Time),
}

/// The value of a field that a whole run has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Name {
    pub field: Field,
    pub value: String,
    pub any_case: bool,
}

/// The shortest text worth looking for.
const SHORTEST: usize = 3;

/// The conditions that follow from a filter.
pub fn of(expr: &Expr, context: &Context) -> Evidence {
    match expr {
        Expr::And(parts) => all(parts.iter().map(|part| of(part, context))),
        Expr::Or(parts) => any(parts.iter().map(|part| of(part, context))),
        Expr::Term(term) => of_term(term),
        Expr::Text(text) => match &text.find {
            Find::Phrase(phrase) => needle(phrase),
            Find::Regex(_) => Evidence::Anything,
        },
        Expr::Is(states) => any(states.iter().map(|state| match state {
            State::Error => Evidence::Fact(Fact::Failure),
            _ => Evidence::Anything,
        })),
        Expr::Since(time) => {
            let time = value::since_instant(time, context.now, &context.zone);
            time.map_or(Evidence::Anything, |time| Evidence::Fact(Fact::Since(time)))
        }
        Expr::All | Expr::Not(_) | Expr::Has(_) | Expr::At(..) => Evidence::Anything,
    }
}

/// Conditions that require nothing are dropped from a conjunction.
fn all(parts: impl Iterator<Item = Evidence>) -> Evidence {
    let mut known: Vec<Evidence> = parts.filter(|it| *it != Evidence::Anything).collect();
    match known.len() {
        0 => Evidence::Anything,
        1 => known.remove(0),
        _ => Evidence::All(known),
    }
}

/// If one alternative requires nothing, neither does the whole.
fn any(parts: impl Iterator<Item = Evidence>) -> Evidence {
    let mut parts: Vec<Evidence> = parts.collect();
    match parts.len() {
        _ if parts.contains(&Evidence::Anything) => Evidence::Anything,
        0 => Evidence::Anything,
        1 => parts.remove(0),
        _ => Evidence::Any(parts),
    }
}

fn of_term(term: &Term) -> Evidence {
    let values = match &term.test {
        Test::Matches(values) | Test::Equals(values) => values,
        Test::Differs(_) | Test::Compare(..) | Test::Regex(_) => return Evidence::Anything,
    };
    let is_exact = matches!(term.test, Test::Equals(_));
    let each = |of: &dyn Fn(&Value) -> Evidence| any(values.iter().map(of));
    match &term.subject {
        Subject::Field(field) => match field {
            Field::Run => each(&|value| run(value, is_exact)),
            Field::Status => each(&failure),
            Field::User | Field::Env | Field::Service | Field::Release => {
                each(&|value| name(*field, value, is_exact))
            }
            Field::Tool
            | Field::Agent
            | Field::Model
            | Field::Provider
            | Field::Policy
            | Field::Rule
            | Field::Text
            | Field::Error => each(&text),
            Field::Kind
            | Field::Class
            | Field::Command
            | Field::Turn
            | Field::Seq
            | Field::Decision
            | Field::Approver
            | Field::Wait
            | Field::Differs
            | Field::Cost
            | Field::TokensIn
            | Field::TokensOut
            | Field::TokensCache
            | Field::TokensTotal
            | Field::Latency
            | Field::Retry
            | Field::Inferred
            | Field::Parent
            | Field::Lane
            | Field::File
            | Field::Line
            | Field::Task
            | Field::Trial
            | Field::Turns
            | Field::Actions
            | Field::Calls
            | Field::Errors
            | Field::Retries
            | Field::Score
            | Field::Correct
            | Field::Approval
            | Field::Would
            | Field::Alert => Evidence::Anything,
        },
        Subject::Label(_) | Subject::Args(_) | Subject::Result(_) => each(&text),
    }
}

fn text(value: &Value) -> Evidence {
    match value {
        Value::Word(text) | Value::Quoted(text) => needle(text),
        Value::Range(..) => Evidence::Anything,
    }
}

/// The value without wildcards, if it has none, and whether it ignores case.
fn whole(value: &Value, is_exact: bool) -> Option<(String, bool)> {
    let text = match value {
        Value::Word(text) | Value::Quoted(text) => text,
        Value::Range(..) => return None,
    };
    if text.is_empty() || text.contains(['*', '?']) {
        return None;
    }
    let has_letters = text.chars().any(char::is_alphabetic);
    let any_case = !is_exact && has_letters && !has_capital(text);
    Some((text.clone(), any_case))
}

fn run(value: &Value, is_exact: bool) -> Evidence {
    whole(value, is_exact).map_or(Evidence::Anything, |(id, any_case)| {
        Evidence::Fact(Fact::Run { id, any_case })
    })
}

fn name(field: Field, value: &Value, is_exact: bool) -> Evidence {
    let mut evidence = text(value);
    if let Evidence::Fact(Fact::Text { name, .. }) = &mut evidence {
        *name = whole(value, is_exact).map(|(value, any_case)| Name {
            field,
            value,
            any_case,
        });
    }
    evidence
}

fn failure(value: &Value) -> Evidence {
    match value {
        Value::Word(word) | Value::Quoted(word) if word == "error" => Evidence::Fact(Fact::Failure),
        Value::Word(_) | Value::Quoted(_) | Value::Range(..) => Evidence::Anything,
    }
}

/// The longest piece of the user's text that no encoding changes and no reader writes: letters, digits, `_` and `-`.
/// Readers compose texts from several values, so a piece ends at everything else.
fn needle(typed: &str) -> Evidence {
    let is_plain = typed.bytes().all(|byte| byte.is_ascii_digit()) && !typed.starts_with('0');
    if matches!(typed, "true" | "false" | "null") || (typed.parse::<f64>().is_ok() && !is_plain) {
        return Evidence::Anything;
    }
    let any_case = !typed.chars().any(char::is_uppercase);
    let is_kept = |c: char| {
        // Other characters fold to k and s.
        let is_folded = any_case && matches!(c, 'k' | 's');
        (c.is_ascii_alphanumeric() || matches!(c, '_' | '-')) && !is_folded
    };
    // A word that a reader may have written proves nothing, and neither do its parts.
    let words = typed.split(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '_' | '-')));
    let words = words.filter(|word| !is_of_reader(word) && !is_number_with_marks(word));
    let pieces = words.flat_map(|word| word.split(|c| !is_kept(c)));
    let longest = pieces.max_by_key(|piece| piece.len());
    match longest.filter(|piece| piece.len() >= SHORTEST && piece.len() <= 200) {
        Some(text) => Evidence::Fact(Fact::Text {
            text: text.to_owned(),
            any_case,
            name: None,
        }),
        None => Evidence::Anything,
    }
}

fn is_of_reader(word: &str) -> bool {
    let mut parts = word.split(['_', '-']).filter(|part| !part.is_empty());
    parts.all(composed::is_composed)
}

/// `12_000` is compared as a number.
fn is_number_with_marks(word: &str) -> bool {
    word.bytes()
        .all(|byte| byte.is_ascii_digit() || matches!(byte, b'_' | b'-'))
        && !word.bytes().all(|byte| byte.is_ascii_digit())
}

impl fmt::Display for Evidence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let several = |f: &mut fmt::Formatter<'_>, parts: &[Evidence], word: &str| {
            for (at, part) in parts.iter().enumerate() {
                if at > 0 {
                    write!(f, " {word} ")?;
                }
                match part {
                    Evidence::All(_) | Evidence::Any(_) => write!(f, "({part})")?,
                    Evidence::Anything | Evidence::Fact(_) => write!(f, "{part}")?,
                }
            }
            Ok(())
        };
        match self {
            Evidence::Anything => f.write_str("any run"),
            Evidence::Fact(fact) => write!(f, "{fact}"),
            Evidence::All(parts) => several(f, parts, "and"),
            Evidence::Any(parts) => several(f, parts, "or"),
        }
    }
}

impl fmt::Display for Fact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fact::Text { text, .. } => write!(f, "a span with \"{text}\""),
            Fact::Failure => f.write_str("a failed span"),
            Fact::Run { id, .. } => write!(f, "the run {id}"),
            Fact::Since(time) => {
                let micros = time.get().unwrap_or(0);
                write!(f, "a span since {}", crate::base::human::rfc3339(micros))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::of;
    use crate::query::{Context, parse};

    #[track_caller]
    fn check(filter: &str, evidence: &str) {
        let expr = parse(filter).expect("a filter");
        assert_eq!(of(&expr, &Context::default()).to_string(), evidence);
    }

    #[test]
    fn names_and_words_must_occur_in_a_span() {
        check("tool:refund", "a span with \"refund\"");
        check("tool:issue_refund", "a span with \"ue_refund\"");
        check("model:GPT-5-mini", "a span with \"GPT-5-mini\"");
        check("\"L'Étranger 2\"", "a span with \"tranger\"");
        check("args.order:A-1047", "a span with \"A-1047\"");
        check("tool:ref*order", "a span with \"order\"");
    }

    #[test]
    fn conjunctions_are_kept_and_alternatives_need_every_side() {
        check(
            "tool:refund is:error",
            "a span with \"refund\" and a failed span",
        );
        check(
            "refund or waive",
            "a span with \"refund\" or a span with \"waive\"",
        );
        check("refund or cost>1", "any run");
        check("refund cost>1", "a span with \"refund\"");
        check(
            "refund (waive or is:error)",
            "a span with \"refund\" and (a span with \"waive\" or a failed span)",
        );
    }

    #[test]
    fn nothing_follows_from_what_is_absent_or_written_by_readers() {
        for filter in [
            "-tool:refund",
            "tool!=refund",
            "has:cost",
            "status:blocked",
            "is:denied",
            "/refund/",
            "failed",
            "args.a:true",
            "args.a:300.50",
            "tokens.in>5",
            "ab",
            "approver:maria",
        ] {
            check(filter, "any run");
        }
        check("\"denied by maria\"", "a span with \"maria\"");
        check("args.amount:1500", "a span with \"1500\"");
    }

    #[test]
    fn runs_and_times_are_passed_on() {
        check("run:7f3a91", "the run 7f3a91");
        check("run:7f*", "any run");
        check(
            "status:error since:2026-11-01T00:00:00Z",
            "a failed span and a span since 2026-11-01T00:00:00.000Z",
        );
        check("status:(error|timeout)", "any run");
    }
}
