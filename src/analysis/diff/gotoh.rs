//! Global alignment with affine gaps (Gotoh 1982), in full or within a band around the diagonal,
//! with one traceback byte per cell.

use std::ops::RangeInclusive;

use crate::base::cancel::CancelFlag;

/// The first unpaired action costs 600, each further one on the same side 400. One or two different
/// tools thus become substitutions, and three become a gap.
pub(super) const OPEN: u32 = 600;
pub(super) const EXTEND: u32 = 400;

/// More than any alignment costs. Sums stay in range.
pub(super) const FORBIDDEN: u32 = 1_000_000_000;

/// Indices into A and B; `None` where an action has no counterpart.
pub(super) type Pair = (Option<u32>, Option<u32>);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Both advance.
    Match = 0,
    /// Only A advances: missing in B.
    Missing = 1,
    /// Only B advances: extra in B.
    Extra = 2,
}

/// The costs of one row, per state.
#[derive(Debug)]
struct Costs {
    matched: Vec<u32>,
    missing: Vec<u32>,
    extra: Vec<u32>,
}

impl Costs {
    fn new(width: usize) -> Costs {
        Costs {
            matched: vec![FORBIDDEN; width],
            missing: vec![FORBIDDEN; width],
            extra: vec![FORBIDDEN; width],
        }
    }

    fn forbid(&mut self, cells: RangeInclusive<usize>) {
        self.matched[cells.clone()].fill(FORBIDDEN);
        self.missing[cells.clone()].fill(FORBIDDEN);
        self.extra[cells].fill(FORBIDDEN);
    }
}

/// Which cells of a row are computed: all, or those near the diagonal.
#[derive(Debug, Clone, Copy)]
pub(super) struct Band {
    a: usize,
    b: usize,
    /// Cells on each side of the diagonal.
    reach: usize,
}

impl Band {
    pub(super) fn whole(a: usize, b: usize) -> Band {
        Band { a, b, reach: a + b }
    }

    /// A steep diagonal needs a wider band so that neighbouring rows overlap.
    pub(super) fn near(a: usize, b: usize, reach: usize) -> Band {
        let reach = reach.max(b / a.max(1) + 1);
        Band { a, b, reach }
    }

    fn row(&self, at: usize) -> RangeInclusive<usize> {
        let middle = at * self.b / self.a.max(1);
        middle.saturating_sub(self.reach)..=(middle + self.reach).min(self.b)
    }
}

/// The traceback: two bits per state say which state it came from.
#[derive(Debug, Default)]
struct Back {
    cells: Vec<u8>,
    /// For each row, the index of its first cell, and its first column.
    rows: Vec<(usize, usize)>,
}

impl Back {
    fn from(&self, (row, column): (usize, usize), state: State) -> State {
        let (start, first) = self.rows[row];
        match self.cells[start + column - first] >> (2 * state as u8) & 3 {
            0 => State::Match,
            1 => State::Missing,
            _ => State::Extra,
        }
    }
}

/// Aligns `band.a` with `band.b` actions. Ties prefer a match, then a missing action, then an extra
/// one. `None` if cancelled.
pub(super) fn align(
    band: Band,
    substitute: impl Fn(usize, usize) -> u32,
    cancel: &CancelFlag,
) -> Option<(u32, Vec<Pair>)> {
    let mut back = Back::default();
    let width = band.b + 1;
    let (mut above, mut row) = (Costs::new(width), Costs::new(width));
    for at in 0..=band.a {
        if cancel.is_raised() {
            return None;
        }
        let cells = band.row(at);
        // Cells beyond the previous row's band may hold stale costs.
        if at > 0 {
            let before = band.row(at - 1);
            if *before.end() < *cells.end() {
                above.forbid(before.end() + 1..=*cells.end());
            }
        }
        back.rows.push((back.cells.len(), *cells.start()));
        fill(
            &mut row,
            &above,
            (at, cells.clone()),
            &mut back.cells,
            &substitute,
        );
        if let Some(left) = cells.start().checked_sub(1) {
            row.forbid(left..=left);
        }
        std::mem::swap(&mut above, &mut row);
    }
    let ends = [
        above.matched[band.b],
        above.missing[band.b],
        above.extra[band.b],
    ];
    let (best, state) = least(ends, [State::Match, State::Missing, State::Extra]);
    Some((best, walk(&back, (band.a, band.b), state)))
}

fn fill(
    row: &mut Costs,
    above: &Costs,
    (at, cells): (usize, RangeInclusive<usize>),
    back: &mut Vec<u8>,
    substitute: &impl Fn(usize, usize) -> u32,
) {
    let first = *cells.start();
    for column in cells {
        if at == 0 && column == 0 {
            (row.matched[0], row.missing[0], row.extra[0]) = (0, FORBIDDEN, FORBIDDEN);
            back.push(0);
            continue;
        }
        let mut came = 0;
        row.matched[column] = FORBIDDEN;
        if at > 0 && column > 0 {
            let before = [
                above.matched[column - 1],
                above.missing[column - 1],
                above.extra[column - 1],
            ];
            let (least, from) = least(before, [State::Match, State::Missing, State::Extra]);
            row.matched[column] = FORBIDDEN.min(least + substitute(at - 1, column - 1));
            came |= from as u8;
        }
        row.missing[column] = FORBIDDEN;
        if at > 0 {
            let before = [
                above.matched[column] + OPEN,
                above.missing[column] + EXTEND,
                above.extra[column] + OPEN,
            ];
            let (cost, from) = least(before, [State::Match, State::Missing, State::Extra]);
            row.missing[column] = FORBIDDEN.min(cost);
            came |= (from as u8) << 2;
        }
        row.extra[column] = FORBIDDEN;
        if column > first {
            let before = [
                row.matched[column - 1] + OPEN,
                row.extra[column - 1] + EXTEND,
                row.missing[column - 1] + OPEN,
            ];
            let (cost, from) = least(before, [State::Match, State::Extra, State::Missing]);
            row.extra[column] = FORBIDDEN.min(cost);
            came |= (from as u8) << 4;
        }
        back.push(came);
    }
}

/// The least of three costs and its state. Ties go to the first.
fn least(costs: [u32; 3], states: [State; 3]) -> (u32, State) {
    let [a, b, c] = costs;
    if a <= b && a <= c {
        (a, states[0])
    } else if b <= c {
        (b, states[1])
    } else {
        (c, states[2])
    }
}

fn walk(back: &Back, (mut a, mut b): (usize, usize), mut state: State) -> Vec<Pair> {
    let mut pairs = Vec::with_capacity(a.max(b));
    while a > 0 || b > 0 {
        let from = back.from((a, b), state);
        match state {
            State::Match => {
                (a, b) = (a - 1, b - 1);
                pairs.push((Some(a as u32), Some(b as u32)));
            }
            State::Missing => {
                a -= 1;
                pairs.push((Some(a as u32), None));
            }
            State::Extra => {
                b -= 1;
                pairs.push((None, Some(b as u32)));
            }
        }
        state = from;
    }
    pairs.reverse();
    pairs
}
