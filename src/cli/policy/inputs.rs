//! `policy inputs`: recorded calls as the inputs of other policy engines, whose decisions `policy eval --decisions` reads.

use clap::ValueEnum;

use crate::analysis::policy::history::Opened;
use crate::cli::Cx;
use crate::cli::args::Paths;
use crate::cli::failure::Exit;
use crate::cli::filter;
use crate::cli::policy::{eval, sources};
use crate::export::policy::inputs::{self, Dropped};
use crate::model::action::Kind;

/// Write recorded calls as inputs for OPA, Cedar or any other engine
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  saferun-tui policy inputs runs/ --as opa > inputs.jsonl
  saferun-tui policy eval --decisions decided.jsonl runs/

Each line has run_id and call_id. A decision is a line with them and an effect:
  {\"run_id\": \"…\", \"call_id\": \"…\", \"effect\": \"deny\", \"rule\": \"…\", \"reason\": \"…\"}
or a decision log of OPA whose input has them. Cedar has no null and no fractions: nulls are dropped, fractions \
become decimal strings, and both are counted.")]
pub(super) struct Inputs {
    #[command(flatten)]
    paths: Paths,
    /// The shape of a line
    #[arg(long = "as", value_name = "SHAPE", default_value = "jsonl")]
    shape: Shape,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Shape {
    Opa,
    Cedar,
    Jsonl,
}

impl Inputs {
    pub(super) fn run(self, cx: &mut Cx) -> anyhow::Result<Exit> {
        let expr = filter::condition(cx)?;
        let read = cx.load.paths(&cx.notes, &self.paths.clone().or_stdin()?)?;
        let exit = read.exit(&cx.notes);
        let kept = eval::kept(cx, &read, expr.as_ref());
        let place = sources::place();
        let mut dropped = Dropped::default();
        let rows = read.store.rows().filter(|row| row.kind() == Kind::ToolCall);
        for row in rows.filter(|row| kept.as_ref().is_none_or(|kept| kept.contains(&row.ix()))) {
            let opened = Opened::without_run(&row, &place);
            let (call, cwd) = (opened.call(&row), opened.cwd());
            let line = match self.shape {
                Shape::Jsonl => inputs::plain(&call, cwd),
                Shape::Opa => inputs::opa(&call, cwd),
                Shape::Cedar => inputs::cedar(&call, cwd, &mut dropped),
            };
            cx.out.json(&line)?;
        }
        if dropped != Dropped::default() {
            cx.notes.note(&format!(
                "{} nulls were dropped, {} fractions became strings",
                dropped.nulls, dropped.fractions
            ));
        }
        Ok(exit)
    }
}
