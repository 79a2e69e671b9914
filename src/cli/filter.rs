//! Filters as a user writes them: read, pointed at where they are wrong, put to a store.

use serde::Serialize;

use crate::base::cancel::CancelFlag;
use crate::base::clock::{Clock, System};
use crate::base::{human, text};
use crate::cli::Cx;
use crate::cli::failure::{Exit, Failure};
use crate::cli::out::Progress;
use crate::model::action::ActionIx;
use crate::model::quantity::Time;
use crate::model::run::RunIx;
use crate::query::eval::Query;
use crate::query::expr::Expr;
use crate::query::hint::{self, Over};
use crate::query::parse::ParseError;
use crate::query::{self, Context, matches, runs};
use crate::store::Store;

/// `check-filter`: whether a filter can be read, and how it reads in full.
pub(super) fn check(cx: &mut Cx, filter: &str) -> anyhow::Result<Exit> {
    match (query::parse(filter), cx.global.json) {
        (Ok(expr), true) => cx.out.json(&Checked {
            filter: expr.to_string(),
        })?,
        (Ok(expr), false) => {
            let line = cx.out.look.clean(&expr.to_string());
            cx.out.line(&line)?;
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

pub(super) fn parse(filter: &str) -> Result<Expr, Failure> {
    query::parse(filter).map_err(|error| point(filter, &error))
}

/// The actions that match, with a note where a number was asked of what is no number.
pub(super) fn rows(cx: &Cx, store: &Store, expr: &Expr) -> Vec<ActionIx> {
    let query = Query::compile(expr, store, &context(cx));
    let mut progress = Progress::new(&cx.notes);
    let found = matches::matches(store, &query, &CancelFlag::new(), &mut |so_far| {
        let percent = u64::from(so_far.tested) * 100 / u64::from(so_far.total.max(1));
        progress.tell(&format!("searched {percent} %"));
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

/// After a search that found nothing: what to change in the filter.
pub(super) fn hint(cx: &Cx, store: &Store, expr: &Expr, over: Over) {
    if let Some(hint) = hint::hint(store, expr, &context(cx), over) {
        cx.notes.note(&hint.to_string());
    }
}

pub(super) fn runs(cx: &Cx, store: &Store, expr: &Expr) -> Vec<RunIx> {
    runs::runs(store, expr, &context(cx), &CancelFlag::new())
}

pub(super) fn context(cx: &Cx) -> Context {
    Context {
        now: Time(System.now()),
        zone: cx.out.look.zone.clone(),
        ..Context::default()
    }
}

/// The filter with carets under what is wrong.
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
