//! Reads one line of a rollout in one pass.

use crate::ingest::assemble;
use crate::ingest::fact::{Echo, Fact, FactKind, FactSink, Name};
use crate::ingest::json::{Checked, Cursor, Str, unescape};
use crate::ingest::time;
use crate::model::action::{Flags, Status, Verdict};
use crate::model::quantity::{Elapsed, Time, Tokens, Usage};

/// The members of a line and its payload, in any order.
#[derive(Default)]
struct Line {
    kind: Option<Str>,
    time: Time,
    enveloped: bool,
    payload: Payload,
}

#[derive(Default)]
struct Payload {
    kind: Option<Str>,
    id: Option<Str>,
    call: Option<Str>,
    role: Option<Str>,
    name: Option<Str>,
    model: Option<Str>,
    status: Option<Str>,
    /// The first text in any position, and all texts of a list.
    texts: Vec<Str>,
    /// Hash of the arguments, input or action.
    args: u64,
    total: Usage,
    last: Usage,
    duration: Elapsed,
    exit: Option<f64>,
    success: Option<bool>,
    parent: Option<Str>,
    release: Option<Str>,
    provider: Option<Str>,
    instructions: bool,
    failed: bool,
}

pub(super) fn read(cursor: &mut Cursor<'_>, out: &mut FactSink<'_>) -> Checked<()> {
    let mut line = Line::default();
    if cursor.peek() != b'{' {
        return cursor.fail("not an object");
    }
    cursor.object(|cursor, key| match key {
        b"timestamp" => {
            line.time = cursor
                .string_or_skip()?
                .map_or(Time::NONE, |text| time::from_text(cursor.raw(text)));
            Ok(())
        }
        b"type" => {
            line.kind = cursor.string_or_skip()?;
            Ok(())
        }
        b"payload" => {
            line.enveloped = cursor.peek() == b'{';
            let payload = &mut line.payload;
            cursor.object_or_skip(|cursor, key| member(cursor, key, payload))
        }
        _ => member(cursor, key, &mut line.payload),
    })?;
    cursor.end()?;
    if !line.enveloped {
        line.payload.kind = line.kind;
    }
    emit(&line, cursor, out);
    Ok(())
}

fn member(cursor: &mut Cursor<'_>, key: &[u8], payload: &mut Payload) -> Checked<()> {
    let slot = match key {
        b"type" => &mut payload.kind,
        b"id" => &mut payload.id,
        b"call_id" | b"target_item_id" => &mut payload.call,
        b"role" => &mut payload.role,
        b"name" => &mut payload.name,
        b"model" => &mut payload.model,
        b"status" => &mut payload.status,
        b"forked_from_id" | b"parent_thread_id" => &mut payload.parent,
        b"cli_version" => &mut payload.release,
        b"model_provider" => &mut payload.provider,
        b"content" | b"output" | b"summary" | b"message" | b"text" | b"last_agent_message" => {
            return texts(cursor, payload);
        }
        b"arguments" | b"input" | b"action" => {
            let range = cursor.range()?;
            payload.args = assemble::hash(&cursor.bytes()[range.start..range.end]);
            return Ok(());
        }
        b"invocation" => {
            return cursor.object_or_skip(|cursor, key| invocation(cursor, key, payload));
        }
        b"info" => return cursor.object_or_skip(|cursor, key| info(cursor, key, payload)),
        b"item" => return cursor.object_or_skip(|cursor, key| item(cursor, key, payload)),
        b"thread_token_usage" => {
            payload.total = usage(cursor)?;
            return Ok(());
        }
        b"usage" => {
            payload.last = usage(cursor)?;
            return Ok(());
        }
        b"duration" => {
            payload.duration = duration(cursor)?;
            return Ok(());
        }
        b"exit_code" => {
            payload.exit = cursor.number_or_skip()?;
            return Ok(());
        }
        b"success" => {
            payload.success = cursor.bool_or_skip()?;
            return Ok(());
        }
        b"instructions" => {
            payload.instructions = true;
            return cursor.skip();
        }
        b"error" => {
            payload.failed = cursor.peek() != b'n';
            return cursor.skip();
        }
        b"result" => {
            return cursor.object_or_skip(|cursor, key| answer(cursor, key, payload));
        }
        _ => return cursor.skip(),
    };
    *slot = cursor.string_or_skip()?;
    Ok(())
}

/// A string, or the texts of a list or an object.
fn texts(cursor: &mut Cursor<'_>, payload: &mut Payload) -> Checked<()> {
    match cursor.peek() {
        b'[' => cursor.array(|cursor| one_text(cursor, payload)),
        _ => one_text(cursor, payload),
    }
}

fn one_text(cursor: &mut Cursor<'_>, payload: &mut Payload) -> Checked<()> {
    if cursor.peek() == b'{' {
        cursor.object(|cursor, key| {
            let text = cursor.string_or_skip()?;
            if key == b"text" {
                payload.texts.extend(text);
            }
            Ok(())
        })
    } else {
        payload.texts.extend(cursor.string_or_skip()?);
        Ok(())
    }
}

fn invocation(cursor: &mut Cursor<'_>, key: &[u8], payload: &mut Payload) -> Checked<()> {
    match key {
        b"tool" => payload.name = cursor.string_or_skip()?,
        _ => cursor.skip()?,
    }
    Ok(())
}

/// The answer of an MCP server: `{"Ok": {…, "isError": …}}`, `{"Err": …}`, or without the envelope.
fn answer(cursor: &mut Cursor<'_>, key: &[u8], payload: &mut Payload) -> Checked<()> {
    match key {
        b"Err" => payload.failed = true,
        b"Ok" => {
            return cursor.object_or_skip(|cursor, key| answer(cursor, key, payload));
        }
        b"isError" | b"is_error" => {
            payload.failed |= cursor.bool_or_skip()? == Some(true);
            return Ok(());
        }
        _ => {}
    }
    cursor.skip()
}

/// Items of the paginated mode; `item.type` is their kind.
fn item(cursor: &mut Cursor<'_>, key: &[u8], payload: &mut Payload) -> Checked<()> {
    match key {
        b"type" => payload.role = cursor.string_or_skip()?,
        b"id" => payload.call = cursor.string_or_skip()?,
        b"tool" => payload.name = cursor.string_or_skip()?,
        b"summary_text" => texts(cursor, payload)?,
        b"command" => {
            let range = cursor.range()?;
            payload.args = assemble::hash(&cursor.bytes()[range.start..range.end]);
        }
        _ => member(cursor, key, payload)?,
    }
    Ok(())
}

fn info(cursor: &mut Cursor<'_>, key: &[u8], payload: &mut Payload) -> Checked<()> {
    match key {
        b"total_token_usage" => payload.total = usage(cursor)?,
        b"last_token_usage" => payload.last = usage(cursor)?,
        _ => cursor.skip()?,
    }
    Ok(())
}

/// `input_tokens` includes cache reads and writes; they are separated here.
fn usage(cursor: &mut Cursor<'_>) -> Checked<Usage> {
    let mut usage = Usage::NONE;
    cursor.object_or_skip(|cursor, key| {
        let slot = match key {
            b"input_tokens" => &mut usage.input,
            b"cached_input_tokens" => &mut usage.cache_read,
            b"cache_write_input_tokens" => &mut usage.cache_write,
            b"output_tokens" => &mut usage.output,
            b"reasoning_output_tokens" => &mut usage.reasoning,
            _ => return cursor.skip(),
        };
        *slot = cursor.count_or_skip()?.map_or(Tokens::NONE, Tokens::from);
        Ok(())
    })?;
    if let Some(input) = usage.input.get() {
        let cached = usage
            .cache_read
            .or_zero()
            .saturating_add(usage.cache_write.or_zero());
        usage.input = Tokens::from(input.saturating_sub(cached));
    }
    Ok(usage)
}

/// `{secs, nanos}`, or milliseconds.
fn duration(cursor: &mut Cursor<'_>) -> Checked<Elapsed> {
    if cursor.peek() != b'{' {
        return Ok(cursor
            .number_or_skip()?
            .map_or(Elapsed::NONE, Elapsed::from_millis));
    }
    let mut millis = 0.0;
    cursor.object(|cursor, key| {
        let scale = match key {
            b"secs" => 1e3,
            b"nanos" => 1e-6,
            _ => return cursor.skip(),
        };
        millis += cursor.number_or_skip()?.unwrap_or(0.0) * scale;
        Ok(())
    })?;
    Ok(Elapsed::from_millis(millis))
}

fn emit(line: &Line, cursor: &Cursor<'_>, out: &mut FactSink<'_>) {
    let payload = &line.payload;
    let word = |text: Option<Str>| text.map_or(&b""[..], |text| cursor.raw(text));
    let kind = match (word(line.kind), word(payload.kind)) {
        _ if !line.enveloped && payload.instructions => FactKind::RunStart,
        (b"session_meta", _) => FactKind::RunStart,
        (b"turn_context", _) => FactKind::Setting,
        (
            b"world_state"
            | b"inter_agent_communication_metadata"
            | b"security_risk_score"
            | b"retained_context"
            | b"realtime_item",
            _,
        ) => FactKind::Copy,
        (b"compacted" | b"inter_agent_communication", _) => FactKind::Note,
        (b"token_usage_record", _) => return spent(line, cursor, out),
        (b"event_msg", kind) => return event(line, kind, cursor, out),
        (b"response_item", kind) => return response_item(line, kind, cursor, out),
        (_, kind) if !line.enveloped && is_item(kind, payload) => {
            return response_item(line, kind, cursor, out);
        }
        _ => FactKind::Unknown,
    };
    let mut fact = envelope(kind, line, cursor, out);
    if kind == FactKind::RunStart {
        fact.run = fact.id;
        for (name, text) in [
            (Name::Release, payload.release),
            (Name::Provider, payload.provider),
            (Name::ParentRun, payload.parent),
        ] {
            let text = out.text(cursor, text);
            out.name(name, text);
        }
    }
    out.push(fact);
}

/// The tokens of one response, and usually those of the thread so far.
fn spent(line: &Line, cursor: &Cursor<'_>, out: &mut FactSink<'_>) {
    let (kind, tokens) = if line.payload.total.is_none() {
        (FactKind::Usage, line.payload.last)
    } else {
        (FactKind::RunningTotal, line.payload.total)
    };
    let mut fact = envelope(kind, line, cursor, out);
    out.usage(&mut fact, tokens);
    out.push(fact);
}

/// Whether a line without an envelope is an item of the first rollouts, which had roles and call ids.
fn is_item(kind: &[u8], payload: &Payload) -> bool {
    match kind {
        b"message" => payload.role.is_some(),
        b"reasoning" => true,
        b"function_call"
        | b"function_call_output"
        | b"local_shell_call"
        | b"custom_tool_call"
        | b"custom_tool_call_output" => payload.call.is_some(),
        _ => false,
    }
}

fn envelope(kind: FactKind, line: &Line, cursor: &Cursor<'_>, out: &mut FactSink<'_>) -> Fact {
    let payload = &line.payload;
    let mut fact = Fact::new(kind);
    fact.time = line.time;
    fact.id = out.text(cursor, payload.id);
    fact.call = out.text(cursor, payload.call);
    fact.model = out.text(cursor, payload.model);
    fact.duration = payload.duration;
    fact.hash = payload.args;
    // Texts are recorded as events and as items; results only once.
    if matches!(
        kind,
        FactKind::Prompt | FactKind::Response | FactKind::Reasoning
    ) {
        for &text in &payload.texts {
            let text = out.text(cursor, Some(text));
            out.name(Name::Text, text);
        }
    }
    fact
}

fn event(line: &Line, kind: &[u8], cursor: &Cursor<'_>, out: &mut FactSink<'_>) {
    let payload = &line.payload;
    let plain = match kind {
        b"user_message" => FactKind::Prompt,
        b"agent_message" => FactKind::Response,
        b"agent_reasoning" => FactKind::Reasoning,
        b"token_count" => FactKind::RunningTotal,
        b"error" | b"stream_error" => FactKind::Error,
        b"task_complete" if payload.failed => FactKind::Error,
        b"task_complete" => FactKind::RunEnd,
        b"guardian_assessment" => FactKind::Decision,
        b"exec_approval_request" | b"apply_patch_approval_request" => FactKind::Approval,
        b"exec_command_end" | b"patch_apply_end" | b"mcp_tool_call_end" | b"web_search_end" => {
            FactKind::CallNews
        }
        b"item_completed" => return completed(line, cursor, out),
        b"task_started"
        | b"agent_message_delta"
        | b"agent_reasoning_section_break"
        | b"exec_command_begin"
        | b"patch_apply_begin"
        | b"mcp_tool_call_begin"
        | b"web_search_begin" => FactKind::Copy,
        b"turn_aborted"
        | b"thread_rolled_back"
        | b"warning"
        | b"context_compacted"
        | b"thread_settings_applied"
        | b"background_event"
        | b"entered_review_mode"
        | b"exited_review_mode"
        | b"thread_name_updated"
        | b"deprecation_notice"
        | b"model_reroute"
        | b"sub_agent_activity" => FactKind::Note,
        kind if kind.starts_with(b"collab_") => FactKind::Note,
        b"thread_goal_updated" | b"image_generation_begin" | b"image_generation_end" => {
            FactKind::Copy
        }
        _ => FactKind::Unknown,
    };
    let mut fact = envelope(plain, line, cursor, out);
    match plain {
        FactKind::RunningTotal => {
            let known = if payload.total.is_none() {
                payload.last
            } else {
                payload.total
            };
            out.usage(&mut fact, known);
        }
        FactKind::Note if matches!(kind, b"turn_aborted" | b"thread_rolled_back") => {
            fact.status = Status::Cancelled;
        }
        FactKind::Approval => fact.verdict = Verdict::Requested,
        FactKind::Decision => {
            fact.verdict = match payload.status.map(|status| cursor.raw(status)) {
                Some(b"approved" | b"allowed") => Verdict::Allow,
                Some(b"denied" | b"rejected" | b"blocked" | b"aborted") => Verdict::Block,
                _ => Verdict::Unrecorded,
            };
            let policy = out.arena(b"guardian");
            out.name(Name::Policy, policy);
        }
        FactKind::CallNews => fact.status = ended(payload, cursor),
        _ => {}
    }
    // Events duplicate response items: the assembler shows each text once.
    fact.echo = Echo::Event;
    out.push(fact);
}

/// An item of the paginated mode.
fn completed(line: &Line, cursor: &Cursor<'_>, out: &mut FactSink<'_>) {
    let payload = &line.payload;
    let (kind, tool): (FactKind, &[u8]) =
        match payload.role.map_or(&b""[..], |role| cursor.raw(role)) {
            b"UserMessage" => (FactKind::Prompt, b""),
            b"AgentMessage" => (FactKind::Response, b""),
            b"Reasoning" => (FactKind::Reasoning, b""),
            b"CommandExecution" => (FactKind::ToolCall, b"exec_command"),
            b"FileChange" => (FactKind::ToolCall, b"apply_patch"),
            b"McpToolCall" => (FactKind::ToolCall, b""),
            b"Extension" | b"WebSearch" => (FactKind::ToolCall, b"web_search"),
            _ => (FactKind::Note, b""),
        };
    let mut fact = envelope(kind, line, cursor, out);
    if kind == FactKind::ToolCall {
        fact.id = fact.call;
        fact.tool = if tool.is_empty() {
            out.text(cursor, payload.name)
        } else {
            out.arena(tool)
        };
        fact.status = ended(payload, cursor);
    }
    fact.echo = Echo::Event;
    out.push(fact);
}

/// The status of a call, from an exit code or a status word.
fn ended(payload: &Payload, cursor: &Cursor<'_>) -> Status {
    match (
        payload.exit,
        payload.success,
        payload.status.map(|status| cursor.raw(status)),
    ) {
        (_, _, Some(b"declined")) => Status::Denied,
        (_, _, Some(b"failed")) => Status::Error,
        (Some(code), ..) if code != 0.0 => Status::Error,
        (_, Some(false), _) => Status::Error,
        _ if payload.failed => Status::Error,
        (Some(_), ..) | (_, Some(true), _) | (_, _, Some(b"completed")) => Status::Ok,
        _ => Status::Unrecorded,
    }
}

fn response_item(line: &Line, kind: &[u8], cursor: &Cursor<'_>, out: &mut FactSink<'_>) {
    let payload = &line.payload;
    // Some writers omit the type of a message.
    let kind = if kind.is_empty() && payload.role.is_some() {
        b"message"
    } else {
        kind
    };
    let first = payload.texts.first().copied();
    let role = payload.role.map_or(&b""[..], |role| cursor.raw(role));
    let (plain, tool): (FactKind, &[u8]) = match kind {
        b"message" => match role {
            b"assistant" => (FactKind::Response, b""),
            b"user" if !first.is_some_and(|text| injected(&cursor.opening(text))) => {
                (FactKind::Prompt, b"")
            }
            _ => (FactKind::Note, b""),
        },
        b"reasoning" => (FactKind::Reasoning, b""),
        b"function_call" | b"custom_tool_call" => (FactKind::ToolCall, b""),
        b"local_shell_call" => (FactKind::ToolCall, b"local_shell"),
        b"web_search_call" => (FactKind::ToolCall, b"web_search"),
        b"image_generation_call" => (FactKind::ToolCall, b"image_generation"),
        b"tool_search_call" => (FactKind::ToolCall, b"tool_search"),
        b"function_call_output"
        | b"custom_tool_call_output"
        | b"tool_search_output"
        | b"mcp_tool_call_output" => (FactKind::ToolResult, b""),
        b"agent_message"
        | b"ghost_snapshot"
        | b"compaction"
        | b"compaction_summary"
        | b"context_compaction" => (FactKind::Note, b""),
        b"additional_tools" => (FactKind::Copy, b""),
        _ => (FactKind::Unknown, b""),
    };
    let mut fact = envelope(plain, line, cursor, out);
    match plain {
        FactKind::ToolCall => {
            fact.tool = if tool.is_empty() {
                out.text(cursor, payload.name)
            } else {
                out.arena(tool)
            };
            // These are complete in one line; the others wait for their output.
            let whole = matches!(
                kind,
                b"web_search_call"
                    | b"image_generation_call"
                    | b"local_shell_call"
                    | b"tool_search_call"
            );
            if whole {
                fact.status = ended(payload, cursor);
            }
            fact.id = fact.call.or(fact.id);
        }
        FactKind::ToolResult => {
            let text = first.map(|text| unescape(cursor.raw(text)));
            let inferred;
            (fact.status, inferred) = outcome(&text.unwrap_or_default());
            fact.flags.set(inferred);
        }
        FactKind::Note => fact.flags.set(Flags::META),
        _ => {}
    }
    out.push(fact);
}

/// Whether the harness injected this user message.
fn injected(text: &str) -> bool {
    const INJECTED: &[&str] = &[
        "<environment_context>",
        "<user_instructions>",
        "<permissions",
        "# AGENTS.md",
        "<turn_aborted>",
        "<INSTRUCTIONS>",
        "<collaboration_mode>",
        "<skills",
    ];
    INJECTED
        .iter()
        .any(|start| text.trim_start().starts_with(start))
}

/// The status of a call, from its output, with [`Flags::INFERRED`] if it is inferred from the wording; not
/// recorded if the output does not show it.
fn outcome(text: &str) -> (Status, Flags) {
    match text {
        "exec command rejected by user" | "patch rejected by user" => {
            return (Status::Denied, Flags::NONE);
        }
        _ if text.contains("This action was rejected due to unacceptable risk.") => {
            return (Status::Blocked, Flags::NONE);
        }
        _ => {}
    }
    match exit_code(text) {
        Some(0) => (Status::Ok, Flags::NONE),
        Some(124) => (Status::Timeout, Flags::NONE),
        Some(_) => (Status::Error, Flags::NONE),
        None => status_by_wording(text).map_or((Status::Unrecorded, Flags::NONE), |status| {
            (status, Flags::INFERRED)
        }),
    }
}

/// The status that the first words of the harness imply.
fn status_by_wording(text: &str) -> Option<Status> {
    let text = text.trim_start();
    let starts = |phrases: &[&str]| phrases.iter().any(|phrase| text.starts_with(phrase));
    if starts(&["aborted by user", "aborted"]) {
        Some(Status::Cancelled)
    } else if starts(&[
        "Script failed",
        "failed to parse function arguments",
        "unsupported call:",
        "apply_patch verification failed",
        "execution error:",
        "exec_command failed",
        "tool call error:",
    ]) {
        Some(Status::Error)
    } else if starts(&["Script completed"]) {
        Some(Status::Ok)
    } else {
        None
    }
}

/// `{"metadata":{"exit_code":N}}`, `Exit code: N`, or `Process exited with code N` in the first lines.
fn exit_code(text: &str) -> Option<i64> {
    if text.starts_with('{') {
        let value = crate::ingest::json::value(text.as_bytes())?;
        return value.pointer("/metadata/exit_code")?.as_i64();
    }
    let head: Vec<&str> = text.lines().take(6).collect();
    head.iter()
        .find_map(|line| {
            line.strip_prefix("Exit code: ")
                .or_else(|| line.strip_prefix("Process exited with code "))
        })
        .and_then(|code| code.trim().parse().ok())
}
