//! The `cursor-store` format: the databases of Cursor, of its editor (`state.vscdb`) and of its command line (`store.db`).
//!
//! The editor keeps a composer and its bubbles under keys; the command line keeps messages under their hashes, which the
//! root blob lists in order. Newer versions write 0 tokens, which is not recorded; the command line records no times.

use serde_json::Value;

use super::content::{string, unpacked};
use super::plain::{Agent, Rows, counted, given, instant, tokens, word};
use crate::ingest::body::ApprovalText;
use crate::ingest::fact::{FactKind, Name};
use crate::ingest::format::{Held, Recorded};
use crate::model::action::{Status, Verdict};
use crate::model::quantity::{Cost, Usage};

#[derive(Debug)]
pub struct CursorStore;

impl Agent for CursorStore {
    fn name(&self) -> &'static str {
        "cursor-store"
    }

    fn about(&self) -> &'static str {
        "Cursor databases: state.vscdb of the editor, store.db of the command line"
    }

    fn recorded(&self) -> Recorded {
        Recorded {
            tokens: Held::Partly,
            cost: Held::Partly,
            times: Held::Partly,
            results: Held::Yes,
            approvals: Held::Partly,
        }
    }

    fn agent(&self) -> &'static str {
        "cursor"
    }

    fn rows(&self, _member: &str, record: &Value, out: &mut Rows) {
        let has = |key: &str| record.get(key).is_some();
        if has("composerId") || has("latestRootBlobId") {
            head(record, out);
        } else if has("bubble") {
            bubble(record, out);
        } else if has("role") {
            out.base.name(Name::Group, word(record, &["blob"]));
            out.message(record);
        }
        if out.entries.is_empty() {
            out.copy();
        }
    }
}

fn head(record: &Value, out: &mut Rows) {
    out.base.run = word(record, &["composerId", "agentId"]);
    out.base.fact.time = instant(record, &["createdAt"]);
    out.base.model = word(record, &["model", "lastUsedModel"]);
    if out.base.model == "default" {
        out.base.model.clear();
    }
    let spent = record.get("usage").and_then(Value::as_object);
    let cents: f64 = spent
        .into_iter()
        .flatten()
        .filter_map(|(_, model)| model.get("costInCents")?.as_f64())
        .sum();
    let start = out.row(FactKind::ImpliedStart);
    start.name(Name::Title, word(record, &["name"]));
    if cents > 0.0 {
        out.row(FactKind::Setting).fact.cost = Cost::from_usd(cents / 100.0);
    }
}

/// One message of the editor: text, a thought, or a tool call with its result.
fn bubble(record: &Value, out: &mut Rows) {
    let key = word(record, &["bubble"]);
    key.split(':')
        .nth(1)
        .unwrap_or_default()
        .clone_into(&mut out.base.run);
    out.base.fact.time = instant(record, &["createdAt"]);
    let model = record.get("modelInfo").unwrap_or(&Value::Null);
    out.base.model = word(model, &["modelName"]);
    let text = string(record, "text");
    if given(record, &["type"]).and_then(Value::as_i64) == Some(1) {
        out.base.model.clear();
        out.text_row(FactKind::Prompt, text.unwrap_or_default());
        return;
    }
    out.base.name(Name::Group, key.clone());
    let thought = record.get("thinking").and_then(|it| string(it, "text"));
    out.text_row_if_any(FactKind::Reasoning, thought);
    out.text_row_if_any(FactKind::Response, text);
    if let Some(call) = record
        .get("toolFormerData")
        .filter(|it| it.get("name").is_some())
    {
        tool(call, &key, out);
    }
    let told = record.get("tokenCount").unwrap_or(&Value::Null);
    let usage = counted(Usage {
        input: tokens(told, &["inputTokens"]),
        output: tokens(told, &["outputTokens"]),
        ..Usage::NONE
    });
    if !out.entries.is_empty() {
        out.usage(usage, Cost::NONE);
    }
}

fn tool(call: &Value, key: &str, out: &mut Rows) {
    let id = word(call, &["toolCallId"]);
    let id = if id.is_empty() { key.to_owned() } else { id };
    out.call(
        id.clone(),
        word(call, &["name"]),
        given(call, &["rawArgs", "params"]),
    );
    let verdict = match word(call, &["userDecision"]).as_str() {
        "accepted" => Verdict::Approved,
        "rejected" => Verdict::Denied,
        _ => Verdict::Unrecorded,
    };
    if verdict != Verdict::Unrecorded {
        let entry = out.row(FactKind::Approval);
        entry.call.clone_from(&id);
        entry.fact.verdict = verdict;
        entry.name(Name::By, "user");
        entry.body.approvals.push(ApprovalText {
            state: string(call, "userDecision"),
            ..ApprovalText::default()
        });
    }
    let status = match word(call, &["status"]).as_str() {
        _ if verdict == Verdict::Denied => Status::Denied,
        "completed" | "success" => Status::Ok,
        "error" => Status::Error,
        "cancelled" => Status::Cancelled,
        _ => return,
    };
    out.result(id, status, given(call, &["result", "error"]).map(unpacked));
}
