//! Prints an expression as text that parses back to the same expression.

use std::fmt::{self, Display, Formatter, Write};

use crate::query::expr::{
    Comparison, Expr, Find, Path, Regex, Scope, Step, Subject, Term, Test, Text, TimeOfDay, Value,
};
use crate::query::lex::in_name;
use crate::query::parse::Keyword;

impl Display for Expr {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Expr::All => Ok(()),
            Expr::And(parts) => joined(f, parts, " "),
            Expr::Or(parts) => joined(f, parts, " OR "),
            Expr::Not(inner) => {
                f.write_char('-')?;
                match **inner {
                    Expr::Not(_) => write!(f, "({inner})"),
                    _ => part(f, inner),
                }
            }
            Expr::Term(term) => term.fmt(f),
            Expr::Text(text) => text.fmt(f),
            Expr::Is(states) => {
                f.write_str("is:")?;
                alternatives(f, states, |f, state| f.write_str(state.word()))
            }
            Expr::Has(subjects) => {
                f.write_str("has:")?;
                alternatives(f, subjects, |f, subject| subject.fmt(f))
            }
            Expr::Since(time) => write!(f, "since:{time}"),
            Expr::At(from, to) if from == to => write!(f, "at:{}", End(*from)),
            Expr::At(from, to) => write!(f, "at:{}..{}", End(*from), End(*to)),
        }
    }
}

fn joined(f: &mut Formatter<'_>, parts: &[Expr], between: &str) -> fmt::Result {
    for (number, expr) in parts.iter().enumerate() {
        if number > 0 {
            f.write_str(between)?;
        }
        part(f, expr)?;
    }
    Ok(())
}

/// An expression next to others, in brackets where needed.
fn part(f: &mut Formatter<'_>, expr: &Expr) -> fmt::Result {
    match expr {
        Expr::And(_) | Expr::Or(_) => write!(f, "({expr})"),
        _ => expr.fmt(f),
    }
}

fn alternatives<T>(
    f: &mut Formatter<'_>,
    items: &[T],
    one: impl Fn(&mut Formatter<'_>, &T) -> fmt::Result,
) -> fmt::Result {
    if let [only] = items {
        return one(f, only);
    }
    for (number, item) in items.iter().enumerate() {
        f.write_char(if number == 0 { '(' } else { '|' })?;
        one(f, item)?;
    }
    f.write_char(')')
}

impl Display for Term {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.subject.fmt(f)?;
        match &self.test {
            Test::Matches(values) => {
                f.write_char(':')?;
                if let [Value::Word(word)] = values.as_slice()
                    && is_start_of_path(word)
                {
                    return write!(f, "({word})");
                }
                alternatives(f, values, |f, value| value.fmt(f))
            }
            Test::Equals(values) => {
                f.write_char('=')?;
                alternatives(f, values, |f, value| value.fmt(f))
            }
            Test::Differs(values) => {
                f.write_str("!=")?;
                alternatives(f, values, |f, value| value.fmt(f))
            }
            Test::Compare(comparison, number) => {
                f.write_str(match comparison {
                    Comparison::Greater => ">",
                    Comparison::GreaterOrEqual => ">=",
                    Comparison::Less => "<",
                    Comparison::LessOrEqual => "<=",
                })?;
                f.write_str(number)
            }
            Test::Regex(regex) => write!(f, "~{regex}"),
        }
    }
}

impl Display for Subject {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Subject::Field(field) => f.write_str(field.info().name),
            Subject::Label(name) => {
                f.write_str("label.")?;
                let plain = name.chars().all(|c| in_name(c) || c == '.');
                if plain {
                    f.write_str(name)
                } else {
                    quoted(f, name)
                }
            }
            Subject::Args(path) => write!(f, "args{}", Steps(path)),
            Subject::Result(path) => write!(f, "result{}", Steps(path)),
        }
    }
}

struct Steps<'a>(&'a Path);

impl Display for Steps<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for step in self.0 {
            match step {
                Step::Each => f.write_str("[*]")?,
                Step::Key(key) if key.chars().all(in_name) => write!(f, ".{key}")?,
                Step::Key(key) => {
                    f.write_char('.')?;
                    quoted(f, key)?;
                }
            }
        }
        Ok(())
    }
}

impl Display for Value {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Value::Word(word) => f.write_str(word),
            Value::Quoted(text) => quoted(f, text),
            Value::Range(lo, hi) => {
                write!(
                    f,
                    "{}..{}",
                    lo.as_deref().unwrap_or_default(),
                    hi.as_deref().unwrap_or_default()
                )
            }
        }
    }
}

impl Display for Text {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.scope {
            None => self.find.fmt(f),
            Some(scope) => write!(f, "(in:{scope} {})", self.find),
        }
    }
}

impl Display for Scope {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let places = [
            ("args", self.args),
            ("result", self.result),
            ("text", self.text),
        ];
        let named: Vec<&str> = places
            .iter()
            .filter(|(_, wanted)| *wanted)
            .map(|(name, _)| *name)
            .collect();
        alternatives(f, &named, |f, name| f.write_str(name))
    }
}

impl Display for Find {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Find::Phrase(phrase) if is_plain_word(phrase) => f.write_str(phrase),
            Find::Phrase(phrase) => quoted(f, phrase),
            Find::Regex(regex) => regex.fmt(f),
        }
    }
}

/// `/usr`: a later slash would turn it into a regular expression.
fn is_start_of_path(word: &str) -> bool {
    word.strip_prefix('/')
        .is_some_and(|rest| !rest.contains('/'))
}

/// Whether a phrase parses back as itself without quotes.
fn is_plain_word(phrase: &str) -> bool {
    let keyword = Keyword::of(phrase).is_some();
    let starts_well = phrase.chars().next().is_some_and(char::is_alphanumeric);
    starts_well
        && !keyword
        && phrase
            .chars()
            .all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '/' | '@'))
}

impl Display for Regex {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "/{}/", self.source().replace('/', "\\/"))?;
        if self.any_case() {
            f.write_char('i')
        } else {
            Ok(())
        }
    }
}

struct End(Option<TimeOfDay>);

impl Display for End {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Some(time) = self.0 else { return Ok(()) };
        write!(f, "{:02}:{:02}", time.hour, time.minute)?;
        time.second
            .map_or(Ok(()), |second| write!(f, ":{second:02}"))
    }
}

fn quoted(f: &mut Formatter<'_>, text: &str) -> fmt::Result {
    write!(f, "\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}
