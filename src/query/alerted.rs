//! The index for `alert:`, `is:alert` and `is:loop`. Rules of alerts live on a higher floor, which supplies the
//! functions.

use std::collections::{BTreeMap, HashSet};
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use crate::query::expr::{Expr, State};
use crate::query::fields::Field;
use crate::store::Store;

/// Indices of actions.
pub type Rows = HashSet<u32>;

/// By the id of a rule, the actions that are evidence of its alerts.
pub type ByRule = BTreeMap<Box<str>, Rows>;

/// Finds alerts when a filter needs them; once for each state of a store.
#[derive(Clone, Default)]
pub struct Alerts(Option<Arc<Finder>>);

struct Finder {
    loops: Box<dyn Fn(&Store) -> Rows + Send + Sync>,
    rules: Box<dyn Fn(&Store) -> ByRule + Send + Sync>,
    found: Mutex<CachedResults>,
}

/// The result for a store with this many actions.
#[derive(Default)]
struct CachedResults {
    loops: Option<(u32, Arc<Rows>)>,
    rules: Option<(u32, Arc<ByRule>)>,
}

impl fmt::Debug for Alerts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Alerts").field(&self.0.is_some()).finish()
    }
}

impl Alerts {
    pub fn new(
        loops: impl Fn(&Store) -> Rows + Send + Sync + 'static,
        rules: impl Fn(&Store) -> ByRule + Send + Sync + 'static,
    ) -> Alerts {
        Alerts(Some(Arc::new(Finder {
            loops: Box::new(loops),
            rules: Box::new(rules),
            found: Mutex::default(),
        })))
    }

    /// The actions that are evidence of loops.
    pub fn loops(&self, store: &Store) -> Arc<Rows> {
        let Some(finder) = &self.0 else {
            return Arc::default();
        };
        let mut found = finder.found.lock().unwrap_or_else(PoisonError::into_inner);
        let known = found.loops.take().filter(|(len, _)| *len == store.len());
        let known = known.unwrap_or_else(|| (store.len(), Arc::new((finder.loops)(store))));
        Arc::clone(&found.loops.insert(known).1)
    }

    pub fn rules(&self, store: &Store) -> Arc<ByRule> {
        let Some(finder) = &self.0 else {
            return Arc::default();
        };
        let mut found = finder.found.lock().unwrap_or_else(PoisonError::into_inner);
        let known = found.rules.take().filter(|(len, _)| *len == store.len());
        let known = known.unwrap_or_else(|| (store.len(), Arc::new((finder.rules)(store))));
        Arc::clone(&found.rules.insert(known).1)
    }

    /// The actions of all rules whose id fits.
    pub(super) fn of(&self, store: &Store, fits: &dyn Fn(&str) -> bool) -> Arc<Rows> {
        let rules = self.rules(store);
        let fitting = rules.iter().filter(|(id, _)| fits(id));
        Arc::new(fitting.flat_map(|(_, rows)| rows.iter().copied()).collect())
    }
}

/// Whether a filter needs alerts, which take the whole store to find.
pub fn asks(expr: &Expr) -> bool {
    let is_alert = |state: &State| matches!(state, State::Alert | State::Loop);
    expr.tests_field(Field::Alert)
        || expr.has_leaf(&|leaf| matches!(leaf, Expr::Is(states) if states.iter().any(is_alert)))
}
