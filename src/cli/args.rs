//! The command line: the table of commands and the options that several of them share.

use std::path::{Path, PathBuf};

use clap::builder::{PossibleValue, PossibleValuesParser, StringValueParser, TypedValueParser};
use clap::{Arg, CommandFactory, Parser, Subcommand, ValueEnum};

use crate::cli::Cx;
use crate::cli::command::{Accepts, Command, hidden};
use crate::cli::explore::Explore;
use crate::cli::failure::{Exit, Failure};
use crate::cli::groups;
use crate::cli::pick::Target;
use crate::ingest::formats::FORMATS;
use crate::ingest::intake::LEAST_MEMORY;
use crate::query::fields::nearest;
use crate::tui::screens;
use crate::tui::theme::Palette;

/// Help is wrapped at this width on wider terminals.
pub(super) const WIDTH: usize = 100;

const EXAMPLES: &str = "\
Examples:
  saferun-tui trace.jsonl                        open a trace in the explorer
  saferun-tui traces/                            open all traces in a folder
  saferun-tui trace.jsonl#7f3a91:42              open it at action 42 of a run
  saferun-tui ls traces/ --sort -cost            list the runs, most expensive first
  saferun-tui query 'tool:refund args.amount>500' traces/
  saferun-tui show trace.jsonl --seq 42          print one action in full
  saferun-tui diff old.jsonl new.jsonl           where two runs diverge, and why
  saferun-tui verify trace.jsonl                 account for every byte

Opening a trace only reads it: nothing is sent or executed, and only your place, marks and filters are \
saved (--no-state keeps nothing).

Exit codes: 0 success · 1 no match, a failed gate, or runs that differ (--exit-code) ·
            2 usage error or invalid filter · 3 an alert fired (alert check), or a request without
            a recorded answer (serve) · 4 input missing or unreadable · 5 malformed lines (only with
            --strict) · 6 the gate is inconclusive · see help exit-codes";

/// A terminal explorer for traces of AI agents: every prompt, response, tool call, policy
/// decision and approval as one ordered stream.
#[derive(Debug, Parser)]
#[command(
    name = "saferun-tui",
    version,
    after_help = EXAMPLES,
    help_template = groups::template(),
    max_term_width = WIDTH,
    disable_help_subcommand = true
)]
pub struct Args {
    #[command(subcommand)]
    pub command: Option<Commands>,

    #[command(flatten)]
    pub explore: Explore,

    #[command(flatten)]
    pub global: Global,
}

macro_rules! commands {
    ($($(#[$when:meta])* $variant:ident($args:ty)),* $(,)?) => {
        /// Every command; `groups` lists them in the order of the help.
        #[derive(Debug, Subcommand)]
        pub enum Commands {
            $(
                $(#[$when])*
                #[command(name = <$args as Command>::NAME, args = hidden::<$args>())]
                $variant(Box<$args>),
            )*
        }

        impl Commands {
            pub fn name(&self) -> &'static str {
                match self { $($(#[$when])* Commands::$variant(_) => <$args as Command>::NAME),* }
            }

            pub(super) fn accepts(&self) -> Accepts {
                match self { $($(#[$when])* Commands::$variant(_) => <$args as Command>::ACCEPTS),* }
            }

            pub(super) fn run(self, cx: &mut Cx) -> anyhow::Result<Exit> {
                match self { $($(#[$when])* Commands::$variant(args) => args.run(cx)),* }
            }
        }
    };
}

commands! {
    Ls(super::ls::Ls),
    Query(super::query::Query),
    Stats(super::stats::Stats),
    Cost(super::cost::Cost),
    Cohort(super::cohort::Cohort),
    Baseline(super::baseline::Baseline),
    Live(super::live::Live),
    Tail(super::tail::Tail),
    Show(super::show::Show),
    Diff(super::diff::Diff),
    #[cfg(feature = "capture")]
    Record(super::record::Record),
    #[cfg(feature = "capture")]
    Listen(super::listen::Listen),
    Wire(super::wire::Wire),
    Policy(super::policy::Policy),
    Alert(super::alert::Alert),
    Approvals(super::approvals::Approvals),
    Guard(super::guard::Guard),
    Asks(super::asks::Asks),
    Approve(super::asks::Approve),
    Deny(super::asks::Deny),
    Mcp(super::mcp::Mcp),
    Export(super::export::Export),
    Fork(super::export::Fork),
    #[cfg(feature = "capture")]
    Serve(super::serve::Serve),
    #[cfg(feature = "capture")]
    Rerun(super::rerun::Rerun),
    #[cfg(feature = "capture")]
    McpServe(super::mcp_serve::McpServe),
    Verify(super::verify::Verify),
    Convert(super::convert::Convert),
    #[cfg(feature = "capture")]
    Pull(super::pull::Pull),
    #[cfg(feature = "capture")]
    Load(super::fleet::load::Load),
    #[cfg(feature = "capture")]
    Fleet(super::fleet::Fleet),
    Formats(super::formats::Formats),
    Doctor(super::doctor::Doctor),
    Keep(super::doctor::Keep),
    McpServer(super::mcp_server::McpServer),
    CheckFilter(super::filter::CheckFilter),
    Config(super::config::Config),
    Demo(super::demo::Demo),
    Completions(super::generate::Completions),
    Man(super::generate::Man),
    Help(super::help::Help),
}

impl Commands {
    /// The command that was probably meant by a word that names no file.
    pub(super) fn near(word: &Path) -> Option<String> {
        let word = word.to_str().filter(|_| !word.exists())?;
        if !word
            .bytes()
            .all(|byte| byte.is_ascii_alphabetic() || byte == b'-')
            || word == "-"
        {
            return None;
        }
        let commands = Args::command();
        let names = commands.get_subcommands().map(clap::Command::get_name);
        nearest(word, names).map(str::to_owned)
    }
}

/// The traces that a command reads.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct Paths {
    /// Files, folders, globs, or - for standard input; PATH#RUN for one run (a unique prefix of its
    /// id is enough), PATH#RUN:SEQ for one action
    #[arg(value_name = "PATH")]
    pub paths: Vec<PathBuf>,
}

impl Paths {
    /// The paths named, or standard input when something is piped in.
    pub(super) fn or_stdin(self) -> Result<Vec<PathBuf>, Failure> {
        if !self.paths.is_empty() {
            return Ok(self.paths);
        }
        if super::stdin_is_a_trace() {
            return Ok(vec![PathBuf::from("-")]);
        }
        let what = "no trace given (name a file, a folder, a glob, or - for standard input)";
        Err(Failure::Usage(what.to_owned()))
    }
}

/// The files and folders of paths that may name a run in them.
pub(super) fn files(paths: &[PathBuf]) -> Vec<PathBuf> {
    paths.iter().map(|path| Target::parse(path).path).collect()
}

/// Which rows and columns a table has. The same options apply to tables, JSON and CSV.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct Rows {
    /// Sort by this column; -COLUMN sorts in descending order
    #[arg(long, value_name = "COLUMN", allow_hyphen_values = true)]
    pub sort: Option<String>,

    /// Print at most N rows, after sorting
    #[arg(long, value_name = "N")]
    pub limit: Option<usize>,

    /// Print only these columns, separated by commas
    #[arg(long, value_name = "COLUMN,…", value_delimiter = ',')]
    pub columns: Vec<String>,
}

/// Options that mean the same for every command that accepts them.
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

    /// Print one JSON document
    #[arg(long, global = true, conflicts_with_all = ["jsonl", "csv"])]
    pub json: bool,

    /// Print one JSON object per line
    #[arg(long, global = true, conflicts_with = "csv")]
    pub jsonl: bool,

    /// Print comma-separated values
    #[arg(long, global = true)]
    pub csv: bool,

    /// Also read JSON files in folders that no format recognises
    #[arg(long, global = true)]
    pub all_json: bool,

    /// Read every file as this format instead of detecting it
    #[arg(long, value_name = "NAME", global = true, value_parser = FormatName, hide_possible_values = true)]
    pub format: Option<String>,

    /// Read records of the format declared in this TOML file, in addition to those declared in
    /// ~/.config/saferun-tui/formats
    #[arg(long = "shape", value_name = "FILE", global = true)]
    pub shapes: Vec<PathBuf>,

    #[arg(
        long,
        value_name = "FILE",
        global = true,
        help = "Model prices (TOML) that override the built-in ones [env: SAFERUN_TUI_PRICES]"
    )]
    pub price_file: Option<PathBuf>,

    /// Print no notes to standard error
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub quiet: bool,

    /// Print what was read to standard error
    #[arg(short, long, global = true)]
    pub verbose: bool,

    /// When to use colour
    #[arg(long, value_name = "WHEN", default_value = "auto", global = true)]
    pub color: When,

    /// Colour theme [default: chosen for the terminal]
    #[arg(long, value_name = "NAME", global = true, value_parser = theme_names())]
    pub theme: Option<String>,

    #[arg(
        long,
        value_name = "FILE",
        global = true,
        conflicts_with = "no_config",
        help = "Read settings from this file [env: SAFERUN_TUI_CONFIG] [default: ~/.config/saferun-tui/config.toml]"
    )]
    pub config: Option<PathBuf>,

    /// Read no settings file
    #[arg(long, global = true)]
    pub no_config: bool,

    /// Keep nothing between sessions: no last position, filter history or recent traces
    #[arg(long, global = true)]
    pub no_state: bool,

    /// Use only ASCII characters for symbols
    #[arg(long, global = true)]
    pub ascii: bool,

    /// Memory limit while following, such as 512MB; the oldest actions are dropped beyond it
    #[arg(long, value_name = "SIZE", global = true, value_parser = memory)]
    pub max_mem: Option<u64>,

    /// How many rows a query of a database may read at most, such as 5e9 [default: 2e9]
    #[arg(long, value_name = "ROWS", global = true, value_parser = rows)]
    pub max_scan: Option<u64>,

    /// View to start in [default: runs for several runs, stream for one]
    #[arg(long, value_name = "VIEW", global = true, value_parser = view_names())]
    pub view: Option<String>,

    /// Policy for view 9, for w in the stream and for would: in filters: a file or folder, or claude:, codex:, gemini: or
    /// opencode: for what is in force here; repeat it for several
    #[arg(long = "policy", value_name = "POLICY", global = true)]
    pub overlay: Vec<PathBuf>,

    /// Do not capture the mouse
    #[arg(long, global = true)]
    pub no_mouse: bool,

    /// Time zone for displayed times, such as Europe/Berlin or UTC (machine output is always UTC)
    #[arg(long, value_name = "ZONE", global = true)]
    pub tz: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum When {
    Auto,
    Always,
    Never,
}

/// How a command writes its records for other programs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Machine {
    Json,
    Jsonl,
    Csv,
}

impl Global {
    /// None where the output is for a person.
    pub fn machine(&self) -> Option<Machine> {
        match (self.json, self.jsonl, self.csv) {
            (true, _, _) => Some(Machine::Json),
            (_, true, _) => Some(Machine::Jsonl),
            (_, _, true) => Some(Machine::Csv),
            (false, false, false) => None,
        }
    }
}

/// `512MB`, `2GB`: powers of 1000.
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
        Some(bytes) if bytes > 0 => Err("must be at least 128MB".to_owned()),
        Some(_) | None => Err("expected a size such as 512MB or 2GB".to_owned()),
    }
}

/// A number of rows: `5e9`, `200000000`.
fn rows(text: &str) -> Result<u64, String> {
    let number = text.parse::<f64>().ok();
    let number = number.filter(|it| (1.0..1e18).contains(it));
    let wrong = || format!("'{text}' is not a number of rows, such as 5e9");
    number.map(|it| it as u64).ok_or_else(wrong)
}

/// The name of a format. Completion offers the built-in ones; declared formats are known only later.
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

fn theme_names() -> PossibleValuesParser {
    let auto = std::iter::once("auto");
    PossibleValuesParser::new(auto.chain(Palette::ALL.iter().map(|palette| palette.word())))
}

fn view_names() -> PossibleValuesParser {
    PossibleValuesParser::new(screens::views().map(|info| info.name))
}

#[cfg(test)]
mod tests;
