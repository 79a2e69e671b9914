//! Every byte is accounted for, and where blocks are cut makes no difference.

use std::io::Write as _;
use std::sync::{Arc, Mutex};

use proptest::prelude::{Just, Strategy, any, prop, prop_oneof, proptest};
use saferun_tui::ingest::bytes::Bytes;
use saferun_tui::ingest::discover::Input;
use saferun_tui::ingest::fact::{Decoded, Fact, Name};
use saferun_tui::ingest::formats::{FORMATS, Format};
use saferun_tui::ingest::loader::{self, Options};
use saferun_tui::ingest::prices::PriceTable;
use saferun_tui::ingest::records::lines::{Block, Desk};
use saferun_tui::ingest::records::{Account, Framing, pieces};
use saferun_tui::model::action::SourceIx;
use saferun_tui::store::Store;

use super::config;
use crate::support::sample;

/// What files are made of when they are good, bad and worse.
const PIECES: &[&[u8]] = &[
    b"{\"type\":\"prompt\",\"run_id\":\"r\",\"content\":\"hej \\u00e5 \\ud83d\\ude00\"}",
    b"{\"type\":\"tool_call\",\"run_id\":\"r\",\"id\":\"c1\",\"tool\":\"t\",\"args\":{\"a\":[1,2.5,null]}}",
    b"{\"type\":\"tool_result\",\"run_id\":\"r\",\"call_id\":\"c1\",\"status\":\"ok\",\"duration_ms\":5}",
    b"{\"type\":\"response\",\"run_id\":\"q\",\"usage\":{\"input_tokens\":7},\"cost_usd\":0.01}",
    b"{\"type\":\"user\",\"uuid\":\"u\",\"sessionId\":\"s\",\"message\":{\"role\":\"user\",\"content\":\"x\"}}",
    b"{\"timestamp\":\"2026-11-17T18:40:03Z\",\"type\":\"response_item\",\"payload\":{}}",
    b"{\"type\":\"note\",\"run_id\":\"r\",\"content\":\"half a pair \\ud800\"}",
    b"{\"type\":\"prom",
    b"{}", b"[1]", b"{\"a\":", b"null", b"\"", b"\\", b"{", b"}", b" ", b"\t",
    b"\n", b"\n", b"\n", b"\r\n", b"\r", b"\x0b", b"\x0c", b"\xc2\x85", b"\xe2\x80\xa8",
    b"\xef\xbb\xbf", b"\0\0\0", b"\xff\xfe", b"\xf0\x9f\x98", b"\xc3\x28", b"\x1e",
];

fn content() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        8 => prop::sample::select(PIECES).prop_map(<[u8]>::to_vec),
        1 => prop::collection::vec(any::<u8>(), 0..40),
        1 => (0_usize..300).prop_map(|len| vec![b'a'; len]),
        2 => Just(b"\n".to_vec()),
    ];
    prop::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

fn load(content: &[u8], format: Option<&'static dyn Format>) -> Store {
    let mut file = tempfile::NamedTempFile::new().expect("a temporary file");
    file.write_all(content).expect("it can be written");
    let options = Options {
        anything: true,
        format,
        ..Options::new(PriceTable::built_in())
    };
    let input = Input::File(file.path().to_owned());
    let (store, errors) = Store::load(loader::start(vec![input], options));
    assert!(errors.is_empty(), "{errors:?}");
    store
}

proptest! {
    #![proptest_config(config(400))]

    #[test]
    fn every_byte_of_any_file_is_one_thing_and_only_one(content in content()) {
        let store = load(&content, None);
        let account = *store.account(SourceIx(0)).expect("an account");
        let size = content.len() as u64;
        let sum = account.bom + account.ok + account.bad + account.blank + account.partial;
        assert_eq!((sum, account.total), (size, size), "{account:?}");
        if store.sources()[0].framing == Framing::Lines {
            let lines = account.lines_ok + account.lines_bad + account.lines_blank + account.lines_partial;
            let body = content.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&content);
            let expected = body.split_inclusive(|&byte| byte == b'\n').count();
            assert_eq!(lines, expected as u64, "{account:?}");
        }
        rows_stand_in_the_file(&store, size);
    }

    #[test]
    fn no_format_loses_a_byte(content in content(), format in prop::sample::select(FORMATS)) {
        let store = load(&content, Some(format));
        let account = *store.account(SourceIx(0)).expect("an account");
        let sum = account.bom + account.ok + account.bad + account.blank + account.partial;
        assert_eq!((sum, account.total), (content.len() as u64, content.len() as u64), "{account:?}");
    }

    #[test]
    fn how_much_of_a_document_is_read_at_once_changes_nothing(
        document in document(),
        step in 1_usize..200,
        format in prop::sample::select(FORMATS),
    ) {
        let whole = pieces_of(&document, format, 1 << 20);
        assert_eq!(whole.account.total, document.len() as u64);
        let sum = whole.account.bom + whole.account.ok + whole.account.bad + whole.account.partial;
        assert_eq!(sum, whole.account.total, "{:?}", whole.account);
        assert_eq!(pieces_of(&document, format, step), whole);
    }

    #[test]
    fn where_blocks_are_cut_changes_nothing(
        content in content(),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..12),
        format in prop::sample::select(FORMATS),
    ) {
        let mut cuts: Vec<u64> = cuts.iter().map(|cut| cut.index(content.len() + 1) as u64).collect();
        cuts.sort_unstable();
        cuts.dedup();
        assert_eq!(read(&content, format, &cuts), read(&content, format, &[]));
    }

    #[test]
    fn blocks_of_one_byte_are_enough(content in content()) {
        let head = &content[..content.len().min(400)];
        let cuts: Vec<u64> = (0..head.len() as u64).collect();
        assert_eq!(read(head, FORMATS[0], &cuts), read(head, FORMATS[0], &[]));
    }
}

/// Documents, some of them cut short or damaged.
fn document() -> impl Strategy<Value = Vec<u8>> {
    let mut samples: Vec<Vec<u8>> = [
        b"[{\"type\":\"user\"},{\"role\":\"tool\",\"content\":[1,\"\\\"]\"]}, 5 ]".to_vec(),
        b"{\"messages\":[{\"role\":\"user\",\"content\":\"x\"}],\"n\":1}".to_vec(),
    ]
    .to_vec();
    let folder = sample("");
    for entry in ignore::Walk::new(folder).filter_map(Result::ok) {
        if entry
            .path()
            .extension()
            .is_some_and(|ending| ending == "json")
        {
            samples.push(std::fs::read(entry.path()).expect("a sample"));
        }
    }
    let damage = prop_oneof![
        2 => Just(None),
        1 => (any::<prop::sample::Index>(), Just(None)).prop_map(Some),
        1 => (any::<prop::sample::Index>(), any::<u8>().prop_map(Some)).prop_map(Some),
    ];
    (prop::sample::select(samples), damage).prop_map(|(mut text, damage)| {
        match damage {
            Some((at, None)) => text.truncate(at.index(text.len())),
            Some((at, Some(byte))) => {
                let at = at.index(text.len());
                text[at] = byte;
            }
            None => {}
        }
        text
    })
}

fn pieces_of(content: &[u8], format: &dyn Format, step: usize) -> Told {
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

/// Rows are in the order of the file, inside of it, and do not share bytes unless they share a record.
fn rows_stand_in_the_file(store: &Store, size: u64) {
    let mut last = (0, 0);
    for row in store.rows() {
        let (start, end) = (
            row.place().offset,
            row.place().offset + u64::from(row.place().len),
        );
        assert!(end <= size, "{start}..{end} of {size}");
        assert!(
            start >= last.1 || (start, end) == last,
            "{start}..{end} after {last:?}"
        );
        last = (start, end);
    }
}

/// Everything a block tells, with its places counted in the whole source.
#[derive(Debug, PartialEq, Default)]
struct Told {
    facts: Vec<String>,
    account: Account,
    lines: u32,
}

fn read(content: &[u8], format: &dyn Format, cuts: &[u64]) -> Told {
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
