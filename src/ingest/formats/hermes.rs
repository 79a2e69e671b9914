//! The `hermes` format: the database of Hermes Agent.
//!
//! Tokens and cost are recorded for the whole session, without cached tokens in the input. Source: `hermes_state.py` of
//! NousResearch/hermes-agent.

use serde_json::Value;

use super::conversation::Conversation;
use super::plain::{Agent, Rows, counted, dollars, instant, tokens, word};
use crate::ingest::fact::{FactKind, Name};
use crate::ingest::format::{Held, Recorded};
use crate::model::quantity::Usage;

#[derive(Debug)]
pub struct Hermes;

impl Agent for Hermes {
    fn name(&self) -> &'static str {
        "hermes"
    }

    fn about(&self) -> &'static str {
        "Hermes Agent sessions (state.db)"
    }

    fn recorded(&self) -> Recorded {
        Recorded {
            tokens: Held::Partly,
            cost: Held::Partly,
            times: Held::Yes,
            results: Held::Yes,
            approvals: Held::No,
        }
    }

    fn agent(&self) -> &'static str {
        "hermes"
    }

    fn assembler(&self) -> Conversation {
        Conversation::new("hermes").totals_first()
    }

    fn rows(&self, _member: &str, record: &Value, out: &mut Rows) {
        if record.get("hermes").is_some() {
            head(record, out);
            return;
        }
        out.base.run = word(record, &["session_id"]);
        out.base.fact.time = instant(record, &["timestamp"]);
        out.base.name(Name::Group, word(record, &["id"]));
        out.message(record);
        let name = word(record, &["tool_name"]);
        for entry in &mut out.entries {
            if entry.fact.kind == FactKind::ToolResult {
                entry.tool.clone_from(&name);
            }
        }
        if out.entries.is_empty() {
            out.copy();
        }
    }
}

fn head(record: &Value, out: &mut Rows) {
    out.base.run = word(record, &["id"]);
    out.base.model = word(record, &["model"]);
    out.base.fact.time = instant(record, &["started_at"]);
    let start = out.text_row(FactKind::RunStart, word(record, &["title", "source"]));
    start.name(Name::Title, word(record, &["title"]));
    start.name(Name::User, word(record, &["user_id"]));
    start.name(Name::Provider, word(record, &["billing_provider"]));
    start.name(Name::ParentRun, word(record, &["parent_session_id"]));
    let usage = counted(Usage {
        input: tokens(record, &["input_tokens"]),
        output: tokens(record, &["output_tokens"]),
        cache_read: tokens(record, &["cache_read_tokens"]),
        cache_write: tokens(record, &["cache_write_tokens"]),
        reasoning: tokens(record, &["reasoning_tokens"]),
        ..Usage::NONE
    });
    let cost = dollars(record, &["actual_cost_usd", "estimated_cost_usd"]);
    out.total(usage, cost);
    let ended = instant(record, &["ended_at"]);
    if ended.is_some() {
        out.row(FactKind::Setting).fact.time = ended;
    }
}
