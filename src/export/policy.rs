//! What policies would have done, as a Markdown document and as a JUnit report. Names of runs, tools and rules only:
//! no argument of a call leaves the program here.

pub mod inputs;
pub mod suggested;

use std::fmt::Write;

use crate::analysis::policy::set::Set;
use crate::analysis::policy::whatif::{self, Change, Report};
use crate::analysis::policy::{Dead, Effect, File, RuleIx};
use crate::base::{human, text};
use crate::export::words;
use crate::store::Store;

/// A what-if, and what it is about.
#[derive(Debug, Clone, Copy)]
pub struct Document<'a> {
    pub store: &'a Store,
    pub files: &'a [File],
    pub set: &'a Set,
    /// What it is compared with, if that is a policy.
    pub other: Option<&'a Set>,
    pub report: &'a Report,
}

/// The name of a file without its folders; `claude:settings.json` stays as it is.
pub fn file_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// The recorded effects that head the rows of the table.
pub const ROWS: &[Effect] = &[
    Effect::Allow,
    Effect::Ask,
    Effect::Deny,
    Effect::Unknown,
    Effect::Error,
];

/// The new effects that head its columns; warnings are allowed calls.
pub const SHOWN: &[Effect] = &[
    Effect::Allow,
    Effect::Ask,
    Effect::Deny,
    Effect::Error,
    Effect::Unknown,
];

/// How many items of a list a person is shown.
pub const LISTED: usize = 12;

impl<'a> Document<'a> {
    pub fn name(&self, ix: RuleIx) -> Option<&'a str> {
        self.set.rule(ix).map(|rule| rule.name.as_str())
    }

    /// The rows of the table that have calls or are always shown.
    pub fn rows(&self) -> Vec<Effect> {
        let is_shown = |was: &Effect| match was {
            Effect::Error | Effect::Warn => self.sum(*was) > 0,
            Effect::Allow | Effect::Ask | Effect::Deny | Effect::Unknown => true,
        };
        ROWS.iter().copied().filter(is_shown).collect()
    }

    fn sum(&self, was: Effect) -> u64 {
        Effect::ALL
            .iter()
            .map(|now| self.report.cell(was, *now))
            .sum()
    }

    /// The columns of the table: *unknown* only where there is one.
    pub fn columns(&self) -> Vec<Effect> {
        let has = |now: Effect| {
            Effect::ALL
                .iter()
                .any(|was| self.report.cell(*was, now) > 0)
        };
        let all = SHOWN.iter().copied();
        all.filter(|now| *now != Effect::Unknown || has(*now))
            .collect()
    }

    /// `4d5611e5 #355`, as a person names an action.
    pub fn place(&self, change: &Change) -> String {
        let row = self.store.row(change.ix);
        format!("{} #{}", text::sanitize(&row.run().id), row.seq())
    }

    /// The rule that decides, or why there is none.
    pub fn because(&self, change: &Change) -> String {
        let why = &change.now.why;
        let rule = change.now.rule.and_then(|ix| self.name(ix));
        let rule = text::sanitize(rule.unwrap_or("no rule")).into_owned();
        if why.is_empty() {
            rule
        } else {
            format!("{rule} ({why})")
        }
    }
}

/// `Read 158 · Bash 143 · and 3 more`.
pub fn counted(all: &[(String, u64)]) -> String {
    let named = |(name, count): &(String, u64)| {
        let name = if name.is_empty() { "no tool" } else { name };
        format!("{} {}", text::sanitize(name), human::count(*count))
    };
    let mut items: Vec<String> = all.iter().take(LISTED).map(named).collect();
    if all.len() > LISTED {
        items.push(format!("and {} more", all.len() - LISTED));
    }
    items.join(" · ")
}

/// How often people are asked, and what that costs them. Calls that cannot be evaluated are counted apart.
pub fn asks(report: &Report) -> String {
    let asks = &report.asks;
    let mut line = format!("would ask {}", human::count(asks.after));
    if let Some(per_day) = asks.per_day() {
        let _ = write!(line, ", {per_day} per active day");
    }
    let _ = write!(line, " · recorded {}", human::count(asks.before));
    let errors = report.errors();
    if errors > 0 {
        let _ = write!(line, " · {} not evaluated", human::counted(errors, "call"));
    }
    let _ = write!(
        line,
        " · {} newly, {} no longer",
        human::count(asks.newly),
        human::count(asks.no_longer)
    );
    match asks.minutes() {
        Some(minutes) => {
            let wait = words::span(asks.wait);
            let _ = write!(
                line,
                " · {minutes:.1} min at the recorded median wait of {wait}"
            );
        }
        None => line.push_str(" · no wait is recorded"),
    }
    line
}

/// The permission modes that calls were judged by; none where no run records another than the default.
pub fn modes(report: &Report) -> Option<String> {
    let modes = &report.modes;
    let is_other = modes.iter().any(|(mode, _)| mode != "default");
    is_other.then(|| format!("judged by the recorded mode: {}", counted(modes)))
}

/// The heading of the list of first changes, or a sentence if the list is empty.
pub fn first(report: &Report) -> String {
    if report.first.is_empty() {
        return "no call would be newly stopped or no longer stopped".to_owned();
    }
    let runs = human::counted(report.first.len() as u64, "run");
    let behind = human::counted(report.behind, "call");
    format!(
        "first call stopped, or no longer stopped, in {runs}; {behind} after it might have gone differently"
    )
}

/// A Markdown document.
pub fn markdown(of: &Document<'_>) -> String {
    let report = of.report;
    let mut out = String::from("# What the policy would have done\n\n");
    for file in of.files {
        let note = if file.in_force {
            ""
        } else {
            " (what it allows is not in force: the project is not trusted)"
        };
        let _ = writeln!(out, "- `{}`{note}", escaped(&file.path));
    }
    let calls = human::counted(report.calls, "tool call");
    let runs = human::counted(report.runs, "run");
    let _ = writeln!(out, "\n{calls} in {runs}.\n");
    table(of, &mut out);
    let _ = writeln!(out, "\n{}.\n", first(report));
    if !report.first.is_empty() {
        out.push_str("| run | tool | was | now | rule |\n|---|---|---|---|---|\n");
        for change in report.first.iter().take(LISTED) {
            let tool = escaped(of.store.row(change.ix).tool());
            let (was, now) = (change.was.effect.word(), change.now.effect.word());
            let (place, rule) = (escaped(&of.place(change)), escaped(&of.because(change)));
            let _ = writeln!(out, "| {place} | {tool} | {was} | {now} | `{rule}` |");
        }
        if report.first.len() > LISTED {
            let _ = writeln!(out, "\nand {} more.", report.first.len() - LISTED);
        }
    }
    let _ = writeln!(out, "\n- {}", asks(report));
    let _ = writeln!(
        out,
        "- no rule covers {}: {}",
        human::count(report.by_no_rule),
        escaped(&counted(&report.uncovered))
    );
    for (what, names) in idle(of) {
        let names: Vec<String> = names
            .iter()
            .map(|it| format!("`{}`", escaped(it)))
            .collect();
        let _ = writeln!(out, "- {what}: {}", names.join(", "));
    }
    if let Some(modes) = modes(report) {
        let _ = writeln!(out, "- {}", escaped(&modes));
    }
    if !report.unjudged.is_empty() {
        let _ = writeln!(
            out,
            "- cannot be judged: {}",
            escaped(&counted(&report.unjudged))
        );
    }
    out
}

fn table(of: &Document<'_>, out: &mut String) {
    let columns = of.columns();
    let heads: Vec<&str> = columns.iter().map(|it| it.word()).collect();
    let was = if of.other.is_some() {
        "the other policy"
    } else {
        "recorded"
    };
    let _ = writeln!(
        out,
        "| {was} ↓ new → | {} |\n|---|{}",
        heads.join(" | "),
        "--:|".repeat(heads.len())
    );
    for row in of.rows() {
        let cells: Vec<String> = columns
            .iter()
            .map(|now| of.report.cell(row, *now).to_string())
            .collect();
        let _ = writeln!(out, "| {} | {} |", row.word(), cells.join(" | "));
    }
}

/// Rules without effect, by the reason.
pub fn idle<'a>(of: &Document<'a>) -> Vec<(&'static str, Vec<&'a str>)> {
    let never: Vec<&str> = whatif::never_hit(of.set, of.report)
        .into_iter()
        .filter_map(|ix| of.name(ix))
        .collect();
    let dead = whatif::dead(of.set);
    let of_kind = |wanted: fn(&Dead) -> bool| -> Vec<&'a str> {
        let kind = dead.iter().filter(|(_, dead)| wanted(dead));
        kind.filter_map(|(ix, _)| of.name(*ix)).collect()
    };
    let all = [
        ("rules that decide no call", never),
        (
            "rules never consulted",
            of_kind(|it| matches!(it, Dead::NeverConsulted(_))),
        ),
        (
            "rules not in force",
            of_kind(|it| matches!(it, Dead::NotInForce)),
        ),
    ];
    all.into_iter()
        .filter(|(_, names)| !names.is_empty())
        .collect()
}

fn escaped(raw: &str) -> String {
    text::sanitize(raw).replace('|', "\\|").replace('`', "'")
}

/// A JUnit report: one test for each rule, and one for the calls that no rule decides. A test fails by the changes
/// that are named, or by any of them if none is.
pub fn junit(of: &Document<'_>, fail_on: &[String]) -> String {
    let mut cases: Vec<(String, Vec<&Change>)> = of
        .set
        .rules()
        .map(|it| (it.name.clone(), Vec::new()))
        .collect();
    cases.push(("no rule".to_owned(), Vec::new()));
    let last = cases.len() - 1;
    for change in of.report.changes.iter().filter(|it| fails(it, fail_on)) {
        let at = change.now.rule.map_or(last, |ix| (ix.0 as usize).min(last));
        cases[at].1.push(change);
    }
    let failed = cases
        .iter()
        .filter(|(_, changes)| !changes.is_empty())
        .count();
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let _ = writeln!(
        out,
        "<testsuites><testsuite name=\"policy\" tests=\"{}\" failures=\"{failed}\" errors=\"0\">",
        cases.len()
    );
    properties(of.report, &mut out);
    for (name, changes) in &cases {
        let _ = write!(
            out,
            "  <testcase classname=\"policy\" name=\"{}\"",
            xml(name)
        );
        match changes.first() {
            None => out.push_str("/>\n"),
            Some(one) => failure(of, one, changes, &mut out),
        }
    }
    out.push_str("</testsuite></testsuites>\n");
    out
}

/// Figures of the whole report, such as the approvals needed, which are not failures.
fn properties(report: &Report, out: &mut String) {
    let asks = &report.asks;
    let all = [
        ("calls", report.calls),
        ("runs", report.runs),
        ("newly-denied", report.newly_denied()),
        ("newly-allowed", report.newly_allowed()),
        ("errors", report.errors()),
        ("asks.before", asks.before),
        ("asks.after", asks.after),
        ("asks.newly", asks.newly),
        ("asks.no-longer", asks.no_longer),
    ];
    out.push_str("  <properties>\n");
    for (name, value) in all {
        let _ = writeln!(out, "    <property name=\"{name}\" value=\"{value}\"/>");
    }
    out.push_str("  </properties>\n");
}

fn failure(of: &Document<'_>, one: &Change, changes: &[&Change], out: &mut String) {
    let calls = human::counted(changes.len() as u64, "call");
    let (was, now) = (one.was.effect.word(), one.now.effect.word());
    let _ = writeln!(
        out,
        ">\n    <failure type=\"{now}\" message=\"{calls}, the first from {was} to {now}\">"
    );
    for change in changes.iter().take(LISTED) {
        let (was, now) = (change.was.effect.word(), change.now.effect.word());
        let tool = of.store.row(change.ix).tool();
        let _ = writeln!(
            out,
            "{} {}: {was} to {now}",
            xml(&of.place(change)),
            xml(tool)
        );
    }
    if changes.len() > LISTED {
        let _ = writeln!(out, "and {} more", changes.len() - LISTED);
    }
    out.push_str("    </failure>\n  </testcase>\n");
}

/// Whether a change is one of those that `--fail-on` names. If it names none: all but those that only ask.
fn fails(change: &Change, fail_on: &[String]) -> bool {
    let (was, now) = (
        whatif::seen(change.was.effect),
        whatif::seen(change.now.effect),
    );
    let named = |what: &str| fail_on.is_empty() || fail_on.iter().any(|it| it == what);
    match now {
        Effect::Deny => named("newly-denied"),
        Effect::Error => named("error"),
        Effect::Allow => was == Effect::Deny && named("newly-allowed"),
        Effect::Ask => !change.was_asked && fail_on.iter().any(|it| it == "newly-asked"),
        Effect::Warn | Effect::Unknown => false,
    }
}

pub(super) fn xml(raw: &str) -> String {
    let clean = text::sanitize(raw);
    clean
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}
