//! `mcp`: runs an MCP server, and records and guards its calls.

use std::ffi::OsString;

use crate::act::guard::mcp;
use crate::cli::Cx;
use crate::cli::command::{Accepts, Command};
use crate::cli::failure::{Exit, Failure};
use crate::cli::guard::places;

/// Run an MCP server (stdio), record its calls, and check them before they run
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  saferun-tui mcp --name shop -- npx shop-server       in place of npx shop-server
  saferun-tui mcp --name shop --guard -- npx shop-server
                                                       rules name its tools mcp__shop__TOOL

Messages that pass are forwarded unchanged. A call that the agent's hook has already checked is not
checked again.")]
pub struct Mcp {
    /// Name of the server in the trace and in rules [default: the name of the program]
    #[arg(long)]
    name: Option<String>,

    /// Enforce the policy on its calls, and ask a person if it says so
    #[arg(long)]
    guard: bool,

    /// The server and its arguments
    #[arg(last = true, required = true, value_name = "CMD")]
    command: Vec<OsString>,
}

impl Command for Mcp {
    const NAME: &'static str = "mcp";
    const ACCEPTS: Accepts = Accepts::NONE;

    fn run(self, _cx: &mut Cx) -> anyhow::Result<Exit> {
        let server = mcp::Server {
            name: self.name,
            is_guarded: self.guard,
            command: self.command,
        };
        let code =
            mcp::run(server, places()?).map_err(|error| Failure::Input(error.to_string()))?;
        Ok(match code {
            0 => Exit::Done,
            code => Exit::Child(code),
        })
    }
}
