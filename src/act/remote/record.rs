//! What the store has to know about a record that was pulled.

/// A place in time: nanoseconds since the Unix epoch, UTC.
pub(super) type Nanos = i64;

pub(super) const SECOND: Nanos = 1_000_000_000;
pub(super) const HOUR: Nanos = 3_600 * SECOND;

/// Derived from the record alone, so that it can be derived from our files again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Meta {
    pub(super) trace: String,
    /// Empty where a record holds a whole trace.
    pub(super) span: String,
    pub(super) began: Nanos,
    /// None while it runs, and where no end is recorded.
    pub(super) ended: Option<Nanos>,
    /// Whether it has no parent.
    pub(super) is_outermost: bool,
    /// The thread, conversation or session that joins its trace with others; the higher rank prevails.
    pub(super) join: Option<(u8, String)>,
}

impl Meta {
    /// The last moment that it tells of.
    pub(super) fn latest(&self) -> Nanos {
        self.ended.unwrap_or(self.began).max(self.began)
    }
}
