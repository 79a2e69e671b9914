//! `help`: explains a command, or a topic that several commands share.

use anyhow::Context as _;
use clap::CommandFactory;

use crate::base::text;
use crate::cli::Cx;
use crate::cli::args::{Args, WIDTH};
use crate::cli::command::{Accepts, Command};
use crate::cli::failure::{Exit, Failure};
use crate::export::words::Role;
use crate::query::fields::nearest;
use crate::query::guide;
use crate::tui::keys::{COMMANDS, Group};
use crate::tui::screens;

/// Explain a command, or a topic: filters, keys, formats, exit-codes
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  saferun-tui help filters       every field, state and function, with an example each
  saferun-tui help keys          every key of every view
  saferun-tui help cohort        the help of a command")]
pub struct Help {
    /// A command or a topic
    #[arg(value_name = "WORD")]
    words: Vec<String>,
}

/// What the topics are called, and what they are about.
const TOPICS: &[(&str, &str)] = &[
    ("filters", "the filter language"),
    ("keys", "keys of the explorer"),
    ("formats", "formats that can be opened"),
    ("exit-codes", "exit codes of commands"),
];

const EXIT_CODES: &[(&str, &str)] = &[
    ("0", "success"),
    (
        "1",
        "no match (query, asks), a failed gate (cohort, baseline check, policy), or runs that differ (diff --exit-code, serve)",
    ),
    (
        "2",
        "usage error, invalid filter, or output that cannot be written",
    ),
    (
        "3",
        "an alert fired (alert check), or a request or call without a recorded answer (serve, mcp-serve)",
    ),
    (
        "4",
        "input missing or unreadable, no records in it, or bytes lost while reading",
    ),
    ("5", "malformed lines (verify --strict)"),
    ("6", "a gate is inconclusive: not enough runs"),
    ("69", "a port is in use (listen)"),
    ("128 + n", "ended by signal n"),
    ("other", "the code of the command that record or serve ran"),
];

impl Command for Help {
    const NAME: &'static str = "help";
    const ACCEPTS: Accepts = Accepts::NONE;

    fn run(self, cx: &mut Cx) -> anyhow::Result<Exit> {
        match self.words.first().map(String::as_str) {
            None => {
                let text = Args::command().render_long_help().to_string();
                cx.out.verbatim(&text)?;
                section(cx, "topics", &pairs(TOPICS))?;
                cx.out.line("saferun-tui help TOPIC explains one.")?;
            }
            Some("filters") => {
                for part in guide::sections() {
                    section(cx, part.title, &part.lines)?;
                }
            }
            Some("keys") => keys(cx)?,
            Some("formats") => {
                cx.out.line(
                    "Formats are detected by content. `saferun-tui formats` lists them with what each records;\n\
                     `formats --explain FILE` shows why a file was taken for one; `--format NAME` forces one.\n",
                )?;
                let formats = crate::ingest::formats::all();
                let formats: Vec<(String, String)> = formats
                    .map(|format| (format.name().to_owned(), format.about().to_owned()))
                    .collect();
                section(cx, "formats", &formats)?;
            }
            Some("exit-codes") => section(cx, "exit codes", &pairs(EXIT_CODES))?,
            Some(_) => command(cx, &self.words)?,
        }
        Ok(Exit::Done)
    }
}

fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    let pairs = pairs.iter();
    pairs
        .map(|(left, right)| ((*left).to_owned(), (*right).to_owned()))
        .collect()
}

/// The help of a command, or of a command within a command.
fn command(cx: &mut Cx, words: &[String]) -> anyhow::Result<()> {
    let mut program = Args::command();
    program.build();
    let mut found = &mut program;
    for word in words {
        let names: Vec<String> = found
            .get_subcommands()
            .map(|it| it.get_name().to_owned())
            .collect();
        if !names.contains(word) {
            let topics = TOPICS.iter().map(|(name, _)| *name);
            let known = names.iter().map(String::as_str).chain(topics);
            let hint = nearest(word, known).map(|near| format!("; did you mean '{near}'?"));
            let hint = hint.unwrap_or_default();
            let what = format!("'{word}' is neither a command nor a topic{hint}");
            return Err(Failure::Usage(what).into());
        }
        found = found
            .find_subcommand_mut(word)
            .context("a command that was just listed")?;
    }
    let text = found.render_long_help().to_string();
    Ok(cx.out.verbatim(&text)?)
}

fn keys(cx: &mut Cx) -> anyhow::Result<()> {
    for group in Group::ALL {
        let entries = COMMANDS.iter().filter(|entry| entry.group == *group);
        let lines: Vec<(String, String)> = entries
            .map(|entry| {
                let keys = if entry.keys.is_empty() {
                    format!(":{}", entry.name)
                } else {
                    entry.keys.to_owned()
                };
                (keys, entry.help.to_owned())
            })
            .collect();
        section(cx, group.title(), &lines)?;
    }
    let views: Vec<(String, String)> = screens::views()
        .filter_map(|info| Some((info.tab?.number.to_string(), info.about.to_owned())))
        .collect();
    section(cx, "views", &views)
}

/// A title and lines of two columns, of which the second is wrapped.
fn section(cx: &mut Cx, title: &str, lines: &[(String, String)]) -> anyhow::Result<()> {
    let width = lines.iter().map(|(left, _)| text::width(left)).max();
    let width = width.unwrap_or(0).clamp(8, 24);
    let whole = cx.out.style.width.map_or(WIDTH, |it| it.min(WIDTH));
    cx.out.painted(Role::Head, &title.to_uppercase())?;
    for (left, right) in lines {
        let taken = text::width(left).max(width) + 4;
        // A terminal too narrow for two columns wraps the lines itself.
        let room = whole.checked_sub(taken).filter(|room| *room >= LEAST);
        let rows = room.map_or_else(|| vec![right.clone()], |room| text::wrap(right, room));
        for (at, row) in rows.iter().enumerate() {
            let left = if at == 0 { left.as_str() } else { "" };
            let line = format!("  {}  {row}", text::fit(left, taken - 4));
            cx.out.line(line.trim_end())?;
        }
    }
    Ok(cx.out.line("")?)
}

/// The least width of the second column.
const LEAST: usize = 20;
