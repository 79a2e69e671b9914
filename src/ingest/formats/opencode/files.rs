//! Where OpenCode stores a session, and how its files become lines.
//!
//! ```text
//! storage/session/PROJECT/SESSION.json    a session                  a line
//! storage/message/SESSION/MESSAGE.json    its messages, in order     a line each, {info, parts}
//! storage/part/MESSAGE/PART.json          their parts, in order
//! ```
//!
//! File names are ids and sort by time. If they are not ids, the ids inside the files are used, which are
//! read only then. Source: `packages/opencode/src/storage/storage.ts` of sst/opencode, before 1.2.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::path::{Component, Path, PathBuf};

use serde_json::Value;

use super::OpenCode;
use crate::ingest::format::Format;
use crate::ingest::formats::content::string;
use crate::ingest::json;
use crate::ingest::open::open_without_waiting;
use crate::ingest::packed::scattered::{Scattered, documents, is_document};
use crate::ingest::relations::{ReadTies, Relations, Tie};

/// The folders beside the folder of sessions.
const ASIDE: &[&str] = &[
    "message",
    "part",
    "project",
    "session_diff",
    "session_share",
    "todo",
    "permission",
];

/// More of a file than is ever needed to find out which session it belongs to.
const LARGEST: u64 = 16 << 20;

/// The kind of file that a path names, with the `storage` folder.
enum StoredAs {
    Session(PathBuf),
    Message(PathBuf),
    Part,
}

/// The kind follows from the folders above the path; the sibling folders must exist.
fn kept(path: &Path) -> Option<StoredAs> {
    if !is_document(path) {
        return None;
    }
    // A path relative to the inside of the storage does not show where it is.
    let whole = std::path::absolute(path).ok()?;
    let above = whole.parent()?;
    let storage = |folder: &Path, name: &str, beside: &str| {
        folder.file_name() == Some(OsStr::new(name)) && folder.with_file_name(beside).is_dir()
    };
    if storage(above, "part", "message") {
        return Some(StoredAs::Part);
    }
    let kind = above.parent()?;
    let top = path.ancestors().nth(3).or_else(|| kind.parent())?;
    if storage(kind, "session", "message") {
        Some(StoredAs::Session(top.to_owned()))
    } else if storage(kind, "message", "part") {
        Some(StoredAs::Message(top.to_owned()))
    } else if storage(kind, "part", "message") {
        Some(StoredAs::Part)
    } else {
        None
    }
}

pub(super) fn is_aside(folder: &Path) -> bool {
    let name = folder.file_name().and_then(OsStr::to_str);
    name.is_some_and(|name| ASIDE.contains(&name))
        && ["session", "message"]
            .iter()
            .all(|beside| folder.with_file_name(beside).is_dir())
}

/// A session with its messages, a message with its parts, or a part.
pub(super) fn gather(path: &Path) -> Option<Scattered> {
    let mut files = Scattered::new(OpenCode.name());
    match kept(path)? {
        StoredAs::Session(storage) => {
            files.push(path, b"");
            let messages = folder(&storage.join("message"), path);
            let messages = messages
                .map(|folder| documents(&folder))
                .unwrap_or_default();
            gather_messages(&mut files, &storage, &messages, b"\n{\"info\":");
        }
        StoredAs::Message(storage) => {
            gather_messages(&mut files, &storage, &[path.to_owned()], b"{\"info\":");
        }
        StoredAs::Part => {
            files.push(path, b"");
            files.close(b"\n");
        }
    }
    Some(files)
}

fn gather_messages(
    files: &mut Scattered,
    storage: &Path,
    messages: &[PathBuf],
    first: &'static [u8],
) {
    let parts = storage.join("part");
    let folders: Vec<Option<PathBuf>> = messages
        .iter()
        .map(|message| folder(&parts, message))
        .collect();
    // Scanning a folder of possibly very many files is worthwhile only for messages without a folder of
    // parts.
    let flat = if !messages.is_empty() && folders.iter().all(Option::is_none) {
        Flat::read(&parts)
    } else {
        Flat::default()
    };
    let mut before = first;
    let mut end: &[u8] = b"\n";
    for (message, folder) in messages.iter().zip(folders) {
        if !files.push(message, before) {
            continue;
        }
        (before, end) = (b",\"parts\":[]}\n{\"info\":", b",\"parts\":[]}\n");
        let parts = folder.map_or_else(|| flat.of(message), |folder| documents(&folder));
        let mut between: &[u8] = b",\"parts\":[";
        for part in parts {
            if files.push(&part, between) {
                (before, end) = (b"]}\n{\"info\":", b"]}\n");
                between = b",";
            }
        }
    }
    files.close(end);
}

/// The folder below `all` that belongs to a file: named like it, or like the id in it.
fn folder(all: &Path, owner: &Path) -> Option<PathBuf> {
    let named = all.join(owner.file_stem()?);
    if named.is_dir() {
        return Some(named);
    }
    let id = string(&read(owner)?, "id")?;
    // An id is arbitrary and may be a path to somewhere else.
    let mut components = Path::new(&id).components();
    let is_name = matches!(components.next(), Some(Component::Normal(_)));
    let known = all.join(&id);
    (is_name && components.next().is_none() && known.is_dir()).then_some(known)
}

/// Parts beside the folders of parts: only their contents show which message they belong to.
#[derive(Default)]
struct Flat {
    by_message: HashMap<String, Vec<PathBuf>>,
}

impl Flat {
    fn read(folder: &Path) -> Flat {
        let mut by_message: HashMap<String, Vec<PathBuf>> = HashMap::new();
        for path in documents(folder) {
            if let Some(message) = read(&path).and_then(|part| string(&part, "messageID")) {
                by_message.entry(message).or_default().push(path);
            }
        }
        Flat { by_message }
    }

    fn of(&self, message: &Path) -> Vec<PathBuf> {
        if self.by_message.is_empty() {
            return Vec::new();
        }
        let id = read(message).and_then(|message| string(&message, "id"));
        let parts = id.and_then(|id| self.by_message.get(&id));
        parts.cloned().unwrap_or_default()
    }
}

/// A small file as JSON; none if it is large, not JSON, or not a regular file.
fn read(path: &Path) -> Option<Value> {
    use std::io::Read as _;
    let file = open_without_waiting(path).ok()?;
    let metadata = file.metadata().ok()?;
    if !metadata.is_file() || metadata.len() > LARGEST {
        return None;
    }
    let mut text = Vec::new();
    file.take(LARGEST).read_to_end(&mut text).ok()?;
    json::value(&text)
}

const TIES: ReadTies = ReadTies {
    format: "opencode",
    read: ties,
};

/// Which sessions of a project were started by which.
fn ties(folder: &Path) -> Vec<Tie> {
    let sessions = documents(folder).into_iter();
    let ties = sessions.filter_map(|path| {
        let session = read(&path)?;
        Some(Tie {
            name: path.file_name()?.to_owned(),
            id: string(&session, "id")?,
            parent: string(&session, "parentID"),
        })
    });
    ties.collect()
}

fn is_session(path: &Path) -> bool {
    matches!(kept(path), Some(StoredAs::Session(_)))
}

/// The sessions that a session started, directly or indirectly.
pub(super) fn companions(path: &Path, relations: &mut Relations) -> Vec<PathBuf> {
    if is_session(path) {
        relations.descendants(path, TIES)
    } else {
        Vec::new()
    }
}

/// Whether a session was started by another one that exists.
pub(super) fn is_part(path: &Path, relations: &mut Relations) -> bool {
    is_session(path) && relations.has_parent(path, TIES)
}
