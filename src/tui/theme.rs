//! How things look: styles by role and marks by meaning. Screens ask for a role, never for a colour.

use ratatui::style::{Color, Modifier, Style};

use crate::model::action::{Kind, Status};

/// When to write colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ColorChoice {
    /// Unless `NO_COLOR` is set.
    #[default]
    Auto,
    Always,
    Never,
}

/// One style per role. Only the sixteen colours of the terminal are used and its own background
/// stays, so that the theme of the user is kept.
#[derive(Debug, Clone)]
pub struct Theme {
    pub styles: Styles,
    pub marks: &'static Marks,
    /// Write nothing but ASCII: what the terminal cannot show becomes `?`.
    pub ascii_only: bool,
}

#[derive(Debug, Clone, Copy, Default)]
pub struct Styles {
    pub text: Style,
    /// Labels, rules, what was not recorded.
    pub faint: Style,
    pub strong: Style,
    pub selected: Style,
    /// The selected row of a pane that has not the focus.
    pub shadowed: Style,
    /// What lies over something else.
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
    /// A text that is looked for.
    pub hit: Style,
    /// What changed inside a line that came, or that went.
    pub added: Style,
    pub removed: Style,
}

impl Theme {
    pub fn new(colored: bool, ascii: bool) -> Theme {
        let styles = if colored {
            Styles::colored()
        } else {
            Styles::plain()
        };
        Theme {
            styles,
            marks: if ascii { &ASCII } else { &UNICODE },
            ascii_only: false,
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
        const LANES: [Color; 5] = [
            Color::Cyan,
            Color::Magenta,
            Color::Blue,
            Color::Green,
            Color::Yellow,
        ];
        if self.styles.tool.fg.is_none() {
            return self.styles.text;
        }
        let sum = agent.bytes().fold(0usize, |sum, byte| {
            sum.wrapping_mul(31).wrapping_add(usize::from(byte))
        });
        Style::new().fg(LANES[sum % LANES.len()])
    }
}

impl Styles {
    fn colored() -> Styles {
        let fg = |color| Style::new().fg(color);
        Styles {
            text: Style::new(),
            // Not dark grey: on some palettes that is the background.
            faint: Style::new().add_modifier(Modifier::DIM),
            strong: Style::new().add_modifier(Modifier::BOLD),
            selected: Style::new().add_modifier(Modifier::REVERSED),
            shadowed: Style::new().add_modifier(Modifier::BOLD | Modifier::UNDERLINED),
            shadow: Style::new(),
            ok: fg(Color::Green),
            error: fg(Color::Red).add_modifier(Modifier::BOLD),
            blocked: fg(Color::LightRed).add_modifier(Modifier::BOLD),
            waiting: fg(Color::Yellow),
            tool: fg(Color::Cyan),
            model: fg(Color::Magenta),
            prompt: fg(Color::Blue).add_modifier(Modifier::BOLD),
            note: Style::new().add_modifier(Modifier::DIM),
            key: fg(Color::Cyan),
            string: fg(Color::Green),
            number: fg(Color::Yellow),
            hit: fg(Color::Yellow).add_modifier(Modifier::BOLD | Modifier::UNDERLINED),
            added: fg(Color::Green).add_modifier(Modifier::BOLD | Modifier::UNDERLINED),
            removed: fg(Color::Red).add_modifier(Modifier::BOLD | Modifier::UNDERLINED),
        }
    }

    fn plain() -> Styles {
        let with = |modifier| Style::new().add_modifier(modifier);
        Styles {
            faint: with(Modifier::DIM),
            strong: with(Modifier::BOLD),
            selected: with(Modifier::REVERSED),
            shadowed: with(Modifier::BOLD | Modifier::UNDERLINED),
            error: with(Modifier::BOLD),
            blocked: with(Modifier::BOLD | Modifier::UNDERLINED),
            waiting: with(Modifier::UNDERLINED),
            prompt: with(Modifier::BOLD),
            note: with(Modifier::DIM),
            key: with(Modifier::BOLD),
            hit: with(Modifier::BOLD | Modifier::UNDERLINED),
            added: with(Modifier::BOLD | Modifier::UNDERLINED),
            removed: with(Modifier::BOLD | Modifier::UNDERLINED),
            ..Styles::default()
        }
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
    pub retry: &'static str,
    pub about: &'static str,
    pub enter: &'static str,
    /// Before rows whose inside is shown, or is not.
    pub unfolded: &'static str,
    pub folded: &'static str,
    /// The part of the list that is on the screen.
    pub thumb: &'static str,
    /// Nothing of interest at this place.
    pub quiet: &'static str,
    /// Where the user set a mark, and where a text was found.
    pub mark: &'static str,
    pub hit: &'static str,
    /// From little to much.
    pub levels: [&'static str; 8],
    kinds: [&'static str; 12],
}

impl Marks {
    pub fn kind(&self, kind: Kind) -> &'static str {
        self.kinds[kind as usize]
    }
}

pub static UNICODE: Marks = Marks {
    horizontal: "─",
    vertical: "│",
    tee_down: "┬",
    tee_up: "┴",
    branch: "└",
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
    retry: "↻",
    about: "≈",
    enter: "⏎",
    unfolded: "▾",
    folded: "▸",
    thumb: "┃",
    quiet: "·",
    mark: "◆",
    hit: "•",
    levels: ["▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"],
    kinds: ["▷", "◆", "∴", "⚙", "§", "‖", "✖", "·", "┌", "└", "!", "?"],
};

pub static ASCII: Marks = Marks {
    horizontal: "-",
    vertical: "|",
    tee_down: "+",
    tee_up: "+",
    branch: "`",
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
    retry: "@",
    about: "~",
    enter: "<",
    unfolded: "v",
    folded: ">",
    thumb: "#",
    quiet: ".",
    mark: "*",
    hit: "o",
    levels: [".", ",", ":", "-", "=", "+", "*", "#"],
    kinds: [">", "M", ":", "T", "P", "=", "x", "*", "/", "\\", "!", "?"],
};

#[cfg(test)]
mod tests {
    use super::{ASCII, Marks, Theme, UNICODE};
    use crate::base::text;

    fn check(marks: &Marks, plain: bool) {
        let single = [
            marks.horizontal,
            marks.vertical,
            marks.tee_down,
            marks.tee_up,
            marks.branch,
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
            marks.retry,
            marks.about,
            marks.enter,
            marks.unfolded,
            marks.folded,
            marks.thumb,
            marks.quiet,
            marks.mark,
            marks.hit,
        ];
        for mark in single.iter().chain(&marks.kinds).chain(&marks.levels) {
            assert_eq!(text::width(mark), 1, "{mark}");
            assert!(!plain || mark.is_ascii(), "{mark}");
        }
    }

    #[test]
    fn every_mark_takes_one_cell() {
        check(&UNICODE, false);
        check(&ASCII, true);
    }

    #[test]
    fn without_colour_no_style_names_one() {
        let styles = Theme::new(false, false).styles;
        let shown = format!("{styles:?}");
        assert!(!shown.contains("Some("), "{shown}");
    }
}
