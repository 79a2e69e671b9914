//! How tools name the file and the texts among their arguments.

use serde_json::{Map, Value};

/// Names of a path, the most usual first.
pub const PATHS: &[&str] = &[
    "file_path",
    "filePath",
    "path",
    "absolute_path",
    "notebook_path",
    "target_file",
    "filename",
    "file",
    "filepath",
];

/// Names of the text before and after an edit.
pub const PAIRS: &[(&str, &str)] = &[
    ("old_string", "new_string"),
    ("old_str", "new_str"),
    ("old_text", "new_text"),
    ("oldString", "newString"),
    ("oldText", "newText"),
    ("old", "new"),
];

/// Names of the whole text of a file.
const CONTENTS: &[&str] = &["content", "contents", "file_text", "text"];

/// Names of a patch in the format of `apply_patch`.
const PATCHES: &[&str] = &["input", "patch", "patchText", "patch_text", "diff"];

/// Names of a command line.
const COMMANDS: &[&str] = &["command", "cmd", "script"];

/// Names of the folder that a command runs in.
const FOLDERS: &[&str] = &["workdir", "cwd", "working_directory", "directory"];

pub type Args = Map<String, Value>;

fn text<'a>(args: &'a Args, names: &[&str]) -> Option<&'a str> {
    names.iter().find_map(|name| args.get(*name)?.as_str())
}

pub fn path(args: &Args) -> Option<&str> {
    text(args, PATHS).filter(|path| !path.is_empty())
}

pub fn content(args: &Args) -> Option<&str> {
    text(args, CONTENTS)
}

pub fn patch(args: &Args) -> Option<&str> {
    let texts = PATCHES.iter().filter_map(|name| args.get(*name)?.as_str());
    texts.into_iter().find(|text| is_patch(text))
}

pub fn command(args: &Args) -> Option<&Value> {
    COMMANDS.iter().find_map(|name| args.get(*name))
}

pub fn folder(args: &Args) -> Option<&str> {
    text(args, FOLDERS).filter(|folder| !folder.is_empty())
}

/// The text before and after an edit.
pub fn pair(args: &Args) -> Option<(&str, &str)> {
    let both =
        |(old, new): &(&str, &str)| Some((args.get(*old)?.as_str()?, args.get(*new)?.as_str()?));
    PAIRS.iter().find_map(both)
}

/// Whether a text is a patch in the format of `apply_patch`, perhaps within a command line.
pub fn is_patch(text: &str) -> bool {
    text.contains("*** Begin Patch")
}
