//! Compares what hooks wrote into the trace with the wire, to find calls that ran without asking a hook.

use std::collections::HashSet;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;

use serde_json::Value;

/// How long a hook may take to report that it was asked.
pub(super) const PATIENCE: i64 = 2_000_000;
const HOOK: &str = "\"via\":\"hook\"";
const BLOCK: usize = 256 << 10;
/// The longest line that is parsed.
const LONGEST: usize = 16 << 20;

#[derive(Debug)]
pub(super) struct Audit {
    file: Option<File>,
    offset: u64,
    rest: Vec<u8>,
    /// Calls that a hook reported.
    asked: HashSet<(String, String)>,
    /// Any record from a hook proves that hooks are installed.
    pub(super) is_guarded: bool,
    /// The first run that hooks report.
    pub(super) first: Option<String>,
    /// Calls that a hook blocked.
    pub(super) blocked: u64,
    due: Vec<Due>,
}

/// A call whose result went to the model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Due {
    pub(super) at: i64,
    pub(super) run: String,
    pub(super) call: String,
}

impl Audit {
    /// `is_guarded`: hooks were installed for this run.
    pub(super) fn new(trace: &Path, is_guarded: bool) -> Audit {
        Audit {
            file: File::open(trace).ok(),
            offset: 0,
            rest: Vec::new(),
            asked: HashSet::new(),
            is_guarded,
            first: None,
            blocked: 0,
            due: Vec::new(),
        }
    }

    /// A result went to the model: its call ran, or was stopped.
    pub(super) fn ran(&mut self, run: &str, call: &str, at: i64) {
        self.due.push(Due {
            at: at + PATIENCE,
            run: run.to_owned(),
            call: call.to_owned(),
        });
    }

    /// The calls that are due and that no hook reported. At the end, `now` is in the far future.
    pub(super) fn unguarded(&mut self, now: i64) -> Vec<Due> {
        let (due, later) = std::mem::take(&mut self.due)
            .into_iter()
            .partition(|it| it.at <= now);
        self.due = later;
        let due: Vec<Due> = due;
        if due.is_empty() {
            return due;
        }
        self.look();
        if !self.is_guarded {
            return Vec::new();
        }
        let is_unasked = |it: &Due| !self.asked.contains(&(it.run.clone(), it.call.clone()));
        due.into_iter().filter(is_unasked).collect()
    }

    /// Reads what has been added to the trace.
    pub(super) fn look(&mut self) {
        let Some(file) = &self.file else { return };
        let mut block = vec![0; BLOCK];
        let mut lines = Vec::new();
        loop {
            let read = file.read_at(&mut block, self.offset).unwrap_or(0);
            if read == 0 {
                break;
            }
            self.offset += read as u64;
            for piece in block[..read].split_inclusive(|byte| *byte == b'\n') {
                if self.rest.len() < LONGEST {
                    self.rest.extend_from_slice(piece);
                }
                if piece.ends_with(b"\n") {
                    let line = std::mem::take(&mut self.rest);
                    // Only hooks write this, and only as a member: inside a text the quotes are escaped.
                    if std::str::from_utf8(&line).is_ok_and(|it| it.contains(HOOK)) {
                        lines.push(line);
                    }
                }
            }
        }
        for line in &lines {
            self.hear(line);
        }
    }

    fn hear(&mut self, line: &[u8]) {
        let Ok(event) = serde_json::from_slice::<Value>(line) else {
            return;
        };
        let text = |name: &str| event.get(name).and_then(Value::as_str).unwrap_or_default();
        if text("via") != "hook" {
            return;
        }
        self.is_guarded = true;
        if self.first.is_none() {
            self.first = Some(text("run_id").to_owned());
        }
        let name = if text("type") == "tool_call" {
            "id"
        } else {
            "call_id"
        };
        if !text(name).is_empty() {
            self.asked
                .insert((text("run_id").to_owned(), text(name).to_owned()));
        }
        if text("type") == "tool_result" && matches!(text("status"), "blocked" | "denied") {
            self.blocked += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::Write;

    use serde_json::json;

    use super::{Audit, PATIENCE};

    #[test]
    fn a_call_that_no_hook_was_asked_about_is_found_once_hooks_are_known() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("t.jsonl");
        let mut file = fs::File::create(&path).expect("created");
        let mut audit = Audit::new(&path, false);
        audit.ran("r", "c1", 0);
        assert_eq!(audit.unguarded(PATIENCE), [], "no hook is installed");
        let mut tell = |call: &str, status: &str| {
            let called = json!({"type": "tool_call", "via": "hook", "run_id": "r", "id": call});
            let ended = json!({"type": "tool_result", "via": "hook", "run_id": "r", "call_id": call, "status": status});
            writeln!(file, "{called}\n{ended}").expect("written");
        };
        tell("c2", "ok");
        tell("c3", "blocked");
        for call in ["c2", "c3", "c4"] {
            audit.ran("r", call, 0);
        }
        assert_eq!(audit.unguarded(PATIENCE - 1), [], "it is too early to tell");
        let found: Vec<String> = audit
            .unguarded(PATIENCE)
            .into_iter()
            .map(|it| it.call)
            .collect();
        assert_eq!(found, ["c4"]);
        assert_eq!(audit.blocked, 1);
    }
}
