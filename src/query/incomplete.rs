//! Whether a filter is still being typed, so that it should not be applied yet.

use crate::query;
use crate::query::fields;
use crate::query::lex::{ends_word, in_name};

/// Whether the end of the text is unfinished: a mistake that more letters may mend (`status:`, `status:er`), or the
/// beginning of a field's name (`stat`), which alone would search for the letters.
pub fn is_incomplete(text: &str) -> bool {
    match query::parse(text) {
        Err(error) => error.span.end >= text.trim_end().len(),
        Ok(_) => begins_a_name(text),
    }
}

fn begins_a_name(text: &str) -> bool {
    let start = text.rfind(ends_word).map_or(0, |at| {
        let first = text.get(at..).and_then(|rest| rest.chars().next());
        at + first.map_or(1, char::len_utf8)
    });
    // A quoted text is not a name.
    let is_quoted = text
        .get(..start)
        .is_some_and(|before| before.ends_with('"'));
    let word = text.get(start..).unwrap_or_default();
    let word = word.trim_start_matches(['-', '!']);
    let is_name = |c: char| in_name(c) || c == '.';
    !word.is_empty()
        && !is_quoted
        && word.chars().all(is_name)
        && fields::names().any(|name| name.starts_with(word))
}

#[cfg(test)]
mod tests {
    use super::is_incomplete;

    #[test]
    fn what_more_letters_may_mend_is_incomplete() {
        for text in [
            "s",
            "stat",
            "status",
            "status:",
            "status:er",
            "is:",
            "cost>",
            "\"a b",
            "(",
            "a tool",
            "-sta",
            "tokens.",
        ] {
            assert!(is_incomplete(text), "{text}");
        }
        for text in [
            "",
            "dial",
            "status:error",
            "status:error ",
            "stat ",
            "costt>1",
            "costt>1 x",
            "\"status\"",
            "Stat",
        ] {
            assert!(!is_incomplete(text), "{text}");
        }
    }
}
