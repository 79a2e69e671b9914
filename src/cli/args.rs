//! What can be said on the command line: the only place that knows the argument parser.

use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

use clap::builder::{PossibleValue, PossibleValuesParser, StringValueParser, TypedValueParser};
use clap::{Arg, Args as _, CommandFactory, Parser, Subcommand, ValueEnum};

use crate::analysis::grouped::Field;
use crate::analysis::runs::Grouping;
use crate::cli::convert::To;
use crate::cli::export::{As, Target};
use crate::ingest::formats::FORMATS;
use crate::ingest::intake::LEAST_MEMORY;
use crate::query::fields::nearest;
use crate::tui::screens;
use crate::tui::theme::Palette;

const EXAMPLES: &str = "\
Examples:
  saferun-tui trace.jsonl                        open a trace and look around
  saferun-tui traces/                            open all traces of a folder
  saferun-tui ls traces/ --sort -cost            the runs, the dearest first
  saferun-tui query 'tool:refund args.amount>500' traces/
  saferun-tui show trace.jsonl --seq 42          one action in full
  saferun-tui diff old.jsonl new.jsonl           where two runs part, and why
  saferun-tui verify trace.jsonl                 account for every byte

Nothing is sent, executed or written: a trace is only read.

Exit codes: 0 done · 1 nothing matched, or a gate failed, or runs differ (--exit-code) ·
            2 usage or bad filter · 4 no readable input · 5 some lines are bad (only with --strict) ·
            6 a gate cannot tell";

/// A terminal explorer for the traces of AI agents: every prompt, response, tool call, policy
/// decision and approval as one ordered stream.
#[derive(Debug, Parser)]
#[command(name = "saferun-tui", version, after_help = EXAMPLES, max_term_width = 100)]
pub struct Args {
    #[command(subcommand)]
    pub command: Option<Command>,

    /// Traces to open: files, folders, globs, or - for standard input
    #[arg(value_name = "PATH")]
    pub paths: Vec<PathBuf>,

    /// Follow the traces while they are written, from their end on
    #[arg(long, conflicts_with = "screenshot")]
    pub follow: bool,

    #[command(flatten)]
    pub picture: Picture,

    #[command(flatten)]
    pub global: Global,
}

/// A picture of the explorer in place of the explorer.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct Picture {
    /// Draw the explorer into this file (SVG) and leave; needs no terminal
    #[arg(long, value_name = "FILE")]
    pub screenshot: Option<PathBuf>,

    /// Columns and rows of the screenshot
    #[arg(long, value_name = "WxH", default_value = "120x36", value_parser = size, requires = "screenshot")]
    pub size: (u16, u16),

    /// Keys to press before, as in 'j j / tool:refund enter'
    #[arg(long, value_name = "KEYS", requires = "screenshot")]
    pub keys: Option<String>,

    /// Replace the screenshot if it exists
    #[arg(long, requires = "screenshot")]
    pub force: bool,
}

const COHORT_HELP: &str = "\
Examples:
  saferun-tui cohort runs/                                       the two models that occur
  saferun-tui cohort --a 'model:gpt-4o*' --b 'model:gpt-5*' runs/
  saferun-tui cohort --a release:1.4 --b release:1.5 runs/ --gate
  saferun-tui cohort --aa -w model:gpt-4o runs/                  a check of the method itself
  saferun-tui cohort runs/ --metric 'tool:refund args.amount>500'

The task is the unit: runs of one task are alike, and tasks that both sides have are paired.
A figure counts as changed only when it survives the correction for how many are shown.

Exit codes with --gate: 0 nothing changed · 1 something got worse or another tool is used ·
                        6 not enough runs to tell (--inconclusive pass or fail makes it 0 or 1)";

/// What is compared, and how.
#[derive(Debug, Clone, clap::Args)]
pub struct CohortArgs {
    /// The runs of side A
    #[arg(
        long,
        value_name = "FILTER",
        allow_hyphen_values = true,
        conflicts_with = "aa"
    )]
    pub a: Option<String>,
    /// The runs of side B [default: all that are not on side A]
    #[arg(
        long,
        value_name = "FILTER",
        allow_hyphen_values = true,
        requires = "a"
    )]
    pub b: Option<String>,
    /// Sides by this, where it has two values [default: model]
    #[arg(long, value_name = "FIELD", value_parser = groupings(), conflicts_with_all = ["a", "aa"])]
    pub by: Option<String>,
    /// One cohort against itself, split by chance: nothing should be found
    #[arg(long)]
    pub aa: bool,
    #[command(flatten)]
    pub how: CohortHow,
    /// Print a document in Markdown
    #[arg(long, conflicts_with_all = ["json"])]
    pub md: bool,
}

/// What to do with a baseline.
#[derive(Debug, Clone, Subcommand)]
pub enum BaselineCommand {
    /// Write the runs of some traces to FILE
    Write {
        file: PathBuf,
        #[arg(value_name = "PATH")]
        paths: Vec<PathBuf>,
        /// Replace FILE if it exists
        #[arg(long)]
        force: bool,
        /// What makes two runs a pair
        #[arg(long, value_name = "WHAT", default_value = "auto", value_parser = ["auto", "task", "input", "none"])]
        pair_by: String,
    },
    /// Tell what is in FILE
    Show { file: PathBuf },
    /// Compare the runs of some traces (B) with those of FILE (A); the outcome is the exit code
    Check {
        file: PathBuf,
        #[arg(value_name = "PATH")]
        paths: Vec<PathBuf>,
        #[command(flatten)]
        how: CohortHow,
    },
}

/// How cohorts are compared.
#[derive(Debug, Clone, clap::Args)]
pub struct CohortHow {
    /// What makes two runs a pair
    #[arg(long, value_name = "WHAT", default_value = "auto", value_parser = ["auto", "task", "input", "none"])]
    pub pair_by: String,
    /// The smallest difference that matters: points of a rate, per cent of an amount
    #[arg(long, value_name = "POINTS", default_value_t = 3.0, value_parser = positive)]
    pub margin: f64,
    /// The probability of a false alarm, and that an interval misses
    #[arg(long, value_name = "P", default_value_t = 0.05, value_parser = probability)]
    pub alpha: f64,
    /// For what is drawn by chance
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
    /// Only this figure (by its name in --json), or count the runs that match this filter; repeatable
    #[arg(long, value_name = "NAME|FILTER", allow_hyphen_values = true)]
    pub metric: Vec<String>,
    /// Which tool is right: 'when FILTER expect FILTER', as 'when text~refund expect tool:refund'; repeatable
    #[arg(long, value_name = "RULE")]
    pub expect: Vec<String>,
    /// The outcome as an exit code, for CI
    #[arg(long)]
    pub gate: bool,
    /// What a gate that cannot tell does
    #[arg(long, value_name = "OUTCOME", value_parser = ["pass", "fail"], requires = "gate")]
    pub inconclusive: Option<String>,
}

/// Options that mean the same wherever they apply; a command that has no use for one refuses it.
#[derive(Debug, Clone, clap::Args)]
pub struct Global {
    /// Only runs or actions that match this filter
    #[arg(
        short = 'w',
        long = "where",
        value_name = "FILTER",
        global = true,
        allow_hyphen_values = true
    )]
    pub condition: Option<String>,

    /// One JSON document
    #[arg(long, global = true, conflicts_with_all = ["jsonl", "csv"])]
    pub json: bool,

    /// One JSON object per line
    #[arg(long, global = true, conflicts_with = "csv")]
    pub jsonl: bool,

    /// Comma-separated values
    #[arg(long, global = true)]
    pub csv: bool,

    /// Read every file as this format instead of finding out
    #[arg(long, value_name = "NAME", global = true, value_parser = FormatName)]
    pub format: Option<String>,

    /// Read records as this file declares (TOML), besides those in ~/.config/saferun-tui/formats
    #[arg(long = "shape", value_name = "FILE", global = true)]
    pub shapes: Vec<PathBuf>,

    #[arg(
        long,
        value_name = "FILE",
        global = true,
        help = "Prices of models (TOML) that win over the built-in ones [env: SAFERUN_TUI_PRICES]"
    )]
    pub price_file: Option<PathBuf>,

    /// No notes on standard error
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub quiet: bool,

    /// Say what was read
    #[arg(short, long, global = true)]
    pub verbose: bool,

    /// When to use colours
    #[arg(long, value_name = "WHEN", default_value = "auto", global = true)]
    pub color: When,

    /// The colours of the screen [default: by the terminal]
    #[arg(long, value_name = "NAME", global = true, value_parser = theme_names())]
    pub theme: Option<String>,

    #[arg(
        long,
        value_name = "FILE",
        global = true,
        conflicts_with = "no_config",
        help = "Settings from this file [env: SAFERUN_TUI_CONFIG] [default: ~/.config/saferun-tui/config.toml]"
    )]
    pub config: Option<PathBuf>,

    /// Settings from no file
    #[arg(long, global = true)]
    pub no_config: bool,

    /// Only ASCII for glyphs
    #[arg(long, global = true)]
    pub ascii: bool,

    /// What following may take of the memory, as 512MB; beyond it the oldest actions are let go
    #[arg(long, value_name = "SIZE", global = true, value_parser = memory)]
    pub max_mem: Option<u64>,

    /// The view to begin with [default: runs for several runs, stream for one]
    #[arg(long, value_name = "VIEW", global = true, value_parser = view_names())]
    pub view: Option<String>,

    /// Leave the mouse to the terminal
    #[arg(long, global = true)]
    pub no_mouse: bool,

    /// Time zone of the times shown, as Europe/Berlin or UTC (machine output is always UTC)
    #[arg(long, value_name = "ZONE", global = true)]
    pub tz: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum When {
    Auto,
    Always,
    Never,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// List the runs
    #[command(args = hidden("ls"), after_help = "Example:\n  saferun-tui ls traces/ --where 'is:error' --sort -cost")]
    Ls {
        #[arg(value_name = "PATH")]
        paths: Vec<PathBuf>,
        /// Order by this column; -COLUMN for the largest first
        #[arg(
            long,
            value_name = "COLUMN",
            default_value = "-started",
            allow_hyphen_values = true
        )]
        sort: String,
    },
    /// Print the actions that match a filter
    #[command(args = hidden("query"), after_help = "\
Examples:
  saferun-tui query 'status:blocked' traces/
  saferun-tui query 'tool:refund args.amount>500' trace.jsonl --jsonl
  saferun-tui query '' trace.jsonl                   everything
  saferun-tui query -c -- '-user:bot' trace.jsonl    a filter that begins with a dash

Exit code 1 when nothing matches, as grep.")]
    Query {
        #[arg(value_name = "FILTER")]
        filter: String,
        #[arg(value_name = "PATH")]
        paths: Vec<PathBuf>,
        /// Only how many actions match
        #[arg(short, long)]
        count: bool,
        /// Only the files with a match
        #[arg(short = 'l', long, conflicts_with = "count")]
        files_with_matches: bool,
    },
    /// Count actions by their fields, with durations, tokens and cost
    #[command(args = hidden("stats"), after_help = "\
Example:
  saferun-tui stats traces/ --by model,tool

Percentiles are by nearest rank: each is a duration that was recorded.")]
    Stats {
        #[arg(value_name = "PATH")]
        paths: Vec<PathBuf>,
        /// What to count by
        #[arg(long, value_name = "FIELD", default_value = "tool", value_delimiter = ',', value_parser = field_names())]
        by: Vec<String>,
    },
    /// Compare two cohorts of runs: what changed, by how much, and what cannot be told
    #[command(args = hidden("cohort"), after_help = COHORT_HELP)]
    Cohort {
        #[arg(value_name = "PATH")]
        paths: Vec<PathBuf>,
        #[command(flatten)]
        cohort: CohortArgs,
    },
    /// Keep what a cohort was like in a small file, and compare with it later
    #[command(args = hidden("baseline"), after_help = "\
Examples:
  saferun-tui baseline write baselines/refund.json runs/ -w model:gpt-4o
  saferun-tui baseline check baselines/refund.json new-runs/     for CI: exit code 0, 1 (worse) or 6 (cannot tell)

The file holds numbers, names of tools and ids of tasks, and no word of a prompt, an argument or a result.")]
    Baseline {
        #[command(subcommand)]
        what: BaselineCommand,
    },
    /// Follow traces while they are written: in the explorer, or (into a pipe, or with --jsonl) as one
    /// JSON line per action as it completes
    #[command(args = hidden("tail"), after_help = "Example:\n  saferun-tui tail run.jsonl -w 'status:blocked' | jq .tool")]
    Tail {
        /// Files (which need not exist yet), folders, globs, or - for standard input
        #[arg(value_name = "PATH", required = true)]
        paths: Vec<PathBuf>,
        /// Begin with what is there already
        #[arg(long)]
        from_start: bool,
        /// Begin with what is no older than this, as 10m or 2h
        #[arg(long, value_name = "SPAN", conflicts_with = "from_start")]
        since: Option<String>,
        /// Look for changes instead of being told of them by the system
        #[arg(long)]
        poll: bool,
    },
    /// Print a run, one of its turns or one of its actions
    #[command(args = hidden("show"), after_help = "\
Examples:
  saferun-tui show trace.jsonl
  saferun-tui show trace.jsonl#7f3a91 --turn 3       a beginning of the run id is enough
  saferun-tui show trace.jsonl --seq 42
  saferun-tui show trace.jsonl --seq 118..124
  saferun-tui show trace.jsonl --turn 3 --context    what the model saw when that turn began")]
    Show {
        #[arg(help = "PATH, or PATH#RUN_ID where it holds several runs")]
        run: PathBuf,
        /// This turn, with what was said
        #[arg(long, value_name = "N", conflicts_with = "seq")]
        turn: Option<u32>,
        /// This action, or these from N to M, with arguments, result, policy decisions and approvals
        #[arg(long, value_name = "N|N..M", value_parser = seqs)]
        seq: Option<RangeInclusive<u32>>,
        /// What the model saw: at the first call of the turn, or at the call that the action belongs to
        #[arg(long)]
        context: bool,
    },
    /// Compare two runs: which action belongs to which, where they part, and what differs inside
    #[command(args = hidden("diff"), after_help = "\
Examples:
  saferun-tui diff old.jsonl new.jsonl
  saferun-tui diff trace.jsonl#7f3a91 trace.jsonl#61bd02
  saferun-tui diff -w task:refund-7 old.jsonl new.jsonl    the run of each that matches
  saferun-tui diff old.jsonl new.jsonl --ignore args.request_id --hide-noise --exit-code

Exit code 1 with --exit-code when the runs differ.")]
    Diff {
        #[arg(help = "PATH, or PATH#RUN_ID where it holds several runs")]
        a: PathBuf,
        #[arg(help = "The other run; may be left out where A holds exactly two")]
        b: Option<PathBuf>,
        /// How to write it [default: side by side where the terminal is wide enough, else unified]
        #[arg(long, value_name = "LAYOUT", value_parser = ["side", "unified", "md", "json", "svg"])]
        format: Option<String>,
        /// Leave out what is equal
        #[arg(long, value_name = "WHAT", value_parser = ["changed"])]
        only: Option<String>,
        /// No difference here counts: args.KEY, result.KEY or text, as in filters
        #[arg(long, value_name = "PATH")]
        ignore: Vec<String>,
        /// Ids, times and temporary paths count as equal; how many were hidden is told
        #[arg(long)]
        hide_noise: bool,
        /// Exit code 1 when the runs differ
        #[arg(long)]
        exit_code: bool,
    },
    /// Carry a step away: the request of a model call as JSON, as a curl command, or as a fixture
    #[command(args = hidden("export"), after_help = "\
Examples:
  saferun-tui export trace.jsonl --turn 3 > request.json
  saferun-tui export trace.jsonl --seq 42 --as curl
  saferun-tui export trace.jsonl --seq 42 --as fixture -o step-42.json")]
    Export {
        #[arg(help = "PATH, or PATH#RUN_ID where it holds several runs")]
        run: PathBuf,
        /// The first model call of this turn; without it the first of the run
        #[arg(long, value_name = "N", conflicts_with = "seq")]
        turn: Option<u32>,
        /// The model call that this action belongs to
        #[arg(long, value_name = "N")]
        seq: Option<u32>,
        #[arg(long = "as", value_name = "WHAT", default_value = "request")]
        what: As,
        #[command(flatten)]
        target: Target,
    },
    /// Begin a new run with the past of another: the actions up to N, with edits of the last one
    #[command(args = hidden("fork"), after_help = "\
Examples:
  saferun-tui fork trace.jsonl --at 42 -o fork.jsonl
  saferun-tui fork trace.jsonl --at 42 --set args.amount=420 -o fork.jsonl
  saferun-tui fork trace.jsonl --at 2 --set 'content=Refund it' --set 'system=Be brief.'")]
    Fork {
        #[arg(help = "PATH, or PATH#RUN_ID where it holds several runs")]
        run: PathBuf,
        /// The last action that is kept
        #[arg(long, value_name = "N")]
        at: u32,
        /// A new value in that action, or in the start of the run; JSON, else a text
        #[arg(long, value_name = "PATH=VALUE")]
        set: Vec<String>,
        #[command(flatten)]
        target: Target,
    },
    /// Account for every byte: events, broken, blank and incomplete lines
    #[command(args = hidden("verify"))]
    Verify {
        #[arg(value_name = "PATH")]
        paths: Vec<PathBuf>,
        /// Exit code 5 when anything is broken or incomplete
        #[arg(long)]
        strict: bool,
    },
    /// Write traces of any format in the project's own: what opens to the same runs and actions
    #[command(args = hidden("convert"), after_help = "\
Examples:
  saferun-tui convert ~/.codex/sessions -o codex.jsonl
  saferun-tui convert --to atif session.jsonl -o trajectory.json
  saferun-tui convert results.json#7/0 -o one-run.jsonl
  saferun-tui convert traces.otlp.jsonl -o - | jq .type")]
    Convert {
        #[arg(value_name = "PATH", required = true)]
        paths: Vec<PathBuf>,
        /// The file to write, or - for standard output; a folder for several trajectories
        #[arg(short, long, value_name = "FILE")]
        output: PathBuf,
        /// saferun: all runs as lines of one file; atif: a trajectory document for each run
        #[arg(long, value_name = "FORMAT", default_value = "saferun")]
        to: To,
        /// Replace a file that exists
        #[arg(long)]
        force: bool,
    },
    /// List the trace formats that can be read
    #[command(args = hidden("formats"))]
    Formats,
    /// Check a filter, and print it in its full form
    #[command(args = hidden("check-filter"))]
    CheckFilter {
        #[arg(value_name = "FILTER", allow_hyphen_values = true)]
        filter: String,
    },
    /// Print the settings in force, and where each came from
    #[command(
        args = hidden("config"),
        after_help = "Example:\n  saferun-tui config > ~/.config/saferun-tui/config.toml    a file to begin with"
    )]
    Config,
    /// Open the traces that come with the program
    #[command(args = hidden("demo"))]
    Demo {
        #[command(flatten)]
        picture: Picture,
    },
    /// Print a completion script
    #[command(
        args = hidden("completions"),
        after_help = "Example:\n  saferun-tui completions fish > ~/.config/fish/completions/saferun-tui.fish"
    )]
    Completions { shell: clap_complete::Shell },
    /// Print the manual page
    #[command(args = hidden("man"), after_help = "Example:\n  saferun-tui man | man -l -")]
    Man,
}

impl Default for CohortHow {
    fn default() -> CohortHow {
        CohortHow {
            pair_by: "auto".to_owned(),
            margin: 3.0,
            alpha: 0.05,
            seed: 1,
            metric: Vec::new(),
            expect: Vec::new(),
            gate: false,
            inconclusive: None,
        }
    }
}

impl Global {
    /// The first option given that `command` has no use for: nothing is ignored silently.
    pub fn misplaced(&self, command: Option<&Command>) -> Option<&'static str> {
        let name = command.map_or("", Command::name);
        let given = [
            (self.condition.is_some(), "condition", "--where"),
            (self.json, "json", "--json"),
            (self.jsonl, "jsonl", "--jsonl"),
            (self.csv, "csv", "--csv"),
            (self.format.is_some(), "format", "--format"),
            (!self.shapes.is_empty(), "shapes", "--shape"),
            (self.max_mem.is_some(), "max_mem", "--max-mem"),
        ];
        given
            .into_iter()
            .find(|(given, id, _)| *given && refuses(name, id))
            .map(|(_, _, option)| option)
    }
}

/// Whether a command has no use for an option (by its id). Only what is followed can grow without end.
fn refuses(command: &str, id: &str) -> bool {
    let is_following = matches!(command, "" | "tail");
    refused(command).contains(&id) || id == "max_mem" && !is_following
}

/// The options (by their ids) that a command has no use for.
fn refused(command: &str) -> &'static [&'static str] {
    match command {
        "query" => &["condition", "json", "csv"],
        "show" => &["condition", "csv"],
        "export" | "fork" => &["condition", "json", "jsonl", "csv"],
        "tail" => &["json", "csv"],
        "stats" | "cohort" | "baseline" | "diff" => &["jsonl", "csv"],
        "verify" => &["condition", "jsonl", "csv"],
        "demo" => &["format", "shapes"],
        "convert" => &["json", "jsonl", "csv"],
        "check-filter" | "config" => &["condition", "jsonl", "csv", "format", "shapes"],
        "formats" => &["condition", "json", "jsonl", "csv", "format"],
        "completions" | "man" => &["condition", "json", "jsonl", "csv", "format", "shapes"],
        _ => &[],
    }
}

/// Options that change nothing for a command, and do no harm.
fn idle(command: &str) -> &'static [&'static str] {
    match command {
        "demo" => &[],
        "formats" | "check-filter" | "completions" | "man" => {
            &["no_mouse", "price_file", "tz", "view", "theme"]
        }
        "config" => &["view"],
        _ => &["no_mouse", "view", "theme"],
    }
}

/// The options that the help of a command leaves out.
fn hidden(command: &str) -> Vec<Arg> {
    let all = Global::augment_args(clap::Command::new("options"));
    let left_out = |arg: &&Arg| {
        let id = arg.get_id().as_str();
        refuses(command, id) || idle(command).contains(&id)
    };
    all.get_arguments()
        .filter(left_out)
        .map(|arg| arg.clone().hide(true))
        .collect()
}

impl Command {
    /// The command that was meant by a word that names no file.
    pub fn near(word: &Path) -> Option<String> {
        let word = word.to_str().filter(|_| !word.exists())?;
        if !word
            .bytes()
            .all(|byte| byte.is_ascii_alphabetic() || byte == b'-')
            || word == "-"
        {
            return None;
        }
        let commands = <Args as CommandFactory>::command();
        let names = commands.get_subcommands().map(clap::Command::get_name);
        nearest(word, names).map(str::to_owned)
    }

    pub fn name(&self) -> &'static str {
        match self {
            Command::Ls { .. } => "ls",
            Command::Query { .. } => "query",
            Command::Stats { .. } => "stats",
            Command::Cohort { .. } => "cohort",
            Command::Convert { .. } => "convert",
            Command::Baseline { .. } => "baseline",
            Command::Tail { .. } => "tail",
            Command::Show { .. } => "show",
            Command::Diff { .. } => "diff",
            Command::Export { .. } => "export",
            Command::Fork { .. } => "fork",
            Command::Verify { .. } => "verify",
            Command::Formats => "formats",
            Command::CheckFilter { .. } => "check-filter",
            Command::Config => "config",
            Command::Demo { .. } => "demo",
            Command::Completions { .. } => "completions",
            Command::Man => "man",
        }
    }
}

/// What runs are gathered under.
fn groupings() -> PossibleValuesParser {
    PossibleValuesParser::new(Grouping::ALL.iter().map(|grouping| grouping.word()))
}

/// `512MB`, `2GB`: powers of 1000, as elsewhere.
fn memory(text: &str) -> Result<u64, String> {
    let digits = text.trim_end_matches(|letter: char| letter.is_ascii_alphabetic());
    let unit = match text
        .trim_start_matches(digits)
        .to_ascii_uppercase()
        .as_str()
    {
        "MB" | "M" => 1_000_000,
        "GB" | "G" => 1_000_000_000,
        _ => 0,
    };
    let bytes = digits.parse().ok().and_then(|it: u64| it.checked_mul(unit));
    match bytes {
        Some(bytes) if bytes >= LEAST_MEMORY => Ok(bytes),
        Some(bytes) if bytes > 0 => Err("at least 128MB".to_owned()),
        Some(_) | None => Err("a size, as 512MB or 2GB".to_owned()),
    }
}

/// `120x36`: columns and rows.
fn size(text: &str) -> Result<(u16, u16), String> {
    let sides = text.split_once(['x', '×']);
    let sides = sides.and_then(|(width, height)| Some((width.parse().ok()?, height.parse().ok()?)));
    match sides {
        Some(size @ (1..=1000, 1..=500)) => Ok(size),
        Some(_) => Err("at most 1000x500, and not 0".to_owned()),
        None => Err("columns and rows, as 120x36".to_owned()),
    }
}

/// `118`, or `118..124` with both ends.
fn seqs(text: &str) -> Result<RangeInclusive<u32>, String> {
    let number = |text: &str| text.parse::<u32>();
    let (first, last) = text.split_once("..").unwrap_or((text, text));
    match (number(first), number(last)) {
        (Ok(first), Ok(last)) if first <= last => Ok(first..=last),
        (Ok(_), Ok(_)) => Err(format!("the smaller number comes first: {last}..{first}")),
        _ => Err("a number (42) or two (118..124)".to_owned()),
    }
}

/// The name of a format: proposed are those built in; which others are declared is known later.
#[derive(Debug, Clone)]
struct FormatName;

impl TypedValueParser for FormatName {
    type Value = String;

    fn parse_ref(
        &self,
        command: &clap::Command,
        arg: Option<&Arg>,
        value: &std::ffi::OsStr,
    ) -> Result<String, clap::Error> {
        StringValueParser::new().parse_ref(command, arg, value)
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        let names = FORMATS.iter().map(|format| format.name());
        Some(Box::new(names.map(PossibleValue::new)))
    }
}

fn positive(text: &str) -> Result<f64, String> {
    let number = text.parse::<f64>().ok();
    number
        .filter(|number| number.is_finite() && *number > 0.0)
        .ok_or_else(|| "a number above 0, as 3 or 0.5".to_owned())
}

fn probability(text: &str) -> Result<f64, String> {
    positive(text)
        .ok()
        .filter(|number| *number <= 0.5)
        .ok_or_else(|| "a number above 0 and at most 0.5, as 0.05".to_owned())
}

fn theme_names() -> PossibleValuesParser {
    let auto = std::iter::once("auto");
    PossibleValuesParser::new(auto.chain(Palette::ALL.iter().map(|palette| palette.word())))
}

fn view_names() -> PossibleValuesParser {
    PossibleValuesParser::new(screens::views().map(|info| info.name))
}

fn field_names() -> PossibleValuesParser {
    PossibleValuesParser::new(Field::ALL.iter().map(|field| field.word()))
}

#[cfg(test)]
mod tests;
