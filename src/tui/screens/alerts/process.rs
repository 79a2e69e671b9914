//! The process of a run, as its trace names it.

use serde_json::Value;

use crate::ingest::formats::saferun::Saferun;
use crate::ingest::format::Format;
use crate::model::action::{ActionIx, Kind};
use crate::model::quantity::Time;
use crate::model::run::RunIx;
use crate::store::bodies::Depth;
use crate::tui::session::Opened;

/// The pid in the record of the start of a run; only our own format has one.
pub(super) fn recorded(opened: &mut Opened, run: RunIx) -> Option<i32> {
    let first = opened.store.run(run).first_action.get()?;
    if first.0 < opened.store.first() {
        return None;
    }
    let row = opened.store.row(first);
    if row.kind() != Kind::RunStart || row.source().format.name() != Saferun.name() {
        return None;
    }
    let body = opened.bodies.open(&row, Depth::Glance);
    let pid = body.record.as_ref()?.get("pid").and_then(Value::as_i64)?;
    i32::try_from(pid).ok().filter(|pid| *pid > 1)
}

/// When the run did its first thing: its process must be older.
pub(super) fn began(opened: &Opened, run: RunIx) -> Time {
    let store = &opened.store;
    let begin = store.run(run).first_action;
    let mut rows = (begin.0.max(store.first())..store.len()).map(|ix| store.row(ActionIx(ix)));
    let first = rows.find(|row| row.run_ix() == run && row.time().is_some());
    first.map_or(Time::NONE, |row| row.time())
}
