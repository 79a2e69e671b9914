//! Which numbered rows have been read. Rows can be committed out of order, so the last ones are requested again.

use serde_json::{Value, json};

/// How many of the last rows are read again.
const AGAIN: u64 = 5_000;

/// The newest row, and which of the last rows were read, as ranges (both ends included), in order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Rows {
    newest: u64,
    read: Vec<(u64, u64)>,
    /// Everything before the end of the first pull was read by windows.
    pub(super) is_caught_up: bool,
}

impl Rows {
    pub(super) fn parse(value: &Value) -> Rows {
        let newest = value.get("newest").and_then(Value::as_u64).unwrap_or(0);
        let ranges = value.get("read").and_then(Value::as_array);
        let read = ranges.into_iter().flatten().filter_map(|range| {
            let end = |at: usize| range.get(at)?.as_u64();
            Some((end(0)?, end(1)?))
        });
        Rows {
            newest,
            read: read.collect(),
            is_caught_up: value.get("caught_up").and_then(Value::as_bool) == Some(true),
        }
    }

    pub(super) fn write(&self) -> Value {
        let read: Vec<Value> = self
            .read
            .iter()
            .map(|(from, to)| json!([from, to]))
            .collect();
        json!({"newest": self.newest, "read": read, "caught_up": self.is_caught_up})
    }

    /// Rows up to this one are not requested again.
    pub(super) fn floor(&self) -> u64 {
        self.newest.saturating_sub(AGAIN)
    }

    pub(super) fn has(&self, row: u64) -> bool {
        row <= self.floor()
            || self
                .read
                .iter()
                .any(|(from, to)| (*from..=*to).contains(&row))
    }

    pub(super) fn add(&mut self, row: u64) {
        let at = self.read.partition_point(|(_, to)| *to < row);
        match self.read.get(at) {
            Some((from, _)) if *from <= row => {}
            _ => self.read.insert(at, (row, row)),
        }
        let mut joined: Vec<(u64, u64)> = Vec::with_capacity(self.read.len());
        for (from, to) in self.read.drain(..) {
            match joined.last_mut() {
                Some((_, end)) if *end + 1 >= from => *end = (*end).max(to),
                _ => joined.push((from, to)),
            }
        }
        self.read = joined;
        self.newest = self.newest.max(row);
        let floor = self.floor();
        self.read.retain(|(_, to)| *to > floor);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_that_came_late_are_still_missing() {
        let mut rows = Rows::default();
        for row in [10, 12, 13, 11, 20] {
            rows.add(row);
        }
        assert_eq!(rows.read, [(10, 13), (20, 20)]);
        assert!(rows.has(12) && !rows.has(15) && !rows.has(21));
        assert_eq!(Rows::parse(&rows.write()), rows);
    }

    #[test]
    fn rows_long_before_the_last_are_known() {
        let mut rows = Rows::default();
        rows.add(3);
        rows.add(9_000);
        assert_eq!((rows.floor(), rows.read.len()), (4_000, 1));
        assert!(rows.has(4_000) && !rows.has(4_001));
    }
}
