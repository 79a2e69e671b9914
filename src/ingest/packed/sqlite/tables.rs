//! What the tables of each program mean, a file a program. A format names its own in `Layout::stores`.

pub(crate) mod crush;
pub(crate) mod cursor_store;
pub(crate) mod goose;
pub(crate) mod hermes;
pub(crate) mod llm_logs;
pub(crate) mod opencode;
pub(crate) mod zed;
