//! Runs a program of the user with its model's base URLs pointed at us.
//!
//! It keeps its terminal, is started as given, without a shell, and gets only variables that are printed first.

use std::ffi::{OsStr, OsString};
use std::io;
use std::net::SocketAddr;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Child, Command, ExitStatus};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Map, Value, json};
use signal_hook::SigId;
use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM};
use signal_hook::flag;
use signal_hook::low_level::unregister;

use crate::act::kill;

/// A key for programs that do not start without one. It gives access to nothing.
const DUMMY: &str = "sk-saferun-replay";

/// How to start a program: its arguments, and the variables that it gets in addition to ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Launch {
    pub command: Vec<OsString>,
    pub variables: Vec<(&'static str, String)>,
}

/// Variables that hold the URL of a vendor's API, and the path after our own address in each.
const PLACES: &[(&str, &str)] = &[
    ("OPENAI_BASE_URL", "/openai/v1"),
    ("ANTHROPIC_BASE_URL", "/anthropic"),
    ("GOOGLE_GEMINI_BASE_URL", "/gemini"),
    ("GEMINI_API_BASE", "/gemini/v1beta"),
    ("GROQ_BASE_URL", "/groq"),
    ("GROQ_API_BASE", "/groq/openai/v1"),
    ("TOGETHER_BASE_URL", "/together"),
    ("OLLAMA_HOST", "/ollama"),
];
/// Variables that some libraries prefer to the usual ones: set only if the user has set them, else they would take
/// over.
const PREFERRED: &[(&str, &str)] = &[
    ("OPENAI_API_BASE", "/openai/v1"),
    ("ANTHROPIC_API_BASE", "/anthropic"),
    ("ANTHROPIC_API_URL", "/anthropic"),
    ("AZURE_OPENAI_ENDPOINT", "/azure"),
    ("COPILOT_PROVIDER_BASE_URL", "/openai/v1"),
    ("KIMI_CODE_BASE_URL", "/openai/v1"),
    ("KIMI_MODEL_BASE_URL", "/openai/v1"),
];
/// Variables that hold keys: one of each line is enough.
const KEYS: &[&[&str]] = &[
    &["OPENAI_API_KEY"],
    &[
        "ANTHROPIC_API_KEY",
        "ANTHROPIC_AUTH_TOKEN",
        "CLAUDE_CODE_OAUTH_TOKEN",
    ],
    &["GEMINI_API_KEY", "GOOGLE_API_KEY"],
];
const LOCAL: &str = "127.0.0.1,localhost";

impl Launch {
    /// How to start a command with its model at `address`. `set` is the environment it would have.
    pub fn new(
        command: &[OsString],
        address: SocketAddr,
        set: impl Fn(&str) -> Option<String>,
    ) -> Launch {
        let base = format!("http://{address}");
        let mut variables: Vec<(&'static str, String)> = Vec::new();
        let always = PLACES.iter();
        let preferred = PREFERRED.iter().filter(|(name, _)| set(name).is_some());
        for (name, path) in always.chain(preferred) {
            variables.push((name, format!("{base}{path}")));
        }
        for names in KEYS {
            if names
                .iter()
                .all(|name| set(name).is_none_or(|value| value.is_empty()))
            {
                variables.push((names[0], DUMMY.to_owned()));
            }
        }
        for name in ["NO_PROXY", "no_proxy"] {
            let before = set(name).filter(|value| !value.is_empty());
            let value =
                before.map_or_else(|| LOCAL.to_owned(), |before| format!("{before},{LOCAL}"));
            variables.push((name, value));
        }
        let mut launch = Launch {
            command: command.to_vec(),
            variables,
        };
        launch.adapt(&base);
        launch
    }

    /// What some programs need beyond variables.
    fn adapt(&mut self, base: &str) {
        match self.program().as_str() {
            // It does not read OPENAI_BASE_URL.
            "codex" => self.insert(&[
                "-c".to_owned(),
                format!("openai_base_url=\"{base}/openai/v1\""),
            ]),
            // Otherwise it asks whether to trust the folder.
            "gemini" => self
                .variables
                .push(("GEMINI_CLI_TRUST_WORKSPACE", "true".to_owned())),
            _ => {}
        }
    }

    /// Leaves out the placeholder keys: without a real one the program fails as it would without us.
    pub fn without_dummies(&mut self) {
        self.variables.retain(|(_, value)| value != DUMMY);
    }

    /// Points the program at these MCP servers (name and URL) and no others, if its command line has an option for that.
    pub fn with_servers(&mut self, servers: &[(String, String)]) -> bool {
        if !servers.is_empty() && self.program() == "claude" {
            self.insert(&["--strict-mcp-config".to_owned()]);
        }
        self.add_servers(servers)
    }

    /// Adds MCP servers to those of the program, if its command line has an option for that.
    pub fn add_servers(&mut self, servers: &[(String, String)]) -> bool {
        if servers.is_empty() {
            return true;
        }
        match self.program().as_str() {
            "claude" => {
                let of = |(name, url): &(String, String)| {
                    (name.clone(), json!({"type": "http", "url": url}))
                };
                let all: Map<String, Value> = servers.iter().map(of).collect();
                let config = json!({"mcpServers": all}).to_string();
                // The option takes all words that follow it.
                let last: [OsString; 2] = ["--mcp-config".into(), config.into()];
                self.command.extend(last);
                true
            }
            "codex" => {
                for (name, url) in servers {
                    self.insert(&["-c".to_owned(), format!("mcp_servers.{name}.url=\"{url}\"")]);
                }
                true
            }
            _ => false,
        }
    }

    /// The name of the program, without its folder.
    pub fn program(&self) -> String {
        let name = self
            .command
            .first()
            .map(Path::new)
            .and_then(Path::file_name);
        name.map(OsStr::to_string_lossy)
            .unwrap_or_default()
            .into_owned()
    }

    /// Adds arguments ahead of those of the user.
    pub fn insert(&mut self, arguments: &[String]) {
        let at = 1.min(self.command.len());
        self.command
            .splice(at..at, arguments.iter().map(OsString::from));
    }

    /// Starts it. Keys that interrupt go to it, as the terminal sends them.
    pub fn start(&self) -> io::Result<Running> {
        let Some((program, arguments)) = self.command.split_first() else {
            return Err(io::Error::other("no command"));
        };
        let signals = Signals::watch()?;
        let child = Command::new(program)
            .args(arguments)
            .envs(self.variables.iter().map(|(name, value)| (name, value)))
            .spawn()?;
        Ok(Running { child, signals })
    }

    /// Runs it until it ends.
    pub fn run(&self) -> io::Result<Ended> {
        let status = self.start()?.wait()?;
        Ok(Ended { code: code(status) })
    }
}

/// How a program ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ended {
    /// As shells report it.
    pub code: u8,
}

/// The exit code of a program as shells report it.
pub fn code(status: ExitStatus) -> u8 {
    let signal = status.signal().map(|signal| 128 + signal);
    let code = status.code().or(signal).unwrap_or(1);
    u8::try_from(code).unwrap_or(1)
}

/// How often to check whether it has ended.
const GLANCE: Duration = Duration::from_millis(20);
/// Two interrupts within this time end the program and all it started: it had its chance at the first one. A later one is
/// a new first one, since many programs go on after an interrupt.
const TWICE: Duration = Duration::from_secs(2);

/// A running program. A signal that should end us ends it first.
#[derive(Debug)]
pub struct Running {
    child: Child,
    signals: Signals,
}

impl Running {
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Waits for its end.
    pub fn wait(mut self) -> io::Result<ExitStatus> {
        let mut interrupted: Option<Instant> = None;
        loop {
            if let Some(status) = self.child.try_wait()? {
                return Ok(status);
            }
            if self.signals.ends.swap(false, Ordering::Relaxed)
                && let Some(pid) = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw)
            {
                // It may have ended in the meantime.
                let _ = kill_process(pid, Signal::TERM);
            }
            if self.signals.interrupts.swap(false, Ordering::Relaxed) {
                if interrupted.is_some_and(|it| it.elapsed() < TWICE) {
                    self.end();
                }
                interrupted = Some(Instant::now());
            }
            thread::sleep(GLANCE);
        }
    }

    /// Ends it and all it started. It shares our process group, so that it can use the terminal: the group cannot be
    /// killed without us.
    fn end(&self) {
        let Ok(pid) = i32::try_from(self.child.id()) else {
            return;
        };
        for pid in kill::tree(pid).into_iter().filter_map(Pid::from_raw) {
            // It may have ended in the meantime.
            let _ = kill_process(pid, Signal::KILL);
        }
    }
}

/// While this exists, signals do not end us.
#[derive(Debug)]
struct Signals {
    /// An interrupt came, which the terminal sends to all its programs.
    interrupts: Arc<AtomicBool>,
    /// A signal came that the terminal does not send to all its programs.
    ends: Arc<AtomicBool>,
    handlers: Vec<SigId>,
}

impl Signals {
    fn watch() -> io::Result<Signals> {
        let ends = Arc::new(AtomicBool::new(false));
        let ignored = Arc::new(AtomicBool::new(false));
        let mut handlers = Vec::new();
        let interrupts = Arc::new(AtomicBool::new(false));
        handlers.push(flag::register(SIGINT, Arc::clone(&interrupts))?);
        handlers.push(flag::register(SIGQUIT, ignored)?);
        for signal in [SIGTERM, SIGHUP] {
            handlers.push(flag::register(signal, Arc::clone(&ends))?);
        }
        Ok(Signals {
            interrupts,
            ends,
            handlers,
        })
    }
}

impl Drop for Signals {
    fn drop(&mut self) {
        for handler in self.handlers.drain(..) {
            unregister(handler);
        }
    }
}

/// Waits until we are interrupted or terminated.
pub fn wait_for_end() -> io::Result<()> {
    let came = Arc::new(AtomicBool::new(false));
    let mut handlers = Vec::new();
    for signal in [SIGINT, SIGTERM, SIGHUP] {
        // In this order: the first signal only sets the flag that makes the second one fatal.
        handlers.push(flag::register_conditional_default(
            signal,
            Arc::clone(&came),
        )?);
        handlers.push(flag::register(signal, Arc::clone(&came))?);
    }
    while !came.load(Ordering::Relaxed) {
        thread::sleep(GLANCE);
    }
    for handler in handlers {
        unregister(handler);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn launch(command: &[&str], set: &[(&str, &str)]) -> Launch {
        let command: Vec<OsString> = command.iter().map(OsString::from).collect();
        let address = "127.0.0.1:9".parse().expect("an address");
        Launch::new(&command, address, |name| {
            let found = set.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_owned())
        })
    }

    fn value<'a>(launch: &'a Launch, name: &str) -> Option<&'a str> {
        let found = launch.variables.iter().find(|(known, _)| *known == name);
        found.map(|(_, value)| value.as_str())
    }

    #[test]
    fn base_urls_point_at_us_and_keys_are_made_up_only_where_none_is_set() {
        let bare = launch(&["python", "agent.py"], &[]);
        assert_eq!(
            value(&bare, "OPENAI_BASE_URL"),
            Some("http://127.0.0.1:9/openai/v1")
        );
        assert_eq!(
            value(&bare, "ANTHROPIC_BASE_URL"),
            Some("http://127.0.0.1:9/anthropic")
        );
        assert_eq!(value(&bare, "OPENAI_API_BASE"), None);
        assert_eq!(value(&bare, "OPENAI_API_KEY"), Some(DUMMY));
        assert_eq!(value(&bare, "NO_PROXY"), Some(LOCAL));
        let set = launch(
            &["x"],
            &[
                ("ANTHROPIC_AUTH_TOKEN", "t"),
                ("OPENAI_API_BASE", "https://x"),
                ("no_proxy", "a.b"),
            ],
        );
        assert_eq!(value(&set, "ANTHROPIC_API_KEY"), None);
        assert_eq!(
            value(&set, "OPENAI_API_BASE"),
            Some("http://127.0.0.1:9/openai/v1")
        );
        assert_eq!(value(&set, "no_proxy"), Some("a.b,127.0.0.1,localhost"));
    }

    #[test]
    fn programs_that_read_no_variables_get_arguments() {
        let codex = launch(&["/usr/bin/codex", "exec", "go"], &[]);
        assert_eq!(codex.command[1], "-c");
        assert_eq!(
            codex.command[2],
            "openai_base_url=\"http://127.0.0.1:9/openai/v1\""
        );
        assert_eq!(codex.command[3..], ["exec", "go"]);
    }

    #[test]
    fn a_program_runs_with_its_variables_and_its_code_is_reported() {
        let launch = launch(&["sh", "-c", "test -n \"$OPENAI_BASE_URL\" && exit 7"], &[]);
        assert_eq!(launch.run().expect("it ran").code, 7);
        let killed = Launch {
            command: ["sh", "-c", "kill -9 $$"].map(OsString::from).to_vec(),
            variables: Vec::new(),
        };
        assert_eq!(killed.run().expect("it ran").code, 137);
    }
}
