//! The layout of the stream, and which columns fit.

use ratatui::layout::{Position, Rect};

use crate::model::action::Kind;

/// ```text
/// filter
/// spark
/// ─────────────────────┬──────────
/// columns              │ inspector
/// list                 │
/// peek                 │ conversation
/// ─────────────────────┴──────────
/// footer
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Regions {
    pub filter: Rect,
    /// The shape of the run, if there is room.
    pub spark: Rect,
    pub upper_rule: Rect,
    pub columns: Rect,
    pub list: Rect,
    pub peek: Rect,
    /// The column with the ticks of the list: the divider, or the last column.
    pub scroll: Rect,
    pub inspector: Rect,
    /// The conversation around the selected action; only on large screens.
    pub conversation: Rect,
    pub lower_rule: Rect,
    pub footer: Rect,
}

/// How the list and the inspector share the screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Panes {
    /// Side by side if there is room, else the list alone.
    #[default]
    Auto,
    List,
    Inspector,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Focus {
    #[default]
    List,
    Inspector,
}

/// How the screen is shared, how wide the user made the inspector, and which part has the focus.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Split {
    pub focus: Focus,
    pub panes: Panes,
    pub width: Option<u16>,
    /// The divider follows the mouse.
    pub is_dragged: bool,
}

/// The least width for the inspector beside the list.
pub const SIDE_BY_SIDE: u16 = 100;
/// The least height for rules and a footer.
const ROOMY: u16 = 14;
/// The least size for the conversation below the inspector.
const LARGE: (u16, u16) = (140, 39);
/// The least height of a conversation that is worth reading.
const LEAST_CONVERSATION: u16 = 8;
/// The least height for a line about the run.
const TALL: u16 = 23;

impl Regions {
    pub fn new(area: Rect, split: Split) -> Regions {
        let roomy = area.height >= ROOMY;
        let line = |y: u16| Rect {
            x: area.x,
            y: area.y + y,
            width: area.width,
            height: 1,
        };
        let mut regions = Regions {
            filter: line(0),
            ..Regions::default()
        };
        let is_tall = area.height >= TALL && area.width >= SIDE_BY_SIDE;
        let rule = if is_tall { 2 } else { 1 };
        let top = if roomy { rule + 1 } else { 1 };
        let bottom = if roomy { area.height - 2 } else { area.height };
        if roomy {
            regions.upper_rule = line(rule);
            if is_tall {
                regions.spark = line(1);
            }
            regions.lower_rule = line(area.height - 2);
            regions.footer = line(area.height - 1);
        }
        let body = Rect {
            x: area.x,
            y: area.y + top,
            width: area.width,
            height: bottom.saturating_sub(top),
        };
        match split.panes {
            Panes::Inspector => regions.inspector = body,
            Panes::Auto if area.width >= SIDE_BY_SIDE => {
                let width = inspector_width(area.width, split.width);
                let list = Rect {
                    width: body.width - width - 1,
                    ..body
                };
                regions.inspector = Rect {
                    x: list.right() + 1,
                    width,
                    ..body
                };
                if area.width >= LARGE.0 && area.height >= LARGE.1 {
                    regions.place_conversation(regions.inspector.height / 3);
                }
                regions.place_list(list, false);
                regions.scroll = Rect {
                    x: list.right(),
                    width: 1,
                    ..regions.list
                };
            }
            Panes::Auto | Panes::List => {
                regions.place_list(body, roomy);
                if roomy {
                    let list = &mut regions.list;
                    list.width -= 1;
                    regions.scroll = Rect {
                        x: list.right(),
                        width: 1,
                        ..*list
                    };
                }
            }
        }
        regions
    }

    /// Gives the rows that the inspector does not use to the conversation, if it has no place yet.
    pub fn share(&mut self, used: usize) {
        let used = u16::try_from(used).unwrap_or(u16::MAX).saturating_add(1);
        let left = self.inspector.height.saturating_sub(used);
        if self.is_split() && self.conversation.height == 0 && left >= LEAST_CONVERSATION {
            self.place_conversation(left);
        }
    }

    fn place_conversation(&mut self, height: u16) {
        self.inspector.height -= height;
        self.conversation = Rect {
            y: self.inspector.bottom(),
            height,
            ..self.inspector
        };
    }

    fn place_list(&mut self, body: Rect, peek: bool) {
        let foot = u16::from(peek && body.height > 4);
        self.columns = Rect {
            height: body.height.min(1),
            ..body
        };
        self.list = Rect {
            y: body.y + 1,
            height: body.height.saturating_sub(1 + foot),
            ..body
        };
        if foot == 1 {
            self.peek = Rect {
                y: body.bottom() - 1,
                height: 1,
                ..body
            };
        }
    }

    /// Whether the line between the two panes is here.
    pub fn is_divider(&self, at: Position) -> bool {
        self.is_split()
            && at.x + 1 == self.inspector.x
            && self.inspector.top() <= at.y
            && at.y < self.inspector.bottom() + self.conversation.height
    }

    /// Whether both panes are on the screen.
    pub fn is_split(&self) -> bool {
        self.inspector.width > 0 && self.list.width > 0
    }
}

/// The labels before the two strips that show the shape of a run.
pub const SHAPE_LABELS: (&str, &str) = (" actions ", "   trouble ");
/// Cells of the totals after them.
const TOTALS: usize = 34;
/// Cells of the pace of a followed run.
const PACE: usize = 30;

/// Cells of each strip; narrow screens have no totals behind them.
pub fn shape_cells(width: u16, live: bool) -> usize {
    let labels = SHAPE_LABELS.0.len() + SHAPE_LABELS.1.len();
    let totals = match (width, live) {
        (0..110, _) => 1,
        (_, false) => TOTALS,
        (_, true) => TOTALS + PACE,
    };
    usize::from(width).saturating_sub(labels + totals) / 2
}

/// The least useful width of a list or an inspector.
const LEAST_LIST: u16 = 40;
const LEAST_INSPECTOR: u16 = 24;

/// Less than a third, until the user widens it: the list is what is read, and it shows what happened
/// only if it has room.
fn inspector_width(width: u16, chosen: Option<u16>) -> u16 {
    match chosen {
        Some(chosen) => chosen.clamp(LEAST_INSPECTOR, width - LEAST_LIST),
        None => (width * 3 / 10).clamp(32, 80),
    }
}

/// The word for a kind in five cells, without its mark.
pub fn kind_word(kind: Kind) -> &'static str {
    match kind {
        Kind::Prompt => "usr",
        Kind::Response => "mdl",
        Kind::Reasoning => "thk",
        Kind::ToolCall => "tl",
        Kind::PolicyDecision => "pol",
        Kind::Approval => "apr",
        Kind::Error => "err",
        Kind::Note => "nte",
        Kind::RunStart => "run",
        Kind::RunEnd => "end",
        Kind::Malformed => "bad",
        Kind::Unknown => "unk",
    }
}
