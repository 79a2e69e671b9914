//! Where a value came from: the first earlier action of the run that contains it. Inferred from
//! equal text, not recorded.

use serde_json::Value;

use crate::base::cancel::CancelFlag;
use crate::ingest::body::Body;
use crate::model::action::{ActionIx, Kind};
use crate::model::chunk::CHUNK_ROWS;
use crate::store::Store;
use crate::store::bodies::{self, Depth};
use crate::store::row::Row;
use crate::store::search::{Needle, Reader};

#[cfg(test)]
mod tests;

/// The action that contains a value, and where in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Origin {
    pub action: ActionIx,
    pub found_in: FoundIn,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FoundIn {
    Result,
    Text,
}

impl FoundIn {
    pub fn word(self) -> &'static str {
        match self {
            FoundIn::Result => "result",
            FoundIn::Text => "text",
        }
    }
}

/// Shorter values occur everywhere by chance.
pub const MIN_LENGTH: usize = 2;

/// The first action of the same run, before `ix`, whose result or text contains `value` as a whole
/// word.
pub fn origin(store: &Store, ix: ActionIx, value: &str, cancel: &CancelFlag) -> Option<Origin> {
    if value.trim().len() < MIN_LENGTH {
        return None;
    }
    let row = store.row(ix);
    let first = row.run().first_action.get()?;
    let needle = Needle::new(value, true);
    let mut reader = Reader::default();
    for chunk in first.0 as usize / CHUNK_ROWS..=ix.0 as usize / CHUNK_ROWS {
        let base = (chunk * CHUNK_ROWS) as u32;
        let own = |at: &u16| {
            let other = base + u32::from(*at);
            other < ix.0 && store.row(ActionIx(other)).run_ix() == row.run_ix()
        };
        let len = store.chunk(chunk).map_or(0, |(chunk, _)| chunk.len());
        let mut rows: Vec<u16> = (0..len as u16).filter(own).collect();
        reader.narrow(store, chunk, &needle, &mut rows);
        for at in rows {
            if cancel.is_raised() {
                return None;
            }
            let earlier = store.row(ActionIx(base + u32::from(at)));
            if let Some(found_in) = found_in(&earlier, &row, value) {
                return Some(Origin {
                    action: earlier.ix(),
                    found_in,
                });
            }
        }
    }
    None
}

fn found_in(row: &Row<'_>, before: &Row<'_>, value: &str) -> Option<FoundIn> {
    let result = row.result_place();
    let came = row.source_ix() != before.source_ix() || result.offset < before.place().offset;
    let body = bodies::open(row, Depth::Full);
    if result.is_some() && came && in_result(&body, value) {
        return Some(FoundIn::Result);
    }
    let has_text = matches!(
        row.kind(),
        Kind::Prompt | Kind::Response | Kind::Reasoning | Kind::Note | Kind::RunStart
    );
    let holds = |text: &String| has_word(text, value);
    (has_text && body.text.as_ref().is_some_and(holds)).then_some(FoundIn::Text)
}

fn in_result(body: &Body, value: &str) -> bool {
    body.result
        .as_ref()
        .is_some_and(|result| holds(result, value))
        || body
            .error
            .as_ref()
            .is_some_and(|error| has_word(&error.message, value))
}

fn holds(found: &Value, value: &str) -> bool {
    match found {
        Value::String(text) => has_word(text, value),
        Value::Array(items) => items.iter().any(|item| holds(item, value)),
        Value::Object(members) => members
            .iter()
            .any(|(name, item)| name == value || holds(item, value)),
        Value::Number(number) => number.to_string() == value,
        Value::Bool(_) | Value::Null => false,
    }
}

/// Whether `text` contains `value` outside of a longer word or number.
fn has_word(text: &str, value: &str) -> bool {
    let is_part = |letter: Option<char>| letter.is_some_and(char::is_alphanumeric);
    let begins = value.chars().next();
    let ends = value.chars().next_back();
    text.match_indices(value).any(|(at, _)| {
        let before = text.get(..at).and_then(|head| head.chars().next_back());
        let after = text
            .get(at + value.len()..)
            .and_then(|rest| rest.chars().next());
        !(is_part(before) && is_part(begins) || is_part(after) && is_part(ends))
    })
}
