//! What the rows of a list have to show, so that a column that would be empty or the same on every row can
//! be left out.

use crate::model::action::{ActionIx, Flags};
use crate::model::run::RunIx;
use crate::model::symbol::Sym;
use crate::store::Store;
use crate::store::row::Row;
use crate::tui::screens::outcome;

/// What occurs in at least one row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Present {
    /// More than one agent, or subagents.
    pub agents: bool,
    pub times: bool,
    /// More than one turn.
    pub turns: bool,
    /// Cells of the longest status; 0 if none is recorded.
    pub status: usize,
    pub latencies: bool,
    pub costs: bool,
}

/// Looks at each row once, as rows come.
#[derive(Debug, Default)]
pub struct Presence {
    scope: Option<RunIx>,
    /// Rows before this one were looked at.
    next: u32,
    agent: Option<Sym>,
    found: Present,
}

/// Rows examined per frame. The first rows of a long run usually show every column; the rest follow over several
/// frames.
const STEP: u32 = 1 << 16;
/// Cells of the longest status.
const LONGEST_STATUS: usize = 11;

impl Presence {
    /// What the rows have, of one run or of all.
    pub fn look(&mut self, store: &Store, scope: Option<RunIx>) -> Present {
        if self.scope != scope {
            *self = Presence {
                scope,
                ..Presence::default()
            };
        }
        let first = scope.map_or(0, |run| store.run(run).first_action.0);
        let start = self.next.max(first).max(store.first());
        let end = store.len().min(start.saturating_add(STEP));
        for ix in start..end {
            if self.found.is_all() {
                break;
            }
            self.see(&store.row(ActionIx(ix)));
        }
        self.next = end.max(self.next);
        self.found
    }

    /// Looks again at rows that changed.
    pub fn look_again(&mut self, store: &Store, changed: &[ActionIx]) {
        for ix in changed {
            if (store.first()..self.next).contains(&ix.0) {
                self.see(&store.row(*ix));
            }
        }
    }

    fn see(&mut self, row: &Row<'_>) {
        if self.scope.is_some_and(|scope| scope != row.run_ix()) {
            return;
        }
        let found = &mut self.found;
        found.times |= row.time().get().is_some();
        found.turns |= row.turn() > 1;
        found.latencies |= row.duration().get().is_some();
        found.costs |= row.cost().usd().is_some();
        let is_waiting = row.flags().has(Flags::WAITING);
        found.status = found.status.max(outcome::cells(row.status(), is_waiting));
        found.agents |= !row.run().lanes.is_empty();
        let agent = row.agent_sym();
        if agent != Sym::NONE {
            found.agents |= *self.agent.get_or_insert(agent) != agent;
        }
    }
}

impl Present {
    fn is_all(self) -> bool {
        let Present {
            agents,
            times,
            turns,
            status,
            latencies,
            costs,
        } = self;
        agents && times && turns && latencies && costs && status == LONGEST_STATUS
    }
}
