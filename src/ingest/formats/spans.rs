//! Spans of all tracing products in one form: model calls with their content and cost, tools, decisions.
//! Formats find a [`Span`] in each of their records; this module emits its facts, opens it, and (in
//! `assembler`) groups traces into runs.
//!
//! A trace is not a run, and a span is not an action: model spans repeat the whole history, wrappers repeat
//! what is inside them, and the answer of a person often begins a new trace.

mod assembler;
mod duplicates;
pub(crate) mod messages;
mod owned;
pub(crate) mod pieces;
pub(crate) mod product;
pub(crate) mod request;
mod run;
mod trace;

use serde_json::Value;

use self::messages::{Content, Item, Role, opened};
use crate::ingest::assemble::{self, Assembler};
use crate::ingest::body::{ApprovalText, Body, DecisionText, ErrorText};
use crate::ingest::fact::{FactKind, FactSink, Name, SpanRole};
use crate::ingest::formats::entry::Entry;
use crate::ingest::json::{Json, Range, Text};
use crate::model::action::{Flags, Status, Verdict};
use crate::model::outcome::Attached;
use crate::model::quantity::{Cost, Elapsed, Time, Tokens, Usage};

/// What a span represents.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Class {
    /// One request to a model.
    Model,
    Tool,
    /// Wraps other spans: agents, chains, workflows, turns.
    Wrapper,
    /// Internals of a program.
    Noise,
    Guardrail,
    /// The decision of a policy or a person, as a record of its own: the first of its verdicts.
    Ruling,
    /// A user message with an event of its own.
    Prompt,
    /// An error that no span carries.
    Error,
    /// Not recognized as a span of an agent.
    #[default]
    Other,
}

/// One span (or log record) of a trace. Anything empty, none or null was not recorded.
#[derive(Debug, Clone, Default)]
pub(crate) struct Span {
    pub(crate) class: Class,
    pub(crate) trace: String,
    pub(crate) id: String,
    pub(crate) parent: String,
    pub(crate) joins: Joins,
    pub(crate) name: String,
    pub(crate) scope: String,
    pub(crate) start: Time,
    pub(crate) duration: Elapsed,
    pub(crate) error: Option<ErrorText>,
    pub(crate) who: Who,
    pub(crate) model: String,
    pub(crate) usage: Usage,
    pub(crate) cost: Cost,
    /// The provider's id of a response, which several spans may share.
    pub(crate) reply: String,
    pub(crate) tool: Tool,
    pub(crate) input: Vec<Item>,
    pub(crate) output: Vec<Item>,
    /// The text of a prompt, a note or a guardrail.
    pub(crate) text: Option<Text>,
    pub(crate) verdicts: Vec<Ruling>,
    /// Other attributes; long ones are not shown.
    pub(crate) labels: Vec<(Text, Json)>,
    /// A logged model call: if it is traced too, the log has more details.
    pub(crate) is_log: bool,
    /// Only the text of the preceding model call.
    pub(crate) is_text: bool,
    /// Not a span itself, but a part of the one whose id it has.
    pub(crate) is_inside: bool,
}

/// What joins traces into a run, the strongest first.
#[derive(Debug, Clone, Default)]
pub(crate) struct Joins {
    pub(crate) thread: String,
    pub(crate) conversation: String,
    pub(crate) session: String,
}

/// Who ran, for whom.
#[derive(Debug, Clone, Default)]
pub(crate) struct Who {
    pub(crate) agent: String,
    pub(crate) user: String,
    pub(crate) service: String,
    pub(crate) env: String,
    pub(crate) release: String,
    pub(crate) provider: String,
    pub(crate) task: String,
}

/// The tool of a tool span.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tool {
    pub(crate) name: String,
    pub(crate) call: String,
    pub(crate) args: Option<Json>,
    pub(crate) result: Option<Json>,
    /// Whether the tool ran: a call that waits for a person has a span too.
    pub(crate) ran: Ran,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Ran {
    /// It ran if there is a result or an error.
    #[default]
    Inferred,
    Yes,
    No,
}

/// The decision of a policy or a person about a call, or about a run.
#[derive(Debug, Clone, Default)]
pub(crate) struct Ruling {
    pub(crate) of_person: bool,
    pub(crate) verdict: Option<Verdict>,
    /// The call, or the tool whose latest call is meant; both empty means any pending call.
    pub(crate) call: String,
    pub(crate) tool: String,
    pub(crate) policy: String,
    pub(crate) rule: String,
    pub(crate) by: String,
    pub(crate) reason: Option<String>,
    pub(crate) args: Option<Json>,
    pub(crate) wait: Elapsed,
}

/// What the facts of a span are made for: their bodies are only needed when one is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum For {
    Rows,
    Opening,
}

impl For {
    /// The part of a body, or nothing if it is not needed.
    fn open<T: Default>(self, part: impl FnOnce() -> T) -> T {
        match self {
            For::Rows => T::default(),
            For::Opening => part(),
        }
    }
}

const LONGEST_LABEL: usize = 200;

/// How much of a span is read for a one-line summary: its output comes after its input.
pub(crate) const GLANCE: usize = 256 << 10;

impl Span {
    /// Sets start and duration; an end before the start is ignored.
    pub(crate) fn times(&mut self, start: Time, end: Time) {
        self.start = start;
        if end.get().is_some_and(|end| end > 0) {
            self.duration = end.since(start);
        }
    }

    fn kind(&self) -> FactKind {
        match self.class {
            Class::Model => FactKind::Response,
            Class::Tool => FactKind::ToolCall,
            Class::Wrapper | Class::Noise => FactKind::Copy,
            Class::Ruling if self.verdicts.first().is_some_and(|it| it.of_person) => {
                FactKind::Approval
            }
            Class::Guardrail | Class::Ruling => FactKind::Decision,
            Class::Prompt => FactKind::Prompt,
            Class::Error => FactKind::Error,
            Class::Other => FactKind::Note,
        }
    }

    fn role(&self) -> SpanRole {
        match self.class {
            Class::Guardrail => SpanRole::Guardrail,
            Class::Model if self.is_text || self.is_inside => SpanRole::Text,
            Class::Model if self.is_log => SpanRole::Log,
            Class::Noise => SpanRole::Internal,
            Class::Model
            | Class::Tool
            | Class::Wrapper
            | Class::Ruling
            | Class::Prompt
            | Class::Error
            | Class::Other => SpanRole::Plain,
        }
    }

    /// Emits all facts of the span: itself, then its parts.
    pub(crate) fn emit(&self, place: Option<Range>, out: &mut FactSink<'_>) {
        let is_call = !self.output.is_empty() || !self.usage.is_none() || !self.model.is_empty();
        let skipped = usize::from(self.is_inside && !is_call);
        // A record of a whole call is written at its end.
        let is_late = |part| self.is_inside && is_call && (1..=self.input.len()).contains(&part);
        for (part, mut entry) in self.facts(For::Rows).into_iter().enumerate().skip(skipped) {
            if !is_late(part) {
                entry.fact.time = self.start;
            }
            if part > 0 || self.is_inside {
                entry.name(Name::InSpan, self.id.clone());
                entry.name(Name::Trace, self.trace.clone());
                if self.trace.is_empty() {
                    self.join(&mut entry);
                }
            }
            entry.push(u16::try_from(part).unwrap_or(u16::MAX - 2), place, out);
        }
    }

    /// The body of one of its facts.
    pub(crate) fn body(&self, part: u16) -> Body {
        match part {
            Attached::INFERRED_APPROVAL => {
                inferred("approved", "inferred: the call waited and then ran")
            }
            Attached::INFERRED_DENIAL => inferred(
                "denied",
                "inferred: the call never ran and was answered as refused",
            ),
            _ => {
                let mut facts = self.facts(For::Opening);
                let at = usize::from(part).min(facts.len().saturating_sub(1));
                let entry = facts.swap_remove(at);
                Body {
                    id: Some(if entry.id.is_empty() {
                        self.id.clone()
                    } else {
                        entry.id
                    })
                    .filter(|id| !id.is_empty()),
                    parent_id: Some(self.parent.clone()).filter(|id| !id.is_empty()),
                    labels: self.labels(),
                    ..entry.body
                }
            }
        }
    }

    fn labels(&self) -> Vec<(String, String)> {
        let labels = self.labels.iter().map(|(name, value)| {
            let text = value
                .text()
                .map_or_else(|| value.to_string(), Text::to_string);
            (name.to_string(), text)
        });
        labels
            .filter(|(_, text)| text.len() <= LONGEST_LABEL)
            .collect()
    }

    /// The body of its row, without decisions, which are added where they are attached.
    pub(crate) fn opened(&self, part: u16) -> Body {
        Body {
            decisions: Vec::new(),
            approvals: Vec::new(),
            ..self.body(part)
        }
    }

    fn facts(&self, reader: For) -> Vec<Entry> {
        let mut all = vec![self.head(reader)];
        all.extend(self.input.iter().map(|item| input_entry(item, reader)));
        all.extend(
            self.output
                .iter()
                .filter_map(|item| output_entry(item, reader)),
        );
        let entry = usize::from(self.class == Class::Ruling);
        all.extend(
            self.verdicts
                .iter()
                .skip(entry)
                .map(|ruling| ruling_entry(ruling, reader)),
        );
        all
    }

    fn head(&self, reader: For) -> Entry {
        let mut entry = match self
            .verdicts
            .first()
            .filter(|_| self.class == Class::Ruling)
        {
            Some(ruling) => ruling_entry(ruling, reader),
            None => Entry::new(self.kind()),
        };
        entry.id.clone_from(&self.id);
        entry.parent.clone_from(&self.parent);
        entry.agent.clone_from(&self.who.agent);
        entry.model.clone_from(&self.model);
        entry.usage = self.usage;
        entry.fact.cost = self.cost;
        if self.class != Class::Ruling {
            entry.fact.duration = self.duration;
        }
        let names = [
            (Name::Trace, &self.trace),
            (Name::Scope, &self.scope),
            (Name::SpanName, &self.name),
            (Name::ResponseId, &self.reply),
            (Name::User, &self.who.user),
            (Name::Service, &self.who.service),
            (Name::Env, &self.who.env),
            (Name::Release, &self.who.release),
            (Name::Provider, &self.who.provider),
            (Name::Task, &self.who.task),
        ];
        for (name, text) in names {
            entry.name(name, text.clone());
        }
        self.join(&mut entry);
        if let Some(error) = &self.error {
            entry.fact.status = Status::Error;
            entry.fact.flags.set(Flags::HAS_ERROR);
            entry.body.error = reader.open(|| Some(error.clone()));
        }
        entry.fact.span = self.role();
        match self.class {
            Class::Model => self.head_of_model(&mut entry, reader),
            Class::Tool => self.head_of_tool(&mut entry, reader),
            Class::Noise | Class::Ruling => {}
            Class::Guardrail if self.verdicts.is_empty() => {
                entry.body.decisions.push(DecisionText {
                    policy: Some(self.name.clone()),
                    ..DecisionText::default()
                });
            }
            Class::Prompt | Class::Guardrail | Class::Error => {
                entry.body.text = reader.open(|| self.text.as_ref().map(Text::to_string));
                entry.fact.hash = self
                    .text
                    .as_deref()
                    .map_or(0, |text| assemble::hash(text.as_bytes()));
                entry.tool.clone_from(&self.tool.name);
            }
            Class::Wrapper | Class::Other => {
                let own = || self.text.as_ref().map(Text::to_string);
                let text = || own().unwrap_or_else(|| self.name.clone());
                entry.body.text = reader.open(|| Some(text()));
            }
        }
        entry
    }

    fn join(&self, entry: &mut Entry) {
        entry.name(Name::Thread, self.joins.thread.clone());
        entry.name(Name::Conversation, self.joins.conversation.clone());
        entry.name(Name::Session, self.joins.session.clone());
    }

    fn head_of_model(&self, entry: &mut Entry, reader: For) {
        let texts = self.output.iter().filter_map(|item| match &item.what {
            Content::Text(text) => Some(text.as_str()),
            _ => None,
        });
        let texts: Vec<&str> = texts.collect();
        if !texts.is_empty() {
            entry.fact.has_result = true;
            entry.body.text = reader.open(|| Some(texts.join("\n")));
            return;
        }
        let asks = self.output.iter().filter_map(|item| match &item.what {
            Content::Call { name, .. } => Some(name.clone()),
            _ => None,
        });
        entry.body.asks = asks.collect();
        if !entry.body.asks.is_empty() {
            entry.fact.flags.set(Flags::IMPLIED);
        }
    }

    fn head_of_tool(&self, entry: &mut Entry, reader: For) {
        entry.tool.clone_from(&self.tool.name);
        entry.call.clone_from(&self.tool.call);
        entry.fact.hash = self.tool.args.as_ref().map_or(0, hash_of);
        entry.body.args = reader.open(|| {
            self.tool
                .args
                .as_ref()
                .map(|args| Value::from(&opened(args)))
        });
        entry.body.result = reader.open(|| self.tool.result.as_ref().map(Value::from));
        let recorded = self.tool.result.is_some() || self.tool.args.is_none();
        let ran = match self.tool.ran {
            Ran::Inferred => recorded,
            Ran::Yes => true,
            Ran::No => false,
        };
        if entry.fact.status == Status::Unrecorded && ran {
            entry.fact.status = Status::Ok;
        }
        entry.fact.has_result = self.tool.result.is_some();
    }
}

fn inferred(state: &str, reason: &str) -> Body {
    let approval = ApprovalText {
        state: Some(state.to_owned()),
        reason: Some(reason.to_owned()),
        ..ApprovalText::default()
    };
    Body {
        approvals: vec![approval],
        ..Body::default()
    }
}

/// An item of the history in a model call's input.
fn input_entry(item: &Item, reader: For) -> Entry {
    match (&item.what, item.role) {
        (Content::Text(text), Role::System | Role::User) => {
            // A system message is a note, not a prompt.
            let mut entry = Entry::new(match item.role {
                Role::System => FactKind::Note,
                _ => FactKind::Prompt,
            });
            entry.body.text = reader.open(|| Some(text.to_string()));
            entry.fact.hash = assemble::hash(text.as_bytes());
            entry
        }
        (
            Content::Result {
                id,
                name,
                value,
                failed,
                denied,
            },
            _,
        ) => {
            let mut entry = Entry::new(FactKind::ToolResult);
            entry.tool.clone_from(name);
            entry.call.clone_from(id);
            entry.body.result = reader.open(|| Some(value.into()));
            if *failed {
                entry.fact.status = Status::Error;
            }
            if *denied {
                entry.fact.verdict = Verdict::Denied;
            }
            entry
        }
        (Content::Approval { id, answer, reason }, _) => {
            ruling_entry(&approval(id, *answer, reason.clone()), reader)
        }
        (Content::Text(_) | Content::Reasoning(_) | Content::Call { .. }, _) => {
            // Earlier responses were emitted by their own calls.
            let mut entry = Entry::new(FactKind::Copy);
            if let Content::Text(text) = &item.what {
                entry.body.text = reader.open(|| Some(text.to_string()));
            }
            entry
        }
    }
}

/// An item of a model call's output, other than text.
fn output_entry(item: &Item, reader: For) -> Option<Entry> {
    match &item.what {
        Content::Text(_) | Content::Result { .. } => None,
        Content::Reasoning(text) => {
            let mut entry = Entry::new(FactKind::Reasoning);
            entry.body.text = reader.open(|| Some(text.to_string()));
            Some(entry)
        }
        Content::Call { id, name, args } => {
            let mut entry = Entry::new(FactKind::ToolCall);
            entry.id.clone_from(id);
            entry.tool.clone_from(name);
            entry.fact.hash = hash_of(args);
            entry.body.args = reader.open(|| Some(args.into()));
            Some(entry)
        }
        Content::Approval { id, answer, reason } => {
            let ruling = approval(id, *answer, reason.clone());
            Some(ruling_entry(&ruling, reader))
        }
    }
}

fn approval(id: &str, answer: Option<bool>, reason: Option<String>) -> Ruling {
    let verdict = match answer {
        None => Verdict::Requested,
        Some(true) => Verdict::Approved,
        Some(false) => Verdict::Denied,
    };
    Ruling {
        of_person: true,
        verdict: Some(verdict),
        call: id.to_owned(),
        reason,
        ..Ruling::default()
    }
}

fn ruling_entry(ruling: &Ruling, reader: For) -> Entry {
    let kind = if ruling.of_person {
        FactKind::Approval
    } else {
        FactKind::Decision
    };
    let mut entry = Entry::new(kind);
    entry.fact.verdict = ruling.verdict.unwrap_or(Verdict::Unrecorded);
    entry.fact.duration = ruling.wait;
    entry.fact.hash = ruling.args.as_ref().map_or(0, hash_of);
    entry.call.clone_from(&ruling.call);
    entry.tool.clone_from(&ruling.tool);
    entry.name(Name::Policy, ruling.policy.clone());
    entry.name(Name::Rule, ruling.rule.clone());
    entry.name(Name::By, ruling.by.clone());
    let text = |text: &String| Some(text.clone()).filter(|text| !text.is_empty());
    let word = Some(entry.fact.verdict.word().to_owned()).filter(|word| !word.is_empty());
    if reader == For::Rows {
        return entry;
    }
    if ruling.of_person {
        entry.body.approvals.push(ApprovalText {
            state: word,
            by: text(&ruling.by),
            reason: ruling.reason.clone(),
            args: ruling.args.as_ref().map(Value::from),
        });
    } else {
        entry.body.decisions.push(DecisionText {
            policy: text(&ruling.policy),
            rule: text(&ruling.rule),
            decision: word,
            reason: ruling.reason.clone(),
            ..DecisionText::default()
        });
    }
    entry
}

/// Equal arguments have equal hashes, however they are written.
pub(crate) fn hash_of(args: &Json) -> u64 {
    let mut text = String::new();
    canonical(&opened(args), &mut text);
    assemble::hash(text.as_bytes())
}

fn canonical(value: &Json, out: &mut String) {
    match value {
        Json::Object(members) => {
            let mut members: Vec<_> = members.iter().collect();
            members.sort_by_key(|(key, _)| key.as_str());
            for (key, value) in members {
                out.push_str(key);
                out.push(':');
                canonical(value, out);
                out.push(',');
            }
        }
        Json::Array(all) => all.iter().for_each(|one| {
            canonical(one, out);
            out.push(';');
        }),
        // 50 and 50.0 are the same amount.
        Json::Number(written) => match value.as_f64() {
            Some(number) => out.push_str(&number.to_string()),
            None => out.push_str(written),
        },
        // With its length, so that no two lists of texts are written alike.
        Json::String(text) => out.extend(["\"", &text.len().to_string(), ":", text.as_str()]),
        Json::Bool(truth) => out.push_str(if *truth { "true" } else { "false" }),
        Json::Null => out.push_str("null"),
    }
}

/// Subtracts cache reads and writes from the input; most SDKs include them there, our counts do not.
pub(crate) fn without_cache(usage: &mut Usage) {
    if let Some(input) = usage.input.get() {
        let cached = usage.cache_read.or_zero() + usage.cache_write.or_zero();
        usage.input = Tokens::from(input.saturating_sub(cached));
    }
}

/// The assembler of all span formats.
pub(crate) fn assembler() -> Box<dyn Assembler> {
    Box::new(assembler::SpanAssembler::default())
}
