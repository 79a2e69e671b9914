//! Stores and sources of a few lines, for tests.

use std::path::PathBuf;

use crate::ingest::Source;
use crate::ingest::bytes::Bytes;
use crate::ingest::discover::Input;
use crate::ingest::formats::any_json::AnyJson;
use crate::ingest::intake::{self, Options};
use crate::ingest::prices::PriceTable;
use crate::ingest::records::Framing;
use crate::store::Store;

/// Loads lines as one file; its format is detected.
pub(crate) fn load(trace: &str) -> Store {
    let bytes: &'static str = Box::leak(trace.to_owned().into_boxed_str());
    let inputs = vec![Input::Bundled {
        name: "trace.jsonl",
        bytes: bytes.as_bytes(),
        companions: &[],
    }];
    Store::load(intake::load(inputs, Options::new(PriceTable::built_in()))).0
}

/// A source with this text.
pub(crate) fn source(text: String) -> Source {
    let bytes = Bytes::Static(Box::leak(text.into_bytes().into_boxed_slice()));
    Source::new(
        PathBuf::from("trace.jsonl"),
        bytes,
        (&AnyJson, Framing::Lines),
    )
}
