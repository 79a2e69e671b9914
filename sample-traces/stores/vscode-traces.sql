CREATE TABLE schema_version (version INTEGER NOT NULL);
INSERT INTO schema_version (version) VALUES (1);
CREATE TABLE spans (
  span_id TEXT PRIMARY KEY, trace_id TEXT NOT NULL, parent_span_id TEXT, name TEXT NOT NULL, start_time_ms INTEGER NOT NULL,
  end_time_ms INTEGER NOT NULL, status_code INTEGER NOT NULL DEFAULT 0, status_message TEXT, operation_name TEXT,
  provider_name TEXT, agent_name TEXT, conversation_id TEXT, request_model TEXT, response_model TEXT, input_tokens INTEGER,
  output_tokens INTEGER, cached_tokens INTEGER, reasoning_tokens INTEGER, tool_name TEXT, tool_call_id TEXT, tool_type TEXT,
  chat_session_id TEXT, turn_index INTEGER, ttft_ms REAL);
CREATE TABLE span_attributes (
  span_id TEXT NOT NULL REFERENCES spans(span_id) ON DELETE CASCADE, key TEXT NOT NULL, value TEXT, PRIMARY KEY (span_id, key));
CREATE TABLE span_events (
  id INTEGER PRIMARY KEY AUTOINCREMENT, span_id TEXT NOT NULL REFERENCES spans(span_id) ON DELETE CASCADE, name TEXT NOT NULL,
  timestamp_ms INTEGER NOT NULL, attributes TEXT);
-- One question about a failing test: two model calls, a tool that works and one that fails.
INSERT INTO spans VALUES
  ('a1', 't1', NULL, 'invoke_agent copilot', 1791194400000, 1791194409000, 1, NULL, 'invoke_agent', 'github', 'copilot', 'conv-7',
   'gpt-5-mini', 'gpt-5-mini-2025-08-07', 2150, 96, 1024, NULL, NULL, NULL, NULL, 'chat-7', 0, NULL),
  ('a2', 't1', 'a1', 'chat gpt-5-mini', 1791194400100, 1791194402100, 1, NULL, 'chat', 'openai', NULL, 'conv-7',
   'gpt-5-mini', 'gpt-5-mini-2025-08-07', 900, 40, 0, 12, NULL, NULL, NULL, 'chat-7', 0, 410.5),
  ('a3', 't1', 'a1', 'execute_tool readFile', 1791194402200, 1791194402300, 1, NULL, 'execute_tool', NULL, NULL, NULL,
   NULL, NULL, NULL, NULL, NULL, NULL, 'readFile', 'call_1', 'function', NULL, NULL, NULL),
  ('a4', 't1', 'a1', 'execute_tool runTests', 1791194402300, 1791194405300, 2, 'exit code 1', 'execute_tool', NULL, NULL, NULL,
   NULL, NULL, NULL, NULL, NULL, NULL, 'runTests', 'call_2', 'function', NULL, NULL, NULL),
  ('a5', 't1', 'a1', 'chat gpt-5-mini', 1791194405400, 1791194408900, 1, NULL, 'chat', 'openai', NULL, 'conv-7',
   'gpt-5-mini', 'gpt-5-mini-2025-08-07', 1250, 56, 1024, 20, NULL, NULL, NULL, 'chat-7', 0, 388.0),
  -- Another conversation: a title, without an agent around it.
  ('b1', 't2', NULL, 'chat gpt-4o-mini', 1791198000000, 1791198000700, 1, NULL, 'chat', 'openai', NULL, NULL,
   'gpt-4o-mini', 'gpt-4o-mini-2024-07-18', 120, 6, 0, NULL, NULL, NULL, NULL, 'chat-8', 0, 200.0);
INSERT INTO span_attributes VALUES
  ('a2', 'gen_ai.operation.name', 'chat'),
  ('a2', 'gen_ai.usage.input_tokens', '900'),
  ('a2', 'gen_ai.input.messages', '[{"role":"user","parts":[{"type":"text","content":"Why does größe_test fail?"}]}]'),
  ('a2', 'gen_ai.output.messages', '[{"role":"assistant","parts":[{"type":"tool_call","id":"call_1","name":"readFile","arguments":{"path":"size.ts"}},{"type":"tool_call","id":"call_2","name":"runTests","arguments":{"filter":"größe_test"}}]}]'),
  ('a3', 'gen_ai.tool.call.arguments', '{"path":"size.ts"}'),
  ('a3', 'gen_ai.tool.call.result', 'export const size = 3;'),
  ('a4', 'gen_ai.tool.call.arguments', '{"filter":"größe_test"}'),
  ('a4', 'error.type', 'ToolError'),
  ('a5', 'gen_ai.input.messages', '[{"role":"user","parts":[{"type":"text","content":"Why does größe_test fail?"}]},{"role":"assistant","parts":[{"type":"tool_call","id":"call_1","name":"readFile","arguments":{"path":"size.ts"}},{"type":"tool_call","id":"call_2","name":"runTests","arguments":{"filter":"größe_test"}}]},{"role":"tool","parts":[{"type":"tool_call_response","id":"call_1","response":"export const size = 3;"},{"type":"tool_call_response","id":"call_2","response":"exit code 1"}]}]'),
  ('a5', 'gen_ai.output.messages', '[{"role":"assistant","parts":[{"type":"text","content":"It expects 4, but size.ts exports 3."}]}]'),
  ('b1', 'gen_ai.output.messages', '[{"role":"assistant","parts":[{"type":"text","content":"Failing size test"}]}]');
INSERT INTO span_events (span_id, name, timestamp_ms, attributes) VALUES ('a4', 'exception', 1791194405300, '{"exception.message":"exit code 1"}');
