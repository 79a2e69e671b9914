//! Every byte is accounted for, and block boundaries make no difference.

use proptest::prelude::{Just, Strategy, any, prop, prop_oneof, proptest};
use saferun_tui::ingest::formats::{self, FORMATS, Format};
use saferun_tui::ingest::records::Framing;
use saferun_tui::model::action::SourceIx;
use saferun_tui::store::Store;

use super::config;
use super::laws::{self, bytes_in, load, pieces_of, read};
use crate::support::sample;

/// Building blocks of good, bad and hostile files.
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

/// A reader with one of its samples, damaged in a few places.
fn damaged() -> impl Strategy<Value = (&'static dyn Format, Vec<u8>)> {
    let mut samples: Vec<(&'static dyn Format, Vec<u8>)> = Vec::new();
    for format in formats::all() {
        for entry in std::fs::read_dir(sample(format.name()))
            .into_iter()
            .flatten()
        {
            let path = entry.expect("an entry").path();
            if path.is_file() {
                samples.push((format, std::fs::read(path).expect("a sample")));
            }
        }
    }
    let place = any::<prop::sample::Index>;
    let damage = prop_oneof![
        1 => place().prop_map(Damage::End),
        3 => (place(), any::<u8>()).prop_map(|(at, byte)| Damage::Byte(at, byte)),
        2 => (place(), 0_usize..80).prop_map(|(at, len)| Damage::Gap(at, len)),
        2 => (place(), 0_usize..400, place()).prop_map(|(at, len, to)| Damage::Again(at, len, to)),
        3 => (place(), prop::sample::select(PIECES)).prop_map(|(at, piece)| Damage::Piece(at, piece)),
    ];
    let damages = prop::collection::vec(damage, 0..5);
    (prop::sample::select(samples), damages).prop_map(|((format, mut content), damages)| {
        for damage in damages {
            if !content.is_empty() {
                damage.on(&mut content);
            }
        }
        (format, content)
    })
}

#[derive(Debug, Clone)]
enum Damage {
    End(prop::sample::Index),
    Byte(prop::sample::Index, u8),
    Gap(prop::sample::Index, usize),
    /// Repeats a part somewhere else.
    Again(prop::sample::Index, usize, prop::sample::Index),
    Piece(prop::sample::Index, &'static [u8]),
}

impl Damage {
    fn on(&self, content: &mut Vec<u8>) {
        let size = content.len();
        let part = |at: usize, len: usize| at..(at + len).min(size);
        match self {
            Damage::End(at) => content.truncate(at.index(size)),
            Damage::Byte(at, byte) => content[at.index(size)] = *byte,
            Damage::Gap(at, len) => {
                content.drain(part(at.index(size), *len));
            }
            Damage::Again(at, len, to) => {
                let again = content[part(at.index(size), *len)].to_vec();
                let to = to.index(size);
                content.splice(to..to, again);
            }
            Damage::Piece(at, piece) => {
                let at = at.index(size);
                content.splice(at..at, piece.iter().copied());
            }
        }
    }
}

proptest! {
    #![proptest_config(config(300))]

    #[test]
    fn every_reader_obeys_the_laws_on_its_damaged_samples(
        (format, content) in damaged(),
        step in 20_usize..2000,
    ) {
        laws::hold(format, &content, step);
    }
}

proptest! {
    #![proptest_config(config(400))]

    #[test]
    fn every_byte_of_any_file_is_accounted_for_once(content in content()) {
        let store = load(&content, None);
        let account = *store.account(SourceIx(0)).expect("an account");
        let size = content.len() as u64;
        assert_eq!((bytes_in(&account), account.total), (size, size), "{account:?}");
        if store.sources()[0].framing == Framing::Lines {
            let lines = account.lines_ok + account.lines_bad + account.lines_blank + account.lines_partial;
            let body = content.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&content);
            let expected = body.split_inclusive(|&byte| byte == b'\n').count();
            // A line that holds whole records beside others counts once for each of its pieces.
            let pieces = lines - expected as u64;
            assert!(pieces <= 2 * account.lines_recovered, "{account:?}");
        }
        check_rows_are_in_the_file(&store, size);
    }

    #[test]
    fn no_format_loses_a_byte(content in content(), format in prop::sample::select(FORMATS)) {
        let store = load(&content, Some(format));
        let account = *store.account(SourceIx(0)).expect("an account");
        let size = content.len() as u64;
        assert_eq!((bytes_in(&account), account.total), (size, size), "{account:?}");
    }

    #[test]
    fn the_read_size_of_a_document_makes_no_difference(
        document in document(),
        step in 1_usize..200,
        format in prop::sample::select(FORMATS),
    ) {
        let whole = pieces_of(&document, format, 1 << 20);
        assert_eq!(whole.account.total, document.len() as u64);
        assert_eq!(bytes_in(&whole.account), whole.account.total, "{:?}", whole.account);
        assert_eq!(pieces_of(&document, format, step), whole);
    }

    #[test]
    fn block_boundaries_make_no_difference(
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
    fn blocks_of_one_byte_work(content in content()) {
        let head = &content[..content.len().min(400)];
        let cuts: Vec<u64> = (0..head.len() as u64).collect();
        assert_eq!(read(head, FORMATS[0], &cuts), read(head, FORMATS[0], &[]));
    }
}

/// Documents, some of them truncated or damaged.
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

/// Rows are in file order and within the file, and share bytes only if they share a record.
fn check_rows_are_in_the_file(store: &Store, size: u64) {
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
