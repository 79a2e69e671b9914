//! The telemetry of agent programs: Claude Code and Codex.
//!
//! Claude Code both logs and traces; refused calls are only in its spans. The spans of Codex are those of
//! its own functions; its actions are in its logs.

use super::attributes::Attributes;
use crate::ingest::body::ErrorText;
use crate::ingest::formats::spans::messages::{Role, messages};
use crate::ingest::formats::spans::{Class, Ran, Ruling, Span};
use crate::ingest::json::{Json, Text};
use crate::model::action::Verdict;
use crate::model::quantity::{Elapsed, Time, Usage};

pub(super) fn claude_code(of: &Attributes, span: &mut Span) -> bool {
    let Some(name) = span.name.strip_prefix("claude_code.") else {
        return false;
    };
    "claude-code".clone_into(&mut span.who.agent);
    match name {
        "llm_request" => {
            span.class = Class::Model;
            claude_usage(of, span);
            if of.text(&["success"]).as_deref() == Some("false") {
                span.error.get_or_insert_with(|| ErrorText {
                    message: of
                        .text(&["error"])
                        .unwrap_or_else(|| "the request failed".to_owned()),
                    ..ErrorText::default()
                });
            }
        }
        "tool" => {
            span.class = Class::Tool;
            span.tool.name = of.text(&["tool_name"]).unwrap_or_default();
            span.tool.call = of
                .text(&["tool_use_id", "gen_ai.tool.call.id"])
                .unwrap_or_default();
            let args: Vec<(Text, Json)> = [
                ("full_command", "command"),
                ("file_path", "file_path"),
                ("skill_name", "skill"),
                ("subagent_type", "subagent_type"),
            ]
            .iter()
            .filter_map(|(key, arg)| Some(((*arg).into(), of.get(key)?.clone())))
            .collect();
            span.tool.args = (!args.is_empty()).then(|| args.into_iter().collect());
            span.tool.result = of.first(&["event.tool.output"]).map(|it| {
                it.get("output")
                    .or_else(|| it.get("content"))
                    .unwrap_or(it)
                    .clone()
            });
            // A nested span shows that the tool ran.
            span.tool.ran = Ran::No;
        }
        "tool.execution" => {
            span.class = Class::Tool;
            span.tool.call = of
                .text(&["tool_use_id", "gen_ai.tool.call.id"])
                .unwrap_or_default();
            span.tool.ran = Ran::Yes;
            failed(of, "success", span);
        }
        "tool.blocked_on_user" => {
            span.class = Class::Wrapper;
            let decision = of.text(&["decision"]).unwrap_or_default();
            span.verdicts
                .extend(claude_ruling(&decision, of, span.duration));
        }
        _ => span.class = Class::Wrapper,
    }
    true
}

fn claude_usage(of: &Attributes, span: &mut Span) {
    span.model = of.text(&["model"]).unwrap_or_default();
    // Excludes cached tokens, as ours do.
    span.usage = Usage {
        input: of.count(&["input_tokens"]),
        output: of.count(&["output_tokens"]),
        cache_read: of.count(&["cache_read_tokens"]),
        cache_write: of.count(&["cache_creation_tokens"]),
        ..Usage::NONE
    };
    span.cost = of.cost(&["cost_usd"]);
}

fn failed(of: &Attributes, key: &str, span: &mut Span) {
    if of.text(&[key]).as_deref() == Some("false") && span.error.is_none() {
        let message = of
            .text(&["error", "error_message", "output"])
            .unwrap_or_else(|| "failed".to_owned());
        span.error = Some(ErrorText {
            message,
            ..ErrorText::default()
        });
    }
}

/// Decisions by the configuration or a hook are those of a policy, all others those of a person.
fn claude_ruling(decision: &str, of: &Attributes, wait: Elapsed) -> Option<Ruling> {
    let source = of.text(&["source"]).unwrap_or_default();
    let by_policy = matches!(source.to_ascii_lowercase().as_str(), "config" | "hook");
    let verdict = match (decision, by_policy) {
        (
            "accept" | "approved" | "approved_for_session" | "approved_execpolicy_amendment",
            true,
        ) => Verdict::Allow,
        ("reject" | "denied" | "abort", true) => Verdict::Block,
        (
            "accept" | "approved" | "approved_for_session" | "approved_execpolicy_amendment",
            false,
        ) => Verdict::Approved,
        ("reject" | "denied" | "abort", false) => Verdict::Denied,
        _ => return None,
    };
    let unknown = source.is_empty() || source == "unknown";
    Some(Ruling {
        of_person: !by_policy,
        verdict: Some(verdict),
        call: of.text(&["tool_use_id", "call_id"]).unwrap_or_default(),
        policy: if by_policy {
            source.clone()
        } else {
            String::new()
        },
        by: if by_policy || unknown {
            String::new()
        } else {
            source
        },
        wait: if by_policy { Elapsed::NONE } else { wait },
        ..Ruling::default()
    })
}

fn length(of: &Attributes) -> Elapsed {
    of.number(&["duration_ms"])
        .map_or(Elapsed::NONE, Elapsed::from_millis)
}

/// A log record is written at the end of what it reports.
fn began_before(of: &Attributes, span: &mut Span) {
    span.duration = length(of);
    if let (Some(end), Some(length)) = (span.start.get(), span.duration.get()) {
        span.start = Time(end.saturating_sub(length));
    }
}

pub(super) fn claude_code_log(name: &str, of: &Attributes, span: &mut Span) -> bool {
    let Some(event) = name.strip_prefix("claude_code.") else {
        return false;
    };
    "claude-code".clone_into(&mut span.who.agent);
    match event {
        "user_prompt" => {
            span.class = Class::Prompt;
            span.text = of.text(&["prompt"]).map(Text::from);
        }
        "api_request" => {
            span.class = Class::Model;
            span.is_log = true;
            claude_usage(of, span);
            began_before(of, span);
        }
        "assistant_response" => {
            span.class = Class::Model;
            span.is_text = true;
            let text = of.get("response").cloned().unwrap_or_default();
            span.output = messages(&text, Role::Assistant);
        }
        "api_error" => {
            span.class = Class::Error;
            span.error = Some(ErrorText {
                kind: of.text(&["status_code"]),
                message: of.text(&["error"]).unwrap_or_default(),
                stack: None,
            });
        }
        "tool_decision" => {
            span.class = Class::Wrapper;
            let decision = of.text(&["decision"]).unwrap_or_default();
            span.verdicts
                .extend(claude_ruling(&decision, of, Elapsed::NONE));
        }
        "tool_result" => {
            span.class = Class::Tool;
            span.tool.name = of.text(&["tool_name"]).unwrap_or_default();
            span.tool.call = of.text(&["tool_use_id"]).unwrap_or_default();
            span.tool.args = of.open(&["tool_input", "tool_parameters"]);
            span.tool.ran = Ran::Yes;
            failed(of, "success", span);
            began_before(of, span);
        }
        _ => return false,
    }
    true
}

/// The spans of Codex that matter for the run: its model calls.
pub(super) fn codex(of: &Attributes, span: &mut Span) -> bool {
    if !span.scope.starts_with("codex") {
        return false;
    }
    if span.joins.thread.is_empty() && span.name == "session_task.turn" {
        span.joins.thread = of.text(&["thread.id"]).unwrap_or_default();
    }
    span.class = if of.has("gen_ai.usage.input_tokens") {
        Class::Model
    } else {
        Class::Noise
    };
    span.who.agent = if span.class == Class::Model {
        "codex".to_owned()
    } else {
        String::new()
    };
    true
}

pub(super) fn codex_log(name: &str, of: &Attributes, span: &mut Span) -> bool {
    let Some(event) = name.strip_prefix("codex.") else {
        return false;
    };
    "codex".clone_into(&mut span.who.agent);
    span.model = of.text(&["model"]).unwrap_or_default();
    match event {
        "user_prompt" => {
            span.class = Class::Prompt;
            span.text = of.text(&["prompt"]).map(Text::from);
        }
        "sse_event" if of.has("input_token_count") => {
            span.class = Class::Model;
            span.is_log = true;
            span.usage = Usage {
                input: of.count(&["input_token_count"]),
                output: of.count(&["output_token_count"]),
                cache_read: of.count(&["cached_token_count"]),
                cache_write: of.count(&["cache_write_token_count"]),
                reasoning: of.count(&["reasoning_token_count"]),
                ..Usage::NONE
            };
            crate::ingest::formats::spans::without_cache(&mut span.usage);
        }
        "tool_decision" => {
            span.class = Class::Wrapper;
            let decision = of.text(&["decision"]).unwrap_or_default();
            span.verdicts
                .extend(claude_ruling(&decision, of, Elapsed::NONE));
        }
        "tool_result" => {
            span.class = Class::Tool;
            span.tool.name = of.text(&["tool_name"]).unwrap_or_default();
            span.tool.call = of.text(&["call_id"]).unwrap_or_default();
            span.tool.args = of.open(&["arguments"]);
            span.tool.result = of.get("output").cloned();
            span.tool.ran = Ran::Yes;
            failed(of, "success", span);
            began_before(of, span);
        }
        _ => span.class = Class::Noise,
    }
    true
}

/// A span event as an attribute, for spans that store their result in one.
pub(crate) fn event(name: &str, attributes: &Attributes) -> Option<(String, Json)> {
    (name == "tool.output").then(|| {
        let all = attributes.iter();
        let all = all.map(|(key, value)| (key.clone(), value.clone()));
        (format!("event.{name}"), all.collect())
    })
}
