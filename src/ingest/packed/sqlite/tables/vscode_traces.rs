//! The spans that Copilot Chat stores beside its sessions. Only some spans of a trace name the conversation.

use crate::ingest::packed::sqlite::schema::{Lines, Schema};

/// The conversation of a span, or the trace of one that belongs to none.
macro_rules! of_session {
    ($before:literal, $after:literal) => {
        concat!(
            $before,
            " coalesce((SELECT max(coalesce(conversation_id, chat_session_id)) FROM spans t WHERE t.trace_id = s.trace_id), trace_id) ",
            $after
        )
    };
}

pub(crate) const STORES: &[Schema] = &[Schema {
    format: "vscode-traces",
    places: &[
        ".config/Code*/User/globalStorage/github.copilot-chat/agent-traces.db",
        "Library/Application Support/Code*/User/globalStorage/github.copilot-chat/agent-traces.db",
    ],
    tables: &[
        (
            "spans",
            &[
                "span_id",
                "trace_id",
                "start_time_ms",
                "end_time_ms",
                "status_code",
                "conversation_id",
                "chat_session_id",
            ],
        ),
        ("span_attributes", &["span_id", "key", "value"]),
        ("span_events", &["span_id", "name", "timestamp_ms", "attributes"]),
    ],
    sessions: of_session!("SELECT", "AS session, NULL, max(end_time_ms), NULL FROM spans s GROUP BY session"),
    lines: &[Lines {
        json: &["attributes", "events"],
        ..Lines::of(
            of_session!("SELECT span_id FROM spans s WHERE", "= ?1 ORDER BY start_time_ms, span_id"),
            "SELECT s.*,
                (SELECT json_group_object(key, value) FROM span_attributes WHERE span_id = s.span_id) AS attributes,
                (SELECT json_group_array(json_object('name', name, 'timestamp_ms', timestamp_ms, 'attributes',
                    CASE WHEN json_valid(attributes) THEN json(attributes) END))
                    FROM span_events WHERE span_id = s.span_id) AS events
                FROM spans s WHERE span_id = ?1",
        )
    }],
}];
