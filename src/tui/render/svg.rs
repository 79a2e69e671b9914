//! A picture of the screen as SVG, for pages and reports.
//!
//! Every run of cells of one style is a text of its own with a fixed length, so that the columns stay
//! in line whatever font the reader has.

use std::fmt::Write;

use ratatui::buffer::{Buffer, Cell};
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier, Style};

use crate::base::{human, text};
use crate::export::readable::Line;
use crate::export::words::Role;

/// The size of a cell in pixels, and where in it the letters stand.
const CELL: (f32, f32) = (8.4, 18.0);
const BASELINE: f32 = 13.5;
const FONT_SIZE: f32 = 14.0;
const MARGIN: f32 = 10.0;

const FONTS: &str =
    "ui-monospace,'SF Mono','JetBrains Mono','DejaVu Sans Mono',Menlo,Consolas,monospace";

/// The 16 named terminal colours, and the default background and foreground.
#[derive(Debug)]
pub struct Inks {
    paper: u32,
    ink: u32,
    named: [u32; 16],
}

/// For a dark background.
pub static DARK: Inks = Inks {
    paper: 0x0014_1720,
    ink: 0x00d5_d8df,
    named: [
        0x0014_1720,
        0x00e0_6c75,
        0x0098_c379,
        0x00e5_c07b,
        0x0061_afef,
        0x00c6_78dd,
        0x0056_b6c2,
        0x00ab_b2bf,
        0x0072_7a87,
        0x00ff_7b86,
        0x00b5_e890,
        0x00ff_d68a,
        0x0080_c4ff,
        0x00de_94f2,
        0x0070_d0dc,
        0x00ff_ffff,
    ],
};

/// For a light background.
pub static LIGHT: Inks = Inks {
    paper: 0x00fb_fbfa,
    ink: 0x0024_292f,
    named: [
        0x0024_292f,
        0x00b3_1d28,
        0x0022_863a,
        0x008a_6100,
        0x0003_58b8,
        0x006f_42c1,
        0x0013_7a86,
        0x0057_606a,
        0x006e_7781,
        0x00cb_2431,
        0x0028_a745,
        0x00a0_7000,
        0x0004_69d6,
        0x008a_63d2,
        0x001b_9aaa,
        0x00ff_ffff,
    ],
};

impl Inks {
    fn of(&self, color: Color, default: u32) -> u32 {
        let named = |number: u8| self.named[usize::from(number % 16)];
        match color {
            Color::Reset => default,
            Color::Black => named(0),
            Color::Red => named(1),
            Color::Green => named(2),
            Color::Yellow => named(3),
            Color::Blue => named(4),
            Color::Magenta => named(5),
            Color::Cyan => named(6),
            Color::Gray => named(7),
            Color::DarkGray => named(8),
            Color::LightRed => named(9),
            Color::LightGreen => named(10),
            Color::LightYellow => named(11),
            Color::LightBlue => named(12),
            Color::LightMagenta => named(13),
            Color::LightCyan => named(14),
            Color::White => named(15),
            Color::Indexed(number @ 0..16) => named(number),
            Color::Indexed(number) => of_table(number),
            Color::Rgb(r, g, b) => u32::from_be_bytes([0, r, g, b]),
        }
    }
}

/// The colours of a terminal with 256 that are the same everywhere: a cube of six levels each, and greys.
fn of_table(number: u8) -> u32 {
    let level = |at: u8| if at == 0 { 0 } else { at * 40 + 55 };
    let (r, g, b) = if let Some(grey) = number.checked_sub(232) {
        (grey * 10 + 8, grey * 10 + 8, grey * 10 + 8)
    } else {
        let at = number.saturating_sub(16);
        (level(at / 36), level(at / 6 % 6), level(at % 6))
    };
    u32::from_be_bytes([0, r, g, b])
}

/// How a run of cells is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Look {
    ink: u32,
    paper: u32,
    bold: bool,
    italic: bool,
    underlined: bool,
    dim: bool,
}

impl Look {
    fn of(cell: &Cell, inks: &Inks) -> Look {
        let has = |modifier| cell.modifier.contains(modifier);
        let (mut ink, mut paper) = (inks.of(cell.fg, inks.ink), inks.of(cell.bg, inks.paper));
        if has(Modifier::REVERSED) {
            (ink, paper) = (paper, ink);
        }
        Look {
            ink,
            paper,
            bold: has(Modifier::BOLD),
            italic: has(Modifier::ITALIC),
            underlined: has(Modifier::UNDERLINED),
            dim: has(Modifier::DIM),
        }
    }
}

/// Cells of one row that are drawn together.
#[derive(Debug)]
struct Run {
    look: Look,
    x: u16,
    width: u16,
    text: String,
}

impl Run {
    /// Columns and wide letters get a text element of their own: not all SVG viewers honour textLength.
    fn continues_with(&self, symbol: &str, width: u16) -> bool {
        let is_wide = usize::from(self.width) != self.text.chars().count();
        is_wide == (width > 1) && (symbol == " " || !self.text.ends_with("  "))
    }
}

/// The most lines in a picture.
const TALLEST: usize = 2_000;
/// Nor one that no page is as wide as: longer lines are cut.
const WIDEST: usize = 200;

/// Lines of a page as a picture.
pub fn page(lines: &[Line], inks: &Inks) -> String {
    let width = |line: &Line| -> usize { line.iter().map(|(_, piece)| text::width(piece)).sum() };
    let widest = lines.iter().take(TALLEST).map(width).max().unwrap_or(1);
    let widest = widest.min(WIDEST);
    let more = lines.len().saturating_sub(TALLEST);
    let height = lines.len().min(TALLEST) + usize::from(more > 0);
    let area = Rect::new(0, 0, widest as u16, height as u16);
    let mut buffer = Buffer::empty(area);
    for (line, y) in lines.iter().take(TALLEST).zip(0..) {
        let mut x = 0;
        for (role, piece) in line {
            let piece = text::cut(piece, widest.saturating_sub(x));
            buffer.set_string(x as u16, y, &piece, style(*role));
            x += text::width(&piece);
        }
    }
    if more > 0 {
        let words = format!("… {}", human::counted(more as u64, "more line"));
        buffer.set_string(0, TALLEST as u16, words, style(Role::Dim));
    }
    svg(&buffer, inks)
}

fn style(role: Role) -> Style {
    let style = Style::new();
    match role {
        Role::Plain => style,
        Role::Head => style.bold(),
        Role::Dim => style.dark_gray(),
        Role::Good => style.green(),
        Role::Bad => style.red(),
        Role::Warn => style.yellow(),
    }
}

/// The picture as one SVG document.
pub fn svg(buffer: &Buffer, inks: &Inks) -> String {
    let (columns, rows) = (f32::from(buffer.area.width), f32::from(buffer.area.height));
    let (width, height) = (
        columns * CELL.0 + 2.0 * MARGIN,
        rows * CELL.1 + 2.0 * MARGIN,
    );
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width:.1} {height:.1}\" width=\"{width:.0}\" \
         height=\"{height:.0}\" font-family=\"{FONTS}\" font-size=\"{FONT_SIZE}\" xml:space=\"preserve\">\n\
         <rect width=\"100%\" height=\"100%\" rx=\"8\" fill=\"#{:06x}\"/>\n",
        inks.paper
    );
    for y in 0..buffer.area.height {
        for run in runs(buffer, y, inks) {
            draw(&mut out, &run, y, inks);
        }
    }
    out.push_str("</svg>\n");
    out
}

fn runs(buffer: &Buffer, y: u16, inks: &Inks) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    let mut x = 0;
    while x < buffer.area.width {
        let Some(cell) = buffer.cell((buffer.area.x + x, buffer.area.y + y)) else {
            break;
        };
        let width = u16::try_from(text::width(cell.symbol()))
            .unwrap_or(1)
            .max(1);
        let look = Look::of(cell, inks);
        match runs.last_mut() {
            Some(run) if run.look == look && run.continues_with(cell.symbol(), width) => {
                run.text.push_str(cell.symbol());
                run.width += width;
            }
            _ => runs.push(Run {
                look,
                x,
                width,
                text: cell.symbol().to_owned(),
            }),
        }
        x += width;
    }
    runs
}

/// Writing to a string cannot fail.
fn draw(out: &mut String, run: &Run, row: u16, inks: &Inks) {
    let Look { ink, paper, .. } = run.look;
    let (left, top) = (
        f32::from(run.x) * CELL.0 + MARGIN,
        f32::from(row) * CELL.1 + MARGIN,
    );
    let width = f32::from(run.width) * CELL.0;
    if paper != inks.paper {
        let _ = writeln!(
            out,
            "<rect x=\"{left:.1}\" y=\"{top:.1}\" width=\"{width:.1}\" height=\"{:.1}\" fill=\"#{paper:06x}\"/>",
            CELL.1
        );
    }
    let shown = run.text.trim_end();
    if shown.is_empty() {
        return;
    }
    let length = text::width(shown) as f32 * CELL.0;
    let mut style = String::new();
    for (is_so, how) in [
        (run.look.bold, " font-weight=\"bold\""),
        (run.look.italic, " font-style=\"italic\""),
        (run.look.underlined, " text-decoration=\"underline\""),
        (run.look.dim, " opacity=\"0.6\""),
    ] {
        if is_so {
            style.push_str(how);
        }
    }
    let _ = writeln!(
        out,
        "<text x=\"{left:.1}\" y=\"{:.1}\" textLength=\"{length:.1}\" fill=\"#{ink:06x}\"{style}>{}</text>",
        top + BASELINE,
        escaped(shown)
    );
}

/// Escapes a text for XML. Characters that XML forbids never reach a screen.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            _ => out.push(letter),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use ratatui::layout::Rect;
    use ratatui::style::Style;

    use super::*;

    fn picture(text: &str, style: Style) -> String {
        let mut buffer = Buffer::empty(Rect::new(0, 0, 12, 1));
        buffer.set_string(0, 0, text, style);
        svg(&buffer, &DARK)
    }

    #[test]
    fn text_is_escaped_and_keeps_its_width() {
        let shown = picture("a<b>&日", Style::new());
        assert!(shown.contains("textLength=\"42.0\""), "{shown}");
        assert!(shown.contains(">a&lt;b&gt;&amp;</text>"), "{shown}");
        assert!(shown.contains(">日</text>"), "{shown}");
    }

    #[test]
    fn colours_are_those_of_the_table() {
        assert_eq!(of_table(16), 0);
        assert_eq!(of_table(196), 0x00ff_0000);
        assert_eq!(of_table(231), 0x00ff_ffff);
        assert_eq!(of_table(232), 0x0008_0808);
        let shown = picture("x", Style::new().fg(Color::Rgb(1, 2, 3)).bg(Color::Red));
        assert!(
            shown.contains("#010203") && shown.contains("#e06c75"),
            "{shown}"
        );
    }

    #[test]
    fn a_reversed_cell_has_its_ink_for_paper() {
        let shown = picture("x", Style::new().add_modifier(Modifier::REVERSED));
        assert!(
            shown.contains(&format!("fill=\"#{:06x}\"/>", DARK.ink)),
            "{shown}"
        );
    }
}
