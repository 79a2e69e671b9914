//! Turns a record or an element into a declared row.

use serde_json::Value;

use super::path::{Condition, Field, text};
use crate::ingest::assemble;
use crate::ingest::body::{ApprovalText, Body, DecisionText, ErrorText};
use crate::ingest::fact::{FactKind, Name};
use crate::ingest::formats::content::text_of;
use crate::ingest::formats::entry::Entry;
use crate::ingest::time;
use crate::model::action::{Flags, Status, Verdict};
use crate::model::quantity::{Cost, Elapsed, Time, Tokens, Usage};

/// One `[[row]]`.
#[derive(Debug)]
pub(super) struct RowRule {
    pub(super) kind: FactKind,
    /// The array whose elements become rows; if empty, the record does.
    pub(super) each: Vec<String>,
    pub(super) when: Vec<Condition>,
    pub(super) unless: Vec<Condition>,
    pub(super) fields: Vec<(RowField, Field)>,
}

/// What the values of a row are taken from.
pub(super) struct RecordScope<'a> {
    pub(super) record: &'a Value,
    pub(super) element: &'a Value,
    pub(super) words: &'a [(String, String)],
}

/// A row may be a call and its result at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RowPart {
    Own,
    Result,
}

impl RowPart {
    pub(super) fn of(self, row: usize) -> u16 {
        u16::try_from(row * 2 + usize::from(self == RowPart::Result)).unwrap_or(u16::MAX)
    }

    pub(super) fn from(part: u16) -> (usize, RowPart) {
        let part_of = if part.is_multiple_of(2) {
            RowPart::Own
        } else {
            RowPart::Result
        };
        (usize::from(part / 2), part_of)
    }
}

macro_rules! fields {
    ($(#[$doc:meta])* $name:ident { $($variant:ident = $word:literal),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(super) enum $name { $($variant),* }

        impl $name {
            pub(super) const ALL: &[($name, &str)] = &[$(($name::$variant, $word)),*];
        }
    };
}

fields! {
    /// The properties of a run.
    RunField {
        Id = "id",
        Agent = "agent",
        Model = "model",
        User = "user",
        Service = "service",
        Env = "env",
        Task = "task",
        Trial = "trial",
        Release = "release",
        Provider = "provider",
        Title = "title",
        Parent = "parent_run",
    }
}

fields! {
    /// The fields of a row.
    RowField {
        Id = "id",
        Parent = "parent",
        Call = "call",
        Agent = "agent",
        Tool = "tool",
        Model = "model",
        Time = "time",
        Millis = "duration_ms",
        Seconds = "duration_s",
        Cost = "cost_usd",
        Status = "status",
        Turn = "turn",
        Role = "role",
        Text = "text",
        Args = "args",
        Result = "result",
        Error = "error",
        Input = "input_tokens",
        Output = "output_tokens",
        CacheRead = "cache_read_tokens",
        CacheWrite = "cache_write_tokens",
        Reasoning = "reasoning_tokens",
        Decision = "decision",
        State = "state",
        Policy = "policy",
        Rule = "rule",
        By = "by",
        Reason = "reason",
        Score = "score",
        Correct = "correct",
    }
}

impl RunField {
    pub(super) fn put(self, text: String, setting: &mut Entry, run: &mut String) {
        let name = match self {
            RunField::Id => {
                *run = text;
                return;
            }
            RunField::Agent => {
                setting.agent = text;
                return;
            }
            RunField::Model => {
                setting.model = text;
                return;
            }
            RunField::User => Name::User,
            RunField::Service => Name::Service,
            RunField::Env => Name::Env,
            RunField::Task => Name::Task,
            RunField::Trial => Name::Trial,
            RunField::Release => Name::Release,
            RunField::Provider => Name::Provider,
            RunField::Title => Name::Title,
            RunField::Parent => Name::ParentRun,
        };
        setting.name(name, text);
    }
}

/// The kinds of rows, by their words.
pub(super) const KINDS: &[(FactKind, &str)] = &[
    (FactKind::RunStart, "run_start"),
    (FactKind::Prompt, "prompt"),
    (FactKind::Response, "response"),
    (FactKind::Reasoning, "reasoning"),
    (FactKind::ToolCall, "tool_call"),
    (FactKind::ToolResult, "tool_result"),
    (FactKind::Decision, "policy_decision"),
    (FactKind::Approval, "approval"),
    (FactKind::Error, "error"),
    (FactKind::Note, "note"),
    (FactKind::RunEnd, "run_end"),
];

impl RowRule {
    pub(super) fn applies(&self, scope: &RecordScope<'_>) -> bool {
        let holds = |it: &Condition| it.holds(scope.record, scope.element);
        self.when.iter().all(holds) && (self.unless.is_empty() || !self.unless.iter().all(holds))
    }

    /// A call with a result is two facts.
    pub(super) fn parts(&self) -> &'static [RowPart] {
        let ends = |(what, _): &(RowField, Field)| {
            matches!(what, RowField::Result | RowField::Status | RowField::Error)
        };
        if self.kind == FactKind::ToolCall && self.fields.iter().any(ends) {
            &[RowPart::Own, RowPart::Result]
        } else {
            &[RowPart::Own]
        }
    }

    /// The fact of a part; none if the result is not there yet.
    pub(super) fn entry(&self, part: RowPart, scope: &RecordScope<'_>) -> Option<Entry> {
        let kind = match part {
            RowPart::Own => self.kind,
            RowPart::Result => FactKind::ToolResult,
        };
        let mut entry = Entry::new(kind);
        let mut found = 0;
        for (what, field) in &self.fields {
            let ends = matches!(what, RowField::Result | RowField::Status | RowField::Error);
            let of_result =
                ends || matches!(what, RowField::Millis | RowField::Seconds | RowField::Cost);
            let own = part == RowPart::Own && !(of_result && self.parts().len() == 2);
            let of_this = own || part == RowPart::Result && of_result;
            if !of_this {
                continue;
            }
            if let Some(value) = field.value(scope.record, scope.element) {
                found += usize::from(ends);
                put(*what, value, scope, &mut entry);
            }
        }
        if part == RowPart::Result && found == 0 {
            return None;
        }
        if entry.fact.kind == FactKind::ToolResult
            && entry.fact.status == Status::Unrecorded
            && entry.body.error.is_some()
        {
            entry.fact.status = Status::Error;
        }
        finish(&mut entry);
        Some(entry)
    }
}

fn finish(entry: &mut Entry) {
    if entry.fact.kind == FactKind::Error
        && let Some(message) = entry.body.text.take()
    {
        let kind = entry.body.error.take().and_then(|error| error.kind);
        entry.body.error = Some(ErrorText {
            kind,
            message,
            stack: None,
        });
    }
    if entry.body.error.is_some() {
        entry.fact.flags.set(Flags::HAS_ERROR);
    }
}

fn word(value: &Value, scope: &RecordScope<'_>) -> String {
    let written = text(value);
    let known = scope.words.iter().find(|(word, _)| *word == written);
    known.map_or(written, |(_, ours)| ours.clone())
}

fn put(what: RowField, value: Value, scope: &RecordScope<'_>, entry: &mut Entry) {
    let number = || {
        value
            .as_f64()
            .or_else(|| value.as_str()?.trim().parse().ok())
    };
    match what {
        RowField::Id => entry.id = text(&value),
        RowField::Parent => entry.parent = text(&value),
        RowField::Call => entry.call = text(&value),
        RowField::Agent => entry.agent = text(&value),
        RowField::Tool => entry.tool = text(&value),
        RowField::Model => entry.model = text(&value),
        RowField::Time => entry.fact.time = instant(&value),
        RowField::Millis => {
            entry.fact.duration = number().map_or(Elapsed::NONE, Elapsed::from_millis);
        }
        RowField::Seconds => {
            entry.fact.duration =
                number().map_or(Elapsed::NONE, |it| Elapsed::from_millis(it * 1e3));
        }
        RowField::Cost => entry.fact.cost = number().map_or(Cost::NONE, Cost::from_usd),
        RowField::Status => entry.fact.status = status(&word(&value, scope)),
        RowField::Turn => entry.fact.turn = number().map_or(0, |turn| turn.clamp(0.0, 1e9) as u32),
        RowField::Role => {
            let of_user = matches!(word(&value, scope).as_str(), "user" | "human");
            entry
                .fact
                .flags
                .set(if of_user { Flags::NONE } else { Flags::META });
        }
        RowField::Text => entry.body.text = text_of(&value),
        RowField::Args => {
            entry.fact.hash = assemble::hash(value.to_string().as_bytes());
            entry.body.args = Some(value);
        }
        RowField::Result => entry.body.result = Some(value),
        RowField::Error => entry.body.error = error(&value),
        RowField::Input
        | RowField::Output
        | RowField::CacheRead
        | RowField::CacheWrite
        | RowField::Reasoning => {
            tokens(what, value.as_u64(), &mut entry.usage);
        }
        RowField::Decision | RowField::State => verdict(what, &value, scope, entry),
        RowField::Policy => set_text(Name::Policy, &value, entry),
        RowField::Rule => set_text(Name::Rule, &value, entry),
        RowField::By => set_text(Name::By, &value, entry),
        RowField::Reason => match entry.fact.kind {
            FactKind::Decision => decision(entry).reason = Some(text(&value)),
            FactKind::Approval => approval(entry).reason = Some(text(&value)),
            _ => entry.body.text = text_of(&value),
        },
        RowField::Score => entry.name(Name::Score, text(&value)),
        RowField::Correct => entry.name(Name::Correct, word(&value, scope)),
    }
}

fn instant(value: &Value) -> Time {
    match value {
        Value::String(written) => time::from_text(written.as_bytes()),
        other => other.as_f64().map_or(Time::NONE, time::from_number),
    }
}

/// Our own words, and those that nearly everybody uses.
fn status(word: &str) -> Status {
    match word.to_ascii_lowercase().as_str() {
        "true" | "success" | "succeeded" | "completed" | "done" => Status::Ok,
        "false" | "failed" | "failure" => Status::Error,
        known => Status::from_word(known).unwrap_or(Status::Unrecorded),
    }
}

fn error(value: &Value) -> Option<ErrorText> {
    let of = |key: &str| value.get(key).map(text);
    match value {
        Value::Bool(false) => None,
        Value::String(written) if written.is_empty() => None,
        Value::Object(_) => Some(ErrorText {
            kind: of("type").or_else(|| of("name")).or_else(|| of("code")),
            message: of("message").unwrap_or_else(|| value.to_string()),
            stack: of("stack"),
        }),
        other => Some(ErrorText {
            message: text(other),
            ..ErrorText::default()
        }),
    }
}

fn tokens(what: RowField, count: Option<u64>, usage: &mut Usage) {
    let count = count.map_or(Tokens::NONE, Tokens::from);
    match what {
        RowField::Input => usage.input = count,
        RowField::Output => usage.output = count,
        RowField::CacheRead => usage.cache_read = count,
        RowField::CacheWrite => usage.cache_write = count,
        _ => usage.reasoning = count,
    }
}

fn verdict(what: RowField, value: &Value, scope: &RecordScope<'_>, entry: &mut Entry) {
    let word = word(value, scope);
    entry.fact.verdict = Verdict::from_word(&word).unwrap_or(Verdict::Unrecorded);
    if what == RowField::Decision {
        decision(entry).decision = Some(word);
    } else {
        approval(entry).state = Some(word);
    }
}

fn set_text(name: Name, value: &Value, entry: &mut Entry) {
    let written = text(value);
    match (entry.fact.kind, name) {
        (FactKind::Decision, Name::Policy) => decision(entry).policy = Some(written.clone()),
        (FactKind::Decision, Name::Rule) => decision(entry).rule = Some(written.clone()),
        (FactKind::Approval, Name::By) => approval(entry).by = Some(written.clone()),
        _ => {}
    }
    entry.name(name, written);
}

fn decision(entry: &mut Entry) -> &mut DecisionText {
    let all = &mut entry.body.decisions;
    if all.is_empty() {
        all.push(DecisionText::default());
    }
    &mut all[0]
}

fn approval(entry: &mut Entry) -> &mut ApprovalText {
    let Body { approvals, .. } = &mut entry.body;
    if approvals.is_empty() {
        approvals.push(ApprovalText::default());
    }
    &mut approvals[0]
}
