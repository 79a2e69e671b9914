//! Runs with one file for the main agent and one for each subagent.

use std::collections::HashMap;

use crate::ingest::assemble::{Builder, From};
use crate::ingest::fact::{Fact, FactKind};
use crate::model::action::SourceIx;
use crate::model::run::RunIx;
use crate::model::symbol::Sym;

#[derive(Debug, Default)]
pub(super) struct Family {
    run: Option<RunIx>,
    /// The lanes of subagents, by file.
    lanes: HashMap<SourceIx, Sym>,
}

impl Family {
    /// The run of all files.
    pub(super) fn run(&self) -> Option<RunIx> {
        self.run
    }

    /// Records the start of a run: the first one is that of all files.
    pub(super) fn begins(&mut self, run: RunIx) {
        self.run.get_or_insert(run);
    }

    /// The lane of a subagent's file.
    pub(super) fn lane(
        &mut self,
        fact: &Fact,
        from: &From<'_>,
        run: RunIx,
        build: &mut Builder,
    ) -> Sym {
        let agent = match from.text(fact.agent) {
            b"" => b"agent",
            agent => agent,
        };
        let known = self.lanes.get(&from.source).copied();
        let lane =
            known.unwrap_or_else(|| build.symbol(&[agent, b"/", from.stem.as_bytes()].concat()));
        // The first record of a session does not name the agent.
        if !matches!(
            fact.kind,
            FactKind::RunStart | FactKind::Setup | FactKind::ImpliedStart
        ) {
            self.lanes.insert(from.source, lane);
            let starter = build.by_id(run, from.text(fact.run));
            build.lane(run, lane, starter);
        }
        lane
    }
}
