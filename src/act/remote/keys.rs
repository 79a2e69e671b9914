//! Keys for products: from the variables of their own programs, else from a command in the user's settings.

use std::io::Read;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use super::address::Kind;
use crate::act::net::secret::Secret;

/// How long a command for a key may take.
const TIME: Duration = Duration::from_secs(10);
/// No key is longer.
const LONGEST: u64 = 16 << 10;

/// Where keys come from.
#[derive(Debug, Clone, Default)]
pub struct Keys {
    /// `key-cmd` of the product: a program and its arguments.
    pub command: Option<Vec<String>>,
}

impl Keys {
    /// The first variable that is set, else what the command prints; none if there is neither.
    pub(super) fn find(&self, names: &[&str]) -> Result<Option<Secret>, String> {
        if let Some(key) = names.iter().find_map(|name| Secret::from_variable(name)) {
            return Ok(Some(key));
        }
        self.command.as_deref().map(run).transpose()
    }

    /// The same for a required key.
    pub(super) fn need(&self, kind: Kind, names: &[&str]) -> Result<Secret, String> {
        let found = self.find(names)?;
        found.ok_or_else(|| {
            let word = kind.word();
            let names = names.join(" nor ");
            format!(
                "no key: neither {names} is set, and the settings have no key-cmd for [pull.{word}]"
            )
        })
    }
}

/// The output of a program, run without a shell. It is never part of a message.
pub fn run(command: &[String]) -> Result<Secret, String> {
    let [program, arguments @ ..] = command else {
        return Err("key-cmd names no program".to_owned());
    };
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|error| format!("key-cmd: {program} did not start: {error}"))?;
    let output = child.stdout.take();
    let reader = thread::spawn(move || {
        let mut text = String::new();
        let read = output.map(|output| output.take(LONGEST).read_to_string(&mut text));
        read.and_then(Result::ok).map(|_| text)
    });
    let started = Instant::now();
    let status = loop {
        match child.try_wait() {
            Ok(Some(status)) => break status,
            Ok(None) if started.elapsed() < TIME => thread::sleep(Duration::from_millis(20)),
            Ok(None) | Err(_) => {
                // It may have ended in the meantime.
                let _ = child.kill();
                let _ = child.wait();
                return Err(format!(
                    "key-cmd: {program} took more than {} s",
                    TIME.as_secs()
                ));
            }
        }
    };
    if !status.success() {
        return Err(format!("key-cmd: {program} ended with {status}"));
    }
    let text = reader.join().ok().flatten().unwrap_or_default();
    match text.trim() {
        "" => Err(format!("key-cmd: {program} printed no key")),
        key => Ok(Secret::new(key)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(command: &[&str]) -> Result<Option<Secret>, String> {
        let command = command.iter().map(|word| (*word).to_owned()).collect();
        let keys = Keys {
            command: Some(command),
        };
        keys.find(&["SAFERUN_NO_SUCH_VARIABLE"])
    }

    #[test]
    fn a_command_prints_the_key_without_a_shell() {
        let key = with(&["printf", "%s\n", "sk-$HOME"]).expect("a key");
        assert_eq!(key.expect("a key").reveal(), "sk-$HOME");
    }

    #[test]
    fn a_command_that_fails_says_so_without_its_output() {
        let error = with(&["sh", "-c", "echo sk-secret; exit 3"]).expect_err("fails");
        assert!(
            error.contains("sh ended with") && !error.contains("secret"),
            "{error}"
        );
        let error = with(&["true"]).expect_err("prints nothing");
        assert!(error.contains("printed no key"), "{error}");
        assert!(with(&["no-such-program"]).is_err());
    }

    #[test]
    fn a_missing_key_names_what_was_looked_for() {
        let error = Keys::default().need(Kind::Langfuse, &["SAFERUN_NO_A", "SAFERUN_NO_B"]);
        let error = error.expect_err("missing");
        assert!(
            error.contains("SAFERUN_NO_A nor SAFERUN_NO_B") && error.contains("[pull.langfuse]")
        );
    }
}
