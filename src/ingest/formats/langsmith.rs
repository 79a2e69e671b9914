//! The `langsmith` format: runs of LangSmith, one per line, as listed by its client, and the request bodies
//! that its SDKs send (`post` starts runs, `patch` ends them).
//!
//! `dotted_order` is the order in which runs started, and their ancestry; a patch may have no other
//! identification. An interrupt of LangGraph is recorded as an error. Source: the SDK (August 2026) and
//! runs as sent.

use serde_json::Value;

use crate::ingest::body::ErrorText;
use crate::ingest::fact::FactSink;
use crate::ingest::format::{Held, Recorded};
use crate::ingest::formats::entry::shared;
use crate::ingest::formats::members;
use crate::ingest::formats::otel::attributes::{Attributes, instant};
use crate::ingest::formats::otel::common;
use crate::ingest::formats::spans::messages::{Role, flat, messages, text_of_any, tool_in, word};
use crate::ingest::formats::spans::product::Product;
use crate::ingest::formats::spans::request::RequestFields;
use crate::ingest::formats::spans::{self, Class, Span};
use crate::ingest::json::{Checked, Cursor, Json, Record};
use crate::model::quantity::{Cost, Time, Usage};

#[derive(Debug)]
pub struct Langsmith;

impl Product for Langsmith {
    fn name(&self) -> &'static str {
        "langsmith"
    }

    fn about(&self) -> &'static str {
        "LangSmith runs, one per line (client.list_runs), and the request bodies of its SDKs"
    }

    fn sniff(&self, record: &Value) -> u8 {
        let has = |key: &str| record.get(key).is_some();
        let sent = SENT.iter().filter_map(|list| record.get(list)?.get(0));
        if sent
            .into_iter()
            .any(|run| run.get("dotted_order").is_some())
        {
            return 95;
        }
        // The second version of its interface writes them in capitals.
        let kind = members::text(record, "run_type").to_ascii_lowercase();
        let is_run = RUN_TYPES.contains(&kind.as_str());
        match (has("run_type"), has("dotted_order"), has("inputs")) {
            (true, true, _) => 95,
            (true, false, true)
                if is_run
                    && ["trace_id", "session_id", "project_id"]
                        .into_iter()
                        .any(has) =>
            {
                80
            }
            _ => 0,
        }
    }

    fn recorded(&self) -> Recorded {
        Recorded {
            tokens: Held::Yes,
            cost: Held::Partly,
            times: Held::Yes,
            results: Held::Yes,
            approvals: Held::Partly,
        }
    }

    fn takes_whole(&self) -> bool {
        true
    }

    fn emit(
        &self,
        _record: Record<'_>,
        cursor: &mut Cursor<'_>,
        out: &mut FactSink<'_>,
    ) -> Checked<()> {
        let (range, found) = shared(cursor)?;
        if SENT
            .iter()
            .all(|list| !found.get(list).is_some_and(Json::is_array))
        {
            run(&found).emit(Some(range), out);
            return Ok(());
        }
        for list in SENT {
            for sent in found.elements(&[list]) {
                run(sent).emit(sent.range(), out);
            }
        }
        Ok(())
    }

    fn span(&self, record: &Json) -> Span {
        run(record)
    }

    fn request_fields(&self, record: &Json) -> RequestFields {
        request_fields(record.get("inputs"), record.get("extra"))
    }
}

/// Wrapped SDKs record their arguments; LangChain records parameters and tools separately.
pub(super) fn request_fields(inputs: Option<&Json>, extra: Option<&Json>) -> RequestFields {
    let mut fields = RequestFields::default();
    if let Some(inputs) = inputs {
        fields.called_with(inputs);
    }
    let recorded = |pointer: &str| extra.and_then(|extra| extra.pointer(pointer));
    fields.parameters(recorded("/invocation_params"));
    fields.parameters(recorded("/metadata/ls_invocation_params"));
    fields
}

/// The types of runs.
const RUN_TYPES: &[&str] = &[
    "llm",
    "chain",
    "tool",
    "retriever",
    "embedding",
    "prompt",
    "parser",
];

/// The lists of runs in a request and in a response.
const SENT: &[&str] = &["post", "patch", "runs", "items"];

/// `20241013T070537170001Z` and a run id, for each ancestor and the run itself.
fn ancestry(order: &str) -> Vec<(&str, &str)> {
    let parts = order.split('.');
    parts.filter_map(|part| part.split_once('Z')).collect()
}

/// The start of a run, from its order: UTC, to the microsecond.
fn began(stamp: &str) -> Option<Time> {
    let digits = stamp.get(15..).filter(|digits| digits.len() == 6)?;
    let micros: i64 = digits.parse().ok().filter(|it| *it >= 0)?;
    let format = "%Y%m%dT%H%M%S";
    let start = jiff::civil::DateTime::strptime(format, stamp.get(..15)?).ok()?;
    let start = start.to_zoned(jiff::tz::TimeZone::UTC).ok()?;
    Some(Time(start.timestamp().as_microsecond() + micros))
}

/// The kind of a run; patches do not repeat it.
fn kind_of(record: &Json) -> &'static str {
    let recorded = |pointer: &str| record.pointer(pointer).is_some();
    let model = [
        "/outputs/choices",
        "/outputs/generations",
        "/outputs/usage_metadata",
    ];
    if model.into_iter().any(recorded) || recorded("/extra/metadata/ls_model_type") {
        "llm"
    } else {
        ""
    }
}

fn run(record: &Json) -> Span {
    let text = |key: &str| word(record, &[key]).unwrap_or_default().to_owned();
    let mut span = Span {
        trace: text("trace_id"),
        id: text("id"),
        parent: text("parent_run_id"),
        name: text("name"),
        ..Span::default()
    };
    let order = text("dotted_order");
    let ancestry = ancestry(&order);
    if let (Some((_, own)), true) = (ancestry.last(), span.id.is_empty()) {
        (*own).clone_into(&mut span.id);
    }
    if let (Some((_, root)), true) = (ancestry.first(), span.trace.is_empty()) {
        (*root).clone_into(&mut span.trace);
    }
    if span.parent.is_empty() {
        let ancestors = record.get("parent_run_ids").and_then(Json::as_array);
        let listed = ancestors.and_then(|all| all.last()?.as_str());
        let above = ancestry.len().checked_sub(2).map(|at| ancestry[at].1);
        listed
            .or(above)
            .unwrap_or_default()
            .clone_into(&mut span.parent);
    }
    let start = instant(record.get("start_time"));
    let began = ancestry.last().and_then(|(stamp, _)| began(stamp));
    let start = if start.is_some() {
        start
    } else {
        began.unwrap_or(start)
    };
    span.times(start, instant(record.get("end_time")));
    let metadata = Attributes::of_object(record.pointer("/extra/metadata"));
    let joins = &mut span.joins;
    joins.thread = metadata.text(&["thread_id"]).unwrap_or_default();
    joins.conversation = metadata.text(&["conversation_id"]).unwrap_or_default();
    joins.session = metadata.text(&["session_id"]).unwrap_or_default();
    span.who.user = metadata.text(&["user_id"]).unwrap_or_default();
    span.who.agent = metadata.text(&["lc_agent_name"]).unwrap_or_default();
    if span.who.agent.is_empty() && span.parent.is_empty() {
        span.who.agent.clone_from(&span.name);
    }
    span.who.provider = metadata.text(&["ls_provider"]).unwrap_or_default();
    span.who.release = metadata.text(&["revision_id"]).unwrap_or_default();
    span.model = metadata.text(&["ls_model_name"]).unwrap_or_default();
    if let Some(error) = word(record, &["error"]).filter(|error| !error.is_empty()) {
        span.error = Some(error_of(error));
    }
    // In the second version of the API, kinds are in capitals.
    let mut kind = text("run_type").to_ascii_lowercase();
    if kind.is_empty() {
        kind_of(record).clone_into(&mut kind);
    }
    let [inputs, outputs] =
        ["inputs", "outputs"].map(|key| record.get(key).filter(|it| !it.is_null()));
    read(&kind, inputs, outputs, &mut span);
    if span.class == Class::Model {
        model_call(record, &metadata, outputs, &mut span);
    }
    span.verdicts.extend(question(&mut span.error));
    if let Some(inputs) = inputs.filter(|_| span.parent.is_empty()) {
        span.verdicts.extend(common::decisions(inputs));
    }
    span
}

/// `ValueError('order not found')Traceback (most recent call last): …`.
fn error_of(error: &str) -> ErrorText {
    let split = error
        .find("Traceback (most recent")
        .and_then(|at| error.split_at_checked(at));
    let (message, stack) = match split {
        Some((message, stack)) => (message.trim(), Some(stack.to_owned())),
        None => (error.trim(), None),
    };
    let kind = message.split_once('(').map(|(kind, _)| kind);
    let kind = kind.filter(|kind| {
        !kind.is_empty()
            && kind
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    });
    ErrorText {
        kind: kind.map(str::to_owned),
        message: message.to_owned(),
        stack,
    }
}

/// An interrupt recorded as an error: the graph stopped to ask a person.
fn question(error: &mut Option<ErrorText>) -> Vec<spans::Ruling> {
    let fields = error.take_if(|error| error.message.starts_with("GraphInterrupt("));
    fields
        .map(|fields| common::requests(&fields.message))
        .unwrap_or_default()
}

fn model_call(record: &Json, metadata: &Attributes, outputs: Option<&Json>, span: &mut Span) {
    let inner = outputs.and_then(|it| it.pointer("/generations/0/0/message/kwargs"));
    let recorded = outputs.and_then(|it| it.get("usage_metadata"));
    let recorded = recorded
        .or_else(|| inner.and_then(|it| it.get("usage_metadata")))
        .or_else(|| metadata.get("usage_metadata"));
    span.usage = match recorded {
        Some(recorded) => usage(recorded),
        None => usage_of_run(record),
    };
    let response = inner.and_then(|it| it.pointer("/response_metadata/model_name"));
    let response = response.or_else(|| {
        outputs.and_then(|it| {
            it.get("model")
                .or_else(|| it.pointer("/llm_output/model_name"))
        })
    });
    if let Some(model) = response.and_then(Json::as_str) {
        model.clone_into(&mut span.model);
    }
    if let Some(reply) = outputs
        .and_then(|it| word(it, &["id"]))
        .or_else(|| inner.and_then(|it| it.pointer("/response_metadata/id")?.as_str()))
    {
        reply.clone_into(&mut span.reply);
    }
    let cost = record.get("total_cost");
    span.cost = cost
        .and_then(|cost| cost.as_f64().or_else(|| cost.as_str()?.parse().ok()))
        .map_or(Cost::NONE, Cost::from_usd);
}

/// Tokens in LangChain's shape: cached tokens are part of the input.
fn usage(recorded: &Json) -> Usage {
    let of = Attributes::of_object(Some(recorded));
    let input = Attributes::of_object(of.get("input_token_details"));
    let output = Attributes::of_object(of.get("output_token_details"));
    let mut usage = Usage {
        input: of.count(&["input_tokens"]),
        output: of.count(&["output_tokens"]),
        cache_read: input.count(&["cache_read"]),
        cache_write: input.count(&["cache_creation"]),
        reasoning: output.count(&["reasoning"]),
        ..Usage::NONE
    };
    spans::without_cache(&mut usage);
    usage
}

/// The sums that the server calculated for the run.
fn usage_of_run(record: &Json) -> Usage {
    let of = Attributes::of_object(Some(record));
    let details = Attributes::of_object(of.get("prompt_token_details"));
    let mut usage = Usage {
        input: of.count(&["prompt_tokens"]),
        output: of.count(&["completion_tokens"]),
        cache_read: details.count(&["cache_read"]),
        ..Usage::NONE
    };
    spans::without_cache(&mut usage);
    usage
}

/// The input and output of a run of this kind.
pub(super) fn read(kind: &str, inputs: Option<&Json>, outputs: Option<&Json>, span: &mut Span) {
    span.class = match kind {
        "llm" | "chat_model" => Class::Model,
        "tool" => Class::Tool,
        _ => Class::Wrapper,
    };
    match span.class {
        Class::Model => {
            span.input = inputs
                .map(|it| messages(it, Role::User))
                .unwrap_or_default();
            span.output = outputs.map(answer).unwrap_or_default();
        }
        Class::Tool => {
            tool_in(&span.name).clone_into(&mut span.tool.name);
            span.tool.args = inputs.cloned();
            let output = outputs.and_then(|it| it.get("output")).or(outputs);
            let message =
                output.map(|it| it.get("kwargs").or_else(|| it.get("data")).unwrap_or(it));
            span.tool.call = message
                .map(|it| text_of_any(it, &["tool_call_id"]))
                .unwrap_or_default();
            span.tool.result = message.map(|it| it.get("content").map_or_else(|| flat(it), flat));
        }
        _ => {}
    }
}

/// The first of the generations, or of the choices.
fn answer(outputs: &Json) -> Vec<spans::messages::Item> {
    let first = outputs
        .pointer("/generations/0/0")
        .or_else(|| outputs.pointer("/generations/0"));
    let first = first.or_else(|| outputs.pointer("/choices/0"));
    messages(
        first.or_else(|| outputs.get("output")).unwrap_or(outputs),
        Role::Assistant,
    )
}

#[cfg(test)]
mod tests;
