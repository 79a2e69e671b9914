//! Runs a program of the user's for each alert: the alert as JSON on its standard input, and three variables.
//!
//! It runs as given, without a shell and with few of our environment variables, so that no API key leaks into it.

use std::env;
use std::io::Write;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group};

use crate::act::notify::{Deliver, Message, Verdict};

/// How long a program may take.
const PATIENCE: Duration = Duration::from_secs(10);
const GLANCE: Duration = Duration::from_millis(20);
/// The longest value of a variable.
const LONGEST: usize = 4096;

/// The variables passed on to the program, so that it is found and can find its home and a display.
const PASSED: &[&str] = &[
    "PATH",
    "HOME",
    "USER",
    "LOGNAME",
    "LANG",
    "LC_ALL",
    "TZ",
    "TMPDIR",
    "DISPLAY",
    "WAYLAND_DISPLAY",
    "XDG_RUNTIME_DIR",
    "DBUS_SESSION_BUS_ADDRESS",
];

#[derive(Debug)]
pub(super) struct Program {
    words: Vec<String>,
    patience: Duration,
}

impl Program {
    pub(super) fn new(words: &[String]) -> Result<Program, String> {
        if words.is_empty() {
            return Err("command is empty".to_owned());
        }
        Ok(Program {
            words: words.to_vec(),
            patience: PATIENCE,
        })
    }

    #[cfg(test)]
    pub(super) fn within(mut self, patience: Duration) -> Program {
        self.patience = patience;
        self
    }

    fn start(&self, message: &Message) -> std::io::Result<Child> {
        let (program, arguments) = self.words.split_first().unwrap_or((&self.words[0], &[]));
        let passed = PASSED
            .iter()
            .filter_map(|name| Some((name, env::var_os(name)?)));
        let cut = |text: &str| text.chars().take(LONGEST).collect::<String>();
        Command::new(program)
            .args(arguments)
            .env_clear()
            .envs(passed)
            .env("TERM", "dumb")
            .env("SAFERUN_ALERT", cut(&message.key))
            .env("SAFERUN_LEVEL", message.level.word())
            .env("SAFERUN_RUN", cut(&message.run))
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
    }
}

impl Deliver for Program {
    fn deliver(&mut self, message: &Message) -> Verdict {
        let name = &self.words[0];
        let mut child = match self.start(message) {
            Ok(child) => child,
            Err(error) => return Verdict::Never(format!("{name} did not start: {error}")),
        };
        let input = child.stdin.take();
        let mut text = message.alert.to_string();
        text.push('\n');
        // A program that does not read its input must not block us; it is killed below, which closes the pipe.
        let writer = thread::spawn(move || {
            if let Some(mut input) = input {
                let _ = input.write_all(text.as_bytes());
            }
        });
        let ended = wait(&mut child, self.patience);
        let _ = writer.join();
        match ended {
            Some(status) if status.success() => Verdict::Done,
            Some(status) => Verdict::Never(format!("{name} ended with {status}")),
            None => {
                let time = self.patience.as_secs();
                Verdict::Never(format!(
                    "{name} did not end within {time} s and was stopped"
                ))
            }
        }
    }
}

/// Waits for the program; kills its process group if it takes too long.
fn wait(child: &mut Child, patience: Duration) -> Option<ExitStatus> {
    let until = Instant::now() + patience;
    while Instant::now() < until {
        if let Ok(Some(status)) = child.try_wait() {
            return Some(status);
        }
        thread::sleep(GLANCE);
    }
    if let Some(group) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) {
        // It may have exited in the meantime.
        let _ = kill_process_group(group, Signal::KILL);
    }
    let _ = child.wait();
    None
}
