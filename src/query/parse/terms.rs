//! `field op value`, and the special words `is: has: in: since: at:`.

use std::ops::Range;

use crate::model::action::Verdict;
use crate::query::expr::{
    Comparison, Expr, Path, Regex, Scope, State, Step, Subject, Term, Test, TimeOfDay, Value,
};
use crate::query::fields::{self, Field, Shape};
use crate::query::lex::{ends_word, in_name};
use crate::query::parse::values::{check_value, word_or_range};
use crate::query::parse::{ParseError, Parser, Part};
use crate::query::{pattern, shown, value};

/// An operator, and how it interprets its value.
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

/// Why `would:` is refused.
const NO_POLICY: &str = "no policy to test against: query, ls and the explorer take --policy FILE (or 9, then p in the explorer)";

/// No suggestion fits: the state of an alert is not a field.
const NO_STATE: &str =
    "'state' is not a field: is:error, status:error, or for alerts the word alone, such as firing";

pub(super) fn check_regex(regex: &Regex, span: Range<usize>) -> Result<(), ParseError> {
    match pattern::check(regex) {
        Ok(()) => Ok(()),
        Err(error) => Err(ParseError::new(
            span,
            format!("not a regular expression: {}", pattern::reason(&error)),
        )),
    }
}

/// Suggests the status or the state that was probably meant.
fn not_a_state(word: &str, span: Range<usize>) -> ParseError {
    let error = ParseError::new(span, format!("'{word}' is not a state"));
    match shown::meant(word) {
        Some(status) if State::from_word(status).is_some() => error.suggest(Some(status)),
        Some(status) => error.suggest(Some(format!("status:{status}"))),
        None => {
            let states = State::ALL.iter().map(|state| state.word());
            error.suggest(fields::nearest(word, states))
        }
    }
}

impl Parser<'_> {
    /// The caller has checked that an operator follows the name.
    pub(super) fn term(&mut self) -> Result<Part, ParseError> {
        let start = self.cursor.at;
        self.term = start;
        let mut special = self.cursor;
        let name = special.take_while(in_name);
        if fields::SPECIAL.iter().any(|(known, _)| *known == name) {
            self.cursor = special;
            return self.special(name, start);
        }
        let subject = self.subject()?;
        let op = self.op();
        self.no_double_op(start, op)?;
        let test = self.test(&subject, op, start)?;
        Ok(Part::Expr(Expr::Term(Term { subject, test })))
    }

    /// A comparison may have spaces around it (`latency > 30s`).
    fn op(&mut self) -> Op {
        let before = self.cursor.at;
        self.cursor.skip_space();
        let spaced = self.cursor.at > before;
        let found = OPS.iter().find(|(text, _)| self.cursor.eat(text));
        let op = found.map_or(Op::Matches, |(_, op)| *op);
        let loose = match op {
            Op::Compare(_) => true,
            Op::Equals | Op::Differs => spaced,
            Op::Matches | Op::Regex => false,
        };
        if loose {
            self.cursor.skip_space();
        }
        op
    }

    /// `tool=="Bash"`, `text=~x`, as other languages write them: the second sign would be taken for a value.
    fn no_double_op(&self, start: usize, op: Op) -> Result<(), ParseError> {
        let typed = self.cursor.from(start).trim_end();
        let (sign, means) = match (self.cursor.peek(), op) {
            (Some('='), Op::Differs) => ("=", "!="),
            (Some('='), Op::Matches | Op::Equals) => ("=", "="),
            (Some('~'), Op::Matches | Op::Equals) => ("~", "~"),
            (Some('='), Op::Regex) => ("=", "~"),
            _ => return Ok(()),
        };
        let name = typed.trim_end_matches([':', '=', '!', '~', ' ']);
        let written = format!(
            "{}{sign}",
            typed.get(name.len()..).unwrap_or_default().trim_start()
        );
        let mut ahead = self.cursor;
        ahead.eat(sign);
        ahead.skip_space();
        let at = ahead.at;
        let quoted = (ahead.peek() == Some('"'))
            .then(|| ahead.quoted().ok())
            .flatten();
        let is_plain =
            |text: &str| !text.is_empty() && text.chars().all(|c| in_name(c) || c == '.');
        let value = match quoted {
            Some(text) if is_plain(&text) => text,
            Some(_) => ahead.from(at).to_owned(),
            None => ahead.take_while(|c| !ends_word(c)).to_owned(),
        };
        let message = format!("there is no operator '{written}'; write {name}{means}…");
        let meant = (!value.is_empty()).then(|| format!("{name}{means}{value}"));
        Err(ParseError::new(start..ahead.at, message).suggest(meant))
    }

    /// A field, or a family with its path.
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
        let field = Field::find(name);
        if field == Some(Field::Would) && !self.is_over_policy {
            return Err(ParseError::new(self.cursor.span(start), NO_POLICY));
        }
        field.map(Subject::Field).ok_or_else(|| {
            if fields::NAMES_OF_TIME.contains(&name) {
                return self.no_field_of_time(name, start);
            }
            if name.eq_ignore_ascii_case("state") {
                return ParseError::new(self.cursor.span(start), NO_STATE);
            }
            let nearest = fields::nearest(name, fields::names());
            ParseError::new(self.cursor.span(start), format!("'{name}' is not a field"))
                .suggest(nearest)
        })
    }

    /// Time is filtered with special words. The text after the operator decides which one to
    /// suggest.
    fn no_field_of_time(&self, name: &str, start: usize) -> ParseError {
        let mut ahead = self.cursor;
        ahead.take_while(|c| c.is_whitespace() || matches!(c, ':' | '=' | '!' | '<' | '>' | '~'));
        let less = self.cursor.rest().trim_start().starts_with('<');
        let value = ahead.take_while(|c| !ends_word(c));
        let suggestion = if value::time_of_day(value).is_ok() {
            Some(if less {
                format!("at:..{value}")
            } else {
                format!("at:{value}..")
            })
        } else {
            let since = !less && value::since(value).is_ok();
            since.then(|| format!("since:{value}"))
        };
        let message = format!("there is no field '{name}'; use at:14:02..14:05 or since:10m");
        let span = match suggestion {
            Some(_) => start..ahead.at,
            None => self.cursor.span(start),
        };
        ParseError::new(span, message).suggest(suggestion)
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
            "a label name is missing (label.team)",
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
            return Err(self.has_no_value(start));
        }
        let at = self.cursor.at;
        match op {
            Op::Matches if self.regex_ahead() => self.regex_alone(shape),
            Op::Matches => Ok(Test::Matches(self.values(shape, true)?)),
            Op::Equals => Ok(Test::Equals(self.values(shape, false)?)),
            Op::Differs => Ok(Test::Differs(self.values(shape, false)?)),
            Op::Compare(comparison) => {
                let number = self.bare_value()?;
                let span = self.cursor.span(at);
                self.no_comma()?;
                if !matches!(
                    shape,
                    Shape::Count | Shape::Score | Shape::Money | Shape::Duration | Shape::Json
                ) {
                    return Err(ParseError::new(
                        start..span.end,
                        "only numbers can be compared with < and >; use : or =",
                    ));
                }
                value::number(&number, shape).map_err(|message| ParseError::new(span, message))?;
                Ok(Test::Compare(comparison, number))
            }
            Op::Regex => self.regex_test(shape),
        }
    }

    /// A field that is only usable after `has:`.
    fn has_no_value(&self, start: usize) -> ParseError {
        let mut ahead = self.cursor;
        let value = ahead.take_while(|c| !ends_word(c));
        let typed = self.cursor.from(start);
        let name = typed.trim_end_matches([':', '=', '!', '<', '>', '~', ' ']);
        let message = format!("'{name}' has no value to compare");
        let known = |verdict: &&Verdict| !value.is_empty() && verdict.word() == value;
        if State::from_word(value).is_some() {
            let message = format!("{message}; use is:{value}, or decision: for each decision");
            return ParseError::new(start..ahead.at, message).suggest(Some(format!("is:{value}")));
        }
        if Verdict::ALL.iter().any(|verdict| known(&verdict)) {
            let suggestion = format!("decision:{value}");
            return ParseError::new(start..ahead.at, message).suggest(Some(suggestion));
        }
        ParseError::new(self.cursor.span(start), message).suggest(Some(format!("has:{name}")))
    }

    /// Whether the value is a `/regex/`. A path such as `/usr/bin`, with a slash somewhere later,
    /// is not.
    fn regex_ahead(&self) -> bool {
        let Some((source, any_case)) = { self.cursor }.regex() else {
            return false;
        };
        match source.split_once(char::is_whitespace) {
            None => true,
            Some((head, _)) => {
                !head.contains('/') && pattern::check(&Regex::new(source, any_case)).is_ok()
            }
        }
    }

    /// `:/regex/` means `~/regex/`.
    fn regex_alone(&mut self, shape: Shape) -> Result<Test, ParseError> {
        let test = self.regex_test(shape)?;
        if self.alternative_ahead() {
            let at = self.cursor.at;
            let message = "combine regular expressions into one: ~/push|pull/";
            return Err(ParseError::new(at..at + 1, message));
        }
        Ok(test)
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
            Shape::Name
                | Shape::Text
                | Shape::Json
                | Shape::Kind
                | Shape::Status
                | Shape::Verdict
                | Shape::Effect
        ) {
            return Err(ParseError::new(
                span,
                "a number cannot be matched with a regular expression; use a range (3..9)",
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
            let slashes = word.len() > 2 && word.starts_with('/') && word.ends_with('/');
            if patterns && slashes {
                let message = "a regular expression cannot be mixed with other values; use ~/push|pull/, or quote a path";
                return Err(ParseError::new(self.cursor.span(at), message));
            }
            if patterns {
                word_or_range(word, shape)
            } else {
                Value::Word(word)
            }
        };
        let value = if shape == Shape::Status {
            shown::status(value)
        } else {
            value
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
            let message = "a value with a bracket must be quoted";
            return Err(ParseError::new(self.cursor.at..self.cursor.at + 1, message));
        }
        if let Some(found) = word.find("&&") {
            return Err(super::no_ampersands(at + found));
        }
        Ok(word.to_owned())
    }

    /// Checks what follows a single value.
    fn no_comma(&self) -> Result<(), ParseError> {
        if self.cursor.peek() != Some(',') {
            return Ok(());
        }
        let at = self.cursor.at;
        let message = "unexpected comma; write fractions with a point (0.05)";
        Err(ParseError::new(at..at + 1, message))
    }

    fn special(&mut self, name: &str, start: usize) -> Result<Part, ParseError> {
        if !self.cursor.eat(":") && !self.cursor.eat("=") {
            return Err(ParseError::new(
                self.cursor.span(start),
                format!("write a ':' after '{name}' ({name}:…)"),
            ));
        }
        let at = self.cursor.at;
        match name {
            "is" => {
                let states = self.words(|word, span| {
                    State::from_word(&word).ok_or_else(|| not_a_state(&word, span))
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
                                format!("'{word}' is not a scope (args, result or text)"),
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
                value::since(&time)
                    .map_err(|message| ParseError::new(self.cursor.span(at), message))?;
                self.no_comma()?;
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

    /// `(a|b)` or one word, each parsed by `read`.
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
                    "expected a field name (has:cost)",
                ));
            }
            Ok(subject)
        })
    }
}
