//! The `saferun` format, version 1: one event per line, written by the project's own recorder and by agents
//! without any instrumentation. Source: the trace format description of the project.

mod assembler;
mod delta;
mod open;
mod request;
mod writers;

use serde_json::Value;

use self::open::kind_of;
use crate::ingest::assemble::{self, Assembler};
use crate::ingest::body::Body;
use crate::ingest::fact::{Fact, FactKind, FactSink, Name, Text};
use crate::ingest::format::{
    Decode, FindArgs, Format, Held, Layout, Open, Recorded, Request, Sent,
};
use crate::ingest::formats::members;
use crate::ingest::json::{Checked, Cursor, Record};
use crate::ingest::request::RequestPart;
use crate::ingest::time;
use crate::model::action::{Flags, Status, Verdict};
use crate::model::quantity::{Cost, Elapsed, Time, Tokens, Usage};

#[derive(Debug)]
pub struct Saferun;

impl Format for Saferun {
    fn name(&self) -> &'static str {
        "saferun"
    }

    fn about(&self) -> &'static str {
        "SafeRun traces: JSON Lines with `type` and `run_id`"
    }

    fn recorded(&self) -> Recorded {
        Recorded {
            tokens: Held::Yes,
            cost: Held::Yes,
            times: Held::Yes,
            results: Held::Yes,
            approvals: Held::Yes,
        }
    }
}

impl Decode for Saferun {
    fn sniff(&self, record: &Value) -> u8 {
        let kind = members::text(record, "type");
        if kind_of(kind.as_bytes()).is_none() || record.get("run_id").is_none() {
            return if record.get("run_id").is_some() {
                10
            } else {
                0
            };
        }
        let of_kind: &[&str] = match kind {
            "prompt" | "reasoning" | "note" => &["content", "agent"],
            "response" => &["content", "usage", "model", "agent"],
            "error" => &["error", "agent"],
            "tool_call" => &["tool"],
            "policy_decision" => &["decision"],
            "approval" => &["state"],
            "unguarded" => &["call_id"],
            "gap" => &["events", "bytes", "cause"],
            _ => &["run_id"],
        };
        if members::any(record, of_kind) {
            90
        } else {
            10
        }
    }

    fn decode(&self, record: Record<'_>, out: &mut FactSink<'_>) {
        let mut cursor = Cursor::new(record);
        if event(&mut cursor, out).is_err() {
            out.malformed();
        }
        out.note(cursor.notes);
    }

    fn assembler(&self) -> Box<dyn Assembler> {
        Box::new(assembler::SaferunAssembler::default())
    }
}

impl Layout for Saferun {
    /// Where our own guard and recorders write.
    fn folders(&self) -> &'static [&'static str] {
        &[".local/state/saferun-tui/traces"]
    }
}

impl Open for Saferun {
    fn finds_args(&self) -> Option<FindArgs> {
        Some(open::args_in)
    }

    fn open(&self, record: &Value, _part: u16) -> Body {
        open::body(record)
    }

    fn open_result(&self, record: &Value, _part: u16, body: &mut Body) {
        open::result(record, body);
    }

    fn open_attached(&self, record: &Value, _part: u16, body: &mut Body) {
        open::attached(record, body);
    }

    fn open_record(&self, record: &Value, _part: u16, body: &mut Body) {
        open::record(record, body);
    }
}

impl Request for Saferun {
    fn sent(&self) -> Sent {
        Sent::Bodies
    }

    fn context(&self, record: &Value, _part: u16) -> Option<Vec<RequestPart>> {
        Some(request::pieces(record))
    }

    fn base<'a>(&self, record: &'a Value) -> Option<&'a str> {
        delta::base(record)
    }

    fn is_base(&self, earlier: &Value, record: &Value) -> bool {
        earlier.get("run_id") == record.get("run_id") && earlier.get("request").is_some()
    }

    fn rebase(&self, record: &mut Value, base: &Value) {
        delta::rebase(record, base);
    }
}

/// The assembler of `saferun` events, for other formats whose records are complete in themselves. Records
/// without a run id belong to a run named after the file.
pub(super) fn file_assembler() -> Box<dyn Assembler> {
    Box::new(assembler::SaferunAssembler::of_files())
}

/// Keys whose repetition is flagged, as bits; the last value wins.
#[derive(Default)]
struct RepeatedKeys(u32);

impl RepeatedKeys {
    fn twice(&mut self, bit: u32) -> bool {
        let twice = self.0 & 1 << bit != 0;
        self.0 |= 1 << bit;
        twice
    }
}

/// Reads one event in one pass.
fn event(cursor: &mut Cursor<'_>, out: &mut FactSink<'_>) -> Checked<()> {
    let mut fact = Fact::new(FactKind::Unknown);
    let mut usage = Usage::NONE;
    let mut seen = RepeatedKeys::default();
    let mut twice = false;
    if cursor.peek() != b'{' {
        return cursor.fail("not an object");
    }
    cursor.object(|cursor, key| {
        let bit = match key {
            b"type" => {
                let word = cursor.string_or_skip()?;
                let word = word.map(|word| cursor.raw(word)).unwrap_or_default();
                fact.kind = kind_of(word).unwrap_or(FactKind::Unknown);
                if word == b"unguarded" {
                    fact.flags.set(Flags::UNGUARDED);
                }
                0
            }
            b"run_id" => assign(&mut fact.run, cursor, out, 1)?,
            b"id" => assign(&mut fact.id, cursor, out, 2)?,
            b"parent_id" => assign(&mut fact.parent, cursor, out, 3)?,
            b"call_id" => assign(&mut fact.call, cursor, out, 4)?,
            b"agent" => assign(&mut fact.agent, cursor, out, 5)?,
            b"tool" => assign(&mut fact.tool, cursor, out, 6)?,
            b"model" => assign(&mut fact.model, cursor, out, 7)?,
            b"ts" => {
                fact.time = instant(cursor)?;
                8
            }
            b"args" => {
                let range = cursor.range()?;
                fact.hash = assemble::hash(&cursor.bytes()[range.start..range.end]);
                9
            }
            b"usage" => {
                usage = tokens(cursor)?;
                10
            }
            b"status" => {
                let word = cursor.string_or_skip()?;
                fact.status = word
                    .and_then(|word| Status::from_bytes(cursor.raw(word)))
                    .unwrap_or(Status::Unrecorded);
                11
            }
            b"content" | b"result" | b"request" | b"system" | b"tools" => {
                cursor.skip()?;
                return Ok(());
            }
            _ => return rarer(cursor, key, &mut fact, out),
        };
        twice |= seen.twice(bit);
        Ok(())
    })?;
    cursor.end()?;
    if twice {
        fact.flags.set(Flags::DUPLICATE_KEY);
    }
    if fact.kind == FactKind::ToolCall {
        fact.id = fact.call.or(fact.id);
    }
    out.usage(&mut fact, usage);
    out.push(fact);
    Ok(())
}

fn assign(
    slot: &mut Text,
    cursor: &mut Cursor<'_>,
    out: &mut FactSink<'_>,
    bit: u32,
) -> Checked<u32> {
    let found = cursor.name_or_skip()?;
    *slot = out.text(cursor, found);
    Ok(bit)
}

fn rarer(
    cursor: &mut Cursor<'_>,
    key: &[u8],
    fact: &mut Fact,
    out: &mut FactSink<'_>,
) -> Checked<()> {
    let name = match key {
        b"duration_ms" | b"wait_ms" => {
            fact.duration = millis(cursor)?;
            return Ok(());
        }
        b"cost_usd" => {
            fact.cost = dollars(cursor)?;
            return Ok(());
        }
        b"turn" => {
            fact.turn = cursor
                .count_or_skip()?
                .map_or(0, |turn| u32::try_from(turn).unwrap_or(u32::MAX));
            return Ok(());
        }
        b"error" => {
            if cursor.peek() != b'n' {
                fact.flags.set(Flags::HAS_ERROR);
            }
            return cursor.skip();
        }
        b"decision" | b"state" => {
            let word = cursor.string_or_skip()?;
            fact.verdict = word
                .and_then(|word| Verdict::from_bytes(cursor.raw(word)))
                .unwrap_or(Verdict::Unrecorded);
            return Ok(());
        }
        b"mode" => {
            let word = cursor.string_or_skip()?;
            let shadow = word.filter(|word| cursor.raw(*word) == b"shadow");
            let text = out.text(cursor, shadow);
            out.name(Name::Shadow, text);
            return Ok(());
        }
        b"role" => {
            let word = cursor.string_or_skip()?;
            if word.is_some_and(|word| cursor.raw(word) != b"user") {
                fact.flags.set(Flags::META);
            }
            return Ok(());
        }
        b"injected" => {
            if cursor.bool_or_skip()? == Some(true) {
                fact.flags.set(Flags::META);
            }
            return Ok(());
        }
        b"truncated" => {
            if cursor.bool_or_skip()? == Some(true) {
                fact.flags.set(Flags::SHORTENED);
            }
            return Ok(());
        }
        b"continued" => {
            if cursor.bool_or_skip()? == Some(true) {
                fact.flags.set(Flags::CONTINUED);
            }
            return Ok(());
        }
        b"correct" => {
            if let Some(correct) = cursor.bool_or_skip()? {
                let text = out.arena(if correct { b"true" } else { b"false" });
                out.name(Name::Correct, text);
            }
            return Ok(());
        }
        b"user" => Name::User,
        b"service" => Name::Service,
        b"env" => Name::Env,
        b"task" => Name::Task,
        b"trial" => Name::Trial,
        b"release" => Name::Release,
        b"provider" => Name::Provider,
        b"policy" => Name::Policy,
        b"rule" => Name::Rule,
        b"by" => Name::By,
        b"via" => Name::Via,
        b"score" => Name::Score,
        b"attempt" => Name::Attempt,
        b"parent_run_id" => Name::ParentRun,
        b"title" | b"name" => Name::Title,
        _ => return cursor.skip(),
    };
    let found = cursor.name_or_skip()?;
    let text = out.text(cursor, found);
    out.name(name, text);
    Ok(())
}

fn instant(cursor: &mut Cursor<'_>) -> Checked<Time> {
    if cursor.peek() == b'"' {
        let text = cursor.string()?;
        return Ok(time::from_text(cursor.raw(text)));
    }
    Ok(cursor
        .number_or_skip()?
        .map_or(Time::NONE, time::from_number))
}

fn millis(cursor: &mut Cursor<'_>) -> Checked<Elapsed> {
    let Some(ms) = cursor.number_or_skip()? else {
        return Ok(Elapsed::NONE);
    };
    let span = Elapsed::from_millis(ms);
    if !span.is_some() {
        cursor.notes.set(Flags::BAD_NUMBER);
    }
    Ok(span)
}

fn dollars(cursor: &mut Cursor<'_>) -> Checked<Cost> {
    let Some(usd) = cursor.number_or_skip()? else {
        return Ok(Cost::NONE);
    };
    let cost = Cost::from_usd(usd);
    if !cost.is_some() {
        cursor.notes.set(Flags::BAD_NUMBER);
    }
    Ok(cost)
}

fn tokens(cursor: &mut Cursor<'_>) -> Checked<Usage> {
    let mut usage = Usage::NONE;
    cursor.object_or_skip(|cursor, key| {
        let slot = match key {
            b"input_tokens" => &mut usage.input,
            b"output_tokens" => &mut usage.output,
            b"cache_read_tokens" => &mut usage.cache_read,
            b"cache_write_tokens" => &mut usage.cache_write,
            b"cache_write_hour_tokens" => &mut usage.cache_write_hour,
            b"reasoning_tokens" => &mut usage.reasoning,
            b"web_searches" => &mut usage.web_searches,
            _ => return cursor.skip(),
        };
        *slot = cursor.count_or_skip()?.map_or(Tokens::NONE, Tokens::from);
        Ok(())
    })?;
    Ok(usage)
}

#[cfg(test)]
mod tests;
