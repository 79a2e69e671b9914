//! Parses a filter, or returns an error that points at the position and suggests a fix.

mod terms;
#[cfg(test)]
mod tests;
mod values;

use std::ops::Range;

use crate::query::expr::{Expr, Find, Regex, Scope, Text};
use crate::query::fields::{FAMILIES, Field, NAMES_OF_TIME};
use crate::query::lex::{Cursor, ends_word, in_name};

/// Why a filter could not be parsed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ParseError {
    /// In bytes of the input.
    pub span: Range<usize>,
    pub message: String,
    /// A replacement for the span that was probably meant.
    pub suggestion: Option<String>,
}

impl ParseError {
    pub(super) fn new(span: Range<usize>, message: impl Into<String>) -> ParseError {
        ParseError {
            span,
            message: message.into(),
            suggestion: None,
        }
    }

    pub(super) fn suggest(self, suggestion: Option<impl Into<String>>) -> ParseError {
        ParseError {
            suggestion: suggestion.map(Into::into),
            ..self
        }
    }
}

/// Deeper nesting is rejected, so that no input can exhaust the stack.
const MAX_DEPTH: usize = 64;

/// Longer filters are rejected, because the cost of a pattern grows with its length.
const MAX_BYTES: usize = 4096;

/// Parses a filter. An empty filter matches everything.
pub fn parse(text: &str) -> Result<Expr, ParseError> {
    parse_in(text, false)
}

/// The same for actions that a policy has judged: `would:` tests its verdicts.
pub fn parse_over_policy(text: &str) -> Result<Expr, ParseError> {
    parse_in(text, true)
}

fn parse_in(text: &str, is_over_policy: bool) -> Result<Expr, ParseError> {
    if text.len() > MAX_BYTES {
        let message = format!("the filter is longer than {MAX_BYTES} bytes");
        return Err(ParseError::new(
            text.floor_char_boundary(MAX_BYTES)..text.len(),
            message,
        ));
    }
    let mut parser = Parser {
        cursor: Cursor::new(text),
        depth: 0,
        term: 0,
        is_over_policy,
    };
    parser.cursor.skip_space();
    if parser.cursor.peek().is_none() {
        return Ok(Expr::All);
    }
    let expr = parser.or()?;
    if parser.cursor.peek().is_some() {
        let at = parser.cursor.at;
        return Err(ParseError::new(at..at + 1, "this bracket was never opened"));
    }
    Ok(expr)
}

struct Parser<'a> {
    cursor: Cursor<'a>,
    depth: usize,
    /// Where the current term begins.
    term: usize,
    /// Whether verdicts of a policy can be tested.
    is_over_policy: bool,
}

/// The words between terms, in any case. Quote them to search for the words themselves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Keyword {
    And,
    Or,
    Not,
}

impl Keyword {
    pub(super) fn of(word: &str) -> Option<Keyword> {
        let words = [
            ("and", Keyword::And),
            ("or", Keyword::Or),
            ("not", Keyword::Not),
        ];
        let found = words
            .into_iter()
            .find(|(name, _)| name.eq_ignore_ascii_case(word));
        found.map(|(_, keyword)| keyword)
    }
}

/// One part of an `and`: a test, or an `in:` that applies to the others.
enum Part {
    Expr(Expr),
    In(Scope, Range<usize>),
}

impl Parser<'_> {
    fn or(&mut self) -> Result<Expr, ParseError> {
        let mut parts = vec![self.and()?];
        loop {
            self.cursor.skip_space();
            if self.next_keyword() == Some(Keyword::Or) {
                self.cursor.at += 2;
            } else if self.cursor.rest().starts_with("||") {
                let at = self.cursor.at;
                return Err(
                    ParseError::new(at..at + 2, "use OR for alternatives").suggest(Some("OR"))
                );
            } else if !self.cursor.eat("|") {
                break;
            }
            parts.push(self.and()?);
        }
        Ok(single(parts, Expr::Or))
    }

    fn and(&mut self) -> Result<Expr, ParseError> {
        let mut parts = Vec::new();
        let mut scope: Option<(Scope, Range<usize>)> = None;
        loop {
            self.cursor.skip_space();
            if self.next_keyword() == Some(Keyword::And) && !parts.is_empty() {
                self.cursor.at += 3;
                self.cursor.skip_space();
            } else if self.at_end_of_and() && (!parts.is_empty() || scope.is_some()) {
                break;
            }
            match self.not()? {
                Part::Expr(expr) => parts.push(expr),
                Part::In(more, span) => {
                    let known = scope.map_or(Scope::default(), |(known, _)| known);
                    scope = Some((known.or(more), span));
                }
            }
        }
        if let Some((scope, span)) = scope {
            let found = restrict_all(&mut parts, scope);
            if !found {
                return Err(ParseError::new(
                    span,
                    "'in:' needs a word to search for (in:result refund)",
                ));
            }
        }
        Ok(single(parts, Expr::And))
    }

    fn next_keyword(&self) -> Option<Keyword> {
        Keyword::of(self.cursor.next_word())
    }

    fn at_end_of_and(&self) -> bool {
        self.next_keyword() == Some(Keyword::Or)
            || self.cursor.peek().is_none_or(|c| matches!(c, ')' | '|'))
    }

    fn not(&mut self) -> Result<Part, ParseError> {
        let start = self.cursor.at;
        let rest = self.cursor.rest();
        let negated = if self.next_keyword() == Some(Keyword::Not) {
            self.cursor.at += 3;
            self.cursor.skip_space();
            true
        } else {
            // People search for words such as `--force`, and `!=` is an operator without a field.
            let minus = rest.starts_with('-') && !rest.starts_with("--");
            let bang = rest.starts_with('!') && !rest.starts_with("!=");
            if minus || bang {
                self.cursor.bump();
            }
            minus || bang
        };
        if negated
            && self
                .cursor
                .peek()
                .is_none_or(|c| c.is_whitespace() || c == ')' || c == '|')
        {
            return Err(ParseError::new(
                self.cursor.span(start),
                "nothing follows this 'not'",
            ));
        }
        match self.prim()? {
            Part::Expr(expr) if negated => Ok(Part::Expr(Expr::Not(Box::new(expr)))),
            Part::In(_, span) if negated => Err(ParseError::new(
                span,
                "'in:' cannot be negated; negate the word instead",
            )),
            part => Ok(part),
        }
    }

    fn prim(&mut self) -> Result<Part, ParseError> {
        let start = self.cursor.at;
        match self.cursor.peek() {
            None | Some(')' | '|') => Err(ParseError::new(start..start, "a term is missing here")),
            Some('(') => self.group().map(Part::Expr),
            Some('"') => {
                let phrase = self.cursor.quoted()?;
                if phrase.is_empty() {
                    return Err(ParseError::new(
                        self.cursor.span(start),
                        "these quotes are empty",
                    ));
                }
                Ok(Part::Expr(text(Find::Phrase(phrase))))
            }
            Some(':' | '=' | '<' | '>' | '~' | '!') => Err(self.operator_alone()),
            Some('/') => match self.cursor.regex() {
                Some((source, any_case)) => {
                    let regex = Regex::new(source, any_case);
                    terms::check_regex(&regex, self.cursor.span(start))?;
                    Ok(Part::Expr(text(Find::Regex(regex))))
                }
                None => self.word().map(Part::Expr),
            },
            Some(c) if c.is_alphabetic() || c == '_' => self.term_or_word(),
            Some(_) => self.word().map(Part::Expr),
        }
    }

    fn group(&mut self) -> Result<Expr, ParseError> {
        let start = self.cursor.at;
        self.cursor.bump();
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(ParseError::new(
                self.cursor.span(start),
                format!("brackets are nested more than {MAX_DEPTH} deep"),
            ));
        }
        let expr = self.or()?;
        self.depth -= 1;
        if !self.cursor.eat(")") {
            return Err(ParseError::new(
                start..start + 1,
                "this bracket is never closed",
            ));
        }
        Ok(expr)
    }

    fn word(&mut self) -> Result<Expr, ParseError> {
        let start = self.cursor.at;
        let word = self.cursor.take_while(|c| !ends_word(c));
        if word.starts_with("&&") {
            return Err(no_ampersands(start));
        }
        if word.ends_with("&&") {
            return Err(no_ampersands(self.cursor.at - 2));
        }
        Ok(text(Find::Phrase(word.to_owned())))
    }

    fn term_or_word(&mut self) -> Result<Part, ParseError> {
        let start = self.cursor.at;
        if is_term(self.cursor) {
            return self.term();
        }
        let word = self.cursor.next_word();
        if Keyword::of(word).is_some() {
            let message = format!(
                "a term is missing next to {word}; to search for the word itself, quote it"
            );
            return Err(ParseError::new(start..start + word.len(), message));
        }
        self.word().map(Part::Expr)
    }

    fn operator_alone(&self) -> ParseError {
        let word = self.cursor.next_word();
        let span = self.cursor.at..self.cursor.at + word.len().max(1);
        ParseError::new(
            span,
            "a field is missing before this, as in cost>0.05; to search for the text, quote it",
        )
    }
}

/// Whether a term begins here: a name and an operator. A comparison may have spaces around it if
/// the name is a field and a value follows.
fn is_term(from: Cursor<'_>) -> bool {
    let mut ahead = from;
    ahead.take_while(in_name);
    // A path may continue with `."key"` or `[*]`. Anything else must be an operator.
    while ahead.eat(".") || ahead.eat("[") || ahead.eat("]") || ahead.eat("*") {
        if ahead.peek() == Some('"') && ahead.quoted().is_err() {
            break;
        }
        ahead.take_while(in_name);
    }
    let name = ahead.from(from.at);
    if name.is_empty() {
        return false;
    }
    let rest = ahead.rest();
    if [":", "=", "!=", ">", "<", "~"]
        .iter()
        .any(|op| rest.starts_with(op))
    {
        return true;
    }
    let family = name.split_once('.').map_or(name, |(family, _)| family);
    let known = Field::find(name).is_some()
        || FAMILIES.iter().any(|(known, _)| *known == family)
        || NAMES_OF_TIME.contains(&name);
    ahead.skip_space();
    let compares = ["!=", ">=", "<=", ">", "<", "="]
        .iter()
        .any(|op| ahead.eat(op));
    ahead.skip_space();
    known && compares && ahead.peek().is_some_and(|c| c == '"' || !ends_word(c))
}

fn no_ampersands(at: usize) -> ParseError {
    let message = "combine terms with AND or a space; to search for && itself, quote it";
    ParseError::new(at..at + 2, message).suggest(Some("AND"))
}

impl Scope {
    fn or(self, other: Scope) -> Scope {
        Scope {
            args: self.args || other.args,
            result: self.result || other.result,
            text: self.text || other.text,
        }
    }
}

fn text(find: Find) -> Expr {
    Expr::Text(Text { find, scope: None })
}

fn single(mut parts: Vec<Expr>, many: impl FnOnce(Vec<Expr>) -> Expr) -> Expr {
    match parts.pop() {
        Some(only) if parts.is_empty() => only,
        Some(last) => {
            parts.push(last);
            many(parts)
        }
        None => Expr::All,
    }
}

/// Restricts the words in `expr` that have no `in:` of their own. Returns whether there were any.
fn restrict(expr: &mut Expr, scope: Scope) -> bool {
    match expr {
        Expr::Text(text) => {
            text.scope.get_or_insert(scope);
            true
        }
        Expr::And(parts) | Expr::Or(parts) => restrict_all(parts, scope),
        Expr::Not(inner) => restrict(inner, scope),
        Expr::All | Expr::Term(_) | Expr::Is(_) | Expr::Has(_) | Expr::Since(_) | Expr::At(..) => {
            false
        }
    }
}

fn restrict_all(parts: &mut [Expr], scope: Scope) -> bool {
    let mut found = false;
    for part in parts {
        found |= restrict(part, scope);
    }
    found
}
