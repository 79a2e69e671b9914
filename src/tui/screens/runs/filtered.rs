//! Finds the runs that match the filter.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use crate::analysis::snippet;
use crate::base::text;
use crate::model::action::ActionIx;
use crate::model::run::RunIx;
use crate::query::runs::of_actions;
use crate::store::bodies::Depth;
use crate::tui::effects::Effect;
use crate::tui::filtering;
use crate::tui::keys::Key;
use crate::tui::screens::filter_bar::Typed;
use crate::tui::screens::runs::Runs;
use crate::tui::screens::runs::tasks::{Filter, Filtered};
use crate::tui::session::{Opened, Session, Sought};

/// The answer so far.
#[derive(Debug, Default)]
pub(super) struct FilterAnswer {
    /// The runs that the filter keeps; `None` without a filter or an answer.
    pub(super) runs: Option<Arc<HashSet<RunIx>>>,
    /// The number of actions at the last answer.
    tested: u32,
    pub(super) is_running: bool,
    /// What to change in a filter that keeps nothing, sanitised.
    pub(super) hint: Option<String>,
    /// The first action of each run that the filter found.
    pub(super) hits: HashMap<RunIx, ActionIx>,
    /// The texts around those actions' matches, sanitised, as far as they were shown.
    pub(super) snippets: HashMap<RunIx, Option<String>>,
}

/// Bytes of an action that are searched for the text to show.
const MOST: u32 = 256 * 1024;

impl Runs {
    pub(super) fn type_filter(&mut self, key: Key, session: &mut Session) -> Vec<Effect> {
        let history = &mut session.filters.history;
        match self.filter.typed(key, &session.loaded.store, history) {
            Typed::Nothing => Vec::new(),
            Typed::Text => self.apply_filter(session),
            Typed::Filter => self.take_filter(session),
        }
    }

    /// The text changed: parse it, and filter again if it is valid.
    pub(super) fn apply_filter(&mut self, session: &Session) -> Vec<Effect> {
        if !self.filter.judge() {
            return Vec::new();
        }
        self.take_filter(session)
    }

    fn take_filter(&mut self, session: &Session) -> Vec<Effect> {
        self.kept.tested = 0;
        if self.filter.parsed.is_none() {
            self.kept = FilterAnswer::default();
            self.is_stale = true;
            return Vec::new();
        }
        self.ask(session)
    }

    /// Filters again if there are more actions than at the last answer.
    pub(super) fn catch_up(&mut self, session: &Session) -> Vec<Effect> {
        let is_behind = self.kept.tested < session.loaded.store.len();
        if self.filter.parsed.is_none() || self.kept.is_running || !is_behind {
            return Vec::new();
        }
        self.ask(session)
    }

    fn ask(&mut self, session: &Session) -> Vec<Effect> {
        let Some(filter) = self.filter.parsed.clone() else {
            return Vec::new();
        };
        self.kept.is_running = true;
        vec![Effect::start(Filter {
            store: session.loaded.store.clone(),
            expr: filter,
            context: filtering::context(session),
        })]
    }

    /// The search to continue in the stream of a run; empty if the filter kept the run for something else (its id,
    /// its cost).
    pub(super) fn sought(&self, run: RunIx) -> Sought {
        let is_at_first = self.kept.hits.contains_key(&run);
        let may_be_there = is_at_first || self.kept.runs.is_none();
        let filter = self.filter.parsed.as_ref().filter(|_| may_be_there);
        Sought {
            expr: filter.and_then(of_actions),
            text: self.filter.text.trim().to_owned(),
            is_at_first,
        }
    }

    /// The text around the first match in a run; `None` where the filter looks for no text.
    pub(super) fn snippet(&mut self, run: RunIx, opened: &mut Opened) -> Option<String> {
        let sought = &self.filter.sought;
        let hit = *self.kept.hits.get(&run).filter(|_| !sought.is_empty())?;
        let made = self.kept.snippets.entry(run).or_insert_with(|| {
            let body = opened
                .bodies
                .open(&opened.store.row(hit), Depth::UpTo(MOST));
            let around = snippet::around(&body, sought)?;
            Some(text::sanitize(&around).into_owned())
        });
        made.clone()
    }

    pub(super) fn take_kept(&mut self, answer: Filtered, session: &Session) -> Vec<Effect> {
        self.kept.is_running = false;
        self.filter.has_failed = false;
        if self.filter.parsed.is_none() {
            return Vec::new();
        }
        self.kept = FilterAnswer {
            runs: Some(Arc::new(answer.kept.into_iter().collect())),
            tested: answer.tested,
            is_running: false,
            hint: answer.hint,
            hits: answer.hits,
            snippets: HashMap::new(),
        };
        self.is_stale = true;
        self.catch_up(session)
    }
}
