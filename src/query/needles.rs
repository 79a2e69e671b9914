//! The words of a filter that can be pointed at in a text that matches.

use crate::query::expr::{Expr, Find, Subject, Term, Test, Value};
use crate::query::fields::Shape;

/// The texts that a matching action may hold, as they were typed; none for tests of numbers, names and states.
pub fn needles(expr: &Expr) -> Vec<String> {
    let mut found = Vec::new();
    collect(expr, &mut found);
    found
}

/// A single character stands everywhere and shows nothing.
const SHORTEST: usize = 2;

fn collect(expr: &Expr, found: &mut Vec<String>) {
    match expr {
        Expr::And(parts) | Expr::Or(parts) => parts.iter().for_each(|part| collect(part, found)),
        Expr::Text(text) => {
            if let Find::Phrase(phrase) = &text.find {
                add(phrase, found);
            }
        }
        Expr::Term(term) => of_term(term, found),
        Expr::All | Expr::Not(_) | Expr::Is(_) | Expr::Has(_) | Expr::Since(_) | Expr::At(..) => {}
    }
}

fn of_term(term: &Term, found: &mut Vec<String>) {
    let is_content = match &term.subject {
        Subject::Field(field) => field.info().shape == Shape::Text,
        Subject::Args(_) | Subject::Result(_) => true,
        Subject::Label(_) => false,
    };
    let values = match &term.test {
        Test::Matches(values) | Test::Equals(values) if is_content => values,
        _ => return,
    };
    for value in values {
        match value {
            // Between wildcards there are several texts.
            Value::Word(word) => word.split(['*', '?']).for_each(|part| add(part, found)),
            Value::Quoted(text) => add(text, found),
            Value::Range(..) => {}
        }
    }
}

fn add(text: &str, found: &mut Vec<String>) {
    if text.len() >= SHORTEST && !found.iter().any(|known| known == text) {
        found.push(text.to_owned());
    }
}

#[cfg(test)]
mod tests {
    use super::needles;
    use crate::query::parse;

    #[track_caller]
    fn check(filter: &str, expected: &[&str]) {
        assert_eq!(needles(&parse(filter).expect("a filter")), expected);
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
        check("/mix .*/ args.n:5", &[]);
    }
}
