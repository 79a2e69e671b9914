//! Exchanges as events of our own format, sorted into runs and agents like the traffic of the proxy.

use std::collections::HashSet;

use serde_json::{Map, Value, json};

use super::exchange::Exchange;
use crate::base::human;
use crate::ingest::wire::answer::{Failed, ModelAnswer, Part, reported};
use crate::ingest::wire::lanes::{EventSink, From, Lanes};
use crate::ingest::wire::reading::Reading;
use crate::ingest::wire::request::{Answered, ModelRequest};
use crate::ingest::wire::{Api, model_in_path};
use crate::model::quantity::Time;

/// How the event of a model's answer begins.
pub(super) const ANSWER: &[u8] = br#"{"type":"response","run_id":"#;
/// How much of an error body is kept.
const HEAD: usize = 2000;

pub(super) struct Events {
    /// Of the notation: the agent of runs that name none.
    name: &'static str,
    /// The first run; more are numbered.
    run: String,
    lanes: Lanes,
    started: HashSet<String>,
    written: Vec<u8>,
    count: u64,
}

/// Where the events of one exchange belong.
pub(super) struct Place {
    run: String,
    agent: Option<String>,
    lane: usize,
    at: Time,
}

impl Events {
    pub(super) fn new(name: &'static str, run: &str) -> Events {
        Events {
            name,
            run: run.to_owned(),
            lanes: Lanes::default(),
            started: HashSet::new(),
            written: Vec::new(),
            count: 0,
        }
    }

    pub(super) fn take(&mut self, exchange: &Exchange) {
        let (_, path) = exchange.address();
        let body = serde_json::from_slice::<Value>(&exchange.request).ok();
        match (Api::of(path), body) {
            (Some(api), Some(body)) if is_model_call(&body) => self.call(api, exchange, body),
            _ => self.other(exchange),
        }
    }

    /// All events. A fault keeps a place of its own: a line that is not JSON.
    pub(super) fn end(mut self, fault: Option<&str>) -> Vec<u8> {
        if let Some(fault) = fault {
            let line = format!(
                "the file ends early: {}\n",
                fault.replace(['\n', '\r'], " ")
            );
            self.written.extend_from_slice(line.as_bytes());
        }
        self.written
    }

    /// Writes an event; null fields are left out.
    fn write(&mut self, kind: &str, place: &Place, more: Value) {
        let mut event = Map::new();
        event.insert("type".to_owned(), kind.into());
        event.insert("run_id".to_owned(), place.run.as_str().into());
        if let Some(at) = place.at.get() {
            event.insert("ts".to_owned(), human::rfc3339(at).into());
        }
        if let Some(agent) = &place.agent {
            event.insert("agent".to_owned(), agent.as_str().into());
        }
        if let Value::Object(more) = more {
            event.extend(more.into_iter().filter(|(_, value)| !value.is_null()));
        }
        self.written
            .extend_from_slice(Value::Object(event).to_string().as_bytes());
        self.written.push(b'\n');
    }

    fn id(&mut self) -> String {
        self.count += 1;
        format!("x{}", self.count)
    }

    fn start(&mut self, place: &Place, model: Option<&str>) {
        if self.started.insert(place.run.clone()) {
            let start = json!({"v": 1, "agent": self.name, "model": model});
            let of_run = Place {
                run: place.run.clone(),
                agent: None,
                ..*place
            };
            self.write("run_start", &of_run, start);
        }
    }

    /// A request that is not a model call.
    fn other(&mut self, exchange: &Exchange) {
        let place = Place {
            run: self.run.clone(),
            agent: None,
            lane: 0,
            at: exchange.began,
        };
        self.start(&place, None);
        let (host, path) = exchange.address();
        let method = &exchange.method;
        let bytes = exchange.response.len();
        let words = match exchange.status {
            Some(status) => format!("{method} {path}: {status}, {bytes} bytes"),
            None => format!("{method} {path}: no answer"),
        };
        let more = json!({"content": words, "host": host, "http_status": exchange.status});
        self.write("note", &place, more);
    }

    fn call(&mut self, api: Api, exchange: &Exchange, body: Value) {
        let (_, path) = exchange.address();
        let mut request = ModelRequest::read(api, &body);
        request.model = request.model.or_else(|| model_in_path(path));
        let from = From {
            run: self.run.clone(),
            is_named: false,
        };
        let placed = self.lanes.place(&from, &request);
        let lane = self.lanes.get(placed.at);
        let place = Place {
            run: lane.run.clone(),
            agent: lane.agent.clone(),
            lane: placed.at,
            at: exchange.began,
        };
        self.start(&place, request.model.as_deref());
        if placed.is_new {
            self.begin(&place, &request, &placed);
        }
        for message in self.lanes.news(&placed, &request) {
            self.message(&place, message);
        }
        let reply = answer(api, exchange);
        self.reply(
            &place,
            (api, exchange),
            request.model.as_deref(),
            (reply, body),
        );
    }

    fn reply(
        &mut self,
        place: &Place,
        (api, exchange): (Api, &Exchange),
        model: Option<&str>,
        (reply, request): (ModelAnswer, Value),
    ) {
        let id = self.id();
        let parent = self.lanes.get(place.lane).prompt.clone();
        if let Some(thought) = reply.thought() {
            self.write(
                "reasoning",
                place,
                json!({"parent_id": parent, "content": thought}),
            );
        }
        let is_cut = !reply.is_complete && reply.error.is_none();
        let (host, _) = exchange.address();
        let failed_with = exchange.status.filter(|status| *status >= 400);
        let more = json!({
            "id": id,
            "parent_id": parent,
            "model": reply.model.as_deref().or(model),
            "content": reply.text(),
            "usage": reported(&reply.usage),
            "cost_usd": reply.cost_usd,
            "duration_ms": exchange.took.millis(),
            "finish_reason": if is_cut { Some("cut") } else { reply.finish.as_deref() },
            "error": reply.error.as_ref().map(|it| json!({
                "type": it.kind, "message": it.message, "http_status": failed_with,
            })),
            "api": api.word(),
            "host": host,
            "response_id": reply.id,
            "request": request,
        });
        self.write("response", place, more);
        if let Some(reply) = &reply.id {
            self.lanes.get(place.lane).answered(reply);
        }
        for part in &reply.parts {
            self.asks(place, &id, part, is_cut);
        }
    }

    fn asks(&mut self, place: &Place, parent: &str, part: &Part, is_cut: bool) {
        match part {
            Part::Text(_) | Part::Reasoning(_) => {}
            Part::Call(call) => {
                // Not every API gives ids.
                let id = call.id.clone().unwrap_or_else(|| self.id());
                let lane = self.lanes.get(place.lane);
                lane.called(&id, &call.tool, &call.args);
                let more = json!({
                    "id": id,
                    "parent_id": parent,
                    "tool": call.tool,
                    "args": call.args,
                    "truncated": is_cut.then_some(true),
                });
                self.write("tool_call", place, more);
            }
            Part::Result { call, result } => {
                self.lanes.get(place.lane).close(Some(call), None);
                self.write(
                    "tool_result",
                    place,
                    json!({"call_id": call, "result": result}),
                );
            }
        }
    }
}

impl EventSink for Events {
    type Place = Place;

    fn note(&mut self, place: &Place, words: &str) {
        self.write("note", place, json!({"content": words}));
    }

    fn prompt(&mut self, place: &Place, role: &str, prompt: (&Value, bool)) {
        let id = self.id();
        let fields = self.lanes.get(place.lane).prompted(id, role, prompt);
        self.write("prompt", place, fields);
    }

    fn result(&mut self, place: &Place, answered: &Answered) {
        let lane = self.lanes.get(place.lane);
        let known = lane.close(answered.call.as_deref(), answered.tool.as_deref());
        let Some(call) = known.or_else(|| answered.call.clone()) else {
            self.write("note", place, json!({"content": answered.result}));
            return;
        };
        let fields = answered.fields(&call, place.agent.as_deref());
        self.write("tool_result", place, fields);
    }
}

/// Whether a request sends something to a model. Other APIs have paths that end alike.
fn is_model_call(body: &Value) -> bool {
    let names = ["messages", "input", "contents", "prompt", "request"];
    names.iter().any(|name| body.get(name).is_some())
}

fn answer(api: Api, exchange: &Exchange) -> ModelAnswer {
    let mut reading = Reading::new(api);
    reading.push(&exchange.response);
    let mut reply = reading.end(true);
    let has_failed = exchange.status.is_none_or(|status| status >= 400);
    if has_failed && reply.error.is_none() {
        let head = exchange.response.get(..HEAD).unwrap_or(&exchange.response);
        let words = String::from_utf8_lossy(head).trim().to_owned();
        reply.error = Some(Failed {
            kind: None,
            message: if words.is_empty() {
                "no answer was recorded".to_owned()
            } else {
                words
            },
        });
    }
    reply
}

#[cfg(test)]
mod tests {
    use super::*;

    fn events(exchanges: &[Exchange]) -> Vec<Value> {
        let mut events = Events::new("vcr", "case");
        for exchange in exchanges {
            events.take(exchange);
        }
        let text = events.end(None);
        let lines = text
            .split(|byte| *byte == b'\n')
            .filter(|line| !line.is_empty());
        lines
            .map(|line| serde_json::from_slice(line).expect("JSON"))
            .collect()
    }

    fn kinds(events: &[Value]) -> Vec<&str> {
        events.iter().filter_map(|it| it["type"].as_str()).collect()
    }

    fn sent(url: &str, request: &Value, response: &str) -> Exchange {
        Exchange {
            method: "POST".to_owned(),
            url: url.to_owned(),
            request: request.to_string().into_bytes(),
            status: Some(200),
            response: response.as_bytes().to_vec(),
            ..Exchange::default()
        }
    }

    const STREAM: &str = "data: {\"id\":\"r\",\"model\":\"m\",\"choices\":[{\"delta\":{\"tool_calls\":[{\"index\":0,\"id\":\"c\",\"function\":{\"name\":\"f\",\"arguments\":\"{\\\"n\\\":\"}}]}}]}\n\ndata: {\"choices\":[{\"delta\":{\"tool_calls\":[{\"index\":0,\"function\":{\"arguments\":\"1}\"}}]},\"finish_reason\":\"tool_calls\"}]}\n\ndata: {\"choices\":[],\"usage\":{\"prompt_tokens\":9,\"completion_tokens\":4}}\n\ndata: [DONE]\n\n";

    #[test]
    fn exchanges_of_one_conversation_are_one_run_and_only_news_is_written() {
        let url = "https://api.example/v1/chat/completions?key=SECRET";
        let user = json!({"role": "user", "content": "go"});
        let call = json!({"role": "assistant", "tool_calls": [{"id": "c", "function": {"name": "f", "arguments": "{\"n\":1}"}}]});
        let result = json!({"role": "tool", "tool_call_id": "c", "content": "done"});
        let last = r#"{"id":"s","model":"m","choices":[{"message":{"role":"assistant","content":"bye"},"finish_reason":"stop"}],"usage":{"prompt_tokens":20,"completion_tokens":1}}"#;
        let found = events(&[
            sent(url, &json!({"model": "m", "messages": [user]}), STREAM),
            sent(
                url,
                &json!({"model": "m", "messages": [user, call, result]}),
                last,
            ),
        ]);
        assert_eq!(
            kinds(&found),
            [
                "run_start",
                "prompt",
                "response",
                "tool_call",
                "tool_result",
                "response"
            ]
        );
        assert_eq!(found[3]["args"], json!({"n": 1}));
        assert_eq!(
            found[2]["usage"],
            json!({"input_tokens": 9, "output_tokens": 4})
        );
        assert!(
            found
                .iter()
                .all(|it| it["run_id"] == "case" && it.get("ts").is_none())
        );
        assert!(found.iter().all(|it| !it.to_string().contains("SECRET")));
    }

    #[test]
    fn other_requests_are_notes_and_failures_say_why() {
        let mut failed = sent(
            "http://h/v1/messages",
            &json!({"messages": []}),
            "slow down",
        );
        failed.status = Some(429);
        let other = sent("http://h/v1/files/7/messages", &json!({"text": "x"}), "{}");
        let found = events(&[other, failed]);
        assert_eq!(kinds(&found), ["run_start", "note", "response"]);
        assert_eq!(
            found[1]["content"],
            "POST /v1/files/7/messages: 200, 2 bytes"
        );
        assert_eq!(
            found[2]["error"],
            json!({"type": null, "message": "slow down", "http_status": 429})
        );
    }
}
