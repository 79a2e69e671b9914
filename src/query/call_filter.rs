//! A filter on a call that has not run yet: it can test only what is known before the call runs.

use std::borrow::Cow;

use serde_json::Value;

use crate::model::class::Class;
use crate::query::body::{self, Answer};
use crate::query::body::{ValueTest, any_in};
use crate::query::compile::values::value_test;
use crate::query::expr::{Expr, Find, Path, Scope, Subject, Text};
use crate::query::fields::{Field, Shape};
use crate::query::pattern::{Extent, Pattern};

/// What a filter can test of a call.
pub trait Known {
    fn args(&self) -> Option<&Value>;

    /// None where it is not recorded.
    fn field(&self, field: Field) -> Option<Value>;
}

/// A filter that can test a call before it runs.
#[derive(Debug, Clone)]
pub struct CallFilter(Node);

#[derive(Debug, Clone)]
enum Node {
    Always,
    And(Vec<Node>),
    Or(Vec<Node>),
    Not(Box<Node>),
    Field(Field, ValueTest),
    HasField(Field),
    Args(Path, ValueTest),
    HasArgs(Path),
    /// A word in the arguments, or in the name of the tool as well.
    Words {
        pattern: Pattern,
        only_args: bool,
    },
}

/// The fields that are known before a call runs.
const FIELDS: &[Field] = &[
    Field::Tool,
    Field::Class,
    Field::Command,
    Field::Agent,
    Field::Model,
    Field::Provider,
    Field::User,
    Field::Run,
    Field::Turn,
    Field::Seq,
    Field::Calls,
    Field::Errors,
    Field::Task,
    Field::Env,
    Field::Service,
    Field::Release,
];

impl CallFilter {
    /// An error names what is not known before a call runs.
    pub fn compile(expr: &Expr) -> Result<CallFilter, String> {
        node(expr).map(CallFilter)
    }

    /// True, false, or neither: there is text where a number was needed, or the arguments are not recorded.
    pub fn test(&self, known: &dyn Known) -> Answer {
        answer(&self.0, known)
    }

    /// Whether it asks for something that is neither the tool nor its arguments.
    pub fn needs_run(&self) -> bool {
        needs_run(&self.0)
    }
}

fn needs_run(node: &Node) -> bool {
    match node {
        Node::Always | Node::Args(..) | Node::HasArgs(_) | Node::Words { .. } => false,
        Node::And(parts) | Node::Or(parts) => parts.iter().any(needs_run),
        Node::Not(inner) => needs_run(inner),
        Node::Field(field, _) | Node::HasField(field) => {
            !matches!(field, Field::Tool | Field::Class | Field::Command)
        }
    }
}

fn node(expr: &Expr) -> Result<Node, String> {
    let all = |parts: &[Expr]| {
        parts
            .iter()
            .map(node)
            .collect::<Result<Vec<Node>, String>>()
    };
    Ok(match expr {
        Expr::All => Node::Always,
        Expr::And(parts) => Node::And(all(parts)?),
        Expr::Or(parts) => Node::Or(all(parts)?),
        Expr::Not(inner) => Node::Not(Box::new(node(inner)?)),
        Expr::Term(term) => match &term.subject {
            Subject::Field(field) => {
                let extent = if field.info().shape == Shape::Text {
                    Extent::Anywhere
                } else {
                    Extent::Whole
                };
                Node::Field(known(*field)?, value_test(&term.test, extent))
            }
            Subject::Args(path) => {
                let extent = if path.is_empty() {
                    Extent::Anywhere
                } else {
                    Extent::Whole
                };
                Node::Args(path.clone(), value_test(&term.test, extent))
            }
            Subject::Label(_) => return Err(unknown("a label")),
            Subject::Result(_) => return Err(unknown("the result")),
        },
        Expr::Has(subjects) => Node::Or(subjects.iter().map(has).collect::<Result<_, _>>()?),
        Expr::Text(text) => words(text)?,
        Expr::Is(_) => return Err(unknown("a state")),
        Expr::Since(_) | Expr::At(..) => {
            return Err("a policy cannot test times".to_owned());
        }
    })
}

fn has(subject: &Subject) -> Result<Node, String> {
    match subject {
        Subject::Field(field) => Ok(Node::HasField(known(*field)?)),
        Subject::Args(path) => Ok(Node::HasArgs(path.clone())),
        Subject::Label(_) => Err(unknown("a label")),
        Subject::Result(_) => Err(unknown("the result")),
    }
}

fn words(text: &Text) -> Result<Node, String> {
    let in_args = Scope {
        args: true,
        ..Scope::default()
    };
    if text.scope.is_some_and(|scope| scope != in_args) {
        return Err(unknown("a result or text"));
    }
    if let Find::Phrase(phrase) = &text.find
        && phrase.is_empty()
    {
        return Ok(Node::Always);
    }
    Ok(Node::Words {
        pattern: Pattern::find(&text.find),
        only_args: text.scope.is_some(),
    })
}

fn known(field: Field) -> Result<Field, String> {
    if FIELDS.contains(&field) {
        return Ok(field);
    }
    Err(unknown(&format!("'{}'", field.info().name)))
}

fn unknown(what: &str) -> String {
    let names: Vec<&str> = FIELDS.iter().map(|field| field.info().name).collect();
    format!(
        "{what} is not known before a call runs (known: {}, args.*)",
        names.join(", ")
    )
}

fn answer(node: &Node, about: &dyn Known) -> Answer {
    match node {
        Node::Always => Answer::True,
        Node::And(parts) => all(parts.iter().map(|part| answer(part, about))),
        Node::Or(parts) => not(all(parts.iter().map(|part| not(answer(part, about))))),
        Node::Not(inner) => not(answer(inner, about)),
        // Arguments that are not recorded could be anything.
        Node::Args(..) | Node::HasArgs(_) if about.args().is_none() => Answer::Unknown,
        Node::Field(Field::Command, _) | Node::HasField(Field::Command)
            if about.args().is_none() && is_shell(about) =>
        {
            Answer::Unknown
        }
        Node::Field(field, test) => {
            let value = about.field(*field);
            let values: Vec<Cow<'_, Value>> = value.iter().map(Cow::Borrowed).collect();
            test.judge(&values).answer
        }
        Node::HasField(field) => about.field(*field).is_some().into(),
        Node::Args(path, test) => test.judge(&body::values(about.args(), path)).answer,
        Node::HasArgs(path) => body::has(about.args(), path).into(),
        Node::Words { pattern, only_args } => {
            let mut is_in = |text: &str| pattern.matches(text);
            let tool = about.field(Field::Tool).filter(|_| !only_args);
            let in_tool = tool
                .as_ref()
                .and_then(Value::as_str)
                .is_some_and(&mut is_in);
            match about.args() {
                _ if in_tool => Answer::True,
                Some(args) => any_in(args, &mut is_in).into(),
                None => Answer::Unknown,
            }
        }
    }
}

fn is_shell(about: &dyn Known) -> bool {
    let class = about.field(Field::Class);
    class.is_some_and(|class| class == Class::Shell.word())
}

/// False if any is; otherwise unknown if any is.
fn all(answers: impl Iterator<Item = Answer>) -> Answer {
    let mut sum = Answer::True;
    for answer in answers {
        match answer {
            Answer::False => return Answer::False,
            Answer::Unknown => sum = Answer::Unknown,
            Answer::True => {}
        }
    }
    sum
}

fn not(answer: Answer) -> Answer {
    match answer {
        Answer::True => Answer::False,
        Answer::False => Answer::True,
        Answer::Unknown => Answer::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    struct Refund(Value);

    impl Known for Refund {
        fn args(&self) -> Option<&Value> {
            Some(&self.0)
        }

        fn field(&self, field: Field) -> Option<Value> {
            match field {
                Field::Tool => Some(json!("refund")),
                Field::Calls => Some(json!(3)),
                Field::Class => Some(json!("shell")),
                Field::Command => Some(json!("git push origin main")),
                _ => None,
            }
        }
    }

    #[track_caller]
    fn check(filter: &str, args: Value, expected: Answer) {
        let expr = crate::query::parse(filter).expect("a filter");
        let compiled = CallFilter::compile(&expr).expect("known before the call");
        assert_eq!(compiled.test(&Refund(args)), expected, "{filter}");
    }

    #[test]
    fn arguments_and_the_run_so_far_can_be_asked_for() {
        check(
            "tool:refund args.amount>500",
            json!({"amount": 700}),
            Answer::True,
        );
        check(
            "tool:refund args.amount>500",
            json!({"amount": 20}),
            Answer::False,
        );
        check("args.amount>500", json!({}), Answer::False);
        check("calls>2 -user:ops*", json!({}), Answer::True);
        check("order", json!({"text": "the order"}), Answer::True);
        check("class:shell command:push", json!({}), Answer::True);
        check("class:write or command=push", json!({}), Answer::False);
    }

    #[test]
    fn text_where_a_number_is_needed_is_neither_true_nor_false() {
        let args = || json!({"amount": "a lot"});
        check("args.amount>500", args(), Answer::Unknown);
        check("-args.amount>500", args(), Answer::Unknown);
        check("args.amount>500 tool:other", args(), Answer::False);
        check("args.amount>500 or tool:refund", args(), Answer::True);
    }

    #[test]
    fn arguments_that_are_not_recorded_decide_nothing() {
        struct Bare;
        impl Known for Bare {
            fn args(&self) -> Option<&Value> {
                None
            }

            fn field(&self, field: Field) -> Option<Value> {
                Refund(Value::Null)
                    .field(field)
                    .filter(|_| field != Field::Command)
            }
        }
        for (filter, expected) in [
            ("args.amount>500", Answer::Unknown),
            ("-args.amount>500", Answer::Unknown),
            ("-has:args.amount", Answer::Unknown),
            ("-command:push", Answer::Unknown),
            ("-order", Answer::Unknown),
            ("refund", Answer::True),
            ("args.amount>500 or tool:refund", Answer::True),
            ("args.amount>500 tool:other", Answer::False),
        ] {
            let expr = crate::query::parse(filter).expect("a filter");
            let compiled = CallFilter::compile(&expr).expect("known before the call");
            assert_eq!(compiled.test(&Bare), expected, "{filter}");
        }
    }

    #[test]
    fn what_only_the_result_shows_is_refused() {
        for filter in [
            "status:error",
            "result.ok:yes",
            "is:error",
            "latency>5s",
            "cost>1",
        ] {
            let expr = crate::query::parse(filter).expect("a filter");
            assert!(CallFilter::compile(&expr).is_err(), "{filter}");
        }
    }
}
