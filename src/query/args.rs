//! The arguments of a call as its record holds them, for filters and rules that need nothing else of the action.

use serde_json::Value;

use crate::ingest::json::Cursor;
use crate::model::action::Kind;
use crate::store::row::Row;

/// Whether the arguments of a row are those in its own record: no later record can change them.
pub(super) fn are_alone(row: &Row<'_>) -> bool {
    row.kind() == Kind::ToolCall
        && row.source().format.finds_args().is_some()
        && row.attached().len() == 0
        && row.other_records().len() == 0
}

/// Whether a row is known to have no arguments. A record that is an error as a whole, or of an unknown type, may hold a
/// call all the same.
pub(super) fn are_none(row: &Row<'_>) -> bool {
    !matches!(row.kind(), Kind::ToolCall | Kind::Error | Kind::Unknown)
        && row.source().format.has_args_of_calls_only()
}

/// The arguments as the record of a row holds them. None if the action has to be opened for them.
pub fn bytes<'a>(row: &Row<'_>, mut record: Cursor<'a>) -> Option<&'a [u8]> {
    let found = row.source().format.finds_args()?(&mut record, row.place().part)?;
    record.bytes().get(found.start..found.end)
}

/// The same, read.
pub(super) fn of(row: &Row<'_>, record: Cursor<'_>) -> Option<Value> {
    serde_json::from_slice(bytes(row, record)?).ok()
}
