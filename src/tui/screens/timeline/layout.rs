//! The layout of the timeline.

use ratatui::layout::Rect;

/// ```text
/// time on the screen
/// ──────────────────────────────
/// LANE / ACTION   0s   30s   1m   DUR   COST
/// list
/// critical path
/// cost, context
/// ──────────────────────────────
/// footer
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Regions {
    pub(super) time: Rect,
    pub(super) upper_rule: Rect,
    pub(super) columns: Rect,
    pub(super) list: Rect,
    pub(super) path: Rect,
    pub(super) growth: Rect,
    pub(super) lower_rule: Rect,
    pub(super) footer: Rect,
    /// Widths of the names, the bars, and the columns after them.
    pub(super) label: usize,
    pub(super) cells: usize,
    pub(super) figures: usize,
}

/// The least height for rules and a footer.
const ROOMY: u16 = 14;
/// The least width for durations and costs beside the bars.
const WIDE: u16 = 100;
const LARGE: u16 = 140;
/// Cells of a duration and of a cost.
pub(super) const FIGURE: usize = 9;

impl Regions {
    pub(super) fn new(area: Rect) -> Regions {
        let roomy = area.height >= ROOMY;
        let (top, foot) = if roomy { (2, 4) } else { (1, 1) };
        let part = |y: u16, height: u16| Rect {
            y: area.y + y,
            height,
            ..area
        };
        let list = area.height.saturating_sub(top + 1 + foot);
        let figures = if area.width >= WIDE { 2 * FIGURE } else { 0 };
        let label = match area.width {
            // Names get a third of the width beyond a large screen.
            WIDE.. => 27 + usize::from(area.width.saturating_sub(LARGE)) / 3,
            60.. => 20,
            _ => 14,
        };
        let cells = usize::from(area.width).saturating_sub(label + figures + 1);
        let mut regions = Regions {
            time: part(0, 1),
            columns: part(top, 1),
            list: part(top + 1, list),
            path: part(top + 1 + list, 1),
            label,
            cells,
            figures,
            ..Regions::default()
        };
        if roomy {
            regions.upper_rule = part(1, 1);
            regions.growth = part(area.height - 3, 1);
            regions.lower_rule = part(area.height - 2, 1);
            regions.footer = part(area.height - 1, 1);
        }
        regions
    }
}
