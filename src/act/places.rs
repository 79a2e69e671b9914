//! The folders in which hooks, recorders and the explorer meet. They are private to this user: files and folders that
//! others may read or write are refused.

use std::env;
use std::fs::{self, DirBuilder, Metadata, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;

use crate::base::sha256;

/// The folders of one user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Places {
    /// Cleared at reboot, where the system has such a folder.
    runtime: Option<PathBuf>,
    state: PathBuf,
    config: PathBuf,
    home: PathBuf,
}

const NAME: &str = "saferun-tui";

impl Places {
    /// None without a home folder.
    pub fn of_environment() -> Option<Places> {
        Places::of(|name| env::var_os(name).map(PathBuf::from))
    }

    /// The same, with `variable` as the environment.
    pub fn of(variable: impl Fn(&str) -> Option<PathBuf>) -> Option<Places> {
        let folder = |name: &str| variable(name).filter(|path| path.is_absolute());
        let home = folder("HOME")?;
        let state = folder("XDG_STATE_HOME").unwrap_or_else(|| home.join(".local/state"));
        let config = folder("XDG_CONFIG_HOME").unwrap_or_else(|| home.join(".config"));
        Some(Places {
            runtime: folder("XDG_RUNTIME_DIR").map(|path| path.join(NAME)),
            state: state.join(NAME),
            config: config.join(NAME),
            home,
        })
    }

    pub fn home(&self) -> &Path {
        &self.home
    }

    pub fn state(&self) -> &Path {
        &self.state
    }

    /// Where questions and answers are stored. A hook may run in a different environment from the explorer, so the
    /// explorer polls all of them; the asking side takes the first usable one.
    pub fn meeting(&self) -> Vec<PathBuf> {
        let own = self.state.join("run");
        // The system creates the parent folder, or there is none.
        let is_there = |path: &&PathBuf| path.parent().is_some_and(Path::is_dir);
        let runtime = self.runtime.iter().filter(is_there).cloned();
        runtime.chain([own]).collect()
    }

    pub fn traces(&self) -> PathBuf {
        self.state.join("traces")
    }

    /// What the guard knows about running agents, and which of them a breaker has stopped.
    pub fn live(&self) -> PathBuf {
        self.state.join("live")
    }

    pub fn installs(&self) -> PathBuf {
        self.state.join("installs.json")
    }

    pub fn log(&self) -> PathBuf {
        self.state.join("guard.log")
    }

    pub fn policy(&self) -> PathBuf {
        self.config.join("policy.toml")
    }
}

/// The longest run id that is used as a file name unchanged.
const LONGEST: usize = 100;

/// The name of a run within file names: its id if that is a plain word, else a hash.
pub fn of_run(run: &str) -> String {
    let is_plain = |it: char| it.is_ascii_alphanumeric() || matches!(it, '-' | '_' | '.');
    let is_name = !run.is_empty()
        && run.len() <= LONGEST
        && !run.starts_with('.')
        && run.chars().all(is_plain);
    if is_name {
        return run.to_owned();
    }
    let mut name = sha256::hex(run.as_bytes());
    name.truncate(32);
    format!("x-{name}")
}

/// Creates a folder that only this user may enter; refuses one that others may enter.
pub fn private(folder: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true).mode(0o700).create(folder)?;
    let found = fs::symlink_metadata(folder)?;
    if !found.is_dir() {
        return Err(refused(folder, "is not a folder"));
    }
    check(folder, &found)
}

/// Whether a file or folder belongs to this user, and no other user may read or write it.
pub fn check(path: &Path, found: &Metadata) -> io::Result<()> {
    if found.uid() != rustix::process::geteuid().as_raw() {
        return Err(refused(path, "belongs to another user"));
    }
    if found.mode() & 0o077 != 0 {
        return Err(refused(path, "is open to other users"));
    }
    Ok(())
}

/// Reads a private file of at most `most` bytes. Does not follow links.
pub fn read_private(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(flags(OFlags::NOFOLLOW | OFlags::NONBLOCK))
        .open(path)?;
    let found = file.metadata()?;
    if !found.is_file() {
        return Err(refused(path, "is not a regular file"));
    }
    check(path, &found)?;
    let mut bytes = Vec::new();
    file.take(most + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > most {
        return Err(refused(path, "is too large"));
    }
    Ok(bytes)
}

/// Flags in the form that `OpenOptions` takes.
pub(super) fn flags(flags: OFlags) -> i32 {
    flags.bits() as i32
}

fn refused(path: &Path, why: &str) -> io::Error {
    io::Error::new(
        io::ErrorKind::PermissionDenied,
        format!("{} {why}", path.display()),
    )
}

/// Replaces a private file as a whole.
pub fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    use std::io::Write;
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut file = tempfile::Builder::new()
        .prefix(".new-")
        .tempfile_in(folder)?;
    file.write_all(bytes)?;
    file.persist(path)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;
    use std::path::PathBuf;

    use super::{Places, of_run, private, read_private, replace};

    #[test]
    fn folders_follow_the_environment_where_it_names_absolute_paths() {
        let none = Places::of(|_| None);
        assert!(none.is_none());
        let places = Places::of(|name| {
            Some(PathBuf::from(match name {
                "HOME" => "/h",
                "XDG_RUNTIME_DIR" => "/",
                _ => "relative",
            }))
        });
        let places = places.expect("a home");
        assert_eq!(
            places.meeting(),
            ["/saferun-tui", "/h/.local/state/saferun-tui/run"].map(PathBuf::from)
        );
        assert_eq!(
            places.policy(),
            PathBuf::from("/h/.config/saferun-tui/policy.toml")
        );
    }

    #[test]
    fn a_run_id_unfit_for_a_file_name_is_hashed() {
        assert_eq!(of_run("7f3a-91.b_c"), "7f3a-91.b_c");
        for odd in ["", "..", "a/b", "a b", &"x".repeat(101)] {
            let name = of_run(odd);
            assert!(name.starts_with("x-") && name.len() == 34, "{name}");
        }
    }

    #[test]
    fn folders_and_files_open_to_others_are_refused() {
        let folder = tempfile::tempdir().expect("a folder");
        let own = folder.path().join("a/b");
        private(&own).expect("created");
        let file = own.join("f");
        replace(&file, b"text").expect("written");
        assert_eq!(read_private(&file, 4).expect("read"), b"text");
        assert!(read_private(&file, 3).is_err(), "too large");
        let link = own.join("l");
        std::os::unix::fs::symlink(&file, &link).expect("a link");
        assert!(read_private(&link, 9).is_err(), "a link");
        fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).expect("set");
        assert!(read_private(&file, 9).is_err(), "others may read it");
        fs::set_permissions(&own, fs::Permissions::from_mode(0o755)).expect("set");
        assert!(private(&own).is_err(), "others may enter it");
    }
}
