//! Recognizes what a session copied from another one.

use crate::ingest::assemble::{Builder, From};
use crate::ingest::fact::{Fact, FactKind};
use crate::model::run::RunIx;

/// Whether another session recorded the same at the same time. Copies may have ids of their own.
pub(super) fn is_copied(run: RunIx, fact: &Fact, from: &From<'_>, build: &mut Builder) -> bool {
    let says = matches!(
        fact.kind,
        FactKind::Prompt
            | FactKind::Response
            | FactKind::Reasoning
            | FactKind::ToolCall
            | FactKind::Usage
            | FactKind::Error
            | FactKind::Note
    );
    let Some(time) = fact.time.get().filter(|_| says) else {
        return false;
    };
    let usage = from.decoded.usage(fact);
    let tool = from.text(fact.tool);
    let key = build.key_of(&(time, fact.kind as u8, fact.part, fact.hash, tool, usage));
    build.is_copied(run, key)
}
