//! Where OpenCode keeps a session, and how its files make lines.
//!
//! ```text
//! storage/session/PROJECT/SESSION.json    a session                  a line
//! storage/message/SESSION/MESSAGE.json    its messages, in order     a line each, {info, parts}
//! storage/part/MESSAGE/PART.json          their parts, in order
//! ```
//!
//! Names are ids and sort by time. Where they are not, the ids inside of the files count: they are read
//! only then. Source: `packages/opencode/src/storage/storage.ts` of sst/opencode, before 1.2.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::path::{Component, Path, PathBuf};

use serde_json::Value;

use super::OpenCode;
use crate::ingest::bytes::file::open_without_waiting;
use crate::ingest::formats::messages::string;
use crate::ingest::json;
use crate::ingest::kin::{Kin, ReadTies, Tie};
use crate::ingest::packed::scattered::{Scattered, documents, is_document};

/// What stands beside the folder of sessions.
const ASIDE: &[&str] = &[
    "message",
    "part",
    "project",
    "session_diff",
    "session_share",
    "todo",
    "permission",
];

/// More of a file than any of them needs to say whose it is.
const LARGEST: u64 = 16 << 20;

/// Which kind of file a path names, with the folder `storage`.
enum Kept {
    Session(PathBuf),
    Message(PathBuf),
    Part,
}

/// A path is known by the folders above it; that those beside them are there must be seen.
fn kept(path: &Path) -> Option<Kept> {
    if !is_document(path) {
        return None;
    }
    // Named from inside of the storage, a path does not say where it is.
    let whole = std::path::absolute(path).ok()?;
    let above = whole.parent()?;
    let storage = |folder: &Path, name: &str, beside: &str| {
        folder.file_name() == Some(OsStr::new(name)) && folder.with_file_name(beside).is_dir()
    };
    if storage(above, "part", "message") {
        return Some(Kept::Part);
    }
    let kind = above.parent()?;
    let top = path.ancestors().nth(3).or_else(|| kind.parent())?;
    if storage(kind, "session", "message") {
        Some(Kept::Session(top.to_owned()))
    } else if storage(kind, "message", "part") {
        Some(Kept::Message(top.to_owned()))
    } else if storage(kind, "part", "message") {
        Some(Kept::Part)
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
    let mut files = Scattered::new(&OpenCode);
    match kept(path)? {
        Kept::Session(storage) => {
            files.push(path, b"");
            let messages = folder(&storage.join("message"), path);
            let messages = messages
                .map(|folder| documents(&folder))
                .unwrap_or_default();
            gather_messages(&mut files, &storage, &messages, b"\n{\"info\":");
        }
        Kept::Message(storage) => {
            gather_messages(&mut files, &storage, &[path.to_owned()], b"{\"info\":");
        }
        Kept::Part => {
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
    // To look through a folder that may hold very many others is only for those who have nothing there.
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

/// The folder below `all` of what belongs to a file: named like it, or by the id in it.
fn folder(all: &Path, owner: &Path) -> Option<PathBuf> {
    let named = all.join(owner.file_stem()?);
    if named.is_dir() {
        return Some(named);
    }
    let id = string(&read(owner)?, "id")?;
    // An id may be anything, and a path out of here too.
    let mut components = Path::new(&id).components();
    let is_name = matches!(components.next(), Some(Component::Normal(_)));
    let known = all.join(&id);
    (is_name && components.next().is_none() && known.is_dir()).then_some(known)
}

/// Parts that lie beside the folders of parts: only they themselves say whose they are.
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

/// A small file as JSON; none of what is large, no JSON or no regular file.
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

/// What the sessions of a project say of the sessions that started them.
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
    matches!(kept(path), Some(Kept::Session(_)))
}

/// The sessions that a session started, and those that they started.
pub(super) fn companions(path: &Path, kin: &mut Kin) -> Vec<PathBuf> {
    if is_session(path) {
        kin.descendants(path, TIES)
    } else {
        Vec::new()
    }
}

/// Whether a session was started by another one that is there.
pub(super) fn is_part(path: &Path, kin: &mut Kin) -> bool {
    is_session(path) && kin.has_parent(path, TIES)
}
