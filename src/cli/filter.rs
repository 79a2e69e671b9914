//! Filters as a user writes them: parsed, with carets under a mistake, and evaluated on a store.

mod asked;

use std::collections::HashSet;

use serde::Serialize;

use crate::base::cancel::CancelFlag;
use crate::base::clock::{Clock, System};
use crate::base::{human, text};
use crate::cli::command::{Accepts, Command, GlobalOption};
use crate::cli::failure::{Exit, Failure};
use crate::cli::load::Read;
use crate::cli::out::Progress;
use crate::cli::{Cx, alert};
use crate::model::action::ActionIx;
use crate::model::quantity::Time;
use crate::model::run::RunIx;
use crate::query::eval::Query;
use crate::query::expr::Expr;
use crate::query::hint::{self, Over};
use crate::query::parse::ParseError;
use crate::query::{self, Context, matches, runs};
use crate::store::Store;
use asked::{Asked, PRODUCTS};

/// Check a filter and print its normal form
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  saferun-tui check-filter 'tool:refund args.amount>500'
  saferun-tui check-filter 'costt>5' --json            a mistake as JSON, with its column
  saferun-tui check-filter 'tool:refund cost>1' --for clickhouse    what pull -w selects there

Exit code 2 when the filter is invalid.")]
pub struct CheckFilter {
    /// The filter to check
    #[arg(value_name = "FILTER", allow_hyphen_values = true)]
    filter: String,
    /// Show the conditions that this product gets when runs are pulled with the filter
    #[arg(long = "for", value_name = "PRODUCT", value_parser = PRODUCTS)]
    product: Option<String>,
}

impl Command for CheckFilter {
    const NAME: &'static str = "check-filter";
    const ACCEPTS: Accepts = Accepts::NONE.with(GlobalOption::Json);

    fn run(self, cx: &mut Cx) -> anyhow::Result<Exit> {
        let filter = &self.filter;
        match (query::parse_over_policy(filter), cx.global.json) {
            (Ok(expr), true) => cx.out.json(&Checked {
                filter: expr.to_string(),
                asked: self
                    .product
                    .map(|product| Asked::of(&product, &expr, &context(cx))),
            })?,
            (Ok(expr), false) => {
                let line = cx.out.style.clean(&expr.to_string());
                cx.out.line(&line)?;
                if let Some(product) = &self.product {
                    let found = Asked::of(product, &expr, &context(cx));
                    let asked = cx.out.style.clean(&found.asked);
                    cx.out.line(&format!("conditions for {product}: {asked}"))?;
                    if !found.decided_here.is_empty() {
                        let here = cx.out.style.clean(&found.decided_here.join(" · "));
                        cx.out.line(&format!("only decided here: {here}"))?;
                    }
                    cx.out.line(
                        "the whole filter is then applied here, to the runs that it returns",
                    )?;
                }
            }
            (Err(error), true) => {
                cx.out.json(&Refused {
                    error: Mistake::new(filter, &error),
                })?;
                return Ok(Exit::Usage);
            }
            (Err(error), false) => return Err(point(filter, &error).into()),
        }
        Ok(Exit::Done)
    }
}

pub(super) fn parse(filter: &str) -> Result<Expr, Failure> {
    query::parse(filter).map_err(|error| point(filter, &error))
}

/// The same, for a command that takes `--policy`.
pub(super) fn parse_over_policy(cx: &Cx, filter: &str) -> Result<Expr, Failure> {
    if cx.would.is_none() {
        return parse(filter);
    }
    query::parse_over_policy(filter).map_err(|error| point(filter, &error))
}

/// The filter of `--where`.
pub(super) fn condition(cx: &Cx) -> Result<Option<Expr>, Failure> {
    let condition = cx.global.condition.as_deref();
    condition
        .map(|text| parse_over_policy(cx, text))
        .transpose()
}

/// Both filters at once.
pub(super) fn both(a: Expr, b: Expr) -> Expr {
    let mut parts = Vec::new();
    for expr in [a, b] {
        match expr {
            Expr::All => {}
            Expr::And(inner) => parts.extend(inner),
            other => parts.push(other),
        }
    }
    match parts.len() {
        0 => Expr::All,
        1 => parts.remove(0),
        _ => Expr::And(parts),
    }
}

/// The actions that match, with a note if a number was compared with text.
pub(super) fn rows(cx: &Cx, store: &Store, expr: &Expr) -> Vec<ActionIx> {
    let query = Query::compile(expr, store, &context(cx));
    let mut progress = Progress::new(&cx.notes);
    let found = matches::matches(store, &query, &CancelFlag::new(), &mut |so_far| {
        let percent = u64::from(so_far.tested) * 100 / u64::from(so_far.total.max(1));
        progress.show(&format!("searched {percent} %"));
    });
    progress.clear();
    let tally = found.tally;
    if tally.unjudged > 0 {
        let (unjudged, judged) = (human::count(tally.unjudged), human::count(tally.judged));
        cx.notes.note(&format!(
            "`{expr}`: no numeric value in {unjudged} of {judged} rows"
        ));
    }
    found.rows
}

/// After a search without matches: suggests what to change in the filter.
pub(super) fn hint(cx: &Cx, store: &Store, expr: &Expr, over: Over) {
    if let Some(hint) = hint::hint(store, expr, &context(cx), over) {
        cx.notes.note(&hint.to_string());
    }
}

pub(super) fn runs(cx: &Cx, store: &Store, expr: &Expr) -> Vec<RunIx> {
    runs::runs(store, expr, &context(cx), &CancelFlag::new())
}

/// The runs that the paths name and that match, in the order of the store.
pub(super) fn among(cx: &Cx, read: &Read, expr: &Expr) -> Vec<RunIx> {
    let matching: HashSet<RunIx> = runs(cx, &read.store, expr).into_iter().collect();
    let mut named = read.runs();
    named.retain(|run| matching.contains(run));
    named
}

/// The runs that the paths and `--where` select.
pub(super) fn selected(cx: &Cx, read: &Read) -> Result<Vec<RunIx>, Failure> {
    let condition = condition(cx)?;
    Ok(condition.map_or_else(|| read.runs(), |expr| among(cx, read, &expr)))
}

pub(super) fn context(cx: &Cx) -> Context {
    Context {
        now: Time(System.now()),
        zone: cx.out.style.zone.clone(),
        alerts: alert::lookup(cx),
        would: cx.would.clone(),
        ..Context::default()
    }
}

/// The filter with carets under the mistake.
fn point(filter: &str, error: &ParseError) -> Failure {
    let before = text::sanitize(filter.get(..error.span.start).unwrap_or(filter));
    let wrong = text::sanitize(filter.get(error.span.clone()).unwrap_or_default());
    let carets = "^".repeat(text::width(&wrong).max(1));
    let hint = error
        .suggestion
        .as_ref()
        .map(|it| format!(" · did you mean '{it}'?"));
    Failure::Usage(format!(
        "{}{}\n  {}\n  {}{carets}",
        error.message,
        hint.unwrap_or_default(),
        text::sanitize(filter),
        " ".repeat(text::width(&before)),
    ))
}

#[derive(Serialize)]
struct Checked {
    filter: String,
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    asked: Option<Asked>,
}

#[derive(Serialize)]
struct Refused<'a> {
    error: Mistake<'a>,
}

/// `column` counts characters from 1.
#[derive(Serialize)]
struct Mistake<'a> {
    column: usize,
    length: usize,
    message: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    suggestion: Option<&'a str>,
}

impl<'a> Mistake<'a> {
    fn new(filter: &str, error: &'a ParseError) -> Mistake<'a> {
        let characters = |text: Option<&str>| text.unwrap_or_default().chars().count();
        Mistake {
            column: characters(filter.get(..error.span.start)) + 1,
            length: characters(filter.get(error.span.clone())).max(1),
            message: &error.message,
            suggestion: error.suggestion.as_deref(),
        }
    }
}

#[cfg(test)]
mod tests;
