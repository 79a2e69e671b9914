//! The layout of the asks.

use ratatui::layout::Rect;

use crate::tui::widgets::stack::Stack;

/// ```text
///  ASKED  LEFT  HOST  TOOL  WHAT  RULE
///  list
/// ─ what it is about ───────────
///  about
/// ──────────────────────────────
///  footer
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Regions {
    pub(super) heads: Rect,
    pub(super) list: Rect,
    pub(super) about_rule: Rect,
    pub(super) about: Rect,
    pub(super) lower_rule: Rect,
    pub(super) footer: Rect,
    /// The question that covers the screen.
    pub(super) question: Rect,
}

/// The list takes at most a third of the height, so that the details can be read.
const LIST: u16 = 3;

impl Regions {
    pub(super) fn new(area: Rect, asks: usize) -> Regions {
        let room = area.height.saturating_sub(4);
        let asks = u16::try_from(asks).unwrap_or(u16::MAX);
        let list = asks.min(room / LIST).max(1).min(room);
        let mut stack = Stack::new(area);
        let mut part = |height| stack.part(height);
        Regions {
            heads: part(1),
            list: part(list),
            about_rule: part(1),
            about: part(room - list),
            lower_rule: part(1),
            footer: part(1),
            question: Rect::default(),
        }
    }
}
