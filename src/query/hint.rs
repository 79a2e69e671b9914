//! Suggestions for a filter without matches: the name that was probably meant, or the term that
//! excludes everything.

use std::fmt::{self, Display, Formatter};

use crate::base::cancel::CancelFlag;
use crate::query::complete::occurring;
use crate::query::eval::Query;
use crate::query::expr::{Expr, Subject, Term, Test, Value};
use crate::query::fields::{self, Field, Shape};
use crate::query::{Context, matches, runs};
use crate::store::Store;

/// Raw text: it quotes names from the trace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Hint {
    /// Nothing in the store has this name.
    NoSuchName {
        field: &'static str,
        typed: String,
        /// What to write instead, with quotes if needed.
        meant: Option<String>,
    },
    /// How many match without this term.
    Without { term: String, matches: usize },
}

/// What a filter was applied to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Over {
    Actions,
    Runs,
}

/// In larger stores, no actions are opened for a hint.
const MAX_ACTIONS: u32 = 20_000;

/// A suggestion for a filter that matched nothing. Only runs tests that are fast.
pub fn hint(store: &Store, expr: &Expr, context: &Context, over: Over) -> Option<Hint> {
    let search = Search {
        store,
        context,
        over,
    };
    let mut terms = Vec::new();
    wanted(expr, &mut terms);
    let missing = terms.into_iter().find_map(|term| search.no_such_name(term));
    missing.or_else(|| search.without(expr))
}

impl Display for Hint {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Hint::NoSuchName {
                field,
                typed,
                meant,
            } => {
                write!(f, "no {field} is named '{typed}'")?;
                meant
                    .as_ref()
                    .map_or(Ok(()), |meant| write!(f, " · did you mean {meant}?"))
            }
            Hint::Without { term, matches } => {
                let plural = if *matches == 1 { "" } else { "es" };
                write!(f, "without `{term}`: {matches} match{plural}")
            }
        }
    }
}

/// The terms that are required rather than excluded.
fn wanted<'a>(expr: &'a Expr, out: &mut Vec<&'a Term>) {
    match expr {
        Expr::Term(term) => out.push(term),
        Expr::And(parts) | Expr::Or(parts) => parts.iter().for_each(|part| wanted(part, out)),
        Expr::All
        | Expr::Not(_)
        | Expr::Text(_)
        | Expr::Is(_)
        | Expr::Has(_)
        | Expr::Since(_)
        | Expr::At(..) => {}
    }
}

struct Search<'a> {
    store: &'a Store,
    context: &'a Context,
    over: Over,
}

impl Search<'_> {
    /// The number of matches, or 0 if counting would take long.
    fn count(&self, expr: &Expr) -> usize {
        let query = Query::compile(expr, self.store, self.context);
        if query.needs_bodies() && self.store.len() > MAX_ACTIONS {
            return 0;
        }
        match self.over {
            Over::Actions => {
                let found = matches::matches(self.store, &query, &CancelFlag::new(), &mut |_| {});
                found.rows.len()
            }
            Over::Runs => runs::runs(self.store, expr, self.context, &CancelFlag::new()).len(),
        }
    }

    fn no_such_name(&self, term: &Term) -> Option<Hint> {
        let Subject::Field(field) = term.subject else {
            return None;
        };
        let (Test::Matches(values) | Test::Equals(values)) = &term.test else {
            return None;
        };
        let [Value::Word(typed) | Value::Quoted(typed)] = values.as_slice() else {
            return None;
        };
        let unknown =
            field.info().shape == Shape::Name && self.count(&Expr::Term(term.clone())) == 0;
        unknown.then(|| Hint::NoSuchName {
            field: field.info().name,
            typed: typed.clone(),
            meant: self.meant(field, typed),
        })
    }

    /// The closest name, or a pattern if the typed text is part of one.
    fn meant(&self, field: Field, typed: &str) -> Option<String> {
        let names = occurring(field, self.store);
        if let Some(name) = fields::nearest(typed, names.iter().map(String::as_str)) {
            return Some(format!("'{name}'"));
        }
        let part = typed.to_lowercase();
        let plain = part
            .chars()
            .all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '.'));
        let inside = |name: &String| name.to_lowercase().contains(&part);
        (plain && !part.is_empty() && names.iter().any(inside))
            .then(|| format!("`{}:*{part}*`", field.info().name))
    }

    /// The term whose removal yields the most matches; ties go to the first.
    fn without(&self, expr: &Expr) -> Option<Hint> {
        let Expr::And(parts) = expr else {
            return None;
        };
        let mut best: Option<(usize, &Expr)> = None;
        for (number, part) in parts.iter().enumerate() {
            let mut others = parts.clone();
            others.remove(number);
            let others = match others.as_slice() {
                [only] => only.clone(),
                _ => Expr::And(others),
            };
            let found = self.count(&others);
            if found > best.map_or(0, |(most, _)| most) {
                best = Some((found, part));
            }
        }
        best.map(|(matches, term)| Hint::Without {
            term: term.to_string(),
            matches,
        })
    }
}
