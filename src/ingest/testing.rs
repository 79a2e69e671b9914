//! Loads a few lines in tests.

use crate::ingest::discover::Input;
use crate::ingest::formats::Format;
use crate::ingest::intake::{self, Options};
use crate::ingest::prices::PriceTable;
use crate::ingest::{Batch, Loaded, formats};
use crate::model::action::{Kind, Status};

/// Loads lines as one file of a format; all resulting batches as one.
pub(crate) fn load(format: &str, lines: &'static str) -> Batch {
    let input = Input::Bundled {
        name: "trace.jsonl",
        bytes: lines.as_bytes(),
        companions: &[],
    };
    load_input(format, input)
}

pub(crate) fn load_input(format: &str, input: Input) -> Batch {
    load_as(formats::by_name(format), input)
}

/// Loads an input in a format that need not be registered.
pub(crate) fn load_as(format: Option<&'static dyn Format>, input: Input) -> Batch {
    let options = Options {
        format,
        ..Options::new(PriceTable::built_in())
    };
    let mut all = Batch::default();
    for message in intake::load(vec![input], options) {
        if let Loaded::Batch(batch) = message {
            let rows = 0..batch.chunk.len();
            all.chunk.append_range(&batch.chunk, rows.clone());
            all.outcomes.append_range(&batch.outcomes, rows);
            all.symbols.extend(batch.symbols);
            for (ix, run) in batch.runs {
                match all.runs.iter_mut().find(|(known, _)| *known == ix) {
                    Some(known) => known.1 = run,
                    None => all.runs.push((ix, run)),
                }
            }
            assert!(batch.settled.is_empty(), "short files come in one batch");
        }
    }
    all
}

/// The kinds and statuses of all rows.
pub(crate) fn rows(batch: &Batch) -> Vec<(Kind, Status)> {
    let statuses = batch.outcomes.status.iter().copied();
    batch.chunk.kind.iter().copied().zip(statuses).collect()
}
