//! `field op value`, and the words with a meaning of their own: `is: has: in: since: at:`.

use std::ops::Range;

use crate::model::action::{Kind, Status, Verdict};
use crate::query::expr::{
    Comparison, Expr, Path, Regex, Scope, State, Step, Subject, Term, Test, TimeOfDay, Value,
};
use crate::query::fields::{self, Field, Shape};
use crate::query::lex::{ends_word, in_name};
use crate::query::parse::{ParseError, Parser, Part};
use crate::query::{pattern, value};

/// An operator, with what it makes of its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Op {
    Matches,
    Equals,
    Differs,
    Regex,
    Compare(Comparison),
}

/// Longer ones first.
const OPS: &[(&str, Op)] = &[
    ("!=", Op::Differs),
    (">=", Op::Compare(Comparison::GreaterOrEqual)),
    ("<=", Op::Compare(Comparison::LessOrEqual)),
    (">", Op::Compare(Comparison::Greater)),
    ("<", Op::Compare(Comparison::Less)),
    (":", Op::Matches),
    ("=", Op::Equals),
    ("~", Op::Regex),
];

pub(super) fn check_regex(regex: &Regex, span: Range<usize>) -> Result<(), ParseError> {
    match pattern::compile(regex) {
        Ok(_) => Ok(()),
        Err(error) => Err(ParseError::new(
            span,
            format!("not a regular expression: {}", pattern::reason(&error)),
        )),
    }
}

impl Parser<'_> {
    /// The caller has seen that an operator follows the name.
    pub(super) fn term(&mut self) -> Result<Part, ParseError> {
        let start = self.cursor.at;
        let mut special = self.cursor;
        let name = special.take_while(in_name);
        if fields::SPECIAL.iter().any(|(known, _)| *known == name) {
            self.cursor = special;
            return self.special(name, start);
        }
        let subject = self.subject()?;
        let op = self.op();
        let test = self.test(&subject, op, start)?;
        Ok(Part::Expr(Expr::Term(Term { subject, test })))
    }

    fn op(&mut self) -> Op {
        let found = OPS.iter().find(|(text, _)| self.cursor.eat(text));
        found.map_or(Op::Matches, |(_, op)| *op)
    }

    /// A field, or a family with the path that follows.
    fn subject(&mut self) -> Result<Subject, ParseError> {
        let start = self.cursor.at;
        let head = self.cursor.take_while(in_name);
        match head {
            "args" => return Ok(Subject::Args(self.path()?)),
            "result" => return Ok(Subject::Result(self.path()?)),
            "label" => return self.label(start),
            _ => {}
        }
        self.cursor.take_while(|c| in_name(c) || c == '.');
        let name = self.cursor.from(start);
        Field::find(name).map(Subject::Field).ok_or_else(|| {
            let nearest = fields::nearest(name, fields::names());
            ParseError::new(self.cursor.span(start), format!("'{name}' is not a field"))
                .suggest(nearest)
        })
    }

    fn label(&mut self, start: usize) -> Result<Subject, ParseError> {
        if self.cursor.eat(".") {
            let name = match self.cursor.peek() {
                Some('"') => self.cursor.quoted()?,
                _ => self
                    .cursor
                    .take_while(|c| in_name(c) || c == '.')
                    .to_owned(),
            };
            if !name.is_empty() {
                return Ok(Subject::Label(name));
            }
        }
        Err(ParseError::new(
            self.cursor.span(start),
            "the name of the label is missing (label.team)",
        ))
    }

    fn path(&mut self) -> Result<Path, ParseError> {
        let mut path = Path::new();
        loop {
            let start = self.cursor.at;
            if self.cursor.eat("[*]") || self.cursor.eat(".*") {
                path.push(Step::Each);
            } else if self.cursor.eat("[") {
                let index = self.cursor.take_while(|c| c.is_ascii_digit());
                if index.is_empty() || !self.cursor.eat("]") {
                    return Err(ParseError::new(
                        self.cursor.span(start),
                        "expected [*] or a number in brackets ([0])",
                    ));
                }
                path.push(Step::Key(index.to_owned()));
            } else if self.cursor.eat(".") {
                let key = match self.cursor.peek() {
                    Some('"') => self.cursor.quoted()?,
                    _ => self.cursor.take_while(in_name).to_owned(),
                };
                if key.is_empty() {
                    return Err(ParseError::new(
                        self.cursor.span(start),
                        "a name is missing after this dot",
                    ));
                }
                path.push(Step::Key(key));
            } else {
                return Ok(path);
            }
        }
    }

    fn test(&mut self, subject: &Subject, op: Op, start: usize) -> Result<Test, ParseError> {
        let shape = subject.shape();
        if shape == Shape::Presence {
            let name = self
                .cursor
                .from(start)
                .trim_end_matches([':', '=', '!', '<', '>', '~']);
            return Err(ParseError::new(
                self.cursor.span(start),
                format!("'{name}' has no value to compare"),
            )
            .suggest(Some(format!("has:{name}"))));
        }
        let at = self.cursor.at;
        match op {
            Op::Matches => Ok(Test::Matches(self.values(shape, true)?)),
            Op::Equals => Ok(Test::Equals(self.values(shape, false)?)),
            Op::Differs => Ok(Test::Differs(self.values(shape, false)?)),
            Op::Compare(comparison) => {
                let number = self.bare_value()?;
                let span = self.cursor.span(at);
                if !matches!(
                    shape,
                    Shape::Count | Shape::Score | Shape::Money | Shape::Duration | Shape::Json
                ) {
                    return Err(ParseError::new(
                        start..span.end,
                        "only numbers can be greater or less; use : or =",
                    ));
                }
                value::number(&number, shape).map_err(|message| ParseError::new(span, message))?;
                Ok(Test::Compare(comparison, number))
            }
            Op::Regex => self.regex_test(shape),
        }
    }

    fn regex_test(&mut self, shape: Shape) -> Result<Test, ParseError> {
        let at = self.cursor.at;
        let regex = if self.cursor.peek() == Some('"') {
            Regex::new(&self.cursor.quoted()?, false)
        } else if let Some((source, any_case)) = self.cursor.regex() {
            Regex::new(source, any_case)
        } else {
            Regex::new(self.cursor.balanced(), false)
        };
        let span = self.cursor.span(at);
        if regex.source().is_empty() {
            return Err(ParseError::new(span, "a regular expression is missing"));
        }
        if !matches!(
            shape,
            Shape::Name | Shape::Text | Shape::Json | Shape::Kind | Shape::Status | Shape::Verdict
        ) {
            return Err(ParseError::new(
                span,
                "numbers have no letters to match; use : with a range (3..9)",
            ));
        }
        check_regex(&regex, span)?;
        Ok(Test::Regex(regex))
    }

    /// One value, or `(a|b)`.
    fn values(&mut self, shape: Shape, patterns: bool) -> Result<Vec<Value>, ParseError> {
        self.alternatives(|parser| parser.value(shape, patterns))
    }

    fn value(&mut self, shape: Shape, patterns: bool) -> Result<Value, ParseError> {
        let at = self.cursor.at;
        let value = if self.cursor.peek() == Some('"') {
            Value::Quoted(self.cursor.quoted()?)
        } else {
            let word = self.bare_value()?;
            if patterns {
                word_or_range(word, shape)
            } else {
                Value::Word(word)
            }
        };
        let checked = check_value(&value, shape, patterns);
        checked.map_err(|error| ParseError {
            span: self.cursor.span(at),
            ..error
        })?;
        Ok(value)
    }

    fn bare_value(&mut self) -> Result<String, ParseError> {
        let at = self.cursor.at;
        let word = self.cursor.take_while(|c| !ends_word(c) && c != ',');
        if word.is_empty() {
            return Err(ParseError::new(at..at, "a value is missing here"));
        }
        if self.cursor.peek() == Some('(') {
            let message = "a bracket in the middle of a value; quote it";
            return Err(ParseError::new(self.cursor.at..self.cursor.at + 1, message));
        }
        Ok(word.to_owned())
    }

    fn special(&mut self, name: &str, start: usize) -> Result<Part, ParseError> {
        if !self.cursor.eat(":") && !self.cursor.eat("=") {
            return Err(ParseError::new(
                self.cursor.span(start),
                format!("'{name}' is followed by ':' ({name}:…)"),
            ));
        }
        let at = self.cursor.at;
        match name {
            "is" => {
                let states = self.words(|word, span| {
                    State::from_word(&word).ok_or_else(|| {
                        let nearest =
                            fields::nearest(&word, State::ALL.iter().map(|state| state.word()));
                        ParseError::new(span, format!("'{word}' is not a state")).suggest(nearest)
                    })
                })?;
                Ok(Part::Expr(Expr::Is(states)))
            }
            "has" => Ok(Part::Expr(Expr::Has(self.subjects()?))),
            "in" => {
                let mut scope = Scope::default();
                self.words(|word, span| {
                    match word.as_str() {
                        "args" => scope.args = true,
                        "result" => scope.result = true,
                        "text" => scope.text = true,
                        _ => {
                            return Err(ParseError::new(
                                span,
                                format!("'{word}' is not a place to look in"),
                            )
                            .suggest(fields::nearest(&word, ["args", "result", "text"])));
                        }
                    }
                    Ok(())
                })?;
                Ok(Part::In(scope, self.cursor.span(start)))
            }
            "since" => {
                let time = self.bare_value()?;
                value::duration(&time)
                    .map_err(|message| ParseError::new(self.cursor.span(at), message))?;
                Ok(Part::Expr(Expr::Since(time)))
            }
            _ => self.time_of_day().map(Part::Expr),
        }
    }

    fn time_of_day(&mut self) -> Result<Expr, ParseError> {
        let at = self.cursor.at;
        let word = self.bare_value()?;
        let span = self.cursor.span(at);
        let end = |text: &str| -> Result<Option<TimeOfDay>, ParseError> {
            let wrong = |message| ParseError::new(span.clone(), message);
            if text.is_empty() {
                Ok(None)
            } else {
                value::time_of_day(text).map(Some).map_err(wrong)
            }
        };
        let (from, to) = match word.split_once("..") {
            Some((from, to)) => (end(from)?, end(to)?),
            None => (end(&word)?, end(&word)?),
        };
        if from.is_none() && to.is_none() {
            return Err(ParseError::new(
                span,
                "a time of day is missing (14:02..14:05)",
            ));
        }
        Ok(Expr::At(from, to))
    }

    /// `(a|b)` or one word, each read by `read`.
    fn words<T>(
        &mut self,
        mut read: impl FnMut(String, Range<usize>) -> Result<T, ParseError>,
    ) -> Result<Vec<T>, ParseError> {
        self.alternatives(|parser| {
            let at = parser.cursor.at;
            let word = parser.bare_value()?;
            let span = parser.cursor.span(at);
            read(word, span)
        })
    }

    fn subjects(&mut self) -> Result<Vec<Subject>, ParseError> {
        self.alternatives(|parser| {
            let at = parser.cursor.at;
            let subject = parser.subject()?;
            if parser
                .cursor
                .peek()
                .is_some_and(|c| !ends_word(c) && c != ',')
            {
                parser.cursor.take_while(|c| !ends_word(c) && c != ',');
                return Err(ParseError::new(
                    parser.cursor.span(at),
                    "expected the name of a field (has:cost)",
                ));
            }
            Ok(subject)
        })
    }

    fn alternatives<T>(
        &mut self,
        mut one: impl FnMut(&mut Self) -> Result<T, ParseError>,
    ) -> Result<Vec<T>, ParseError> {
        let open = self.cursor.at;
        if !self.cursor.eat("(") {
            return Ok(vec![one(self)?]);
        }
        let mut found = Vec::new();
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
}

/// `3..9` where numbers are meant; else the word as it is.
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

/// Whether a value can be what it is compared with; the caller knows the span.
fn check_value(value: &Value, shape: Shape, patterns: bool) -> Result<(), ParseError> {
    let wrong = |message: String| ParseError::new(0..0, message);
    match (shape, value) {
        (
            Shape::Count | Shape::Score | Shape::Money | Shape::Duration,
            Value::Word(word) | Value::Quoted(word),
        ) => value::number(word, shape).map(|_| ()).map_err(wrong),
        (_, Value::Range(lo, hi)) => {
            let mut ends = lo.iter().chain(hi);
            ends.try_for_each(|end| value::number(end, shape).map(|_| ()).map_err(wrong))
        }
        (Shape::Kind, Value::Word(word)) => one_of(
            word,
            patterns,
            "kind",
            Kind::ALL
                .iter()
                .map(|kind| kind.word())
                .chain(fields::KIND_NAMES.iter().map(|(n, _)| *n)),
        ),
        (Shape::Status, Value::Word(word)) => one_of(
            word,
            patterns,
            "status",
            Status::ALL.iter().map(|status| status.word()),
        ),
        (Shape::Verdict, Value::Word(word)) => one_of(
            word,
            patterns,
            "decision",
            Verdict::ALL.iter().map(|verdict| verdict.word()),
        ),
        (Shape::Flag, Value::Word(word)) => match word.as_str() {
            "yes" | "no" | "true" | "false" => Ok(()),
            _ => Err(wrong(format!("'{word}' is neither yes nor no"))),
        },
        _ => Ok(()),
    }
}

/// A word that no value of a closed list can match is a mistake.
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
