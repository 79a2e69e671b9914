//! The filter language explained from its own tables, for help on the screen, on the command line and in the
//! manual. Every example parses.

use crate::query::expr::State;
use crate::query::fields::{FAMILIES, FIELDS, Info, SPECIAL, Shape};

/// A part of the language, as lines of two columns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Section {
    pub title: &'static str,
    /// What is written, and what it matches.
    pub lines: Vec<(String, String)>,
}

const BASICS: &[(&str, &str)] = &[
    ("tool:refund", "the whole value; case does not count"),
    ("agent:support*", "a prefix: * and ? are wildcards"),
    ("tool:(refund|pay)", "one of several values"),
    (
        "-user:bot",
        "anything but this; also written `not user:bot`",
    ),
    ("a b", "both; `a or b` for either; parentheses for groups"),
    (
        "\"free text\"",
        "text anywhere in the action; for runs also in the id",
    ),
    (
        "in:result timeout",
        "text in the result only; also in:args, in:text",
    ),
    ("/time.?out/", "a regular expression anywhere"),
    (
        "text~refund",
        "a regular expression in a field; case counts, unlike after `:` (text~/refund/i ignores it)",
    ),
    ("tool=Bash", "exactly, case included"),
    ("cost>0.05", "numbers and dollars: > >= < <="),
    ("latency>=2s", "durations: ms, s, m, h, d"),
    ("turn:3..9", "a range, both ends included"),
    ("args.amount>500", "a value inside the arguments"),
    ("has:args.note", "recorded, with any value"),
    ("since:10m", "no older than; also since:2026-02-11"),
    ("at:14:02..14:05", "the time of day"),
];

/// The whole language, section by section.
pub fn sections() -> Vec<Section> {
    let own = |pairs: &[(&str, &str)]| {
        let pairs = pairs.iter();
        pairs
            .map(|(text, means)| ((*text).to_owned(), (*means).to_owned()))
            .collect()
    };
    let states = State::ALL.iter();
    let states = states.map(|state| (format!("is:{}", state.word()), state.help().to_owned()));
    let families = FAMILIES.iter().chain(SPECIAL);
    let families = families.map(|(name, doc)| {
        let sign = if FAMILIES.iter().any(|(family, _)| family == name) {
            "."
        } else {
            ":"
        };
        (format!("{name}{sign}…"), (*doc).to_owned())
    });
    vec![
        Section {
            title: "filters",
            lines: own(BASICS),
        },
        Section {
            title: "fields",
            lines: FIELDS.iter().map(line).collect(),
        },
        Section {
            title: "states",
            lines: states.collect(),
        },
        Section {
            title: "more",
            lines: families.collect(),
        },
    ]
}

/// A field by example, with what it holds and its other names.
fn line(info: &Info) -> (String, String) {
    let other = match info.aliases {
        [] => String::new(),
        aliases => format!(" (also {})", aliases.join(", ")),
    };
    (example(info), format!("{}{other}", info.doc))
}

/// A filter on the field that shows how its values are written.
pub fn example(info: &Info) -> String {
    let name = info.name;
    match info.shape {
        Shape::Kind => format!("{name}:tool"),
        Shape::Status => format!("{name}:error"),
        Shape::Verdict => format!("{name}:block"),
        Shape::Effect => format!("{name}:deny"),
        Shape::Name => format!("{name}:abc*"),
        Shape::Text => format!("{name}:word"),
        Shape::Count => format!("{name}>3"),
        Shape::Score => format!("{name}>=0.5"),
        Shape::Money => format!("{name}>0.05"),
        Shape::Duration => format!("{name}>=2s"),
        Shape::Flag => format!("{name}:yes"),
        Shape::Json => format!("{name}:value"),
        Shape::Presence => format!("has:{name}"),
    }
}

#[cfg(test)]
mod tests {
    use super::{FIELDS, sections};
    use crate::query;

    #[test]
    fn every_example_parses() {
        for section in sections().iter().filter(|it| it.title != "more") {
            for (text, _) in &section.lines {
                assert!(query::parse_over_policy(text).is_ok(), "{text}");
            }
        }
    }

    #[test]
    fn every_field_is_explained() {
        let all = sections();
        let fields = all.iter().find(|it| it.title == "fields");
        assert_eq!(fields.map(|it| it.lines.len()), Some(FIELDS.len()));
    }
}
