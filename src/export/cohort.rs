//! Comparisons of cohorts in words, for the command line, the screen and documents.

pub mod markdown;

use crate::analysis::cohort::ask::{Answer, Refusal};
use crate::analysis::cohort::compare::Comparison;
use crate::analysis::cohort::figure::{Direction, Figure, Kind, Subject};
use crate::analysis::cohort::measure::{Measure, Unit};
use crate::analysis::cohort::observe::{Cohort, PairBy};
use crate::analysis::cohort::outcome::Outcome;
use crate::analysis::cohort::sides::Excluded;
use crate::analysis::cohort::traits::MODEL;
use crate::analysis::runs::Grouping;
use crate::analysis::statistics::interval::Estimate;
use crate::analysis::statistics::sample::{MIN_RUNS, MIN_TASKS, Pairing};
use crate::analysis::statistics::verdict::Verdict;
use crate::base::human;
use crate::export::words::{self, NOTHING, Role};

/// A value of one side.
pub fn value(figure: &Figure, value: Option<f64>) -> String {
    let Some(value) = value else {
        return NOTHING.to_owned();
    };
    match figure.unit {
        Unit::Share => format!("{:.1} %", value * 100.0),
        Unit::Count if value.abs() < 10.0 => format!("{value:.2}"),
        Unit::Count => format!("{value:.1}"),
        Unit::Usd => human::usd(value),
        Unit::Ms => human::span((value * 1000.0).round() as i64),
        Unit::Tokens => human::count(value.round() as u64),
    }
}

/// The unit of differences: percentage points for rates, per cent for amounts, numbers for counts.
fn scale(figure: &Figure) -> (f64, usize, &'static str) {
    match (figure.unit, figure.a) {
        (Unit::Share, _) => (100.0, 1, " pp"),
        (Unit::Usd | Unit::Ms | Unit::Tokens, Some(a)) if a > 0.0 => (100.0 / a, 1, " %"),
        (Unit::Usd, _) => (1.0, 4, " $"),
        (Unit::Ms, _) => (0.001, 2, " s"),
        (Unit::Tokens, _) => (1.0, 0, ""),
        (Unit::Count, _) => (1.0, 2, ""),
    }
}

fn signed(value: f64, digits: usize) -> String {
    let shown = format!("{:.digits$}", value.abs());
    let is_zero = shown.chars().all(|char| matches!(char, '0' | '.'));
    let sign = if is_zero {
        ""
    } else if value < 0.0 {
        "−"
    } else {
        "+"
    };
    format!("{sign}{shown}")
}

/// `+3.0 pp`, `+15.2 %`, `−0.03`.
pub fn difference(figure: &Figure) -> String {
    let (factor, digits, unit) = scale(figure);
    match figure.estimate {
        Some(it) => format!("{}{unit}", signed(it.value * factor, digits)),
        None => NOTHING.to_owned(),
    }
}

/// `[+0.7, +5.5]`, in the unit of the difference.
pub fn interval(figure: &Figure) -> String {
    let (factor, digits, _) = scale(figure);
    match figure.estimate {
        Some(it) => format!(
            "[{}, {}]",
            signed(it.lo * factor, digits),
            signed(it.hi * factor, digits)
        ),
        None => NOTHING.to_owned(),
    }
}

/// `.021`, `<.001`.
pub fn probability(p: Option<f64>) -> String {
    match p {
        None => NOTHING.to_owned(),
        Some(p) if p < 0.001 => "<.001".to_owned(),
        Some(p) if p >= 0.9995 => "1".to_owned(),
        Some(p) => format!("{p:.3}").trim_start_matches('0').to_owned(),
    }
}

/// `3 points`, `3 %`, `0.16`.
fn margin(figure: &Figure) -> String {
    let (factor, _, unit) = scale(figure);
    let amount = figure.margin * factor;
    let digits = if amount < 0.1 { 4 } else { 2 };
    let shown = format!("{amount:.digits$}");
    let shown = shown.trim_end_matches('0').trim_end_matches('.');
    match unit {
        " pp" => format!("{shown} points"),
        unit => format!("{shown}{unit}"),
    }
}

/// One or two words, for a table. A change has a colour only if it is better or worse.
pub fn verdict(figure: &Figure) -> (&'static str, Role) {
    match figure.verdict {
        Verdict::Changed | Verdict::ChangedSizeUncertain => {
            if figure.is_regression() {
                ("WORSE", Role::Bad)
            } else if figure.is_improvement() {
                ("better", Role::Good)
            } else {
                ("DIFFERS", Role::Warn)
            }
        }
        Verdict::NoMeaningfulChange => ("no meaningful change", Role::Plain),
        Verdict::NotEnoughRuns if matches!(figure.kind, Kind::Tail(_)) => {
            ("not tested", Role::Plain)
        }
        Verdict::NotEnoughRuns => ("not enough runs", Role::Plain),
    }
}

/// How much a figure changed, from the ends of its interval: `43–111 % slower`, `0.7–5.5 pp higher`.
fn change(figure: &Figure, it: Estimate) -> String {
    let (factor, digits, unit) = scale(figure);
    let (more, less) = match figure.subject {
        Subject::Measure(Measure::Latency) => ("slower", "faster"),
        Subject::Measure(Measure::Cost) => ("more expensive", "cheaper"),
        Subject::Measure(_) | Subject::Tool(_) | Subject::First(_) | Subject::Predicate(_) => {
            ("higher", "lower")
        }
    };
    let word = if it.value > 0.0 { more } else { less };
    // An end on the other side of zero is "hardly at all" in this direction.
    let toward = |end: f64| {
        let end = if it.value > 0.0 { end } else { -end };
        end.max(0.0) * factor
    };
    let (one, other) = (toward(it.lo), toward(it.hi));
    let (least, most) = (one.min(other), one.max(other));
    format!("{least:.digits$}–{most:.digits$}{unit} {word}")
}

/// The whole sentence.
pub fn sentence(comparison: &Comparison, figure: &Figure) -> String {
    let (factor, digits, unit) = scale(figure);
    let Some(it) = figure.estimate else {
        return match figure.kind {
            Kind::Tail(_) => "shown, not tested".to_owned(),
            Kind::Rate | Kind::Mean | Kind::Median => format!(
                "not enough runs to tell: fewer than {MIN_RUNS} runs a side or {MIN_TASKS} tasks"
            ),
        };
    };
    let (lo, hi) = (
        signed(it.lo * factor, digits),
        signed(it.hi * factor, digits),
    );
    match figure.verdict {
        Verdict::Changed => change(figure, it),
        Verdict::ChangedSizeUncertain => {
            let margin = margin(figure);
            format!("{}; perhaps by less than {margin}", change(figure, it))
        }
        Verdict::NoMeaningfulChange => format!("no meaningful change (within ±{})", margin(figure)),
        Verdict::NotEnoughRuns => {
            let alpha = comparison.options.alpha;
            let leans = it.lo > 0.0 || it.hi < 0.0;
            let alone = match (leans, figure.p) {
                (true, Some(p)) if p < alpha => "; significant only before the correction",
                (true, _) => "; its interval and its test disagree",
                (false, _) => "",
            };
            let leans = match (leans, figure.leans_worse()) {
                (false, _) => "not enough runs to tell",
                (true, Some(true)) => "leans worse, not confirmed",
                (true, Some(false)) => "leans better, not confirmed",
                (true, None) => "leans one way, not confirmed",
            };
            let needed = figure.needed.map_or_else(String::new, |needed| {
                let units = units(comparison.design.pairing);
                let needed = if needed > BEYOND_REACH {
                    format!("more than {}", human::count(BEYOND_REACH))
                } else {
                    format!("≈{}", human::count(needed))
                };
                format!("; {needed} {units} needed for {}", margin(figure))
            });
            format!("{leans}: could be {lo} to {hi}{unit}{alone}{needed}")
        }
    }
}

/// Beyond this, an exact number of tasks needed is meaningless.
const BEYOND_REACH: u64 = 10_000;

fn units(pairing: Pairing) -> &'static str {
    match pairing {
        Pairing::Paired { .. } => "paired tasks",
        Pairing::Clustered | Pairing::Independent => "runs a side",
    }
}

/// The `VERDICT` line: the figures that changed, and how many support each other verdict. Raw: it names tools.
pub fn tally(comparison: &Comparison) -> Vec<(String, Role)> {
    let names = |test: &dyn Fn(&Figure) -> bool| {
        let mut names: Vec<&str> = Vec::new();
        for figure in comparison.all().filter(|it| test(it)) {
            // The mean and the median of a quantity are one finding.
            let name = figure.words.split(", ").next().unwrap_or_default();
            if !names.contains(&name) {
                names.push(name);
            }
        }
        names
    };
    let changed = [
        ("worse", names(&Figure::is_regression), Role::Bad),
        ("better", names(&Figure::is_improvement), Role::Good),
        ("different", names(&Figure::is_shift), Role::Warn),
    ];
    let mut phrases: Vec<(String, Role)> = changed
        .into_iter()
        .filter(|(_, names, _)| !names.is_empty())
        .map(|(word, names, role)| (format!("{word}: {}", listed(&names)), role))
        .collect();
    let count = |verdict| comparison.all().filter(|it| it.verdict == verdict).count();
    let rest = [
        (Verdict::NoMeaningfulChange, "without meaningful change"),
        (Verdict::NotEnoughRuns, "not enough runs to tell"),
    ];
    for (verdict, words) in rest {
        let many = count(verdict);
        if many > 0 {
            phrases.push((format!("{many} {words}"), Role::Plain));
        }
    }
    phrases
}

/// `duration, cost / run and 3 more`.
fn listed(names: &[&str]) -> String {
    const NAMED: usize = 3;
    let shown = names[..names.len().min(NAMED)].join(", ");
    match names.len().saturating_sub(NAMED) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

/// The result that `--gate` would give.
pub fn gate(found: &Comparison) -> &'static str {
    match found.outcome() {
        Outcome::Passed => "gate: pass",
        Outcome::Regressed => "gate: FAIL",
        Outcome::CannotTell => "gate: inconclusive",
    }
}

/// How many runs and tasks a cohort has.
pub fn size(runs: usize, tasks: usize) -> String {
    let runs = human::counted(runs as u64, "run");
    format!("{runs}, {}", human::counted(tasks as u64, "task"))
}

/// How many runs of each side are compared, out of how many: `20 of 25 runs, 20 tasks`.
pub fn sizes(comparison: &Comparison) -> [String; 2] {
    let design = &comparison.design;
    let side = |cohort: &Cohort, alone: usize| {
        let all = cohort.runs.len();
        if alone == 0 {
            return size(all, cohort.tasks());
        }
        let runs = human::count((all - alone) as u64);
        let tasks = human::counted(design.common as u64, "task");
        format!("{runs} of {}, {tasks}", human::counted(all as u64, "run"))
    };
    [
        side(&comparison.a, design.alone.a.len()),
        side(&comparison.b, design.alone.b.len()),
    ]
}

/// How the sides are matched: `paired by task: 600 common tasks, one run a side`.
pub fn pairing(answer: &Answer) -> String {
    let design = &answer.comparison.design;
    let common = human::counted(design.common as u64, "common task");
    let by = match answer.pair_by {
        PairBy::Input => "first input",
        PairBy::Auto | PairBy::Task | PairBy::None => "task",
    };
    let formats = answer.comparison.confounds.iter();
    // Benchmarks number their tasks from 0 on.
    let elsewhere = if by == "task" && formats.into_iter().any(|it| it.name == "format") {
        "; two formats: equal ids may be different tasks"
    } else {
        ""
    };
    match design.pairing {
        Pairing::Paired { single: true } => {
            format!("paired by {by}: {common}, one run a side{elsewhere}")
        }
        Pairing::Paired { single: false } => {
            format!("paired by {by}: {common}, several runs each{elsewhere}")
        }
        Pairing::Clustered => {
            format!("not paired ({common}); runs of the same {by} are treated as correlated")
        }
        Pairing::Independent => format!("not paired ({common}); runs are treated as independent"),
    }
}

fn left_out(it: &Excluded) -> String {
    format!("{} {}", human::counted(it.count as u64, "run"), it.reason)
}

/// `5 runs without a recorded end, 2 runs cancelled`; `None` if no run was left out.
pub fn excluded(answer: &Answer) -> Option<String> {
    let phrases: Vec<String> = answer.excluded.iter().map(left_out).collect();
    (!phrases.is_empty()).then(|| phrases.join(", "))
}

/// What else differs between the sides, as raw lines. The first line states the consequence.
pub fn confounds(answer: &Answer) -> Vec<String> {
    if answer.halves {
        return Vec::new();
    }
    let confounds: Vec<_> = answer.comparison.confounds.iter().collect();
    let besides = confounds.iter().filter(|it| it.name != MODEL).count();
    if besides == 0 {
        return Vec::new();
    }
    let things = human::counted(besides as u64, "thing");
    let verb = if besides == 1 { "differs" } else { "differ" };
    let also = if confounds.len() > besides {
        " besides the model"
    } else {
        ""
    };
    let mut lines = vec![format!(
        "{things} {verb}{also}: this is not a comparison of models alone"
    )];
    let phrases = confounds.iter().filter(|it| it.name != MODEL);
    lines.extend(phrases.map(|it| format!("{}: {} ↔ {}", it.name, it.a, it.b)));
    lines
}

/// The smallest change of a rate that this many runs can detect.
pub fn smallest(comparison: &Comparison) -> Option<String> {
    let points = comparison.smallest_rate()? * 100.0;
    Some(format!(
        "can detect differences of {points:.1} pp or more in a rate (80 % power)"
    ))
}

/// The name of a tool, raw; `end` where there is none, before or after all calls of a run.
pub fn tool<'a>(comparison: &'a Comparison, tool: Option<u32>, end: &'static str) -> &'a str {
    let name = tool.and_then(|at| comparison.a.tools.get(at as usize));
    name.map_or(end, |name| name)
}

/// Which methods were used, the most frequent first.
pub fn methods(comparison: &Comparison) -> String {
    let methods = comparison.methods();
    let words: Vec<&str> = methods.iter().map(|(method, _)| method.words()).collect();
    let level = 100.0 * (1.0 - comparison.options.alpha);
    format!(
        "{}; {level:.0} % intervals; q by Benjamini–Hochberg over {} figures; seed {}",
        words.join("; "),
        comparison.all().filter(|it| it.p.is_some()).count(),
        comparison.options.seed
    )
}

/// An arrow for the direction of a change, readable without colour.
pub fn arrow(figure: &Figure) -> &'static str {
    match figure.direction() {
        _ if !figure.verdict.is_change() => "·",
        Direction::Up => "▲",
        Direction::Down => "▼",
        Direction::None => "·",
    }
}

/// Where a refusal is shown: the remedy is worded for the command line or for the screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reader {
    CommandLine,
    Screen,
}

/// Why nothing can be compared and what to do about it; raw.
pub fn refusal(refusal: &Refusal, reader: Reader) -> String {
    match refusal {
        Refusal::Groups(by, groups) if groups.len() < 2 => {
            let count = if groups.is_empty() {
                "no recorded"
            } else {
                "only one"
            };
            let way = match reader {
                Reader::CommandLine => {
                    " (choose sides with --a FILTER --b FILTER, such as --a 'file:*old*' --b 'file:*new*')"
                }
                Reader::Screen => "",
            };
            let by = by.word();
            format!("nothing to compare: these runs have {count} {by}{way}")
        }
        Refusal::Groups(by, groups) => {
            let phrases = groups.iter();
            let phrases: Vec<String> = phrases
                .map(|(name, tally)| format!("\n  {name}  {}", words::tally(tally)))
                .collect();
            let how = match by {
                _ if reader == Reader::Screen => "space in the table of runs".to_owned(),
                Grouping::Day => "--a 'since:2026-11-20' (B is what came before)".to_owned(),
                by => format!("--a {0}:NAME --b {0}:NAME", by.word()),
            };
            format!(
                "{} groups by {}: choose two with {how}{}",
                groups.len(),
                by.word(),
                phrases.concat()
            )
        }
        Refusal::Empty(side) => format!("no run matches {side}"),
        Refusal::AllLeftOut(side, why) => {
            let why: Vec<String> = why.iter().map(left_out).collect();
            format!("no run of {side} can be compared: {}", why.join(", "))
        }
        Refusal::Cancelled => "cancelled".to_owned(),
    }
}
