//! `convert --to atif`: the documents are valid and match the run.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use saferun_tui::model::action::{Kind, Status};
use saferun_tui::model::run::RunStatus;
use saferun_tui::store::Store;
use saferun_tui::store::bodies::{self, Depth};
use serde_json::Value;

use crate::support::{convert, load, sample, samples, shared, skipped};

/// Writes the documents of a trace into a folder and returns their paths in order.
pub(crate) fn trajectories(path: &Path, folder: &Path) -> Vec<PathBuf> {
    convert(&["--to", "atif"], path, folder);
    let entries = std::fs::read_dir(folder).expect("the folder");
    let mut files: Vec<PathBuf> = entries.map(|it| it.expect("an entry").path()).collect();
    files.sort();
    files
}

/// The members that the models allow, and the required ones.
const TRAJECTORY: (&[&str], &[&str]) = (
    &["schema_version", "agent", "steps"],
    &[
        "session_id",
        "trajectory_id",
        "notes",
        "final_metrics",
        "continued_trajectory_ref",
        "extra",
        "subagent_trajectories",
    ],
);
const STEP: (&[&str], &[&str]) = (
    &["step_id", "source", "message"],
    &[
        "timestamp",
        "model_name",
        "reasoning_content",
        "tool_calls",
        "observation",
        "metrics",
        "extra",
    ],
);
const CALL: (&[&str], &[&str]) = (&["tool_call_id", "function_name", "arguments"], &["extra"]);
const RESULT: (&[&str], &[&str]) = (
    &[],
    &[
        "source_call_id",
        "content",
        "subagent_trajectory_ref",
        "extra",
    ],
);
const METRICS: (&[&str], &[&str]) = (
    &[],
    &[
        "prompt_tokens",
        "completion_tokens",
        "cached_tokens",
        "cost_usd",
        "extra",
    ],
);

#[track_caller]
fn has(value: &Value, (needed, allowed): (&[&str], &[&str])) {
    let object = value.as_object().expect("an object");
    for name in needed {
        assert!(object.contains_key(*name), "no {name} in {value}");
    }
    for name in object.keys() {
        let known = needed.contains(&name.as_str()) || allowed.contains(&name.as_str());
        assert!(known, "{name} is not allowed in {value}");
    }
}

fn list<'a>(value: &'a Value, name: &str) -> &'a [Value] {
    value
        .get(name)
        .and_then(Value::as_array)
        .map_or(&[], Vec::as_slice)
}

/// The rules of `harbor/models/trajectories` (ATIF 1.8).
fn check(trajectory: &Value, embedded: bool) {
    has(trajectory, TRAJECTORY);
    assert!(!embedded || trajectory["trajectory_id"].is_string());
    assert!(trajectory["agent"]["name"].is_string() && trajectory["agent"]["version"].is_string());
    assert!(!list(trajectory, "steps").is_empty());
    for (at, step) in list(trajectory, "steps").iter().enumerate() {
        has(step, STEP);
        assert_eq!(step["step_id"], at + 1);
        assert!(step["message"].is_string(), "{step}");
        let by_agent = step["source"] == "agent";
        assert!(by_agent || step["source"] == "user" || step["source"] == "system");
        for name in ["model_name", "reasoning_content", "tool_calls", "metrics"] {
            assert!(by_agent || step.get(name).is_none(), "{step}");
        }
        if let Some(metrics) = step.get("metrics") {
            has(metrics, METRICS);
        }
        let mut ids = HashSet::new();
        for call in list(step, "tool_calls") {
            has(call, CALL);
            assert!(call["arguments"].is_object(), "{call}");
            ids.insert(call["tool_call_id"].as_str().expect("an id"));
        }
        assert_eq!(ids.len(), list(step, "tool_calls").len(), "{step}");
        for result in list(&step["observation"], "results") {
            has(result, RESULT);
            assert!(ids.contains(result["source_call_id"].as_str().expect("a call")));
        }
    }
    let inside = list(trajectory, "subagent_trajectories");
    for subagent in inside {
        check(subagent, true);
    }
    let ids: HashSet<&str> = inside
        .iter()
        .filter_map(|it| it["trajectory_id"].as_str())
        .collect();
    assert_eq!(ids.len(), inside.len());
}

fn document(path: &Path) -> Value {
    let bytes = std::fs::read(path).expect("a document");
    serde_json::from_slice(&bytes).expect("it is JSON")
}

/// A call in the form common to both formats: results that are not text are stringified.
fn calls(store: &Store) -> Vec<String> {
    let calls = store.rows().filter(|row| row.kind() == Kind::ToolCall);
    let mut calls: Vec<String> = calls
        .map(|row| {
            let body = bodies::open(&row, Depth::Full);
            let error = body.error.map(|error| Value::String(error.message));
            let result = body.result.or(error).map(|result| match result {
                Value::String(text) => text,
                other => other.to_string(),
            });
            let args = body.args.filter(|args| *args != serde_json::json!({}));
            // A trajectory cannot express a result that was never recorded: before a later prompt, the call
            // reads as cancelled.
            let status = match row.status() {
                Status::Unrecorded | Status::Cancelled if result.is_none() => Status::Pending,
                known => known,
            };
            format!(
                "{} {args:?} {status:?} {:?} {result:?}",
                row.tool(),
                row.duration()
            )
        })
        .collect();
    calls.sort();
    calls
}

fn words(store: &Store, kind: Kind) -> Vec<String> {
    let rows = store.rows().filter(|row| row.kind() == kind);
    let texts = rows.filter_map(|row| bodies::open(&row, Depth::Full).text);
    texts.filter(|text| !text.is_empty()).collect()
}

/// What is lost between a trace and its trajectories that should not be.
fn lost(path: &Path) -> Option<String> {
    let folder = tempfile::tempdir().expect("a folder");
    let files = trajectories(path, folder.path());
    let before = load(&[path.to_owned()]);
    assert_eq!(files.len(), before.runs().len(), "{}", path.display());
    for file in &files {
        check(&document(file), false);
    }
    let after = load(&files);
    let tell = |store: &Store| {
        let mut usage: Vec<String> = (store.runs().iter())
            .map(|run| {
                let (calls, usage) = (run.totals.tool_calls, run.totals.usage);
                let cost = run.cost().map(|(cost, _)| cost);
                // A trajectory without a recorded end counts as successful, or as open if a call is.
                let status = match run.status {
                    RunStatus::Unknown | RunStatus::Running => RunStatus::Ok,
                    known => known,
                };
                let end = (status, run.correct, run.score);
                let tokens = (usage.total(), usage.output);
                format!("{tokens:?} {cost:?} {end:?} {calls}")
            })
            .collect();
        usage.sort();
        let prompts = words(store, Kind::Prompt).join("\n");
        (usage, calls(store), prompts.len())
    };
    let (before, after) = (tell(&before), tell(&after));
    (before != after).then(|| format!("{}:\n  {after:?}\n  {before:?}\n", path.display()))
}

#[test]
fn trajectories_of_every_sample_are_valid_and_keep_calls_and_tokens() {
    let lost: Vec<String> = samples().iter().filter_map(|path| lost(path)).collect();
    assert!(lost.is_empty(), "{}", lost.join("\n"));
}

#[test]
fn an_unrecorded_result_is_not_written() {
    let folder = tempfile::tempdir().expect("a folder");
    let files = trajectories(&sample("cursor/a3c7.jsonl"), folder.path());
    let text = std::fs::read_to_string(&files[0]).expect("a document");
    assert!(
        text.contains("tool_call_id") && !text.contains("observation"),
        "{text}"
    );
}

#[test]
fn totals_of_a_continuation_include_earlier_parts() {
    let folder = tempfile::tempdir().expect("a folder");
    let write = |name: &str, total: u32| {
        let text = format!(
            r#"{{"schema_version":"ATIF-v1.6","session_id":"s","agent":{{"name":"a","version":"1"}},"steps":[{{"step_id":1,"source":"user","message":"go"}}],"final_metrics":{{"total_prompt_tokens":{total}}}}}"#
        );
        std::fs::write(folder.path().join(name), text).expect("a file");
    };
    write("run.json", 100);
    write("run.cont-1.json", 150);
    let store = load(&[folder.path().to_owned()]);
    assert_eq!(store.runs().len(), 1);
    assert_eq!(store.runs()[0].totals.usage.total().get(), Some(150));
}

#[test]
fn a_session_with_subagents_becomes_one_document() {
    let Some(path) =
        shared("data/agents/claude-code/spotter/258c7280-ae70-4798-800f-63464d01a85d.jsonl")
    else {
        return;
    };
    assert_eq!(lost(&path), None);
}

/// Validates documents with the public models, wherever they are installed, without the rest of
/// that package.
const MODELS: &str = "
import importlib.util, sys, types
spec = importlib.util.find_spec('harbor')
if spec is None or importlib.util.find_spec('pydantic') is None:
    sys.exit(77)
root = list(spec.submodule_search_locations)[0]
for name, path in [('harbor', root), ('harbor.models', root + '/models')]:
    module = types.ModuleType(name)
    module.__path__ = [path]
    sys.modules[name] = module
from harbor.models.trajectories import Trajectory
for path in sys.argv[1:]:
    Trajectory.model_validate_json(open(path, 'rb').read())
";

#[test]
fn the_public_models_accept_what_is_written() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut files = Vec::new();
    for (at, path) in samples().iter().enumerate() {
        let folder = folder.path().join(at.to_string());
        std::fs::create_dir(&folder).expect("a folder");
        files.extend(trajectories(path, &folder));
    }
    let python = std::process::Command::new("python3")
        .args(["-c", MODELS])
        .args(&files)
        .stderr(Stdio::piped())
        .output();
    let Ok(done) = python else {
        return skipped("no python3");
    };
    if done.status.code() == Some(77) {
        return skipped("no harbor package");
    }
    let stderr = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "{stderr}");
}
