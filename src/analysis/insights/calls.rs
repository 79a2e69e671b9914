//! Which calls are equal: the same tool with the same arguments in the same run.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use crate::base::cancel::CancelFlag;
use crate::model::action::{ActionIx, Kind};
use crate::model::run::RunIx;
use crate::model::symbol::Sym;
use crate::store::Store;
use crate::store::bodies::{self, Depth};

/// Calls by what they ask.
#[derive(Debug, Clone, Default)]
pub struct Calls {
    groups: HashMap<Ask, Vec<Call>>,
    /// The how-manieth equal call a call is, from the second on.
    nth: HashMap<ActionIx, u32>,
    /// Calls that were not compared, because there are so many.
    pub left_out: u32,
}

type Ask = (RunIx, Sym, u64);

/// One of some equal calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Call {
    pub ix: ActionIx,
    /// What came back, as a number that is equal for equal results; none where nothing did.
    pub result: Option<u64>,
}

/// So many calls are opened.
const MOST: u32 = 50_000;
/// Of longer records only so much is compared, and their length.
const HEAD: u32 = 1 << 20;

impl Calls {
    /// Opens every call; tells now and then how many of the actions were looked at.
    pub fn of(store: &Store, cancel: &CancelFlag, tell: &mut dyn FnMut(u32)) -> Calls {
        let mut calls = Calls::default();
        let mut opened = 0;
        for row in store.rows().filter(|row| row.kind() == Kind::ToolCall) {
            if cancel.is_raised() {
                break;
            }
            if opened == MOST {
                calls.left_out += 1;
                continue;
            }
            opened += 1;
            if opened % 256 == 0 {
                tell(row.ix().0);
            }
            let body = bodies::open(&row, Depth::UpTo(HEAD));
            let Some(args) = &body.args else { continue };
            let ask = (
                row.run_ix(),
                row.chunk.tool[row.at],
                hash(&args.to_string()),
            );
            let result = body
                .result
                .as_ref()
                .map(|result| hash(&(result.to_string(), beyond(row.result_place().len))));
            let group = calls.groups.entry(ask).or_default();
            group.push(Call {
                ix: row.ix(),
                result,
            });
            if group.len() > 1 {
                calls.nth.insert(row.ix(), group.len() as u32);
            }
        }
        calls
    }

    /// The how-manieth equal call it is; none for the first.
    pub fn nth(&self, ix: ActionIx) -> Option<u32> {
        self.nth.get(&ix).copied()
    }

    /// Calls that are equal, at least two each, in the order of their first.
    pub fn groups(&self) -> Vec<&[Call]> {
        let several = self.groups.values().filter(|group| group.len() > 1);
        let mut groups: Vec<&[Call]> = several.map(Vec::as_slice).collect();
        groups.sort_by_key(|group| group[0].ix);
        groups
    }
}

/// The length of a record that is not compared whole; records of equal results may differ in length.
fn beyond(len: u32) -> Option<u32> {
    (len > HEAD).then_some(len)
}

fn hash(value: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}
