//! Which alerts a filter keeps. A filter is about actions: an alert passes if one action of its evidence does, and by
//! the name of its rule and the words that are shown of it.

use crate::base::cancel::CancelFlag;
use crate::model::action::ActionIx;
use crate::query::Context;
use crate::query::eval::Query;
use crate::query::expr::{Expr, State, Subject, Term, Text};
use crate::query::fields::Field;
use crate::query::pattern::{Extent, Pattern, TextTest};
use crate::store::Store;
use crate::store::bodies::Bodies;

/// A row of the list of alerts, as a filter sees it.
#[derive(Debug, Clone, Default)]
pub struct Listed {
    /// The id of its rule.
    pub rule: String,
    /// What is shown of it: title, scope, arithmetic. Raw.
    pub words: String,
    pub evidence: Vec<ActionIx>,
    /// It has fired; otherwise it is pending or learning.
    pub has_fired: bool,
}

/// For each row, whether the filter keeps it. Terms about actions that stand together must be true of the same action.
/// Incomplete if cancelled.
pub fn kept(
    store: &Store,
    expr: &Expr,
    rows: &[Listed],
    (context, cancel): (&Context, &CancelFlag),
) -> Vec<bool> {
    let mut sift = Sift {
        store,
        context,
        bodies: Bodies::new(),
    };
    let rows = rows.iter().take_while(|_| !cancel.is_raised());
    rows.map(|row| sift.keeps(expr, row)).collect()
}

struct Sift<'a> {
    store: &'a Store,
    context: &'a Context,
    bodies: Bodies,
}

impl Sift<'_> {
    fn keeps(&mut self, expr: &Expr, row: &Listed) -> bool {
        match expr {
            Expr::All => true,
            Expr::Not(inner) => !self.keeps(inner, row),
            Expr::Or(parts) => parts.iter().any(|part| self.keeps(part, row)),
            Expr::And(parts) => {
                let (together, apart): (Vec<&Expr>, Vec<&Expr>) =
                    parts.iter().partition(|part| is_about_one_action(part));
                apart.into_iter().all(|part| self.keeps(part, row)) && self.has_all(&together, row)
            }
            Expr::Term(term) => match rule_test(term) {
                Some(test) => test.is_true_of(&row.rule),
                None => self.has_action(expr, row),
            },
            Expr::Text(text) => {
                let is_shown = text.scope.is_none() && is_in(text, &row.words);
                is_shown || self.has_action(expr, row)
            }
            Expr::Is(states) if states.contains(&State::Alert) => {
                let others = states.iter().copied().filter(|it| *it != State::Alert);
                let others: Vec<State> = others.collect();
                row.has_fired || !others.is_empty() && self.has_action(&Expr::Is(others), row)
            }
            Expr::Is(_) | Expr::Has(_) | Expr::Since(_) | Expr::At(..) => {
                self.has_action(expr, row)
            }
        }
    }

    fn has_all(&mut self, parts: &[&Expr], row: &Listed) -> bool {
        match parts {
            [] => true,
            [one] => self.has_action(one, row),
            many => {
                let many = many.iter().copied().cloned().collect();
                self.has_action(&Expr::And(many), row)
            }
        }
    }

    fn has_action(&mut self, expr: &Expr, row: &Listed) -> bool {
        let store = self.store;
        let query = Query::compile(expr, store, self.context);
        let mut evidence = row.evidence.iter();
        evidence.any(|ix| ix.0 >= store.first() && query.test(&store.row(*ix), &mut self.bodies))
    }
}

fn is_in(text: &Text, words: &str) -> bool {
    Pattern::find(&text.find).matches(words)
}

/// The test of the rule's id, for `alert:`.
fn rule_test(term: &Term) -> Option<TextTest> {
    let is_rule = term.subject == Subject::Field(Field::Alert);
    is_rule.then(|| TextTest::of(&term.test, Extent::Whole))
}

/// Whether only an action can decide it.
fn is_about_one_action(expr: &Expr) -> bool {
    match expr {
        Expr::Term(term) => term.subject != Subject::Field(Field::Alert),
        Expr::Is(states) => !states.contains(&State::Alert),
        Expr::Has(_) | Expr::Since(_) | Expr::At(..) => true,
        // A negation is about all of the evidence.
        Expr::All | Expr::And(_) | Expr::Or(_) | Expr::Not(_) | Expr::Text(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::{Listed, kept};
    use crate::base::cancel::CancelFlag;
    use crate::model::action::ActionIx;
    use crate::query::{self, Context};
    use crate::store::testing::load;

    const TRACE: &str = r#"{"type":"tool_call","run_id":"r1","id":"c1","tool":"refund","args":{"amount":4200}}
{"type":"tool_result","run_id":"r1","call_id":"c1","status":"error","result":"over the limit"}
{"type":"tool_call","run_id":"r1","id":"c2","tool":"lookup","args":{}}
{"type":"tool_result","run_id":"r1","call_id":"c2","status":"ok","result":"found"}
"#;

    #[track_caller]
    fn check(filter: &str, expected: [bool; 2]) {
        let expr = query::parse(filter).expect("a filter");
        let fired = Listed {
            rule: "loop".to_owned(),
            words: "loop·repeat run r1 5 steps in a row".to_owned(),
            evidence: vec![ActionIx(0), ActionIx(1)],
            has_fired: true,
        };
        let learning = Listed {
            rule: "cost-drift".to_owned(),
            words: "cost-drift agent support".to_owned(),
            ..Listed::default()
        };
        let context = (&Context::default(), &CancelFlag::new());
        let found = kept(&load(TRACE), &expr, &[fired, learning], context);
        assert_eq!(found, expected, "{filter}");
    }

    #[test]
    fn an_alert_is_found_by_its_rule_its_words_and_its_evidence() {
        check("", [true, true]);
        check("alert:loop", [true, false]);
        check("alert:cost-*", [false, true]);
        check("-alert:loop", [false, true]);
        check("is:alert", [true, false]);
        check("repeat", [true, false]);
        check("support", [false, true]);
        check("tool:refund", [true, false]);
        check("4200", [true, false]);
        // The same action must be both.
        check("tool:refund is:error", [true, false]);
        check("tool:lookup is:error", [false, false]);
        check("alert:loop (tool:lookup or tool:none)", [true, false]);
    }
}
