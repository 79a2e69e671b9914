//! What the tests share: loading traces, and the reference data where it exists.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use saferun_tui::ingest::discover;
use saferun_tui::ingest::formats;
use saferun_tui::ingest::intake::{self, Options};
use saferun_tui::ingest::prices::PriceTable;
use saferun_tui::store::Store;

/// A file or folder of the reference data (beside the repository, or where `SAFERUN_SHARED` says);
/// `None`, and a word on it, where that is not present.
pub(crate) fn shared(path: &str) -> Option<PathBuf> {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared");
    let full = std::env::var_os("SAFERUN_SHARED")
        .map_or_else(beside, PathBuf::from)
        .join(path);
    if full.exists() {
        return Some(full);
    }
    skipped(&format!("../shared/{path} is not here"));
    None
}

/// Says that a test did not run, and why; `cargo test -- --nocapture` shows it.
pub(crate) fn skipped(why: &str) {
    // Nobody can be told where the standard error is closed.
    let _ = writeln!(std::io::stderr(), "skipped: {why}");
}

/// A sample of the repository.
pub(crate) fn sample(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("sample-traces")
        .join(path)
}

/// Loads paths as the program does; errors fail the test.
#[track_caller]
pub(crate) fn load(paths: &[PathBuf]) -> Store {
    let (inputs, errors) = discover::resolve(paths);
    assert!(errors.is_empty(), "{errors:?}");
    let (store, errors) = Store::load(intake::load(inputs, Options::new(PriceTable::built_in())));
    assert!(errors.is_empty(), "{errors:?}");
    store
}

/// Fails on text that a terminal would obey, or that a reader could not see.
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

/// Every sample that is a file, format by format.
pub(crate) fn samples() -> Vec<PathBuf> {
    let mut found = Vec::new();
    for format in formats::all() {
        let Ok(entries) = std::fs::read_dir(sample(format.name())) else {
            continue;
        };
        let paths = entries.map(|entry| entry.expect("an entry").path());
        found.extend(paths.filter(|path| path.is_file()));
    }
    found
}

/// `convert PATH -o OUTPUT`, with more options; lines that could not be read are no failure.
#[track_caller]
pub(crate) fn convert(options: &[&str], path: &Path, output: &Path) {
    let done = Command::new(assert_cmd::cargo::cargo_bin!("saferun-tui"))
        .args(["--no-config", "convert"])
        .args(options)
        .args([path, Path::new("-o"), output])
        .output()
        .expect("it runs");
    let said = String::from_utf8_lossy(&done.stderr);
    assert!(
        matches!(done.status.code(), Some(0 | 5)),
        "{}: {said}",
        path.display()
    );
}
