//! Secrets in plain text: known shapes, and values behind names, in whatever notation.
//!
//! Three expressions run over the text side by side; what each finds is looked at by hand, in a bounded neighbourhood,
//! so a pass takes linear time. Text without secrets is read once; what was masked is read again, because a secret may
//! precede another one that was found first.

use regex::{Match, Regex};

use super::names::{Secrecy, hides, is_harmless, looks_generated, secrecy};
use super::shapes::{NAME_WORDS, PART_SHAPES, WHOLE_SHAPES, secret_start};
use super::{hidden, is_hidden};

/// The longest name, and the farthest end of an address or an argument, in bytes.
const LONGEST_NAME: usize = 64;
const NEAR: usize = 256;
/// How much of a value is examined to decide whether it is a secret.
const LONGEST_VALUE: usize = 512;
/// The longest private key.
const LONGEST_PEM: usize = 64 << 10;

const SCHEMES: &[&str] = &[
    "bearer ",
    "basic ",
    "token ",
    "digest ",
    "apikey ",
    "negotiate ",
];

/// Passes over one text; nearly all need two.
const MOST_PASSES: usize = 8;

/// The text with its secrets hidden, and how many there were; none where there are none.
pub(super) fn mask_text(text: &str) -> Option<(String, usize)> {
    let (mut text, mut count) = pass(text)?;
    for _ in 1..MOST_PASSES {
        let Some((masked, more)) = pass(&text) else {
            break;
        };
        text = masked;
        count += more;
    }
    Some((text, count))
}

fn pass(text: &str) -> Option<(String, usize)> {
    let mut masker = Masker {
        text,
        out: String::new(),
        done: 0,
        count: 0,
    };
    let mut whole = Search::new(&WHOLE_SHAPES, text);
    let mut part = Search::new(&PART_SHAPES, text);
    let mut name = Search::new(&NAME_WORDS, text);
    loop {
        let starts = [whole.start(), part.start(), name.start()];
        let first = *starts.iter().min()?;
        if first == usize::MAX {
            break;
        }
        let (search, secret) = if first == starts[0] {
            let secret = whole.found.and_then(|found| {
                let start = secret_start(found.as_str())?;
                Some((found.start() + start, found.end()))
            });
            (&mut whole, secret)
        } else if first == starts[1] {
            let secret = part.found.and_then(|found| part_of(text, found));
            (&mut part, secret)
        } else {
            let secret = name
                .found
                .and_then(|found| behind_name(text, found, masker.done));
            (&mut name, secret)
        };
        // What looked like a value behind `Basic` may be a secret of another shape.
        let seen = search.found.map_or(text.len(), |found| {
            let word = found.as_str().find([' ', '\t']);
            word.map_or(found.end(), |word| found.start() + word.max(1))
        });
        match secret {
            Some((start, end)) if start >= masker.done && start < end => {
                masker.hide(start, end);
                for search in [&mut whole, &mut part, &mut name] {
                    search.skip_to(end);
                }
            }
            _ => search.skip_to(seen),
        }
    }
    (masker.count > 0).then(|| {
        masker
            .out
            .push_str(masker.text.get(masker.done..).unwrap_or_default());
        (masker.out, masker.count)
    })
}

/// One expression, and what it found next.
struct Search<'t> {
    expression: &'static Regex,
    text: &'t str,
    found: Option<Match<'t>>,
}

impl<'t> Search<'t> {
    fn new(expression: &'static Regex, text: &'t str) -> Search<'t> {
        Search {
            expression,
            text,
            found: expression.find(text),
        }
    }

    fn start(&self) -> usize {
        self.found.map_or(usize::MAX, |found| found.start())
    }

    /// Looks for the next one, unless it is known to be further on.
    fn skip_to(&mut self, at: usize) {
        if self.start() < at {
            self.found = if at <= self.text.len() {
                self.expression.find_at(self.text, at)
            } else {
                None
            };
        }
    }
}

struct Masker<'t> {
    text: &'t str,
    out: String,
    /// Up to here the text is in `out`.
    done: usize,
    count: usize,
}

impl Masker<'_> {
    fn hide(&mut self, start: usize, end: usize) {
        self.out
            .push_str(self.text.get(self.done..start).unwrap_or_default());
        self.out
            .push_str(&hidden(self.text.get(start..end).unwrap_or_default()));
        self.done = end;
        self.count += 1;
    }
}

/// The bytes of a scheme that comes before the secret: `Bearer `.
pub(super) fn scheme(text: &str) -> usize {
    let is_there = |scheme: &&&str| {
        let head = text.get(..scheme.len());
        head.is_some_and(|head| head.eq_ignore_ascii_case(scheme)) && text.len() > scheme.len()
    };
    SCHEMES
        .iter()
        .find(is_there)
        .map_or(0, |scheme| scheme.len())
}

/// The secret that a partial shape points at.
fn part_of(text: &str, found: Match<'_>) -> Option<(usize, usize)> {
    let end = found.end();
    let (start, end) = match found.as_str().trim_start() {
        "://" => return in_address(text, end),
        shape if shape.starts_with("-----") => return Some((found.start(), pem_end(text, end))),
        shape if shape.starts_with('-') => {
            let is_word = !text
                .get(..found.start())?
                .ends_with(|char: char| char.is_ascii_alphanumeric() || char == '-');
            let argument = argument(text, end).filter(|_| is_word)?;
            let words = text.get(argument.0..argument.1)?;
            let (user, password) = words.split_once(':')?;
            let number = |word: &str| word.bytes().all(|byte| byte.is_ascii_digit());
            // A user and a group, as in `docker run -u 1000:1000`.
            if number(user) && number(password) {
                return None;
            }
            (argument.0 + user.len() + 1, argument.1)
        }
        shape
            if shape.ends_with([' ', '\t']) && !shape.to_ascii_lowercase().starts_with("login") =>
        {
            return short_option(text, end);
        }
        // The option of a program needs its white space; it was trimmed at the start only.
        _ => argument(text, end)?,
    };
    let secret = text.get(start..end)?;
    (!secret.is_empty() && !is_hidden(secret) && !is_harmless(secret)).then_some((start, end))
}

/// The password in `scheme://user:password@host`, or a token in its place.
fn in_address(text: &str, start: usize) -> Option<(usize, usize)> {
    let bytes = text.as_bytes().get(start..)?.iter().take(NEAR);
    let is_part = |byte: &&u8| **byte > b' ' && !b"/?#\"'<>\\`".contains(byte);
    let near: Vec<u8> = bytes.take_while(is_part).copied().collect();
    let last = near.iter().rposition(|byte| *byte == b'@');
    let info = text.get(start..start + last?)?;
    let (from, secret) = match info.split_once(':') {
        Some((user, password)) => (user.len() + 1, password),
        None => (0, info),
    };
    let is_port = secret.len() <= 5 && secret.bytes().all(|byte| byte.is_ascii_digit());
    let is_secret = if from == 0 {
        looks_generated(secret) && secret.len() >= 16
    } else {
        !is_port
    };
    let hide = is_secret && !secret.is_empty() && !is_hidden(secret) && !is_harmless(secret);
    hide.then_some((start + from, start + from + secret.len()))
}

/// The end of a private key whose first line ends at `start`; of one without an end, where its letters end.
fn pem_end(text: &str, start: usize) -> usize {
    let limit = (start..=(start + LONGEST_PEM).min(text.len()))
        .rev()
        .find(|at| text.is_char_boundary(*at));
    let body = text.get(start..limit.unwrap_or(start)).unwrap_or_default();
    if let Some(at) = body.find("-----") {
        let rest = body.get(at..).unwrap_or_default();
        if rest.starts_with("-----END") {
            let line = rest.get(8..).and_then(|rest| rest.find("-----"));
            return start + at + line.map_or(8, |line| 8 + line + 5);
        }
    }
    let mut end = 0;
    for piece in body.split_inclusive(|char: char| char.is_whitespace() || char == '\\') {
        // What is left of an escaped line end: `\n`.
        let bare = piece.trim_end_matches(|char: char| char.is_whitespace() || char == '\\');
        let letters = bare.trim_start_matches(['n', 'r']);
        let is_base64 = |text: &str| {
            text.bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"+/=".contains(&byte))
        };
        let is_header = ["Proc-Type:", "DEK-Info:", "Version:", "Comment:"]
            .iter()
            .any(|name| letters.starts_with(name));
        if !(letters.is_empty()
            || is_header
            || (letters.len() >= 16 && is_base64(letters))
            || letters.contains(','))
        {
            let tail = bare
                .bytes()
                .take_while(|byte| byte.is_ascii_alphanumeric() || b"+/=".contains(byte))
                .count();
            let is_last = tail < bare.len() || end + piece.len() == body.len();
            end += if is_last { tail } else { 0 };
            break;
        }
        end += piece.len();
    }
    start
        + body.get(..end).map_or(0, |body| {
            body.trim_end_matches([' ', '\n', '\r', '\t', '\\']).len()
        })
}

/// The next word of a command line, without its quotes.
fn argument(text: &str, at: usize) -> Option<(usize, usize)> {
    let bytes = text.as_bytes();
    let mut start = at;
    while matches!(bytes.get(start), Some(b' ' | b'\t')) {
        start += 1;
    }
    let before = bytes.get(start.checked_sub(1)?).copied();
    let quote = match bytes.get(start) {
        Some(quote @ (b'"' | b'\'')) => {
            start += 1;
            Some(*quote)
        }
        _ => before.filter(|byte| matches!(byte, b'"' | b'\'')),
    };
    let rest = bytes.get(start..)?;
    let end = rest.iter().take(NEAR).position(|byte| match quote {
        Some(quote) => *byte == quote || *byte == b'\n',
        None => matches!(
            byte,
            b'"' | b'\'' | b'`' | b'\\' | b'|' | b';' | b'<' | b'>' | 0..=b' '
        ),
    });
    let end = start + end.unwrap_or(rest.len().min(NEAR));
    text.get(start..end)?;
    (start < end).then_some((start, end))
}

/// `mysql … -psecret`, `sshpass -p secret`, `redis-cli -a secret`: the option that follows the program.
fn short_option(text: &str, start: usize) -> Option<(usize, usize)> {
    let bytes = text.as_bytes().get(start - 1..)?;
    let line = bytes
        .iter()
        .take(NEAR)
        .position(|byte| matches!(byte, b'\n' | b'|' | b';' | b'\\'));
    let line = bytes.get(..line.unwrap_or(bytes.len().min(NEAR)))?;
    let option = line
        .windows(3)
        .position(|three| matches!(three, [b' ', b'-', b'p' | b'a']))?;
    let at = start - 1 + option + 3;
    let (from, to) = argument(text, at)?;
    let secret = text.get(from..to)?;
    let hide = !secret.starts_with('-') && !is_hidden(secret) && !is_harmless(secret);
    hide.then_some((from, to))
}

/// The value after the name around `found`, if it is a secret. Looks back no further than `floor`.
fn behind_name(text: &str, found: Match<'_>, floor: usize) -> Option<(usize, usize)> {
    let name = Name::around(text, found, floor)?;
    let is_signature = name.is_query && name.text.to_ascii_lowercase().ends_with("sig");
    let secrecy = if is_signature || name.text.eq_ignore_ascii_case("signature") && name.is_query {
        Secrecy::Maybe
    } else {
        secrecy(name.text)
    };
    if secrecy == Secrecy::None {
        return None;
    }
    let mut reader = Reader { text, at: name.end };
    let separator = reader.separator(&name, secrecy)?;
    let value = reader.value(&name, separator)?;
    if !value.is_plausible(secrecy, separator, &name) || !hides(secrecy, value.text) {
        return None;
    }
    let length = match value.rest {
        Some(rest) => length(rest, &name, (separator, value.opening))?,
        None => value.text.len(),
    };
    Some((value.start, value.start + length))
}

/// A name in a text, and what precedes it.
struct Name<'t> {
    text: &'t str,
    end: usize,
    is_flag: bool,
    is_query: bool,
    is_tag: bool,
    begins_line: bool,
    /// In brackets, as the first of two: `["name", …`.
    is_in_pair: bool,
}

fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-')
}

impl<'t> Name<'t> {
    fn around(text: &'t str, found: Match<'_>, floor: usize) -> Option<Name<'t>> {
        let bytes = text.as_bytes();
        let inside = found.start()
            + found
                .as_str()
                .find(|char: char| char.is_ascii_alphabetic())?;
        let before = bytes.get(floor..inside)?.iter().rev().take(LONGEST_NAME);
        let mut start = inside - before.take_while(|byte| is_name_byte(**byte)).count();
        let after = bytes.get(inside..)?.iter().take(LONGEST_NAME);
        let mut end = inside + after.take_while(|byte| is_name_byte(**byte)).count();
        // A name with blanks, as `connection string`, ends where it was found to end.
        end = end.max(found.end());
        while end > inside && matches!(bytes[end - 1], b'.' | b'-') {
            end -= 1;
        }
        // `\nNAME`: the end of a line inside of a text.
        if start > 0
            && bytes[start - 1] == b'\\'
            && matches!(bytes[start], b'n' | b'r' | b't')
            && start < inside
        {
            start += 1;
        }
        let is_flag = bytes[start] == b'-';
        while start < inside && matches!(bytes[start], b'-' | b'.') {
            start += 1;
        }
        let previous = start.checked_sub(1).map(|at| bytes[at]);
        let head = text.get(..start)?.trim_end_matches(['"', '\'', '\\', '`']);
        let line = head.trim_end_matches([' ', '\t']);
        let is_first = line.is_empty() || line.ends_with('\n');
        let escaped = previous.is_some_and(|byte| matches!(byte, b'n' | b'r'))
            && start >= 2
            && bytes[start - 2] == b'\\';
        Some(Name {
            text: text.get(start..end)?,
            end,
            is_flag,
            is_query: matches!(previous, Some(b'?' | b'&' | b';')),
            is_tag: previous == Some(b'<'),
            begins_line: is_first || escaped || line.ends_with("export") || line.ends_with("ENV"),
            is_in_pair: head.ends_with(['[', '(']),
        })
    }

    /// Headers whose whole line is the secret.
    fn is_header(&self) -> bool {
        let lower = self.text.to_ascii_lowercase();
        lower.ends_with("authorization") || lower.ends_with("cookie")
    }
}

/// What is between a name and its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Separator {
    /// `=`, with or without blanks around.
    Equals { tight: bool },
    /// `:` or `=>`.
    Colon { tight: bool },
    /// The next argument of a command.
    Blank,
    /// The next element of a pair, or the value that belongs to a name.
    Comma,
    /// `<password>…</password>`.
    Tag,
    /// `the password is …`.
    Is,
}

/// A quote, and how many backslashes precede it.
type Quote = (usize, u8);

struct Reader<'t> {
    text: &'t str,
    at: usize,
}

impl<'t> Reader<'t> {
    fn rest(&self) -> &'t str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn takes(&mut self, word: &str) -> bool {
        let is_next = self.rest().starts_with(word);
        self.at += if is_next { word.len() } else { 0 };
        is_next
    }

    fn blanks(&mut self) -> usize {
        let rest = self.rest().bytes();
        let count = rest
            .take(32)
            .take_while(|byte| matches!(byte, b' ' | b'\t'))
            .count();
        self.at += count;
        count
    }

    /// A quote with the backslashes before it; how many there were.
    fn quote(&mut self) -> Option<Quote> {
        let rest = self.rest().as_bytes();
        let slashes = rest
            .iter()
            .take(8)
            .take_while(|byte| **byte == b'\\')
            .count();
        let quote = rest.get(slashes).copied();
        let quote = quote.filter(|byte| matches!(byte, b'"' | b'\'' | b'`'))?;
        self.at += slashes + 1;
        Some((slashes, quote))
    }

    fn separator(&mut self, name: &Name<'_>, secrecy: Secrecy) -> Option<Separator> {
        let quoted = self.quote().is_some();
        self.takes("]");
        let blanks = self.blanks();
        let separator = if self.takes("=>") {
            Separator::Colon { tight: false }
        } else if self.rest().starts_with("==")
            || self.rest().starts_with("::")
            || self.rest().starts_with("://")
        {
            return None;
        } else if self.takes(":=") {
            Separator::Equals { tight: false }
        } else if self.takes("=") {
            Separator::Equals {
                tight: blanks == 0 && !self.rest().starts_with(' '),
            }
        } else if self.takes(":") {
            Separator::Colon {
                tight: !quoted && !self.rest().starts_with([' ', '\t']),
            }
        } else if name.is_flag && blanks > 0 && !quoted {
            Separator::Blank
        } else if name.is_tag && self.takes(">") {
            Separator::Tag
        } else if quoted && self.takes(",") {
            self.blanks();
            let is_named = self.value_member();
            if !is_named && !name.is_in_pair && !name.is_header() {
                return None;
            }
            Separator::Comma
        } else if secrecy == Secrecy::Sure
            && blanks > 0
            && (self.takes("is ") || self.takes("is: "))
        {
            Separator::Is
        } else {
            return None;
        };
        self.blanks();
        Some(separator)
    }

    /// `"value":` after `"name": "…",`.
    fn value_member(&mut self) -> bool {
        let start = self.at;
        let is_member = self.quote().is_some()
            && ["value", "val", "v"].iter().any(|word| {
                let from = self.at;
                let fits = self.takes(word) && self.quote().is_some();
                self.at = if fits { self.at } else { from };
                fits
            })
            && {
                self.blanks();
                self.takes(":")
            };
        if !is_member {
            self.at = start;
        }
        is_member
    }

    fn value(&mut self, name: &Name<'_>, separator: Separator) -> Option<NamedValue<'t>> {
        if self.takes("[") {
            self.blanks();
        }
        let opening = self.quote();
        let scheme = scheme(self.rest());
        self.at += scheme;
        let rest = self.rest();
        let near = (0..=LONGEST_VALUE.min(rest.len())).rev();
        let near = near.into_iter().find(|at| rest.is_char_boundary(*at))?;
        let near = rest.get(..near)?;
        let length = length(near, name, (separator, opening))?;
        let text = near.get(..length)?.trim_end();
        let after = near.get(text.len()..)?;
        let after = after.trim_start_matches([' ', '\t', ',', ';']);
        Some(NamedValue {
            text,
            rest: (length == near.len() && near.len() < rest.len()).then_some(rest),
            start: self.at,
            opening,
            has_scheme: scheme > 0,
            ends_line: after.is_empty() || after.starts_with(['\n', '\r', '\\']),
            is_called: after.starts_with(['(', '[']),
        })
    }
}

/// How many bytes of `rest` are the value.
fn length(
    rest: &str,
    name: &Name<'_>,
    (separator, opening): (Separator, Option<Quote>),
) -> Option<usize> {
    Some(match opening {
        Some(opening) => quoted_length(rest, opening),
        None if separator == Separator::Tag => rest.find('<')?,
        None if name.is_header() && matches!(separator, Separator::Colon { .. }) => rest
            .find(['"', '\'', '\n', '\r', '\\', '`'])
            .unwrap_or(rest.len()),
        None => {
            let is_line = name.begins_line && separator == Separator::Equals { tight: true };
            bare_length(rest, is_line)
        }
    })
}

/// Up to the quote that closes: one with no more backslashes before it than the one that opened.
fn quoted_length(rest: &str, (slashes, quote): Quote) -> usize {
    let mut before = 0;
    for (at, byte) in rest.bytes().enumerate() {
        if byte == b'\\' {
            before += 1;
            continue;
        }
        if byte == quote && (before <= slashes || (slashes == 0 && before % 2 == 0)) {
            return at - before.min(slashes);
        }
        if byte == b'\n' {
            return at;
        }
        before = 0;
    }
    rest.len()
}

/// Up to what ends a word; of a line of an environment, only white space does.
fn bare_length(rest: &str, is_line: bool) -> usize {
    let ends = |byte: u8| match byte {
        0..=b' ' | b'"' | b'\'' | b'`' | b'\\' => true,
        b'<' | b'>' | b',' | b';' | b'&' | b')' | b']' | b'}' | b'|' => !is_line,
        _ => false,
    };
    let length = rest.bytes().position(ends).unwrap_or(rest.len());
    let word = rest.get(..length).unwrap_or_default();
    word.trim_end_matches(['.', ':']).len()
}

/// A value after a name.
struct NamedValue<'t> {
    text: &'t str,
    /// How it continues, if it is longer than the part examined.
    rest: Option<&'t str>,
    start: usize,
    opening: Option<Quote>,
    has_scheme: bool,
    ends_line: bool,
    is_called: bool,
}

impl NamedValue<'_> {
    /// Whether this is a value, and not prose or code.
    fn is_plausible(&self, secrecy: Secrecy, separator: Separator, name: &Name<'_>) -> bool {
        if self.text.is_empty() {
            return false;
        }
        if self.opening.is_some() || self.has_scheme {
            return true;
        }
        let has_edge = self
            .text
            .chars()
            .any(|char| !char.is_ascii_alphabetic() && char != '_' && char != '.');
        let is_code = self.is_called
            || self.text.starts_with(['&', '(', '{', '['])
            || self.text.contains(['(', '['])
            || self.text.eq_ignore_ascii_case(name.text)
            || (!has_edge && self.text.contains('.'));
        if is_code {
            return false;
        }
        let is_line = name.is_header() && separator == Separator::Colon { tight: false };
        if is_line {
            return self.text.contains('=') || looks_generated(self.text);
        }
        match separator {
            Separator::Equals { tight: true } | Separator::Blank => !self.text.starts_with('-'),
            Separator::Equals { tight: false } | Separator::Colon { tight: false } => {
                has_edge || self.ends_line
            }
            Separator::Colon { tight: true } => has_edge,
            Separator::Comma => false,
            Separator::Tag => true,
            Separator::Is => secrecy == Secrecy::Sure && has_edge,
        }
    }
}
