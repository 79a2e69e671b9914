//! The layout of the replay.

use ratatui::layout::Rect;

/// ```text
/// where we are
/// the scrubber
/// ──────────┬──────────
/// what the  │ state
/// model saw │ ─ step ──
///           │ ─ forks ─
/// ──────────┴──────────
/// footer
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Regions {
    pub(super) title: Rect,
    /// The line of the scrubber, and the track inside it.
    pub(super) scrubber: Rect,
    pub(super) track: Rect,
    pub(super) upper_rule: Rect,
    pub(super) seen: Rect,
    pub(super) state: Rect,
    pub(super) step: Rect,
    /// What can be repeated, and what was.
    pub(super) forks: Rect,
    pub(super) lower_rule: Rect,
    pub(super) footer: Rect,
}

/// Which pane a narrow screen shows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Pane {
    #[default]
    State,
    Context,
    /// The attempts, below the state.
    Forks,
}

/// From this width on both panes are shown.
pub(super) const SIDE_BY_SIDE: u16 = 100;
/// The least height for rules and a footer.
const ROOMY: u16 = 14;
/// Cells around the scrubber: its ends, the speed and the times.
pub(super) const BEFORE: u16 = 2;
pub(super) const BEHIND: u16 = 28;
/// Lines that the step keeps.
const LEAST: u16 = 4;
/// Lines of the state.
pub(super) const STATE: u16 = 13;

impl Regions {
    /// `forks` is the height wanted for what can be repeated.
    pub(super) fn new(area: Rect, pane: Pane, forks: u16) -> Regions {
        let roomy = area.height >= ROOMY;
        let foot = if roomy { 2 } else { 0 };
        let top = if roomy { 3 } else { 2 };
        let line = |y: u16| Rect {
            y: area.y + y.min(area.height.saturating_sub(1)),
            height: u16::from(y < area.height),
            ..area
        };
        let body = Rect {
            y: area.y + top,
            height: area.height.saturating_sub(top + foot),
            ..area
        };
        let scrubber = line(1);
        let behind = if area.width >= 60 { BEHIND } else { 1 };
        let mut regions = Regions {
            title: line(0),
            scrubber,
            track: Rect {
                x: area.x + BEFORE.min(area.width),
                width: area.width.saturating_sub(BEFORE + behind),
                ..scrubber
            },
            ..Regions::default()
        };
        if roomy {
            regions.upper_rule = line(2);
            regions.lower_rule = line(area.height - 2);
            regions.footer = line(area.height - 1);
        }
        let right = if area.width >= SIDE_BY_SIDE {
            let left = area.width * 9 / 20;
            regions.seen = Rect {
                width: left,
                ..body
            };
            Rect {
                x: body.x + left + 1,
                width: body.width - left - 1,
                ..body
            }
        } else if pane == Pane::Context {
            regions.seen = body;
            return regions;
        } else {
            body
        };
        let mut state = STATE.min(right.height.div_ceil(2).max(right.height.saturating_sub(6)));
        if pane == Pane::Forks {
            // The attempts have the focus: on a low screen the state gives way.
            state = state.min(right.height.saturating_sub(forks + LEAST));
        }
        regions.state = Rect {
            height: state,
            ..right
        };
        let below = right.height - state;
        let forks = forks.min(below.saturating_sub(LEAST));
        regions.step = Rect {
            y: right.y + state,
            height: below - forks,
            ..right
        };
        regions.forks = Rect {
            y: right.y + right.height - forks,
            height: if forks < 2 { 0 } else { forks },
            ..right
        };
        regions
    }

    pub(super) fn is_split(&self) -> bool {
        self.seen.width > 0 && self.state.width > 0
    }
}
