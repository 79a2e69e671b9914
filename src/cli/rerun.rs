//! `rerun`: repeats the model call of a step, or runs a tool again. Both have real effects: nothing happens without its
//! option and a confirmation.

pub(super) mod ask;
pub(super) mod attempts;
mod tool;

use std::io::{self, IsTerminal};
use std::path::PathBuf;

use crate::act::rerun::attempt_runs::Step;
use crate::analysis::context;
use crate::analysis::replay::Tape;
use crate::cli::command::{Accepts, Command, GlobalOption};
use crate::cli::failure::{Exit, Failure};
use crate::cli::lines::{self, Line};
use crate::cli::{Cx, pick};
use crate::model::action::Kind;

/// Repeat a model call (once, or several times to see how stable its choice is), or run a tool call again with a
/// template from the settings
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  saferun-tui rerun trace.jsonl --seq 42 --base-url https://api.openai.com/v1 --dry-run
  saferun-tui rerun trace.jsonl --seq 42 -n 10 --allow-net --base-url https://api.openai.com/v1
  saferun-tui rerun trace.jsonl --seq 42 --model gpt-5 --model gpt-4o -n 10 --allow-net …
  saferun-tui rerun trace.jsonl --seq 43 --allow-exec       a tool call, with a template:

    [rerun.tools]                                         in ~/.config/saferun-tui/config.toml
    read_file = [\"/usr/bin/cat\", \"--\", \"{args.path}\"]     no shell; the arguments are also on stdin

The key of a model is taken from --key-env, else from OPENAI_API_KEY, ANTHROPIC_API_KEY or GEMINI_API_KEY, else from \
rerun.key-cmd. Attempts are kept as new runs; no tool of an answer is executed.")]
pub struct Rerun {
    /// PATH, or PATH#RUN if it holds several runs, or PATH#RUN:SEQ
    #[arg(value_name = "RUN")]
    run: PathBuf,
    /// The model call (or an action that belongs to it), or the tool call
    #[arg(long, value_name = "N")]
    seq: Option<u32>,
    /// Run the tool call itself; without it, --model or -n, a tool call is run and a model call is repeated
    #[arg(long, conflicts_with_all = ["model", "times", "set"])]
    tool: bool,
    /// Ask this model instead of the recorded one; repeat it to compare
    #[arg(long, value_name = "NAME")]
    model: Vec<String>,
    /// Repeat the call this many times
    #[arg(short = 'n', long = "times", value_name = "K", value_parser = clap::value_parser!(u16).range(1..=1000))]
    times: Option<u16>,
    /// A new value in the request: JSON, or else text; repeatable
    #[arg(long, value_name = "PATH=VALUE")]
    set: Vec<String>,
    #[arg(
        long,
        value_name = "URL",
        help = "The base URL of the API, as an SDK would take it, such as https://api.openai.com/v1"
    )]
    base_url: Option<String>,
    /// The variable that holds the key
    #[arg(long, value_name = "NAME")]
    key_env: Option<String>,
    /// Send nothing that could push the total cost above this
    #[arg(long, value_name = "USD")]
    max_usd: Option<f64>,
    /// Show what would be sent or run, and do nothing
    #[arg(long)]
    dry_run: bool,
    /// Allow requests to the network
    #[arg(long)]
    allow_net: bool,
    /// Allow a program to be run
    #[arg(long)]
    allow_exec: bool,
    /// Do not ask; for models only with --allow-net and --max-usd
    #[arg(long)]
    yes: bool,
    /// Keep the new runs in this file [default: a file in the state folder]
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Replace the file if it exists
    #[arg(long, requires = "output")]
    force: bool,
}

impl Command for Rerun {
    const NAME: &'static str = "rerun";
    const ACCEPTS: Accepts = Accepts::READING
        .with(GlobalOption::Where)
        .with(GlobalOption::Json);

    fn run(self, cx: &mut Cx) -> anyhow::Result<Exit> {
        let (store, picked) = pick::run(cx, &self.run)?;
        let seq = self.seq.or(picked.seq).ok_or_else(|| {
            Failure::Usage("no action given: name it with --seq N or PATH#RUN:N".to_owned())
        })?;
        let tape = Tape::new(&store, picked.run);
        let at = tape
            .steps()
            .iter()
            .position(|ix| store.row(*ix).seq() == seq);
        let at = at.ok_or_else(|| Failure::Usage(format!("the run has no action {seq}")))?;
        let row = store.row(tape.steps()[at]);
        let step = |action| Step {
            store: &store,
            tape: &tape,
            action,
        };
        let asks = !self.model.is_empty() || self.times.is_some() || !self.set.is_empty();
        if row.kind() == Kind::ToolCall && !asks {
            return tool::run(cx, &self, step(row.ix()));
        }
        if self.tool {
            return Err(Failure::Usage(format!("#{seq} is not a tool call")).into());
        }
        let call = context::call_of(&store, tape.steps(), at)
            .ok_or_else(|| Failure::Usage(format!("#{seq} belongs to no model call")))?;
        ask::run(cx, &self, step(call))
    }
}

impl Rerun {
    fn consent(&self) -> ask::Consent {
        ask::Consent {
            allow_net: self.allow_net,
            yes: self.yes,
            is_limited: self.max_usd.is_some(),
        }
    }
}

/// The longest word, in bytes.
const LONGEST: usize = 1 << 16;

/// Asks the user to type a word. An error unless it was typed.
pub(super) fn confirm(cx: &Cx, what: &str, word: &str) -> Result<(), Failure> {
    if !io::stdin().is_terminal() {
        let what = "standard input is not a terminal, so it cannot be confirmed (--yes skips the question)";
        return Err(Failure::Usage(what.to_owned()));
    }
    cx.notes.line(&format!(
        "\n{what}: type {} and Enter; anything else cancels",
        cx.notes.style.clean(word)
    ));
    let typed = lines::next(&mut io::stdin().lock(), LONGEST);
    if matches!(typed, Ok(Some(Line::Text(typed))) if typed.trim() == word) {
        Ok(())
    } else {
        Err(Failure::Usage("cancelled; nothing was done".to_owned()))
    }
}
