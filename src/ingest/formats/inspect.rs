//! The `inspect-eval` format: logs of Inspect AI, one evaluation with one run per sample and epoch.
//!
//! Either `.eval` (a zip archive, deflate or zstd) or `.json`. Events have times and approvals and messages
//! do not, so messages are read only if there are no events. The tokens of a run are in `model_usage`,
//! those of model calls by scorers in their events. Long texts are stored once under a hash
//! (`attachment://…`, `tc://…`) and resolved when a record is opened. System messages added by a solver are
//! read from the calls that received them. Scorers are not part of the run. Source: `log/_log.py` and
//! `event/` of `UKGovernmentBEIS/inspect_ai`.

mod actors;
mod aside;

use serde_json::Value;

use self::actors::Actors;
use super::conversation::Conversation;
use super::messages::{self, CALLS, Envelope};
use crate::ingest::assemble::{self, Assembler};
use crate::ingest::body::{ApprovalText, Body, DecisionText, ErrorText};
use crate::ingest::fact::{Echo, Fact, FactKind, FactSink, IMPLIED, Name, Text};
use crate::ingest::format::{Decode, Format, Held, Layout, Open, Recorded, Request, Sent};
use crate::ingest::formats::content::{string, text_of};
use crate::ingest::formats::entry::decode_tree;
use crate::ingest::json::{Record, View};
use crate::ingest::request::RequestPart;
use crate::model::action::{Status, Verdict};
use crate::model::quantity::Usage;

#[derive(Debug)]
pub struct Inspect;

impl Format for Inspect {
    fn name(&self) -> &'static str {
        "inspect-eval"
    }

    fn about(&self) -> &'static str {
        "Inspect AI logs (.eval, .json), one run per sample and epoch"
    }

    fn recorded(&self) -> Recorded {
        Recorded {
            tokens: Held::Yes,
            cost: Held::Partly,
            times: Held::Yes,
            results: Held::Yes,
            approvals: Held::Yes,
        }
    }
}

impl Decode for Inspect {
    fn sniff_document(&self, head: &Value) -> u8 {
        let eval = |value: &Value| {
            let eval = value.get("eval");
            eval.is_some_and(|eval| eval.get("task").is_some() || eval.get("run_id").is_some())
                && value.get("version").is_some()
        };
        if eval(head) || head.get(0).is_some_and(eval) {
            95
        } else {
            0
        }
    }

    fn lists(&self) -> Option<&'static [&'static str]> {
        Some(&["samples", "reductions"])
    }

    fn decode(&self, record: Record<'_>, out: &mut FactSink<'_>) {
        let member = record.member;
        decode_tree(record, out, |record, out| match member {
            b"[]" if record.get("eval").is_object() => eval(record.get("eval"), out),
            b"eval" => eval(record, out),
            b"[]" | b"samples" if record.is_object() => sample(record, out),
            _ => out.push(Fact::new(FactKind::Copy)),
        });
    }

    fn assembler(&self) -> Box<dyn Assembler> {
        Box::new(Conversation::new("inspect").many())
    }
}

impl Layout for Inspect {}

impl Open for Inspect {
    fn is_pieced(&self) -> bool {
        true
    }

    fn open(&self, record: &Value, part: u16) -> Body {
        open(record, part)
    }

    fn open_result(&self, record: &Value, part: u16, body: &mut Body) {
        if record.get("role").is_some() {
            messages::open_result(record, part, body);
            fail(record.get("error"), body);
            return;
        }
        body.result = record
            .get("result")
            .map(|result| text_of(result).map_or(Value::Null, Value::String));
        fail(record.get("error"), body);
    }

    fn open_attached(&self, record: &Value, _part: u16, body: &mut Body) {
        let decision = string(record, "decision");
        let by = string(record, "approver");
        let reason = string(record, "explanation");
        if by.as_deref() == Some("human") {
            body.approvals.push(ApprovalText {
                state: decision,
                by,
                reason,
                args: record.pointer("/modified/arguments").cloned(),
            });
        } else {
            body.decisions.push(DecisionText {
                policy: by,
                decision,
                reason,
                ..DecisionText::default()
            });
        }
    }
}

impl Request for Inspect {
    fn sent(&self) -> Sent {
        Sent::Bodies
    }

    fn refers_to(&self, name: &[u8]) -> bool {
        aside::is_hash(name)
    }

    fn complete(&self, record: &mut Value, find: &dyn Fn(&str) -> Option<Value>) {
        aside::complete(record, find);
    }

    fn around(&self) -> Option<(&'static str, &'static str)> {
        Some(("event", "model"))
    }

    fn request(&self, around: &Value) -> Vec<RequestPart> {
        aside::request(around)
    }
}

fn fail(error: Option<&Value>, body: &mut Body) {
    if let Some(error) = error.filter(|error| !error.is_null()) {
        body.error = Some(ErrorText {
            kind: string(error, "type"),
            message: string(error, "message")
                .or_else(|| text_of(error))
                .unwrap_or_default(),
            stack: string(error, "traceback"),
        });
    }
}

/// Settings of all samples.
fn eval(record: View<'_, '_>, out: &mut FactSink<'_>) {
    let mut fact = Fact::new(FactKind::Setting);
    fact.model = out.copy(record.get("model"));
    out.copy_name(Name::Service, record.get("task"));
    out.copy_name(Name::Release, record.get("packages").get("inspect_ai"));
    out.push(fact);
}

fn sample(record: View<'_, '_>, out: &mut FactSink<'_>) {
    let id = String::from_utf8_lossy(record.get("id").number_text()).into_owned();
    let id = if id.is_empty() {
        record.get("id").text().into_owned()
    } else {
        id
    };
    let epoch = String::from_utf8_lossy(record.get("epoch").number_text()).into_owned();
    let run = out.arena(format!("{id}/{epoch}").as_bytes());
    let task = out.copy(record.get("id"));
    let trial = out.copy(record.get("epoch"));
    let mut base = Fact::new(FactKind::RunStart);
    base.run = run;
    out.name(Name::Task, task);
    out.name(Name::Trial, trial);
    let scores = record.get("scores");
    let mut start = base;
    if scores.is_object() {
        start = start.at(scores.range());
    } else {
        start.kind = FactKind::ImpliedStart;
    }
    out.push(start);
    if record.get("events").items().next().is_some() {
        begin(record, base, out);
        let mut actors = Actors::new(record);
        for event in record.get("events").items() {
            let lane = actors.at(event).unwrap_or_default();
            let lane = out.arena(lane.as_bytes());
            if lane.is_empty() && event.get("event").is("model") {
                for system in actors.new_system_messages(event) {
                    context_message(system, run, out);
                }
            }
            happened(event, (run, lane), out);
        }
    } else {
        for message in record.get("messages").items() {
            context_message(message, run, out);
        }
    }
    end(record, run, out);
}

/// The input of the sample, unless an event reports it.
fn begin(record: View<'_, '_>, base: Fact, out: &mut FactSink<'_>) {
    let tells = |event: View<'_, '_>| {
        let messages = event.get("state").get("messages");
        event.get("event").is("sample_init") && messages.items().next().is_some()
    };
    if record.get("events").items().any(tells) {
        return;
    }
    let input = record.get("input");
    if input.is_string() {
        let mut fact = base.at(input.range());
        fact.kind = FactKind::Prompt;
        out.push(fact);
    }
    for message in input.items() {
        context_message(message, base.run, out);
    }
}

fn context_message(message: View<'_, '_>, run: Text, out: &mut FactSink<'_>) {
    let mut base = Fact::new(FactKind::Note);
    base.run = run;
    let how = Envelope {
        outcome,
        ..Envelope::new(base)
    };
    messages::decode(message, &how, out);
}

/// An error of a known kind; without one the tool succeeded.
fn outcome(answer: View<'_, '_>) -> Status {
    match answer.get("error").get("type").raw() {
        b"" if answer.get("error").is_some() => Status::Error,
        b"" => Status::Ok,
        b"timeout" => Status::Timeout,
        b"approval" => Status::Blocked,
        _ => Status::Error,
    }
}

/// An event of the main agent or of a lane.
fn happened(event: View<'_, '_>, (run, lane): (Text, Text), out: &mut FactSink<'_>) {
    let mut base = Fact::new(FactKind::Unknown).at(event.range());
    base.run = run;
    base.time = event.get("timestamp").time();
    base.kind = match event.get("event").raw() {
        b"model" => {
            model(event, base, lane, out);
            return;
        }
        b"tool" => {
            tool(event, base, lane, out);
            return;
        }
        b"approval" => {
            approval(event, base, out);
            return;
        }
        b"sample_init" => {
            for message in event.get("state").get("messages").items() {
                context_message(message, run, out);
            }
            FactKind::Copy
        }
        b"error" => FactKind::Error,
        b"input" | b"info" | b"logger" | b"score" | b"score_edit" | b"sample_limit"
        | b"interrupt" | b"compaction" => FactKind::Note,
        b"span_begin" | b"span_end" | b"step" | b"state" | b"store" | b"sandbox" | b"subtask"
        | b"branch" | b"checkpoint" | b"anchor" => FactKind::Copy,
        _ => FactKind::Unknown,
    };
    if base.kind == FactKind::Error {
        out.name(Name::Lane, lane);
    }
    out.push(base);
}

fn model(event: View<'_, '_>, mut base: Fact, lane: Text, out: &mut FactSink<'_>) {
    base.model = out.copy(event.get("model"));
    base.duration = event
        .get("working_time")
        .or(event.get("output").get("time"))
        .seconds();
    let output = event.get("output");
    if event.get("error").is_some() || output.get("error").is_some() {
        base.kind = FactKind::Error;
        out.name(Name::Lane, lane);
        out.push(base);
        return;
    }
    let mut how = Envelope {
        usage: usage(output.get("usage")),
        cost: output.get("usage").get("total_cost").usd(),
        lane,
        ..Envelope::new(base)
    };
    how.base.kind = FactKind::Note;
    for choice in output.get("choices").items() {
        messages::decode(choice.get("message"), &how, out);
        how.usage = Usage::NONE;
    }
}

/// A tool that ran: the result of a call that a model requested, or a call of its own.
fn tool(event: View<'_, '_>, base: Fact, lane: Text, out: &mut FactSink<'_>) {
    let id = out.copy(event.get("id"));
    let mut call = base;
    call.kind = FactKind::ToolCall;
    call.part = CALLS;
    call.id = id;
    call.tool = out.copy(event.get("function"));
    call.hash = assemble::hash(event.get("arguments").bytes());
    call.echo = Echo::MayRepeat;
    out.name(Name::Lane, lane);
    out.push(call);
    if !event.get("completed").is_some() && event.get("pending").truth() == Some(true) {
        return;
    }
    let mut result = base;
    result.kind = FactKind::ToolResult;
    result.part = CALLS;
    result.call = id;
    result.status = outcome(event);
    result.time = event.get("completed").time();
    result.duration = event.get("working_time").seconds();
    out.name(Name::Lane, lane);
    out.push(result);
}

fn approval(event: View<'_, '_>, mut base: Fact, out: &mut FactSink<'_>) {
    let by_person = event.get("approver").is("human");
    base.kind = if by_person {
        FactKind::Approval
    } else {
        FactKind::Decision
    };
    base.call = out.copy(event.get("call").get("id"));
    base.verdict = match (event.get("decision").raw(), by_person) {
        (b"approve" | b"modify", true) => Verdict::Approved,
        (b"approve" | b"modify", false) => Verdict::Allow,
        (b"reject" | b"terminate", true) => Verdict::Denied,
        (b"reject" | b"terminate", false) => Verdict::Block,
        (b"escalate", _) => Verdict::RequireApproval,
        _ => Verdict::Unrecorded,
    };
    let name = if by_person { Name::By } else { Name::Policy };
    out.copy_name(name, event.get("approver"));
    out.push(base);
}

/// `input_tokens` excludes cached tokens.
fn usage(recorded: View<'_, '_>) -> Usage {
    Usage {
        input: recorded.get("input_tokens").tokens(),
        output: recorded.get("output_tokens").tokens(),
        cache_read: recorded.get("input_tokens_cache_read").tokens(),
        cache_write: recorded.get("input_tokens_cache_write").tokens(),
        reasoning: recorded.get("reasoning_tokens").tokens(),
        ..Usage::NONE
    }
}

fn end(record: View<'_, '_>, run: Text, out: &mut FactSink<'_>) {
    for (name, recorded) in record.get("model_usage").members() {
        let mut fact = Fact::new(FactKind::RunTotal).at(recorded.range());
        fact.run = run;
        fact.model = out.arena(name);
        fact.cost = recorded.get("total_cost").usd();
        out.usage(&mut fact, usage(recorded));
        out.push(fact);
    }
    let mut fact = Fact::new(FactKind::Setting);
    fact.run = run;
    fact.status = if record.get("error").is_some() {
        Status::Error
    } else {
        Status::Ok
    };
    if let Some((_, score)) = record.get("scores").members().next() {
        grade(score.get("value"), out);
    }
    out.push(fact);
}

/// The first score: a number, or one of the letters for correct and incorrect.
fn grade(value: View<'_, '_>, out: &mut FactSink<'_>) {
    let correct: &[u8] = match value.raw() {
        b"C" => b"true",
        b"I" | b"N" => b"false",
        _ => b"",
    };
    let score = match value.raw() {
        b"C" => out.arena(b"1"),
        b"P" => out.arena(b"0.5"),
        b"I" | b"N" => out.arena(b"0"),
        _ => out.arena(value.number_text()),
    };
    out.name(Name::Score, score);
    let correct = out.arena(correct);
    out.name(Name::Correct, correct);
}

fn open(record: &Value, part: u16) -> Body {
    if record.get("role").is_some() {
        let mut body = messages::open(record, part);
        fail(record.get("error"), &mut body);
        return body;
    }
    let mut body = Body::default();
    match record.get("event").and_then(Value::as_str) {
        Some("tool") => {
            messages::open_call(record, &mut body);
            if part & IMPLIED != 0 {
                body.asks = string(record, "function").into_iter().collect();
                body.args = None;
            }
        }
        Some("error" | "model") => {
            fail(
                record
                    .get("error")
                    .or_else(|| record.pointer("/output/error")),
                &mut body,
            );
        }
        Some("approval") => {}
        Some(kind) => {
            let places = [
                "/message/message",
                "/message",
                "/data",
                "/input",
                "/score/value",
            ];
            let text = places
                .iter()
                .find_map(|place| record.pointer(place).and_then(text_of));
            body.text = Some(text.map_or(kind.to_owned(), |text| format!("{kind}: {text}")));
        }
        None => body.text = text_of(record),
    }
    body
}

#[cfg(test)]
mod tests;
