//! The arguments of a call as its record holds them, for tests that need nothing else of the action.

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

/// The arguments in the record of a row. None if the action has to be opened for them.
pub(super) fn of(row: &Row<'_>, mut record: Cursor<'_>) -> Option<Value> {
    let find = row.source().format.finds_args()?;
    let found = find(&mut record, row.place().part)?;
    serde_json::from_slice(&record.bytes()[found.start..found.end]).ok()
}
