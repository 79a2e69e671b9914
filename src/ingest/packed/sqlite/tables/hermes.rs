//! The database of Hermes Agent.

use crate::ingest::packed::sqlite::schema::{Lines, Schema};

pub(crate) const STORES: &[Schema] = &[Schema {
    format: "hermes",
    places: &[".hermes/state.db", ".hermes/profiles/*/state.db"],
    tables: &[
        ("sessions", &["id", "model", "started_at", "input_tokens"]),
        (
            "messages",
            &[
                "id",
                "session_id",
                "role",
                "content",
                "tool_calls",
                "timestamp",
            ],
        ),
    ],
    sessions: "SELECT id, NULL, (SELECT max(timestamp) FROM messages WHERE session_id = s.id), NULL FROM sessions s",
    lines: &[
        Lines::of(
            "SELECT ?1",
            "SELECT *, 1 AS hermes FROM sessions WHERE id = ?1",
        ),
        Lines {
            json: &["tool_calls"],
            ..Lines::of(
                "SELECT id FROM messages WHERE session_id = ?1 ORDER BY id",
                "SELECT * FROM messages WHERE id = ?1",
            )
        },
    ],
}];
