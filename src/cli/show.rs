//! `show`: a run, one of its turns, or one of its actions, to read.

mod context;
mod overview;

use std::ops::RangeInclusive;
use std::path::Path;

use jiff::tz::TimeZone;

use crate::analysis::context as seen;
use crate::analysis::replay::Tape;
use crate::base::cancel::CancelFlag;
use crate::cli::failure::{Exit, Failure};
use crate::cli::{Cx, pick, query};
use crate::export::readable;
use crate::model::action::ActionIx;
use crate::model::run::RunIx;
use crate::store::Store;
use crate::store::row::Row;

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
}

pub(super) fn run(cx: &mut Cx, named: &Path, part: &Part) -> anyhow::Result<Exit> {
    let (store, run) = pick::run(cx, named)?;
    let rows = rows(&store, run, part)?;
    match part {
        _ if cx.global.jsonl => query::actions(cx, &store, &rows)?,
        Part::Run => overview::run(cx, &store, run, &rows)?,
        Part::Turn(_) => each(cx, &store, &rows, readable::brief)?,
        Part::Actions(_) => each(cx, &store, &rows, readable::full)?,
    }
    Ok(Exit::Done)
}

/// What the model saw, to read or as JSON.
pub(super) fn context(cx: &mut Cx, named: &Path, part: &Part) -> anyhow::Result<Exit> {
    let (store, run) = pick::run(cx, named)?;
    let context = context_of(&store, run, part)?;
    context::run(cx, &store, &context)?;
    Ok(Exit::Done)
}

/// What the model saw: at the first call of a turn, or at the call that an action belongs to.
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
    let what = "no model was asked there: give another --turn or --seq";
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
    tell: fn(&Row<'_>, &TimeZone) -> Vec<readable::Line>,
) -> anyhow::Result<()> {
    for (at, ix) in rows.iter().enumerate() {
        if at > 0 {
            cx.out.line("")?;
        }
        for line in tell(&store.row(*ix), &cx.out.look.zone) {
            let pieces = line
                .iter()
                .map(|(role, piece)| cx.out.look.paint(*role, piece));
            let line: String = pieces.collect();
            cx.out.line(&line)?;
        }
    }
    Ok(())
}
