//! Helpers for the tests: load traces, find the reference data, report skipped tests.

use std::collections::BTreeSet;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, PoisonError};

use saferun_tui::ingest::discover;
use saferun_tui::ingest::formats;
use saferun_tui::ingest::intake::{self, Options};
use saferun_tui::ingest::prices::PriceTable;
use saferun_tui::store::Store;

/// A file or folder of the reference data, which lives beside the repository or at `SAFERUN_SHARED`.
/// `None`, with a line on standard error, if it is missing: the calling test then checks less or nothing.
pub(crate) fn shared(path: &str) -> Option<PathBuf> {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared");
    let full = std::env::var_os("SAFERUN_SHARED")
        .map_or_else(beside, PathBuf::from)
        .join(path);
    if full.exists() {
        return Some(full);
    }
    skipped("no ../shared");
    None
}

/// Reports that the current test was skipped at least in part: once per test, as `skipped: NAME (WHY)`,
/// which `.ci/run` counts. Writes to standard error directly, because libtest captures `eprintln!`.
pub(crate) fn skipped(why: &str) {
    static REPORTED: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());
    let thread = std::thread::current();
    // libtest names the thread of a test after it.
    let test = thread.name().unwrap_or("unnamed test").to_owned();
    let mut reported = REPORTED.lock().unwrap_or_else(PoisonError::into_inner);
    if reported.insert(test.clone()) {
        // If standard error is closed, there is nowhere to report to.
        let _ = writeln!(std::io::stderr(), "skipped: {test} ({why})");
    }
}

/// A path in `sample-traces/`.
pub(crate) fn sample(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("sample-traces")
        .join(path)
}

/// Loads paths as the program does. An error fails the test.
#[track_caller]
pub(crate) fn load(paths: &[PathBuf]) -> Store {
    let found = discover::resolve(paths, discover::Shown::AllJson);
    let (inputs, errors) = (found.inputs, found.errors);
    assert!(errors.is_empty(), "{errors:?}");
    let (store, errors) = Store::load(intake::load(inputs, Options::new(PriceTable::built_in())));
    assert!(errors.is_empty(), "{errors:?}");
    store
}

/// Fails on control characters and on invisible ones.
#[track_caller]
pub(crate) fn harmless(shown: &str) {
    let bad = |c: &char| {
        (c.is_control() && *c != '\n')
            || matches!(*c,
                '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{180e}' | '\u{200b}' | '\u{200c}' | '\u{200e}'
                | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}'
                | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e01ef}')
    };
    if let Some(found) = shown.chars().find(bad) {
        panic!("{found:?} in {shown:?}");
    }
}

fn is_store(path: &Path) -> bool {
    path.extension()
        .is_some_and(|ending| ending == "db" || ending == "vscdb")
}

/// Every sample that is a single file of text, format by format.
pub(crate) fn samples() -> Vec<PathBuf> {
    let mut found = Vec::new();
    for format in formats::all() {
        let Ok(entries) = std::fs::read_dir(sample(format.name())) else {
            continue;
        };
        let paths = entries.map(|entry| entry.expect("an entry").path());
        // Databases are not text; what they hold is tested in `stores`.
        let is_text = |path: &PathBuf| path.is_file() && !is_store(path);
        found.extend(paths.filter(is_text));
    }
    found
}

/// Runs `convert PATH -o OUTPUT` with further options. Malformed lines (exit code 5) do not fail the test.
#[track_caller]
pub(crate) fn convert(options: &[&str], path: &Path, output: &Path) {
    let done = Command::new(assert_cmd::cargo::cargo_bin!("saferun-tui"))
        .args(["--no-config", "convert"])
        .args(options)
        .args([path, Path::new("-o"), output])
        .output()
        .expect("the program runs");
    let stderr = String::from_utf8_lossy(&done.stderr);
    assert!(
        matches!(done.status.code(), Some(0 | 5)),
        "{}: {stderr}",
        path.display()
    );
}
