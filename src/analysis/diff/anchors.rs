//! Actions that are certain to belong together: equal beginnings and ends, and anchors (what occurs once
//! in both, chained in the order that saves most).

use std::collections::HashMap;
use std::ops::Range;

use crate::analysis::diff::gotoh;
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

/// Places in A and B of actions that occur once on each side, in the order of both.
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
    chain(&once, stretch)
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

/// What an anchor saves: without it two actions would have no partner.
const SAVES: i64 = 1200;

/// So many pairs before one are looked at for the one it is chained to.
const LOOK_BACK: usize = 64;

/// The chain of `pairs`, which rise in A, that rises in B and saves most. A pair off the line of its
/// neighbours makes others lose their partners, so that most pairs are not always best.
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
    // An alignment without any anchor loses nothing but the shift of the whole.
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
