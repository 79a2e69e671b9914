//! OpenAI responses: items are sent when they are done, and once more at the end. Deltas count only where the end is
//! missing.

use std::collections::BTreeMap;

use serde_json::Value;

use super::answer::{Call, Failed, Fold, ModelAnswer, Part, add, failed};
use super::json::{items, owned, present, text, unpacked, words};

#[derive(Debug, Default)]
pub(super) struct Responses {
    /// The response in its latest state.
    response: Value,
    items: BTreeMap<u64, Item>,
    has_spoken: bool,
    is_complete: bool,
}

#[derive(Debug, Default)]
struct Item {
    value: Value,
    is_done: bool,
    text: String,
    args: String,
    reasoning: String,
}

impl Fold for Responses {
    fn piece(&mut self, name: &str, piece: &Value) {
        let kind = text(piece, "type").unwrap_or(name);
        if let Some(response) = present(piece, "response") {
            self.response = response.clone();
            let ends = [
                "response.completed",
                "response.incomplete",
                "response.failed",
            ];
            self.is_complete |= ends.contains(&kind);
            return;
        }
        let index = piece.get("output_index").and_then(Value::as_u64);
        let delta = text(piece, "delta").unwrap_or_default();
        let item = self.items.entry(index.unwrap_or(0)).or_default();
        match kind {
            "response.output_item.added" | "response.output_item.done" => {
                item.value = piece.get("item").cloned().unwrap_or_default();
                item.is_done = kind.ends_with("done");
                let calls = text(&item.value, "type").is_some_and(|it| it.ends_with("_call"));
                self.has_spoken |= calls;
            }
            "response.output_text.delta" | "response.refusal.delta" => {
                item.text.push_str(delta);
                self.has_spoken = true;
            }
            "response.function_call_arguments.delta" | "response.custom_tool_call_input.delta" => {
                item.args.push_str(delta);
                self.has_spoken = true;
            }
            "response.reasoning_summary_text.delta" | "response.reasoning_text.delta" => {
                item.reasoning.push_str(delta);
            }
            _ => {}
        }
    }

    fn whole(&mut self, body: &Value) {
        self.response = body.clone();
        self.is_complete = body.get("output").is_some();
    }

    fn has_spoken(&self) -> bool {
        self.has_spoken
    }

    fn is_over(&self) -> bool {
        self.is_complete
    }

    fn end(&mut self, _is_whole: bool) -> (ModelAnswer, Value) {
        let response = std::mem::take(&mut self.response);
        let mut answer = ModelAnswer {
            id: owned(&response, "id"),
            model: owned(&response, "model"),
            finish: finish(&response),
            error: error(&response),
            is_complete: self.is_complete,
            ..ModelAnswer::default()
        };
        let output = items(&response, "output");
        if self.is_complete && !output.is_empty() {
            for item in output {
                parts(item, &mut answer.parts);
            }
        } else {
            for (_, item) in std::mem::take(&mut self.items) {
                item.parts(&mut answer.parts);
            }
        }
        let usage = response.get("usage").cloned().unwrap_or_default();
        (answer, usage)
    }
}

fn finish(response: &Value) -> Option<String> {
    let why = response.get("incomplete_details");
    let why = why.and_then(|it| owned(it, "reason"));
    why.or_else(|| owned(response, "status").filter(|it| it != "in_progress"))
}

fn error(response: &Value) -> Option<Failed> {
    failed(response).map(|it| Failed {
        kind: response
            .get("error")
            .and_then(|it| owned(it, "code"))
            .or(it.kind),
        ..it
    })
}

impl Item {
    fn parts(self, out: &mut Vec<Part>) {
        if self.is_done {
            parts(&self.value, out);
            return;
        }
        add(out, Part::Reasoning(self.reasoning));
        add(out, Part::Text(self.text));
        if text(&self.value, "type").is_some_and(|it| it.ends_with("_call")) {
            let mut call = call(&self.value);
            call.args = unpacked(&self.args);
            out.push(Part::Call(call));
        }
    }
}

fn parts(item: &Value, out: &mut Vec<Part>) {
    let kind = text(item, "type").unwrap_or_default();
    match kind {
        "message" => {
            let content = item.get("content").map(words).unwrap_or_default();
            add(out, Part::Text(content));
        }
        "reasoning" => {
            let own = items(item, "content").iter();
            let thought: Vec<String> = items(item, "summary")
                .iter()
                .chain(own)
                .map(words)
                .collect();
            add(out, Part::Reasoning(thought.join("\n\n")));
        }
        _ if kind.ends_with("_call") => {
            let asked = call(item);
            // A call that the host ran itself includes its result.
            let is_ours = matches!(
                kind,
                "function_call"
                    | "custom_tool_call"
                    | "local_shell_call"
                    | "shell_call"
                    | "apply_patch_call"
                    | "computer_call"
            );
            let ran = asked.id.clone().filter(|_| !is_ours);
            out.push(Part::Call(asked));
            if let Some(call) = ran {
                let names = ["output", "outputs", "results", "result", "status"];
                let result = names.iter().find_map(|name| present(item, name));
                out.push(Part::Result {
                    call,
                    result: result.cloned().unwrap_or_default(),
                });
            }
        }
        _ => {}
    }
}

fn call(item: &Value) -> Call {
    let kind = text(item, "type").unwrap_or_default();
    let names = [
        "arguments",
        "input",
        "action",
        "operation",
        "queries",
        "code",
    ];
    let args = names.iter().find_map(|name| present(item, name));
    Call {
        id: owned(item, "call_id").or_else(|| owned(item, "id")),
        tool: owned(item, "name").unwrap_or_else(|| kind.trim_end_matches("_call").to_owned()),
        args: match args {
            Some(Value::String(args)) => unpacked(args),
            Some(other) => other.clone(),
            None => Value::Null,
        },
    }
}
