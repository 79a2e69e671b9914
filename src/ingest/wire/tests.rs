use proptest::prelude::*;
use serde_json::{Value, json};

use super::Api;
use super::answer::{Call, ModelAnswer, Part};
use super::lanes::{self, Lanes};
use super::reading::Reading;
use super::request::{Content, ModelRequest};
use crate::base::testing;
use crate::model::quantity::{Tokens, Usage};

fn read(api: Api, pieces: &[&[u8]]) -> ModelAnswer {
    let mut reading = Reading::new(api);
    for piece in pieces {
        reading.push(piece);
    }
    reading.end(true)
}

/// What is read from a stream, which is the same wherever it is cut.
#[track_caller]
fn said(api: Api, stream: &str) -> ModelAnswer {
    let bytes = stream.as_bytes();
    let whole = read(api, &[bytes]);
    for cut in 0..bytes.len() {
        let (before, after) = bytes.split_at(cut);
        assert_eq!(read(api, &[before, after]), whole, "cut at {cut}");
    }
    let single: Vec<&[u8]> = bytes.chunks(1).collect();
    assert_eq!(read(api, &single), whole);
    whole
}

fn sse(events: &[Value]) -> String {
    let events = events.iter();
    events
        .flat_map(|it| ["data: ".to_owned(), it.to_string(), "\n\n".to_owned()])
        .collect()
}

fn named(events: &[Value]) -> String {
    let event = |it: &Value| {
        let name = it["type"].as_str().unwrap_or_default();
        format!("event: {name}\r\ndata: {it}\r\n\r\n")
    };
    events.iter().map(event).collect()
}

fn call(id: &str, tool: &str, args: Value) -> Part {
    Part::Call(Call {
        id: Some(id.to_owned()).filter(|id| !id.is_empty()),
        tool: tool.to_owned(),
        args,
    })
}

fn text(text: &str) -> Part {
    Part::Text(text.to_owned())
}

fn thought(text: &str) -> Part {
    Part::Reasoning(text.to_owned())
}

fn tokens(input: u64, output: u64) -> Usage {
    Usage {
        input: Tokens::from(input),
        output: Tokens::from(output),
        ..Usage::NONE
    }
}

fn chat_events() -> Vec<Value> {
    let delta = |delta: Value| json!({"id": "c1", "model": "m-1", "choices": [{"index": 0, "delta": delta}]});
    vec![
        delta(json!({"role": "assistant", "content": ""})),
        delta(json!({"reasoning_content": "hm"})),
        delta(json!({"content": "Grüße "})),
        delta(json!({"content": "🙂"})),
        delta(
            json!({"tool_calls": [{"index": 0, "id": "t1", "type": "function", "function": {"name": "read", "arguments": ""}}]}),
        ),
        delta(json!({"tool_calls": [{"index": 0, "function": {"arguments": "{\"path\":"}}]})),
        delta(
            json!({"tool_calls": [{"index": 1, "id": "t2", "function": {"name": "ls", "arguments": "{}"}}]}),
        ),
        delta(json!({"tool_calls": [{"index": 0, "function": {"arguments": "\"a\"}"}}]})),
        json!({"id": "c1", "choices": [{"index": 0, "delta": {}, "finish_reason": "tool_calls"}]}),
        json!({"id": "c1", "choices": [], "usage": {"prompt_tokens": 100, "completion_tokens": 9,
            "prompt_tokens_details": {"cached_tokens": 60}, "completion_tokens_details": {"reasoning_tokens": 4}}}),
    ]
}

#[test]
fn chat_deltas_are_put_together() {
    let found = said(Api::Chat, &(sse(&chat_events()) + "data: [DONE]\n\n"));
    assert_eq!(
        found.parts,
        [
            thought("hm"),
            text("Grüße 🙂"),
            call("t1", "read", json!({"path": "a"})),
            call("t2", "ls", json!({}))
        ]
    );
    let usage = Usage {
        cache_read: Tokens::from(60),
        reasoning: Tokens::from(4),
        ..tokens(40, 9)
    };
    assert_eq!(found.usage, usage);
    assert_eq!(found.model.as_deref(), Some("m-1"));
    assert_eq!(found.finish.as_deref(), Some("tool_calls"));
    assert!(found.is_complete);
}

#[test]
fn an_answer_that_breaks_off_keeps_what_came() {
    let stream = sse(&chat_events()[..6]);
    let mut reading = Reading::new(Api::Chat);
    reading.push(stream.as_bytes());
    assert!(reading.has_spoken());
    let found = reading.end(false);
    assert!(!found.is_complete);
    let cut = call("t1", "read", json!("{\"path\":"));
    assert_eq!(found.parts, [thought("hm"), text("Grüße 🙂"), cut]);
    assert_eq!(found.usage, Usage::NONE);
}

#[test]
fn a_chat_answer_in_one_body_and_calls_without_an_index() {
    let whole = json!({"id": "c", "model": "m", "choices": [{"index": 0, "finish_reason": "stop",
        "message": {"role": "assistant", "content": "Hi", "tool_calls": [{"id": "a", "function": {"name": "f", "arguments": "not json"}}]}}],
        "usage": {"prompt_tokens": 3, "completion_tokens": 2, "cost": 0.01}});
    let found = said(
        Api::Chat,
        &serde_json::to_string_pretty(&whole).expect("JSON"),
    );
    assert_eq!(found.parts, [text("Hi"), call("a", "f", json!("not json"))]);
    assert_eq!(found.cost_usd, Some(json!(0.01)));
    assert!(found.is_complete);
    let delta = |call: Value| json!({"choices": [{"delta": {"tool_calls": [call]}}]});
    let found = said(
        Api::Chat,
        &sse(&[
            delta(json!({"id": "a", "function": {"name": "f", "arguments": "{\"n\""}})),
            delta(json!({"function": {"arguments": ":1}"}})),
            delta(json!({"id": "b", "function": {"name": "g", "arguments": "{}"}})),
            json!({"choices": [{"delta": {}, "finish_reason": "tool_calls"}]}),
        ]),
    );
    assert_eq!(
        found.parts,
        [call("a", "f", json!({"n": 1})), call("b", "g", json!({}))]
    );
    assert!(found.is_complete, "some hosts end without a final message");
}

fn message_events() -> Vec<Value> {
    vec![
        json!({"type": "message_start", "message": {"id": "m1", "type": "message", "model": "claude-x", "content": [],
            "usage": {"input_tokens": 10, "cache_read_input_tokens": 200, "cache_creation_input_tokens": 30,
                "cache_creation": {"ephemeral_1h_input_tokens": 20}, "output_tokens": 1}}}),
        json!({"type": "ping"}),
        json!({"type": "content_block_start", "index": 0, "content_block": {"type": "thinking", "thinking": ""}}),
        json!({"type": "content_block_delta", "index": 0, "delta": {"type": "thinking_delta", "thinking": "so"}}),
        json!({"type": "content_block_delta", "index": 0, "delta": {"type": "signature_delta", "signature": "x"}}),
        json!({"type": "content_block_start", "index": 1, "content_block": {"type": "text", "text": ""}}),
        json!({"type": "content_block_delta", "index": 1, "delta": {"type": "text_delta", "text": "é"}}),
        json!({"type": "content_block_start", "index": 2, "content_block": {"type": "tool_use", "id": "u1", "name": "Bash", "input": {}}}),
        json!({"type": "content_block_delta", "index": 2, "delta": {"type": "input_json_delta", "partial_json": "{\"command\":"}}),
        json!({"type": "content_block_delta", "index": 2, "delta": {"type": "input_json_delta", "partial_json": "\"ls\"}"}}),
        json!({"type": "content_block_stop", "index": 2}),
        json!({"type": "message_delta", "delta": {"stop_reason": "tool_use"}, "usage": {"output_tokens": 25}}),
        json!({"type": "message_stop"}),
    ]
}

#[test]
fn blocks_of_messages_are_put_together() {
    let found = said(Api::Messages, &named(&message_events()));
    assert_eq!(
        found.parts,
        [
            thought("so"),
            text("é"),
            call("u1", "Bash", json!({"command": "ls"}))
        ]
    );
    let usage = Usage {
        cache_read: Tokens::from(200),
        cache_write: Tokens::from(30),
        cache_write_hour: Tokens::from(20),
        ..tokens(10, 25)
    };
    assert_eq!(found.usage, usage);
    assert_eq!(found.finish.as_deref(), Some("tool_use"));
    assert!(found.is_complete);
}

#[test]
fn an_error_may_come_in_the_middle() {
    let mut events = message_events()[..7].to_vec();
    events.push(
        json!({"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}),
    );
    let found = said(Api::Messages, &named(&events));
    let error = found.error.expect("an error");
    assert_eq!(error.kind.as_deref(), Some("overloaded_error"));
    assert_eq!(error.message, "Overloaded");
    assert!(!found.is_complete);
    assert_eq!(found.parts, [thought("so"), text("é")]);
    let whole = r#"{"type":"error","error":{"type":"rate_limit_error","message":"slow down"}}"#;
    assert!(said(Api::Messages, whole).error.is_some());
}

fn response_events() -> Vec<Value> {
    let item = json!({"type": "function_call", "id": "fc", "call_id": "k1", "name": "shell", "arguments": "{\"c\":1}"});
    let message = json!({"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "done"}]});
    vec![
        json!({"type": "response.created", "response": {"id": "r1", "model": "gpt-x", "status": "in_progress", "output": []}}),
        json!({"type": "response.output_item.added", "output_index": 0, "item": {"type": "message", "role": "assistant", "content": []}}),
        json!({"type": "response.output_text.delta", "output_index": 0, "delta": "do"}),
        json!({"type": "response.output_text.delta", "output_index": 0, "delta": "ne"}),
        json!({"type": "response.output_item.done", "output_index": 0, "item": message}),
        json!({"type": "response.output_item.added", "output_index": 1, "item": {"type": "function_call", "id": "fc", "call_id": "k1", "name": "shell", "arguments": ""}}),
        json!({"type": "response.function_call_arguments.delta", "output_index": 1, "delta": "{\"c\":"}),
        json!({"type": "response.output_item.done", "output_index": 1, "item": item}),
        json!({"type": "response.completed", "response": {"id": "r1", "model": "gpt-x", "status": "completed", "output": [message, item],
            "usage": {"input_tokens": 50, "input_tokens_details": {"cached_tokens": 8}, "output_tokens": 7, "output_tokens_details": {"reasoning_tokens": 0}}}}),
    ]
}

#[test]
fn the_end_of_a_response_is_trusted_and_deltas_where_it_is_missing() {
    let parts = [text("done"), call("k1", "shell", json!({"c": 1}))];
    let found = said(Api::Responses, &named(&response_events()));
    assert_eq!(found.parts, parts);
    assert_eq!(found.id.as_deref(), Some("r1"));
    assert_eq!(
        (found.usage.input, found.usage.output),
        (Tokens::from(42), Tokens::from(7))
    );
    let mut empty = response_events();
    empty[8]["response"]["output"] = json!([]);
    assert_eq!(said(Api::Responses, &named(&empty)).parts, parts);
    let found = said(Api::Responses, &named(&response_events()[..7]));
    assert_eq!(
        found.parts,
        [text("done"), call("k1", "shell", json!("{\"c\":"))]
    );
    assert!(!found.is_complete);
}

#[test]
fn a_response_that_fails_says_why() {
    let failed = json!({"type": "response.failed", "response": {"id": "r", "status": "failed", "output": [],
        "error": {"code": "server_error", "message": "boom"}}});
    let error = said(Api::Responses, &named(&[failed]))
        .error
        .expect("an error");
    assert_eq!(
        (error.kind.as_deref(), error.message.as_str()),
        (Some("server_error"), "boom")
    );
}

#[test]
fn gemini_pieces_are_added_up() {
    let piece = |parts: Value| json!({"candidates": [{"content": {"role": "model", "parts": parts}}], "modelVersion": "g", "responseId": "x"});
    let mut events = vec![
        piece(json!([{"text": "think", "thought": true}])),
        piece(json!([{"text": "He"}])),
        piece(json!([{"text": "llo"}, {"functionCall": {"name": "f", "args": {"a": 1}}}])),
    ];
    events.push(json!({"candidates": [{"content": {"parts": [{"text": ""}]}, "finishReason": "STOP"}],
        "usageMetadata": {"promptTokenCount": 20, "cachedContentTokenCount": 5, "candidatesTokenCount": 6, "thoughtsTokenCount": 3}}));
    let parts = [
        thought("think"),
        text("Hello"),
        call("", "f", json!({"a": 1})),
    ];
    let found = said(Api::Gemini, &sse(&events));
    assert_eq!(found.parts, parts);
    assert_eq!(
        (found.usage.input, found.usage.output),
        (Tokens::from(15), Tokens::from(9))
    );
    let list = said(Api::Gemini, &Value::from(events).to_string());
    assert_eq!(list, found);
}

#[test]
fn ollama_lines_are_put_together() {
    let lines = [
        json!({"model": "q", "message": {"role": "assistant", "content": "a", "thinking": "t"}, "done": false}),
        json!({"model": "q", "message": {"content": "b", "tool_calls": [{"function": {"name": "f", "arguments": {"x": 1}}}]}, "done": false}),
        json!({"model": "q", "message": {"content": ""}, "done": true, "done_reason": "stop", "prompt_eval_count": 4, "eval_count": 2}),
    ];
    let stream: String = lines
        .iter()
        .flat_map(|it| [it.to_string(), "\n".to_owned()])
        .collect();
    let found = said(Api::Ollama, &stream);
    assert_eq!(
        found.parts,
        [thought("t"), text("ab"), call("", "f", json!({"x": 1}))]
    );
    assert_eq!(found.usage, tokens(4, 2));
    assert!(found.is_complete);
}

#[track_caller]
fn check_asked(api: Api, body: &Value, expected: &[&str]) {
    let words = |it: &Content| match it {
        Content::Prompt { role, content } => format!("{role} {content}"),
        Content::Result(it) => format!("{:?} {} {:?}", it.call, it.result, it.is_error),
        Content::Injected(content) => format!("host {content}"),
        Content::FromModel => "said".to_owned(),
    };
    let asked = ModelRequest::read(api, body);
    let found: Vec<String> = asked
        .messages
        .iter()
        .flat_map(|it| it.parts.iter().map(words))
        .collect();
    assert_eq!(found, expected);
}

#[test]
fn requests_are_read_message_by_message() {
    check_asked(
        Api::Chat,
        &json!({"messages": [{"role": "system", "content": "s"}, {"role": "user", "content": "u"},
            {"role": "assistant", "tool_calls": []}, {"role": "tool", "tool_call_id": "t", "content": "r"}]}),
        &[
            "system \"s\"",
            "user \"u\"",
            "said",
            "Some(\"t\") \"r\" None",
        ],
    );
    check_asked(
        Api::Messages,
        &json!({"messages": [{"role": "user", "content": [
            {"type": "tool_result", "tool_use_id": "t", "content": [{"type": "text", "text": "r"}], "is_error": true},
            {"type": "text", "text": "u"}]}]}),
        &[
            "Some(\"t\") \"r\" Some(true)",
            "user [{\"type\":\"text\",\"text\":\"u\"}]",
        ],
    );
    check_asked(
        Api::Responses,
        &json!({"input": [{"role": "user", "content": "u"}, {"type": "function_call", "call_id": "k"},
            {"type": "function_call_output", "call_id": "k", "output": "r"}]}),
        &["user \"u\"", "said", "Some(\"k\") \"r\" None"],
    );
    let codex = json!({"input": [{"type": "additional_tools", "role": "developer", "tools": []}, {"role": "user", "content": "u"}]});
    assert!(ModelRequest::read(Api::Responses, &codex).has_tools);
    check_asked(Api::Responses, &codex, &["user \"u\""]);
    check_asked(Api::Responses, &json!({"input": "u"}), &["user \"u\""]);
    check_asked(
        Api::Messages,
        &json!({"messages": [{"role": "user", "content": [{"type": "text", "text": "<system-reminder>x"}, {"type": "text", "text": "u"}]}]}),
        &[
            "host [{\"type\":\"text\",\"text\":\"<system-reminder>x\"}]",
            "user [{\"type\":\"text\",\"text\":\"u\"}]",
        ],
    );
    // Qwen Code puts its own texts and the user's into one message.
    check_asked(
        Api::Chat,
        &json!({"messages": [{"role": "user", "content": [
            {"type": "text", "text": "<system-reminder>x"}, {"type": "text", "text": "u"}]}]}),
        &[
            "host [{\"type\":\"text\",\"text\":\"<system-reminder>x\"}]",
            "user [{\"type\":\"text\",\"text\":\"u\"}]",
        ],
    );
    check_asked(
        Api::Gemini,
        &json!({"contents": [{"role": "user", "parts": [{"text": "u"}]}, {"role": "model", "parts": []},
            {"role": "user", "parts": [{"functionResponse": {"name": "f", "response": {"ok": 1}}}]}]}),
        &["user [{\"text\":\"u\"}]", "said", "None {\"ok\":1} None"],
    );
}

#[test]
fn marks_for_the_cache_change_no_message() {
    let hash = |content: Value| {
        ModelRequest::read(
            Api::Messages,
            &json!({"messages": [{"role": "user", "content": content}]}),
        )
        .messages[0]
            .hash
    };
    let marked = json!([{"type": "text", "text": "u", "cache_control": {"type": "ephemeral"}}]);
    assert_eq!(hash(marked), hash(json!([{"type": "text", "text": "u"}])));
}

proptest! {
    /// No input makes a reader fail, and where it is cut changes nothing.
    #[test]
    fn any_bytes_cut_anywhere_are_read_alike(
        bytes in prop::collection::vec(any::<u8>(), 0..200),
        start in 0_usize..4,
        cuts in prop::collection::vec(0_usize..200, 0..6),
    ) {
        for api in [Api::Chat, Api::Messages, Api::Responses, Api::Gemini, Api::Ollama] {
            let mut all = ["data: {\"choices\":", "event: x\ndata: {\"type\":\"", "{\"", ""][start].as_bytes().to_vec();
            all.extend_from_slice(&bytes);
            let mut cuts: Vec<usize> = cuts.iter().map(|it| it % (all.len() + 1)).collect();
            cuts.sort_unstable();
            let mut pieces = Vec::new();
            let mut from = 0;
            for cut in cuts.into_iter().chain([all.len()]) {
                pieces.push(&all[from..cut]);
                from = cut;
            }
            prop_assert_eq!(read(api, &pieces), read(api, &[&all]));
        }
    }
}

const APIS: [Api; 5] = [
    Api::Chat,
    Api::Messages,
    Api::Responses,
    Api::Gemini,
    Api::Ollama,
];
/// What requests and answers are made of.
#[rustfmt::skip]
const SOUGHT: &[&str] = &[
    "choices", "delta", "message", "messages", "content", "parts", "role", "tool_calls", "index", "id", "function", "name",
    "arguments", "finish_reason", "usage", "prompt_tokens", "type", "content_block", "content_block_start",
    "content_block_delta", "message_start", "message_delta", "message_stop", "partial_json", "input", "output", "item",
    "response", "response.completed", "response.output_item.done", "function_call", "function_call_output", "call_id",
    "candidates", "functionCall", "functionResponse", "args", "usageMetadata", "thought", "text", "done", "error",
    "tool_result", "tool_use_id", "tool", "assistant", "user", "system", "previous_response_id", "contents", "tools",
];

proptest! {
    #![proptest_config(testing::cases(32))]

    /// Events with wrong types in odd places, as a stream or a line each, cut at every byte.
    #[test]
    fn any_events_cut_at_every_byte_are_read_alike(
        events in prop::collection::vec(testing::json(SOUGHT), 0..4),
        is_sse in any::<bool>(),
    ) {
        let stream = if is_sse {
            sse(&events)
        } else {
            events.iter().flat_map(|it| [it.to_string(), "\n".to_owned()]).collect()
        };
        // Enough for a cut in every kind of place.
        let stream: String = stream.chars().take(240).collect();
        for api in APIS {
            said(api, &stream);
        }
    }

    #[test]
    fn any_request_finds_its_conversation(bodies in prop::collection::vec(testing::json(SOUGHT), 1..4)) {
        for api in APIS {
            let mut lanes = Lanes::default();
            for body in &bodies {
                let request = ModelRequest::read(api, body);
                let from = lanes::From { run: "r".to_owned(), is_named: false };
                let placed = lanes.place(&from, &request);
                let news = lanes.news(&placed, &request).len();
                prop_assert!(news <= request.messages.len());
                let _ = lanes.get(placed.at).prompted("p".to_owned(), "user", (body, false));
            }
        }
    }
}
