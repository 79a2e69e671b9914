//! `completions` and `man`: written from the table of arguments.

use clap::CommandFactory;

use crate::cli::Cx;
use crate::cli::args::Args;
use crate::cli::failure::Exit;

pub(super) fn completions(cx: &mut Cx, shell: clap_complete::Shell) -> anyhow::Result<Exit> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Args::command(), "saferun-tui", &mut script);
    cx.out.verbatim(&String::from_utf8_lossy(&script))?;
    Ok(Exit::Done)
}

pub(super) fn man(cx: &mut Cx) -> anyhow::Result<Exit> {
    let mut page = Vec::new();
    clap_mangen::Man::new(Args::command()).render(&mut page)?;
    cx.out.verbatim(&String::from_utf8_lossy(&page))?;
    Ok(Exit::Done)
}
