//! The layout of the comparison.

use ratatui::layout::Rect;

use crate::tui::screens::diff::Form;

/// ```text
/// A 61bd02 gpt-4o …  ↔  B 7f3a91 gpt-5 …
/// 41 same · 6 args · …
/// diverge at …
/// ──────────────────────┬─────────
///   # A                 │   # B
/// list
/// ─ args  A #45 ↔ B #55 ──────────
/// fields
/// ────────────────────────────────
/// footer
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Regions {
    pub(super) story: Rect,
    pub(super) heads: Rect,
    pub(super) list: Rect,
    pub(super) fields: Rect,
    pub(super) lower_rule: Rect,
    pub(super) footer: Rect,
    /// How the two runs are laid out.
    pub(super) is_side: bool,
}

/// The least height for rules and a footer.
const ROOMY: u16 = 14;
/// From this width on the runs are side by side, unless the user chose otherwise.
const WIDE: u16 = 100;

impl Regions {
    pub(super) fn new(area: Rect, form: Form, in_fields: bool) -> Regions {
        let roomy = area.height >= ROOMY;
        let (story, foot) = if roomy { (3, 2) } else { (1, 0) };
        let body = area.height.saturating_sub(story + 2 + foot);
        let fields = match (in_fields, area.height) {
            (true, _) => body.saturating_sub(3).max(body / 2),
            (false, 30..) => 11,
            (false, 20..) => 6,
            (false, _) => 0,
        };
        let part = |y: u16, height: u16| Rect {
            y: area.y + y.min(area.height),
            height: height.min(area.height.saturating_sub(y)),
            ..area
        };
        let list = body.saturating_sub(fields);
        let mut regions = Regions {
            story: part(0, story),
            heads: part(story, 2),
            list: part(story + 2, list),
            fields: part(story + 2 + list, fields),
            is_side: match form {
                Form::Fitting => area.width >= WIDE,
                Form::Side => true,
                Form::Unified => false,
            },
            ..Regions::default()
        };
        if roomy {
            regions.lower_rule = part(area.height - 2, 1);
            regions.footer = part(area.height - 1, 1);
        }
        regions
    }
}
