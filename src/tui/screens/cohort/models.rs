//! More than two models: the list in which two of them are chosen.

use crate::analysis::cohort::ask::Choice;
use crate::analysis::runs::Tally;
use crate::query::expr::{Expr, Subject, Term, Test, Value};
use crate::query::fields::Field;
use crate::tui::screens::cohort::{Cohort, State};
use crate::tui::widgets::viewport::Viewport;

#[derive(Debug)]
pub(super) struct Models {
    /// By name, raw, with how their runs came out.
    pub(super) all: Vec<(String, Tally)>,
    /// Places of A and B in the list.
    pub(super) sides: [Option<usize>; 2],
    pub(super) view: Viewport,
}

impl Models {
    pub(super) fn new(all: Vec<(String, Tally)>) -> Models {
        Models {
            all,
            sides: [None; 2],
            view: Viewport::default(),
        }
    }

    /// The selected model becomes A, or B beside an A; chosen again it is neither.
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

impl Cohort {
    pub(super) fn choose_side(&mut self) {
        let State::Choosing(models) = &mut self.state else {
            self.step(crate::tui::keys::Command::PageDown);
            return;
        };
        models.choose();
        if let Some(choice) = models.both() {
            self.choice = choice;
            self.ask_again();
        }
    }
}
