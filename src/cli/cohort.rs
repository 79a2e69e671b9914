//! `cohort`: compares two cohorts of runs.

mod sequential;

use std::path::PathBuf;

use clap::builder::PossibleValuesParser;

use crate::analysis::cohort::ask::{Answer, Ask, Choice, Refusal};
use crate::analysis::cohort::compare::{Comparison, Options};
use crate::analysis::cohort::expect::Rule;
use crate::analysis::cohort::figure::{Figure, Kind};
use crate::analysis::cohort::measure::MEASURES;
use crate::analysis::cohort::observe::PairBy;
use crate::analysis::cohort::outcome::Outcome;
use crate::analysis::cohort::sides::Order;
use crate::analysis::runs::Grouping;
use crate::base::cancel::CancelFlag;
use crate::cli::args::{Machine, Paths};
use crate::cli::command::{Accepts, Command, GlobalOption};
use crate::cli::failure::{Exit, Failure};
#[cfg(feature = "capture")]
use crate::cli::fleet;
use crate::cli::load::Read;
use crate::cli::records::Records;
use crate::cli::table::{self, Cell, Column};
use crate::cli::{Cx, filter};
use crate::export::cohort as words;
use crate::export::cohort::markdown;
use crate::export::json::cohort as cohort_json;
use crate::export::words::Role;
use crate::query::expr::Expr;
use crate::query::fields::nearest;
use crate::store::Store;

/// Compare two cohorts of runs: what changed, by how much, and what is inconclusive
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  saferun-tui cohort runs/                                       the two models in these runs
  saferun-tui cohort --a 'model:gpt-4o*' --b 'model:gpt-5*' runs/
  saferun-tui cohort --a release:1.4 --b release:1.5 runs/ --gate
  saferun-tui cohort --aa -w model:gpt-4o runs/                  check the method itself
  saferun-tui cohort runs/ --sequential --metric cost_usd        after each batch, until decided
  saferun-tui cohort runs/ --metric 'tool:refund args.amount>500'

The sides are in the order of the paths; within one path, the earlier model is A.
The unit is the task: runs of one task are treated as correlated, and tasks that both sides have are
paired. A metric counts as changed only if it survives the correction for multiple comparisons.
--csv and --jsonl print one metric per row; --json prints everything.

Exit codes with --gate: 0 pass · 1 a metric got worse, or other tools are used ·
                        6 not enough runs to tell (--inconclusive pass or fail makes it 0 or 1)")]
pub struct Cohort {
    #[command(flatten)]
    paths: Paths,
    /// The runs of side A
    #[arg(
        long,
        value_name = "FILTER",
        allow_hyphen_values = true,
        conflicts_with = "aa"
    )]
    a: Option<String>,
    /// The runs of side B [default: all runs that are not on side A]
    #[arg(
        long,
        value_name = "FILTER",
        allow_hyphen_values = true,
        requires = "a"
    )]
    b: Option<String>,
    /// Split the runs into sides by this field, which must have two values [default: model]
    #[arg(long, value_name = "FIELD", value_parser = groupings(), conflicts_with_all = ["a", "aa"])]
    by: Option<String>,
    /// Compare one cohort with itself, split at random: nothing should be found
    #[arg(long)]
    aa: bool,
    /// Turn the outcome into an exit code, for CI
    #[arg(long)]
    gate: bool,
    /// Test cohorts that still grow: the exit code is valid however often it is checked (0 not worse · 1 worse · 6
    /// open)
    #[arg(long, conflicts_with_all = ["gate", "aa", "md"])]
    sequential: bool,
    #[command(flatten)]
    how: CohortHow,
    /// Print a Markdown document
    #[arg(long, conflicts_with_all = ["json", "jsonl", "csv"])]
    md: bool,
}

/// How cohorts are compared.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct CohortHow {
    /// What makes two runs a pair
    #[arg(long, value_name = "WHAT", default_value = "auto", value_parser = ["auto", "task", "input", "none"])]
    pub pair_by: String,
    /// The smallest difference that matters, in percentage points of a rate or per cent of an amount
    #[arg(long, value_name = "POINTS", default_value_t = 3.0, value_parser = positive)]
    pub margin: f64,
    /// The false positive rate; intervals cover 1 − P
    #[arg(long, value_name = "P", default_value_t = 0.05, value_parser = probability)]
    pub alpha: f64,
    /// Seed for random sampling
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
    /// Only this metric (by its name in --json), or count the runs that match a filter; repeatable
    #[arg(long, value_name = "NAME|FILTER", allow_hyphen_values = true)]
    pub metric: Vec<String>,
    /// A rule that says which tool is right, such as 'when text~refund expect tool:refund'; repeatable
    #[arg(long, value_name = "RULE")]
    pub expect: Vec<String>,
    /// What an inconclusive gate counts as
    #[arg(long, value_name = "OUTCOME", value_parser = ["pass", "fail"])]
    pub inconclusive: Option<String>,
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
            inconclusive: None,
        }
    }
}

fn groupings() -> PossibleValuesParser {
    PossibleValuesParser::new(Grouping::ALL.iter().map(|grouping| grouping.word()))
}

fn positive(text: &str) -> Result<f64, String> {
    let number = text.parse::<f64>().ok();
    number
        .filter(|number| number.is_finite() && *number > 0.0)
        .ok_or_else(|| "expected a number above 0, such as 3 or 0.5".to_owned())
}

fn probability(text: &str) -> Result<f64, String> {
    positive(text)
        .ok()
        .filter(|number| *number <= 0.5)
        .ok_or_else(|| "expected a number above 0 and at most 0.5, such as 0.05".to_owned())
}

impl Command for Cohort {
    const NAME: &'static str = "cohort";
    const ACCEPTS: Accepts = Accepts::READING
        .and(Accepts::RECORDS)
        .with(GlobalOption::Where);

    fn run(self, cx: &mut Cx) -> anyhow::Result<Exit> {
        if self.how.inconclusive.is_some() && !self.gate {
            let what = "--inconclusive sets the outcome of a gate; add --gate";
            return Err(Failure::Usage(what.to_owned()).into());
        }
        let by = self.by.as_deref().and_then(Grouping::find);
        let by = by.unwrap_or(Grouping::Model);
        let choice = match (&self.a, &self.b) {
            _ if self.aa => Choice::Halves,
            (Some(a), b) => Choice::Filters(
                filter::parse(a)?,
                b.as_deref().map(filter::parse).transpose()?,
            ),
            (None, _) => Choice::By(by),
        };
        let mut ask = ask(cx, choice, &self.how)?;
        let paths = self.paths.or_stdin()?;
        ask.order = Order::of(paths.len());
        let (read, ask, exit) = read(cx, &paths, ask)?;
        if !read.has_records() {
            return Ok(exit);
        }
        let answer = ask
            .run(&read.store, &CancelFlag::new())
            .map_err(Failure::from)?;
        if self.sequential {
            let outcome = sequential::sequential(cx, &answer.comparison, &self.how.metric)?;
            return Ok(if exit == Exit::Done { outcome } else { exit });
        }
        print(cx, &read.store, &answer, self.md)?;
        Ok(if self.gate && exit == Exit::Done {
            gate(&answer.comparison, &self.how)
        } else {
            exit
        })
    }
}

const COLUMNS: &[Column] = &[
    Column::left("METRIC", 0).cut_to(16),
    Column::right("A", 0),
    Column::right("B", 0),
    Column::right("DIFF", 0),
    Column::left("INTERVAL", 3),
    Column::right("P", 4),
    Column::right("Q", 2),
    Column::left("", 0),
    Column::left("MEANING", 1).cut_to(20),
];

/// At most this many divergences and transitions are listed.
const SHOWN: usize = 8;

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Failure {
        Failure::Usage(words::refusal(&refusal, words::Reader::CommandLine))
    }
}

/// The runs to compare, and the question about them.
fn read(cx: &Cx, paths: &[PathBuf], ask: Ask) -> anyhow::Result<(Read, Ask, Exit)> {
    #[cfg(feature = "capture")]
    if let Some(fleet) = fleet::rows::of(cx, paths)? {
        let (read, ask) = fleet::rows::cohort(cx, &fleet, ask)?;
        return Ok((read, ask, Exit::Done));
    }
    let read = cx.load.paths(&cx.notes, paths)?;
    let exit = read.exit(&cx.notes);
    let only = read.only(ask.only);
    Ok((read, Ask { only, ..ask }, exit))
}

/// The comparison that the options ask for.
pub(super) fn ask(cx: &Cx, choice: Choice, how: &CohortHow) -> anyhow::Result<Ask> {
    let is_name = |text: &str| {
        let amounts = ["_mean", "_median", "_p95", "_p99"];
        let base = amounts.iter().find_map(|end| text.strip_suffix(end));
        let known = |name: &str| MEASURES.iter().any(|info| info.name == name);
        known(text)
            || base.is_some_and(known)
            || text.starts_with("first_tool:")
            || text.starts_with("tool:") && !text.contains(' ')
    };
    // The name that tables print for a metric is accepted too.
    let only = how.metric.iter().map(|text| named(text));
    let only: Vec<String> = only.collect();
    let asked = |text: &&String| !is_name(text);
    let predicates: Vec<String> = only.iter().filter(asked).cloned().collect();
    let parsed: Result<Vec<Expr>, Failure> =
        predicates.iter().map(|text| predicate(text)).collect();
    let rules = how.expect.iter().map(|text| Rule::parse(text));
    let rules: Result<Vec<Rule>, String> = rules.collect();
    Ok(Ask {
        choice,
        order: Order::ByTime,
        only: filter::condition(cx)?,
        pair_by: pair_by(&how.pair_by),
        options: Options {
            margin: how.margin / 100.0,
            alpha: how.alpha,
            seed: how.seed,
            paired: (how.pair_by == "none").then_some(false),
            only,
            predicates,
        },
        predicates: parsed?,
        rules: rules.map_err(Failure::Usage)?,
        context: filter::context(cx),
        held: None,
    })
}

/// The name of the metric that tables call by these words.
fn named(text: &str) -> String {
    let known = MEASURES.iter().find(|info| info.words == text);
    known.map_or_else(|| text.to_owned(), |info| info.name.to_owned())
}

/// A filter whose runs are counted. A bare word would be a text search: it is probably a misspelt metric.
fn predicate(text: &str) -> Result<Expr, Failure> {
    let expr = filter::parse(text)?;
    if !matches!(expr, Expr::Text(_)) {
        return Ok(expr);
    }
    let names: Vec<&str> = MEASURES.iter().map(|info| info.name).collect();
    let near = nearest(text, names.iter().copied());
    let near = near.map_or_else(String::new, |name| format!(" · did you mean {name:?}?"));
    Err(Failure::Usage(format!(
        "{text:?} is not a metric{near}\n  metrics: {}, tool:NAME, first_tool:NAME\n  text~{text:?} counts the runs that contain it",
        names.join(", ")
    )))
}

pub(super) fn pair_by(word: &str) -> PairBy {
    match word {
        "task" => PairBy::Task,
        "input" => PairBy::Input,
        "none" => PairBy::None,
        _ => PairBy::Auto,
    }
}

/// Prints an answer in the form that was asked for.
pub(super) fn print(cx: &mut Cx, store: &Store, answer: &Answer, md: bool) -> anyhow::Result<()> {
    if let Some(machine) = cx.global.machine() {
        return records(cx, machine, &cohort_json::cohort(store, answer));
    }
    if md {
        for line in markdown::markdown(answer).lines() {
            cx.out.line(line)?;
        }
        return Ok(());
    }
    head(cx, answer)?;
    let found = &answer.comparison;
    let figures = found.by_evidence();
    let tails = found
        .figures
        .iter()
        .filter(|it| matches!(it.kind, Kind::Tail(_)));
    let rows: Vec<Vec<Cell>> = figures
        .into_iter()
        .chain(tails)
        .map(|figure| row(cx, found, figure))
        .collect();
    table::write(&mut cx.out, COLUMNS, &rows)?;
    rest(cx, store, found)
}

/// The whole document, or one metric per row.
fn records(
    cx: &mut Cx,
    machine: Machine,
    document: &cohort_json::CohortJson,
) -> anyhow::Result<()> {
    match machine {
        Machine::Json => cx.out.json(document)?,
        Machine::Jsonl | Machine::Csv => {
            let records = Records {
                schema: cohort_json::SCHEMA,
                list: "metrics",
                csv: METRICS,
                only: None,
                rest: Vec::new(),
            };
            records.write(&mut cx.out, machine, document.metrics.iter())?;
        }
    }
    Ok(())
}

const METRICS: &[&str] = &[
    "name",
    "kind",
    "a",
    "b",
    "diff",
    "lo",
    "hi",
    "p",
    "q",
    "method",
    "verdict",
    "direction",
    "regression",
    "margin",
    "mde",
    "needed",
    "runs_a",
    "runs_b",
];

fn head(cx: &mut Cx, answer: &Answer) -> anyhow::Result<()> {
    let found = &answer.comparison;
    let sides = [("A", &found.a), ("B", &found.b)].into_iter();
    for ((side, cohort), size) in sides.zip(words::sizes(found)) {
        let name = cx.out.style.clean(&cohort.name);
        cx.out.line(&format!("{side}  {name}  {size}"))?;
    }
    if answer.halves {
        cx.out
            .line("   one cohort split at random: any difference is due to chance")?;
    }
    cx.out.line(&format!("   {}", words::pairing(answer)))?;
    if let Some(excluded) = words::excluded(answer) {
        cx.out.line(&format!("   excluded: {excluded}"))?;
    }
    for (at, line) in words::confounds(answer).iter().enumerate() {
        let clean = cx.out.style.clean(line);
        if at == 0 {
            cx.out.painted(Role::Warn, &format!("   {clean}"))?;
        } else {
            cx.out.line(&format!("     {clean}"))?;
        }
    }
    let counts: Vec<String> = words::tally(found)
        .into_iter()
        .map(|(words, role)| cx.out.style.paint(role, &cx.out.style.clean(&words)))
        .collect();
    let head = cx.out.style.paint(Role::Head, "VERDICT");
    cx.out.line("")?;
    cx.out.line(&format!("{head}  {}", counts.join(" · ")))?;
    if let Some(smallest) = words::smallest(found) {
        cx.out.line(&format!("         {smallest}"))?;
    }
    cx.out.line("")?;
    Ok(())
}

fn row(cx: &Cx, found: &Comparison, figure: &Figure) -> Vec<Cell> {
    let (_, role) = words::verdict(figure);
    vec![
        Cell::new(cx.out.style.clean(&figure.words)),
        Cell::new(words::value(figure, figure.a)),
        Cell::new(words::value(figure, figure.b)),
        Cell::new(words::difference(figure)),
        Cell::new(words::interval(figure)),
        Cell::new(words::probability(figure.p)),
        Cell::new(words::probability(figure.q)),
        Cell::role(words::arrow(figure), role),
        Cell::role(words::sentence(found, figure), role),
    ]
}

/// The mix of tools, transitions, where runs diverge, and the methods used.
fn rest(cx: &mut Cx, store: &Store, found: &Comparison) -> anyhow::Result<()> {
    if let Some(mix) = found.mix {
        let p = mix.p.map(|p| {
            let is_significant = p < found.options.alpha;
            let not = if is_significant { "" } else { "not " };
            format!(" (p {}, {not}significant)", words::probability(Some(p)))
        });
        cx.out.line("")?;
        cx.out.line(&format!(
            "MIX  tool mix differs by {:.1} % of calls{}",
            mix.total_variation * 100.0,
            p.unwrap_or_default(),
        ))?;
    }
    let steps = found
        .transitions
        .iter()
        .filter(|it| (it.a - it.b).abs() >= found.options.margin);
    for (at, step) in steps.take(SHOWN).enumerate() {
        let head = if at == 0 { "THEN" } else { "    " };
        let from = words::tool(found, step.from, "beginning");
        let to = words::tool(found, step.to, "end");
        let (from, to) = (cx.out.style.clean(from), cx.out.style.clean(to));
        let (a, b) = (step.a * 100.0, step.b * 100.0);
        cx.out
            .line(&format!("{head}  {from} → {to}  {a:.0} % → {b:.0} %"))?;
    }
    for (at, fork) in found.forks.iter().take(SHOWN).enumerate() {
        if at == 0 {
            cx.out.line("")?;
            cx.out.line("WHERE RUNS OF THE SAME TASK DIVERGE")?;
        }
        let side = |tool| cx.out.style.clean(words::tool(found, tool, "end"));
        let (a, b) = (side(fork.a), side(fork.b));
        let id = |run: Option<_>| {
            let run: crate::model::run::RunIx = run?;
            Some(cx.out.style.clean(&store.run(run).id))
        };
        let first = fork.pairs.first().and_then(|pair| {
            let ids = (id(found.a.runs[pair.a].run)?, id(found.b.runs[pair.b].run)?);
            Some(format!("   {} ↔ {}", ids.0, ids.1))
        });
        let many = fork.pairs.len();
        let first = first.unwrap_or_default();
        cx.out.line(&format!("{many:>5} ×  A {a} → B {b}{first}"))?;
    }
    if !found.rare.is_empty() {
        let names: Vec<String> = found.rare.iter().map(|it| cx.out.style.clean(it)).collect();
        cx.out.line("")?;
        cx.out.line(&format!(
            "too rare to test (fewer than 5 runs a side): {}",
            names.join(", ")
        ))?;
    }
    cx.out.line("")?;
    cx.out.line(&format!("method: {}", words::methods(found)))?;
    Ok(())
}

/// The exit code for CI.
pub(super) fn gate(found: &Comparison, how: &CohortHow) -> Exit {
    match found.outcome() {
        Outcome::Passed => Exit::Done,
        Outcome::Regressed => Exit::Worse,
        Outcome::CannotTell => match how.inconclusive.as_deref() {
            Some("pass") => Exit::Done,
            Some(_) => Exit::Worse,
            None => Exit::CannotTell,
        },
    }
}
