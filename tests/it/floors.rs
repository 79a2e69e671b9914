//! The walls of the house: a file names only floors below it, and some crates only in their rooms.

use std::path::{Path, PathBuf};

/// Low to high. `export`, `act` and `state` share a floor.
const FLOORS: &[&[&str]] = &[
    &["base"],
    &["model"],
    &["ingest"],
    &["store"],
    &["query"],
    &["analysis"],
    &["export", "act", "state"],
    &["tui"],
    &["cli", "config"],
];

/// The longest a file may be, tests not counted.
const LONGEST: usize = 800;

/// Where a crate may be named; everywhere else it may not.
const ROOMS: &[(&str, &[&str])] = &[
    (
        "ratatui",
        &[
            "tui/theme",
            "tui/widgets",
            "tui/shell",
            "tui/runtime",
            "tui/render",
            "tui/screens",
        ],
    ),
    (
        "crossterm",
        &[
            "tui/keys",
            "tui/runtime",
            "tui/effects",
            "tui/render",
            "tui/shell",
            "cli/look",
        ],
    ),
    ("anyhow", &["tui/runtime", "tui", "cli", "main"]),
    ("signal_hook", &["tui/runtime", "cli"]),
    ("clap", &["cli", "main"]),
];

/// What nothing but `act` may do: execute, connect or listen.
const OUTWARD: &[&str] = &[
    "process::Command",
    "TcpStream",
    "TcpListener",
    "UdpSocket",
    "UnixStream",
];

fn sources() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut folders = vec![root.clone()];
    let mut files: Vec<PathBuf> = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder)
            .expect("a folder")
            .map(|entry| entry.expect("an entry").path())
        {
            if entry.is_dir() {
                folders.push(entry);
            } else if entry.extension().is_some_and(|ending| ending == "rs") {
                files.push(entry);
            }
        }
    }
    files.sort();
    files
        .into_iter()
        .map(|file| {
            let name = file
                .strip_prefix(&root)
                .expect("below src")
                .to_string_lossy()
                .into_owned();
            (name, std::fs::read_to_string(file).expect("text"))
        })
        .collect()
}

fn floor(module: &str) -> Option<usize> {
    FLOORS.iter().position(|floor| floor.contains(&module))
}

/// Code without comments: what is said of other floors in words is no dependency.
fn code(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let lines = text
        .lines()
        .enumerate()
        .map(|(at, line)| (at + 1, line.trim_start()));
    lines.filter(|(_, line)| !line.starts_with("//"))
}

#[test]
fn no_file_names_a_higher_floor() {
    let mut wrong = Vec::new();
    for (file, text) in sources() {
        let Some(own) = floor(file.split(['/', '.']).next().unwrap_or_default()) else {
            continue;
        };
        for (at, line) in code(&text) {
            for (start, _) in line.match_indices("crate::") {
                let rest = line.get(start + "crate::".len()..).unwrap_or_default();
                let named: String = rest
                    .chars()
                    .take_while(|c| c.is_alphanumeric() || *c == '_')
                    .collect();
                if floor(&named).is_some_and(|named| named > own) {
                    wrong.push(format!("{file}:{at}: {}", line.trim()));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
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
fn some_crates_are_named_only_in_their_rooms() {
    let mut wrong = Vec::new();
    for (file, text) in sources() {
        let module = file.trim_end_matches(".rs");
        for (name, rooms) in ROOMS {
            let inside = rooms
                .iter()
                .any(|room| module == *room || module.starts_with(&format!("{room}/")));
            if inside {
                continue;
            }
            for (at, line) in code(&text) {
                if line.contains(&format!("{name}::")) {
                    wrong.push(format!("{file}:{at}: {line}"));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn nothing_outside_act_executes_connects_or_listens() {
    let mut wrong = Vec::new();
    for (file, text) in sources()
        .iter()
        .filter(|(file, _)| !file.starts_with("act"))
    {
        for (at, line) in code(text) {
            if OUTWARD.iter().any(|name| line.contains(name)) {
                wrong.push(format!("{file}:{at}: {line}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn decoding_knows_no_vendor_above_its_own_file() {
    let mut wrong = Vec::new();
    for (file, text) in sources()
        .iter()
        .filter(|(file, _)| file.starts_with("model"))
    {
        for (at, line) in code(text) {
            if line.contains("serde_json") || line.contains("claude") || line.contains("codex") {
                wrong.push(format!("{file}:{at}: {line}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
