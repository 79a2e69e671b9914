//! Rewrites the generated sample traces: `cargo run --example generate-samples`.

mod generate;

use std::path::Path;

fn main() -> std::io::Result<()> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("sample-traces");
    for (name, contents) in generate::files() {
        std::fs::write(folder.join(name), contents)?;
    }
    Ok(())
}
