//! What a shell script does to the files that it names, as far as its words show. Nothing is run or expanded.

use crate::analysis::files::calls::{FileEffect, What};
use crate::analysis::files::paths;

/// Programs that print files.
const READERS: &[&str] = &["cat", "head", "tail", "nl", "less", "more", "bat"];
/// Programs that change every file they are given.
const CHANGERS: &[&str] = &[
    "rm", "mv", "cp", "touch", "truncate", "unlink", "install", "ln", "patch",
];
/// Programs that rewrite the files they are given, and the word that makes them do so, if they need one.
const FORMATTERS: &[(&str, &[&str])] = &[
    ("black", &[]),
    ("isort", &[]),
    ("rustfmt", &[]),
    ("prettier", &["--write", "-w"]),
    ("gofmt", &["-w"]),
    ("ruff", &["format", "--fix"]),
    ("eslint", &["--fix"]),
    ("mix", &["format"]),
];
/// Git commands that restore other contents.
const GIT: &[&str] = &[
    "checkout",
    "restore",
    "reset",
    "stash",
    "merge",
    "pull",
    "rebase",
    "switch",
    "apply",
    "am",
    "revert",
    "cherry-pick",
    "clean",
    "mv",
    "rm",
];
/// Words that may precede the name of a program.
const BEFORE: &[&str] = &[
    "sudo", "env", "command", "time", "nohup", "npx", "then", "do", "else", "exec", "\\",
];

/// What a script does. `folder` is where it runs.
pub(super) fn effects(script: &str, folder: Option<&str>) -> Vec<FileEffect> {
    let mut found = Vec::new();
    let mut folder = folder.map(str::to_owned);
    let commands = split(script);
    // Under a condition a text may not be written at all.
    let has_branches = commands.iter().any(|it| {
        let first = it.words.first().map(String::as_str);
        matches!(
            first,
            Some("if" | "for" | "while" | "until" | "case" | "function")
        )
    });
    for command in &commands {
        if let [program, to] = command.words.as_slice()
            && program == "cd"
        {
            folder = Some(paths::normal(folder.as_deref(), to));
            continue;
        }
        let place = |path: &str| paths::normal(folder.as_deref(), path);
        let is_plain = !has_branches && !command.is_alternative;
        of(command, is_plain, &mut |path, what| {
            if is_path(path) {
                found.push(FileEffect::new(place(path), what));
            }
        });
    }
    found
}

fn of(command: &Command, is_plain: bool, put: &mut dyn FnMut(&str, What)) {
    let words: Vec<&str> = command.words.iter().map(String::as_str).collect();
    let is_own = |word: &&&str| BEFORE.contains(*word) || word.contains('=');
    let skipped = words.iter().take_while(is_own).count();
    let (program, rest) = match &words[skipped..] {
        [program, rest @ ..] => (program.rsplit('/').next().unwrap_or(program), rest),
        [] => ("", [].as_slice()),
    };
    for (path, is_appended) in &command.into {
        put(
            path,
            written(command, (program, rest), (is_plain, *is_appended)),
        );
    }
    let named = || {
        rest.iter()
            .filter(|word| !word.is_empty() && !word.starts_with('-'))
    };
    match program {
        "cat" if command.heredoc.is_some() => {}
        "git" => git(rest, put),
        "tee" => {
            let is_appended = rest.iter().any(|word| matches!(*word, "-a" | "--append"));
            let what = match &command.heredoc {
                Some(text) if is_plain && is_appended => What::Append(text.clone()),
                Some(text) if is_plain => What::Write(text.clone()),
                Some(_) | None => What::Touch("tee".to_owned()),
            };
            named().for_each(|path| put(path, what.clone()));
        }
        "sed" | "perl" if is_in_place(rest) => {
            // The first word without a dash is the script, unless an option brought it.
            let has_option = rest.iter().any(|word| *word == "-e" || *word == "-f");
            let script = usize::from(!has_option);
            named()
                .skip(script)
                .for_each(|path| put(path, What::Touch(program.to_owned())));
        }
        "sed" => named().skip(1).for_each(|path| put(path, What::Read)),
        _ if READERS.contains(&program) => {
            let is_number = |word: &str| word.bytes().all(|it| it.is_ascii_digit());
            let paths = named().filter(|word| !is_number(word));
            paths.for_each(|path| put(path, What::Read));
        }
        _ => {
            let is_format = is_formatting(program, rest);
            let paths = named().filter(|word| !is_format || word.contains(['/', '.']));
            if is_format || CHANGERS.contains(&program) {
                paths.for_each(|path| put(path, What::Touch(program.to_owned())));
            }
        }
    }
}

fn is_in_place(rest: &[&str]) -> bool {
    let is_it = |word: &&str| {
        word.starts_with("-i") || word.starts_with("-pi") || word.starts_with("--in-place")
    };
    rest.iter().any(is_it)
}

fn is_formatting(program: &str, rest: &[&str]) -> bool {
    let found = FORMATTERS.iter().find(|(name, _)| *name == program);
    let is_check = rest.iter().any(|word| word.starts_with("--check"));
    found.is_some_and(|(_, needed)| {
        !is_check && (needed.is_empty() || needed.iter().any(|word| rest.contains(word)))
    })
}

/// What a redirection does: a here-document that `cat` copies is the text itself.
fn written(
    command: &Command,
    (program, rest): (&str, &[&str]),
    (is_plain, is_appended): (bool, bool),
) -> What {
    match &command.heredoc {
        Some(text) if program == "cat" && rest.is_empty() && is_plain => {
            if is_appended {
                What::Append(text.clone())
            } else {
                What::Write(text.clone())
            }
        }
        Some(_) | None => What::Touch(if is_appended { ">>" } else { ">" }.to_owned()),
    }
}

fn git(rest: &[&str], put: &mut dyn FnMut(&str, What)) {
    let mut words = rest.iter().skip_while(|word| word.starts_with('-'));
    let Some(verb) = words.next().filter(|verb| GIT.contains(*verb)) else {
        return;
    };
    let rest: Vec<&str> = words.copied().collect();
    let is_new_branch = rest
        .iter()
        .any(|word| matches!(*word, "-b" | "-B" | "-c" | "-C"));
    let is_listing = *verb == "stash" && matches!(rest.first(), Some(&("list" | "show")));
    if is_new_branch || is_listing || rest.contains(&"--soft") || rest.contains(&"--staged") {
        return;
    }
    let what = || What::Touch(format!("git {verb}"));
    let behind = rest
        .iter()
        .position(|word| *word == "--")
        .map(|at| &rest[at + 1..]);
    let named = rest.iter().filter(|word| !word.starts_with('-'));
    match (behind, *verb) {
        (Some(paths), _) => paths.iter().for_each(|path| put(path, what())),
        (None, "restore" | "mv" | "rm") => named.for_each(|path| put(path, what())),
        // A branch, a commit or a path: it can be any file.
        (None, _) => put(".", what()),
    }
}

/// A word that can be a path: not a device, a variable or a number of a stream.
fn is_path(word: &str) -> bool {
    !word.is_empty()
        && !word.starts_with("/dev/")
        && !word.starts_with('&')
        && !word.contains(['$', '`', '\n', '{', '}', '<', '>', '(', ')', '|'])
}

/// One command of a script.
#[derive(Debug, Default)]
struct Command {
    words: Vec<String>,
    /// Redirections of what it prints, and whether they append.
    into: Vec<(String, bool)>,
    /// The text of its here-document, if nothing in it is expanded.
    heredoc: Option<String>,
    /// It runs only if the one before failed.
    is_alternative: bool,
}

/// A mark at the end of the input of a here-document.
struct Mark {
    word: String,
    /// The command that reads it.
    command: usize,
    is_quoted: bool,
    /// `<<-`: tabs before a line do not count.
    is_indented: bool,
}

struct Reader<'a> {
    rest: &'a str,
    commands: Vec<Command>,
    command: Command,
    word: Option<String>,
    /// The word has a quoted part.
    is_quoted: bool,
    /// What the next word is.
    next: Next,
    marks: Vec<Mark>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Next {
    Word,
    Target { is_appended: bool, is_wanted: bool },
    Mark { is_indented: bool },
}

fn split(script: &str) -> Vec<Command> {
    let mut reader = Reader {
        rest: script,
        commands: Vec::new(),
        command: Command::default(),
        word: None,
        is_quoted: false,
        next: Next::Word,
        marks: Vec::new(),
    };
    while let Some(letter) = reader.take() {
        reader.letter(letter);
    }
    reader.end_command(false);
    reader.commands
}

impl Reader<'_> {
    fn take(&mut self) -> Option<char> {
        let mut letters = self.rest.chars();
        let letter = letters.next()?;
        self.rest = letters.as_str();
        Some(letter)
    }

    fn eats(&mut self, sign: char) -> bool {
        let found = self.rest.strip_prefix(sign);
        self.rest = found.unwrap_or(self.rest);
        found.is_some()
    }

    fn push(&mut self, letter: char) {
        self.word.get_or_insert_default().push(letter);
    }

    fn letter(&mut self, letter: char) {
        match letter {
            '\'' | '"' => self.quoted(letter),
            '\\' => match self.take() {
                Some('\n') | None => {}
                Some(next) => {
                    self.is_quoted = true;
                    self.push(next);
                }
            },
            '#' if self.word.is_none() => {
                let end = self.rest.find('\n').unwrap_or(self.rest.len());
                self.rest = self.rest.get(end..).unwrap_or_default();
            }
            ' ' | '\t' | '\r' => self.end_word(),
            '\n' => {
                self.end_word();
                self.read_heredocs();
                self.end_command(false);
            }
            ';' | '(' | ')' => self.end_command(false),
            '&' if self.eats('>') => self.redirect(true),
            '&' => {
                self.eats('&');
                self.end_command(false);
            }
            '|' => {
                let is_alternative = self.eats('|');
                self.end_command(is_alternative);
            }
            '>' => self.output(),
            '<' => self.input(),
            _ => self.push(letter),
        }
    }

    fn quoted(&mut self, quote: char) {
        self.is_quoted = true;
        self.word.get_or_insert_default();
        while let Some(letter) = self.take() {
            match letter {
                letter if letter == quote => return,
                '\\' if quote == '"' => match self.take() {
                    Some(next @ ('"' | '\\' | '$' | '`')) => self.push(next),
                    Some(next) => {
                        self.push('\\');
                        self.push(next);
                    }
                    None => return,
                },
                letter => self.push(letter),
            }
        }
    }

    fn output(&mut self) {
        // `2>` is about errors.
        let stream = self
            .word
            .take_if(|word| word.bytes().all(|it| it.is_ascii_digit()));
        self.end_word();
        self.redirect(stream.is_none_or(|stream| stream == "1"));
    }

    fn redirect(&mut self, is_wanted: bool) {
        let is_appended = self.eats('>');
        self.eats('|');
        if self.eats('&') {
            let end = self.rest.find(|it: char| !it.is_ascii_digit() && it != '-');
            let end = end.unwrap_or(self.rest.len());
            self.rest = self.rest.get(end..).unwrap_or_default();
            return;
        }
        self.next = Next::Target {
            is_appended,
            is_wanted,
        };
    }

    fn input(&mut self) {
        self.end_word();
        let (is_heredoc, is_string) = (self.eats('<'), self.eats('<'));
        if !is_heredoc {
            self.next = Next::Target {
                is_appended: false,
                is_wanted: false,
            };
        } else if !is_string {
            self.next = Next::Mark {
                is_indented: self.eats('-'),
            };
        }
    }

    fn end_word(&mut self) {
        let Some(word) = self.word.take() else {
            return;
        };
        let is_quoted = std::mem::take(&mut self.is_quoted);
        match std::mem::replace(&mut self.next, Next::Word) {
            Next::Word => self.command.words.push(word),
            Next::Target {
                is_appended,
                is_wanted: true,
            } => self.command.into.push((word, is_appended)),
            Next::Target {
                is_wanted: false, ..
            } => {}
            Next::Mark { is_indented } => self.marks.push(Mark {
                word,
                command: self.commands.len(),
                is_quoted,
                is_indented,
            }),
        }
    }

    /// The lines below the command, up to the mark of each here-document.
    fn read_heredocs(&mut self) {
        for mark in std::mem::take(&mut self.marks) {
            let mut text = String::new();
            let mut is_closed = false;
            while !self.rest.is_empty() && !is_closed {
                let (line, rest) = self.rest.split_once('\n').unwrap_or((self.rest, ""));
                self.rest = rest;
                let line = if mark.is_indented {
                    line.trim_start_matches('\t')
                } else {
                    line
                };
                is_closed = line == mark.word;
                if !is_closed {
                    text.push_str(line);
                    text.push('\n');
                }
            }
            let is_literal = mark.is_quoted || !text.contains(['$', '`', '\\']);
            let reader = self
                .commands
                .get_mut(mark.command)
                .unwrap_or(&mut self.command);
            reader.heredoc = Some(text).filter(|_| is_literal && is_closed);
        }
    }

    fn end_command(&mut self, is_alternative: bool) {
        self.end_word();
        let next = Command {
            is_alternative,
            ..Command::default()
        };
        let done = std::mem::replace(&mut self.command, next);
        if !done.words.is_empty() || !done.into.is_empty() {
            self.commands.push(done);
        } else if !is_alternative {
            self.command.is_alternative = done.is_alternative;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::effects;
    use crate::analysis::files::calls::What;

    #[track_caller]
    fn check(script: &str, expected: &[(&str, &str)]) {
        let found = effects(script, Some("/w"));
        let found: Vec<(String, String)> = found
            .into_iter()
            .map(|effect| {
                let what = match effect.what {
                    What::Read => "read".to_owned(),
                    What::Write(text) => format!("write {text:?}"),
                    What::Append(text) => format!("append {text:?}"),
                    What::Touch(by) => by,
                    other => format!("{other:?}"),
                };
                (effect.path, what)
            })
            .collect();
        let expected: Vec<(String, String)> = expected
            .iter()
            .map(|(path, what)| ((*path).to_owned(), (*what).to_owned()))
            .collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn a_literal_heredoc_is_the_text_of_its_file() {
        check(
            "cat > a.py <<'EOF'\nx = $1\nEOF\npython a.py",
            &[("/w/a.py", "write \"x = $1\\n\"")],
        );
        check(
            "cat <<EOF >> b\nplain\nEOF\n",
            &[("/w/b", "append \"plain\\n\"")],
        );
        check(
            "cd sub && tee c <<'E'\n1\nE\n",
            &[("/w/sub/c", "write \"1\\n\"")],
        );
        check("cat > a <<EOF\n$HOME\nEOF\n", &[("/w/a", ">")]);
        check("test -e a || cat > a <<'E'\n1\nE\n", &[("/w/a", ">")]);
    }

    #[test]
    fn what_a_command_changes_is_found_by_its_words() {
        check("sed -i 's/a/b/' x.rs 2>/dev/null", &[("/w/x.rs", "sed")]);
        check(
            "sed -n '1,5p' x.rs; cat y.rs | head -3",
            &[("/w/x.rs", "read"), ("/w/y.rs", "read")],
        );
        check(
            "rm -rf 'a b' && mv c d",
            &[("/w/a b", "rm"), ("/w/c", "mv"), ("/w/d", "mv")],
        );
        check("cargo test 2>&1 > log.txt", &[("/w/log.txt", ">")]);
        check("echo \"a > b\" # > c", &[]);
        check(
            "git checkout -- src/a.rs && git checkout -b new && git stash",
            &[("/w/src/a.rs", "git checkout"), ("/w", "git stash")],
        );
    }
}
