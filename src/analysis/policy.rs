//! What the rules of a policy say about a tool call. Each kind of policy is judged by its own algorithm: strictest
//! wins, highest priority wins and last match wins cannot be turned into each other.
//!
//! An [`Engine`] is pure: it reads no file and asks no one. To add a kind: a file in `policy/` and a line in [`KINDS`].

pub mod claude;
pub mod codex;
pub mod decisions;
pub mod gemini;
pub mod native;
pub mod opencode;

pub mod bypass;
pub mod call;
pub mod mistake;
pub mod paths;
pub mod set;
pub mod shell;
pub mod stars;
pub mod toml_file;

pub mod history;
pub mod lint;
pub mod modes;
pub mod overlay;
pub mod past;
pub mod suggest;
pub mod whatif;

use std::borrow::Cow;
use std::fmt;
use std::path::Path;

use crate::analysis::policy::call::Call;
use crate::analysis::policy::mistake::Mistake;
use crate::analysis::policy::past::{Past, Record, Spent};
use crate::ingest::body::Matched;

/// Why a verdict that depends on arguments cannot be reached without them.
const NO_ARGS: &str = "the arguments are not recorded";

/// What a policy says about a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Effect {
    Allow,
    /// Allowed, with a warning.
    Warn,
    /// Not decidable from the record: a classifier, a sandbox or a mode decides.
    Unknown,
    Ask,
    /// A condition could not be evaluated. Counts as ask, never as allow.
    Error,
    Deny,
}

impl Effect {
    pub const ALL: &[Effect] = &[
        Effect::Allow,
        Effect::Warn,
        Effect::Unknown,
        Effect::Ask,
        Effect::Error,
        Effect::Deny,
    ];

    pub fn word(self) -> &'static str {
        match self {
            Effect::Allow => "allow",
            Effect::Warn => "warn",
            Effect::Unknown => "unknown",
            Effect::Ask => "ask",
            Effect::Error => "error",
            Effect::Deny => "deny",
        }
    }
}

/// A rule among the rules of its engine, or of a set of engines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RuleIx(pub u32);

/// What an engine says about one call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    pub effect: Effect,
    /// The rule that decided; none for the default.
    pub rule: Option<RuleIx>,
    /// Why a verdict is an error or unknown; empty otherwise.
    pub why: Cow<'static, str>,
}

impl Verdict {
    pub fn by(effect: Effect, rule: RuleIx) -> Verdict {
        Verdict {
            effect,
            rule: Some(rule),
            why: Cow::Borrowed(""),
        }
    }

    pub fn default(effect: Effect) -> Verdict {
        Verdict {
            effect,
            rule: None,
            why: Cow::Borrowed(""),
        }
    }

    pub fn unjudged(
        effect: Effect,
        rule: Option<RuleIx>,
        why: impl Into<Cow<'static, str>>,
    ) -> Verdict {
        Verdict {
            effect,
            rule,
            why: why.into(),
        }
    }
}

/// One rule as its file states it.
#[derive(Debug, Clone)]
pub struct Rule {
    /// What a person calls it: its text in a settings file, its id in a policy.
    pub name: String,
    pub effect: Effect,
    /// Which of the files of its engine it is in.
    pub file: usize,
    pub line: u32,
    pub column: u32,
    /// Why it never has an effect; none where it has.
    pub dead: Option<Dead>,
}

/// Why a rule never decides anything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Dead {
    /// This kind of rule is accepted but never consulted; what to write instead.
    NeverConsulted(String),
    /// It belongs to a folder that is not trusted.
    NotInForce,
}

/// What surrounds a call and is not part of it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Context<'a> {
    /// The working directory; none where it is not recorded.
    pub cwd: Option<&'a str>,
    pub home: Option<&'a str>,
    /// The permission mode of the host; none where it is not recorded.
    pub mode: Option<&'a str>,
    /// What the run did before this call.
    pub before: Before,
    /// The calls it made before, newest last; none where they are not known.
    pub past: Option<&'a [Past]>,
    /// What it had spent; none where that is not known.
    pub spent: Option<Spent>,
    /// What was recorded about this call; none where it is yet to be made.
    pub record: Option<Record<'a>>,
}

impl<'a> Context<'a> {
    /// For a call that is judged as the first of its run: there is nothing before it, and nothing recorded about it.
    pub fn of_first() -> Context<'a> {
        Context {
            past: Some(&[]),
            spent: Some(Spent::START),
            record: Some(Record::NONE),
            ..Context::default()
        }
    }
}

/// Counts over the calls of a run before one of them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Before {
    pub calls: u32,
    pub errors: u32,
    pub blocked: u32,
}

/// How much of a call the verdict depends on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Needs {
    /// Its tool alone.
    Tool,
    /// Its tool, arguments and working directory.
    Args,
    /// The run and the place in it as well, so that no verdict can be used twice.
    Run,
    /// Its id in the trace as well.
    Id,
}

/// One rule in an explanation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reason {
    pub rule: RuleIx,
    /// None where it could not be judged.
    pub is_match: Option<bool>,
    pub words: String,
}

/// A policy that can be asked.
pub trait Engine: fmt::Debug + Send + Sync {
    fn kind(&self) -> &'static Kind;

    fn rules(&self) -> &[Rule];

    /// What the verdicts on calls of a tool depend on.
    fn needs(&self, tool: &str) -> Needs;

    fn decide(&self, call: &Call<'_>, context: &Context<'_>) -> Verdict;

    /// Every rule, and why it holds for the call or not.
    fn explain(&self, call: &Call<'_>, context: &Context<'_>) -> Vec<Reason>;

    /// Why the rule exists, if its file gives a reason.
    fn reason(&self, rule: RuleIx) -> Option<&str> {
        let _ = rule;
        None
    }

    /// Which parts of a call a rule matched, if its engine can report them.
    fn matched(&self, rule: RuleIx, call: &Call<'_>, context: &Context<'_>) -> Vec<Matched> {
        let _ = (rule, call, context);
        Vec::new()
    }

    /// Whether verdicts depend on the permission mode of the host.
    fn looks_at_mode(&self) -> bool {
        false
    }

    /// Whether verdicts depend on the calls before themselves, and not only on their number.
    fn looks_at_past(&self) -> bool {
        false
    }

    /// Whether verdicts depend on what the run has spent.
    fn looks_at_spent(&self) -> bool {
        false
    }

    /// Whether a rule depends on what was recorded about the call that it judges.
    fn looks_at_record(&self, rule: RuleIx) -> bool {
        let _ = rule;
        false
    }

    /// Assumptions of the verdicts that are stated in no file.
    fn assumptions(&self) -> &'static [&'static str] {
        &[]
    }
}

/// A policy file that was read.
#[derive(Debug, Clone)]
pub struct File {
    /// As a person names it.
    pub path: String,
    pub text: String,
    /// The folder that relative patterns begin at; none where there is none.
    pub root: Option<String>,
    /// Whether it is in force: the rules of a project count only where its folder is trusted.
    pub in_force: bool,
    pub scope: Scope,
}

/// Whom a policy file belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scope {
    Project,
    User,
    Admin,
}

/// A mistake in one of the files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broken {
    pub file: usize,
    pub mistake: Mistake,
}

/// What comes of reading files: one engine, or the first mistake.
pub type Reading = Result<Box<dyn Engine>, Broken>;

/// One kind of policy file.
#[derive(Debug)]
pub struct Kind {
    /// A stable word for machine output.
    pub name: &'static str,
    /// The format of the runs that its rules are written for; empty for any.
    pub host: &'static str,
    /// Whether a file with this name and text is one.
    pub is: fn(path: &str, text: &str) -> bool,
    /// One engine made of all files of this kind, in order.
    pub read: fn(files: &[File]) -> Reading,
}

/// Every kind of policy. The first whose `is` holds reads a file.
pub static KINDS: &[&Kind] = &[
    &codex::KIND,
    &opencode::KIND,
    &claude::KIND,
    &gemini::KIND,
    &native::KIND,
];

/// Whether a file has a name of this kind.
fn has_extension(path: &str, extension: &str) -> bool {
    let found = Path::new(path).extension();
    found.is_some_and(|it| it == extension)
}

pub fn kind_of(path: &str, text: &str) -> Option<&'static Kind> {
    KINDS.iter().copied().find(|kind| (kind.is)(path, text))
}
