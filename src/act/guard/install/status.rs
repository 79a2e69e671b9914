//! Whether a host is guarded, and when its hooks last ran.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use serde_json::Value;

use crate::act::guard::install::{How, current, files, installs};
use crate::base::sha256;

/// The state of one host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    pub host: &'static str,
    pub path: PathBuf,
    /// The host has a settings folder.
    pub is_used: bool,
    pub is_installed: bool,
    pub is_observing: bool,
    /// What is wrong with the installation.
    pub problems: Vec<String>,
    /// When the last event arrived.
    pub heard: Option<SystemTime>,
    /// Calls in the last run that bypassed the hook.
    pub unguarded: u32,
}

pub fn standing(host: &'static str, how: How<'_>) -> Result<Standing, String> {
    let file = files::of(host, how)?;
    let text = current(&file.path).map_err(|error| format!("{}: {error}", file.path.display()))?;
    let is_installed = text
        .as_deref()
        .is_some_and(|text| files::is_ours(text, host));
    let mut problems = Vec::new();
    if let Some(text) = text.as_deref().filter(|_| is_installed) {
        let noted = installs(how.places);
        let path = file.path.to_string_lossy();
        let noted = noted
            .installs
            .iter()
            .find(|it| it.host == host && it.path == path);
        match noted {
            Some(noted) if noted.after_sha256 != sha256::hex(text.as_bytes()) => {
                problems.push("the file has changed since the installation".to_owned());
            }
            Some(_) => {}
            None => problems.push("no record of this installation".to_owned()),
        }
        problems.extend(missing_program(text));
        if host == "codex" && !is_trusted(&file.path) {
            problems.push("codex does not trust the hooks: type /hooks in it".to_owned());
        }
    }
    let (heard, trace) = last(how, host);
    Ok(Standing {
        host,
        is_used: file.home.is_dir(),
        is_installed,
        is_observing: text.is_some_and(|text| text.contains("--observe")),
        path: file.path,
        problems,
        heard,
        unguarded: trace.map_or(0, |trace| unguarded(Path::new(&trace))),
    })
}

/// The problem if the program that the hooks run no longer exists.
fn missing_program(text: &str) -> Option<String> {
    let (before, _) = text.split_once("/saferun-tui")?;
    let start = before.rfind(['\'', '"'])? + 1;
    let program = format!("{}/saferun-tui", before.get(start..)?);
    let is_there = program.starts_with('…') || Path::new(&program).is_file();
    (!is_there).then(|| format!("{program} does not exist"))
}

/// Whether Codex has recorded the user's trust in the file: `[hooks.state."PATH:pre_tool_use:0:0"]`.
fn is_trusted(path: &Path) -> bool {
    let config = path.with_file_name("config.toml");
    let text = fs::read_to_string(config).unwrap_or_default();
    let table = format!("[hooks.state.\"{}:pre_tool_use:", path.display());
    text.contains(&table) && text.contains("trusted_hash")
}

/// When a hook of the host last ran, and the trace of that run.
fn last(how: How<'_>, host: &str) -> (Option<SystemTime>, Option<String>) {
    let entries = fs::read_dir(how.places.live())
        .into_iter()
        .flatten()
        .flatten();
    let states = entries.filter(|entry| entry.path().extension().is_some_and(|it| it == "state"));
    let mut found: Vec<(SystemTime, String)> = states
        .filter_map(|entry| {
            let written = entry.metadata().ok()?.modified().ok()?;
            let text = fs::read(entry.path()).ok()?;
            let state: Value = serde_json::from_slice(&text).ok()?;
            (state["host"] == host).then(|| {
                let trace = state["trace"].as_str().unwrap_or_default();
                (written, trace.to_owned())
            })
        })
        .collect();
    found.sort();
    match found.pop() {
        Some((at, trace)) => (Some(at), Some(trace)),
        None => (None, None),
    }
}

fn unguarded(trace: &Path) -> u32 {
    let Ok(file) = fs::File::open(trace) else {
        return 0;
    };
    let lines = BufReader::new(file).lines().map_while(Result::ok);
    let marked = lines.filter(|line| line.contains("\"type\":\"unguarded\""));
    u32::try_from(marked.count()).unwrap_or(u32::MAX)
}
