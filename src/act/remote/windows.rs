//! The length of the next window. It depends on what was read, never on how long that took: an interrupted pull then
//! continues with the same windows.

use super::record::{HOUR, Nanos, SECOND};

const LEAST: Nanos = SECOND;
const MOST: Nanos = 30 * 24 * HOUR;
/// After a window with fewer records, the next one is twice as long.
const FEW: usize = 400;
/// After a window with more records, the next one is half as long.
const MANY: usize = 20_000;

/// The length after a window with this many records.
pub(super) fn after(step: Nanos, records: usize) -> Nanos {
    match records {
        0..FEW => (step * 2).min(MOST),
        MANY.. => less(step).unwrap_or(step),
        _ => step,
    }
}

/// The length after the server could not answer; none if there is no smaller window. Whole seconds: servers cut finer
/// times.
pub(super) fn less(step: Nanos) -> Option<Nanos> {
    (step > LEAST).then(|| (step / 2 / SECOND * SECOND).max(LEAST))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grows_while_little_comes_and_shrinks_when_much_does() {
        assert_eq!(after(HOUR, 0), 2 * HOUR);
        assert_eq!(after(HOUR, 1_000), HOUR);
        assert_eq!(after(HOUR, 50_000), HOUR / 2);
        assert_eq!(after(MOST, 0), MOST);
    }

    #[test]
    fn never_shrinks_below_a_second() {
        assert_eq!(less(HOUR), Some(HOUR / 2));
        assert_eq!(less(SECOND + 1), Some(SECOND));
        assert_eq!(less(SECOND), None);
        assert_eq!(after(SECOND, 50_000), SECOND);
    }
}
