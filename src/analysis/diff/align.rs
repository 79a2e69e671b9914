//! Aligns the actions of two runs: exactly for runs of ordinary length, by anchors and sketches for
//! long ones.

use std::thread;

use crate::analysis::diff::anchors::{self, Stretch};
use crate::analysis::diff::gotoh::{self, Band, FORBIDDEN, Pair};
use crate::analysis::diff::sketch::Sketch;
use crate::analysis::diff::step::{self, Sort, Step};
use crate::base::cancel::CancelFlag;

/// Aligned pairs, in the order of both runs.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Aligned {
    pub pairs: Vec<(Option<u32>, Option<u32>)>,
    /// In thousandths of an action.
    pub cost: u64,
    pub is_approximate: bool,
}

/// Up to this many cells, everything is compared and the alignment is optimal.
const WHOLE: usize = 1_000_000;

/// The same limit for a stretch between anchors. Longer stretches are compared by sketches, near
/// the diagonal.
const EXACT: usize = 250_000;

/// How far from the diagonal, in cells.
const REACH: usize = 400;

/// The base cost of pairing different tools. Differing arguments add to it.
const OTHER_TOOL: u32 = 900;

/// The same call with a different result.
const OTHER_RESULT: u32 = 20;

/// The optimal alignment, without anchors: the reference for the others. `None` if cancelled.
pub fn whole(sides: (&[Step], &[Step]), cancel: &CancelFlag) -> Option<Aligned> {
    let all = Stretch {
        a: 0..sides.0.len(),
        b: 0..sides.1.len(),
    };
    let mut aligned = Aligned::default();
    aligned.exactly(sides, &all, cancel)?;
    Some(aligned)
}

/// Aligns by anchors, whatever the size.
pub fn anchored(sides: (&[Step], &[Step]), cancel: &CancelFlag) -> Option<Aligned> {
    let all = Stretch {
        a: 0..sides.0.len(),
        b: 0..sides.1.len(),
    };
    let mut aligned = Aligned::default();
    aligned.by_anchors(sides, &all, cancel)?;
    Some(aligned)
}

/// Aligns with the method that fits the size. Pins are honoured as long as they increase on both
/// sides and pair actions of the same kind. `None` if cancelled.
pub fn align(
    sides: (&[Step], &[Step]),
    pins: &[(u32, u32)],
    cancel: &CancelFlag,
) -> Option<Aligned> {
    let (a, b) = sides;
    let mut aligned = Aligned::default();
    let (mut from_a, mut from_b) = (0, 0);
    let mut sorted = pins.to_vec();
    sorted.sort_unstable();
    for (pin_a, pin_b) in sorted {
        let (pin_a, pin_b) = (pin_a as usize, pin_b as usize);
        let is_inside = pin_a >= from_a && pin_b >= from_b && pin_a < a.len() && pin_b < b.len();
        if !is_inside || a[pin_a].sort != b[pin_b].sort {
            continue;
        }
        let before = Stretch {
            a: from_a..pin_a,
            b: from_b..pin_b,
        };
        aligned.stretch(sides, &before, cancel)?;
        aligned.pair(sides, (pin_a, pin_b));
        (from_a, from_b) = (pin_a + 1, pin_b + 1);
    }
    let rest = Stretch {
        a: from_a..a.len(),
        b: from_b..b.len(),
    };
    aligned.stretch(sides, &rest, cancel)?;
    Some(aligned)
}

impl Aligned {
    fn stretch(
        &mut self,
        sides: (&[Step], &[Step]),
        stretch: &Stretch,
        cancel: &CancelFlag,
    ) -> Option<()> {
        if stretch.cells() <= WHOLE {
            self.exactly(sides, stretch, cancel)
        } else {
            self.by_anchors(sides, stretch, cancel)
        }
    }

    /// Adds a pair that is known to belong together.
    fn pair(&mut self, (a, b): (&[Step], &[Step]), (at, other): (usize, usize)) {
        self.cost += u64::from(substitute(&a[at], &b[other]));
        self.pairs.push((Some(at as u32), Some(other as u32)));
    }

    fn by_anchors(
        &mut self,
        sides: (&[Step], &[Step]),
        stretch: &Stretch,
        cancel: &CancelFlag,
    ) -> Option<()> {
        let head = stretch.head(sides);
        let (a, b) = (stretch.a.start, stretch.b.start);
        (0..head).for_each(|at| self.pair(sides, (a + at, b + at)));
        let rest = Stretch {
            a: a + head..stretch.a.end,
            b: b + head..stretch.b.end,
        };
        let tail = rest.tail(sides);
        let middle = Stretch {
            a: rest.a.start..rest.a.end - tail,
            b: rest.b.start..rest.b.end - tail,
        };
        let (mut from_a, mut from_b) = (middle.a.start, middle.b.start);
        for (a, b) in anchors::unique(sides, &middle) {
            let before = Stretch {
                a: from_a..a,
                b: from_b..b,
            };
            self.between(sides, &before, cancel)?;
            self.pair(sides, (a, b));
            (from_a, from_b) = (a + 1, b + 1);
        }
        let last = Stretch {
            a: from_a..middle.a.end,
            b: from_b..middle.b.end,
        };
        self.between(sides, &last, cancel)?;
        let (a, b) = (middle.a.end, middle.b.end);
        (0..tail).for_each(|at| self.pair(sides, (a + at, b + at)));
        Some(())
    }

    fn between(
        &mut self,
        sides: (&[Step], &[Step]),
        stretch: &Stretch,
        cancel: &CancelFlag,
    ) -> Option<()> {
        if stretch.cells() <= EXACT {
            return self.exactly(sides, stretch, cancel);
        }
        self.is_approximate = true;
        let (a, b) = (&sides.0[stretch.a.clone()], &sides.1[stretch.b.clone()]);
        let sketches = |steps: &[Step]| -> Vec<Sketch> {
            let sketches = steps.iter().map(|step| Sketch::new(&step.features));
            sketches.collect()
        };
        let (sketches_a, sketches_b) = thread::scope(|scope| {
            let other = scope.spawn(|| sketches(b));
            (sketches(a), other.join().unwrap_or_else(|_| sketches(b)))
        });
        let cost = |at: usize, other: usize| {
            let alike = || sketches_a[at].dice(&sketches_b[other]);
            substitution(&a[at], &b[other], alike)
        };
        let band = Band::near(a.len(), b.len(), REACH);
        let (_, pairs) = gotoh::align(band, cost, cancel)?;
        self.take(sides, stretch, &pairs);
        Some(())
    }

    fn exactly(
        &mut self,
        sides: (&[Step], &[Step]),
        stretch: &Stretch,
        cancel: &CancelFlag,
    ) -> Option<()> {
        let (a, b) = (&sides.0[stretch.a.clone()], &sides.1[stretch.b.clone()]);
        let cost = |at: usize, other: usize| substitute(&a[at], &b[other]);
        let (_, pairs) = gotoh::align(Band::whole(a.len(), b.len()), cost, cancel)?;
        self.take(sides, stretch, &pairs);
        Some(())
    }

    /// Adds the alignment of a stretch. Recomputes its cost, because sketches only estimate it.
    fn take(&mut self, (a, b): (&[Step], &[Step]), stretch: &Stretch, pairs: &[Pair]) {
        let mut before = (true, true);
        for (at, other) in pairs {
            let at = at.map(|at| at as usize + stretch.a.start);
            let other = other.map(|other| other as usize + stretch.b.start);
            let now = (at.is_some(), other.is_some());
            self.cost += match (at, other) {
                (Some(at), Some(other)) => u64::from(substitute(&a[at], &b[other])),
                _ if now == before => u64::from(gotoh::EXTEND),
                _ => u64::from(gotoh::OPEN),
            };
            before = now;
            let place = |at: Option<usize>| at.map(|at| at as u32);
            self.pairs.push((place(at), place(other)));
        }
    }
}

/// The cost of pairing two actions, in thousandths.
pub fn substitute(a: &Step, b: &Step) -> u32 {
    substitution(a, b, || step::dice(&a.features, &b.features))
}

#[inline]
fn substitution(a: &Step, b: &Step, alike: impl FnOnce() -> u32) -> u32 {
    if a.sort != b.sort {
        return FORBIDDEN;
    }
    let unlike = if a.key == b.key { 0 } else { 1000 - alike() };
    match a.sort {
        Sort::Tool if a.tool == b.tool => {
            let other = a.result != b.result;
            unlike * 500 / 1000 + if other { OTHER_RESULT } else { 0 }
        }
        Sort::Tool => OTHER_TOOL + unlike * 100 / 1000,
        Sort::Say => unlike * 500 / 1000,
        Sort::User => unlike * 400 / 1000,
    }
}
