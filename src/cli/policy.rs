//! `policy`: what the rules of policies say about recorded calls.

mod eval;
mod report;
mod sources;

use crate::cli::Cx;
use crate::cli::command::{Accepts, Command, GlobalOption};
use crate::cli::failure::Exit;

/// What policies would have done to recorded tool calls, and how good their rules are
#[derive(Debug, clap::Args)]
pub struct Policy {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    Eval(Box<eval::Eval>),
}

impl Command for Policy {
    const NAME: &'static str = "policy";
    const ACCEPTS: Accepts = Accepts::READING
        .with(GlobalOption::Json)
        .with(GlobalOption::Where);

    fn run(self, cx: &mut Cx) -> anyhow::Result<Exit> {
        match self.action {
            Action::Eval(eval) => eval.run(cx),
        }
    }
}
