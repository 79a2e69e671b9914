//! One thing to remember.

use crate::state::documents::{Layout, Mark, Position, SavedFilter};
use crate::state::trace::TraceId;

/// Small enough to be applied twice, once in memory and once to the file as another instance left it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// A trace was opened, at a time in microseconds since the Unix epoch.
    Opened { trace: TraceId, at: i64 },
    /// The user left a trace, or is at another place in it.
    Moved { trace: TraceId, to: Position },
    /// A mark was set, or its note changed; a letter stands for one action of a trace.
    Marked { trace: TraceId, mark: Mark },
    /// The mark of a letter was removed.
    Unmarked { trace: TraceId, letter: char },
    /// A filter was used.
    Filtered(String),
    /// A filter was saved; it replaces the one of the same name.
    SavedFilter(SavedFilter),
    /// A saved filter was deleted.
    ForgotFilter(SavedFilter),
    /// A view's table got other columns or another order.
    LaidOut { view: String, layout: Layout },
}
