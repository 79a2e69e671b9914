//! The actions of a run as alignment sees them: calls with their results, what the model said, what the
//! user said.

use std::collections::HashMap;

use crate::analysis::diff::mask::Blind;
use crate::analysis::diff::pair;
use crate::analysis::diff::step::{Came, Sort, Step, result_key};
use crate::base::cancel::CancelFlag;
use crate::model::action::{ActionIx, Flags, Kind, Status};
use crate::model::run::RunIx;
use crate::store::Store;
use crate::store::bodies::{self, Depth};
use crate::store::row::Row;
use crate::store::search;

/// One of two runs.
#[derive(Debug, Clone, Copy)]
pub struct Side<'a> {
    pub store: &'a Store,
    pub run: RunIx,
}

/// The prepared actions of a run, and where each of them is in its store.
#[derive(Debug, Clone, Default)]
pub struct Steps {
    pub steps: Vec<Step>,
    pub rows: Vec<ActionIx>,
    /// Rows of the run that are not compared: reasoning, notes, what the harness put in, ends.
    pub left_out: usize,
}

/// Actions that are prepared together.
const TOGETHER: usize = 256;

/// Reads the actions of a run. `None` when cancelled.
pub fn steps(
    (store, rows): (&Store, Vec<ActionIx>),
    blind: &Blind,
    cancel: &CancelFlag,
    tell: &mut dyn FnMut(usize),
) -> Option<Steps> {
    let mut read = Steps::default();
    let work = |(): &mut (), number: usize| {
        let rows = rows.chunks(TOGETHER).nth(number).unwrap_or_default();
        let steps = rows.iter().map(|ix| {
            let step = step(&store.row(*ix), blind);
            (*ix, step)
        });
        steps.collect::<Vec<_>>()
    };
    let count = rows.len().div_ceil(TOGETHER);
    search::in_order(count, cancel, work, &mut |_, steps| {
        for (ix, step) in steps {
            match step {
                Some(step) => {
                    read.steps.push(step);
                    read.rows.push(ix);
                }
                None => read.left_out += 1,
            }
        }
        tell(read.rows.len() + read.left_out);
    });
    (!cancel.is_raised()).then_some(read)
}

/// The rows of a run: those of a subagent behind the call that started it, because agents that work
/// side by side take turns in another way each time.
pub fn rows(side: Side<'_>) -> Vec<ActionIx> {
    let lanes = &side.store.run(side.run).lanes;
    let mut started: HashMap<ActionIx, Vec<ActionIx>> = HashMap::new();
    let starters: HashMap<_, _> = lanes
        .iter()
        .filter_map(|lane| Some((lane.agent, lane.parent.get()?)))
        .collect();
    let mut main = Vec::new();
    for (number, (chunk, _)) in side.store.chunks().enumerate() {
        let of_run = chunk.run.iter().enumerate();
        let of_run = of_run.filter(|(_, run)| **run == side.run);
        for (at, _) in of_run {
            let ix = ActionIx((number * crate::model::chunk::CHUNK_ROWS + at) as u32);
            match starters.get(&chunk.agent[at]) {
                Some(starter) => started.entry(*starter).or_default().push(ix),
                None => main.push(ix),
            }
        }
    }
    if started.is_empty() {
        return main;
    }
    let mut ordered = Vec::with_capacity(main.len());
    let mut waiting: Vec<ActionIx> = main.into_iter().rev().collect();
    while let Some(ix) = waiting.pop() {
        ordered.push(ix);
        waiting.extend(started.remove(&ix).into_iter().flatten().rev());
    }
    // What was started by a call of another run, or in a circle, is not lost.
    let mut rest: Vec<ActionIx> = started.into_values().flatten().collect();
    rest.sort_unstable();
    ordered.extend(rest);
    ordered
}

/// An action, prepared; none for a row that is no action of the agent or its user.
fn step(row: &Row<'_>, blind: &Blind) -> Option<Step> {
    let sort = match row.kind() {
        Kind::ToolCall => Sort::Tool,
        Kind::Response => Sort::Say,
        Kind::Prompt if !row.flags().has(Flags::META) => Sort::User,
        Kind::Prompt
        | Kind::Reasoning
        | Kind::PolicyDecision
        | Kind::Approval
        | Kind::Error
        | Kind::Note
        | Kind::RunStart
        | Kind::RunEnd
        | Kind::Malformed
        | Kind::Unknown => return None,
    };
    let body = bodies::open(row, Depth::Full);
    if sort != Sort::Tool {
        // A model call that only asks for tools says nothing: its calls are compared.
        let text = body.text.as_deref().filter(|text| !text.trim().is_empty());
        return text.map(|text| Step::words(sort, &blind.text(text)));
    }
    let result = pair::result(&body).map(|result| blind.result(result));
    let result = result.as_ref().map(result_key).unwrap_or_default();
    let args = blind.args(body.args.unwrap_or_default());
    let came = Came {
        result: &result,
        is_error: matches!(row.status(), Status::Error | Status::Timeout),
        is_blocked: matches!(row.status(), Status::Blocked | Status::Denied),
    };
    Some(Step::call(row.tool(), &args, came))
}
