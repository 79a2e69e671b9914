//! `record`: runs a program with its models' base URLs pointed at our proxy, and writes the traffic as a trace.
//! Nothing is changed on the way, and nothing waits for the trace.

mod adapters;
mod answering;
mod audit;
mod breaker;
mod copy;
mod headers;
mod mcp;
mod proxy;
mod response;
mod routes;
mod telemetry;
mod time;
mod trace;
mod writer;

use std::env;
use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::sync::{Arc, OnceLock};
use std::thread;

use serde_json::json;
use tempfile::TempPath;
use thiserror::Error;

pub use breaker::Limits;
pub use writer::{Bodies, Counts};

use crate::act::child::{self, Launch};
use crate::act::guard::install;
use crate::act::net::Net;
use crate::act::net::client::Client;
use crate::act::net::server::{self, Server};
use crate::act::otlp::{Http, Receiver};
use crate::act::places::{self, Places};
use crate::base::clock::{Clock, System};
use crate::base::human;
use crate::export::redact::Masked;
use crate::ingest::prices::PriceTable;
use adapters::{Adapter, Hooks};
use breaker::Breaker;
use copy::Copier;
use proxy::{Mounted, OTLP, Proxy};
use routes::Routes;
use time::Clockwork;
use trace::Trace;
use writer::{Ended, Manner, Writer};

/// The run that hooks and nested recorders belong to, and the trace that hooks write to.
const RUN: &str = "SAFERUN_RUN";
const TRACE: &str = "SAFERUN_TRACE";
/// The hosts whose model calls are recorded on the wire.
const WIRE: &str = "SAFERUN_WIRE";
/// Set where model calls already pass through a recorder.
const PROXY: &str = "SAFERUN_PROXY";

#[derive(Debug)]
pub struct Options {
    pub command: Vec<OsString>,
    /// None for a new one in the folder of traces.
    pub file: Option<PathBuf>,
    pub is_proxied: bool,
    pub is_masked: bool,
    /// Hooks for this run only.
    pub is_guarded: bool,
    /// The child's own telemetry goes into a file beside the trace.
    pub is_otlp: bool,
    /// MCP servers that are reached over HTTP: names and URLs.
    pub servers: Vec<(String, String)>,
    pub bodies: Bodies,
    pub limits: Limits,
    pub prices: PriceTable,
}

/// What was recorded, and how the program ended.
#[derive(Debug)]
pub struct Recorded {
    pub code: u8,
    pub counts: Counts,
}

#[derive(Debug, Error)]
pub enum Error {
    #[error("no command to record (saferun-tui record -- CMD ARG...)")]
    NoCommand,
    #[error("no home folder (HOME is not set)")]
    NoHome,
    #[error("{}: {error}", .path.display())]
    File { path: PathBuf, error: io::Error },
    #[error("{program}: {error}")]
    Program { program: String, error: io::Error },
    #[error("--guard: {0}")]
    Guard(String),
    #[error(transparent)]
    Server(#[from] server::Error),
    #[error("{0}")]
    System(#[from] io::Error),
}

/// A recording that is ready to start.
#[derive(Debug)]
pub struct Recording {
    options: Options,
    launch: Launch,
    adapter: Option<&'static Adapter>,
    path: PathBuf,
    trace: Trace,
    run: String,
    places: Places,
    is_proxied: bool,
    /// Our hooks are installed.
    is_guarded: bool,
    /// What the user should know before the program starts.
    pub notices: Vec<String>,
    /// The guard's code for this run; removed with it.
    _plugin: Option<TempPath>,
}

impl Recording {
    pub fn prepare(options: Options) -> Result<Recording, Error> {
        let program = options.command.first().ok_or(Error::NoCommand)?;
        let adapter = adapters::of(Path::new(program));
        let places = Places::of_environment().ok_or(Error::NoHome)?;
        let run = match set(RUN) {
            Some(outer) if set(PROXY).is_some() => outer,
            Some(_) | None => format!("r-{}", word()?),
        };
        let path = match &options.file {
            Some(path) => std::path::absolute(path)?,
            None => new_file(&places, program)?,
        };
        let opened = Trace::open(&path, options.is_masked);
        let trace = opened.map_err(|error| Error::File {
            path: path.clone(),
            error,
        })?;
        let mut notices = Vec::new();
        let is_nested = set(PROXY).is_some();
        if is_nested && options.is_proxied {
            notices.push("an outer recorder sees the model calls".to_owned());
        }
        let is_proxied = options.is_proxied && !is_nested;
        if is_proxied {
            notices.extend(adapter.and_then(|it| it.notice).map(str::to_owned));
            if !matches!(adapter.map(|it| it.host), Some("claude-code" | "codex")) {
                notices.extend(options.servers.iter().map(elsewhere));
            }
        }
        let mut launch = Launch {
            command: options.command.clone(),
            variables: Vec::new(),
        };
        let is_installed = adapter.is_some_and(|it| install::is_installed(&places, it.host));
        let plugin = if options.is_guarded && !is_installed {
            guard(adapter, &mut launch).map_err(Error::Guard)?
        } else {
            None
        };
        Ok(Recording {
            is_guarded: options.is_guarded || is_installed,
            options,
            launch,
            adapter,
            path,
            trace,
            run,
            places,
            is_proxied,
            notices,
            _plugin: plugin,
        })
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Runs the program to its end.
    pub fn run(mut self) -> Result<Recorded, Error> {
        let net = Net::start()?;
        let clock = Clockwork::start();
        let (copier, copies) = copy::channel(clock);
        let places = Some(self.places.clone());
        let breaker = Arc::new(Breaker::new(self.options.limits, places));
        self.environment();
        let server = if self.is_proxied {
            Some(self.serve(&net, clock, copier, &breaker)?)
        } else {
            None
        };
        let started = self.launch.start();
        let running = started.map_err(|error| self.did_not_start(error))?;
        let manner = self.manner(running.id());
        let parts = (breaker, self.options.prices);
        let writer = Writer::new(self.trace, manner, parts, clock);
        let ended: Arc<OnceLock<Ended>> = Arc::default();
        let outcome = Arc::clone(&ended);
        let writing = thread::Builder::new().name("recorder".to_owned());
        let writing = writing.spawn(move || writer.run(&copies, &outcome))?;
        let status = running.wait()?;
        // Set only here.
        let _ = ended.set(ended_as(status));
        // Dropping the server ends all connections, and with them the copies.
        drop(server);
        drop(net);
        let counts = writing.join().unwrap_or_default();
        Ok(Recorded {
            code: child::code(status),
            counts,
        })
    }

    /// Leaves no empty trace.
    fn did_not_start(&self, error: io::Error) -> Error {
        if self.options.file.is_none() {
            // It is empty, and its name is ours.
            let _ = fs::remove_file(&self.path);
        }
        Error::Program {
            program: self.launch.program(),
            error,
        }
    }

    /// What the child is given to find the recording.
    fn environment(&mut self) {
        let variables = &mut self.launch.variables;
        variables.push((RUN, self.run.clone()));
        variables.push((TRACE, self.path.to_string_lossy().into_owned()));
        if self.is_proxied {
            let on_wire = adapters::on_wire(self.adapter, |name| set(name).is_some());
            variables.push((WIRE, on_wire));
        }
    }

    /// Starts the proxy, and points the child at it.
    fn serve(
        &mut self,
        net: &Net,
        clock: Clockwork,
        copier: Copier,
        breaker: &Arc<Breaker>,
    ) -> Result<Server, Error> {
        let token = word()?;
        let is_unseen = self
            .adapter
            .is_some_and(|it| it.is_unseen(|name| set(name).is_some()));
        let otlp = if self.options.is_otlp || is_unseen {
            Some(self.telemetry()?)
        } else {
            None
        };
        let proxy = Arc::new(Proxy {
            mounted: OnceLock::new(),
            client: Client::new(net),
            copier,
            breaker: Arc::clone(breaker),
            clock,
            run: self.run.clone(),
            otlp,
        });
        let address = server::loopback("127.0.0.1:0")?;
        let server = server::listen(net, address, Arc::clone(&proxy))?;
        let program = self.launch.program();
        let here = (server.address, token.as_str());
        let mut routes = Routes::new(&program, here, set);
        let servers = routes.serve(&self.options.servers, here);
        // The other servers already have their URLs.
        let _ = self.launch.add_servers(&servers);
        let url = |variable: &str| routes.url(variable).map(str::to_owned);
        if let Some(adapter) = self.adapter {
            self.launch.insert(&adapter.options(url));
        }
        let base = format!("http://{}/s/{token}", server.address);
        if proxy.otlp.is_some() {
            let endpoint = format!("{base}/{}", OTLP.trim_end_matches('/'));
            let variables = telemetry::variables(&endpoint, |name| set(name).is_some());
            self.launch.variables.extend(variables);
        }
        self.launch.variables.push((PROXY, base));
        self.launch.variables.extend(routes.variables);
        // Nothing was mounted before.
        let _ = proxy.mounted.set(Mounted {
            prefix: format!("/s/{token}/"),
            routes: routes.routes,
        });
        Ok(server)
    }

    /// Writes telemetry to `NAME.otlp.jsonl`: a call reported by both proxy and telemetry would count twice in one
    /// file.
    fn telemetry(&self) -> Result<Http, Error> {
        let path = self.path.with_extension("otlp.jsonl");
        let receiver = Receiver::open(&path).map_err(|error| Error::File { path, error })?;
        Ok(Http::new(Arc::new(receiver)))
    }

    fn manner(&self, pid: u32) -> Manner {
        let program = self.launch.program();
        let argv = masked(&self.options.command);
        let cwd = env::current_dir().ok();
        let via = if self.is_proxied { "wire" } else { "hook" };
        let recorder = json!({
            "name": "saferun-tui",
            "version": env!("CARGO_PKG_VERSION"),
            "via": via,
            "host": self.adapter.map(|it| it.host),
            "argv": argv,
            "pid": pid,
            "cwd": cwd.map(|it| it.to_string_lossy().into_owned()),
        });
        Manner {
            run: self.run.clone(),
            agent: self.adapter.map_or(program, |it| it.host.to_owned()),
            has_sessions: self.adapter.is_some_and(|it| it.has_sessions),
            derives_ids: self.adapter.is_some_and(|it| it.derives_ids),
            recorder,
            bodies: self.options.bodies,
            is_guarded: self.is_guarded,
        }
    }
}

/// Adds the guard to one run, only where the host allows it. Nothing stays behind: a plugin is removed when it is dropped.
fn guard(adapter: Option<&Adapter>, launch: &mut Launch) -> Result<Option<TempPath>, String> {
    let Some(adapter) = adapter else {
        let what =
            "no hooks are known for this program (guard its tools with an MCP wrapper or @guarded)";
        return Err(what.to_owned());
    };
    let given =
        |what: &str| format!("{what} is given already; saferun-tui guard install installs hooks");
    match adapter.hooks {
        Hooks::Option(option) => {
            let is_given = |it: &OsString| {
                let it = it.to_string_lossy();
                it == option || it.starts_with(&format!("{option}="))
            };
            if launch.command.iter().any(is_given) {
                return Err(given(option));
            }
            launch.insert(&[option.to_owned(), install::for_one_run()?]);
            Ok(None)
        }
        Hooks::Plugin(variable) => {
            if set(variable).is_some() {
                return Err(given(variable));
            }
            let plugin = plugin(&install::plugin_for_one_run()?).map_err(|it| it.to_string())?;
            let settings = json!({"plugin": [format!("file://{}", plugin.display())]});
            launch.variables.push((variable, settings.to_string()));
            Ok(Some(plugin))
        }
        Hooks::None => {
            let host = adapter.host;
            Err(format!(
                "{host} takes no hooks for one run only; saferun-tui guard install {host} installs them"
            ))
        }
    }
}

/// Writes code for one run to a file that only this user can change.
fn plugin(text: &str) -> io::Result<TempPath> {
    let mut file = tempfile::Builder::new()
        .prefix("saferun-")
        .suffix(".js")
        .tempfile()?;
    file.write_all(text.as_bytes())?;
    Ok(file.into_temp_path())
}

/// How a program without an option for MCP servers reaches one.
fn elsewhere((name, _): &(String, String)) -> String {
    format!("the child must reach the MCP server {name} at $SAFERUN_PROXY/mcp/{name}")
}

fn set(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.is_empty())
}

/// 128 random bits, as letters and digits.
fn word() -> io::Result<String> {
    const LETTERS: &[u8] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let mut bytes = [0; 16];
    File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    let mut number = u128::from_le_bytes(bytes);
    let mut word = String::new();
    while number > 0 {
        word.push(LETTERS[(number % 62) as usize].into());
        number /= 62;
    }
    Ok(word)
}

/// A new file in the folder of traces: `traces/2026-11-29/claude-141503-7f3a.jsonl`
pub fn new_file(places: &Places, program: &OsStr) -> Result<PathBuf, Error> {
    let now = human::rfc3339(System.now());
    let (date, time) = now.split_once('T').unwrap_or((&now, ""));
    let time: String = time.chars().filter(char::is_ascii_digit).take(6).collect();
    let name = Path::new(program).file_name().unwrap_or_default();
    let name = places::of_run(&name.to_string_lossy());
    let tag: String = word()?.chars().take(4).collect();
    let folder = places.traces().join(date);
    let made = places::private(&places.traces()).and_then(|()| places::private(&folder));
    made.map_err(|error| Error::File {
        path: folder.clone(),
        error,
    })?;
    Ok(folder.join(format!("{name}-{time}-{tag}.jsonl")))
}

/// A command line without the secrets in it.
fn masked(command: &[OsString]) -> Vec<String> {
    let words: Vec<String> = command
        .iter()
        .map(|it| it.to_string_lossy().into_owned())
        .collect();
    let before = |at: usize| at.checked_sub(1).and_then(|at| words.get(at));
    let mask = |(at, word): (usize, &String)| {
        let option = before(at).filter(|it| it.starts_with('-'));
        let name = option.map_or("", |it| it.trim_start_matches('-'));
        Masked::named(name, word).into_inner()
    };
    words.iter().enumerate().map(mask).collect()
}

fn ended_as(status: ExitStatus) -> Ended {
    match (status.code(), status.signal()) {
        (Some(0), _) => Ended {
            status: "ok",
            reason: None,
        },
        (Some(code), _) => Ended {
            status: "error",
            reason: Some(format!("exit code {code}")),
        },
        (None, signal) => Ended {
            status: "cancelled",
            reason: signal.map(|it| format!("signal {it}")),
        },
    }
}
