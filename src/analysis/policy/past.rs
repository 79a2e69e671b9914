//! What conditions see of the calls that a run made before, without their results, and of the record of a call.

use crate::analysis::policy::Effect;
use crate::analysis::policy::call::Call;
use crate::analysis::policy::history;
use crate::model::action::{ActionIx, Kind, Status};
use crate::model::class::Class;
use crate::model::outcome::AttachedKind;
use crate::model::quantity::{Cost, Elapsed, Tokens};
use crate::model::run::RunIx;
use crate::store::Store;
use crate::store::bodies;
use crate::store::row::Row;

/// A call that was made before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Past {
    pub tool: String,
    /// Empty where it has none, or where its arguments are not recorded.
    pub command: String,
    pub path: String,
    pub status: Status,
    /// Its place among the calls of its run, from 1.
    pub step: u32,
}

impl Default for Past {
    fn default() -> Past {
        Past::new(&Call::default(), Status::Unrecorded, 0)
    }
}

/// The most calls that are shown, the newest ones.
const MOST: usize = 256;

impl Past {
    pub fn new(call: &Call<'_>, status: Status, step: u32) -> Past {
        Past {
            tool: call.tool.to_owned(),
            command: call.command().unwrap_or_default(),
            path: call.path().unwrap_or_default().to_owned(),
            status,
            step,
        }
    }

    fn of(row: &Row<'_>, step: u32) -> Past {
        let body = bodies::own(row);
        let call = history::call(row, "", body.args.as_ref());
        Past::new(&call, row.status(), step)
    }

    pub fn class(&self) -> Class {
        Class::of(&self.tool)
    }

    pub fn has_failed(&self) -> bool {
        matches!(self.status, Status::Error | Status::Timeout)
    }
}

/// The tool calls of every run, in order.
#[derive(Debug)]
pub(super) struct PastCalls(Vec<Vec<Past>>);

impl PastCalls {
    /// Opens every tool call.
    pub(super) fn of(store: &Store) -> PastCalls {
        let mut runs: Vec<Vec<Past>> = vec![Vec::new(); store.runs().len()];
        for row in store.rows().filter(|row| row.kind() == Kind::ToolCall) {
            if let Some(calls) = runs.get_mut(row.run_ix().0 as usize) {
                let step = calls.len() as u32 + 1;
                calls.push(Past::of(&row, step));
            }
        }
        PastCalls(runs)
    }

    /// The last calls before the one that `calls` others precede.
    pub(super) fn before(&self, run: RunIx, calls: u32) -> &[Past] {
        let all = self.0.get(run.0 as usize).map_or(&[][..], Vec::as_slice);
        newest(all.get(..calls as usize).unwrap_or(all))
    }
}

/// The calls that are shown.
pub fn newest<T>(calls: &[T]) -> &[T] {
    &calls[calls.len().saturating_sub(MOST)..]
}

/// The calls of a run before one of its actions.
pub(super) fn before(store: &Store, run: RunIx, ix: ActionIx) -> Vec<Past> {
    let earlier = store.rows().take_while(|row| row.ix() < ix);
    let calls = earlier.filter(|row| row.run_ix() == run && row.kind() == Kind::ToolCall);
    let calls: Vec<Row<'_>> = calls.collect();
    let last = newest(&calls);
    let first = (calls.len() - last.len()) as u32 + 1;
    let steps = (first..).zip(last);
    steps.map(|(step, row)| Past::of(row, step)).collect()
}

/// What was recorded about a call. Only a what-if knows it: a guard decides before there is a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Record<'a> {
    pub effect: Effect,
    pub rule: &'a str,
    pub policy: &'a str,
    /// Who answered.
    pub by: &'a str,
}

impl<'a> Record<'a> {
    /// Nothing is recorded.
    pub const NONE: Record<'static> = Record {
        effect: Effect::Unknown,
        rule: "",
        policy: "",
        by: "",
    };

    pub fn of(row: &Row<'a>) -> Record<'a> {
        let name = |sym| row.store.symbols().name(sym);
        let last = |kind| row.attached().filter(move |it| it.kind == kind).last();
        let decision = last(AttachedKind::Decision);
        let answer = last(AttachedKind::Approval);
        Record {
            effect: history::recorded(row),
            rule: decision.map_or("", |it| name(it.rule)),
            policy: decision.map_or("", |it| name(it.policy)),
            by: answer.map_or("", |it| name(it.by)),
        }
    }
}

/// What a run has spent before one of its actions, as far as that is recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Spent {
    /// Its model calls.
    pub steps: u32,
    pub tokens: Tokens,
    /// Of the model calls whose cost is known.
    pub cost: Cost,
    /// Since its start.
    pub time: Elapsed,
}

impl Spent {
    pub const NONE: Spent = Spent {
        steps: 0,
        tokens: Tokens::NONE,
        cost: Cost::NONE,
        time: Elapsed::NONE,
    };

    /// Of a call that is judged as the first of its run.
    pub const START: Spent = Spent {
        steps: 0,
        tokens: Tokens(0),
        cost: Cost(0),
        time: Elapsed(0),
    };

    fn add(&mut self, row: &Row<'_>) {
        if row.kind() == Kind::Response {
            self.steps += 1;
            self.tokens = self.tokens + row.usage().total();
            self.cost = self.cost + row.cost();
        }
    }

    fn at(self, row: &Row<'_>) -> Spent {
        Spent {
            time: row.time().since(row.run().started),
            ..self
        }
    }

    /// Before one action.
    pub(super) fn before(row: &Row<'_>) -> Spent {
        let mut spent = Spent::NONE;
        let earlier = row.store.rows().take_while(|it| it.ix() < row.ix());
        let own = earlier.filter(|it| it.run_ix() == row.run_ix());
        own.for_each(|it| spent.add(&it));
        spent.at(row)
    }

    /// Before every action, by its index.
    pub(super) fn before_each(store: &Store) -> Vec<Spent> {
        let mut runs = vec![Spent::NONE; store.runs().len()];
        let mut all = vec![Spent::NONE; store.len() as usize];
        for row in store.rows() {
            if let Some(spent) = runs.get_mut(row.run_ix().0 as usize) {
                all[row.ix().0 as usize] = spent.at(&row);
                spent.add(&row);
            }
        }
        all
    }
}
