//! Gemini: every piece is a whole response; their parts are concatenated.

use serde_json::{Value, json};

use super::answer::{Call, Fold, ModelAnswer, Part, add, merge};
use super::json::{items, owned, present, text};

#[derive(Debug, Default)]
pub(super) struct Gemini {
    answer: ModelAnswer,
    usage: Value,
    has_spoken: bool,
}

impl Fold for Gemini {
    fn piece(&mut self, _name: &str, piece: &Value) {
        self.take(piece);
    }

    /// Without `alt=sse` a stream is a list of responses.
    fn whole(&mut self, body: &Value) {
        match body {
            Value::Array(bodies) => bodies.iter().for_each(|it| self.take(it)),
            other => self.take(other),
        }
    }

    fn has_spoken(&self) -> bool {
        self.has_spoken
    }

    fn end(&mut self, is_whole: bool) -> (ModelAnswer, Value) {
        let mut answer = std::mem::take(&mut self.answer);
        answer.is_complete = is_whole || answer.finish.is_some();
        (answer, std::mem::take(&mut self.usage))
    }
}

impl Gemini {
    fn take(&mut self, body: &Value) {
        // Code Assist wraps the response.
        let body = present(body, "response").unwrap_or(body);
        merge(&mut self.usage, body.get("usageMetadata"));
        let answer = &mut self.answer;
        answer.id = owned(body, "responseId").or(answer.id.take());
        answer.model = owned(body, "modelVersion").or(answer.model.take());
        if let Some(blocked) = body.get("promptFeedback") {
            answer.finish = owned(blocked, "blockReason").or(answer.finish.take());
        }
        for candidate in items(body, "candidates") {
            let reason = owned(candidate, "finishReason");
            self.answer.finish = reason.or(self.answer.finish.take());
            let content = candidate.get("content");
            for part in content.map(|it| items(it, "parts")).unwrap_or_default() {
                self.part(part);
            }
        }
    }

    fn part(&mut self, part: &Value) {
        let parts = &mut self.answer.parts;
        if let Some(call) = present(part, "functionCall") {
            self.has_spoken = true;
            parts.push(Part::Call(Call {
                id: owned(call, "id"),
                tool: owned(call, "name").unwrap_or_default(),
                args: call.get("args").cloned().unwrap_or_else(|| json!({})),
            }));
            return;
        }
        let Some(more) = text(part, "text") else {
            // Code that the host ran, images: kept unchanged.
            let is_else = part.as_object().is_some_and(|it| {
                it.keys()
                    .any(|name| name != "thoughtSignature" && name != "thought")
            });
            if is_else {
                add(parts, Part::Text(part.to_string()));
            }
            return;
        };
        let is_thought = part.get("thought").and_then(Value::as_bool) == Some(true);
        self.has_spoken |= !is_thought && !more.is_empty();
        match (parts.last_mut(), is_thought) {
            (Some(Part::Text(text)), false) | (Some(Part::Reasoning(text)), true) => {
                text.push_str(more);
            }
            (_, false) => add(parts, Part::Text(more.to_owned())),
            (_, true) => add(parts, Part::Reasoning(more.to_owned())),
        }
    }
}
