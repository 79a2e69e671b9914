//! Stores and sources of a few lines in tests.

use std::path::PathBuf;

use crate::ingest::Source;
use crate::ingest::aside::Aside;
use crate::ingest::bytes::Bytes;
use crate::ingest::discover::Input;
use crate::ingest::formats::any_json::AnyJson;
use crate::ingest::intake::{self, Options};
use crate::ingest::prices::PriceTable;
use crate::ingest::records::Framing;
use crate::store::Store;

/// Loads lines as one file whose format they tell.
pub(crate) fn load(trace: &str) -> Store {
    let bytes: &'static str = Box::leak(trace.to_owned().into_boxed_str());
    let inputs = vec![Input::Bundled {
        name: "trace.jsonl",
        bytes: bytes.as_bytes(),
        companions: &[],
    }];
    Store::load(intake::load(inputs, Options::new(PriceTable::built_in()))).0
}

/// Text as the bytes of a source.
pub(crate) fn source(text: String) -> Source {
    Source {
        path: PathBuf::from("trace.jsonl"),
        bytes: Bytes::Static(Box::leak(text.into_bytes().into_boxed_slice())),
        format: &AnyJson,
        framing: Framing::Lines,
        aside: Aside::default(),
    }
}
