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
    groups: HashMap<CallKey, Vec<Call>>,
    /// Occurrence number of each call within its group, from 2.
    occurrence: HashMap<ActionIx, u32>,
    /// Calls beyond [`MAX_CALLS`], which were not compared.
    pub skipped: u32,
}

/// Run, tool, hash of the arguments.
type CallKey = (RunIx, Sym, u64);

/// A member of a group of equal calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Call {
    pub ix: ActionIx,
    /// Hash of the result; `None` if there is none.
    pub result: Option<u64>,
}

const MAX_CALLS: u32 = 50_000;
/// Longer records are compared by this many bytes and their length.
const HEAD: u32 = 1 << 20;

impl EqualCalls {
    /// Opens every call. Reports its progress, in actions, every so often.
    pub fn of(store: &Store, cancel: &CancelFlag, report: &mut dyn FnMut(u32)) -> EqualCalls {
        let mut calls = EqualCalls::default();
        let mut opened = 0;
        for row in store.rows().filter(|row| row.kind() == Kind::ToolCall) {
            if cancel.is_raised() {
                break;
            }
            if opened == MAX_CALLS {
                calls.skipped += 1;
                continue;
            }
            opened += 1;
            if opened % 256 == 0 {
                report(row.ix().0);
            }
            let body = bodies::open(&row, Depth::UpTo(HEAD));
            let Some(args) = &body.args else { continue };
            let key = (row.run_ix(), row.tool_sym(), hash(&args.to_string()));
            let result = body
                .result
                .as_ref()
                .map(|result| hash(&(result.to_string(), beyond(row.result_place().len))));
            let group = calls.groups.entry(key).or_default();
            group.push(Call {
                ix: row.ix(),
                result,
            });
            if group.len() > 1 {
                calls.occurrence.insert(row.ix(), group.len() as u32);
            }
        }
        calls
    }

    /// The occurrence number of a call, from 2; `None` for a first or only call.
    pub fn occurrence(&self, ix: ActionIx) -> Option<u32> {
        self.occurrence.get(&ix).copied()
    }

    /// Groups of at least two equal calls, ordered by their first.
    pub fn groups(&self) -> Vec<&[Call]> {
        let several = self.groups.values().filter(|group| group.len() > 1);
        let mut groups: Vec<&[Call]> = several.map(Vec::as_slice).collect();
        groups.sort_by_key(|group| group[0].ix);
        groups
    }
}

/// The length of a record that is not compared whole. It counts for those only: records of equal
/// results may differ in length.
fn beyond(len: u32) -> Option<u32> {
    (len > HEAD).then_some(len)
}

fn hash(value: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}
