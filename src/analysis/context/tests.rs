use serde_json::{Value, json};

use super::{Context, Exactness, Origin, calls, of, rebuild};
use crate::base::cancel::CancelFlag;
use crate::ingest::discover::Input;
use crate::ingest::formats;
use crate::ingest::intake::{self, Options};
use crate::ingest::prices::PriceTable;
use crate::ingest::request::Api;
use crate::model::run::RunIx;
use crate::store::Store;

fn load(format: &str, lines: &[Value]) -> Store {
    let mut text = String::new();
    for line in lines {
        text.push_str(&line.to_string());
        text.push('\n');
    }
    let inputs = vec![Input::Bundled {
        name: "trace.jsonl",
        bytes: Box::leak(text.into_bytes().into_boxed_slice()),
        companions: &[],
    }];
    let options = Options {
        format: formats::by_name(format),
        ..Options::new(PriceTable::built_in())
    };
    Store::load(intake::load(inputs, options)).0
}

/// The context of the last call.
fn last(store: &Store) -> Context {
    let call = *calls(store, RunIx(0)).last().expect("a call");
    of(store, call, &CancelFlag::new()).expect("a context")
}

fn event(mut fields: Value) -> Value {
    fields["run_id"] = "r1".into();
    fields
}

/// A run whose last request was recorded.
fn recorded(model: &str, request: &Value) -> Vec<Value> {
    let tools = request["tools"].clone();
    vec![
        event(
            json!({"type": "run_start", "model": model, "system": "Be brief.", "tools": tools, "params": {"temperature": 0}}),
        ),
        event(json!({"type": "prompt", "role": "user", "content": "How warm is it in Oslo?"})),
        event(json!({"type": "response", "content": "I look.", "model": model})),
        event(
            json!({"type": "tool_call", "id": "c1", "tool": "weather", "args": {"city": "Oslo"}}),
        ),
        event(
            json!({"type": "tool_call", "id": "c2", "tool": "weather", "args": {"city": "Bergen"}}),
        ),
        event(
            json!({"type": "tool_result", "call_id": "c2", "status": "error", "error": {"message": "no station"}}),
        ),
        event(
            json!({"type": "tool_result", "call_id": "c1", "status": "ok", "result": {"celsius": 4}}),
        ),
        event(
            json!({"type": "response", "content": "4 degrees.", "model": model, "request": request}),
        ),
    ]
}

fn chat() -> Value {
    let call = |id: &str, args: &str| json!({"id": id, "type": "function", "function": {"name": "weather", "arguments": args}});
    json!({
        "model": "gpt-4o",
        "tools": [{"type": "function", "function": {"name": "weather"}}],
        "temperature": 0,
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "How warm is it in Oslo?"},
            {"role": "assistant", "content": "I look.", "tool_calls": [call("c1", r#"{"city":"Oslo"}"#), call("c2", r#"{"city":"Bergen"}"#)]},
            {"role": "tool", "tool_call_id": "c2", "content": "no station"},
            {"role": "tool", "tool_call_id": "c1", "content": r#"{"celsius":4}"#},
        ],
    })
}

fn messages() -> Value {
    let text = |text: &str| json!({"type": "text", "text": text});
    let call = |id: &str, city: &str| json!({"type": "tool_use", "id": id, "name": "weather", "input": {"city": city}});
    json!({
        "model": "claude-sonnet-4-5",
        "system": "Be brief.",
        "tools": [{"name": "weather", "input_schema": {"type": "object"}}],
        "temperature": 0,
        "messages": [
            {"role": "user", "content": [text("How warm is it in Oslo?")]},
            {"role": "assistant", "content": [text("I look."), call("c1", "Oslo"), call("c2", "Bergen")]},
            {"role": "user", "content": [
                {"type": "tool_result", "tool_use_id": "c2", "content": [text("no station")], "is_error": true},
                {"type": "tool_result", "tool_use_id": "c1", "content": [text(r#"{"celsius":4}"#)]},
            ]},
        ],
    })
}

#[test]
fn a_recorded_request_is_shown_as_it_was_sent() {
    for (model, request, api) in [
        ("gpt-4o", chat(), Api::Chat),
        ("claude-sonnet-4-5", messages(), Api::Messages),
    ] {
        let found = last(&load("saferun", &recorded(model, &request)));
        assert_eq!(found.exactness, Exactness::Recorded);
        assert_eq!(found.api, api);
        assert_eq!(found.request, request);
        assert!(
            found
                .parts
                .iter()
                .all(|part| part.origin == Origin::Recorded)
        );
        let values = found.parts.iter().map(|part| found.value(part));
        assert!(values.clone().all(|value| value.is_some()));
    }
}

#[test]
fn reconstructs_the_request_that_was_recorded() {
    for (model, request) in [("gpt-4o", chat()), ("claude-sonnet-4-5", messages())] {
        let store = load("saferun", &recorded(model, &request));
        let call = *calls(&store, RunIx(0)).last().expect("a call");
        let found = rebuild(&store, call, &CancelFlag::new()).expect("a context");
        assert_eq!(found.exactness, Exactness::Reconstructed);
        assert_eq!(found.request, request);
    }
}

#[test]
fn parts_since_the_previous_call_are_new() {
    let store = load("saferun", &recorded("gpt-4o", &chat()));
    let call = *calls(&store, RunIx(0)).last().expect("a call");
    let found = rebuild(&store, call, &CancelFlag::new()).expect("a context");
    let new: Vec<&str> = found
        .parts
        .iter()
        .filter(|part| part.is_new)
        .map(|part| part.path.as_str())
        .collect();
    assert_eq!(
        new,
        [
            "$.messages[2]",
            "$.messages[2]",
            "$.messages[2]",
            "$.messages[3]",
            "$.messages[4]"
        ]
    );
}

#[test]
fn names_what_is_not_recorded() {
    let lines = [
        event(json!({"type": "prompt", "role": "user", "content": "Refund it"})),
        event(json!({"type": "response", "model": "gpt-4o", "content": ""})),
        event(json!({"type": "tool_call", "id": "c1", "tool": "refund", "args": {}})),
        event(json!({"type": "tool_result", "call_id": "c1", "status": "blocked"})),
        event(json!({"type": "response", "model": "gpt-4o", "content": "I may not."})),
    ];
    let found = last(&load("saferun", &lines));
    let notes: Vec<&str> = found
        .parts
        .iter()
        .filter(|part| part.origin == Origin::Missing)
        .map(|part| part.note.as_str())
        .collect();
    assert_eq!(
        notes,
        [
            "the system prompt is not recorded",
            "the tool schemas are not recorded",
            "parameters (temperature, limits) are not recorded",
            "call c1 has no result in the trace before this request",
            "the result of a call that was blocked: what the model was told about it is not recorded",
            "whether the agent truncated or injected anything on its own",
        ]
    );
}

#[test]
fn a_subagent_sees_only_its_own_conversation() {
    let lines = [
        event(json!({"type": "run_start", "agent": "main", "system": "Lead.", "model": "gpt-4o"})),
        event(json!({"type": "prompt", "agent": "main", "role": "user", "content": "Find out"})),
        event(json!({"type": "response", "agent": "main", "content": "I ask another."})),
        event(
            json!({"type": "tool_call", "agent": "main", "id": "c1", "tool": "task", "args": {}}),
        ),
        event(
            json!({"type": "prompt", "agent": "helper", "role": "user", "content": "Count the files"}),
        ),
        event(json!({"type": "response", "agent": "helper", "content": "Three."})),
    ];
    let found = last(&load("saferun", &lines));
    assert_eq!(
        found.request,
        json!({"messages": [{"role": "user", "content": "Count the files"}]})
    );
}

/// A line of a transcript.
fn said(id: &str, parent: Option<&str>, role: &str, content: &Value) -> Value {
    let message = match role {
        "assistant" => {
            json!({"id": format!("m-{id}"), "role": role, "model": "claude-sonnet-4-5", "content": content})
        }
        _ => json!({"role": role, "content": content}),
    };
    json!({"type": role, "sessionId": "s1", "uuid": id, "parentUuid": parent, "timestamp": "2026-11-25T10:00:00Z", "message": message})
}

#[test]
fn rewound_messages_are_not_part_of_the_context() {
    let text = |text: &str| json!([{"type": "text", "text": text}]);
    let lines = [
        said("a", None, "user", &"First".into()),
        said("b", Some("a"), "assistant", &text("Done.")),
        said("c", Some("b"), "user", &"A wrong turn".into()),
        said("d", Some("c"), "assistant", &text("Hm.")),
        said("e", Some("b"), "user", &"Another way".into()),
        said("f", Some("e"), "assistant", &text("Better.")),
    ];
    let found = last(&load("claude-code", &lines));
    assert_eq!(
        found.request["messages"],
        json!([
            {"role": "user", "content": text("First")},
            {"role": "assistant", "content": text("Done.")},
            {"role": "user", "content": text("Another way")},
        ])
    );
}

#[test]
fn an_image_has_no_estimated_size() {
    let picture = json!({"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AAAA"}});
    let lines = [
        said(
            "a",
            None,
            "user",
            &json!([{"type": "text", "text": "What is this?"}, picture]),
        ),
        said(
            "b",
            Some("a"),
            "assistant",
            &json!([{"type": "text", "text": "A cat."}]),
        ),
    ];
    let found = last(&load("claude-code", &lines));
    let sizes: Vec<_> = found
        .parts
        .iter()
        .filter(|part| part.role.is_some())
        .map(|part| (found.value(part).cloned(), part.estimate))
        .collect();
    assert_eq!(sizes.len(), 2);
    assert_eq!(sizes[1], (Some(picture), None));
    assert!(sizes[0].1.is_some());
}

#[test]
fn the_system_message_of_a_plain_conversation_is_part_of_the_context() {
    let lines = [json!({"messages": [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "How warm is it?"},
        {"role": "assistant", "content": "4 degrees."},
    ]})];
    let found = last(&load("chat-messages", &lines));
    assert_eq!(
        found.request["messages"],
        json!([
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "How warm is it?"},
        ])
    );
    let notes = found.parts.iter().map(|part| part.note.as_str());
    assert!(!notes.into_iter().any(|note| note.contains("system prompt")));
}

#[test]
fn a_harness_message_recorded_as_a_note_is_part_of_the_context() {
    let store = load(
        "saferun",
        &[
            event(json!({"type": "note", "role": "system", "content": "Be brief."})),
            event(json!({"type": "note", "content": "the model was changed"})),
            event(json!({"type": "prompt", "role": "user", "content": "Hi"})),
            event(json!({"type": "response", "content": "Hello.", "model": "gpt-5"})),
        ],
    );
    let expected = json!([
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Hi"},
    ]);
    assert_eq!(last(&store).request["messages"], expected);
}

/// A LangSmith model call with LangChain messages and parameters.
fn traced(id: u8, messages: &[(&str, &str)], params: &Value) -> Value {
    let messages: Vec<Value> = messages
        .iter()
        .map(|(kind, text)| json!({"kwargs": {"type": kind, "content": text}}))
        .collect();
    json!({
        "id": id.to_string(), "trace_id": "1", "run_type": "llm", "name": "ChatOpenAI",
        "dotted_order": format!("20241013T07053{id}170001Z{id}"),
        "start_time": format!("2024-10-13T07:05:3{id}Z"), "end_time": format!("2024-10-13T07:05:3{id}.5Z"),
        "extra": {"invocation_params": params},
        "inputs": {"messages": [messages]},
        "outputs": {"generations": [[{"message": {"kwargs": {"content": "Done.", "type": "ai"}}}]]},
    })
}

#[test]
fn a_span_contains_only_its_own_conversation_and_parameters() {
    let tools = json!([{"type": "function", "function": {"name": "look", "parameters": {}}}]);
    let store = load(
        "langsmith",
        &[
            traced(
                1,
                &[("system", "Be brief."), ("human", "One"), ("human", "Two")],
                &json!({"model": "gpt-5", "temperature": 0, "tools": tools}),
            ),
            traced(
                2,
                &[("system", "Sum up."), ("human", "Two")],
                &json!({"model": "gpt-5", "_type": "openai-chat"}),
            ),
        ],
    );
    let of = |at: usize| {
        let call = calls(&store, RunIx(0))[at];
        of(&store, call, &CancelFlag::new()).expect("a context")
    };
    let said = |role: &str, text: &str| json!({"role": role, "content": text});
    let expected = json!({
        "model": "gpt-5", "temperature": 0, "tools": tools,
        "messages": [said("system", "Be brief."), said("user", "One"), said("user", "Two")],
    });
    assert_eq!(of(0).request, expected);
    // Messages dropped from the history are not part of it, nor are those of another call.
    let expected =
        json!({"model": "gpt-5", "messages": [said("system", "Sum up."), said("user", "Two")]});
    let second = of(1);
    assert_eq!(second.request, expected);
    assert_eq!(second.exactness, Exactness::Reconstructed);
    let notes: Vec<&str> = second.parts.iter().map(|part| part.note.as_str()).collect();
    assert!(notes.contains(&"the tool schemas are not recorded"));
    // A part comes from the row that first contained it, even if that belonged to the previous
    // call.
    let from: Vec<u32> = second
        .parts
        .iter()
        .filter_map(|part| Some(part.action?.0))
        .collect();
    assert_eq!(from, [4, 2]);
}
