use super::lines::{self, Block};
use super::*;
use crate::ingest::bytes::Bytes;
use crate::ingest::formats;

fn read(bytes: &'static [u8]) -> Decoded {
    let end = bytes.len() as u64;
    let format = formats::by_name("saferun").expect("a format");
    let block = Block {
        start: 0,
        end,
        source_end: end,
    };
    let bytes = Bytes::Static(bytes);
    lines::Desk::default()
        .read(&bytes, format, block, Decoded::default())
        .expect("bytes in memory")
}

#[track_caller]
fn check(bytes: &'static [u8], kinds: &[FactKind], [ok, bad, blank, partial]: [u64; 4]) {
    let decoded = read(bytes);
    let found: Vec<FactKind> = decoded.facts.iter().map(|fact| fact.kind).collect();
    assert_eq!(found, kinds);
    let account = decoded.account;
    assert_eq!(
        [account.ok, account.bad, account.blank, account.partial],
        [ok, bad, blank, partial]
    );
    assert_eq!(account.bom + ok + bad + blank + partial, bytes.len() as u64);
}

#[test]
fn a_line_ends_at_lf_and_nowhere_else() {
    check(
        b"{\"type\":\"note\"}\r\n{\"type\":\"note\"}\r\r\n",
        &[FactKind::Note, FactKind::Note],
        [35, 0, 0, 0],
    );
    check(
        b"{\"type\":\"note\"}\x0b\n",
        &[FactKind::Malformed],
        [0, 17, 0, 0],
    );
}

#[test]
fn drops_a_byte_order_mark_at_the_start_and_flags_it_elsewhere() {
    check(
        b"\xef\xbb\xbf{\"type\":\"note\"}\n",
        &[FactKind::Note],
        [16, 0, 0, 0],
    );
    let decoded = read(b"{}\n\xef\xbb\xbf{\"type\":\"note\"}\n");
    assert!(decoded.facts[1].flags.has(Flags::STRAY_BOM));
    assert_eq!(decoded.account.lines_repaired, 1);
}

#[test]
fn counts_blank_lines_and_an_incomplete_last_line_as_partial() {
    check(
        b"\n \t\r\n{\"type\":\"no",
        &[FactKind::Unknown],
        [0, 0, 5, 11],
    );
    check(b"{\"type\":\"note\"}", &[FactKind::Note], [15, 0, 0, 0]);
}

#[test]
fn explains_why_a_line_is_malformed() {
    let place = |bytes: &[u8]| Place {
        offset: 0,
        len: bytes.len() as u32,
        part: 0,
    };
    let check = |bytes: &[u8], why: &str| assert_eq!(reason(bytes, place(bytes)), why);
    check(b"{\"a\" 1}", "expected ':' at column 6");
    check(b"[1]", "not an object (it begins \"[1]\")");
    check(
        &[0; 16],
        "NUL run, 16 bytes: a hole left by a crash or by rotation",
    );
    check(b"<html>", "expected a value (it begins \"<html>\")");
}

#[test]
fn finds_the_records_of_documents() {
    let check = |bytes: &[u8], records: usize, good: usize| {
        let found = document::find(bytes);
        assert_eq!(
            (found.records.len(), found.good),
            (records, good),
            "{}",
            String::from_utf8_lossy(bytes)
        );
    };
    check(b"[{\"a\":1},\n {\"b\":[{}]}]\n", 2, 23);
    check(b"{\"v\":1,\"events\":[{},{}]}", 2, 24);
    check(b"{\"type\":\"run_start\",\"tools\":[{}]}", 1, 33);
    check(b"{}{} {}", 3, 7);
    check(b"[{},{\"a\":", 1, 3);
}

#[test]
fn refuses_a_document_over_the_limit() {
    let file = tempfile::NamedTempFile::new().expect("a temporary file");
    std::fs::write(file.path(), "[\n{\"type\":\"note\",\"run_id\":\"r\"},\n")
        .expect("it can be written");
    // The rest is a hole, so that nothing of this size is written or read.
    file.as_file()
        .set_len(limits::LARGEST_DOCUMENT + 1)
        .expect("a hole");
    let bytes = crate::ingest::discover::open_file(file.path()).expect("a file");
    let refused =
        formats::sniff::identify(file.path(), &bytes, None, false).expect_err("too large");
    assert!(
        refused.to_string().contains("the limit is 1073741824"),
        "{refused}"
    );
}
