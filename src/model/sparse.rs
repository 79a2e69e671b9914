//! Packed columns of a chunk: places in ten bytes per row, tokens only for rows that have any.
//!
//! A trace of ten million actions is kept in memory whole, so every byte of a row counts.

use crate::model::action::Place;
use crate::model::quantity::{Tokens, Usage};

/// The positions of records, one per row.
#[derive(Debug, Clone, Default)]
pub struct Places {
    /// The base of the offsets, set by the first one.
    base: Option<u64>,
    near: Vec<u32>,
    len: Vec<u32>,
    part: Vec<u16>,
    /// Offsets out of reach of `base`, by row.
    far: Vec<(u16, u64)>,
}

const NOWHERE: u32 = u32::MAX;
const FAR: u32 = u32::MAX - 1;
/// How far later places may lie before the first one.
const BEFORE: u64 = 1 << 31;

impl Places {
    pub fn with_room(rows: usize) -> Places {
        Places {
            near: Vec::with_capacity(rows),
            len: Vec::with_capacity(rows),
            part: Vec::with_capacity(rows),
            ..Places::default()
        }
    }

    pub fn push(&mut self, place: Place) {
        let row = self.near.len();
        self.near.push(NOWHERE);
        self.len.push(0);
        self.part.push(0);
        if place != Place::NONE {
            self.set(row, place);
        }
    }

    /// Replaces the place of an existing row.
    #[inline]
    pub fn set(&mut self, row: usize, place: Place) {
        let base = *self.base.get_or_insert(place.offset.saturating_sub(BEFORE));
        let near = place.offset.checked_sub(base);
        self.near[row] = match near.and_then(|near| u32::try_from(near).ok()) {
            Some(near) if near < FAR => near,
            _ => {
                self.far.retain(|(at, _)| usize::from(*at) != row);
                self.far.push((row as u16, place.offset));
                FAR
            }
        };
        self.len[row] = place.len;
        self.part[row] = place.part;
    }

    #[inline]
    pub fn get(&self, row: usize) -> Place {
        let offset = match self.near[row] {
            NOWHERE => return Place::NONE,
            FAR => self.far_offset(row),
            near => self.base.unwrap_or_default() + u64::from(near),
        };
        Place {
            offset,
            len: self.len[row],
            part: self.part[row],
        }
    }

    fn far_offset(&self, row: usize) -> u64 {
        let of_row = |(at, offset): &(u16, u64)| (usize::from(*at) == row).then_some(*offset);
        self.far.iter().find_map(of_row).unwrap_or_default()
    }

    /// Appends the given rows of `other`.
    pub fn append_range(&mut self, other: &Places, rows: std::ops::Range<usize>) {
        for row in rows {
            self.push(other.get(row));
        }
    }
}

/// The tokens of the rows that have any, sorted by row.
#[derive(Debug, Clone, Default)]
pub struct Usages {
    rows: Vec<u16>,
    tokens: Vec<[u32; KINDS]>,
    /// Usages that do not fit 32 bits.
    far: Vec<(u16, Usage)>,
}

const KINDS: usize = 7;
const UNRECORDED: u32 = u32::MAX;

impl Usages {
    pub fn set(&mut self, row: usize, usage: Usage) {
        let key = row as u16;
        self.far.retain(|(at, _)| *at != key);
        let narrow = narrow(&usage).unwrap_or_else(|| {
            self.far.push((key, usage));
            [UNRECORDED; KINDS]
        });
        // Nearly always the last row so far.
        if self.rows.last().is_none_or(|last| *last < key) {
            self.rows.push(key);
            self.tokens.push(narrow);
            return;
        }
        match self.rows.binary_search(&key) {
            Ok(found) => self.tokens[found] = narrow,
            Err(place) => {
                self.rows.insert(place, key);
                self.tokens.insert(place, narrow);
            }
        }
    }

    pub fn get(&self, row: usize) -> Usage {
        let key = row as u16;
        if let Some((_, usage)) = self.far.iter().find(|(at, _)| *at == key) {
            return *usage;
        }
        match self.rows.binary_search(&key) {
            Ok(found) => wide(self.tokens[found]),
            Err(_) => Usage::NONE,
        }
    }

    /// The rows that have tokens, in order.
    pub fn rows(&self) -> impl Iterator<Item = usize> {
        self.rows.iter().map(|row| usize::from(*row))
    }

    /// Releases unused capacity.
    pub fn shrink(&mut self) {
        self.rows.shrink_to_fit();
        self.tokens.shrink_to_fit();
    }
}

fn kinds(usage: &Usage) -> [Tokens; KINDS] {
    [
        usage.input,
        usage.output,
        usage.cache_read,
        usage.cache_write,
        usage.cache_write_hour,
        usage.reasoning,
        usage.web_searches,
    ]
}

fn narrow(usage: &Usage) -> Option<[u32; KINDS]> {
    let mut narrow = [UNRECORDED; KINDS];
    for (slot, tokens) in narrow.iter_mut().zip(kinds(usage)) {
        if let Some(count) = tokens.get() {
            *slot = u32::try_from(count)
                .ok()
                .filter(|count| *count != UNRECORDED)?;
        }
    }
    Some(narrow)
}

fn wide(narrow: [u32; KINDS]) -> Usage {
    let [
        input,
        output,
        cache_read,
        cache_write,
        cache_write_hour,
        reasoning,
        web_searches,
    ] = narrow.map(|count| match count {
        UNRECORDED => Tokens::NONE,
        count => Tokens::from(u64::from(count)),
    });
    Usage {
        input,
        output,
        cache_read,
        cache_write,
        cache_write_hour,
        reasoning,
        web_searches,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn place() -> impl Strategy<Value = Place> {
        let offset = prop_oneof![0..100_u64, (1_u64 << 33)..(1 << 33) + 9, any::<u64>()];
        (offset, any::<u32>(), any::<u16>()).prop_map(|(offset, len, part)| Place {
            offset,
            len,
            part,
        })
    }

    fn usage() -> impl Strategy<Value = Usage> {
        let count = prop_oneof![
            Just(Tokens::NONE),
            (0..10_u64).prop_map(Tokens::from),
            any::<u64>().prop_map(Tokens::from),
            Just(Tokens::from(u64::from(u32::MAX))),
        ];
        proptest::array::uniform7(count).prop_map(|[input, output, a, b, c, reasoning, web]| {
            Usage {
                input,
                output,
                cache_read: a,
                cache_write: b,
                cache_write_hour: c,
                reasoning,
                web_searches: web,
            }
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(96))]
        #[test]
        fn places_round_trip(
            first in proptest::collection::vec(place(), 1..20),
            again in proptest::collection::vec((0..20_usize, place()), 0..20),
        ) {
            let mut expected = first.clone();
            let mut places = Places::default();
            for place in &first {
                places.push(*place);
            }
            for (row, place) in again {
                let row = row % first.len();
                places.set(row, place);
                expected[row] = place;
            }
            let mut copy = Places::default();
            copy.append_range(&places, 0..first.len());
            for (row, place) in expected.into_iter().enumerate() {
                prop_assert_eq!(places.get(row), place);
                prop_assert_eq!(copy.get(row), place);
            }
        }

        #[test]
        fn tokens_round_trip(
            told in proptest::collection::vec((0..30_usize, usage()), 0..40),
        ) {
            let mut expected = [Usage::NONE; 30];
            let mut usages = Usages::default();
            for (row, usage) in told {
                usages.set(row, usage);
                expected[row] = usage;
            }
            for (row, usage) in expected.into_iter().enumerate() {
                prop_assert_eq!(usages.get(row), usage);
            }
        }
    }
}
