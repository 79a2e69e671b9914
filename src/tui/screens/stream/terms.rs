//! Terms of a filter made from what is selected.

use serde_json::Value as Json;

use crate::model::action::{Kind, Status};
use crate::query::expr::{Expr, Find, Path, Scope, Step, Subject, Term, Test, Text, Value};
use crate::query::fields::{Field, KIND_NAMES};
use crate::query::parse;
use crate::store::row::Row;
use crate::tui::screens::stream::inspector::Tab;
use crate::tui::widgets::outline;

/// Longer values make no filter that anybody could read.
const LONGEST: usize = 200;

/// `args.amount=4200` for a value of a tab; why not, where the language cannot say it.
pub fn of_value(tab: Tab, steps: &[outline::Step], value: &Json) -> Result<Expr, &'static str> {
    let value = match value {
        Json::String(text) if text.len() > LONGEST => {
            return Err("this value is too long for a filter");
        }
        Json::String(text) => text.clone(),
        Json::Number(number) => number.to_string(),
        Json::Bool(truth) => truth.to_string(),
        Json::Null => return Err("no recorded value to filter by"),
        Json::Array(_) | Json::Object(_) => {
            return Err("go to a value inside: this one contains several");
        }
    };
    // The fields of a record have the names of its format: only its words can be looked for.
    let Some(subject) = subject(tab, steps) else {
        return Ok(phrase(value, None));
    };
    Ok(Expr::Term(Term {
        subject,
        test: Test::Equals(vec![word(value)]),
    }))
}

/// What the filter language calls a value of a tab.
pub fn subject(tab: Tab, steps: &[outline::Step]) -> Option<Subject> {
    let step = |step: &outline::Step| match step {
        outline::Step::Key(key) => Step::Key(key.clone()),
        outline::Step::Item(number) => Step::Key(number.to_string()),
    };
    let path: Path = steps.iter().map(step).collect();
    match tab {
        Tab::Args => Some(Subject::Args(path)),
        Tab::Result => Some(Subject::Result(path)),
        Tab::Raw | Tab::Text | Tab::Policy => None,
    }
}

/// The words of a line.
pub fn of_words(words: &str) -> Result<Expr, &'static str> {
    let words = words.trim();
    if words.is_empty() {
        return Err("no value to filter by");
    }
    if words.len() > LONGEST {
        return Err("this line is too long for a filter");
    }
    let scope = Scope {
        text: true,
        ..Scope::default()
    };
    Ok(phrase(words.to_owned(), Some(scope)))
}

fn phrase(words: String, scope: Option<Scope>) -> Expr {
    Expr::Text(Text {
        find: Find::Phrase(words),
        scope,
    })
}

/// What a row can be kept by: the key to press, and the term. The first is the most telling one.
pub fn of_row(row: &Row<'_>) -> Vec<(char, Expr)> {
    let kind = KIND_NAMES
        .iter()
        .find(|(_, kind)| *kind == row.kind())
        .map_or(row.kind().word(), |(name, _)| *name);
    let status = Some(row.status()).filter(|status| *status != Status::Unrecorded);
    let turn = (row.turn() > 0).then(|| row.turn().to_string());
    let run = Some(&*row.run().id).filter(|_| row.kind() != Kind::Malformed);
    let all = [
        ('t', Field::Tool, Some(row.tool().to_owned())),
        ('k', Field::Kind, Some(kind.to_owned())),
        ('a', Field::Agent, Some(row.agent().to_owned())),
        ('m', Field::Model, Some(row.model().to_owned())),
        (
            's',
            Field::Status,
            status.map(|status| status.word().to_owned()),
        ),
        ('T', Field::Turn, turn),
        ('u', Field::User, Some(row.user().to_owned())),
        ('r', Field::Run, run.map(str::to_owned)),
    ];
    let known = all.into_iter().filter_map(|(key, field, value)| {
        Some((key, field, value.filter(|value| !value.is_empty())?))
    });
    known
        .map(|(key, field, value)| {
            let test = match word(value) {
                word @ Value::Word(_) => Test::Matches(vec![word]),
                quoted @ (Value::Quoted(_) | Value::Range(..)) => Test::Equals(vec![quoted]),
            };
            let subject = Subject::Field(field);
            (key, Expr::Term(Term { subject, test }))
        })
        .collect()
}

/// A value without quotes where it reads back the same.
fn word(value: String) -> Value {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '@');
    let starts_well = value.starts_with(|c: char| c.is_ascii_alphanumeric());
    if starts_well && !value.contains("..") && value.chars().all(is_plain) {
        Value::Word(value)
    } else {
        Value::Quoted(value)
    }
}

/// A filter with one more term that must be true, or that must not.
pub fn add(filter: &str, parsed: Option<&Expr>, term: Expr, keeps: bool) -> String {
    let term = if keeps {
        term
    } else {
        Expr::Not(Box::new(term))
    };
    let before = filter.trim();
    let words = match parsed {
        Some(Expr::Or(_)) => format!("({before}) {term}"),
        Some(_) | None if before.is_empty() => term.to_string(),
        Some(_) | None => format!("{before} {term}"),
    };
    debug_assert!(parse::parse_over_policy(&words).is_ok(), "{words}");
    words
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{add, of_value};
    use crate::query::parse;
    use crate::tui::screens::stream::inspector::Tab;
    use crate::tui::widgets::outline::Step;

    #[track_caller]
    fn check(
        filter: &str,
        (tab, keys, value): (Tab, &[&str], &Value),
        keeps: bool,
        expected: &str,
    ) {
        let steps: Vec<Step> = keys
            .iter()
            .map(|key| {
                key.parse()
                    .map_or_else(|_| Step::Key((*key).to_owned()), Step::Item)
            })
            .collect();
        let term = of_value(tab, &steps, value).expect("a term");
        let parsed = Some(parse::parse(filter).expect("a filter"));
        let added = add(filter, parsed.as_ref(), term, keeps);
        assert_eq!(added, expected);
        parse::parse(&added).expect("a filter");
    }

    #[test]
    fn a_value_becomes_a_term_that_is_added() {
        check(
            "",
            (Tab::Args, &["amount"], &json!(4200)),
            true,
            "args.amount=4200",
        );
        check(
            "tool:refund",
            (Tab::Args, &["amount"], &json!(4200)),
            false,
            "tool:refund -args.amount=4200",
        );
        check(
            "a OR b",
            (Tab::Result, &["items", "0", "x y"], &json!("p \"q\"")),
            true,
            "(a OR b) result.items.0.\"x y\"=\"p \\\"q\\\"\"",
        );
        check(
            "",
            (Tab::Raw, &["type"], &json!("tool_call")),
            true,
            "tool_call",
        );
        check(
            "",
            (Tab::Args, &["path"], &json!("/a/b c")),
            true,
            "args.path=\"/a/b c\"",
        );
    }

    #[test]
    fn what_holds_several_values_or_is_long_is_not_a_term() {
        assert!(of_value(Tab::Args, &[], &json!({"a": 1})).is_err());
        assert!(of_value(Tab::Args, &[], &json!("x".repeat(300))).is_err());
    }
}
