//! How text output looks: colours, characters, width and time zone, from options and environment.

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
    /// `--ascii`: our own glyphs become ASCII, the words of a trace stay.
    AsciiGlyphs,
    /// The locale is not UTF-8: nothing beyond 0x7f.
    Ascii,
}

#[derive(Debug, Clone)]
pub struct Look {
    pub color: bool,
    pub charset: Charset,
    /// Cells of the terminal; none where output goes elsewhere and nothing is cut.
    pub width: Option<usize>,
    pub zone: TimeZone,
}

impl Look {
    pub fn from_environment(global: &Global) -> Result<Look, Failure> {
        let terminal = io::stdout().is_terminal();
        let width = || crossterm::terminal::size().map_or(80, |(columns, _)| usize::from(columns));
        Ok(Look {
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

    /// Makes raw trace content fit to print: harmless, one line, in the characters allowed.
    pub fn clean(&self, raw: &str) -> String {
        self.spell(&text::sanitize(raw)).into_owned()
    }

    /// Our own words and cleaned content in the characters allowed. Keeps the width of glyphs.
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

/// A locale that is not set at all is that of a bare container, whose terminal speaks UTF-8.
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
                "'{name}' is not a time zone (for example UTC or Europe/Berlin)"
            ))
        }),
    }
}

#[cfg(test)]
mod tests;
