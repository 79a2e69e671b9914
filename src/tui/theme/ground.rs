//! The background of the terminal: what is known of it, and when a theme has to paint its own.

use ratatui::style::{Color, Style};

use crate::tui::theme::Palette;

/// How bright a background is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Background {
    Dark,
    Light,
}

/// The background of the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Ground {
    /// As the terminal or its environment says; `None` if neither does.
    pub background: Option<Background>,
    /// The palette was not chosen by the user: it follows the background.
    pub adapts: bool,
}

impl Background {
    /// From `COLORFGBG`, which few terminals set: the number of the background's colour is its last part.
    pub fn of_environment(variable: impl Fn(&str) -> String) -> Option<Background> {
        let colors = variable("COLORFGBG");
        match colors.rsplit(';').next()?.parse::<u8>().ok()? {
            0..=6 | 8 => Some(Background::Dark),
            7 | 9..=15 => Some(Background::Light),
            _ => None,
        }
    }

    /// From the answer to OSC 11, without its frame: `rgb:1c1c/1c1c/1c1c`, `rgba:…` or `#1c1c1c`. Anything
    /// else says nothing.
    pub fn of_answer(answer: &str) -> Option<Background> {
        let parts: Vec<&str> = match answer.strip_prefix('#') {
            Some(digits) if digits.is_ascii() && digits.len().is_multiple_of(3) => {
                let size = digits.len() / 3;
                (0..3)
                    .map(|part| digits.get(part * size..(part + 1) * size))
                    .collect::<Option<_>>()?
            }
            Some(_) => return None,
            None => {
                let levels = answer.strip_prefix("rgb:");
                let levels = levels.or_else(|| answer.strip_prefix("rgba:"))?;
                levels.split('/').collect()
            }
        };
        let [red, green, blue, ..] = *parts.as_slice() else {
            return None;
        };
        let brightness = 0.299 * level(red)? + 0.587 * level(green)? + 0.114 * level(blue)?;
        Some(if brightness < 0.5 {
            Background::Dark
        } else {
            Background::Light
        })
    }
}

/// A level of one to four hexadecimal digits, from 0 to 1.
fn level(digits: &str) -> Option<f64> {
    if digits.is_empty() || digits.len() > 4 || !digits.bytes().all(|it| it.is_ascii_hexdigit()) {
        return None;
    }
    let most = 16_u32.pow(u32::try_from(digits.len()).ok()?) - 1;
    let value = u32::from_str_radix(digits, 16).ok()?;
    Some(f64::from(value) / f64::from(most))
}

impl Ground {
    /// The ink and the paper to paint; `None` where those of the terminal fit the palette.
    pub(super) fn paint(self, palette: Palette) -> Option<Style> {
        let (ink, paper) = match palette {
            Palette::Dark if self.background != Some(Background::Dark) => (252, 234),
            Palette::Light if self.background != Some(Background::Light) => (235, 231),
            Palette::Dark
            | Palette::Light
            | Palette::HighContrast
            | Palette::Sixteen
            | Palette::None => return None,
        };
        Some(
            Style::new()
                .fg(Color::Indexed(ink))
                .bg(Color::Indexed(paper)),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::{Background, Ground};
    use crate::tui::theme::Palette;

    #[track_caller]
    fn check(answer: &str, expected: Option<Background>) {
        assert_eq!(Background::of_answer(answer), expected, "{answer:?}");
    }

    #[test]
    fn an_answer_contains_the_brightness_of_the_background() {
        check("rgb:1414/1717/2020", Some(Background::Dark));
        check("rgb:ffff/ffff/ffff", Some(Background::Light));
        check("rgb:fd/f6/e3", Some(Background::Light));
        check("rgb:0/0/0", Some(Background::Dark));
        check("rgba:0000/2b2b/3636/ffff", Some(Background::Dark));
        check("#fdf6e3", Some(Background::Light));
        check("#000", Some(Background::Dark));
    }

    #[test]
    fn a_hostile_answer_says_nothing() {
        for answer in [
            "",
            "rgb:",
            "rgb://",
            "rgb:1/2",
            "rgb:-1/+2/ 3",
            "rgb:fffff/0/0",
            "#",
            "#é1",
            "#ffff",
            "q",
            "rgb:zz/zz/zz",
            "\u{1b}[2J",
        ] {
            check(answer, None);
        }
    }

    #[test]
    fn a_theme_paints_only_where_the_terminal_does_not_fit() {
        let on = |background| Ground {
            background,
            adapts: false,
        };
        assert_eq!(on(Some(Background::Light)).paint(Palette::Light), None);
        assert!(on(Some(Background::Dark)).paint(Palette::Light).is_some());
        assert!(on(None).paint(Palette::Dark).is_some());
        assert_eq!(on(None).paint(Palette::Sixteen), None);
    }
}
