//! `policy`: what the rules of policies say about recorded calls.

mod eval;
mod explain;
mod import;
mod inputs;
mod lint;
pub(super) mod over;
mod report;
pub(super) mod sources;
mod suggest;
mod test;

use crate::cli::Cx;
use crate::cli::command::{Accepts, Command, GlobalOption};
use crate::cli::failure::Exit;

/// Test policies against recorded tool calls, and check their rules
#[derive(Debug, clap::Args)]
pub struct Policy {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    Eval(Box<eval::Eval>),
    Explain(Box<explain::Explain>),
    Test(Box<test::Test>),
    Lint(Box<lint::Lint>),
    Suggest(Box<suggest::Suggest>),
    Import(Box<import::Import>),
    Inputs(Box<inputs::Inputs>),
}

impl Command for Policy {
    const NAME: &'static str = "policy";
    const ACCEPTS: Accepts = Accepts::READING
        .with(GlobalOption::Json)
        .with(GlobalOption::Where);

    fn run(self, cx: &mut Cx) -> anyhow::Result<Exit> {
        match self.action {
            Action::Eval(action) => action.run(cx),
            Action::Explain(action) => action.run(cx),
            Action::Test(action) => action.run(cx),
            Action::Lint(action) => action.run(cx),
            Action::Suggest(action) => action.run(cx),
            Action::Import(action) => action.run(cx),
            Action::Inputs(action) => action.run(cx),
        }
    }
}
