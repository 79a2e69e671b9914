//! What holds for every reader on any input: nothing panics, every byte is accounted for exactly
//! once, the placement of block boundaries makes no difference, and everything read can be opened
//! and printed safely.
//!
//! The property tests in `tests/it` apply these laws to damaged samples; the fuzzer next to this
//! file applies them to anything.

use std::io::Write as _;
use std::sync::{Arc, Mutex};

use jiff::tz::TimeZone;
use saferun_tui::export::readable;
use saferun_tui::ingest::bytes::Bytes;
use saferun_tui::ingest::discover::Input;
use saferun_tui::ingest::fact::{Decoded, Fact, Name};
use saferun_tui::ingest::formats::Format;
use saferun_tui::ingest::intake::{self, Options};
use saferun_tui::ingest::prices::PriceTable;
use saferun_tui::ingest::records::lines::{Block, ReadBuffers};
use saferun_tui::ingest::records::{Account, pieces};
use saferun_tui::model::action::SourceIx;
use saferun_tui::store::Store;

/// Panics if a reader breaks a law. The input is cut every `step` bytes.
pub(crate) fn hold(format: &'static dyn Format, content: &[u8], step: usize) {
    let size = content.len() as u64;
    let cuts: Vec<u64> = (0..size).step_by(step).collect();
    assert_eq!(read(content, format, &cuts), read(content, format, &[]));
    let whole = pieces_of(content, format, 1 << 20);
    assert_eq!(bytes_in(&whole.account), whole.account.total);
    assert_eq!(pieces_of(content, format, step), whole);
    let store = load(content, Some(format));
    if let Some(account) = store.account(SourceIx(0)) {
        assert_eq!(bytes_in(account), account.total, "{account:?}");
    }
    for row in store.rows() {
        let text = readable::text(&row, &TimeZone::UTC);
        let obeyed = |letter: char| letter.is_control() && letter != '\n';
        assert!(!text.contains(obeyed), "{text:?}");
    }
}

pub(crate) fn bytes_in(account: &Account) -> u64 {
    account.bom + account.ok + account.bad + account.blank + account.partial
}

/// Loads bytes as a file, with its format detected or given.
pub(crate) fn load(content: &[u8], format: Option<&'static dyn Format>) -> Store {
    let mut file = tempfile::NamedTempFile::new().expect("a temporary file");
    file.write_all(content).expect("it can be written");
    let options = Options {
        anything: true,
        format,
        ..Options::new(PriceTable::built_in())
    };
    let input = Input::File(file.path().to_owned());
    let (store, errors) = Store::load(intake::load(vec![input], options));
    // Packed files may be rejected: their content may not be a trace, or may be larger than
    // declared.
    assert!(errors.is_empty() || store.is_empty(), "{errors:?}");
    store
}

/// What a reader emits for a document that is read `step` bytes at a time.
pub(crate) fn pieces_of(content: &[u8], format: &dyn Format, step: usize) -> Emitted {
    let bytes = Bytes::Memory(Arc::new(Mutex::new(content.to_vec())));
    let mut emitted = Emitted::default();
    let read = pieces::read_by(step, &bytes, format, |decoded| {
        let decoded = decoded.expect("memory can be read");
        let facts = decoded.facts.iter().map(|fact| describe(decoded, fact, 0));
        emitted.facts.extend(facts);
        emitted.account.add(&decoded.account);
        Ok::<(), ()>(())
    });
    assert_eq!(read, Ok(()));
    emitted
}

/// Everything a reader emits, with places relative to the whole source.
#[derive(Debug, PartialEq, Default)]
pub(crate) struct Emitted {
    facts: Vec<String>,
    pub(crate) account: Account,
    lines: u32,
}

/// What a reader emits for lines that are read in blocks with these ends.
pub(crate) fn read(content: &[u8], format: &dyn Format, cuts: &[u64]) -> Emitted {
    let bytes = Bytes::Memory(Arc::new(Mutex::new(content.to_vec())));
    let size = content.len() as u64;
    // Blocks are never so small that one ends inside the byte order mark.
    let mark = if content.starts_with(b"\xef\xbb\xbf") {
        3
    } else {
        0
    };
    let ends = cuts.iter().copied().filter(|&cut| cut > mark).chain([size]);
    let mut emitted = Emitted::default();
    let (mut start, mut used, mut buffers) = (0, Decoded::default(), ReadBuffers::default());
    for end in ends {
        if end <= start {
            continue;
        }
        let block = Block {
            start,
            end,
            source_end: size,
        };
        used = buffers
            .read(&bytes, format, block, used)
            .expect("memory can be read");
        let facts = used
            .facts
            .iter()
            .map(|fact| describe(&used, fact, emitted.lines));
        emitted.facts.extend(facts);
        emitted.account.add(&used.account);
        emitted.lines += used.lines;
        start = end;
    }
    emitted
}

fn describe(decoded: &Decoded, fact: &Fact, lines_before: u32) -> String {
    let texts = [
        fact.run,
        fact.id,
        fact.parent,
        fact.call,
        fact.agent,
        fact.tool,
        fact.model,
    ];
    let texts: Vec<_> = texts
        .iter()
        .map(|text| String::from_utf8_lossy(decoded.text(*text)).into_owned())
        .collect();
    let names: Vec<(Name, Vec<u8>)> = decoded
        .names(fact)
        .map(|(name, text)| (name, text.to_vec()))
        .collect();
    let place = (
        decoded.base + u64::from(fact.start),
        fact.len,
        lines_before + fact.line,
    );
    let numbers = (
        fact.time,
        fact.duration,
        fact.cost,
        fact.turn,
        fact.hash,
        decoded.usage(fact),
    );
    let kind = (fact.kind, fact.flags, fact.part, fact.status, fact.verdict);
    format!("{place:?} {kind:?} {texts:?} {numbers:?} {names:?}")
}
