//! Chat completions: deltas of choices, by index.

use std::collections::BTreeMap;

use serde_json::Value;

use super::answer::{Call, Fold, ModelAnswer, Part, add, merge};
use super::json::{items, owned, present, text, unpacked, words};

#[derive(Debug, Default)]
pub(super) struct Chat {
    answer: ModelAnswer,
    usage: Value,
    choices: BTreeMap<u64, Choice>,
    is_done: bool,
}

#[derive(Debug, Default)]
struct Choice {
    text: String,
    reasoning: String,
    calls: Vec<Asking>,
    finish: Option<String>,
}

#[derive(Debug, Default)]
struct Asking {
    index: Option<u64>,
    id: String,
    tool: String,
    args: String,
}

impl Fold for Chat {
    fn piece(&mut self, _name: &str, piece: &Value) {
        self.take(piece, "delta");
    }

    fn whole(&mut self, body: &Value) {
        self.take(body, "message");
        self.is_done = !self.choices.is_empty();
    }

    fn done(&mut self) {
        self.is_done = true;
    }

    fn has_spoken(&self) -> bool {
        let spoke = |it: &Choice| !it.text.is_empty() || !it.calls.is_empty();
        self.choices.values().any(spoke)
    }

    fn is_over(&self) -> bool {
        self.is_done
    }

    fn end(&mut self, is_whole: bool) -> (ModelAnswer, Value) {
        let mut answer = std::mem::take(&mut self.answer);
        let ended = !self.choices.is_empty() && self.choices.values().all(|it| it.finish.is_some());
        // Some hosts end without a final message.
        answer.is_complete = self.is_done || (is_whole && ended);
        for (_, choice) in std::mem::take(&mut self.choices) {
            add(&mut answer.parts, Part::Reasoning(choice.reasoning));
            add(&mut answer.parts, Part::Text(choice.text));
            let calls = choice.calls.into_iter().map(|it| {
                Part::Call(Call {
                    id: Some(it.id).filter(|id| !id.is_empty()),
                    tool: it.tool,
                    args: unpacked(&it.args),
                })
            });
            answer.parts.extend(calls);
            answer.finish = answer.finish.or(choice.finish);
        }
        (answer, std::mem::take(&mut self.usage))
    }
}

impl Chat {
    fn take(&mut self, body: &Value, member: &str) {
        let answer = &mut self.answer;
        answer.id = answer.id.take().or_else(|| owned(body, "id"));
        answer.model = answer.model.take().or_else(|| owned(body, "model"));
        merge(&mut self.usage, body.get("usage"));
        merge(
            &mut self.usage,
            body.get("x_groq").and_then(|it| it.get("usage")),
        );
        for piece in items(body, "choices") {
            merge(&mut self.usage, piece.get("usage"));
            let index = piece.get("index").and_then(Value::as_u64);
            let choice = self.choices.entry(index.unwrap_or(0)).or_default();
            if let Some(delta) = present(piece, member) {
                choice.take(delta);
            }
            choice.finish = choice
                .finish
                .take()
                .or_else(|| owned(piece, "finish_reason"));
        }
    }
}

impl Choice {
    fn take(&mut self, delta: &Value) {
        for name in ["content", "refusal"] {
            if let Some(content) = delta.get(name) {
                self.text.push_str(&words(content));
            }
        }
        let reasoning = ["reasoning_content", "reasoning"];
        if let Some(thought) = reasoning.iter().find_map(|name| text(delta, name)) {
            self.reasoning.push_str(thought);
        }
        for call in items(delta, "tool_calls") {
            let asking = self.asking(call);
            let function = present(call, "function").or(present(call, "custom"));
            if asking.id.is_empty() {
                asking.id = owned(call, "id").unwrap_or_default();
            }
            if let Some(function) = function {
                asking.take(function);
            }
        }
        // The shape before parallel calls existed.
        if let Some(function) = present(delta, "function_call") {
            if self.calls.is_empty() {
                self.calls.push(Asking::default());
            }
            self.calls[0].take(function);
        }
    }

    /// The call that a delta belongs to: by index, or, from hosts that send none, the last one.
    fn asking(&mut self, call: &Value) -> &mut Asking {
        let index = call.get("index").and_then(Value::as_u64);
        let id = text(call, "id").filter(|id| !id.is_empty());
        let found = match (index, id) {
            (Some(_), _) => self.calls.iter().position(|it| it.index == index),
            (None, Some(id)) => self.calls.iter().position(|it| it.id == id),
            (None, None) => self.calls.len().checked_sub(1),
        };
        let at = found.unwrap_or_else(|| {
            self.calls.push(Asking {
                index,
                ..Asking::default()
            });
            self.calls.len() - 1
        });
        &mut self.calls[at]
    }
}

impl Asking {
    fn take(&mut self, function: &Value) {
        if self.tool.is_empty() {
            self.tool = owned(function, "name").unwrap_or_default();
        }
        match function.get("arguments").or(function.get("input")) {
            Some(Value::String(more)) => self.args.push_str(more),
            // Some hosts send the object itself.
            Some(object @ Value::Object(_)) => self.args = object.to_string(),
            Some(_) | None => {}
        }
    }
}
