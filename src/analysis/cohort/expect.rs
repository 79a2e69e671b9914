//! Rules for which tool would have been right: `when FILTER expect FILTER`.
//!
//! After an action that matches the first filter, the same agent's next tool call must match the
//! second. Making no further call is wrong too.

use std::collections::{HashMap, HashSet};

use crate::base::cancel::CancelFlag;
use crate::model::action::{ActionIx, Kind};
use crate::model::run::RunIx;
use crate::model::symbol::Sym;
use crate::query::eval::{Buffers, Query};
use crate::query::expr::Expr;
use crate::query::{self, Context};
use crate::store::Store;

#[derive(Debug, Clone, PartialEq)]
pub struct Rule {
    pub when: Expr,
    pub expect: Expr,
}

const EXPECT: &str = " expect ";

impl Rule {
    /// Parses `when FILTER expect FILTER`, or explains what is wrong with it.
    pub fn parse(text: &str) -> Result<Rule, String> {
        let usage =
            || format!("{text:?} is not a rule, which looks like: when FILTER expect FILTER");
        let rest = text.trim().strip_prefix("when ").ok_or_else(usage)?;
        let filter = |text: &str| query::parse(text).map_err(|error| error.message);
        // "expect" may also occur inside quotes, so split at the first place where both sides
        // parse.
        let mut failed = usage();
        for (at, word) in rest.match_indices(EXPECT) {
            let when = rest.get(..at).unwrap_or_default();
            let expect = rest.get(at + word.len()..).unwrap_or_default();
            match (filter(when), filter(expect)) {
                (Ok(when), Ok(expect)) => return Ok(Rule { when, expect }),
                (Err(why), _) | (_, Err(why)) => failed = why,
            }
        }
        Err(failed)
    }
}

/// The runs that a rule applies to, and whether they broke one.
pub fn broken(
    store: &Store,
    rules: &[Rule],
    context: &Context,
    cancel: &CancelFlag,
) -> HashMap<RunIx, bool> {
    let mut found: HashMap<RunIx, bool> = HashMap::new();
    for rule in rules {
        let when = matching(store, &rule.when, context, cancel);
        let expect = matching(store, &rule.expect, context, cancel);
        // The agents whose next call must match.
        let mut waiting: HashSet<(RunIx, Sym)> = HashSet::new();
        for row in store.rows() {
            let who = (row.run_ix(), row.agent_sym());
            if row.kind() == Kind::ToolCall && waiting.remove(&who) {
                let is_broken = !expect.contains(&row.ix());
                *found.entry(row.run_ix()).or_default() |= is_broken;
            }
            if when.contains(&row.ix()) {
                waiting.insert(who);
            }
        }
        for (run, _) in waiting {
            found.insert(run, true);
        }
    }
    found
}

fn matching(
    store: &Store,
    expr: &Expr,
    context: &Context,
    cancel: &CancelFlag,
) -> HashSet<ActionIx> {
    let query = Query::compile(expr, store, context);
    let mut buffers = Buffers::default();
    let rows = store.rows().take_while(|_| !cancel.is_raised());
    rows.filter(|row| query.test(row, &mut buffers))
        .map(|row| row.ix())
        .collect()
}

#[cfg(test)]
mod tests;
