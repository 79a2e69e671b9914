//! What the guard writes to the trace of a run.

use std::env;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Value, json};

use crate::act::append::Appender;
use crate::act::guard::rules::Decided;
use crate::act::guard::run_state::State;
use crate::act::places::{self, Places, of_run};
use crate::analysis::policy::Effect;
use crate::base::clock::{Clock, System};
use crate::base::human;

/// The trace of a run, or why it cannot be written.
#[derive(Debug)]
pub(super) struct Trace {
    via: &'static str,
    run: String,
    file: io::Result<Appender>,
    is_new: bool,
}

/// Names the trace of a recorder around the host.
const VARIABLE: &str = "SAFERUN_TRACE";
const SHORT_RUN: usize = 8;

impl Trace {
    /// Opens the trace of a run; the first hook chooses its name.
    pub(super) fn open(places: &Places, host: &str, run: &str, state: &mut State) -> Trace {
        // A resumed session may be recorded to a different trace than before.
        match of_recorder() {
            Some(path) => state.trace = path.to_string_lossy().into_owned(),
            None if state.trace.is_empty() => {
                state.trace = name(places, host, run).to_string_lossy().into_owned();
            }
            None => {}
        }
        Trace::at(places, Path::new(&state.trace), run, "hook")
    }

    /// Opens the trace at a given path.
    pub(super) fn at(places: &Places, path: &Path, run: &str, via: &'static str) -> Trace {
        let folder = path.parent().unwrap_or(Path::new("/"));
        let ready = if folder.starts_with(places.traces()) {
            places::private(&places.traces()).and_then(|()| places::private(folder))
        } else {
            Ok(())
        };
        let file = ready.and_then(|()| Appender::open(path));
        let is_new = fs::metadata(path).is_ok_and(|it| it.len() == 0);
        Trace {
            via,
            run: run.to_owned(),
            file,
            is_new,
        }
    }

    /// Whether the trace is still empty.
    pub(super) fn is_new(&self) -> bool {
        self.is_new
    }

    /// Writes an event; `more` holds the fields beyond the common ones. After a failure, further events are skipped.
    pub(super) fn tell(&mut self, kind: &str, more: Value) {
        let mut event = json!({
            "type": kind,
            "via": self.via,
            "run_id": self.run,
            "ts": human::rfc3339(System.now()),
        });
        if let (Value::Object(event), Value::Object(more)) = (&mut event, more) {
            event.extend(more.into_iter().filter(|(_, value)| !value.is_null()));
        }
        if let Ok(file) = &mut self.file
            && let Err(error) = file.append(&event)
        {
            self.file = Err(error);
        }
    }

    /// Why events are missing.
    pub(super) fn problem(&self) -> Option<String> {
        self.file.as_ref().err().map(ToString::to_string)
    }

    pub(super) fn sync(&mut self) {
        if let Ok(file) = &self.file
            && let Err(error) = file.sync()
        {
            self.file = Err(error);
        }
    }
}

/// A policy's decision about a call, as an event.
pub(super) fn decision(call: &str, decided: &Decided, mode: &str, sha256: &str) -> Value {
    let verdict = match decided.effect {
        Effect::Allow | Effect::Unknown => "allow",
        Effect::Warn => "warn",
        Effect::Ask | Effect::Error => "require_approval",
        Effect::Deny => "block",
    };
    json!({
        "call_id": call,
        "policy": decided.policy,
        "rule": decided.rule,
        "decision": verdict,
        "mode": mode,
        "reason": some(&decided.reason),
        "matched": Some(&decided.matched).filter(|it| !it.is_empty()),
        "policy_sha256": some(sha256),
    })
}

/// The result of a call that never ran.
pub(super) fn never_ran(call: &str, status: &str, why: &str) -> Value {
    let error = json!({"type": "guard", "message": why});
    json!({"call_id": call, "status": status, "error": error})
}

/// A request for approval.
pub(super) fn requested(call: &str, args: &Value, reason: &str) -> Value {
    json!({"call_id": call, "state": "requested", "args": args, "reason": some(reason)})
}

/// The end of a request for approval: who answered, why, and how long it took.
pub(super) fn replied(
    call: &str,
    (state, by, reason): (&str, Option<&str>, &str),
    waited: Duration,
) -> Value {
    let waited = u64::try_from(waited.as_millis()).unwrap_or(u64::MAX);
    json!({"call_id": call, "state": state, "by": by, "reason": some(reason), "wait_ms": waited})
}

/// A text, unless it is empty.
fn some(text: &str) -> Option<&str> {
    Some(text).filter(|it| !it.is_empty())
}

/// The trace that a recorder around this process writes.
pub(super) fn of_recorder() -> Option<PathBuf> {
    let path = env::var_os(VARIABLE).map(PathBuf::from);
    path.filter(|path| path.is_absolute())
}

/// `traces/2026-11-29/claude-code-141503-7f3a91ab.jsonl`
pub(super) fn name(places: &Places, host: &str, run: &str) -> PathBuf {
    let now = human::rfc3339(System.now());
    let (date, time) = now.split_once('T').unwrap_or((&now, ""));
    let time: String = time.chars().filter(char::is_ascii_digit).take(6).collect();
    let run: String = of_run(run).chars().take(SHORT_RUN).collect();
    places
        .traces()
        .join(date)
        .join(format!("{host}-{time}-{run}.jsonl"))
}
