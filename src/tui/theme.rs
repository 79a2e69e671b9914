//! How things look: styles by role and marks by meaning. Screens ask for a role, never for a colour.

pub mod ground;
mod palette;

use std::sync::Arc;

use ratatui::buffer::Buffer;
use ratatui::style::{Color, Modifier, Style};

use crate::model::action::{Kind, Status};
use crate::tui::keys::Keymap;
use crate::tui::theme::ground::{Background, Ground};

/// When to write colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ColorChoice {
    /// Unless `NO_COLOR` is set.
    #[default]
    Auto,
    Always,
    Never,
}

/// Which colours are used. The background of the terminal stays its own where it fits them ([`Ground`]).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Palette {
    /// 256 colours for a dark background.
    Dark,
    /// 256 colours for a light one.
    Light,
    /// Bold and bright, nothing dimmed.
    HighContrast,
    /// The sixteen colours of the terminal, as the user has set them there.
    Sixteen,
    /// No colours at all.
    None,
}

impl Palette {
    pub const ALL: &[Palette] = &[
        Palette::Dark,
        Palette::Light,
        Palette::HighContrast,
        Palette::Sixteen,
        Palette::None,
    ];

    pub fn word(self) -> &'static str {
        match self {
            Palette::Dark => "dark",
            Palette::Light => "light",
            Palette::HighContrast => "high-contrast",
            Palette::Sixteen => "16",
            Palette::None => "none",
        }
    }

    /// The next palette; after the last, the first.
    #[must_use]
    pub fn next(self) -> Palette {
        let at = Palette::ALL.iter().position(|it| *it == self);
        Palette::ALL[at.map_or(0, |at| at + 1) % Palette::ALL.len()]
    }

    pub fn find(word: &str) -> Option<Palette> {
        Palette::ALL.iter().copied().find(|it| it.word() == word)
    }

    /// The palette that suits a terminal according to its environment, until it answers itself. Only where
    /// both its 256 colours and its background are known, more than its own sixteen are used.
    pub fn of_terminal(variable: impl Fn(&str) -> String) -> Palette {
        if !has_256_colors(&variable) {
            return Palette::Sixteen;
        }
        Background::of_environment(variable).map_or(Palette::Sixteen, Palette::of_background)
    }

    pub fn of_background(background: Background) -> Palette {
        match background {
            Background::Dark => Palette::Dark,
            Background::Light => Palette::Light,
        }
    }
}

/// Whether a terminal says that it has more than its own sixteen colours.
pub fn has_256_colors(variable: impl Fn(&str) -> String) -> bool {
    let depth = variable("COLORTERM");
    variable("TERM").contains("256color") || matches!(depth.as_str(), "truecolor" | "24bit")
}

/// One style per role.
#[derive(Debug, Clone)]
pub struct Theme {
    pub palette: Palette,
    pub ground: Ground,
    pub styles: Styles,
    /// The colours that tell agents apart; none without colours.
    pub lanes: &'static [Color],
    pub marks: &'static Marks,
    /// Our own glyphs are ASCII; the words of a trace stay.
    pub ascii: bool,
    /// Write only ASCII: other characters become `?`.
    pub ascii_only: bool,
    /// The keys as the user has them, for hints.
    pub keymap: Arc<Keymap>,
}

#[derive(Debug, Clone, Copy, Default)]
pub struct Styles {
    pub text: Style,
    /// Labels, rules, what was not recorded.
    pub faint: Style,
    pub strong: Style,
    pub selected: Style,
    /// The selected row of a pane without the focus.
    pub shadowed: Style,
    /// Overlays.
    pub shadow: Style,
    pub ok: Style,
    pub error: Style,
    pub blocked: Style,
    pub waiting: Style,
    pub tool: Style,
    pub model: Style,
    pub prompt: Style,
    pub note: Style,
    pub key: Style,
    pub string: Style,
    pub number: Style,
    /// A search match.
    pub hit: Style,
    /// What changed inside a line that came, or that went.
    pub added: Style,
    pub removed: Style,
}

impl Styles {
    /// The style that the cells of a row in a list build on.
    pub fn row(&self, is_selected: bool) -> Style {
        if is_selected {
            self.selected
        } else {
            Style::new()
        }
    }
}

/// The style of added or removed text behind a sign: without the underline, which marks changes inside a line.
pub fn signed(style: Style) -> Style {
    style.remove_modifier(Modifier::UNDERLINED)
}

impl Theme {
    pub fn new(palette: Palette, ascii: bool) -> Theme {
        Theme {
            palette,
            ground: Ground::default(),
            styles: Styles::new(palette),
            lanes: palette::lanes(palette),
            marks: if ascii { &ASCII } else { &UNICODE },
            ascii,
            ascii_only: false,
            keymap: Arc::default(),
        }
    }

    pub fn kind(&self, kind: Kind) -> Style {
        match kind {
            Kind::Prompt => self.styles.prompt,
            Kind::Response => self.styles.model,
            Kind::ToolCall => self.styles.tool,
            Kind::PolicyDecision => self.styles.key,
            Kind::Approval => self.styles.waiting,
            Kind::Error | Kind::Malformed => self.styles.error,
            Kind::Reasoning | Kind::Note | Kind::RunStart | Kind::RunEnd | Kind::Unknown => {
                self.styles.note
            }
        }
    }

    pub fn status(&self, status: Status) -> Style {
        match status {
            Status::Unrecorded | Status::Cancelled => self.styles.faint,
            Status::Ok => self.styles.ok,
            Status::Error | Status::Timeout => self.styles.error,
            Status::Blocked | Status::Denied => self.styles.blocked,
            Status::Pending => self.styles.waiting,
        }
    }

    /// The style of a lane: the same agent always looks the same.
    pub fn lane(&self, agent: &str) -> Style {
        if self.lanes.is_empty() {
            return self.styles.text;
        }
        let sum = agent.bytes().fold(0usize, |sum, byte| {
            sum.wrapping_mul(31).wrapping_add(usize::from(byte))
        });
        Style::new().fg(self.lanes[sum % self.lanes.len()])
    }
}

impl Theme {
    /// Takes the terminal's answer about its background, and adapts the colours unless the user chose a theme.
    pub fn fit(&mut self, background: Background) {
        self.ground.background = Some(background);
        if self.ground.adapts {
            self.recolor(Palette::of_background(background));
        }
    }

    /// Puts the ground of the palette under everything that has none.
    pub fn lay_ground(&self, buf: &mut Buffer) {
        let Some(ground) = self.ground.paint(self.palette) else {
            return;
        };
        let (ink, paper) = (ground.fg.unwrap_or_default(), ground.bg.unwrap_or_default());
        for cell in &mut buf.content {
            if cell.fg == Color::Reset {
                cell.fg = ink;
            }
            if cell.bg == Color::Reset {
                cell.bg = paper;
            }
        }
    }

    /// The same with other colours.
    pub fn recolor(&mut self, palette: Palette) {
        self.palette = palette;
        self.styles = Styles::new(palette);
        self.lanes = palette::lanes(palette);
    }
}

/// The marks of the screen; each is one cell wide.
#[derive(Debug)]
pub struct Marks {
    pub horizontal: &'static str,
    pub vertical: &'static str,
    pub tee_down: &'static str,
    pub tee_up: &'static str,
    pub branch: &'static str,
    /// Next to rows after the first change of a policy.
    pub behind: &'static str,
    /// Of a frame: upper left, upper right, lower left, lower right.
    pub corners: [&'static str; 4],
    pub lane: &'static str,
    pub crumb: &'static str,
    pub none: &'static str,
    pub more: &'static str,
    pub ok: &'static str,
    pub unsure: &'static str,
    pub wrong: &'static str,
    pub caret: &'static str,
    pub error: &'static str,
    pub blocked: &'static str,
    pub waiting: &'static str,
    pub running: &'static str,
    pub retry: &'static str,
    /// Two things differ; only the first is there; only the second; at another place.
    pub differs: &'static str,
    pub missing: &'static str,
    pub extra: &'static str,
    pub moved: &'static str,
    pub about: &'static str,
    pub enter: &'static str,
    pub times: &'static str,
    pub rising: &'static str,
    pub falling: &'static str,
    pub unfolded: &'static str,
    pub folded: &'static str,
    /// The part of the list that is on the screen.
    pub thumb: &'static str,
    /// The part of the scrubber that has been played.
    pub passed: &'static str,
    /// Time in which something went on: all of it, a part, inferred, waiting for a person, hardly any.
    pub bar: &'static str,
    pub partly: &'static str,
    pub inferred: &'static str,
    pub wait: &'static str,
    pub short: &'static str,
    /// Nothing of interest at this place.
    pub quiet: &'static str,
    /// Where the user set a mark, and where a text was found.
    pub mark: &'static str,
    pub hit: &'static str,
    /// Evidence of an alert.
    pub alert: &'static str,
    /// From little to much.
    pub levels: [&'static str; 8],
    kinds: [&'static str; 12],
}

impl Marks {
    pub fn kind(&self, kind: Kind) -> &'static str {
        self.kinds[kind as usize]
    }

    /// The direction of a sorted column.
    pub fn direction(&self, falling: bool) -> &'static str {
        if falling { self.falling } else { self.rising }
    }
}

pub static UNICODE: Marks = Marks {
    horizontal: "─",
    vertical: "│",
    tee_down: "┬",
    tee_up: "┴",
    branch: "└",
    behind: "┊",
    corners: ["┌", "┐", "└", "┘"],
    lane: "├",
    crumb: "›",
    none: "—",
    more: "…",
    ok: "✓",
    unsure: "~",
    wrong: "✗",
    caret: "^",
    error: "✖",
    blocked: "⊘",
    waiting: "‖",
    running: "▶",
    retry: "↻",
    differs: "≠",
    missing: "−",
    extra: "+",
    moved: "⇄",
    about: "≈",
    enter: "⏎",
    times: "×",
    rising: "▲",
    falling: "▼",
    unfolded: "▾",
    folded: "▸",
    thumb: "┃",
    passed: "━",
    bar: "█",
    partly: "░",
    inferred: "▒",
    wait: "┈",
    short: "▌",
    quiet: "·",
    mark: "◆",
    hit: "•",
    alert: "!",
    levels: ["▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"],
    kinds: ["▷", "◆", "∴", "⚙", "§", "‖", "✖", "·", "┌", "└", "!", "?"],
};

pub static ASCII: Marks = Marks {
    horizontal: "-",
    vertical: "|",
    tee_down: "+",
    tee_up: "+",
    branch: "`",
    behind: ":",
    corners: ["+", "+", "+", "+"],
    lane: "+",
    crumb: ">",
    none: "-",
    more: ".",
    ok: "v",
    unsure: "~",
    wrong: "x",
    caret: "^",
    error: "x",
    blocked: "X",
    waiting: "=",
    running: ">",
    retry: "@",
    differs: "!",
    missing: "-",
    extra: "+",
    moved: "%",
    about: "~",
    enter: "<",
    times: "x",
    rising: "^",
    falling: "v",
    unfolded: "v",
    folded: ">",
    thumb: "#",
    passed: "=",
    bar: "#",
    partly: "-",
    inferred: "=",
    wait: "~",
    short: "|",
    quiet: ".",
    mark: "*",
    hit: "o",
    alert: "!",
    levels: [".", ",", ":", "-", "=", "+", "*", "#"],
    kinds: [">", "M", ":", "T", "P", "=", "x", "*", "/", "\\", "!", "?"],
};

#[cfg(test)]
mod tests {
    use super::{ASCII, Marks, Palette, Theme, UNICODE};
    use crate::base::text;

    fn check(marks: &Marks, plain: bool) {
        let single = [
            marks.horizontal,
            marks.vertical,
            marks.tee_down,
            marks.tee_up,
            marks.branch,
            marks.behind,
            marks.lane,
            marks.crumb,
            marks.none,
            marks.more,
            marks.ok,
            marks.unsure,
            marks.wrong,
            marks.caret,
            marks.error,
            marks.blocked,
            marks.waiting,
            marks.running,
            marks.retry,
            marks.differs,
            marks.missing,
            marks.extra,
            marks.moved,
            marks.about,
            marks.enter,
            marks.times,
            marks.rising,
            marks.falling,
            marks.unfolded,
            marks.folded,
            marks.thumb,
            marks.passed,
            marks.bar,
            marks.partly,
            marks.inferred,
            marks.wait,
            marks.short,
            marks.quiet,
            marks.mark,
            marks.hit,
            marks.alert,
        ];
        let groups = [&marks.kinds[..], &marks.levels, &marks.corners];
        for mark in single.iter().chain(groups.into_iter().flatten()) {
            assert_eq!(text::width(mark), 1, "{mark}");
            assert!(!plain || mark.is_ascii(), "{mark}");
        }
    }

    #[test]
    fn every_mark_takes_one_cell() {
        check(&UNICODE, false);
        check(&ASCII, true);
    }

    #[track_caller]
    fn check_terminal(term: &str, colors: &str, expected: Palette) {
        let palette = Palette::of_terminal(|name| match name {
            "TERM" => term.to_owned(),
            "COLORFGBG" => colors.to_owned(),
            _ => String::new(),
        });
        assert_eq!(palette, expected, "{term} {colors}");
    }

    #[test]
    fn only_a_terminal_that_reports_its_background_gets_more_than_its_own_colours() {
        check_terminal("xterm-256color", "15;0", Palette::Dark);
        check_terminal("xterm-256color", "0;default;15", Palette::Light);
        check_terminal("xterm-256color", "", Palette::Sixteen);
        check_terminal("xterm-256color", "15;default", Palette::Sixteen);
        check_terminal("xterm", "15;0", Palette::Sixteen);
    }

    #[test]
    fn without_colour_no_style_names_one() {
        let styles = Theme::new(Palette::None, false).styles;
        let shown = format!("{styles:?}");
        assert!(!shown.contains("Some("), "{shown}");
    }
}
