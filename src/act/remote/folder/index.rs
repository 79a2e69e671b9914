//! Which file each settled trace and run is in.

use std::collections::HashMap;
use std::fmt::Write as _;

use crate::act::remote::record::Nanos;
use crate::base::hash::fixed_hash;

pub(super) const NAME: &str = ".index";

/// A key of the index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Key<'a> {
    Trace(&'a str),
    /// The thread, conversation or session of a run.
    Run(&'a str),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Known {
    /// The position of its file in the cursor.
    pub(super) file: usize,
    /// When its last trace began.
    pub(super) last: Nanos,
}

/// By hash: a hundred thousand runs take a few megabytes.
#[derive(Debug, Default)]
pub(super) struct Index {
    known: HashMap<u64, Known>,
    /// Lines not yet written.
    pub(super) added: String,
}

impl Key<'_> {
    fn hash(self) -> u64 {
        match self {
            Key::Trace(id) => fixed_hash(format!("trace {id}").as_bytes()),
            Key::Run(id) => fixed_hash(format!("run {id}").as_bytes()),
        }
    }
}

impl Index {
    /// Later lines win: a run can move to another file.
    pub(super) fn parse(text: &str) -> Option<Index> {
        let mut index = Index::default();
        for line in text.lines() {
            let mut words = line.split(' ');
            let hash = u64::from_str_radix(words.next()?, 16).ok()?;
            let file = words.next()?.parse().ok()?;
            let last = words.next()?.parse().ok()?;
            index.known.insert(hash, Known { file, last });
        }
        Some(index)
    }

    pub(super) fn get(&self, key: Key<'_>) -> Option<Known> {
        self.known.get(&key.hash()).copied()
    }

    pub(super) fn put(&mut self, key: Key<'_>, known: Known) {
        let hash = key.hash();
        if self.known.insert(hash, known) != Some(known) {
            let Known { file, last } = known;
            let _ = writeln!(self.added, "{hash:016x} {file} {last}");
        }
    }
}
