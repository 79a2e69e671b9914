//! Programs whose traces are recognized but have no reader yet: their records are shown as they are.

use serde_json::Value;

use super::Caveat;
use crate::ingest::formats::members::{all, text};

/// A program: what to say, and whether a record is one that only this program writes.
struct Stranger {
    words: &'static str,
    wrote: fn(&Value) -> bool,
}

const STRANGERS: &[Stranger] = &[
    Stranger {
        words: "looks like DeepSeek Harness (dsh); shown as it is",
        wrote: |it| match text(it, "type") {
            "session" => it.get("delegationDepth").is_some(),
            "turn/start" | "user/message" | "assistant/message" => all(it, &["seq", "data"]),
            _ => false,
        },
    },
    Stranger {
        words: "looks like VT Code; shown as it is",
        wrote: |it| {
            let event = it.get("event").unwrap_or(&Value::Null);
            it.get("schema_version").is_some() && text(event, "type").contains('.')
        },
    },
    Stranger {
        words: "looks like an Amp thread; shown as it is",
        wrote: |it| all(it, &["messages", "agentMode"]) && text(it, "id").starts_with("T-"),
    },
    Stranger {
        words: "looks like a Claude Code hook log; shown as it is",
        wrote: |it| all(it, &["hook_event_name", "session_id", "transcript_path"]),
    },
];

/// What programs keep beside their traces.
const INDEXES: &[Stranger] = &[
    Stranger {
        words: "looks like the prompt history of Gemini CLI; its chats are in chats/",
        wrote: |it| all(it, &["sessionId", "messageId", "message"]) && text(it, "type") == "user",
    },
    Stranger {
        words: "looks like Claude Code's session index; the sessions are next to it",
        wrote: |it| all(it, &["sessionId", "fullPath", "firstPrompt"]),
    },
    Stranger {
        words: "looks like the session list of Codex; the sessions are in sessions/",
        wrote: |it| all(it, &["id", "thread_name", "updated_at"]),
    },
    Stranger {
        words: "looks like the prompt history of Codex; the sessions are in sessions/",
        wrote: |it| all(it, &["session_id", "ts", "text"]),
    },
];

/// Which program wrote the records, if it wrote at least half of them or the first.
pub(super) fn name(records: &[Value]) -> Option<Caveat> {
    let half = records.len().div_ceil(2);
    let wrote = |it: &&Stranger| {
        let own = records.iter().filter(|record| (it.wrote)(record)).count();
        own > 0 && own >= half || records.first().is_some_and(it.wrote)
    };
    let stranger = STRANGERS.iter().find(wrote);
    let index = || INDEXES.iter().find(wrote);
    stranger
        .map(|it| Caveat::Stranger(it.words))
        .or_else(|| index().map(|it| Caveat::Index(it.words)))
}
