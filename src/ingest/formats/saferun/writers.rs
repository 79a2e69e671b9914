//! Joins the records of one call by several writers: a proxy, a hook, an SDK and an MCP wrapper append to the same
//! trace, and each records the calls that it sees under the same id.

use std::collections::HashMap;

use crate::ingest::assemble::Call;
use crate::model::action::{ActionIx, Place, Status};
use crate::model::run::RunIx;

/// The writer of an event. Ordered by how reliably it knows the outcome of a call: the wire shows only the text that
/// the model got.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Via {
    Wire,
    Mcp,
    /// The agent itself, without naming a writer.
    Unnamed,
    Sdk,
    Hook,
}

const VIAS: usize = 5;

/// Up to this many ids of calls are joined; the oldest are dropped first.
const MOST: usize = 1 << 16;

impl Via {
    pub(super) fn of(word: &[u8]) -> Via {
        match word {
            b"wire" => Via::Wire,
            b"mcp" => Via::Mcp,
            b"sdk" => Via::Sdk,
            b"hook" => Via::Hook,
            _ => Via::Unnamed,
        }
    }
}

/// The calls of a trace with more than one writer. In other traces it stays empty.
#[derive(Debug, Default)]
pub(super) struct Writers {
    calls: HashMap<(RunIx, u64), CallRows, foldhash::fast::RandomState>,
    is_used: bool,
}

/// The calls of one id: the nth record of any writer is the nth row.
#[derive(Debug, Default)]
struct CallRows {
    rows: Vec<Joined>,
    called: [usize; VIAS],
    answered: [usize; VIAS],
}

/// A row, and what is known of its result.
#[derive(Debug, Clone, Copy)]
pub(super) struct Joined {
    pub(super) action: ActionIx,
    pub(super) status: Status,
    /// The sources of the status, the duration and the text; none so far.
    status_by: Option<Via>,
    duration_by: Option<Via>,
    has_cost: bool,
    result: Option<(Via, Place)>,
}

/// How a result relates to earlier ones of other writers.
#[derive(Debug, Clone, Copy)]
pub(super) enum Answer {
    /// The first result of its call, or no call is known.
    First,
    /// Another writer recorded a result before.
    Again(Again),
}

/// What another record of a result changes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Again {
    pub(super) call: Joined,
    pub(super) status: Status,
    pub(super) takes_duration: bool,
    pub(super) takes_cost: bool,
    /// It replaces this one as the result.
    pub(super) instead_of: Option<Place>,
}

/// A result as recorded by one writer.
#[derive(Debug, Clone, Copy)]
pub(super) struct Result {
    pub(super) via: Via,
    pub(super) status: Status,
    pub(super) place: Place,
    pub(super) has_duration: bool,
    pub(super) has_cost: bool,
}

impl Writers {
    /// Notes that events name their writer.
    pub(super) fn see(&mut self, word: &[u8]) {
        self.is_used |= !word.is_empty();
    }

    pub(super) fn is_used(&self) -> bool {
        self.is_used
    }

    /// The row that another writer made of the same call. `known` is a call of this id from before any event named its
    /// writer.
    pub(super) fn joins(
        &mut self,
        key: (RunIx, u64),
        via: Via,
        known: Option<Call>,
    ) -> Option<ActionIx> {
        let call_rows = self
            .calls
            .entry(key)
            .or_insert_with(|| CallRows::unnamed(known));
        let row = call_rows
            .rows
            .get(call_rows.called[via as usize])
            .copied()?;
        call_rows.called[via as usize] += 1;
        Some(row.action)
    }

    /// Notes a call with its own row.
    pub(super) fn called(&mut self, key: (RunIx, u64), via: Via, call: &Call) {
        if self.calls.len() >= MOST {
            self.forget();
        }
        let call_rows = self.calls.entry(key).or_default();
        call_rows.rows.push(Joined::new(call));
        call_rows.called[via as usize] += 1;
    }

    pub(super) fn answered(
        &mut self,
        key: (RunIx, u64),
        result: Result,
        known: Option<Call>,
    ) -> Answer {
        let call_rows = self
            .calls
            .entry(key)
            .or_insert_with(|| CallRows::unnamed(known));
        let nth = call_rows.answered[result.via as usize];
        let Some(row) = call_rows.rows.get_mut(nth) else {
            return Answer::First;
        };
        call_rows.answered[result.via as usize] += 1;
        let before = *row;
        let knows_better = |by: Option<Via>| by.is_none_or(|by| result.via > by);
        let mut again = Again {
            call: before,
            status: before.status,
            takes_duration: result.has_duration && knows_better(before.duration_by),
            takes_cost: result.has_cost && !before.has_cost,
            instead_of: None,
        };
        row.has_cost |= result.has_cost;
        if result.status != Status::Unrecorded && knows_better(before.status_by) {
            row.status_by = Some(result.via);
            again.status = result.status;
        }
        row.status = again.status;
        if again.takes_duration {
            row.duration_by = Some(result.via);
        }
        match before.result {
            None => {
                row.result = Some((result.via, result.place));
                row.status = result.status;
                return Answer::First;
            }
            Some((by, place)) if result.via > by => {
                row.result = Some((result.via, result.place));
                again.instead_of = Some(place);
            }
            Some(_) => {}
        }
        Answer::Again(again)
    }

    /// Drops the older half.
    fn forget(&mut self) {
        let mut ends: Vec<ActionIx> = self.calls.values().map(CallRows::newest).collect();
        let middle = ends.len() / 2;
        let (_, least, _) = ends.select_nth_unstable(middle);
        let least = *least;
        self.calls
            .retain(|_, call_rows| call_rows.newest() >= least);
    }
}

impl CallRows {
    fn unnamed(known: Option<Call>) -> CallRows {
        let mut call_rows = CallRows::default();
        if let Some(call) = known {
            call_rows.called[Via::Unnamed as usize] = 1;
            let mut row = Joined::new(&call);
            if call.closed {
                call_rows.answered[Via::Unnamed as usize] = 1;
                row.status = call.status;
                row.result = Some((Via::Unnamed, Place::NONE));
                row.status_by = (call.status != Status::Unrecorded).then_some(Via::Unnamed);
            }
            call_rows.rows.push(row);
        }
        call_rows
    }

    fn newest(&self) -> ActionIx {
        self.rows.last().map_or(ActionIx(0), |row| row.action)
    }
}

impl Joined {
    fn new(call: &Call) -> Joined {
        Joined {
            action: call.action,
            status: Status::Pending,
            status_by: None,
            duration_by: None,
            has_cost: false,
            result: None,
        }
    }
}
