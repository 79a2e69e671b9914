//! Which alerts a filter keeps. A filter is about actions: an alert passes if one action of its evidence does, or if the
//! filter matches its rule or the words that are shown of it. Figures that runs have too (`cost>1`) are those of an action
//! or of its run.

use std::collections::HashSet;

use crate::base::cancel::CancelFlag;
use crate::model::action::ActionIx;
use crate::model::run::RunIx;
use crate::query::eval::{Buffers, Query};
use crate::query::expr::{Expr, State, Subject, Term};
use crate::query::fields::{Field, Shape};
use crate::query::pattern::{Extent, Pattern, TextTest};
use crate::query::{Context, runs};
use crate::store::Store;
use crate::store::row::Row;

/// A row of the list of alerts, as a filter sees it.
#[derive(Debug, Clone, Default)]
pub struct Listed {
    /// The id of its rule.
    pub rule: String,
    /// What is shown of it: every column and the arithmetic.
    pub words: String,
    pub evidence: Vec<ActionIx>,
    /// It has fired; otherwise it is pending or learning.
    pub has_fired: bool,
}

impl Listed {
    /// The evidence that has not been dropped.
    fn rows<'a>(&'a self, store: &'a Store) -> impl Iterator<Item = Row<'a>> {
        let there = self.evidence.iter().filter(|ix| ix.0 >= store.first());
        there.map(|ix| store.row(*ix))
    }
}

/// For each row, whether the filter keeps it. Terms about actions that are joined by "and" must be true of the same
/// action. Incomplete if cancelled.
pub fn kept(
    store: &Store,
    expr: &Expr,
    rows: &[Listed],
    (context, cancel): (&Context, &CancelFlag),
) -> Vec<bool> {
    let node = Node::compile(expr, store, (context, cancel));
    let mut buffers = Buffers::default();
    let rows = rows.iter().take_while(|_| !cancel.is_raised());
    rows.map(|row| node.keeps(row, store, &mut buffers))
        .collect()
}

/// A filter as it applies to alerts.
enum Node {
    All,
    Not(Box<Node>),
    And(Vec<Node>),
    Or(Vec<Node>),
    HasFired,
    /// The id of the rule.
    Rule(TextTest),
    /// The words that are shown.
    Words(Pattern),
    /// One action of the evidence.
    Action(Query),
    /// The run of an action of the evidence.
    Run(HashSet<RunIx>),
}

impl Node {
    fn compile(expr: &Expr, store: &Store, (context, cancel): (&Context, &CancelFlag)) -> Node {
        let node = |expr: &Expr| Node::compile(expr, store, (context, cancel));
        let action = |expr: &Expr| Node::Action(Query::compile(expr, store, context));
        match expr {
            Expr::All => Node::All,
            Expr::Not(inner) => Node::Not(Box::new(node(inner))),
            Expr::Or(parts) => Node::Or(parts.iter().map(node).collect()),
            Expr::And(parts) => {
                let (together, apart): (Vec<&Expr>, Vec<&Expr>) =
                    parts.iter().partition(|part| is_about_one_action(part));
                let mut nodes: Vec<Node> = apart.into_iter().map(node).collect();
                if !together.is_empty() {
                    let together = together.into_iter().cloned().collect();
                    nodes.push(action(&Expr::And(together)));
                }
                Node::And(nodes)
            }
            Expr::Term(term) => match rule_test(term) {
                Some(test) => Node::Rule(test),
                None if is_figure_of_run(term) => {
                    let runs = runs::runs(store, expr, context, cancel);
                    Node::Or(vec![action(expr), Node::Run(runs.into_iter().collect())])
                }
                None => action(expr),
            },
            Expr::Text(text) if text.scope.is_none() => {
                Node::Or(vec![Node::Words(Pattern::find(&text.find)), action(expr)])
            }
            Expr::Is(states) if states.contains(&State::Alert) => {
                let others = states.iter().copied().filter(|it| *it != State::Alert);
                let others: Vec<State> = others.collect();
                let mut nodes = vec![Node::HasFired];
                if !others.is_empty() {
                    nodes.push(action(&Expr::Is(others)));
                }
                Node::Or(nodes)
            }
            Expr::Text(_) | Expr::Is(_) | Expr::Has(_) | Expr::Since(_) | Expr::At(..) => {
                action(expr)
            }
        }
    }

    fn keeps(&self, row: &Listed, store: &Store, buffers: &mut Buffers) -> bool {
        match self {
            Node::All => true,
            Node::Not(inner) => !inner.keeps(row, store, buffers),
            Node::And(parts) => parts.iter().all(|part| part.keeps(row, store, buffers)),
            Node::Or(parts) => parts.iter().any(|part| part.keeps(row, store, buffers)),
            Node::HasFired => row.has_fired,
            Node::Rule(test) => test.is_true_of(&row.rule),
            Node::Words(pattern) => pattern.matches(&row.words),
            Node::Action(query) => row
                .rows(store)
                .any(|evidence| query.test(&evidence, buffers)),
            Node::Run(runs) => row.rows(store).any(|it| runs.contains(&it.run_ix())),
        }
    }
}

/// The test of the rule's id, for `alert:`.
fn rule_test(term: &Term) -> Option<TextTest> {
    let is_rule = term.subject == Subject::Field(Field::Alert);
    is_rule.then(|| TextTest::of(&term.test, Extent::Whole))
}

/// A number that an action and its run both have: one of them alone would seldom be meant.
fn is_figure_of_run(term: &Term) -> bool {
    let Subject::Field(field) = term.subject else {
        return false;
    };
    let info = field.info();
    info.of_run && matches!(info.shape, Shape::Count | Shape::Money | Shape::Duration)
}

/// Whether only an action can decide it.
fn is_about_one_action(expr: &Expr) -> bool {
    match expr {
        Expr::Term(term) => term.subject != Subject::Field(Field::Alert) && !is_figure_of_run(term),
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

    const TRACE: &str = r#"{"type":"response","run_id":"r1","id":"m1","content":"on it","cost_usd":1.5}
{"type":"tool_call","run_id":"r1","id":"c1","tool":"refund","args":{"amount":4200}}
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
            evidence: vec![ActionIx(1), ActionIx(2)],
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
        // The cost is that of the run; terms about one action still are.
        check("cost>1", [true, false]);
        check("cost>2", [false, false]);
        check("-cost>1", [false, true]);
        check("tool:refund calls:2", [true, false]);
        check("tool:none calls:2", [false, false]);
    }
}
