//! Who may name what: floors, crates, parts of `std`, and calls that write.

/// Low to high. `export`, `act` and `state` share a floor.
pub(super) const FLOORS: &[&[&str]] = &[
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
pub(super) const LONGEST: usize = 800;

/// Harmless on every floor.
const ALL: &[&str] = &[""];
/// Floors that may read files that the user named, or that we keep ourselves.
const READERS: &[&str] = &["ingest", "act", "state", "cli", "config", "tui/runtime"];
/// The only places that write files.
const WRITERS: &[&str] = &["act", "state/files", "cli/output", "cli/convert"];
/// The only place that executes, connects or listens.
const OUTWARD: &[&str] = &["act"];

/// Crates and parts of `std`, and the files and folders of `src` that may name them. A longer entry adds places to a
/// shorter one. What has no entry may be named nowhere; `core` and `alloc` count as `std`.
pub(super) const ALLOWED: &[(&str, &[&str])] = &[
    // Values and control flow.
    ("std::any", ALL),
    ("std::array", ALL),
    ("std::borrow", ALL),
    ("std::cell", ALL),
    ("std::char", ALL),
    ("std::cmp", ALL),
    ("std::collections", ALL),
    ("std::convert", ALL),
    ("std::error", ALL),
    ("std::f64", ALL),
    ("std::ffi", ALL),
    ("std::fmt", ALL),
    ("std::future", &["act"]),
    ("std::hash", ALL),
    ("std::hint", ALL),
    ("std::iter", ALL),
    ("std::marker", ALL),
    ("std::mem", ALL),
    ("std::num", ALL),
    ("std::ops", ALL),
    ("std::pin", &["act"]),
    ("std::rc", ALL),
    ("std::slice", ALL),
    ("std::str", ALL),
    ("std::string", ALL),
    ("std::sync", ALL),
    ("std::task", &["act"]),
    ("std::time", ALL),
    ("std::vec", ALL),
    // Threads, and what a thread that panics leaves.
    ("std::panic", &["ingest", "tui/tasks", "tui/runtime", "act"]),
    (
        "std::thread",
        &[
            "ingest",
            "store",
            "analysis",
            "act",
            "state",
            "tui/tasks",
            "tui/runtime",
        ],
    ),
    // The machine: names of files, streams, variables.
    (
        "std::path",
        &[
            "ingest", "store", "query", "analysis", "export", "act", "state", "tui", "cli",
            "config",
        ],
    ),
    (
        "std::io",
        &[
            "ingest",
            "store",
            "export",
            "act",
            "state",
            "tui/runtime",
            "cli",
            "config",
        ],
    ),
    (
        "std::env",
        &[
            "main",
            "ingest/discover",
            "act",
            "state",
            "tui",
            "tui/runtime",
            "cli",
            "config",
        ],
    ),
    ("std::os::fd", &["act", "tui/runtime"]),
    ("std::os::unix::ffi", &["ingest", "act", "state", "cli"]),
    // Files, to read them.
    ("std::fs::DirEntry", READERS),
    ("std::fs::File::open", READERS),
    ("std::fs::FileType", READERS),
    ("std::fs::Metadata", READERS),
    ("std::fs::ReadDir", READERS),
    ("std::fs::canonicalize", READERS),
    ("std::fs::copy", &["ingest/packed/sqlite/snapshot"]),
    ("std::fs::metadata", READERS),
    ("std::fs::read", READERS),
    ("std::fs::remove_file", &["ingest/packed/sqlite/snapshot"]),
    ("std::fs::read_dir", READERS),
    ("std::fs::read_to_string", READERS),
    ("std::fs::symlink_metadata", READERS),
    ("std::fs::OpenOptions", &["ingest/open"]),
    ("std::os::unix::fs::FileExt", &["ingest"]),
    ("std::os::unix::fs::FileTypeExt", READERS),
    ("std::os::unix::fs::MetadataExt", READERS),
    ("std::os::unix::fs::OpenOptionsExt", &["ingest/open"]),
    ("rustix::fs::FileType", &["cli"]),
    ("rustix::fs::OFlags", &["ingest/open"]),
    ("rustix::fs::fstat", &["cli"]),
    // Files, to write them.
    ("std::fs", WRITERS),
    ("std::os::unix::fs", WRITERS),
    ("rustix::fs", WRITERS),
    ("tempfile", WRITERS),
    // The private copy of a store that cannot be read without repairing it.
    ("tempfile::TempDir", &["ingest/packed/sqlite/snapshot"]),
    ("tempfile::tempdir", &["ingest/packed/sqlite/snapshot"]),
    // Refusing to write, beside a store that another program writes.
    ("landlock", &["ingest/packed/sqlite/fenced"]),
    // Programs, and our own end.
    ("std::process", OUTWARD),
    ("std::process::ExitCode", &["cli", "main"]),
    ("std::process::exit", &["tui/runtime/watch"]),
    ("std::os::unix::process", OUTWARD),
    ("rustix::event", &["act", "tui/runtime"]),
    ("rustix::io", &["act", "tui/runtime"]),
    ("rustix::process", OUTWARD),
    ("rustix::process::Signal", &["tui/runtime"]),
    (
        "rustix::process::kill_current_process_group",
        &["tui/runtime"],
    ),
    // The network.
    ("std::net", OUTWARD),
    ("std::os::unix::net", OUTWARD),
    ("rustix::net", OUTWARD),
    ("hmac", OUTWARD),
    ("http_body_util", OUTWARD),
    ("hyper", OUTWARD),
    ("hyper_util", OUTWARD),
    ("rustls_native_certs", OUTWARD),
    ("tokio", OUTWARD),
    ("tokio_rustls", OUTWARD),
    // Other crates.
    ("anyhow", &["tui", "cli", "main"]),
    ("base64", &["ingest", "export", "act", "tui"]),
    ("cel", &["analysis/policy/native"]),
    ("clap", &["cli", "main"]),
    ("clap_complete", &["cli"]),
    ("clap_mangen", &["cli"]),
    (
        "crossbeam_channel",
        &["ingest", "store", "act", "tui", "cli"],
    ),
    (
        "crossterm",
        &[
            "tui/keys",
            "tui/runtime",
            "tui/effects",
            "tui/render",
            "tui/shell",
            "cli/text_style",
        ],
    ),
    ("etcetera", &["state", "config"]),
    ("fearless_simd", &["ingest"]),
    ("flate2", &["ingest", "act"]),
    ("foldhash", &["ingest", "analysis"]),
    ("globset", &["ingest"]),
    ("ignore", &["ingest", "cli"]),
    ("rusqlite", &["ingest/packed"]),
    ("saphyr_parser", &["ingest/yaml"]),
    ("sha2", &["base", "act"]),
    (
        "jiff",
        &[
            "base", "ingest", "query", "analysis", "export", "act", "tui", "cli",
        ],
    ),
    ("memchr", &["act", "ingest", "store", "analysis", "tui"]),
    ("notify", &["ingest/intake"]),
    ("nucleo_matcher", &["tui"]),
    ("pulldown_cmark", &["tui"]),
    (
        "ratatui",
        &[
            "tui/theme",
            "tui/widgets",
            "tui/screen",
            "tui/shell",
            "tui/runtime",
            "tui/render",
            "tui/screens",
        ],
    ),
    (
        "regex",
        &["ingest", "store", "query", "analysis", "export", "cli"],
    ),
    (
        "serde",
        &[
            "ingest", "analysis", "export", "act", "state", "cli", "config",
        ],
    ),
    (
        "serde_json",
        &[
            "ingest", "store", "query", "analysis", "export", "act", "state", "tui", "cli",
        ],
    ),
    ("signal_hook", &["act", "tui/runtime", "cli"]),
    ("simdutf8", &["ingest"]),
    ("similar", &["act", "analysis", "tui"]),
    ("statrs", &["analysis"]),
    (
        "thiserror",
        &[
            "ingest", "store", "query", "export", "act", "state", "cli", "config",
        ],
    ),
    (
        "toml",
        &[
            "ingest",
            "analysis/policy",
            "analysis/alerts",
            "cli/policy",
            "config",
        ],
    ),
    ("tui_input", &["tui"]),
    ("unicode_segmentation", &["base"]),
    ("unicode_width", &["base"]),
    ("zip", &["ingest"]),
    ("zstd", &["ingest", "act"]),
];

/// Methods that write, with `(true)` where the argument decides; only where [`may_write`] says so.
pub(super) const WRITING_METHODS: &[&str] = &[
    "append(true)",
    "create(true)",
    "create_new(true)",
    "truncate(true)",
    "write(true)",
    "persist",
    "persist_noclobber",
    "set_len",
    "set_modified",
    "set_permissions",
    "set_times",
    "write_all_at",
    "write_at",
];

/// Whether a file of `src` may write files.
pub(super) fn may_write(module: &str) -> bool {
    is_within(module, WRITERS)
}

/// Whether a file may name a path of a crate or of `std`. A part of an allowed path is allowed too: importing a
/// module does nothing yet.
pub(super) fn may_name(module: &str, path: &[String]) -> bool {
    let mut path = path.to_vec();
    if matches!(path[0].as_str(), "core" | "alloc") {
        "std".clone_into(&mut path[0]);
    }
    let entries = ALLOWED
        .iter()
        .filter(|(_, places)| is_within(module, places));
    entries.map(|(entry, _)| entry.split("::")).any(|entry| {
        let entry: Vec<&str> = entry.collect();
        entry.iter().zip(&path).all(|(one, other)| one == other)
    })
}

fn is_within(module: &str, places: &[&str]) -> bool {
    places.iter().any(|place| {
        let rest = module.strip_prefix(place);
        place.is_empty() || rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    })
}

/// The number of a floor, from the ground.
pub(super) fn floor(name: &str) -> Option<usize> {
    FLOORS.iter().position(|floor| floor.contains(&name))
}
