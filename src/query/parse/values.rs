//! Parses the value after an operator.

use crate::model::action::{Kind, Status, Verdict};
use crate::model::run::RunStatus;
use crate::query::expr::Value;
use crate::query::fields::{self, Shape};
use crate::query::lex::ends_word;
use crate::query::parse::{ParseError, Parser, is_term};
use crate::query::shown;
use crate::query::value;
use crate::query::would::VERDICTS;

impl Parser<'_> {
    /// `(a|b)`, `a|b` without spaces, or a single value.
    pub(super) fn alternatives<T>(
        &mut self,
        mut one: impl FnMut(&mut Self) -> Result<T, ParseError>,
    ) -> Result<Vec<T>, ParseError> {
        let open = self.cursor.at;
        let mut found = Vec::new();
        if !self.cursor.eat("(") {
            found.push(one(self)?);
            while self.alternative_ahead() {
                self.cursor.bump();
                found.push(one(self)?);
            }
            self.no_list(open)?;
            return Ok(found);
        }
        loop {
            self.cursor.skip_space();
            found.push(one(self)?);
            self.cursor.skip_space();
            if self.cursor.eat(")") {
                return Ok(found);
            }
            if !self.cursor.eat("|") && !self.cursor.eat(",") {
                return Err(ParseError::new(
                    open..self.cursor.at,
                    "this bracket is never closed; write (a|b)",
                ));
            }
        }
    }

    /// Whether `|word` follows without a space: another value of the same term.
    pub(super) fn alternative_ahead(&self) -> bool {
        let mut ahead = self.cursor;
        if !ahead.eat("|") {
            return false;
        }
        let starts = ahead
            .peek()
            .is_some_and(|c| c == '"' || !ends_word(c) && !matches!(c, '-' | '!'));
        starts && !is_term(ahead) && { ahead }.regex().is_none()
    }

    /// Rejects `tool:a,b` and suggests brackets.
    fn no_list(&mut self, open: usize) -> Result<(), ParseError> {
        let end = self.cursor.at;
        while self.cursor.eat(",") {
            if self.cursor.peek() == Some('"') {
                self.cursor.quoted()?;
            } else {
                self.cursor.take_while(|c| !ends_word(c) && c != ',');
            }
        }
        if self.cursor.at == end {
            return Ok(());
        }
        let typed = self.cursor.from(self.term);
        let (name, values) = typed.split_at(open - self.term);
        let values = values.trim_end_matches(',');
        let meant = if values.contains(',') {
            format!("{name}({values})")
        } else {
            format!("{name}{values}")
        };
        Err(ParseError::new(
            self.cursor.span(self.term),
            "put several values in brackets",
        )
        .suggest(Some(meant)))
    }
}

/// `3..9` where numbers are expected, otherwise the word itself.
pub(super) fn word_or_range(word: String, shape: Shape) -> Value {
    let numeric = matches!(
        shape,
        Shape::Count | Shape::Score | Shape::Money | Shape::Duration
    );
    if let Some((lo, hi)) = word.split_once("..") {
        let is_number = |text: &str| text.is_empty() || value::number(text, shape).is_ok();
        let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        let any = !lo.is_empty() || !hi.is_empty();
        if any && (numeric || (shape == Shape::Json && is_number(lo) && is_number(hi))) {
            return Value::Range(some(lo), some(hi));
        }
    }
    Value::Word(word)
}

/// Whether a value suits what it is compared with. The caller adds the span.
pub(super) fn check_value(value: &Value, shape: Shape, patterns: bool) -> Result<(), ParseError> {
    let wrong = |message: String| ParseError::new(0..0, message);
    match (shape, value) {
        (
            Shape::Count | Shape::Score | Shape::Money | Shape::Duration,
            Value::Word(word) | Value::Quoted(word),
        ) => value::number(word, shape).map(|_| ()).map_err(wrong),
        (_, Value::Range(lo, hi)) => check_range(lo.as_deref(), hi.as_deref(), shape),
        (Shape::Kind, Value::Word(word)) => one_of(
            word,
            patterns,
            "kind",
            Kind::ALL
                .iter()
                .map(|kind| kind.word())
                .chain(fields::KIND_NAMES.iter().map(|(n, _)| *n)),
        ),
        (Shape::Status, Value::Word(word)) if word == RunStatus::Unknown.word() => {
            let what = format!("'{word}' is not a status: none is recorded");
            Err(wrong(what).suggest(Some("-has:status")))
        }
        (Shape::Status, Value::Word(word)) => one_of(
            word,
            patterns,
            "status",
            Status::ALL
                .iter()
                .map(|status| status.word())
                .chain(RunStatus::ALL.iter().map(|status| status.word())),
        )
        .map_err(|error| match shown::state(word) {
            Some(state) => error.suggest(Some(state)),
            None => error,
        }),
        (Shape::Verdict, Value::Word(word)) => one_of(
            word,
            patterns,
            "decision",
            Verdict::ALL.iter().map(|verdict| verdict.word()),
        ),
        (Shape::Effect, Value::Word(word)) => {
            one_of(word, patterns, "verdict", VERDICTS.into_iter())
        }
        (Shape::Flag, Value::Word(word)) => match word.as_str() {
            "yes" | "no" | "true" | "false" => Ok(()),
            _ => Err(wrong(format!("'{word}' must be yes or no"))),
        },
        _ => Ok(()),
    }
}

/// Both ends must be numbers, the smaller first; otherwise the range is empty.
fn check_range(lo: Option<&str>, hi: Option<&str>, shape: Shape) -> Result<(), ParseError> {
    let number = |end: Option<&str>| {
        let read = end.map(|end| value::number(end, shape)).transpose();
        read.map_err(|message| ParseError::new(0..0, message))
    };
    match (number(lo)?, number(hi)?) {
        (Some(first), Some(last)) if first > last => {
            let (lo, hi) = (lo.unwrap_or_default(), hi.unwrap_or_default());
            let message = format!("nothing is between {lo} and {hi}: put the smaller one first");
            Err(ParseError::new(0..0, message).suggest(Some(format!("{hi}..{lo}"))))
        }
        _ => Ok(()),
    }
}

/// Rejects a word that matches no value of a closed list.
fn one_of(
    word: &str,
    patterns: bool,
    what: &str,
    known: impl Iterator<Item = &'static str> + Clone,
) -> Result<(), ParseError> {
    let glob = patterns && word.contains(['*', '?']);
    if glob
        || known
            .clone()
            .any(|known| !known.is_empty() && known.eq_ignore_ascii_case(word))
    {
        return Ok(());
    }
    let nearest = fields::nearest(word, known);
    Err(ParseError::new(0..0, format!("'{word}' is not a {what}")).suggest(nearest))
}
