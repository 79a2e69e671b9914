//! Pairs that can be matched without alignment: common prefixes and suffixes, and anchors, which
//! are actions that occur once on each side, chained to save the most.

use std::collections::HashMap;
use std::ops::Range;

use crate::analysis::diff::gotoh;
use crate::analysis::diff::step::Step;

/// Corresponding stretches of A and B.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Stretch {
    pub(super) a: Range<usize>,
    pub(super) b: Range<usize>,
}

impl Stretch {
    pub(super) fn cells(&self) -> usize {
        self.a.len() * self.b.len()
    }

    /// The length of the common prefix.
    pub(super) fn head(&self, (a, b): (&[Step], &[Step])) -> usize {
        let pairs = a[self.a.clone()].iter().zip(&b[self.b.clone()]);
        pairs.take_while(|(a, b)| a.key == b.key).count()
    }

    /// The length of the common suffix.
    pub(super) fn tail(&self, (a, b): (&[Step], &[Step])) -> usize {
        let (a, b) = (&a[self.a.clone()], &b[self.b.clone()]);
        let pairs = a.iter().rev().zip(b.iter().rev());
        pairs.take_while(|(a, b)| a.key == b.key).count()
    }
}

/// Pairs of indices of actions that occur exactly once on each side, increasing in both.
pub(super) fn unique((a, b): (&[Step], &[Step]), stretch: &Stretch) -> Vec<(usize, usize)> {
    let mut seen: HashMap<u64, [Occurrence; 2], foldhash::fast::FixedState> = HashMap::default();
    for at in stretch.a.clone() {
        let seen = seen.entry(a[at].key).or_default();
        seen[0] = seen[0].add(at);
    }
    for at in stretch.b.clone() {
        let seen = seen.entry(b[at].key).or_default();
        seen[1] = seen[1].add(at);
    }
    let once = seen.into_values().filter_map(|seen| match seen {
        [Occurrence::Once(a), Occurrence::Once(b)] => Some((a, b)),
        _ => None,
    });
    let mut once: Vec<(usize, usize)> = once.collect();
    once.sort_unstable();
    chain(&once, stretch)
}

#[derive(Debug, Clone, Copy, Default)]
enum Occurrence {
    #[default]
    Never,
    Once(usize),
    Repeated,
}

impl Occurrence {
    fn add(self, at: usize) -> Occurrence {
        match self {
            Occurrence::Never => Occurrence::Once(at),
            Occurrence::Once(_) | Occurrence::Repeated => Occurrence::Repeated,
        }
    }
}

/// What an anchor saves: without it, two actions would have no counterpart.
const SAVES: i64 = 1200;

/// How many earlier pairs are considered as predecessors.
const LOOK_BACK: usize = 64;

/// The chain of `pairs` that increases on both sides and saves the most. `pairs` increase in A. The
/// longest chain is not always best: a pair far from the diagonal costs its neighbours their
/// counterparts.
fn chain(pairs: &[(usize, usize)], stretch: &Stretch) -> Vec<(usize, usize)> {
    let shift = |(a, b): (usize, usize)| b as i64 - a as i64;
    let gap = |from: i64, to: i64| match (to - from).abs() {
        0 => 0,
        moved => i64::from(gotoh::OPEN) + i64::from(gotoh::EXTEND) * (moved - 1),
    };
    let (start, end) = (
        shift((stretch.a.start, stretch.b.start)),
        shift((stretch.a.end, stretch.b.end)),
    );
    let mut scores: Vec<i64> = Vec::with_capacity(pairs.len());
    let mut before: Vec<Option<usize>> = Vec::with_capacity(pairs.len());
    let mut highest = 0;
    for (at, pair) in pairs.iter().enumerate() {
        let mut best = (-gap(start, shift(*pair)), None);
        let near = at.saturating_sub(LOOK_BACK)..at;
        let far = (highest < near.start).then_some(highest);
        for other in near.chain(far) {
            if pairs[other].1 < pair.1 {
                let score = scores[other] - gap(shift(pairs[other]), shift(*pair));
                if score > best.0 {
                    best = (score, Some(other));
                }
            }
        }
        scores.push(best.0 + SAVES);
        before.push(best.1);
        if scores[at] > scores[highest] {
            highest = at;
        }
    }
    let last = (0..pairs.len()).max_by_key(|at| scores[*at] - gap(shift(pairs[*at]), end));
    // An alignment without anchors only pays for the overall shift.
    let is_worth = |at: &usize| scores[*at] - gap(shift(pairs[*at]), end) > -gap(start, end);
    let mut next = last.filter(is_worth);
    let mut chain = Vec::new();
    while let Some(at) = next {
        chain.push(pairs[at]);
        next = before[at];
    }
    chain.reverse();
    chain
}
