//! Copies runs that will be deleted into the state folder, compressed. Nothing is moved or deleted.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

/// The folder of copies, below the state folder.
pub const FOLDER: &str = "kept";

/// The outcome for one run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kept {
    /// The sizes of the original and of the copy, in bytes.
    Copied(u64, u64),
    /// Its present state has been copied before.
    AlreadyThere,
}

/// Where the copy of a file goes: its path below the home folder, with `.zst` added.
pub fn place(state: &Path, home: &Path, file: &Path) -> PathBuf {
    let below = file
        .strip_prefix(home)
        .or_else(|_| file.strip_prefix("/"))
        .unwrap_or(file);
    let mut name = below.file_name().unwrap_or_default().to_owned();
    name.push(".zst");
    state.join(FOLDER).join(below).with_file_name(name)
}

/// Copies a file, unless a copy of its present state exists. The copy has the time of the original.
pub fn keep(from: &Path, to: &Path) -> io::Result<Kept> {
    let mut file = File::open(from)?;
    let known = file.metadata()?;
    let written = known.modified()?;
    if to
        .metadata()
        .is_ok_and(|copy| copy.modified().is_ok_and(|it| it == written))
    {
        return Ok(Kept::AlreadyThere);
    }
    let folder = to.parent().unwrap_or(Path::new("."));
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)?;
    let mut beside = NamedTempFile::new_in(folder)?;
    zstd::stream::copy_encode(&mut file, &mut beside, 9)?;
    beside.as_file().set_modified(written)?;
    let copy = beside.persist(to).map_err(|error| error.error)?;
    Ok(Kept::Copied(known.len(), copy.metadata()?.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_is_made_once_and_the_original_stays() {
        let folder = tempfile::tempdir().expect("a folder");
        let from = folder.path().join("home/.agent/run.jsonl");
        fs::create_dir_all(from.parent().expect("a folder")).expect("a folder");
        fs::write(&from, "{}\n".repeat(1000)).expect("written");
        let to = place(
            &folder.path().join("state"),
            &folder.path().join("home"),
            &from,
        );
        assert!(to.ends_with("state/kept/.agent/run.jsonl.zst"));
        assert!(matches!(keep(&from, &to), Ok(Kept::Copied(3000, 1..300))));
        assert!(matches!(keep(&from, &to), Ok(Kept::AlreadyThere)));
        let text = zstd::decode_all(File::open(&to).expect("a file")).expect("text");
        assert_eq!(text, fs::read(&from).expect("a file"));
    }
}
