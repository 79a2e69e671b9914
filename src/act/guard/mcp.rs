//! Sits between an agent and an MCP server on standard input and output: forwards every byte, records the calls, and
//! enforces the policy.
//!
//! Messages are lines of JSON-RPC. No revision of the protocol is assumed: unknown messages pass through.

mod calls;
mod message;
mod once;

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{ChildStdin, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use serde_json::{Value, json};

use crate::act::guard::mcp::calls::{Calls, Held};
use crate::act::guard::mcp::message::{Message, refusal};
use crate::act::places::Places;

/// The server, and how to run it.
#[derive(Debug)]
pub struct Server {
    pub name: Option<String>,
    pub is_guarded: bool,
    pub command: Vec<OsString>,
}

/// The longest message.
const LARGEST: u64 = 64 << 20;

/// The two destinations of messages.
#[derive(Debug, Clone)]
struct Ends {
    server: Arc<Mutex<Option<ChildStdin>>>,
    /// The raw standard output: the command line holds the lock of the buffered one.
    client: Arc<Mutex<File>>,
}

impl Ends {
    /// Writes one whole message to the agent; several threads do.
    fn to_client(&self, line: &[u8]) -> io::Result<()> {
        let mut client = self.client.lock().unwrap_or_else(PoisonError::into_inner);
        client.write_all(line)?;
        client.flush()
    }

    fn say(&self, message: &Value) {
        // If the agent is gone, there is no reader left.
        let _ = self.to_client(format!("{message}\n").as_bytes());
    }

    fn to_server(&self, line: &[u8]) -> io::Result<()> {
        let mut server = self.server.lock().unwrap_or_else(PoisonError::into_inner);
        match server.as_mut() {
            Some(server) => server.write_all(line).and_then(|()| server.flush()),
            None => Err(io::Error::from(io::ErrorKind::BrokenPipe)),
        }
    }

    fn close_server(&self) {
        self.server
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
    }
}

/// Runs the server until it exits, and returns its exit code.
pub fn run(server: Server, places: Places) -> io::Result<u8> {
    let Some((program, arguments)) = server.command.split_first() else {
        return Err(io::Error::from(io::ErrorKind::InvalidInput));
    };
    let named = Path::new(program).file_name().unwrap_or(program);
    let name = server
        .name
        .unwrap_or_else(|| named.to_string_lossy().into_owned());
    let client = File::from(io::stdout().as_fd().try_clone_to_owned()?);
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", named.display())))?;
    let ends = Ends {
        server: Arc::new(Mutex::new(child.stdin.take())),
        client: Arc::new(Mutex::new(client)),
    };
    let calls = Arc::new(Calls::new(name, server.is_guarded, places));
    if let Some(errors) = child.stderr.take() {
        let calls = Arc::clone(&calls);
        thread::spawn(move || hear_errors(errors, &calls));
    }
    let answers = child.stdout.take().map(|from| {
        let (calls, ends) = (Arc::clone(&calls), ends.clone());
        thread::spawn(move || from_server(from, &calls, &ends))
    });
    {
        let (calls, ends) = (Arc::clone(&calls), ends.clone());
        thread::spawn(move || {
            from_client(&calls, &ends);
            calls.give_up();
            ends.close_server();
        });
    }
    let status = child.wait()?;
    if let Some(answers) = answers {
        // The server's last messages are forwarded before we exit.
        let _ = answers.join();
    }
    calls.end();
    Ok(code(status))
}

fn code(status: ExitStatus) -> u8 {
    let signal = status.signal().map(|signal| 128 + signal);
    let code = status.code().or(signal).unwrap_or(1);
    u8::try_from(code).unwrap_or(1)
}

/// Reads the next line with its newline, at most `LARGEST` bytes of it; false at the end.
fn next(from: &mut impl BufRead, line: &mut Vec<u8>) -> bool {
    line.clear();
    let read = from.take(LARGEST).read_until(b'\n', line);
    read.is_ok_and(|len| len > 0)
}

fn from_client(calls: &Arc<Calls>, ends: &Ends) {
    let mut from = BufReader::new(io::stdin());
    let mut line = Vec::new();
    while next(&mut from, &mut line) {
        if line.len() as u64 == LARGEST {
            ends.say(&refusal(&Value::Null, "a message is longer than 64 MiB"));
            return;
        }
        let message = match Message::of_client(&line) {
            Ok(message) => message,
            Err(why) if calls.is_guarded() => {
                ends.say(&refusal(&Value::Null, why));
                continue;
            }
            Err(_) => Message::default(),
        };
        match calls.hold(&message) {
            Held::Passes => {}
            Held::Swallowed => continue,
            Held::Refused(answer) => {
                ends.say(&answer);
                continue;
            }
            Held::Asks(asking) => {
                let (calls, ends, line) = (Arc::clone(calls), ends.clone(), line.clone());
                thread::spawn(move || {
                    let say = |message: &Value| ends.say(message);
                    match calls.ask(&asking, &say) {
                        None => drop(ends.to_server(&line)),
                        Some(Value::Null) => {}
                        Some(answer) => ends.say(&answer),
                    }
                });
                continue;
            }
        }
        if ends.to_server(&line).is_err() {
            return;
        }
    }
}

fn from_server(from: impl Read, calls: &Calls, ends: &Ends) {
    let mut from = BufReader::new(from);
    let mut line = Vec::new();
    while next(&mut from, &mut line) {
        if let Ok(message) = Message::read(&line) {
            calls.answered(&message);
        }
        if ends.to_client(&line).is_err() {
            ends.close_server();
            return;
        }
    }
}

fn hear_errors(from: impl Read, calls: &Calls) {
    let mut from = BufReader::new(from);
    let mut line = Vec::new();
    while next(&mut from, &mut line) {
        let _ = io::stderr().lock().write_all(&line);
        let text = String::from_utf8_lossy(&line);
        calls.note(text.trim_end(), json!({"stream": "stderr"}));
    }
}

#[cfg(test)]
mod tests;
