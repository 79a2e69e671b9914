//! The `browser-use` format: the history that browser-use saves (`AgentHistory.json`), one step an element.
//!
//! A step has the goal of the model, its actions and their results in the same order; tokens are those of the prompt,
//! if any. Source: `browser_use/agent/views.py`.

use serde_json::Value;

use super::content::string;
use super::members::all;
use super::plain::{Agent, Rows, given, instant, list, tokens, word};
use crate::ingest::fact::FactKind;
use crate::ingest::format::{Held, Recorded};
use crate::model::action::Status;
use crate::model::quantity::{Cost, Usage};

#[derive(Debug)]
pub struct BrowserUse;

impl Agent for BrowserUse {
    fn name(&self) -> &'static str {
        "browser-use"
    }

    fn about(&self) -> &'static str {
        "browser-use histories (AgentHistory.json)"
    }

    fn recorded(&self) -> Recorded {
        Recorded {
            tokens: Held::Partly,
            cost: Held::No,
            times: Held::Yes,
            results: Held::Yes,
            approvals: Held::No,
        }
    }

    fn agent(&self) -> &'static str {
        "browser-use"
    }

    fn lists(&self) -> Option<&'static [&'static str]> {
        Some(&["history"])
    }

    fn sniff_document(&self, head: &Value) -> u8 {
        let first = head.pointer("/history/0");
        let is_step = |it: &Value| all(it, &["model_output", "result", "state"]);
        if first.is_some_and(is_step) { 90 } else { 0 }
    }

    fn sniff(&self, record: &Value) -> u8 {
        let is_step = all(record, &["model_output", "result", "state"])
            && record.get("result").is_some_and(Value::is_array);
        if is_step { 60 } else { 0 }
    }

    fn rows(&self, member: &str, record: &Value, out: &mut Rows) {
        if !member.is_empty() || record.get("result").is_none() {
            return;
        }
        let meta = record.get("metadata").unwrap_or(&Value::Null);
        let wanted = record.get("model_output").unwrap_or(&Value::Null);
        out.base.fact.time = instant(meta, &["step_start_time"]);
        let brain = wanted.get("current_state").unwrap_or(wanted);
        out.text_row_if_any(
            FactKind::Reasoning,
            string(brain, "thinking").or_else(|| string(brain, "memory")),
        );
        let goal = word(brain, &["next_goal"]);
        out.text_row(FactKind::Response, goal);
        let step = word(meta, &["step_number"]);
        let actions = list(wanted, "action");
        let results = list(record, "result");
        for (at, action) in actions.iter().enumerate() {
            let only = action
                .as_object()
                .and_then(|it| it.iter().find(|(_, args)| !args.is_null()));
            let Some((name, args)) = only else { continue };
            out.call(format!("{step}.{at}"), name.clone(), Some(args));
        }
        let input = tokens(meta, &["input_tokens"]);
        out.usage(
            Usage {
                input,
                ..Usage::NONE
            },
            Cost::NONE,
        );
        out.base.fact.time = instant(meta, &["step_end_time"]);
        for (at, result) in results.iter().enumerate() {
            self::result(result, format!("{step}.{at}"), at < actions.len(), out);
        }
    }
}

fn result(result: &Value, call: String, has_call: bool, out: &mut Rows) {
    let error = string(result, "error").filter(|error| !error.is_empty());
    let extracted = given(result, &["extracted_content", "long_term_memory"]).cloned();
    match (has_call, error) {
        (true, Some(error)) => {
            out.result(call, Status::Error, Some(Value::String(error)));
        }
        (true, None) => {
            out.result(call, Status::Ok, extracted);
        }
        (false, Some(error)) => {
            out.error(error);
        }
        (false, None) => {}
    }
    if result.get("is_done").and_then(Value::as_bool) == Some(true) {
        let end = out.text_row(FactKind::RunEnd, word(result, &["extracted_content"]));
        end.fact.status = match result.get("success").and_then(Value::as_bool) {
            Some(true) => Status::Ok,
            Some(false) => Status::Error,
            None => Status::Unrecorded,
        };
    }
}
