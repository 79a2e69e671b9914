-- A date format, changed in Cursor's editor: a composer and its bubbles.
CREATE TABLE ItemTable (key TEXT UNIQUE ON CONFLICT REPLACE, value BLOB);
CREATE TABLE cursorDiskKV (key TEXT UNIQUE ON CONFLICT REPLACE, value BLOB);
INSERT INTO cursorDiskKV VALUES ('composerData:5c1e', '{"_v":3,"composerId":"5c1e","name":"Dates in ISO form","createdAt":1795090000000,"lastUpdatedAt":1795090060000,"modelConfig":{"modelName":"claude-4-sonnet"},"usageData":{"claude-4-sonnet":{"costInCents":4,"amount":1}},"fullConversationHeadersOnly":[{"bubbleId":"b1","type":1},{"bubbleId":"b2","type":2},{"bubbleId":"b3","type":2},{"bubbleId":"b4","type":2}]}');
INSERT INTO cursorDiskKV VALUES ('bubbleId:5c1e:b1', '{"_v":3,"type":1,"bubbleId":"b1","text":"Write dates in ISO form.","createdAt":"2026-11-18T13:26:40.000Z"}');
INSERT INTO cursorDiskKV VALUES ('bubbleId:5c1e:b2', CAST('{"_v":3,"type":2,"bubbleId":"b2","text":"","thinking":{"text":"One function formats them."},"createdAt":"2026-11-18T13:26:44.000Z"}' AS BLOB));
INSERT INTO cursorDiskKV VALUES ('bubbleId:5c1e:b3', '{"_v":3,"type":2,"bubbleId":"b3","text":"","toolFormerData":{"tool":7,"name":"edit_file","toolCallId":"tool_9","status":"completed","rawArgs":"{\"target_file\":\"dates.ts\"}","result":"{\"diff\":\"+ toISOString()\"}","userDecision":"accepted"},"createdAt":"2026-11-18T13:26:50.000Z"}');
INSERT INTO cursorDiskKV VALUES ('bubbleId:5c1e:b4', '{"_v":3,"type":2,"bubbleId":"b4","text":"Dates are in ISO form now.","tokenCount":{"inputTokens":2210,"outputTokens":96},"createdAt":"2026-11-18T13:27:40.000Z"}');
