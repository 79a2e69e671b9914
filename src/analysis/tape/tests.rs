use std::sync::Arc;

use serde_json::{Value, json};

use super::class::Class;
use super::contents::{RequestContents, Turn};
use super::norm::{self, Ignored, difference, norm};
use super::player::{Mode, Options, Player, Reason, Taken};
use super::request::ParsedRequest;
use super::{Recording, schema};
use crate::model::run::RunIx;
use crate::store::testing;

fn request(texts: &[&str]) -> Value {
    let messages = texts.iter().enumerate().map(|(at, text)| {
        let role = if at % 2 == 0 { "user" } else { "assistant" };
        json!({"role": role, "content": text})
    });
    json!({"model": "m", "temperature": 0.5, "messages": messages.collect::<Vec<_>>()})
}

/// A run that recorded three requests: the answers are `one`, `two` and `three`.
fn recorded() -> String {
    let call = |request: Value, content: &str| {
        json!({"type": "response", "run_id": "r", "model": "m", "content": content, "request": request,
            "usage": {"input_tokens": 10, "output_tokens": 2}})
        .to_string()
    };
    let lines = [
        json!({"type": "run_start", "run_id": "r", "agent": "a"}).to_string(),
        call(request(&["a"]), "one"),
        call(request(&["a", "one", "b"]), "two"),
        call(request(&["a", "one", "b", "two", "c"]), "three"),
    ];
    lines.join("\n")
}

fn player(trace: &str, mode: Mode) -> Player {
    let store = testing::load(trace);
    let recording = Recording::of(&store, RunIx(0));
    let options = Options {
        mode,
        ignored: Vec::new(),
        keeps_noise: false,
        skips_errors: false,
        stubs: true,
        until: None,
    };
    Player::new(Arc::new(store), recording, options)
}

/// The answer that a request gets, or why it gets none.
fn take(player: &mut Player, body: Value) -> Result<String, Reason> {
    match player.take(&ParsedRequest::new(body)) {
        Taken::Answer { at, .. } => Ok(player.recording.calls[at].answer.text()),
        Taken::Miss(miss) => Err(miss.reason),
        Taken::Stub => Ok("stub".to_owned()),
        Taken::Stop => Ok("stop".to_owned()),
    }
}

#[test]
fn in_order_each_request_must_be_the_next() {
    let mut player = player(&recorded(), Mode::Order);
    assert_eq!(player.recording.class(), Some(Class::Recorded));
    assert_eq!(
        take(&mut player, request(&["a", "one", "b"])),
        Err(Reason::OutOfOrder)
    );
    assert_eq!(take(&mut player, request(&["a"])), Ok("one".to_owned()));
    assert_eq!(
        take(&mut player, request(&["a", "one", "x"])),
        Err(Reason::RequestChanged)
    );
    let found = player.misses[1].difference.clone().expect("a difference");
    assert_eq!(
        (
            found.path.as_str(),
            found.recorded.as_str(),
            found.got.as_str()
        ),
        ("$.messages[2].content", "b", "x")
    );
    assert_eq!(player.misses[1].nearest.expect("one").0, 2);
    assert_eq!(
        take(&mut player, request(&["a", "one", "b"])),
        Ok("two".to_owned())
    );
    assert_eq!(
        take(&mut player, request(&["a", "one", "b", "two", "c"])),
        Ok("three".to_owned())
    );
    assert_eq!(take(&mut player, request(&["a"])), Err(Reason::Exhausted));
    assert_eq!((player.served(), player.unused()), (3, vec![]));
}

#[test]
fn by_hash_requests_come_in_any_order_and_each_answer_is_given_once() {
    let mut player = player(&recorded(), Mode::Hash);
    assert_eq!(
        take(&mut player, request(&["a", "one", "b"])),
        Ok("two".to_owned())
    );
    assert_eq!(take(&mut player, request(&["a"])), Ok("one".to_owned()));
    assert_eq!(take(&mut player, request(&["a"])), Err(Reason::NoMatch));
    assert_eq!(player.unused(), [3]);
}

#[test]
fn a_loose_match_gets_the_next_answer_and_the_difference_is_reported() {
    let mut player = player(&recorded(), Mode::Loose);
    assert_eq!(take(&mut player, request(&["other"])), Ok("one".to_owned()));
    assert_eq!(player.differences[0].0, 1);
    assert_eq!(player.differences[0].1.path, "$.user[0]");
}

/// Every value of a request, one after the other, changed.
fn mutants(value: &Value) -> Vec<(String, Value)> {
    fn walk(root: &Value, at: &str, value: &Value, out: &mut Vec<(String, Value)>) {
        match value {
            Value::Object(members) => {
                for (name, inner) in members {
                    walk(root, &format!("{at}/{name}"), inner, out);
                }
            }
            Value::Array(items) => {
                for (number, inner) in items.iter().enumerate() {
                    walk(root, &format!("{at}/{number}"), inner, out);
                }
            }
            leaf => {
                let mut changed = root.clone();
                *changed.pointer_mut(at).expect("it is there") = match leaf {
                    Value::String(text) => format!("{text}x").into(),
                    Value::Number(_) => json!(77),
                    Value::Bool(it) => (!it).into(),
                    _ => json!("was null"),
                };
                out.push((at.to_owned(), changed));
            }
        }
    }
    let mut out = Vec::new();
    walk(value, "", value, &mut out);
    out
}

/// Every leaf of a body changed alone is a miss, unless its path contains one of `free`.
#[track_caller]
fn check_leaves(body: &Value, free: &[&str]) {
    let trace =
        json!({"type": "response", "run_id": "r", "model": "m", "content": "x", "request": body})
            .to_string();
    let mut misses = 0;
    for (path, changed) in mutants(body) {
        for mode in [Mode::Order, Mode::Hash] {
            let got = take(&mut player(&trace, mode), changed.clone());
            let is_free = free.iter().any(|it| path.contains(it));
            assert_eq!(got.is_ok(), is_free, "{path}: {got:?}");
            misses += usize::from(got.is_err());
        }
    }
    assert!(misses > 20, "{misses}");
}

#[test]
fn any_change_of_a_request_is_a_miss_unless_it_is_on_the_list() {
    let schema = json!({"type": "object", "properties": {"at": {"type": "string"}}, "required": ["at"], "strict": false});
    check_leaves(
        &json!({
            "model": "m", "stream": true, "user": "u-1", "metadata": {"session": "s"}, "temperature": 0, "n": 1,
            "tools": [{"type": "function", "function": {"name": "look", "description": "Look.", "parameters": schema}}],
            "messages": [
                {"role": "system", "content": [{"type": "text", "text": "Be brief.", "cache_control": {"type": "ephemeral"}}]},
                {"role": "user", "content": "look"},
                {"role": "assistant", "content": null, "tool_calls": [
                    {"id": "call_1", "type": "function", "function": {"name": "look", "arguments": "{\"at\": \"x\"}"}}]},
                {"role": "tool", "tool_call_id": "call_1", "content": "seen"},
            ],
        }),
        &["/stream", "/user", "/metadata", "cache_control"],
    );
    check_leaves(
        &json!({
            "model": "m", "stream": true, "metadata": {"user_id": "u"}, "max_tokens": 9, "system": [{"type": "text", "text": "Be brief."}],
            "tools": [{"name": "look", "description": "Look.", "input_schema": schema}],
            "messages": [
                {"role": "user", "content": "look"},
                {"role": "assistant", "content": [{"type": "tool_use", "id": "t1", "name": "look", "input": {"at": "x", "deep": [1, true]}}]},
                {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t1", "is_error": false, "content": [{"type": "text", "text": "seen"}]}]},
            ],
        }),
        &["/stream", "/metadata"],
    );
    check_leaves(
        &json!({
            "model": "m", "stream": false, "store": true, "prompt_cache_key": "k", "instructions": "Be brief.",
            "reasoning": {"effort": "low"}, "tools": [{"type": "function", "name": "look", "description": "Look.", "parameters": schema}],
            "input": [
                {"role": "user", "content": [{"type": "input_text", "text": "look"}]},
                {"type": "function_call", "call_id": "c1", "name": "look", "arguments": "{\"at\":\"x\"}"},
                {"type": "function_call_output", "call_id": "c1", "output": "seen"},
            ],
        }),
        &["/stream", "/store", "/prompt_cache_key"],
    );
    check_leaves(
        &json!({
            "systemInstruction": {"parts": [{"text": "Be brief."}]}, "generationConfig": {"temperature": 0, "topP": 1},
            "tools": [{"functionDeclarations": [{"name": "look", "description": "Look.", "parameters": schema}]}],
            "contents": [
                {"role": "user", "parts": [{"text": "look"}]},
                {"role": "model", "parts": [{"functionCall": {"id": "f1", "name": "look", "args": {"at": "x"}}}]},
                {"role": "user", "parts": [{"functionResponse": {"id": "f1", "name": "look", "response": {"output": "seen"}}}]},
            ],
        }),
        &[],
    );
}

#[test]
fn ids_spelling_and_order_of_members_do_not_count() {
    let of = |id: &str, arguments: &str| {
        json!({"messages": [
            {"role": "assistant", "tool_calls": [{"id": id, "function": {"name": "f", "arguments": arguments}}]},
            {"tool_call_id": id, "role": "tool", "content": "a\r\nb"}]})
    };
    let one = norm(&of("call_1", r#"{"a":1,"b":2}"#), &[]);
    let other = norm(&of("call_77", r#"{ "b": 2, "a": 1 }"#), &[]);
    assert_eq!(difference("$", &one, &other), None);
    let crossed = json!({"messages": [
        {"role": "assistant", "tool_calls": [{"id": "1", "function": {"name": "f", "arguments": "{\"a\":1,\"b\":2}"}}]},
        {"tool_call_id": "2", "role": "tool", "content": "a\nb"}]});
    let found = difference("$", &one, &norm(&crossed, &[])).expect("another call");
    assert_eq!(found.path, "$.messages[1].tool_call_id");
    let ignored = Ignored::parse("$.messages[*].tool_call_id").expect("a path");
    let quiet = |body: &Value| norm(body, std::slice::from_ref(&ignored));
    assert_eq!(
        difference("$", &quiet(&of("x", "{\"a\":1,\"b\":2}")), &quiet(&crossed)),
        None
    );
}

#[test]
fn a_date_in_a_text_is_noise_unless_noise_is_kept() {
    let mut player = player(
        &recorded().replace("\"a\"", "\"Today is 2026-01-02\""),
        Mode::Order,
    );
    assert_eq!(
        take(&mut player, request(&["Today is 2026-03-04"])),
        Ok("one".to_owned())
    );
    assert_eq!(player.differences.len(), 1);
}

#[test]
fn a_request_beside_the_conversation_gets_a_stub() {
    let lines = [
        json!({"type": "prompt", "run_id": "r", "role": "user", "content": "go"}),
        json!({"type": "response", "run_id": "r", "model": "m", "content": ""}),
        json!({"type": "tool_call", "run_id": "r", "id": "c", "tool": "look", "args": {}}),
        json!({"type": "tool_result", "run_id": "r", "call_id": "c", "result": "seen"}),
        json!({"type": "response", "run_id": "r", "model": "m", "content": "done"}),
    ];
    let trace = lines.map(|line| line.to_string()).join("\n");
    let mut player = player(&trace, Mode::Loose);
    assert_eq!(player.recording.class(), Some(Class::Order));
    assert_eq!(
        take(
            &mut player,
            json!({"messages": [{"role": "user", "content": "Title of: go"}]})
        ),
        Ok("stub".to_owned())
    );
    let tools = json!([{"name": "look", "input_schema": {}}]);
    let first = json!({"tools": tools, "messages": [{"role": "user", "content": "go"}]});
    assert_eq!(take(&mut player, first), Ok(String::new()));
    assert_eq!(player.recording.calls[0].answer.calls().count(), 1);
    assert!(player.differences.is_empty(), "{:?}", player.differences);
}

#[test]
fn the_same_conversation_is_read_in_every_api() {
    let chat = json!({"messages": [
        {"role": "system", "content": "S"}, {"role": "user", "content": "go"},
        {"role": "assistant", "content": "look", "tool_calls": [{"id": "1", "function": {"name": "f", "arguments": "{\"a\":1}"}}]},
        {"role": "tool", "tool_call_id": "1", "content": "r"}], "tools": [{"function": {"name": "f"}}]});
    let messages = json!({"system": [{"type": "text", "text": "S"}], "messages": [
        {"role": "user", "content": [{"type": "text", "text": "go"}]},
        {"role": "assistant", "content": [{"type": "text", "text": "look"}, {"type": "tool_use", "id": "1", "name": "f", "input": {"a": 1}}]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "1", "content": [{"type": "text", "text": "r"}]}]}],
        "tools": [{"name": "f"}]});
    let responses = json!({"instructions": "S", "input": [
        {"role": "user", "content": [{"type": "input_text", "text": "go"}]},
        {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "look"}]},
        {"type": "function_call", "call_id": "1", "name": "f", "arguments": "{\"a\":1}"},
        {"type": "function_call_output", "call_id": "1", "output": "r"}], "tools": [{"type": "function", "name": "f"}]});
    let gemini = json!({"systemInstruction": {"parts": [{"text": "S"}]}, "contents": [
        {"role": "user", "parts": [{"text": "go"}]},
        {"role": "model", "parts": [{"text": "look"}, {"functionCall": {"id": "1", "name": "f", "args": {"a": 1}}}]},
        {"role": "user", "parts": [{"functionResponse": {"id": "1", "name": "f", "response": "r"}}]}],
        "tools": [{"functionDeclarations": [{"name": "f"}]}]});
    let first = RequestContents::of(&chat);
    assert_eq!(first.turns.len(), 4);
    for other in [&messages, &responses, &gemini] {
        assert_eq!(
            first.difference(&RequestContents::of(other), false),
            None,
            "{other}"
        );
    }
    let result = |text: &str| Turn::Result {
        id: "1".to_owned(),
        text: text.to_owned(),
        is_error: None,
    };
    assert_eq!(first.turns[3], result("r"));
    let changed: Value =
        serde_json::from_str(&gemini.to_string().replace("\"a\":1", "\"a\":2")).expect("JSON");
    let found = first
        .difference(&RequestContents::of(&changed), false)
        .expect("a difference");
    assert_eq!(found.path, "$.turns[2].arguments.a");
}

#[test]
fn tools_in_groups_and_in_items_count() {
    let added = json!({"input": [
        {"type": "additional_tools", "tools": [{"type": "namespace", "name": "functions", "tools": [{"type": "function", "name": "run"}]}]},
        {"role": "user", "content": "go"}]});
    let contents = RequestContents::of(&added);
    assert!(contents.has_tools() && contents.turns.len() == 1);
    assert!(contents.tools.is_some_and(|tools| tools.contains("run")));
}

#[test]
fn the_smallest_value_of_a_schema_is_valid() {
    let schema = json!({"type": "OBJECT", "required": ["model", "n"], "properties": {
        "model": {"type": "STRING", "enum": ["flash", "pro"]}, "n": {"type": "integer", "minimum": 2}, "why": {"type": "string"}}});
    assert_eq!(schema::smallest(&schema), json!({"model": "flash", "n": 2}));
}

#[test]
fn hashes_are_equal_where_requests_are() {
    let call = |id: &str, arguments: &str| {
        json!({"messages": [{"role": "assistant", "content": null, "tool_calls": [
            {"id": id, "function": {"name": "look", "arguments": arguments}}]}]})
    };
    let bodies = [
        request(&["a"]),
        request(&["a", "b"]),
        request(&["ab"]),
        json!({"temperature": 0.5, "stream": true, "messages": [{"content": "a", "role": "user"}], "model": "m"}),
        json!({"model": "m", "temperature": 0.5, "messages": [{"role": "user", "content": "a\r\nb"}]}),
        json!({"model": "m", "temperature": 0.5, "messages": [{"role": "user", "content": "a\nb"}]}),
        call("call_1", "{\"at\": 1, \"of\": [2]}"),
        call("call_2", "{\"of\":[2],\"at\":1}"),
        call("call_1", "{\"at\": [1], \"of\": 2}"),
        call("call_1", "not JSON"),
        json!([[], []]),
        json!([[[]]]),
        json!({"a": {"b": 1}}),
        json!({"a": {}, "b": 1}),
        json!("1"),
        json!(1),
        json!(null),
    ];
    let ignored = [
        Vec::new(),
        vec![Ignored::parse("temperature").expect("a path")],
    ];
    for ignored in ignored {
        for one in &bodies {
            for other in &bodies {
                let same = difference("$", &norm(one, &ignored), &norm(other, &ignored)).is_none();
                let hashes = [one, other].map(|body| norm::hash(body, &ignored));
                assert_eq!(hashes[0] == hashes[1], same, "{one}\n{other}");
            }
        }
    }
}
