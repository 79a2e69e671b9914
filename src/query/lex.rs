//! The lexer of filters: words, quotes, regular expressions.

use std::ops::Range;

use crate::query::parse::ParseError;

/// A position in the text of a filter.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cursor<'a> {
    text: &'a str,
    pub(super) at: usize,
}

/// Ends a bare word.
pub(super) fn ends_word(c: char) -> bool {
    c.is_whitespace() || matches!(c, '(' | ')' | '"' | '|')
}

/// Allowed in a field name or in a step of a path.
pub(super) fn in_name(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '-' | '$' | '@')
}

impl<'a> Cursor<'a> {
    pub(super) fn new(text: &'a str) -> Cursor<'a> {
        Cursor { text, at: 0 }
    }

    pub(super) fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    pub(super) fn from(&self, start: usize) -> &'a str {
        self.text.get(start..self.at).unwrap_or_default()
    }

    pub(super) fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    pub(super) fn bump(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.at += c.len_utf8();
        Some(c)
    }

    /// Skips `text` if it comes next.
    pub(super) fn eat(&mut self, text: &str) -> bool {
        let eaten = self.rest().starts_with(text);
        if eaten {
            self.at += text.len();
        }
        eaten
    }

    pub(super) fn skip_space(&mut self) {
        self.take_while(char::is_whitespace);
    }

    pub(super) fn take_while(&mut self, keep: impl Fn(char) -> bool) -> &'a str {
        let start = self.at;
        while self.peek().is_some_and(&keep) {
            self.bump();
        }
        self.from(start)
    }

    /// The next bare word, without advancing.
    pub(super) fn next_word(&self) -> &'a str {
        let mut ahead = *self;
        ahead.take_while(|c| !ends_word(c))
    }

    /// Quoted text, with the cursor on the quote. `\"` and `\\` are a quote and a backslash.
    pub(super) fn quoted(&mut self) -> Result<String, ParseError> {
        let start = self.at;
        self.bump();
        let mut out = String::new();
        loop {
            match self.bump() {
                Some('"') => return Ok(out),
                Some('\\') => match self.peek() {
                    Some(c @ ('"' | '\\')) => {
                        self.bump();
                        out.push(c);
                    }
                    _ => out.push('\\'),
                },
                Some(c) => out.push(c),
                None => {
                    return Err(ParseError::new(
                        self.span(start),
                        "this quote is never closed",
                    ));
                }
            }
        }
    }

    /// `/source/` or `/source/i`. `None`, without advancing, for anything else, such as a path: the
    /// closing slash must be followed by a space, a bracket, `|` or the end.
    pub(super) fn regex(&mut self) -> Option<(&'a str, bool)> {
        let mut ahead = *self;
        if !ahead.eat("/") {
            return None;
        }
        let start = ahead.at;
        loop {
            match ahead.bump()? {
                '\\' => {
                    ahead.bump()?;
                }
                '/' if ahead.at - 1 > start => {
                    let source = self.text.get(start..ahead.at - 1)?;
                    let mut after = ahead;
                    let any_case = after.eat("i");
                    for (end, any_case) in [(after, any_case), (ahead, false)] {
                        if end.peek().is_none_or(ends_word) {
                            *self = end;
                            return Some((source, any_case));
                        }
                    }
                }
                _ => {}
            }
        }
    }

    /// Everything up to a space or an unbalanced bracket, for regular expressions.
    pub(super) fn balanced(&mut self) -> &'a str {
        let start = self.at;
        let mut open = 0_usize;
        while let Some(c) = self.peek() {
            match c {
                '\\' => {
                    self.bump();
                }
                '(' => open += 1,
                ')' if open == 0 => break,
                ')' => open -= 1,
                c if c.is_whitespace() => break,
                _ => {}
            }
            if self.peek().is_some_and(|c| !c.is_whitespace()) {
                self.bump();
            }
        }
        self.from(start)
    }

    pub(super) fn span(&self, start: usize) -> Range<usize> {
        start..self.at
    }
}
