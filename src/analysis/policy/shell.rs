//! Reads a shell line far enough to judge it: the commands it is made of, what stands before each of them, and
//! the files it writes. Total: any text gives an answer, and a line that cannot be read gives none.

use std::sync::LazyLock;

use regex::Regex;

/// The commands of a line, and what no rule but an exact one may allow in it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Line {
    pub commands: Vec<String>,
    pub traits: Traits,
}

/// What makes a line more than a list of commands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Traits {
    pub background: bool,
    pub heredoc: bool,
    pub is_loop: bool,
    /// White space beyond ASCII, which a shell takes for part of a word.
    pub wide_space: bool,
    pub substitution: bool,
}

impl Traits {
    pub fn any(self) -> bool {
        self.background || self.heredoc || self.is_loop || self.wide_space || self.substitution
    }

    /// In alphabetical order.
    pub fn words(self) -> Vec<&'static str> {
        let all = [
            (self.background, "&"),
            (self.heredoc, "heredoc"),
            (self.is_loop, "loop"),
            (self.wide_space, "space"),
            (self.substitution, "substitution"),
        ];
        all.into_iter()
            .filter(|(is, _)| *is)
            .map(|(_, word)| word)
            .collect()
    }
}

/// Splits a line at `&& || ; | |& &` and line ends outside of quotes. Words of the shell before a command
/// (`if`, `then`, `!`) are dropped. None if the line cannot be read: an open quote, bracket or heredoc.
pub fn line(text: &str) -> Option<Line> {
    let mut split = Split::new(text);
    while split.at < split.bytes.len() {
        split.step()?;
    }
    if split.quoted.is_some() || !split.heredocs.is_empty() {
        return None;
    }
    split.end_part();
    Some(split.finish())
}

/// The characters that Claude Code calls "Unicode whitespace".
fn is_wide_space(char: char) -> bool {
    matches!(
        char,
        '\u{a0}' | '\u{1680}' | '\u{2000}'
            ..='\u{200b}'
                | '\u{2028}'
                | '\u{2029}'
                | '\u{202f}'
                | '\u{205f}'
                | '\u{3000}'
                | '\u{feff}'
    )
}

struct Split<'a> {
    bytes: &'a [u8],
    at: usize,
    now: Vec<u8>,
    parts: Vec<String>,
    quoted: Option<u8>,
    heredocs: Vec<Vec<u8>>,
    traits: Traits,
}

const SEPARATORS: &[&[u8]] = &[b"&&", b"||", b"|&", b";", b"|", b"&", b"\n"];

impl<'a> Split<'a> {
    fn new(text: &'a str) -> Split<'a> {
        Split {
            bytes: text.as_bytes(),
            at: 0,
            now: Vec::new(),
            parts: Vec::new(),
            quoted: None,
            heredocs: Vec::new(),
            traits: Traits {
                wide_space: text.contains(is_wide_space),
                ..Traits::default()
            },
        }
    }

    fn rest(&self) -> &'a [u8] {
        self.bytes.get(self.at..).unwrap_or_default()
    }

    fn take(&mut self, count: usize) {
        let end = (self.at + count).min(self.bytes.len());
        self.now.extend_from_slice(&self.bytes[self.at..end]);
        self.at = end;
    }

    fn end_part(&mut self) {
        let part = String::from_utf8_lossy(&std::mem::take(&mut self.now)).into_owned();
        self.parts.push(part);
    }

    /// Consumes at least one byte; none if the line cannot be read.
    fn step(&mut self) -> Option<()> {
        let rest = self.rest();
        let first = *rest.first()?;
        match (self.quoted, first) {
            (Some(b'\''), _) => {
                self.quoted = self.quoted.filter(|_| first != b'\'');
                self.take(1);
            }
            (_, b'\\') if rest.len() > 1 => self.take(2),
            (_, b'`') => {
                let end = rest[1..].iter().position(|it| *it == b'`')?;
                self.traits.substitution = true;
                self.take(end + 2);
            }
            (_, b'$') if rest.starts_with(b"$(") && !rest.starts_with(b"$((") => {
                let end = closing(rest, 2)?;
                self.traits.substitution = true;
                self.take(end + 1);
            }
            (quoted, b'"') => {
                self.quoted = if quoted.is_some() { None } else { Some(b'"') };
                self.take(1);
            }
            (Some(_), _) => self.take(1),
            (None, b'\'') => {
                self.quoted = Some(b'\'');
                self.take(1);
            }
            (None, _) => return self.bare(first),
        }
        Some(())
    }

    /// A byte outside of quotes.
    fn bare(&mut self, first: u8) -> Option<()> {
        let rest = self.rest();
        if let Some(heredoc) = heredoc(rest) {
            self.traits.heredoc |= !heredoc.is_quoted;
            self.heredocs.push(heredoc.word);
            self.take(heredoc.len);
            return Some(());
        }
        if first == b'#' && self.now.last().is_none_or(u8::is_ascii_whitespace) {
            let end = rest.iter().position(|it| *it == b'\n');
            self.at += end.unwrap_or(rest.len());
            return Some(());
        }
        if first == b'\n' && !self.heredocs.is_empty() {
            for word in std::mem::take(&mut self.heredocs) {
                self.at += end_of_heredoc(self.rest(), &word)?;
            }
            self.end_part();
            return Some(());
        }
        if first == b'&' && (self.now.last() == Some(&b'>') || rest.starts_with(b"&>")) {
            self.take(1);
            return Some(());
        }
        match SEPARATORS.iter().find(|it| rest.starts_with(it)) {
            Some(separator) => {
                self.traits.background |= *separator == b"&";
                self.end_part();
                self.at += separator.len();
            }
            None => self.take(1),
        }
        Some(())
    }

    fn finish(self) -> Line {
        let mut line = Line {
            traits: self.traits,
            ..Line::default()
        };
        for part in &self.parts {
            let command = without_words(part.trim());
            let first = command.split_whitespace().next().unwrap_or_default();
            let has_more = command.len() > first.len();
            if has_more && matches!(first, "for" | "select" | "case") {
                line.traits.is_loop = true;
            } else if !matches!(command, "" | "fi" | "done" | "esac") {
                line.commands.push(command.to_owned());
            }
        }
        line
    }
}

/// Without the shell keywords before a command.
fn without_words(mut part: &str) -> &str {
    const WORDS: &[&str] = &["if", "then", "elif", "else", "while", "until", "do", "!"];
    loop {
        let word = WORDS.iter().find_map(|word| {
            let rest = part.strip_prefix(word)?;
            (rest.is_empty() || rest.starts_with(char::is_whitespace)).then(|| rest.trim_start())
        });
        match word {
            Some(rest) => part = rest,
            None => return part,
        }
    }
}

/// The place of the bracket that closes the one opened before `from`.
fn closing(bytes: &[u8], from: usize) -> Option<usize> {
    let (mut depth, mut quoted, mut at) = (1, None, from);
    while let Some(byte) = bytes.get(at).copied() {
        match (quoted, byte) {
            (None | Some(b'"'), b'\\') => at += 1,
            (Some(quote), _) => quoted = (byte != quote).then_some(quote),
            (None, b'\'' | b'"') => quoted = Some(byte),
            (None, b'(') => depth += 1,
            (None, b')') => {
                depth -= 1;
                if depth == 0 {
                    return Some(at);
                }
            }
            (None, _) => {}
        }
        at += 1;
    }
    None
}

struct Heredoc {
    word: Vec<u8>,
    is_quoted: bool,
    len: usize,
}

/// `<<WORD`, `<<-WORD`, `<< 'WORD'` at the start of some bytes; not `<<<`.
fn heredoc(bytes: &[u8]) -> Option<Heredoc> {
    let rest = bytes.strip_prefix(b"<<")?;
    let rest = rest.strip_prefix(b"-").unwrap_or(rest).trim_ascii_start();
    let quote = rest
        .first()
        .copied()
        .filter(|it| matches!(it, b'\'' | b'"'));
    let rest = &rest[usize::from(quote.is_some())..];
    let is_word = |it: &u8| it.is_ascii_alphanumeric() || *it == b'_' || !it.is_ascii();
    let len = rest.iter().take_while(|it| is_word(it)).count();
    let (word, after) = rest.split_at(len);
    let is_closed = quote.is_none_or(|quote| after.first() == Some(&quote));
    (len > 0 && is_closed).then(|| Heredoc {
        word: word.to_vec(),
        is_quoted: quote.is_some(),
        len: bytes.len() - after.len() + usize::from(quote.is_some()),
    })
}

/// The length of the text of a heredoc: to the end of the line that holds only its word.
fn end_of_heredoc(bytes: &[u8], word: &[u8]) -> Option<usize> {
    let mut at = 0;
    while let Some(found) = bytes.get(at..)?.iter().position(|it| *it == b'\n') {
        let start = at + found + 1;
        let rest = bytes.get(start..)?;
        let end = rest.iter().position(|it| *it == b'\n');
        let content = &rest[..end.unwrap_or(rest.len())];
        if content.trim_ascii() == word {
            return Some(start + content.len());
        }
        at = start;
    }
    None
}

const WRAPPERS: &[&str] = &[
    "timeout", "time", "nice", "nohup", "stdbuf", "command", "builtin", "noglob",
];

/// Assignments that change nothing about what a command may do. The whole list is not published.
const SAFE_VARIABLES: &[&str] = &[
    "NODE_ENV",
    "LANG",
    "LC_ALL",
    "CI",
    "RUST_BACKTRACE",
    "RUST_LOG",
    "PYTHONUNBUFFERED",
    "NO_COLOR",
    "TZ",
];

/// How much is removed before a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Strictness {
    /// To allow: only what is known to be harmless.
    Careful,
    /// To deny or ask: any assignment, `sudo`, `env`, quotes and backslashes in the program's name.
    Lenient,
}

static ASSIGNMENT: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r#"^([A-Za-z_]\w*)=(?:"[^"]*"|'[^']*'|\S*)\s+"#).ok());

/// A command without the wrappers and assignments before it.
pub fn stripped(command: &str, strictness: Strictness) -> String {
    let lenient = strictness == Strictness::Lenient;
    let plain = if lenient {
        unquoted_head(command)
    } else {
        command.to_owned()
    };
    let mut rest: &str = &plain;
    loop {
        if lenient && let Some(inner) = behind_sudo(rest) {
            rest = inner;
            continue;
        }
        match assignment(rest) {
            Some((name, inner)) if lenient || SAFE_VARIABLES.contains(&name) => {
                rest = inner;
                continue;
            }
            Some(_) => return rest.to_owned(),
            None => {}
        }
        match unwrapped(rest) {
            Some(inner) => rest = inner,
            None => return rest.to_owned(),
        }
    }
}

/// `t""ouch x` and `\touch x` are `touch x`.
fn unquoted_head(command: &str) -> String {
    let (head, tail) = command
        .split_once(' ')
        .map_or((command, None), |(head, tail)| (head, Some(tail)));
    let mut plain: String = head
        .chars()
        .filter(|it| !matches!(it, '\\' | '"' | '\''))
        .collect();
    if let Some(tail) = tail {
        plain.push(' ');
        plain.push_str(tail);
    }
    plain
}

fn behind_sudo(command: &str) -> Option<&str> {
    let rest = ["sudo", "env"]
        .iter()
        .find_map(|word| command.strip_prefix(word))?;
    let inner = rest.trim_start();
    (inner.len() < rest.len() && !inner.is_empty() && !inner.starts_with('-')).then_some(inner)
}

/// The name that a command assigns before it begins, and the rest of it.
fn assignment(command: &str) -> Option<(&str, &str)> {
    let found = ASSIGNMENT.as_ref()?.captures(command)?;
    let name = found.get(1)?.as_str();
    Some((name, command.get(found.get(0)?.end()..)?))
}

/// The command that a wrapper such as `timeout 5` runs; none if there is no wrapper or nothing after it.
fn unwrapped(command: &str) -> Option<&str> {
    let mut words = command.split_whitespace();
    let (first, second) = (words.next()?, words.next());
    if first == "xargs" {
        let inner = command.trim_start().strip_prefix("xargs")?.trim_start();
        return second.filter(|it| !it.starts_with('-')).map(|_| inner);
    }
    if !WRAPPERS.contains(&first) || second == Some("-v") {
        return None;
    }
    let mut rest = command.trim_start().strip_prefix(first)?.trim_start();
    if matches!(first, "timeout" | "nice" | "stdbuf") {
        while rest.starts_with('-') {
            let (option, behind) = word_off(rest);
            rest = behind;
            if matches!(option, "-n" | "-s" | "-k" | "-o" | "-i" | "-e") {
                rest = word_off(rest).1;
            }
        }
        if first == "timeout" {
            rest = word_off(rest).1;
        }
    }
    (!rest.is_empty()).then_some(rest)
}

fn word_off(text: &str) -> (&str, &str) {
    let (word, rest) = text.split_once(' ').unwrap_or((text, ""));
    (word, rest.trim_start())
}

static QUOTED: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r#"'[^']*'|"(?:\\.|[^"\\])*""#).ok());
static REDIRECTION: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"(?:^|[^<>=-])(?:\d|&)?>{1,2}\|?\s*([^\s;&|<>()]+)").ok());

/// The files that a line writes by redirection, except `/dev/null` and copies of descriptors.
pub fn writes(line: &str) -> Vec<String> {
    let (Some(quoted), Some(redirection)) = (QUOTED.as_ref(), REDIRECTION.as_ref()) else {
        return Vec::new();
    };
    if !line.contains('>') {
        return Vec::new();
    }
    let bare = quoted.replace_all(line, |found: &regex::Captures<'_>| {
        "Q".repeat(found[0].chars().count())
    });
    let targets = redirection.captures_iter(&bare).filter_map(|it| it.get(1));
    targets
        .map(|it| it.as_str().to_owned())
        .filter(|it| it != "/dev/null" && !it.starts_with('&'))
        .collect()
}

static HIDDEN: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"\s-(exec|execdir|delete|ok)\b").ok());

/// Whether `find` acts on the files it finds.
pub fn find_acts(command: &str) -> bool {
    HIDDEN.as_ref().is_none_or(|it| it.is_match(command))
}

/// The variable assigned by a command that does nothing else: `X=rm`.
pub fn only_assignment(command: &str) -> Option<(&str, &str)> {
    let (name, value) = command.split_once('=')?;
    let is_name = !name.is_empty() && name.chars().all(|it| it.is_alphanumeric() || it == '_');
    let is_value = !value.is_empty() && !value.contains(char::is_whitespace);
    (is_name && is_value).then_some((name, value))
}

/// A command whose program is named by a variable (`$X q`, `${X} q`), with the variable's value.
pub fn expanded<'a>(command: &'a str, assigned: &[(&str, &str)]) -> std::borrow::Cow<'a, str> {
    let unchanged = std::borrow::Cow::Borrowed(command);
    let Some(rest) = command.strip_prefix('$') else {
        return unchanged;
    };
    let inner = rest.strip_prefix('{').unwrap_or(rest);
    let end = inner
        .find(|it: char| !(it.is_alphanumeric() || it == '_'))
        .unwrap_or(inner.len());
    let (name, after) = inner.split_at(end);
    let after = after.strip_prefix('}').unwrap_or(after);
    match assigned.iter().rev().find(|(known, _)| *known == name) {
        Some((_, value)) if !name.is_empty() => format!("{value}{after}").into(),
        Some(_) | None => unchanged,
    }
}

/// The words of one command, quotes and backslashes resolved. None if a quote is open.
pub fn words(command: &str) -> Option<Vec<String>> {
    let mut words = Vec::new();
    let mut now: Option<String> = None;
    let mut chars = command.chars();
    let mut quoted = None;
    while let Some(char) = chars.next() {
        match (quoted, char) {
            (Some(quote), _) if char == quote => quoted = None,
            (Some('"') | None, '\\') => now.get_or_insert_default().extend(chars.next()),
            (Some(_), _) => now.get_or_insert_default().push(char),
            (None, '\'' | '"') => {
                now.get_or_insert_default();
                quoted = Some(char);
            }
            (None, char) if char.is_whitespace() => words.extend(now.take()),
            (None, char) => now.get_or_insert_default().push(char),
        }
    }
    words.extend(now);
    quoted.is_none().then_some(words)
}

#[cfg(test)]
mod tests;
