-- Two questions to a model from the shell, one of them with a tool, as `llm` logs them.
CREATE TABLE conversations (id TEXT PRIMARY KEY, name TEXT, model TEXT);
CREATE TABLE responses (id TEXT PRIMARY KEY, model TEXT, prompt TEXT, system TEXT, prompt_json TEXT, options_json TEXT, response TEXT, response_json TEXT, conversation_id TEXT, duration_ms INTEGER, datetime_utc TEXT, input_tokens INTEGER, output_tokens INTEGER, token_details TEXT, schema_id TEXT, resolved_model TEXT);
CREATE TABLE tool_calls (id INTEGER PRIMARY KEY, response_id TEXT, tool_id INTEGER, name TEXT, arguments TEXT, tool_call_id TEXT);
CREATE TABLE tool_results (id INTEGER PRIMARY KEY, response_id TEXT, tool_id INTEGER, name TEXT, output TEXT, tool_call_id TEXT);
INSERT INTO conversations VALUES ('01k9', 'How many moons has Mars?', 'gpt-4o-mini');
INSERT INTO responses VALUES ('01k9a', 'gpt-4o-mini', 'How many moons has Mars?', 'Answer in one line.', NULL, '{}', '', NULL, '01k9', 820, '2026-11-18T08:00:00', 310, 18, NULL, NULL, NULL);
INSERT INTO tool_calls VALUES (1, '01k9a', 1, 'lookup', '{"planet":"Mars"}', 'call_m');
INSERT INTO responses VALUES ('01k9b', 'gpt-4o-mini', '', NULL, NULL, '{}', 'Two: Phobos and Deimos.', NULL, '01k9', 640, '2026-11-18T08:00:02', 360, 12, '{"prompt_tokens_details":{"cached_tokens":256}}', NULL, NULL);
INSERT INTO tool_results VALUES (1, '01k9b', 1, 'lookup', '{"moons":2}', 'call_m');
