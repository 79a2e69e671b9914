//! The layout of the costs.

use ratatui::layout::Rect;

use crate::tui::widgets::stack::Stack;

/// ```text
///  ≈$12.23 (estimated from tokens) · 156 model calls in 1 run
/// ──────────────────────────────
///  KIND   TOKENS   COST   SHARE
///  kinds of token
/// ──────────────────────────────
///  calls  turns  models  …
///  heads of the list
///  list
///  how its figures come about
/// ──────────────────────────────
///  footer
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Regions {
    pub(super) total: Rect,
    pub(super) upper_rule: Rect,
    /// With its heads; empty where there is no room for it.
    pub(super) kinds: Rect,
    pub(super) kinds_rule: Rect,
    pub(super) tabs: Rect,
    pub(super) columns: Rect,
    pub(super) list: Rect,
    pub(super) about: Rect,
    pub(super) lower_rule: Rect,
    pub(super) footer: Rect,
}

/// The least height for the kinds of token above the list.
const TALL: u16 = 28;
/// The least height for rules.
const ROOMY: u16 = 14;

impl Regions {
    /// With this many kinds of token above the list.
    pub(super) fn new(area: Rect, kinds: usize) -> Regions {
        let is_roomy = area.height >= ROOMY;
        let kinds = if area.height >= TALL && kinds > 0 {
            u16::try_from(kinds).unwrap_or(u16::MAX).min(9) + 1
        } else {
            0
        };
        let mut stack = Stack::new(area);
        let mut part = |height| stack.part(height);
        let rule = u16::from(is_roomy);
        let total = part(1);
        let upper_rule = part(rule);
        let kinds_part = part(kinds);
        let kinds_rule = part(u16::from(kinds > 0));
        let tabs = part(1);
        let columns = part(1);
        let foot = if is_roomy { 3 } else { 1 };
        let used = tabs.height + columns.height + kinds_part.height + kinds_rule.height + 1 + rule;
        let list = part(area.height.saturating_sub(used + foot));
        let about = part(rule);
        let lower_rule = part(rule);
        Regions {
            total,
            upper_rule,
            kinds: kinds_part,
            kinds_rule,
            tabs,
            columns,
            list,
            about,
            lower_rule,
            footer: part(1),
        }
    }
}
