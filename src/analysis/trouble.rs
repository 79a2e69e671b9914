//! Finds errors, blocks and other rows that need attention, from columns alone.

use crate::model::action::{Flags, Kind, Status, Verdict};
use crate::model::chunk::Chunk;
use crate::model::outcome::{Attached, Outcomes};

/// One row of a chunk.
#[derive(Debug, Clone, Copy)]
pub struct ChunkRow<'a> {
    pub chunk: &'a Chunk,
    pub outcomes: &'a Outcomes,
    pub row: usize,
}

impl ChunkRow<'_> {
    pub fn is_error(self) -> bool {
        matches!(
            self.outcomes.status[self.row],
            Status::Error | Status::Timeout
        ) || matches!(self.chunk.kind[self.row], Kind::Error | Kind::Malformed)
            || self.outcomes.flags[self.row].has(Flags::HAS_ERROR)
    }

    /// A block, a denial or an approval request.
    pub fn is_block(self) -> bool {
        let (kind, flags) = (self.chunk.kind[self.row], self.outcomes.flags[self.row]);
        if self.is_stopped() || flags.has(Flags::WAITING) {
            return true;
        }
        // Most rows have no verdict, so skip the lookup.
        let is_judged = matches!(kind, Kind::PolicyDecision | Kind::Approval)
            || flags.has(Flags::HAS_POLICY)
            || flags.has(Flags::HAS_APPROVAL);
        is_judged && self.outcomes.attached(self.row).any(stops)
    }

    /// Whether a policy blocked it or a person denied it.
    pub fn is_stopped(self) -> bool {
        matches!(
            self.outcomes.status[self.row],
            Status::Blocked | Status::Denied
        )
    }
}

/// Whether a verdict blocked the action or requested approval. In shadow mode it does neither.
fn stops(attached: &Attached) -> bool {
    match attached.verdict {
        Verdict::Block
        | Verdict::RequireApproval
        | Verdict::Requested
        | Verdict::Denied
        | Verdict::Expired => !attached.shadow,
        Verdict::Unrecorded
        | Verdict::Allow
        | Verdict::Redact
        | Verdict::Warn
        | Verdict::Approved => false,
    }
}
