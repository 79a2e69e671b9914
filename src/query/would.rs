//! The verdicts of a policy on each call, for `would:`. Policies live on a higher floor, which supplies them.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use crate::query::expr::Expr;
use crate::query::fields::Field;
use crate::query::pattern::TextTest;

/// The words of verdicts.
pub const VERDICTS: [&str; 6] = ["allow", "warn", "unknown", "ask", "error", "deny"];

/// Indices of calls, by verdict.
#[derive(Debug, Default)]
pub struct Verdicts(BTreeMap<&'static str, HashSet<u32>>);

impl Verdicts {
    /// From the index and verdict of every call that was judged.
    pub fn new(judged: impl Iterator<Item = (u32, &'static str)>) -> Verdicts {
        let mut verdicts = Verdicts::default();
        for (call, verdict) in judged {
            verdicts.0.entry(verdict).or_default().insert(call);
        }
        verdicts
    }

    /// The verdict on a call; none for what was not judged.
    pub fn of_call(&self, call: u32) -> Option<&'static str> {
        let found = self.0.iter().find(|(_, calls)| calls.contains(&call));
        found.map(|(verdict, _)| *verdict)
    }

    /// All calls that were judged.
    pub(super) fn all(&self) -> Arc<HashSet<u32>> {
        Arc::new(self.0.values().flatten().copied().collect())
    }

    /// The calls whose verdict passes a test. A call with a warning counts as allowed too, as in the tables of
    /// `policy eval`.
    pub(super) fn of(&self, test: &TextTest) -> Arc<HashSet<u32>> {
        let passes = |verdict: &str| {
            let also = (verdict == "warn").then_some("allow");
            let mut words = [verdict].into_iter().chain(also);
            if test.negated {
                words.all(|word| test.is_true_of(word))
            } else {
                words.any(|word| test.is_true_of(word))
            }
        };
        let passing = self.0.iter().filter(|(verdict, _)| passes(verdict));
        Arc::new(passing.flat_map(|(_, calls)| calls).copied().collect())
    }
}

/// Whether a filter tests verdicts of a policy.
pub fn asks(expr: &Expr) -> bool {
    expr.tests_field(Field::Would)
}
