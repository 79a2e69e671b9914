//! The `mini-swe-agent` format: trajectories of mini-swe-agent, a document or a bare list of messages.
//!
//! The model puts its one command in a code block of its text, and the next user message is the result,
//! with a return code. Two blocks are a mistake that the harness points out; nothing is run. Newer versions
//! have tool calls in `extra.actions`. Every response has its tokens, cost and time. Source:
//! SWE-agent/mini-swe-agent, `run/utils/save.py`.

use serde_json::{Value, json};

use super::conversation::{Conversation, known};
use super::messages::{self, CALLS, Envelope};
use crate::ingest::assemble::{self, Assembler};
use crate::ingest::body::{Body, ErrorText};
use crate::ingest::fact::{Fact, FactKind, FactSink, IMPLIED, Name};
use crate::ingest::format::{Decode, Format, Held, Layout, Open, Recorded, Request, Sent};
use crate::ingest::formats::content::string;
use crate::ingest::formats::entry::decode_tree;
use crate::ingest::formats::members;
use crate::ingest::json::{Record, View};
use crate::model::action::{Flags, Status};

#[derive(Debug)]
pub struct MiniSwe;

impl Format for MiniSwe {
    fn name(&self) -> &'static str {
        "mini-swe-agent"
    }

    fn about(&self) -> &'static str {
        "mini-swe-agent trajectories (.traj.json)"
    }

    fn recorded(&self) -> Recorded {
        Recorded {
            tokens: Held::Yes,
            cost: Held::Yes,
            times: Held::Partly,
            results: Held::Yes,
            approvals: Held::No,
        }
    }
}

impl Decode for MiniSwe {
    fn sniff_document(&self, head: &Value) -> u8 {
        let format = members::text(head, "trajectory_format");
        if format.starts_with("mini-swe-agent") || head.pointer("/info/mini_version").is_some() {
            return 95;
        }
        let list = head.as_array().or_else(|| head.get("messages")?.as_array());
        if list.is_some_and(|list| is_bare(list)) {
            60
        } else {
            0
        }
    }

    fn lists(&self) -> Option<&'static [&'static str]> {
        Some(&["messages"])
    }

    fn decode(&self, record: Record<'_>, out: &mut FactSink<'_>) {
        let member = record.member;
        decode_tree(record, out, |record, out| match member {
            b"info" => info(record, out),
            b"instance_id" => {
                let mut fact = Fact::new(FactKind::Setting);
                fact.run = out.copy(record);
                out.copy_name(Name::Task, record);
                out.push(fact);
            }
            b"" | b"[]" | b"messages" if record.is_object() => message(record, out),
            _ => out.push(Fact::new(FactKind::Copy)),
        });
    }

    fn assembler(&self) -> Box<dyn Assembler> {
        Box::new(Conversation::new("mini-swe-agent"))
    }
}

impl Layout for MiniSwe {}

impl Open for MiniSwe {
    fn open(&self, record: &Value, part: u16) -> Body {
        open(record, part)
    }

    fn open_result(&self, record: &Value, part: u16, body: &mut Body) {
        messages::open_result(record, part, body);
        let text = string(record, "content").unwrap_or_default();
        let Some(code) = return_code(&text) else {
            return;
        };
        let output = text
            .split_once("<output>")
            .map(|(_, output)| output.trim_start_matches('\n'));
        let output = output.and_then(|output| Some(output.rsplit_once("</output>")?.0));
        let output = output.unwrap_or(&text).to_owned();
        if code != "0" {
            body.error = Some(ErrorText {
                kind: Some(format!("return code {code}")),
                message: output.clone(),
                stack: None,
            });
        }
        body.result = Some(Value::String(output));
    }
}

impl Request for MiniSwe {
    fn sent(&self) -> Sent {
        Sent::Messages
    }
}

/// The one command in a text; none if there are several.
fn command(text: &str) -> Option<&str> {
    let mut found = text.split("```").skip(1).step_by(2).filter_map(|block| {
        let (language, code) = block.split_once('\n')?;
        let is_command = matches!(language.trim(), "bash" | "mswea_bash_command");
        is_command.then_some(code.trim())
    });
    let first = found.next()?;
    found.next().is_none().then_some(first)
}

/// Whether bare messages are of this harness: a command in the text of each response, and a return code in
/// what answers it. People talk about commands too.
fn is_bare(list: &[Value]) -> bool {
    let is = |message: &Value, role: &str| members::text(message, "role") == role;
    let text = |message: &Value| string(message, "content").unwrap_or_default();
    let first = &list[..list.len().min(8)];
    let asks = |it: &Value| it.get("tool_calls").is_none() && command(&text(it)).is_some();
    let mut answers = first.iter().filter(|it| is(it, "assistant")).peekable();
    let harness = first.iter().any(|it| {
        let text = text(it);
        !is(it, "assistant") && (text.contains("<returncode>") || text.contains(MISTAKE))
            || is(it, "system") && text.contains("```")
    });
    answers.peek().is_some() && answers.all(asks) && (harness || first.len() < 3)
}

fn return_code(text: &str) -> Option<&str> {
    let rest = text.trim_start().strip_prefix("<returncode>")?;
    rest.split('<').next().map(str::trim)
}

/// The harness's reply to a response without exactly one command.
const MISTAKE: &str = "Please always provide EXACTLY ONE action";

fn message(record: View<'_, '_>, out: &mut FactSink<'_>) {
    let response = record.get("extra").get("response");
    let mut base = Fact::new(FactKind::Note).at(record.range());
    base.time = response
        .get("created")
        .or(record.get("extra").get("timestamp"))
        .time();
    base.model = out.copy(response.get("model"));
    let how = Envelope {
        usage: messages::usage(response.get("usage")),
        cost: known(
            response
                .get("usage")
                .get("cost")
                .or(record.get("extra").get("cost"))
                .usd(),
        ),
        ..Envelope::new(base)
    };
    let text = record.get("content").text();
    match record.get("role").raw() {
        b"assistant" => {
            messages::decode(record, &how, out);
            let is_text = !record.get("tool_calls").is_array();
            if let Some(fields) = command(&text).filter(|_| is_text) {
                let mut call = base;
                call.kind = FactKind::ToolCall;
                call.part = CALLS;
                call.tool = out.arena(b"bash");
                call.hash = assemble::hash(fields.as_bytes());
                out.push(call);
            }
        }
        b"user" if return_code(&text).is_some() || text.starts_with("The last command") => {
            let mut result = base;
            result.kind = FactKind::ToolResult;
            result.status = match return_code(&text) {
                Some("0") => Status::Ok,
                Some(_) => Status::Error,
                None => Status::Timeout,
            };
            out.push(result);
        }
        b"user" => {
            let mistake = record.get("extra").get("interrupt_type").is_some();
            if response.is_object() {
                billed(&how, out);
            }
            let mut prompt = base;
            prompt.kind = FactKind::Prompt;
            prompt.part = u16::from(response.is_object());
            if mistake || text.starts_with(MISTAKE) {
                prompt.flags.set(Flags::META);
            }
            out.push(prompt);
        }
        b"tool" => answer(record, base, &text, out),
        b"exit" => {
            let mut end = base;
            end.kind = FactKind::Note;
            out.push(end);
        }
        _ => messages::decode(record, &how, out),
    }
}

/// A response that the harness did not accept: its tokens and cost are recorded in the message that rejects it.
fn billed(how: &Envelope, out: &mut FactSink<'_>) {
    let mut spent = how.base;
    spent.kind = FactKind::Usage;
    spent.cost = how.cost;
    out.usage(&mut spent, how.usage);
    out.push(spent);
}

/// The result of a tool call; the return code is a field, or the first line of the text.
fn answer(record: View<'_, '_>, base: Fact, text: &str, out: &mut FactSink<'_>) {
    let code = record.get("extra").get("returncode").number();
    let code = code.or_else(|| return_code(text)?.parse().ok());
    let mut result = base;
    result.kind = FactKind::ToolResult;
    result.call = out.copy(record.get("tool_call_id"));
    result.status = match code {
        Some(0.0) => Status::Ok,
        Some(_) => Status::Error,
        None if text.starts_with("The last command") => Status::Timeout,
        None => Status::Unrecorded,
    };
    out.push(result);
}

fn info(record: View<'_, '_>, out: &mut FactSink<'_>) {
    let mut fact = Fact::new(FactKind::Setting);
    fact.model = out.copy(record.get("config").get("model").get("model_name"));
    out.copy_name(Name::Release, record.get("mini_version"));
    fact.cost = known(record.get("model_stats").get("instance_cost").usd());
    fact.status = match record.get("exit_status").raw() {
        b"Submitted" => Status::Ok,
        b"" => Status::Unrecorded,
        _ => Status::Error,
    };
    out.push(fact);
}

fn open(record: &Value, part: u16) -> Body {
    let text = string(record, "content").unwrap_or_default();
    let fields = command(&text).filter(|_| record.get("tool_calls").is_none());
    match fields {
        Some(_) if part & IMPLIED != 0 => Body {
            asks: vec!["bash".to_owned()],
            ..Body::default()
        },
        Some(fields) if part == CALLS => Body {
            args: Some(json!({ "command": fields })),
            ..Body::default()
        },
        _ => messages::open(record, part),
    }
}
