//! What changed, as rows: two texts compared, and patches that a trace holds. Added and removed lines begin
//! with a sign, so that no colour is needed.

use similar::ChangeTag;

use crate::analysis::changes::{self, AROUND};
use crate::tui::widgets::outline::build::{Builder, New, margin};
use crate::tui::widgets::tone::Tone;

/// Adds the lines that differ between two texts, with some equal ones around.
pub fn texts(builder: &mut Builder, old: &str, new: &str) {
    let diff = changes::compare(old, new);
    let mut seen = 0;
    for group in diff.grouped_ops(AROUND) {
        let Some(first) = group.first() else { continue };
        skipped(builder, first.old_range().start - seen);
        seen = group.last().map_or(seen, |last| last.old_range().end);
        for op in &group {
            for change in diff.iter_inline_changes(op) {
                if builder.is_full() {
                    return builder.more("the rest of this change");
                }
                let (sign, tone, inner) = look(change.tag());
                let mut line = format!("{sign} ");
                let mut spans = Vec::new();
                for (is_emphasised, piece) in change.iter_strings_lossy() {
                    let start = line.len();
                    line.push_str(piece.trim_end_matches(['\n', '\r']));
                    if is_emphasised {
                        spans.push(start..line.len());
                    }
                }
                builder.push(New {
                    hang: 2 + margin(line.get(2..).unwrap_or_default()),
                    ..New::line(tone, &line)
                });
                for span in spans {
                    builder.span(span, inner);
                }
            }
        }
    }
    skipped(builder, old.lines().count().saturating_sub(seen));
}

fn skipped(builder: &mut Builder, lines: usize) {
    if lines > 0 {
        let plural = if lines == 1 { "" } else { "s" };
        builder.push(New::line(
            Tone::Faint,
            &format!("  … {lines} equal line{plural}"),
        ));
    }
}

fn look(tag: ChangeTag) -> (char, Tone, Tone) {
    match tag {
        ChangeTag::Equal => (' ', Tone::Faint, Tone::Faint),
        ChangeTag::Insert => ('+', Tone::Good, Tone::Added),
        ChangeTag::Delete => ('-', Tone::Bad, Tone::Removed),
    }
}

/// How many lines are searched for the mark of a patch.
const LOOK_AT: usize = 40;

/// Whether a text is a patch: one for `apply_patch`, or a unified one.
pub fn is_patch(text: &str) -> bool {
    let mut lines = text.lines().take(LOOK_AT);
    let mut was_old = false;
    lines.any(|line| {
        let is_new = was_old && line.starts_with("+++ ");
        was_old = line.starts_with("--- ");
        is_new || line.starts_with("*** Begin Patch") || line.starts_with("diff --git ")
    })
}

/// The lines of a patch; each file is a row that folds.
pub fn patch(builder: &mut Builder, text: &str) {
    let (head, rest) = builder.head_of(text);
    let mut is_open = false;
    for (line, next) in head
        .lines()
        .zip(head.lines().skip(1).map(Some).chain([None]))
    {
        if builder.is_full() {
            builder.more("the rest of this patch");
            break;
        }
        if let Some(file) = begins_file(line, next, is_open) {
            if is_open {
                builder.close();
            }
            builder.open(New::section(file));
            is_open = true;
        } else if !is_frame(line) {
            let code = line.strip_prefix(['+', '-', ' ']);
            builder.push(New {
                hang: code.map_or(0, |code| 1 + margin(code)),
                ..New::line(tone_of(line), line)
            });
        }
    }
    if is_open {
        builder.close();
    }
    builder.count(rest);
}

/// The title of a file of a patch, where `line` begins one.
fn begins_file<'a>(line: &'a str, next: Option<&str>, is_open: bool) -> Option<&'a str> {
    if line.starts_with("diff --git ") {
        return Some(line);
    }
    let action = ["*** Update File: ", "*** Add File: ", "*** Delete File: "];
    if action.iter().any(|action| line.starts_with(action)) {
        return line.strip_prefix("*** ");
    }
    // A unified patch without git: the names of the files are all there is.
    let is_pair = line.starts_with("--- ") && next.is_some_and(|next| next.starts_with("+++ "));
    (is_pair && !is_open).then(|| line.get(4..).unwrap_or_default())
}

fn is_frame(line: &str) -> bool {
    line.starts_with("*** Begin Patch") || line.starts_with("*** End Patch")
}

fn tone_of(line: &str) -> Tone {
    if line.starts_with("+++ ") || line.starts_with("--- ") || line.starts_with("*** ") {
        return Tone::Faint;
    }
    match line.as_bytes().first() {
        Some(b'+') => Tone::Good,
        Some(b'-') => Tone::Bad,
        Some(b'@') => Tone::Key,
        Some(_) | None => Tone::Faint,
    }
}
