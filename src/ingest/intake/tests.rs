use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use proptest::prelude::*;
use tempfile::TempDir;

use super::{Closed, Control, Messages, Options, follow, load, open};
use crate::ingest::batch::Batch;
use crate::ingest::discover::Input;
use crate::ingest::loaded::Loaded;
use crate::ingest::prices::PriceTable;
use crate::model::action::Kind;
use crate::model::quantity::Time;
use crate::model::run::RunStatus;

/// Longer than any of this takes on the slowest machine.
const PATIENCE: Duration = Duration::from_secs(20);

fn options() -> Options {
    Options::new(PriceTable::built_in())
}

fn folder() -> TempDir {
    tempfile::tempdir().expect("a temporary folder")
}

/// One run with as many notes as asked for, then a line that is no JSON if `broken`.
fn trace(run: &str, notes: usize, broken: bool) -> String {
    let note = |number: usize| {
        format!(
            r#"{{"type":"note","run_id":"{run}","agent":"agent-{run}","text":"note {number}"}}"#
        ) + "\n"
    };
    let tail = if broken { "{\"type\":\n" } else { "" };
    (0..notes).map(note).collect::<String>() + tail
}

fn write(folder: &TempDir, name: &str, text: &str) -> PathBuf {
    let path = folder.path().join(name);
    fs::write(&path, text).expect("it can be written");
    path
}

fn append(path: &Path, text: &str) {
    let file = OpenOptions::new().append(true).open(path);
    let mut file = file.expect("it can be opened");
    file.write_all(text.as_bytes()).expect("it can be written");
}

/// What messages amount to, whatever their batches.
#[derive(Debug, Default, PartialEq)]
struct Contents {
    sources: Vec<PathBuf>,
    symbols: Vec<String>,
    /// By action: its kind, the numbers of its source, run and agent, its line and its sequence number.
    rows: Vec<(Kind, [u32; 5])>,
    runs: Vec<(String, u32)>,
    errors: Vec<String>,
    finished: Vec<(u32, u64)>,
}

impl Contents {
    fn take(&mut self, message: Loaded) {
        match message {
            Loaded::Sources(sources) => {
                let paths = sources.iter().map(|source| source.path.clone());
                self.sources.extend(paths);
            }
            Loaded::Batch(batch) => self.take_batch(*batch),
            Loaded::Finished { source, account } => self.finished.push((source.0, account.total)),
            Loaded::Failed(error) => self.errors.push(error.to_string()),
            Loaded::Preview(_) | Loaded::Progress { .. } | Loaded::Done | Loaded::Notice(_) => {}
        }
    }

    fn take_batch(&mut self, batch: Batch) {
        self.symbols
            .extend(batch.symbols.iter().map(ToString::to_string));
        let chunk = &batch.chunk;
        self.rows.extend((0..chunk.len()).map(|row| {
            let numbers = [
                chunk.source[row].0,
                chunk.run[row].0,
                chunk.agent[row].0,
                chunk.line[row],
                chunk.seq[row],
            ];
            (chunk.kind[row], numbers)
        }));
        for (ix, run) in batch.runs {
            let at = ix.0 as usize;
            self.runs
                .resize(self.runs.len().max(at + 1), Default::default());
            self.runs[at] = (run.id.to_string(), run.totals.actions);
        }
    }

    /// Takes messages up to the next [`Loaded::Done`].
    fn until_done(&mut self, messages: &Messages) {
        loop {
            match messages.recv_timeout(PATIENCE).expect("a message") {
                Loaded::Done => return,
                message => self.take(message),
            }
        }
    }

    /// Takes messages until there are this many actions.
    fn until_rows(&mut self, messages: &Messages, rows: usize) {
        let end = Instant::now() + PATIENCE;
        while self.rows.len() < rows {
            let message = messages.recv_deadline(end).expect("a message");
            self.take(message);
        }
    }
}

fn loaded(paths: &[&PathBuf]) -> Contents {
    let inputs = paths.iter().map(|&path| Input::File(path.clone()));
    let mut contents = Contents::default();
    for message in load(inputs.collect(), options()) {
        contents.take(message);
    }
    contents
}

fn add(messages: &Messages, path: &Path) {
    let control = Control::Add(Input::File(path.to_owned()));
    messages.send(control).expect("the intake is open");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn adding_sources_gives_the_same_as_loading_them_together(
        sizes in proptest::collection::vec((0..60_usize, any::<bool>()), 1..5),
        first in 0..3_usize,
        same_run in any::<bool>(),
        growing in any::<bool>(),
    ) {
        let folder = folder();
        let paths: Vec<PathBuf> = sizes.iter().enumerate().map(|(number, &(notes, broken))| {
            let run = if same_run { "r".to_owned() } else { format!("r{number}") };
            write(&folder, &format!("{number}.jsonl"), &trace(&run, notes + 1, broken))
        }).collect();
        let (first, added) = paths.split_at(first.min(paths.len()));
        let messages = if growing {
            follow(first.to_vec(), options(), true).expect("a thread")
        } else {
            open(first.iter().cloned().map(Input::File).collect(), options())
        };
        let mut contents = Contents::default();
        contents.until_done(&messages);
        for path in added {
            add(&messages, path);
            contents.until_done(&messages);
        }
        let mut expected = loaded(&paths.iter().collect::<Vec<_>>());
        if growing {
            // Followed files are never finished.
            expected.finished.retain(|(source, _)| *source as usize >= first.len());
        }
        prop_assert_eq!(contents, expected);
    }
}

#[test]
fn a_source_that_cannot_be_read_is_an_error_and_the_intake_continues() {
    let folder = folder();
    let good = write(&folder, "good.jsonl", &trace("a", 3, true));
    let binary = write(&folder, "binary.jsonl", "\0\u{1}\u{2}\0\0\0");
    let other = write(&folder, "other.jsonl", &trace("b", 2, false));
    let messages = open(vec![Input::File(good.clone())], options());
    let mut contents = Contents::default();
    contents.until_done(&messages);
    for path in [&folder.path().join("none.jsonl"), &binary, &other] {
        add(&messages, path);
        contents.until_done(&messages);
    }
    assert_eq!(contents.errors.len(), 2, "{:?}", contents.errors);
    assert!(contents.errors[0].contains("none.jsonl"));
    assert!(contents.errors[1].contains("binary.jsonl"));
    contents.errors.clear();
    assert_eq!(contents, loaded(&[&good, &other]));
}

#[test]
fn a_file_that_is_open_is_not_added_again() {
    let folder = folder();
    let path = write(&folder, "a.jsonl", &trace("a", 3, false));
    let messages = open(vec![Input::File(path.clone())], options());
    let mut contents = Contents::default();
    contents.until_done(&messages);
    let other_name = folder.path().join(".").join("a.jsonl");
    add(&messages, &other_name);
    contents.until_done(&messages);
    assert_eq!(contents.rows.len(), 3);
    assert_eq!(contents.errors.len(), 1);
    assert!(contents.errors[0].ends_with("already open"));
}

#[test]
fn a_file_can_be_followed_after_others_were_read() {
    let folder = folder();
    let read = write(&folder, "a.jsonl", &trace("a", 3, false));
    let followed = folder.path().join("late.jsonl");
    let messages = open(vec![Input::File(read)], options());
    let mut contents = Contents::default();
    contents.until_done(&messages);
    let control = Control::Follow(followed.clone());
    messages.send(control).expect("the intake is open");
    contents.until_done(&messages);
    fs::write(&followed, trace("b", 2, false)).expect("it can be written");
    contents.until_rows(&messages, 5);
    append(&followed, &trace("b", 1, false));
    contents.until_rows(&messages, 6);
    assert_eq!(contents.sources.len(), 2);
    assert_eq!(contents.runs, [("a".to_owned(), 3), ("b".to_owned(), 3)]);
}

#[test]
fn a_followed_file_is_still_read_while_another_is_added() {
    let folder = folder();
    let followed = write(&folder, "a.jsonl", &trace("a", 1, false));
    let added = write(&folder, "b.jsonl", &trace("b", 2, true));
    let messages = follow(vec![followed.clone()], options(), false).expect("a thread");
    let mut contents = Contents::default();
    contents.until_done(&messages);
    add(&messages, &added);
    append(&followed, &trace("a", 4, false));
    contents.until_rows(&messages, 8);
    assert_eq!(contents.runs.len(), 2);
    assert_eq!(contents.runs[0], ("a".to_owned(), 5));
    let malformed = contents.rows.iter().filter(|row| row.0 == Kind::Malformed);
    assert_eq!(malformed.count(), 1);
}

#[test]
fn nothing_can_be_added_to_messages_without_an_intake() {
    let messages = Messages::from(crossbeam_channel::never());
    let control = Control::Follow(PathBuf::from("a.jsonl"));
    assert_eq!(messages.send(control), Err(Closed));
}

#[test]
fn an_intake_without_news_ends_when_its_messages_are_dropped() {
    let folder = folder();
    let (sender, receiver) = crossbeam_channel::bounded(8);
    let (messages, controls) = Messages::open(receiver);
    let paths = vec![folder.path().join("quiet.jsonl")];
    let driver = super::Driver::following((paths, false), options(), sender, controls);
    let (ended, end) = crossbeam_channel::bounded(1);
    let thread = std::thread::spawn(move || ended.send(driver.run().is_err()));
    // It is running once it has sent `Done` and the notice that it watches the file.
    for _ in 0..2 {
        messages.recv().expect("a message");
    }
    drop(messages);
    assert_eq!(end.recv_timeout(Duration::from_secs(10)), Ok(true));
    let sent = thread.join().expect("no panic");
    sent.expect("the receiver is here");
}

/// The status of a run with a call that has no result, one second after midnight, opened at `now`.
fn status_at(now: Time) -> RunStatus {
    let input = Input::Bundled {
        name: "trace.jsonl",
        bytes: br#"{"type":"run_start","run_id":"r","ts":"2026-01-01T00:00:00Z"}
{"type":"tool_call","run_id":"r","ts":"2026-01-01T00:00:01Z","id":"c","tool":"t","args":{}}
"#,
        companions: &[],
    };
    let options = Options {
        now,
        ..Options::new(PriceTable::built_in())
    };
    let mut status = RunStatus::Unknown;
    for message in load(vec![input], options) {
        if let Loaded::Batch(batch) = message
            && let Some((_, run)) = batch.runs.last()
        {
            status = run.status;
        }
    }
    status
}

#[test]
fn what_has_no_end_and_no_news_for_an_hour_has_ended() {
    let call = 1_767_225_601_000_000;
    let minute = 60_000_000;
    assert_eq!(status_at(Time(call + 59 * minute)), RunStatus::Running);
    assert_eq!(status_at(Time(call + 61 * minute)), RunStatus::Unfinished);
    assert_eq!(status_at(Time::NONE), RunStatus::Running);
}
