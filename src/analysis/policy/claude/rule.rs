//! One permission rule, `Tool` or `Tool(specifier)`: what it matches, and why.

use crate::analysis::policy::claude::shells::Spec;
use crate::analysis::policy::claude::{JudgedCall, scalar};
use crate::analysis::policy::paths::{Pattern, Reach};
use crate::analysis::policy::stars::Stars;
use crate::analysis::policy::{Dead, Effect, NO_ARGS};

/// Whether a rule matches a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RuleMatch {
    Yes,
    No,
    /// The fact that decides is not recorded.
    Unknown(&'static str),
}

impl From<bool> for RuleMatch {
    fn from(yes: bool) -> RuleMatch {
        if yes { RuleMatch::Yes } else { RuleMatch::No }
    }
}

#[derive(Debug)]
pub(crate) struct Matcher {
    pub(super) test: Test,
    effect: Effect,
    /// The folder of the settings file.
    beside: String,
}

#[derive(Debug)]
pub(crate) enum Test {
    /// The name of the tool decides.
    Tool(Names),
    Command(Spec),
    /// A call that reads files, or would be stopped with them.
    Read(Pattern),
    Edit(Pattern),
    Domain(Domain),
    Agent(String),
    Param {
        tool: String,
        key: String,
        value: Stars,
    },
    /// Accepted but never consulted; what to write instead.
    Dead(String),
}

/// Tools by name.
#[derive(Debug)]
pub(crate) enum Names {
    One(String),
    Pattern(Stars),
    /// Every tool of an MCP server.
    Server(String),
    Readers,
    Editors,
}

const READERS: &[(&str, &str)] = &[
    ("Read", "file_path"),
    ("Grep", "path"),
    ("Glob", "path"),
    ("LS", "path"),
    ("NotebookRead", "notebook_path"),
];
const EDITORS: &[(&str, &str)] = &[
    ("Edit", "file_path"),
    ("Write", "file_path"),
    ("MultiEdit", "file_path"),
    ("NotebookEdit", "notebook_path"),
];

fn argument(of: &'static [(&str, &str)], tool: &str) -> Option<&'static str> {
    of.iter()
        .find(|(name, _)| *name == tool)
        .map(|(_, key)| *key)
}

pub(super) fn argument_of_reader(tool: &str) -> Option<&'static str> {
    argument(READERS, tool)
}

pub(super) fn argument_of_editor(tool: &str) -> Option<&'static str> {
    argument(EDITORS, tool)
}

impl Matcher {
    /// An error says what is wrong with the rule.
    pub(super) fn new(text: &str, effect: Effect, beside: &str) -> Result<Matcher, String> {
        Ok(Matcher {
            test: test(text.trim(), effect)?,
            effect,
            beside: beside.to_owned(),
        })
    }

    pub(super) fn dead(&self) -> Option<Dead> {
        match &self.test {
            Test::Dead(instead) => Some(Dead::NeverConsulted(instead.clone())),
            _ => None,
        }
    }

    /// Whether the arguments of calls of a tool decide.
    pub(super) fn reads_args_of(&self, tool: &str) -> bool {
        match &self.test {
            Test::Tool(_) | Test::Dead(_) => false,
            Test::Command(_) => tool == "Bash",
            Test::Read(_) => self.readers(tool).is_some(),
            Test::Edit(_) => argument(EDITORS, tool).is_some(),
            Test::Domain(_) => tool == "WebFetch",
            Test::Agent(_) => is_agent(tool),
            Test::Param { tool: own, .. } => is_named(own, tool),
        }
    }

    /// The argument with the file. A rule that stops reading a file also stops writing it.
    fn readers(&self, tool: &str) -> Option<&'static str> {
        let also = matches!(tool, "Edit" | "Write") && self.effect != Effect::Allow;
        argument(READERS, tool).or(also.then_some("file_path"))
    }

    pub(super) fn matches(&self, judged: &JudgedCall<'_>) -> RuleMatch {
        let call = judged.call;
        if call.args.is_none() && self.reads_args_of(call.tool) {
            return RuleMatch::Unknown(NO_ARGS);
        }
        match &self.test {
            Test::Tool(names) => names.has(call.tool).into(),
            Test::Command(spec) => {
                let shell = judged.shell.as_ref();
                shell
                    .is_some_and(|it| it.is_matched(spec, self.effect))
                    .into()
            }
            Test::Read(pattern) => match self.readers(call.tool) {
                Some(key) => self.path(pattern, judged, judged.file(key)),
                None => RuleMatch::No,
            },
            Test::Edit(pattern) => match argument(EDITORS, call.tool) {
                Some(key) => self.path(pattern, judged, judged.file(key)),
                None => RuleMatch::No,
            },
            Test::Domain(domain) => {
                let url = call.text("url").unwrap_or_default();
                (call.tool == "WebFetch" && domain.has(url)).into()
            }
            Test::Agent(name) => {
                (is_agent(call.tool) && call.text("subagent_type") == Some(name)).into()
            }
            Test::Param { tool, key, value } => {
                let given = call.args.and_then(|it| it.get(key)).and_then(scalar);
                (is_named(tool, call.tool) && given.is_some_and(|it| value.matches(&it))).into()
            }
            Test::Dead(_) => RuleMatch::No,
        }
    }

    fn path(&self, pattern: &Pattern, judged: &JudgedCall<'_>, file: &str) -> RuleMatch {
        match judged.below(pattern.root, &self.beside, file) {
            Err(why) => RuleMatch::Unknown(why),
            Ok(None) => RuleMatch::No,
            Ok(Some(inside)) => match pattern.matches(&inside) {
                Some(found) => found.into(),
                None => RuleMatch::Unknown("the pattern is too large"),
            },
        }
    }

    /// Whether it allows one command of a line.
    pub(super) fn allows_part(&self, shell: &super::Parsed<'_>, at: usize) -> bool {
        match &self.test {
            Test::Command(spec) => shell.is_allowed(spec, at),
            _ => false,
        }
    }

    pub(super) fn why(&self, judged: &JudgedCall<'_>, effect: Effect) -> String {
        let (Test::Command(spec), Some(shell)) = (&self.test, &judged.shell) else {
            return "matches".to_owned();
        };
        let count = shell.line.as_ref().map_or(1, |it| it.commands.len());
        if effect == Effect::Allow {
            return format!("matches all parts but read-only ones, of {count}");
        }
        let at = shell.stopped(spec).map_or(1, |at| at + 1);
        format!("matches part {at} of {count}")
    }

    pub(super) fn why_not(&self, judged: &JudgedCall<'_>, effect: Effect) -> String {
        let tool = judged.call.tool;
        let other = || format!("is not for {tool}");
        match &self.test {
            Test::Tool(_) | Test::Dead(_) => other(),
            _ if !self.reads_args_of(tool) => other(),
            Test::Command(spec) => not_command(spec, judged, effect),
            Test::Read(_) | Test::Edit(_) => "the path does not match".to_owned(),
            Test::Domain(_) => "the host does not match".to_owned(),
            Test::Agent(_) => "another kind of agent".to_owned(),
            Test::Param { key, .. } => format!("{key} does not match"),
        }
    }
}

fn not_command(spec: &Spec, judged: &JudgedCall<'_>, effect: Effect) -> String {
    let Some(shell) = &judged.shell else {
        return "no command is recorded".to_owned();
    };
    let Some(line) = &shell.line else {
        return "the line cannot be read".to_owned();
    };
    let parts = 0..line.commands.len();
    if effect != Effect::Allow || !parts.clone().any(|at| shell.is_allowed(spec, at)) {
        return "no part matches".to_owned();
    }
    if line.traits.any() {
        return format!(
            "the line has {}, which needs an exact rule",
            line.traits.words().join(", ")
        );
    }
    let mut open = parts.filter(|at| !shell.is_allowed(spec, *at) && !shell.is_reader(*at));
    match open.next() {
        Some(at) => format!("does not cover part {}: {}", at + 1, line.commands[at]),
        None => "no part matches".to_owned(),
    }
}

fn is_agent(tool: &str) -> bool {
    matches!(tool, "Agent" | "Task")
}

fn is_named(name: &str, tool: &str) -> bool {
    tool == name || (name == "Agent" && tool == "Task")
}

impl Names {
    fn has(&self, tool: &str) -> bool {
        match self {
            Names::One(name) => is_named(name, tool),
            Names::Pattern(stars) => stars.matches(tool),
            Names::Server(name) => {
                let rest = tool.strip_prefix(name.as_str());
                rest.is_some_and(|it| it.is_empty() || it.starts_with("__"))
            }
            Names::Readers => argument(READERS, tool).is_some(),
            Names::Editors => argument(EDITORS, tool).is_some(),
        }
    }
}

fn test(text: &str, effect: Effect) -> Result<Test, String> {
    let (name, spec) = match text.split_once('(') {
        None if text.is_empty() => return Err("a rule is empty".to_owned()),
        None if text.contains(')') => return Err("')' without '('".to_owned()),
        None => (text, None),
        Some(("", _)) => return Err("there is no tool before '('".to_owned()),
        Some((name, rest)) => {
            let spec = rest
                .strip_suffix(')')
                .ok_or("'(' is not closed by ')' at the end of the rule")?;
            (name, Some(spec))
        }
    };
    if name.contains('*') || name.starts_with("mcp__") {
        return Ok(by_pattern(name, effect));
    }
    match spec.filter(|it| !matches!(it.trim(), "" | "*")) {
        None => Ok(Test::Tool(match name {
            "Edit" => Names::Editors,
            "Read" => Names::Readers,
            name => Names::One(name.to_owned()),
        })),
        Some(spec) => Ok(specified(name, spec, effect)),
    }
}

fn by_pattern(name: &str, effect: Effect) -> Test {
    let server = name
        .strip_prefix("mcp__")
        .and_then(|rest| rest.split_once("__"));
    let names_server =
        server.is_some_and(|(server, _)| !server.is_empty() && !server.contains('*'));
    if effect == Effect::Allow && name.contains('*') && !names_server {
        return Test::Dead("a pattern of tools allows nothing; name the tools".to_owned());
    }
    if server.is_none() && !name.contains('*') {
        return Test::Tool(Names::Server(name.to_owned()));
    }
    Test::Tool(Names::Pattern(Stars::plain(name)))
}

/// `key:value`, where a specifier begins with a name.
fn param(spec: &str) -> Option<(&str, &str)> {
    let (key, value) = spec.split_once(':')?;
    let key = key.trim_end();
    let is_name = !key.is_empty() && key.chars().all(|it| it.is_alphanumeric() || it == '_');
    is_name.then_some((key, value.trim_start()))
}

fn specified(name: &str, spec: &str, effect: Effect) -> Test {
    let param = param(spec);
    let reach = if effect == Effect::Allow {
        Reach::AtRoot
    } else {
        Reach::AnyDepth
    };
    match (name, param) {
        ("Write" | "NotebookEdit" | "MultiEdit", None) => Test::Dead(format!("write Edit({spec})")),
        ("Glob" | "Grep", None) => Test::Dead(format!("write Read({spec})")),
        ("Bash", Some(("command", value))) => Test::Dead(format!("write Bash({value})")),
        ("Bash", Some((key @ ("run_in_background" | "timeout" | "description"), value)))
            if value != "*" =>
        {
            by_param("Bash", key, value, effect)
        }
        ("Bash", _) => Test::Command(Spec::new(spec)),
        ("Read", _) => Test::Read(Pattern::new(spec, reach)),
        ("Edit", _) => Test::Edit(Pattern::new(spec, reach)),
        ("WebFetch", _) => match spec.strip_prefix("domain:") {
            Some(domain) => Test::Domain(Domain::new(domain)),
            None => Test::Dead(format!("write WebFetch(domain:{spec})")),
        },
        ("Agent" | "Task", None) => Test::Agent(spec.to_owned()),
        (_, Some((key, _))) if primary(name) == Some(key) => Test::Dead(format!(
            "{key} is the main argument of {name}: write {name}(PATTERN)"
        )),
        (_, Some((key, value))) => by_param(name, key, value, effect),
        (_, None) => Test::Dead(format!(
            "{name} has no specifier of this form; write {name}"
        )),
    }
}

fn by_param(tool: &str, key: &str, value: &str, effect: Effect) -> Test {
    if effect == Effect::Allow {
        return Test::Dead("arguments are compared only by deny and ask rules".to_owned());
    }
    Test::Param {
        tool: tool.to_owned(),
        key: key.to_owned(),
        value: Stars::plain(value),
    }
}

fn primary(tool: &str) -> Option<&'static str> {
    match tool {
        "Bash" | "PowerShell" => Some("command"),
        "WebFetch" => Some("url"),
        tool => argument(READERS, tool).or_else(|| argument(EDITORS, tool)),
    }
}

/// A pattern of hosts: `example.com`, `*.example.com`, `*`. A star inside stays between two dots.
#[derive(Debug)]
pub(crate) struct Domain {
    labels: Vec<Stars>,
    /// `*.example.com`: any number of labels may precede it.
    is_below: bool,
    is_any: bool,
}

impl Domain {
    fn new(text: &str) -> Domain {
        let want = text.to_lowercase();
        let want = want.trim_end_matches('.');
        let rest = want.strip_prefix("*.");
        Domain {
            labels: rest.unwrap_or(want).split('.').map(Stars::plain).collect(),
            is_below: rest.is_some(),
            is_any: want == "*",
        }
    }

    fn has(&self, url: &str) -> bool {
        if self.is_any {
            return true;
        }
        let host = host(url);
        let labels: Vec<&str> = host.split('.').collect();
        let Some(before) = labels.len().checked_sub(self.labels.len()) else {
            return false;
        };
        let fits = if self.is_below {
            before > 0
        } else {
            before == 0
        };
        fits && self
            .labels
            .iter()
            .zip(&labels[before..])
            .all(|(want, label)| want.matches(label))
    }
}

/// The host of a URL, in small letters, without port and without the dot at its end.
pub(crate) fn host(url: &str) -> String {
    let lower = url.to_lowercase();
    let rest = lower
        .split_once("://")
        .map_or(lower.as_str(), |(scheme, rest)| {
            if scheme.chars().all(|it| it.is_ascii_lowercase()) {
                rest
            } else {
                &lower
            }
        });
    let authority = rest.split('/').next().unwrap_or_default();
    let host = authority
        .rsplit_once('@')
        .map_or(authority, |(_, host)| host);
    let host = host.split(':').next().unwrap_or_default();
    host.trim_end_matches('.').to_owned()
}
