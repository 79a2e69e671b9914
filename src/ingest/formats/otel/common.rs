//! What all conventions have in common: who ran, for whom, with which tokens.

use std::sync::LazyLock;

use memchr::memmem;
use regex::Regex;

use crate::ingest::json::Json;

use super::attributes::Attributes;
use super::evidence::{
    CONVERSATION, CONVERSATION_IN_METADATA, ENVIRONMENT, SESSION, SESSION_IN_METADATA, THREAD,
    THREAD_IN_METADATA, USER,
};
use crate::ingest::formats::spans::messages::opened;
use crate::ingest::formats::spans::{Ruling, Span, without_cache};
use crate::model::action::Verdict;
use crate::model::quantity::Usage;

/// Synonyms, the newest and most specific first.
const MODEL: &[&str] = &[
    "gen_ai.response.model",
    "ai.response.model",
    "llm.response.model_name",
    "llm.model_name",
    "langfuse.observation.model.name",
    "gen_ai.request.model",
    "ai.model.id",
    "llm.request.model_name",
];
const PROVIDER: &[&str] = &[
    "gen_ai.provider.name",
    "gen_ai.system",
    "llm.provider",
    "llm.system",
    "ai.model.provider",
];
const AGENT: &[&str] = &[
    "gen_ai.agent.name",
    "agent.name",
    "agent_name",
    "metadata.lc_agent_name",
];
const RELEASE: &[&str] = &["langfuse.release", "langfuse.version"];

/// Attributes that add nothing to what the row shows, or that are large.
const UNSAID: &[&str] = &[
    "gen_ai.",
    "llm.",
    "input.",
    "output.",
    "ai.",
    "openinference.",
    "langfuse.observation.",
    "traceloop.entity.",
    "code.",
    "logfire.",
    "pydantic_ai.",
    "mlflow.",
];

pub(super) fn who(of: &Attributes, resource: &Attributes, span: &mut Span) {
    let field = |keys: &[&str]| of.text(keys).unwrap_or_default();
    // OpenInference stores application metadata as JSON in one string.
    let metadata = of.open(&["metadata"]);
    let metadata = Attributes::of_object(metadata.as_ref());
    let joins = &mut span.joins;
    joins.thread = of
        .text(THREAD)
        .or_else(|| metadata.text(THREAD_IN_METADATA))
        .unwrap_or_default();
    joins.conversation = of
        .text(CONVERSATION)
        .or_else(|| metadata.text(CONVERSATION_IN_METADATA))
        .unwrap_or_default();
    joins.session = of
        .text(SESSION)
        .or_else(|| metadata.text(SESSION_IN_METADATA))
        .unwrap_or_default();
    let who = &mut span.who;
    who.user = of
        .text(USER)
        .or_else(|| metadata.text(&["user_id"]))
        .unwrap_or_default();
    who.agent = of
        .text(AGENT)
        .or_else(|| metadata.text(&["lc_agent_name"]))
        .unwrap_or_default();
    who.provider = field(PROVIDER);
    who.service = resource
        .text(&["service.name"])
        .filter(|name| !name.starts_with("unknown_service"))
        .unwrap_or_default();
    who.env = resource
        .text(ENVIRONMENT)
        .or_else(|| of.text(&["langfuse.environment"]))
        .unwrap_or_default();
    who.release = resource
        .text(&["service.version"])
        .or_else(|| of.text(RELEASE))
        .unwrap_or_default();
    span.model = field(MODEL);
    span.reply = field(&["gen_ai.response.id", "ai.response.id"]);
    span.usage = usage(of);
    span.cost = of.cost(&["gen_ai.usage.cost", "operation.cost", "llm.cost.total"]);
    let recorded = of
        .iter()
        .filter(|(key, _)| !UNSAID.iter().any(|prefix| key.starts_with(prefix)));
    span.labels = recorded
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect();
}

/// Tokens, in conventions that count cached tokens as input.
fn usage(of: &Attributes) -> Usage {
    let mut usage = Usage {
        input: of.count(&[
            "gen_ai.usage.input_tokens",
            "gen_ai.usage.prompt_tokens",
            "llm.token_count.prompt",
            "llm.usage.prompt_tokens",
            "ai.usage.inputTokens",
            "ai.usage.promptTokens",
        ]),
        output: of.count(&[
            "gen_ai.usage.output_tokens",
            "gen_ai.usage.completion_tokens",
            "llm.token_count.completion",
            "llm.usage.completion_tokens",
            "ai.usage.outputTokens",
            "ai.usage.completionTokens",
        ]),
        cache_read: of.count(&[
            "gen_ai.usage.cache_read.input_tokens",
            "gen_ai.usage.cache_read_input_tokens",
            "gen_ai.usage.details.cache_read_tokens",
            "llm.token_count.prompt_details.cache_read",
            "ai.usage.cachedInputTokens",
            "ai.usage.inputTokenDetails.cacheReadTokens",
        ]),
        cache_write: of.count(&[
            "gen_ai.usage.cache_write.input_tokens",
            "gen_ai.usage.cache_creation.input_tokens",
            "gen_ai.usage.cache_creation_input_tokens",
            "gen_ai.usage.details.cache_write_tokens",
            "llm.token_count.prompt_details.cache_write",
            "ai.usage.inputTokenDetails.cacheWriteTokens",
        ]),
        reasoning: of.count(&[
            "gen_ai.usage.reasoning.output_tokens",
            "gen_ai.usage.reasoning_tokens",
            "gen_ai.usage.details.reasoning_tokens",
            "llm.token_count.completion_details.reasoning",
            "ai.usage.reasoningTokens",
            "ai.usage.outputTokenDetails.reasoningTokens",
        ]),
        ..Usage::NONE
    };
    without_cache(&mut usage);
    usage
}

/// Tools in the text of a Python interrupt: `{'action_requests': [{'name': 'issue_refund', …`.
static ASKED: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"'name': '([^']{1,200})', 'args'").ok());

/// An interrupt of LangGraph is a question to a person, not an error; the command that resumes the graph is
/// the answer.
pub(super) fn interrupts(of: &Attributes, span: &mut Span) {
    let is_interrupt = span.error.as_ref().is_some_and(|error| {
        let kind = error.kind.as_deref().unwrap_or_default();
        kind.ends_with("GraphInterrupt") || error.message.starts_with("GraphInterrupt(")
    });
    if is_interrupt && let Some(error) = span.error.take() {
        span.verdicts.extend(requests(&error.message));
    }
    let input = of.first(&[
        "input.value",
        "langfuse.observation.input",
        "gen_ai.prompt",
        "traceloop.entity.input",
    ]);
    // Most roots have a long input that resumes nothing.
    let resumes = |input: &&Json| match input {
        Json::String(text) => memmem::find(text.as_bytes(), b"resume").is_some(),
        _ => true,
    };
    if span.parent.is_empty()
        && let Some(input) = input.filter(resumes)
    {
        span.verdicts.extend(decisions(&opened(input)));
    }
}

/// The approvals requested in the text of an interrupt.
pub(crate) fn requests(message: &str) -> Vec<Ruling> {
    let names = ASKED.as_ref().map(|fields| fields.captures_iter(message));
    let ruling = |tool: &str| Ruling {
        of_person: true,
        verdict: Some(Verdict::Requested),
        tool: tool.to_owned(),
        ..Ruling::default()
    };
    names
        .into_iter()
        .flatten()
        .filter_map(|found| found.get(1))
        .map(|name| ruling(name.as_str()))
        .collect()
}

/// The decisions of a person in the command that resumes a graph.
pub(crate) fn decisions(input: &Json) -> Vec<Ruling> {
    let resume = input
        .get("resume")
        .or_else(|| input.get("input")?.get("resume"));
    let all = resume
        .and_then(|resume| resume.get("decisions"))
        .and_then(Json::as_array);
    let ruling = |decision: &Json| {
        let word = decision
            .get("type")
            .and_then(Json::as_str)
            .unwrap_or_default();
        let verdict = match word {
            "approve" | "accept" | "edit" => Verdict::Approved,
            "reject" | "ignore" => Verdict::Denied,
            _ => Verdict::Unrecorded,
        };
        let reason = decision
            .get("message")
            .and_then(Json::as_str)
            .map(str::to_owned);
        Ruling {
            of_person: true,
            verdict: Some(verdict),
            reason: reason.or_else(|| (word == "edit").then(|| "with other arguments".to_owned())),
            args: decision.pointer("/edited_action/args").cloned(),
            ..Ruling::default()
        }
    };
    all.map(|all| all.iter().map(ruling).collect())
        .unwrap_or_default()
}
