//! Finds and reads the policy files that a command names: files, folders of them, and `claude:`, `codex:`, `gemini:`
//! and `opencode:` for what is in force on this machine.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use crate::analysis::policy::history::Place;
use crate::analysis::policy::native::Use;
use crate::analysis::policy::set::{Policies, Refusal, Set};
use crate::analysis::policy::{File, Scope, decisions, kind_of, native};
use crate::cli::failure::Failure;
use crate::ingest::discover::at_home;

/// Splits `POLICY… PATH…`: the first is a policy, and so are those after it that look like one.
pub(super) fn split(named: &[PathBuf]) -> (Vec<PathBuf>, Vec<PathBuf>) {
    let is_policy = |(at, path): &(usize, &PathBuf)| *at == 0 || looks_like_policy(path);
    let count = named.iter().enumerate().take_while(is_policy).count();
    let (policies, paths) = named.split_at(count);
    (policies.to_vec(), paths.to_vec())
}

fn looks_like_policy(path: &Path) -> bool {
    if InForce::named(path).is_some() {
        return true;
    }
    let path = at_home(path);
    match path.extension().and_then(|it| it.to_str()) {
        Some("toml" | "rules") => true,
        Some("json") => {
            let name = path
                .file_name()
                .and_then(|it| it.to_str())
                .unwrap_or_default();
            name.starts_with("settings") || name.starts_with("opencode") || holds_permissions(&path)
        }
        _ => false,
    }
}

/// The longest file that is looked into to see whether it is a policy.
const LONGEST: u64 = 1 << 20;

fn holds_permissions(path: &Path) -> bool {
    let is_short = fs::metadata(path).is_ok_and(|it| it.is_file() && it.len() <= LONGEST);
    let text = is_short.then(|| fs::read_to_string(path).ok()).flatten();
    let value = text.and_then(|text| serde_json::from_str::<serde_json::Value>(&text).ok());
    value.is_some_and(|it| it.get("permissions").is_some() || it.get("permission").is_some())
}

/// Reads policies. `trusted` says that the folders of projects are trusted.
pub(in crate::cli) fn read(named: &[PathBuf], trusted: bool) -> Result<Policies, Failure> {
    let mut files = Vec::new();
    for path in named {
        match InForce::named(path) {
            Some(place) => place.read(trusted, &mut files)?,
            None => add(&at_home(path), Scope::User, trusted, &mut files)?,
        }
    }
    let set = Set::read(&files).map_err(|refusal| explain(&files, &refusal))?;
    Ok(Policies { files, set })
}

pub(super) fn explain(files: &[File], refusal: &Refusal) -> Failure {
    Failure::Usage(match refusal {
        Refusal::Broken(broken) => broken.mistake.words(&files[broken.file].path),
        Refusal::Unknown(at) => format!(
            "{}: no known kind of policy (a settings file of Claude Code, policies of Gemini CLI, .rules of Codex, \
             an opencode.json, or a policy.toml)",
            files[*at].path
        ),
    })
}

fn add(path: &Path, scope: Scope, trusted: bool, files: &mut Vec<File>) -> Result<(), Failure> {
    if path.is_dir() {
        let found = in_folder(path);
        if found.is_empty() {
            let what = format!("{}: holds no policy (.toml or .rules)", path.display());
            return Err(Failure::Usage(what));
        }
        return found
            .iter()
            .try_for_each(|it| add(it, scope, trusted, files));
    }
    let text = fs::read_to_string(path)
        .map_err(|error| Failure::Usage(format!("{}: {error}", path.display())))?;
    let file = file(path, text, scope, trusted);
    let uses = if kind(&file) == native::KIND.name {
        native::uses(&file.text).map_err(|mistake| Failure::Usage(mistake.words(&file.path)))?
    } else {
        Vec::new()
    };
    let shown = file.path.clone();
    files.push(file);
    uses.iter()
        .try_for_each(|used| include(path, &shown, used, trusted, files))
}

/// A file that a policy uses, named from the folder of that policy.
fn include(
    by: &Path,
    shown: &str,
    used: &Use,
    trusted: bool,
    files: &mut Vec<File>,
) -> Result<(), Failure> {
    let folder = by.parent().unwrap_or(Path::new("."));
    let path = folder.join(at_home(Path::new(&used.file)));
    let is_known = files.iter().any(|it| Path::new(&it.path) == path);
    if is_known {
        return Ok(());
    }
    if !path.exists() {
        let mistake = used
            .mistake
            .clone()
            .because(&format!("{} does not exist", path.display()));
        return Err(Failure::Usage(mistake.words(shown)));
    }
    let before = files.len();
    add(&path, Scope::User, trusted, files)?;
    if let (Some(root), Some(file)) = (&used.root, files.get_mut(before)) {
        file.root = Some(
            folder
                .join(at_home(Path::new(root)))
                .to_string_lossy()
                .into_owned(),
        );
    }
    Ok(())
}

/// Decisions that another engine made.
pub(super) fn decisions(path: &Path) -> Result<Policies, Failure> {
    let text = fs::read_to_string(path)
        .map_err(|error| Failure::Usage(format!("{}: {error}", path.display())))?;
    let files = vec![file(path, text, Scope::User, true)];
    let engine = (decisions::KIND.read)(&files)
        .map_err(|broken| explain(&files, &Refusal::Broken(broken)))?;
    let set = Set::of(engine);
    Ok(Policies { files, set })
}

/// Policies for a screen: those that are named, or what is in force on this machine for the hosts of a trace.
pub(in crate::cli) fn for_screen(named: &[PathBuf], hosts: &[&str]) -> Result<Policies, String> {
    if !named.is_empty() {
        return read(named, false).map_err(|failure| failure.to_string());
    }
    let mut files = Vec::new();
    for program in hosts.iter().filter_map(|host| InForce::of_host(host)) {
        // A program without a policy leaves those of the others.
        let before = files.len();
        match program.read(false, &mut files) {
            Ok(()) => {}
            Err(_) if files.len() == before && !program.has_any() => {}
            Err(failure) => return Err(failure.to_string()),
        }
    }
    if files.is_empty() {
        let programs = match hosts {
            [] => "the program of this trace".to_owned(),
            hosts => hosts.join(", "),
        };
        return Err(format!(
            "no policy of {programs} is in force on this machine"
        ));
    }
    let set = Set::read(&files).map_err(|refusal| explain(&files, &refusal).to_string())?;
    Ok(Policies { files, set })
}

/// A policy that comes with the program.
pub(in crate::cli) fn bundled(path: &str, text: &str) -> Result<Policies, String> {
    let files = vec![File {
        path: path.to_owned(),
        text: text.to_owned(),
        root: None,
        in_force: true,
        scope: Scope::User,
    }];
    let set = Set::read(&files).map_err(|refusal| explain(&files, &refusal).to_string())?;
    Ok(Policies { files, set })
}

/// Files of policies directly in a folder, by name.
fn in_folder(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let is_policy = |path: &PathBuf| {
        let extension = path.extension().and_then(|it| it.to_str());
        matches!(extension, Some("toml" | "rules")) && path.is_file()
    };
    let mut found: Vec<PathBuf> = entries.map(|it| it.path()).filter(is_policy).collect();
    found.sort();
    found
}

/// A settings file in `.claude` belongs to the project around it, unless that is the home folder.
fn file(path: &Path, text: String, scope: Scope, trusted: bool) -> File {
    let whole = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let folder = whole.parent().unwrap_or(Path::new("/"));
    let project = folder
        .parent()
        .filter(|_| folder.file_name().is_some_and(|it| it == ".claude"));
    let project = project.filter(|it| home().is_none_or(|home| *it != home));
    let is_project = project.is_some() || scope == Scope::Project;
    File {
        path: path.to_string_lossy().into_owned(),
        text,
        root: Some(project.unwrap_or(folder).to_string_lossy().into_owned()),
        in_force: trusted || !is_project,
        scope: if is_project { Scope::Project } else { scope },
    }
}

fn home() -> Option<PathBuf> {
    let home = env::var_os("HOME").map(PathBuf::from)?;
    Some(fs::canonicalize(&home).unwrap_or(home))
}

/// A fact that traces do not record: the home folder of the user.
pub(in crate::cli) fn place() -> Place {
    Place {
        home: home().map(|it| it.to_string_lossy().into_owned()),
        cwd: None,
        mode: None,
    }
}

/// A program whose own policies are meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum InForce {
    Claude,
    Codex,
    Gemini,
    OpenCode,
}

impl InForce {
    fn named(path: &Path) -> Option<InForce> {
        match path.to_str()? {
            "claude:" => Some(InForce::Claude),
            "codex:" => Some(InForce::Codex),
            "gemini:" => Some(InForce::Gemini),
            "opencode:" => Some(InForce::OpenCode),
            _ => None,
        }
    }

    /// By the format of its runs.
    fn of_host(host: &str) -> Option<InForce> {
        match host {
            "claude-code" | "claude-stream" => Some(InForce::Claude),
            "codex" | "codex-exec" => Some(InForce::Codex),
            "gemini" => Some(InForce::Gemini),
            "opencode" => Some(InForce::OpenCode),
            _ => None,
        }
    }

    fn has_any(self) -> bool {
        self.places()
            .iter()
            .any(|(path, _)| path.is_file() || !in_folder(path).is_empty())
    }

    /// Where its policies are, weakest first.
    fn places(self) -> Vec<(PathBuf, Scope)> {
        let folder = |variable: &str, usual: &str| {
            let set = env::var_os(variable)
                .filter(|it| !it.is_empty())
                .map(PathBuf::from);
            set.or_else(|| Some(home()?.join(usual)))
                .unwrap_or_default()
        };
        let here = PathBuf::from(".");
        match self {
            InForce::Claude => {
                let user = folder("CLAUDE_CONFIG_DIR", ".claude");
                let project = here.join(".claude");
                vec![
                    (
                        PathBuf::from("/etc/claude-code/managed-settings.json"),
                        Scope::Admin,
                    ),
                    (user.join("settings.json"), Scope::User),
                    (project.join("settings.json"), Scope::Project),
                    (project.join("settings.local.json"), Scope::Project),
                ]
            }
            InForce::Codex => vec![
                (folder("CODEX_HOME", ".codex").join("rules"), Scope::User),
                (here.join(".codex/rules"), Scope::Project),
            ],
            InForce::Gemini => vec![
                (
                    folder("GEMINI_CLI_HOME", "").join(".gemini/policies"),
                    Scope::User,
                ),
                (here.join(".gemini/policies"), Scope::Project),
                (PathBuf::from("/etc/gemini-cli/policies"), Scope::Admin),
            ],
            InForce::OpenCode => vec![
                (
                    folder("XDG_CONFIG_HOME", ".config").join("opencode/opencode.json"),
                    Scope::User,
                ),
                (here.join("opencode.json"), Scope::Project),
            ],
        }
    }

    fn read(self, trusted: bool, files: &mut Vec<File>) -> Result<(), Failure> {
        let before = files.len();
        let places = self.places();
        for (path, scope) in &places {
            let is_filled = path.is_file() || !in_folder(path).is_empty();
            if is_filled {
                add(path, *scope, trusted, files)?;
            }
        }
        if files.len() > before {
            return Ok(());
        }
        let looked: Vec<String> = places
            .iter()
            .map(|(path, _)| path.display().to_string())
            .collect();
        let what = format!(
            "no policy is in force here (looked at {})",
            looked.join(", ")
        );
        Err(Failure::Usage(what))
    }
}

/// The kind of a file before it is read.
fn kind(file: &File) -> &'static str {
    kind_of(&file.path, &file.text).map_or("", |kind| kind.name)
}
