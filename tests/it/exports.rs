//! Files of agents and exports of tracing products: their figures equal those of a script that is independent of our
//! readers.

use std::process::Command;

use saferun_tui::store::Store;

use crate::support::{load, sample, skipped};

/// Runs, turns, tool calls, fresh input, cached input, output, errors, and the cost in millionths of a dollar.
pub(crate) type Figures = (usize, u32, u32, u64, u64, u64, u32, i64);

pub(crate) fn figures(store: &Store) -> Figures {
    let mut found = (store.runs().len(), 0, 0, 0, 0, 0, 0, 0);
    for run in store.runs() {
        let totals = &run.totals;
        found.1 += totals.turns;
        found.2 += totals.tool_calls;
        found.3 += totals.usage.input.or_zero();
        found.4 += totals.usage.cache_read.or_zero();
        found.5 += totals.usage.output.or_zero();
        found.6 += totals.errors;
        let cost = totals.run_cost.get().or(totals.recorded_cost.get());
        found.7 += (cost.unwrap_or(0) + 500_000) / 1_000_000;
    }
    found
}

const COUNTER: &str = r#"
import json, os, re, sys
name, path = sys.argv[1:]
if name == "vibe":
    meta = json.load(open(os.path.join(path, "meta.json")))["stats"]
    said = [json.loads(line) for line in open(os.path.join(path, "messages.jsonl"))]
    calls = sum(len(it.get("tool_calls") or []) for it in said)
    errors = sum(it["role"] == "tool" and "<tool_error>" in it["content"] for it in said)
    row = 1, sum(it["role"] == "user" for it in said), calls, meta["session_prompt_tokens"], 0, meta["session_completion_tokens"], errors, meta["session_cost"]
elif name == "gptme":
    said = [json.loads(line) for line in open(path)]
    used = [it["metadata"]["usage"] for it in said if it.get("metadata")]
    count = lambda key: sum(it.get(key, 0) for it in used)
    calls = sum(len(re.findall(r"^```(save|shell)\b", it["content"], re.M)) for it in said if it["role"] == "assistant")
    row = 1, sum(it["role"] == "user" for it in said), calls, count("input_tokens"), count("cache_read_tokens"), count("output_tokens"), 0, sum(it["metadata"]["cost"] for it in said if it.get("metadata"))
elif name == "litellm":
    said = [json.loads(line) for line in open(path)]
    told = [(it["response"] or {}).get("usage", {}).get("prompt_tokens_details", {}).get("cached_tokens", 0) for it in said]
    asked = {m["content"] for it in said for m in it["messages"] if m["role"] == "user"}
    calls = sum(len(it["response"]["choices"][0]["message"].get("tool_calls") or []) for it in said if it["response"])
    row = len({it["trace_id"] for it in said}), len(asked), calls, sum(it["prompt_tokens"] for it in said) - sum(told), sum(told), sum(it["completion_tokens"] for it in said), sum(it["status"] == "failure" for it in said), sum(it["response_cost"] for it in said)
elif name == "mlflow":
    spans = json.load(open(path))
    spans = spans.get("data", spans)["spans"]
    read = lambda it, key: json.loads(it["attributes"].get("mlflow." + key, "null"))
    used = [read(it, "chat.tokenUsage") or {} for it in spans]
    cost = sum((read(it, "llm.cost") or {}).get("total_cost", 0) for it in spans)
    errors = sum("ERROR" in json.dumps(it.get("status", it.get("status_code"))) for it in spans)
    row = 1, 1, sum(read(it, "spanType") == "TOOL" for it in spans), sum(it.get("input_tokens", 0) for it in used), 0, sum(it.get("output_tokens", 0) for it in used), errors, cost
else:
    spans = json.load(open(path))["spans"]
    models = [it for it in spans if it["type"] == "llm"]
    cached = sum(it["usage"].get("original_usage.prompt_tokens_details.cached_tokens", 0) for it in models)
    row = 1, 1, sum(it["type"] == "tool" for it in spans), sum(it["usage"]["prompt_tokens"] for it in models) - cached, cached, sum(it["usage"]["completion_tokens"] for it in models), sum("error_info" in it for it in spans), sum(it["total_estimated_cost"] for it in models)
print(*row[:-1], round(row[-1] * 1e6))
"#;

#[track_caller]
fn check(name: &str, path: &str) {
    let path = sample(path);
    let found = figures(&load(std::slice::from_ref(&path)));
    let counted = Command::new("python3")
        .args(["-c", COUNTER, name])
        .arg(&path)
        .output();
    let Some(counted) = counted.ok().filter(|it| it.status.success()) else {
        skipped("no python3");
        return;
    };
    let (runs, turns, calls, fresh, cached, out, errors, cost) = found;
    assert_eq!(
        format!("{runs} {turns} {calls} {fresh} {cached} {out} {errors} {cost}"),
        String::from_utf8_lossy(&counted.stdout).trim(),
        "{name}"
    );
}

#[test]
fn mistral_vibe_gives_the_figures_that_a_script_counts() {
    check("vibe", "vibe/session");
}

#[test]
fn gptme_gives_the_figures_that_a_script_counts() {
    check("gptme", "gptme/conversation.jsonl");
}

#[test]
fn litellm_gives_the_figures_that_a_script_counts() {
    check("litellm", "litellm/payloads.jsonl");
}

#[test]
fn mlflow_gives_the_figures_that_a_script_counts() {
    check("mlflow", "mlflow/tour.json");
    check("mlflow", "mlflow/traces.json");
}

#[test]
fn opik_gives_the_figures_that_a_script_counts() {
    check("opik", "opik/trace_shop-bot.json");
}

#[test]
fn a_vibe_session_is_one_run_with_its_title_and_folder() {
    let store = load(&[sample("vibe/session")]);
    assert_eq!(store.sources()[0].format.name(), "vibe");
    let old = load(&[sample("vibe/session_5c0e9a11.json")]);
    assert_eq!(old.sources()[0].format.name(), "vibe");
    assert_eq!(figures(&old), figures(&store));
}
