//! What an intake sends: the messages that fill a store.

use std::sync::Arc;

use crate::ingest::batch::Batch;
use crate::ingest::error::Error;
use crate::ingest::notice::Notice;
use crate::ingest::records::account::Account;
use crate::ingest::source::Source;
use crate::model::action::SourceIx;

/// One message of an intake. Actions come in the order of the files.
#[derive(Debug)]
pub enum Loaded {
    /// Sources that the next batches refer to by [`SourceIx`], in order.
    Sources(Vec<Arc<Source>>),
    Batch(Box<Batch>),
    /// The last rows of the last source, read ahead so that "go to the end" need not wait.
    /// Its symbols, runs and sources have numbers of their own.
    Preview(Box<Preview>),
    /// A source was read to its end; what every byte of it was.
    Finished {
        source: SourceIx,
        account: Account,
    },
    /// A source could not be opened or read; the others continue.
    Failed(Error),
    Progress {
        read: u64,
        total: u64,
    },
    /// Everything was read; of followed files, all that was there when following began. It comes again
    /// after sources were added.
    Done,
    /// Something happened to a file that is followed.
    Notice(Notice),
}

#[derive(Debug)]
pub struct Preview {
    pub source: Arc<Source>,
    pub batches: Vec<Batch>,
}
