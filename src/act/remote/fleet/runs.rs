//! Rows of runs, as a store of runs without their actions.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;

use serde_json::Value;

use super::cells::{Cells, whole};
use crate::analysis::cohort::measure::{MEASURES, Values};
use crate::analysis::cohort::observe::{Ends, Observed};
use crate::analysis::cohort::traits::Traits;
use crate::ingest::bytes::Bytes;
use crate::ingest::records::{Account, Framing};
use crate::ingest::{Batch, Source, formats};
use crate::model::action::{ActionIx, SourceIx};
use crate::model::quantity::Cost;
use crate::model::run::{Inherited, Lane, Run, RunIx, RunStatus, Totals, Who};
use crate::model::symbol::Sym;
use crate::store::Store;

/// Runs that were read from the engine.
#[derive(Debug, Default)]
pub struct Held {
    pub store: Store,
    /// What was observed of each run when it was loaded.
    pub observed: Vec<Observed>,
    /// For each mark that was asked for, the runs that have it.
    pub marks: Vec<Vec<bool>>,
}

/// Collects rows.
#[derive(Debug, Default)]
pub(super) struct Gather {
    runs: Vec<(RunIx, Arc<Run>)>,
    observed: Vec<Observed>,
    marks: Vec<Vec<bool>>,
    names: Vec<Box<str>>,
    numbers: HashMap<Box<str>, Sym>,
    sources: HashMap<(String, String), SourceIx>,
    found: Vec<Arc<Source>>,
}

/// The columns of a page of runs; `mark0` and so on follow.
pub(super) const COLUMNS: &str = "run_id, place, toUnixTimestamp64Milli(loaded_at) AS loaded, toUnixTimestamp64Micro(started) AS began, \
     toUnixTimestamp64Micro(ended) AS over, took_us, status, title, path, format, parent_run, agent, agents, models, \
     provider, user, service, env, release, task, trial, input_hash, cost_pico, cost_source, tok_in, tok_out, tok_read, \
     tok_write, tok_reasoning, turns, actions, tool_calls, errors, blocked, denied, retries, pending, unpriced, score, \
     correct, inherited_from, inherited, m, calls, calls_blocked, calls_failed, traits";

impl Gather {
    pub(super) fn new(marks: usize) -> Gather {
        Gather {
            marks: vec![Vec::new(); marks],
            ..Gather::default()
        }
    }

    pub(super) fn add(&mut self, row: &Value) {
        let cells = Cells(row);
        let ix = RunIx(self.runs.len() as u32);
        let run = self.run(cells);
        self.runs.push((ix, Arc::new(run)));
        let observed = self.seen(cells);
        self.observed.push(observed);
        for (at, mark) in self.marks.iter_mut().enumerate() {
            mark.push(cells.is_true(&format!("mark{at}")) == Some(true));
        }
    }

    fn sym(&mut self, name: &str) -> Sym {
        if name.is_empty() {
            return Sym::NONE;
        }
        if let Some(known) = self.numbers.get(name) {
            return *known;
        }
        self.names.push(name.into());
        let sym = Sym(self.names.len() as u32);
        self.numbers.insert(name.into(), sym);
        sym
    }

    fn source(&mut self, cells: Cells<'_>) -> SourceIx {
        let (path, format) = (cells.text("path"), cells.text("format"));
        let next = SourceIx(self.found.len() as u32);
        let key = (path.to_owned(), format.to_owned());
        let known = *self.sources.entry(key).or_insert(next);
        if known == next {
            let format = formats::by_name(format).unwrap_or(formats::FORMATS[0]);
            let read_as = (format, Framing::Lines);
            let source = Source::new(PathBuf::from(path), Bytes::Static(b""), read_as);
            self.found.push(Arc::new(source));
        }
        known
    }

    fn run(&mut self, cells: Cells<'_>) -> Run {
        let status = cells.text("status");
        let status = RunStatus::ALL.iter().find(|it| it.word() == status);
        let lanes = cells.texts("agents").map(|agent| Lane {
            agent: self.sym(agent),
            parent: ActionIx::NONE,
        });
        let lanes = lanes.collect();
        let title = Some(cells.text("title")).filter(|it| !it.is_empty());
        let parent = Some(cells.text("parent_run")).filter(|it| !it.is_empty());
        Run {
            id: cells.text("run_id").into(),
            source: self.source(cells),
            who: self.who(cells),
            started: cells.time("began"),
            ended: cells.time("over"),
            took: cells.elapsed("took_us"),
            status: status.copied().unwrap_or_default(),
            totals: totals(cells),
            inherited: inherited(cells),
            lanes,
            parent_run: parent.map(Box::from),
            score: cells.float("score"),
            correct: cells.is_true("correct"),
            first_action: ActionIx::NONE,
            first_prompt: ActionIx::NONE,
            title: title.map(Box::from),
            span_name: None,
        }
    }

    fn who(&mut self, cells: Cells<'_>) -> Who {
        Who {
            agent: self.sym(cells.text("agent")),
            models: cells.texts("models").map(|it| self.sym(it)).collect(),
            user: self.sym(cells.text("user")),
            service: self.sym(cells.text("service")),
            env: self.sym(cells.text("env")),
            task: self.sym(cells.text("task")),
            trial: self.sym(cells.text("trial")),
            release: self.sym(cells.text("release")),
            provider: self.sym(cells.text("provider")),
        }
    }

    fn seen(&mut self, cells: Cells<'_>) -> Observed {
        let mut values = Values::default();
        let measured = cells.0.get("m");
        for info in MEASURES {
            let value = measured.and_then(|it| it.get(info.name)?.as_f64());
            values.set(info.measure, value);
        }
        let mut traits = Traits::default();
        let of_run = cells.0.get("traits").and_then(Value::as_object);
        for (name, value) in of_run.into_iter().flatten() {
            traits.count(name, value.as_str().unwrap_or_default().to_owned());
        }
        Observed {
            values,
            calls: cells.texts("calls").map(|tool| self.sym(tool)).collect(),
            ends: Ends {
                blocked: cells.small("calls_blocked"),
                failed: cells.small("calls_failed"),
            },
            input: u64::from_str_radix(cells.text("input_hash"), 16).ok(),
            traits,
        }
    }

    pub(super) fn done(self) -> Held {
        let mut store = Store::new();
        let rows = self.runs.len() as u64;
        store.add_sources(self.found);
        store.set_account(
            SourceIx(0),
            Account {
                lines_ok: rows,
                ..Account::default()
            },
        );
        store.append(Batch {
            symbols: self.names,
            runs: self.runs,
            ..Batch::default()
        });
        Held {
            store,
            observed: self.observed,
            marks: self.marks,
        }
    }
}

fn totals(cells: Cells<'_>) -> Totals {
    let cost = cells.cost("cost_pico");
    let nothing = if cost.is_some() { Cost(0) } else { Cost::NONE };
    // Of a mixed cost, only the sum is kept.
    let (recorded, estimated) = match cells.text("cost_source") {
        "estimated" => (Cost::NONE, cost),
        "mixed" => (cost, nothing),
        _ => (cost, Cost::NONE),
    };
    Totals {
        turns: cells.small("turns"),
        actions: cells.small("actions"),
        tool_calls: cells.small("tool_calls"),
        errors: cells.small("errors"),
        blocked: cells.small("blocked"),
        denied: cells.small("denied"),
        retries: cells.small("retries"),
        pending: cells.small("pending"),
        unpriced: cells.small("unpriced"),
        usage: cells.usage("tok"),
        recorded_cost: recorded,
        estimated_cost: estimated,
        ..Totals::default()
    }
}

fn inherited(cells: Cells<'_>) -> Option<Box<Inherited>> {
    let figures = cells
        .0
        .get("inherited")
        .filter(|it| it.as_object().is_some_and(|it| !it.is_empty()))?;
    let own = Cells(figures);
    Some(Box::new(Inherited {
        from: cells.text("inherited_from").into(),
        totals: Totals {
            tool_calls: own.small("tool_calls"),
            errors: own.small("errors"),
            usage: own.usage("tok"),
            run_cost: own.cost("cost_pico"),
            ..Totals::default()
        },
    }))
}

/// Where a page ends: the load and the place in it.
pub(super) fn end_of(row: &Value) -> Option<(i64, i64)> {
    Some((whole(row.get("loaded")?)?, whole(row.get("place")?)?))
}
