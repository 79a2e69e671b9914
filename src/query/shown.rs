//! The words that screens show for a status where they are not those of filters. Filters accept them too.

use crate::model::action::Status;
use crate::model::run::RunStatus;
use crate::query::expr::{State, Value};

/// What is shown, and the word of filters.
const SHOWN: &[(&str, &str)] = &[
    ("no result", "pending"),
    ("no-result", "pending"),
    ("open", "running"),
    ("ended, no end recorded", "unfinished"),
    ("no end", "unfinished"),
    ("no-end", "unfinished"),
    ("canc", "cancelled"),
    ("block", "blocked"),
];

/// A value of `status:` in the words of filters; whatever it is if it names none.
pub(super) fn status(value: Value) -> Value {
    let (Value::Word(word) | Value::Quoted(word)) = &value else {
        return value;
    };
    match meant(word) {
        Some(known) => Value::Word(known.to_owned()),
        None => value,
    }
}

/// The status that a word names, in the words of filters.
pub(super) fn meant(word: &str) -> Option<&'static str> {
    let actions = Status::ALL.iter().map(|it| it.word());
    let mut known = actions.chain(RunStatus::ALL.iter().map(|it| it.word()));
    let own = known.find(|it| !it.is_empty() && it.eq_ignore_ascii_case(word));
    own.or_else(|| word_of(word))
}

fn word_of(shown: &str) -> Option<&'static str> {
    let found = SHOWN.iter().find(|(it, _)| it.eq_ignore_ascii_case(shown));
    found.map(|(_, word)| *word)
}

/// Whether a status is shown in words that begin so.
pub(super) fn begins(word: &str, typed: &str) -> bool {
    SHOWN
        .iter()
        .any(|(shown, of)| *of == word && shown.starts_with(typed))
}

/// How a status is shown, where that is not its own word.
pub(super) fn help(word: &str) -> &'static str {
    match word {
        "pending" => "shown as: no result",
        "running" => "shown as: open",
        "unfinished" => "shown as: ended, no end recorded",
        _ => "",
    }
}

/// The state that `status:` was asked for.
pub(super) fn state(word: &str) -> Option<String> {
    State::from_word(word).map(|state| format!("is:{}", state.word()))
}
