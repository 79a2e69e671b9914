//! Actions that are certain to belong together: equal beginnings and ends, and patience anchors (what
//! occurs once in both, in the longest common order).

use std::collections::HashMap;
use std::ops::Range;

use crate::analysis::diff::step::Step;

/// Stretches of A and B that stand opposite each other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Stretch {
    pub(super) a: Range<usize>,
    pub(super) b: Range<usize>,
}

impl Stretch {
    pub(super) fn cells(&self) -> usize {
        self.a.len() * self.b.len()
    }

    /// How many actions are equal at the beginning.
    pub(super) fn head(&self, (a, b): (&[Step], &[Step])) -> usize {
        let pairs = a[self.a.clone()].iter().zip(&b[self.b.clone()]);
        pairs.take_while(|(a, b)| a.key == b.key).count()
    }

    /// How many are equal at the end.
    pub(super) fn tail(&self, (a, b): (&[Step], &[Step])) -> usize {
        let (a, b) = (&a[self.a.clone()], &b[self.b.clone()]);
        let pairs = a.iter().rev().zip(b.iter().rev());
        pairs.take_while(|(a, b)| a.key == b.key).count()
    }
}

/// Places in A and B of actions that occur once on each side, as many as stand in the same order.
pub(super) fn unique((a, b): (&[Step], &[Step]), stretch: &Stretch) -> Vec<(usize, usize)> {
    let mut seen: HashMap<u64, [Seen; 2], foldhash::fast::FixedState> = HashMap::default();
    for at in stretch.a.clone() {
        let seen = seen.entry(a[at].key).or_default();
        seen[0] = seen[0].again(at);
    }
    for at in stretch.b.clone() {
        let seen = seen.entry(b[at].key).or_default();
        seen[1] = seen[1].again(at);
    }
    let once = seen.into_values().filter_map(|seen| match seen {
        [Seen::Once(a), Seen::Once(b)] => Some((a, b)),
        _ => None,
    });
    let mut once: Vec<(usize, usize)> = once.collect();
    once.sort_unstable();
    rising(&once)
}

#[derive(Debug, Clone, Copy, Default)]
enum Seen {
    #[default]
    Never,
    Once(usize),
    Often,
}

impl Seen {
    fn again(self, at: usize) -> Seen {
        match self {
            Seen::Never => Seen::Once(at),
            Seen::Once(_) | Seen::Often => Seen::Often,
        }
    }
}

/// The longest part of `pairs`, which rise in A, that rises in B too.
fn rising(pairs: &[(usize, usize)]) -> Vec<(usize, usize)> {
    // For each length, the pair that ends such a chain lowest in B; and for each pair the one before it.
    let mut ends: Vec<usize> = Vec::new();
    let mut before: Vec<Option<usize>> = Vec::with_capacity(pairs.len());
    for (at, (_, b)) in pairs.iter().enumerate() {
        let length = ends.partition_point(|end| pairs[*end].1 < *b);
        before.push(length.checked_sub(1).map(|shorter| ends[shorter]));
        if length == ends.len() {
            ends.push(at);
        } else {
            ends[length] = at;
        }
    }
    let mut chain = Vec::with_capacity(ends.len());
    let mut next = ends.last().copied();
    while let Some(at) = next {
        chain.push(pairs[at]);
        next = before[at];
    }
    chain.reverse();
    chain
}
