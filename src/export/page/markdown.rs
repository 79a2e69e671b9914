//! A page as Markdown: a heading for each action, its texts in fences, long ones folded.

use super::{Entry, Page, Text};
use crate::export::words;

pub fn write(page: &Page) -> String {
    let mut parts = vec![format!(
        "# {}",
        escaped(if page.title.is_empty() {
            "Run"
        } else {
            &page.title
        })
    )];
    let facts: Vec<String> = page
        .facts
        .iter()
        .map(|(name, value)| format!("| {name} | {} |", escaped(value)))
        .collect();
    parts.push(format!("| | |\n|---|---|\n{}", facts.join("\n")));
    let mut turn = 0;
    for entry in &page.entries {
        if entry.turn != turn && entry.turn > 0 {
            turn = entry.turn;
            parts.push(format!("## Turn {turn}"));
        }
        parts.push(heading(entry));
        parts.extend(entry.texts.iter().map(section));
        if entry.texts.is_empty() && !entry.line.is_empty() {
            parts.push(escaped(&entry.line));
        }
    }
    format!("{}\n", parts.join("\n\n"))
}

fn heading(entry: &Entry) -> String {
    let (status, _) = words::status(entry.status);
    let status = Some(status).filter(|status| *status != words::NOTHING);
    let lane = Some(entry.lane.as_str()).filter(|lane| !lane.is_empty());
    let facts = entry.facts.iter().map(String::as_str);
    let all: Vec<&str> = status.into_iter().chain(lane).chain(facts).collect();
    let about = if all.is_empty() {
        String::new()
    } else {
        format!(" · {}", escaped(&all.join(" · ")))
    };
    let kind = super::kind(entry.kind);
    let kind = if entry.name == kind {
        String::new()
    } else {
        format!("{kind} ")
    };
    format!("### #{} {kind}{}{about}", entry.seq, escaped(&entry.name))
}

fn section(text: &Text) -> String {
    let ticks = text
        .text
        .split(|c| c != '`')
        .map(str::len)
        .max()
        .unwrap_or(0);
    let fence = "`".repeat(ticks.max(2) + 1);
    let block = format!("{fence}text\n{}\n{fence}", text.text);
    if text.is_long {
        let lines = text.text.lines().count();
        format!(
            "<details><summary>{} ({lines} lines)</summary>\n\n{block}\n\n</details>",
            text.name
        )
    } else {
        format!("**{}**\n\n{block}", text.name)
    }
}

/// Escapes characters that are special in Markdown or HTML.
fn escaped(text: &str) -> String {
    let mut safe = String::new();
    for c in text.chars() {
        if matches!(
            c,
            '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '#' | '|' | '!' | '&'
        ) {
            safe.push('\\');
        }
        safe.push(c);
    }
    safe
}
