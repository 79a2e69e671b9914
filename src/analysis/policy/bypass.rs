//! Commands that a line runs without naming them as commands: what rules for prefixes of commands do not see.

use crate::analysis::policy::shell;
use crate::ingest::command::is_shell;

/// A way to hide a command from a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Way {
    Subshell,
    Group,
    Substitution,
    Backticks,
    ProcessSubstitution,
    ShellOption,
    Eval,
    Function,
    Path,
    Find,
    Xargs,
}

impl Way {
    pub const ALL: &[Way] = &[
        Way::Subshell,
        Way::Group,
        Way::Substitution,
        Way::Backticks,
        Way::ProcessSubstitution,
        Way::ShellOption,
        Way::Eval,
        Way::Function,
        Way::Path,
        Way::Find,
        Way::Xargs,
    ];

    pub fn word(self) -> &'static str {
        match self {
            Way::Subshell => "( … )",
            Way::Group => "{ …; }",
            Way::Substitution => "$( … )",
            Way::Backticks => "` … `",
            Way::ProcessSubstitution => "<( … )",
            Way::ShellOption => "bash -c",
            Way::Eval => "eval",
            Way::Function => "a function",
            Way::Path => "/bin/…",
            Way::Find => "find -exec",
            Way::Xargs => "xargs -n1",
        }
    }
}

/// Lines inside lines are followed this far.
const DEEPEST: usize = 4;

/// The commands that a line hides, each with the way.
pub fn hidden(line: &str) -> Vec<(Way, String)> {
    let mut found = Vec::new();
    look(line, 0, &mut found);
    found
}

fn look(line: &str, depth: usize, found: &mut Vec<(Way, String)>) {
    if depth == DEEPEST {
        return;
    }
    for (way, inner) in enclosed(line) {
        add(way, &inner, depth, found);
    }
    let commands = shell::line(line).map(|it| it.commands).unwrap_or_default();
    for command in &commands {
        of_command(command, depth, found);
    }
}

/// Every command of an inner line hides in the same way.
fn add(way: Way, inner: &str, depth: usize, found: &mut Vec<(Way, String)>) {
    let line = shell::line(inner).map(|it| it.commands);
    let commands = line.unwrap_or_else(|| vec![inner.trim().to_owned()]);
    found.extend(
        commands
            .into_iter()
            .filter(|it| !it.is_empty())
            .map(|it| (way, it)),
    );
    look(inner, depth + 1, found);
}

fn of_command(command: &str, depth: usize, found: &mut Vec<(Way, String)>) {
    let words = shell::words(command).unwrap_or_default();
    let Some(program) = words.first() else { return };
    let rest = |from: usize| words.get(from..).unwrap_or_default().join(" ");
    let name = program.rsplit('/').next().unwrap_or(program);
    if program.contains('/') && !name.is_empty() {
        found.push((
            Way::Path,
            format!("{name} {}", rest(1)).trim_end().to_owned(),
        ));
    }
    let script = words
        .iter()
        .position(|it| it.starts_with('-') && !it.starts_with("--") && it.ends_with('c'));
    match name {
        "eval" => add(Way::Eval, &rest(1), depth, found),
        "find" => {
            let at = words
                .iter()
                .position(|it| matches!(it.as_str(), "-exec" | "-execdir" | "-ok" | "-okdir"));
            if let Some(at) = at {
                add(
                    Way::Find,
                    rest(at + 1).trim_end_matches([';', '+', ' ']),
                    depth,
                    found,
                );
            }
        }
        "xargs" => {
            let at = words
                .iter()
                .skip(1)
                .position(|it| !it.starts_with('-') && !it.chars().all(|it| it.is_ascii_digit()));
            if let Some(at) = at.filter(|at| *at > 0) {
                add(Way::Xargs, &rest(at + 1), depth, found);
            }
        }
        name if is_shell(name) => {
            if let Some(script) = script.and_then(|at| words.get(at + 1)) {
                add(Way::ShellOption, script, depth, found);
            }
        }
        _ => {}
    }
}

/// Texts in brackets and backticks, outside of single quotes.
fn enclosed(line: &str) -> Vec<(Way, String)> {
    let bytes = line.as_bytes();
    let mut found = Vec::new();
    let (mut at, mut is_quoted, mut is_double) = (0, false, false);
    while let Some(byte) = bytes.get(at).copied() {
        let before = at.checked_sub(1).and_then(|at| bytes.get(at)).copied();
        match byte {
            b'\'' if !is_double => is_quoted = !is_quoted,
            b'"' if !is_quoted => is_double = !is_double,
            b'\\' if !is_quoted => at += 1,
            _ if is_quoted => {}
            b'`' => {
                let end = bytes
                    .get(at + 1..)
                    .and_then(|rest| rest.iter().position(|it| *it == b'`'));
                if let Some(end) = end {
                    found.push((Way::Backticks, cut(line, at + 1, at + 1 + end)));
                    at += end + 1;
                }
            }
            b'(' => {
                let way = match before {
                    Some(b'$') => Some(Way::Substitution),
                    Some(b'<' | b'>') if !is_double => Some(Way::ProcessSubstitution),
                    _ if is_double => None,
                    _ => Some(Way::Subshell),
                };
                let end = matching(bytes, at, (b'(', b')'));
                let is_empty = end == Some(at + 1);
                if let (Some(way), Some(end), false) = (way, end, is_empty) {
                    found.push((way, cut(line, at + 1, end)));
                    at = if way == Way::Substitution { at } else { end };
                }
            }
            b'{' if !is_double
                && before
                    .is_none_or(|it| it.is_ascii_whitespace() || matches!(it, b')' | b';')) =>
            {
                let is_function = line
                    .get(..at)
                    .is_some_and(|it| it.trim_end().ends_with("()"));
                if let Some(end) = matching(bytes, at, (b'{', b'}')) {
                    let way = if is_function {
                        Way::Function
                    } else {
                        Way::Group
                    };
                    found.push((way, cut(line, at + 1, end)));
                    at = end;
                }
            }
            _ => {}
        }
        at += 1;
    }
    found
}

fn cut(line: &str, from: usize, to: usize) -> String {
    line.get(from..to).unwrap_or_default().trim().to_owned()
}

fn matching(bytes: &[u8], from: usize, (open, close): (u8, u8)) -> Option<usize> {
    let mut depth = 0usize;
    for (at, byte) in bytes.iter().enumerate().skip(from) {
        if *byte == open {
            depth += 1;
        } else if *byte == close {
            depth -= 1;
            if depth == 0 {
                return Some(at);
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(line: &str, way: Way, command: &str) {
        let found = hidden(line);
        let expected = (way, command.to_owned());
        assert!(found.contains(&expected), "{line}: {found:?}");
    }

    #[test]
    fn every_way_is_seen() {
        check("(rm x)", Way::Subshell, "rm x");
        check("{ rm x; }", Way::Group, "rm x");
        check("echo $(rm x)", Way::Substitution, "rm x");
        check("echo \"$(rm x)\"", Way::Substitution, "rm x");
        check("echo `rm x`", Way::Backticks, "rm x");
        check("echo <(rm x)", Way::ProcessSubstitution, "rm x");
        check("bash -c \"rm x\"", Way::ShellOption, "rm x");
        check("bash -lc 'cd a && rm x'", Way::ShellOption, "rm x");
        check("eval rm x", Way::Eval, "rm x");
        check("f() { rm x; }; f", Way::Function, "rm x");
        check("/bin/rm x", Way::Path, "rm x");
        check("find . -exec rm {} +", Way::Find, "rm {}");
        check("find . -exec rm {} \\;", Way::Find, "rm {}");
        check("ls | xargs -n1 rm", Way::Xargs, "rm");
    }

    #[test]
    fn what_is_only_text_is_not_a_command() {
        assert_eq!(hidden("echo '$(rm x)'"), []);
        assert_eq!(hidden("echo \"(rm x)\""), []);
        assert_eq!(hidden("rm x"), []);
    }
}
