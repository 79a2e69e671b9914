//! The calls that a run made before, for rules that look at them: read from the trace that the guard wrote.

use std::collections::HashMap;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

use serde_json::Value;

use crate::analysis::policy::Before;
use crate::analysis::policy::call::Call;
use crate::analysis::policy::past::{Past, newest};
use crate::model::action::Status;

/// How much of the end of a trace is read.
const LARGEST: u64 = 4 << 20;

/// The last calls of a run before `call`, numbered up to it, and how many there were. `count` is the number of all
/// earlier calls, if the caller knows it. None if the trace cannot be read: then rules that look at earlier calls
/// cannot be decided.
pub(super) fn calls(
    trace: &Path,
    run: &str,
    (call, count): (&str, Option<u32>),
) -> Option<(Before, Vec<Past>)> {
    let mut file = File::open(trace).ok()?;
    let len = file.metadata().ok()?.len();
    file.seek(SeekFrom::Start(len.saturating_sub(LARGEST)))
        .ok()?;
    let mut bytes = Vec::new();
    file.take(LARGEST).read_to_end(&mut bytes).ok()?;
    Some(read(&bytes, run, (call, count)))
}

fn read(bytes: &[u8], run: &str, (call, count): (&str, Option<u32>)) -> (Before, Vec<Past>) {
    // If the first line is cut, it is not JSON and is skipped.
    let lines = bytes.split(|it| *it == b'\n');
    let events = lines.filter_map(|line| serde_json::from_slice::<Value>(line).ok());
    let mut made: Vec<(String, Value)> = Vec::new();
    let mut ended: HashMap<String, Status> = HashMap::new();
    for event in events.filter(|it| text(it, "run_id") == run) {
        match text(&event, "type") {
            "tool_call" if text(&event, "id") != call => {
                made.push((text(&event, "id").to_owned(), event));
            }
            "tool_result" => {
                let status = Status::from_word(text(&event, "status"));
                let id = text(&event, "call_id").to_owned();
                ended.insert(id, status.unwrap_or(Status::Unrecorded));
            }
            _ => {}
        }
    }
    let status = |id: &str| ended.get(id).copied().unwrap_or(Status::Pending);
    let mut before = Before::default();
    for (id, _) in &made {
        before.count(status(id));
    }
    before.calls = count.unwrap_or(before.calls);
    let last = newest(&made);
    let first = (before.calls + 1).saturating_sub(last.len() as u32);
    let past = |(step, (id, event)): (u32, &(String, Value))| {
        let call = Call {
            tool: text(event, "tool"),
            args: event.get("args"),
            ..Call::default()
        };
        Past::new(&call, status(id), step)
    };
    (before, (first..).zip(last).map(past).collect())
}

fn text<'a>(event: &'a Value, key: &str) -> &'a str {
    event.get(key).and_then(Value::as_str).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::read;
    use crate::model::action::Status;

    #[test]
    fn earlier_calls_of_the_run_are_read_with_their_outcomes() {
        let trace = r#"…cut"}
{"type":"tool_call","run_id":"r","id":"a","tool":"Bash","args":{"command":"ls"}}
{"type":"tool_result","run_id":"r","call_id":"a","status":"error"}
{"type":"tool_call","run_id":"other","id":"x","tool":"Bash","args":{}}
{"type":"tool_call","run_id":"r","id":"b","tool":"Read","args":{"file_path":"/a"}}
{"type":"tool_call","run_id":"r","id":"now","tool":"Bash","args":{"command":"rm"}}
"#;
        let (before, past) = read(trace.as_bytes(), "r", ("now", Some(7)));
        assert_eq!((before.calls, before.errors, before.blocked), (7, 1, 0));
        let seen: Vec<_> = past
            .iter()
            .map(|it| (it.step, it.tool.as_str(), it.status))
            .collect();
        assert_eq!(
            seen,
            [(6, "Bash", Status::Error), (7, "Read", Status::Pending)]
        );
        assert_eq!((&*past[0].command, &*past[1].path), ("ls", "/a"));
    }
}
