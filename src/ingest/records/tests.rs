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
    lines::ReadBuffers::default()
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
fn whole_records_in_a_malformed_line_are_read() {
    let note = FactKind::Note;
    let bad = FactKind::Malformed;
    let torn = b"{\"type\":\"note\",\"id\":\"x{\"type\":\"note\"}\n";
    check(torn, &[bad, note], [16, 22, 0, 0]);
    let in_a_key = b"{\"type\":\"note\",\"i{\"type\":\"note\"}\n";
    check(in_a_key, &[bad, note], [16, 17, 0, 0]);
    let glued = b"{\"type\":\"note\"} {\"type\":\"note\"}\r\n";
    check(glued, &[note, note], [33, 0, 0, 0]);
    let hole = b"\0\0\0{\"type\":\"note\"}\n";
    check(hole, &[bad, note], [16, 3, 0, 0]);
    let tail = b"e\":{\"a\":1}}{\"type\":\"note\"}\n";
    check(tail, &[bad, note], [16, 11, 0, 0]);
    let last = b"{\"a{\"type\":\"note\"}{\"type\":\"no";
    check(last, &[bad, note, FactKind::Unknown], [15, 3, 0, 11]);
    assert_eq!(read(torn).account.lines_recovered, 1);
    assert_eq!(read(glued).account.lines_recovered, 2);
}

#[test]
fn what_a_malformed_record_contains_is_not_a_record() {
    for line in [
        &b"{\"type\":\"note\",\"a\":{\"type\":\"note\"}\n"[..],
        b"[{\"type\":\"note\"}\n",
        b"{\"a\":{\"type\":\"note\"},\"b\":x}\n",
        b"{\"a\":\"x\",\"b\":[{\"type\":\"note\"}]]\n",
    ] {
        check(line, &[FactKind::Malformed], [0, line.len() as u64, 0, 0]);
    }
}

#[test]
fn many_places_where_a_record_could_begin_cost_no_more_than_the_line() {
    let line: &'static [u8] = "{\"a\":".repeat(200_000).leak().as_bytes();
    let begun = std::time::Instant::now();
    assert_eq!(read(line).account.lines_partial, 1);
    assert!(begun.elapsed().as_secs() < 10);
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
