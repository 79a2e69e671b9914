//! How text output looks: colour, characters, width and time zone, from the options and the environment.

use std::borrow::Cow;
use std::env;
use std::io::{self, IsTerminal};

use jiff::tz::TimeZone;

use crate::base::text;
use crate::cli::args::{Global, When};
use crate::cli::failure::Failure;
use crate::export::json::Escapes;
use crate::export::words::Role;

/// Which characters may be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Charset {
    Unicode,
    /// `--ascii`: our own glyphs become ASCII; text of a trace stays as it is.
    AsciiGlyphs,
    /// The locale is not UTF-8: no character above 0x7f.
    Ascii,
}

#[derive(Debug, Clone)]
pub struct TextStyle {
    pub color: bool,
    pub charset: Charset,
    /// The width of the terminal in cells; none if output goes elsewhere and is not cut.
    pub width: Option<usize>,
    pub zone: TimeZone,
}

impl TextStyle {
    pub fn from_environment(global: &Global) -> Result<TextStyle, Failure> {
        let terminal = io::stdout().is_terminal();
        let width = || crossterm::terminal::size().map_or(80, |(columns, _)| usize::from(columns));
        Ok(TextStyle {
            color: color(global.color, terminal, |name| {
                env::var(name).unwrap_or_default()
            }),
            charset: charset(global.ascii, |name| env::var(name).unwrap_or_default()),
            width: terminal.then(|| width().max(20)),
            zone: zone(global.tz.as_deref())?,
        })
    }

    pub fn escapes(&self) -> Escapes {
        if self.charset == Charset::Ascii {
            Escapes::NonAscii
        } else {
            Escapes::Unsafe
        }
    }

    /// Makes raw trace content printable: harmless, on one line, in the allowed characters.
    pub fn clean(&self, raw: &str) -> String {
        self.spell(&text::sanitize(raw)).into_owned()
    }

    /// Our own words and cleaned content in the allowed characters. Glyphs keep their width.
    pub fn spell<'a>(&self, clean: &'a str) -> Cow<'a, str> {
        if self.charset == Charset::Unicode || clean.is_ascii() {
            return Cow::Borrowed(clean);
        }
        let mut out = String::with_capacity(clean.len());
        for char in clean.chars() {
            match text::ascii_glyph(char) {
                Some(glyph) => out.push(glyph),
                None if char.is_ascii() || self.charset == Charset::AsciiGlyphs => out.push(char),
                None => out.extend(["<", &format!("{:x}", u32::from(char)), ">"]),
            }
        }
        Cow::Owned(out)
    }

    pub fn paint(&self, role: Role, text: &str) -> String {
        let code = match role {
            Role::Plain => return text.to_owned(),
            Role::Head => "1",
            Role::Dim => "2",
            Role::Good => "32",
            Role::Bad => "31",
            Role::Warn => "33",
        };
        if self.color {
            format!("\u{1b}[{code}m{text}\u{1b}[0m")
        } else {
            text.to_owned()
        }
    }
}

fn color(when: When, terminal: bool, var: impl Fn(&str) -> String) -> bool {
    match when {
        When::Always => true,
        When::Never => false,
        When::Auto if !var("NO_COLOR").is_empty() => false,
        When::Auto if !matches!(var("CLICOLOR_FORCE").as_str(), "" | "0") => true,
        When::Auto => terminal && !matches!(var("TERM").as_str(), "dumb" | ""),
    }
}

/// If no locale is set, as in a bare container, the terminal is assumed to use UTF-8.
fn charset(ascii: bool, var: impl Fn(&str) -> String) -> Charset {
    let set = ["LC_ALL", "LC_CTYPE", "LANG"]
        .into_iter()
        .map(var)
        .find(|value| !value.is_empty());
    let locale = set
        .unwrap_or_else(|| "UTF-8".to_owned())
        .to_ascii_lowercase();
    match (locale.contains("utf-8") || locale.contains("utf8"), ascii) {
        (false, _) => Charset::Ascii,
        (true, true) => Charset::AsciiGlyphs,
        (true, false) => Charset::Unicode,
    }
}

fn zone(name: Option<&str>) -> Result<TimeZone, Failure> {
    match name {
        None => Ok(TimeZone::system()),
        Some(name) => TimeZone::get(name).map_err(|_| {
            Failure::Usage(format!(
                "'{name}' is not a time zone (use a name such as UTC or Europe/Berlin)"
            ))
        }),
    }
}

#[cfg(test)]
mod tests;
