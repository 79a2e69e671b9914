//! Formats that the user declared: in files given by `--shape`, and in the settings folder.

use std::path::{Path, PathBuf};

use crate::cli::args::Global;
use crate::cli::failure::Failure;
use crate::config;
use crate::ingest::formats::{self, shape};

/// Reads all declarations and registers their formats, those from the command line first.
pub(super) fn declare(global: &Global) -> Result<(), Failure> {
    let mut paths = global.shapes.clone();
    if !global.no_config {
        paths.extend(config::shapes_folder().map_or_else(Vec::new, |folder| of(&folder)));
    }
    let shapes = paths.iter().map(|path| read(path));
    formats::declare(shapes.collect::<Result<_, _>>()?);
    Ok(())
}

/// The declarations in a folder (which need not exist), sorted by name.
fn of(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten();
    let paths = entries.filter_map(Result::ok).map(|entry| entry.path());
    let is_declaration = |path: &PathBuf| path.extension().is_some_and(|ending| ending == "toml");
    let mut paths: Vec<PathBuf> = paths.filter(is_declaration).collect();
    paths.sort();
    paths
}

fn read(path: &Path) -> Result<shape::Shape, Failure> {
    let name = path.display();
    let text = std::fs::read_to_string(path)
        .map_err(|error| Failure::Usage(format!("{name}: {error}")))?;
    formats::read_shape(&text)
        .map_err(|(line, what)| Failure::Usage(format!("{name}: line {line}: {what}")))
}
