//! Filters the list of alerts.

use std::collections::HashSet;
use std::sync::Arc;

use crate::base::human;
use crate::query::expr::Expr;
use crate::tui::alerting::Evaluation;
use crate::tui::effects::Effect;
use crate::tui::filtering;
use crate::tui::keys::Key;
use crate::tui::screens::alerts::tasks::{Sift, Sifting};
use crate::tui::screens::alerts::{Alerts, rows};
use crate::tui::screens::filter_bar::{FilterBar, Typed};
use crate::tui::session::Session;

#[derive(Debug, Default)]
pub(super) struct Sifted {
    pub(super) bar: FilterBar,
    /// The number of rows without a filter.
    pub(super) all: usize,
    /// The names of the rows that the filter keeps; none without a filter or an answer.
    pub(super) kept: Option<HashSet<String>>,
    /// What was asked last: the findings and the filter.
    asked: Option<(Arc<Evaluation>, Expr)>,
    is_running: bool,
}

impl Alerts {
    pub(super) fn type_filter(&mut self, key: Key, session: &mut Session) {
        let history = &mut session.filters.history;
        let bar = &mut self.sifted.bar;
        match bar.typed(key, &session.loaded.store, history) {
            Typed::Nothing => {}
            Typed::Text => self.apply_filter(),
            Typed::Filter => self.is_stale = true,
        }
    }

    /// The text changed: `prepare` filters again if it is valid.
    pub(super) fn apply_filter(&mut self) {
        self.is_stale |= self.sifted.bar.judge();
    }

    /// Starts filtering if the findings or the filter are others.
    pub(super) fn sift(
        &mut self,
        seen: Option<&Arc<Evaluation>>,
        session: &Session,
    ) -> Vec<Effect> {
        let sifted = &mut self.sifted;
        let Some((seen, expr)) = seen.zip(sifted.bar.parsed.clone()) else {
            (sifted.kept, sifted.asked) = (None, None);
            return Vec::new();
        };
        let is_asked = sifted
            .asked
            .as_ref()
            .is_some_and(|(known, of)| Arc::ptr_eq(known, seen) && *of == expr);
        if is_asked || sifted.is_running {
            return Vec::new();
        }
        sifted.is_running = true;
        sifted.asked = Some((Arc::clone(seen), expr.clone()));
        let items = rows::items(seen, session, self.order);
        let listed = items.iter().map(|item| {
            let name = rows::name(item, seen);
            (name, rows::listed(item, seen, session))
        });
        vec![Effect::start(Sift {
            store: session.loaded.store.clone(),
            expr,
            rows: listed.collect(),
            context: filtering::context(session),
        })]
    }

    pub(super) fn take_sifted(&mut self, answer: Sifting) {
        self.sifted.is_running = false;
        self.sifted.bar.has_failed = false;
        self.sifted.kept = Some(answer.kept);
        self.is_stale = true;
    }

    /// What was kept before belongs to another filter, so everything is listed again.
    pub(super) fn sift_failed(&mut self) {
        self.sifted.is_running = false;
        self.sifted.bar.has_failed = true;
        self.sifted.kept = None;
        self.is_stale = true;
    }

    /// `3 of 5 alerts`.
    pub(super) fn counted(&self) -> String {
        let all = human::counted(self.sifted.all as u64, "alert");
        format!("{} of {all}", human::count(self.items.len() as u64))
    }

    /// `3 of 5 alerts · sort:-severity`.
    pub(super) fn kept_words(&self) -> String {
        let order = format!("sort:{}", self.order.words());
        match (&self.sifted.bar.parsed, &self.sifted.kept) {
            (None, _) => order,
            (Some(_), Some(_)) => format!("{} · {order}", self.counted()),
            (Some(_), None) => format!("searching · {order}"),
        }
    }
}
