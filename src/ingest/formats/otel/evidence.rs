//! The attributes by which traces become runs, and those that name who a run is for: shared by the reader and by the
//! queries that select runs in an engine.

/// Synonyms, newest and most specific first.
pub(crate) const THREAD: &[&str] = &[
    "thread_id",
    "metadata.thread_id",
    "langsmith.metadata.thread_id",
    "traceloop.association.properties.thread_id",
    "langfuse.trace.metadata.thread_id",
    "langfuse.observation.metadata.thread_id",
];
pub(crate) const CONVERSATION: &[&str] = &["gen_ai.conversation.id", "conversation.id"];
pub(crate) const SESSION: &[&str] = &[
    "session.id",
    "metadata.session_id",
    "langfuse.session.id",
    "langsmith.metadata.session_id",
    "langsmith.trace.session_id",
    "traceloop.association.properties.session_id",
    "ai.telemetry.metadata.sessionId",
];

pub(crate) const USER: &[&str] = &[
    "user.id",
    "metadata.user_id",
    "enduser.id",
    "langfuse.user.id",
    "langsmith.metadata.user_id",
    "traceloop.association.properties.user_id",
    "ai.telemetry.metadata.userId",
];
pub(crate) const ENVIRONMENT: &[&str] = &[
    "deployment.environment.name",
    "deployment.environment",
    "env",
];

/// Equivalent members of the JSON in the attribute `metadata`.
pub(crate) const THREAD_IN_METADATA: &[&str] = &["thread_id", "langgraph_thread_id"];
pub(crate) const CONVERSATION_IN_METADATA: &[&str] = &["conversation_id"];
pub(crate) const SESSION_IN_METADATA: &[&str] = &["session_id"];
