//! Every byte of malicious files is accounted for, and every line is classified as the manifest
//! expects.

use std::path::{Path, PathBuf};
use std::process::Command;

use saferun_tui::ingest::bytes::Bytes;
use saferun_tui::ingest::discover::Input;
use saferun_tui::ingest::intake::{self, Options};
use saferun_tui::ingest::prices::PriceTable;
use saferun_tui::ingest::records::{Account, Framing};
use saferun_tui::model::action::SourceIx;
use saferun_tui::store::Store;

use crate::support::{shared, skipped};

/// Where our account of lines differs from the manifest, and why.
const DIFFERENCES: &[(&str, &str)] = &[
    (
        "02_framing/array.json",
        "a document: its records are found, but it counts as one line",
    ),
    ("02_framing/array_pretty.json", "a document"),
    (
        "02_framing/array_truncated.json",
        "a document: four records, and the rest is incomplete",
    ),
    ("02_framing/array_with_lines.json", "a document"),
    (
        "02_framing/concatenated.jsonl",
        "a document: concatenated records",
    ),
    (
        "02_framing/concatenated_spaces.jsonl",
        "a document: concatenated records",
    ),
    (
        "02_framing/cr_only.jsonl",
        "a document: CR is whitespace between records",
    ),
    (
        "02_framing/pretty.json",
        "a document: records of many lines",
    ),
    (
        "02_framing/rs_json_seq.jsonl",
        "a document: record separators are skipped",
    ),
    (
        "11_otlp/deep_kvlist.json",
        "nested too deeply: kept and flagged, where the manifest calls an unterminated line partial",
    ),
];

/// Compressed files, classified by their content: the number of good lines, and whether an error is
/// reported.
const PACKED: &[(&str, u64, bool)] = &[
    ("10_file/gzip_named_jsonl.jsonl", 5, false),
    ("10_file/gzip_ok.jsonl.gz", 5, false),
    ("10_file/gzip_truncated.jsonl.gz", 4, true),
    ("10_file/gzip_bad_crc.jsonl.gz", 5, true),
    ("10_file/gzip_multi_member.jsonl.gz", 10, false),
    ("10_file/gzip_trailing_garbage.jsonl.gz", 5, true),
    ("10_file/gzip_bomb_64m.jsonl.gz", 0, false),
    ("10_file/gzip_quine_like_nested.jsonl.gz", 0, false),
    ("10_file/zstd_magic.jsonl", 0, true),
    ("11_otlp/gzip_bomb_64m.json.gz", 0, false),
    ("11_otlp/truncated.json.gz", 0, true),
];

/// Writes the corpus to a temporary folder, if the generator and Python are available.
fn corpus() -> Option<(tempfile::TempDir, Vec<Vec<String>>)> {
    let generator = shared("tools/gen_corpus.py")?;
    let folder = tempfile::tempdir().expect("a temporary folder");
    let made = Command::new("python3")
        .arg(generator)
        .arg(folder.path())
        .output();
    if !made.is_ok_and(|made| made.status.success()) {
        skipped("no python3 to write the corpus");
        return None;
    }
    let manifest =
        std::fs::read_to_string(folder.path().join("MANIFEST.tsv")).expect("the manifest");
    let rows = manifest
        .lines()
        .skip(1)
        .map(|line| line.split('\t').map(str::to_owned).collect())
        .collect();
    Some((folder, rows))
}

/// Undoes the escapes of a file name in the manifest.
fn unescaped(name: &str) -> String {
    let mut out = String::new();
    let mut rest = name.chars().peekable();
    while let Some(c) = rest.next() {
        if c != '\\' {
            out.push(c);
            continue;
        }
        let (kind, len) = match rest.next() {
            Some('x') => ('x', 2),
            Some('u') => ('u', 4),
            Some('U') => ('U', 8),
            Some('n') => {
                out.push('\n');
                continue;
            }
            Some('t') => {
                out.push('\t');
                continue;
            }
            Some('r') => {
                out.push('\r');
                continue;
            }
            other => {
                out.extend(other);
                continue;
            }
        };
        let digits: String = rest.by_ref().take(len).collect();
        let code = u32::from_str_radix(&digits, 16).unwrap_or_else(|_| panic!("\\{kind}{digits}"));
        out.push(char::from_u32(code).expect("a character"));
    }
    out
}

fn account(path: &Path) -> (Store, Account, bool) {
    let options = Options {
        anything: true,
        ..Options::new(PriceTable::built_in())
    };
    let (store, errors) = Store::load(intake::load(vec![Input::File(path.to_owned())], options));
    let source = store.sources().first().expect("a source");
    let fault = source.bytes.fault();
    let is_expected = errors.len() == usize::from(fault.is_some());
    assert!(is_expected, "{}: {errors:?}", path.display());
    let account = *store.account(SourceIx(0)).expect("an account");
    let is_faulty = fault.is_some();
    (store, account, is_faulty)
}

#[track_caller]
fn adds_up(path: &Path, store: &Store, account: &Account) {
    let size = match &store.sources()[0].bytes {
        packed @ Bytes::Packed(_) => packed.len().expect("it is in memory"),
        _ => path.metadata().expect("a file").len(),
    };
    let sum = account.bom + account.ok + account.bad + account.blank + account.partial;
    assert_eq!(
        (sum, account.total),
        (size, size),
        "{}: {account:?}",
        path.display()
    );
}

#[test]
fn every_line_of_the_corpus_is_classified_as_in_the_manifest() {
    let Some((folder, rows)) = corpus() else {
        return;
    };
    assert_eq!(rows.len(), 390);
    let mut errors = Vec::new();
    let mut differing = Vec::new();
    for row in &rows {
        let name = if row[0].contains('\\') && !folder.path().join(&row[0]).exists() {
            unescaped(&row[0])
        } else {
            row[0].clone()
        };
        let path: PathBuf = folder.path().join(&name);
        let (store, account, is_faulty) = account(&path);
        adds_up(&path, &store, &account);
        let packed = PACKED.iter().find(|(file, ..)| *file == name);
        let is_packed = matches!(store.sources()[0].bytes, Bytes::Packed(_));
        assert_eq!(packed.is_some(), is_packed, "{name}");
        if let Some((_, lines, fault)) = packed {
            assert_eq!((account.lines_ok, is_faulty), (*lines, *fault), "{name}");
            continue;
        }
        let found = [
            // The manifest knows no records inside malformed lines.
            account.lines_ok - account.lines_repaired - account.lines_recovered,
            account.lines_bad + account.lines_repaired,
            account.lines_blank,
            account.lines_partial,
            u64::from(account.bom > 0),
        ];
        let expected: Vec<u64> = row[4..9]
            .iter()
            .map(|cell| cell.trim().parse().expect("a number"))
            .collect();
        let document = store.sources()[0].framing == Framing::Document;
        let explained = DIFFERENCES.iter().any(|(file, _)| *file == name);
        if found[..] != expected[..] {
            differing.push(name.clone());
            if !explained {
                errors.push(format!(
                    "{}: {found:?}, the manifest says {expected:?} (document: {document})",
                    row[0]
                ));
            }
        }
    }
    for (file, why) in DIFFERENCES {
        assert!(
            differing.iter().any(|name| name == file),
            "{file} no longer differs ({why})"
        );
    }
    assert!(errors.is_empty(), "{}", errors.join("\n"));
}

#[test]
fn every_byte_of_third_party_corpora_is_accounted_for() {
    for name in [
        "blns_all_fields",
        "grapheme_break",
        "jsontestsuite_as_lines",
        "vt_recordings",
    ] {
        let Some(path) = shared(&format!("data/thirdparty/{name}.jsonl")) else {
            continue;
        };
        let (store, account, _) = account(&path);
        adds_up(&path, &store, &account);
        if name == "jsontestsuite_as_lines" {
            // Nesting beyond 127, lone surrogates and invalid UTF-8 are accepted.
            assert!(account.lines_ok > 0 && account.lines_bad > 0, "{account:?}");
        }
    }
}
