//! `wire`: the file with which a user's own program records itself.

use std::io::Write;
use std::path::PathBuf;

use clap::ValueEnum;

use crate::act::observe;
use crate::cli::Cx;
use crate::cli::command::{Accepts, Command};
use crate::cli::failure::Exit;
use crate::cli::output::OutputFile;

/// Write a single file that your own agent imports to record itself: three lines of code, no package
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  saferun-tui wire python > saferun.py
  saferun-tui wire python -o src/

Then, in the agent:
  from saferun import observe, guarded
  observe(client, service=\"support-agent\", env=\"prod\")     # openai, anthropic, google-genai …
  @guarded                                                # tools ask the policy before they run

or, in TypeScript (javascript writes saferun.mjs):
  import { observe, guarded } from \"./saferun\";
  observe(client, { service: \"support-agent\", env: \"prod\" });
  const refund = guarded(async function refund(order, amount) { … });

Traces go to ~/.local/state/saferun-tui/traces, or to the file that SAFERUN_TRACE names. With SAFERUN_REPLAY, a run \
(PATH or PATH#RUN) or the address of mcp-serve, guarded functions do not run: they return what was recorded.")]
pub struct Wire {
    /// The language of the agent
    language: Language,
    /// Write the file into this folder instead of standard output
    #[arg(short, long, value_name = "DIR")]
    output: Option<PathBuf>,
    /// Replace the file if it exists
    #[arg(long, requires = "output")]
    force: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Language {
    Python,
    Typescript,
    Javascript,
}

impl Command for Wire {
    const NAME: &'static str = "wire";
    const ACCEPTS: Accepts = Accepts::NONE;

    fn run(self, cx: &mut Cx) -> anyhow::Result<Exit> {
        let (name, text) = match self.language {
            Language::Python => ("saferun.py", observe::python()),
            Language::Typescript => ("saferun.ts", observe::typescript()),
            Language::Javascript => ("saferun.mjs", observe::javascript()),
        };
        match self.output {
            None => cx.out.exact(&text)?,
            Some(folder) => {
                let path = folder.join(name);
                let to = OutputFile {
                    path: &path,
                    force: self.force,
                };
                to.write(&[], &mut |out: &mut dyn Write| {
                    out.write_all(text.as_bytes())
                })?;
                cx.notes.note(&format!("{} written", path.display()));
            }
        }
        Ok(Exit::Done)
    }
}
