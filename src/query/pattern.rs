//! Patterns for names and texts, and sets of symbols that match them.

use regex::{Error, RegexBuilder};

use crate::model::symbol::{Sym, Symbols};
use crate::query::bits::Bits;
use crate::query::expr::{Find, Regex, Test, Value};

/// One way a text can match.
#[derive(Debug, Clone)]
pub enum Pattern {
    Exact(String),
    Like(regex::Regex),
}

/// How much of the text a pattern must cover.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    Whole,
    /// The pattern may occur anywhere in the text.
    Anywhere,
}

impl Pattern {
    pub fn matches(&self, text: &str) -> bool {
        match self {
            Pattern::Exact(exact) => exact == text,
            Pattern::Like(regex) => regex.is_match(text),
        }
    }

    /// A value after `:`. Without capitals, it ignores case.
    pub fn of(value: &Value, extent: Extent) -> Pattern {
        let (text, glob) = match value {
            Value::Word(word) => (word.clone(), true),
            Value::Quoted(text) => (text.clone(), false),
            Value::Range(..) => (value.to_string(), false),
        };
        let mut source = String::new();
        for c in text.chars() {
            match c {
                '*' if glob => source.push_str(".*"),
                '?' if glob => source.push('.'),
                c => source.push_str(&regex::escape(c.encode_utf8(&mut [0; 4]))),
            }
        }
        if extent == Extent::Whole {
            source = format!("^(?:{source})$");
        }
        let mut builder = RegexBuilder::new(&source);
        let built = builder
            .case_insensitive(!has_capital(&text))
            .dot_matches_new_line(true)
            .build();
        built.map_or(Pattern::Exact(text), Pattern::Like)
    }

    pub fn exact(value: &Value) -> Pattern {
        Pattern::Exact(match value {
            Value::Word(text) | Value::Quoted(text) => text.clone(),
            Value::Range(..) => value.to_string(),
        })
    }

    /// A bare word, phrase or `/regex/`, found anywhere in a text. In a word without capitals,
    /// ASCII letters match their capitals only, never lookalikes from other alphabets, so that
    /// searching the raw bytes finds the same.
    pub fn find(find: &Find) -> Pattern {
        match find {
            Find::Regex(regex) => {
                compile(regex).map_or(Pattern::Exact(regex.source().to_owned()), Pattern::Like)
            }
            Find::Phrase(phrase) => {
                let fold = !has_capital(phrase);
                let mut source = String::new();
                for c in phrase.chars() {
                    let letter = regex::escape(c.encode_utf8(&mut [0; 4]));
                    match (fold, c.is_ascii()) {
                        (false, _) => source.push_str(&letter),
                        (true, true) => source.extend(["(?i-u:", &letter, ")"]),
                        (true, false) => source.extend(["(?i:", &letter, ")"]),
                    }
                }
                regex::Regex::new(&source).map_or(Pattern::Exact(phrase.clone()), Pattern::Like)
            }
        }
    }
}

/// Whether the typed text has a capital, which makes it case-sensitive.
pub fn has_capital(text: &str) -> bool {
    text.chars().any(char::is_uppercase)
}

/// Compiles a regular expression.
pub fn compile(regex: &Regex) -> Result<regex::Regex, Error> {
    RegexBuilder::new(regex.source())
        .case_insensitive(regex.any_case())
        .build()
}

/// The message of the error, without its diagram.
pub fn reason(error: &Error) -> String {
    let text = error.to_string();
    let last = text.lines().last().unwrap_or_default();
    last.strip_prefix("error: ").unwrap_or(last).to_owned()
}

/// A test of a text: matches any of the patterns, or none of them.
#[derive(Debug, Clone)]
pub struct TextTest {
    pub any: Vec<Pattern>,
    pub negated: bool,
}

impl TextTest {
    pub fn of(test: &Test, extent: Extent) -> TextTest {
        let (any, negated) = match test {
            Test::Matches(values) => (
                values
                    .iter()
                    .map(|value| Pattern::of(value, extent))
                    .collect(),
                false,
            ),
            Test::Equals(values) => (values.iter().map(Pattern::exact).collect(), false),
            Test::Differs(values) => (values.iter().map(Pattern::exact).collect(), true),
            Test::Regex(regex) => (
                compile(regex).map(Pattern::Like).into_iter().collect(),
                false,
            ),
            Test::Compare(..) => (Vec::new(), false),
        };
        TextTest { any, negated }
    }

    /// `text` must be recorded: the caller rejects an empty one.
    pub fn is_true_of(&self, text: &str) -> bool {
        self.any.iter().any(|pattern| pattern.matches(text)) != self.negated
    }
}

/// The symbols whose names match. Grows with the symbol table: each name is tested once.
#[derive(Debug, Clone)]
pub struct SymSet {
    test: TextTest,
    holds: Vec<bool>,
    members: Vec<Sym>,
}

/// Up to this many symbols are compared directly, which vectorises. More are looked up.
const MAX_DIRECT: usize = 3;

impl SymSet {
    pub fn new(test: TextTest) -> SymSet {
        // "Not recorded" is symbol 0 and never matches.
        SymSet {
            test,
            holds: vec![false],
            members: Vec::new(),
        }
    }

    pub fn extend(&mut self, symbols: &Symbols) {
        for number in self.holds.len() as u32..=symbols.len() {
            let passes = self.test.is_true_of(symbols.name(Sym(number)));
            self.holds.push(passes);
            if passes && self.members.len() <= MAX_DIRECT {
                self.members.push(Sym(number));
            }
        }
    }

    pub fn contains(&self, sym: Sym) -> bool {
        self.holds.get(sym.0 as usize).copied().unwrap_or(false)
    }

    /// The rows of a column whose symbol is in the set.
    pub fn rows(&self, column: &[Sym]) -> Bits {
        match *self.members.as_slice() {
            [] => Bits::NONE,
            [a] => Bits::of(column, |sym| sym == a),
            [a, b] => Bits::of(column, |sym| sym == a || sym == b),
            [a, b, c] => Bits::of(column, |sym| sym == a || sym == b || sym == c),
            _ => Bits::of(column, |sym| self.contains(sym)),
        }
    }
}
