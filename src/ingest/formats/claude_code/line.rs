//! Reads one line of a transcript in one pass.

use super::refusal::{Refusal, failure};
use crate::ingest::assemble;
use crate::ingest::fact::{Fact, FactKind, FactSink, Name, Text};
use crate::ingest::json::{Checked, Cursor, Str, unescape};
use crate::ingest::time;
use crate::model::action::{Flags, Status, Verdict};
use crate::model::quantity::{Elapsed, Time, Tokens, Usage};

/// A bit of a row's part number: the row is a model call inside another one.
pub(super) const INNER: u16 = 1 << 14;

/// The members of a line, in any order.
#[derive(Default)]
struct Line {
    kind: Option<Str>,
    subtype: Option<Str>,
    uuid: Option<Str>,
    parent: Option<Str>,
    session: Option<Str>,
    agent: Option<Str>,
    request: Option<Str>,
    source_call: Option<Str>,
    hook: Option<Str>,
    hook_name: Option<Str>,
    attachment: Option<Str>,
    /// What a person typed while the agent worked.
    queued: Option<Str>,
    queued_mode: Option<Str>,
    title: Option<Str>,
    denial: Option<Str>,
    started: Option<Str>,
    time: Time,
    duration: Elapsed,
    sidechain: bool,
    meta: bool,
    api_error: bool,
    prevented: bool,
    message: Option<Message>,
}

#[derive(Default)]
struct Message {
    id: Option<Str>,
    model: Option<Str>,
    usage: Usage,
    /// `fast` for a mode with prices of its own.
    speed: Option<Str>,
    /// Model calls inside this one that its tokens do not include: of an advisor, of a compaction.
    inner: Vec<Inner>,
    /// The content, if it is one string.
    text: Option<Str>,
    blocks: Vec<Block>,
}

/// A model call inside another one; without a model it used that of the message.
#[derive(Default)]
struct Inner {
    kind: Option<Str>,
    model: Option<Str>,
    usage: Usage,
}

#[derive(Default, Clone, Copy)]
struct Block {
    kind: Option<Str>,
    id: Option<Str>,
    name: Option<Str>,
    call: Option<Str>,
    text: Option<Str>,
    /// The prompt that a call gives to a subagent, and the subagent's type.
    prompt: Option<Str>,
    subagent: Option<Str>,
    hash: u64,
    failed: Option<bool>,
}

pub(super) fn read(cursor: &mut Cursor<'_>, out: &mut FactSink<'_>) -> Checked<()> {
    let mut line = Line::default();
    if cursor.peek() != b'{' {
        return cursor.fail("not an object");
    }
    cursor.object(|cursor, key| {
        let slot = match key {
            b"type" => &mut line.kind,
            b"subtype" => &mut line.subtype,
            b"uuid" => &mut line.uuid,
            b"parentUuid" | b"leafUuid" => &mut line.parent,
            b"sessionId" => &mut line.session,
            b"agentId" => &mut line.agent,
            b"requestId" => &mut line.request,
            b"sourceToolAssistantUUID" => &mut line.source_call,
            b"toolDenialKind" => &mut line.denial,
            b"summary" | b"customTitle" | b"aiTitle" => &mut line.title,
            b"toolUseID" => &mut line.hook,
            b"timestamp" => {
                line.time = cursor
                    .string_or_skip()?
                    .map_or(Time::NONE, |text| time::from_text(cursor.raw(text)));
                return Ok(());
            }
            b"isSidechain" => {
                line.sidechain = cursor.bool_or_skip()? == Some(true);
                return Ok(());
            }
            b"isMeta" | b"isCompactSummary" | b"isVisibleInTranscriptOnly" => {
                line.meta |= cursor.bool_or_skip()? == Some(true);
                return Ok(());
            }
            b"isApiErrorMessage" => {
                line.api_error = cursor.bool_or_skip()? == Some(true);
                return Ok(());
            }
            b"preventedContinuation" => {
                line.prevented = cursor.bool_or_skip()? == Some(true);
                return Ok(());
            }
            b"toolUseResult" => return tool_use_result(cursor, &mut line),
            b"attachment" => return attachment(cursor, &mut line),
            b"message" => {
                if cursor.peek() == b'{' {
                    line.message = Some(message(cursor)?);
                    return Ok(());
                }
                return cursor.skip();
            }
            _ => return cursor.skip(),
        };
        *slot = cursor.string_or_skip()?;
        Ok(())
    })?;
    cursor.end()?;
    emit(&line, cursor, out);
    Ok(())
}

fn tool_use_result(cursor: &mut Cursor<'_>, line: &mut Line) -> Checked<()> {
    cursor.object_or_skip(|cursor, key| {
        match key {
            b"durationMs" | b"totalDurationMs" => {
                line.duration = cursor
                    .number_or_skip()?
                    .map_or(Elapsed::NONE, Elapsed::from_millis);
            }
            b"agentId" => line.started = cursor.string_or_skip()?,
            _ => cursor.skip()?,
        }
        Ok(())
    })
}

fn attachment(cursor: &mut Cursor<'_>, line: &mut Line) -> Checked<()> {
    cursor.object_or_skip(|cursor, key| {
        match key {
            b"type" => line.attachment = cursor.string_or_skip()?,
            b"toolUseID" => line.hook = cursor.string_or_skip()?,
            b"hookName" => line.hook_name = cursor.string_or_skip()?,
            b"prompt" => line.queued = first_text(cursor)?,
            b"commandMode" => line.queued_mode = cursor.string_or_skip()?,
            _ => cursor.skip()?,
        }
        Ok(())
    })
}

fn message(cursor: &mut Cursor<'_>) -> Checked<Message> {
    let mut message = Message::default();
    cursor.object(|cursor, key| {
        match key {
            b"id" => message.id = cursor.string_or_skip()?,
            b"model" => message.model = cursor.string_or_skip()?,
            b"usage" => message.usage = usage(cursor, &mut message)?,
            b"content" => match cursor.peek() {
                b'"' => message.text = Some(cursor.string()?),
                b'[' => cursor.array(|cursor| {
                    if cursor.peek() == b'{' {
                        message.blocks.push(block(cursor)?);
                    } else {
                        message.blocks.push(Block {
                            text: cursor.string_or_skip()?,
                            ..Block::default()
                        });
                    }
                    Ok(())
                })?,
                _ => cursor.skip()?,
            },
            _ => cursor.skip()?,
        }
        Ok(())
    })?;
    Ok(message)
}

fn block(cursor: &mut Cursor<'_>) -> Checked<Block> {
    let mut block = Block::default();
    cursor.object(|cursor, key| {
        match key {
            b"type" => block.kind = cursor.string_or_skip()?,
            b"id" => block.id = cursor.string_or_skip()?,
            b"name" => block.name = cursor.string_or_skip()?,
            b"tool_use_id" => block.call = cursor.string_or_skip()?,
            b"is_error" => block.failed = cursor.bool_or_skip()?,
            b"text" => block.text = cursor.string_or_skip()?,
            b"input" => input(cursor, &mut block)?,
            b"content" if cursor.peek() == b'{' => content(cursor, &mut block)?,
            b"content" => block.text = first_text(cursor)?,
            _ => cursor.skip()?,
        }
        Ok(())
    })?;
    Ok(block)
}

/// The result of a tool that ran at the provider: an object that says whether it is an error.
fn content(cursor: &mut Cursor<'_>, block: &mut Block) -> Checked<()> {
    cursor.object(|cursor, key| {
        match key {
            b"type" => {
                let kind = cursor.string_or_skip()?;
                let failed = kind.is_some_and(|kind| cursor.raw(kind).ends_with(b"_error"));
                block.failed = block.failed.or(failed.then_some(true));
            }
            b"return_code" => {
                let failed = cursor.number_or_skip()?.is_some_and(|code| code != 0.0);
                block.failed = block.failed.or(failed.then_some(true));
            }
            b"text" | b"error_code" => block.text = cursor.string_or_skip()?,
            _ => cursor.skip()?,
        }
        Ok(())
    })
}

fn input(cursor: &mut Cursor<'_>, block: &mut Block) -> Checked<()> {
    cursor.peek();
    let start = cursor.position();
    cursor.object_or_skip(|cursor, key| {
        match key {
            b"prompt" => block.prompt = cursor.string_or_skip()?,
            b"subagent_type" => block.subagent = cursor.string_or_skip()?,
            _ => cursor.skip()?,
        }
        Ok(())
    })?;
    block.hash = assemble::hash(&cursor.bytes()[start..cursor.position()]);
    Ok(())
}

/// The next value if it is a string, or the first text of its blocks.
fn first_text(cursor: &mut Cursor<'_>) -> Checked<Option<Str>> {
    if cursor.peek() != b'[' {
        return cursor.string_or_skip();
    }
    let mut first = None;
    cursor.array(|cursor| {
        cursor.object_or_skip(|cursor, key| {
            let text = cursor.string_or_skip()?;
            if key == b"text" {
                first = first.or(text);
            }
            Ok(())
        })
    })?;
    Ok(first)
}

/// `input_tokens` excludes both cache reads and cache writes.
fn usage(cursor: &mut Cursor<'_>, message: &mut Message) -> Checked<Usage> {
    let mut usage = Usage::NONE;
    cursor.object_or_skip(|cursor, key| {
        if let Some(slot) = tokens(key, &mut usage) {
            *slot = cursor.count_or_skip()?.map_or(Tokens::NONE, Tokens::from);
            return Ok(());
        }
        match key {
            b"speed" => {
                message.speed = cursor.string_or_skip()?;
                Ok(())
            }
            b"cache_creation" => cursor.object_or_skip(|cursor, key| {
                let tokens = cursor.count_or_skip()?;
                if key == b"ephemeral_1h_input_tokens" {
                    usage.cache_write_hour = tokens.map_or(Tokens::NONE, Tokens::from);
                }
                Ok(())
            }),
            b"server_tool_use" => cursor.object_or_skip(|cursor, key| {
                let count = cursor.count_or_skip()?.filter(|count| *count > 0);
                if key == b"web_search_requests" {
                    usage.web_searches = count.map_or(Tokens::NONE, Tokens::from);
                }
                Ok(())
            }),
            b"iterations" if cursor.peek() == b'[' => cursor.array(|cursor| {
                let found = iteration(cursor)?;
                if found.kind.is_some_and(|kind| is_inner(cursor.raw(kind))) {
                    message.inner.push(found);
                }
                Ok(())
            }),
            _ => cursor.skip(),
        }
    })?;
    Ok(usage)
}

/// Whether an iteration is a model call that the tokens of its message do not include.
pub(super) fn is_inner(kind: &[u8]) -> bool {
    matches!(kind, b"advisor_message" | b"compaction")
}

fn iteration(cursor: &mut Cursor<'_>) -> Checked<Inner> {
    let mut inner = Inner::default();
    cursor.object_or_skip(|cursor, key| {
        match key {
            b"type" => inner.kind = cursor.string_or_skip()?,
            b"model" => inner.model = cursor.string_or_skip()?,
            _ => match tokens(key, &mut inner.usage) {
                Some(slot) => {
                    *slot = cursor.count_or_skip()?.map_or(Tokens::NONE, Tokens::from);
                }
                None => cursor.skip()?,
            },
        }
        Ok(())
    })?;
    Ok(inner)
}

fn tokens<'a>(key: &[u8], usage: &'a mut Usage) -> Option<&'a mut Tokens> {
    match key {
        b"input_tokens" => Some(&mut usage.input),
        b"output_tokens" => Some(&mut usage.output),
        b"cache_read_input_tokens" => Some(&mut usage.cache_read),
        b"cache_creation_input_tokens" => Some(&mut usage.cache_write),
        _ => None,
    }
}

/// Turns a line into facts.
fn emit(line: &Line, cursor: &Cursor<'_>, out: &mut FactSink<'_>) {
    let word = |text: Option<Str>| text.map_or(&b""[..], |text| cursor.raw(text));
    let plain = |kind, out: &mut FactSink<'_>| {
        let fact = envelope(kind, line, cursor, out);
        out.push(fact);
    };
    match (word(line.kind), &line.message) {
        (b"assistant", Some(message)) => assistant(line, message, cursor, out),
        (b"user", Some(message)) => user(line, message, cursor, out),
        (b"system", _) => match word(line.subtype) {
            b"api_error" | b"error" | b"api_refusal" | b"model_refusal_fallback" => {
                plain(FactKind::Error, out);
            }
            b"stop_hook_summary" if line.prevented => decision(line, cursor, out),
            b"turn_duration" => plain(FactKind::Copy, out),
            _ => plain(FactKind::Note, out),
        },
        (b"attachment", _) => match word(line.attachment) {
            b"hook_blocking_error" => decision(line, cursor, out),
            b"queued_command" if matches!(word(line.queued_mode), b"" | b"prompt") => {
                prompt(line, line.queued, 0, cursor, out);
            }
            _ => plain(FactKind::Note, out),
        },
        (b"summary" | b"custom-title" | b"ai-title", _) => {
            let title = out.text(cursor, line.title);
            out.name(Name::Title, title);
            plain(FactKind::Setting, out);
        }
        (b"queue-operation" | b"permission-mode" | b"mode" | b"pr-link", _) => {
            plain(FactKind::Note, out);
        }
        (
            b"progress"
            | b"file-history-snapshot"
            | b"last-prompt"
            | b"agent-name"
            | b"worktree-state"
            | b"frame-link"
            | b"relocated"
            | b"bridge-session"
            | b"atis-latch"
            | b"started"
            | b"result"
            | b"agent-color"
            | b"agent-setting"
            | b"attribution-snapshot"
            | b"content-replacement"
            | b"speculation-accept"
            | b"tag"
            | b"task-summary",
            _,
        ) => plain(FactKind::Copy, out),
        _ => plain(FactKind::Unknown, out),
    }
}

/// A fact with what all facts of the line share.
fn envelope(kind: FactKind, line: &Line, cursor: &Cursor<'_>, out: &mut FactSink<'_>) -> Fact {
    let mut fact = Fact::new(kind);
    fact.time = line.time;
    fact.id = out.text(cursor, line.uuid);
    fact.parent = out.text(cursor, line.parent);
    fact.run = out.text(cursor, line.session);
    fact.agent = out.text(cursor, line.agent);
    out.name(Name::Record, fact.id);
    if line.sidechain {
        out.name(Name::SideChain, fact.run.or(fact.id));
    }
    if line.meta {
        fact.flags.set(Flags::META);
    }
    fact
}

fn decision(line: &Line, cursor: &Cursor<'_>, out: &mut FactSink<'_>) {
    let mut fact = envelope(FactKind::Decision, line, cursor, out);
    fact.verdict = Verdict::Block;
    fact.call = out.text(cursor, line.hook);
    let policy = out.text(cursor, line.hook_name.or(line.subtype));
    out.name(Name::Policy, policy);
    out.push(fact);
}

/// The model call of a message: its id and that of the request. Without either, every record is a call.
fn group(line: &Line, message: &Message, cursor: &Cursor<'_>, out: &mut FactSink<'_>) -> Text {
    let ids = [message.id, line.request];
    if ids.iter().all(Option::is_none) {
        return out.text(cursor, line.uuid);
    }
    let ids = ids.map(|id| id.map_or(&b""[..], |id| cursor.raw(id)));
    out.arena(&ids.join(&b'/'))
}

fn assistant(line: &Line, message: &Message, cursor: &Cursor<'_>, out: &mut FactSink<'_>) {
    let group = group(line, message, cursor, out);
    let whole = [Block {
        text: message.text,
        ..Block::default()
    }];
    let blocks = if message.blocks.is_empty() {
        &whole[..]
    } else {
        &message.blocks[..]
    };
    for (part, block) in blocks.iter().enumerate() {
        let kind = match block.kind.map(|kind| cursor.raw(kind)) {
            _ if line.api_error => FactKind::Error,
            Some(b"thinking" | b"redacted_thinking") => FactKind::Reasoning,
            Some(b"tool_use" | b"server_tool_use" | b"mcp_tool_use") => FactKind::ToolCall,
            Some(b"text") | None => FactKind::Response,
            // A tool that ran at the provider answers in the same message.
            Some(kind) if kind.ends_with(b"_tool_result") => {
                result(line, block, part as u16, cursor, out);
                continue;
            }
            Some(_) => FactKind::Unknown,
        };
        let mut fact = envelope(kind, line, cursor, out);
        fact.part = part as u16;
        fact.model = out.text(cursor, message.model);
        out.name(Name::Group, group);
        if message
            .speed
            .is_some_and(|speed| cursor.raw(speed) == b"fast")
        {
            let speed = out.text(cursor, message.speed);
            out.name(Name::Speed, speed);
        }
        if part == 0 {
            out.usage(&mut fact, message.usage);
        }
        if kind == FactKind::ToolCall {
            fact.id = out.text(cursor, block.id.or(line.uuid));
            fact.tool = out.text(cursor, block.name);
            fact.hash = block.hash;
            let started = out.text(cursor, block.prompt.filter(|_| block.subagent.is_some()));
            let subagent = out.text(cursor, block.subagent);
            out.name(Name::TaskPrompt, started);
            out.name(Name::SubagentType, subagent);
        }
        out.push(fact);
    }
    for (number, call) in message.inner.iter().enumerate() {
        let mut fact = envelope(FactKind::Usage, line, cursor, out);
        fact.part = INNER | number as u16;
        fact.model = out.text(cursor, call.model.or(message.model));
        out.usage(&mut fact, call.usage);
        let name = [out.peek(group), b"/", &number.to_le_bytes()].concat();
        let name = out.arena(&name);
        out.name(Name::Group, name);
        out.push(fact);
    }
}

fn user(line: &Line, message: &Message, cursor: &Cursor<'_>, out: &mut FactSink<'_>) {
    let is_result = |block: &Block| {
        block
            .kind
            .is_some_and(|kind| cursor.raw(kind) == b"tool_result")
    };
    if !message.blocks.iter().any(is_result) {
        let first = message
            .text
            .or_else(|| message.blocks.iter().find_map(|block| block.text));
        prompt(line, first, 0, cursor, out);
        return;
    }
    for (part, block) in message.blocks.iter().enumerate() {
        if is_result(block) {
            result(line, block, part as u16, cursor, out);
        } else {
            prompt(line, block.text, part as u16, cursor, out);
        }
    }
}

/// A prompt typed by a person starts a turn; text injected by the harness does not.
fn prompt(line: &Line, text: Option<Str>, part: u16, cursor: &Cursor<'_>, out: &mut FactSink<'_>) {
    const INJECTED: &[&str] = &[
        "<command-name>",
        "<command-message>",
        "<command-args>",
        "<local-command-stdout>",
        "<local-command-stderr>",
        "<local-command-caveat>",
        "<system-reminder>",
        "<task-notification>",
        "<bash-input>",
        "<bash-stdout>",
        "<bash-stderr>",
        "Caveat: The messages below were generated by the user while running local commands",
        "This session is being continued from a previous conversation",
    ];
    let begin = text.map(|text| cursor.opening(text));
    let begins = |with: &&str| {
        begin
            .as_ref()
            .is_some_and(|begin| begin.trim_start().starts_with(*with))
    };
    if begins(&"[Request interrupted by user") {
        let mut fact = envelope(FactKind::Note, line, cursor, out);
        fact.part = part;
        fact.status = Status::Cancelled;
        out.push(fact);
        return;
    }
    let mut fact = envelope(FactKind::Prompt, line, cursor, out);
    fact.part = part;
    if INJECTED.iter().any(begins) {
        fact.flags.set(Flags::META);
    }
    let prompt_text = out.text(cursor, text);
    out.name(Name::TaskPrompt, prompt_text);
    out.push(fact);
}

fn result(line: &Line, block: &Block, part: u16, cursor: &Cursor<'_>, out: &mut FactSink<'_>) {
    let mut fact = envelope(FactKind::ToolResult, line, cursor, out);
    fact.part = part;
    fact.call = out.text(cursor, block.call.or(line.source_call));
    fact.duration = line.duration;
    let text = block.text.map(|text| unescape(cursor.raw(text)));
    let begin = text.unwrap_or_default();
    let kind = line.denial.map_or(&b""[..], |kind| cursor.raw(kind));
    let failed = block.failed == Some(true) || line.denial.is_some();
    // The harness writes the flag only on failure.
    fact.status = if failed {
        failure(kind, &begin)
    } else {
        Status::Ok
    };
    if let Some(refusal) = Refusal::of(kind, &begin).filter(|_| failed) {
        fact.verdict = refusal.verdict();
        let policy = out.arena(refusal.policy().as_bytes());
        out.name(Name::Policy, policy);
    }
    let started = out.text(cursor, line.started);
    out.name(Name::Subagent, started);
    out.push(fact);
}
