//! The `langfuse` format: traces and observations exported from Langfuse's UI ("download as JSON"), batch
//! export and API.
//!
//! Traces and observations are separate records: the user is on the trace, and an observation on a line of
//! its own does not have it. Source: the types of the server (July 2026), and downloads of traces of many
//! frameworks.

use serde_json::Value;

use crate::ingest::body::ErrorText;
use crate::ingest::fact::FactSink;
use crate::ingest::format::{Held, Recorded};
use crate::ingest::formats::members;
use crate::ingest::formats::otel::attributes::{Attributes, count, instant};
use crate::ingest::formats::otel::{common, products};
use crate::ingest::formats::spans::messages::{
    Role, definition, flat, messages, opened, tool_in, word,
};
use crate::ingest::formats::spans::product::Product;
use crate::ingest::formats::spans::request::RequestFields;
use crate::ingest::formats::spans::{self, Class, Ruling, Span};
use crate::ingest::json::{Json, Range, Text};
use crate::model::action::Verdict;
use crate::model::quantity::{Cost, Tokens, Usage};

/// The types of observations.
const OBSERVATIONS: &[&str] = &[
    "SPAN",
    "GENERATION",
    "EVENT",
    "AGENT",
    "TOOL",
    "CHAIN",
    "RETRIEVER",
    "EVALUATOR",
    "EMBEDDING",
    "GUARDRAIL",
];

#[derive(Debug)]
pub struct Langfuse;

impl Product for Langfuse {
    fn name(&self) -> &'static str {
        "langfuse"
    }

    fn about(&self) -> &'static str {
        "Langfuse exports: a downloaded trace, or traces and observations as JSON or JSON Lines"
    }

    fn sniff(&self, record: &Value) -> u8 {
        let has = |key: &str| record.get(key).is_some();
        if record.get("trace").is_some_and(Value::is_object)
            && record.get("observations").is_some_and(Value::is_array)
        {
            return 95;
        }
        let kind = members::text(record, "type");
        let observation = has("traceId") && has("startTime") && OBSERVATIONS.contains(&kind);
        let trace =
            has("timestamp") && has("projectId") && (has("observations") || has("bookmarked"));
        let list = record.get("data");
        if observation || trace {
            90
        } else if has("meta")
            && list.is_some_and(|list| members::most(list, |it| self.sniff(it) > 0))
        {
            85
        } else {
            0
        }
    }

    fn takes_whole(&self) -> bool {
        true
    }

    fn recorded(&self) -> Recorded {
        Recorded {
            tokens: Held::Yes,
            cost: Held::Yes,
            times: Held::Yes,
            results: Held::Yes,
            approvals: Held::Partly,
        }
    }

    fn span(&self, record: &Json) -> Span {
        observation(record, &Json::Null)
    }

    fn request_fields(&self, record: &Json) -> RequestFields {
        let [input, parameters] =
            ["input", "modelParameters"].map(|key| record.get(key).map(opened));
        request_fields(input.as_ref(), parameters.as_ref())
    }

    fn spans(&self, record: &Json, whole: Range, out: &mut FactSink<'_>) {
        emit(record, whole, out);
    }
}

/// Fields of a trace beside its observations.
const OF_TRACE: &[&str] = &[
    "id",
    "name",
    "userId",
    "sessionId",
    "environment",
    "release",
    "version",
    "metadata",
    "timestamp",
    "statusMessage",
];

fn emit(record: &Json, whole: Range, out: &mut FactSink<'_>) {
    let lists = record.elements(&["data"]);
    if !lists.is_empty() {
        for list in lists {
            emit(list, list.range().unwrap_or(whole), out);
        }
        return;
    }
    let own = record.elements(&["trace"]).last().copied();
    let around = own.unwrap_or(record);
    let of_trace = |key: &&str| {
        let found = around.elements(&[key]).last().copied()?;
        Some((Text::from(*key), found.clone()))
    };
    let header: Json = OF_TRACE.iter().filter_map(of_trace).collect();
    let mut observations = record.elements(&["observations"]);
    if observations.is_empty() && own.is_some() {
        observations = around.elements(&["observations"]);
    }
    observations.retain(|it| it.is_object());
    if observations.is_empty() {
        // A line of its own: an observation, or a trace whose observations are elsewhere.
        observation(record, &Json::Null).emit(Some(whole), out);
        return;
    }
    for found in observations {
        observation(found, &header).emit(found.range(), out);
    }
}

/// An observation with the fields of its trace, or a trace alone.
fn observation(record: &Json, trace: &Json) -> Span {
    let text = |from: &Json, keys: &[&str]| word(from, keys).unwrap_or_default().to_owned();
    let is_trace = record.get("traceId").is_none();
    let mut span = Span {
        trace: text(record, if is_trace { &["id"] } else { &["traceId"] }),
        id: text(record, &["id"]),
        parent: text(record, &["parentObservationId"]),
        name: text(record, &["name"]),
        ..Span::default()
    };
    span.times(
        instant(record.get("startTime").or_else(|| record.get("timestamp"))),
        instant(record.get("endTime")),
    );
    let field = |keys: &[&str]| text(record, keys);
    let or = |own: String, keys: &[&str]| {
        if own.is_empty() {
            text(trace, keys)
        } else {
            own
        }
    };
    span.who.user = or(field(&["userId"]), &["userId"]);
    span.who.env = or(field(&["environment"]), &["environment"]);
    span.who.release = or(field(&["release"]), &["release", "version"]);
    span.joins.session = or(field(&["sessionId"]), &["sessionId"]);
    let metadata = record.get("metadata").map(opened);
    let metadata = Attributes::of_object(metadata.as_ref());
    span.joins.thread = metadata.text(&["thread_id"]).unwrap_or_default();
    span.model = field(&["model", "providedModelName", "internalModel"]);
    let cost = record.get("costDetails").map(opened);
    let flat_cost = ["totalCost", "calculatedTotalCost"]
        .iter()
        .find_map(|key| number(record.get(key)?));
    let kind = field(&["type"]).to_ascii_lowercase();
    let usage = ["usageDetails", "usage"].iter().find_map(|key| {
        record
            .get(key)
            .map(opened)
            .filter(|it| it.as_object().is_some_and(|it| !it.is_empty()))
    });
    let usage = usage.or_else(|| {
        let either = |keys: [&str; 2]| keys.iter().find_map(|key| record.get(key)).cloned();
        let flat = [
            ("input", either(["promptTokens", "inputUsage"])),
            ("output", either(["completionTokens", "outputUsage"])),
            ("total", either(["totalTokens", "totalUsage"])),
        ];
        let flat = flat.map(|(name, count)| (name.into(), count.unwrap_or_default()));
        let flat: Json = flat.into_iter().collect();
        Some(flat).filter(|_| {
            record
                .get("promptTokens")
                .or_else(|| record.get("inputUsage"))
                .is_some()
        })
    });
    read(
        Observed {
            kind: if is_trace { "span" } else { &kind },
            input: record.get("input").map(opened),
            output: record.get("output").map(opened),
            usage,
            cost: cost.filter(|cost| cost.get("total").is_some()),
            level: word(record, &["level"]).map(str::to_owned),
            message: word(record, &["statusMessage"]).map(str::to_owned),
        },
        &mut span,
    );
    if span.class == Class::Tool {
        // What the instrumentor of an agent recorded.
        let recorded = metadata.open(&["attributes"]);
        let recorded = Attributes::of_object(recorded.as_ref());
        let field = |key: &str| recorded.text(&[key]).or_else(|| metadata.text(&[key]));
        if let Some(name) = field("gen_ai.tool.name") {
            span.tool.name = name;
        }
        if let (true, Some(call)) = (span.tool.call.is_empty(), field("gen_ai.tool.call.id")) {
            span.tool.call = call;
        }
    }
    if span.class == Class::Model && !span.cost.is_some() {
        // The server writes 0 if it knows no price.
        span.cost = flat_cost
            .filter(|cost| *cost > 0.0)
            .map_or(Cost::NONE, Cost::from_usd);
    }
    span
}

fn number(value: &Json) -> Option<f64> {
    value.as_f64().or_else(|| value.as_str()?.parse().ok())
}

/// The input, output and metadata of an observation, in any of their forms.
pub(super) struct Observed<'a> {
    pub(super) kind: &'a str,
    pub(super) input: Option<Json>,
    pub(super) output: Option<Json>,
    pub(super) usage: Option<Json>,
    pub(super) cost: Option<Json>,
    pub(super) level: Option<String>,
    pub(super) message: Option<String>,
}

pub(super) fn read(of: Observed<'_>, span: &mut Span) {
    let is_message = of
        .output
        .as_ref()
        .is_some_and(|it| call_of(it).is_some() || word(it, &["type", "role"]) == Some("tool"));
    span.class = match of.kind {
        // Some integrations mark tools like any other span.
        "span" if is_message => Class::Tool,
        "generation" | "embedding" => Class::Model,
        "tool" => Class::Tool,
        "guardrail" => Class::Guardrail,
        "event" => Class::Other,
        _ => Class::Wrapper,
    };
    if of.kind == "agent" && span.who.agent.is_empty() {
        span.who.agent.clone_from(&span.name);
    }
    let level = of.level.as_deref().unwrap_or_default();
    let message = of.message.clone().unwrap_or_default();
    if message.contains("Interrupt(value=") {
        span.error = None;
        span.verdicts.extend(common::requests(&message));
    } else if level == "ERROR" && span.error.is_none() {
        span.error = Some(ErrorText {
            message,
            ..ErrorText::default()
        });
    }
    match span.class {
        Class::Model => {
            span.input = of
                .input
                .as_ref()
                .map(|it| messages(it, Role::User))
                .unwrap_or_default();
            span.output = of
                .output
                .as_ref()
                .map(|it| messages(it, Role::Assistant))
                .unwrap_or_default();
            span.usage = of.usage.as_ref().map_or(Usage::NONE, usage);
            if let Some(total) = of.cost.as_ref().and_then(|cost| number(cost.get("total")?)) {
                // 0 is written if no price is known.
                span.cost = Some(total)
                    .filter(|it| *it > 0.0)
                    .map_or(Cost::NONE, Cost::from_usd);
            }
        }
        Class::Tool => {
            tool_in(&span.name).clone_into(&mut span.tool.name);
            span.tool.call = of.output.as_ref().and_then(call_of).unwrap_or_default();
            span.tool.args = of.input;
            span.tool.result = of.output.as_ref().map(flat);
        }
        Class::Guardrail => span.verdicts.push(guardrail(&of, &span.name)),
        _ => {
            let wait = None;
            if let Some(ruling) = products::approval(&span.name, of.output.as_ref(), wait) {
                // The input is what the decision is about.
                span.class = Class::Ruling;
                span.verdicts.push(Ruling {
                    args: of.input.clone(),
                    ..ruling
                });
            }
            if span.parent.is_empty()
                && let Some(input) = &of.input
            {
                span.verdicts.extend(common::decisions(input));
            }
        }
    }
}

/// Tools are listed beside the messages, or each is one of them.
pub(super) fn request_fields(input: Option<&Json>, parameters: Option<&Json>) -> RequestFields {
    let mut fields = RequestFields::default();
    fields.parameters(parameters);
    fields.parameters(input);
    let messages = input.and_then(|input| input.get("messages").unwrap_or(input).as_array());
    let schemas = messages.into_iter().flatten().filter_map(definition);
    fields.tools(Some(&Json::list(schemas.cloned())));
    fields
}

/// The call that a tool message answers.
fn call_of(output: &Json) -> Option<String> {
    let inner = output
        .get("kwargs")
        .or_else(|| output.get("data"))
        .unwrap_or(output);
    word(inner, &["tool_call_id"]).map(str::to_owned)
}

/// The verdict of an application's guardrail: whether it blocked or warned.
fn guardrail(of: &Observed<'_>, name: &str) -> Ruling {
    let output = of.output.as_ref();
    let truth = |keys: &[&str]| keys.iter().find_map(|key| output?.get(key)?.as_bool());
    let blocked = truth(&["blocked", "triggered", "tripwire_triggered"]);
    let blocked = blocked.or_else(|| truth(&["allowed", "passed"]).map(|it| !it));
    let policy = output.and_then(|it| word(it, &["policy", "guardrail", "name"]));
    Ruling {
        verdict: blocked.map(|blocked| {
            if blocked {
                Verdict::Block
            } else {
                Verdict::Allow
            }
        }),
        policy: policy.unwrap_or(name).to_owned(),
        reason: of.message.clone().filter(|message| !message.is_empty()),
        ..Ruling::default()
    }
}

/// Tokens in one of three shapes: OpenAI's (cached tokens are part of the input), disjoint buckets, or
/// overlapping buckets, recognized by the total.
fn usage(of: &Json) -> Usage {
    let of = Attributes::of_object(Some(of));
    let details = |key: &str| Attributes::of_object(of.get(key));
    if of.has("prompt_tokens") || of.has("promptTokens") {
        let mut usage = Usage {
            input: of.count(&["prompt_tokens", "promptTokens"]),
            output: of.count(&["completion_tokens", "completionTokens"]),
            cache_read: details("prompt_tokens_details").count(&["cached_tokens"]),
            reasoning: details("completion_tokens_details").count(&["reasoning_tokens"]),
            ..Usage::NONE
        };
        spans::without_cache(&mut usage);
        return usage;
    }
    let sum = |prefix: &str, but: &[&str]| {
        let parts = of
            .below(prefix)
            .filter(|(rest, _)| !rest.is_empty() && !but.contains(rest));
        parts
            .map(|(_, value)| count(value))
            .fold(Tokens::NONE, |sum, it| sum + it)
    };
    let mut usage = Usage {
        input: of.count(&["input", "input_tokens"]),
        output: of.count(&["output", "output_tokens"]),
        cache_read: of.count(&[
            "input_cache_read",
            "cache_read_input_tokens",
            "input_cached_tokens",
            "prompt_details.cache_read",
        ]),
        cache_write: of.count(&[
            "input_cache_creation",
            "cache_creation_input_tokens",
            "prompt_details.cache_write",
        ]),
        reasoning: of.count(&[
            "output_reasoning",
            "output_reasoning_tokens",
            "completion_details.reasoning",
        ]),
        ..Usage::NONE
    };
    let total = of.count(&["total", "total_tokens"]);
    let plain = usage.input + usage.output;
    let disjoint = usage.total()
        + usage.reasoning
        + sum(
            "input_",
            &["cache_read", "cache_creation", "cached_tokens", "tokens"],
        );
    if total.get().is_some() && total == disjoint && total != plain {
        usage.output = usage.output + usage.reasoning;
    } else if total.get().is_some() && total == plain {
        spans::without_cache(&mut usage);
    }
    usage
}

#[cfg(test)]
mod tests;
