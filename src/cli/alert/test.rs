//! `alert test`: what a rule would have done to past runs, also with other limits.

use std::path::PathBuf;
use std::sync::Arc;

use crate::analysis::alerts::backtest::{Backtest, backtest};
use crate::analysis::alerts::check::Report;
use crate::analysis::alerts::detector::Level;
use crate::analysis::alerts::rules::Rules;
use crate::base::human;
use crate::cli::alert::checked_traces::checked;
use crate::cli::alert::report::what_if;
use crate::cli::alert::sources::InForce;
use crate::cli::args::Paths;
use crate::cli::failure::{Exit, Failure};
use crate::cli::load::Read;
use crate::cli::{Cx, filter};
use crate::export::json::alert as alert_json;

/// Show what a rule would have done to past runs: how many it would have stopped, what that would have saved, and how many of those had succeeded
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  saferun-tui alert test loop runs/
  saferun-tui alert test budget runs/ --sweep cost_usd=.5,1,1.5,2
  saferun-tui alert test errors runs/ --sweep warn=3,4,5 --level warn
  saferun-tui alert test per-run-cap runs/ --rules alerts.toml

RULE is the id of a rule in force, or a detector: repeat stale errors same_result stopped_again echo context_full \
context_jump budget cost_outlier cost_drift.

FIRED counts runs, STOPPED those that went on after it fired. SUCCEEDED counts stopped runs that were graded as \
correct in the traces: stopping those costs more than it saves.")]
pub(super) struct Test {
    /// The rule
    #[arg(value_name = "RULE")]
    rule: String,
    #[command(flatten)]
    paths: Paths,
    /// The rules file
    #[arg(long, value_name = "FILE")]
    rules: Option<PathBuf>,
    /// Try several values of a limit of the rule
    #[arg(long, value_name = "KEY=VALUE,…")]
    sweep: Option<String>,
    /// The level that stops a run [default: both]
    #[arg(long, value_name = "LEVEL", value_parser = ["warn", "trip"])]
    level: Option<String>,
}

impl Test {
    pub(super) fn run(self, cx: &mut Cx) -> anyhow::Result<Exit> {
        let in_force = InForce::read(cx, self.rules.as_deref())?;
        let tries = tries(&in_force, &self.rule, self.sweep.as_deref())?;
        let read = cx.load.paths(&cx.notes, &self.paths.or_stdin()?)?;
        let exit = read.exit(&cx.notes);
        if !read.has_records() {
            return Ok(exit);
        }
        let runs = filter::selected(cx, &read)?;
        let levels: &[Level] = match self.level.as_deref() {
            Some("warn") => &[Level::Warn],
            Some(_) => &[Level::Trip],
            None => &[Level::Warn, Level::Trip],
        };
        let mut rows: Vec<Row> = Vec::new();
        for tried in &tries {
            let alone = InForce {
                rules: Arc::clone(&tried.rules),
                path: in_force.path.clone(),
                sha256: String::new(),
                known: in_force.known.clone(),
            };
            let report = checked(cx, &read, &alone, &runs);
            learning(cx, &report);
            rows.extend(
                levels
                    .iter()
                    .filter_map(|level| row(&read, (&report, *level), (tried, levels.len()))),
            );
        }
        print(cx, &self.rule, &rows)?;
        Ok(exit)
    }
}

/// A rule by itself, with one value of a limit.
#[derive(Debug)]
struct Try {
    rules: Arc<Rules>,
    setting: Option<String>,
}

#[derive(Debug)]
struct Row {
    level: Level,
    setting: Option<String>,
    found: Backtest,
}

/// Leaves out a trip level that the rule never reaches, if both levels are tried.
fn row(
    read: &Read,
    (report, level): (&Report, Level),
    (tried, levels): (&Try, usize),
) -> Option<Row> {
    let hits = || report.alerts.iter().flat_map(|it| &it.hits);
    let is_empty = !hits().any(|hit| hit.level >= level);
    if is_empty && level == Level::Trip && levels > 1 && hits().next().is_some() {
        return None;
    }
    Some(Row {
        level,
        setting: tried.setting.clone(),
        found: backtest(&read.store, &report.runs, hits(), level),
    })
}

/// The rule with each value of `--sweep`, or as it is.
fn tries(in_force: &InForce, name: &str, sweep: Option<&str>) -> Result<Vec<Try>, Failure> {
    let Some(sweep) = sweep else {
        let rules = named(in_force, name, None)?;
        return Ok(vec![Try {
            rules: Arc::new(rules),
            setting: None,
        }]);
    };
    let wrong = || Failure::Usage(format!("--sweep {sweep}: expected KEY=VALUE,VALUE,…"));
    let (key, values) = sweep.split_once('=').ok_or_else(wrong)?;
    let tries = values.split(',').map(|value| {
        let rules = named(in_force, name, Some((key, value.trim())))?;
        Ok(Try {
            rules: Arc::new(rules),
            setting: Some(format!("{key} {}", value.trim())),
        })
    });
    tries.collect()
}

/// The rule of this id alone, or a rule made of the detector of this name.
fn named(in_force: &InForce, name: &str, set: Option<(&str, &str)>) -> Result<Rules, Failure> {
    if let Some(at) = in_force.rules.find(name) {
        let mut rule = in_force.rules.rules[at].clone();
        if let Some((key, value)) = set {
            let failed = |what: String| Failure::Usage(format!("--sweep {key}: {what}"));
            rule.set(key, value).map_err(failed)?;
        }
        return Ok(Rules {
            rules: vec![rule],
            baseline: in_force.rules.baseline.clone(),
            ..Rules::default()
        });
    }
    let limit = set.map_or_else(String::new, |(key, value)| {
        let quote = if matches!(key, "wall" | "idle") {
            "\""
        } else {
            ""
        };
        // TOML does not accept `.5`.
        let value = value
            .strip_prefix('.')
            .map_or(value.to_owned(), |rest| format!("0.{rest}"));
        format!("{key} = {quote}{value}{quote}\n")
    });
    let text = format!("[[rule]]\nid = \"{name}\"\ndetector = \"{name}\"\n{limit}");
    Rules::read(&text).map_err(|mistake| {
        let ids = in_force.rules.rules.iter().map(|rule| rule.id.as_str());
        let ids = ids.collect::<Vec<_>>().join(", ");
        Failure::Usage(match mistake.line {
            3 | 2 => format!("no rule '{name}' (rules: {ids}; or a detector: see --help)"),
            4 => format!("--sweep: {}", mistake.what),
            _ => format!("{name}: {} (try it with --sweep KEY=VALUE,…)", mistake.what),
        })
    })
}

fn learning(cx: &Cx, report: &Report) {
    for it in &report.learning {
        let about = crate::analysis::alerts::alert::about(&it.scope);
        let (have, need) = (it.have, it.need);
        cx.notes
            .note(&format!("{about}: still learning, {have} of {need} runs"));
    }
}

fn print(cx: &mut Cx, rule: &str, rows: &[Row]) -> anyhow::Result<()> {
    if cx.global.machine().is_some() {
        let rows: Vec<_> = rows
            .iter()
            .map(|it| alert_json::backtest(rule, it.level.word(), it.setting.clone(), &it.found))
            .collect();
        if cx.global.json {
            cx.out.json(&rows)?;
        } else {
            for row in &rows {
                cx.out.json(row)?;
            }
        }
        return Ok(());
    }
    let name = |it: &Row| match &it.setting {
        Some(setting) => format!("{setting} {}", it.level.word()),
        None => format!("{rule} {}", it.level.word()),
    };
    let named: Vec<(String, &Backtest)> = rows.iter().map(|it| (name(it), &it.found)).collect();
    if let Some(first) = rows.first() {
        let runs = human::counted(first.found.runs, "run");
        let steps = human::counted(first.found.steps, "step");
        cx.out.line(&format!("{runs} · {steps}"))?;
    }
    what_if(cx, "RULE", &named)
}
