//! The command line. Data goes to standard output, messages about it to standard error.

mod alert;
mod approvals;
pub mod args;
mod asks;
pub mod command;
pub mod failure;
pub mod guard;
pub mod out;
pub mod text_style;

mod columns;
mod filter;
#[cfg(feature = "capture")]
mod fleet;
mod lines;
mod load;
mod output;
mod pick;
mod picture;
mod plain;
mod policy;
#[cfg(feature = "capture")]
mod pull;
mod records;
mod selection;
mod settings;
mod table;
mod url;

mod baseline;
mod cohort;
mod config;
mod convert;
mod cost;
mod demo;
mod diff;
mod doctor;
mod explore;
pub mod export;
mod formats;
mod generate;
mod groups;
mod help;
#[cfg(feature = "capture")]
mod listen;
mod live;
mod ls;
mod mcp;
#[cfg(feature = "capture")]
mod mcp_serve;
mod mcp_server;
mod query;
#[cfg(feature = "capture")]
mod record;
#[cfg(feature = "capture")]
mod rerun;
#[cfg(feature = "capture")]
mod serve;
mod shapes;
mod show;
mod stats;
mod tail;
mod verify;
mod wire;

use std::io::{self, IsTerminal, Write};
use std::sync::Arc;

use rustix::fs::FileType;

use crate::base::text;
use crate::cli::args::{Args, Commands, Global};
use crate::cli::command::Command;
use crate::cli::explore::Explore;
use crate::cli::failure::{Exit, Failure};
use crate::cli::load::Load;
use crate::cli::out::{Notes, Out};
use crate::cli::text_style::TextStyle;
use crate::config::Config;
use crate::ingest::packed::sqlite;
use crate::query::would::Verdicts;

/// What every command gets.
#[derive(Debug)]
pub struct Cx {
    out: Out,
    notes: Notes,
    global: Global,
    load: Load,
    config: Config,
    /// What `--policy` says about the calls that were read.
    would: Option<Arc<Verdicts>>,
}

/// Runs the command that the arguments name; without one, the explorer.
pub fn run(mut args: Args) -> anyhow::Result<Exit> {
    match &args.command {
        Some(command) => {
            explorer_options_come_after(command, &args.explore)?;
            command::check(command.name(), command.accepts(), &args.global)?;
        }
        None => command::check(Explore::NAME, Explore::ACCEPTS, &args.global)?,
    }
    let has_own_format = match &args.command {
        Some(Commands::Diff(_)) => true,
        Some(Commands::Alert(alert)) => alert.has_own_format(),
        _ => false,
    };
    if has_own_format {
        // A format of the output: clap copies it to the global option of the same name.
        args.global.format = None;
    }
    let config = settings::resolve(&mut args.global)?;
    shapes::declare(&args.global)?;
    let style = TextStyle::from_environment(&args.global)?;
    let notes = Notes::new(style.clone(), args.global.quiet, args.global.verbose);
    let mut load = Load::new(&args.global)?;
    load.access = url::Access::new(&config, args.global.max_scan);
    let mut cx = Cx {
        out: Out::stdout(style),
        notes,
        global: args.global,
        load,
        config,
        would: None,
    };
    let exit = match args.command {
        Some(command) => command.run(&mut cx)?,
        None => args.explore.run(&mut cx)?,
    };
    cx.out.flush()?;
    Ok(if cx.load.report_damage(&cx.notes) {
        Exit::NoInput
    } else {
        exit
    })
}

/// Deletes what must not outlive the program.
pub fn close() {
    sqlite::close();
}

/// The parser accepts arguments of the explorer before the name of a command; no command uses them.
fn explorer_options_come_after(command: &Commands, explore: &Explore) -> Result<(), Failure> {
    let name = command.name();
    if let Some(path) = explore.paths.paths.first() {
        let path = path.display();
        let what = format!(
            "a path comes before the command: write saferun-tui {name} {path}, or ./{name} to open a file of that name"
        );
        return Err(Failure::Usage(what));
    }
    if explore.picture.screenshot.is_some() {
        let what = format!(
            "--screenshot draws the explorer and cannot be combined with '{name}': write saferun-tui PATH --screenshot FILE"
        );
        return Err(Failure::Usage(what));
    }
    Ok(())
}

/// Whether standard input is a pipe, a socket or a file; not a terminal and not `/dev/null`.
fn stdin_is_a_trace() -> bool {
    let stdin = io::stdin();
    let kind = rustix::fs::fstat(&stdin).map(|stat| FileType::from_raw_mode(stat.st_mode));
    !stdin.is_terminal()
        && matches!(
            kind,
            Ok(FileType::Fifo | FileType::Socket | FileType::RegularFile)
        )
}

/// Prints what the argument parser has to say: help and version as data, mistakes as errors.
pub fn refuse(error: &clap::Error) -> Exit {
    let message = error.render();
    if error.use_stderr() {
        print_error(&message.to_string());
        return Exit::Usage;
    }
    let is_styled = io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    let message = if is_styled {
        message.ansi().to_string()
    } else {
        message.to_string()
    };
    let _ = io::stdout().lock().write_all(message.as_bytes());
    Exit::Done
}

/// Prints why a command did not run, and decides how the program ends.
pub fn report(error: &anyhow::Error) -> Exit {
    let Some(exit) = failure::exit_of(error) else {
        return Exit::Done;
    };
    print_error(&format!("error: {error:#}"));
    exit
}

fn print_error(raw: &str) {
    let lines: Vec<_> = text::sanitize_lines(raw).collect();
    let _ = writeln!(io::stderr().lock(), "{}", lines.join("\n"));
}
