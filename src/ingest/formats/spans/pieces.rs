//! What a span added to the context of the model. The record of a model call repeats its whole
//! conversation.

use serde_json::{Value, json};

use super::messages::{self, Content};
use super::request::RequestFields;
use super::{Class, Span};
use crate::ingest::json::Json;
use crate::ingest::request::{ContextBlock, RequestPart, Role, text_block};

impl Span {
    /// The request parts of one of its facts; `None` if the opened body says the same.
    pub(crate) fn pieces(
        &self,
        part: u16,
        fields: impl FnOnce() -> RequestFields,
    ) -> Option<Vec<RequestPart>> {
        let Some(at) = usize::from(part).checked_sub(1) else {
            return (self.class == Class::Model).then(|| self.of_call(fields()));
        };
        let item = self.input.get(at)?;
        let Content::Text(text) = &item.what else {
            return None;
        };
        let is_system = item.role == messages::Role::System;
        is_system.then(|| {
            vec![RequestPart::Block(ContextBlock::rebuilt(
                Role::System,
                text_block(text),
            ))]
        })
    }

    fn of_call(&self, fields: RequestFields) -> Vec<RequestPart> {
        let text = self.body(0).text.filter(|text| !text.is_empty());
        let answer = text.map(|text| {
            RequestPart::Block(ContextBlock::rebuilt(Role::Assistant, text_block(&text)))
        });
        let input = if self.is_inside {
            &[]
        } else {
            self.input.as_slice()
        };
        let request = of_request(input, fields).into_iter();
        request.chain(answer).collect()
    }
}

/// What is known about a request: its messages, and the fields beside them.
pub(in crate::ingest::formats) fn of_request(
    input: &[messages::Item],
    fields: RequestFields,
) -> Vec<RequestPart> {
    let history = history(input);
    let is_whole = !history.is_empty() && !fields.continues();
    let history = is_whole.then_some(RequestPart::History(history));
    fields.pieces().into_iter().chain(history).collect()
}

/// Messages as content blocks.
fn history(input: &[messages::Item]) -> Vec<ContextBlock> {
    let ids = ids(input);
    let block = |(item, id): (&messages::Item, String)| -> Option<ContextBlock> {
        let block = match &item.what {
            Content::Text(text) => text_block(text),
            Content::Reasoning(text) => json!({ "type": "thinking", "thinking": text.as_str() }),
            Content::Call { name, args, .. } => {
                json!({ "type": "tool_use", "id": id, "name": name, "input": Value::from(args) })
            }
            Content::Result { value, failed, .. } => {
                let text = match value {
                    Json::String(text) => text.to_string(),
                    other => other.to_string(),
                };
                let mut block = json!({
                    "type": "tool_result",
                    "tool_use_id": id,
                    "content": [text_block(&text)],
                });
                if *failed {
                    block["is_error"] = true.into();
                }
                block
            }
            Content::Approval { .. } => return None,
        };
        let role = match item.role {
            messages::Role::System => Role::System,
            messages::Role::User => Role::User,
            messages::Role::Assistant => Role::Assistant,
            messages::Role::Tool => Role::Tool,
        };
        Some(ContextBlock::rebuilt(role, block))
    };
    input.iter().zip(ids).filter_map(block).collect()
}

/// The ids of calls and results. Some instrumentors write none, or different ones for a call and its
/// result: if equally many calls and results remain unmatched, they are matched in order.
fn ids(input: &[messages::Item]) -> Vec<String> {
    let mut ids: Vec<String> = input
        .iter()
        .map(|item| match &item.what {
            Content::Call { id, .. } | Content::Result { id, .. } => id.clone(),
            _ => String::new(),
        })
        .collect();
    let of = |is: fn(&Content) -> bool| -> Vec<usize> {
        (0..input.len()).filter(|at| is(&input[*at].what)).collect()
    };
    let calls = of(|what| matches!(what, Content::Call { .. }));
    let results = of(|what| matches!(what, Content::Result { .. }));
    let alone = |own: &[usize], others: &[usize]| -> Vec<usize> {
        let is_known = |at: usize| others.iter().any(|other| ids[*other] == ids[at]);
        let own = own.iter().copied();
        own.filter(|at| ids[*at].is_empty() || !is_known(*at))
            .collect()
    };
    let (open, left) = (alone(&calls, &results), alone(&results, &calls));
    let is_paired = open.len() == left.len();
    for (number, call) in open.into_iter().enumerate() {
        let result = left.get(number).copied().filter(|_| is_paired);
        let recorded = result.map(|result| ids[result].clone());
        let own = [recorded.unwrap_or_default(), ids[call].clone()];
        let id = own.into_iter().find(|id| !id.is_empty());
        let id = id.unwrap_or_else(|| format!("call_{number}"));
        for at in result.into_iter().chain([call]) {
            ids[at].clone_from(&id);
        }
    }
    ids
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The ids of the calls and results of a conversation.
    #[track_caller]
    fn check(recorded: &Value, expected: &[&str]) {
        let input = messages::messages(&recorded.into(), messages::Role::User);
        let ids: Vec<String> = history(&input)
            .into_iter()
            .filter_map(|item| {
                let keys = ["id", "tool_use_id"];
                let id = keys.iter().find_map(|key| item.block.get(*key)?.as_str());
                id.map(str::to_owned)
            })
            .collect();
        assert_eq!(ids, expected, "{recorded}");
    }

    #[test]
    fn results_are_matched_to_calls_with_and_without_ids() {
        let call = |id: &str| json!({"type": "tool_use", "id": id, "name": "look", "input": {}});
        let result =
            |id: &str| json!({"type": "tool_result", "tool_use_id": id, "content": "found"});
        let recorded = |calls: [&str; 2], results: &[&str]| {
            let results: Vec<Value> = results.iter().map(|id| result(id)).collect();
            json!([
                {"role": "assistant", "content": calls.map(call)},
                {"role": "user", "content": results},
            ])
        };
        check(&recorded(["a", "b"], &["a", "b"]), &["a", "b", "a", "b"]);
        check(&recorded(["x", "y"], &["a", "b"]), &["a", "b", "a", "b"]);
        check(
            &recorded(["", ""], &["", ""]),
            &["call_0", "call_1", "call_0", "call_1"],
        );
        // A missing part of the history cannot be reconstructed.
        check(&recorded(["x", "y"], &["b"]), &["x", "y", "b"]);
    }
}
