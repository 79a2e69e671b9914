//! The databases of Cursor: keys and values of the editor, content-addressed blobs of the command line.

use crate::ingest::packed::sqlite::schema::{Lines, Schema};

pub(crate) const STORES: &[Schema] = &[
    Schema {
        format: "cursor-store",
        places: &[
            ".config/Cursor/User/globalStorage/state.vscdb",
            "Library/Application Support/Cursor/User/globalStorage/state.vscdb",
        ],
        tables: &[("cursorDiskKV", &["key", "value"])],
        sessions: "SELECT substr(key, 14), NULL,
                coalesce(json_extract(CAST(value AS TEXT), '$.lastUpdatedAt'), json_extract(CAST(value AS TEXT), '$.createdAt')),
                json_extract(CAST(value AS TEXT), '$.name')
            FROM cursorDiskKV WHERE key >= 'composerData:' AND key < 'composerData;' AND json_valid(CAST(value AS TEXT))
            AND json_array_length(CAST(value AS TEXT), '$.fullConversationHeadersOnly') > 0",
        lines: &[
            Lines {
                json: &["usage"],
                ..Lines::of(
                    "SELECT ?1",
                    "WITH c(v) AS (SELECT CAST(value AS TEXT) FROM cursorDiskKV WHERE key = 'composerData:' || ?1)
                    SELECT ?1 AS composerId, json_extract(v, '$.name') AS name, json_extract(v, '$.createdAt') AS createdAt,
                    json_extract(v, '$.lastUpdatedAt') AS lastUpdatedAt, json_extract(v, '$.modelConfig.modelName') AS model,
                    json_extract(v, '$.usageData') AS usage FROM c",
                )
            },
            Lines {
                spread: Some("value"),
                ..Lines::of(
                    "SELECT 'bubbleId:' || ?1 || ':' || json_extract(h.value, '$.bubbleId') FROM cursorDiskKV c,
                    json_each(CAST(c.value AS TEXT), '$.fullConversationHeadersOnly') h WHERE c.key = 'composerData:' || ?1",
                    "SELECT key AS bubble, CAST(value AS TEXT) AS value FROM cursorDiskKV WHERE key = ?1",
                )
            },
        ],
    },
    Schema {
        format: "cursor-store",
        places: &[".cursor/chats/*/*/store.db"],
        tables: &[("blobs", &["id", "data"]), ("meta", &["key", "value"])],
        sessions: "SELECT json_extract(v, '$.agentId'), NULL, json_extract(v, '$.createdAt'), json_extract(v, '$.name')
            FROM (SELECT CAST(unhex(value) AS TEXT) AS v FROM meta LIMIT 1)",
        lines: &[
            Lines {
                spread: Some("meta"),
                ..Lines::of("SELECT ?1", "SELECT CAST(unhex(value) AS TEXT) AS meta FROM meta WHERE ?1 <> '' LIMIT 1")
            },
            // The root blob begins with the hashes of the messages: a tag, a length, and 32 bytes each.
            Lines {
                spread: Some("data"),
                ..Lines::of(
                    "WITH RECURSIVE root(data) AS (SELECT b.data FROM blobs b WHERE ?1 <> '' AND b.id =
                        (SELECT json_extract(CAST(unhex(value) AS TEXT), '$.latestRootBlobId') FROM meta LIMIT 1)),
                    list(n, part) AS (SELECT 0, substr(data, 1, 34) FROM root
                        UNION ALL SELECT n + 1, substr(data, 34 * (n + 1) + 1, 34) FROM list, root
                        WHERE substr(part, 1, 2) = x'0a20' AND n < 1000000)
                    SELECT lower(hex(substr(part, 3))) FROM list WHERE substr(part, 1, 2) = x'0a20' ORDER BY n",
                    "SELECT id AS blob, CAST(data AS TEXT) AS data FROM blobs WHERE id = ?1",
                )
            },
        ],
    },
];
