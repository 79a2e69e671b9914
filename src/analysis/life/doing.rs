//! What a run is doing now, in a line.

use crate::analysis::life::Pulse;
use crate::analysis::summary;
use crate::base::text;
use crate::model::action::Kind;
use crate::model::run::RunIx;
use crate::store::Store;
use crate::store::bodies::{Bodies, Depth};

/// The last call or the last words, as the stream shows them. Sanitised; empty if the trace has none.
pub fn words(store: &Store, (pulse, ix): (&Pulse, RunIx), bodies: &mut Bodies) -> String {
    let Some(ix) = pulse.doing(store, ix) else {
        return String::new();
    };
    let row = store.row(ix);
    let body = bodies.open(&row, Depth::Glance);
    let line = summary::line(&row, &body);
    let told = match (row.kind(), row.tool()) {
        (Kind::ToolCall, tool) if !line.starts_with(tool) => format!("{tool} {line}"),
        (_, _) => line,
    };
    text::sanitize(&told).into_owned()
}
