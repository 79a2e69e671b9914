//! Patterns for names and texts, and sets of symbols that match them.

use std::sync::OnceLock;

use regex::{Error, RegexBuilder};

use crate::model::symbol::{Sym, Symbols};
use crate::query::bits::Bits;
use crate::query::expr::{Find, Regex, Test, Value};

/// One way a text can match.
#[derive(Debug, Clone)]
pub enum Pattern {
    Exact(String),
    LazyRegex(LazyRegex),
}

/// A regular expression. It is compiled on first use: a hook reads a policy of many rules for one call.
#[derive(Debug, Clone)]
pub struct LazyRegex {
    source: String,
    any_case: bool,
    /// The literal text, if it has no operators.
    literal: Option<(String, Extent)>,
    compiled: OnceLock<Option<regex::Regex>>,
}

/// In texts up to this length, a literal is searched without compiling anything.
const SHORT: usize = 256;

impl LazyRegex {
    fn new(source: String, any_case: bool) -> LazyRegex {
        LazyRegex {
            source,
            any_case,
            literal: None,
            compiled: OnceLock::new(),
        }
    }

    /// The expression with its flags, in the syntax of RE2.
    pub fn expression(&self) -> String {
        let flags = if self.any_case { "(?i)" } else { "" };
        format!("{flags}{}", self.source)
    }

    fn matches(&self, text: &str) -> bool {
        if let Some((literal, extent)) = &self.literal
            && let Some(found) = self.quickly(literal, *extent, text)
        {
            return found;
        }
        let compiled = self.compiled.get_or_init(|| {
            let mut builder = RegexBuilder::new(&self.source);
            builder.case_insensitive(self.any_case).build().ok()
        });
        compiled.as_ref().is_some_and(|it| it.is_match(text))
    }

    /// None where only the expression can decide: capitals of other alphabets are not compared here.
    fn quickly(&self, literal: &str, extent: Extent, text: &str) -> Option<bool> {
        let is_comparable = !self.any_case || literal.is_ascii() && text.is_ascii();
        if text.len() > SHORT || !is_comparable {
            return None;
        }
        Some(match (extent, self.any_case) {
            (Extent::Whole, false) => text == literal,
            (Extent::Whole, true) => text.eq_ignore_ascii_case(literal),
            (Extent::Anywhere, false) => text.contains(literal),
            (Extent::Anywhere, true) => {
                let (text, literal) = (text.as_bytes(), literal.as_bytes());
                let mut windows = text.windows(literal.len().max(1));
                literal.is_empty() || windows.any(|it| it.eq_ignore_ascii_case(literal))
            }
        })
    }
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
            Pattern::LazyRegex(like) => like.matches(text),
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
        let is_literal = !glob || !text.contains(['*', '?']);
        Pattern::LazyRegex(LazyRegex {
            literal: is_literal.then(|| (text.clone(), extent)),
            // A dot is any character, including line ends.
            ..LazyRegex::new(format!("(?s){source}"), !has_capital(&text))
        })
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
            Find::Regex(regex) => Pattern::like(regex),
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
                Pattern::LazyRegex(LazyRegex::new(source, false))
            }
        }
    }

    /// An expression that was checked when it was parsed.
    fn like(regex: &Regex) -> Pattern {
        let source = regex.source().to_owned();
        let literal = is_literal(&source).then(|| (source.clone(), Extent::Anywhere));
        Pattern::LazyRegex(LazyRegex {
            literal,
            ..LazyRegex::new(source, regex.any_case())
        })
    }
}

/// Whether an expression has no operators.
fn is_literal(source: &str) -> bool {
    regex::escape(source) == source
}

/// Whether the typed text has a capital, which makes it case-sensitive.
pub fn has_capital(text: &str) -> bool {
    text.chars().any(char::is_uppercase)
}

/// Whether it is a regular expression.
pub fn check(regex: &Regex) -> Result<(), Error> {
    if is_literal(regex.source()) {
        return Ok(());
    }
    RegexBuilder::new(regex.source())
        .case_insensitive(regex.any_case())
        .build()
        .map(drop)
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
            Test::Regex(regex) => (vec![Pattern::like(regex)], false),
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
    /// What of a name is tested.
    read: fn(&str) -> &str,
    holds: Vec<bool>,
    members: Vec<Sym>,
}

/// Up to this many symbols are compared directly, which vectorises. More are looked up.
const MAX_DIRECT: usize = 3;

impl SymSet {
    pub fn new(test: TextTest) -> SymSet {
        SymSet::reading(|name| name, test)
    }

    /// The symbols of whose names something else is tested.
    pub fn reading(read: fn(&str) -> &str, test: TextTest) -> SymSet {
        // "Not recorded" is symbol 0 and never matches.
        SymSet {
            test,
            read,
            holds: vec![false],
            members: Vec::new(),
        }
    }

    /// What the name of a member passes.
    pub fn test(&self) -> &TextTest {
        &self.test
    }

    pub fn extend(&mut self, symbols: &Symbols) {
        for number in self.holds.len() as u32..=symbols.len() {
            let passes = self.test.is_true_of((self.read)(symbols.name(Sym(number))));
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

#[cfg(test)]
mod tests {
    use super::{Extent, LazyRegex, Pattern};
    use crate::query::expr::{Regex, Value};

    /// The shortcut and the expression agree.
    #[track_caller]
    fn check(pattern: &Pattern, text: &str, expected: bool) {
        assert_eq!(pattern.matches(text), expected, "{pattern:?} {text}");
        let Pattern::LazyRegex(like) = pattern else {
            return;
        };
        let compiled = Pattern::LazyRegex(LazyRegex {
            literal: None,
            ..like.clone()
        });
        assert_eq!(compiled.matches(text), expected, "{pattern:?} {text}");
    }

    #[test]
    fn a_literal_is_found_without_compiling_it_as_its_expression_finds_it() {
        let regex = |source: &str, any_case| Pattern::like(&Regex::new(source, any_case));
        check(&regex("rm -rf", false), "sudo rm -rf /", true);
        check(&regex("rm -rf", false), "sudo RM -RF /", false);
        check(&regex("task", true), "Task", true);
        check(&regex("task", true), "ta\u{17f}k", true);
        check(&regex("a.c", false), "abc", true);
        check(&regex("", true), "x", true);
        let word = |text: &str, extent| Pattern::of(&Value::Word(text.to_owned()), extent);
        check(&word("bash", Extent::Whole), "BASH", true);
        check(&word("Bash", Extent::Whole), "bash", false);
        check(&word("bash", Extent::Whole), "bash ", false);
        check(&word("a.c", Extent::Anywhere), "xabcx", false);
        check(&word("a*c", Extent::Whole), "a\nc", true);
        let long = format!("{}RM", "x".repeat(300));
        check(&regex("rm", true), &long, true);
    }
}
