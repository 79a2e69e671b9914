//! What runs cost: sums by kind of token, model, tool, subagent and turn, and the most expensive model calls.
//!
//! Every sum is over the same rows: those with tokens or a cost, without what a run copied from another
//! session. So the lines of one grouping add up to the total exactly.

pub mod bill;
pub mod lanes;
pub mod limits;
pub mod misses;
mod prefix;
pub mod spent;
pub mod toll;
pub mod tool_calls;

use std::collections::HashMap;

use crate::analysis::context;
use crate::analysis::costs::bill::{Bill, TokenKind};
use crate::analysis::costs::spent::Spent;
use crate::analysis::costs::tool_calls::ToolCalls;
use crate::base::cancel::CancelFlag;
use crate::ingest::prices::PriceTable;
use crate::model::action::{ActionIx, Flags, Kind};
use crate::model::quantity::{Cost, Tokens};
use crate::model::run::{CostSource, RunIx};
use crate::model::symbol::Sym;
use crate::store::Store;
use crate::store::row::Row;

#[cfg(test)]
mod tests;

macro_rules! views {
    ($($(#[$doc:meta])* $variant:ident = $word:literal in $list:literal),* $(,)?) => {
        /// By what costs are listed.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum By { $($(#[$doc])* $variant),* }

        impl By {
            pub const ALL: &[By] = &[$(By::$variant),*];

            /// For the command line and machine output.
            pub fn word(self) -> &'static str {
                match self { $(By::$variant => $word),* }
            }

            /// The name of the list in machine output.
            pub fn list(self) -> &'static str {
                match self { $(By::$variant => $list),* }
            }

            pub fn from_word(word: &str) -> Option<By> {
                By::ALL.iter().copied().find(|by| by.word() == word)
            }
        }
    };
}

views! {
    Call = "call" in "calls",
    Turn = "turn" in "turns",
    Model = "model" in "models",
    Tool = "tool" in "tools",
    Subagent = "subagent" in "subagents",
    /// The kind of token.
    Kind = "kind" in "kinds",
    Run = "run" in "by_run",
    /// Results of tools, by their toll.
    Result = "result" in "results",
    /// Cache misses.
    Miss = "miss" in "misses",
}

/// What a line is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Key {
    Run(RunIx),
    /// Turn 0 is before the first.
    Turn(RunIx, u32),
    Model(Sym),
    /// The tool that a model call asked for; none if it asked for no tool.
    Tool(Option<Sym>),
    Agent {
        name: Sym,
        is_main: bool,
    },
}

/// What was spent on one thing.
#[derive(Debug, Clone, Copy)]
pub struct Line {
    pub key: Key,
    pub spent: Spent,
    /// Where to look: the most expensive call of the line, and for a turn its first action.
    pub action: ActionIx,
}

/// What was spent on one kind of token.
#[derive(Debug, Clone, Copy)]
pub struct KindLine {
    pub kind: TokenKind,
    pub tokens: Tokens,
    pub cost: Cost,
    pub source: CostSource,
    /// The call that spent the most on it.
    pub action: ActionIx,
}

/// The costs of some actions. Lists are sorted by cost, highest first; kinds keep their own order.
#[derive(Debug, Clone, Default)]
pub struct Costs {
    pub total: Spent,
    /// What the runs themselves say, or the sum of their calls where they say nothing; none if unknown.
    pub stated: Option<(Cost, CostSource)>,
    pub kinds: Vec<KindLine>,
    pub models: Vec<Line>,
    pub tools: Vec<Line>,
    pub agents: Vec<Line>,
    pub turns: Vec<Line>,
    pub runs: Vec<Line>,
    /// The model calls, and other actions that cost something.
    pub calls: Vec<ActionIx>,
}

impl Costs {
    /// The costs of `rows`, all of one store. Stops early if cancelled.
    pub fn of(store: &Store, rows: &[ActionIx], prices: &PriceTable, cancel: &CancelFlag) -> Costs {
        let mut sums = Sums::new(store, prices);
        for (at, ix) in rows.iter().enumerate() {
            if at.is_multiple_of(4096) && cancel.is_raised() {
                break;
            }
            sums.add(&store.row(*ix));
        }
        sums.finish()
    }
}

/// Whether a row counts here: it has tokens or a cost, or it is a model call without them.
pub fn is_charged(row: &Row<'_>) -> bool {
    let is_spent = !row.usage().is_none() || row.cost().is_some();
    !row.flags().has(Flags::COPIED) && (is_spent || context::is_call(row))
}

struct Sums<'a> {
    store: &'a Store,
    prices: &'a PriceTable,
    tool_calls: ToolCalls,
    lines: HashMap<Key, Line>,
    /// The cost of the call that a line leads to.
    costliest: HashMap<Key, (Cost, Tokens)>,
    kinds: HashMap<TokenKind, KindLine>,
    dearest_kinds: HashMap<TokenKind, (Cost, Tokens)>,
    total: Spent,
    calls: Vec<ActionIx>,
}

impl<'a> Sums<'a> {
    fn new(store: &'a Store, prices: &'a PriceTable) -> Sums<'a> {
        Sums {
            store,
            prices,
            tool_calls: ToolCalls::of(store),
            lines: HashMap::new(),
            costliest: HashMap::new(),
            kinds: HashMap::new(),
            dearest_kinds: HashMap::new(),
            total: Spent::default(),
            calls: Vec::new(),
        }
    }

    fn add(&mut self, row: &Row<'_>) {
        let turn = Key::Turn(row.run_ix(), row.turn());
        if row.kind() != Kind::Malformed {
            self.lines.entry(turn).or_insert(Line {
                key: turn,
                spent: Spent::default(),
                action: row.ix(),
            });
        }
        if !is_charged(row) {
            return;
        }
        let spent = Spent::of(row);
        self.calls.push(row.ix());
        self.total = self.total.plus(&spent);
        if let Some(line) = self.lines.get_mut(&turn) {
            line.spent = line.spent.plus(&spent);
        }
        let agent = Key::Agent {
            name: row.agent_sym(),
            is_main: row.agent_sym() == row.run().who.agent,
        };
        for key in [Key::Run(row.run_ix()), Key::Model(row.model_sym()), agent] {
            self.put(key, &spent, row);
        }
        for (tool, spent) in self.tool_calls.by_tool(row, &spent) {
            self.put(Key::Tool(tool), &spent, row);
        }
        self.put_kinds(row);
    }

    fn put(&mut self, key: Key, spent: &Spent, row: &Row<'_>) {
        let weight = (row.cost(), row.usage().total());
        let line = self.lines.entry(key).or_insert(Line {
            key,
            spent: Spent::default(),
            action: row.ix(),
        });
        line.spent = line.spent.plus(spent);
        let costliest = self.costliest.entry(key).or_insert(weight);
        if known(weight) > known(*costliest) {
            (*costliest, line.action) = (weight, row.ix());
        }
    }

    fn put_kinds(&mut self, row: &Row<'_>) {
        let bill = Bill::of(row, self.prices);
        for item in bill.items() {
            let weight = (item.cost, item.tokens);
            let line = self.kinds.entry(item.kind).or_insert(KindLine {
                kind: item.kind,
                tokens: Tokens::NONE,
                cost: Cost::NONE,
                source: item.source,
                action: row.ix(),
            });
            line.tokens = line.tokens + item.tokens;
            line.cost = line.cost + item.cost;
            if line.source != item.source {
                line.source = CostSource::Mixed;
            }
            let costliest = self.dearest_kinds.entry(item.kind).or_insert(weight);
            if known(weight) > known(*costliest) {
                (*costliest, line.action) = (weight, row.ix());
            }
        }
    }

    fn finish(self) -> Costs {
        let mut costs = Costs {
            total: self.total,
            stated: stated(self.store, &self.lines),
            calls: self.calls,
            ..Costs::default()
        };
        for line in self.lines.into_values() {
            match line.key {
                Key::Run(_) => costs.runs.push(line),
                Key::Turn(..) => costs.turns.push(line),
                Key::Model(_) => costs.models.push(line),
                Key::Tool(_) => costs.tools.push(line),
                Key::Agent { .. } => costs.agents.push(line),
            }
        }
        costs.turns.retain(|line| line.spent.calls > 0);
        for lines in [
            &mut costs.runs,
            &mut costs.turns,
            &mut costs.models,
            &mut costs.tools,
            &mut costs.agents,
        ] {
            lines.sort_by_key(|line| (std::cmp::Reverse(line.spent.weight()), line.key));
        }
        costs.calls.sort_by_key(|ix| {
            let spent = Spent::of(&self.store.row(*ix));
            (std::cmp::Reverse(spent.weight()), *ix)
        });
        let kinds = TokenKind::ALL.iter();
        costs.kinds = kinds
            .filter_map(|kind| self.kinds.get(kind).copied())
            .collect();
        costs
    }
}

/// A cost recorded for a whole run overrides the sum of its calls.
fn stated(store: &Store, lines: &HashMap<Key, Line>) -> Option<(Cost, CostSource)> {
    let own = lines.values().filter_map(|line| match line.key {
        Key::Run(run) if store.run(run).totals.run_cost.is_some() => store.run(run).cost(),
        Key::Run(_) => line.spent.cost(),
        Key::Turn(..) | Key::Model(_) | Key::Tool(_) | Key::Agent { .. } => None,
    });
    own.reduce(|(sum, source), (cost, other)| {
        let source = if source == other {
            source
        } else {
            CostSource::Mixed
        };
        (sum + cost, source)
    })
}

/// Unknown values come below all known ones.
fn known((cost, tokens): (Cost, Tokens)) -> (Option<i64>, Option<u64>) {
    (cost.get(), tokens.get())
}
