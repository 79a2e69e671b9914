//! More than two models: the list in which two of them are chosen.

use std::collections::HashMap;

use crate::analysis::cohort::ask::Choice;
use crate::analysis::runs::{Tally, models};
use crate::query::expr::{Expr, Subject, Term, Test, Value};
use crate::query::fields::Field;
use crate::store::Store;
use crate::tui::screens::cohort::{Cohort, State};
use crate::tui::widgets::viewport::Viewport;

#[derive(Debug)]
pub(super) struct Models {
    /// By name, raw, with the outcomes of their runs.
    pub(super) all: Vec<(String, Tally)>,
    /// Places of A and B in the list.
    pub(super) sides: [Option<usize>; 2],
    /// The two models that came into use last, the older one first.
    pub(super) newest: Option<[usize; 2]>,
    pub(super) view: Viewport,
}

impl Models {
    pub(super) fn new(all: Vec<(String, Tally)>, store: &Store) -> Models {
        Models {
            newest: newest(&all, store),
            all,
            sides: [None; 2],
            view: Viewport::default(),
        }
    }

    /// The names of what Enter compares, raw; none once a model was chosen.
    pub(super) fn proposed(&self) -> Option<[&str; 2]> {
        let name = |at: usize| self.all.get(at).map(|(name, _)| name.as_str());
        let [before, new] = self.newest.filter(|_| self.sides == [None; 2])?;
        Some([name(before)?, name(new)?])
    }

    /// The selected model becomes A, or B if there is an A; selected again, it becomes neither.
    fn choose(&mut self) {
        let at = self.view.cursor;
        self.sides = match self.sides {
            [Some(a), b] if a == at => [b, None],
            [a, Some(b)] if b == at => [a, None],
            [None, _] => [Some(at), None],
            [a, _] => [a, Some(at)],
        };
    }

    fn both(&self) -> Option<Choice> {
        let filter = |at: usize| {
            let (name, _) = self.all.get(at)?;
            Some(Expr::Term(Term {
                subject: Subject::Field(Field::Model),
                test: Test::Equals(vec![Value::Quoted(name.clone())]),
            }))
        };
        let [a, b] = self.sides;
        Some(Choice::Filters(filter(a?)?, Some(filter(b?)?)))
    }
}

/// The two models whose first runs started last, the older one first; none if times are not recorded.
fn newest(all: &[(String, Tally)], store: &Store) -> Option<[usize; 2]> {
    let mut firsts: HashMap<String, i64> = HashMap::new();
    for run in store.runs() {
        if let Some(started) = run.started.get() {
            let first = firsts.entry(models(store, run)).or_insert(started);
            *first = started.min(*first);
        }
    }
    let known = all.iter().enumerate();
    let known = known.filter_map(|(at, (name, _))| Some((*firsts.get(name)?, at)));
    let mut known: Vec<(i64, usize)> = known.collect();
    known.sort_unstable();
    match known.as_slice() {
        [.., (_, before), (_, new)] => Some([*before, *new]),
        [] | [_] => None,
    }
}

impl Cohort {
    /// Compares the newest model with the one before it, as long as none is chosen.
    pub(super) fn compare_newest(&mut self) {
        if let State::Choosing(models) = &mut self.state
            && models.sides == [None; 2]
            && let Some([before, new]) = models.newest
        {
            models.sides = [Some(before), Some(new)];
            self.compare_sides();
        } else {
            self.choose_side();
        }
    }

    pub(super) fn choose_side(&mut self) {
        let State::Choosing(models) = &mut self.state else {
            self.step(crate::tui::keys::Command::PageDown);
            return;
        };
        models.choose();
        self.compare_sides();
    }

    fn compare_sides(&mut self) {
        let State::Choosing(models) = &self.state else {
            return;
        };
        if let Some(choice) = models.both() {
            self.choice = choice;
            self.ask_again();
        }
    }
}
