//! The history that a forked rollout begins with: copies of the records of another one.
//!
//! Records have no ids and their times are written anew, so a copy is recognized by its content, by the occurrence
//! number of that content, and by the session that all forks descend from. The history ends with the first record
//! that no other rollout of the family has.

use std::collections::HashMap;

use crate::ingest::assemble::{Builder, From};
use crate::ingest::fact::{Echo, Fact, FactKind, Name};
use crate::model::run::RunIx;

/// Progress of a rollout through the history it may have copied.
#[derive(Debug, Default)]
pub(super) struct History {
    /// The oldest known ancestor.
    family: Box<[u8]>,
    /// Whether all records so far were copies.
    copying: bool,
    /// Occurrences so far, by content.
    occurrences: HashMap<u64, u32>,
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
        let Some(content) = content(fact, from) else {
            return self.copying;
        };
        let content = build.key(&content);
        let times = self.occurrences.entry(content).or_default();
        *times += 1;
        let key = [&b"codex/"[..], &self.family, &content.to_le_bytes()].concat();
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
        // The fork may have been read before its origin: then the origin counts as the copy.
        self.copying = true;
        !first
    }
}

/// The parts of a fact that a copy keeps; `None` for facts without content.
fn content(fact: &Fact, from: &From<'_>) -> Option<Vec<u8>> {
    let mut content = vec![fact.kind as u8, u8::from(fact.echo == Echo::Event)];
    let before = content.len();
    match fact.kind {
        FactKind::Prompt | FactKind::Response | FactKind::Reasoning => {
            let texts = from.decoded.names(fact);
            for (_, text) in texts.filter(|(name, _)| *name == Name::Text) {
                content.extend_from_slice(text);
                content.push(0);
            }
        }
        FactKind::ToolCall => {
            content.extend_from_slice(from.text(fact.id));
            content.extend_from_slice(&fact.hash.to_le_bytes());
        }
        FactKind::ToolResult => content.extend_from_slice(from.text(fact.call)),
        FactKind::RunningTotal | FactKind::Usage => {
            let usage = from.decoded.usage(fact)?;
            content.extend_from_slice(format!("{usage:?}").as_bytes());
        }
        _ => return None,
    }
    (content.len() > before).then_some(content)
}
