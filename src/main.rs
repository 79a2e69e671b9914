//! `saferun-tui`: reads its arguments, does what they say, ends with an exit code.

use std::process::ExitCode;

use clap::Parser;
use saferun_tui::cli;

fn main() -> ExitCode {
    // A hook runs for every tool call, so it must not wait for anything it does not need.
    if let Some(code) = cli::guard::hook(std::env::args_os().skip(1)) {
        return code;
    }
    let exit = match cli::args::Args::try_parse() {
        Ok(args) => cli::run(args).unwrap_or_else(|error| cli::report(&error)),
        Err(error) => cli::refuse(&error),
    };
    cli::close();
    exit.into()
}
