//! `cohort`: two cohorts of runs compared.

use std::path::PathBuf;

use crate::analysis::cohort::ask::{Answer, Ask, Choice};
use crate::analysis::cohort::compare::{Comparison, Options};
use crate::analysis::cohort::expect::Rule;
use crate::analysis::cohort::figure::{Figure, Kind};
use crate::analysis::cohort::measure::MEASURES;
use crate::analysis::cohort::observe::PairBy;
use crate::analysis::cohort::outcome::Outcome;
use crate::analysis::runs::Grouping;
use crate::base::cancel::CancelFlag;
use crate::cli::args::{CohortArgs, CohortHow};
use crate::cli::failure::{Exit, Failure};
use crate::cli::table::{self, Cell, Column};
use crate::cli::{Cx, filter};
use crate::export::cohort as words;
use crate::export::cohort::markdown;
use crate::export::json::cohort as cohort_json;
use crate::export::words::Role;
use crate::query::expr::Expr;
use crate::query::fields::nearest;
use crate::store::Store;

const COLUMNS: &[Column] = &[
    Column::left("FIGURE", 0).cut_to(16),
    Column::right("A", 0),
    Column::right("B", 0),
    Column::right("DIFF", 0),
    Column::left("INTERVAL", 3),
    Column::right("P", 4),
    Column::right("Q", 2),
    Column::left("", 0),
    Column::left("WHAT IT SAYS", 1).cut_to(20),
];

/// So many kinds of forks and transitions are told.
const SHOWN: usize = 8;

pub(super) fn run(cx: &mut Cx, paths: &[PathBuf], args: &CohortArgs) -> anyhow::Result<Exit> {
    let by = args.by.as_deref().and_then(Grouping::find);
    let by = by.unwrap_or(Grouping::Model);
    let choice = match (&args.a, &args.b) {
        _ if args.aa => Choice::Halves,
        (Some(a), b) => Choice::Filters(
            filter::parse(a)?,
            b.as_deref().map(filter::parse).transpose()?,
        ),
        (None, _) => Choice::By(by),
    };
    let ask = ask(cx, choice, &args.how)?;
    let read = cx.load.paths(&cx.notes, paths);
    let exit = read.exit(&cx.notes);
    if exit != Exit::Done {
        return Ok(exit);
    }
    let answer = ask
        .run(&read.store, &CancelFlag::new())
        .map_err(|refusal| Failure::Usage(words::refusal(&refusal)))?;
    print(cx, &read.store, &answer, args.md)?;
    Ok(if args.how.gate {
        gate(&answer.comparison, &args.how)
    } else {
        exit
    })
}

/// The question that the options ask.
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
    // The words that tables have for a figure are names of it too.
    let only = how.metric.iter().map(|text| named(text));
    let only: Vec<String> = only.collect();
    let asked = |text: &&String| !is_name(text);
    let predicates: Vec<String> = only.iter().filter(asked).cloned().collect();
    let parsed: Result<Vec<Expr>, Failure> =
        predicates.iter().map(|text| predicate(text)).collect();
    let rules = how.expect.iter().map(|text| Rule::parse(text));
    let rules: Result<Vec<Rule>, String> = rules.collect();
    let condition = cx.global.condition.as_deref();
    Ok(Ask {
        choice,
        only: condition.map(filter::parse).transpose()?,
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
    })
}

/// The name of the figure that tables call so.
fn named(text: &str) -> String {
    let known = MEASURES.iter().find(|info| info.words == text);
    known.map_or_else(|| text.to_owned(), |info| info.name.to_owned())
}

/// A filter whose runs are counted. A bare word would be searched for in all texts: nobody means that.
fn predicate(text: &str) -> Result<Expr, Failure> {
    let expr = filter::parse(text)?;
    if !matches!(expr, Expr::Text(_)) {
        return Ok(expr);
    }
    let names: Vec<&str> = MEASURES.iter().map(|info| info.name).collect();
    let near = nearest(text, names.iter().copied());
    let near = near.map_or_else(String::new, |name| format!(" · did you mean {name:?}?"));
    Err(Failure::Usage(format!(
        "{text:?} is no figure{near}\n  figures: {}, tool:NAME, first_tool:NAME\n  text~{text:?} counts the runs that say it",
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

/// Shows an answer in the form that was asked for.
pub(super) fn print(cx: &mut Cx, store: &Store, answer: &Answer, md: bool) -> anyhow::Result<()> {
    if cx.global.json {
        cx.out.json(&cohort_json::cohort(store, answer))?;
        return Ok(());
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

fn head(cx: &mut Cx, answer: &Answer) -> anyhow::Result<()> {
    let found = &answer.comparison;
    let sides = [("A", &found.a), ("B", &found.b)].into_iter();
    for ((side, cohort), size) in sides.zip(words::sizes(found)) {
        let name = cx.out.look.clean(&cohort.name);
        cx.out.line(&format!("{side}  {name}  {size}"))?;
    }
    if answer.halves {
        cx.out
            .line("   one cohort split by chance: whatever differs here is chance")?;
    }
    cx.out.line(&format!("   {}", words::meeting(answer)))?;
    if let Some(excluded) = words::excluded(answer) {
        cx.out.line(&format!("   left out: {excluded}"))?;
    }
    for (at, line) in words::confounds(answer).iter().enumerate() {
        let clean = cx.out.look.clean(line);
        if at == 0 {
            cx.out.painted(Role::Warn, &format!("   {clean}"))?;
        } else {
            cx.out.line(&format!("     {clean}"))?;
        }
    }
    let told: Vec<String> = words::tally(found)
        .into_iter()
        .map(|(words, role)| cx.out.look.paint(role, &words))
        .collect();
    let head = cx.out.look.paint(Role::Head, "VERDICT");
    cx.out.line("")?;
    cx.out.line(&format!("{head}  {}", told.join(" · ")))?;
    if let Some(smallest) = words::smallest(found) {
        cx.out.line(&format!("         {smallest}"))?;
    }
    cx.out.line("")?;
    Ok(())
}

fn row(cx: &Cx, found: &Comparison, figure: &Figure) -> Vec<Cell> {
    let (_, role) = words::verdict(figure);
    vec![
        Cell::new(cx.out.look.clean(&figure.words)),
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

/// The mix of tools, transitions, where runs part, and how all of it was worked out.
fn rest(cx: &mut Cx, store: &Store, found: &Comparison) -> anyhow::Result<()> {
    if let Some(mix) = found.mix {
        let p = mix
            .p
            .map(|p| format!(" (p {})", words::probability(Some(p))));
        cx.out.line("")?;
        cx.out.line(&format!(
            "MIX  {:.1} % of calls would have to be of another tool{}; {:.3} bits apart",
            mix.total_variation * 100.0,
            p.unwrap_or_default(),
            mix.jensen_shannon
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
        let (from, to) = (cx.out.look.clean(from), cx.out.look.clean(to));
        let (a, b) = (step.a * 100.0, step.b * 100.0);
        cx.out
            .line(&format!("{head}  {from} → {to}  {a:.0} % → {b:.0} %"))?;
    }
    for (at, fork) in found.forks.iter().take(SHOWN).enumerate() {
        if at == 0 {
            cx.out.line("")?;
            cx.out.line("WHERE RUNS OF ONE TASK PART")?;
        }
        let side = |tool| cx.out.look.clean(words::tool(found, tool, "end"));
        let (a, b) = (side(fork.a), side(fork.b));
        let id = |run: Option<_>| {
            let run: crate::model::run::RunIx = run?;
            Some(cx.out.look.clean(&store.run(run).id))
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
        let names: Vec<String> = found.rare.iter().map(|it| cx.out.look.clean(it)).collect();
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
