//! What each field reads, for tests of its value and for `has:`.

use crate::model::action::{Flags, Kind, Status, Verdict};
use crate::model::class::Class;
use crate::query::body::{BodyTest, Root, ValueTest};
use crate::query::columns::{
    AttachedTest, ColumnTest, NumberColumn, Numbers, RunNumber, RunSymbol, RunTest, SymbolColumn,
    TokenKind,
};
use crate::query::compile::values::{half, numbers, value_test, vocabulary};
use crate::query::compile::{Node, at_path, body};
use crate::query::expr::{Comparison, Subject, Test, Value};
use crate::query::fields::{Field, KIND_NAMES};
use crate::query::pattern::{Extent, SymSet, TextTest};
use crate::query::value::Interval;

pub(super) fn field_test(field: Field, test: &Test) -> Node {
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
        Field::Class => of_class(TextTest::of(test, Extent::Whole)),
        Field::Command => of_shell(BodyTest::Command(TextTest::of(test, Extent::Anywhere))),
        Field::Agent => symbol(SymbolColumn::Agent),
        Field::Model => symbol(SymbolColumn::Model),
        Field::Provider => run_symbol(RunSymbol::Provider),
        Field::User => run_symbol(RunSymbol::User),
        Field::Task => run_symbol(RunSymbol::Task),
        Field::Trial => run_symbol(RunSymbol::Trial),
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
        Field::Retry => flagged(test, Flags::RETRY),
        Field::Inferred => flagged(test, Flags::INFERRED),
        Field::Differs => {
            let differs = |wanted| {
                Node::And(vec![
                    Node::Column(ColumnTest::Flags(Flags::HAS_APPROVAL)),
                    body(BodyTest::ApprovedDiffers(wanted)),
                ])
            };
            flag(test, (differs(true), differs(false)))
        }
        Field::Correct => {
            let judged = |right| run(RunTest::Correct(right));
            flag(test, (judged(true), judged(false)))
        }
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
        // The parser allows the first only after `has:`, and `compile` looks up the others.
        Field::Approval | Field::Alert | Field::Would => Node::Always(false),
    }
}

/// Tool calls by what their tool does.
fn of_class(test: TextTest) -> Node {
    let class = SymSet::reading(|tool| Class::of(tool).word(), test);
    Node::And(vec![
        Node::Column(ColumnTest::Kinds(1 << Kind::ToolCall as u16)),
        Node::Column(ColumnTest::Symbol(SymbolColumn::Tool, class)),
    ])
}

/// Calls of a shell that pass a test.
fn of_shell(test: BodyTest) -> Node {
    let shell = Test::Equals(vec![Value::Word(Class::Shell.word().to_owned())]);
    let shell = of_class(TextTest::of(&shell, Extent::Whole));
    Node::And(vec![shell, body(test)])
}

/// `yes` for actions with a flag, `no` for all others.
fn flagged(test: &Test, mark: Flags) -> Node {
    let node = Node::Column(ColumnTest::Flags(mark));
    flag(test, (node.clone(), Node::Not(Box::new(node))))
}

/// The tests for `yes` and `no`. If a field can be unknown, one is not the opposite of the other.
fn flag(test: &Test, (is, is_not): (Node, Node)) -> Node {
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
        (true, true) => Node::Or(vec![is, is_not]),
        (true, false) => is,
        (false, true) => is_not,
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
                    mask &= !(1 << *kind as u16);
                } else {
                    mask |= 1 << *kind as u16;
                }
            }
        }
    }
    mask
}

pub(super) fn has(subject: &Subject) -> Node {
    let symbol = |column| Node::Column(ColumnTest::HasSymbol(column));
    let number = |column| Node::Column(ColumnTest::Number(column, Numbers::recorded()));
    let attached = |test| Node::Column(ColumnTest::Attached(test));
    let run = |which| Node::Column(ColumnTest::Run(RunTest::HasSymbol(which)));
    let flags = |flags| Node::Column(ColumnTest::Flags(flags));
    let field = match subject {
        Subject::Field(field) => *field,
        Subject::Label(name) => return body(BodyTest::HasLabel(name.clone())),
        Subject::Args(path) => {
            return at_path(BodyTest::HasValue {
                root: Root::Args,
                path: path.clone(),
            });
        }
        Subject::Result(path) => {
            return at_path(BodyTest::HasValue {
                root: Root::Result,
                path: path.clone(),
            });
        }
    };
    match field {
        Field::Kind
        | Field::Run
        | Field::Seq
        | Field::Lane
        | Field::File
        | Field::Line
        | Field::Turns
        | Field::Actions
        | Field::Calls
        | Field::Errors
        | Field::Retries => Node::Always(true),
        Field::Alert | Field::Would => Node::Always(false),
        Field::Tool => symbol(SymbolColumn::Tool),
        Field::Class => Node::And(vec![
            Node::Column(ColumnTest::Kinds(1 << Kind::ToolCall as u16)),
            symbol(SymbolColumn::Tool),
        ]),
        Field::Command => of_shell(BodyTest::HasCommand),
        Field::Agent => symbol(SymbolColumn::Agent),
        Field::Model => symbol(SymbolColumn::Model),
        Field::Provider => run(RunSymbol::Provider),
        Field::User => run(RunSymbol::User),
        Field::Task => run(RunSymbol::Task),
        Field::Trial => run(RunSymbol::Trial),
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
        Field::Inferred => flags(Flags::INFERRED),
        Field::Differs => Node::And(vec![
            flags(Flags::HAS_APPROVAL),
            Node::Or(vec![
                body(BodyTest::ApprovedDiffers(true)),
                body(BodyTest::ApprovedDiffers(false)),
            ]),
        ]),
        Field::Text => body(BodyTest::HasText),
        Field::Error => Node::Or(vec![
            flags(Flags::HAS_ERROR),
            Node::Column(ColumnTest::Kinds(1 << Kind::Error as u16)),
        ]),
        Field::Correct => Node::Or(vec![
            Node::Column(ColumnTest::Run(RunTest::Correct(true))),
            Node::Column(ColumnTest::Run(RunTest::Correct(false))),
        ]),
        Field::Score => Node::Column(ColumnTest::Run(RunTest::Score {
            any: vec![half(Comparison::Less, f64::INFINITY)],
            negated: false,
        })),
    }
}
