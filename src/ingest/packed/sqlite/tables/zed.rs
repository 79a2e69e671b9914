//! The threads of Zed: one compressed document per row, whose messages become lines.

use crate::ingest::packed::sqlite::schema::{Lines, Schema};

pub(crate) const STORES: &[Schema] = &[Schema {
    format: "zed",
    places: &[
        ".local/share/zed/threads/threads.db",
        "Library/Application Support/Zed/threads/threads.db",
    ],
    tables: &[(
        "threads",
        &["id", "summary", "updated_at", "data_type", "data"],
    )],
    sessions: "SELECT id, NULL, updated_at, summary FROM threads",
    lines: &[Lines {
        json: &["data"],
        split: Some("/data/messages"),
        ..Lines::of("SELECT ?1", "SELECT * FROM threads WHERE id = ?1")
    }],
}];
