//! The state that the guard keeps between hook calls of a running agent, and whether a breaker has stopped it.
//!
//! `live/RUN.state` is small, and locked while it changes. `live/RUN.trip` is written by other processes: while it
//! exists and has not expired, no tool of the run may run.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::act::places::{self, Places, of_run};
use crate::ingest::time;
use crate::model::quantity::Time;

/// The state of one run.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct State {
    pub(super) run_id: String,
    pub(super) host: String,
    /// The trace its events are written to.
    pub(super) trace: String,
    pub(super) calls: u32,
    pub(super) errors: u32,
    pub(super) blocked: u32,
    /// Failed calls since the last successful one.
    pub(super) error_streak: u32,
    /// Written by the proxy, which knows what model calls cost.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) cost_usd: Option<Value>,
    /// The last calls, oldest first: a hash of tool and arguments, and a hash of the result once there is one.
    pub(super) recent: Vec<(String, String)>,
    /// Calls still without a result.
    pub(super) open: Vec<Open>,
    /// Calls denied here: what the host later reports about them is ignored.
    pub(super) denied: Vec<String>,
    /// Hashes of calls that a person approved and that the host may still ask about.
    pub(super) approved: Vec<String>,
    /// How often each call was made, for hosts without call ids.
    pub(super) counts: Vec<(String, u32)>,
}

/// A call that is running or waiting.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Open {
    pub(super) call: String,
    pub(super) hash: String,
    pub(super) tool: String,
}

const RECENT: usize = 32;
const OPEN: usize = 64;
const APPROVED: usize = 32;
const COUNTS: usize = 200;
/// Larger than any state we write.
const LARGEST: u64 = 64 << 10;
const HASH: usize = 12;

/// The state of a run, locked until it is dropped.
#[derive(Debug)]
pub(super) struct Held {
    file: File,
    pub(super) state: State,
}

impl Held {
    /// Waits until no other hook of this run holds the state.
    pub(super) fn of(places: &Places, run: &str) -> io::Result<Held> {
        let folder = places.live();
        places::private(&folder)?;
        let path = folder.join(format!("{}.state", of_run(run)));
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .custom_flags(places::flags(OFlags::NOFOLLOW))
            .open(&path)?;
        places::check(&path, &file.metadata()?)?;
        file.lock()?;
        let mut text = Vec::new();
        Read::by_ref(&mut file)
            .take(LARGEST)
            .read_to_end(&mut text)?;
        // A truncated state is discarded: counting restarts.
        let state: State = serde_json::from_slice(&text).unwrap_or_default();
        Ok(Held { file, state })
    }

    pub(super) fn save(&mut self) -> io::Result<()> {
        self.state.shorten();
        let text = serde_json::to_vec(&self.state)?;
        self.file.seek(SeekFrom::Start(0))?;
        self.file.write_all(&text)?;
        self.file.set_len(text.len() as u64)
    }
}

impl State {
    fn shorten(&mut self) {
        fn keep<T>(list: &mut Vec<T>, most: usize) {
            let excess = list.len().saturating_sub(most);
            list.drain(..excess);
        }
        keep(&mut self.recent, RECENT);
        keep(&mut self.open, OPEN);
        keep(&mut self.denied, OPEN);
        keep(&mut self.approved, APPROVED);
        keep(&mut self.counts, COUNTS);
    }

    /// The id of a call without one: its hash and occurrence number.
    fn derived(&mut self, hash: &str) -> String {
        let found = self.counts.iter().position(|(known, _)| known == hash);
        let (known, count) = match found {
            Some(at) => self.counts.remove(at),
            None => (hash.to_owned(), 0),
        };
        self.counts.push((known, count + 1));
        format!("x-{hash}-{}", count + 1)
    }

    /// Records that a call begins. Returns its id.
    pub(super) fn begin(&mut self, call: Option<&str>, tool: &str, hash: &str) -> String {
        let call = match call {
            Some(call) => call.to_owned(),
            None => self.derived(hash),
        };
        self.calls += 1;
        self.recent.push((hash.to_owned(), String::new()));
        self.open.push(Open {
            call: call.clone(),
            hash: hash.to_owned(),
            tool: tool.to_owned(),
        });
        call
    }

    /// The open call that an event is about: by id, else the oldest equal one.
    pub(super) fn find(&self, call: Option<&str>, hash: &str) -> Option<String> {
        let mut open = self.open.iter();
        let found = match call {
            Some(call) => open.find(|it| it.call == call),
            None => open.find(|it| it.hash == hash),
        };
        found.map(|it| it.call.clone())
    }

    /// Records that a call has ended. Returns whether it was open.
    pub(super) fn end(&mut self, call: &str, hash: &str, result: &str) -> bool {
        let at = self.open.iter().position(|it| it.call == call);
        if let Some(at) = at {
            self.open.remove(at);
        }
        let mut recent = self.recent.iter_mut().rev();
        if let Some(entry) = recent.find(|(known, answer)| known == hash && answer.is_empty()) {
            result.clone_into(&mut entry.1);
        }
        at.is_some()
    }

    pub(super) fn failed(&mut self, is_failed: bool) {
        if is_failed {
            self.errors += 1;
            self.error_streak += 1;
        } else {
            self.error_streak = 0;
        }
    }
}

/// The run whose hook saw a call that is still open, and the trace of that run.
pub(super) fn run_of(places: &Places, call: &str) -> Option<(String, PathBuf)> {
    let entries = fs::read_dir(places.live()).into_iter().flatten().flatten();
    let states = entries.filter_map(|entry| {
        let path = entry.path();
        let is_state = path.extension().is_some_and(|it| it == "state");
        let text = is_state.then(|| places::read_private(&path, LARGEST).ok());
        serde_json::from_slice::<State>(&text.flatten()?).ok()
    });
    let mut states = states.filter(|state| state.open.iter().any(|it| it.call == call));
    states
        .next()
        .map(|state| (state.run_id, PathBuf::from(state.trace)))
}

/// A short hash of a call: the same for equal calls, whether seen by a hook or on the wire.
pub(in crate::act) fn hash(tool: &str, args: &Value) -> String {
    let text = format!("{tool}\u{1f}{}", crate::ingest::json::stable(args));
    short(text.as_bytes())
}

pub(super) fn short(bytes: &[u8]) -> String {
    let mut hash = crate::base::sha256::hex(bytes);
    hash.truncate(HASH);
    hash
}

/// The reason a breaker stopped a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::act) struct Trip {
    pub(in crate::act) rule: String,
    pub(in crate::act) reason: String,
}

/// The file that a breaker writes.
#[derive(Debug, Deserialize)]
struct TripFile {
    schema: String,
    #[serde(default)]
    rule: String,
    #[serde(default)]
    reason: String,
    #[serde(default)]
    arithmetic: Value,
    #[serde(default)]
    until: Option<String>,
}

const TRIP: &str = "saferun.tui/trip@1";

/// Whether a breaker has stopped the run. A file that cannot be read counts as a stop.
pub(in crate::act) fn tripped(places: &Places, run: &str, now: i64) -> Option<Trip> {
    let name = format!("{}.trip", of_run(run));
    let folders = places.meeting().into_iter().map(|it| it.join("live"));
    let mut files = folders.chain([places.live()]).map(|it| it.join(&name));
    files.find_map(|path| trip(&path, now))
}

fn trip(path: &Path, now: i64) -> Option<Trip> {
    match fs::symlink_metadata(path) {
        Ok(_) => {}
        Err(error) => {
            let is_absent = matches!(
                error.kind(),
                io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
            );
            return (!is_absent).then(|| unreadable(&error.to_string()));
        }
    }
    let bytes = match places::read_private(path, LARGEST) {
        Ok(bytes) => bytes,
        Err(error) => return Some(unreadable(&error.to_string())),
    };
    let file: TripFile = match serde_json::from_slice(&bytes) {
        Ok(file) => file,
        Err(error) => return Some(unreadable(&error.to_string())),
    };
    if file.schema != TRIP {
        return Some(unreadable(&format!("its schema is '{}'", file.schema)));
    }
    let until = file.until.map(|until| time::from_text(until.as_bytes()));
    if until.and_then(Time::get).is_some_and(|until| until <= now) {
        return None;
    }
    let arithmetic = match &file.arithmetic {
        Value::Null => String::new(),
        Value::String(text) => format!(" ({text})"),
        other => format!(" ({other})"),
    };
    Some(Trip {
        rule: file.rule,
        reason: format!("{}{arithmetic}", file.reason),
    })
}

fn unreadable(why: &str) -> Trip {
    Trip {
        rule: "trip".to_owned(),
        reason: format!("a breaker stopped this run, but its reason cannot be read: {why}"),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;
    use std::path::Path;

    use serde_json::json;

    use super::{Held, hash, tripped};
    use crate::act::places::{self, Places};

    const NOW: i64 = 1_795_478_400_000_000;

    fn places(home: &Path) -> Places {
        let places = Places::of(|name| (name == "HOME").then(|| home.to_owned()));
        places.expect("a home")
    }

    #[test]
    fn calls_are_counted_and_get_an_id_if_they_have_none() {
        let home = tempfile::tempdir().expect("a folder");
        let places = places(home.path());
        let same = hash("ls", &json!({"a": 1, "b": 2}));
        assert_eq!(same, hash("ls", &json!({"b": 2, "a": 1})));
        for n in 1..=3 {
            let mut held = Held::of(&places, "run/1").expect("locked");
            let id = held.state.begin(None, "ls", &same);
            assert_eq!(id, format!("x-{same}-{n}"));
            held.save().expect("saved");
        }
        let mut held = Held::of(&places, "run/1").expect("locked");
        assert_eq!(held.state.calls, 3);
        let oldest = held.state.find(None, &same).expect("open");
        assert_eq!(oldest, format!("x-{same}-1"));
        assert!(held.state.end(&oldest, &same, "r"));
        assert!(!held.state.end(&oldest, &same, "r"), "it is over");
        for n in 0..1000 {
            held.state.begin(None, "ls", &format!("{n:012}"));
        }
        held.save().expect("saved");
        let file = fs::metadata(
            places
                .live()
                .join(format!("{}.state", places::of_run("run/1"))),
        );
        assert!(file.expect("there").len() < 16 << 10, "it stays small");
    }

    #[test]
    fn a_truncated_state_starts_over() {
        let home = tempfile::tempdir().expect("a folder");
        let places = places(home.path());
        drop(Held::of(&places, "r").expect("locked"));
        fs::write(places.live().join("r.state"), "{\"calls\": 7").expect("written");
        assert_eq!(Held::of(&places, "r").expect("locked").state.calls, 0);
    }

    #[track_caller]
    fn stops(text: &str, mode: u32, reason: Option<&str>) {
        let home = tempfile::tempdir().expect("a folder");
        let places = places(home.path());
        places::private(&places.live()).expect("created");
        let path = places.live().join("r.trip");
        fs::write(&path, text).expect("written");
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).expect("set");
        assert_eq!(tripped(&places, "other", NOW), None);
        let found = tripped(&places, "r", NOW);
        match (found, reason) {
            (None, None) => {}
            (Some(trip), Some(reason)) => assert!(trip.reason.contains(reason), "{trip:?}"),
            (found, reason) => panic!("{text}: {found:?} and not {reason:?}"),
        }
    }

    #[test]
    fn a_trip_stops_a_run_until_it_expires_and_always_if_unreadable() {
        let trip = r#"{"schema":"saferun.tui/trip@1","run_id":"r","rule":"cost","reason":"too expensive","arithmetic":"4.10 + 1.20 > 5.00","until":null,"by":"rule"}"#;
        stops(trip, 0o600, Some("too expensive (4.10 + 1.20 > 5.00)"));
        let timed = |until: &str| trip.replace("null", &format!("\"{until}\""));
        stops(&timed("2020-01-01T00:00:00Z"), 0o600, None);
        stops(&timed("2999-01-01T00:00:00Z"), 0o600, Some("too expensive"));
        stops(trip, 0o644, Some("cannot be read"));
        stops("{", 0o600, Some("cannot be read"));
        stops(
            &trip.replace("trip@1", "trip@2"),
            0o600,
            Some("cannot be read"),
        );
    }
}
