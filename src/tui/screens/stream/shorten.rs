//! Makes the words of a row fit its column without losing what they are about: folders of paths go first,
//! then details of the outcome, then what only shapes the output of a command or prepares it; the end is cut last.

use std::borrow::Cow;

use crate::base::text;

/// Between the parts of a row: what was asked for, and the outcome.
const PARTS: &str = " · ";

/// The words of a call in at most `cells`.
pub fn call(words: &str, cells: usize) -> Cow<'_, str> {
    if text::width(words) <= cells {
        return Cow::Borrowed(words);
    }
    let mut fitted = shorten_paths(words, cells);
    while text::width(&fitted) > cells {
        match fitted.rfind(PARTS) {
            Some(at) if at > 0 => fitted.truncate(at),
            Some(_) | None => break,
        }
    }
    for less in [without_plumbing, without_setup] {
        if text::width(&fitted) > cells {
            fitted = less(&fitted);
        }
    }
    Cow::Owned(cut(&fitted, cells))
}

/// Words that still do not fit: the last path in them stays, with what follows it, since a call is about it; of a command
/// with options, the last word. A path or an address that is too long itself is cut in its middle.
fn cut(words: &str, cells: usize) -> String {
    let tokens: Vec<&str> = words.split(' ').collect();
    let has_options = words.contains(" -") && !words.contains(['"', '\'']);
    let last = tokens
        .iter()
        .rposition(|token| token.contains('/'))
        .or_else(|| has_options.then_some(tokens.len() - 1));
    let Some(at) = last.filter(|_| text::width(words) > cells) else {
        return text::cut(words, cells).into_owned();
    };
    let joined = |tokens: &[&str]| tokens.join(" ");
    let (before, after) = (joined(&tokens[..at]), joined(&tokens[at + 1..]));
    let gap = |words: &str| usize::from(!words.is_empty());
    let behind = text::width(&after) + gap(&after);
    if behind * 3 > cells {
        return text::cut(words, cells).into_owned();
    }
    let path = tokens[at];
    let bare = path.strip_prefix("https://");
    let bare = bare.or_else(|| path.strip_prefix("http://"));
    let path = bare.unwrap_or(path);
    let left = cells - behind;
    let head = (text::width(&before) + gap(&before)).min(left / 2);
    let path = text::cut_middle(path, left - head);
    let left = left.saturating_sub(text::width(&path) + gap(&before));
    let before = text::cut(&before, left);
    let parts = [before.as_ref(), path.as_ref(), after.as_str()];
    let parts: Vec<&str> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    text::cut(&parts.join(" "), cells).into_owned()
}

/// Drops as many folders from paths as necessary, from the longest path first.
fn shorten_paths(words: &str, cells: usize) -> String {
    let mut tokens: Vec<Cow<'_, str>> = words.split(' ').map(Cow::Borrowed).collect();
    let mut width = text::width(words);
    while width > cells {
        let longest = tokens
            .iter()
            .enumerate()
            .filter_map(|(at, token)| {
                let short = shorter_path(token, width - cells)?;
                Some((text::width(token) - text::width(&short), at, short))
            })
            .max_by_key(|(gain, ..)| *gain);
        let Some((gain, at, short)) = longest.filter(|(gain, ..)| *gain > 0) else {
            break;
        };
        width -= gain;
        tokens[at] = Cow::Owned(short);
    }
    tokens.join(" ")
}

/// A path with `…` in place of its first folders, shorter by `excess` cells if its name allows; `None` for
/// what is not a path, or has no folder left to drop.
fn shorter_path(token: &str, excess: usize) -> Option<String> {
    if token.contains("://") || token.contains("/dev/") {
        return None;
    }
    let first = token.find('/')?;
    // What comes before the path: a quote, `--file=`, `path=`.
    let start = token.get(..first)?.rfind(['"', '\'', '=', '(', ':']);
    let start = start.map_or(0, |at| at + token.get(at..).map_or(1, first_len));
    let (before, path) = token.split_at(start.min(first));
    let slashes = path.match_indices('/').map(|(at, _)| at);
    // A trailing slash belongs to the name before it.
    let slashes: Vec<usize> = slashes.filter(|at| at + 1 < path.len()).collect();
    let short = |at: &usize| format!("{before}…{}", path.get(*at..).unwrap_or_default());
    let room = text::width(token).saturating_sub(excess);
    let fitting = slashes.iter().map(short).find(|it| text::width(it) <= room);
    let short = fitting.or_else(|| slashes.last().map(short))?;
    (text::width(&short) < text::width(token)).then_some(short)
}

/// Bytes of the first character.
fn first_len(text: &str) -> usize {
    text.chars().next().map_or(0, char::len_utf8)
}

/// A command without what only shapes its output: `2>&1 | head -20`.
fn without_plumbing(words: &str) -> String {
    let mut rest = words;
    loop {
        let bare = rest.trim_end();
        let pipe = bare.rfind(" | ").filter(|at| {
            let last = bare.get(at + 3..).unwrap_or_default();
            last.starts_with("head") || last.starts_with("tail")
        });
        let end = pipe.or_else(|| {
            let ends = [" 2>&1", " 2>/dev/null", " || true"];
            let end = ends.iter().find(|end| bare.ends_with(**end))?;
            Some(bare.len() - end.len())
        });
        match end {
            Some(end) => rest = bare.get(..end).unwrap_or_default(),
            None => return bare.to_owned(),
        }
    }
}

/// What a command line does before the command that it is about.
const SETUP: &[&str] = &["cd ", "git add ", "source ", ". ", "export ", "mkdir "];

/// A command without the steps that prepare it: `Bash cd /work/shop && cargo test`, `git add -A && git commit`.
fn without_setup(words: &str) -> String {
    let is_setup = |part: &str| SETUP.iter().any(|setup| part.starts_with(setup));
    let tool = words.find(' ').map_or(0, |at| at + 1);
    let (tool, mut rest) = words.split_at(if is_setup(words) { 0 } else { tool });
    while is_setup(rest) {
        let ends = [rest.split_once(" && "), rest.split_once("; ")];
        let first = ends
            .into_iter()
            .flatten()
            .min_by_key(|(setup, _)| setup.len());
        let Some((_, command)) = first else { break };
        rest = command.trim_start();
    }
    format!("{tool}{rest}")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::call;
    use crate::base::text;

    #[track_caller]
    fn check(words: &str, cells: usize, expected: &str) {
        assert_eq!(call(words, cells), expected);
    }

    #[test]
    fn a_path_keeps_its_name_and_loses_folders() {
        let edit = "Edit …/lib/spotter/telemetry/otel.ex −6 · updated";
        check(edit, 60, edit);
        check(edit, 42, "Edit …/telemetry/otel.ex −6 · updated");
        check(edit, 32, "Edit …/otel.ex −6 · updated");
        check(edit, 20, "Edit …/otel.ex −6");
        check(
            "Read /work/shop/config/config.exs 1-40",
            26,
            "Read …/config.exs 1-40",
        );
        check("ls path=\"/a/bcd/efg/\"", 16, "ls path=\"…/efg/\"");
    }

    #[test]
    fn the_longest_path_gives_way_first() {
        check(
            "cp /a/very/long/way/x.rs /b/y.rs",
            24,
            "cp …/way/x.rs /b/y.rs",
        );
    }

    #[test]
    fn an_outcome_goes_before_the_argument_is_cut() {
        check(
            "refund order_id=8841 amount=4200 · blocked · 5 lines",
            42,
            "refund order_id=8841 amount=4200 · blocked",
        );
        check(
            "refund order_id=8841 amount=4200 · blocked",
            34,
            "refund order_id=8841 amount=4200",
        );
    }

    #[test]
    fn a_change_of_folder_goes_before_the_command_is_cut() {
        check(
            "Bash cd /work/shop && cargo test --all",
            24,
            "Bash cargo test --all",
        );
        check("Bash cd /work/shop", 14, "Bash cd …/shop");
        check(
            "Bash git add -A && git commit -m \"feat: add a cap on refunds\"",
            40,
            "Bash git commit -m \"feat: add a cap on …",
        );
        check(
            "cd /work/shop; source .env && cargo test --all",
            24,
            "cargo test --all",
        );
    }

    #[test]
    fn the_last_word_of_a_command_with_options_stays() {
        check(
            "Bash bd update shop-4te.1 --status in_progress",
            40,
            "Bash bd update shop-4te.1 -… in_progress",
        );
        check(
            "search \"what to do -with it\" in all of them",
            20,
            "search \"what to do …",
        );
    }

    #[test]
    fn what_shapes_the_output_goes_before_the_command_is_cut() {
        check(
            "Bash grep -rn \"x\" lib 2>/dev/null | head -20",
            24,
            "Bash grep -rn \"x\" lib",
        );
    }

    #[test]
    fn a_path_at_the_end_of_a_command_stays() {
        check(
            "Bash grep -A 3 \"This propagator along with\" deps/otel/src/baggage.erl | head -20",
            44,
            "Bash grep -A 3 \"This propagat… …/baggage.erl",
        );
    }

    #[test]
    fn an_address_and_a_long_name_are_cut_in_the_middle() {
        check(
            "fetch https://hex.pm/packages/opentelemetry_ash",
            30,
            "fetch hex.pm/…pentelemetry_ash",
        );
        check(
            "Read …/20260211104759_replace_pane_id.exs 1-9",
            32,
            "Read …/20260…ace_pane_id.exs 1-9",
        );
    }

    proptest! {
        #[test]
        fn anything_fits(words in "[ -~…/·é日]{0,80}", cells in 1_usize..60) {
            prop_assert!(text::width(&call(&words, cells)) <= cells);
        }
    }
}
