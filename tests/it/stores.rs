//! Stores in SQLite: their contents equal what SQL counts, and nothing changes beside them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::SystemTime;

use rusqlite::Connection;
use saferun_tui::store::Store;

use crate::support::{load, sample, skipped};

/// Runs, turns, calls, input and output tokens, and the recorded cost in millionths of a dollar.
type Figures = (i64, i64, i64, i64, i64, i64);

fn figures(store: &Store) -> Figures {
    let mut found = (0, 0, 0, 0, 0, 0);
    for run in store.runs() {
        let totals = &run.totals;
        found.0 += 1;
        found.1 += i64::from(totals.turns);
        found.2 += i64::from(totals.tool_calls);
        found.3 += totals.usage.input.or_zero() as i64;
        found.4 += totals.usage.output.or_zero() as i64;
        let cost = totals.run_cost.get().or(totals.recorded_cost.get());
        found.5 += cost.unwrap_or(0) / 1_000_000;
    }
    found
}

fn counted(store: &Path, queries: [&str; 6]) -> Figures {
    let connection = Connection::open(store).expect("a store");
    let [runs, turns, calls, input, output, cost] = queries.map(|query| {
        let count = connection.query_row(query, [], |row| row.get::<_, Option<f64>>(0));
        count.expect(query).unwrap_or(0.0).round() as i64
    });
    (runs, turns, calls, input, output, cost)
}

/// A copy of a sample, because counting with SQL may write.
fn copied(folder: &Path, name: &str) -> PathBuf {
    let path = sample(name);
    let copy = folder.join(path.file_name().expect("a name"));
    fs::copy(path, &copy).expect("copied");
    copy
}

#[track_caller]
fn check(name: &str, queries: [&str; 6]) {
    let folder = tempfile::tempdir().expect("a folder");
    let copy = copied(folder.path(), name);
    let store = load(&[sample(name)]);
    assert_eq!(figures(&store), counted(&copy, queries), "{name}");
}

#[test]
fn opencode_holds_what_sql_counts() {
    check(
        "opencode/labels.db",
        [
            "SELECT count(*) FROM session WHERE parent_id IS NULL",
            "SELECT count(*) FROM message m JOIN session s ON s.id = session_id WHERE data ->> 'role' = 'user' AND parent_id IS NULL",
            "SELECT count(*) FROM part WHERE data ->> 'type' = 'tool'",
            "SELECT sum(data ->> '$.tokens.input') FROM message",
            "SELECT sum((data ->> '$.tokens.output') + (data ->> '$.tokens.reasoning')) FROM message",
            "SELECT sum(data ->> 'cost') * 1000000 FROM message",
        ],
    );
}

#[test]
fn opencode_2_holds_what_sql_counts() {
    check(
        "opencode/margins.db",
        [
            "SELECT count(*) FROM session_v2",
            "SELECT count(*) FROM session_message WHERE type = 'user'",
            "SELECT count(*) FROM session_message, json_each(data, '$.content') p WHERE p.value ->> 'type' = 'tool'",
            "SELECT sum(data ->> '$.tokens.input') FROM session_message",
            "SELECT sum((data ->> '$.tokens.output') + (data ->> '$.tokens.reasoning')) FROM session_message",
            "SELECT sum(data ->> 'cost') * 1000000 FROM session_message",
        ],
    );
}

#[test]
fn goose_holds_what_sql_counts() {
    check(
        "goose/sessions.db",
        [
            "SELECT count(*) FROM sessions",
            "SELECT count(*) FROM messages WHERE role = 'user' AND content_json ->> '$[0].type' = 'text'",
            "SELECT count(*) FROM messages, json_each(content_json) b WHERE b.value ->> 'type' = 'toolRequest'",
            "SELECT sum(accumulated_input_tokens - accumulated_cache_read_tokens - accumulated_cache_write_tokens) FROM sessions",
            "SELECT sum(accumulated_output_tokens) FROM sessions",
            "SELECT sum(accumulated_cost) * 1000000 FROM sessions",
        ],
    );
}

#[test]
fn crush_records_a_cost_and_no_tokens() {
    check(
        "crush/crush.db",
        [
            "SELECT count(*) FROM sessions",
            "SELECT count(*) FROM messages WHERE role = 'user'",
            "SELECT count(*) FROM messages, json_each(parts) p WHERE p.value ->> 'type' = 'tool_call'",
            "SELECT 0",
            "SELECT 0",
            "SELECT sum(cost) * 1000000 FROM sessions WHERE parent_session_id IS NULL",
        ],
    );
}

#[test]
fn zed_holds_what_sql_counts() {
    check(
        "zed/threads.db",
        [
            "SELECT count(*) FROM threads",
            "SELECT count(*) FROM threads, json_each(CAST(data AS TEXT), '$.messages') m WHERE json_extract(CASE m.type WHEN 'object' THEN m.value ELSE '{}' END, '$.User') IS NOT NULL",
            "SELECT count(*) FROM threads, json_each(CAST(data AS TEXT), '$.messages') m, json_each(CASE m.type WHEN 'object' THEN m.value ELSE '{}' END, '$.Agent.content') b WHERE b.value ->> 'ToolUse' IS NOT NULL",
            "SELECT sum(CAST(data AS TEXT) ->> '$.cumulative_token_usage.input_tokens') FROM threads",
            "SELECT sum(CAST(data AS TEXT) ->> '$.cumulative_token_usage.output_tokens') FROM threads",
            "SELECT 0",
        ],
    );
}

#[test]
fn hermes_holds_what_sql_counts() {
    check(
        "hermes/state.db",
        [
            "SELECT count(*) FROM sessions",
            "SELECT count(*) FROM messages WHERE role = 'user'",
            "SELECT sum(json_array_length(tool_calls)) FROM messages",
            "SELECT sum(input_tokens) FROM sessions",
            "SELECT sum(output_tokens) FROM sessions",
            "SELECT sum(coalesce(actual_cost_usd, estimated_cost_usd)) * 1000000 FROM sessions",
        ],
    );
}

#[test]
fn llm_holds_what_sql_counts() {
    check(
        "llm/logs.db",
        [
            "SELECT count(DISTINCT conversation_id) FROM responses",
            "SELECT count(*) FROM responses WHERE prompt <> ''",
            "SELECT count(*) FROM tool_calls",
            "SELECT sum(input_tokens - coalesce(token_details ->> '$.prompt_tokens_details.cached_tokens', 0)) FROM responses",
            "SELECT sum(output_tokens) FROM responses",
            "SELECT 0",
        ],
    );
}

#[test]
fn cursor_holds_what_sql_counts() {
    let text = "CAST(value AS TEXT)";
    let bubbles = "FROM cursorDiskKV WHERE key LIKE 'bubbleId:%'";
    let tool = format!("SELECT count({text} ->> '$.toolFormerData.name') {bubbles}");
    let users = format!("SELECT count(*) {bubbles} AND {text} ->> 'type' = 1");
    let input = format!("SELECT sum({text} ->> '$.tokenCount.inputTokens') {bubbles}");
    let output = format!("SELECT sum({text} ->> '$.tokenCount.outputTokens') {bubbles}");
    check(
        "cursor-store/state.vscdb",
        [
            "SELECT count(*) FROM cursorDiskKV WHERE key LIKE 'composerData:%'",
            &users,
            &tool,
            &input,
            &output,
            "SELECT sum(u.value ->> 'costInCents') * 10000 FROM cursorDiskKV, json_each(CAST(cursorDiskKV.value AS TEXT), '$.usageData') u WHERE cursorDiskKV.key LIKE 'composerData:%'",
        ],
    );
    check(
        "cursor-store/store.db",
        [
            "SELECT count(*) FROM meta",
            "SELECT count(*) FROM blobs WHERE CAST(data AS TEXT) LIKE '{\"role\":\"user\"%'",
            "SELECT count(*) FROM blobs WHERE CAST(data AS TEXT) LIKE '%\"tool-call\"%'",
            "SELECT 0",
            "SELECT 0",
            "SELECT 0",
        ],
    );
}

#[test]
fn a_session_of_a_store_opens_alone_and_a_subagent_with_its_session() {
    let store = load(&[sample("opencode/labels.db").join("ses_labels")]);
    assert_eq!(store.runs().len(), 1);
    assert_eq!(store.sources().len(), 2);
    let child = load(&[sample("opencode/labels.db").join("ses_search")]);
    assert_eq!(child.runs().len(), 1);
    assert_eq!(child.sources().len(), 1);
}

#[test]
fn a_session_kept_as_files_and_in_a_store_counts_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let session = folder.path().join("storage/session/prj");
    let messages = folder.path().join("storage/message/ses_labels");
    fs::create_dir_all(&session).expect("a folder");
    fs::create_dir_all(&messages).expect("a folder");
    fs::create_dir_all(folder.path().join("storage/part")).expect("a folder");
    let entry = r#"{"id":"ses_labels","projectID":"prj","directory":"/w","time":{"created":1}}"#;
    fs::write(session.join("ses_labels.json"), entry).expect("written");
    let asked = r#"{"id":"msg_01","sessionID":"ses_labels","role":"user","time":{"created":1}}"#;
    fs::write(messages.join("msg_01.json"), asked).expect("written");
    copied(folder.path(), "opencode/labels.db");
    let store = load(&[folder.path().to_owned()]);
    assert_eq!(store.runs().len(), 1);
    assert!(store.runs().iter().all(|run| run.totals.tool_calls == 2));
}

#[test]
fn a_task_of_two_files_is_one_run_with_its_approvals() {
    let store = load(&[sample("cline/task")]);
    assert_eq!(store.runs().len(), 1);
    let totals = store.runs()[0].totals;
    assert_eq!((totals.turns, totals.tool_calls, totals.denied), (1, 3, 1));
    assert_eq!(totals.usage.input.get(), Some(3450));
    assert_eq!(totals.usage.output.get(), Some(170));
    assert_eq!(totals.recorded_cost.get(), Some(14_800_000_000));
}

#[test]
fn copilots_spans_hold_what_sql_counts() {
    check(
        "vscode-traces/agent-traces.db",
        [
            "SELECT count(DISTINCT coalesce(conversation_id, chat_session_id)) FROM spans WHERE operation_name = 'chat'",
            // A conversation whose messages were not recorded has no turn.
            "SELECT count(DISTINCT s.trace_id) FROM spans s JOIN span_attributes a USING (span_id) WHERE a.key = 'gen_ai.input.messages'",
            "SELECT count(*) FROM spans WHERE operation_name = 'execute_tool'",
            "SELECT sum(input_tokens - cached_tokens) FROM spans WHERE operation_name = 'chat'",
            "SELECT sum(output_tokens) FROM spans WHERE operation_name = 'chat'",
            "SELECT 0",
        ],
    );
}

/// A store whose program has it open: its log exists.
fn in_use(folder: &Path) -> (PathBuf, Connection) {
    let path = folder.join("opencode.db");
    let writer = Connection::open(&path).expect("a store");
    writer
        .pragma_update(None, "journal_mode", "wal")
        .expect("a mode");
    let statements = fs::read_to_string(sample("stores/opencode.sql")).expect("statements");
    writer.execute_batch(&statements).expect("a store");
    (path, writer)
}

/// No private copy of a store outlives the program.
#[test]
fn copies_of_stores_are_deleted() {
    let folder = tempfile::tempdir().expect("a folder");
    let temporary = tempfile::tempdir().expect("a folder");
    let (path, _writer) = in_use(folder.path());
    let run = Command::new(assert_cmd::cargo::cargo_bin!("saferun-tui"))
        .env("TMPDIR", temporary.path())
        .args(["--no-config", "query", ""])
        .arg(&path)
        .output()
        .expect("it runs");
    assert!(run.status.success() && !run.stdout.is_empty());
    assert!(listing(temporary.path()).is_empty());
}

fn listing(folder: &Path) -> Vec<(PathBuf, u64, SystemTime)> {
    let entries = fs::read_dir(folder).expect("a folder");
    let mut found: Vec<_> = entries
        .map(|entry| {
            let entry = entry.expect("an entry");
            let known = entry.metadata().expect("metadata");
            (entry.path(), known.len(), known.modified().expect("a time"))
        })
        .collect();
    found.sort();
    found
}

const CALLS: &str = "trace=openat,open,creat,unlink,unlinkat,rename,renameat2,ftruncate,truncate,fallocate,write,pwrite64,pwritev,?landlock_create_ruleset";

/// Checked with the kernel: no call of the program writes to a file in the folder, creates or deletes one.
#[test]
fn no_system_call_writes_beside_a_store() {
    let folder = tempfile::tempdir().expect("a folder");
    let (path, _writer) = in_use(folder.path());
    check_untouched(&folder, &path);
}

/// The same for a store that is not copied. There SQLite tries, and the kernel refuses.
#[test]
fn no_system_call_writes_beside_a_store_that_is_too_large_to_copy() {
    let folder = tempfile::tempdir().expect("a folder");
    let (path, _writer) = in_use(folder.path());
    let main = fs::File::options().write(true).open(&path);
    main.and_then(|file| file.set_len(300 << 20))
        .expect("a large file");
    check_untouched(&folder, &path);
}

fn check_untouched(folder: &tempfile::TempDir, path: &Path) {
    let before = listing(folder.path());
    assert_eq!(before.len(), 3, "the writer has its log open");
    let traced = folder.path().with_extension("strace");
    let run = Command::new("strace")
        .args(["-f", "-y", "-e", CALLS, "-o"])
        .arg(&traced)
        .arg(assert_cmd::cargo::cargo_bin!("saferun-tui"))
        .args(["--no-config", "ls"])
        .arg(path)
        .output();
    let Ok(run) = run else {
        skipped("no strace");
        return;
    };
    let calls = fs::read_to_string(&traced).unwrap_or_default();
    let _ = fs::remove_file(&traced);
    if calls.is_empty() {
        skipped("strace may not trace");
        return;
    }
    assert!(run.status.success() && !run.stdout.is_empty());
    assert_eq!(listing(folder.path()), before);
    let fences = |call: &&str| call.contains("landlock_create_ruleset(");
    if calls
        .lines()
        .filter(fences)
        .any(|call| call.contains("= -1"))
    {
        skipped("no Landlock");
        return;
    }
    let beside = folder.path().to_string_lossy().into_owned();
    for call in calls.lines().filter(|call| call.contains(&beside)) {
        let is_opened = ["O_RDWR", "O_WRONLY", "O_CREAT"]
            .iter()
            .any(|it| call.contains(it));
        assert!(
            !is_opened || call.ends_with("(Permission denied)"),
            "{call}"
        );
        let changes = [
            "write", "unlink", "rename", "creat(", "truncate", "allocate",
        ];
        assert!(!changes.iter().any(|it| call.contains(it)), "{call}");
    }
}
