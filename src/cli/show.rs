//! `show`: prints a run, one of its turns or one of its actions.

mod context;
mod files;
mod overview;

use std::ops::RangeInclusive;
use std::path::PathBuf;

use jiff::tz::TimeZone;

use crate::analysis::context as seen;
use crate::analysis::files::Files;
use crate::analysis::replay::Tape;
use crate::base::cancel::CancelFlag;
use crate::cli::command::{Accepts, Command, GlobalOption};
use crate::cli::failure::{Exit, Failure};
use crate::cli::{Cx, pick, query};
use crate::export::readable;
use crate::model::action::ActionIx;
use crate::model::run::RunIx;
use crate::store::Store;
use crate::store::row::Row;

/// Print a run, one of its turns or one of its actions
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  saferun-tui show trace.jsonl
  saferun-tui show trace.jsonl#7f3a91 --turn 3       a unique prefix of the run id is enough
  saferun-tui show trace.jsonl#7f3a91:42             one action
  saferun-tui show trace.jsonl --seq 118..124
  saferun-tui show trace.jsonl --turn 3 --context    what the model saw when that turn began
  saferun-tui show trace.jsonl --files               every file that it read or changed")]
pub struct Show {
    /// PATH, PATH#RUN if it holds several runs, or PATH#RUN:SEQ for one action
    #[arg(value_name = "RUN")]
    run: PathBuf,
    /// This turn, with its messages in brief
    #[arg(long, value_name = "N", conflicts_with = "seq")]
    turn: Option<u32>,
    /// This action, or the actions from N to M, with arguments, results, policy decisions and approvals
    #[arg(long, value_name = "N|N..M", value_parser = seqs)]
    seq: Option<RangeInclusive<u32>>,
    /// What the model saw: at the first model call of the turn, or at the one the action belongs to
    #[arg(long)]
    context: bool,
    /// The files that the run read or changed (up to the named action, if any)
    #[arg(long, conflicts_with_all = ["turn", "context", "columns"])]
    files: bool,
    /// Print only these columns of the actions, separated by commas
    #[arg(
        long,
        value_name = "COLUMN,…",
        value_delimiter = ',',
        conflicts_with = "context"
    )]
    columns: Vec<String>,
}

/// `118`, or `118..124` with both ends.
fn seqs(text: &str) -> Result<RangeInclusive<u32>, String> {
    let number = |text: &str| text.parse::<u32>();
    let (first, last) = text.split_once("..").unwrap_or((text, text));
    match (number(first), number(last)) {
        (Ok(first), Ok(last)) if first <= last => Ok(first..=last),
        (Ok(_), Ok(_)) => Err(format!("the smaller number comes first: {last}..{first}")),
        _ => Err("expected a number (42) or a range (118..124)".to_owned()),
    }
}

impl Command for Show {
    const NAME: &'static str = "show";
    const ACCEPTS: Accepts = Accepts::READING
        .and(Accepts::RECORDS)
        .with(GlobalOption::Where);

    fn run(self, cx: &mut Cx) -> anyhow::Result<Exit> {
        let picked = query::OFFER.pick(&self.columns)?;
        if self.context && (cx.global.jsonl || cx.global.csv) {
            let what = "--context prints text or one document (--json)";
            return Err(Failure::Usage(what.to_owned()).into());
        }
        let (store, found) = pick::run(cx, &self.run)?;
        let part = Part::of(self.turn, self.seq).or_named(found.seq);
        if self.files {
            let found = files_of(&store, found.run, part.last())?;
            files::run(cx, &store, &found)?;
            return Ok(Exit::Done);
        }
        if self.context {
            let context = context_of(&store, found.run, &part)?;
            context::run(cx, &store, &context)?;
            return Ok(Exit::Done);
        }
        let rows = rows(&store, found.run, &part)?;
        match part {
            _ if cx.global.machine().is_some() || picked.is_some() => {
                query::actions(cx, &store, &rows, picked.as_ref())?;
            }
            Part::Run => overview::run(cx, &store, found.run, &rows)?,
            Part::Turn(_) => each(cx, &store, &rows, readable::brief)?,
            Part::Actions(_) => each(cx, &store, &rows, readable::full)?,
        }
        Ok(Exit::Done)
    }
}

/// Which part of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Part {
    Run,
    Turn(u32),
    Actions(RangeInclusive<u32>),
}

impl Part {
    pub(super) fn of(turn: Option<u32>, seqs: Option<RangeInclusive<u32>>) -> Part {
        match (turn, seqs) {
            (_, Some(seqs)) => Part::Actions(seqs),
            (Some(turn), None) => Part::Turn(turn),
            (None, None) => Part::Run,
        }
    }

    /// The last action, if actions are named.
    pub(super) fn last(&self) -> Option<u32> {
        match self {
            Part::Actions(seqs) => Some(*seqs.end()),
            Part::Run | Part::Turn(_) => None,
        }
    }

    /// The action named with the path (`PATH#RUN:SEQ`), unless an option names another part.
    pub(super) fn or_named(self, seq: Option<u32>) -> Part {
        match (self, seq) {
            (Part::Run, Some(seq)) => Part::Actions(seq..=seq),
            (part, _) => part,
        }
    }
}

/// The files of a run, up to and with an action.
pub(super) fn files_of(store: &Store, run: RunIx, last: Option<u32>) -> Result<Files, Failure> {
    let tape = Tape::new(store, run);
    let actions = store.run(run).totals.actions;
    if let Some(seq) = last.filter(|seq| *seq == 0 || *seq > actions) {
        let what = format!("the run has no action {seq} (it has {actions})");
        return Err(Failure::Usage(what));
    }
    let is_in = |ix: &&ActionIx| last.is_none_or(|last| store.row(**ix).seq() <= last);
    let steps: Vec<ActionIx> = tape.steps().iter().filter(is_in).copied().collect();
    Ok(Files::of(store, &steps, &CancelFlag::new()).expect("the flag is never raised"))
}

/// What the model saw at the first model call of a turn, or at the one that an action belongs to.
pub(super) fn context_of(store: &Store, run: RunIx, part: &Part) -> Result<seen::Context, Failure> {
    let rows = rows(store, run, part)?;
    let main = store.symbols().name(store.run(run).who.agent);
    let call = match part {
        Part::Actions(_) => {
            let tape = Tape::new(store, run);
            let step = rows.first().and_then(|ix| tape.step_of(*ix));
            step.and_then(|step| seen::call_of(store, tape.steps(), step))
        }
        Part::Run | Part::Turn(_) => {
            let mut calls = rows
                .iter()
                .copied()
                .filter(|ix| seen::is_call(&store.row(*ix)));
            let first = calls.clone().next();
            calls.find(|ix| store.row(*ix).agent() == main).or(first)
        }
    };
    let found = call.and_then(|call| seen::of(store, call, &CancelFlag::new()));
    let what = "no model call there: try another --turn or --seq";
    found.ok_or_else(|| Failure::Usage(what.to_owned()))
}

fn rows(store: &Store, run: RunIx, part: &Part) -> Result<Vec<ActionIx>, Failure> {
    let of_run = store.rows().filter(|row| row.run_ix() == run);
    let rows: Vec<ActionIx> = of_run
        .filter(|row| match part {
            Part::Run => true,
            Part::Turn(turn) => row.turn() == *turn,
            Part::Actions(seqs) => seqs.contains(&row.seq()),
        })
        .map(|row| row.ix())
        .collect();
    let totals = &store.run(run).totals;
    match part {
        Part::Turn(turn) if rows.is_empty() => Err(Failure::Usage(format!(
            "the run has no turn {turn} (it has {})",
            totals.turns
        ))),
        Part::Actions(seqs) if rows.is_empty() => Err(Failure::Usage(format!(
            "the run has no action {} (it has {})",
            seqs.start(),
            totals.actions
        ))),
        _ => Ok(rows),
    }
}

fn each(
    cx: &mut Cx,
    store: &Store,
    rows: &[ActionIx],
    describe: fn(&Row<'_>, &TimeZone) -> Vec<readable::Line>,
) -> anyhow::Result<()> {
    for (at, ix) in rows.iter().enumerate() {
        if at > 0 {
            cx.out.line("")?;
        }
        for line in describe(&store.row(*ix), &cx.out.style.zone) {
            cx.out.pieces(&line)?;
        }
    }
    Ok(())
}
