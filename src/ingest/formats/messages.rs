//! Messages in the form of the OpenAI and Anthropic APIs and their imitators: `{role, content,
//! tool_calls…}` with a content of text or blocks.
//!
//! A message has several parts, each with its number: [`TEXT`], [`REASONING`], [`CALLS`] and up, [`BLOCKS`]
//! and up. Sources: the OpenAI chat completions and Anthropic messages references, and files written by
//! agents.

use serde_json::Value;

use crate::ingest::assemble;
use crate::ingest::body::{Body, ErrorText};
use crate::ingest::fact::{Fact, FactKind, FactSink, IMPLIED, Name, Text};
use crate::ingest::formats::content::{string, text_of, unpacked};
use crate::ingest::json::{Range, View};
use crate::model::action::{Flags, Status};
use crate::model::quantity::{Cost, Tokens, Usage};

/// All text of a message together.
pub(super) const TEXT: u16 = 0;
/// Reasoning beside the content.
pub(super) const REASONING: u16 = 1;
/// The first of `tool_calls`.
pub(super) const CALLS: u16 = 0x1000;
/// The first block of the content.
pub(super) const BLOCKS: u16 = 0x2000;
/// The status of a call, from the message or block with its result.
pub(super) type Outcome = fn(View<'_, '_>) -> Status;

/// What all facts of a message share, and how its results are judged.
#[derive(Debug, Clone, Copy)]
pub(super) struct Envelope {
    /// Run, agent, model and time.
    pub(super) base: Fact,
    /// The tokens of the model call.
    pub(super) usage: Usage,
    pub(super) cost: Cost,
    /// Judges a tool message.
    pub(super) outcome: Outcome,
    /// Judges a block with a result.
    pub(super) block_outcome: Outcome,
    /// Only the text of a result shows that it is an error.
    pub(super) inferred: bool,
    /// The status of a response, for example cancelled.
    pub(super) status: Status,
    /// The model call of the message, if several records may belong to it.
    pub(super) group: Text,
    /// The id of the record, for others that name it as their cause.
    pub(super) record: Text,
    /// The lane of a subagent, and the call that started it.
    pub(super) lane: Text,
    pub(super) starter: Text,
}

impl Envelope {
    pub(super) fn new(base: Fact) -> Envelope {
        Envelope {
            base,
            usage: Usage::NONE,
            cost: Cost::NONE,
            outcome: flagged,
            block_outcome: flagged_block,
            inferred: false,
            status: Status::Unrecorded,
            group: Text::default(),
            record: Text::default(),
            lane: Text::default(),
            starter: Text::default(),
        }
    }

    /// Adds a fact with the names that all facts of the message share.
    pub(super) fn push(&self, fact: Fact, out: &mut FactSink<'_>) {
        out.name(Name::Group, self.group);
        out.name(Name::Record, self.record);
        out.name(Name::Lane, self.lane);
        out.name(Name::Starter, self.starter);
        out.push(fact);
    }
}

/// The status from the error flag; a missing flag does not mean success.
pub(super) fn flagged(message: View<'_, '_>) -> Status {
    match message.any(&["is_error", "isError", "error"]).truth() {
        Some(true) => Status::Error,
        Some(false) => Status::Ok,
        None => match message.get("status") {
            status if status.is("error") => Status::Error,
            status if status.is("success") => Status::Ok,
            _ => Status::Unrecorded,
        },
    }
}

/// The status from the error flag of a block; otherwise not recorded.
pub(super) fn flagged_block(block: View<'_, '_>) -> Status {
    flagged(block)
}

/// Anthropic blocks have the flag only if the tool failed.
pub(super) fn flagged_or_ok(block: View<'_, '_>) -> Status {
    match block.get("is_error").truth() {
        Some(true) => Status::Error,
        Some(false) | None => Status::Ok,
    }
}

/// Emits the facts of a message; the message is what gets opened later.
pub(super) fn decode(message: View<'_, '_>, how: &Envelope, out: &mut FactSink<'_>) {
    decode_as(message.get("role"), message, message.range(), how, out);
}

/// Emits the facts of a message whose role is elsewhere, or of which more than the message gets opened
/// later.
pub(super) fn decode_as(
    role: View<'_, '_>,
    message: View<'_, '_>,
    place: Range,
    how: &Envelope,
    out: &mut FactSink<'_>,
) {
    let how = Envelope {
        base: how.base.at(place),
        ..*how
    };
    match role.raw() {
        b"assistant" | b"model" | b"agent" | b"ai" => model_message(message, &how, out),
        b"tool" | b"function" | b"toolResult" => tool_message(message, &how, out),
        b"user" | b"human" => user_message(message, &how, out),
        b"system" | b"developer" => {
            let mut fact = how.base;
            fact.kind = FactKind::Note;
            how.push(fact, out);
        }
        _ => {
            let mut fact = how.base;
            fact.kind = FactKind::Unknown;
            how.push(fact, out);
        }
    }
}

fn is_kind(block: View<'_, '_>, kinds: &[&str]) -> bool {
    let kind = block.get("type");
    kinds.iter().any(|known| kind.is(known))
}

const REASONING_KINDS: &[&str] = &["thinking", "redacted_thinking", "reasoning"];
/// Members that hold reasoning beside the content.
const REASONING_MEMBERS: &[&str] = &["reasoning_content", "reasoning", "reasoning_text"];
const CALL_KINDS: &[&str] = &[
    "tool_use",
    "server_tool_use",
    "mcp_tool_use",
    "toolCall",
    "tool-call",
    "tool_call",
];
const RESULT_KINDS: &[&str] = &[
    "tool_result",
    "tool-result",
    "web_search_tool_result",
    "web_fetch_tool_result",
    "code_execution_tool_result",
    "mcp_tool_result",
];

/// Whether a content has text other than white space, or something else to show.
fn has_text(content: View<'_, '_>) -> bool {
    let is_text = |view: View<'_, '_>| !view.text().trim().is_empty();
    is_text(content)
        || content.items().any(|block| {
            let text = block.any(&["text", "refusal"]);
            let is_other = [REASONING_KINDS, CALL_KINDS, RESULT_KINDS]
                .iter()
                .any(|kinds| is_kind(block, kinds));
            is_text(block) || !is_other && (is_text(text) || block.is_object() && !text.is_string())
        })
}

fn model_message(message: View<'_, '_>, how: &Envelope, out: &mut FactSink<'_>) {
    let content = message.get("content");
    let mut model = Model {
        how,
        usage: how.usage,
        cost: how.cost,
        silent: true,
    };
    let thought = message.any(REASONING_MEMBERS);
    if !thought.raw().is_empty() {
        model.push(FactKind::Reasoning, REASONING, out);
    }
    for (at, block) in content.items().enumerate() {
        if is_kind(block, REASONING_KINDS) {
            model.push(FactKind::Reasoning, BLOCKS + at as u16, out);
        }
    }
    let calls = message.get("tool_calls");
    let asks = calls.items().next().is_some()
        || message.get("function_call").is_object()
        || content.items().any(|block| is_kind(block, CALL_KINDS));
    // An empty message is a response too.
    if has_text(content) || has_text(message.get("refusal")) || model.silent && !asks {
        model.push(FactKind::Response, TEXT, out);
    }
    for (at, block) in content.items().enumerate() {
        if is_kind(block, CALL_KINDS) {
            model.call(block, BLOCKS + at as u16, out);
        } else if is_kind(block, RESULT_KINDS) {
            result_block(block, at, how, out);
        }
    }
    for (at, call) in calls.items().enumerate() {
        model.call(call, CALLS + at as u16, out);
    }
    if message.get("function_call").is_object() {
        model.call(message.get("function_call"), CALLS, out);
    }
}

/// The facts of a model call; its tokens go to the first one that is not reasoning.
struct Model<'h> {
    how: &'h Envelope,
    usage: Usage,
    cost: Cost,
    /// Nothing was emitted so far.
    silent: bool,
}

impl Model<'_> {
    fn fact(&mut self, kind: FactKind, part: u16, out: &mut FactSink<'_>) -> Fact {
        let mut fact = self.how.base;
        fact.kind = kind;
        fact.part = part;
        self.silent = false;
        if kind != FactKind::Reasoning {
            out.usage(&mut fact, self.usage);
            fact.cost = self.cost;
            self.usage = Usage::NONE;
            self.cost = Cost::NONE;
        }
        fact
    }

    fn push(&mut self, kind: FactKind, part: u16, out: &mut FactSink<'_>) {
        let mut fact = self.fact(kind, part, out);
        if kind == FactKind::Response {
            fact.status = self.how.status;
        }
        self.how.push(fact, out);
    }

    fn call(&mut self, call: View<'_, '_>, part: u16, out: &mut FactSink<'_>) {
        let mut fact = self.fact(FactKind::ToolCall, part, out);
        let inner = call.get("function");
        let inner = if inner.is_object() { inner } else { call };
        let name = inner.any(&["name", "toolName", "function"]);
        fact.tool = out.copy(name);
        fact.id = out.copy(call.any(&["id", "toolCallId", "tool_call_id"]));
        let args = inner.any(&["arguments", "input", "args"]);
        fact.hash = assemble::hash(args.bytes());
        self.how.push(fact, out);
    }
}

/// A tool message.
fn tool_message(message: View<'_, '_>, how: &Envelope, out: &mut FactSink<'_>) {
    let mut fact = how.base;
    fact.kind = FactKind::ToolResult;
    fact.part = TEXT;
    fact.call = out.copy(message.any(&["tool_call_id", "toolCallId", "id"]));
    fact.tool = out.copy(message.any(&["name", "function", "toolName"]));
    fact.status = (how.outcome)(message);
    if how.inferred && fact.status == Status::Error {
        fact.flags.set(Flags::INFERRED);
    }
    how.push(fact, out);
}

fn result_block(block: View<'_, '_>, at: usize, how: &Envelope, out: &mut FactSink<'_>) {
    let mut fact = how.base;
    fact.kind = FactKind::ToolResult;
    fact.part = BLOCKS + at as u16;
    fact.call = out.copy(block.any(&["tool_use_id", "toolCallId"]));
    fact.status = (how.block_outcome)(block);
    how.push(fact, out);
}

fn user_message(message: View<'_, '_>, how: &Envelope, out: &mut FactSink<'_>) {
    let content = message.get("content");
    let mut answers = false;
    for (at, block) in content.items().enumerate() {
        if is_kind(block, RESULT_KINDS) {
            answers = true;
            result_block(block, at, how, out);
        }
    }
    if !answers || has_text(content) {
        let mut fact = how.base;
        fact.kind = FactKind::Prompt;
        fact.part = TEXT;
        // Text beside results was injected by the harness.
        if answers {
            fact.flags.set(Flags::META);
        }
        how.push(fact, out);
    }
}

/// Tokens, under the names used by OpenAI, Anthropic, Google and similar APIs. OpenAI's prompt tokens
/// include cached tokens; Anthropic's do not.
pub(super) fn usage(usage: View<'_, '_>) -> Usage {
    let all = usage
        .any(&["prompt_tokens", "input_tokens", "inputTokens"])
        .tokens();
    let inside = usage.any(&["prompt_tokens_details", "input_tokens_details"]);
    let cached = inside
        .get("cached_tokens")
        .or(usage.any(&["cached_input_tokens", "cached_tokens", "cachedInputTokens"]))
        .tokens();
    let output = usage
        .any(&["completion_tokens", "output_tokens", "outputTokens"])
        .tokens();
    let details = usage.any(&["completion_tokens_details", "output_tokens_details"]);
    let reasoning = details
        .get("reasoning_tokens")
        .or(usage.any(&[
            "reasoning_tokens",
            "reasoning_output_tokens",
            "reasoningTokens",
        ]))
        .tokens();
    let apart = usage.get("cache_read_input_tokens").tokens();
    Usage {
        input: match cached.get() {
            Some(cached) => without(all, cached),
            None => all,
        },
        output,
        cache_read: if cached.get().is_some() {
            cached
        } else {
            apart
        },
        cache_write: usage.get("cache_creation_input_tokens").tokens(),
        cache_write_hour: usage
            .get("cache_creation")
            .get("ephemeral_1h_input_tokens")
            .tokens(),
        reasoning,
        web_searches: searches(usage),
    }
}

/// Web searches at the provider; 0 is written by every call that could have searched.
fn searches(usage: View<'_, '_>) -> Tokens {
    let searches = usage.get("server_tool_use").get("web_search_requests");
    let count = searches.tokens().get().filter(|count| *count > 0);
    count.map_or(Tokens::NONE, Tokens::from)
}

/// Tokens of all model calls so far, as summed up by OpenHands: prompt tokens include cached tokens.
pub(super) fn running(total: View<'_, '_>) -> Usage {
    let read = total.get("cache_read_tokens").tokens();
    let written = total.get("cache_write_tokens").tokens();
    let prompt = total.get("prompt_tokens").tokens();
    Usage {
        input: without(prompt, read.or_zero().saturating_add(written.or_zero())),
        output: total.get("completion_tokens").tokens(),
        cache_read: read,
        cache_write: written,
        reasoning: total.get("reasoning_tokens").tokens(),
        ..Usage::NONE
    }
}

/// A count without a part that is counted separately.
pub(super) fn without(all: Tokens, part: u64) -> Tokens {
    all.get()
        .map_or(Tokens::NONE, |all| Tokens::from(all.saturating_sub(part)))
}

/// Opens a part of a message.
pub(super) fn open(message: &Value, part: u16) -> Body {
    let mut body = Body {
        id: string(message, "id"),
        ..Body::default()
    };
    if part & IMPLIED != 0 {
        body.asks = asks(message);
        return body;
    }
    let content = message.get("content");
    let tool = matches!(
        message.get("role").and_then(Value::as_str),
        Some("tool" | "function" | "toolResult")
    );
    match part {
        TEXT if tool => body.text = content.and_then(text_of),
        TEXT => {
            body.text = content
                .and_then(plain_text)
                .filter(|words| !words.is_empty())
                .or_else(|| string(message, "refusal"));
        }
        REASONING => {
            body.text = REASONING_MEMBERS
                .iter()
                .find_map(|key| string(message, key));
        }
        BLOCKS.. => {
            let block = content.and_then(|content| content.get(usize::from(part - BLOCKS)));
            if let Some(block) = block {
                open_block(block, &mut body);
            }
        }
        CALLS.. => {
            let calls = message.get("tool_calls");
            let call = calls
                .and_then(|calls| calls.get(usize::from(part - CALLS)))
                .or_else(|| message.get("function_call"));
            if let Some(call) = call {
                open_call(call, &mut body);
            }
        }
        _ => {}
    }
    body
}

fn asks(message: &Value) -> Vec<String> {
    let name = |call: &Value| {
        let inner = call.get("function").filter(|inner| inner.is_object());
        let inner = inner.unwrap_or(call);
        ["name", "toolName", "function"]
            .iter()
            .find_map(|key| string(inner, key))
    };
    let list = |key: &str| message.get(key).and_then(Value::as_array).into_iter();
    let calls = list("tool_calls").flatten();
    let blocks = list("content").flatten().filter(|block| {
        let kind = block.get("type").and_then(Value::as_str);
        kind.is_some_and(|kind| CALL_KINDS.contains(&kind))
    });
    let legacy = message.get("function_call").into_iter();
    blocks.chain(calls).chain(legacy).filter_map(name).collect()
}

/// Opens a tool call in any of the spellings.
pub(super) fn open_call(call: &Value, body: &mut Body) {
    let inner = call.get("function").filter(|inner| inner.is_object());
    let inner = inner.unwrap_or(call);
    body.id = ["id", "toolCallId", "tool_call_id"]
        .iter()
        .find_map(|key| string(call, key))
        .or(body.id.take());
    let args = ["arguments", "input", "args"]
        .iter()
        .find_map(|key| inner.get(key).filter(|args| !args.is_null()));
    body.args = args.map(unpacked);
}

fn open_block(block: &Value, body: &mut Body) {
    match block.get("type").and_then(Value::as_str) {
        Some(kind) if CALL_KINDS.contains(&kind) => open_call(block, body),
        Some("thinking" | "reasoning") => {
            body.text = ["thinking", "reasoning", "text", "summary"]
                .iter()
                .find_map(|key| string(block, key))
                .filter(|text| !text.is_empty())
                .or_else(|| Some("[reasoning not shown]".to_owned()));
        }
        Some("redacted_thinking") => body.text = Some("[redacted reasoning]".to_owned()),
        _ => body.text = block.get("content").map_or_else(|| text_of(block), text_of),
    }
}

/// The text of a content, without calls, results and reasoning.
pub(super) fn plain_text(content: &Value) -> Option<String> {
    let Value::Array(blocks) = content else {
        return text_of(content);
    };
    let has_text = |block: &&Value| {
        let kind = block
            .get("type")
            .and_then(Value::as_str)
            .unwrap_or_default();
        ![REASONING_KINDS, CALL_KINDS, RESULT_KINDS]
            .iter()
            .any(|kinds| kinds.contains(&kind))
    };
    let words: Vec<Value> = blocks.iter().filter(has_text).cloned().collect();
    text_of(&Value::Array(words))
}

/// Adds the result in a tool message or block to its call; for a model call, its text.
pub(super) fn open_result(message: &Value, part: u16, body: &mut Body) {
    let block = part
        .checked_sub(BLOCKS)
        .and_then(|at| message.get("content")?.get(usize::from(at)));
    let answer = block.unwrap_or(message);
    let role = message.get("role").and_then(Value::as_str);
    if block.is_none() && matches!(role, Some("assistant" | "model" | "agent" | "ai")) {
        body.text = message.get("content").and_then(plain_text);
        body.asks.clear();
        return;
    }
    let content = answer.get("content").filter(|content| !content.is_null());
    let text = content.and_then(text_of);
    let failed = ["is_error", "isError", "error"]
        .iter()
        .any(|key| answer.get(key).and_then(Value::as_bool) == Some(true));
    if failed {
        body.error = Some(ErrorText {
            message: text.clone().unwrap_or_default(),
            ..ErrorText::default()
        });
    }
    body.result = text.map(|text| unpacked(&Value::String(text)));
}

#[cfg(test)]
mod tests;
