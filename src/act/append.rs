//! Appends events to a trace that other processes may also be appending to. Each event is one line, written in a single
//! call, so lines never interleave.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;
use std::thread;
use std::time::Duration;

use rustix::fs::OFlags;
use serde_json::Value;

use crate::act::places;

#[derive(Debug)]
pub struct Appender {
    file: File,
    /// The last line in the file is incomplete: we or a writer that died were interrupted while writing it.
    is_torn: bool,
}

impl Appender {
    /// Opens or creates a trace that only this user may read.
    pub fn open(path: &Path) -> io::Result<Appender> {
        let file = OpenOptions::new()
            .read(true)
            .append(true)
            .create(true)
            .mode(0o600)
            .custom_flags(places::flags(OFlags::NOFOLLOW | OFlags::NONBLOCK))
            .open(path)?;
        let found = file.metadata()?;
        if !found.is_file() {
            let what = format!("{} is not a regular file", path.display());
            return Err(io::Error::new(io::ErrorKind::InvalidInput, what));
        }
        places::check(path, &found)?;
        let is_torn = is_torn(&file)?;
        Ok(Appender { file, is_torn })
    }

    /// Writes one event without syncing: it survives the death of this process, not of the machine.
    pub fn append(&mut self, event: &Value) -> io::Result<()> {
        let mut line = Vec::with_capacity(512);
        if self.is_torn {
            line.push(b'\n');
        }
        serde_json::to_writer(&mut line, event)?;
        line.push(b'\n');
        let written = loop {
            match self.file.write(&line) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                other => break other?,
            }
        };
        self.is_torn = written < line.len();
        if self.is_torn {
            return Err(io::Error::from(io::ErrorKind::StorageFull));
        }
        Ok(())
    }

    /// Waits until everything is on the disk.
    pub fn sync(&self) -> io::Result<()> {
        self.file.sync_data()
    }
}

/// The last line counts as incomplete if the file does not grow for this long, or after this many looks.
const PAUSE: Duration = Duration::from_millis(2);
const LOOKS: usize = 100;

/// Whether the last line is incomplete. One that another process is still writing looks the same for a moment.
fn is_torn(file: &File) -> io::Result<bool> {
    let mut before = 0;
    for _ in 0..LOOKS {
        let len = file.metadata()?.len();
        let mut last = [b'\n'];
        if len > 0 {
            file.read_at(&mut last, len - 1)?;
        }
        if last == [b'\n'] {
            return Ok(false);
        }
        if len == before {
            break;
        }
        before = len;
        thread::sleep(PAUSE);
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;
    use std::fs;
    use std::io::Write;
    use std::os::unix::fs::PermissionsExt;
    use std::path::Path;
    use std::process::Command;

    use serde_json::{Value, json};

    use super::Appender;

    /// Not a test in itself: the body of the writer processes below.
    #[test]
    fn writes_what_the_environment_asks_for() {
        let Some(path) = std::env::var_os("SAFERUN_TEST_APPEND") else {
            return;
        };
        let me = std::process::id();
        let mut trace = Appender::open(Path::new(&path)).expect("opened");
        for n in 0..1000_usize {
            let text = "x".repeat(n * 37 % 40_000);
            let event =
                json!({"type": "note", "pid": me, "n": n, "len": text.len(), "content": text});
            trace.append(&event).expect("written");
        }
    }

    #[test]
    fn lines_of_many_processes_never_interleave() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("t.jsonl");
        let own = std::env::current_exe().expect("this program");
        let name = "act::append::tests::writes_what_the_environment_asks_for";
        let start = || {
            let mut writer = Command::new(&own);
            writer
                .args(["--exact", name])
                .env("SAFERUN_TEST_APPEND", &path);
            writer.stdout(std::process::Stdio::null());
            writer.spawn().expect("started")
        };
        let writers: Vec<_> = (0..4).map(|_| start()).collect();
        for mut writer in writers {
            assert!(writer.wait().expect("it ends").success());
        }
        let mode = fs::metadata(&path).expect("there").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let mut next: HashMap<u64, u64> = HashMap::new();
        for line in fs::read_to_string(&path).expect("read").lines() {
            let event: Value = serde_json::from_str(line).expect("a whole line");
            let number = |name: &str| event[name].as_u64().expect("a number");
            assert_eq!(
                event["content"].as_str().map(str::len),
                Some(number("len") as usize)
            );
            let expected = next.entry(number("pid")).or_default();
            assert_eq!(number("n"), *expected, "each writer's order is kept");
            *expected += 1;
        }
        assert_eq!(next.values().sum::<u64>(), 4000);
        assert_eq!(next.len(), 4);
    }

    #[test]
    fn a_torn_line_is_terminated_first() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("t.jsonl");
        drop(Appender::open(&path).expect("created"));
        let mut torn = fs::OpenOptions::new()
            .append(true)
            .open(&path)
            .expect("opened");
        torn.write_all(b"{\"type\":\"no").expect("written");
        let mut trace = Appender::open(&path).expect("opened");
        trace.append(&json!({"n": 1})).expect("written");
        trace.append(&json!({"n": 2})).expect("written");
        let text = fs::read_to_string(&path).expect("read");
        assert_eq!(text, "{\"type\":\"no\n{\"n\":1}\n{\"n\":2}\n");
    }

    #[test]
    fn a_trace_that_is_a_link_or_readable_by_others_is_refused() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("t.jsonl");
        fs::write(&path, "").expect("written");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).expect("set");
        assert!(Appender::open(&path).is_err());
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("set");
        assert!(Appender::open(&path).is_ok());
        let link = folder.path().join("l.jsonl");
        std::os::unix::fs::symlink(&path, &link).expect("a link");
        assert!(Appender::open(&link).is_err());
    }
}
