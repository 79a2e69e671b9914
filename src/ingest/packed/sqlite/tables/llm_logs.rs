//! The log of `llm`. Tables of tool calls came later.

use crate::ingest::packed::sqlite::schema::{Lines, Schema};

const PLACES: &[&str] = &[
    ".config/io.datasette.llm/logs.db",
    "Library/Application Support/io.datasette.llm/logs.db",
];
const RESPONSES: (&str, &[&str]) = (
    "responses",
    &[
        "id",
        "model",
        "prompt",
        "system",
        "response",
        "conversation_id",
        "duration_ms",
        "datetime_utc",
    ],
);
const SESSIONS: &str = "SELECT c.id, NULL, (SELECT max(datetime_utc) FROM responses WHERE conversation_id = c.id), c.name
    FROM conversations c WHERE EXISTS (SELECT 1 FROM responses WHERE conversation_id = c.id)";
const KEYS: &str = "SELECT id FROM responses WHERE conversation_id = ?1 ORDER BY datetime_utc, id";
const HEAD: Lines = Lines::of(
    "SELECT ?1",
    "SELECT id AS conversation, name, model FROM conversations WHERE id = ?1",
);

pub(crate) const STORES: &[Schema] = &[
    Schema {
        format: "llm",
        places: PLACES,
        tables: &[
            ("conversations", &["id", "name", "model"]),
            RESPONSES,
            ("tool_calls", &["response_id", "name", "arguments", "tool_call_id"]),
            ("tool_results", &["response_id", "name", "output", "tool_call_id"]),
        ],
        sessions: SESSIONS,
        lines: &[
            HEAD,
            Lines {
                json: &["options_json", "token_details", "tool_calls", "tool_results"],
                ..Lines::of(
                    KEYS,
                    "SELECT r.*,
                    (SELECT json_group_array(json_object('id', tool_call_id, 'name', name, 'arguments', arguments))
                        FROM tool_calls WHERE response_id = r.id) AS tool_calls,
                    (SELECT json_group_array(json_object('id', tool_call_id, 'name', name, 'output', output))
                        FROM tool_results WHERE response_id = r.id) AS tool_results
                    FROM responses r WHERE id = ?1",
                )
            },
        ],
    },
    Schema {
        format: "llm",
        places: PLACES,
        tables: &[("conversations", &["id", "name", "model"]), RESPONSES],
        sessions: SESSIONS,
        lines: &[
            HEAD,
            Lines {
                json: &["options_json", "token_details"],
                ..Lines::of(KEYS, "SELECT * FROM responses WHERE id = ?1")
            },
        ],
    },
];
