//! Expressions become trees of tests: names, numbers and times resolved, cheap tests first.

use crate::model::action::{Flags, Kind, Status, Verdict};
use crate::model::quantity::Time;
use crate::query::Context;
use crate::query::body::{BodyTest, Bounds, Root, ValueTest};
use crate::query::columns::{
    AttachedTest, ColumnTest, NumberColumn, Numbers, RunNumber, RunSymbol, RunTest, SymbolColumn,
    TimeOfDayTest, TokenKind,
};
use crate::query::expr::{
    Comparison, Expr, Find, Path, Scope, State, Subject, Term, Test, Text, TimeOfDay, Value,
};
use crate::query::fields::{Field, KIND_NAMES, Shape};
use crate::query::pattern::{Extent, Pattern, SymSet, TextTest, has_capital};
use crate::query::value::{self, Interval};
use crate::store::search::Needle;

/// A tree of tests. Parts of `And` and `Or` stand in the order in which they are tried.
#[derive(Debug, Clone)]
pub(super) enum Node {
    Always(bool),
    And(Vec<Node>),
    Or(Vec<Node>),
    Not(Box<Node>),
    Column(ColumnTest),
    Body {
        test: BodyTest,
        needle: Option<Needle>,
    },
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

pub(super) fn compile(expr: &Expr, context: &Context) -> Node {
    match expr {
        Expr::All => Node::Always(true),
        Expr::And(parts) => Node::And(ordered(parts, context)),
        Expr::Or(parts) => Node::Or(ordered(parts, context)),
        Expr::Not(inner) => Node::Not(Box::new(compile(inner, context))),
        Expr::Term(term) => self::term(term),
        Expr::Text(text) => words(text),
        Expr::Is(states) => any(states.iter().map(|state| is(*state, context)).collect()),
        Expr::Has(subjects) => any(subjects.iter().map(has).collect()),
        Expr::Since(time) => since(time, context),
        Expr::At(from, to) => at(*from, *to, context),
    }
}

fn ordered(parts: &[Expr], context: &Context) -> Vec<Node> {
    let mut nodes: Vec<Node> = parts.iter().map(|part| compile(part, context)).collect();
    nodes.sort_by_key(Node::needs_bodies);
    nodes
}

fn any(mut nodes: Vec<Node>) -> Node {
    match nodes.pop() {
        Some(only) if nodes.is_empty() => only,
        Some(last) => {
            nodes.push(last);
            nodes.sort_by_key(Node::needs_bodies);
            Node::Or(nodes)
        }
        None => Node::Always(false),
    }
}

fn body(test: BodyTest) -> Node {
    Node::Body { test, needle: None }
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
    let test = BodyTest::Words {
        pattern: pattern.clone(),
        scope: text.scope.unwrap_or(everywhere),
    };
    let body = Node::Body { test, needle };
    match text.scope {
        Some(_) => body,
        None => {
            let tool = SymSet::new(TextTest {
                any: vec![pattern],
                negated: false,
            });
            Node::Or(vec![
                Node::Column(ColumnTest::Symbol(SymbolColumn::Tool, tool)),
                body,
            ])
        }
    }
}

fn is(state: State, context: &Context) -> Node {
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
        State::UnknownCost => Node::And(vec![
            Node::Column(kind(&[Kind::Response])),
            Node::Not(Box::new(flags(Flags::CONTINUED))),
            Node::Not(Box::new(Node::Column(ColumnTest::Number(
                NumberColumn::Cost,
                Numbers::recorded(),
            )))),
        ]),
        State::Marked => Node::Column(ColumnTest::Marked(context.marked.clone())),
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
    let start = context
        .now
        .get()
        .zip(value::duration(time).ok())
        .map(|(now, back)| now.saturating_sub(back as i64));
    start.map_or(Node::Always(false), |start| {
        Node::Column(ColumnTest::Since(Time(start)))
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

fn term(term: &Term) -> Node {
    let test = &term.test;
    match &term.subject {
        Subject::Field(field) => field_test(*field, test),
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
    body(BodyTest::Value {
        root,
        path: path.clone(),
        test: value_test(test, extent),
    })
}

fn field_test(field: Field, test: &Test) -> Node {
    let symbols = || SymSet::new(TextTest::of(test, Extent::Whole));
    let numbers = || numbers(test, field.info().shape);
    let symbol = |column| Node::Column(ColumnTest::Symbol(column, symbols()));
    let number = |column| Node::Column(ColumnTest::Number(column, numbers()));
    let attached = |test| Node::Column(ColumnTest::Attached(test));
    let run = |test| Node::Column(ColumnTest::Run(test));
    let run_symbol = |which| run(RunTest::Symbol(which, symbols()));
    let run_number = |which| run(RunTest::Number(which, numbers()));
    match field {
        Field::Kind => Node::Column(ColumnTest::Kinds(kinds(test))),
        Field::Status => Node::Column(ColumnTest::Statuses(vocabulary(
            test,
            Status::ALL,
            |status| (status as u16, status.word()),
        ))),
        Field::Tool => symbol(SymbolColumn::Tool),
        Field::Agent => symbol(SymbolColumn::Agent),
        Field::Model => symbol(SymbolColumn::Model),
        Field::Provider => run_symbol(RunSymbol::Provider),
        Field::User => run_symbol(RunSymbol::User),
        Field::Task => run_symbol(RunSymbol::Task),
        Field::Env => run_symbol(RunSymbol::Env),
        Field::Service => run_symbol(RunSymbol::Service),
        Field::Release => run_symbol(RunSymbol::Release),
        Field::Run => run(RunTest::Id(TextTest::of(test, Extent::Whole))),
        Field::Turn => number(NumberColumn::Turn),
        Field::Seq => number(NumberColumn::Seq),
        Field::Line => number(NumberColumn::Line),
        Field::Cost => number(NumberColumn::Cost),
        Field::Latency => number(NumberColumn::Latency),
        Field::Parent => number(NumberColumn::Parent),
        Field::Lane => number(NumberColumn::Lane),
        Field::TokensIn => number(NumberColumn::Tokens(TokenKind::Input)),
        Field::TokensOut => number(NumberColumn::Tokens(TokenKind::Output)),
        Field::TokensCache => number(NumberColumn::Tokens(TokenKind::Cache)),
        Field::TokensTotal => number(NumberColumn::Tokens(TokenKind::Total)),
        Field::Policy => attached(AttachedTest::Policy(symbols())),
        Field::Rule => attached(AttachedTest::Rule(symbols())),
        Field::Approver => attached(AttachedTest::Approver(symbols())),
        Field::Wait => attached(AttachedTest::Wait(numbers())),
        Field::Decision => {
            let mask = vocabulary(test, Verdict::ALL, |verdict| {
                (verdict as u16, verdict.word())
            });
            let any = Verdict::ALL
                .iter()
                .copied()
                .filter(|verdict| mask >> *verdict as u16 & 1 == 1)
                .collect();
            attached(AttachedTest::Verdict {
                any,
                negated: false,
            })
        }
        Field::Retry => retry(test),
        Field::Text => body(BodyTest::Text(TextTest::of(test, Extent::Anywhere))),
        Field::Error => body(BodyTest::Error(TextTest::of(test, Extent::Anywhere))),
        Field::File => Node::Column(ColumnTest::File(TextTest::of(test, Extent::Whole))),
        Field::Turns => run_number(RunNumber::Turns),
        Field::Actions => run_number(RunNumber::Actions),
        Field::Calls => run_number(RunNumber::Calls),
        Field::Errors => run_number(RunNumber::Errors),
        Field::Retries => run_number(RunNumber::Retries),
        Field::Score => {
            let ValueTest {
                numbers: any,
                negated,
                ..
            } = value_test(test, Extent::Whole);
            run(RunTest::Score { any, negated })
        }
        // The parser lets it stand after `has:` only.
        Field::Approval => Node::Always(false),
    }
}

fn retry(test: &Test) -> Node {
    let node = Node::Column(ColumnTest::Flags(Flags::RETRY));
    let (Test::Matches(values) | Test::Equals(values) | Test::Differs(values)) = test else {
        return Node::Always(false);
    };
    let yes = values.iter().any(|value| matches!(value, Value::Word(word) | Value::Quoted(word) if word == "yes" || word == "true"));
    let no = values.iter().any(|value| matches!(value, Value::Word(word) | Value::Quoted(word) if word == "no" || word == "false"));
    let (yes, no) = if matches!(test, Test::Differs(_)) {
        (!yes, !no)
    } else {
        (yes, no)
    };
    match (yes, no) {
        (true, true) => Node::Always(true),
        (true, false) => node,
        (false, true) => Node::Not(Box::new(node)),
        (false, false) => Node::Always(false),
    }
}

fn kinds(test: &Test) -> u16 {
    let mut mask = vocabulary(test, Kind::ALL, |kind| (kind as u16, kind.word()));
    let (values, negated) = match test {
        Test::Matches(values) | Test::Equals(values) => (values, false),
        Test::Differs(values) => (values, true),
        Test::Compare(..) | Test::Regex(_) => return mask,
    };
    for value in values {
        if let Value::Word(word) | Value::Quoted(word) = value {
            for (_, kind) in KIND_NAMES
                .iter()
                .filter(|(name, _)| name.eq_ignore_ascii_case(word))
            {
                if negated {
                    mask &= !(1 << *kind as u16)
                } else {
                    mask |= 1 << *kind as u16
                }
            }
        }
    }
    mask
}

/// The words of a closed list that pass, as a bit mask; the empty word is "not recorded".
pub(super) fn vocabulary<T: Copy>(
    test: &Test,
    all: &[T],
    word: impl Fn(T) -> (u16, &'static str),
) -> u16 {
    let test = TextTest::of(test, Extent::Whole);
    let passing = all
        .iter()
        .map(|value| word(*value))
        .filter(|(_, word)| !word.is_empty() && test.is_true_of(word));
    passing.fold(0, |mask, (bit, _)| mask | 1 << bit)
}

/// A test of whole numbers in the smallest unit of a column.
pub(super) fn numbers(test: &Test, shape: Shape) -> Numbers {
    let number = |text: &str| value::number(text, shape).ok();
    let interval = |value: &Value| match value {
        Value::Word(text) | Value::Quoted(text) => {
            number(text).map(|number| Interval::between(Some(number), Some(number)))
        }
        Value::Range(lo, hi) => Some(Interval::between(
            lo.as_deref().and_then(number),
            hi.as_deref().and_then(number),
        )),
    };
    match test {
        Test::Matches(values) | Test::Equals(values) => Numbers {
            any: values.iter().filter_map(interval).collect(),
            negated: false,
        },
        Test::Differs(values) => Numbers {
            any: values.iter().filter_map(interval).collect(),
            negated: true,
        },
        Test::Compare(comparison, text) => Numbers {
            any: number(text)
                .map(|number| Interval::of(*comparison, number))
                .into_iter()
                .collect(),
            negated: false,
        },
        Test::Regex(_) => Numbers {
            any: Vec::new(),
            negated: false,
        },
    }
}

/// A test of a value that may be a number or text, as it comes.
fn value_test(test: &Test, extent: Extent) -> ValueTest {
    let number = |text: &str| value::number(text, Shape::Json).ok();
    let same = |number| Bounds {
        lo: number,
        hi: number,
        open: false,
    };
    let bounds = |value: &Value| match value {
        Value::Word(text) | Value::Quoted(text) => number(text).map(same),
        Value::Range(lo, hi) => Some(Bounds {
            lo: lo.as_deref().and_then(number).unwrap_or(f64::NEG_INFINITY),
            hi: hi.as_deref().and_then(number).unwrap_or(f64::INFINITY),
            open: false,
        }),
    };
    let texts = TextTest::of(test, extent);
    let (numbers, numeric) = match test {
        Test::Matches(values) | Test::Equals(values) | Test::Differs(values) => {
            let numeric = values.iter().all(|value| matches!(value, Value::Range(..)));
            (values.iter().filter_map(bounds).collect(), numeric)
        }
        Test::Compare(comparison, text) => (
            number(text)
                .map(|bound| half(*comparison, bound))
                .into_iter()
                .collect(),
            true,
        ),
        Test::Regex(_) => (Vec::new(), false),
    };
    ValueTest {
        texts: texts.any,
        numbers,
        negated: texts.negated,
        numeric,
    }
}

fn half(comparison: Comparison, bound: f64) -> Bounds {
    let (lo, hi) = (f64::NEG_INFINITY, f64::INFINITY);
    match comparison {
        Comparison::Greater => Bounds {
            lo: bound,
            hi,
            open: true,
        },
        Comparison::GreaterOrEqual => Bounds {
            lo: bound,
            hi,
            open: false,
        },
        Comparison::Less => Bounds {
            lo,
            hi: bound,
            open: true,
        },
        Comparison::LessOrEqual => Bounds {
            lo,
            hi: bound,
            open: false,
        },
    }
}

fn has(subject: &Subject) -> Node {
    let symbol = |column| Node::Column(ColumnTest::HasSymbol(column));
    let number = |column| Node::Column(ColumnTest::Number(column, Numbers::recorded()));
    let attached = |test| Node::Column(ColumnTest::Attached(test));
    let run = |which| Node::Column(ColumnTest::Run(RunTest::HasSymbol(which)));
    let flags = |flags| Node::Column(ColumnTest::Flags(flags));
    let field = match subject {
        Subject::Field(field) => *field,
        Subject::Label(name) => return body(BodyTest::HasLabel(name.clone())),
        Subject::Args(path) => {
            return body(BodyTest::HasValue {
                root: Root::Args,
                path: path.clone(),
            });
        }
        Subject::Result(path) => {
            return body(BodyTest::HasValue {
                root: Root::Result,
                path: path.clone(),
            });
        }
    };
    match field {
        Field::Kind | Field::Run | Field::Seq | Field::Lane | Field::File | Field::Line => {
            Node::Always(true)
        }
        Field::Turns | Field::Actions | Field::Calls | Field::Errors | Field::Retries => {
            Node::Always(true)
        }
        Field::Tool => symbol(SymbolColumn::Tool),
        Field::Agent => symbol(SymbolColumn::Agent),
        Field::Model => symbol(SymbolColumn::Model),
        Field::Provider => run(RunSymbol::Provider),
        Field::User => run(RunSymbol::User),
        Field::Task => run(RunSymbol::Task),
        Field::Env => run(RunSymbol::Env),
        Field::Service => run(RunSymbol::Service),
        Field::Release => run(RunSymbol::Release),
        Field::Turn => Node::Column(ColumnTest::Number(
            NumberColumn::Turn,
            Numbers {
                any: vec![Interval {
                    lo: 1,
                    ..Interval::EVERYTHING
                }],
                negated: false,
            },
        )),
        Field::Status => Node::Not(Box::new(Node::Column(ColumnTest::Statuses(
            1 << Status::Unrecorded as u16,
        )))),
        Field::Policy => flags(Flags::HAS_POLICY),
        Field::Approval => flags(Flags::HAS_APPROVAL),
        Field::Rule => attached(AttachedTest::HasRule),
        Field::Decision => attached(AttachedTest::HasVerdict),
        Field::Approver => attached(AttachedTest::HasApprover),
        Field::Wait => attached(AttachedTest::Wait(Numbers::recorded())),
        Field::Cost => number(NumberColumn::Cost),
        Field::Latency => number(NumberColumn::Latency),
        Field::Parent => number(NumberColumn::Parent),
        Field::TokensIn => number(NumberColumn::Tokens(TokenKind::Input)),
        Field::TokensOut => number(NumberColumn::Tokens(TokenKind::Output)),
        Field::TokensCache => number(NumberColumn::Tokens(TokenKind::Cache)),
        Field::TokensTotal => number(NumberColumn::Tokens(TokenKind::Total)),
        Field::Retry => flags(Flags::RETRY),
        Field::Text => body(BodyTest::HasText),
        Field::Error => Node::Or(vec![
            flags(Flags::HAS_ERROR),
            Node::Column(ColumnTest::Kinds(1 << Kind::Error as u16)),
        ]),
        Field::Score => Node::Column(ColumnTest::Run(RunTest::Score {
            any: vec![half(Comparison::Less, f64::INFINITY)],
            negated: false,
        })),
    }
}
