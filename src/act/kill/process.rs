//! What the system reports about a process: on Linux from `/proc`, elsewhere from `ps`.

#[cfg(not(target_os = "linux"))]
use std::process::{Command, Stdio};

#[cfg(target_os = "linux")]
use std::fs;

use crate::act::kill::Refused;

/// A process, with what distinguishes it from a later process with the same pid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Process {
    pub pid: i32,
    pub parent: i32,
    pub group: i32,
    pub uid: u32,
    /// In microseconds since the Unix epoch; accurate to a hundredth of a second, or to a second from `ps`.
    pub started: i64,
    /// Raw: sanitise before showing.
    pub command: Vec<String>,
    /// Its working directory, if known.
    pub folder: Option<String>,
    /// A zombie: it has ended, but its parent has not reaped it.
    pub is_over: bool,
}

#[cfg(target_os = "linux")]
pub(super) fn find(pid: i32) -> Result<Process, Refused> {
    linux::find(pid)
}

/// All processes of a group, including zombies.
pub(super) fn group(group: i32) -> Vec<Process> {
    let all = all().into_iter();
    all.filter(|it| it.group == group).collect()
}

/// A process and all that it started, as far as the processes in between still exist; parents before children.
pub fn tree(pid: i32) -> Vec<i32> {
    let all = all();
    let mut found = vec![pid];
    let mut at = 0;
    while let Some(parent) = found.get(at).copied() {
        let children = all.iter().filter(|it| it.parent == parent);
        found.extend(children.map(|it| it.pid));
        at += 1;
    }
    found
}

#[cfg(target_os = "linux")]
fn all() -> Vec<Process> {
    let all = fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = all.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
    pids.filter_map(|pid| linux::find(pid).ok()).collect()
}

#[cfg(target_os = "linux")]
mod linux {
    use std::fs;
    use std::io;
    use std::os::unix::fs::MetadataExt;

    use super::Process;
    use crate::act::kill::Refused;

    /// Ticks per second in `/proc`, whatever the kernel uses internally.
    const TICKS: i64 = 100;

    pub(super) fn find(pid: i32) -> Result<Process, Refused> {
        let folder = format!("/proc/{pid}");
        let failed = |error: io::Error| match error.kind() {
            io::ErrorKind::NotFound => Refused::Gone(pid),
            _ => unknown(pid, &error.to_string()),
        };
        let uid = fs::metadata(&folder).map_err(failed)?.uid();
        let stat = fs::read_to_string(format!("{folder}/stat")).map_err(failed)?;
        let (state, [parent, group], ticks) =
            fields(&stat).ok_or_else(|| unknown(pid, "unexpected format of /proc/PID/stat"))?;
        let booted = booted().ok_or_else(|| unknown(pid, "boot time unknown"))?;
        let command = fs::read(format!("{folder}/cmdline")).unwrap_or_default();
        let words = command
            .split(|byte| *byte == 0)
            .filter(|word| !word.is_empty());
        let cwd = fs::read_link(format!("{folder}/cwd")).ok();
        Ok(Process {
            pid,
            parent,
            group,
            uid,
            started: (booted * TICKS + ticks) * (1_000_000 / TICKS),
            command: words
                .map(|word| String::from_utf8_lossy(word).into_owned())
                .collect(),
            folder: cwd.map(|path| path.to_string_lossy().into_owned()),
            is_over: matches!(state, "Z" | "X"),
        })
    }

    fn unknown(pid: i32, error: &str) -> Refused {
        Refused::Unknown {
            pid,
            error: error.to_owned(),
        }
    }

    /// State, parent and group, and start. The program name is in parentheses and may itself contain spaces and parentheses.
    fn fields(stat: &str) -> Option<(&str, [i32; 2], i64)> {
        let (_, rest) = stat.rsplit_once(") ")?;
        let mut rest = rest.split(' ');
        let state = rest.next()?;
        let family = [rest.next()?.parse().ok()?, rest.next()?.parse().ok()?];
        let started = rest.nth(16)?.parse().ok()?;
        Some((state, family, started))
    }

    /// When the machine started, in seconds.
    fn booted() -> Option<i64> {
        let stat = fs::read_to_string("/proc/stat").ok()?;
        let line = stat.lines().find_map(|line| line.strip_prefix("btime "))?;
        line.trim().parse().ok()
    }

    #[cfg(test)]
    mod tests {
        use super::fields;

        #[test]
        fn a_name_with_brackets_moves_no_field() {
            let stat = "7 (a) S 1 (b)) Z 5 42 42 0 -1 4 0 0 0 0 0 0 0 0 20 0 1 0 9001 0 0";
            assert_eq!(fields(stat), Some(("Z", [5, 42], 9001)));
        }
    }
}

#[cfg(not(target_os = "linux"))]
pub(super) fn find(pid: i32) -> Result<Process, Refused> {
    let all = ps(&["-p", &pid.to_string()]);
    all.into_iter().next().ok_or(Refused::Gone(pid))
}

#[cfg(not(target_os = "linux"))]
fn all() -> Vec<Process> {
    ps(&["-A"])
}

#[cfg(not(target_os = "linux"))]
fn ps(which: &[&str]) -> Vec<Process> {
    use crate::base::clock::{Clock, System};
    let output = Command::new("/bin/ps")
        .args([
            "-o", "pid=", "-o", "ppid=", "-o", "pgid=", "-o", "uid=", "-o", "etime=", "-o",
            "state=",
        ])
        .args(["-o", "command="])
        .args(which)
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output();
    let now = System.now();
    let text = output.map(|it| it.stdout).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    text.lines()
        .filter_map(|line| parse_ps(line, now))
        .collect()
}

/// `  7  1  7  501  1-02:03:04 S+  /usr/bin/python3 agent.py`.
#[cfg(any(test, not(target_os = "linux")))]
fn parse_ps(line: &str, now: i64) -> Option<Process> {
    let mut words = line.split_whitespace();
    let pid = words.next()?.parse().ok()?;
    let parent = words.next()?.parse().ok()?;
    let group = words.next()?.parse().ok()?;
    let uid = words.next()?.parse().ok()?;
    let (days, clock) = match words.next()?.split_once('-') {
        Some((days, clock)) => (days.parse::<i64>().ok()?, clock.to_owned()),
        None => (0, line.split_whitespace().nth(4)?.to_owned()),
    };
    let seconds = clock.split(':').try_fold(0_i64, |sum, part| {
        Some(sum * 60 + part.parse::<i64>().ok()?)
    })?;
    let state = words.next()?;
    Some(Process {
        pid,
        parent,
        group,
        uid,
        started: now - (days * 86_400 + seconds) * 1_000_000,
        command: words.map(str::to_owned).collect(),
        folder: None,
        is_over: state.starts_with('Z'),
    })
}

#[cfg(test)]
mod tests {
    use super::parse_ps;

    #[test]
    fn ps_reports_how_long_ago_a_process_started() {
        let found = parse_ps(" 7 5 6 501 1-00:01:02 S+ python3 agent.py", 100_000_000_000);
        let found = found.expect("a process");
        assert_eq!((found.pid, found.parent), (7, 5));
        assert_eq!((found.group, found.uid), (6, 501));
        assert_eq!(found.started, 100_000_000_000 - 86_462_000_000);
        assert_eq!(found.command, ["python3", "agent.py"]);
    }
}
