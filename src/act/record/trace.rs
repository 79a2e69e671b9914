//! The file of a recording. If nothing can be written, recording pauses and is retried; the traffic of the proxy does
//! not wait for it.

use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde_json::{Map, Value, json};

use crate::act::append::Appender;
use crate::base::human;
use crate::export::redact;

/// How long to wait after a failure.
const PAUSE: Duration = Duration::from_secs(5);

#[derive(Debug)]
pub(super) struct Trace {
    path: PathBuf,
    file: Appender,
    is_masked: bool,
    failed: Option<Failed>,
    /// Events that are missing from the file.
    pub(super) missing: u64,
}

#[derive(Debug)]
struct Failed {
    since: Instant,
    why: String,
    events: u64,
    bytes: u64,
}

impl Trace {
    pub(super) fn open(path: &Path, is_masked: bool) -> io::Result<Trace> {
        Ok(Trace {
            path: path.to_owned(),
            file: Appender::open(path)?,
            is_masked,
            failed: None,
            missing: 0,
        })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Writes an event of a run; null fields are left out.
    pub(super) fn tell(&mut self, (kind, run, at): (&str, &str, i64), more: Value) {
        let mut event = Map::new();
        event.insert("type".to_owned(), kind.into());
        event.insert("via".to_owned(), "wire".into());
        event.insert("run_id".to_owned(), run.into());
        event.insert("ts".to_owned(), human::rfc3339(at).into());
        if let Value::Object(more) = more {
            event.extend(more.into_iter().filter(|(_, value)| !value.is_null()));
        }
        let mut event = Value::Object(event);
        if self.is_masked && redact::mask(&mut event) > 0 {
            event["masked"] = true.into();
        }
        self.write(&event, run, at);
    }

    fn write(&mut self, event: &Value, run: &str, at: i64) {
        if let Some(failed) = &mut self.failed {
            if failed.since.elapsed() < PAUSE {
                failed.count(event);
                self.missing += 1;
                return;
            }
            let gap = json!({
                "type": "gap", "via": "wire", "run_id": run, "ts": human::rfc3339(at),
                "events": failed.events, "bytes": failed.bytes, "cause": failed.why,
            });
            if self.file.append(&gap).is_err() {
                failed.since = Instant::now();
                failed.count(event);
                self.missing += 1;
                return;
            }
            self.failed = None;
        }
        if let Err(error) = self.file.append(event) {
            let mut failed = Failed {
                since: Instant::now(),
                why: error.to_string(),
                events: 0,
                bytes: 0,
            };
            failed.count(event);
            self.missing += 1;
            self.failed = Some(failed);
        }
    }

    /// Why nothing can be written now.
    pub(super) fn problem(&self) -> Option<&str> {
        self.failed.as_ref().map(|it| it.why.as_str())
    }

    pub(super) fn sync(&self) {
        // Unsynced events were written all the same.
        let _ = self.file.sync();
    }
}

impl Failed {
    fn count(&mut self, event: &Value) {
        self.events += 1;
        self.bytes += event.to_string().len() as u64;
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::time::Instant;

    use serde_json::{Value, json};

    use super::{Failed, PAUSE, Trace};

    #[test]
    fn after_a_failure_recording_resumes_with_what_is_missing() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("t.jsonl");
        let mut trace = Trace::open(&path, false).expect("opened");
        trace.failed = Some(Failed {
            since: Instant::now(),
            why: "no space left".to_owned(),
            events: 2,
            bytes: 80,
        });
        let mut tell = |n: u32| trace.tell(("note", "r", 0), json!({"n": n}));
        tell(1);
        std::thread::sleep(PAUSE);
        tell(2);
        tell(3);
        assert_eq!((trace.missing, trace.problem()), (1, None));
        let text = fs::read_to_string(&path).expect("read");
        let lines = text
            .lines()
            .map(|line| serde_json::from_str(line).expect("a line"));
        let lines: Vec<Value> = lines.collect();
        assert_eq!(
            (&lines[0]["type"], &lines[0]["events"], &lines[0]["cause"]),
            (&json!("gap"), &json!(3), &json!("no space left"))
        );
        let rest: Vec<&Value> = lines[1..].iter().map(|it| &it["n"]).collect();
        assert_eq!(rest, [&json!(2), &json!(3)]);
    }
}
