//! The layout of the table of runs.

use ratatui::layout::Rect;

/// ```text
/// filter
/// ────────────────
/// column heads
/// list
/// ─ preview ──────
/// ────────────────
/// footer
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Regions {
    pub(super) filter: Rect,
    pub(super) upper_rule: Rect,
    pub(super) columns: Rect,
    pub(super) list: Rect,
    pub(super) preview: Rect,
    pub(super) lower_rule: Rect,
    pub(super) footer: Rect,
}

/// The least height for rules and a footer.
const ROOMY: u16 = 14;
/// From this height on the selected run is previewed.
const TALL: u16 = 20;
/// Its rule and four lines.
const PREVIEW: u16 = 5;

impl Regions {
    pub(super) fn new(area: Rect) -> Regions {
        let roomy = area.height >= ROOMY;
        let preview = if area.height >= TALL { PREVIEW } else { 0 };
        let (top, foot) = if roomy { (2, 2) } else { (1, 0) };
        let part = |y: u16, height: u16| Rect {
            y: area.y + y,
            height,
            ..area
        };
        let list = area.height.saturating_sub(top + 1 + preview + foot);
        let mut regions = Regions {
            filter: part(0, 1),
            columns: part(top, 1),
            list: part(top + 1, list),
            preview: part(top + 1 + list, preview),
            ..Regions::default()
        };
        if roomy {
            regions.upper_rule = part(1, 1);
            regions.lower_rule = part(area.height - 2, 1);
            regions.footer = part(area.height - 1, 1);
        }
        regions
    }
}
