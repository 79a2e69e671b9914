//! What to try when nothing matched: the name that was meant, or the term that is in the way.

use std::fmt::{self, Display, Formatter};

use crate::base::cancel::CancelFlag;
use crate::query::complete::occurring;
use crate::query::eval::Query;
use crate::query::expr::{Expr, Subject, Term, Test, Value};
use crate::query::fields::{self, Field, Shape};
use crate::query::{Context, matches, runs};
use crate::store::Store;

/// Raw text: it holds names of the trace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Hint {
    /// Nothing in the store has this name.
    NoSuchName {
        field: &'static str,
        typed: String,
        /// What to write instead, in its quotes.
        meant: Option<String>,
    },
    /// The other terms match so often.
    Without { term: String, matches: usize },
}

/// What a filter was put to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Over {
    Actions,
    Runs,
}

/// Stores with more actions are not opened again for a hint.
const SMALL: u32 = 20_000;

/// What to say of a filter that matched nothing. Asks only what is answered at once.
pub fn hint(store: &Store, expr: &Expr, context: &Context, over: Over) -> Option<Hint> {
    let ask = Ask {
        store,
        context,
        over,
    };
    let mut terms = Vec::new();
    wanted(expr, &mut terms);
    let missing = terms.into_iter().find_map(|term| ask.no_such_name(term));
    missing.or_else(|| ask.without(expr))
}

impl Display for Hint {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Hint::NoSuchName {
                field,
                typed,
                meant,
            } => {
                write!(f, "no {field} is '{typed}'")?;
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

/// The terms that are asked for, rather than excluded.
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

struct Ask<'a> {
    store: &'a Store,
    context: &'a Context,
    over: Over,
}

impl Ask<'_> {
    /// How many match; none where it would take long to find out.
    fn count(&self, expr: &Expr) -> usize {
        let query = Query::compile(expr, self.store, self.context);
        if query.needs_bodies() && self.store.len() > SMALL {
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

    /// The nearest name, or a pattern where the typed text is a part of one.
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

    /// The term without which most is found; the first of those that are equal.
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
