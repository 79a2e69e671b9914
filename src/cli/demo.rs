//! `demo`: the traces that come with the program, each a story of its own.

use crate::ingest::discover::Input;

macro_rules! samples {
    ($($name:literal),* $(,)?) => {
        &[$(($name, include_bytes!(concat!("../../sample-traces/", $name)))),*]
    };
}

const SAMPLES: &[(&str, &[u8])] = samples![
    "saferun/refund-agent.jsonl",
    "saferun/runaway-loop.jsonl",
    "saferun/ops-night.jsonl",
    "claude-code/5b0c2d7e-91f4-4c3a-8e6d-2f7a1b9c0d34.jsonl",
    "codex/rollout-2026-11-17T18-40-03-019a9d3e-5c41-7b02-9f6e-3d2c8a417e55.jsonl",
    "refund-cohort/model-a.jsonl",
    "refund-cohort/model-b.jsonl",
];

/// The subagents of the Claude Code session.
const SUBAGENTS: &[(&str, &[u8])] = samples![
    "claude-code/5b0c2d7e-91f4-4c3a-8e6d-2f7a1b9c0d34/subagents/agent-a71c09be3f2d4e586.jsonl"
];

pub(super) fn inputs() -> Vec<Input> {
    SAMPLES
        .iter()
        .map(|&(name, bytes)| Input::Bundled {
            name,
            bytes,
            companions: if name.starts_with("claude-code/") {
                SUBAGENTS
            } else {
                &[]
            },
        })
        .collect()
}
