//! Finding the runs that agents stored on this machine, in the folders of each format, without reading them.

pub mod cleanup;

use std::collections::HashSet;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::Value;

use crate::ingest::bytes::Bytes;
use crate::ingest::discover::open_file;
use crate::ingest::error::Error;
use crate::ingest::fact::{Decoded, FactKind};
use crate::ingest::formats::{FORMATS, Format, by_name};
use crate::ingest::json;
use crate::ingest::packed::sqlite;
use crate::ingest::records::lines::{Block, ReadBuffers};
use crate::ingest::relations::Relations;
use crate::model::action::Flags;
use crate::model::quantity::Time;

/// A file that an agent wrote.
#[derive(Debug, Clone)]
pub struct Recent {
    pub path: PathBuf,
    pub format: &'static dyn Format,
    /// The time of the last write.
    pub modified: Time,
    /// 0 for a session in a store: it has no size of its own.
    pub size: u64,
}

/// How many bytes of a file are searched for the first words of the user.
const HEAD: u64 = 128 << 10;

/// Where agents keep their files: below the home folder, or where the variables of the agents say.
#[derive(Debug, Clone)]
pub struct Homes {
    home: PathBuf,
    /// The first part of a folder, and the folder that stands for it.
    moved: Vec<(&'static str, PathBuf)>,
}

/// Environment variables that move the folders of agents, and the folders they replace.
const VARIABLES: &[(&str, &str)] = &[
    ("CLAUDE_CONFIG_DIR", ".claude"),
    ("CODEX_HOME", ".codex"),
    ("XDG_DATA_HOME", ".local/share"),
    ("XDG_STATE_HOME", ".local/state"),
];

impl Homes {
    /// The folders below `home`, whatever the environment says.
    pub fn below(home: &Path) -> Homes {
        Homes {
            home: home.to_owned(),
            moved: Vec::new(),
        }
    }

    /// The folders of this user, with what `variable` returns for the name of a variable.
    pub fn of(home: &Path, variable: impl Fn(&str) -> Option<OsString>) -> Homes {
        let set = |name: &str| variable(name).filter(|value| !value.is_empty());
        let moved = VARIABLES
            .iter()
            .filter_map(|(name, stands_for)| Some((*stands_for, PathBuf::from(set(name)?))));
        // Gemini CLI puts its own folder into the one that it is given.
        let gemini =
            set("GEMINI_CLI_HOME").map(|home| (".gemini", Path::new(&home).join(".gemini")));
        Homes {
            home: home.to_owned(),
            moved: moved.chain(gemini).collect(),
        }
    }

    /// The home folder, which paths are shown without.
    pub fn home(&self) -> &Path {
        &self.home
    }

    fn folder(&self, folder: &str) -> PathBuf {
        let moved = self.moved.iter().find_map(|(from, to)| {
            let rest = Path::new(folder).strip_prefix(from).ok()?;
            Some(to.join(rest))
        });
        moved.unwrap_or_else(|| self.home.join(folder))
    }
}

/// The folders in which the agents of a format store their runs.
pub fn folders_of(format: &dyn Format, homes: &Homes) -> Vec<PathBuf> {
    let folders = format.folders().iter();
    folders.map(|folder| homes.folder(folder)).collect()
}

/// The folders in which agents store their runs.
pub fn folders(homes: &Homes) -> Vec<PathBuf> {
    let folders = FORMATS.iter().flat_map(|format| format.folders());
    folders.map(|folder| homes.folder(folder)).collect()
}

/// All runs in those folders, newest first. Reads only names, times and sizes.
pub fn find(homes: &Homes) -> Vec<Recent> {
    let mut found = Vec::new();
    let mut relations = Relations::default();
    for &format in FORMATS {
        for folder in format.folders() {
            let walker = ignore::WalkBuilder::new(homes.folder(folder))
                .standard_filters(false)
                .build();
            let files = walker.filter_map(Result::ok);
            found.extend(files.filter_map(|entry| recent(&entry, format, &mut relations)));
        }
    }
    add_stored(homes, &mut found);
    found.sort_by(|a, b| (b.modified, &a.path).cmp(&(a.modified, &b.path)));
    found
}

/// The databases in which agents keep sessions, as far as they exist.
pub fn stores(homes: &Homes) -> Vec<PathBuf> {
    let places = sqlite::tables::all().flat_map(|schema| schema.places);
    let mut found: Vec<PathBuf> = places
        .flat_map(|place| matching(&homes.folder(place)))
        .collect();
    found.extend(in_projects(homes));
    found.sort_unstable();
    found.dedup();
    found
}

/// Crush keeps a store in each project, and a list of the projects.
fn in_projects(homes: &Homes) -> Vec<PathBuf> {
    let list = homes.folder(".local/share/crush/projects.json");
    let text = Bytes::open(&list).and_then(|bytes| {
        let read = bytes.slice(0, HEAD as usize * 8);
        read.map_err(|source| Error::Read {
            path: list.to_string_lossy().into_owned(),
            source,
        })
    });
    let settings = text.ok().and_then(|text| json::value(&text));
    let projects = settings
        .as_ref()
        .map(|settings| settings.get("projects").unwrap_or(settings));
    let projects = projects.and_then(Value::as_array).into_iter().flatten();
    let store = |project: &Value| {
        let path = Path::new(project.get("path")?.as_str()?);
        let data = project.get("data_dir").and_then(Value::as_str);
        Some(path.join(data.unwrap_or(".crush")).join("crush.db"))
    };
    projects
        .filter_map(store)
        .filter(|it| it.is_file())
        .collect()
}

/// The files that match a pattern in which `*` stands for a part of one name.
fn matching(pattern: &Path) -> Vec<PathBuf> {
    let mut found = vec![PathBuf::new()];
    for part in pattern.components() {
        let name = part.as_os_str().to_string_lossy();
        let Some((begin, end)) = name.split_once('*') else {
            for path in &mut found {
                path.push(part);
            }
            continue;
        };
        let fits = |path: &PathBuf| {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            name.len() >= begin.len() + end.len() && name.starts_with(begin) && name.ends_with(end)
        };
        let entries = |folder: PathBuf| std::fs::read_dir(folder).into_iter().flatten();
        let inside = found.into_iter().flat_map(entries).filter_map(Result::ok);
        found = inside.map(|entry| entry.path()).filter(fits).collect();
    }
    found.retain(|path| path.is_file());
    found
}

/// Adds the sessions of stores. One that is also kept as files is listed once, by its store.
fn add_stored(homes: &Homes, found: &mut Vec<Recent>) {
    for store in stores(homes) {
        let sessions = sqlite::sessions(&store).unwrap_or_default();
        let ids: HashSet<&str> = sessions.iter().map(|session| session.id.as_str()).collect();
        found.retain(|known| {
            let stem = known.path.file_stem().unwrap_or_default().to_string_lossy();
            !ids.contains(&*stem) || known.size == 0
        });
        let own = |session: &&sqlite::Session| {
            session
                .parent
                .as_deref()
                .is_none_or(|parent| !ids.contains(parent))
        };
        let recents = sessions.iter().filter(own).filter_map(|session| {
            Some(Recent {
                path: session.path.clone(),
                format: by_name(session.schema.format)?,
                modified: session.changed,
                size: 0,
            })
        });
        found.extend(recents);
    }
}

fn recent(
    entry: &ignore::DirEntry,
    format: &'static dyn Format,
    relations: &mut Relations,
) -> Option<Recent> {
    let path = entry.path();
    let is_run = entry.file_type()?.is_file()
        && path
            .extension()
            .is_some_and(|ending| ending == format.ending())
        && !format.is_part(path, relations);
    let metadata = entry.metadata().ok().filter(|_| is_run)?;
    Some(Recent {
        path: path.to_owned(),
        format,
        modified: metadata.modified().map_or(Time::NONE, time),
        size: metadata.len(),
    })
}

pub(crate) fn time(time: SystemTime) -> Time {
    let since = time.duration_since(UNIX_EPOCH);
    since.map_or(Time::NONE, |since| Time(since.as_micros() as i64))
}

/// The first line of the user's first prompt, if it is in the head of the file; else empty.
pub fn first_words(recent: &Recent) -> String {
    let Ok(bytes) = open_file(&recent.path) else {
        return String::new();
    };
    let end = bytes.len().unwrap_or(0).min(HEAD);
    let block = Block {
        start: 0,
        end,
        source_end: end,
    };
    let decoded = ReadBuffers::default().read(&bytes, recent.format, block, Decoded::default());
    let decoded = decoded.unwrap_or_default();
    let prompts = decoded
        .facts
        .iter()
        .filter(|fact| fact.kind == FactKind::Prompt && !fact.flags.has(Flags::META));
    let words = prompts.filter_map(|fact| {
        let at = decoded.base + u64::from(fact.start);
        let record = bytes.slice(at, fact.len as usize).ok()?;
        let body = recent.format.open(&json::value(&record)?, fact.part);
        let text = body.text?;
        let line = text.lines().find(|line| !line.trim().is_empty())?;
        // Text that harnesses put before the user's own words is in tags.
        (!line.trim_start().starts_with('<')).then(|| line.trim().to_owned())
    });
    words.take(1).collect()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::{Homes, find, first_words, folders};

    #[test]
    fn finds_runs_where_agents_store_them_and_their_first_words() {
        let home = tempfile::tempdir().expect("a temporary folder");
        let samples = std::path::Path::new("sample-traces");
        let session = "5b0c2d7e-91f4-4c3a-8e6d-2f7a1b9c0d34";
        let project = home.path().join(".claude/projects/-work-shop");
        let subagents = project.join(session).join("subagents");
        fs::create_dir_all(&subagents).expect("a folder");
        let copy = |from: &str, to: std::path::PathBuf| {
            fs::copy(samples.join(from), to).expect("copied");
        };
        copy(
            &format!("claude-code/{session}.jsonl"),
            project.join("session.jsonl"),
        );
        copy(
            &format!("claude-code/{session}/subagents/agent-a71c09be3f2d4e586.jsonl"),
            subagents.join("agent-a71c09be3f2d4e586.jsonl"),
        );
        let day = home.path().join(".codex/sessions/2026/11/17");
        fs::create_dir_all(&day).expect("a folder");
        copy(
            "codex/rollout-2026-11-17T18-40-03-019a9d3e-5c41-7b02-9f6e-3d2c8a417e55.jsonl",
            day.join("rollout.jsonl"),
        );
        let found = find(&Homes::below(home.path()));
        let names: Vec<_> = found.iter().map(|recent| recent.format.name()).collect();
        assert_eq!(names.len(), 2, "{found:?}");
        assert!(names.contains(&"claude-code") && names.contains(&"codex"));
        assert!(found.iter().all(|recent| !first_words(recent).is_empty()));
        assert!(find(&Homes::below(&home.path().join("missing"))).is_empty());
    }
    #[test]
    fn sessions_in_stores_are_found_and_those_kept_as_files_too_only_once() {
        let home = tempfile::tempdir().expect("a temporary folder");
        let samples = std::path::Path::new("sample-traces");
        let opencode = home.path().join(".local/share/opencode");
        let session = opencode.join("storage/session/prj");
        let project = home.path().join("project/.crush");
        let crush = home.path().join(".local/share/crush");
        for folder in [
            &session,
            &project,
            &crush,
            &opencode.join("storage/message"),
        ] {
            fs::create_dir_all(folder).expect("a folder");
        }
        fs::copy(
            samples.join("opencode/labels.db"),
            opencode.join("opencode.db"),
        )
        .expect("copied");
        fs::copy(samples.join("crush/crush.db"), project.join("crush.db")).expect("copied");
        fs::write(session.join("ses_labels.json"), "{}").expect("written");
        let list = format!(
            r#"{{"projects":[{{"path":{:?}}}]}}"#,
            home.path().join("project")
        );
        fs::write(crush.join("projects.json"), list).expect("written");
        let found = find(&Homes::below(home.path()));
        let names: Vec<String> = found
            .iter()
            .map(|recent| {
                recent
                    .path
                    .file_name()
                    .unwrap_or_default()
                    .to_string_lossy()
                    .into_owned()
            })
            .collect();
        assert_eq!(names, ["7d0b", "ses_labels"]);
        assert!(found.iter().all(|recent| !first_words(recent).is_empty()));
    }

    #[test]
    fn the_variables_of_agents_move_their_folders() {
        let set = |name: &str| match name {
            "CLAUDE_CONFIG_DIR" => Some("/c".into()),
            "CODEX_HOME" => Some("/x".into()),
            "XDG_DATA_HOME" => Some("/d".into()),
            "GEMINI_CLI_HOME" => Some("/g".into()),
            _ => None,
        };
        let homes = Homes::of(std::path::Path::new("/home/u"), set);
        let found: Vec<String> = folders(&homes)
            .iter()
            .map(|folder| folder.to_string_lossy().into_owned())
            .collect();
        for folder in [
            "/c/projects",
            "/x/sessions",
            "/x/archived_sessions",
            "/d/opencode/storage/session",
            "/g/.gemini/tmp",
            "/home/u/.qwen/projects",
        ] {
            assert!(found.iter().any(|it| it == folder), "{folder}: {found:?}");
        }
        let unset = Homes::of(std::path::Path::new("/home/u"), |_| Some("".into()));
        assert_eq!(folders(&unset), folders(&Homes::below("/home/u".as_ref())));
    }
}
