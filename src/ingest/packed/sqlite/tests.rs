use std::fs;
use std::path::Path;

use rusqlite::Connection;

use super::*;

/// A store of OpenCode with one session of two messages.
fn fill(connection: &Connection) {
    connection
        .execute_batch(
            r#"CREATE TABLE session (id TEXT PRIMARY KEY, parent_id TEXT, directory TEXT, title TEXT, time_created INTEGER, time_updated INTEGER);
CREATE TABLE message (id TEXT PRIMARY KEY, session_id TEXT, time_created INTEGER, data TEXT);
CREATE TABLE part (id TEXT PRIMARY KEY, message_id TEXT, session_id TEXT, time_created INTEGER, data TEXT);
INSERT INTO session VALUES ('ses_1', NULL, '/work', 'look', 1700000000000, 1700000009000);
INSERT INTO message VALUES ('msg_1', 'ses_1', 1700000000000, '{"role":"user"}');
INSERT INTO message VALUES ('msg_2', 'ses_1', 1700000001000, '{"role":"assistant"}');
INSERT INTO part VALUES ('prt_1', 'msg_1', 'ses_1', 1, '{"type":"text",
"text":"go"}');
INSERT INTO part VALUES ('prt_2', 'msg_2', 'ses_1', 1, '{"type":"text","text":"gone"}');"#,
        )
        .expect("a store");
}

fn text_of(store: &Path) -> String {
    let listed = sessions(store).expect("sessions");
    assert_eq!(listed.len(), 1);
    let session = open(store, &listed[0].id).expect("a session");
    let mut buffer = vec![0; session.len() as usize];
    assert_eq!(session.read_at(&mut buffer, 0), buffer.len());
    assert_eq!(session.fault(), None);
    String::from_utf8(buffer).expect("text")
}

const WHOLE: &str = r#"{"store":"opencode.db","id":"ses_1","directory":"/work","title":"look","time_created":1700000000000,"time_updated":1700000009000}
{"info":{"id":"msg_1","sessionID":"ses_1","role":"user"},"parts":[{"id":"prt_1","messageID":"msg_1","type":"text", "text":"go"}]}
{"info":{"id":"msg_2","sessionID":"ses_1","role":"assistant"},"parts":[{"id":"prt_2","messageID":"msg_2","type":"text","text":"gone"}]}
"#;

/// Names, sizes and times of all files in a folder.
fn listing(folder: &Path) -> Vec<(String, u64, std::time::SystemTime)> {
    let mut found: Vec<_> = fs::read_dir(folder)
        .expect("a folder")
        .map(|entry| {
            let entry = entry.expect("an entry");
            let known = entry.metadata().expect("metadata");
            let name = entry.file_name().to_string_lossy().into_owned();
            (name, known.len(), known.modified().expect("a time"))
        })
        .collect();
    found.sort();
    found
}

#[track_caller]
fn check_untouched(store: &Path) {
    let folder = store.parent().expect("a folder");
    let before = listing(folder);
    assert_eq!(text_of(store), WHOLE);
    assert_eq!(listing(folder), before);
}

fn store(folder: &Path, mode: &str) -> (std::path::PathBuf, Connection) {
    let path = folder.join("opencode.db");
    let connection = Connection::open(&path).expect("a store");
    connection
        .pragma_update(None, "journal_mode", mode)
        .expect("a mode");
    fill(&connection);
    (path, connection)
}

#[test]
fn a_session_is_lines_and_any_part_of_it_can_be_read() {
    let folder = tempfile::tempdir().expect("a folder");
    let (path, connection) = store(folder.path(), "delete");
    drop(connection);
    check_untouched(&path);
    let session = open(&path, "ses_1").expect("a session");
    for start in 0..WHOLE.len() {
        let mut buffer = [0; 40];
        let read = session.read_at(&mut buffer, start as u64);
        assert_eq!(
            &buffer[..read],
            &WHOLE.as_bytes()[start..(start + 40).min(WHOLE.len())]
        );
    }
    assert_eq!(session.read_at(&mut [0; 4], 9999), 0);
}

#[test]
fn nothing_changes_beside_a_store_whatever_state_its_log_is_in() {
    // The writer still has it open: log and index exist.
    let live = tempfile::tempdir().expect("a folder");
    let (path, writer) = store(live.path(), "wal");
    check_untouched(&path);
    // The writer was killed: a log without its index.
    let killed = tempfile::tempdir().expect("a folder");
    for name in ["opencode.db", "opencode.db-wal"] {
        fs::copy(live.path().join(name), killed.path().join(name)).expect("copied");
    }
    check_untouched(&killed.path().join("opencode.db"));
    // The writer has finished: neither.
    drop(writer);
    assert_eq!(listing(live.path()).len(), 1);
    check_untouched(&path);
}

#[test]
fn a_store_too_large_to_copy_is_read_beside_its_writer() {
    let folder = tempfile::tempdir().expect("a folder");
    let (path, writer) = store(folder.path(), "wal");
    let main = fs::File::options().write(true).open(&path);
    main.and_then(|file| file.set_len(300 << 20))
        .expect("a large file");
    check_untouched(&path);
    writer
        .execute_batch("INSERT INTO session VALUES ('ses_2', 'ses_1', '/', 'two', 1, 2)")
        .expect("written");
    assert_eq!(sessions(&path).expect("sessions").len(), 2);
}

#[test]
fn what_is_written_after_a_store_was_opened_is_seen() {
    let folder = tempfile::tempdir().expect("a folder");
    let (path, writer) = store(folder.path(), "wal");
    drop(writer);
    let session = open(&path, "ses_1").expect("a session");
    let writer = Connection::open(&path).expect("a store");
    writer
        .execute_batch("INSERT INTO session VALUES ('ses_2', 'ses_1', '/', 'two', 1, 2)")
        .expect("written");
    let listed = sessions(&path).expect("sessions");
    assert_eq!(listed.len(), 2);
    let written = listed.find("ses_2").expect("the new session");
    assert_eq!(written.parent.as_deref(), Some("ses_1"));
    drop(session);
}

#[test]
fn a_damaged_store_opens_in_part_or_says_why() {
    let folder = tempfile::tempdir().expect("a folder");
    let (path, connection) = store(folder.path(), "delete");
    for at in 0..400 {
        connection
            .execute(
                "INSERT INTO message VALUES (?1, 'ses_1', 5, ?2)",
                (
                    format!("msg_{at:05}"),
                    format!("{{\"x\":\"{}\"}}", "y".repeat(500)),
                ),
            )
            .expect("a row");
    }
    drop(connection);
    let whole = fs::read(&path).expect("bytes");
    let why = |bytes: &[u8]| {
        let path = folder.path().join("broken.db");
        fs::write(&path, bytes).expect("written");
        match open(&path, "ses_1") {
            Ok(session) => session.fault().unwrap_or_default(),
            Err(why) => why,
        }
    };
    assert_eq!(why(b""), "empty");
    assert!(why(&whole[..50]).starts_with("cut short"));
    assert!(why(&whole[..8192]).contains("damaged"));
    assert!(why(&whole[..whole.len() - 4096 * 9]).contains("damaged"));
    let encrypted: Vec<u8> = whole.iter().map(|byte| byte ^ 0x5a).collect();
    assert!(why(&encrypted).contains("encrypted"));
    let mut holes = whole.clone();
    for page in (8..whole.len() / 4096).step_by(3) {
        holes[page * 4096..page * 4096 + 64].fill(0xff);
    }
    assert!(why(&holes).contains("damaged"), "{}", why(&holes));
}

#[test]
fn a_locked_store_says_so() {
    let folder = tempfile::tempdir().expect("a folder");
    let (path, connection) = store(folder.path(), "delete");
    connection.execute_batch("BEGIN EXCLUSIVE").expect("a lock");
    let why = sessions(&path).expect_err("locked");
    assert!(why.starts_with("locked"), "{why}");
}

#[test]
fn an_unknown_database_is_described_and_views_are_not_trusted() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("x.db");
    let connection = Connection::open(&path).expect("a store");
    connection
        .execute_batch(
            "CREATE TABLE notes (a); CREATE VIEW session AS SELECT 1 AS id, 2 AS parent_id, 3 AS directory;
             CREATE TABLE message (id, session_id, data); CREATE TABLE part (id, message_id, data);",
        )
        .expect("a store");
    let why = sessions(&path).expect_err("unknown");
    assert!(why.contains("tables: message, notes, part"), "{why}");
}

#[test]
fn a_database_of_another_version_names_its_program_and_the_way_out() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("opencode.db");
    let connection = Connection::open(&path).expect("a database");
    connection
        .execute_batch("CREATE TABLE session (id TEXT); CREATE TABLE message (id TEXT); CREATE TABLE part (id TEXT);")
        .expect("tables");
    drop(connection);
    let why = sessions(&path).expect_err("no store");
    assert!(why.contains("the tables of opencode"), "{why}");
    assert!(why.contains("opencode export"), "{why}");
}

#[test]
fn any_id_can_be_a_name() {
    for id in ["a/b", "..", ".", "%2f", "a%b", "ä"] {
        assert_eq!(as_id(&as_name(id)), id);
        assert!(!as_name(id).contains('/'));
    }
}

#[test]
fn rows_are_news_once_and_the_last_one_when_it_is_finished() {
    let folder = tempfile::tempdir().expect("a folder");
    let (path, writer) = store(folder.path(), "wal");
    let session = path.join("ses_1");
    let mut sent = HashSet::new();
    let mut lines = || {
        let news = news(&session, &mut sent).expect("news");
        String::from_utf8(news).expect("text").lines().count()
    };
    // The answer may get more parts.
    assert_eq!((lines(), lines()), (2, 0));
    let before = version(&session);
    let finished = r#"UPDATE message SET data = '{"role":"assistant","time":{"completed":1}}' WHERE id = 'msg_2'"#;
    writer.execute_batch(finished).expect("written");
    assert_ne!(version(&session), before);
    assert_eq!((lines(), lines()), (1, 0));
}

#[test]
fn compressed_values_and_lists_become_lines() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("threads.db");
    let writer = Connection::open(&path).expect("a store");
    let thread = r#"{"messages":[{"User":{"content":[]}},"Resume"],"version":"0.3.0"}"#;
    let packed = zstd::encode_all(thread.as_bytes(), 3).expect("into memory");
    writer
        .execute_batch("CREATE TABLE threads (id TEXT, summary TEXT, updated_at TEXT, data_type TEXT, data BLOB)")
        .expect("a store");
    writer
        .execute(
            "INSERT INTO threads VALUES ('t', 's', '2026-01-01T00:00:00Z', 'zstd', ?1)",
            [packed],
        )
        .expect("a row");
    assert_eq!(
        text_of(&path),
        "{\"id\":\"t\",\"summary\":\"s\",\"updated_at\":\"2026-01-01T00:00:00Z\",\"data_type\":\"zstd\",\"data\":{\"messages\":null,\"version\":\"0.3.0\"}}
{\"User\":{\"content\":[]}}
{\"Resume\":null}
"
    );
}
