use std::cell::Cell;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::rc::Rc;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::act::remote::record::{HOUR, Meta, SECOND};
use crate::base::human::rfc3339;
use crate::ingest::formats;

/// Whether a file of the folder holds records.
fn is_of_records(name: &str) -> bool {
    Path::new(name).extension() == Some("jsonl".as_ref())
}

const LATE: Nanos = 900 * SECOND;
const START: Nanos = 1_796_000_000 * SECOND;

/// A folder that dies after a number of bytes and operations; from then on nothing works, as after a kill.
#[derive(Debug)]
struct Mortal {
    folder: Folder,
    left: Rc<Cell<u64>>,
    counts: Counts,
}

/// What a [`Mortal`] folder dies of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Counts {
    BytesAndSteps,
    /// Each begin and end of a write, rename and removal: every system call.
    Steps,
}

impl Mortal {
    fn spend(&self, cost: u64) -> u64 {
        let left = self.left.get();
        self.left.set(left.saturating_sub(cost));
        left.min(cost)
    }

    fn step(&self) -> io::Result<()> {
        match self.spend(1) {
            0 => Err(io::Error::other("killed")),
            _ => Ok(()),
        }
    }
}

impl Disk for Mortal {
    fn size(&self, name: &str) -> io::Result<Option<u64>> {
        self.folder.size(name)
    }

    fn read(&self, name: &str, at: u64, out: &mut [u8]) -> io::Result<()> {
        self.folder.read(name, at, out)
    }

    fn patch(&self, name: &str, keep: u64, more: &mut dyn Read) -> io::Result<()> {
        self.step()?;
        let mut bytes = Vec::new();
        more.read_to_end(&mut bytes)?;
        let written = match self.counts {
            Counts::BytesAndSteps => self.spend(bytes.len() as u64),
            Counts::Steps => bytes.len() as u64,
        };
        let part = &bytes[..usize::try_from(written).expect("small")];
        self.folder.patch(name, keep, &mut &part[..])?;
        if part.len() < bytes.len() {
            return Err(io::Error::other("killed"));
        }
        self.step()
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.step()?;
        self.folder.rename(from, to)
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.step()?;
        self.folder.remove(name)
    }
}

fn reader() -> Reader {
    Reader::spans(formats::by_name("langfuse").expect("a format"))
}

fn describe(record: &[u8]) -> Option<Meta> {
    reader().meta(record)
}

fn origin() -> Origin {
    Origin {
        product: "phoenix".to_owned(),
        host: "http://localhost".to_owned(),
        project: "p".to_owned(),
        filter: None,
    }
}

fn open(path: &Path) -> Store {
    Store::open(path, origin(), START, (reader(), LATE)).expect("a store")
}

fn mortal(path: &Path, left: &Rc<Cell<u64>>, counts: Counts) -> Result<Store, Error> {
    let folder = Folder::create(path).expect("a folder");
    fs::write(path.join(LOCK), "").expect("written");
    let store = Store {
        path: path.to_owned(),
        disk: Box::new(Mortal {
            folder,
            left: Rc::clone(left),
            counts,
        }),
        cursor: Cursor::new(origin(), START),
        index: Index::default(),
        open: Vec::new(),
        reader: reader(),
        late: LATE,
        _lock: None,
    };
    store.resume()
}

/// The contents of a server: each record can be read from some time on, and is as it was at that time.
type Server = Vec<(Nanos, Value)>;

/// Pulls windows of an hour until `until`.
fn pull(store: &mut Store, server: &Server, until: Nanos) -> Result<(), Error> {
    while store.cursor.next < until {
        let mut cursor = store.cursor.clone();
        let (from, to) = (cursor.next, (cursor.next + HOUR).min(until));
        let mut spool = store.spool()?;
        for (_, record) in server.iter().filter(|(at, _)| (from..to).contains(at)) {
            let line = serde_json::to_vec(record).expect("JSON");
            let meta = describe(&line).expect("a record");
            spool.add(&line, meta).expect("spooled");
        }
        cursor.next = to;
        store.commit(&spool, to, cursor)?;
    }
    Ok(())
}

fn bytes(path: &Path) -> BTreeMap<String, String> {
    let entries = fs::read_dir(path).expect("a folder");
    let files = entries.map(|entry| {
        let entry = entry.expect("an entry");
        let name = entry.file_name().to_string_lossy().into_owned();
        (name, fs::read_to_string(entry.path()).expect("text"))
    });
    files.filter(|(name, _)| name != LOCK).collect()
}

fn span(trace: &str, span: &str, minutes: [i64; 2], session: Option<&str>) -> (Nanos, Value) {
    let [began, ended] = minutes.map(|it| START + it * 60 * SECOND);
    let time = |nanos: Nanos| rfc3339(nanos / 1_000);
    let record = json!({
        "type": "SPAN",
        "traceId": trace,
        "id": format!("{trace} {span}"),
        "parentObservationId": (span != "root").then_some("root"),
        "sessionId": session,
        "startTime": time(began),
        "endTime": time(ended),
    });
    (began, record)
}

/// Two sessions over several hours, one of them past midnight, and a trace that a later record joins with one.
fn several() -> Server {
    vec![
        span("a", "root", [0, 20], Some("one")),
        span("a", "x", [1, 2], None),
        span("b", "root", [30, 90], None),
        span("b", "y", [31, 32], None),
        span("c", "root", [70, 75], Some("one")),
        span("d", "root", [110, 115], Some("two")),
        span("b", "late", [200, 201], Some("two")),
        span("e", "root", [900, 1000], Some("one")),
        span("f", "root", [905, 906], None),
        span("a", "z", [1300, 1301], None),
        span("g", "lost", [1310, 1311], None),
        span("h", "root", [1400, 1405], Some("three")),
    ]
}

const UNTIL: Nanos = START + 30 * HOUR;

#[test]
fn every_record_is_kept_once_and_runs_stay_together() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("pulled");
    pull(&mut open(&path), &several(), UNTIL).expect("pulled");
    let files = bytes(&path);
    let records = files.iter().filter(|(name, _)| is_of_records(name));
    let mut file_of: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    let mut count = 0;
    for (name, text) in records {
        for line in text.lines() {
            count += 1;
            let meta = describe(line.as_bytes()).expect("a record");
            file_of.entry(meta.trace).or_default().push(name);
        }
    }
    assert_eq!(count, several().len());
    for (one, other) in [("a", "c"), ("a", "e"), ("b", "d")] {
        assert_eq!(file_of[one][0], file_of[other][0], "{one} and {other}");
    }
    assert!(
        file_of
            .values()
            .all(|files| files.iter().all(|it| *it == files[0]))
    );
    assert!(open(&path).open_traces().iter().all(|(id, _)| id != "a"));
}

#[test]
fn traces_of_a_run_are_in_the_order_in_which_they_began() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("pulled");
    pull(&mut open(&path), &several(), UNTIL).expect("pulled");
    for text in bytes(&path).values() {
        let mut last: BTreeMap<String, Nanos> = BTreeMap::new();
        let mut began: BTreeMap<String, Nanos> = BTreeMap::new();
        for meta in text.lines().filter_map(|line| describe(line.as_bytes())) {
            let trace = began.entry(meta.trace.clone()).or_insert(meta.began);
            *trace = (*trace).min(meta.began);
        }
        let sessions = [
            ("a", "one"),
            ("c", "one"),
            ("e", "one"),
            ("b", "two"),
            ("d", "two"),
        ];
        for meta in text.lines().filter_map(|line| describe(line.as_bytes())) {
            let Some((_, session)) = sessions.iter().find(|(trace, _)| *trace == meta.trace) else {
                continue;
            };
            let at = began[&meta.trace];
            let last = last.entry((*session).to_owned()).or_insert(at);
            assert!(at >= *last, "{}", meta.trace);
            *last = at;
        }
    }
}

/// A folder in memory where there is such a place: a pull syncs its files, and thousands of them would wait for a disk.
fn in_memory() -> tempfile::TempDir {
    tempfile::tempdir_in("/dev/shm")
        .or_else(|_| tempfile::tempdir())
        .expect("a folder")
}

/// Kills a pull at every `step`-th place, resumes it, and returns how many places there are.
fn killed(counts: Counts, step: u64) -> u64 {
    let folder = in_memory();
    let whole = folder.path().join("whole");
    pull(&mut open(&whole), &several(), UNTIL).expect("pulled");
    let want = bytes(&whole);
    let mut at = 0;
    loop {
        let path = folder.path().join(format!("killed-{at}"));
        let left = Rc::new(Cell::new(at));
        let store = mortal(&path, &left, counts);
        let killed = store.and_then(|mut store| pull(&mut store, &several(), UNTIL));
        if killed.is_ok() {
            assert_eq!(bytes(&path), want);
            return at;
        }
        pull(&mut open(&path), &several(), UNTIL).expect("resumed");
        assert_eq!(bytes(&path), want, "killed after {at}");
        fs::remove_dir_all(&path).expect("removed");
        at += step;
    }
}

#[test]
fn a_pull_that_is_killed_anywhere_ends_with_the_same_bytes() {
    assert!(killed(Counts::BytesAndSteps, 61) > 2_000);
}

#[test]
fn a_pull_that_is_killed_before_or_after_any_system_call_ends_with_the_same_bytes() {
    assert!(killed(Counts::Steps, 1) > 100);
}

#[test]
fn a_second_pull_of_the_same_folder_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let first = open(folder.path());
    let second = Store::open(folder.path(), origin(), START, (reader(), LATE));
    assert!(matches!(second, Err(Error::Locked { .. })));
    drop(first);
    open(folder.path());
}

#[test]
fn a_folder_has_one_source_and_one_filter() {
    let folder = tempfile::tempdir().expect("a folder");
    pull(&mut open(folder.path()), &several(), UNTIL).expect("pulled");
    let other = Origin {
        filter: Some("is:error".to_owned()),
        ..origin()
    };
    let error = Store::open(folder.path(), other, START, (reader(), LATE)).expect_err("refused");
    assert!(error.to_string().contains("with -w 'is:error'"), "{error}");
}

#[test]
fn a_foreign_folder_is_left_alone() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("notes.txt"), "mine").expect("written");
    let refused = Store::open(folder.path(), origin(), START, (reader(), LATE));
    assert!(matches!(refused, Err(Error::Foreign { .. })));
}

#[test]
fn a_file_that_was_edited_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    pull(&mut open(folder.path()), &several(), UNTIL).expect("pulled");
    let names = bytes(folder.path());
    let name = names.keys().find(|it| is_of_records(it)).expect("one");
    fs::write(folder.path().join(name), "{}\n").expect("written");
    let refused = Store::open(folder.path(), origin(), START, (reader(), LATE));
    assert!(matches!(refused, Err(Error::Changed { .. })));
}

#[test]
fn a_lost_index_is_made_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let (whole, other) = (folder.path().join("whole"), folder.path().join("other"));
    let half = START + 15 * HOUR;
    pull(&mut open(&whole), &several(), UNTIL).expect("pulled");
    pull(&mut open(&other), &several(), half).expect("pulled");
    fs::remove_file(other.join(".index")).expect("removed");
    pull(&mut open(&other), &several(), UNTIL).expect("pulled");
    let records = |path: &Path| {
        let mut files = bytes(path);
        files.retain(|name, _| is_of_records(name));
        files
    };
    assert_eq!(records(&other), records(&whole));
}

#[test]
fn files_and_folders_are_for_their_owner_alone() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("pulled");
    pull(&mut open(&path), &several(), UNTIL).expect("pulled");
    let mode = |path: &Path| fs::metadata(path).expect("there").permissions().mode() & 0o777;
    assert_eq!(mode(&path), 0o700);
    for entry in fs::read_dir(&path).expect("a folder") {
        assert_eq!(mode(&entry.expect("an entry").path()), 0o600);
    }
}

fn any_span() -> impl Strategy<Value = (Nanos, Value)> {
    let session = prop::option::weighted(0.3, 0..3u8);
    (0..6u8, 0..4u8, 0..3_000i64, 0..200i64, session).prop_map(
        |(trace, id, began, long, session)| {
            let id = if id == 0 {
                "root".to_owned()
            } else {
                id.to_string()
            };
            let session = session.map(|it| format!("session {it}"));
            let minutes = [began, began + long];
            span(&trace.to_string(), &id, minutes, session.as_deref())
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn any_pull_can_be_killed_twice(server in prop::collection::vec(any_span(), 0..25), kills in [0..9_000u64, 0..9_000]) {
        let folder = in_memory();
        let (whole, path) = (folder.path().join("whole"), folder.path().join("killed"));
        let until = START + 60 * HOUR;
        pull(&mut open(&whole), &server, until).expect("pulled");
        for kill in kills {
            let left = Rc::new(Cell::new(kill));
            let store = mortal(&path, &left, Counts::BytesAndSteps);
            let _ = store.and_then(|mut store| pull(&mut store, &server, until));
        }
        pull(&mut open(&path), &server, until).expect("resumed");
        prop_assert_eq!(bytes(&path), bytes(&whole));
        let mut spans: Vec<(String, String)> = Vec::new();
        for text in bytes(&whole).values() {
            let found = text.lines().filter_map(|line| describe(line.as_bytes()));
            spans.extend(found.map(|meta| (meta.trace, meta.span)));
        }
        let mut once = spans.clone();
        once.sort();
        once.dedup();
        prop_assert_eq!(once.len(), spans.len());
    }
}
