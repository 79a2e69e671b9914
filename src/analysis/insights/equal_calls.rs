//! Groups tool calls that are equal: same run, same tool, same arguments.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use crate::base::cancel::CancelFlag;
use crate::model::action::{ActionIx, Kind};
use crate::model::run::RunIx;
use crate::model::symbol::Sym;
use crate::store::Store;
use crate::store::bodies::{self, Depth};

#[derive(Debug, Clone, Default)]
pub struct EqualCalls {
    /// How often each call was seen.
    times: HashMap<CallKey, u32>,
    /// Occurrence number of each call within its group, from 2.
    occurrence: HashMap<ActionIx, u32>,
}

/// Run, tool, hash of the arguments.
type CallKey = (RunIx, Sym, u64);

/// Calls beyond this number are not compared.
const MAX_CALLS: u32 = 50_000;
/// Longer records are compared by this many bytes and their length.
const HEAD: u32 = 1 << 20;

impl EqualCalls {
    /// Opens every call. Reports its progress, in actions, every so often.
    pub fn of(store: &Store, cancel: &CancelFlag, report: &mut dyn FnMut(u32)) -> EqualCalls {
        let mut calls = EqualCalls::default();
        let mut opened = 0;
        for row in store.rows().filter(|row| row.kind() == Kind::ToolCall) {
            if cancel.is_raised() || opened == MAX_CALLS {
                break;
            }
            opened += 1;
            if opened % 256 == 0 {
                report(row.ix().0);
            }
            let body = bodies::open(&row, Depth::UpTo(HEAD));
            let Some(args) = &body.args else { continue };
            let key = (row.run_ix(), row.tool_sym(), hash(&args.to_string()));
            let times = calls.times.entry(key).or_default();
            *times += 1;
            if *times > 1 {
                calls.occurrence.insert(row.ix(), *times);
            }
        }
        calls
    }

    /// The occurrence number of a call, from 2; `None` for a first or only call.
    pub fn occurrence(&self, ix: ActionIx) -> Option<u32> {
        self.occurrence.get(&ix).copied()
    }
}

fn hash(value: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}
