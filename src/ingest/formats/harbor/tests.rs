use std::path::{Path, PathBuf};

use crate::ingest::discover::{Resolved, Shown, resolve};
use crate::ingest::intake::{self, Options};
use crate::ingest::prices::PriceTable;
use crate::ingest::{Loaded, testing};
use crate::model::action::Kind;
use crate::model::run::{Run, RunStatus};

const SOLVED: &str = r#"{"id": "1", "task_name": "fix-clock", "trial_name": "fix-clock__a", "config": {},
 "agent_info": {"name": "terminus-2"}, "agent_result": {"n_input_tokens": 900, "n_cache_tokens": 400, "n_output_tokens": 70, "cost_usd": 0.25},
 "verifier_result": {"rewards": {"reward": 1.0}}, "exception_info": null,
 "started_at": "2026-01-01T00:00:00Z", "finished_at": "2026-01-01T00:05:00Z"}"#;

const FAILED: &str = r#"{"id": "2", "task_name": "fix-clock", "trial_name": "fix-clock__b", "config": {},
 "agent_info": {"name": "terminus-2"}, "verifier_result": {"rewards": {"reward": 0.0}},
 "exception_info": {"exception_type": "AgentTimeoutError", "exception_message": "too slow", "occurred_at": "2026-01-01T00:04:00Z"},
 "started_at": "2026-01-01T00:00:00Z", "finished_at": "2026-01-01T00:05:00Z"}"#;

const STARTED: &str = r#"{"task": {"path": "tasks/fix-clock"}, "trial_name": "fix-clock__c", "agent": {"name": "oracle"}}"#;

const TRAJECTORY: &str = r#"{"schema_version": "ATIF-v1.5", "agent": {"name": "terminus-2", "version": "1"},
 "steps": [{"step_id": 1, "timestamp": "2026-01-01T00:01:00Z", "source": "user", "message": "Fix it"},
           {"step_id": 2, "timestamp": "2026-01-01T00:02:00Z", "source": "agent", "message": "Done"}]}"#;

fn write(folder: &Path, files: &[(&str, &str)]) {
    for (name, text) in files {
        let path = folder.join(name);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        std::fs::write(path, text).expect("a file");
    }
}

/// Two trials with a trajectory, one of which repeats a log of the agent; one that only has begun.
fn job() -> tempfile::TempDir {
    let job = tempfile::tempdir().expect("a folder");
    write(
        job.path(),
        &[
            ("config.json", r#"{"job_name": "j"}"#),
            (
                "result.json",
                r#"{"id": "j", "n_total_trials": 3, "stats": {}}"#,
            ),
            ("a/config.json", STARTED),
            ("a/result.json", SOLVED),
            ("a/agent/trajectory.json", TRAJECTORY),
            (
                "a/agent/sessions/x.jsonl",
                "{\"role\":\"user\",\"content\":\"Fix it\"}\n{\"role\":\"assistant\",\"content\":\"Done\"}\n",
            ),
            ("a/verifier/reward.json", r#"{"reward": 1.0}"#),
            ("b/result.json", FAILED),
            ("b/agent/trajectory.json", TRAJECTORY),
            ("c/config.json", STARTED),
            ("c/agent/trajectory.json", TRAJECTORY),
        ],
    );
    job
}

fn load(found: Resolved) -> (Vec<Run>, Vec<Kind>) {
    let mut runs: Vec<Run> = Vec::new();
    let mut kinds = Vec::new();
    for message in intake::load(found.inputs, Options::new(PriceTable::built_in())) {
        if let Loaded::Batch(batch) = message {
            kinds.extend_from_slice(&batch.chunk.kind);
            for (ix, run) in batch.runs {
                runs.resize_with(runs.len().max(ix.0 as usize + 1), || Run::clone(&run));
                runs[ix.0 as usize] = Run::clone(&run);
            }
        }
    }
    (runs, kinds)
}

fn resolved(path: PathBuf) -> Resolved {
    resolve(&[path], Shown::Traces)
}

#[test]
fn a_job_is_one_run_per_trial_with_its_task_and_reward() {
    let job = job();
    let found = resolved(job.path().to_owned());
    assert_eq!(
        found.left_out, 6,
        "configurations, the job, the reward, the repeated log"
    );
    let (runs, kinds) = load(found);
    let ids: Vec<&str> = runs.iter().map(|run| &*run.id).collect();
    assert_eq!(ids, ["fix-clock__a", "fix-clock__b", "fix-clock__c"]);
    let scores: Vec<_> = runs.iter().map(|run| run.score).collect();
    assert_eq!(scores, [Some(1.0), Some(0.0), None]);
    assert!(runs.iter().all(|run| run.who.task == runs[0].who.task));
    assert!(runs[0].who.task.is_some());
    let statuses: Vec<_> = runs.iter().map(|run| run.status).collect();
    assert_eq!(statuses, [RunStatus::Ok, RunStatus::Error, RunStatus::Ok]);
    let errors = kinds.iter().filter(|kind| **kind == Kind::Error).count();
    assert_eq!(errors, 1);
    assert_eq!(runs[1].totals.errors, 1);
}

#[test]
fn one_log_of_a_trial_is_joined_too() {
    let job = job();
    let (runs, _) = load(resolved(job.path().join("a/agent/trajectory.json")));
    assert_eq!(runs.len(), 1);
    assert_eq!(runs[0].correct, Some(true));
}

#[test]
fn a_trial_without_a_log_is_a_run_by_itself() {
    let job = tempfile::tempdir().expect("a folder");
    write(
        job.path(),
        &[("a/result.json", SOLVED), ("b/result.json", FAILED)],
    );
    let (runs, kinds) = load(resolved(job.path().to_owned()));
    assert_eq!(runs.len(), 2);
    let usage = runs[0].totals.usage;
    assert_eq!(usage.input.get(), Some(500));
    assert_eq!(usage.cache_read.get(), Some(400));
    assert_eq!(runs[0].totals.recorded_cost.usd(), Some(0.25));
    assert_eq!(
        kinds,
        [Kind::RunStart, Kind::Note, Kind::RunStart, Kind::Error]
    );
    assert_eq!(runs[1].status, RunStatus::Error);
}

#[test]
fn a_terminal_bench_trial_says_whether_it_was_resolved() {
    let batch = testing::load(
        "harbor",
        r#"{"trial_name":"t.1","task_id":"t","is_resolved":false,"failure_mode":"agent_timeout","total_input_tokens":9,"total_output_tokens":1}"#,
    );
    let run = &batch.runs[0].1;
    assert_eq!((run.correct, run.status), (Some(false), RunStatus::Error));
    assert_eq!(run.totals.usage.input.get(), Some(9));
}
