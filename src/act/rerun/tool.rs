//! Runs the command that the user's settings name for a tool: an argument list, no shell, the arguments of the call on
//! standard input, in its own process group and folder.

use std::env;
use std::io::{self, Read, Write};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group};
use serde_json::Value;

/// How long a program may run, and how much of each of its outputs is read.
const TIME: Duration = Duration::from_secs(30);
const LONGEST: u64 = 1 << 20;
/// How long it may take to end after it was asked to.
const GRACE: Duration = Duration::from_secs(2);
const GLANCE: Duration = Duration::from_millis(20);

/// What ran, and how it ended.
#[derive(Debug)]
pub struct Ran {
    pub status: ExitStatus,
    pub stdout: String,
    pub stderr: String,
    pub took: Duration,
    /// It was stopped because it ran too long or wrote too much.
    pub was_ended: bool,
}

/// A template with the arguments of a call filled in. `{args.x}` fills exactly one word; nothing is split or joined.
/// The program itself is never taken from the call.
pub fn filled(template: &[String], arguments: &Value) -> Result<Vec<String>, String> {
    let Some(program) = template.first().filter(|it| !it.is_empty()) else {
        return Err("the template has no program".to_owned());
    };
    if program.contains("{args.") {
        return Err("the program of a template cannot come from the call".to_owned());
    }
    let mut are_words = false;
    template
        .iter()
        .map(|word| {
            let name = word
                .strip_prefix("{args.")
                .and_then(|rest| rest.strip_suffix('}'));
            let Some(name) = name else {
                are_words |= word == "--";
                return Ok(word.clone());
            };
            let filled = one_word(name, arguments)?;
            if filled.starts_with('-') && !are_words {
                return Err(format!(
                    "the argument {name} begins with '-': the template needs a -- before it"
                ));
            }
            Ok(filled)
        })
        .collect()
}

fn one_word(name: &str, arguments: &Value) -> Result<String, String> {
    let text = match arguments.get(name) {
        Some(Value::String(text)) => text.clone(),
        Some(value @ (Value::Number(_) | Value::Bool(_))) => value.to_string(),
        Some(_) => return Err(format!("the argument {name} is not one word")),
        None => return Err(format!("the call has no argument {name}")),
    };
    if text.contains('\0') {
        Err(format!("the argument {name} holds a NUL"))
    } else {
        Ok(text)
    }
}

/// Runs it. The environment holds a path, a home, a language and what identifies the call.
pub fn run(words: &[String], arguments: &Value, named: &[(&str, String)]) -> io::Result<Ran> {
    run_within(words, arguments, named, TIME)
}

fn run_within(
    words: &[String],
    arguments: &Value,
    named: &[(&str, String)],
    time: Duration,
) -> io::Result<Ran> {
    let folder = tempfile::tempdir()?;
    let started = Instant::now();
    let mut command = Command::new(&words[0]);
    command
        .args(&words[1..])
        .env_clear()
        .current_dir(folder.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .env("TERM", "dumb")
        .envs(named.iter().map(|(name, value)| (name, value)));
    for name in ["PATH", "HOME", "LANG"] {
        if let Some(value) = env::var_os(name) {
            command.env(name, value);
        }
    }
    let mut child = command.spawn()?;
    let overflow = Arc::new(AtomicBool::new(false));
    let stdout = child
        .stdout
        .take()
        .map(|it| reader(it, Arc::clone(&overflow)));
    let stderr = child
        .stderr
        .take()
        .map(|it| reader(it, Arc::clone(&overflow)));
    let text = arguments.to_string();
    let writer = child.stdin.take().map(|mut stdin| {
        // A program may ignore its input.
        thread::spawn(move || drop(stdin.write_all(text.as_bytes())))
    });
    let (status, was_ended) = wait(&mut child, started + time, &overflow)?;
    drop(writer);
    let read = |reader: Option<JoinHandle<String>>| {
        reader.and_then(|it| it.join().ok()).unwrap_or_default()
    };
    let (stdout, stderr) = (read(stdout), read(stderr));
    Ok(Ran {
        status,
        stdout,
        stderr,
        took: started.elapsed(),
        // A program whose output is no longer read may end before it is stopped.
        was_ended: was_ended || overflow.load(Ordering::Relaxed),
    })
}

fn reader(mut pipe: impl Read + Send + 'static, overflow: Arc<AtomicBool>) -> JoinHandle<String> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        // After an error, what was read before it counts.
        let _ = pipe.by_ref().take(LONGEST).read_to_end(&mut bytes);
        if bytes.len() as u64 == LONGEST {
            overflow.store(true, Ordering::Relaxed);
        }
        String::from_utf8_lossy(&bytes).into_owned()
    })
}

/// Stops the whole group of a program that runs too long or writes too much, and whatever it left behind.
fn wait(
    child: &mut Child,
    deadline: Instant,
    overflow: &AtomicBool,
) -> io::Result<(ExitStatus, bool)> {
    let group = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    // The group may have ended already.
    let signal = |signal: Signal| {
        let _ = group.map(|group| kill_process_group(group, signal));
    };
    let mut ended = None;
    loop {
        if let Some(status) = child.try_wait()? {
            signal(Signal::KILL);
            return Ok((status, ended.is_some()));
        }
        match ended {
            None if Instant::now() > deadline || overflow.load(Ordering::Relaxed) => {
                signal(Signal::TERM);
                ended = Some(Instant::now());
            }
            Some(since) if since.elapsed() > GRACE => signal(Signal::KILL),
            Some(_) | None => {}
        }
        thread::sleep(GLANCE);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn words(words: &[&str]) -> Vec<String> {
        words.iter().map(|it| (*it).to_owned()).collect()
    }

    #[track_caller]
    fn check(template: &[&str], arguments: &Value, expected: Result<&[&str], &str>) {
        match (filled(&words(template), arguments), expected) {
            (Ok(got), Ok(expected)) => assert_eq!(got, expected),
            (Err(got), Err(expected)) => assert!(got.contains(expected), "{got}"),
            (got, expected) => panic!("{got:?}, not {expected:?}"),
        }
    }

    #[test]
    fn an_argument_fills_exactly_one_word() {
        let hostile = json!({"path": "a b; rm -rf / $(x) '\"", "n": 3, "list": ["a"], "flag": "-rf", "nul": "\u{0}"});
        check(
            &["cat", "--", "{args.path}"],
            &hostile,
            Ok(&["cat", "--", "a b; rm -rf / $(x) '\""]),
        );
        check(
            &["head", "-n", "{args.n}", "x{args.n}"],
            &hostile,
            Ok(&["head", "-n", "3", "x{args.n}"]),
        );
        check(&["cat", "{args.list}"], &hostile, Err("not one word"));
        check(&["cat", "{args.other}"], &hostile, Err("no argument"));
        check(&["cat", "{args.flag}"], &hostile, Err("--"));
        check(&["cat", "--", "{args.nul}"], &hostile, Err("NUL"));
        check(&["{args.path}"], &hostile, Err("cannot come from the call"));
        check(&[], &hostile, Err("no program"));
    }

    #[test]
    fn a_program_gets_the_arguments_on_its_input_and_no_other_environment() {
        let ran = run(
            &words(&["sh", "-c", "cat; env | grep -c CARGO"]),
            &json!({"a": 1}),
            &[("SAFERUN_TOOL", "x".to_owned())],
        );
        let ran = ran.expect("it ran");
        assert_eq!(ran.stdout, "{\"a\":1}0\n");
        assert!(!ran.was_ended);
    }

    #[test]
    fn what_takes_too_long_is_ended_with_all_it_started() {
        let slow = words(&["sh", "-c", "sleep 60 & sleep 60"]);
        let ran = run_within(&slow, &json!({}), &[], Duration::from_millis(200)).expect("it ran");
        assert!(
            ran.was_ended && ran.took < Duration::from_secs(20),
            "{ran:?}"
        );
        let loud = words(&["sh", "-c", "yes"]);
        let ran = run(&loud, &json!({}), &[]).expect("it ran");
        assert!(ran.was_ended && ran.stdout.len() as u64 == LONGEST);
    }
}
