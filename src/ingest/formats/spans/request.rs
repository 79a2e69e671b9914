//! Request fields in the record of a model call, beside the messages: the whole body if it is recorded as
//! sent, otherwise tool schemas and parameters.

use serde_json::{Map, Value};

use super::messages::{opened, word};
use crate::ingest::json::{Json, Object};
use crate::ingest::request::{Api, RequestPart};

/// Request parameters, under the names of the OpenAI and Anthropic APIs. Other things that instrumentors
/// record beside them (addresses, retries, the response id) were not part of the request.
const PARAMETERS: &[&str] = &[
    "frequency_penalty",
    "logit_bias",
    "logprobs",
    "max_completion_tokens",
    "max_output_tokens",
    "max_tokens",
    "model",
    "n",
    "parallel_tool_calls",
    "presence_penalty",
    "previous_response_id",
    "reasoning",
    "reasoning_effort",
    "response_format",
    "seed",
    "service_tier",
    "stop",
    "stop_sequences",
    "store",
    "stream",
    "stream_options",
    "temperature",
    "text",
    "thinking",
    "tool_choice",
    "top_k",
    "top_logprobs",
    "top_p",
    "truncation",
    "verbosity",
];

/// The known fields of a request. Of duplicates the first wins.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct RequestFields {
    body: Option<Value>,
    tools: Vec<Value>,
    params: Map<String, Value>,
}

impl RequestFields {
    /// The arguments of an SDK call: the body of the request, unless something in it was rewritten.
    pub(crate) fn called_with(&mut self, body: &Json) {
        if self.body.is_none() && is_as_sent(body) {
            self.body = Some(body.into());
        }
        self.parameters(Some(body));
    }

    /// The members of an object, which may include tools.
    pub(crate) fn parameters(&mut self, object: Option<&Json>) {
        let members = object.and_then(Json::as_object).map(Object::iter);
        for (name, value) in members.into_iter().flatten() {
            if name.is("tools") {
                self.tools(Some(value));
            } else {
                self.parameter(name, value);
            }
        }
    }

    pub(crate) fn parameter(&mut self, name: &str, value: &Json) {
        let value = match value.as_str() {
            Some("true") => Json::Bool(true),
            Some("false") => Json::Bool(false),
            _ => opened(value),
        };
        let says_nothing = match &value {
            Json::Null => true,
            // "No limit" is not a parameter.
            Json::String(text) => text.is_empty() || text.is("Infinity"),
            Json::Array(all) => all.is_empty(),
            Json::Object(members) => members.is_empty(),
            _ => false,
        };
        let is_known = PARAMETERS.contains(&name) && !self.params.contains_key(name);
        if is_known && !says_nothing {
            self.params.insert(name.to_owned(), Value::from(&value));
        }
    }

    /// A list of schemas, each of which may be JSON in a string.
    pub(crate) fn tools(&mut self, list: Option<&Json>) {
        let list = list.map(opened);
        let all = list.as_ref().and_then(Json::as_array);
        if self.tools.is_empty() {
            let schemas = all.into_iter().flatten().map(opened);
            let schemas = schemas.filter(Json::is_object);
            self.tools
                .extend(schemas.map(|schema| Value::from(&schema)));
        }
    }

    /// Whether the request continues from a response stored on the server: earlier messages are not in it.
    pub(super) fn continues(&self) -> bool {
        self.params.contains_key("previous_response_id")
    }

    /// The body as sent, or its known members.
    pub(super) fn pieces(self) -> Vec<RequestPart> {
        if let Some(body) = self.body {
            return vec![RequestPart::Request(body)];
        }
        let tools = Some(("tools".to_owned(), Value::Array(self.tools)));
        let tools = tools.filter(|(_, tools)| tools.as_array().is_some_and(|all| !all.is_empty()));
        let members = self.params.into_iter().chain(tools);
        members
            .map(|(name, value)| RequestPart::Member { name, value })
            .collect()
    }
}

/// Whether an object is a valid request body of one of the APIs. Messages of frameworks are not, nor are
/// those of Anthropic into which a wrapper has moved the system prompt.
fn is_as_sent(body: &Json) -> bool {
    let Some(model) = word(body, &["model"]) else {
        return false;
    };
    let list = body.get("messages").or_else(|| body.get("input"));
    let Some(messages) = list.and_then(Json::as_array) else {
        return false;
    };
    let is_message = |message: &Json| {
        let has = |key: &str| message.get(key).is_some();
        word(message, &["role", "type"]).is_some()
            && !["kwargs", "data", "parts"].iter().any(|key| has(key))
    };
    let is_system = |message: &Json| word(message, &["role"]) == Some("system");
    let is_moved = Api::of_model(model) == Api::Messages && messages.iter().any(is_system);
    !messages.is_empty() && messages.iter().all(is_message) && !is_moved
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn check(called: &Value, is_request: bool) {
        let mut fields = RequestFields::default();
        fields.called_with(&called.into());
        let is_told = matches!(fields.pieces()[..], [RequestPart::Request(_)]);
        assert_eq!(is_told, is_request, "{called}");
    }

    #[test]
    fn only_an_unmodified_body_is_a_request() {
        let user = json!({"role": "user", "content": "hi"});
        let system = json!({"role": "system", "content": "Be brief."});
        let wrapped = json!({"type": "constructor", "kwargs": {"content": "hi"}});
        check(&json!({"model": "gpt-5", "messages": [system, user]}), true);
        check(&json!({"model": "gpt-5", "input": [user]}), true);
        check(
            &json!({"model": "claude-opus-4-5", "messages": [user]}),
            true,
        );
        check(
            &json!({"model": "claude-opus-4-5", "messages": [system, user]}),
            false,
        );
        check(&json!({"model": "gpt-5", "messages": [wrapped]}), false);
        check(&json!({"messages": [user]}), false);
    }

    #[test]
    fn only_known_parameters_with_values_are_kept() {
        let mut fields = RequestFields::default();
        let recorded = json!({"temperature": 0, "stream": "false", "stop": null, "base_url": "x", "seed": "",
            "tools": [r#"{"name":"look"}"#]});
        fields.parameters(Some(&Json::from(&recorded)));
        fields.parameters(Some(&Json::from(&json!({"temperature": 1}))));
        let members: Vec<(String, Value)> = fields
            .pieces()
            .into_iter()
            .map(|piece| match piece {
                RequestPart::Member { name, value } => (name, value),
                other => panic!("no member: {other:?}"),
            })
            .collect();
        let expected = [
            ("temperature", json!(0)),
            ("stream", json!(false)),
            ("tools", json!([{"name": "look"}])),
        ];
        let expected = expected.map(|(name, value)| (name.to_owned(), value));
        assert_eq!(members, expected);
    }
}
