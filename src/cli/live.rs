//! `live`: what the agents of this machine are doing.

use std::collections::HashMap;
use std::path::PathBuf;

use jiff::tz::TimeZone;
use serde_json::{Value, json};

use crate::analysis::costs::spent::Spent;
use crate::analysis::life::{Arrival, Life, Pulse, doing};
use crate::analysis::project::{self, Project};
use crate::analysis::runs::{Key, Order, has_content};
use crate::analysis::title;
use crate::base::clock::{Clock, System};
use crate::base::human;
use crate::cli::columns::{Named, Offer};
use crate::cli::command::{Accepts, Command, GlobalOption};
use crate::cli::failure::{Exit, Failure};
use crate::cli::load::Read;
use crate::cli::records::Records;
use crate::cli::table::{self, Cell, Column, Cut};
use crate::cli::{Cx, explore};
use crate::export::json::live as live_json;
use crate::export::words::{self, Role};
use crate::ingest::discover::{Input, is_newer};
use crate::ingest::recent;
use crate::model::quantity::{Cost, Time};
use crate::model::run::{CostSource, RunIx};
use crate::query::value;
use crate::store::Store;
use crate::store::bodies::Bodies;

/// Show what all agents on this machine are doing, newest first: in the explorer, or as a table (into a
/// pipe, or with --json, --jsonl or --csv)
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  saferun-tui live
  saferun-tui live ~/work/logs --since 2h
  saferun-tui live --json | jq '.agents[] | select(.state == \"waiting\")'

States: running, waiting (for a person), idle, silent (a call is open, but nothing was added for ten
minutes), ended, abandoned. Runs that are not followed here are judged by their recorded times.

To be alerted when an agent waits for a person: alert = \"bell\" or \"osc9\" under [live] in the settings \
file.")]
pub struct Live {
    /// Folders, files or globs [default: where the known agents store their runs]
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Leave out files that were last written longer ago than this, such as 2h or 7d
    #[arg(long, value_name = "DURATION", default_value = "1d")]
    since: String,
}

impl Command for Live {
    const NAME: &'static str = "live";
    const ACCEPTS: Accepts = Accepts::READING
        .and(Accepts::RECORDS)
        .and(Accepts::SCREEN)
        .with(GlobalOption::MaxMem);

    fn run(self, cx: &mut Cx) -> anyhow::Result<Exit> {
        let now = System.now();
        let newer_than = value::since_instant(&self.since, Time(now), &TimeZone::UTC);
        let newer_than = newer_than.ok_or_else(|| {
            let what = format!(
                "--since: '{}' is not a duration such as 2h or 7d",
                self.since
            );
            Failure::Usage(what)
        })?;
        if cx.out.style.width.is_some() && cx.global.machine().is_none() {
            cx.load.options.newer_than = newer_than;
            return explore::overview(cx, folders(self.paths)?);
        }
        let (inputs, failed) = if self.paths.is_empty() {
            (stored_runs(), 0)
        } else {
            let found = cx.load.resolve(&cx.notes, &self.paths);
            (found.inputs, found.errors.len())
        };
        let is_wanted = |input: &Input| input.path().is_none_or(|it| is_newer(&it, newer_than));
        let inputs = inputs.into_iter().filter(is_wanted).collect();
        let mut read = cx.load.inputs(&cx.notes, inputs);
        read.failed += failed;
        print(cx, &read, now)?;
        // That no agent is at work is an answer too.
        if read.store.sources().is_empty() && read.failed == 0 {
            return Ok(Exit::Done);
        }
        Ok(read.exit(&cx.notes))
    }
}

/// What agents stored on this machine.
fn stored_runs() -> Vec<Input> {
    let found = explore::homes().map_or_else(Vec::new, |homes| recent::find(&homes));
    let files = found.into_iter().map(|recent| Input::File(recent.path));
    files.collect()
}

/// What was named, else the folders of agents that exist.
fn folders(named: Vec<PathBuf>) -> Result<Vec<PathBuf>, Failure> {
    if !named.is_empty() {
        return Ok(named);
    }
    let homes = explore::homes();
    let known = homes.as_ref().map_or_else(Vec::new, recent::folders);
    let stores = homes.as_ref().map_or_else(Vec::new, recent::stores);
    let found = known.iter().filter(|it| it.is_dir()).cloned();
    let found: Vec<PathBuf> = found.chain(stores).collect();
    if found.is_empty() {
        let known: Vec<_> = known.iter().map(|it| it.to_string_lossy()).collect();
        let what = format!(
            "no agent stores runs on this machine (looked in {})",
            known.join(", ")
        );
        return Err(Failure::Input(what));
    }
    Ok(found)
}

/// A run and what it is doing.
#[derive(Debug)]
pub(super) struct Agent<'a> {
    ix: RunIx,
    life: Life,
    project: Project,
    doing: String,
    /// Of its last minute.
    per_minute: Option<(Cost, CostSource)>,
    title: String,
    store: &'a Store,
}

const NAMED: &[Named] = &[
    Named::new("agent", "agent", Column::left("AGENT", 0).cut_to(10)),
    Named::new(
        "project",
        "project",
        Column::left("PROJECT", 3).cut_to(8).dropping(Cut::Middle),
    ),
    Named::new("state", "state", Column::left("STATE", 0)),
    Named::new("since", "state_for_ms", Column::right("SINCE", 1)),
    Named::new("now", "doing", Column::left("DOING NOW", 0).cut_to(20)),
    Named::new("pace", "cost_per_minute_usd", Column::right("$/MIN", 4)),
    Named::new("cost", "cost_usd", Column::right("COST", 2)),
    Named::new("title", "title", Column::left("TITLE", 5).cut_to(16)),
];

const OFFER: Offer<'_> = Offer {
    named: NAMED,
    members: live_json::MEMBERS,
    open: &[],
};

fn print(cx: &mut Cx, read: &Read, now: i64) -> anyhow::Result<()> {
    let agents = agents(&read.store, now);
    if let Some(machine) = cx.global.machine() {
        let records = Records {
            schema: live_json::SCHEMA,
            list: "agents",
            csv: live_json::MEMBERS,
            only: None,
            rest: vec![("at", json!(human::rfc3339(now)))],
        };
        let agents = agents.iter().map(Agent::record);
        return records.write(&mut cx.out, machine, agents);
    }
    if agents.is_empty() {
        cx.notes
            .note("no agent has written anything in that time (try --since 7d)");
        return Ok(());
    }
    let rows: Vec<Vec<Cell>> = agents.iter().map(|agent| agent.cells(cx)).collect();
    table::write(&mut cx.out, &OFFER.usual(|_| true).heads(), &rows)?;
    Ok(())
}

/// What was active last comes first.
fn agents(store: &Store, now: i64) -> Vec<Agent<'_>> {
    let all = (0..store.runs().len() as u32).map(RunIx);
    let mut runs: Vec<RunIx> = all.filter(|ix| has_content(store.run(*ix))).collect();
    let order = Order {
        key: Key::Active,
        falling: true,
    };
    order.sort(store, &mut runs);
    let mut pulse = Pulse::default();
    let arrival = Arrival {
        rows: store.first()..store.len(),
        settled: &[],
        runs: &runs,
    };
    pulse.see(store, &arrival, now);
    let spent = last_minute(store, now);
    let mut bodies = Bodies::new();
    let agent = |ix: &RunIx| Agent {
        ix: *ix,
        life: pulse.life(store, *ix, now),
        project: project::of(store, store.run(*ix)),
        doing: doing::words(store, (&pulse, *ix), &mut bodies),
        per_minute: spent.get(ix).and_then(Spent::cost),
        title: title::of(store, *ix, &mut bodies),
        store,
    };
    runs.iter().map(agent).collect()
}

/// What each run spent in the last minute.
fn last_minute(store: &Store, now: i64) -> HashMap<RunIx, Spent> {
    const MINUTE: i64 = 60_000_000;
    let mut spent: HashMap<RunIx, Spent> = HashMap::new();
    let is_recent =
        |time: Option<i64>| time.is_some_and(|time| (now - MINUTE..=now).contains(&time));
    for row in store.rows().filter(|row| is_recent(row.time().get())) {
        let sum = spent.entry(row.run_ix()).or_default();
        *sum = sum.plus(&Spent::of(&row));
    }
    spent
}

impl Agent<'_> {
    fn record(&self) -> Value {
        let activity = live_json::Activity {
            life: self.life,
            project: &self.project,
            doing: &self.doing,
            per_minute: self.per_minute,
            title: &self.title,
        };
        live_json::agent(self.store, self.ix, &activity)
    }

    /// The cells of all columns, in their order.
    fn cells(&self, cx: &Cx) -> Vec<Cell> {
        let style = &cx.out.style;
        let run = self.store.run(self.ix);
        let name = |raw: &str| Cell::new(style.clean(words::name(raw)));
        let span = self.life.span().map(human::roughly);
        let role = match self.life {
            Life::Waiting(_) | Life::Silent(_) => Role::Warn,
            Life::Busy | Life::Running(_) => Role::Good,
            Life::Gone => Role::Bad,
            Life::Recorded(_) | Life::Idle(_) => Role::Dim,
        };
        vec![
            name(self.store.symbols().name(run.who.agent)),
            name(self.project.name()),
            Cell::role(self.life.word(), role),
            Cell::new(span.unwrap_or_else(|| words::NOTHING.to_owned())),
            name(&self.doing),
            Cell::new(words::cost(self.per_minute)),
            Cell::new(words::cost(run.cost())),
            name(&self.title),
        ]
    }
}
