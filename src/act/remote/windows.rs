//! How long the next window is. It follows from what came, never from how long it took: a pull that was interrupted
//! then goes on with the same windows.

use super::record::{HOUR, Nanos, SECOND};

const LEAST: Nanos = SECOND;
const MOST: Nanos = 30 * 24 * HOUR;
/// A window with fewer records is doubled.
const FEW: usize = 400;
/// A window with more of them is halved.
const MANY: usize = 20_000;

/// After a window with so many records.
pub(super) fn after(step: Nanos, records: usize) -> Nanos {
    match records {
        0..FEW => (step * 2).min(MOST),
        MANY.. => less(step).unwrap_or(step),
        _ => step,
    }
}

/// After the server could not answer; none if there is no smaller window. Whole seconds: servers cut finer times.
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
