//! OpenCode sessions as stored on disk, each spread over many small files.

use std::fs;
use std::path::{Path, PathBuf};

use saferun_tui::ingest::Loaded;
use saferun_tui::ingest::discover::{self, Shown, resolve};
use saferun_tui::ingest::formats::{self, Format};
use saferun_tui::ingest::intake::{self, Options};
use saferun_tui::ingest::prices::PriceTable;
use saferun_tui::ingest::recent;
use saferun_tui::ingest::relations::Relations;
use saferun_tui::store::Store;

fn format() -> &'static dyn Format {
    formats::by_name("opencode").expect("a format")
}

/// A storage folder with the given files.
fn storage(contents: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    fill(folder.path(), contents);
    folder
}

fn fill(storage: &Path, contents: &[(&str, &str)]) {
    for name in ["session", "message", "part"] {
        fs::create_dir_all(storage.join(name)).expect("a folder");
    }
    for (name, text) in contents {
        let path = storage.join(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(path, text).expect("written");
    }
}

fn opened(path: &Path) -> (Store, Vec<String>) {
    let inputs = resolve(&[path.to_owned()], Shown::AllJson).inputs;
    let (store, errors) = Store::load(intake::load(inputs, Options::new(PriceTable::built_in())));
    let errors = errors.iter().map(ToString::to_string).collect();
    (store, errors)
}

/// Kind, status, agent and tool of every row.
fn rows_of(store: &Store) -> Vec<String> {
    let words = store.rows().map(|row| {
        let words = [
            row.kind().word(),
            row.status().word(),
            row.agent(),
            row.tool(),
        ];
        let words = words.into_iter().filter(|word| !word.is_empty());
        words.collect::<Vec<_>>().join(" ")
    });
    words.collect()
}

const SESSION: (&str, &str) = (
    "session/p/ses_a.json",
    r#"{"id":"ses_a","projectID":"p","directory":"/w","title":"t","time":{"created":1700000000000}}"#,
);
const ASKED: (&str, &str) = (
    "message/ses_a/msg_1.json",
    r#"{"id":"msg_1","sessionID":"ses_a","role":"user","time":{"created":1700000001000}}"#,
);
const TEXT: (&str, &str) = (
    "part/msg_1/prt_1.json",
    "{\n  \"id\": \"prt_1\",\n  \"type\": \"text\",\n  \"text\": \"hej\"\n}\n",
);

#[test]
fn the_files_of_a_session_form_one_run() {
    let folder = storage(&[
        SESSION,
        ASKED,
        TEXT,
        ("todo/ses_a.json", "[]"),
        ("session_diff/ses_a.json", "[]"),
    ]);
    let (store, errors) = opened(folder.path());
    assert_eq!(errors, Vec::<String>::new());
    assert_eq!(rows_of(&store), ["run_start opencode", "prompt opencode"]);
    assert_eq!(store.sources().len(), 1);
    let prompt = store.rows().nth(1).expect("a prompt");
    let spot = prompt.spot();
    assert_eq!(
        (spot.path.as_ref(), spot.line, spot.offset),
        (folder.path().join(TEXT.0).as_path(), 1, 0)
    );
}

#[test]
fn a_malformed_file_is_a_row_and_leaves_its_neighbours_intact() {
    let folder = storage(&[
        SESSION,
        ASKED,
        TEXT,
        (
            "part/msg_1/prt_2.json",
            "{\"id\":\"prt_2\",\n\"text\":\"]}]}",
        ),
        ("part/msg_1/prt_3.json", "]"),
        ("part/msg_1/prt_4.json", "\u{feff}{\"type\":\"hologram\"}"),
        ("part/msg_1/prt_5.json", ""),
        ("message/ses_a/msg_2.json", "{\"id\":\"msg_2\",\"ro"),
        (
            "part/msg_2/prt_6.json",
            r#"{"type":"tool","tool":"ls","callID":"c","state":{"status":"running"}}"#,
        ),
    ]);
    let (store, errors) = opened(folder.path());
    assert_eq!(errors.len(), 1, "{errors:?}");
    assert!(errors[0].contains("prt_5.json: it is empty"), "{errors:?}");
    assert_eq!(
        rows_of(&store),
        [
            "run_start opencode",
            "prompt opencode",
            "unknown opencode",
            "unknown opencode",
            "unknown opencode",
            "response opencode",
            "tool_call pending opencode ls",
            "unknown opencode",
        ]
    );
    assert_eq!(store.sources().len(), 1);
}

#[test]
fn finds_files_by_content_if_their_names_are_not_ids() {
    let folder = storage(&[
        ("session/p/first.json", SESSION.1),
        ("message/ses_a/0001.json", ASKED.1),
        TEXT,
    ]);
    let (store, _) = opened(folder.path());
    assert_eq!(rows_of(&store), ["run_start opencode", "prompt opencode"]);
    let flat = storage(&[
        ("session/p/first.json", SESSION.1),
        ("message/ses_a/0001.json", ASKED.1),
        (
            "part/0001.json",
            r#"{"messageID":"msg_1","type":"text","text":"hej"}"#,
        ),
    ]);
    let (store, _) = opened(flat.path());
    assert_eq!(rows_of(&store), ["run_start opencode", "prompt opencode"]);
}

#[test]
fn ids_cannot_escape_the_folder() {
    let folder = storage(&[
        (
            "session/p/ses_a.json",
            r#"{"id":"../elsewhere","projectID":"p","directory":"/w","time":{}}"#,
        ),
        ("elsewhere/secret.json", ASKED.1),
    ]);
    let (store, _) = opened(&folder.path().join(SESSION.0));
    assert_eq!(rows_of(&store), ["run_start opencode"]);
}

/// A session started by another one, and the call that started it.
const CHILD: &[(&str, &str)] = &[
    (
        "session/p/ses_0.json",
        r#"{"id":"ses_0","parentID":"ses_a","projectID":"p","title":"c","time":{"created":1700000003000}}"#,
    ),
    (
        "message/ses_0/msg_3.json",
        r#"{"id":"msg_3","sessionID":"ses_0","role":"user","agent":"explore","time":{"created":1700000003100}}"#,
    ),
    ("part/msg_3/prt_7.json", r#"{"type":"text","text":"look"}"#),
    (
        "message/ses_a/msg_2.json",
        r#"{"id":"msg_2","sessionID":"ses_a","role":"assistant","time":{"created":1700000002000}}"#,
    ),
    (
        "part/msg_2/prt_2.json",
        r#"{"type":"tool","tool":"task","callID":"c1","state":{"status":"completed","input":{},"output":"","metadata":{"sessionId":"ses_0"},"time":{"start":1700000002500,"end":1700000004000}}}"#,
    ),
];

#[test]
fn a_child_session_is_a_lane_of_its_parent() {
    let mut contents = vec![SESSION, ASKED, TEXT];
    contents.extend_from_slice(CHILD);
    let folder = storage(&contents);
    let session = folder.path().join(SESSION.0);
    for path in [folder.path(), &session] {
        let (store, _) = opened(path);
        assert_eq!(
            rows_of(&store),
            [
                "run_start opencode",
                "prompt opencode",
                "response opencode",
                "tool_call ok opencode task",
                "prompt explore/ses_0",
            ]
        );
        let [run] = store.runs() else {
            panic!("one run");
        };
        assert_eq!(run.totals.tool_calls, 1);
        let [lane] = &run.lanes[..] else {
            panic!("one lane: {:?}", run.lanes);
        };
        let starter = lane.parent.get().expect("a call started it");
        assert_eq!(store.row(starter).tool(), "task");
    }
    let (store, _) = opened(&folder.path().join(CHILD[0].0));
    assert_eq!(store.runs()[0].parent_run.as_deref(), Some("ses_a"));
}

#[test]
fn sessions_that_refer_to_each_other_are_read_once() {
    let circle = |id: &str, parent: &str| {
        format!(r#"{{"id":"{id}","parentID":"{parent}","projectID":"p","time":{{"created":1}}}}"#)
    };
    let (a, b) = (circle("ses_a", "ses_b"), circle("ses_b", "ses_a"));
    let folder = storage(&[("session/p/ses_a.json", &a), ("session/p/ses_b.json", &b)]);
    let (store, _) = opened(folder.path());
    assert_eq!(store.sources().len(), 2);
    assert_eq!(store.runs().len(), 1);
}

#[test]
fn a_folder_is_scanned_once() {
    let folder = storage(CHILD);
    let child = folder.path().join(CHILD[0].0);
    let opencode = format();
    let mut kin = Relations::default();
    assert!(
        !opencode.is_part(&child, &mut kin),
        "its parent is not there"
    );
    fs::write(folder.path().join(SESSION.0), SESSION.1).expect("written");
    assert!(!opencode.is_part(&child, &mut kin), "the scan is cached");
    assert!(opencode.is_part(&child, &mut Relations::default()));
}

#[test]
fn any_byte_range_of_a_run_in_many_files_can_be_read() {
    let folder = storage(&[
        SESSION,
        ASKED,
        TEXT,
        ("part/msg_1/prt_2.json", "{\"id\":\""),
    ]);
    let bytes = discover::open_file(&folder.path().join(SESSION.0)).expect("a session");
    let size = bytes.len().expect("a size") as usize;
    let whole = bytes.slice(0, size + 9).expect("bytes");
    assert_eq!(whole.len(), size);
    let text = String::from_utf8(whole.clone()).expect("text");
    assert_eq!(
        text,
        format!(
            "{}\n{{\"info\":{},\"parts\":[{},\"'id':\"]}}\n",
            SESSION.1,
            ASKED.1,
            TEXT.1.replace('\n', " ")
        )
    );
    for start in 0..size {
        let part = bytes.slice(start as u64, 7).expect("bytes");
        assert_eq!(part, &whole[start..(start + 7).min(size)]);
    }
}

#[test]
fn a_file_that_changed_is_reported_and_keeps_its_place() {
    let folder = storage(&[SESSION, ASKED, TEXT]);
    let bytes = discover::open_file(&folder.path().join(SESSION.0)).expect("a session");
    fs::write(folder.path().join(TEXT.0), "{}").expect("written");
    let size = bytes.len().expect("a size");
    let whole = bytes.slice(0, size as usize).expect("bytes");
    assert_eq!(whole.len() as u64, size);
    assert!(bytes.fault().is_some_and(|what| what.contains("changed")));
    fs::remove_file(folder.path().join(TEXT.0)).expect("removed");
    assert_eq!(bytes.slice(0, 10).expect("bytes").len(), 10);
}

#[test]
fn other_folders_are_left_alone() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path: PathBuf = folder.path().join("session/p/a.json");
    fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
    fs::create_dir(folder.path().join("todo")).expect("a folder");
    fs::write(&path, SESSION.1).expect("written");
    assert!(format().gather(&path).is_none());
    assert!(!format().is_aside(&folder.path().join("todo")));
}

#[test]
fn following_a_run_in_many_files_is_rejected_with_a_message() {
    let folder = storage(&[SESSION, ASKED, TEXT]);
    let paths = vec![folder.path().to_owned()];
    let options = Options::new(PriceTable::built_in());
    let messages = intake::follow(paths, options, true).expect("it starts");
    let failed = std::iter::from_fn(|| messages.recv().ok()).find_map(|message| match message {
        Loaded::Failed(error) => Some(error.to_string()),
        _ => None,
    });
    assert!(failed.is_some_and(|text| text.contains("a run of many files")));
}

#[test]
fn sessions_are_discovered_and_titled_by_their_first_prompt() {
    let home = tempfile::tempdir().expect("a temporary folder");
    let storage = home.path().join(".local/share/opencode/storage");
    let mut contents = vec![SESSION, ASKED, TEXT];
    contents.extend_from_slice(CHILD);
    fill(&storage, &contents);
    let found = recent::find(&recent::Homes::below(home.path()));
    let [session] = &found[..] else {
        panic!("the session that a person began: {found:?}");
    };
    assert_eq!(session.path, storage.join(SESSION.0));
    assert_eq!(recent::first_words(session), "hej");
}
