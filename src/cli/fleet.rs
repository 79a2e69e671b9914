//! `fleet` and `load`: traces too large for one machine, as rows of an engine.

pub(super) mod load;
pub(super) mod rows;

use clap::Subcommand;

use crate::act::remote::fleet;
use crate::cli::Cx;
use crate::cli::command::{Accepts, Command};
use crate::cli::failure::Exit;

/// Print the schema of the tables that `load` fills
#[derive(Debug, clap::Args)]
pub struct Fleet {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Print the statements that create the tables; connects to nothing
    Ddl(Ddl),
}

#[derive(Debug, clap::Args)]
struct Ddl {
    /// Instead print columns of `otel_traces` with which `pull -w` selects faster
    #[arg(long)]
    accelerate: bool,
}

impl Command for Fleet {
    const NAME: &'static str = "fleet";
    const ACCEPTS: Accepts = Accepts::NONE;

    fn run(self, cx: &mut Cx) -> anyhow::Result<Exit> {
        let Action::Ddl(how) = self.action;
        let statements = if how.accelerate {
            fleet::accelerating()
        } else {
            fleet::ddl().map(str::to_owned).to_vec()
        };
        for statement in statements {
            cx.out.verbatim(&format!("{statement};\n\n"))?;
        }
        Ok(Exit::Done)
    }
}
