//! `alert check`: what the rules find in traces, for a person and for continuous integration.

use std::path::PathBuf;

use crate::analysis::alerts::alert::Alert;
use crate::analysis::alerts::backtest::backtest;
use crate::analysis::alerts::check::Report;
use crate::analysis::alerts::detector::Level;
use crate::analysis::alerts::engine::Hit;
use crate::base::human;
use crate::cli::Cx;
use crate::cli::alert::checked_traces::CheckedTraces;
use crate::cli::alert::report;
use crate::cli::alert::sources::{InForce, split};
use crate::cli::args::Paths;
use crate::cli::failure::Exit;
use crate::cli::load::Read;
use crate::export::alerts::{self as export, Document, Tested};
use crate::export::json::alert as alert_json;

/// Check runs against rules: loops, budgets, cost outliers, rising rates
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  saferun-tui alert check runs/                          the rules in force, or the built-in ones
  saferun-tui alert check alerts.toml runs/ --fail-on warn
  saferun-tui alert check runs/ --format junit > report.xml
  saferun-tui alert check runs/ --backtest               what each rule would have stopped and saved

Rules: --rules or a first path that ends in .toml, else [alerts] rules in the settings, else alerts.toml beside the \
settings, else the built-in ones. Of these, loops, failing or stopped calls, repeated responses and a full context warn \
first and trip if they go on; costs and rates only warn. None of them stops a run. A streak counts steps: the calls of \
one model response are one step.

Costs and rates are compared with the baseline that the rules name. Without one, the normal level is learned from \
earlier runs in the same paths: 8 runs of an agent for an outlier or a rate, 20 for a drift. A run at 10 times its \
usual cost is found in about 9 of 10 cases, at 5 times in about half. Only budgets catch a loop in which both \
arguments and results change each time.

Exit codes: 0 no alert at or above --fail-on (an alert that only warns is below the default) ·
            3 an alert at or above it · 2 invalid rules or filter ·
            4 input missing or unreadable ·
            6 a rule is still learning (only with --inconclusive fail)")]
pub(super) struct Check {
    /// A rules file (.toml), then the traces: files, folders, globs, PATH#RUN for one run
    #[command(flatten)]
    paths: Paths,
    /// The rules file
    #[arg(long, value_name = "FILE")]
    rules: Option<PathBuf>,
    /// Output format
    #[arg(long, value_name = "FORMAT", value_parser = ["text", "json", "jsonl", "junit", "sarif", "github"], conflicts_with_all = ["json", "jsonl"])]
    format: Option<String>,
    /// Exit with 3 from this level on
    #[arg(long, value_name = "LEVEL", default_value = "trip", value_parser = ["warn", "trip", "never"])]
    fail_on: String,
    /// Whether to exit with 6 if a rule is still learning
    #[arg(long, value_name = "HOW", default_value = "pass", value_parser = ["pass", "fail"])]
    inconclusive: String,
    /// Add what each rule would have stopped, and what that would have saved
    #[arg(long)]
    backtest: bool,
}

/// What each rule would have done at each level it reached.
fn tested(read: &Read, report: &Report) -> Vec<Tested> {
    let mut found = Vec::new();
    let hits: Vec<&Hit> = report.alerts.iter().flat_map(|it| &it.hits).collect();
    let mut rules: Vec<usize> = report.alerts.iter().map(|it| it.rule).collect();
    rules.sort_unstable();
    rules.dedup();
    for rule in rules {
        for level in [Level::Warn, Level::Trip] {
            let own = hits.iter().copied().filter(|hit| hit.rule == rule);
            if own.clone().any(|hit| hit.level >= level) {
                found.push(Tested {
                    rule,
                    level,
                    found: backtest(&read.store, &report.runs, own, level),
                });
            }
        }
    }
    found
}

impl Check {
    pub(super) fn run(self, cx: &mut Cx) -> anyhow::Result<Exit> {
        let (given, paths) = split(self.paths, self.rules);
        let rules = InForce::read(cx, given.as_deref())?;
        let mut fails = Level::ALL.iter().copied();
        let fails = fails.rfind(|it| it.word() == self.fail_on);
        let found = match CheckedTraces::read(cx, rules, paths)? {
            Ok(found) => found,
            Err(exit) => return Ok(exit),
        };
        let report = &found.report;
        let empty = found.selected.saturating_sub(report.runs.len());
        if empty > 0 {
            let runs = human::counted(empty as u64, "run");
            cx.notes
                .note(&format!("{runs} without actions: not checked"));
        }
        let backtests = if self.backtest {
            tested(&found.read, report)
        } else {
            Vec::new()
        };
        let document = found.document(&backtests);
        let format = match (cx.global.json, cx.global.jsonl) {
            (true, _) => "json",
            (_, true) => "jsonl",
            (false, false) => self.format.as_deref().unwrap_or("text"),
        };
        print(cx, &document, format, fails)?;
        let fires = |alert: &Alert| fails.is_some_and(|least| alert.level() >= least);
        Ok(if found.exit != Exit::Done {
            found.exit
        } else if report.alerts.iter().any(fires) {
            Exit::Fired
        } else if self.inconclusive == "fail" && !report.learning.is_empty() {
            Exit::CannotTell
        } else {
            Exit::Done
        })
    }
}

fn print(cx: &mut Cx, of: &Document<'_>, format: &str, fails: Option<Level>) -> anyhow::Result<()> {
    match format {
        "json" => cx.out.json(&alert_json::alerts(of))?,
        "jsonl" => {
            for alert in &of.report.alerts {
                cx.out.json(&alert_json::alert(of, alert))?;
            }
        }
        "junit" => cx.out.verbatim(&export::junit(of, fails))?,
        "sarif" => cx.out.json(&export::sarif(of))?,
        "github" => cx.out.verbatim(&export::github(of))?,
        _ => report::text(cx, of)?,
    }
    Ok(())
}
