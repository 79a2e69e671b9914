//! Reads the part of Starlark that rules are written in: calls of functions with named literals. Anything else is
//! refused with its place.

use std::ops::Range;

use crate::analysis::policy::mistake::Mistake;
use crate::query::fields::nearest;

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Literal {
    Text(String),
    List(Vec<(Literal, Range<usize>)>),
    /// A number, True, False or None.
    Other,
}

impl Literal {
    pub(super) fn text(&self) -> Option<&str> {
        match self {
            Literal::Text(text) => Some(text),
            Literal::List(_) | Literal::Other => None,
        }
    }
}

/// `name(key = literal, …)`
#[derive(Debug)]
pub(super) struct Statement {
    pub(super) name: String,
    pub(super) span: Range<usize>,
    arguments: Vec<(String, Range<usize>, Literal, Range<usize>)>,
}

impl Statement {
    pub(super) fn given(&self, key: &str) -> Option<(&Literal, &Range<usize>)> {
        let found = self.arguments.iter().find(|(name, ..)| name == key);
        found.map(|(_, _, literal, span)| (literal, span))
    }

    pub(super) fn argument(
        &self,
        text: &str,
        key: &str,
    ) -> Result<(&Literal, &Range<usize>), Mistake> {
        let missing = || {
            Mistake::at(
                text,
                self.span.clone(),
                format!("{} needs {key} = …", self.name),
            )
        };
        self.given(key).ok_or_else(missing)
    }

    pub(super) fn string(&self, text: &str, key: &str) -> Result<String, Mistake> {
        let (literal, span) = self.argument(text, key)?;
        let wrong = || Mistake::at(text, span.clone(), format!("{key} is a string"));
        literal.text().map(str::to_owned).ok_or_else(wrong)
    }

    pub(super) fn strings(&self, text: &str, key: &str) -> Result<Vec<String>, Mistake> {
        let (literal, span) = self.argument(text, key)?;
        let wrong = || Mistake::at(text, span.clone(), format!("{key} is a list of strings"));
        match literal {
            Literal::List(items) => items
                .iter()
                .map(|(item, _)| item.text().map(str::to_owned).ok_or_else(wrong))
                .collect(),
            Literal::Text(_) | Literal::Other => Err(wrong()),
        }
    }

    /// Refuses arguments that are not known.
    pub(super) fn only(&self, text: &str, known: &[&'static str]) -> Result<(), Mistake> {
        match self
            .arguments
            .iter()
            .find(|(name, ..)| !known.contains(&name.as_str()))
        {
            None => Ok(()),
            Some((name, span, ..)) => {
                let near = nearest(name, known.iter().copied());
                let what = format!(
                    "{} has no '{name}' (known: {})",
                    self.name,
                    known.join(", ")
                );
                Err(Mistake::at(text, span.clone(), what).meaning(near))
            }
        }
    }
}

pub(super) fn read(text: &str) -> Result<Vec<Statement>, Mistake> {
    let mut reader = Reader { text, at: 0 };
    let mut statements = Vec::new();
    loop {
        reader.skip();
        if reader.rest().is_empty() {
            return Ok(statements);
        }
        statements.push(reader.statement()?);
    }
}

/// Deeper lists are refused, so that no file can exhaust the stack.
const DEEPEST: usize = 16;

struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Reader<'a> {
    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    /// Blanks, line ends and comments.
    fn skip(&mut self) {
        loop {
            let rest = self.rest();
            let trimmed = rest.trim_start_matches(|it: char| it.is_whitespace() || it == ';');
            self.at += rest.len() - trimmed.len();
            if !trimmed.starts_with('#') {
                return;
            }
            self.at += trimmed.find('\n').unwrap_or(trimmed.len());
        }
    }

    fn wrong<T>(&self, what: &str) -> Result<T, Mistake> {
        let len = self.rest().chars().next().map_or(0, char::len_utf8);
        Err(Mistake::at(self.text, self.at..self.at + len, what))
    }

    fn eat(&mut self, what: char) -> bool {
        self.skip();
        let found = self.rest().starts_with(what);
        self.at += if found { what.len_utf8() } else { 0 };
        found
    }

    fn name(&mut self) -> Option<(String, Range<usize>)> {
        self.skip();
        let rest = self.rest();
        let is_name = |it: char| it.is_ascii_alphanumeric() || it == '_';
        let len = rest.find(|it| !is_name(it)).unwrap_or(rest.len());
        let name = rest.get(..len).filter(|it| !it.is_empty())?;
        self.at += len;
        Some((name.to_owned(), self.at - len..self.at))
    }

    fn statement(&mut self) -> Result<Statement, Mistake> {
        let Some((name, span)) = self.name() else {
            return self.wrong(
                "expected prefix_rule(…): only calls with literals are read, no other Starlark",
            );
        };
        if !self.eat('(') {
            return self
                .wrong("expected '(': only calls with literals are read, no other Starlark");
        }
        let mut arguments = Vec::new();
        while !self.eat(')') {
            let Some((key, at)) = self.name() else {
                return self.wrong("expected a named argument, such as pattern = [\"git\"]");
            };
            if !self.eat('=') {
                return self.wrong("expected '=' after the name of an argument");
            }
            let (literal, value) = self.literal(0)?;
            arguments.push((key, at, literal, value));
            if !self.eat(',') && !self.rest().starts_with(')') {
                return self.wrong("expected ',' or ')'");
            }
        }
        Ok(Statement {
            name,
            span,
            arguments,
        })
    }

    fn literal(&mut self, depth: usize) -> Result<(Literal, Range<usize>), Mistake> {
        self.skip();
        let start = self.at;
        let literal = match self.rest().chars().next() {
            Some('[' | '(') if depth < DEEPEST => self.list(depth)?,
            Some(quote @ ('"' | '\'')) => Literal::Text(self.string(quote)?),
            Some(first) if first.is_ascii_digit() || first == '-' => {
                self.at += 1;
                self.name();
                Literal::Other
            }
            _ => match self.name() {
                Some((name, _)) if matches!(name.as_str(), "True" | "False" | "None") => {
                    Literal::Other
                }
                Some(_) => {
                    self.at = start;
                    return self.wrong(
                        "only literals are read: strings, lists, numbers, True, False, None",
                    );
                }
                None => return self.wrong("expected a string or a list"),
            },
        };
        Ok((literal, start..self.at))
    }

    fn list(&mut self, depth: usize) -> Result<Literal, Mistake> {
        let close = if self.rest().starts_with('[') {
            ']'
        } else {
            ')'
        };
        self.at += 1;
        let mut items = Vec::new();
        while !self.eat(close) {
            items.push(self.literal(depth + 1)?);
            if !self.eat(',') && !self.rest().starts_with(close) {
                return self.wrong("expected ',' or the end of the list");
            }
        }
        Ok(Literal::List(items))
    }

    fn string(&mut self, quote: char) -> Result<String, Mistake> {
        let start = self.at;
        self.at += 1;
        let mut out = String::new();
        let mut chars = self.rest().char_indices();
        while let Some((at, char)) = chars.next() {
            match char {
                _ if char == quote => {
                    self.at += at + 1;
                    return Ok(out);
                }
                '\n' => break,
                '\\' => match chars.next() {
                    Some((_, 'n')) => out.push('\n'),
                    Some((_, 't')) => out.push('\t'),
                    Some((_, other)) => out.push(other),
                    None => break,
                },
                char => out.push(char),
            }
        }
        self.at = start;
        self.wrong("the string is not closed")
    }
}
