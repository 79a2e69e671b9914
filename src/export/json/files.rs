//! `saferun.tui/files@1`: the files of a run, what its calls did to them, and how well their change is known.

use serde::Serialize;

use super::number;
use crate::analysis::changes;
use crate::analysis::files::{Event, File, Files, Gap};
use crate::store::Store;

pub const SCHEMA: &str = "saferun.tui/files@1";

/// The columns of CSV.
pub const MEMBERS: &[&str] = &[
    "path",
    "shown_as",
    "changed",
    "certainty",
    "why",
    "actions",
    "lines_added",
    "lines_removed",
    "net_added",
    "net_removed",
    "existed_before",
    "exists_after",
];

#[derive(Debug, Serialize)]
pub struct FileJson<'a> {
    pub path: &'a str,
    /// The path from the root.
    pub shown_as: &'a str,
    pub changed: bool,
    pub certainty: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<&'static str>,
    pub actions: usize,
    /// Summed over the calls.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lines_added: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lines_removed: Option<usize>,
    /// From the first known text to the last, for exact files.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub net_added: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub net_removed: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub existed_before: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exists_after: Option<bool>,
    pub events: Vec<EventJson<'a>>,
}

#[derive(Debug, Serialize)]
pub struct EventJson<'a> {
    pub seq: u32,
    pub turn: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agent: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tool: Option<&'a str>,
    pub verb: &'static str,
    pub outcome: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lines_added: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lines_removed: Option<usize>,
    /// Something else had changed the text since the call before.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub drifted: bool,
}

pub fn file<'a>(store: &'a Store, files: &'a Files, file: &'a File) -> FileJson<'a> {
    let (lines_added, lines_removed) = file.lines();
    let net = match (&file.base, &file.now) {
        (Some(base), Some(now)) => Some(changes::count(
            base.as_deref().unwrap_or_default(),
            now.as_deref().unwrap_or_default(),
        )),
        _ => None,
    };
    FileJson {
        path: &file.path,
        shown_as: files.name(file),
        changed: file.is_changed,
        certainty: file.certainty().word(),
        why: file.why().map(Gap::words),
        actions: file.events.len(),
        lines_added,
        lines_removed,
        net_added: net.map(|(added, _)| added),
        net_removed: net.map(|(_, removed)| removed),
        existed_before: file.base.as_ref().map(Option::is_some),
        exists_after: file.now.as_ref().map(Option::is_some),
        events: file.events.iter().map(|it| event(store, it)).collect(),
    }
}

fn event<'a>(store: &'a Store, event: &Event) -> EventJson<'a> {
    let row = store.row(event.action);
    EventJson {
        seq: row.seq(),
        turn: row.turn(),
        agent: number::name(row.agent()),
        tool: number::name(row.tool()),
        verb: event.verb.word(),
        outcome: event.outcome.word(),
        lines_added: event.added,
        lines_removed: event.removed,
        drifted: event.is_drifted,
    }
}
