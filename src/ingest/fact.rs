//! The output of decoders: flat facts, whose names are copied out of the block.

use crate::ingest::json::{Cursor, Range, Str, View, unescape};
use crate::ingest::records::account::Account;
use crate::model::action::{Flags, Status, Verdict};
use crate::model::outcome::AttachedKind;
use crate::model::quantity::{Cost, Elapsed, Time, Usage};

/// A string in the arena of a [`Decoded`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Text {
    start: u32,
    len: u32,
}

impl Text {
    pub fn is_empty(self) -> bool {
        self.len == 0
    }

    /// `self`, or `other` if `self` is empty.
    #[must_use]
    pub fn or(self, other: Text) -> Text {
        if self.is_empty() { other } else { self }
    }
}

/// A bit of a row's part number: the row is a model call of which only the tool calls are recorded.
pub const IMPLIED: u16 = 1 << 15;

/// The longest name that is copied with a fixed-size copy; most names are shorter.
const SHORT: usize = 32;

/// What a record, or a part of one, reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FactKind {
    RunStart,
    /// The setup of the agent, shown as the start of the run without starting another one.
    Setup,
    /// A run starts that the trace has no start record of: its settings, without a row.
    ImpliedStart,
    RunEnd,
    Prompt,
    Response,
    Reasoning,
    ToolCall,
    ToolResult,
    Decision,
    Approval,
    Error,
    Note,
    /// Tokens and cost of the model call that the fact names, or of an unnamed one.
    Usage,
    /// Tokens and cost of all model calls so far; the increase belongs to the last one.
    RunningTotal,
    /// Tokens and cost of the whole run, or of one model in it.
    RunTotal,
    /// Details of a tool call that its result does not include.
    CallNews,
    /// A piece of a streamed row; it extends the record of that row.
    Piece,
    /// The model or another setting that applies from here on; no row of its own.
    Setting,
    /// Repeats what other records report; counted, no row of its own.
    Copy,
    Unknown,
    Malformed,
}

/// How a fact relates to other records that may report the same thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Echo {
    /// No other record reports it.
    #[default]
    Original,
    /// A duplicate if an earlier record reported the same part or id.
    MayRepeat,
    /// One of the events that a writer logs beside the items of the conversation (Codex).
    Event,
    /// An entry of the history that a writer appends to the steps (SWE-agent).
    History,
}

/// What a span contributes beyond the kind of its fact.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SpanRole {
    #[default]
    Plain,
    /// A guardrail that was consulted.
    Guardrail,
    /// A model call reported by a log record, which has more details than the span of the call.
    Log,
    /// The text of a model call that another record reports.
    Text,
    /// Internal work of the program, not of the agent.
    Internal,
}

/// One fact. Anything not recorded is empty, none or [`Status::Unrecorded`].
#[derive(Debug, Clone, Copy)]
pub struct Fact {
    pub kind: FactKind,
    pub echo: Echo,
    pub span: SpanRole,
    /// The span of a tool holds what the tool returned.
    pub has_result: bool,
    pub flags: Flags,
    /// Counts the facts of a record that are rows or results, from 0.
    pub part: u16,
    /// The record in the block, or the value in the record that the fact comes from. A decoder that leaves
    /// `len` at 0 means the whole record.
    pub start: u32,
    pub len: u32,
    /// The line in the block, from 0.
    pub line: u32,
    pub run: Text,
    pub id: Text,
    pub parent: Text,
    /// The call that a result, decision, approval or error refers to.
    pub call: Text,
    pub agent: Text,
    pub tool: Text,
    pub model: Text,
    pub time: Time,
    pub duration: Elapsed,
    pub cost: Cost,
    pub status: Status,
    pub verdict: Verdict,
    pub turn: u32,
    /// Hash of the arguments of a call, or of a text in a span; equal values have equal hashes.
    pub hash: u64,
    usage: u32,
    names: (u32, u32),
}

/// The less common names of a fact.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Name {
    User,
    Service,
    Env,
    Task,
    Trial,
    Release,
    Provider,
    Title,
    Policy,
    Rule,
    By,
    /// Which of a trace's writers recorded it.
    Via,
    /// The id of the record; a file may contain the same record twice.
    Record,
    /// The model call that parts of a response share.
    Group,
    /// The span that the fact is a part of.
    InSpan,
    /// The lane of a subagent.
    Lane,
    /// The call that started the subagent of the lane.
    Starter,
    /// Set on a record of a side chain, the form in which old transcripts hold subagents.
    SideChain,
    /// The run that started this one.
    ParentRun,
    Score,
    Correct,
    /// Set on a decision of a policy in shadow mode, which reports without acting.
    Shadow,
    /// The attempt number, as recorded.
    Attempt,
    /// A text of the fact, to recognize a second record of it. There may be several.
    Text,
    /// The provider's id of a response, which all spans of that response share.
    ResponseId,
    /// The mode of a model call that has prices of its own.
    Speed,
    /// The row that streamed pieces extend.
    Stream,
    /// The prompt that a subagent was started with: of the call, and of the first prompt of the subagent.
    TaskPrompt,
    /// The id and the type of the subagent that a call started.
    Subagent,
    SubagentType,
    /// The trace that a span belongs to.
    Trace,
    /// Ids that join traces into runs: a thread, a conversation, a session.
    Thread,
    Conversation,
    Session,
    /// The name of a span.
    SpanName,
    /// The instrumentation that recorded a span.
    Scope,
}

impl Fact {
    /// Whether the fact is a decision or an approval.
    pub fn attached_kind(&self) -> AttachedKind {
        if self.kind == FactKind::Decision {
            AttachedKind::Decision
        } else {
            AttachedKind::Approval
        }
    }

    /// The same fact, located at a value inside the record.
    #[must_use]
    pub fn at(self, range: Range) -> Fact {
        Fact {
            start: range.start as u32,
            len: (range.end - range.start) as u32,
            ..self
        }
    }

    pub fn new(kind: FactKind) -> Fact {
        Fact {
            kind,
            echo: Echo::Original,
            span: SpanRole::Plain,
            has_result: false,
            flags: Flags::NONE,
            part: 0,
            start: 0,
            len: 0,
            line: 0,
            run: Text::default(),
            id: Text::default(),
            parent: Text::default(),
            call: Text::default(),
            agent: Text::default(),
            tool: Text::default(),
            model: Text::default(),
            time: Time::NONE,
            duration: Elapsed::NONE,
            cost: Cost::NONE,
            status: Status::Unrecorded,
            verdict: Verdict::Unrecorded,
            turn: 0,
            hash: 0,
            usage: 0,
            names: (0, 0),
        }
    }
}

/// A decoded block of a source: its facts in file order. Names are copied into an arena, because a block is
/// mostly bodies, which assembling does not need.
#[derive(Debug, Default)]
pub struct Decoded {
    /// The offset of the block in the source.
    pub base: u64,
    pub lines: u32,
    pub facts: Vec<Fact>,
    pub account: Account,
    arena: Vec<u8>,
    usages: Vec<Usage>,
    names: Vec<(Name, Text)>,
}

impl Decoded {
    /// Clears it for another block of a source.
    pub fn reset(&mut self, base: u64) {
        self.base = base;
        self.lines = 0;
        self.facts.clear();
        self.account = Account::default();
        self.arena.clear();
        self.usages.clear();
        self.names.clear();
    }

    pub fn text(&self, text: Text) -> &[u8] {
        let start = text.start as usize;
        self.arena
            .get(start..start + text.len as usize)
            .unwrap_or_default()
    }

    pub fn usage(&self, fact: &Fact) -> Option<Usage> {
        self.usages
            .get((fact.usage as usize).checked_sub(1)?)
            .copied()
    }

    /// All less common names of a fact, with their texts.
    pub fn names(&self, fact: &Fact) -> impl Iterator<Item = (Name, &[u8])> {
        let names = &self.names[fact.names.0 as usize..fact.names.1 as usize];
        names.iter().map(|(name, text)| (*name, self.text(*text)))
    }

    /// One of the less common names of a fact; empty if not recorded.
    pub fn name(&self, fact: &Fact, name: Name) -> &[u8] {
        let names = &self.names[fact.names.0 as usize..fact.names.1 as usize];
        names
            .iter()
            .rev()
            .find(|(known, _)| *known == name)
            .map_or(&[], |(_, text)| self.text(*text))
    }
}

/// The sink that a decoder pushes facts into.
#[derive(Debug)]
pub struct FactSink<'a> {
    decoded: &'a mut Decoded,
    first: usize,
    names_from: usize,
}

impl<'a> FactSink<'a> {
    pub fn new(decoded: &'a mut Decoded) -> FactSink<'a> {
        let (first, names_from) = (decoded.facts.len(), decoded.names.len());
        FactSink {
            decoded,
            first,
            names_from,
        }
    }

    /// The text of a string in the record.
    #[inline]
    pub fn text(&mut self, cursor: &Cursor<'_>, found: Option<Str>) -> Text {
        let Some(found) = found else {
            return Text::default();
        };
        if cursor.is_escaped(found) {
            return self.arena(unescape(cursor.raw(found)).as_bytes());
        }
        // Names are short: copying a fixed number of bytes is cheaper than copying exactly as many as
        // needed.
        let (start, len) = (found.start() as usize, found.len() as usize);
        let near = cursor.bytes()[start..].first_chunk::<SHORT>();
        let Some(near) = near.filter(|_| len <= SHORT) else {
            return self.arena(cursor.raw(found));
        };
        let text = self.arena(near);
        let start = text.start as usize;
        self.decoded.arena.truncate(start + len);
        Text {
            len: len as u32,
            ..text
        }
    }

    /// The text of a string or number in the record.
    pub fn copy(&mut self, view: View<'_, '_>) -> Text {
        match view.str() {
            Some(text) => self.text(view.cursor(), Some(text)),
            None => self.arena(view.number_text()),
        }
    }

    /// Names the next fact that is pushed, if the record has the value.
    pub fn copy_name(&mut self, name: Name, view: View<'_, '_>) {
        let text = self.copy(view);
        self.name(name, text);
    }

    /// Text that does not occur in the record verbatim.
    #[inline]
    pub fn arena(&mut self, bytes: &[u8]) -> Text {
        let start = self.decoded.arena.len();
        self.decoded.arena.extend_from_slice(bytes);
        Text {
            start: start as u32,
            len: bytes.len() as u32,
        }
    }

    /// A text that was copied before.
    pub fn peek(&self, text: Text) -> &[u8] {
        self.decoded.text(text)
    }

    /// Names the next fact that is pushed.
    pub fn name(&mut self, name: Name, text: Text) {
        if !text.is_empty() {
            self.decoded.names.push((name, text));
        }
    }

    pub fn usage(&mut self, fact: &mut Fact, usage: Usage) {
        if !usage.is_none() {
            self.decoded.usages.push(usage);
            fact.usage = self.decoded.usages.len() as u32;
        }
    }

    /// Adds a fact with the names given since the previous one.
    pub fn push(&mut self, mut fact: Fact) {
        let names = self.decoded.names.len();
        fact.names = (self.names_from as u32, names as u32);
        self.names_from = names;
        self.decoded.facts.push(fact);
    }

    /// The number of facts pushed for this record so far.
    pub fn count(&self) -> usize {
        self.decoded.facts.len() - self.first
    }

    /// Sets the notes from parsing on every fact of the record.
    pub fn note(&mut self, notes: Flags) {
        for fact in &mut self.decoded.facts[self.first..] {
            fact.flags.set(notes);
        }
    }

    /// Discards what was pushed: the record turned out to be malformed.
    pub fn malformed(&mut self) {
        self.decoded.facts.truncate(self.first);
        self.push(Fact::new(FactKind::Malformed));
    }
}

#[cfg(test)]
mod tests {
    use super::Fact;

    #[test]
    fn a_fact_takes_two_cache_lines() {
        assert_eq!(size_of::<Fact>(), 128);
    }
}
