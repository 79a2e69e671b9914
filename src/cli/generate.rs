//! `completions` and `man`: generated from the table of arguments.

use std::io::{self, Write};

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
        cx.out.verbatim(&String::from_utf8_lossy(&page()?))?;
        Ok(Exit::Done)
    }
}

/// One page: the program, then every command with what its help says.
fn page() -> io::Result<Vec<u8>> {
    let mut program = Args::command();
    program.build();
    let mut page = Vec::new();
    let man = clap_mangen::Man::new(program.clone());
    man.render_title(&mut page)?;
    man.render_name_section(&mut page)?;
    man.render_synopsis_section(&mut page)?;
    man.render_description_section(&mut page)?;
    man.render_options_section(&mut page)?;
    man.render_extra_section(&mut page)?;
    for command in program
        .get_subcommands()
        .filter(|it| it.get_name() != "help")
    {
        writeln!(page, ".SH COMMAND {}", command.get_name().to_uppercase())?;
        page.extend(section(command)?);
        for inner in command
            .get_subcommands()
            .filter(|it| it.get_name() != "help")
        {
            page.extend(section(inner)?);
        }
    }
    man.render_version_section(&mut page)?;
    Ok(page)
}

/// A command as parts of a section. Options that every command takes are described once, at the top.
fn section(command: &clap::Command) -> io::Result<Vec<u8>> {
    let command = command.clone().mut_args(|arg| {
        if arg.is_global_set() {
            arg.hide(true)
        } else {
            arg
        }
    });
    let man = clap_mangen::Man::new(command);
    let mut text = Vec::new();
    man.render_synopsis_section(&mut text)?;
    man.render_description_section(&mut text)?;
    man.render_options_section(&mut text)?;
    man.render_extra_section(&mut text)?;
    let text = String::from_utf8_lossy(&text).replace("\n.SH ", "\n.SS ");
    let text = text
        .strip_prefix(".SH ")
        .map_or(text.clone(), |rest| format!(".SS {rest}"));
    Ok(text.into_bytes())
}
