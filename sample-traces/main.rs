//! Rewrites the generated sample traces: `cargo run --example generate-samples`.

mod generate;

use std::path::Path;

use rusqlite::Connection;

/// Databases, and the statements that make them.
const STORES: &[(&str, &str)] = &[
    ("crush/crush.db", "crush.sql"),
    ("cursor-store/state.vscdb", "cursor-editor.sql"),
    ("cursor-store/store.db", "cursor-cli.sql"),
    ("goose/sessions.db", "goose.sql"),
    ("hermes/state.db", "hermes.sql"),
    ("llm/logs.db", "llm.sql"),
    ("opencode/labels.db", "opencode.sql"),
    ("opencode/margins.db", "opencode-2.sql"),
    ("vscode-traces/agent-traces.db", "vscode-traces.sql"),
    ("zed/threads.db", "zed.sql"),
];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("sample-traces");
    for (name, contents) in generate::files() {
        std::fs::write(folder.join(name), contents)?;
    }
    for (store, statements) in STORES {
        let path = folder.join(store);
        if path.exists() {
            std::fs::remove_file(&path)?;
        }
        let statements = std::fs::read_to_string(folder.join("stores").join(statements))?;
        Connection::open(&path)?.execute_batch(&format!(
            "PRAGMA page_size = 512; BEGIN; {statements} COMMIT;"
        ))?;
    }
    Ok(())
}
