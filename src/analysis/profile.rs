//! A run at a glance: its tools, and the distribution of its actions over time.

use std::collections::HashMap;

use crate::analysis::summary;
use crate::base::cancel::CancelFlag;
use crate::model::action::{ActionIx, Kind, Status};
use crate::model::chunk::CHUNK_ROWS;
use crate::model::run::{Grade, RunIx, RunStatus};
use crate::model::symbol::Sym;
use crate::store::Store;
use crate::store::bodies::{Bodies, Depth};

/// How often a run used a tool, and with what outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ToolUse {
    pub tool: Sym,
    pub calls: u32,
    /// Blocked by a policy or denied by a person.
    pub stopped: u32,
    pub failed: u32,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Profile {
    /// Most used first.
    pub tools: Vec<ToolUse>,
    /// The number of actions per equal slice of the run's time; empty if no times are recorded.
    pub shape: Vec<u32>,
    /// The row that shows how the run ended: its recorded end, else its last error.
    pub end: Option<ActionIx>,
}

/// Profiles one run. Stops between chunks if cancelled.
pub fn profile(store: &Store, run: RunIx, slices: usize, cancel: &CancelFlag) -> Profile {
    let mut profile = Profile::default();
    let (Some(first), total) = (
        store.run(run).first_action.get(),
        store.run(run).totals.actions,
    ) else {
        return profile;
    };
    let (start, end) = (store.run(run).started.get(), store.run(run).ended.get());
    let length = start.zip(end).map(|(start, end)| (start, end - start));
    let length = length.filter(|(_, length)| *length > 0 && slices > 0);
    if length.is_some() {
        profile.shape = vec![0; slices];
    }
    let mut places = HashMap::new();
    let mut seen = 0;
    let chunks = store.chunks().enumerate();
    for (number, (chunk, _)) in chunks.skip(first.0 as usize / CHUNK_ROWS) {
        if cancel.is_raised() || seen >= total {
            break;
        }
        let ours = (0..chunk.len()).filter(|row| chunk.run[*row] == run);
        for row in ours.filter(|row| chunk.kind[*row] != Kind::Malformed) {
            seen += 1;
            let action = store.row(ActionIx((number * CHUNK_ROWS + row) as u32));
            if let (Some((start, length)), Some(time)) = (length, action.time().get()) {
                let slice = i128::from(time - start) * slices as i128 / i128::from(length);
                let slice = usize::try_from(slice).unwrap_or(0).min(slices - 1);
                profile.shape[slice] += 1;
            }
            if shows_end(action.kind(), action.status()) {
                profile.end = Some(action.ix());
            }
            if action.kind() == Kind::ToolCall {
                let tool = chunk.tool[row];
                let at = *places.entry(tool).or_insert(profile.tools.len());
                profile.count((at, tool), action.status());
            }
        }
    }
    profile
        .tools
        .sort_by_key(|used| std::cmp::Reverse(used.calls));
    profile
}

/// A recorded end is the last row, unless more was recorded after it: then its last error counts.
fn shows_end(kind: Kind, status: Status) -> bool {
    match kind {
        Kind::RunEnd | Kind::Error => true,
        Kind::ToolCall | Kind::Response => matches!(status, Status::Error | Status::Timeout),
        Kind::Prompt
        | Kind::Reasoning
        | Kind::PolicyDecision
        | Kind::Approval
        | Kind::Note
        | Kind::RunStart
        | Kind::Malformed
        | Kind::Unknown => false,
    }
}

impl Profile {
    /// Why the run did not end well, in a line; `None` if it did, or nothing is recorded about it. Raw.
    pub fn why(&self, store: &Store, run: RunIx, bodies: &mut Bodies) -> Option<String> {
        let ended = store.run(run);
        let is_bad = match ended.status {
            RunStatus::Error | RunStatus::Blocked | RunStatus::Cancelled => true,
            RunStatus::Unknown | RunStatus::Ok | RunStatus::Running | RunStatus::Unfinished => {
                ended.grade() == Some(Grade::Wrong)
            }
        };
        let row = store.row(self.end.filter(|_| is_bad)?);
        Some(summary::line(&row, &bodies.open(&row, Depth::Glance)))
    }

    /// Counts a call of the tool that has this place among the tools, or the next one.
    fn count(&mut self, (at, tool): (usize, Sym), status: Status) {
        if at == self.tools.len() {
            self.tools.push(ToolUse {
                tool,
                calls: 0,
                stopped: 0,
                failed: 0,
            });
        }
        let used = &mut self.tools[at];
        used.calls += 1;
        match status {
            Status::Blocked | Status::Denied => used.stopped += 1,
            Status::Error | Status::Timeout => used.failed += 1,
            Status::Unrecorded | Status::Ok | Status::Cancelled | Status::Pending => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::profile;
    use crate::base::cancel::CancelFlag;
    use crate::ingest::discover::Input;
    use crate::ingest::intake;
    use crate::ingest::prices::PriceTable;
    use crate::model::run::RunIx;
    use crate::store::Store;
    use crate::store::bodies::Bodies;

    const RUN: &str = r#"{"type":"prompt","run_id":"r","id":"p","ts":"2026-11-22T10:00:00Z","content":"x"}
{"type":"tool_call","run_id":"r","id":"c1","ts":"2026-11-22T10:00:01Z","tool":"read"}
{"type":"tool_result","run_id":"r","call_id":"c1","ts":"2026-11-22T10:00:01Z","status":"error"}
{"type":"prompt","run_id":"other","id":"q","ts":"2026-11-22T10:00:02Z","content":"x"}
{"type":"tool_call","run_id":"r","id":"c2","ts":"2026-11-22T10:00:08Z","tool":"pay"}
{"type":"tool_result","run_id":"r","call_id":"c2","ts":"2026-11-22T10:00:08Z","status":"blocked"}
{"type":"tool_call","run_id":"r","id":"c3","ts":"2026-11-22T10:00:10Z","tool":"read"}
"#;

    fn loaded(trace: &'static str) -> Store {
        let input = Input::Bundled {
            name: "run.jsonl",
            bytes: trace.as_bytes(),
            companions: &[],
        };
        let options = intake::Options::new(PriceTable::built_in());
        Store::load(intake::load(vec![input], options)).0
    }

    #[test]
    fn the_end_of_a_run_shows_why_it_failed() {
        const END: &str = r#"{"type":"run_end","run_id":"r","ts":"2026-11-22T10:00:12Z","status":"error","reason":"gave up"}
"#;
        let found = |text: String| {
            let store = loaded(text.leak());
            let found = profile(&store, RunIx(0), 2, &CancelFlag::new());
            found.why(&store, RunIx(0), &mut Bodies::new())
        };
        assert_eq!(found(RUN.to_owned()), None);
        let why = found(format!("{RUN}{END}"));
        assert_eq!(why.as_deref(), Some("error · gave up"));
    }

    #[test]
    fn tools_and_shape_cover_only_the_given_run() {
        let store = loaded(RUN);
        let found = profile(&store, RunIx(0), 2, &CancelFlag::new());
        let tools: Vec<_> = found
            .tools
            .iter()
            .map(|used| {
                let name = store.symbols().name(used.tool);
                (name, used.calls, used.stopped, used.failed)
            })
            .collect();
        assert_eq!(tools, [("read", 2, 0, 1), ("pay", 1, 1, 0)]);
        assert_eq!(found.shape, [2, 2]);
    }
}
