//! Reads a run for alignment: calls with their results, model responses, and user input.

use std::collections::HashMap;

use crate::analysis::diff::mask::IgnoreRules;
use crate::analysis::diff::pair;
use crate::analysis::diff::step::{CallOutcome, Sort, Step, result_key};
use crate::base::cancel::CancelFlag;
use crate::model::action::{ActionIx, Flags, Kind, Status};
use crate::model::run::RunIx;
use crate::store::Store;
use crate::store::bodies::{self, Depth};
use crate::store::row::Row;
use crate::store::search;

/// One of the two runs.
#[derive(Debug, Clone, Copy)]
pub struct Side<'a> {
    pub store: &'a Store,
    pub run: RunIx,
}

/// The steps of a run, and the row of each.
#[derive(Debug, Clone, Default)]
pub struct Steps {
    pub steps: Vec<Step>,
    pub rows: Vec<ActionIx>,
    /// Rows that are not compared: reasoning, notes, harness prompts, starts and ends.
    pub left_out: usize,
}

/// Actions per unit of work.
const TOGETHER: usize = 256;

/// Reads the actions of a run. `None` if cancelled.
pub fn steps(
    (store, rows): (&Store, Vec<ActionIx>),
    blind: &IgnoreRules,
    cancel: &CancelFlag,
    report: &mut dyn FnMut(usize),
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
        report(read.rows.len() + read.left_out);
    });
    (!cancel.is_raised()).then_some(read)
}

/// The rows of a run, with those of a subagent placed after the call that started it, since
/// parallel agents interleave differently each time.
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
    // Keep rows started by a call of another run, or in a cycle.
    let mut rest: Vec<ActionIx> = started.into_values().flatten().collect();
    rest.sort_unstable();
    ordered.extend(rest);
    ordered
}

/// The step of an action, or `None` for rows that are not actions of the agent or its user.
fn step(row: &Row<'_>, blind: &IgnoreRules) -> Option<Step> {
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
        // A model call without text is skipped: its tool calls are compared.
        let text = body.text.as_deref().filter(|text| !text.trim().is_empty());
        return text.map(|text| Step::words(sort, &blind.text(text)));
    }
    let result = pair::result(&body).map(|result| blind.result(result));
    let result = result.as_ref().map(result_key).unwrap_or_default();
    let args = blind.args(body.args.unwrap_or_default());
    let outcome = CallOutcome {
        result: &result,
        is_error: matches!(row.status(), Status::Error | Status::Timeout),
        is_blocked: matches!(row.status(), Status::Blocked | Status::Denied),
    };
    Some(Step::call(row.tool(), &args, outcome))
}
