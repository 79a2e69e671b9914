use std::path::Path;

use crate::ingest::discover::{Input, Shown, resolve};
use crate::ingest::testing::{self, rows};
use crate::model::action::{Kind, Status};

const SETTINGS: &str = r#"{"timestamp": "2026-01-01T00:00:00",
 "info": {"num_trials": 1, "agent_info": {"implementation": "llm_agent", "llm": "m"},
          "environment_info": {"domain_name": "retail"}},
 "tasks": [{"id": "7"}], "simulation_index": [{"id": "a"}, {"id": "b"}]}"#;

const TYPED: &str = r#"{"id": "a", "task_id": "7", "trial": 0, "mode": "half_duplex",
 "reward_info": {"reward": 1.0}, "termination_reason": "user_stop",
 "messages": [
  {"role": "user", "content": "Refund #4", "timestamp": "2026-01-01T00:00:01"},
  {"role": "assistant", "content": null, "timestamp": "2026-01-01T00:00:02",
   "tool_calls": [{"id": "c", "name": "refund", "arguments": {"order": 4}, "requestor": "assistant"}]},
  {"id": "c", "role": "tool", "content": "done", "error": false, "timestamp": "2026-01-01T00:00:03"}]}"#;

/// Two utterances of the user in three fragments, two fragments of the agent, and a call.
const SPOKEN: &str = r#"{"id": "b", "task_id": "8", "trial": 0, "mode": "full_duplex",
 "termination_reason": "timeout", "agent_cost": 0.5,
 "ticks": [
  {"tick_id": 0, "timestamp": "2026-01-01T00:00:01",
   "user_chunk": {"role": "user", "content": "Re", "utterance_ids": ["u1"]}, "agent_chunk": {"role": "assistant", "content": null}},
  {"tick_id": 1, "timestamp": "2026-01-01T00:00:02",
   "user_chunk": {"role": "user", "content": "fund", "utterance_ids": ["u1"]}},
  {"tick_id": 2, "timestamp": "2026-01-01T00:00:03",
   "agent_chunk": {"role": "assistant", "content": "One", "utterance_ids": ["a1"]},
   "agent_tool_calls": [{"id": "c", "name": "refund", "arguments": {"order": 4}}],
   "agent_tool_results": [{"id": "c", "role": "tool", "content": "no", "error": true}]},
  {"tick_id": 3, "timestamp": "2026-01-01T00:00:04",
   "agent_chunk": {"role": "assistant", "content": " moment", "utterance_ids": ["a1"]},
   "user_chunk": {"role": "user", "content": "Thanks", "utterance_ids": ["u2"]}}]}"#;

fn write(folder: &Path) {
    let simulations = folder.join("simulations");
    std::fs::create_dir(&simulations).expect("a folder");
    for (path, text) in [
        (folder.join("results.json"), SETTINGS),
        (simulations.join("a.json"), TYPED),
        (simulations.join("b.json"), SPOKEN),
    ] {
        std::fs::write(path, text).expect("a file");
    }
}

#[test]
fn a_folder_of_results_is_one_source_with_a_run_per_simulation() {
    let folder = tempfile::tempdir().expect("a folder");
    write(folder.path());
    let found = resolve(&[folder.path().to_owned()], Shown::Traces);
    assert_eq!((found.inputs.len(), found.left_out), (1, 0));
    let batch = testing::load_as(None, found.inputs[0].clone());
    let runs: Vec<_> = batch.runs.iter().map(|(_, run)| run).collect();
    assert_eq!(runs.len(), 2);
    assert_eq!([&*runs[0].id, &*runs[1].id], ["7/0", "8/0"]);
    assert_eq!(runs[0].score, Some(1.0));
    let name = |symbol: crate::model::symbol::Sym| &*batch.symbols[symbol.0 as usize - 1];
    assert_eq!(name(runs[0].who.env), "retail");
    assert_eq!(name(runs[1].who.models[0]), "m");
}

#[test]
fn a_simulation_is_opened_alone_with_the_settings_beside_it() {
    let folder = tempfile::tempdir().expect("a folder");
    write(folder.path());
    let file = folder.path().join("simulations/a.json");
    let batch = testing::load_as(None, Input::File(file));
    assert_eq!(batch.runs.len(), 1);
    assert!(batch.runs[0].1.who.env.is_some());
}

#[test]
fn fragments_of_speech_are_one_prompt_or_one_model_call() {
    let folder = tempfile::tempdir().expect("a folder");
    write(folder.path());
    let file = folder.path().join("simulations/b.json");
    let batch = testing::load_as(None, Input::File(file));
    assert_eq!(
        rows(&batch),
        [
            (Kind::RunStart, Status::Unrecorded),
            (Kind::Prompt, Status::Unrecorded),
            (Kind::Note, Status::Unrecorded),
            (Kind::Response, Status::Unrecorded),
            (Kind::ToolCall, Status::Error),
            (Kind::Response, Status::Unrecorded),
            (Kind::Prompt, Status::Unrecorded),
        ]
    );
    let run = &batch.runs[0].1;
    assert_eq!(run.totals.turns, 2);
    assert_eq!(run.totals.run_cost.usd(), Some(0.5));
    assert!(batch.outcomes.flags[5].has(crate::model::action::Flags::CONTINUED));
}
