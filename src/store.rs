//! Everything that has been loaded. No threads, no channels; append-only.

pub mod bodies;
pub mod lines;
pub mod lookup;
mod retain;
pub mod row;
pub mod search;
mod stretch;
pub mod sweep;
#[cfg(test)]
pub(crate) mod testing;

use std::io;
use std::sync::Arc;

use crate::ingest::records::Account;
use crate::ingest::{Batch, Error, Loaded, Source};
use crate::model::action::{ActionIx, SourceIx};
use crate::model::chunk::{CHUNK_ROWS, Chunk};
use crate::model::outcome::Outcomes;
use crate::model::run::{Run, RunIx};
use crate::model::symbol::Symbols;
use crate::store::row::Row;

/// All actions, runs, names and sources. A clone is a snapshot: it shares everything and costs a
/// pointer per chunk and run.
#[derive(Debug, Clone, Default)]
pub struct Store {
    chunks: Vec<Arc<Chunk>>,
    outcomes: Vec<Arc<Outcomes>>,
    runs: Vec<Arc<Run>>,
    symbols: Symbols,
    sources: Vec<Arc<Source>>,
    accounts: Vec<Option<Account>>,
    len: u32,
    dropped: retain::Dropped,
}

impl Store {
    pub fn new() -> Store {
        Store::default()
    }

    /// The number of actions, dropped ones included.
    pub fn len(&self) -> u32 {
        self.len
    }

    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    pub fn add_sources(&mut self, sources: Vec<Arc<Source>>) {
        self.accounts
            .resize_with(self.accounts.len() + sources.len(), || None);
        self.sources.extend(sources);
    }

    /// Applies one message of the intake; returns the error if the message is one.
    pub fn apply(&mut self, message: Loaded) -> Option<Error> {
        match message {
            Loaded::Sources(sources) => self.add_sources(sources),
            Loaded::Batch(batch) => self.append(*batch),
            Loaded::Finished { source, account } => self.set_account(source, account),
            Loaded::Failed(error) => return Some(error),
            Loaded::Preview(_) | Loaded::Progress { .. } | Loaded::Done | Loaded::Notice(_) => {}
        }
        None
    }

    /// Applies all messages, for commands that need everything; returns the errors as well.
    pub fn load(messages: impl IntoIterator<Item = Loaded>) -> (Store, Vec<Error>) {
        let mut store = Store::new();
        let errors = messages
            .into_iter()
            .filter_map(|message| store.apply(message))
            .collect();
        (store, errors)
    }

    /// Adds a batch. Updates to earlier actions are applied after the new rows are in place.
    pub fn append(&mut self, batch: Batch) {
        self.symbols.extend(batch.symbols);
        self.append_rows(&Arc::new(batch.chunk), &Arc::new(batch.outcomes));
        let mut full = Vec::new();
        let kept = self.first();
        for news in batch.settled.iter().filter(|it| it.action.0 >= kept) {
            let (chunk, row) = split(news.action);
            if let Some(outcomes) = self.outcomes.get_mut(chunk) {
                Arc::make_mut(outcomes).settle(row, news);
                if chunk + 1 < self.chunks.len() && full.last() != Some(&chunk) {
                    full.push(chunk);
                }
            }
        }
        // Few updates will come for chunks that are full.
        for chunk in full {
            Arc::make_mut(&mut self.outcomes[chunk]).shrink();
        }
        for (ix, run) in batch.runs {
            let at = ix.0 as usize;
            if at < self.runs.len() {
                self.runs[at] = run;
            } else {
                self.runs.push(run);
            }
        }
        self.drop_before(batch.kept_from);
    }

    /// Keeps all chunks but the last one full, whatever the size of the batches.
    fn append_rows(&mut self, chunk: &Arc<Chunk>, outcomes: &Arc<Outcomes>) {
        if chunk.is_empty() {
            return;
        }
        self.len += chunk.len() as u32;
        let room = self.chunks.last().map_or(0, |last| CHUNK_ROWS - last.len());
        if room == 0 {
            self.chunks.push(Arc::clone(chunk));
            self.outcomes.push(Arc::clone(outcomes));
            return;
        }
        let head = chunk.len().min(room);
        if let (Some(last), Some(last_outcomes)) =
            (self.chunks.last_mut(), self.outcomes.last_mut())
        {
            Arc::make_mut(last).append_range(chunk, 0..head);
            Arc::make_mut(last_outcomes).append_range(outcomes, 0..head);
            if head == room {
                Arc::make_mut(last_outcomes).shrink();
            }
        }
        if head < chunk.len() {
            let (mut rest, mut rest_outcomes) = (
                Chunk::with_room(CHUNK_ROWS),
                Outcomes::with_room(CHUNK_ROWS),
            );
            rest.append_range(chunk, head..chunk.len());
            rest_outcomes.append_range(outcomes, head..chunk.len());
            self.chunks.push(Arc::new(rest));
            self.outcomes.push(Arc::new(rest_outcomes));
        }
    }

    pub fn set_account(&mut self, source: SourceIx, account: Account) {
        if let Some(slot) = self.accounts.get_mut(source.0 as usize) {
            *slot = Some(account);
        }
    }

    /// The byte account of a source, once it was read to its end.
    pub fn account(&self, source: SourceIx) -> Option<&Account> {
        self.accounts
            .get(source.0 as usize)
            .and_then(Option::as_ref)
    }

    pub fn chunks(&self) -> impl ExactSizeIterator<Item = (&Chunk, &Outcomes)> {
        self.chunks
            .iter()
            .zip(&self.outcomes)
            .map(|(chunk, outcomes)| (&**chunk, &**outcomes))
    }

    pub fn chunk(&self, number: usize) -> Option<(&Chunk, &Outcomes)> {
        Some((self.chunks.get(number)?, self.outcomes.get(number)?))
    }

    /// The chunk of an action, and its row in that chunk.
    pub fn place(&self, ix: u32) -> Option<(&Chunk, &Outcomes, usize)> {
        let (chunk, row) = split(ActionIx(ix));
        let (chunk, outcomes) = self.chunk(chunk)?;
        (row < chunk.len()).then_some((chunk, outcomes, row))
    }

    /// The action at `ix`, which must be less than [`Store::len`]. A dropped action has an empty row.
    pub fn row(&self, ix: ActionIx) -> Row<'_> {
        if ix.0 < self.dropped.end {
            return self.dropped_row(ix);
        }
        let (chunk, row) = split(ix);
        Row {
            store: self,
            chunk: &self.chunks[chunk],
            outcomes: &self.outcomes[chunk],
            ix,
            at: row,
        }
    }

    /// All actions that are kept.
    pub fn rows(&self) -> impl ExactSizeIterator<Item = Row<'_>> {
        (self.first()..self.len).map(|ix| self.row(ActionIx(ix)))
    }

    /// The action of a run with this number. Looks at every action before it.
    pub fn numbered(&self, run: RunIx, seq: u32) -> Option<Row<'_>> {
        let mut rows = self.rows();
        rows.find(|row| row.run_ix() == run && row.seq() == seq)
    }

    pub fn runs(&self) -> &[Arc<Run>] {
        &self.runs
    }

    pub fn run(&self, ix: RunIx) -> &Run {
        &self.runs[ix.0 as usize]
    }

    pub fn symbols(&self) -> &Symbols {
        &self.symbols
    }

    pub fn sources(&self) -> &[Arc<Source>] {
        &self.sources
    }

    /// An error if bytes that were indexed could not be read again.
    pub fn intact(&self) -> io::Result<()> {
        match self.sources.iter().find(|source| source.damage.is_noted()) {
            Some(source) => Err(io::Error::other(source.damaged())),
            None => Ok(()),
        }
    }

    pub fn source(&self, ix: SourceIx) -> &Arc<Source> {
        &self.sources[ix.0 as usize]
    }
}

fn split(ix: ActionIx) -> (usize, usize) {
    (ix.0 as usize / CHUNK_ROWS, ix.0 as usize % CHUNK_ROWS)
}
