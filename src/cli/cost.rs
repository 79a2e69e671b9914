//! `cost`: what runs cost, and why.

mod report;
mod tables;

use std::collections::HashSet;

use clap::builder::PossibleValuesParser;
use serde_json::Value;

use crate::analysis::costs::lanes::{self, Lanes};
use crate::analysis::costs::limits::{self, Window};
use crate::analysis::costs::misses::{self, Misses};
use crate::analysis::costs::toll::{self, Toll};
use crate::analysis::costs::{By, Costs, Line};
use crate::base::cancel::CancelFlag;
use crate::cli::args::{Machine, Paths};
use crate::cli::command::{Accepts, Command, GlobalOption};
use crate::cli::failure::Exit;
use crate::cli::records::Records;
use crate::cli::{Cx, filter};
use crate::export::json::cost as cost_json;
use crate::model::action::ActionIx;
use crate::model::run::RunIx;
use crate::store::Store;

/// Show what runs cost, and why
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  saferun-tui cost trace.jsonl
  saferun-tui cost traces/ --by model
  saferun-tui cost trace.jsonl#7f3a91 --by result --limit 5     the costliest results to reread
  saferun-tui cost traces/ --by call --csv > calls.csv

What is listed:
  turn, model, subagent, run   model calls, with their tokens and cost
  tool      the model calls that asked for the tool; a call that asked for several is split evenly
            over its tool calls, so the lines add up to the total
  kind      fresh input, cache reads, cache writes for 5 minutes and for 1 hour, output (reasoning
            is a part of it); a cost recorded as one sum is split in proportion to list prices
  call      every model call, the most expensive first
  result    the toll of each result: what it cost to be read in every model call after it, the first
            one included: its tokens, estimated from its length, at the list price of that part of
            each later prompt, until the history is compacted
  miss      calls that paid again for a prefix that was cached by the previous call: where the two
            requests first differ, or how long the pause was, and what the rebuild cost

≈ marks estimates, ≥ sums with model calls of unknown price. What a forked or resumed run copied is
counted where it was first recorded. --jsonl and --csv list calls unless --by names something else.")]
pub struct Cost {
    #[command(flatten)]
    paths: Paths,
    /// Print only this list, in full
    #[arg(long, value_name = "WHAT", value_parser = words())]
    by: Option<String>,
    /// Print at most N lines of each list
    #[arg(long, value_name = "N")]
    limit: Option<usize>,
}

fn words() -> PossibleValuesParser {
    PossibleValuesParser::new(By::ALL.iter().map(|by| by.word()))
}

impl Command for Cost {
    const NAME: &'static str = "cost";
    const ACCEPTS: Accepts = Accepts::READING
        .and(Accepts::RECORDS)
        .with(GlobalOption::Where);

    fn run(self, cx: &mut Cx) -> anyhow::Result<Exit> {
        let expr = filter::condition(cx)?;
        let read = cx.load.paths(&cx.notes, &self.paths.or_stdin()?)?;
        let exit = read.exit(&cx.notes);
        let rows = match &expr {
            Some(expr) => filter::rows(cx, &read.store, expr),
            None => read.store.rows().map(|row| row.ix()).collect(),
        };
        let rows = read.selected(rows);
        let by = self.by.as_deref().and_then(By::from_word);
        let found = CostReport::new(cx, &read.store, &rows, by);
        match (cx.global.machine(), by) {
            (Some(Machine::Json), None) => document(cx, &found, self.limit)?,
            (Some(machine), by) => {
                list(cx, &found, (machine, by.unwrap_or(By::Call)), self.limit)?;
            }
            (None, Some(by)) => tables::write(cx, &found, by, self.limit)?,
            (None, None) => report::write(cx, &found, self.limit)?,
        }
        Ok(exit)
    }
}

/// Everything that can be printed.
#[derive(Debug)]
pub(super) struct CostReport<'a> {
    store: &'a Store,
    costs: Costs,
    /// None where they were not asked for: finding them reads the bodies of actions.
    tolls: Option<Vec<Toll>>,
    misses: Option<Misses>,
    /// Of the only run, if it reports any.
    windows: Vec<Window>,
}

impl<'a> CostReport<'a> {
    fn new(cx: &Cx, store: &'a Store, rows: &[ActionIx], by: Option<By>) -> CostReport<'a> {
        let never = CancelFlag::new();
        let prices = &cx.load.options.prices;
        let costs = Costs::of(store, rows, prices, &never);
        let is_asked = |what: By| by.map_or(costs.runs.len() == 1, |by| by == what);
        let lanes = if is_asked(By::Result) || is_asked(By::Miss) {
            let runs: HashSet<RunIx> = rows.iter().map(|ix| store.row(*ix).run_ix()).collect();
            lanes::lanes(store, |run| runs.contains(&run), prices)
        } else {
            Lanes::new()
        };
        let tolls = is_asked(By::Result)
            .then(|| toll::tolls(store, rows, &lanes, &never).unwrap_or_default());
        let misses =
            is_asked(By::Miss).then(|| misses::misses(store, &lanes, &never).unwrap_or_default());
        let windows = match costs.runs.as_slice() {
            [only] if by.is_none() => {
                limits::windows(store, store.row(only.action).run_ix(), &never)
            }
            _ => Vec::new(),
        };
        CostReport {
            store,
            costs,
            tolls,
            misses,
            windows,
        }
    }

    fn lines(&self, by: By) -> &[Line] {
        match by {
            By::Turn => &self.costs.turns,
            By::Model => &self.costs.models,
            By::Tool => &self.costs.tools,
            By::Subagent => &self.costs.agents,
            By::Run => &self.costs.runs,
            By::Call | By::Kind | By::Result | By::Miss => &[],
        }
    }

    fn records(&self, by: By, limit: usize) -> Vec<Value> {
        let (store, costs) = (self.store, &self.costs);
        match by {
            By::Call => {
                let calls = costs.calls.iter().take(limit);
                calls.map(|ix| cost_json::call(store, costs, *ix)).collect()
            }
            By::Kind => {
                let kinds = costs.kinds.iter().take(limit);
                kinds.map(|line| cost_json::kind(costs, line)).collect()
            }
            By::Result => {
                let tolls = self.tolls.iter().flatten().take(limit);
                tolls.map(|toll| cost_json::toll(store, toll)).collect()
            }
            By::Miss => {
                let misses = self.misses.iter().flat_map(|it| &it.found).take(limit);
                misses.map(|miss| cost_json::miss(store, miss)).collect()
            }
            By::Turn | By::Model | By::Tool | By::Subagent | By::Run => {
                let lines = self.lines(by).iter().take(limit);
                lines
                    .map(|line| cost_json::line(store, costs, line))
                    .collect()
            }
        }
    }
}

fn list(
    cx: &mut Cx,
    found: &CostReport<'_>,
    (machine, by): (Machine, By),
    limit: Option<usize>,
) -> anyhow::Result<()> {
    let mut rest = vec![("by", Value::from(by.word()))];
    rest.extend(cost_json::head(&found.costs));
    let records = Records {
        schema: cost_json::SCHEMA,
        list: "lines",
        csv: cost_json::members(by),
        only: None,
        rest,
    };
    let lines = found.records(by, limit.unwrap_or(usize::MAX));
    records.write(&mut cx.out, machine, lines.into_iter())
}

/// Every list in one document, each under its word.
fn document(cx: &mut Cx, found: &CostReport<'_>, limit: Option<usize>) -> anyhow::Result<()> {
    let limit = limit.unwrap_or(usize::MAX);
    let mut rest = cost_json::head(&found.costs);
    let lists = By::ALL.iter().filter(|by| match by {
        By::Call => false,
        By::Result => found.tolls.is_some(),
        By::Miss => found.misses.is_some(),
        By::Turn | By::Model | By::Tool | By::Subagent | By::Kind | By::Run => true,
    });
    rest.extend(lists.map(|by| (by.list(), found.records(*by, limit).into())));
    if !found.windows.is_empty() {
        let windows = found.windows.iter().map(cost_json::window);
        rest.push(("rate_limits", windows.collect()));
    }
    let records = Records {
        schema: cost_json::SCHEMA,
        list: By::Call.list(),
        csv: &[],
        only: None,
        rest,
    };
    let calls = found.records(By::Call, limit);
    records.write(&mut cx.out, Machine::Json, calls.into_iter())
}
