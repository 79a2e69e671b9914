//! From the paths that a user names to the list of inputs to open.

use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::ingest::bytes::Bytes;
use crate::ingest::convert;
use crate::ingest::error::Error;
use crate::ingest::formats::{FORMATS, cline, harbor, sniff, specstory, vibe};
use crate::ingest::packed::scattered::Scattered;
use crate::ingest::packed::sqlite;
use crate::ingest::recent;
use crate::ingest::relations::Relations;
use crate::model::quantity::Time;

/// Something to open.
#[derive(Debug, Clone)]
pub enum Input {
    File(PathBuf),
    Stdin,
    /// A sample that is built into the program.
    Bundled {
        name: &'static str,
        bytes: &'static [u8],
        /// Files that would be beside it.
        companions: &'static [(&'static str, &'static [u8])],
    },
}

impl Input {
    /// Its path, if it is a file.
    pub fn path(&self) -> Option<PathBuf> {
        match self {
            Input::File(path) => Some(path.clone()),
            Input::Stdin | Input::Bundled { .. } => None,
        }
    }

    /// The number of bytes to read, as far as that is known before opening.
    pub fn size(&self) -> u64 {
        match self {
            Input::File(path) => path.metadata().map_or(0, |metadata| metadata.len()),
            Input::Stdin => 0,
            Input::Bundled { bytes, .. } => bytes.len() as u64,
        }
    }
}

/// Which files of a folder are opened. A file that is named itself is opened in any case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shown {
    /// What some format claims, and what cannot be judged.
    Traces,
    /// Other JSON files too.
    AllJson,
}

/// What paths stand for.
#[derive(Debug, Default)]
pub struct Resolved {
    pub inputs: Vec<Input>,
    pub errors: Vec<Error>,
    /// How many JSON files of folders are not shown, because no format claims them.
    pub left_out: usize,
    /// Folders inside the given ones that cannot be read.
    pub unreadable: Vec<PathBuf>,
}

impl Resolved {
    /// What a user should know about folders that were opened.
    pub fn notes(&self) -> Vec<String> {
        let unreadable = self.unreadable.iter();
        let mut notes: Vec<String> = unreadable
            .map(|path| {
                format!(
                    "{} cannot be read: its traces are not shown",
                    path.display()
                )
            })
            .collect();
        if self.left_out > 0 {
            let files = if self.left_out == 1 { "file" } else { "files" };
            let count = self.left_out;
            notes.push(format!("{count} other JSON {files} not shown · --all-json"));
        }
        notes
    }
}

/// The state that `pull` keeps beside the traces that it writes.
const PULLED: &str = ".saferun-pull.json";

/// Expands files, folders (walked, sorted), globs and `-`, in the order given and without duplicates.
pub fn resolve(paths: &[PathBuf], shown: Shown) -> Resolved {
    let mut resolved = Resolved::default();
    let mut seen = std::collections::HashSet::new();
    for path in paths {
        if path.as_os_str() == "-" {
            resolved.inputs.push(Input::Stdin);
            continue;
        }
        match expand(path, shown) {
            Ok(found) => {
                let new = found.files.into_iter().filter(|file| {
                    seen.insert(file.canonicalize().unwrap_or_else(|_| file.clone()))
                });
                resolved.inputs.extend(new.map(Input::File));
                resolved.left_out += found.left_out;
                resolved.unreadable.extend(found.unreadable);
            }
            Err(error) => resolved.errors.push(error),
        }
    }
    drop_copies(&mut resolved.inputs);
    resolved
}

/// Drops SpecStory histories whose sessions are opened too: their contents would count twice.
fn drop_copies(inputs: &mut Vec<Input>) {
    let stem = |input: &Input| Some(input.path()?.file_stem()?.to_string_lossy().into_owned());
    let open: std::collections::HashSet<String> = inputs.iter().filter_map(stem).collect();
    let is_copy = |path: &Path| {
        let is_markdown = path.extension().is_some_and(|ending| ending == "md");
        let head = is_markdown
            .then(|| Bytes::open(path).ok()?.slice(0, 4096).ok())
            .flatten();
        let head = head
            .filter(|head| specstory::is_one(head))
            .unwrap_or_default();
        let head = String::from_utf8_lossy(&head);
        specstory::session(&head).is_some_and(|(_, id)| open.contains(id))
    };
    inputs.retain(|input| !input.path().is_some_and(|path| is_copy(&path)));
}

/// Whether a file was written after `time`; true if either is not known.
pub fn is_newer(file: &Path, time: Time) -> bool {
    let Some(time) = time.get() else { return true };
    if let Some(changed) = sqlite::changed(file) {
        return changed.get().is_none_or(|changed| changed > time);
    }
    let written = file.metadata().and_then(|it| it.modified());
    let written = written.ok().and_then(|it| recent::time(it).get());
    written.is_none_or(|written| written > time)
}

/// Expands `~` to the home folder, for paths that no shell has expanded.
pub fn at_home(path: &Path) -> PathBuf {
    let home = std::env::var_os("HOME").map(PathBuf::from);
    match (path.strip_prefix("~"), home) {
        (Ok(rest), Some(home)) => home.join(rest),
        (_, _) => path.to_owned(),
    }
}

/// The inputs of a path, provided that the first of its files is a trace. Expands `~`.
pub fn traces(path: &Path) -> Result<Resolved, Error> {
    let found = expand(&at_home(path), Shown::Traces)?;
    if let Some(first) = found.files.first() {
        sniff::identify(first, &open_file(first)?, None, false)?;
    }
    let mut inputs = found.files.into_iter().map(Input::File).collect();
    drop_copies(&mut inputs);
    Ok(Resolved {
        inputs,
        left_out: found.left_out,
        unreadable: found.unreadable,
        errors: Vec::new(),
    })
}

/// Whether there are files that do not belong to the run of the first one.
pub fn are_several(inputs: &[Input]) -> bool {
    let Some((Input::File(first), others)) = inputs.split_first() else {
        return inputs.len() > 1;
    };
    let mut relations = Relations::default();
    let companions: Vec<_> = FORMATS
        .iter()
        .flat_map(|format| format.companions(first, &mut relations))
        .collect();
    let is_companion =
        |input: &Input| matches!(input, Input::File(path) if companions.contains(path));
    !others.iter().all(is_companion)
}

/// The files of one argument, and what a walk came across.
#[derive(Debug, Default)]
struct Expanded {
    files: Vec<PathBuf>,
    left_out: usize,
    unreadable: Vec<PathBuf>,
}

/// The files of one argument. A name that exists is never treated as a pattern.
fn expand(path: &Path, shown: Shown) -> Result<Expanded, Error> {
    match path.metadata() {
        Ok(metadata) if metadata.is_dir() => folder(path, shown),
        Ok(_) if sqlite::is_store(path) || sqlite::is_store_name(path) => store(path),
        Ok(_) => Ok(Expanded {
            files: vec![path.to_owned()],
            ..Expanded::default()
        }),
        Err(source) => {
            if sqlite::inside(path).is_some() {
                return Ok(Expanded {
                    files: vec![path.to_owned()],
                    ..Expanded::default()
                });
            }
            let text = path.to_string_lossy();
            if !text.contains(['*', '?', '[', '{']) {
                return Err(Error::Read {
                    path: text.into_owned(),
                    source,
                });
            }
            glob(&text)
        }
    }
}

/// The sessions of a database, those that changed first in front.
fn store(path: &Path) -> Result<Expanded, Error> {
    let not_a_trace = |what| Error::NotATrace {
        path: path.to_string_lossy().into_owned(),
        what,
    };
    let sessions = sqlite::sessions(path).map_err(not_a_trace)?;
    if sessions.is_empty() {
        return Err(not_a_trace("contains no session".to_owned()));
    }
    Ok(Expanded {
        files: sessions
            .iter()
            .map(|session| session.path.clone())
            .collect(),
        ..Expanded::default()
    })
}

/// The traces in a folder.
fn folder(path: &Path, shown: Shown) -> Result<Expanded, Error> {
    let mut found = walk(path, None, |file| {
        is_trace_name(file)
            || sqlite::is_store_name(file) && sqlite::is_store(file)
            || convert::is_in_folders(file)
    });
    sessions_for_stores(&mut found);
    found
        .files
        .retain(|file| !cline::is_shadowed(file) && !vibe::is_about(file));
    if shown == Shown::Traces {
        let all = found.files.len();
        found
            .files
            .retain(|file| is_trace(file) && !harbor::is_shadowed(file));
        found.left_out = all - found.files.len();
    }
    if !found.files.is_empty() {
        return Ok(found);
    }
    if let Some(why) = store_in(path) {
        return Err(why);
    }
    let what = match (found.left_out, found.unreadable.first()) {
        (0, None) => "contains no trace (.jsonl, .json, .eval, .traj)".to_owned(),
        (0, Some(folder)) => format!("{} cannot be read", folder.display()),
        (1, _) => "contains no trace, only another JSON file (--all-json shows it)".to_owned(),
        (count, _) => {
            format!("contains no trace, only {count} other JSON files (--all-json shows them)")
        }
    };
    Err(Error::NotATrace {
        path: path.to_string_lossy().into_owned(),
        what,
    })
}

/// Replaces stores by their sessions. A session that is also kept as files is listed once, by its store.
fn sessions_for_stores(found: &mut Expanded) {
    let Expanded {
        files, unreadable, ..
    } = found;
    let mut sessions = Vec::new();
    files.retain(|file| {
        let is_store = sqlite::is_store_name(file);
        if is_store {
            match sqlite::sessions(file) {
                Ok(listed) => sessions.extend(listed.iter().cloned()),
                // Databases of other programs are not traces.
                Err(what) if what.starts_with(sqlite::UNKNOWN) => {}
                Err(_) => unreadable.push(file.clone()),
            }
        }
        !is_store
    });
    files.retain(|file| {
        let is_told = |session: &sqlite::Session| {
            file.file_stem()
                .is_some_and(|stem| *stem == *session.id.as_str())
        };
        !(sessions.iter().any(is_told) && is_scattered(file))
    });
    files.extend(sessions.into_iter().map(|session| session.path));
}

/// Whether a format claims a file, or it cannot be judged: what is empty or broken is reported when it is
/// opened.
fn is_trace(path: &Path) -> bool {
    is_scattered(path)
        || sqlite::inside(path).is_some()
        || open_file(path).map_or(true, |bytes| !sniff::is_other_json(path, &bytes))
}

/// Why a folder holds no file that can be read: its runs are in a database.
fn store_in(path: &Path) -> Option<Error> {
    let mut stores = walk(path, Some(2), sqlite::is_store_name).files.into_iter();
    stores.find_map(|file| store(&file).err())
}

fn glob(pattern: &str) -> Result<Expanded, Error> {
    let no_match = || Error::NoMatch {
        pattern: pattern.to_owned(),
    };
    let matcher = globset::GlobBuilder::new(pattern)
        .literal_separator(true)
        .build()
        .map_err(|error| Error::NotATrace {
            path: pattern.to_owned(),
            what: error.kind().to_string(),
        })?
        .compile_matcher();
    // The walk begins in the folder before the first special character.
    let fixed: PathBuf = Path::new(pattern)
        .components()
        .take_while(|part| {
            !part
                .as_os_str()
                .to_string_lossy()
                .contains(['*', '?', '[', '{'])
        })
        .collect();
    let root = if fixed.as_os_str().is_empty() {
        PathBuf::from(".")
    } else {
        fixed
    };
    // Only `**` stands for folders at any depth.
    let below = Path::new(pattern).components().count();
    let deepest = (!pattern.contains("**")).then_some(below);
    let found = walk(&root, deepest, |file| {
        matcher.is_match(file.strip_prefix("./").unwrap_or(file))
    });
    if found.files.is_empty() {
        Err(no_match())
    } else {
        Ok(found)
    }
}

/// Files below a folder, sorted by the bytes of their paths, so that a transcript comes before the folder of
/// the same name. Links to folders elsewhere are not followed: they may lead to the whole machine.
fn walk(root: &Path, deepest: Option<usize>, keep: impl Fn(&Path) -> bool) -> Expanded {
    let inside = root.canonicalize().unwrap_or_else(|_| root.to_owned());
    let walker = ignore::WalkBuilder::new(root)
        .standard_filters(false)
        .follow_links(true)
        .max_depth(deepest)
        .filter_entry(move |entry| {
            entry.depth() == 0 || !is_aside(entry.path()) && !leaves(entry, &inside)
        })
        .build();
    let mut found = Expanded::default();
    for entry in walker {
        match entry {
            Ok(entry) => {
                let is_file = entry.file_type().is_some_and(|kind| kind.is_file());
                if is_file && keep(entry.path()) {
                    found.files.push(entry.into_path());
                }
            }
            Err(error) => found.unreadable.extend(denied(&error)),
        }
    }
    let files = &mut found.files;
    files.sort_by(|a, b| a.as_os_str().as_bytes().cmp(b.as_os_str().as_bytes()));
    found
}

/// Whether an entry is a link to a folder outside `root`.
fn leaves(entry: &ignore::DirEntry, root: &Path) -> bool {
    let is_folder = entry.file_type().is_some_and(|kind| kind.is_dir());
    is_folder
        && entry.path_is_symlink()
        && entry
            .path()
            .canonicalize()
            .map_or(true, |target| !target.starts_with(root))
}

/// The folder that may not be read, if that is what went wrong.
fn denied(error: &ignore::Error) -> Option<PathBuf> {
    match error {
        ignore::Error::WithPath { path, err } => {
            let kind = err.io_error().map(std::io::Error::kind);
            (kind == Some(std::io::ErrorKind::PermissionDenied)).then(|| path.clone())
        }
        ignore::Error::WithDepth { err, .. } => denied(err),
        _ => None,
    }
}

/// Whether the files of a folder, which may be very many, are only read along with files elsewhere.
fn is_aside(path: &Path) -> bool {
    FORMATS.iter().any(|format| format.is_aside(path))
}

/// Whether a file in a folder may be a trace, by its name. Its format is detected from its content.
fn is_trace_name(path: &Path) -> bool {
    let name = path
        .file_name()
        .map(|name| name.to_string_lossy().to_lowercase())
        .unwrap_or_default();
    if name == PULLED {
        return false;
    }
    let packed = [".gz", ".zst"]
        .iter()
        .find_map(|end| name.strip_suffix(end));
    let name = packed.unwrap_or(&name);
    let ending = Path::new(name)
        .extension()
        .map(|ending| ending.to_string_lossy().to_lowercase());
    matches!(
        ending.as_deref(),
        Some("jsonl" | "json" | "ndjson" | "eval" | "traj")
    ) && !name.contains(".meta.")
}

/// Opens a file for reading. If it is the first file of a run that is stored in many, all of them are
/// gathered. Never blocks: pipes and devices are refused.
pub fn open_file(path: &Path) -> Result<Bytes, Error> {
    if let Some((store, id)) = sqlite::inside(path) {
        let opened = sqlite::open(store, &id).map_err(|what| Error::NotATrace {
            path: path.to_string_lossy().into_owned(),
            what,
        })?;
        return Ok(Bytes::Stored(Arc::new(opened)));
    }
    if let Some(files) = gather(path) {
        return Ok(Bytes::Scattered(Arc::new(files)));
    }
    let bytes = Bytes::open(path)?;
    Ok(match convert::convert(path, &bytes) {
        Some(converted) => Bytes::Converted(Arc::new(converted)),
        None => bytes,
    })
}

/// Whether a path can be opened: a file, or a session in a store.
pub fn exists(path: &Path) -> bool {
    path.exists() || sqlite::inside(path).is_some()
}

/// The files of a run that is stored in many files, if this is the first of them.
fn gather(path: &Path) -> Option<Scattered> {
    FORMATS.iter().find_map(|format| format.gather(path))
}

/// Whether a path is that of a run stored in many files.
pub fn is_scattered(path: &Path) -> bool {
    gather(path).is_some()
}
