use jiff::tz::TimeZone;

use super::{Charset, Role, TextStyle, charset, color};
use crate::cli::args::When;

fn vars(set: &'static [(&'static str, &'static str)]) -> impl Fn(&str) -> String {
    move |name| {
        set.iter()
            .find(|(key, _)| *key == name)
            .map_or(String::new(), |(_, it)| (*it).to_owned())
    }
}

#[test]
fn colours_need_a_terminal_or_an_option() {
    let xterm = vars(&[("TERM", "xterm")]);
    assert!(color(When::Auto, true, &xterm));
    assert!(!color(When::Auto, false, &xterm));
    assert!(color(When::Always, false, &xterm));
    assert!(!color(When::Auto, true, vars(&[("TERM", "dumb")])));
    assert!(!color(
        When::Auto,
        true,
        vars(&[("TERM", "xterm"), ("NO_COLOR", "1")])
    ));
    assert!(color(When::Auto, false, vars(&[("CLICOLOR_FORCE", "1")])));
}

#[test]
fn the_locale_decides_which_characters_are_printed() {
    assert_eq!(charset(false, vars(&[])), Charset::Unicode);
    assert_eq!(
        charset(false, vars(&[("LC_ALL", "C"), ("LANG", "de_DE.UTF-8")])),
        Charset::Ascii
    );
    assert_eq!(
        charset(true, vars(&[("LANG", "C.utf8")])),
        Charset::AsciiGlyphs
    );
}

#[track_caller]
fn check(charset: Charset, text: &str, expected: &str) {
    let style = TextStyle {
        color: false,
        charset,
        width: None,
        zone: TimeZone::UTC,
    };
    assert_eq!(style.spell(text), expected);
}

#[test]
fn characters_that_are_not_allowed_are_printed_as_codes() {
    check(Charset::Unicode, "é ≈$1…", "é ≈$1…");
    check(Charset::AsciiGlyphs, "é ≈$1…", "é ~$1~");
    check(Charset::Ascii, "é ≈$1…", "<e9> ~$1~");
}

#[test]
fn without_colour_no_escape_sequence_is_printed() {
    let style = TextStyle {
        color: false,
        charset: Charset::Unicode,
        width: None,
        zone: TimeZone::UTC,
    };
    assert_eq!(style.paint(Role::Bad, "error"), "error");
    assert_eq!(
        TextStyle {
            color: true,
            ..style
        }
        .paint(Role::Bad, "error"),
        "\u{1b}[31merror\u{1b}[0m"
    );
}
