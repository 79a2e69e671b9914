//! Which parts of a call the condition of a rule matched: for the person who has to answer for the rule.

use serde_json::{Value, json};

use crate::analysis::policy::Context;
use crate::analysis::policy::call::Call;
use crate::analysis::policy::native::{About, Condition};
use crate::ingest::body::Matched;
use crate::query::body::{self, Answer};
use crate::query::call_filter::{CallFilter, Known};
use crate::query::expr::{self, Comparison, Expr, Find, Subject, Term, Test};

/// Each matching part, with the value that it was compared with.
pub(super) fn of(condition: &Condition, call: &Call<'_>, context: &Context<'_>) -> Vec<Matched> {
    let about = About { call, context };
    let mut found = Vec::new();
    if !condition.tools.is_empty() {
        found.push(Matched {
            path: "tool".to_owned(),
            op: ":".to_owned(),
            value: None,
            actual: Some(json!(call.tool)),
        });
    }
    if let Some(class) = condition.class {
        found.push(Matched {
            path: "class".to_owned(),
            op: "=".to_owned(),
            value: Some(json!(class.word())),
            actual: Some(json!(call.class().word())),
        });
    }
    if let Some(expr) = &condition.expr {
        collect(expr, &about, &mut found);
    }
    if !condition.cel_text.is_empty() {
        found.push(Matched {
            path: "cel".to_owned(),
            op: ":".to_owned(),
            value: Some(json!(condition.cel_text)),
            actual: None,
        });
    }
    found
}

fn collect(expr: &Expr, about: &About<'_>, found: &mut Vec<Matched>) {
    match expr {
        Expr::And(parts) | Expr::Or(parts) => {
            for part in parts {
                collect(part, about, found);
            }
        }
        Expr::Term(term) if !matches!(holds(expr, about), Answer::False) => {
            found.push(one(term, about));
        }
        Expr::Text(text) if holds(expr, about) == Answer::True => found.push(Matched {
            path: "args".to_owned(),
            op: "contains".to_owned(),
            value: Some(json!(match &text.find {
                Find::Phrase(phrase) => phrase.as_str(),
                Find::Regex(regex) => regex.source(),
            })),
            actual: None,
        }),
        Expr::All
        | Expr::Not(_)
        | Expr::Term(_)
        | Expr::Text(_)
        | Expr::Is(_)
        | Expr::Has(_)
        | Expr::Since(_)
        | Expr::At(..) => {}
    }
}

fn holds(expr: &Expr, about: &About<'_>) -> Answer {
    CallFilter::compile(expr).map_or(Answer::False, |filter| filter.test(about))
}

fn one(term: &Term, about: &About<'_>) -> Matched {
    let actual = match &term.subject {
        Subject::Field(field) => about.field(*field),
        Subject::Args(path) => {
            let values = body::values(about.args(), path);
            values.first().map(|value| value.clone().into_owned())
        }
        Subject::Label(_) | Subject::Result(_) => None,
    };
    let (op, value) = test(&term.test);
    Matched {
        path: term.subject.to_string(),
        op: op.to_owned(),
        value: Some(value),
        actual,
    }
}

fn test(test: &Test) -> (&'static str, Value) {
    match test {
        Test::Matches(values) => (":", listed(values)),
        Test::Equals(values) => ("=", listed(values)),
        Test::Differs(values) => ("!=", listed(values)),
        Test::Compare(comparison, number) => {
            let op = match comparison {
                Comparison::Greater => ">",
                Comparison::GreaterOrEqual => ">=",
                Comparison::Less => "<",
                Comparison::LessOrEqual => "<=",
            };
            let value = serde_json::from_str(number);
            (op, value.unwrap_or_else(|_| json!(number)))
        }
        Test::Regex(regex) => ("~", json!(regex.source())),
    }
}

fn listed(values: &[expr::Value]) -> Value {
    let mut values = values.iter().map(|value| match value {
        expr::Value::Word(word) | expr::Value::Quoted(word) => json!(word),
        expr::Value::Range(..) => json!(value.to_string()),
    });
    match (values.next(), values.len()) {
        (Some(only), 0) => only,
        (first, _) => first.into_iter().chain(values).collect(),
    }
}
