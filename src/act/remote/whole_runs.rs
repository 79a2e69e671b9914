//! Which traces belong to the runs that a product has selected. It selects traces or single records, but whole runs are
//! pulled.

use std::collections::HashSet;

use super::record::Meta;

/// What is still to be requested of the selected runs. A trace or a join is requested once in a pull.
#[derive(Debug, Default)]
pub(super) struct WholeRuns {
    known: HashSet<Key>,
    traces: Vec<String>,
    joins: Vec<(u8, String)>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Key {
    Trace(String),
    Join(u8, String),
}

impl WholeRuns {
    /// Takes note of a record. `is_whole` says that all of its trace is at hand.
    pub(super) fn note(&mut self, meta: &Meta, is_whole: bool) {
        let trace = Key::Trace(meta.trace.clone());
        if self.known.insert(trace) && !is_whole {
            self.traces.push(meta.trace.clone());
        }
        if let Some((rank, id)) = &meta.join
            && self.known.insert(Key::Join(*rank, id.clone()))
        {
            self.joins.push((*rank, id.clone()));
        }
    }

    /// Traces to request next, at most this many; empty if there are none.
    pub(super) fn next_traces(&mut self, most: usize) -> Vec<String> {
        let from = self.traces.len().saturating_sub(most);
        self.traces.split_off(from)
    }

    pub(super) fn next_join(&mut self) -> Option<(u8, String)> {
        self.joins.pop()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn meta(trace: &str, session: &str) -> Meta {
        Meta {
            trace: trace.to_owned(),
            span: String::new(),
            began: 0,
            ended: None,
            is_outermost: true,
            join: Some((0, session.to_owned())),
        }
    }

    #[test]
    fn traces_and_joins_are_requested_once() {
        let mut runs = WholeRuns::default();
        for (trace, is_whole) in [("a", false), ("a", false), ("b", true), ("c", false)] {
            runs.note(&meta(trace, "s"), is_whole);
        }
        assert_eq!(runs.next_traces(10), ["a", "c"]);
        assert_eq!(runs.next_join(), Some((0, "s".to_owned())));
        runs.note(&meta("d", "s"), false);
        assert_eq!(runs.next_join(), None);
        assert_eq!(runs.next_traces(10), ["d"]);
        assert!(runs.next_traces(10).is_empty());
    }
}
