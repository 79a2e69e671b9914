//! A folder opens traces and nothing else.

use std::fs;
use std::path::{Path, PathBuf};

use saferun_tui::ingest::discover::{Input, Resolved, Shown, resolve};

const CLAUDE: &str = r#"{"type":"user","sessionId":"s","uuid":"u","parentUuid":null,"message":{"role":"user","content":"hi"}}"#;

/// A folder with these files.
fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for (name, text) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(path, text).expect("written");
    }
    folder
}

fn names(folder: &Path, found: &Resolved) -> Vec<String> {
    let path = |input: &Input| input.path().expect("a file");
    let name = |path: PathBuf| {
        let name = path.strip_prefix(folder).expect("inside");
        name.to_string_lossy().into_owned()
    };
    found.inputs.iter().map(path).map(name).collect()
}

#[test]
fn other_json_in_a_folder_is_counted_and_shown_only_if_asked_for() {
    let folder = folder(&[
        ("a.jsonl", CLAUDE),
        ("package.json", r#"{"name":"x","version":"1.0.0"}"#),
        (
            "sub/journal.jsonl",
            r#"{"type":"started","key":"k","agentId":"a"}"#,
        ),
        (
            "sessions-index.json",
            r#"{"version":1,"entries":[{"sessionId":"s","fullPath":"/x","firstPrompt":"go"}]}"#,
        ),
        ("s/tool-results/t.jsonl", CLAUDE),
        (
            "grok.jsonl",
            r#"{"type":"user","content":"go","prompt_index":0}"#,
        ),
    ]);
    let paths = [folder.path().to_owned()];
    let found = resolve(&paths, Shown::Traces);
    assert_eq!(names(folder.path(), &found), ["a.jsonl", "grok.jsonl"]);
    assert_eq!(found.notes(), ["3 other JSON files not shown · --all-json"]);
    let all = resolve(&paths, Shown::AllJson);
    assert_eq!((all.inputs.len(), all.notes().len()), (5, 0));
    let named = [folder.path().join("package.json")];
    assert_eq!(resolve(&named, Shown::Traces).inputs.len(), 1);
}

#[test]
fn a_folder_without_traces_says_what_it_holds() {
    let check = |files: &[(&str, &str)], words: &str| {
        let folder = folder(files);
        let found = resolve(&[folder.path().to_owned()], Shown::Traces);
        let error = found.errors[0].to_string();
        assert!(error.contains(words), "{error}");
    };
    check(&[("a.json", r#"{"a":1}"#)], "--all-json");
    check(&[("a.txt", "x")], "contains no trace");
    let store = "SQLite format 3\0 CREATE TABLE `session` (id text)";
    check(&[("opencode.db", store)], "cut short");
}

#[test]
fn a_link_to_a_folder_elsewhere_is_not_walked() {
    let elsewhere = folder(&[("b.jsonl", CLAUDE)]);
    let folder = folder(&[("a.jsonl", CLAUDE)]);
    for (name, target) in [("out", elsewhere.path()), ("root", Path::new("/"))] {
        std::os::unix::fs::symlink(target, folder.path().join(name)).expect("a link");
    }
    let found = resolve(&[folder.path().to_owned()], Shown::Traces);
    assert_eq!(names(folder.path(), &found), ["a.jsonl"]);
    // A link to a file is a file of the folder.
    let target = elsewhere.path().join("b.jsonl");
    std::os::unix::fs::symlink(target, folder.path().join("b.jsonl")).expect("a link");
    let found = resolve(&[folder.path().to_owned()], Shown::Traces);
    assert_eq!(names(folder.path(), &found), ["a.jsonl", "b.jsonl"]);
}
