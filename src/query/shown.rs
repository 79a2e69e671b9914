//! The words that screens show for a status where they are not those of filters. Filters accept them too.

use crate::model::action::Status;
use crate::model::run::RunStatus;
use crate::query::expr::{State, Value};

macro_rules! shown {
    ($($word:literal $([$full:literal])? $($short:literal)*;)*) => {
        /// What is shown, and the word of filters.
        const SHOWN: &[(&str, &str)] = &[$($(($full, $word),)? $(($short, $word),)*)*];

        /// How a status is shown, where that is not its own word or a short form of it.
        pub(super) fn help(word: &str) -> &'static str {
            match word {
                $($($word => concat!("shown as: ", $full),)?)*
                _ => "",
            }
        }
    };
}

// The word of filters, what is shown in full, short forms.
shown! {
    "pending"    ["no result"] "no-result";
    "running"    ["open"];
    "unfinished" ["ended, no end recorded"] "no end" "no-end";
    "cancelled"  "canc";
    "blocked"    "block";
}

/// A value of `status:` in the words of filters; unchanged if it names no status.
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

/// Whether a status is shown in words that start with `typed`.
pub(super) fn begins(word: &str, typed: &str) -> bool {
    SHOWN
        .iter()
        .any(|(shown, of)| *of == word && shown.starts_with(typed))
}

/// The filter to write instead of `status:` if the word is a state.
pub(super) fn state(word: &str) -> Option<String> {
    State::from_word(word).map(|state| format!("is:{}", state.word()))
}
