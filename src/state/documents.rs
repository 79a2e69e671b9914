//! The saved documents: what each holds, how a change alters it, and how far it may grow.

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::state::change::Change;
use crate::state::trace::TraceId;

const MOST_TRACES: usize = 500;
const MOST_MARKS: usize = 200;
const MOST_HISTORY: usize = 1_000;
const MOST_SAVED: usize = 500;
const MOST_VIEWS: usize = 64;
const MOST_COLUMNS: usize = 64;
/// The longest text in characters; longer ones are cut, but a filter that long is not kept at all.
const LONGEST: usize = 4096;

/// One file of the state. Unknown members are damage, not a newer version: that has another number.
pub(super) trait Document:
    Default + Clone + PartialEq + std::fmt::Debug + Serialize + DeserializeOwned
{
    const FILE: &'static str;
    const VERSION: u64 = 1;

    /// Applies a change, and stays within bounds. Changes to other documents are ignored.
    fn apply(&mut self, change: &Change);
}

/// What is remembered of the traces that were opened.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Traces {
    pub(super) traces: Vec<TraceEntry>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TraceEntry {
    pub trace: TraceId,
    /// When it was opened last, in microseconds since the Unix epoch.
    pub opened: i64,
    pub position: Option<Position>,
    pub marks: Vec<Mark>,
}

/// A place in a trace. Names, not indices: those change when a trace grows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Position {
    pub run: String,
    /// The number of the action in its run; 0 selects the run alone.
    pub seq: u32,
    /// The name of the view that was shown.
    pub view: String,
    /// Only this run was listed.
    #[serde(default)]
    pub is_alone: bool,
    /// The filters in force, by the name of their view.
    #[serde(default)]
    pub filters: BTreeMap<String, String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mark {
    pub letter: char,
    pub run: String,
    pub seq: u32,
    pub note: String,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Filters {
    pub(super) history: Vec<String>,
    pub(super) saved: Vec<SavedFilter>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SavedFilter {
    /// May be empty: several filters can be saved without a name.
    pub name: String,
    pub filter: String,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Views {
    pub(super) views: BTreeMap<String, Layout>,
}

/// How a table is shown, in the words of the configuration.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Layout {
    /// Empty shows the columns that fit.
    pub columns: Vec<String>,
    pub sort: Option<String>,
    pub group: Option<String>,
}

impl Document for Traces {
    const FILE: &'static str = "traces.json";
    /// 2 has the filters of a position.
    const VERSION: u64 = 2;

    fn apply(&mut self, change: &Change) {
        match change {
            Change::Opened { trace, at } => {
                let entry = self.entry(trace);
                entry.opened = entry.opened.max(*at);
            }
            Change::Moved { trace, to } => {
                let place = Position {
                    run: clipped(&to.run),
                    seq: to.seq,
                    view: clipped(&to.view),
                    is_alone: to.is_alone,
                    filters: filters(&to.filters),
                };
                self.entry(trace).position = Some(place);
            }
            Change::Marked { trace, mark } => {
                let marks = &mut self.entry(trace).marks;
                marks.retain(|old| old.letter != mark.letter);
                marks.push(Mark {
                    run: clipped(&mark.run),
                    note: clipped(&mark.note),
                    ..*mark
                });
                keep_newest(marks, MOST_MARKS);
            }
            Change::Unmarked { trace, letter } => {
                let marks = &mut self.entry(trace).marks;
                marks.retain(|old| old.letter != *letter);
            }
            Change::Filtered(_)
            | Change::SavedFilter(_)
            | Change::ForgotFilter(_)
            | Change::LaidOut { .. } => {}
        }
        self.forget_oldest();
    }
}

impl Traces {
    fn entry(&mut self, trace: &TraceId) -> &mut TraceEntry {
        let at = self.traces.iter().position(|entry| entry.trace == *trace);
        let at = at.unwrap_or_else(|| {
            self.traces.push(TraceEntry {
                trace: trace.clone(),
                // A trace that is new is not the first to be forgotten.
                opened: self
                    .traces
                    .iter()
                    .map(|entry| entry.opened)
                    .max()
                    .unwrap_or(0),
                position: None,
                marks: Vec::new(),
            });
            self.traces.len() - 1
        });
        &mut self.traces[at]
    }

    /// Traces with marks are dropped last: marks are the user's work.
    fn forget_oldest(&mut self) {
        while self.traces.len() > MOST_TRACES {
            let entries = self.traces.iter().enumerate();
            let oldest = entries.min_by_key(|(_, entry)| (!entry.marks.is_empty(), entry.opened));
            let Some((at, _)) = oldest else { return };
            self.traces.remove(at);
        }
    }
}

impl Document for Filters {
    const FILE: &'static str = "filters.json";

    fn apply(&mut self, change: &Change) {
        match change {
            Change::Filtered(filter) if fits(filter) => {
                self.history.retain(|old| old != filter);
                self.history.push(filter.clone());
                keep_newest(&mut self.history, MOST_HISTORY);
            }
            Change::SavedFilter(new) if fits(&new.filter) => {
                let name = clipped(&new.name);
                self.saved.retain(|old| {
                    let replaced = if name.is_empty() {
                        old.filter == new.filter && old.name.is_empty()
                    } else {
                        old.name == name
                    };
                    !replaced
                });
                let filter = new.filter.clone();
                self.saved.push(SavedFilter { name, filter });
                keep_newest(&mut self.saved, MOST_SAVED);
            }
            Change::ForgotFilter(gone) => self.saved.retain(|old| old != gone),
            Change::Filtered(_)
            | Change::SavedFilter(_)
            | Change::Opened { .. }
            | Change::Moved { .. }
            | Change::Marked { .. }
            | Change::Unmarked { .. }
            | Change::LaidOut { .. } => {}
        }
    }
}

impl Document for Views {
    const FILE: &'static str = "views.json";

    fn apply(&mut self, change: &Change) {
        match change {
            Change::LaidOut { view, layout } => {
                let view = clipped(view);
                if self.views.len() < MOST_VIEWS || self.views.contains_key(&view) {
                    let columns = layout.columns.iter().take(MOST_COLUMNS);
                    let layout = Layout {
                        columns: columns.map(|column| clipped(column)).collect(),
                        sort: layout.sort.as_deref().map(clipped),
                        group: layout.group.as_deref().map(clipped),
                    };
                    self.views.insert(view, layout);
                }
            }
            Change::Filtered(_)
            | Change::SavedFilter(_)
            | Change::ForgotFilter(_)
            | Change::Opened { .. }
            | Change::Moved { .. }
            | Change::Marked { .. }
            | Change::Unmarked { .. } => {}
        }
    }
}

/// Those that are not too long to be kept.
fn filters(all: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    let fitting = all.iter().filter(|(_, filter)| fits(filter));
    let fitting = fitting.take(MOST_VIEWS);
    fitting
        .map(|(view, filter)| (clipped(view), filter.clone()))
        .collect()
}

fn fits(filter: &str) -> bool {
    !filter.is_empty() && filter.len() <= LONGEST
}

fn clipped(text: &str) -> String {
    text.chars().take(LONGEST).collect()
}

fn keep_newest<T>(items: &mut Vec<T>, most: usize) {
    let surplus = items.len().saturating_sub(most);
    items.drain(..surplus);
}
