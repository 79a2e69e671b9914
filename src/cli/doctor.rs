//! `doctor` and `keep`: the runs that agents store on this machine, what they will delete, and copies of what is due
//! soon.

use std::path::PathBuf;

use serde_json::{Value, json};

use crate::act::keep::{CopyOutcome, FOLDER, Keeper};
use crate::base::clock::{Clock, System};
use crate::base::human;
use crate::cli::Cx;
use crate::cli::command::{Accepts, Command};
use crate::cli::explore;
use crate::cli::failure::{Exit, Failure};
use crate::cli::records::Records;
use crate::cli::table::{self, Cell, Column};
use crate::export::words::Role;
use crate::ingest::formats::FORMATS;
use crate::ingest::recent::cleanup::{self, Rule};
use crate::ingest::recent::{self, Homes, Recent};
use crate::ingest::relations::Relations;
use crate::model::quantity::Time;

/// Show which agents store runs on this machine, how much, and what they will delete
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  saferun-tui doctor
  saferun-tui doctor --json | jq '.agents[] | select(.due > 0)'

DUE counts the runs that the agent itself will delete within 7 days, KEPT those of them that
saferun-tui keep has copied as they are now.")]
pub struct Doctor {}

/// Copy runs that their agents will delete soon into the state folder, compressed; they open as before
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  saferun-tui keep --dry-run
  saferun-tui keep --within 14
  saferun-tui ~/.local/state/saferun-tui/kept     open what was kept

Copies are made in $XDG_STATE_HOME/saferun-tui/kept, readable only by you. Nothing is moved or deleted.")]
pub struct Keep {
    /// Runs that will be deleted within this many days
    #[arg(long, value_name = "DAYS", default_value_t = SOON)]
    within: i64,
    /// List what would be copied, and copy nothing
    #[arg(long)]
    dry_run: bool,
}

/// From how many days before its deletion a run is called due.
const SOON: i64 = 7;

/// The runs of one agent.
#[derive(Debug)]
struct AgentRuns {
    format: &'static str,
    places: Vec<PathBuf>,
    runs: Vec<Recent>,
    bytes: u64,
    rule: Option<Rule>,
}

/// How many runs an agent will delete soon, and how many of those have an up-to-date copy; `None` if no rule or no
/// folder for copies is known.
#[derive(Debug, Clone, Copy)]
struct Counts {
    due: Option<usize>,
    kept: Option<usize>,
}

fn homes() -> Result<Homes, Failure> {
    let what = || Failure::Input("no home folder: HOME is not set".to_owned());
    explore::homes().ok_or_else(what)
}

fn found(homes: &Homes) -> Vec<AgentRuns> {
    let mut all = recent::find(homes);
    let stores = recent::stores(homes);
    let mut found = Vec::new();
    for format in FORMATS {
        let (runs, rest) = all
            .into_iter()
            .partition(|run: &Recent| run.format.name() == format.name());
        all = rest;
        let runs: Vec<Recent> = runs;
        if runs.is_empty() {
            continue;
        }
        let is_own = |store: &&PathBuf| runs.iter().any(|run| run.path.starts_with(store));
        let own: Vec<PathBuf> = stores.iter().filter(is_own).cloned().collect();
        let in_stores: u64 = own
            .iter()
            .map(|it| it.metadata().map_or(0, |it| it.len()))
            .sum();
        let folders = recent::folders_of(*format, homes).into_iter();
        let places = folders.filter(|folder| {
            runs.iter()
                .any(|run| run.path.starts_with(folder) && run.size > 0)
        });
        found.push(AgentRuns {
            format: format.name(),
            places: places.chain(own).collect(),
            bytes: runs.iter().map(|run| run.size).sum::<u64>() + in_stores,
            rule: cleanup::rule(format.name(), homes),
            runs,
        });
    }
    found
}

impl AgentRuns {
    fn due(&self, now: Time, within: i64) -> Vec<&Recent> {
        let is_due = |run: &&Recent| {
            self.rule
                .as_ref()
                .is_some_and(|rule| rule.is_due(run, now, within))
        };
        self.runs.iter().filter(is_due).collect()
    }

    fn counts(&self, now: Time, keeper: Option<&Keeper>) -> Counts {
        if self.rule.is_none() {
            return Counts {
                due: None,
                kept: None,
            };
        }
        let due = self.due(now, SOON);
        let kept = |keeper: &Keeper| {
            let mut relations = Relations::default();
            let has = |run: &&&Recent| keeper.has_run(run, &mut relations);
            due.iter().filter(has).count()
        };
        Counts {
            due: Some(due.len()),
            kept: keeper.map(kept),
        }
    }

    fn record(&self, counts: Counts) -> Value {
        let time =
            |run: Option<&Recent>| run.and_then(|run| run.modified.get()).map(human::rfc3339);
        json!({
            "format": self.format,
            "places": self.places,
            "runs": self.runs.len(),
            "bytes": self.bytes,
            "oldest": time(self.runs.last()),
            "newest": time(self.runs.first()),
            "deleted_after_days": self.rule.as_ref().map(|rule| rule.days),
            "rule": self.rule.as_ref().map(|rule| rule.setting),
            "due": counts.due,
            "kept": counts.kept,
        })
    }

    fn row(&self, now: Time, counts: Counts, homes: &Homes) -> Vec<Cell> {
        let age = |run: Option<&Recent>| {
            let times = run.and_then(|run| run.modified.get()).zip(now.get());
            times.map_or_else(not_known, |(then, now)| {
                Cell::new(human::roughly(now - then))
            })
        };
        let rule = match &self.rule {
            Some(rule) => {
                let default = if rule.is_default { " (default)" } else { "" };
                Cell::new(format!("after {} days{default}", rule.days))
            }
            None => Cell::role("none known", Role::Dim),
        };
        let is_at_risk = counts.kept.unwrap_or(0) < counts.due.unwrap_or(0);
        let due = counts.due.map_or_else(not_known, |due| {
            let role = if is_at_risk { Role::Warn } else { Role::Plain };
            Cell::role(due.to_string(), role)
        });
        let kept = counts.kept.map(|kept| Cell::new(kept.to_string()));
        let places: Vec<String> = self
            .places
            .iter()
            .map(|place| short(place, homes))
            .collect();
        vec![
            Cell::new(self.format),
            Cell::new(human::count(self.runs.len() as u64)),
            Cell::new(human::bytes(self.bytes)),
            age(self.runs.last()),
            age(self.runs.first()),
            rule,
            due,
            kept.unwrap_or_else(not_known),
            Cell::new(places.join(", ")),
        ]
    }
}

fn not_known() -> Cell {
    Cell::role("—", Role::Dim)
}

/// What to do about the runs that will be deleted; `None` if there are none.
fn advice(counts: &[Counts]) -> Option<String> {
    let due: usize = counts.iter().filter_map(|it| it.due).sum();
    let kept: usize = counts.iter().filter_map(|it| it.kept).sum();
    let what = human::counted(due as u64, "run");
    let will = format!("{what} will be deleted within {SOON} days");
    match kept {
        _ if due == 0 => None,
        0 => Some(format!("{will}; copy them with saferun-tui keep")),
        kept if kept == due => Some(format!("{will}; all are kept")),
        kept => Some(format!(
            "{will}, {kept} of them kept; copy the others with saferun-tui keep"
        )),
    }
}

fn short(path: &std::path::Path, homes: &Homes) -> String {
    match path.strip_prefix(homes.home()) {
        Ok(below) => format!("~/{}", below.display()),
        Err(_) => path.display().to_string(),
    }
}

const COLUMNS: &[Column<'static>] = &[
    Column::left("AGENT", 0),
    Column::right("RUNS", 0),
    Column::right("SIZE", 1),
    Column::left("OLDEST", 2),
    Column::left("NEWEST", 2),
    Column::left("DELETED", 1),
    Column::right("DUE", 1),
    Column::right("KEPT", 1),
    Column::left("PLACE", 0).cut_to(12),
];

const MEMBERS: &[&str] = &[
    "format",
    "runs",
    "bytes",
    "oldest",
    "newest",
    "deleted_after_days",
    "rule",
    "due",
    "kept",
    "places",
];

impl Command for Doctor {
    const NAME: &'static str = "doctor";
    const ACCEPTS: Accepts = Accepts::RECORDS;

    fn run(self, cx: &mut Cx) -> anyhow::Result<Exit> {
        let homes = homes()?;
        let now = Time(System.now());
        let found = found(&homes);
        let keeper = explore::keeper();
        let counts = found.iter().map(|it| it.counts(now, keeper.as_ref()));
        let counts: Vec<Counts> = counts.collect();
        if let Some(machine) = cx.global.machine() {
            let records = Records {
                schema: "saferun.tui/doctor@1",
                list: "agents",
                csv: MEMBERS,
                only: None,
                rest: Vec::new(),
            };
            let agents = found.iter().zip(&counts);
            let agents = agents.map(|(agent, counts)| agent.record(*counts));
            records.write(&mut cx.out, machine, agents)?;
            return Ok(Exit::Done);
        }
        if found.is_empty() {
            cx.notes
                .note("no known agent stores runs on this machine (see saferun-tui formats for the folders)");
            return Ok(Exit::Done);
        }
        let rows = found.iter().zip(&counts);
        let rows: Vec<_> = rows.map(|(it, of)| it.row(now, *of, &homes)).collect();
        table::write(&mut cx.out, COLUMNS, &rows)?;
        if let Some(advice) = advice(&counts) {
            cx.notes.note(&advice);
        }
        let runs: Vec<Recent> = found.into_iter().flat_map(|it| it.runs).collect();
        let (prompts, sessions) = cleanup::lost_prompts(&homes, &runs);
        if prompts > 0 {
            let what = human::counted(prompts as u64, "prompt");
            let of = human::counted(sessions as u64, "session");
            cx.notes.note(&format!(
                "~/.claude/history.jsonl still has {what} of {of} that were deleted"
            ));
        }
        Ok(Exit::Done)
    }
}

impl Command for Keep {
    const NAME: &'static str = "keep";
    const ACCEPTS: Accepts = Accepts::NONE;

    fn run(self, cx: &mut Cx) -> anyhow::Result<Exit> {
        let homes = homes()?;
        let now = Time(System.now());
        let what = || Failure::Input("no state folder: HOME is not set".to_owned());
        let keeper = explore::keeper().ok_or_else(what)?;
        let mut relations = Relations::default();
        let (mut copied, mut known, mut failed) = ((0_u64, 0_u64, 0_u64), 0_u64, 0_u64);
        for agent in found(&homes) {
            let due = agent.due(now, self.within).into_iter();
            let parts: Vec<PathBuf> = due
                .flat_map(|run| Keeper::parts(run, &mut relations))
                .collect();
            for part in parts {
                if self.dry_run {
                    cx.out.line(&short(&part, &homes))?;
                    continue;
                }
                match keeper.keep(&part) {
                    Ok(CopyOutcome::Copied(from, now)) => {
                        copied = (copied.0 + 1, copied.1 + from, copied.2 + now);
                    }
                    Ok(CopyOutcome::AlreadyThere) => known += 1,
                    Err(error) => {
                        failed += 1;
                        cx.notes.note(&format!("{}: {error}", part.display()));
                    }
                }
            }
        }
        if !self.dry_run {
            let files = human::counted(copied.0, "file");
            let sizes = format!("{} → {}", human::bytes(copied.1), human::bytes(copied.2));
            let folder = keeper.state.join(FOLDER);
            cx.notes.note(&format!(
                "{files} copied ({sizes}), {known} already there: {}",
                folder.display()
            ));
        }
        Ok(if failed > 0 {
            Exit::NoInput
        } else {
            Exit::Done
        })
    }
}
