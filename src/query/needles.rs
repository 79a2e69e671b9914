//! The words and expressions of a filter that can be pointed at in a text that matches.

use std::ops::Range;

use regex::Regex;

use crate::base::text::find_all;
use crate::query::expr::{self, Expr, Find, Subject, Term, Test, Value};
use crate::query::fields::Shape;

/// What is pointed at in texts.
#[derive(Debug, Clone)]
pub enum Needle {
    Text(String),
    Regex(Regex),
}

impl PartialEq for Needle {
    fn eq(&self, other: &Needle) -> bool {
        match (self, other) {
            (Needle::Text(one), Needle::Text(two)) => one == two,
            (Needle::Regex(one), Needle::Regex(two)) => one.as_str() == two.as_str(),
            (Needle::Text(_), Needle::Regex(_)) | (Needle::Regex(_), Needle::Text(_)) => false,
        }
    }
}

impl Needle {
    /// The first place in `text` from a byte on. Never an empty one: there would be nothing to see.
    pub fn find(&self, text: &str, from: usize) -> Option<Range<usize>> {
        match self {
            Needle::Text(sought) => {
                let found = find_all(text.get(from..)?, sought).next()?;
                Some(from + found.start..from + found.end)
            }
            Needle::Regex(regex) => {
                let mut at = from;
                loop {
                    let found = regex.find_at(text, at)?;
                    if !found.is_empty() {
                        return Some(found.range());
                    }
                    at = found.end() + text.get(found.end()..)?.chars().next()?.len_utf8();
                }
            }
        }
    }
}

/// The first place of one of some needles in a text, from a byte on.
pub fn first(sought: &[Needle], text: &str, from: usize) -> Option<Range<usize>> {
    let places = sought.iter().filter_map(|it| it.find(text, from));
    places.min_by_key(|place| place.start)
}

/// What a matching action may hold; nothing for tests of numbers, names and states.
pub fn needles(expr: &Expr) -> Vec<Needle> {
    let mut found = Vec::new();
    collect(expr, &mut found);
    found
}

/// A single character occurs everywhere and highlights nothing useful.
const SHORTEST: usize = 2;

fn collect(expr: &Expr, found: &mut Vec<Needle>) {
    match expr {
        Expr::And(parts) | Expr::Or(parts) => parts.iter().for_each(|part| collect(part, found)),
        Expr::Text(text) => match &text.find {
            Find::Phrase(phrase) => add_text(phrase, found),
            Find::Regex(regex) => add_regex(regex, found),
        },
        Expr::Term(term) => of_term(term, found),
        Expr::All | Expr::Not(_) | Expr::Is(_) | Expr::Has(_) | Expr::Since(_) | Expr::At(..) => {}
    }
}

fn of_term(term: &Term, found: &mut Vec<Needle>) {
    let is_content = match &term.subject {
        Subject::Field(field) => field.info().shape == Shape::Text,
        Subject::Args(_) | Subject::Result(_) => true,
        Subject::Label(_) => false,
    };
    let values = match &term.test {
        Test::Matches(values) | Test::Equals(values) if is_content => values,
        Test::Regex(regex) if is_content => return add_regex(regex, found),
        _ => return,
    };
    for value in values {
        match value {
            // Between wildcards there are several texts.
            Value::Word(word) => word
                .split(['*', '?'])
                .for_each(|part| add_text(part, found)),
            Value::Quoted(text) => add_text(text, found),
            Value::Range(..) => {}
        }
    }
}

fn add_text(text: &str, found: &mut Vec<Needle>) {
    if text.len() >= SHORTEST {
        add(Needle::Text(text.to_owned()), found);
    }
}

fn add_regex(regex: &expr::Regex, found: &mut Vec<Needle>) {
    let case = if regex.any_case() { "(?i)" } else { "" };
    if let Ok(regex) = Regex::new(&format!("{case}{}", regex.source())) {
        add(Needle::Regex(regex), found);
    }
}

fn add(needle: Needle, found: &mut Vec<Needle>) {
    if !found.contains(&needle) {
        found.push(needle);
    }
}

#[cfg(test)]
mod tests {
    use super::{Needle, first, needles};
    use crate::query::parse;

    #[track_caller]
    fn check(filter: &str, expected: &[&str]) {
        let found = needles(&parse(filter).expect("a filter"));
        let found = found.iter().map(|needle| match needle {
            Needle::Text(text) => text.clone(),
            Needle::Regex(regex) => format!("/{}/", regex.as_str()),
        });
        assert_eq!(found.collect::<Vec<_>>(), expected);
    }

    #[test]
    fn texts_that_a_match_holds_are_found_and_nothing_else() {
        check("dialyzer", &["dialyzer"]);
        check("\"no replacement\" tool:edit cost>1", &["no replacement"]);
        check(
            "text:beads or args.path:lib*otel?ex",
            &["beads", "lib", "otel", "ex"],
        );
        check("-dialyzer is:error", &[]);
        check("/mix .*/ args.n:5", &["/mix .*/"]);
        check("text~/refund/i tool~Ba", &["/(?i)refund/"]);
    }

    #[test]
    fn an_expression_is_found_where_it_matches_something() {
        let sought = needles(&parse("/mix \\w*/").expect("a filter"));
        assert_eq!(first(&sought, "é mix test", 0), Some(3..11));
        assert_eq!(first(&sought, "mix test", 1), None);
        let sought = needles(&parse("/x*/").expect("a filter"));
        assert_eq!(first(&sought, "éaxx", 0), Some(3..5));
        assert_eq!(first(&sought, "éa", 0), None);
    }
}
