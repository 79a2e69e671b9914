//! How full the context window of an agent is, and steps that add a lot to it.

use crate::analysis::alerts::detector::{Detector, Level};
use crate::analysis::alerts::fact::Response;
use crate::analysis::alerts::loops::{Notes, Noticed};
use crate::model::action::ActionIx;

/// A context that shrinks below this percentage was compacted: warnings about it start over.
const COMPACTED: u64 = 70;

#[derive(Debug, Clone, Default)]
pub(super) struct ContextWindow {
    /// Of the last model call.
    tokens: Option<(ActionIx, u64)>,
    /// The highest level that was noticed since the context was compacted.
    full: Option<Level>,
    has_jumped: bool,
}

impl ContextWindow {
    pub(super) fn is_full(&self) -> bool {
        self.full.is_some()
    }

    pub(super) fn response(&mut self, ix: ActionIx, response: &Response, notes: &mut Notes<'_>) {
        let Some(tokens) = response.context else {
            return;
        };
        let before = self.tokens.replace((ix, tokens));
        if let Some((_, before)) = before
            && tokens * 100 < before * COMPACTED
        {
            self.full = None;
        }
        self.full(ix, (tokens, response.window), notes);
        if let Some((previous, before)) = before {
            self.jump((previous, ix), tokens.saturating_sub(before), notes);
        }
    }

    fn full(&mut self, ix: ActionIx, (tokens, window): (u64, Option<u64>), notes: &mut Notes<'_>) {
        let Some(limits) = notes.limits(Detector::ContextFull) else {
            return;
        };
        // More tokens than the window holds: our window size for this model is wrong.
        let Some(window) = window.filter(|window| tokens <= *window) else {
            return;
        };
        let percent = tokens * 100 / window.max(1);
        let reached = [(Level::Trip, limits.trip), (Level::Warn, limits.warn)];
        let reached = reached
            .into_iter()
            .find(|(_, limit)| percent >= u64::from(*limit));
        let Some((level, limit)) = reached.filter(|(level, _)| self.full < Some(*level)) else {
            return;
        };
        self.full = Some(level);
        notes.out.push(Noticed {
            detector: Detector::ContextFull,
            level,
            at: ix,
            count: percent as u32,
            limit,
            period: None,
            evidence: vec![ix],
        });
    }

    /// The first jump of the lane: later ones are of the same kind.
    fn jump(&mut self, (from, to): (ActionIx, ActionIx), added: u64, notes: &mut Notes<'_>) {
        let Some(limits) = notes.limits(Detector::ContextJump) else {
            return;
        };
        let (level, limit) = match added {
            added if added > u64::from(limits.trip) => (Level::Trip, limits.trip),
            added if added > u64::from(limits.warn) => (Level::Warn, limits.warn),
            _ => return,
        };
        if std::mem::replace(&mut self.has_jumped, true) {
            return;
        }
        notes.out.push(Noticed {
            detector: Detector::ContextJump,
            level,
            at: to,
            count: added.min(u64::from(u32::MAX)) as u32,
            limit,
            period: None,
            evidence: vec![from, to],
        });
    }
}
