//! The meaning of each program's tables, one file per program. A format names its own in `Layout::stores`.

pub(crate) mod crush;
pub(crate) mod cursor_store;
pub(crate) mod goose;
pub(crate) mod hermes;
pub(crate) mod llm_logs;
pub(crate) mod opencode;
pub(crate) mod vscode_traces;
pub(crate) mod zed;
