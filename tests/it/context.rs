//! What the model saw: reconstructed contexts of real sessions match an independent walk over the
//! raw lines, and recorded requests can be reconstructed from the events of their own run.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use saferun_tui::analysis::context::{self, Context, Exactness};
use saferun_tui::analysis::replay::Tape;
use saferun_tui::base::cancel::CancelFlag;
use saferun_tui::model::action::{ActionIx, Kind};
use saferun_tui::store::Store;
use saferun_tui::store::bodies::{self, Depth};
use serde_json::Value;

use crate::support::{load, shared};

fn context(store: &Store, call: ActionIx) -> Context {
    context::of(store, call, &CancelFlag::new()).expect("a context")
}

/// The blocks of all messages, in order.
fn blocks(context: &Context) -> Vec<Value> {
    let messages = context.request["messages"].as_array().expect("messages");
    let blocks = messages.iter().flat_map(|message| {
        let content = message["content"].as_array().expect("blocks");
        content.iter().cloned()
    });
    blocks.collect()
}

/// The raw lines of a session, by id.
struct Lines {
    all: Vec<Value>,
    by_id: HashMap<String, usize>,
}

impl Lines {
    fn read(path: &Path) -> Lines {
        let text = std::fs::read_to_string(path).expect("a session");
        let all: Vec<Value> = text
            .lines()
            .filter_map(|line| serde_json::from_str(line).ok())
            .collect();
        let ids = all.iter().enumerate();
        let by_id = ids
            .filter_map(|(at, line)| Some((line["uuid"].as_str()?.to_owned(), at)))
            .collect();
        Lines { all, by_id }
    }

    /// The path from a line to the root, or to a compaction boundary.
    fn way(&self, from: usize) -> HashSet<usize> {
        let mut way = HashSet::new();
        let mut at = Some(from);
        while let Some(line) = at.filter(|line| way.insert(*line)) {
            let parent = self.all[line]["parentUuid"].as_str();
            at = parent.and_then(|id| self.by_id.get(id).copied());
        }
        way
    }

    /// What the call at line `call` received on the active branch: lines on the path, lines of the
    /// same messages, and the results of their tool calls.
    fn input_at(&self, call: usize) -> Vec<Value> {
        let own = &self.all[call]["message"]["id"];
        let mut kept = self.way(call);
        let messages: HashSet<&str> = kept
            .iter()
            .filter_map(|at| self.all[*at]["message"]["id"].as_str())
            .collect();
        for (at, line) in self.all.iter().enumerate().take(call) {
            if line["message"]["id"]
                .as_str()
                .is_some_and(|id| messages.contains(id))
            {
                kept.insert(at);
            }
        }
        let blocks_of = |at: usize| self.all[at]["message"]["content"].as_array();
        let asked: HashSet<&str> = kept
            .iter()
            .filter_map(|at| blocks_of(*at))
            .flatten()
            .filter(|block| block["type"] == "tool_use")
            .filter_map(|block| block["id"].as_str())
            .collect();
        for at in 0..call {
            let answers = blocks_of(at).into_iter().flatten().any(|block| {
                block["tool_use_id"]
                    .as_str()
                    .is_some_and(|id| asked.contains(id))
            });
            if answers {
                kept.insert(at);
            }
        }
        let mut kept: Vec<usize> = kept.into_iter().filter(|at| *at < call).collect();
        kept.sort_unstable();
        let mut messages: Vec<(Option<&str>, Vec<Value>)> = Vec::new();
        for at in kept {
            let line = &self.all[at];
            let is_kind = matches!(line["type"].as_str(), Some("user" | "assistant"));
            if !is_kind
                || line["isApiErrorMessage"] == true
                || &line["message"]["id"] == own && !own.is_null()
            {
                continue;
            }
            let id = line["message"]["id"].as_str();
            let content = match &line["message"]["content"] {
                Value::String(text) => vec![serde_json::json!({"type": "text", "text": text})],
                content => content.as_array().cloned().unwrap_or_default(),
            };
            let known = id.and_then(|id| messages.iter().position(|(known, _)| *known == Some(id)));
            match known {
                Some(known) => messages[known].1.extend(content),
                None => messages.push((id, content)),
            }
        }
        messages
            .into_iter()
            .flat_map(|(_, blocks)| blocks)
            .collect()
    }
}

/// Every call of the main agent in three real sessions, which include compactions, denials,
/// interruptions and parallel calls.
#[test]
fn contexts_match_the_active_branch_of_the_raw_lines() {
    let mut compacted = 0;
    for name in [
        "258c7280-ae70-4798-800f-63464d01a85d",
        "4d5611e5-241a-462a-8d15-5122611a9569",
        "ae4a77f8-aedd-4bc1-888f-c94edc91af04",
    ] {
        let Some(path) = shared(&format!("data/agents/claude-code/spotter/{name}.jsonl")) else {
            return;
        };
        let lines = Lines::read(&path);
        let store = load(std::slice::from_ref(&path));
        let main = store.symbols().name(store.runs()[0].who.agent).to_owned();
        let source = store.rows().next().expect("a row").source_ix();
        // Only some of them, since each needs a walk of its own.
        let calls = context::calls(&store, saferun_tui::model::run::RunIx(0));
        for (number, call) in calls.iter().enumerate() {
            let row = store.row(*call);
            if row.agent() != main || row.source_ix() != source || !number.is_multiple_of(7) {
                continue;
            }
            let found = context(&store, *call);
            assert_eq!(found.exactness, Exactness::Reconstructed);
            compacted += u32::from(
                found
                    .parts
                    .iter()
                    .any(|part| part.note.starts_with("compacted")),
            );
            let line = row.line() as usize - 1;
            let expected = lines.input_at(line);
            let got = blocks(&found);
            let same = got
                .iter()
                .zip(&expected)
                .take_while(|(a, b)| a == b)
                .count();
            assert!(
                got == expected,
                "{name} #{} (line {}): {} blocks, expected {}; the first {same} are equal, then\n{:.300}\n{:.300}",
                row.seq(),
                line + 1,
                got.len(),
                expected.len(),
                got.get(same).map(ToString::to_string).unwrap_or_default(),
                expected
                    .get(same)
                    .map(ToString::to_string)
                    .unwrap_or_default(),
            );
        }
    }
    assert!(compacted > 10, "no compactions were covered");
}

/// The context of the call that action number `seq` belongs to.
fn at(store: &Store, seq: u32) -> Context {
    let row = store
        .rows()
        .find(|row| row.seq() == seq)
        .expect("the action");
    let tape = Tape::new(store, row.run_ix());
    let step = tape.step_of(row.ix()).expect("its step");
    let call = context::call_of(store, tape.steps(), step);
    context(store, call.expect("its call"))
}

/// The block types of each message.
fn outline(context: &Context) -> Vec<String> {
    let messages = context.request["messages"].as_array().expect("messages");
    let outline = messages.iter().map(|message| {
        let content = message["content"].as_array().into_iter().flatten();
        let kinds: Vec<&str> = content.filter_map(|block| block["type"].as_str()).collect();
        format!(
            "{}: {}",
            message["role"].as_str().unwrap_or("?"),
            kinds.join(" ")
        )
    });
    outline.collect()
}

#[test]
fn after_a_compaction_the_context_starts_with_the_summary() {
    let Some(path) =
        shared("data/agents/claude-code/spotter/258c7280-ae70-4798-800f-63464d01a85d.jsonl")
    else {
        return;
    };
    let store = load(&[path]);
    let found = at(&store, 260);
    assert_eq!(outline(&found), ["user: text"]);
    let summary = found.request["messages"][0]["content"][0]["text"]
        .as_str()
        .expect("text");
    assert!(summary.starts_with("This session is being continued from a previous conversation"));
    let notes = found.parts.iter().map(|part| part.note.as_str());
    assert_eq!(
        notes
            .filter(|note| note.starts_with("compacted (auto, at 167,094 tokens)"))
            .count(),
        1
    );
}

#[test]
fn the_result_of_a_denied_call_is_the_persons_reply() {
    let Some(path) =
        shared("data/agents/claude-code/spotter/258c7280-ae70-4798-800f-63464d01a85d.jsonl")
    else {
        return;
    };
    let store = load(&[path]);
    let found = at(&store, 95);
    let last = outline(&found).pop().expect("a message");
    assert_eq!(last, "user: tool_result text text");
    let messages = found.request["messages"].as_array().expect("messages");
    let denied = &messages.last().expect("a message")["content"][0];
    assert_eq!(denied["is_error"], true);
    let reply = denied["content"].as_str().expect("text");
    assert!(reply.starts_with("The user doesn't want to proceed with this tool use."));
}

#[test]
fn calls_of_one_message_stay_together_before_their_results() {
    let Some(path) =
        shared("data/agents/claude-code/spotter/4d5611e5-241a-462a-8d15-5122611a9569.jsonl")
    else {
        return;
    };
    let store = load(&[path]);
    let main = context::calls(&store, saferun_tui::model::run::RunIx(0));
    let outlines = main
        .iter()
        .step_by(20)
        .map(|call| outline(&context(&store, *call)));
    let parallel = outlines
        .flatten()
        .filter(|line| line.starts_with("assistant") && line.matches("tool_use").count() > 1);
    assert!(parallel.count() > 0, "calls were asked for together");
    for call in main.iter().step_by(20) {
        let found = context(&store, *call);
        let messages = found.request["messages"].as_array().expect("messages");
        let mut asked: HashSet<&str> = HashSet::new();
        let mut before = "";
        for message in messages {
            let role = message["role"].as_str().expect("a role");
            assert_ne!(role, before, "speakers alternate");
            before = role;
            for block in message["content"].as_array().into_iter().flatten() {
                asked.extend(block["id"].as_str().filter(|_| block["type"] == "tool_use"));
                if let Some(id) = block["tool_use_id"].as_str() {
                    assert!(asked.contains(id), "{id} was answered before it was asked");
                }
            }
        }
    }
}

#[test]
fn a_side_chain_sees_its_own_task_but_not_the_session() {
    let Some(path) =
        shared("data/agents/claude-code/ccviewer/fe5e1c67-53e7-4862-81ae-d0e013e3270b.jsonl")
    else {
        return;
    };
    let store = load(&[path]);
    let found = at(&store, 13);
    let row = store.row(found.call);
    assert_ne!(row.agent(), "claude-code");
    assert_eq!(outline(&found), ["user: text"]);
    let next = at(&store, 15);
    assert_eq!(store.row(next.call).agent(), row.agent());
    assert!(outline(&next).len() > 1);
}

#[test]
fn an_image_is_kept_unchanged() {
    let Some(path) = shared("data/agents/claude-code/agent-sessions/small.jsonl") else {
        return;
    };
    let store = load(&[path]);
    let all = context::calls(&store, saferun_tui::model::run::RunIx(0));
    let holds = |call: &ActionIx| {
        context(&store, *call)
            .request
            .to_string()
            .contains("\"type\":\"image\"")
    };
    assert!(all.iter().any(holds), "a call saw the picture");
}

/// A rollout contains the items of its requests: those of the last call match the file, in order.
#[test]
fn a_codex_request_consists_of_the_items_of_its_rollout() {
    let path = crate::support::sample(
        "codex/rollout-2026-11-17T18-40-03-019a9d3e-5c41-7b02-9f6e-3d2c8a417e55.jsonl",
    );
    let lines = Lines::read(&path);
    let store = load(&[path]);
    let call = *context::calls(&store, saferun_tui::model::run::RunIx(0))
        .last()
        .expect("a call");
    let found = context(&store, call);
    let until = store.row(call).line() as usize - 1;
    let sent: Vec<&Value> = lines.all[..until]
        .iter()
        .filter(|line| line["type"] == "response_item")
        .map(|line| &line["payload"])
        .collect();
    let input: Vec<&Value> = found.request["input"]
        .as_array()
        .expect("items")
        .iter()
        .collect();
    let mut rest = sent.iter().peekable();
    for item in &input {
        // Items first recorded as events are reconstructed from them, with equal content.
        let same = rest
            .by_ref()
            .find(|sent| **sent == *item || sent["content"] == item["content"]);
        assert!(
            same.is_some(),
            "not in the rollout, or out of order: {item}"
        );
    }
    assert!(input.len() > 10);
    assert_eq!(found.request["model"], "gpt-5.2-codex");
    assert_eq!(found.request["reasoning"]["effort"], "medium");
}

/// Request logs contain the messages as sent: the reconstruction matches them message by message,
/// without the answer.
#[test]
fn request_logs_are_reconstructed_message_by_message() {
    let mut logs = 0;
    for folder in ["llm-logs", "nonfncall-llm-logs"] {
        let Some(folder) = shared(&format!("data/agents/chat-messages/openhands-sdk/{folder}"))
        else {
            return;
        };
        for entry in std::fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            let bytes = std::fs::read(&path).expect("a log");
            let log: Value = serde_json::from_slice(&bytes).expect("JSON");
            let sent = log["messages"].as_array().expect("messages");
            let store = load(&[path]);
            let calls = context::calls(&store, saferun_tui::model::run::RunIx(0));
            let found = context(&store, *calls.last().expect("a call"));
            let expected: Vec<String> = sent.iter().map(words_of).collect();
            let expected = expected.concat();
            let system = words_of(&found.request["system"]);
            let messages = found.request["messages"].as_array().expect("messages");
            let rebuilt = system + &messages.iter().map(words_of).collect::<String>();
            assert_eq!(squeezed(&rebuilt), squeezed(&expected));
            logs += 1;
        }
    }
    assert_eq!(logs, 10);
}

/// All text of a message, including results.
fn words_of(message: &Value) -> String {
    match message {
        Value::String(text) => text.clone(),
        Value::Array(parts) => parts.iter().map(words_of).collect(),
        Value::Object(members) => {
            let inner = ["content", "text"]
                .iter()
                .filter_map(|key| members.get(*key));
            inner.map(words_of).collect()
        }
        _ => String::new(),
    }
}

fn squeezed(text: &str) -> String {
    text.split_whitespace().collect()
}

/// Traces of observability products, and whether they record tool schemas and parameters.
const TRACED: &[(&str, bool, bool)] = &[
    ("langsmith/langgraph/runs.jsonl", true, true),
    ("langsmith/sdk_multipart/runs.jsonl", true, false),
    ("langfuse/sdk/traces.otlp.jsonl", true, true),
    ("openai_agents_native/chat/traces.jsonl", false, true),
    (
        "openinference/langgraph_openai/traces.otlp.jsonl",
        true,
        true,
    ),
    ("openinference/openai_agents/traces.otlp.jsonl", true, true),
    ("openinference/raw_anthropic/traces.otlp.jsonl", true, true),
    (
        "openinference/raw_openai_stream/traces.otlp.jsonl",
        true,
        true,
    ),
    ("openllmetry/openai_agents/traces.otlp.jsonl", true, true),
    ("openllmetry/raw_openai/traces.otlp.jsonl", true, false),
    (
        "otel_genai/raw_openai_legacy_events/traces.otlp.jsonl",
        false,
        false,
    ),
    ("phoenix/oi-agents.spans.jsonl", true, true),
    ("phoenix/oi-langgraph.spans.jsonl", true, true),
    ("pydantic_ai/v2/traces.otlp.jsonl", true, false),
    ("vercel_ai/generate/traces.otlp.jsonl", true, true),
];

const SYSTEM: &str = "You are a refunds assistant.";

/// A system prompt does not count as user input, but it is part of the model's context.
#[test]
fn traces_provide_system_prompts_schemas_and_parameters() {
    for (path, has_tools, has_parameters) in TRACED {
        let Some(file) = shared(&format!("data/observability/{path}")) else {
            return;
        };
        let store = load(&[file]);
        for row in store.rows().filter(|row| row.kind() == Kind::Prompt) {
            let text = bodies::open(&row, Depth::Full).text.unwrap_or_default();
            assert!(
                !text.starts_with(SYSTEM),
                "{path}: a user message is {text}"
            );
        }
        let mut calls = 0;
        for run in 0..store.runs().len() as u32 {
            for call in context::calls(&store, saferun_tui::model::run::RunIx(run)) {
                let found = context(&store, call);
                let system = match &found.request["system"] {
                    Value::Null => words_of(&found.request["messages"]),
                    system => words_of(system),
                };
                assert!(system.contains(SYSTEM), "{path}: {}", found.request);
                let is_missing =
                    |words: &str| found.parts.iter().any(|part| part.note.contains(words));
                assert!(!is_missing("the system prompt"), "{path}");
                assert_eq!(found.request["tools"].is_array(), *has_tools, "{path}");
                assert_eq!(
                    is_missing("schemas of the tools are not"),
                    !has_tools,
                    "{path}"
                );
                if found.exactness == Exactness::Reconstructed {
                    assert_eq!(is_missing("parameters"), !has_parameters, "{path}");
                }
                calls += 1;
            }
        }
        assert!(calls > 5, "{path}");
    }
}

/// Messages in the logs of a model call's span come before its answer.
#[test]
fn messages_from_another_file_keep_their_position() {
    let path = "data/observability/otel_genai/raw_openai_legacy_events/traces.otlp.jsonl";
    let Some(file) = shared(path) else {
        return;
    };
    let store = load(&[file]);
    let calls = context::calls(&store, saferun_tui::model::run::RunIx(0));
    let found = context(&store, calls[1]);
    let roles = found.request["messages"].as_array().expect("messages");
    let roles: Vec<&str> = roles.iter().filter_map(|it| it["role"].as_str()).collect();
    assert_eq!(roles[..3], ["system", "user", "assistant"]);
}

/// Spans contain their whole conversation, and the reconstruction of a run's last call matches it.
#[test]
fn a_span_provides_the_conversation_of_its_call() {
    let Some(file) = shared("data/observability/pydantic_ai/v2/traces.otlp.jsonl") else {
        return;
    };
    let store = load(&[file]);
    let calls = context::calls(&store, saferun_tui::model::run::RunIx(0));
    let found = context(&store, calls[1]);
    let roles: Vec<&str> = found.request["messages"]
        .as_array()
        .expect("messages")
        .iter()
        .filter_map(|message| message["role"].as_str())
        .collect();
    assert_eq!(roles, ["system", "user", "assistant", "tool", "tool"]);
    let messages = &found.request["messages"];
    assert_eq!(
        messages[2]["tool_calls"][1]["id"],
        messages[4]["tool_call_id"]
    );
    // Each part refers to the action it came from.
    let from = found.parts.iter().filter_map(|part| part.action);
    let kinds: Vec<Kind> = from.map(|action| store.row(action).kind()).collect();
    assert_eq!(
        kinds[..4],
        [Kind::Note, Kind::Prompt, Kind::ToolCall, Kind::ToolCall]
    );
}

/// A trajectory's first system step is the system prompt, and the agent has the tool schemas.
/// Exporting and reading it back yields the same.
#[test]
fn a_trajectory_provides_its_system_prompt_and_schemas() {
    let Some(file) = shared("data/agents/atif/scout/openhands_hello-world.trajectory.json") else {
        return;
    };
    let folder = tempfile::tempdir().expect("a folder");
    let again = crate::atif::trajectories(&file, folder.path());
    for path in again.into_iter().chain([file]) {
        let store = load(std::slice::from_ref(&path));
        let calls = context::calls(&store, saferun_tui::model::run::RunIx(0));
        let found = context(&store, calls[0]);
        let first = &found.request["messages"][0];
        assert_eq!(first["role"], "system");
        assert!(words_of(first).starts_with("You are OpenHands agent"));
        assert_eq!(found.request["messages"][1]["role"], "user");
        assert_eq!(found.request["messages"].as_array().map(Vec::len), Some(2));
        assert_eq!(found.request["tools"].as_array().map(Vec::len), Some(6));
        let missing = |words: &str| found.parts.iter().any(|part| part.note.contains(words));
        assert!(!missing("the system prompt") && !missing("schemas of the tools are"));
    }
}

/// Texts stored separately are resolved, and a grading model is not the agent: it saw what its own
/// event contains.
#[test]
fn a_grader_sees_its_own_prompt_and_separate_texts_are_resolved() {
    let folder = "data/agents/inspect-eval/inspect_ai";
    let name = "2025-05-12T20-28-26-04-00_security-guide.json";
    let Some(file) = shared(&format!("{folder}/{name}")) else {
        return;
    };
    let store = load(&[file]);
    for run in 0..store.runs().len() as u32 {
        let calls = context::calls(&store, saferun_tui::model::run::RunIx(run));
        let agents: Vec<&str> = calls.iter().map(|call| store.row(*call).agent()).collect();
        assert_eq!(agents, ["inspect", "model_graded_fact"]);
        let [of_agent, of_grader] = [0, 1].map(|at| context(&store, calls[at]).request);
        assert_eq!(of_agent["messages"][0]["role"], "system");
        let system = words_of(&of_agent["messages"][0]);
        assert!(
            system.contains("You are a computer security expert"),
            "{system}"
        );
        let asked = words_of(&of_grader["messages"]);
        assert!(
            asked.contains("You are comparing a submitted answer"),
            "{asked}"
        );
        assert!(!asked.contains(&system));
    }
    let notes = store
        .rows()
        .filter(|row| row.kind() == Kind::Note && row.flags().0 == 0);
    let notes = notes.map(|row| bodies::open(&row, Depth::Full).text.unwrap_or_default());
    assert_eq!(
        notes
            .filter(|text| text.contains("security expert"))
            .count(),
        3
    );
    for row in store.rows() {
        for depth in [Depth::Full, Depth::Glance] {
            let body = bodies::open(&row, depth);
            let shown = format!("{:?} {:?} {:?}", body.text, body.args, body.result);
            assert!(!shown.contains("attachment://"), "{shown}");
        }
    }
}

/// Calls that only refer to their messages get them resolved.
#[test]
fn pooled_messages_are_resolved_per_call() {
    let Some(file) = shared("data/agents/inspect-eval/inspect_ai/log_message_deduplication.eval")
    else {
        return;
    };
    let store = load(&[file]);
    let calls = context::calls(&store, saferun_tui::model::run::RunIx(0));
    let found = context(&store, calls[2]);
    let messages = found.request["messages"].as_array().expect("messages");
    assert_eq!(messages.len(), 5);
    assert_eq!(messages[0]["content"], "Guess the number");
    assert_eq!(
        messages[1]["tool_calls"][0]["id"],
        messages[2]["tool_call_id"]
    );
    assert_eq!(found.request["tools"].as_array().map(Vec::len), Some(2));
}

/// A tool result without its call becomes an error of the named tool.
#[test]
fn a_failed_result_without_its_call_is_an_error_of_its_tool() {
    let Some(file) = shared("data/agents/inspect-eval/inspect_ai/log_tool_call_error.json") else {
        return;
    };
    let store = load(&[file]);
    let rows: Vec<(Kind, &str)> = store.rows().map(|row| (row.kind(), row.tool())).collect();
    assert_eq!(rows.len(), 11);
    let errors = rows.iter().filter(|row| **row == (Kind::Error, "bash"));
    assert_eq!(
        errors.count(),
        10,
        "all but a call that was not approved: {rows:?}"
    );
}
