//! The report of `policy eval` for a person.

use crate::analysis::policy::whatif::Change;
use crate::analysis::policy::{Effect, Engine, RuleIx};
use crate::analysis::runs::short_ids;
use crate::base::human;
use crate::cli::Cx;
use crate::cli::policy::eval::{Evaluated, document};
use crate::cli::table::{self, Cell, Column};
use crate::export::policy::{self as export, Document, LISTED};
use crate::export::words::Role;

pub(super) fn text(cx: &mut Cx, evaluated: &Evaluated<'_>) -> anyhow::Result<()> {
    let of = document(evaluated);
    heading(cx, evaluated)?;
    cx.out.line("")?;
    grid(cx, &of)?;
    cx.out.line("")?;
    cx.out.line(&export::first(of.report))?;
    let shown = if of.other.is_some() {
        &of.report.changes
    } else {
        &of.report.first
    };
    changes(cx, &of, shown)?;
    rules(cx, &of)?;
    cx.out.line("")?;
    notes(cx, &of)
}

fn heading(cx: &mut Cx, evaluated: &Evaluated<'_>) -> anyhow::Result<()> {
    let policies = evaluated.policies;
    let all = || (0..policies.set.rules().count() as u32).map(RuleIx);
    for (at, file) in policies.files.iter().enumerate() {
        let rules = all()
            .filter(|ix| {
                policies
                    .set
                    .home_of(*ix)
                    .is_some_and(|(_, file)| file == at)
            })
            .count();
        let rules = human::counted(rules as u64, "rule");
        let kind = policies.set.kind(at);
        let note = if file.in_force {
            ""
        } else {
            " · its allow rules do not apply (see --trusted)"
        };
        let path = cx.out.style.clean(&file.path);
        cx.out.line(&format!("{path}  {kind}, {rules}{note}"))?;
    }
    let report = evaluated.report;
    let (calls, runs) = (
        human::counted(report.calls, "tool call"),
        human::counted(report.runs, "run"),
    );
    cx.out.line(&format!("{calls} in {runs}"))?;
    Ok(())
}

/// What was, down, and what would be, across.
fn grid(cx: &mut Cx, of: &Document<'_>) -> anyhow::Result<()> {
    let columns = of.columns();
    let was = if of.other.is_some() {
        "THE OTHER ↓ NEW →"
    } else {
        "RECORDED ↓ NEW →"
    };
    let mut heads = vec![Column::left(was, 0)];
    heads.extend(columns.iter().map(|now| Column::right(now.word(), 0)));
    let cell = |was: Effect, now: Effect| {
        let count = of.report.cell(was, now);
        let role = match now {
            _ if count == 0 => Role::Dim,
            now if now == was => Role::Plain,
            Effect::Deny | Effect::Error => Role::Bad,
            Effect::Allow | Effect::Warn | Effect::Ask | Effect::Unknown => Role::Warn,
        };
        Cell::role(human::count(count), role)
    };
    let row = |was: &Effect| {
        let mut cells = vec![Cell::new(was.word())];
        cells.extend(columns.iter().map(|now| cell(*was, *now)));
        cells
    };
    let rows: Vec<Vec<Cell>> = of.rows().iter().map(row).collect();
    table::write(&mut cx.out, &heads, &rows)?;
    Ok(())
}

const CHANGES: &[Column] = &[
    Column::left("RUN", 0),
    Column::right("SEQ", 0),
    Column::left("TOOL", 0).cut_to(8),
    Column::left("WAS", 0),
    Column::left("NOW", 0),
    Column::left("RULE", 0).cut_to(16),
];

fn changes(cx: &mut Cx, of: &Document<'_>, all: &[Change]) -> anyhow::Result<()> {
    if all.is_empty() {
        return Ok(());
    }
    let ids: Vec<&str> = of.store.runs().iter().map(|run| &*run.id).collect();
    let short = short_ids(&ids);
    let row = |change: &Change| {
        let row = of.store.row(change.ix);
        let run = short.get(change.run.0 as usize).map_or("", String::as_str);
        let rule = match (of.other, change.was.rule) {
            (Some(other), Some(was)) => {
                let was = other.rule(was).map_or("", |rule| rule.name.as_str());
                format!("{} · before: {was}", of.because(change))
            }
            _ => of.because(change),
        };
        vec![
            Cell::new(cx.out.style.clean(run)),
            Cell::new(row.seq().to_string()),
            Cell::new(cx.out.style.clean(row.tool())),
            Cell::new(change.was.effect.word()),
            Cell::new(change.now.effect.word()),
            Cell::new(cx.out.style.clean(&rule)),
        ]
    };
    let rows: Vec<Vec<Cell>> = all.iter().take(LISTED).map(row).collect();
    table::write(&mut cx.out, CHANGES, &rows)?;
    if all.len() > LISTED {
        let more = format!(
            "and {} more (--json lists them)",
            human::count((all.len() - LISTED) as u64)
        );
        cx.out.line(&more)?;
    }
    Ok(())
}

const RULES: &[Column] = &[
    Column::left("EFFECT", 0),
    Column::left("RULE", 0).cut_to(24),
    Column::right("DECIDES", 0),
    Column::right("CHANGES", 1),
    Column::left("AT", 2).cut_to(10),
];

/// Every rule with the calls that it decides, most first.
fn rules(cx: &mut Cx, of: &Document<'_>) -> anyhow::Result<()> {
    let mut changed = vec![0u64; of.report.hits.len()];
    let by_rule = of.report.changes.iter().filter_map(|it| it.now.rule);
    by_rule.for_each(|ix| changed[ix.0 as usize] += 1);
    let mut order: Vec<usize> = (0..changed.len())
        .filter(|at| of.report.hits[*at] > 0)
        .collect();
    if order.is_empty() {
        return Ok(());
    }
    order.sort_by_key(|at| std::cmp::Reverse(of.report.hits[*at]));
    cx.out.line("")?;
    let row = |at: &usize| {
        let ix = RuleIx(*at as u32);
        let rule = of.set.rule(ix);
        let file = of
            .set
            .home_of(ix)
            .map_or("", |(_, file)| of.files[file].path.as_str());
        let line = rule.map_or(0, |rule| rule.line);
        vec![
            Cell::new(rule.map_or("", |rule| rule.effect.word())),
            Cell::new(cx.out.style.clean(rule.map_or("", |rule| &rule.name))),
            Cell::new(human::count(of.report.hits[*at])),
            Cell::alarm(changed[*at], Role::Warn),
            Cell::role(cx.out.style.clean(&format!("{file}:{line}")), Role::Dim),
        ]
    };
    let rows: Vec<Vec<Cell>> = order.iter().take(3 * LISTED).map(row).collect();
    table::write(&mut cx.out, RULES, &rows)?;
    if order.len() > rows.len() {
        let more = format!("and {} more (--json lists them)", order.len() - rows.len());
        cx.out.line(&more)?;
    }
    Ok(())
}

fn notes(cx: &mut Cx, of: &Document<'_>) -> anyhow::Result<()> {
    let report = of.report;
    let mut lines = vec![export::asks(report)];
    if report.by_no_rule > 0 {
        let count = human::count(report.by_no_rule);
        lines.push(format!(
            "no rule covers {count}: {}",
            export::counted(&report.uncovered)
        ));
    }
    for (what, names) in export::idle(of) {
        let more = names.len().saturating_sub(LISTED);
        let mut listed = names
            .into_iter()
            .take(LISTED)
            .collect::<Vec<_>>()
            .join(" · ");
        if more > 0 {
            listed.extend([" · and ", &more.to_string(), " more"]);
        }
        lines.push(format!("{what}: {listed}"));
    }
    if !report.unjudged.is_empty() {
        lines.push(format!(
            "cannot be judged: {}",
            export::counted(&report.unjudged)
        ));
    }
    if let Some(modes) = export::modes(report) {
        lines.push(format!("{modes} (--mode default: as if people were asked)"));
    }
    for assumption in of.set.engines().flat_map(Engine::assumptions) {
        lines.push(format!("assumed: {assumption}"));
    }
    for line in lines {
        let line = cx.out.style.clean(&line);
        cx.out.line(&line)?;
    }
    Ok(())
}
