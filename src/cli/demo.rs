//! `demo`: opens the sample traces that are built into the program.

use std::path::PathBuf;

use crate::analysis::policy::set::Policies;
use crate::cli::Cx;
use crate::cli::command::{Accepts, Command, GlobalOption};
use crate::cli::explore::{self, Named, Picture};
use crate::cli::failure::Exit;
use crate::cli::policy::sources;
use crate::ingest::discover::Input;

/// Open the sample traces that come with the program
#[derive(Debug, clap::Args)]
pub struct Demo {
    #[command(flatten)]
    picture: Picture,
}

impl Command for Demo {
    const NAME: &'static str = "demo";
    const ACCEPTS: Accepts = Accepts::SCREEN
        .and(Accepts::RECORDS)
        .with(GlobalOption::Where)
        .with(GlobalOption::PriceFile)
        .with(GlobalOption::Tz);

    fn run(self, cx: &mut Cx) -> anyhow::Result<Exit> {
        let named = Named {
            inputs: inputs(),
            title: "demo".to_owned(),
            picture: self.picture,
            is_demo: true,
            notes: vec![WAY_IN.to_owned()],
            ..Named::default()
        };
        explore::run(cx, named)
    }
}

/// Where to begin.
const WAY_IN: &str = "the demo: runs with most errors first · enter opens one, e goes to its first error · 5 compares two models";

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

/// The policy of the sample traces, or one that the user names.
pub(super) fn policies(named: &[PathBuf], hosts: &[&str]) -> Result<Policies, String> {
    const TEXT: &str = include_str!("../../sample-traces/policy/policy.toml");
    if named.is_empty() {
        sources::bundled("sample-traces/policy/policy.toml", TEXT)
    } else {
        sources::for_screen(named, hosts)
    }
}
