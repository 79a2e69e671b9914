//! `completions` and `man`: generated from the table of arguments.

use clap::CommandFactory;

use crate::cli::Cx;
use crate::cli::args::Args;
use crate::cli::command::{Accepts, Command};
use crate::cli::failure::Exit;

/// Print a shell completion script
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  saferun-tui completions fish > ~/.config/fish/completions/saferun-tui.fish"
)]
pub struct Completions {
    /// The shell
    #[arg(value_name = "SHELL")]
    shell: clap_complete::Shell,
}

impl Command for Completions {
    const NAME: &'static str = "completions";
    const ACCEPTS: Accepts = Accepts::NONE;

    fn run(self, cx: &mut Cx) -> anyhow::Result<Exit> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut Args::command(), "saferun-tui", &mut script);
        cx.out.verbatim(&String::from_utf8_lossy(&script))?;
        Ok(Exit::Done)
    }
}

/// Print the manual page
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  saferun-tui man | man -l -")]
pub struct Man {}

impl Command for Man {
    const NAME: &'static str = "man";
    const ACCEPTS: Accepts = Accepts::NONE;

    fn run(self, cx: &mut Cx) -> anyhow::Result<Exit> {
        let mut page = Vec::new();
        clap_mangen::Man::new(Args::command()).render(&mut page)?;
        cx.out.verbatim(&String::from_utf8_lossy(&page))?;
        Ok(Exit::Done)
    }
}
