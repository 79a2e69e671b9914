//! `completions` and `man`: generated from the tables of arguments, filters and keys.

use std::io::{self, Write};
use std::path::PathBuf;

use clap::CommandFactory;

use crate::cli::Cx;
use crate::cli::args::Args;
use crate::cli::command::{Accepts, Command};
use crate::cli::failure::{Exit, Failure};
use crate::cli::groups::{self, GROUPS};
use crate::cli::output::OutputFile;
use crate::query::guide;
use crate::tui::keys::{COMMANDS, Group};

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

/// Print a manual page: of the program, or of a command
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  saferun-tui man | man -l -
  saferun-tui man cohort | man -l -
  mkdir -p ~/.local/share/man/man1 && saferun-tui man --all ~/.local/share/man/man1")]
pub struct Man {
    /// The command
    #[arg(value_name = "COMMAND")]
    command: Option<String>,
    /// Write the pages of the program and of every command into this folder
    #[arg(long, value_name = "FOLDER", conflicts_with = "command")]
    all: Option<PathBuf>,
    /// Replace pages that exist
    #[arg(long, requires = "all")]
    force: bool,
}

impl Command for Man {
    const NAME: &'static str = "man";
    const ACCEPTS: Accepts = Accepts::NONE;

    fn run(self, cx: &mut Cx) -> anyhow::Result<Exit> {
        let mut program = Args::command();
        program.build();
        if let Some(folder) = &self.all {
            let mut pages = vec![("saferun-tui".to_owned(), program_page(&program)?)];
            for command in program.get_subcommands() {
                let name = format!("saferun-tui-{}", command.get_name());
                pages.push((name, command_page(command)?));
            }
            for (name, page) in pages {
                let path = folder.join(format!("{name}.1"));
                let place = OutputFile {
                    path: &path,
                    force: self.force,
                };
                place.write(&[], &mut |out| out.write_all(&page))?;
            }
            return Ok(Exit::Done);
        }
        let page = match &self.command {
            None => program_page(&program)?,
            Some(name) => {
                let found = program.find_subcommand(name).ok_or_else(|| {
                    Failure::Usage(format!("'{name}' is not a command; see saferun-tui --help"))
                })?;
                command_page(found)?
            }
        };
        cx.out.verbatim(&String::from_utf8_lossy(&page))?;
        Ok(Exit::Done)
    }
}

/// The program: its options, every command in a line, filters and keys.
fn program_page(program: &clap::Command) -> io::Result<Vec<u8>> {
    let mut page = Vec::new();
    let man = clap_mangen::Man::new(program.clone());
    man.render_title(&mut page)?;
    man.render_name_section(&mut page)?;
    usage(&man, &mut page)?;
    for group in GROUPS {
        let commands = groups::listed(group, program).into_iter();
        let commands = commands.map(|(name, about)| (format!("saferun-tui-{name}(1)"), about));
        pairs(&mut page, &format!("commands: {}", group.title), commands)?;
    }
    for section in guide::sections() {
        pairs(&mut page, section.title, section.lines.into_iter())?;
    }
    for group in Group::ALL {
        let entries = COMMANDS.iter().filter(|entry| entry.group == *group);
        let entries = entries.filter(|entry| !entry.keys.is_empty());
        let entries = entries.map(|entry| (entry.keys.to_owned(), entry.help.to_owned()));
        pairs(&mut page, &format!("keys: {}", group.title()), entries)?;
    }
    man.render_extra_section(&mut page)?;
    man.render_version_section(&mut page)?;
    Ok(page)
}

/// A page of its own for a command, and for the commands in it.
fn command_page(command: &clap::Command) -> io::Result<Vec<u8>> {
    let mut page = Vec::new();
    let man = clap_mangen::Man::new(command.clone());
    man.render_title(&mut page)?;
    man.render_name_section(&mut page)?;
    usage(&man, &mut page)?;
    for inner in command
        .get_subcommands()
        .filter(|it| it.get_name() != "help")
    {
        writeln!(page, ".SH {}", inner.get_name().to_uppercase())?;
        let man = clap_mangen::Man::new(inner.clone());
        let mut text = Vec::new();
        usage(&man, &mut text)?;
        man.render_extra_section(&mut text)?;
        page.extend(
            String::from_utf8_lossy(&text)
                .replace(".SH ", ".SS ")
                .into_bytes(),
        );
    }
    man.render_extra_section(&mut page)?;
    let see = ("saferun-tui(1)".to_owned(), "filters, keys".to_owned());
    pairs(&mut page, "see also", std::iter::once(see))?;
    Ok(page)
}

/// How a command is called, what it does and which options it takes.
fn usage(man: &clap_mangen::Man, page: &mut Vec<u8>) -> io::Result<()> {
    man.render_synopsis_section(page)?;
    man.render_description_section(page)?;
    man.render_options_section(page)
}

/// A section of terms and what they mean.
fn pairs(
    page: &mut Vec<u8>,
    title: &str,
    pairs: impl Iterator<Item = (String, String)>,
) -> io::Result<()> {
    writeln!(page, ".SH {}", title.to_uppercase())?;
    for (term, means) in pairs {
        writeln!(page, ".TP\n{}\n{}", roff(&term), roff(&means))?;
    }
    Ok(())
}

/// Text as a line of a manual page, with nothing left for the formatter to interpret.
fn roff(text: &str) -> String {
    let escaped = text.replace('\\', "\\e").replace('-', "\\-");
    if escaped.starts_with(['.', '\'']) {
        format!("\\&{escaped}")
    } else {
        escaped
    }
}
