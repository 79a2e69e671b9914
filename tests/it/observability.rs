//! Traces of observability products, counted by us and by an independent script.

use std::collections::HashMap;

use saferun_tui::model::action::{Flags, Kind, Status};
use saferun_tui::model::quantity::Usage;
use saferun_tui::store::Store;
use saferun_tui::store::bodies::{self, Depth};

use crate::support::{load, shared};

/// Why our counts differ from a script that counts spans.
const HELD: &str = "a call held for approval and made later has two spans but is one call";
const INFERRED: &str =
    "approvals have no span: they are inferred from attributes, or from what happened to the call";
const GUARD: &str = "a turn ended by a guardrail is blocked, not failed";
const NO_SPAN: &str = "a call that was denied, or is still pending, has no span";
const INTERRUPT: &str = "an approval request is recorded as an error, on each wrapper span too";
const WRAPPER: &str = "wrapper spans repeat the error of the span inside";
const CONFIG: &str = "two of four were decided by configuration: they are decisions, not approvals";
const CACHE: &str =
    "includes 900 cache-read and 300 cache-write tokens, which the script omits here";
const LOGS: &str = "calls are only in the logs, which are read together with the traces";
const NESTED: &str = "each call is recorded by two nested instrumentations";
const PLAIN: &str = "the tool has no observation of type TOOL; only the model requested it";
const BUCKETS: &str = "reasoning tokens are counted separately here, according to the total";

/// Where our counts differ: the path, the column, our count, and why it is right.
const DIFFERENCES: &[(&str, &str, u64, &str)] = &[
    (
        "openinference/openai_agents/traces.otlp.jsonl",
        "tool",
        11,
        HELD,
    ),
    (
        "openinference/openai_agents/traces.otlp.jsonl",
        "approval",
        4,
        INFERRED,
    ),
    (
        "openinference/openai_agents/traces.otlp.jsonl",
        "errors",
        1,
        GUARD,
    ),
    (
        "openinference/openai_agents_plus_openai/traces.otlp.jsonl",
        "tool",
        11,
        HELD,
    ),
    (
        "openinference/openai_agents_plus_openai/traces.otlp.jsonl",
        "approval",
        4,
        INFERRED,
    ),
    (
        "openinference/openai_agents_plus_openai/traces.otlp.jsonl",
        "errors",
        1,
        GUARD,
    ),
    (
        "openinference/openai_agents_simple/traces.otlp.jsonl",
        "tool",
        11,
        HELD,
    ),
    (
        "openinference/openai_agents_simple/traces.otlp.jsonl",
        "approval",
        4,
        INFERRED,
    ),
    (
        "openinference/openai_agents_simple/traces.otlp.jsonl",
        "errors",
        1,
        GUARD,
    ),
    (
        "openllmetry/openai_agents/traces.otlp.jsonl",
        "tool",
        11,
        HELD,
    ),
    (
        "openllmetry/openai_agents/traces.otlp.jsonl",
        "approval",
        4,
        INFERRED,
    ),
    ("phoenix/oi-agents.spans.jsonl", "tool", 11, HELD),
    ("phoenix/oi-agents.spans.jsonl", "approval", 4, INFERRED),
    ("phoenix/oi-agents.spans.jsonl", "errors", 1, GUARD),
    ("openai_agents_native/chat/traces.jsonl", "tool", 11, HELD),
    (
        "openai_agents_native/chat/traces.jsonl",
        "approval",
        4,
        INFERRED,
    ),
    ("openai_agents_native/chat/traces.jsonl", "errors", 1, GUARD),
    (
        "openinference/langgraph_openai/traces.otlp.jsonl",
        "tool",
        10,
        NO_SPAN,
    ),
    (
        "openinference/langgraph_openai/traces.otlp.jsonl",
        "approval",
        6,
        INFERRED,
    ),
    (
        "openinference/langgraph_openai/traces.otlp.jsonl",
        "errors",
        2,
        WRAPPER,
    ),
    ("phoenix/oi-langgraph.spans.jsonl", "tool", 10, NO_SPAN),
    ("phoenix/oi-langgraph.spans.jsonl", "approval", 6, INFERRED),
    ("phoenix/oi-langgraph.spans.jsonl", "errors", 2, WRAPPER),
    ("langsmith/langgraph/runs.jsonl", "tool", 10, NO_SPAN),
    ("langsmith/langgraph/runs.jsonl", "approval", 6, INFERRED),
    ("langsmith/langgraph/runs.jsonl", "errors", 2, INTERRUPT),
    ("pydantic_ai/v2/traces.otlp.jsonl", "tool", 7, NO_SPAN),
    ("pydantic_ai/v2/traces.otlp.jsonl", "approval", 3, INFERRED),
    ("pydantic_ai/v2/traces.otlp.jsonl", "errors", 1, WRAPPER),
    ("vercel_ai/approval/traces.otlp.jsonl", "tool", 8, NO_SPAN),
    ("vercel_ai/approval/traces.otlp.jsonl", "errors", 2, WRAPPER),
    ("vercel_ai/generate/traces.otlp.jsonl", "errors", 2, WRAPPER),
    (
        "otel_genai/raw_openai_nocontent/traces.otlp.jsonl",
        "errors",
        2,
        WRAPPER,
    ),
    (
        "otel_genai/raw_openai_legacy_events/traces.otlp.jsonl",
        "errors",
        2,
        WRAPPER,
    ),
    (
        "openllmetry/raw_openai/traces.otlp.jsonl",
        "errors",
        2,
        WRAPPER,
    ),
    (
        "openinference/raw_openai_stream/traces.otlp.jsonl",
        "errors",
        2,
        WRAPPER,
    ),
    (
        "openinference/raw_anthropic/traces.otlp.jsonl",
        "errors",
        2,
        WRAPPER,
    ),
    ("langfuse/sdk/traces.otlp.jsonl", "errors", 2, WRAPPER),
    ("langsmith/sdk_multipart/runs.jsonl", "errors", 2, WRAPPER),
    ("langfuse/sdk/traces.otlp.jsonl", "approval", 2, INFERRED),
    (
        "claude_code/otlp_json/traces.otlp.jsonl",
        "approval",
        2,
        CONFIG,
    ),
    (
        "claude_code/otlp_json/traces.otlp.jsonl",
        "tok_in",
        2455,
        CACHE,
    ),
    ("codex/otlp/traces.otlp.jsonl", "tool", 2, LOGS),
    (
        "fixtures/langfuse/agno-2025-06-11.trace.json",
        "llm",
        2,
        NESTED,
    ),
    (
        "fixtures/langfuse/agno-2025-06-11.trace.json",
        "tok_in",
        2110,
        NESTED,
    ),
    (
        "fixtures/langfuse/agno-2025-06-11.trace.json",
        "tok_out",
        658,
        NESTED,
    ),
    (
        "fixtures/langfuse/agno-2025-06-11.trace.json",
        "tool",
        1,
        PLAIN,
    ),
    (
        "fixtures/langfuse/langgraph-js-2025-10-30.trace.json",
        "tool",
        1,
        PLAIN,
    ),
    (
        "fixtures/langfuse/langgraph-js-2025-10-30.trace.json",
        "tok_out",
        123,
        BUCKETS,
    ),
    (
        "fixtures/langfuse/langgraph-python-2025-08-22.trace.json",
        "tool",
        1,
        PLAIN,
    ),
];

/// Columns of the script's table, with our counts.
fn counted(store: &Store) -> Vec<(&'static str, u64)> {
    let of = |kind: Kind| {
        let first = store
            .rows()
            .filter(move |row| row.kind() == kind && !row.flags().has(Flags::CONTINUED));
        first.count() as u64
    };
    let usage = store
        .runs()
        .iter()
        .fold(Usage::NONE, |sum, run| sum.plus(&run.totals.usage));
    let attached = store
        .rows()
        .flat_map(|row| row.attached().map(|it| it.kind.row()).collect::<Vec<_>>());
    let approvals = attached.filter(|kind| *kind == Kind::Approval).count() as u64;
    let input = usage.input + usage.cache_read + usage.cache_write;
    let errors = store
        .runs()
        .iter()
        .map(|run| u64::from(run.totals.errors))
        .sum();
    vec![
        ("llm", of(Kind::Response)),
        ("tool", of(Kind::ToolCall)),
        ("guardrail", of(Kind::PolicyDecision)),
        ("approval", approvals),
        ("tok_in", input.or_zero()),
        ("tok_out", usage.output.or_zero()),
        ("errors", errors),
        ("runs", store.runs().len() as u64),
    ]
}

fn rows() -> Vec<(String, HashMap<String, String>)> {
    let Some(path) = shared("data/observability/COUNTS.tsv") else {
        return Vec::new();
    };
    let text = std::fs::read_to_string(path).expect("the table");
    let mut lines = text
        .lines()
        .map(|line| line.split('\t').map(str::to_owned).collect::<Vec<_>>());
    let head = lines.next().expect("a head");
    lines
        .map(|cells| (cells[0].clone(), head.iter().cloned().zip(cells).collect()))
        .collect()
}

#[test]
fn counts_match_an_independent_script() {
    let mut errors = Vec::new();
    let mut differing = Vec::new();
    for (path, cells) in rows() {
        let Some(full) = shared(&format!("data/observability/{path}")) else {
            continue;
        };
        let store = load(&[full]);
        let found = counted(&store);
        for (column, found) in found {
            let expected = cells.get(column).and_then(|cell| cell.parse::<u64>().ok());
            let Some(expected) = expected.filter(|expected| *expected != found) else {
                continue;
            };
            let why = DIFFERENCES
                .iter()
                .find(|(file, known, ..)| *file == path && *known == column);
            match why {
                Some((_, _, ours, _)) if *ours == found => differing.push((path.clone(), column)),
                _ => errors.push(format!(
                    "{path}: {column} {found}, the script counts {expected}"
                )),
            }
        }
    }
    assert!(errors.is_empty(), "{}", errors.join("\n"));
    for (file, column, _, why) in DIFFERENCES {
        let differs = differing
            .iter()
            .any(|(path, known)| path == file && known == column);
        assert!(
            differs || differing.is_empty(),
            "{file}: {column} no longer differs ({why})"
        );
    }
}

/// What happened, regardless of the recorder: prompts, answers, and calls with their outcomes, in
/// order.
fn story(path: &str) -> Option<Vec<String>> {
    let store = load(&[shared(&format!("data/observability/{path}"))?]);
    let mut runs: Vec<_> = (0..store.runs().len()).collect();
    runs.sort_by_key(|&ix| store.runs()[ix].started);
    let mut events = Vec::new();
    for run in runs {
        for row in store.rows().filter(|row| row.run_ix().0 as usize == run) {
            let body = bodies::open(&row, Depth::Full);
            let text = body.text.as_deref().unwrap_or_default();
            match row.kind() {
                Kind::Prompt => events.push(format!("prompt {text}")),
                Kind::Response if row.status() == Status::Error => events.push("failed".to_owned()),
                Kind::Response => events.push(format!("response {text}")),
                Kind::ToolCall => {
                    let args = body.args.unwrap_or_default();
                    events.push(format!("call {} {args} {:?}", row.tool(), row.status()));
                }
                _ => {}
            }
        }
    }
    Some(events)
}

/// Captures of one script, each by a different instrumentation.
const SAME: &[&[&str]] = &[
    &[
        "openinference/openai_agents/traces.otlp.jsonl",
        "openinference/openai_agents_simple/traces.otlp.jsonl",
        "openinference/openai_agents_plus_openai/traces.otlp.jsonl",
        "openllmetry/openai_agents/traces.otlp.jsonl",
        "phoenix/oi-agents.spans.jsonl",
    ],
    &[
        "openinference/langgraph_openai/traces.otlp.jsonl",
        "phoenix/oi-langgraph.spans.jsonl",
        "langsmith/langgraph/runs.jsonl",
    ],
    &[
        "openllmetry/raw_openai/traces.otlp.jsonl",
        "openinference/raw_openai_stream/traces.otlp.jsonl",
        "otel_genai/raw_openai_legacy_events/traces.otlp.jsonl",
    ],
];

#[test]
fn one_script_gives_the_same_run_with_every_recorder() {
    for group in SAME {
        let events: Vec<_> = group
            .iter()
            .filter_map(|path| Some((path, story(path)?)))
            .collect();
        let Some(((first, expected), others)) = events.split_first() else {
            return;
        };
        assert!(expected.len() > 12, "{first}: {expected:#?}");
        for (path, found) in others {
            assert_eq!(found, expected, "{path} differs from {first}");
        }
    }
}
