//! The walls of the house: a file names only its own floor and those below, and each crate and part of `std` only
//! where `floors/walls.rs` allows it.

mod paths;
mod planted;
mod walls;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use paths::Named;
use walls::{LONGEST, WRITING_METHODS, floor, may_name, may_write};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}

/// Each file of `src`, as `tui/keys.rs`, and its text.
fn sources() -> Vec<(String, String)> {
    let root = root().join("src");
    let mut folders = vec![root.clone()];
    let mut files: Vec<PathBuf> = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a directory") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                files.push(path);
            }
        }
    }
    files.sort();
    files
        .into_iter()
        .map(|file| {
            let name = file.strip_prefix(&root).expect("inside src");
            let name = name.to_string_lossy().into_owned();
            (name, fs::read_to_string(file).expect("UTF-8"))
        })
        .collect()
}

/// The names of all crates that code could name: `std`, the dependencies, and the ones that must stay out.
fn crates() -> BTreeSet<String> {
    let manifest = fs::read_to_string(root().join("Cargo.toml")).expect("a manifest");
    let manifest: toml::Table = manifest.parse().expect("TOML");
    let dependencies = manifest["dependencies"].as_table().expect("a table");
    let targets = manifest["target"].as_table().expect("a table").values();
    let of_targets = targets.filter_map(|target| target.get("dependencies")?.as_table());
    let dependencies = of_targets.chain([dependencies]).flat_map(toml::Table::keys);
    let dependencies = dependencies.map(|name| name.replace('-', "_"));
    let known = [
        "std", "core", "alloc", "hyper", "libc", "nix", "reqwest", "rustls", "tokio", "ureq",
    ];
    dependencies.chain(known.map(str::to_owned)).collect()
}

/// What a file does that it may not, in words.
fn violations(file: &str, text: &str, crates: &BTreeSet<String>) -> Vec<String> {
    let named = Named::read(file, text, crates);
    let module = file.trim_end_matches(".rs");
    let own = floor(module.split('/').next().unwrap_or_default());
    let mut wrong = Vec::new();
    for (path, is_test) in &named.paths {
        let what = path.join("::");
        match path[0].as_str() {
            "crate" => {
                let above = path.get(1).and_then(|name| floor(name));
                if above.is_some_and(|above| own.is_some_and(|own| above > own)) {
                    wrong.push(format!("{file}: {what} is on a higher floor"));
                }
            }
            "#[path]" | "include!" => {
                wrong.push(format!("{file}: {what} hides which file this is"));
            }
            first if crates.contains(first) && !is_test && !may_name(module, path) => {
                wrong.push(format!("{file}: {what} may not be named here"));
            }
            _ => {}
        }
    }
    if !may_write(module) {
        let writing = named
            .methods
            .iter()
            .filter(|(name, is_test)| !is_test && WRITING_METHODS.contains(&name.as_str()));
        wrong.extend(writing.map(|(name, _)| format!("{file}: .{name} writes")));
    }
    wrong
}

#[test]
fn every_file_stays_within_its_walls() {
    let crates = crates();
    let sources = sources();
    let files = sources.iter();
    let wrong: Vec<String> = files
        .flat_map(|(file, text)| violations(file, text, &crates))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_module_of_the_library_has_a_floor() {
    let folders = fs::read_dir(root().join("src")).expect("a directory");
    let names = folders.map(|entry| entry.expect("an entry").path());
    let names = names.filter_map(|path| Some(path.file_stem()?.to_string_lossy().into_owned()));
    let homeless: BTreeSet<String> = names
        .filter(|name| {
            floor(name).is_none() && !matches!(name.as_str(), "lib" | "main" | "ARCHITECTURE")
        })
        .collect();
    assert!(homeless.is_empty(), "{homeless:?}");
}

#[test]
fn a_file_stays_short_enough_to_read() {
    let long: Vec<String> = sources()
        .iter()
        .filter(|(file, text)| !file.ends_with("tests.rs") && text.lines().count() > LONGEST)
        .map(|(file, text)| format!("{file}: {} lines", text.lines().count()))
        .collect();
    assert!(long.is_empty(), "{}", long.join("\n"));
}

#[test]
fn the_model_names_no_vendor() {
    let sources = sources();
    let model = sources.iter().filter(|(file, _)| file.starts_with("model"));
    let wrong: Vec<&str> = model
        .filter(|(_, text)| {
            let code = text
                .lines()
                .filter(|line| !line.trim_start().starts_with("//"));
            code.into_iter().any(|line| {
                ["claude", "codex", "openai"]
                    .iter()
                    .any(|name| line.contains(name))
            })
        })
        .map(|(file, _)| file.as_str())
        .collect();
    assert!(wrong.is_empty(), "{wrong:?}");
}
