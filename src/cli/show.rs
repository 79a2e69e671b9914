//! `show`: a run, one of its turns, or one of its actions, to read.

mod action;
mod overview;

use std::path::Path;

use crate::cli::failure::{Exit, Failure};
use crate::cli::{Cx, pick, query};
use crate::model::action::ActionIx;
use crate::model::run::RunIx;
use crate::store::Store;

/// Which part of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    Run,
    Turn(u32),
    Action(u32),
}

impl Part {
    pub(super) fn of(turn: Option<u32>, seq: Option<u32>) -> Part {
        match (turn, seq) {
            (_, Some(seq)) => Part::Action(seq),
            (Some(turn), None) => Part::Turn(turn),
            (None, None) => Part::Run,
        }
    }
}

pub(super) fn run(cx: &mut Cx, named: &Path, part: Part) -> anyhow::Result<Exit> {
    let (store, run) = pick::run(cx, named)?;
    let rows = rows(&store, run, part)?;
    match part {
        _ if cx.global.jsonl => query::actions(cx, &store, &rows)?,
        Part::Run => overview::run(cx, &store, run, &rows)?,
        Part::Turn(_) => turn(cx, &store, &rows)?,
        Part::Action(_) => {
            for ix in rows {
                action::full(cx, &store.row(ix))?;
            }
        }
    }
    Ok(Exit::Done)
}

fn rows(store: &Store, run: RunIx, part: Part) -> Result<Vec<ActionIx>, Failure> {
    let of_run = store.rows().filter(|row| row.run_ix() == run);
    let rows: Vec<ActionIx> = of_run
        .filter(|row| match part {
            Part::Run => true,
            Part::Turn(turn) => row.turn() == turn,
            Part::Action(seq) => row.seq() == seq,
        })
        .map(|row| row.ix())
        .collect();
    let totals = &store.run(run).totals;
    match part {
        Part::Turn(turn) if rows.is_empty() => Err(Failure::Usage(format!(
            "the run has no turn {turn} (it has {})",
            totals.turns
        ))),
        Part::Action(seq) if rows.is_empty() => Err(Failure::Usage(format!(
            "the run has no action {seq} (it has {})",
            totals.actions
        ))),
        _ => Ok(rows),
    }
}

fn turn(cx: &mut Cx, store: &Store, rows: &[ActionIx]) -> anyhow::Result<()> {
    for (at, ix) in rows.iter().enumerate() {
        if at > 0 {
            cx.out.line("")?;
        }
        action::brief(cx, &store.row(*ix))?;
    }
    Ok(())
}
