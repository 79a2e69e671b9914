//! `MLflow`: kinds of spans, with inputs and outputs as JSON in strings. Every attribute is JSON in a string, even a text.
//!
//! Source: `mlflow/tracing/constant.py` of mlflow/mlflow.

use super::attributes::Attributes;
use crate::ingest::formats::langfuse::{self, Observed};
use crate::ingest::formats::spans::messages::opened;
use crate::ingest::formats::spans::request::RequestFields;
use crate::ingest::formats::spans::{Class, Span};
use crate::ingest::json::Json;
use crate::model::quantity::Cost;

const INPUTS: &str = "mlflow.spanInputs";

pub(super) fn read(of: &Attributes, span: &mut Span) -> bool {
    let Some(kind) = word(of, "mlflow.spanType") else {
        return false;
    };
    let observed = Observed {
        kind: match kind.as_str() {
            "LLM" | "CHAT_MODEL" => "generation",
            "EMBEDDING" => "embedding",
            "TOOL" => "tool",
            "AGENT" => "agent",
            "GUARDRAIL" => "guardrail",
            _ => "span",
        },
        input: of.open(&[INPUTS]),
        output: of.open(&["mlflow.spanOutputs"]),
        usage: of.open(&["mlflow.chat.tokenUsage"]),
        cost: None,
        level: None,
        message: None,
    };
    let asked = observed.input.as_ref();
    let asked = asked
        .and_then(|it| it.get("model")?.as_str())
        .map(str::to_owned);
    let answered = observed.output.as_ref();
    let answered = answered
        .and_then(|it| it.get("model")?.as_str())
        .map(str::to_owned);
    langfuse::read(observed, span);
    if span.class == Class::Model {
        let named = answered.or_else(|| word(of, "mlflow.llm.model")).or(asked);
        span.model = named.unwrap_or_default();
        let cost = of.open(&["mlflow.llm.cost"]);
        let total = cost.and_then(|it| it.get("total_cost")?.as_f64());
        if let Some(total) = total.filter(|total| *total > 0.0) {
            span.cost = Cost::from_usd(total);
        }
    }
    true
}

pub(super) fn request_fields(of: &Attributes, fields: &mut RequestFields) {
    if !of.has("mlflow.spanType") {
        return;
    }
    if let Some(input) = of.open(&[INPUTS]).filter(Json::is_object) {
        fields.called_with(&input);
    }
    fields.tools(of.open(&["mlflow.chat.tools"]).as_ref());
}

/// A text that is JSON in a string: with quotation marks of its own.
fn word(of: &Attributes, name: &str) -> Option<String> {
    let value = opened(of.get(name)?);
    value.as_str().map(str::to_owned)
}
