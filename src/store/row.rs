//! One action with everything known about it, by name.

use std::borrow::Cow;
use std::path::Path;

use crate::ingest::Source;
use crate::model::action::{ActionIx, Flags, Kind, Place, SourceIx, Status};
use crate::model::chunk::Chunk;
use crate::model::outcome::{Attached, Outcomes};
use crate::model::quantity::{Cost, Elapsed, Time, Usage};
use crate::model::run::{Run, RunIx};
use crate::model::symbol::Sym;
use crate::store::Store;

/// A borrowed view of one action. Names are empty strings where nothing was recorded; they are raw
/// trace content and pass `base::text` before they are shown.
#[derive(Debug, Clone, Copy)]
pub struct Row<'a> {
    pub(crate) store: &'a Store,
    pub(crate) chunk: &'a Chunk,
    pub(crate) outcomes: &'a Outcomes,
    pub(crate) ix: ActionIx,
    /// Its row in the chunk.
    pub(crate) at: usize,
}

/// A place in a file, for a person.
#[derive(Debug, Clone)]
pub struct Spot<'a> {
    pub path: Cow<'a, Path>,
    pub line: u32,
    pub offset: u64,
}

impl<'a> Row<'a> {
    pub fn ix(&self) -> ActionIx {
        self.ix
    }

    pub fn kind(&self) -> Kind {
        self.chunk.kind[self.at]
    }

    pub fn status(&self) -> Status {
        self.outcomes.status[self.at]
    }

    pub fn flags(&self) -> Flags {
        self.outcomes.flags[self.at]
    }

    pub fn run_ix(&self) -> RunIx {
        self.chunk.run[self.at]
    }

    pub fn run(&self) -> &'a Run {
        self.store.run(self.run_ix())
    }

    /// The run that it was copied from, if its run forked or resumed another one.
    pub fn copied_from(&self) -> Option<&'a str> {
        let inherited = self.run().inherited.as_deref();
        let inherited = inherited.filter(|_| self.flags().has(Flags::COPIED));
        inherited.map(|it| &*it.from)
    }

    /// 1-based turn; 0 before the first.
    pub fn turn(&self) -> u32 {
        self.chunk.turn[self.at]
    }

    /// 1-based sequence number in the run; 0 for a malformed line.
    pub fn seq(&self) -> u32 {
        self.chunk.seq[self.at]
    }

    pub fn agent(&self) -> &'a str {
        self.store.symbols().name(self.chunk.agent[self.at])
    }

    /// The symbol of the agent, for comparisons.
    pub fn agent_sym(&self) -> Sym {
        self.chunk.agent[self.at]
    }

    pub fn tool_sym(&self) -> Sym {
        self.chunk.tool[self.at]
    }

    pub fn tool(&self) -> &'a str {
        self.store.symbols().name(self.chunk.tool[self.at])
    }

    pub fn model_sym(&self) -> Sym {
        self.chunk.model[self.at]
    }

    pub fn model(&self) -> &'a str {
        self.store.symbols().name(self.chunk.model[self.at])
    }

    pub fn user(&self) -> &'a str {
        self.store.symbols().name(self.run().who.user)
    }

    pub fn time(&self) -> Time {
        self.chunk.time[self.at]
    }

    pub fn duration(&self) -> Elapsed {
        self.outcomes.duration[self.at]
    }

    /// The cost of this action; an estimate where `flags()` has `ESTIMATED`.
    pub fn cost(&self) -> Cost {
        self.outcomes.cost[self.at]
    }

    pub fn usage(&self) -> Usage {
        self.outcomes.usage(self.at)
    }

    /// Policy decisions and approvals, in the order recorded.
    pub fn attached(&self) -> impl ExactSizeIterator<Item = &'a Attached> + use<'a> {
        self.outcomes.attached(self.at)
    }

    /// The records in which other writers of the trace recorded the same action or its result.
    pub fn other_records(&self) -> impl ExactSizeIterator<Item = Place> + use<'a> {
        self.outcomes.other_records(self.at).copied()
    }

    pub fn parent(&self) -> Option<ActionIx> {
        self.chunk.parent[self.at].get()
    }

    /// 1-based line in the source.
    pub fn line(&self) -> u32 {
        self.chunk.line[self.at]
    }

    pub fn place(&self) -> Place {
        self.chunk.place(self.at)
    }

    /// The record of the result, where one arrived.
    pub fn result_place(&self) -> Place {
        self.outcomes.result.get(self.at)
    }

    pub fn source_ix(&self) -> SourceIx {
        self.chunk.source[self.at]
    }

    pub fn source(&self) -> &'a Source {
        self.store.source(self.source_ix())
    }

    /// Where a person finds the record: in the source, or in one of its files if the source has many.
    pub fn spot(&self) -> Spot<'a> {
        let source = self.source();
        let offset = self.place().offset;
        match source.bytes.locate(offset) {
            Some((path, offset)) => Spot {
                path: Cow::Owned(path),
                line: 1,
                offset,
            },
            None => Spot {
                path: Cow::Borrowed(&source.path),
                line: self.line(),
                offset,
            },
        }
    }
}
