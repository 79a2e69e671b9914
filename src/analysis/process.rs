//! The process of a run, as named in its trace.

use serde_json::Value;

use crate::ingest::format::Format;
use crate::ingest::formats::saferun::Saferun;
use crate::model::action::{ActionIx, Kind};
use crate::model::quantity::Time;
use crate::model::run::RunIx;
use crate::store::Store;
use crate::store::bodies::{Bodies, Depth};

/// The pid in the record of the start of a run; only our own format has one. A trace can claim anything: this proves
/// nothing.
pub fn recorded(store: &Store, run: RunIx, bodies: &mut Bodies) -> Option<i32> {
    let first = store.run(run).first_action.get()?;
    if first.0 < store.first() {
        return None;
    }
    let row = store.row(first);
    if row.kind() != Kind::RunStart || row.source().format.name() != Saferun.name() {
        return None;
    }
    let body = bodies.open(&row, Depth::Full);
    let pid = body.record.as_ref()?.get("pid").and_then(Value::as_i64)?;
    i32::try_from(pid).ok().filter(|pid| *pid > 1)
}

/// When the run did its first thing: its process must be older.
pub fn began(store: &Store, run: RunIx) -> Time {
    let begin = store.run(run).first_action;
    let mut rows = (begin.0.max(store.first())..store.len()).map(|ix| store.row(ActionIx(ix)));
    let first = rows.find(|row| row.run_ix() == run && row.time().is_some());
    first.map_or(Time::NONE, |row| row.time())
}

#[cfg(test)]
mod tests {
    use super::{began, recorded};
    use crate::model::quantity::Time;
    use crate::model::run::RunIx;
    use crate::store::bodies::Bodies;
    use crate::store::testing::load;

    #[track_caller]
    fn check(pid: &str, expected: Option<i32>) {
        let trace = format!(
            "{{\"type\":\"run_start\",\"run_id\":\"r\",\"ts\":\"2026-11-22T10:00:00Z\"{pid}}}\n{{\"type\":\"prompt\",\"run_id\":\"r\",\"id\":\"p\",\"content\":\"x\"}}\n"
        );
        let store = load(&trace);
        let found = recorded(&store, RunIx(0), &mut Bodies::new());
        assert_eq!(found, expected, "{pid}");
        assert_eq!(began(&store, RunIx(0)), Time(1_795_341_600_000_000));
    }

    #[test]
    fn the_start_of_a_run_may_name_its_process() {
        check(r#","pid":4242"#, Some(4242));
        check("", None);
        check(r#","pid":1"#, None);
        check(r#","pid":"x""#, None);
        check(r#","pid":-7"#, None);
    }
}
