//! The line of context around a match in an action.

use serde_json::Value;

use crate::base::text::cut;
use crate::ingest::body::Body;
use crate::query::needles::{Needle, first};

/// Characters shown before and after a match.
const BEFORE: usize = 24;
const AFTER: usize = 80;

/// The first text of an action that holds one of some needles, cut around it: `…mix dialyzer --format…`. `None` where
/// none of them occurs. It is not sanitised.
pub fn around(body: &Body, sought: &[Needle]) -> Option<String> {
    let mut texts = Vec::new();
    texts.extend(body.text.as_deref());
    [&body.args, &body.result]
        .into_iter()
        .flatten()
        .for_each(|value| scalars(value, &mut texts));
    if let Some(error) = &body.error {
        texts.push(&error.message);
        texts.extend(error.stack.as_deref());
    }
    texts.into_iter().find_map(|text| cut_around(text, sought))
}

/// Every text in a value, in its order.
fn scalars<'a>(value: &'a Value, texts: &mut Vec<&'a str>) {
    match value {
        Value::String(text) => texts.push(text),
        Value::Array(items) => items.iter().for_each(|item| scalars(item, texts)),
        Value::Object(members) => members.values().for_each(|value| scalars(value, texts)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// A text around the first of some needles, on one line.
pub fn cut_around(text: &str, sought: &[Needle]) -> Option<String> {
    let found = first(sought, text, 0)?;
    let (before, rest) = text.split_at(found.start);
    let start = before.char_indices().rev().take(BEFORE).last();
    let start = start.map_or(found.start, |(at, _)| at);
    let end = rest.char_indices().nth(found.len() + AFTER);
    let end = end.map_or(text.len(), |(at, _)| found.start + at);
    let line: Vec<&str> = text.get(start..end)?.split_whitespace().collect();
    let more = |is_cut: bool| if is_cut { "…" } else { "" };
    Some(format!(
        "{}{}{}",
        more(start > 0),
        line.join(" "),
        more(end < text.len())
    ))
}

/// Whether a text shows one of some needles.
pub fn holds(text: &str, sought: &[Needle]) -> bool {
    first(sought, text, 0).is_some()
}

/// The text around a match, with its beginning cut so that the match fits the given cells.
pub fn nearer(around: &str, sought: &[Needle], cells: usize) -> String {
    let mut shown = around.to_owned();
    while !holds(&cut(&shown, cells), sought) {
        let rest = shown.trim_start_matches('…');
        match rest.split_once(' ') {
            Some((_, rest)) if holds(rest, sought) => shown = format!("…{rest}"),
            Some(_) | None => break,
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{around, nearer};
    use crate::ingest::body::Body;
    use crate::query::needles::Needle;

    fn word(text: &str) -> [Needle; 1] {
        [Needle::Text(text.to_owned())]
    }

    #[test]
    fn the_text_around_a_match_is_cut_on_both_sides_and_put_on_one_line() {
        let long = format!(
            "{}\nrun mix dialyzer\nnow {}",
            "a ".repeat(40),
            "z".repeat(200)
        );
        let body = Body {
            args: Some(json!({"path": "x", "edits": [{"new": long}]})),
            ..Body::default()
        };
        let found = around(&body, &word("dialyzer")).expect("found");
        assert!(found.starts_with("…a a"), "{found}");
        assert!(found.contains("run mix dialyzer now zzz"), "{found}");
        assert!(found.ends_with("z…") && found.len() < 130, "{found}");
        assert_eq!(around(&body, &word("absent")), None);
    }

    #[test]
    fn a_match_that_would_be_cut_off_comes_nearer() {
        let sought = word("dialyzer");
        let near = nearer("…apples oranges run mix dialyzer before", &sought, 20);
        assert_eq!(near, "…run mix dialyzer before");
        assert_eq!(nearer("no such", &sought, 4), "no such");
    }

    #[test]
    fn letters_of_several_bytes_are_never_cut() {
        let body = Body {
            text: Some(format!("{}beads{}", "é".repeat(50), "日".repeat(200))),
            ..Body::default()
        };
        let found = around(&body, &word("beads")).expect("found");
        assert!(found.contains("ébeads日"), "{found}");
    }
}
