//! Compiles expressions to trees of tests: names, numbers and times resolved, cheap tests first.

mod fields;
pub(super) mod values;

use std::collections::HashSet;
use std::sync::Arc;

use crate::model::action::{Flags, Kind, Status, Verdict};
use crate::query::Context;
use crate::query::body::{BodyTest, Root};
use crate::query::columns::{
    AttachedTest, ColumnTest, NumberColumn, Numbers, SymbolColumn, TimeOfDayTest,
};
use crate::query::compile::values::value_test;
use crate::query::expr::{
    Expr, Find, Path, Scope, State, Step, Subject, Term, Test, Text, TimeOfDay,
};
use crate::query::fields::Field;
use crate::query::pattern::{Extent, Pattern, SymSet, TextTest, has_capital};
use crate::query::value::{self, Interval};
use crate::query::would::Verdicts;
use crate::store::Store;
use crate::store::search::Needle;

/// What an expression may refer to outside itself.
#[derive(Debug, Clone, Copy)]
pub(super) struct Around<'a> {
    pub(super) store: &'a Store,
    pub(super) context: &'a Context,
}

/// A tree of tests. Parts of `And` and `Or` are tried in order.
#[derive(Debug, Clone)]
pub(super) enum Node {
    Always(bool),
    And(Vec<Node>),
    Or(Vec<Node>),
    Not(Box<Node>),
    Column(ColumnTest),
    Body {
        test: Box<BodyTest>,
        needle: Option<Needle>,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Effort {
    /// A whole column at once.
    Column,
    /// Row by row, in memory.
    Row,
    /// Reads and opens the record.
    Body,
}

impl Node {
    pub(super) fn needs_bodies(&self) -> bool {
        match self {
            Node::Always(_) | Node::Column(_) => false,
            Node::And(parts) | Node::Or(parts) => parts.iter().any(Node::needs_bodies),
            Node::Not(inner) => inner.needs_bodies(),
            Node::Body { .. } => true,
        }
    }

    /// The cost of a test. Cheap tests run first, to leave fewer rows to the others.
    fn effort(&self) -> Effort {
        match self {
            Node::And(parts) | Node::Or(parts) => parts
                .iter()
                .map(Node::effort)
                .max()
                .unwrap_or(Effort::Column),
            Node::Not(inner) => inner.effort(),
            Node::Column(test) if test.is_by_row() => Effort::Row,
            Node::Always(_) | Node::Column(_) => Effort::Column,
            Node::Body { .. } => Effort::Body,
        }
    }

    pub(super) fn for_each_column(&mut self, visit: &mut dyn FnMut(&mut ColumnTest)) {
        match self {
            Node::Always(_) | Node::Body { .. } => {}
            Node::And(parts) | Node::Or(parts) => parts
                .iter_mut()
                .for_each(|part| part.for_each_column(visit)),
            Node::Not(inner) => inner.for_each_column(visit),
            Node::Column(test) => visit(test),
        }
    }
}

pub(super) fn compile(expr: &Expr, around: Around<'_>) -> Node {
    let context = around.context;
    match expr {
        Expr::All => Node::Always(true),
        Expr::And(parts) => Node::And(ordered(parts, around)),
        Expr::Or(parts) => Node::Or(ordered(parts, around)),
        Expr::Not(inner) => Node::Not(Box::new(compile(inner, around))),
        Expr::Term(term) => self::term(term, around),
        Expr::Text(text) => words(text),
        Expr::Is(states) => any(states.iter().map(|state| is(*state, around)).collect()),
        Expr::Has(subjects) => any(subjects.iter().map(|it| has(it, around)).collect()),
        Expr::Since(time) => since(time, context),
        Expr::At(from, to) => at(*from, *to, context),
    }
}

fn has(subject: &Subject, around: Around<'_>) -> Node {
    match subject {
        Subject::Field(Field::Alert) => is(State::Alert, around),
        Subject::Field(Field::Would) => judged(around, Verdicts::all),
        other => fields::has(other),
    }
}

/// The actions that are evidence of alerts of rules that fit.
fn alerted(around: Around<'_>, fits: &dyn Fn(&str) -> bool) -> Node {
    let found = around.context.alerts.of(around.store, fits);
    Node::Column(ColumnTest::Marked(found))
}

/// The calls with the verdicts that `of` selects.
fn judged(around: Around<'_>, of: impl Fn(&Verdicts) -> Arc<HashSet<u32>>) -> Node {
    let verdicts = around.context.would.as_deref();
    verdicts.map_or(Node::Always(false), |verdicts| {
        Node::Column(ColumnTest::Marked(of(verdicts)))
    })
}

fn ordered(parts: &[Expr], around: Around<'_>) -> Vec<Node> {
    let mut nodes: Vec<Node> = parts.iter().map(|part| compile(part, around)).collect();
    nodes.sort_by_key(Node::effort);
    nodes
}

fn any(mut nodes: Vec<Node>) -> Node {
    match nodes.pop() {
        Some(only) if nodes.is_empty() => only,
        Some(last) => {
            nodes.push(last);
            nodes.sort_by_key(Node::effort);
            Node::Or(nodes)
        }
        None => Node::Always(false),
    }
}

fn body(test: BodyTest) -> Node {
    Node::Body {
        test: Box::new(test),
        needle: None,
    }
}

fn words(text: &Text) -> Node {
    let everywhere = Scope {
        args: true,
        result: true,
        text: true,
    };
    let pattern = Pattern::find(&text.find);
    let needle = match &text.find {
        Find::Phrase(phrase) => Some(Needle::new(phrase, has_capital(phrase))),
        Find::Regex(_) => None,
    };
    let test = Box::new(BodyTest::Words {
        pattern: pattern.clone(),
        scope: text.scope.unwrap_or(everywhere),
    });
    let body = Node::Body { test, needle };
    if text.scope.is_some() {
        return body;
    }
    let tool = SymSet::new(TextTest {
        any: vec![pattern],
        negated: false,
    });
    Node::Or(vec![
        Node::Column(ColumnTest::Symbol(SymbolColumn::Tool, tool)),
        body,
    ])
}

fn is(state: State, around: Around<'_>) -> Node {
    let status = |some: &[Status]| {
        ColumnTest::Statuses(
            some.iter()
                .fold(0, |mask, status| mask | 1 << *status as u16),
        )
    };
    let kind = |some: &[Kind]| {
        ColumnTest::Kinds(some.iter().fold(0, |mask, kind| mask | 1 << *kind as u16))
    };
    let flags = |flags: Flags| Node::Column(ColumnTest::Flags(flags));
    match state {
        State::Error => Node::Or(vec![
            Node::Column(status(&[Status::Error, Status::Timeout])),
            Node::Column(kind(&[Kind::Error])),
        ]),
        State::Blocked => Node::Column(status(&[Status::Blocked])),
        State::Denied => Node::Column(status(&[Status::Denied])),
        State::Approved => Node::Column(ColumnTest::Attached(AttachedTest::Verdict {
            any: vec![Verdict::Approved],
            negated: false,
        })),
        State::Pending => Node::Column(status(&[Status::Pending])),
        State::Retry => flags(Flags::RETRY),
        State::Copied => flags(Flags::COPIED),
        State::Inferred => flags(Flags::INFERRED),
        State::Unguarded => flags(Flags::UNGUARDED),
        State::UnknownCost => Node::And(vec![
            Node::Column(kind(&[Kind::Response])),
            Node::Not(Box::new(flags(Flags::CONTINUED))),
            Node::Not(Box::new(Node::Column(ColumnTest::Number(
                NumberColumn::Cost,
                Numbers::recorded(),
            )))),
        ]),
        State::Marked => Node::Column(ColumnTest::Marked(around.context.marked.clone())),
        State::Alert => alerted(around, &|_| true),
        State::Loop => {
            let found = around.context.alerts.loops(around.store);
            Node::Column(ColumnTest::Marked(found))
        }
        State::Truncated => flags(Flags::INCOMPLETE),
        State::Malformed => Node::Column(kind(&[Kind::Malformed])),
        State::Estimated => flags(Flags::ESTIMATED),
        State::Waiting => flags(Flags::WAITING),
        State::Subagent => Node::Column(ColumnTest::Number(
            NumberColumn::Lane,
            Numbers {
                any: vec![Interval {
                    lo: 1,
                    ..Interval::EVERYTHING
                }],
                negated: false,
            },
        )),
    }
}

fn since(time: &str, context: &Context) -> Node {
    let start = value::since_instant(time, context.now, &context.zone);
    start.map_or(Node::Always(false), |start| {
        Node::Column(ColumnTest::Since(start))
    })
}

fn at(from: Option<TimeOfDay>, to: Option<TimeOfDay>, context: &Context) -> Node {
    let second = |time: TimeOfDay| {
        i64::from(time.hour) * 3600
            + i64::from(time.minute) * 60
            + i64::from(time.second.unwrap_or(0))
    };
    let start = from.map_or(0, second);
    let end = to.map_or(86_400, |time| {
        second(time) + if time.second.is_some() { 1 } else { 60 }
    });
    Node::Column(ColumnTest::At(TimeOfDayTest {
        zone: context.zone.clone(),
        seconds: start..end,
    }))
}

fn term(term: &Term, around: Around<'_>) -> Node {
    let test = &term.test;
    match &term.subject {
        Subject::Field(Field::Alert) => {
            let test = TextTest::of(test, Extent::Whole);
            alerted(around, &|id| test.is_true_of(id))
        }
        Subject::Field(Field::Would) => {
            let test = TextTest::of(test, Extent::Whole);
            judged(around, |verdicts| verdicts.of(&test))
        }
        Subject::Field(field) => fields::field_test(*field, test),
        Subject::Label(name) => body(BodyTest::Label {
            name: name.clone(),
            test: value_test(test, Extent::Whole),
        }),
        Subject::Args(path) => value(Root::Args, path, test),
        Subject::Result(path) => value(Root::Result, path, test),
    }
}

fn value(root: Root, path: &Path, test: &Test) -> Node {
    let extent = if path.is_empty() {
        Extent::Anywhere
    } else {
        Extent::Whole
    };
    let test = value_test(test, extent);
    let path = path.clone();
    at_path(BodyTest::Value { root, path, test })
}

/// A test of the value at a path. The record must contain the keys that lead there.
fn at_path(test: BodyTest) -> Node {
    let (BodyTest::Value { path, .. } | BodyTest::HasValue { path, .. }) = &test else {
        return body(test);
    };
    let keys = path.iter().filter_map(|step| match step {
        Step::Key(key) if !key.bytes().all(|byte| byte.is_ascii_digit()) => Some(key),
        Step::Key(_) | Step::Each => None,
    });
    let needle = keys
        .max_by_key(|key| key.len())
        .map(|key| Needle::new(key, true));
    Node::Body {
        test: Box::new(test),
        needle,
    }
}
