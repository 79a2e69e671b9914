//! Adds the guard to a host's settings, and removes it. Nothing is written before the user has seen the change.

mod files;
mod plugin;
mod settings;
mod status;
mod tables;

use std::env;
use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use similar::TextDiff;

use crate::act::guard::host;
use crate::act::places::{self, Places};
use crate::base::clock::{Clock, System};
use crate::base::{human, sha256};

pub use status::{Standing, standing};

/// The change an installation would make to one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    pub host: &'static str,
    pub path: PathBuf,
    /// None if there is no file.
    pub before: Option<String>,
    /// None if the file is to be removed.
    pub after: Option<String>,
    pub is_observing: bool,
    /// What the user should know.
    pub notes: Vec<String>,
}

/// Where and how to install.
#[derive(Debug, Clone, Copy)]
pub struct How<'a> {
    pub places: &'a Places,
    /// The folder of a project, to change only that project's settings.
    pub project: Option<&'a Path>,
    pub is_observing: bool,
}

/// What was installed, with hashes of the files.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Installs {
    pub v: u32,
    pub installs: Vec<Installed>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Installed {
    pub host: String,
    pub path: String,
    pub observe: bool,
    pub at: String,
    /// Of the file before and after; empty if there was none.
    pub before_sha256: String,
    pub after_sha256: String,
}

const LARGEST: u64 = 4 << 20;

impl Plan {
    pub fn is_change(&self) -> bool {
        self.before != self.after
    }

    /// The change as a unified diff.
    pub fn diff(&self) -> String {
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        let (before, after) = (text(&self.before), text(&self.after));
        let path = self.path.display().to_string();
        let name = |there: &Option<String>| match there {
            Some(_) => path.clone(),
            None => "/dev/null".to_owned(),
        };
        let diff = TextDiff::from_lines(&before, &after);
        diff.unified_diff()
            .header(&name(&self.before), &name(&self.after))
            .to_string()
    }

    /// Writes the file and records the installation.
    pub fn apply(&self, places: &Places) -> io::Result<()> {
        // Only the change that was shown may be made.
        if current(&self.path)? != self.before {
            let what = format!("{} has changed in the meantime", self.path.display());
            return Err(io::Error::other(what));
        }
        match &self.after {
            Some(text) => replace(&self.path, text)?,
            None => fs::remove_file(&self.path)?,
        }
        self.note(places)
    }

    fn note(&self, places: &Places) -> io::Result<()> {
        let mut all = installs(places);
        let path = self.path.to_string_lossy().into_owned();
        all.installs
            .retain(|it| it.host != self.host || it.path != path);
        let hash = |text: &Option<String>| {
            text.as_ref()
                .map_or_else(String::new, |text| sha256::hex(text.as_bytes()))
        };
        let after = self.after.as_deref().unwrap_or_default();
        if files::is_ours(after, self.host) {
            all.installs.push(Installed {
                host: self.host.to_owned(),
                path,
                observe: self.is_observing,
                at: human::rfc3339(System.now()),
                before_sha256: hash(&self.before),
                after_sha256: hash(&self.after),
            });
        }
        all.v = 1;
        places::private(&places.state().join("run"))?;
        let text = serde_json::to_vec_pretty(&all)?;
        places::replace(&places.installs(), &text)
    }
}

/// The recorded installations.
pub fn installs(places: &Places) -> Installs {
    let text = places::read_private(&places.installs(), LARGEST);
    let text = text
        .ok()
        .and_then(|text| serde_json::from_slice(&text).ok());
    text.unwrap_or_default()
}

/// The change that would install the guard for a host.
pub fn install(name: &str, how: How<'_>) -> Result<Plan, String> {
    let host = known(name)?;
    let program = program()?;
    let file = files::of(host, how)?;
    let before = current(&file.path).map_err(|error| failed(&file.path, &error))?;
    let without = match &before {
        Some(text) => files::removed(&file, text, host)?,
        None => None,
    };
    let after = files::added(
        &file,
        without.as_deref(),
        (host, &program, how.is_observing),
    )?;
    Ok(Plan {
        host,
        path: file.path.clone(),
        before,
        after: Some(after),
        is_observing: how.is_observing,
        notes: files::notes(host, how),
    })
}

/// The change that would remove the guard: exactly our entries.
pub fn uninstall(name: &str, how: How<'_>) -> Result<Plan, String> {
    let host = known(name)?;
    let file = files::of(host, how)?;
    let before = current(&file.path).map_err(|error| failed(&file.path, &error))?;
    let after = match &before {
        Some(text) => files::removed(&file, text, host)?,
        None => None,
    };
    Ok(Plan {
        host,
        path: file.path,
        before,
        after,
        is_observing: false,
        notes: Vec::new(),
    })
}

/// Settings for one run of Claude Code, which takes them as an argument: no file is changed.
pub fn for_one_run() -> Result<String, String> {
    files::alone(&program()?)
}

/// The plugin for one run of OpenCode, whose settings can name it.
pub fn plugin_for_one_run() -> Result<String, String> {
    Ok(plugin::text(&program()?, false))
}

/// Whether an installation is recorded for a host.
pub fn is_installed(places: &Places, host: &str) -> bool {
    installs(places).installs.iter().any(|it| it.host == host)
}

/// The hosts whose settings folder exists.
pub fn found(places: &Places) -> Vec<&'static str> {
    let how = How {
        places,
        project: None,
        is_observing: false,
    };
    let hosts = host::HOSTS.iter().map(|host| host.name);
    hosts
        .filter(|name| files::of(name, how).is_ok_and(|file| file.home.is_dir()))
        .collect()
}

/// Hosts whose programs have other names.
const PROGRAMS: &[(&str, &str)] = &[("claude", "claude-code"), ("cursor-agent", "cursor")];

fn known(name: &str) -> Result<&'static str, String> {
    let program = PROGRAMS.iter().find(|(program, _)| *program == name);
    let host =
        host::by_name(program.map_or(name, |(_, host)| host)).filter(|host| host.name != "sdk");
    host.map(|host| host.name).ok_or_else(|| {
        let names: Vec<&str> = super::hosts().filter(|it| *it != "sdk").collect();
        format!(
            "'{name}' is not a host that can be guarded ({})",
            names.join(", ")
        )
    })
}

/// The absolute path of this program.
fn program() -> Result<String, String> {
    let program =
        env::current_exe().map_err(|error| format!("cannot locate this program: {error}"))?;
    let name = program.file_name().and_then(|name| name.to_str());
    if name != Some("saferun-tui") {
        return Err(format!(
            "{} must be named saferun-tui, or its entries could not be found again",
            program.display()
        ));
    }
    let program = program.to_str().map(str::to_owned);
    program.ok_or_else(|| "the path of this program is not UTF-8".to_owned())
}

fn current(path: &Path) -> io::Result<Option<String>> {
    match fs::metadata(path) {
        Ok(found) if found.len() > LARGEST => {
            Err(io::Error::other("too large for a settings file"))
        }
        Ok(_) => fs::read_to_string(path).map(Some),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn failed(path: &Path, error: &io::Error) -> String {
    format!("{}: {error}", path.display())
}

/// Replaces a file, following links, and keeps its mode.
fn replace(path: &Path, text: &str) -> io::Result<()> {
    let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let folder = path.parent().unwrap_or(Path::new("/"));
    fs::create_dir_all(folder)?;
    let mode = fs::metadata(&path).map_or(0o600, |it| it.permissions().mode() & 0o777);
    let mut file = tempfile::Builder::new()
        .prefix(".saferun-")
        .tempfile_in(folder)?;
    file.write_all(text.as_bytes())?;
    file.as_file()
        .set_permissions(fs::Permissions::from_mode(mode))?;
    file.as_file().sync_all()?;
    file.persist(&path)?;
    Ok(())
}

#[cfg(test)]
mod tests;
