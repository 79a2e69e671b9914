//! The tables in which OpenCode and its forks keep their sessions.

use crate::ingest::packed::sqlite::schema::{Lines, Schema};

const PLACES: &[&str] = &[
    ".local/share/opencode/opencode*.db",
    ".local/share/kilo/kilo*.db",
    ".local/share/mimocode/*.db",
];

/// The session, with the name of the file, which identifies the program.
macro_rules! session_of {
    ($table:literal) => {
        Lines::of(
            "SELECT ?1",
            concat!(
                "SELECT (SELECT replace(file, rtrim(file, replace(file, '/', '')), '') FROM pragma_database_list WHERE name = 'main') AS store, * FROM ",
                $table,
                " WHERE id = ?1"
            ),
        )
    };
}

/// Newer tables first: a migrated session is in both.
pub(crate) const STORES: &[Schema] = &[
    Schema {
        format: "opencode",
        places: PLACES,
        tables: &[
            ("session_v2", &["id", "parent_id", "time_updated", "title"]),
            (
                "session_message",
                &["id", "session_id", "type", "seq", "data"],
            ),
        ],
        sessions: "SELECT id, parent_id, time_updated, title FROM session_v2 s
            WHERE EXISTS (SELECT 1 FROM session_message WHERE session_id = s.id)",
        lines: &[
            session_of!("session_v2"),
            Lines {
                spread: Some("data"),
                finished: &[
                    "\"finish\":",
                    "\"error\":",
                    "\"type\":\"user\"",
                    "\"type\":\"synthetic\"",
                    "\"type\":\"compaction\"",
                ],
                ..Lines::of(
                    "SELECT id FROM session_message WHERE session_id = ?1 ORDER BY seq",
                    "SELECT id, session_id AS sessionID, type, seq, data FROM session_message WHERE id = ?1",
                )
            },
        ],
    },
    Schema {
        format: "opencode",
        places: PLACES,
        tables: &[
            ("session", &["id", "directory", "time_updated"]),
            ("message", &["id", "session_id", "time_created", "data"]),
            ("part", &["id", "message_id", "data"]),
        ],
        sessions: "SELECT id, parent_id, time_updated, title FROM session",
        lines: &[
            session_of!("session"),
            Lines {
                spread: Some("data"),
                inside: Some("info"),
                finished: &["\"completed\":", "\"role\":\"user\""],
                parts: Some((
                    "parts",
                    "SELECT id, message_id AS messageID, data FROM part WHERE message_id = ?1 ORDER BY id",
                )),
                ..Lines::of(
                    "SELECT id FROM message WHERE session_id = ?1 ORDER BY time_created, id",
                    "SELECT id, session_id AS sessionID, data FROM message WHERE id = ?1",
                )
            },
        ],
    },
];
