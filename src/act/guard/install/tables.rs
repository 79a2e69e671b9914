//! Hooks in TOML settings, as `[[hooks]]` tables at the end. The rest of the file, including comments, is not touched.

use crate::act::guard::install::files::is_ours;
use crate::act::guard::install::settings::Entry;
use crate::analysis::policy::toml_file;

const HEAD: &str = "[[hooks]]";

pub(super) fn add(text: Option<&str>, entries: &[Entry]) -> Result<String, String> {
    let text = text.unwrap_or_default();
    check(text)?;
    let mut all = text.to_owned();
    if !all.is_empty() && !all.ends_with('\n') {
        all.push('\n');
    }
    for entry in entries {
        // A JSON string is also a TOML string.
        let command = serde_json::Value::from(entry.command.as_str());
        let table = format!(
            "\n{HEAD}\nevent = \"{}\"\ncommand = {command}\ntimeout = {}\n",
            entry.event, entry.timeout
        );
        all.push_str(&table);
    }
    check(&all)?;
    Ok(all)
}

/// None if nothing is left.
pub(super) fn remove(text: &str, host: &str) -> Result<Option<String>, String> {
    check(text)?;
    let mut kept = String::new();
    for block in blocks(text) {
        let is_ours = block.trim_start().starts_with(HEAD) && is_ours(block, host);
        if is_ours {
            // The blank line before the table came with it.
            let len = kept.trim_end_matches('\n').len();
            kept.truncate(len + usize::from(len > 0));
        } else {
            kept.push_str(block);
        }
    }
    check(&kept)?;
    Ok((!kept.trim().is_empty()).then_some(kept))
}

/// The text, split before each table.
fn blocks(text: &str) -> Vec<&str> {
    let mut starts = vec![0];
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        if at > 0 && line.starts_with('[') {
            starts.push(at);
        }
        at += line.len();
    }
    starts.push(text.len());
    let pairs = starts
        .windows(2)
        .filter_map(|pair| text.get(pair[0]..pair[1]));
    pairs.collect()
}

fn check(text: &str) -> Result<(), String> {
    match toml_file::table(text) {
        Ok(_) => Ok(()),
        Err(mistake) => Err(mistake.words("config.toml")),
    }
}
