//! The members of an object, in order.

use std::collections::HashMap;

use super::{Json, Text};
use crate::ingest::json::Range;

/// More members than this are searched for duplicates by a table.
const FEW: usize = 32;

/// An object: few members, so finding one is comparing names.
#[derive(Debug, Clone, Default)]
pub struct Object {
    members: Vec<(Text, Json)>,
    range: Option<Range>,
}

impl Object {
    /// Members as written, and where.
    pub(super) fn read(members: Vec<(Text, Json)>, range: Range) -> Object {
        let members = if has_duplicates(&members) {
            last_of_each(members)
        } else {
            members
        };
        Object {
            members,
            range: Some(range),
        }
    }

    /// Where the object is in the block that it was read from.
    pub fn range(&self) -> Option<Range> {
        self.range
    }

    pub fn len(&self) -> usize {
        self.members.len()
    }

    pub fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    #[inline]
    pub fn get(&self, key: &str) -> Option<&Json> {
        let found = self.members.iter().find(|(name, _)| name.is(key));
        found.map(|(_, value)| value)
    }

    pub fn contains_key(&self, key: &str) -> bool {
        self.get(key).is_some()
    }

    /// Adds a member, or replaces the one of this name.
    pub fn insert(&mut self, key: &str, value: Json) {
        match self.members.iter_mut().find(|(name, _)| name.is(key)) {
            Some((_, old)) => *old = value,
            None => self.members.push((key.into(), value)),
        }
    }

    pub fn remove(&mut self, key: &str) -> Option<Json> {
        let at = self.members.iter().position(|(name, _)| name.is(key))?;
        Some(self.members.remove(at).1)
    }

    pub fn iter(&self) -> impl Iterator<Item = (&Text, &Json)> {
        self.members.iter().map(|(name, value)| (name, value))
    }
}

/// Whether two members may have the same name.
fn has_duplicates(members: &[(Text, Json)]) -> bool {
    if members.len() > FEW {
        return true;
    }
    let mut seen = 0_u64;
    for (at, (name, _)) in members.iter().enumerate() {
        let bit = mark(name);
        if seen & bit != 0 && members[..at].iter().any(|(known, _)| known.is(name)) {
            return true;
        }
        seen |= bit;
    }
    false
}

/// A bit that names of the same text share.
fn mark(name: &str) -> u64 {
    let bytes = name.as_bytes();
    let [first, last] = [bytes.first(), bytes.last()].map(|it| it.copied().map_or(0, usize::from));
    1 << ((bytes.len() * 5 + first + last * 3) % 64)
}

/// Each name once, at its first place and with its last value.
fn last_of_each(members: Vec<(Text, Json)>) -> Vec<(Text, Json)> {
    let mut places: HashMap<String, usize> = HashMap::new();
    let mut kept: Vec<(Text, Json)> = Vec::with_capacity(members.len());
    for (name, value) in members {
        if let Some(&at) = places.get(name.as_str()) {
            kept[at].1 = value;
        } else {
            places.insert(name.to_string(), kept.len());
            kept.push((name, value));
        }
    }
    kept
}
