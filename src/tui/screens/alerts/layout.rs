//! The layout of the alerts.

use ratatui::layout::Rect;

use crate::tui::widgets::stack::Stack;

/// ```text
///  rules built in (10)                 5 alerts · 2 firing
///  / alert:*          ✓ 5 of 5 alerts · sort:-severity
/// ──────────────────────────────────────────────────────────
///    SEV  RULE  SCOPE  NOW  LIMIT  SINCE  ×  STATE  ACTION
///  list
/// ─ loop·repeat · run 7f3a91 ───────────────────────────────
///  details
/// ─ would have fired ───────────────────────────────────────
///  history
/// ──────────────────────────────────────────────────────────
///  footer
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Regions {
    pub(super) rules: Rect,
    pub(super) filter: Rect,
    pub(super) upper_rule: Rect,
    pub(super) heads: Rect,
    pub(super) list: Rect,
    pub(super) details_rule: Rect,
    pub(super) details: Rect,
    pub(super) history_rule: Rect,
    pub(super) history: Rect,
    pub(super) lower_rule: Rect,
    pub(super) footer: Rect,
}

/// The minimum heights for showing the parts, the least important last.
const DETAILED: u16 = 12;
const ROOMY: u16 = 18;
/// The rows of the list that the history must leave.
const LISTED: u16 = 5;

/// What is to be shown: numbers of lines.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Wanted {
    /// The filter is shown even where there is little room.
    pub(super) filter: bool,
    pub(super) items: usize,
    pub(super) details: usize,
    pub(super) history: usize,
}

impl Regions {
    pub(super) fn new(area: Rect, wanted: &Wanted) -> Regions {
        let Wanted {
            items,
            details,
            history,
            ..
        } = *wanted;
        let lines = |lines: usize| u16::try_from(lines).unwrap_or(u16::MAX);
        let rule = u16::from(area.height >= ROOMY);
        let filter = u16::from(wanted.filter || area.height >= ROOMY);
        let details = if area.height >= DETAILED {
            lines(details).min(area.height / 3)
        } else {
            0
        };
        let fixed = 1 + filter + rule + rule + u16::from(details > 0) + details + rule + 1;
        let room = area.height.saturating_sub(fixed);
        let spare = room.saturating_sub(lines(items).min(LISTED));
        let history = lines(history).min(area.height / 3);
        let history = if spare > history { history } else { 0 };
        let list = room.saturating_sub(history + u16::from(history > 0));
        let mut stack = Stack::new(area);
        let mut part = |height| stack.part(height);
        Regions {
            rules: part(1),
            filter: part(filter),
            upper_rule: part(rule),
            heads: part(rule),
            list: part(list),
            details_rule: part(u16::from(details > 0)),
            details: part(details),
            history_rule: part(u16::from(history > 0)),
            history: part(history),
            lower_rule: part(rule),
            footer: part(1),
        }
    }
}
