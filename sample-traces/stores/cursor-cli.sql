-- A list of files, asked of Cursor's command line: messages under their hashes, listed by the root blob.
CREATE TABLE blobs (id TEXT PRIMARY KEY, data BLOB);
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT);
INSERT INTO blobs VALUES ('1111111111111111111111111111111111111111111111111111111111111111', CAST('{"role":"user","content":[{"type":"text","text":"Which files are here?"}]}' AS BLOB));
INSERT INTO blobs VALUES ('2222222222222222222222222222222222222222222222222222222222222222', CAST('{"role":"assistant","id":"1","content":[{"type":"text","text":"I look."},{"type":"tool-call","toolCallId":"t1","toolName":"Shell","args":{"command":"ls"}}]}' AS BLOB));
INSERT INTO blobs VALUES ('3333333333333333333333333333333333333333333333333333333333333333', CAST('{"role":"tool","id":"t1","content":[{"type":"tool-result","toolCallId":"t1","toolName":"Shell","result":"tulips.txt"}]}' AS BLOB));
INSERT INTO blobs VALUES ('4444444444444444444444444444444444444444444444444444444444444444', CAST('{"role":"assistant","id":"2","content":[{"type":"text","text":"One: tulips.txt."}]}' AS BLOB));
INSERT INTO blobs VALUES ('ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff', x'0a2011111111111111111111111111111111111111111111111111111111111111110a2022222222222222222222222222222222222222222222222222222222222222220a2033333333333333333333333333333333333333333333333333333333333333330a204444444444444444444444444444444444444444444444444444444444444444');
INSERT INTO meta VALUES ('0', hex('{"agentId":"f1ff","latestRootBlobId":"ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff","name":"Files","mode":"default","createdAt":1795095000000,"lastUsedModel":"claude-4-sonnet"}'));
