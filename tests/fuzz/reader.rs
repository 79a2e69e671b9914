//! Feeds arbitrary bytes to the reader named by `READER`. `run.sh` runs it for every reader.

#![no_main]

mod laws;

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use saferun_tui::ingest::formats::{self, Format};

static READER: LazyLock<&'static dyn Format> = LazyLock::new(|| {
    let name = std::env::var("READER").expect("READER names a format");
    formats::by_name(&name).unwrap_or_else(|| panic!("no format {name}"))
});

fuzz_target!(|input: &[u8]| {
    // The last byte is the distance between cuts.
    let Some((step, content)) = input.split_last() else {
        return;
    };
    laws::hold(*READER, content, usize::from(*step).max(1));
});
