//! The permission modes of Claude Code runs, as far as their transcripts record them.

use std::collections::HashMap;

use crate::ingest::body::Body;
use crate::model::action::{ActionIx, Kind};
use crate::model::chunk::CHUNK_ROWS;
use crate::model::run::RunIx;
use crate::store::Store;
use crate::store::bodies;
use crate::store::row::Row;
use crate::store::search::{Needle, Reader};

/// Per run, the modes it changed to.
#[derive(Debug, Clone, Default)]
pub struct Modes(HashMap<RunIx, Vec<(ActionIx, String)>>);

const MODE: &str = "permissionMode";

impl Modes {
    /// Opens only records that name a mode.
    pub fn of(store: &Store) -> Modes {
        let needle = Needle::new(MODE, true);
        let mut reader = Reader::default();
        let mut modes = Modes::default();
        for (number, (chunk, _)) in store.chunks().enumerate() {
            let first = (number * CHUNK_ROWS) as u32;
            let row = |at: &u16| store.row(ActionIx(first + u32::from(*at)));
            let mut rows: Vec<u16> = (0..chunk.len() as u16)
                .filter(|at| may_name_mode(&row(at)))
                .collect();
            reader.narrow(store, number, &needle, &mut rows);
            rows.iter().map(row).for_each(|row| modes.learn(&row));
        }
        modes
    }

    fn learn(&mut self, row: &Row<'_>) {
        let Some(mode) = recorded(&bodies::own(row)) else {
            return;
        };
        let of = self.0.entry(row.run_ix()).or_default();
        if of.last().is_none_or(|(_, last)| *last != mode) {
            of.push((row.ix(), mode));
        }
    }

    /// The mode at an action; none if it is not recorded.
    pub fn at(&self, row: &Row<'_>) -> Option<&str> {
        let mut of = self.of_run(row.run_ix()).iter();
        let found = of.rfind(|(from, _)| *from <= row.ix())?;
        Some(&found.1)
    }

    /// The modes of a run, each from the action on at which it was recorded.
    pub(super) fn of_run(&self, run: RunIx) -> &[(ActionIx, String)] {
        self.0.get(&run).map_or(&[], Vec::as_slice)
    }
}

/// Calls and responses name no mode; records of the user or the program may.
fn may_name_mode(row: &Row<'_>) -> bool {
    !matches!(
        row.kind(),
        Kind::ToolCall | Kind::Response | Kind::Reasoning
    ) && row.source().format.name().starts_with("claude")
}

fn recorded(body: &Body) -> Option<String> {
    let mode = body.labels.iter().find(|(name, _)| name == MODE);
    mode.map(|(_, mode)| mode.clone())
}
