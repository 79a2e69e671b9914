//! The last rows of a large file, read before the rest so that "go to the end" need not wait.

use std::sync::Arc;

use crate::ingest::assemble::{Builder, From};
use crate::ingest::fact::Decoded;
use crate::ingest::loaded::Preview;
use crate::ingest::prices::PriceTable;
use crate::ingest::records::lines::{Block, ReadBuffers};
use crate::ingest::source::Source;
use crate::model::action::SourceIx;

/// Smaller files are indexed before anyone can press a key.
pub(super) const SMALLEST: u64 = 4 << 20;
const TAIL: u64 = 256 << 10;

/// Decodes the last lines on their own: turns and sequence numbers are not those of the whole file.
pub(super) fn read(source: &Arc<Source>, size: u64, prices: &PriceTable) -> Preview {
    let mut builder = Builder::new(prices.clone());
    let block = Block {
        start: size.saturating_sub(TAIL),
        end: size,
        source_end: size,
    };
    // A read error is reported when the block is read in its turn.
    let decoded = ReadBuffers::default()
        .read(&source.bytes, source.format, block, Decoded::default())
        .unwrap_or_default();
    let mut assembler = source.format.assembler();
    let from = From {
        decoded: &decoded,
        source: SourceIx(0),
        stem: "",
        lines_before: 0,
        companion: false,
    };
    for fact in &decoded.facts {
        assembler.take(fact, &from, &mut builder);
    }
    assembler.finish(&mut builder);
    builder.flush();
    Preview {
        source: Arc::clone(source),
        batches: builder.take_ready(),
    }
}
