//! The text report of `alert check`, and the table of what rules would have done.

use crate::analysis::alerts::alert::Alert;
use crate::analysis::alerts::backtest::Backtest;
use crate::analysis::alerts::detector::Level;
use crate::analysis::alerts::history::Learning;
use crate::analysis::alerts::rules::Rule;
use crate::base::human;
use crate::cli::Cx;
use crate::cli::table::{self, Cell, Column};
use crate::export::alerts::{Document, summary};
use crate::export::words::Role;
use crate::model::quantity::Time;

/// The most agents named whose normal level was learned.
const GROUPS: usize = 4;
/// The most alerts printed, worst first.
const LISTED: usize = 100;

pub(super) fn text(cx: &mut Cx, of: &Document<'_>) -> anyhow::Result<()> {
    heading(cx, of)?;
    let mut alerts: Vec<&Alert> = of.report.alerts.iter().collect();
    alerts.sort_by_key(|alert| std::cmp::Reverse(alert.level()));
    for alert in alerts.iter().take(LISTED) {
        one(cx, of, alert)?;
    }
    if alerts.len() > LISTED {
        let more = human::count((alerts.len() - LISTED) as u64);
        cx.out.line("")?;
        cx.out
            .line(&format!("and {more} more (--format jsonl prints all)"))?;
    }
    learning(cx, of)?;
    let idle = of.report.idle();
    if !idle.is_empty() {
        let names = idle.iter().map(|it| of.rule(*it));
        let names = names.collect::<Vec<_>>().join(", ");
        cx.out.line("")?;
        cx.out.line(&format!("never fired: {names}"))?;
    }
    if !of.backtests.is_empty() {
        let rows: Vec<(String, &Backtest)> = of
            .backtests
            .iter()
            .map(|it| {
                let name = format!("{} {}", of.rule(it.rule), it.level.word());
                (name, &it.found)
            })
            .collect();
        cx.out.line("")?;
        what_if(cx, "RULE", &rows)?;
    }
    Ok(())
}

/// One line for each rule that is still learning; with `--verbose`, one for each of its scopes.
fn learning(cx: &mut Cx, of: &Document<'_>) -> anyhow::Result<()> {
    let all = &of.report.learning;
    if all.is_empty() {
        return Ok(());
    }
    let lines: Vec<String> = if cx.global.verbose {
        all.iter().map(|it| of.learning(it)).collect()
    } else {
        let rules = all.chunk_by(|a, b| a.rule == b.rule);
        rules.map(|scopes| summed(of, scopes)).collect()
    };
    let more = if lines.len() < all.len() {
        " (--verbose lists each)"
    } else {
        ""
    };
    cx.out.line("")?;
    cx.out.line(&format!("learning{more}"))?;
    for line in lines {
        let line = cx.out.style.clean(&format!("  {line}"));
        cx.out.painted(Role::Dim, &line)?;
    }
    Ok(())
}

/// `cost-drift: 86 combinations of agent and model, 0 to 12 of 20 runs`.
fn summed(of: &Document<'_>, scopes: &[Learning]) -> String {
    let [first, _, ..] = scopes else {
        return scopes.iter().map(|it| of.learning(it)).collect();
    };
    let count = scopes.len() as u64;
    let by: Vec<&str> = first.scope.iter().map(|(by, _)| by.word()).collect();
    let what = match by.as_slice() {
        [one] => human::counted(count, one),
        several => format!(
            "{} of {}",
            human::counted(count, "combination"),
            several.join(" and ")
        ),
    };
    let have = || scopes.iter().map(|it| it.have);
    let (least, most) = (have().min().unwrap_or(0), have().max().unwrap_or(0));
    let range = if least == most {
        least.to_string()
    } else {
        format!("{least} to {most}")
    };
    let rule = of.rule(first.rule);
    format!("{rule}: {what}, {range} of {} runs", first.need)
}

fn heading(cx: &mut Cx, of: &Document<'_>) -> anyhow::Result<()> {
    let rules = match of.path {
        Some(path) => cx.out.style.clean(path),
        None => "built in (no alerts.toml)".to_owned(),
    };
    let count = human::counted(of.rules.rules.len() as u64, "rule");
    cx.out.line(&format!("rules     {rules} · {count}"))?;
    let baseline = match of.known {
        [] => learned(cx, of),
        known => {
            let names = known
                .iter()
                .map(|it| format!("{} · {}", it.path, it.basis().words()));
            cx.out.style.clean(&names.collect::<Vec<_>>().join(", "))
        }
    };
    cx.out.line(&format!("baseline  {baseline}"))?;
    cx.out.line(&summary(of))?;
    Ok(())
}

/// `learned here from runs without an alert: 19 of claude-code (30 Sep to 12 Oct)`.
fn learned(cx: &Cx, of: &Document<'_>) -> String {
    let date = |time: Time| {
        let date = human::date(time.get()?, &cx.out.style.zone);
        date.split(' ').next_back().map(str::to_owned)
    };
    let groups = of.report.learned.iter().take(GROUPS).map(|it| {
        let agent = match &*it.agent {
            "" => "unnamed agents",
            agent => agent,
        };
        let days = match (date(it.first), date(it.last)) {
            (Some(first), Some(last)) if first != last => format!(" ({first} to {last})"),
            (Some(first), _) => format!(" ({first})"),
            (None, _) => String::new(),
        };
        format!("{} of {agent}{days}", human::count(it.runs as u64))
    });
    let mut groups: Vec<String> = groups.collect();
    let more = of.report.learned.len().saturating_sub(GROUPS);
    if more > 0 {
        groups.push(format!("and {}", human::counted(more as u64, "more agent")));
    }
    if groups.is_empty() {
        return nothing_learned(of).to_owned();
    }
    let groups = cx.out.style.clean(&groups.join(", "));
    format!("learned here, from the runs without an alert: {groups}")
}

/// Why there is no baseline.
fn nothing_learned(of: &Document<'_>) -> &'static str {
    if !of.rules.rules.iter().any(Rule::is_chart) {
        "none: no rule compares runs"
    } else if of.report.runs.is_empty() {
        "none: no runs"
    } else {
        "none: every run has an alert (only rates are learned from such runs)"
    }
}

fn one(cx: &mut Cx, of: &Document<'_>, alert: &Alert) -> anyhow::Result<()> {
    let (mark, role) = match alert.level() {
        Level::Trip => ("✖ trip", Role::Bad),
        Level::Warn => ("⚠ warn", Role::Warn),
        Level::Info => ("· info", Role::Dim),
    };
    let times = match alert.hits.len() {
        1 => String::new(),
        _ => format!(" · {}", alert.fired()),
    };
    let name = format!("  {} · {}{times}", of.title(alert), alert.about());
    let name = cx.out.style.clean(&name);
    cx.out.line("")?;
    cx.out
        .pieces(&[(role, mark.to_owned()), (Role::Plain, name)])?;
    let why = cx.out.style.clean(&alert.why(of.store));
    cx.out.line(&format!("    {why}"))?;
    let (path, line) = of.place(alert);
    let shown = format!("    {} · {path}:{line} · {}", of.shown(alert), alert.id);
    let shown = cx.out.style.clean(&shown);
    cx.out.painted(Role::Dim, &shown)?;
    Ok(())
}

/// What rules, or one rule with several limits, would have done to runs. `head` names what is compared.
pub(super) fn what_if(cx: &mut Cx, head: &str, rows: &[(String, &Backtest)]) -> anyhow::Result<()> {
    let columns = [
        Column::left(head, 0),
        Column::right("FIRED", 0),
        Column::right("RATE", 0),
        Column::left("95 %", 2),
        Column::right("/1000 STEPS", 3),
        Column::right("/DAY", 4),
        Column::right("STOPPED", 0),
        Column::right("SUCCEEDED", 0),
        Column::right("SAVED", 0),
        Column::right("CALLS", 1),
    ];
    let cells: Vec<Vec<Cell>> = rows.iter().map(|(name, it)| cells(name, it)).collect();
    table::write(&mut cx.out, &columns, &cells)?;
    for note in notes(rows) {
        cx.out.painted(Role::Dim, &note)?;
    }
    Ok(())
}

fn cells(name: &str, it: &Backtest) -> Vec<Cell> {
    let (rate, (lo, hi)) = it.rate();
    let percent = |share: f64| format!("{:.1} %", 100.0 * share);
    let number = |number: Option<f64>| {
        number.map_or_else(|| "—".to_owned(), |number| format!("{number:.1}"))
    };
    let money = |picodollars: i64| human::usd(picodollars as f64 / 1e12);
    let saved = if it.cost == 0 {
        "—".to_owned()
    } else {
        format!("{} of {}", money(it.saved), money(it.cost))
    };
    let labelled = it.succeeded + it.failed;
    let succeeded = if it.stopped > 0 && labelled == 0 {
        "?".to_owned()
    } else if it.unlabelled > 0 {
        format!("{} of {labelled} graded", it.succeeded)
    } else {
        it.succeeded.to_string()
    };
    vec![
        Cell::new(name.to_owned()),
        Cell::new(format!("{} of {}", it.fired, it.runs)),
        Cell::new(percent(rate)),
        Cell::new(format!("{:.1}–{:.1}", 100.0 * lo, 100.0 * hi)),
        Cell::new(number(it.per_1000_steps())),
        Cell::new(number(it.per_day())),
        Cell::new(it.stopped.to_string()),
        Cell::new(succeeded),
        Cell::new(saved),
        Cell::new(it.calls_saved.to_string()),
    ]
}

/// Caveats to print below the figures.
fn notes(rows: &[(String, &Backtest)]) -> Vec<String> {
    let mut notes =
        vec!["savings are hypothetical: a stopped run might have been started again".to_owned()];
    let is_dark = |it: &Backtest| it.stopped > 0 && it.succeeded + it.failed == 0;
    if rows.iter().any(|(_, it)| is_dark(it)) {
        notes.push(
            "? no stopped run is graded: cannot tell how many would have succeeded".to_owned(),
        );
    }
    let unpriced = rows.iter().map(|(_, it)| it.unpriced).max().unwrap_or(0);
    if unpriced > 0 {
        let calls = human::counted(unpriced, "model call");
        notes.push(format!("{calls} unpriced: costs are lower bounds"));
    }
    notes
}
