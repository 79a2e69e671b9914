//! The database that Crush keeps in each project.

use crate::ingest::packed::sqlite::schema::{Lines, Schema};

pub(crate) const STORES: &[Schema] = &[Schema {
    format: "crush",
    places: &[".crush/crush.db", ".local/share/crush/crush.db"],
    tables: &[
        (
            "sessions",
            &["id", "parent_session_id", "title", "cost", "updated_at"],
        ),
        (
            "messages",
            &["id", "session_id", "role", "parts", "created_at"],
        ),
    ],
    sessions: "SELECT id, NULL, updated_at, title FROM sessions",
    lines: &[
        Lines::of("SELECT ?1", "SELECT * FROM sessions WHERE id = ?1"),
        Lines {
            json: &["parts"],
            finished: &["\"finish\"", "\"role\":\"user\"", "\"role\":\"tool\""],
            ..Lines::of(
                "SELECT id FROM messages WHERE session_id = ?1 ORDER BY created_at, rowid",
                "SELECT * FROM messages WHERE id = ?1",
            )
        },
    ],
}];
