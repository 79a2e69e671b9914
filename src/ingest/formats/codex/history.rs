//! The history that a forked rollout begins with: copies of the records of another one.
//!
//! Records have no ids and their times are written anew, so a copy is recognized by what it says, by how often
//! that was said before, and by the session that all forks descend from. The history ends with the first record
//! that no other rollout of the family has.

use std::collections::HashMap;

use crate::ingest::assemble::{Builder, From};
use crate::ingest::fact::{Echo, Fact, FactKind, Name};
use crate::model::run::RunIx;

/// Where a rollout stands in the history it may have copied.
#[derive(Debug, Default)]
pub(super) struct History {
    /// The oldest known ancestor.
    family: Box<[u8]>,
    /// Still in what may be copied.
    copying: bool,
    /// How often the rollout said the same so far.
    said: HashMap<u64, u32>,
}

impl History {
    /// Whether a fact is a copy.
    pub(super) fn has(
        &mut self,
        run: RunIx,
        fact: &Fact,
        from: &From<'_>,
        build: &mut Builder,
    ) -> bool {
        if fact.kind == FactKind::Malformed {
            return false;
        }
        if fact.kind == FactKind::RunStart {
            return self.meta(fact, from);
        }
        let Some(said) = said(fact, from) else {
            return self.copying;
        };
        let said = build.key(&said);
        let times = self.said.entry(said).or_default();
        *times += 1;
        let key = [&b"codex/"[..], &self.family, &said.to_le_bytes()].concat();
        let key = build.key(&[&key[..], &times.to_le_bytes()].concat());
        if self.copying {
            self.copying = build.is_copied(run, key);
        } else {
            build.records(run, key);
        }
        self.copying
    }

    /// The meta lines of a fork: its own, then those of its ancestors.
    fn meta(&mut self, fact: &Fact, from: &From<'_>) -> bool {
        let first = self.family.is_empty();
        if !first && !self.copying {
            return false;
        }
        let parent = from.decoded.name(fact, Name::ParentRun);
        let own = from.text(fact.run);
        self.family = if parent.is_empty() { own } else { parent }.into();
        // The fork may have been read before its origin: then it is the origin that repeats.
        self.copying = true;
        !first
    }
}

/// What a copy of a fact repeats; `None` for facts that say nothing of their own.
fn said(fact: &Fact, from: &From<'_>) -> Option<Vec<u8>> {
    let mut said = vec![fact.kind as u8, u8::from(fact.echo == Echo::Event)];
    let before = said.len();
    match fact.kind {
        FactKind::Prompt | FactKind::Response | FactKind::Reasoning => {
            let texts = from.decoded.names(fact);
            for (_, text) in texts.filter(|(name, _)| *name == Name::Text) {
                said.extend_from_slice(text);
                said.push(0);
            }
        }
        FactKind::ToolCall => {
            said.extend_from_slice(from.text(fact.id));
            said.extend_from_slice(&fact.hash.to_le_bytes());
        }
        FactKind::ToolResult => said.extend_from_slice(from.text(fact.call)),
        FactKind::RunningTotal | FactKind::Usage => {
            let usage = from.decoded.usage(fact)?;
            said.extend_from_slice(format!("{usage:?}").as_bytes());
        }
        _ => return None,
    }
    (said.len() > before).then_some(said)
}
