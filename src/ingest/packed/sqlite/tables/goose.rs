//! The database of Goose.

use crate::ingest::packed::sqlite::schema::{Lines, Schema};

pub(crate) const STORES: &[Schema] = &[Schema {
    format: "goose",
    places: &[
        ".local/share/goose/sessions/sessions.db",
        "Library/Application Support/Block/goose/sessions/sessions.db",
    ],
    tables: &[
        ("sessions", &["id", "working_dir", "updated_at"]),
        (
            "messages",
            &["session_id", "role", "content_json", "created_timestamp"],
        ),
    ],
    sessions: "SELECT id, NULL, updated_at, coalesce(nullif(description, ''), name) FROM sessions s
        WHERE EXISTS (SELECT 1 FROM messages WHERE session_id = s.id)",
    lines: &[
        Lines {
            json: &["model_config_json", "extension_data"],
            ..Lines::of("SELECT ?1", "SELECT * FROM sessions WHERE id = ?1")
        },
        Lines {
            json: &["content_json", "metadata_json"],
            ..Lines::of(
                "SELECT id FROM messages WHERE session_id = ?1 ORDER BY created_timestamp, id",
                "SELECT * FROM messages WHERE id = ?1",
            )
        },
    ],
}];
