//! A shell line as the rules for `Bash` see it: worked out once, however many rules there are.

use crate::analysis::policy::Effect;
use crate::analysis::policy::shell::{self, Line, Strictness};
use crate::analysis::policy::stars::Stars;

/// Programs that only read, as documented or seen. The program's own list is longer.
pub const READERS: &[&str] = &[
    "ls", "cat", "echo", "pwd", "head", "tail", "grep", "find", "wc", "which", "diff", "stat",
    "du", "cd", "true", "false", "sleep", "lsof",
];

const GIT_READERS: &[&str] = &[
    "status",
    "log",
    "diff",
    "show",
    "branch",
    "blame",
    "rev-parse",
    "ls-files",
    "describe",
    "shortlog",
    "remote",
];

/// Programs that run other commands: no prefix rule covers them.
const RUNNERS: &[&str] = &["watch", "setsid", "ionice", "flock"];

#[derive(Debug)]
pub(crate) struct Parsed<'a> {
    pub(super) text: &'a str,
    /// None where it cannot be read.
    pub(super) line: Option<Line>,
    pub(super) writes: Vec<String>,
    careful: Vec<String>,
    /// The commands with variables that name a program filled in, and the same without what stands before.
    expanded: Vec<(String, String)>,
    /// The whole line taken for one command, for where it cannot be read.
    whole: String,
}

impl<'a> Parsed<'a> {
    pub(super) fn new(text: &'a str) -> Parsed<'a> {
        let line = shell::line(text);
        let commands = line.as_ref().map_or(&[][..], |it| &it.commands);
        let assigned: Vec<(&str, &str)> = commands
            .iter()
            .filter_map(|it| shell::only_assignment(it))
            .collect();
        let expanded = commands.iter().map(|command| {
            let command = shell::expanded(command, &assigned).into_owned();
            let bare = shell::stripped(&command, Strictness::Lenient);
            (command, bare)
        });
        let careful = commands
            .iter()
            .map(|it| shell::stripped(it, Strictness::Careful));
        let (expanded, careful) = (expanded.collect(), careful.collect());
        let whole = if line.is_none() {
            shell::stripped(text, Strictness::Careful)
        } else {
            String::new()
        };
        Parsed {
            text,
            writes: shell::writes(text),
            careful,
            expanded,
            whole,
            line,
        }
    }

    /// A deny or ask rule needs one command of the line, an allow rule every one that is not read-only.
    pub(super) fn is_matched(&self, spec: &Spec, effect: Effect) -> bool {
        if spec.text == self.text.trim_ascii() {
            return true;
        }
        let Some(line) = &self.line else {
            return effect == Effect::Allow && spec.allows(self.text, &self.whole);
        };
        if effect != Effect::Allow {
            return self
                .expanded
                .iter()
                .any(|(command, bare)| spec.stops(command, bare));
        }
        let parts = 0..line.commands.len();
        !line.traits.any()
            && parts.clone().any(|at| self.is_allowed(spec, at))
            && parts
                .clone()
                .all(|at| self.is_allowed(spec, at) || self.is_reader(at))
    }

    /// One command without what stands before it; empty where there is none.
    pub(super) fn bare(&self, at: usize) -> &str {
        self.careful.get(at).map_or("", String::as_str)
    }

    /// Which command of the line a rule stops, from 0.
    pub(super) fn stopped(&self, spec: &Spec) -> Option<usize> {
        self.expanded
            .iter()
            .position(|(command, bare)| spec.stops(command, bare))
    }

    pub(super) fn is_allowed(&self, spec: &Spec, at: usize) -> bool {
        let command = self.line.as_ref().and_then(|it| it.commands.get(at));
        command
            .zip(self.careful.get(at))
            .is_some_and(|(command, bare)| spec.allows(command, bare))
    }

    pub(super) fn is_reader(&self, at: usize) -> bool {
        let command = self.line.as_ref().and_then(|it| it.commands.get(at));
        command
            .zip(self.careful.get(at))
            .is_some_and(|(command, bare)| reads(command, bare))
    }

    /// Whether nothing in the line needs approval.
    pub(super) fn only_reads(&self) -> bool {
        let Some(line) = self.line.as_ref().filter(|it| !it.traits.any()) else {
            return false;
        };
        self.writes.is_empty() && (0..line.commands.len()).all(|at| self.is_reader(at))
    }
}

/// The text in the brackets of `Bash(…)`.
#[derive(Debug, Clone)]
pub(crate) struct Spec {
    pub(super) text: String,
    pub(super) stars: Stars,
    is_exact: bool,
}

impl Spec {
    pub(super) fn new(text: &str) -> Spec {
        Spec {
            text: text.to_owned(),
            stars: Stars::command(text),
            is_exact: !text.contains('*'),
        }
    }

    fn stops(&self, command: &str, bare: &str) -> bool {
        self.stars.matches(bare) || self.stars.matches(command)
    }

    fn allows(&self, command: &str, bare: &str) -> bool {
        let first = bare.split_whitespace().next();
        let is_runner = first.is_some_and(|it| RUNNERS.contains(&it))
            || (first == Some("find") && shell::find_acts(bare));
        (self.is_exact || !is_runner) && self.stops(command, bare)
    }
}

/// Whether one command only reads.
pub fn is_reader(command: &str) -> bool {
    reads(command, &shell::stripped(command, Strictness::Careful))
}

fn reads(command: &str, bare: &str) -> bool {
    let mut words = bare.split_whitespace();
    match (words.next(), words.next()) {
        (Some("git"), Some(verb)) => GIT_READERS.contains(&verb),
        (Some(first), _) => READERS.contains(&first) && !shell::find_acts(command),
        (None, _) => false,
    }
}
