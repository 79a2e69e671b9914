//! Which files of a folder belong together, for formats where only the contents of the files say so.

use std::collections::HashMap;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

/// The relations between the files of folders. Each folder is read once, however many of its files are asked
/// about.
#[derive(Debug, Default)]
pub struct Relations {
    /// By folder and by the format that reads it: each format sees other relations.
    folders: HashMap<(&'static str, PathBuf), Folder>,
}

/// A file, what it calls itself, and what it belongs to.
#[derive(Debug, Clone)]
pub struct Tie {
    pub name: OsString,
    pub id: String,
    pub parent: Option<String>,
}

/// How a format reads the relations in a folder.
#[derive(Debug, Clone, Copy)]
pub struct ReadTies {
    /// The name of the format.
    pub format: &'static str,
    pub read: fn(&Path) -> Vec<Tie>,
}

#[derive(Debug, Default)]
struct Folder {
    by_name: HashMap<OsString, (String, Option<String>)>,
    /// File names by their own id, and by the id of their parent.
    by_id: HashMap<String, OsString>,
    children: HashMap<String, Vec<OsString>>,
}

impl Folder {
    fn new(ties: Vec<Tie>) -> Folder {
        let mut folder = Folder::default();
        for Tie { name, id, parent } in ties {
            folder.by_id.insert(id.clone(), name.clone());
            if let Some(parent) = parent.clone() {
                folder
                    .children
                    .entry(parent)
                    .or_default()
                    .push(name.clone());
            }
            folder.by_name.insert(name, (id, parent));
        }
        folder
    }

    fn children(&self, name: &OsStr) -> &[OsString] {
        let own = self.by_name.get(name);
        let children = own.and_then(|(id, _)| self.children.get(id));
        children.map(Vec::as_slice).unwrap_or_default()
    }
}

impl Relations {
    fn folder(&mut self, path: &Path, read: ReadTies) -> Option<&Folder> {
        let folder = path.parent()?;
        let known = self.folders.entry((read.format, folder.to_owned()));
        Some(known.or_insert_with(|| {
            Folder::new((read.read)(if folder.as_os_str().is_empty() {
                Path::new(".")
            } else {
                folder
            }))
        }))
    }

    /// The files in the same folder that belong to this one, directly or indirectly; sorted.
    pub fn descendants(&mut self, path: &Path, read: ReadTies) -> Vec<PathBuf> {
        let (Some(folder), Some(own)) = (self.folder(path, read), path.file_name()) else {
            return Vec::new();
        };
        let mut found = vec![own];
        let mut next = 0;
        while let Some(name) = found.get(next) {
            // Files may name each other as parents.
            for child in folder.children(name) {
                if !found.contains(&child.as_os_str()) {
                    found.push(child);
                }
            }
            next += 1;
        }
        let mut paths: Vec<_> = found[1..]
            .iter()
            .map(|it| path.with_file_name(it))
            .collect();
        paths.sort_unstable();
        paths
    }

    /// Whether this file belongs to another one in the same folder.
    pub fn has_parent(&mut self, path: &Path, read: ReadTies) -> bool {
        let (Some(folder), Some(own)) = (self.folder(path, read), path.file_name()) else {
            return false;
        };
        let parent = folder
            .by_name
            .get(own)
            .and_then(|(_, parent)| parent.as_ref());
        parent.is_some_and(|parent| folder.by_id.get(parent).is_some_and(|it| it != own))
    }
}
