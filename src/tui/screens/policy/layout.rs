//! The layout of the policy.

use ratatui::layout::Rect;

use crate::tui::widgets::stack::Stack;

/// ```text
///  policy.toml (6 rules)
/// ──────────────────────────────
///  RECORDED ↓ NEW →  allow  ask …  │ notes
///  table
/// ─ rules ──────────────────────
///  EFFECT RULE  DECIDES  …
///  rules
/// ─ calls of one ───────────────
///  calls
/// ──────────────────────────────
///  footer
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Regions {
    pub(super) files: Rect,
    /// The table in one line, where there is no room for it.
    pub(super) sums: Rect,
    pub(super) upper_rule: Rect,
    /// With its heads.
    pub(super) table: Rect,
    pub(super) rules_rule: Rect,
    pub(super) heads: Rect,
    pub(super) rules: Rect,
    pub(super) calls_rule: Rect,
    pub(super) calls: Rect,
    pub(super) lower_rule: Rect,
    pub(super) footer: Rect,
}

/// The least height for a table.
const TALL: u16 = 28;
/// The least height for rules between the parts.
const ROOMY: u16 = 14;

impl Regions {
    pub(super) fn new(area: Rect, table_rows: usize) -> Regions {
        let (is_tall, is_roomy) = (area.height >= TALL, area.height >= ROOMY);
        let rows = u16::try_from(table_rows).unwrap_or(u16::MAX).min(6);
        let table = if is_tall && rows > 0 { rows + 1 } else { 0 };
        let rule = u16::from(is_roomy);
        let fixed =
            1 + u16::from(table == 0) + rule + table + u16::from(table > 0) + 1 + 1 + 1 + rule;
        let room = area.height.saturating_sub(fixed);
        // The rules have two thirds, and their calls the rest.
        let calls = room / 3;
        let mut stack = Stack::new(area);
        let mut part = |height| stack.part(height);
        Regions {
            files: part(1),
            sums: part(u16::from(table == 0)),
            upper_rule: part(rule),
            table: part(table),
            rules_rule: part(u16::from(table > 0)),
            heads: part(1),
            rules: part(room - calls),
            calls_rule: part(1),
            calls: part(calls),
            lower_rule: part(rule),
            footer: part(1),
        }
    }

    /// All between the first line and the footer.
    pub(super) fn whole(&self) -> Rect {
        let top = self.upper_rule.bottom();
        Rect {
            y: top,
            height: self.lower_rule.y.saturating_sub(top),
            ..self.files
        }
    }
}
