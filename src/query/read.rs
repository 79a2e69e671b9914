//! The value of a field as text, as a column shows it.

use std::borrow::Cow;

use serde_json::Value;

use crate::base::human;
use crate::ingest::body::Body;
use crate::ingest::command;
use crate::model::action::{Flags, Kind};
use crate::model::class::Class;
use crate::model::outcome::{Attached, AttachedKind};
use crate::model::quantity::Tokens;
use crate::model::symbol::Sym;
use crate::query::body::{Root, approved_differs, values};
use crate::query::expr::{Expr, Subject};
use crate::query::fields::Field;
use crate::query::parse::{ParseError, parse};
use crate::store::row::Row;

/// Parses a field name as in filters: `args.amount`, `tokens.out`, `label.team`.
pub fn subject(name: &str) -> Result<Subject, ParseError> {
    let before = "has:".len();
    let found = parse(&format!("has:{name}")).map_err(|mut error| {
        error.span = error.span.start.saturating_sub(before)..error.span.end.saturating_sub(before);
        error
    })?;
    match found {
        Expr::Has(mut subjects) if subjects.len() == 1 => Ok(subjects.remove(0)),
        _ => Err(ParseError {
            message: format!("'{name}' is not one field"),
            span: 0..name.len(),
            suggestion: None,
        }),
    }
}

/// The value of a field of an action, raw; `None` if not recorded.
pub fn value(subject: &Subject, row: &Row<'_>, body: &Body) -> Option<String> {
    let found = match subject {
        Subject::Field(field) => of_field(*field, row, body),
        Subject::Label(name) => {
            let mut labels = body.labels.iter().filter(|(label, _)| label == name);
            labels.next().map(|(_, value)| value.clone())
        }
        Subject::Args(path) => joined(&values(Root::Args.of(body), path)),
        Subject::Result(path) => joined(&values(Root::Result.of(body), path)),
    };
    found.filter(|found| !found.is_empty())
}

fn joined(values: &[Cow<'_, Value>]) -> Option<String> {
    let words = values.iter().map(|value| match &**value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    });
    let words: Vec<String> = words.collect();
    (!words.is_empty()).then(|| words.join(", "))
}

fn of_field(field: Field, row: &Row<'_>, body: &Body) -> Option<String> {
    let symbols = row.store.symbols();
    let (run, usage) = (row.run(), row.usage());
    let name = |name: &str| Some(name.to_owned());
    let number = |number: u32| (number > 0).then(|| number.to_string());
    let tokens = |tokens: Tokens| tokens.get().map(human::count);
    let of = |kind: AttachedKind| {
        row.attached()
            .filter(move |attached| attached.kind == kind)
            .last()
    };
    let decision = |get: fn(&Attached) -> Sym| {
        of(AttachedKind::Decision).map(|attached| symbols.name(get(attached)).to_owned())
    };
    match field {
        Field::Kind => name(row.kind().word()),
        Field::Tool => name(row.tool()),
        Field::Class => (row.kind() == Kind::ToolCall && !row.tool().is_empty())
            .then(|| Class::of(row.tool()).word().to_owned()),
        Field::Command => command::of(row.tool(), body.args.as_ref()?),
        Field::Agent => name(row.agent()),
        Field::Model => name(row.model()),
        Field::Provider => name(symbols.name(run.who.provider)),
        Field::User => name(row.user()),
        Field::Run => name(&run.id),
        Field::Turn => number(row.turn()),
        Field::Seq => number(row.seq()),
        Field::Status => name(row.status().word()),
        Field::Policy => decision(|attached| attached.policy),
        Field::Rule => decision(|attached| attached.rule),
        Field::Decision => row
            .attached()
            .last()
            .map(|attached| attached.verdict.word().to_owned()),
        Field::Approver => {
            of(AttachedKind::Approval).map(|attached| symbols.name(attached.by).to_owned())
        }
        Field::Wait => of(AttachedKind::Approval)?.wait.get().map(human::span),
        Field::Differs => approved_differs(body).map(|it| if it { "yes" } else { "no" }.to_owned()),
        Field::Cost => row.cost().usd().map(human::usd),
        Field::TokensIn => tokens(usage.input),
        Field::TokensOut => tokens(usage.output),
        Field::TokensCache => tokens(usage.cache_read + usage.cache_write),
        Field::TokensTotal => {
            tokens(usage.input + usage.output + usage.cache_read + usage.cache_write)
        }
        Field::Latency => row.duration().get().map(human::span),
        Field::Inferred => row.flags().has(Flags::INFERRED).then(|| "yes".to_owned()),
        Field::Retry => row.flags().has(Flags::RETRY).then(|| "yes".to_owned()),
        Field::Parent => row
            .parent()
            .filter(|parent| parent.0 < row.store.len())
            .and_then(|parent| number(row.store.row(parent).seq())),
        Field::Lane => lane(row).map(|lane| lane.to_string()),
        Field::Text => body.text.clone(),
        Field::Error => body.error.as_ref().map(|error| error.message.clone()),
        Field::File => row
            .source()
            .path
            .file_name()
            .map(|file| file.to_string_lossy().into_owned()),
        Field::Line => number(row.line()),
        Field::Task => name(symbols.name(run.who.task)),
        Field::Trial => name(symbols.name(run.who.trial)),
        Field::Env => name(symbols.name(run.who.env)),
        Field::Service => name(symbols.name(run.who.service)),
        Field::Release => name(symbols.name(run.who.release)),
        Field::Turns => number(run.totals.turns),
        Field::Actions => number(run.totals.actions),
        Field::Calls => number(run.totals.tool_calls),
        Field::Errors => Some(run.totals.errors.to_string()),
        Field::Retries => Some(run.totals.retries.to_string()),
        Field::Score => run.score.map(|score| score.to_string()),
        Field::Correct => run
            .correct
            .map(|it| if it { "yes" } else { "no" }.to_owned()),
        // Alerts and policies are not part of an action.
        Field::Alert | Field::Would => None,
        Field::Approval => {
            of(AttachedKind::Approval).map(|attached| attached.verdict.word().to_owned())
        }
    }
}

/// 0 for the main agent, from 1 for subagents.
fn lane(row: &Row<'_>) -> Option<usize> {
    let symbols = row.store.symbols();
    let mut lanes = row.run().lanes.iter();
    let found = lanes.position(|lane| symbols.name(lane.agent) == row.agent());
    (!row.agent().is_empty()).then(|| found.map_or(0, |lane| lane + 1))
}
