//! A store of a few lines in tests.

use crate::ingest::discover::Input;
use crate::ingest::loader::{self, Options};
use crate::ingest::prices::PriceTable;
use crate::store::Store;

/// Loads lines as one file whose format they tell.
pub(crate) fn load(trace: &str) -> Store {
    let bytes: &'static str = Box::leak(trace.to_owned().into_boxed_str());
    let inputs = vec![Input::Bundled {
        name: "trace.jsonl",
        bytes: bytes.as_bytes(),
        companions: &[],
    }];
    Store::load(loader::start(inputs, Options::new(PriceTable::built_in()))).0
}
