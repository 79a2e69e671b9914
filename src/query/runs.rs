//! Applies a filter to runs: fields of the run are tested on the run, other terms on its actions.

use std::collections::HashMap;

use crate::base::cancel::CancelFlag;
use crate::model::action::ActionIx;
use crate::model::quantity::Tokens;
use crate::model::run::{Run, RunIx, RunStatus};
use crate::query::Context;
use crate::query::columns::{Numbers, RunNumber, RunTest, TokenKind, is_file};
use crate::query::compile::values::{numbers, vocabulary};
use crate::query::eval::Query;
use crate::query::expr::{Expr, Subject, Term, Text};
use crate::query::fields::Field;
use crate::query::matches::matches;
use crate::query::pattern::{Extent, Pattern, TextTest};
use crate::store::Store;

/// The runs that match an expression.
///
/// Adjacent terms about actions must match the same action: `tool:bash is:error` finds runs in
/// which bash failed. A negated term requires that no action matches. `cost>1` tests the cost of
/// the whole run. A text is found in the id of a run too.
///
/// Incomplete if cancelled.
pub fn runs(store: &Store, expr: &Expr, context: &Context, cancel: &CancelFlag) -> Vec<RunIx> {
    let lift = PerRun {
        store,
        context,
        cancel,
    };
    let found = lift.runs(expr);
    (0..)
        .map(RunIx)
        .zip(found)
        .filter(|(_, found)| *found)
        .map(|(run, _)| run)
        .collect()
}

/// The runs that match, and in each the first action that does.
///
/// A filter that is only about whole runs (`cost>1`) has no such actions.
pub fn with_hits(
    store: &Store,
    expr: &Expr,
    context: &Context,
    cancel: &CancelFlag,
) -> (Vec<RunIx>, HashMap<RunIx, ActionIx>) {
    let mut hits = HashMap::new();
    let wanted = of_actions(expr);
    if let Some(wanted) = &wanted {
        let query = Query::compile(wanted, store, context);
        for action in matches(store, &query, cancel, &mut |_| {}).rows {
            hits.entry(store.row(action).run_ix()).or_insert(action);
        }
    }
    let is_of_actions = wanted.as_ref() == Some(expr) && is_about_actions(expr);
    if is_of_actions && !names_a_run(store, expr) {
        let mut kept: Vec<RunIx> = hits.keys().copied().collect();
        kept.sort_unstable();
        return (kept, hits);
    }
    (runs(store, expr, context, cancel), hits)
}

/// What a filter of runs wants of one action: its terms without those about whole runs and those that are negated.
pub fn of_actions(expr: &Expr) -> Option<Expr> {
    let several = |parts: &[Expr], whole: fn(Vec<Expr>) -> Expr| {
        let mut parts: Vec<Expr> = parts.iter().filter_map(of_actions).collect();
        match parts.len() {
            0 | 1 => parts.pop(),
            _ => Some(whole(parts)),
        }
    };
    match expr {
        Expr::And(parts) => several(parts, Expr::And),
        Expr::Or(parts) => several(parts, Expr::Or),
        other => is_about_actions(other).then(|| other.clone()),
    }
}

struct PerRun<'a> {
    store: &'a Store,
    context: &'a Context,
    cancel: &'a CancelFlag,
}

impl PerRun<'_> {
    fn runs(&self, expr: &Expr) -> Vec<bool> {
        match expr {
            Expr::All => vec![true; self.store.runs().len()],
            Expr::Not(inner) => self.runs(inner).into_iter().map(|found| !found).collect(),
            Expr::Or(parts) => self.merge(parts.iter().map(|part| self.runs(part)), false),
            Expr::And(parts) => {
                let (together, apart): (Vec<&Expr>, Vec<&Expr>) =
                    parts.iter().partition(|part| is_about_actions(part));
                let together = (!together.is_empty()).then(|| self.together(&together));
                let apart = apart.into_iter().map(|part| self.runs(part));
                self.merge(together.into_iter().chain(apart), true)
            }
            Expr::Term(term) => match self.of_run(term) {
                Some(found) => found,
                None => self.with_action(expr),
            },
            Expr::Text(_) => self.together(&[expr]),
            Expr::Is(_) | Expr::Has(_) | Expr::Since(_) | Expr::At(..) => self.with_action(expr),
        }
    }

    /// The runs with an action that matches all of the parts but the texts that are in the id of the run.
    fn together(&self, parts: &[&Expr]) -> Vec<bool> {
        let all = |parts: &[&Expr]| match parts {
            [] => vec![true; self.store.runs().len()],
            [only] => self.with_action(only),
            many => self.with_action(&Expr::And(many.iter().copied().cloned().collect())),
        };
        let mut found = all(parts);
        let tests: Vec<Option<Pattern>> = parts.iter().map(|part| of_id(part)).collect();
        if tests.iter().all(Option::is_none) {
            return found;
        }
        let runs = self.store.runs().iter().enumerate();
        let mut named: HashMap<Vec<bool>, Vec<usize>> = HashMap::new();
        for (run, id) in runs.map(|(at, run)| (at, &*run.id)) {
            let holds = |test: &Option<Pattern>| test.as_ref().is_some_and(|it| it.matches(id));
            let held: Vec<bool> = tests.iter().map(holds).collect();
            if held.contains(&true) {
                named.entry(held).or_default().push(run);
            }
        }
        for (held, runs) in named {
            let others = parts.iter().zip(held).filter(|(_, is_held)| !is_held);
            let others: Vec<&Expr> = others.map(|(part, _)| *part).collect();
            let others = all(&others);
            for run in runs {
                found[run] |= others[run];
            }
        }
        found
    }

    /// All of the answers, or any of them.
    fn merge(&self, answers: impl Iterator<Item = Vec<bool>>, all: bool) -> Vec<bool> {
        answers.fold(vec![all; self.store.runs().len()], |merged, answer| {
            let both = merged.into_iter().zip(answer);
            both.map(|(a, b)| if all { a && b } else { a || b })
                .collect()
        })
    }

    /// The runs with a matching action.
    fn with_action(&self, expr: &Expr) -> Vec<bool> {
        let query = Query::compile(expr, self.store, self.context);
        let mut found = vec![false; self.store.runs().len()];
        for action in matches(self.store, &query, self.cancel, &mut |_| {}).rows {
            if let Some(found) = found.get_mut(self.store.row(action).run_ix().0 as usize) {
                *found = true;
            }
        }
        found
    }

    fn of_run(&self, term: &Term) -> Option<Vec<bool>> {
        let Subject::Field(field) = term.subject else {
            return None;
        };
        if !field.info().of_run {
            return None;
        }
        let of_run = RunTerm::new(field, term)?;
        Some(
            self.store
                .runs()
                .iter()
                .map(|run| of_run.is_true_of(self.store, run))
                .collect(),
        )
    }
}

/// The pattern by which a text is found in the id of a run; none for a text that is sought elsewhere (`in:`).
fn of_id(expr: &Expr) -> Option<Pattern> {
    let Expr::Text(Text { find, scope: None }) = expr else {
        return None;
    };
    Some(Pattern::find(find))
}

/// Whether any text of a filter is found in the id of any run.
fn names_a_run(store: &Store, expr: &Expr) -> bool {
    match expr {
        Expr::And(parts) | Expr::Or(parts) => parts.iter().any(|part| names_a_run(store, part)),
        Expr::Text(_) => {
            let mut runs = store.runs().iter();
            of_id(expr).is_some_and(|test| runs.any(|run| test.matches(&run.id)))
        }
        Expr::All
        | Expr::Not(_)
        | Expr::Term(_)
        | Expr::Is(_)
        | Expr::Has(_)
        | Expr::Since(_)
        | Expr::At(..) => false,
    }
}

/// Whether an expression consists of terms about actions, none of them negated.
pub(super) fn is_about_actions(expr: &Expr) -> bool {
    match expr {
        Expr::All | Expr::Not(_) => false,
        Expr::And(parts) | Expr::Or(parts) => parts.iter().all(is_about_actions),
        Expr::Term(term) => !matches!(term.subject, Subject::Field(field) if field.info().of_run),
        Expr::Text(_) | Expr::Is(_) | Expr::Has(_) | Expr::Since(_) | Expr::At(..) => true,
    }
}

/// A test of a run as a whole.
pub(super) enum RunTerm {
    Agent(TextTest),
    Model(TextTest),
    File(TextTest),
    Status(Vec<RunStatus>),
    Cost(Numbers),
    Duration(Numbers),
    Tokens(TokenKind, Numbers),
    /// The same test as for one of its actions.
    Same(RunTest),
}

impl RunTerm {
    /// `None` for a field that exists only on actions.
    pub(super) fn new(field: Field, term: &Term) -> Option<RunTerm> {
        let text = || TextTest::of(&term.test, Extent::Whole);
        let numbers = || numbers(&term.test, field.info().shape);
        Some(match field {
            Field::Agent => RunTerm::Agent(text()),
            Field::Model => RunTerm::Model(text()),
            Field::File => RunTerm::File(text()),
            Field::Status => {
                let mask = vocabulary(&term.test, RunStatus::ALL, |status| {
                    (status as u16, status.word())
                });
                RunTerm::Status(
                    RunStatus::ALL
                        .iter()
                        .copied()
                        .filter(|status| mask >> *status as u16 & 1 == 1)
                        .collect(),
                )
            }
            Field::Cost => RunTerm::Cost(numbers()),
            Field::Latency => RunTerm::Duration(numbers()),
            Field::TokensIn => RunTerm::Tokens(TokenKind::Input, numbers()),
            Field::TokensOut => RunTerm::Tokens(TokenKind::Output, numbers()),
            Field::TokensCache => RunTerm::Tokens(TokenKind::Cache, numbers()),
            Field::TokensTotal => RunTerm::Tokens(TokenKind::Total, numbers()),
            Field::Turn | Field::Turns => {
                RunTerm::Same(RunTest::Number(RunNumber::Turns, numbers()))
            }
            _ => return None,
        })
    }

    fn is_true_of(&self, store: &Store, run: &Run) -> bool {
        let name = |sym| store.symbols().name(sym);
        let tokens = |tokens: Tokens| {
            tokens
                .get()
                .map(|tokens| i64::try_from(tokens).unwrap_or(i64::MAX))
        };
        match self {
            RunTerm::Agent(test) => {
                let mut agents = run
                    .lanes
                    .iter()
                    .map(|lane| lane.agent)
                    .chain([run.who.agent]);
                agents.any(|agent| agent.is_some() && test.is_true_of(name(agent)))
            }
            RunTerm::Model(test) => run
                .who
                .models
                .iter()
                .any(|model| test.is_true_of(name(*model))),
            RunTerm::File(test) => store
                .sources()
                .get(run.source.0 as usize)
                .is_some_and(|source| is_file(test, &source.path)),
            RunTerm::Status(any) => run.status != RunStatus::Unknown && any.contains(&run.status),
            RunTerm::Cost(numbers) => {
                numbers.is_true_of(run.cost().and_then(|(cost, _)| cost.get()))
            }
            RunTerm::Duration(numbers) => numbers.is_true_of(run.duration().get()),
            RunTerm::Tokens(kind, numbers) => {
                numbers.is_true_of(tokens(kind.of(&run.totals.usage)))
            }
            RunTerm::Same(test) => test.is_true_of(run),
        }
    }
}
