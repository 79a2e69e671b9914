//! Shows text in the user's pager or editor, through a private temporary file that is deleted
//! afterwards.

use std::env;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, IsTerminal, Write};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};

use rustix::io::Errno;
use rustix::process::{self, Pid, Signal, WaitOptions};
use tempfile::TempPath;
use thiserror::Error;

/// Which program shows the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Viewer {
    Pager,
    Editor,
}

#[derive(Debug, Error)]
pub enum Error {
    #[error("no file for the text: {0}")]
    File(io::Error),
    #[error("{program} did not start: {error}")]
    Start { program: String, error: io::Error },
    #[error("{program} ended with {status}")]
    Failed { program: String, status: ExitStatus },
}

impl Viewer {
    /// What the environment names, else what every system has.
    pub fn program(self) -> OsString {
        let (names, usual): (&[&str], &str) = match self {
            Viewer::Pager => (&["SAFERUN_PAGER", "PAGER"], "less"),
            Viewer::Editor => (&["VISUAL", "EDITOR"], "vi"),
        };
        let set = |name: &&str| env::var_os(name).filter(|value| !value.is_empty());
        names.iter().find_map(set).unwrap_or_else(|| usual.into())
    }
}

/// The text that is being shown. A process that must end at once has nothing dropped: it discards this first.
#[derive(Debug, Clone, Default)]
pub struct Shown {
    file: Arc<Mutex<Option<TempPath>>>,
}

impl Shown {
    fn replace(&self, file: Option<TempPath>) {
        *self.file.lock().unwrap_or_else(PoisonError::into_inner) = file;
    }

    /// Deletes the file, if there is one.
    pub fn discard(&self) {
        self.replace(None);
    }
}

/// Shows `text` and waits until the program ends; the file is gone then. `program` may hold arguments.
pub fn show(program: &OsString, text: &str, shown: &Shown) -> Result<(), Error> {
    let mut file = tempfile::Builder::new()
        .prefix("saferun-")
        .suffix(".txt")
        .tempfile()
        .map_err(Error::File)?;
    file.write_all(text.as_bytes()).map_err(Error::File)?;
    file.flush().map_err(Error::File)?;
    let path = file.path().to_owned();
    shown.replace(Some(file.into_temp_path()));
    let status = start(program, &[path.as_os_str()]);
    shown.discard();
    succeeded(program, status?)
}

/// Opens a file in an editor and waits until that ends.
pub fn edit(program: &OsString, file: &Path, line: u32) -> Result<(), Error> {
    let place = place(program, line);
    let place = place.as_deref().into_iter();
    let arguments: Vec<&OsStr> = place.chain([file.as_os_str()]).collect();
    succeeded(program, start(program, &arguments)?)
}

/// How to pass a line number to an editor; none if it is not known to take one.
fn place(program: &OsString, line: u32) -> Option<OsString> {
    let words = program.to_string_lossy();
    let name = words.split_whitespace().next().map(Path::new);
    let name = name.and_then(|it| it.file_name()?.to_str())?;
    GO_TO_LINE
        .contains(&name)
        .then(|| OsString::from(format!("+{line}")))
}

/// Editors that take `+LINE` before the name of a file.
const GO_TO_LINE: &[&str] = &[
    "vi", "vim", "nvim", "view", "nano", "emacs", "micro", "kak", "joe", "ne", "mg",
];

fn succeeded(program: &OsString, status: ExitStatus) -> Result<(), Error> {
    if status.success() {
        return Ok(());
    }
    Err(Error::Failed {
        program: program.to_string_lossy().into_owned(),
        status,
    })
}

fn start(program: &OsString, arguments: &[&OsStr]) -> Result<ExitStatus, Error> {
    // The shell splits the words of the program as it does for every other tool that asks for a pager.
    let mut script = OsString::from("exec ");
    script.push(program);
    script.push(" \"$@\"");
    let child = Command::new("sh")
        .arg("-c")
        .arg(script)
        .arg("saferun-tui")
        .args(arguments)
        .stdin(keys())
        .spawn();
    let ended = child.and_then(|child| wait(&child));
    ended.map_err(|error| Error::Start {
        program: program.to_string_lossy().into_owned(),
        error,
    })
}

/// Waits for the program to exit. If it is stopped, it is continued at once: it owns the terminal,
/// so nothing else could wake it.
fn wait(child: &Child) -> io::Result<ExitStatus> {
    let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    loop {
        match process::waitpid(pid, WaitOptions::UNTRACED) {
            Ok(Some((_, status))) if status.stopped() => {
                if let Some(pid) = pid {
                    process::kill_process(pid, Signal::CONT)?;
                }
            }
            Ok(Some((_, status))) => return Ok(ExitStatus::from_raw(status.as_raw())),
            Ok(None) | Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

/// The program's standard input: the terminal, even if ours is a trace.
fn keys() -> Stdio {
    if io::stdin().is_terminal() {
        return Stdio::inherit();
    }
    File::open("/dev/tty").map_or_else(|_| Stdio::inherit(), Stdio::from)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::{Error, Shown, edit, place, show};

    #[test]
    fn a_file_that_is_shown_can_be_discarded_from_another_thread() {
        let folder = tempfile::tempdir().expect("a folder");
        let (seen, go) = (folder.path().join("seen"), folder.path().join("go"));
        let words = format!(
            "echo \"$1\" > '{0}.part'; mv '{0}.part' '{0}'; while [ ! -e '{1}' ]; do sleep 0.01; done; #",
            seen.display(),
            go.display()
        );
        let shown = Shown::default();
        let program = format!("sh -c '{}' -", words.replace('\'', "'\\''")).into();
        std::thread::scope(|threads| {
            let showing = threads.spawn(|| show(&program, "a secret", &shown));
            while !seen.exists() {
                std::thread::yield_now();
            }
            let file = fs::read_to_string(&seen).expect("a name");
            assert!(fs::exists(file.trim()).expect("it can be asked"));
            shown.discard();
            assert!(!fs::exists(file.trim()).expect("it can be asked"));
            fs::write(&go, "").expect("written");
            showing.join().expect("it ends").expect("it succeeds");
        });
    }

    #[test]
    fn the_program_gets_the_text_in_a_file_that_is_gone_after_it() {
        let folder = tempfile::tempdir().expect("a folder");
        let kept = folder.path().join("kept");
        let script = folder.path().join("program");
        let words = format!(
            "cat \"$2\" > '{0}'; echo \"$1 $2\" >> '{0}'",
            kept.display()
        );
        fs::write(&script, words).expect("written");
        let program = format!("sh '{}' -x", script.display()).into();
        show(&program, "what 'was' said\n", &Shown::default()).expect("shown");
        let got = fs::read_to_string(&kept).expect("read");
        let (text, arguments) = got.split_at("what 'was' said\n".len());
        assert_eq!(text, "what 'was' said\n");
        let path = arguments
            .trim()
            .strip_prefix("-x ")
            .expect("the argument comes first");
        assert!(!fs::exists(path).expect("looked"), "{path}");
    }

    #[test]
    fn an_editor_gets_the_file_itself_and_the_line_if_it_can_go_there() {
        let folder = tempfile::tempdir().expect("a folder");
        let (file, seen) = (folder.path().join("a b.toml"), folder.path().join("seen"));
        let script = folder.path().join("editor");
        let words = format!("echo \"$@\" > '{}'", seen.display());
        fs::write(&script, words).expect("written");
        let program = format!("sh '{}'", script.display()).into();
        edit(&program, &file, 7).expect("edited");
        let got = fs::read_to_string(&seen).expect("read");
        assert_eq!(got.trim(), file.display().to_string());
        let argument = |program: &str| place(&program.into(), 7);
        assert_eq!(argument("/usr/bin/vim -n"), Some("+7".into()));
        assert_eq!(argument("code -w"), None);
    }

    #[test]
    fn a_program_that_fails_is_named() {
        let failed = show(&"false".into(), "x", &Shown::default());
        assert!(matches!(failed, Err(Error::Failed { program, .. }) if program == "false"));
        let missing = show(&"no-such-program-anywhere".into(), "x", &Shown::default());
        assert!(matches!(missing, Err(Error::Failed { status, .. }) if status.code() == Some(127)));
    }
}
