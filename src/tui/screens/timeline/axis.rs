//! Time on the screen: which cell a moment falls into, and where it is labelled.

use crate::analysis::timeline::Window;

const MS: i64 = 1_000;
const SECOND: i64 = 1_000 * MS;
const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;
/// Lengths that people count in.
const STEPS: &[i64] = &[
    1,
    10,
    100,
    MS,
    10 * MS,
    50 * MS,
    100 * MS,
    200 * MS,
    500 * MS,
    SECOND,
    2 * SECOND,
    5 * SECOND,
    10 * SECOND,
    30 * SECOND,
    MINUTE,
    2 * MINUTE,
    5 * MINUTE,
    10 * MINUTE,
    30 * MINUTE,
    HOUR,
    2 * HOUR,
    6 * HOUR,
    12 * HOUR,
    DAY,
    7 * DAY,
    30 * DAY,
    365 * DAY,
];
/// The minimum number of cells between two labels.
const APART: i64 = 9;

/// A stretch of time in cells.
#[derive(Debug, Clone, Copy)]
pub(super) struct Axis {
    window: Window,
    cells: usize,
}

impl Axis {
    pub(super) fn new(window: Window, cells: usize) -> Axis {
        Axis { window, cells }
    }

    /// The place of a moment in eighths of a cell, inside of the axis.
    pub(super) fn eighths(&self, time: i64) -> usize {
        let length = i128::from(self.window.length().max(1));
        let at = i128::from(time) - i128::from(self.window.from);
        let all = self.cells as i128 * 8;
        usize::try_from((at * all / length).clamp(0, all)).unwrap_or(0)
    }

    /// The stretch of time of a cell.
    pub(super) fn cell(&self, cell: usize) -> Window {
        let at = |cell: usize| {
            let part = i128::from(self.window.length()) * cell as i128 / self.cells.max(1) as i128;
            i64::try_from(i128::from(self.window.from) + part).unwrap_or(self.window.to)
        };
        Window {
            from: at(cell),
            to: at(cell + 1),
        }
    }

    /// Labels and their cells, counted from `start`.
    pub(super) fn labels(&self, start: i64) -> Vec<(usize, String)> {
        let length = self.window.length().max(1);
        let apart = i128::from(length) * i128::from(APART) / self.cells.max(1) as i128;
        let step = STEPS
            .iter()
            .copied()
            .find(|step| i128::from(*step) >= apart);
        let step = step.unwrap_or(365 * DAY);
        let first = (self.window.from - start).div_euclid(step) * step;
        let marks = (0..).map(|number| first + number * step);
        let seen = marks.take_while(|mark| start + mark < self.window.to);
        let inside = seen.filter(|mark| start + mark >= self.window.from);
        inside
            .map(|mark| (self.eighths(start + mark) / 8, label(mark)))
            .collect()
    }
}

/// `0s`, `30s`, `1m30`, `2h05`, `200ms`.
fn label(us: i64) -> String {
    let seconds = us / SECOND;
    match us {
        0 => "0s".to_owned(),
        ..MS => format!("{us}µs"),
        MS..SECOND => format!("{}ms", us / MS),
        SECOND..MINUTE if us % SECOND != 0 => format!("{}.{}s", seconds, us % SECOND / (100 * MS)),
        SECOND..MINUTE => format!("{seconds}s"),
        MINUTE..HOUR if seconds % 60 == 0 => format!("{}m", seconds / 60),
        MINUTE..HOUR => format!("{}m{:02}", seconds / 60, seconds % 60),
        HOUR..DAY if seconds % 3600 / 60 == 0 => format!("{}h", seconds / 3600),
        HOUR..DAY => format!("{}h{:02}", seconds / 3600, seconds % 3600 / 60),
        _ => format!("{}d{:02}", seconds / 86_400, seconds % 86_400 / 3600),
    }
}

#[cfg(test)]
mod tests {
    use super::{Axis, HOUR, MINUTE, SECOND, Window};

    fn labels(length: i64, from: i64, cells: usize) -> Vec<String> {
        let window = Window {
            from,
            to: from + length,
        };
        let labels = Axis::new(window, cells).labels(0);
        labels.into_iter().map(|(_, label)| label).collect()
    }

    #[test]
    fn labels_are_round_and_far_enough_apart() {
        assert_eq!(
            labels(3 * MINUTE + 12 * SECOND, 0, 70),
            ["0s", "30s", "1m", "1m30", "2m", "2m30", "3m"]
        );
        assert_eq!(
            labels(2 * SECOND, 500_000, 40),
            ["500ms", "1s", "1.5s", "2s"]
        );
        assert_eq!(labels(5 * HOUR, 0, 50), ["0s", "1h", "2h", "3h", "4h"]);
    }

    #[test]
    fn moments_fall_into_cells_and_never_outside() {
        let axis = Axis::new(Window { from: 0, to: 80 }, 10);
        assert_eq!(axis.eighths(0), 0);
        assert_eq!(axis.eighths(41), 41);
        assert_eq!(axis.eighths(i64::MAX), 80);
        assert_eq!(axis.eighths(i64::MIN), 0);
        assert_eq!(axis.cell(9), Window { from: 72, to: 80 });
    }
}
