//! What holds for every reader, whatever it reads: nothing panics, every byte is one thing and only one, where
//! the input is cut changes nothing, and whatever was read can be opened and said without harm.
//!
//! The properties of `tests/it` try it on damaged samples, the fuzzer beside this file on anything.

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
use saferun_tui::ingest::records::lines::{Block, Desk};
use saferun_tui::ingest::records::{Account, pieces};
use saferun_tui::model::action::SourceIx;
use saferun_tui::store::Store;

/// Fails where a reader breaks one of its promises; the input is cut every `step` bytes.
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

/// Loads bytes as a file, which the program would have found by its format or was told.
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
    // Packed files may be refused: what is packed in them is not a trace, or more than it says.
    assert!(errors.is_empty() || store.is_empty(), "{errors:?}");
    store
}

/// What is told of a document that is read so many bytes at once.
pub(crate) fn pieces_of(content: &[u8], format: &dyn Format, step: usize) -> Told {
    let bytes = Bytes::Memory(Arc::new(Mutex::new(content.to_vec())));
    let mut told = Told::default();
    let read = pieces::read_by(step, &bytes, format, |decoded| {
        let decoded = decoded.expect("memory can be read");
        let facts = decoded.facts.iter().map(|fact| spelled(decoded, fact, 0));
        told.facts.extend(facts);
        told.account.add(&decoded.account);
        Ok::<(), ()>(())
    });
    assert_eq!(read, Ok(()));
    told
}

/// Everything a block tells, with its places counted in the whole source.
#[derive(Debug, PartialEq, Default)]
pub(crate) struct Told {
    facts: Vec<String>,
    pub(crate) account: Account,
    lines: u32,
}

/// What is told of lines that are read in blocks with these ends.
pub(crate) fn read(content: &[u8], format: &dyn Format, cuts: &[u64]) -> Told {
    let bytes = Bytes::Memory(Arc::new(Mutex::new(content.to_vec())));
    let size = content.len() as u64;
    // A block is never so small that it ends inside the byte order mark.
    let mark = if content.starts_with(b"\xef\xbb\xbf") {
        3
    } else {
        0
    };
    let ends = cuts.iter().copied().filter(|&cut| cut > mark).chain([size]);
    let mut told = Told::default();
    let (mut start, mut used, mut desk) = (0, Decoded::default(), Desk::default());
    for end in ends {
        if end <= start {
            continue;
        }
        let block = Block {
            start,
            end,
            source_end: size,
        };
        used = desk
            .read(&bytes, format, block, used)
            .expect("memory can be read");
        let facts = used
            .facts
            .iter()
            .map(|fact| spelled(&used, fact, told.lines));
        told.facts.extend(facts);
        told.account.add(&used.account);
        told.lines += used.lines;
        start = end;
    }
    told
}

fn spelled(decoded: &Decoded, fact: &Fact, lines_before: u32) -> String {
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
