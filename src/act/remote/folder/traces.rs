//! The traces in a commit: what is known of each, which run it belongs to, and whether it is complete.

use std::collections::{BTreeMap, HashMap};

use super::index::{Index, Key};
use super::lines::Line;
use crate::act::remote::record::{HOUR, Nanos};

/// After this time, a trace counts as complete even if its outermost span has no end.
const GIVEN_UP: Nanos = 24 * HOUR;

/// A trace with all its records in the commit.
#[derive(Debug)]
pub(super) struct Trace {
    pub(super) id: String,
    pub(super) lines: Vec<Line>,
    /// The file whose complete traces it was among.
    pub(super) was_settled: bool,
    /// Where it was; none if it is new.
    pub(super) file: Option<usize>,
}

/// Traces by id. Of a span that occurs twice, the later record is kept.
#[derive(Debug, Default)]
pub(super) struct Traces {
    all: Vec<Trace>,
    by_id: HashMap<String, usize>,
    spans: HashMap<(usize, String), usize>,
}

impl Trace {
    pub(super) fn began(&self) -> Nanos {
        self.lines.iter().map(|it| it.meta.began).min().unwrap_or(0)
    }

    /// What joins it with other traces: the strongest marker among its spans.
    pub(super) fn join(&self) -> Option<&str> {
        let joins = self.lines.iter().filter_map(|it| it.meta.join.as_ref());
        let strongest = joins.max_by_key(|(rank, _)| *rank);
        strongest.map(|(_, id)| id.as_str())
    }

    /// Its run: what joins it, else itself.
    fn run(&self) -> (bool, &str) {
        self.join().map_or((false, &self.id), |join| (true, join))
    }

    /// Whether its outermost span has ended.
    pub(super) fn has_end(&self) -> bool {
        let mut lines = self.lines.iter();
        lines.any(|it| it.meta.is_outermost && it.meta.ended.is_some())
    }

    pub(super) fn has_outermost(&self) -> bool {
        self.lines.iter().any(|it| it.meta.is_outermost)
    }

    /// Whether nothing more is expected of it, judged at the time of the latest read.
    fn is_complete(&self, read_until: Nanos, late: Nanos) -> bool {
        let latest = self.lines.iter().map(|it| it.meta.latest()).max();
        let age = read_until.saturating_sub(latest.unwrap_or(0));
        (self.has_end() && age >= late) || age >= GIVEN_UP
    }

    /// Records in the order in which they began, outermost first.
    pub(super) fn sort(&mut self) {
        self.lines.sort_by(|a, b| {
            let order = |it: &Line| (it.meta.began, !it.meta.is_outermost);
            order(a)
                .cmp(&order(b))
                .then_with(|| a.meta.span.cmp(&b.meta.span))
        });
    }
}

impl Traces {
    /// Adds a record that is at the end of a file (`is_settled`: among its complete traces), or new.
    pub(super) fn add(&mut self, line: Line, is_settled: bool) {
        let all = &mut self.all;
        let at = *self
            .by_id
            .entry(line.meta.trace.clone())
            .or_insert_with_key(|id| {
                all.push(Trace {
                    id: id.clone(),
                    lines: Vec::new(),
                    was_settled: is_settled,
                    file: None,
                });
                all.len() - 1
            });
        let trace = &mut self.all[at];
        trace.was_settled |= is_settled;
        if line.place.file.is_some() {
            trace.file = line.place.file;
        }
        let lines = &mut trace.lines;
        let span = self.spans.entry((at, line.meta.span.clone()));
        let known = *span.or_insert(lines.len());
        match lines.get_mut(known) {
            // An equal record stays where it is.
            Some(before) if before.hash == line.hash => {}
            Some(before) => *before = line,
            None => lines.push(line),
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Trace> {
        self.all.iter()
    }

    /// Files whose complete traces a trace changes: it was one of them, belongs before one of them, or joins two files.
    pub(super) fn unsettled(&self, index: &Index) -> Vec<usize> {
        let mut files = Vec::new();
        for trace in self.iter() {
            let own = index.get(Key::Trace(&trace.id)).map(|it| it.file);
            let is_new = trace.lines.iter().any(|it| it.place.file.is_none());
            let of_run = trace.join().and_then(|join| index.get(Key::Run(join)));
            if is_new || trace.was_settled {
                files.extend(own);
            }
            let Some(run) = of_run else { continue };
            let is_moved = own.is_some_and(|own| own != run.file);
            if is_moved || (own.is_none() && trace.began() <= run.last) {
                files.extend(own);
                files.push(run.file);
            }
        }
        files.sort_unstable();
        files.dedup();
        files
    }

    /// The traces of each run, in the order in which they began.
    pub(super) fn runs(self) -> Vec<Vec<Trace>> {
        let mut runs: BTreeMap<(bool, String), Vec<Trace>> = BTreeMap::new();
        for mut trace in self.all {
            trace.sort();
            let (is_joined, id) = trace.run();
            runs.entry((is_joined, id.to_owned()))
                .or_default()
                .push(trace);
        }
        let mut runs: Vec<_> = runs.into_values().collect();
        for run in &mut runs {
            run.sort_by(|a, b| order(a).cmp(&order(b)));
        }
        runs.sort_by(|a, b| order(&a[0]).cmp(&order(&b[0])));
        runs
    }
}

/// The order of traces in a file.
pub(super) fn order(trace: &Trace) -> (Nanos, &str) {
    (trace.began(), &trace.id)
}

/// How many of a run's first traces are complete. One that may change keeps the later ones open, because the order in a
/// file is final.
pub(super) fn complete(run: &[Trace], read_until: Nanos, late: Nanos) -> usize {
    let open = run
        .iter()
        .position(|trace| !trace.is_complete(read_until, late));
    open.unwrap_or(run.len())
}
