//! Restrictions on the list apart from its filter: one run, one agent, only marked, only trouble.

use crate::model::action::ActionIx;
use crate::model::run::RunIx;
use crate::model::symbol::Sym;
use crate::query::expr::{Expr, State};
use crate::store::Store;
use crate::store::row::Row;
use crate::tui::effects::Effect;
use crate::tui::filtering::Scope;
use crate::tui::screens::stream::Stream;
use crate::tui::session::Session;

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Narrow {
    pub scope: Option<Scope>,
    pub marked: bool,
    pub trouble: bool,
}

/// What a reader who looks for trouble wants to see.
const TROUBLE: &[State] = &[
    State::Error,
    State::Blocked,
    State::Denied,
    State::Waiting,
    State::Malformed,
    State::Retry,
];

impl Narrow {
    /// The run to which the list is restricted.
    pub fn run(&self) -> Option<RunIx> {
        match self.scope {
            Some(Scope::Run(run)) => Some(run),
            Some(Scope::Agent(..)) | None => None,
        }
    }

    /// Whether an action belongs to the run that the list is restricted to, if any.
    pub fn has_run_of(&self, ix: ActionIx, store: &Store) -> bool {
        let Some(Scope::Run(run) | Scope::Agent(run, _)) = self.scope else {
            return true;
        };
        ix.0 < store.len() && store.row(ix).run_ix() == run
    }

    pub fn is_any(&self) -> bool {
        *self != Narrow::default()
    }

    /// The filter combined with the restrictions.
    pub fn filter(&self, filter: Option<&Expr>) -> Option<Expr> {
        let mut parts: Vec<Expr> = filter.cloned().into_iter().collect();
        if self.trouble {
            parts.push(Expr::Is(TROUBLE.to_vec()));
        }
        if self.marked {
            parts.push(Expr::Is(vec![State::Marked]));
        }
        match parts.len() {
            0 | 1 => parts.pop(),
            _ => Some(Expr::And(parts)),
        }
    }

    /// In words; the name of an agent is raw.
    pub fn words(&self, store: &Store) -> Vec<String> {
        let scope = match self.scope {
            Some(Scope::Run(_)) => Some("this run only".to_owned()),
            Some(Scope::Agent(_, agent)) => {
                let agent = store.symbols().name(agent);
                Some(format!("this run only, {agent}"))
            }
            None => None,
        };
        let trouble = self.trouble.then(|| "only trouble".to_owned());
        let marked = self.marked.then(|| "only marked".to_owned());
        scope.into_iter().chain(trouble).chain(marked).collect()
    }
}

/// The agent of a row, and its run.
fn lane(row: &Row<'_>) -> Option<(RunIx, Sym)> {
    let agent = row.agent_sym();
    (agent != Sym::NONE).then_some((row.run_ix(), agent))
}

impl Stream {
    pub(super) fn is_filtered(&self) -> bool {
        self.query.narrow.is_any() || self.query.bar.parsed.is_some()
    }

    /// Whether more than the run decides what is listed.
    pub(super) fn is_tested(&self) -> bool {
        let Narrow {
            scope,
            marked,
            trouble,
        } = self.query.narrow;
        let is_agent = matches!(scope, Some(Scope::Agent(..)));
        is_agent || marked || trouble || self.query.bar.parsed.is_some()
    }

    /// Whether Esc has something to clear.
    pub(super) fn is_narrowed(&self) -> bool {
        !self.query.bar.text.is_empty() || self.query.narrow != self.widest()
    }

    /// The restrictions that are left when those that the user made are gone.
    pub(super) fn widest(&self) -> Narrow {
        Narrow {
            scope: self.query.opened.map(Scope::Run),
            ..Narrow::default()
        }
    }

    pub(super) fn toggle_trouble(&mut self, session: &mut Session) -> Vec<Effect> {
        self.query.narrow.trouble = !self.query.narrow.trouble;
        self.ask(session)
    }

    pub(super) fn toggle_marked(&mut self, session: &mut Session) -> Vec<Effect> {
        if !self.query.narrow.marked && session.marks.is_empty() {
            self.say("nothing is marked · m and a letter mark an action".to_owned());
            return Vec::new();
        }
        self.query.narrow.marked = !self.query.narrow.marked;
        self.ask(session)
    }

    pub(super) fn toggle_run(&mut self, session: &Session) -> Vec<Effect> {
        if matches!(self.query.narrow.scope, Some(Scope::Run(_))) {
            (self.query.narrow.scope, self.query.opened) = (None, None);
            return self.ask(session);
        }
        let run = self.selected(session).map(|row| row.run_ix());
        self.narrow_to(run.map(Scope::Run), session)
    }

    pub(super) fn toggle_agent(&mut self, session: &Session) -> Vec<Effect> {
        if matches!(self.query.narrow.scope, Some(Scope::Agent(..))) {
            self.query.narrow.scope = self.widest().scope;
            return self.ask(session);
        }
        let Some(row) = self.selected(session) else {
            return Vec::new();
        };
        let scope = lane(&row).map(|(run, agent)| Scope::Agent(run, agent));
        if scope.is_none() {
            self.say("the agent of this action is not recorded".to_owned());
            return Vec::new();
        }
        self.narrow_to(scope, session)
    }

    fn narrow_to(&mut self, scope: Option<Scope>, session: &Session) -> Vec<Effect> {
        if self.end.is_some() {
            self.say_while_reading(
                "still indexing: the run of this action is not known yet".to_owned(),
            );
            return Vec::new();
        }
        self.query.narrow.scope = scope;
        self.ask(session)
    }
}
