//! The styles of each palette.

use ratatui::style::{Color, Modifier, Style};

use crate::tui::theme::{Palette, Styles};

/// The colours that tell agents apart.
pub(super) fn lanes(palette: Palette) -> &'static [Color] {
    match palette {
        Palette::Dark => &[
            Color::Indexed(80),
            Color::Indexed(176),
            Color::Indexed(111),
            Color::Indexed(114),
            Color::Indexed(221),
        ],
        Palette::Light => &[
            Color::Indexed(23),
            Color::Indexed(90),
            Color::Indexed(25),
            Color::Indexed(22),
            Color::Indexed(94),
        ],
        Palette::HighContrast | Palette::Sixteen => &[
            Color::Cyan,
            Color::Magenta,
            Color::Blue,
            Color::Green,
            Color::Yellow,
        ],
        Palette::None => &[],
    }
}

impl Styles {
    pub(super) fn new(palette: Palette) -> Styles {
        match palette {
            Palette::Dark => dark(),
            Palette::Light => light(),
            Palette::HighContrast => high_contrast(),
            Palette::Sixteen => sixteen(),
            Palette::None => plain(),
        }
    }
}

fn fg(color: Color) -> Style {
    Style::new().fg(color)
}

fn indexed(color: u8) -> Style {
    fg(Color::Indexed(color))
}

fn with(modifier: Modifier) -> Style {
    Style::new().add_modifier(modifier)
}

fn dark() -> Styles {
    let bold = Modifier::BOLD;
    Styles {
        text: Style::new(),
        faint: indexed(248),
        strong: with(bold),
        selected: Style::new().bg(Color::Indexed(237)).add_modifier(bold),
        shadowed: Style::new()
            .bg(Color::Indexed(236))
            .add_modifier(Modifier::UNDERLINED),
        ok: indexed(114),
        error: indexed(210).add_modifier(bold),
        blocked: indexed(215).add_modifier(bold),
        waiting: indexed(221),
        tool: indexed(80),
        model: indexed(182),
        prompt: indexed(117).add_modifier(bold),
        note: indexed(248),
        key: indexed(80),
        string: indexed(150),
        number: indexed(222),
        shadow: Style::new().bg(Color::Indexed(235)),
        hit: indexed(221).add_modifier(Modifier::BOLD | Modifier::UNDERLINED),
        added: indexed(114).add_modifier(Modifier::BOLD | Modifier::UNDERLINED),
        removed: indexed(210).add_modifier(Modifier::BOLD | Modifier::UNDERLINED),
    }
}

fn light() -> Styles {
    let bold = Modifier::BOLD;
    Styles {
        text: Style::new(),
        faint: indexed(240),
        strong: with(bold),
        selected: Style::new().bg(Color::Indexed(254)).add_modifier(bold),
        shadowed: Style::new()
            .bg(Color::Indexed(255))
            .add_modifier(Modifier::UNDERLINED),
        ok: indexed(22),
        error: indexed(124).add_modifier(bold),
        blocked: indexed(94).add_modifier(bold),
        waiting: indexed(58),
        tool: indexed(23),
        model: indexed(90),
        prompt: indexed(25).add_modifier(bold),
        note: indexed(240),
        key: indexed(23),
        string: indexed(22),
        number: indexed(58),
        shadow: Style::new().bg(Color::Indexed(255)),
        hit: indexed(94).add_modifier(Modifier::BOLD | Modifier::UNDERLINED),
        added: indexed(22).add_modifier(Modifier::BOLD | Modifier::UNDERLINED),
        removed: indexed(124).add_modifier(Modifier::BOLD | Modifier::UNDERLINED),
    }
}

fn high_contrast() -> Styles {
    let bold = Modifier::BOLD;
    let filled = |text, ground| Style::new().fg(text).bg(ground).add_modifier(bold);
    Styles {
        text: Style::new(),
        faint: Style::new(),
        strong: with(bold),
        selected: with(Modifier::REVERSED | bold),
        shadowed: with(bold | Modifier::UNDERLINED),
        ok: with(bold),
        error: filled(Color::White, Color::Red),
        blocked: filled(Color::Black, Color::Yellow),
        waiting: filled(Color::Black, Color::Cyan),
        tool: with(bold),
        model: Style::new(),
        prompt: with(bold | Modifier::UNDERLINED),
        note: Style::new(),
        key: with(bold),
        string: Style::new(),
        number: Style::new(),
        shadow: Style::new(),
        hit: filled(Color::Black, Color::Yellow),
        added: filled(Color::Black, Color::Green),
        removed: filled(Color::White, Color::Red),
    }
}

fn sixteen() -> Styles {
    Styles {
        text: Style::new(),
        // Not dark grey: on some palettes that is the background.
        faint: with(Modifier::DIM),
        strong: with(Modifier::BOLD),
        selected: with(Modifier::REVERSED),
        shadowed: with(Modifier::BOLD | Modifier::UNDERLINED),
        ok: fg(Color::Green),
        error: fg(Color::Red).add_modifier(Modifier::BOLD),
        blocked: fg(Color::LightRed).add_modifier(Modifier::BOLD),
        waiting: fg(Color::Yellow),
        tool: fg(Color::Cyan),
        model: fg(Color::Magenta),
        prompt: fg(Color::Blue).add_modifier(Modifier::BOLD),
        note: with(Modifier::DIM),
        key: fg(Color::Cyan),
        string: fg(Color::Green),
        number: fg(Color::Yellow),
        shadow: Style::new(),
        hit: fg(Color::Yellow).add_modifier(Modifier::BOLD | Modifier::UNDERLINED),
        added: fg(Color::Green).add_modifier(Modifier::BOLD | Modifier::UNDERLINED),
        removed: fg(Color::Red).add_modifier(Modifier::BOLD | Modifier::UNDERLINED),
    }
}

fn plain() -> Styles {
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

#[cfg(test)]
mod tests {
    use ratatui::style::{Color, Style};

    use super::{Palette, Styles, lanes};

    /// The brightness of a colour of the 6x6x6 cube or of the greys above it, as accessibility counts it.
    fn luminance(color: u8) -> f64 {
        let step = |level: u8| if level == 0 { 0 } else { 55 + 40 * level };
        let [red, green, blue] = match color {
            16..=231 => {
                let at = color - 16;
                [step(at / 36), step(at / 6 % 6), step(at % 6)]
            }
            232.. => [8 + (color - 232) * 10; 3],
            _ => panic!("a colour of the terminal's own"),
        };
        let linear = |level: u8| {
            let level = f64::from(level) / 255.0;
            if level <= 0.04045 {
                level / 12.92
            } else {
                ((level + 0.055) / 1.055).powf(2.4)
            }
        };
        0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue)
    }

    fn contrast(one: f64, other: f64) -> f64 {
        (one.max(other) + 0.05) / (one.min(other) + 0.05)
    }

    /// Every text on every ground of the palette, and on the usual grounds of terminals of that brightness.
    #[track_caller]
    fn check(palette: Palette, grounds: &[f64]) {
        let styles = Styles::new(palette);
        let all = [
            styles.faint,
            styles.ok,
            styles.error,
            styles.blocked,
            styles.waiting,
            styles.tool,
            styles.model,
            styles.prompt,
            styles.note,
            styles.key,
            styles.string,
            styles.number,
        ];
        let texts = all
            .iter()
            .filter_map(|style| style.fg)
            .chain(lanes(palette).iter().copied());
        let own = [styles.selected, styles.shadowed];
        let own = own.iter().filter_map(|style: &Style| style.bg);
        let level = |color| match color {
            Color::Indexed(color) => luminance(color),
            other => panic!("{other:?}"),
        };
        let grounds: Vec<f64> = own.map(level).chain(grounds.iter().copied()).collect();
        for text in texts {
            for ground in &grounds {
                let contrast = contrast(level(text), *ground);
                assert!(contrast >= 4.5, "{text:?} on {ground}: {contrast:.2}");
            }
        }
    }

    #[test]
    fn every_colour_can_be_read_on_every_ground() {
        check(Palette::Dark, &[0.0, luminance(235)]);
        check(Palette::Light, &[1.0, luminance(255)]);
    }
}
