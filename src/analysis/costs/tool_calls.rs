//! Which model call asked for which tool calls, and what share of its cost each of them has.

use std::collections::HashMap;

use crate::analysis::context;
use crate::analysis::costs::spent::Spent;
use crate::model::action::{ActionIx, Kind};
use crate::model::run::RunIx;
use crate::model::symbol::Sym;
use crate::store::Store;
use crate::store::row::Row;

/// The tool calls of every model call.
#[derive(Debug, Default)]
pub struct ToolCalls {
    by_call: HashMap<ActionIx, Vec<(ActionIx, Sym)>>,
    call_of: HashMap<ActionIx, ActionIx>,
}

impl ToolCalls {
    /// A tool call was asked for by its parent, or else by the last model call of the same agent before it.
    pub fn of(store: &Store) -> ToolCalls {
        let mut found = ToolCalls::default();
        let mut last: HashMap<(RunIx, Sym), ActionIx> = HashMap::new();
        for row in store.rows() {
            let lane = (row.run_ix(), row.agent_sym());
            if context::is_call(&row) {
                last.insert(lane, row.ix());
            }
            if row.kind() != Kind::ToolCall {
                continue;
            }
            let parent = row.parent().filter(|ix| context::is_call(&store.row(*ix)));
            if let Some(call) = parent.or_else(|| last.get(&lane).copied()) {
                let tools = found.by_call.entry(call).or_default();
                tools.push((row.ix(), row.tool_sym()));
                found.call_of.insert(row.ix(), call);
            }
        }
        found
    }

    /// What a model call spent, by tool: split evenly over the tool calls that it asked for, and counted as
    /// one call of each tool. What another action spent is its own tool's.
    pub fn by_tool(&self, row: &Row<'_>, spent: &Spent) -> Vec<(Option<Sym>, Spent)> {
        if row.kind() == Kind::ToolCall {
            return vec![(Some(row.tool_sym()), *spent)];
        }
        let Some(tools) = self.by_call.get(&row.ix()) else {
            return vec![(None, *spent)];
        };
        let count = tools.len() as u64;
        let mut split: Vec<(Option<Sym>, Spent)> = Vec::with_capacity(tools.len());
        for (at, (_, tool)) in (0..).zip(tools) {
            let share = spent.share(at, count);
            let is_counted = split.iter().any(|(known, _)| *known == Some(*tool));
            let share = if is_counted { share.again() } else { share };
            split.push((Some(*tool), share));
        }
        split
    }

    /// The share of its model call that a tool call has, and what it spent itself.
    pub fn share(&self, row: &Row<'_>) -> Spent {
        let own = Spent::of(row);
        let Some(call) = self.call_of.get(&row.ix()) else {
            return own;
        };
        let tools = &self.by_call[call];
        let at = tools.iter().position(|(ix, _)| *ix == row.ix());
        let spent = Spent::of(&row.store.row(*call));
        own.plus(&spent.share(at.unwrap_or(0) as u64, tools.len() as u64))
    }
}
