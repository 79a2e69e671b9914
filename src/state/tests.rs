use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use proptest::prelude::*;
use tempfile::TempDir;

use crate::state::{Change, Layout, Mark, Notice, Position, SavedFilter, State, TraceId};

fn temporary() -> TempDir {
    tempfile::tempdir().expect("a temporary directory")
}

fn trace(folder: &Path, name: &str) -> TraceId {
    let path = folder.join(name);
    if !path.exists() {
        fs::write(&path, format!("{name}\nmore\n")).expect("a trace");
    }
    TraceId::of(&path).expect("a regular file")
}

fn open(folder: &Path) -> State {
    let (state, notices) = State::open(Some(folder));
    assert_eq!(notices, []);
    state
}

fn position(seq: u32) -> Position {
    Position {
        run: "run-1".to_owned(),
        seq,
        view: "stream".to_owned(),
        is_alone: true,
        filters: [("runs".to_owned(), "cost>1".to_owned())].into(),
    }
}

fn mark(letter: char, note: &str) -> Mark {
    Mark {
        letter,
        run: "run-1".to_owned(),
        seq: 7,
        note: note.to_owned(),
    }
}

/// Everything a caller can read.
fn contents(state: &State, traces: &[TraceId]) -> String {
    let per_trace = traces.iter();
    let per_trace = per_trace.map(|id| (state.position(id), state.marks(id)));
    format!(
        "{:?} {:?} {:?} {:?} {:?}",
        state.recent().collect::<Vec<_>>(),
        per_trace.collect::<Vec<_>>(),
        state.filter_history(),
        state.saved_filters(),
        state.layout("runs")
    )
}

fn files(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).expect("a directory");
    let mut names: Vec<String> = entries
        .map(|entry| entry.expect("an entry").file_name())
        .map(|name| name.to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

#[test]
fn what_was_saved_is_there_at_the_next_start() {
    let place = temporary();
    let folder = place.path().join("state/saferun-tui");
    let id = trace(place.path(), "a.jsonl");
    let mut state = open(&folder);
    assert!(!folder.exists(), "opening must not write");
    let changes = [
        Change::Opened {
            trace: id.clone(),
            at: 5,
        },
        Change::Moved {
            trace: id.clone(),
            to: position(42),
        },
        Change::Marked {
            trace: id.clone(),
            mark: mark('x', "why here?"),
        },
        Change::Filtered("is:error".to_owned()),
        Change::SavedFilter(SavedFilter {
            name: "trouble".to_owned(),
            filter: "is:error".to_owned(),
        }),
        Change::LaidOut {
            view: "runs".to_owned(),
            layout: Layout {
                columns: vec!["run".to_owned(), "cost".to_owned()],
                sort: Some("-cost".to_owned()),
                group: None,
            },
        },
    ];
    for change in changes {
        assert_eq!(state.apply(change), []);
    }
    let again = open(&folder);
    let traces = [id];
    assert_eq!(contents(&again, &traces), contents(&state, &traces));
    assert_eq!(again.position(&traces[0]), Some(&position(42)));
    assert_eq!(again.marks(&traces[0]), [mark('x', "why here?")]);
    assert_eq!(again.recent().count(), 1);
    let names = ["filters.json", "lock", "traces.json", "views.json"];
    assert_eq!(files(&folder), names);
}

#[test]
fn only_the_owner_can_read_the_state() {
    let place = temporary();
    let folder = place.path().join("deep/saferun-tui");
    open(&folder).apply(Change::Filtered("x".to_owned()));
    let mode = |path: PathBuf| {
        let metadata = fs::metadata(path).expect("it exists");
        metadata.permissions().mode() & 0o777
    };
    assert_eq!(mode(place.path().join("deep")), 0o700);
    assert_eq!(mode(folder.clone()), 0o700);
    for name in files(&folder) {
        assert_eq!(mode(folder.join(&name)), 0o600, "{name}");
    }
}

#[test]
fn turned_off_it_remembers_until_the_end_and_writes_nothing() {
    let (mut state, notices) = State::open(None);
    assert_eq!(notices, []);
    assert!(!state.is_on());
    assert_eq!(state.apply(Change::Filtered("x".to_owned())), []);
    assert_eq!(state.filter_history(), ["x"]);
}

#[test]
fn a_damaged_file_is_kept_under_another_name() {
    let folder = temporary();
    open(folder.path()).apply(Change::Filtered("x".to_owned()));
    for number in 1..=2 {
        let file = folder.path().join("filters.json");
        fs::write(&file, "{\"version\":1,").expect("written");
        let kept = folder.path().join(format!("filters.json.corrupt-{number}"));
        let (mut state, notices) = State::open(Some(folder.path()));
        assert!(
            matches!(&notices[..], [Notice::SetAside { file: f, kept: k, .. }] if *f == file && *k == kept),
            "{notices:?}"
        );
        assert_eq!(fs::read(&kept).expect("kept"), b"{\"version\":1,");
        assert_eq!(state.apply(Change::Filtered("y".to_owned())), []);
        assert_eq!(open(folder.path()).filter_history(), ["y"]);
    }
}

#[test]
fn a_file_of_a_newer_version_is_neither_read_nor_written() {
    let folder = temporary();
    let file = folder.path().join("filters.json");
    let newer = "{\"version\":2,\"history\":{\"anything\":[]}}";
    fs::write(&file, newer).expect("written");
    let (mut state, notices) = State::open(Some(folder.path()));
    assert!(
        matches!(&notices[..], [Notice::Newer { version: 2, .. }]),
        "{notices:?}"
    );
    assert_eq!(state.apply(Change::Filtered("x".to_owned())), []);
    assert_eq!(state.filter_history(), ["x"]);
    assert_eq!(fs::read_to_string(&file).expect("there"), newer);
}

#[test]
fn a_file_that_became_newer_or_damaged_while_we_ran_is_respected() {
    let folder = temporary();
    let file = folder.path().join("filters.json");
    let mut state = open(folder.path());
    state.apply(Change::Filtered("x".to_owned()));
    fs::write(&file, "broken").expect("written");
    let notices = state.apply(Change::Filtered("y".to_owned()));
    assert!(
        matches!(&notices[..], [Notice::SetAside { .. }]),
        "{notices:?}"
    );
    fs::write(&file, "{\"version\":9}").expect("written");
    let notices = state.apply(Change::Filtered("z".to_owned()));
    assert!(
        matches!(&notices[..], [Notice::Newer { .. }]),
        "{notices:?}"
    );
    assert_eq!(fs::read(&file).expect("there"), b"{\"version\":9}");
}

#[test]
fn what_is_not_a_file_is_neither_waited_for_nor_replaced() {
    let folder = temporary();
    fs::create_dir(folder.path().join("views.json")).expect("a directory");
    let (mut state, notices) = State::open(Some(folder.path()));
    assert!(
        matches!(&notices[..], [Notice::Unreadable { .. }]),
        "{notices:?}"
    );
    let layout = Layout::default();
    let view = "runs".to_owned();
    assert_eq!(state.apply(Change::LaidOut { view, layout }), []);
    assert!(state.layout("runs").is_some());
}

#[test]
fn a_path_that_cannot_be_a_folder_is_reported_at_the_start_and_then_left_alone() {
    let place = temporary();
    let file = place.path().join("saferun-tui");
    fs::write(&file, "mine").expect("written");
    let (mut state, notices) = State::open(Some(&file));
    assert!(
        !notices.is_empty()
            && notices
                .iter()
                .all(|it| matches!(it, Notice::Unreadable { .. })),
        "{notices:?}"
    );
    assert_eq!(state.apply(Change::Filtered("a".to_owned())), []);
    assert_eq!(state.filter_history(), ["a"]);
    assert_eq!(fs::read(&file).expect("there"), b"mine");
}

#[test]
fn a_failure_to_save_is_reported_once_and_made_good_later() {
    let place = temporary();
    let mut state = open(&place.path().join("later"));
    fs::write(place.path().join("later"), "").expect("written");
    let notices = state.apply(Change::Filtered("a".to_owned()));
    assert!(
        matches!(&notices[..], [Notice::NotSaved { .. }]),
        "{notices:?}"
    );
    assert_eq!(state.apply(Change::Filtered("b".to_owned())), []);
    fs::remove_file(place.path().join("later")).expect("removed");
    assert_eq!(state.flush(), []);
    let saved = open(&place.path().join("later"));
    assert_eq!(saved.filter_history(), ["a", "b"]);
}

#[test]
fn a_writer_that_was_killed_leaves_nothing_that_stops_the_next() {
    let folder = temporary();
    open(folder.path()).apply(Change::Filtered("a".to_owned()));
    fs::write(folder.path().join("filters.json.new"), "{\"vers").expect("written");
    open(folder.path()).apply(Change::Filtered("b".to_owned()));
    assert_eq!(open(folder.path()).filter_history(), ["a", "b"]);
    assert_eq!(files(folder.path()), ["filters.json", "lock"]);
}

#[test]
fn instances_that_write_at_the_same_time_lose_nothing() {
    const EACH: usize = 20;
    let folder = temporary();
    std::thread::scope(|scope| {
        for name in ["a", "b", "c"] {
            let path = folder.path();
            scope.spawn(move || {
                let mut state = open(path);
                for number in 0..EACH {
                    // May be too busy to save at once; nothing is lost then.
                    state.apply(Change::Filtered(format!("{name}{number}")));
                }
                while !state.flush().is_empty() {}
            });
        }
    });
    let saved = open(folder.path());
    assert_eq!(saved.filter_history().len(), 3 * EACH);
}

#[test]
fn only_the_newest_entries_are_kept() {
    let mut state = State::off();
    let folder = temporary();
    for number in 0..1_100 {
        state.apply(Change::Filtered(format!("f{number}")));
    }
    state.apply(Change::Filtered("x".repeat(5_000)));
    assert_eq!(state.filter_history().len(), 1_000);
    assert_eq!(state.filter_history()[0], "f100");
    let marked = trace(folder.path(), "marked");
    state.apply(Change::Marked {
        trace: marked.clone(),
        mark: mark('a', &"n".repeat(9_000)),
    });
    for number in 0..510 {
        let trace = trace(folder.path(), &format!("t{number}"));
        state.apply(Change::Opened { trace, at: number });
    }
    assert_eq!(state.recent().count(), 500);
    assert_eq!(state.marks(&marked)[0].note.len(), 4_096);
    let newest = state.recent().next().expect("a trace");
    assert!(newest.trace.path().ends_with("t509"));
}

#[test]
fn a_trace_stays_itself_while_it_grows_and_is_another_once_it_starts_differently() {
    let folder = temporary();
    let path = folder.path().join("run.jsonl");
    fs::write(&path, "{\"first\":1}\n").expect("written");
    let before = TraceId::of(&path).expect("a file");
    fs::write(&path, "{\"first\":1}\n{\"second\":2}\n").expect("written");
    assert_eq!(TraceId::of(&path), Some(before.clone()));
    let link = folder.path().join("link.jsonl");
    std::os::unix::fs::symlink(&path, &link).expect("a link");
    assert_eq!(TraceId::of(&link), Some(before.clone()));
    fs::write(&path, "{\"rotated\":1}\n").expect("written");
    assert_ne!(TraceId::of(&path), Some(before));
    assert!(TraceId::of(folder.path()).is_some());
    assert_eq!(TraceId::of(Path::new("/dev/null")), None);
    assert_eq!(TraceId::of(&folder.path().join("none")), None);
}

#[cfg(target_os = "linux")]
#[test]
fn a_path_that_is_not_utf_8_is_found_again() {
    use std::os::unix::ffi::OsStrExt;
    let place = temporary();
    let folder = place.path().join("state");
    let path = place
        .path()
        .join(std::ffi::OsStr::from_bytes(b"\xff\xfe.jsonl"));
    fs::write(&path, "x").expect("written");
    let id = TraceId::of(&path).expect("a file");
    let to = position(3);
    let trace = id.clone();
    open(&folder).apply(Change::Moved { trace, to });
    assert_eq!(open(&folder).position(&id), Some(&position(3)));
}

fn changes(traces: Vec<TraceId>) -> impl Strategy<Value = Change> {
    let trace = proptest::sample::select(traces);
    let name = "[a-c]{0,2}";
    let saved = (name, "[a-d]{1,2}").prop_map(|(name, filter)| SavedFilter { name, filter });
    let layout = (
        proptest::collection::vec(name, 0..3),
        proptest::option::of(name),
    );
    prop_oneof![
        (trace.clone(), 0..9_i64).prop_map(|(trace, at)| Change::Opened { trace, at }),
        (trace.clone(), 0..9_u32).prop_map(|(trace, seq)| Change::Moved {
            trace,
            to: position(seq)
        }),
        (trace.clone(), proptest::char::range('a', 'c'), name).prop_map(|(trace, letter, note)| {
            let mark = mark(letter, &note);
            Change::Marked { trace, mark }
        }),
        (trace, proptest::char::range('a', 'c'))
            .prop_map(|(trace, letter)| Change::Unmarked { trace, letter }),
        "[a-f]{1,2}".prop_map(Change::Filtered),
        saved.clone().prop_map(Change::SavedFilter),
        saved.prop_map(Change::ForgotFilter),
        layout.prop_map(|(columns, sort)| Change::LaidOut {
            view: "runs".to_owned(),
            layout: Layout {
                columns,
                sort,
                group: None
            },
        }),
    ]
}

fn known_traces() -> Vec<TraceId> {
    ["Cargo.toml", "src", "build.rs", "README.md"]
        .iter()
        .filter_map(|path| TraceId::of(Path::new(path)))
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Two instances that change anything in turn leave what one instance would have left.
    #[test]
    fn any_interleaving_of_two_instances_keeps_the_entries_of_both(
        steps in proptest::collection::vec((any::<bool>(), changes(known_traces())), 0..24)
    ) {
        let folder = temporary();
        let mut instances = [open(folder.path()), open(folder.path())];
        let mut alone = State::off();
        for (which, change) in steps {
            prop_assert_eq!(instances[usize::from(which)].apply(change.clone()), []);
            alone.apply(change);
        }
        let traces = known_traces();
        prop_assert_eq!(contents(&open(folder.path()), &traces), contents(&alone, &traces));
    }

    /// Damage that leaves a valid document looks like an edit by hand; all other damage is reported.
    #[test]
    fn any_damage_opens_and_is_reported_unless_the_document_is_still_valid(
        steps in proptest::collection::vec(changes(known_traces()), 1..12),
        at in any::<prop::sample::Index>(),
        byte in any::<u8>(),
        is_cut in any::<bool>(),
    ) {
        let folder = temporary();
        let mut state = open(folder.path());
        for step in steps {
            state.apply(step);
        }
        let saved = files(folder.path()).into_iter().find(|name| Path::new(name).extension().is_some_and(|it| it == "json"));
        if let Some(name) = saved {
            let file = folder.path().join(&name);
            let mut bytes = fs::read(&file).expect("saved");
            let at = at.index(bytes.len());
            if is_cut {
                bytes.truncate(at);
            } else {
                bytes[at] = byte;
            }
            fs::write(&file, &bytes).expect("damaged");
            let (mut opened, notices) = State::open(Some(folder.path()));
            let valid = serde_json::from_slice::<serde_json::Value>(&bytes).is_ok();
            prop_assert!(valid || notices.len() == 1, "{:?}", notices);
            match notices.first() {
                Some(Notice::SetAside { kept, .. }) => prop_assert_eq!(fs::read(kept).expect("kept"), bytes),
                Some(Notice::Newer { .. }) | None => prop_assert_eq!(fs::read(&file).expect("there"), bytes),
                Some(notice) => prop_assert!(false, "{}", notice),
            }
            prop_assert_eq!(opened.apply(Change::Filtered("next".to_owned())), []);
            prop_assert_eq!(opened.filter_history().last().map(String::as_str), Some("next"));
        }
    }
}
