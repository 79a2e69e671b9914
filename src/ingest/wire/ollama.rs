//! Ollama: one object per line; the last one marks the end and holds the counts.

use serde_json::{Value, json};

use super::answer::{Call, Fold, ModelAnswer, Part, add};
use super::json::{items, owned, present, text};

#[derive(Debug, Default)]
pub(super) struct Ollama {
    answer: ModelAnswer,
    text: String,
    thinking: String,
    calls: Vec<Part>,
    last: Value,
}

impl Fold for Ollama {
    fn piece(&mut self, _name: &str, piece: &Value) {
        self.answer.model = owned(piece, "model").or(self.answer.model.take());
        let message = present(piece, "message").unwrap_or(piece);
        let more = text(message, "content").or(text(message, "response"));
        self.text.push_str(more.unwrap_or_default());
        self.thinking
            .push_str(text(message, "thinking").unwrap_or_default());
        let asked = items(message, "tool_calls").iter();
        self.calls.extend(asked.map(|call| {
            let function = call.get("function").unwrap_or(call);
            Part::Call(Call {
                id: owned(call, "id").or_else(|| owned(function, "id")),
                tool: owned(function, "name").unwrap_or_default(),
                args: function
                    .get("arguments")
                    .cloned()
                    .unwrap_or_else(|| json!({})),
            })
        }));
        if piece.get("done").and_then(Value::as_bool) == Some(true) {
            self.answer.is_complete = true;
            self.answer.finish = owned(piece, "done_reason");
            self.last = piece.clone();
        }
    }

    fn whole(&mut self, body: &Value) {
        self.piece("", body);
    }

    fn has_spoken(&self) -> bool {
        !self.text.is_empty() || !self.calls.is_empty()
    }

    fn is_over(&self) -> bool {
        self.answer.is_complete
    }

    fn end(&mut self, _is_whole: bool) -> (ModelAnswer, Value) {
        let mut answer = std::mem::take(&mut self.answer);
        add(
            &mut answer.parts,
            Part::Reasoning(std::mem::take(&mut self.thinking)),
        );
        add(
            &mut answer.parts,
            Part::Text(std::mem::take(&mut self.text)),
        );
        answer.parts.append(&mut self.calls);
        (answer, std::mem::take(&mut self.last))
    }
}
