//! Alerts for continuous integration: JUnit, SARIF and GitHub annotations. Names and numbers only: no arguments and no
//! results of calls.

mod sarif;

use std::fmt::Write;

use crate::analysis::alerts::alert::{Alert, about};
use crate::analysis::alerts::backtest::Backtest;
use crate::analysis::alerts::check::Report;
use crate::analysis::alerts::detector::Level;
use crate::analysis::alerts::history::Learning;
use crate::analysis::alerts::history::baseline::Known;
use crate::analysis::alerts::rules::Rules;
use crate::base::{human, text};
use crate::export::policy::xml;
use crate::store::Store;

pub use crate::export::alerts::sarif::sarif;

/// The result of a check, and its inputs.
#[derive(Debug, Clone, Copy)]
pub struct Document<'a> {
    pub store: &'a Store,
    pub rules: &'a Rules,
    /// The rules file; none for the built-in rules.
    pub path: Option<&'a str>,
    pub sha256: &'a str,
    pub known: &'a [Known],
    pub report: &'a Report,
    pub backtests: &'a [Tested],
}

/// What a rule would have done at a level.
#[derive(Debug, Clone, PartialEq)]
pub struct Tested {
    pub rule: usize,
    pub level: Level,
    pub found: Backtest,
}

/// The most items of a list shown in text.
const LISTED: usize = 12;

impl<'a> Document<'a> {
    pub fn rule(&self, at: usize) -> &'a str {
        &self.rules.rules[at].id
    }

    /// The number of runs that define the normal level: those of the baselines, or those learned from.
    pub fn normal_runs(&self) -> usize {
        match self.known {
            [] => self.report.basis().runs,
            known => known.iter().map(|it| it.runs.len()).sum(),
        }
    }

    /// `loop: repeat`, or only the id if it names the detector.
    pub fn title(&self, alert: &Alert) -> String {
        let (rule, detector) = (self.rule(alert.rule), alert.worst().detector.word());
        if detector.replace('_', "-") == rule {
            rule.to_owned()
        } else {
            format!("{rule}: {detector}")
        }
    }

    /// `run-7 #57, #59, #61`: the evidence from the first run.
    pub fn shown(&self, alert: &Alert) -> String {
        let evidence = alert.worst().evidence.iter();
        let rows: Vec<_> = evidence.map(|ix| self.store.row(*ix)).collect();
        let seqs: Vec<String> = rows
            .iter()
            .filter(|row| row.run_ix() == alert.run())
            .take(LISTED)
            .map(|row| format!("#{}", row.seq()))
            .collect();
        let run = text::sanitize(&self.store.run(alert.run()).id).into_owned();
        let more = rows.len().saturating_sub(seqs.len());
        let more = if more > 0 {
            format!(" and {more} more")
        } else {
            String::new()
        };
        format!("{run} {}{more}", seqs.join(", "))
    }

    /// The file and the line of the action at which it fired.
    pub fn place(&self, alert: &Alert) -> (String, u32) {
        let row = self.store.row(alert.worst().at);
        let spot = row.spot();
        (spot.path.to_string_lossy().into_owned(), spot.line.max(1))
    }

    fn sentence(&self, alert: &Alert) -> String {
        let what = format!(
            "{} · {} · {}",
            self.title(alert),
            alert.about(),
            alert.worst().arithmetic()
        );
        text::sanitize(&what).into_owned()
    }

    /// `cost-outlier · agent support: 5 of 8 runs`.
    pub fn learning(&self, it: &Learning) -> String {
        let what = format!(
            "{} · {}: {} of {} runs",
            self.rule(it.rule),
            about(&it.scope),
            it.have,
            it.need
        );
        text::sanitize(&what).into_owned()
    }
}

/// A JUnit report: a test for each rule and scope, and one for each rule without an alert. Rules that are still
/// learning are skipped. An alert below `fails` is printed in the output of its test.
pub fn junit(of: &Document<'_>, fails: Option<Level>) -> String {
    let is_failure = |alert: &&Alert| fails.is_some_and(|least| alert.level() >= least);
    let alerts = &of.report.alerts;
    let idle = of.report.idle();
    let tests = alerts.len() + of.report.learning.len() + idle.len();
    let failures = alerts.iter().filter(is_failure).count();
    let skipped = of.report.learning.len();
    let counts = format!("tests=\"{tests}\" failures=\"{failures}\" errors=\"0\"");
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let _ = writeln!(
        out,
        "<testsuites {counts}>\n<testsuite name=\"alerts\" {counts} skipped=\"{skipped}\">"
    );
    for alert in alerts {
        let name = format!("{} · {}", of.title(alert), alert.about());
        let (file, line) = of.place(alert);
        let class = xml(of.rule(alert.rule));
        let _ = writeln!(
            out,
            "  <testcase classname=\"alerts.{class}\" name=\"{}\">",
            xml(&name)
        );
        let shown = xml(&format!("{}\n{file}:{line}", of.shown(alert)));
        let why = xml(&alert.worst().arithmetic());
        let _ = if is_failure(&alert) {
            let level = alert.level().word();
            writeln!(
                out,
                "    <failure type=\"{level}\" message=\"{why}\">{why}\n{shown}</failure>"
            )
        } else {
            writeln!(out, "    <system-out>{why}\n{shown}</system-out>")
        };
        out.push_str("  </testcase>\n");
    }
    for it in &of.report.learning {
        let _ = writeln!(
            out,
            "  <testcase classname=\"alerts.{}\" name=\"{}\"><skipped message=\"learning {} of {} runs\"/></testcase>",
            xml(of.rule(it.rule)),
            xml(&format!("{} · {}", of.rule(it.rule), about(&it.scope))),
            it.have,
            it.need
        );
    }
    for rule in idle {
        let id = xml(of.rule(rule));
        let _ = writeln!(out, "  <testcase classname=\"alerts.{id}\" name=\"{id}\"/>");
    }
    out.push_str("</testsuite>\n</testsuites>\n");
    out
}

/// GitHub workflow commands: each creates an annotation at a line of a file.
pub fn github(of: &Document<'_>) -> String {
    let mut out = String::new();
    for alert in &of.report.alerts {
        let command = match alert.level() {
            Level::Trip => "error",
            Level::Warn => "warning",
            Level::Info => "notice",
        };
        let (file, line) = of.place(alert);
        let message = format!("{}\n{}", of.sentence(alert), of.shown(alert));
        let _ = writeln!(
            out,
            "::{command} file={},line={line},title={}::{}",
            property(&file),
            property(&of.title(alert)),
            data(&message)
        );
    }
    for it in &of.report.learning {
        let _ = writeln!(out, "::notice title=learning::{}", data(&of.learning(it)));
    }
    let _ = writeln!(out, "{}", summary(of));
    out
}

fn data(text: &str) -> String {
    text.replace('%', "%25")
        .replace('\r', "%0D")
        .replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

/// `2 alerts in 24 runs: 1 trip, 1 warn`.
pub fn summary(of: &Document<'_>) -> String {
    let alerts = &of.report.alerts;
    let count = human::counted(alerts.len() as u64, "alert");
    let runs = human::counted(of.report.runs.len() as u64, "run");
    let levels = Level::ALL.iter().rev().filter_map(|level| {
        let some = alerts.iter().filter(|it| it.level() == *level).count();
        (some > 0).then(|| format!("{some} {}", level.word()))
    });
    let levels: Vec<String> = levels.collect();
    if levels.is_empty() {
        format!("{count} in {runs}")
    } else {
        format!("{count} in {runs}: {}", levels.join(", "))
    }
}
