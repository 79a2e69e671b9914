//! The names of models in little room: the provider and the date of release go before any part of the name.

use std::borrow::Cow;

use crate::base::text;

/// Between the names of a list.
pub const BETWEEN: &str = ", ";

/// Vendors that Bedrock puts before the name: `us.anthropic.claude-…`.
const VENDORS: &[&str] = &[
    "anthropic.",
    "amazon.",
    "cohere.",
    "deepseek.",
    "meta.",
    "mistral.",
    "openai.",
    "qwen.",
];

/// `claude-opus-4-5` of `us.anthropic.claude-opus-4-5-20251101-v1:0`.
pub fn bare(model: &str) -> &str {
    undated(released(provided(model)))
}

fn provided(model: &str) -> &str {
    let last = model.rsplit_once('/').map_or(model, |(_, last)| last);
    let last = if last.is_empty() { model } else { last };
    let named = VENDORS.iter().find_map(|vendor| {
        let (region, name) = last.split_once(vendor)?;
        let is_region = region.is_empty() || region.ends_with('.');
        (is_region && !name.is_empty()).then_some(name)
    });
    named.unwrap_or(last)
}

/// Without the release of Bedrock: `-v1:0`.
fn released(model: &str) -> &str {
    let release = model.rsplit_once("-v").filter(|(name, end)| {
        !name.is_empty()
            && end.contains(':')
            && end.bytes().all(|it| it == b':' || it.is_ascii_digit())
    });
    release.map_or(model, |(name, _)| name)
}

/// Without the date at the end: `-20251101`, `@20251101`, `-2025-11-01`.
fn undated(model: &str) -> &str {
    const PATTERNS: &[&str] = &["-00000000", "@00000000", "-0000-00-00"];
    let is_digit_or = |(byte, like): (u8, u8)| match like {
        b'0' => byte.is_ascii_digit(),
        like => byte == like,
    };
    let ends = PATTERNS.iter().find_map(|pattern| {
        let at = model
            .len()
            .checked_sub(pattern.len())
            .filter(|at| *at > 0)?;
        let end = model.get(at..)?;
        let is_date = end.bytes().zip(pattern.bytes()).all(is_digit_or);
        is_date.then_some(at)
    });
    ends.and_then(|at| model.get(..at)).unwrap_or(model)
}

/// One or more names in at most `cells` cells. If they do not fit, the first is named and the others are counted.
pub fn fit(names: &str, cells: usize) -> Cow<'_, str> {
    if text::width(names) <= cells {
        return Cow::Borrowed(names);
    }
    let bare: Vec<&str> = names.split(BETWEEN).map(bare).collect();
    let joined = bare.join(BETWEEN);
    if text::width(&joined) <= cells {
        return Cow::Owned(joined);
    }
    let more = match bare.len() {
        0 | 1 => String::new(),
        all => format!(" +{}", all - 1),
    };
    let first = bare.first().copied().unwrap_or_default();
    let room = cells.saturating_sub(more.len());
    Cow::Owned(format!("{}{more}", without_beginning(first, room)))
}

/// Models of one maker begin alike: what tells them apart is at the end, so parts of a name are dropped from its
/// beginning.
fn without_beginning(model: &str, cells: usize) -> String {
    if text::width(model) <= cells {
        return model.to_owned();
    }
    let tails = model
        .match_indices('-')
        .filter_map(|(at, _)| model.get(at + 1..));
    let fitting = tails
        .map(|tail| format!("…{tail}"))
        .find(|tail| text::width(tail) <= cells);
    fitting.unwrap_or_else(|| text::cut_front(model, cells).into_owned())
}

#[cfg(test)]
mod tests {
    use super::{bare, fit};

    #[track_caller]
    fn check(names: &str, cells: usize, expected: &str) {
        assert_eq!(fit(names, cells), expected);
    }

    #[test]
    fn provider_and_date_go_before_the_name() {
        check(
            "claude-sonnet-4-5-20250929",
            26,
            "claude-sonnet-4-5-20250929",
        );
        check("claude-sonnet-4-5-20250929", 17, "claude-sonnet-4-5");
        check("openrouter/openai/gpt-5-2025-08-07", 12, "gpt-5");
        check(
            "us.anthropic.claude-opus-4-5-20251101-v1:0",
            16,
            "claude-opus-4-5",
        );
        assert_eq!(bare("claude-opus-4@20250514"), "claude-opus-4");
        assert_eq!(bare("models/gemini-2.5-flash"), "gemini-2.5-flash");
        assert_eq!(bare("20251101"), "20251101");
        assert_eq!(bare("o3/"), "o3/");
    }

    #[test]
    fn then_parts_go_from_the_beginning() {
        check("claude-sonnet-4-5-20250929", 12, "…sonnet-4-5");
        check("claude-sonnet-4-5-20250929", 8, "…4-5");
        check("gemini-2.5-flash", 12, "…2.5-flash");
        check("verylongmodel", 6, "…model");
    }

    #[test]
    fn of_several_the_first_is_named() {
        check("gpt-4o-2024-08-06, gpt-5", 30, "gpt-4o-2024-08-06, gpt-5");
        check("gpt-4o-2024-08-06, gpt-5", 14, "gpt-4o, gpt-5");
        check("gpt-4o-2024-08-06, gpt-5", 12, "gpt-4o +1");
        check("claude-opus-4-5, gpt-5, o3", 12, "…opus-4-5 +2");
    }
}
