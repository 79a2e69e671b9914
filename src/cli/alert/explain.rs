//! `alert explain`: one alert in full, by its id.

use std::path::PathBuf;

use crate::analysis::alerts::alert::Alert;
use crate::analysis::alerts::check::Report;
use crate::analysis::summary;
use crate::base::human;
use crate::cli::Cx;
use crate::cli::alert::checked_traces::CheckedTraces;
use crate::cli::alert::sources::InForce;
use crate::cli::args::Paths;
use crate::cli::failure::{Exit, Failure};
use crate::export::alerts::Document;
use crate::export::json::alert as alert_json;
use crate::export::words::{self, Role};
use crate::store::bodies::{Bodies, Depth};

/// Explain one alert: its arithmetic, its evidence, its cost
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  saferun-tui alert explain 0f3a91c2 runs/    an id from `alert check`; a unique prefix is enough")]
pub(super) struct Explain {
    /// The id of the alert
    #[arg(value_name = "ID")]
    id: String,
    #[command(flatten)]
    paths: Paths,
    /// The rules file
    #[arg(long, value_name = "FILE")]
    rules: Option<PathBuf>,
}

impl Explain {
    pub(super) fn run(self, cx: &mut Cx) -> anyhow::Result<Exit> {
        let rules = InForce::read(cx, self.rules.as_deref())?;
        let found = match CheckedTraces::read(cx, rules, self.paths)? {
            Ok(found) => found,
            Err(exit) => return Ok(exit),
        };
        let alert = named(&found.report, &self.id)?;
        let document = found.document(&[]);
        if cx.global.json {
            cx.out.json(&alert_json::alert(&document, alert))?;
        } else {
            print(cx, &document, alert)?;
        }
        Ok(found.exit)
    }
}

/// The one alert whose id begins with `id`.
fn named<'a>(report: &'a Report, id: &str) -> Result<&'a Alert, Failure> {
    let alerts = report.alerts.iter();
    let found: Vec<&Alert> = alerts.filter(|alert| alert.id.starts_with(id)).collect();
    match found.as_slice() {
        [one] => Ok(one),
        [] => {
            let known = report.alerts.iter().map(|it| it.id.as_str());
            let known = known.collect::<Vec<_>>().join(", ");
            Err(Failure::Usage(format!("no alert {id} (alerts: {known})")))
        }
        several => {
            let what = format!("{} alerts begin with {id}", several.len());
            Err(Failure::Usage(what))
        }
    }
}

fn print(cx: &mut Cx, of: &Document<'_>, alert: &Alert) -> anyhow::Result<()> {
    let title = format!("{} · {}", of.title(alert), alert.about());
    let title = cx.out.style.clean(&title);
    cx.out.painted(Role::Head, &title)?;
    let rule = &of.rules.rules[alert.rule];
    let place = match of.path {
        Some(path) => cx.out.style.clean(&format!("{path}:{}", rule.line)),
        None => format!(
            "built in, rule {} of {}",
            alert.rule + 1,
            of.rules.rules.len()
        ),
    };
    cx.out.line(&format!("rule      {} · {place}", rule.id))?;
    for hit in &alert.hits {
        let row = of.store.row(hit.at);
        let when = words::date_time(row.time(), &cx.out.style.zone);
        let (level, seq) = (hit.level.word(), row.seq());
        let why = format!(
            "{level:5} #{seq} {when}  {}: {}",
            hit.detector.word(),
            hit.arithmetic()
        );
        let why = cx.out.style.clean(&why);
        cx.out.line(&why)?;
    }
    cx.out.line("")?;
    evidence(cx, of, alert)?;
    money(cx, of, alert)
}

/// The most actions listed.
const LISTED: usize = 40;

fn evidence(cx: &mut Cx, of: &Document<'_>, alert: &Alert) -> anyhow::Result<()> {
    let mut bodies = Bodies::new();
    let all = alert.evidence();
    for ix in all.iter().take(LISTED) {
        let row = of.store.row(*ix);
        let what = summary::line(&row, &bodies.open(&row, Depth::Glance));
        let (status, _) = words::status(row.status());
        let spot = row.spot();
        let line = format!(
            "#{:<5} {status:9} {what}  {}:{}",
            row.seq(),
            spot.path.display(),
            spot.line
        );
        let line = cx.out.style.clean(&line);
        cx.out.line(&line)?;
    }
    if all.len() > LISTED {
        cx.out.line(&format!("and {} more", all.len() - LISTED))?;
    }
    Ok(())
}

/// What the run has spent since the first action of the evidence.
fn money(cx: &mut Cx, of: &Document<'_>, alert: &Alert) -> anyhow::Result<()> {
    let Some(first) = alert.evidence().first().copied() else {
        return Ok(());
    };
    let rows = of.store.rows().skip_while(|row| row.ix() < first);
    let costs = rows
        .filter(|row| row.run_ix() == alert.run())
        .filter_map(|row| row.cost().get());
    let sum: i64 = costs.sum();
    if sum > 0 {
        let (usd, seq) = (human::usd(sum as f64 / 1e12), of.store.row(first).seq());
        cx.out.line("")?;
        cx.out.line(&format!("{usd} since #{seq}"))?;
    }
    Ok(())
}
