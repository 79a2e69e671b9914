//! `guard`: the hook that hosts run, its installation, and a dry run of the policy.

use std::ffi::OsString;
use std::fs;
use std::io::{self, BufRead, IsTerminal};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Subcommand;
use serde_json::{Map, Value, json};

use crate::act::guard as hooks;
use crate::act::guard::install::{self, How, Plan};
use crate::act::guard::rules::Rules;
use crate::act::places::Places;
use crate::analysis::policy::call::Call;
use crate::analysis::policy::{Context, Effect};
use crate::base::clock::{Clock, System};
use crate::base::human;
use crate::cli::Cx;
use crate::cli::command::{Accepts, Command, GlobalOption};
use crate::cli::failure::{Exit, Failure};
use crate::export::words::Role;
use crate::query;
use crate::query::expr::{Expr, Step, Subject, Term, Test, Value as Word};

/// Runs as a hook if the arguments are `guard HOST` or `guard HOST --observe`.
pub fn hook(arguments: impl IntoIterator<Item = OsString>) -> Option<ExitCode> {
    let mut arguments = arguments.into_iter();
    if arguments.next()? != "guard" {
        return None;
    }
    let host = arguments.next()?.into_string().ok()?;
    let observe = match arguments.next() {
        None => false,
        Some(option) if option == "--observe" => true,
        Some(_) => return None,
    };
    let is_hook = hooks::is_host(&host) && arguments.next().is_none();
    is_hook.then(|| hooks::hook(&host, observe).into())
}

/// Check an agent's tool calls before they run: the hook of a host, and its installation
///
/// A host (claude-code, codex, gemini, copilot, qwen, cursor, kimi, opencode) runs `saferun-tui guard HOST` before each
/// tool call to find out whether it may run. The policy is ~/.config/saferun-tui/policy.toml.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  saferun-tui guard install claude           show what would change in its settings, and ask
  saferun-tui guard status                   which hosts are guarded, and when a hook last ran
  saferun-tui guard test 'tool:Bash args.command=\"rm -rf build\"'
                                             which rule would decide this call, and why
  saferun-tui guard uninstall claude-code    remove exactly these entries

A guard stops accidents and lazy models. It runs as the same user as the agent, which can therefore
get around it: it is a seat belt, not a wall. For a wall, use a sandbox.")]
pub struct Guard {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Add the guard to the settings of a host
    Install(Install),
    /// Remove the guard from the settings of a host
    Uninstall(Uninstall),
    /// Show which hosts are guarded, and any problems
    Status,
    /// Show which rule would decide a call, and why
    Test(Try),
}

/// The hosts that a command applies to.
#[derive(Debug, Clone, clap::Args)]
struct Hosts {
    /// claude-code, codex, gemini, copilot, qwen, cursor, kimi or opencode [default: those found here]
    #[arg(value_name = "HOST")]
    names: Vec<String>,

    /// Only for the project in the current folder
    #[arg(long)]
    project: bool,

    /// Do not ask for confirmation
    #[arg(long)]
    yes: bool,
}

#[derive(Debug, clap::Args)]
struct Install {
    #[command(flatten)]
    hosts: Hosts,

    /// Only record what the policy would decide
    #[arg(long)]
    observe: bool,
}

#[derive(Debug, clap::Args)]
struct Uninstall {
    #[command(flatten)]
    hosts: Hosts,
}

#[derive(Debug, clap::Args)]
struct Try {
    /// A call as a filter: tool:Bash args.command="rm -rf build"
    #[arg(
        value_name = "CALL",
        required_unless_present = "file",
        conflicts_with = "file"
    )]
    call: Option<String>,

    /// A call as JSON: {"tool": …, "args": {…}}, or a hook payload
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,

    /// The host that makes the call
    #[arg(long, value_name = "HOST", default_value = "")]
    host: String,
}

impl Command for Guard {
    const NAME: &'static str = "guard";
    const ACCEPTS: Accepts = Accepts::NONE.with(GlobalOption::Json);

    fn run(self, cx: &mut Cx) -> anyhow::Result<Exit> {
        match self.action {
            Action::Install(install) => install.run(cx),
            Action::Uninstall(uninstall) => uninstall.run(cx),
            Action::Status => status(cx),
            Action::Test(test) => test.run(cx),
        }
    }
}

pub(super) fn places() -> Result<Places, Failure> {
    let none = || Failure::Usage("no home folder (HOME is not set)".to_owned());
    Places::of_environment().ok_or_else(none)
}

/// Plans the change for one host.
type Planned = fn(&str, How<'_>) -> Result<Plan, String>;

impl Hosts {
    /// Shows each change, asks for confirmation, and applies it.
    fn change(&self, cx: &mut Cx, observe: bool, plan: Planned) -> anyhow::Result<Exit> {
        let places = places()?;
        let here = std::env::current_dir()?;
        let how = How {
            places: &places,
            project: self.project.then_some(here.as_path()),
            is_observing: observe,
        };
        let hosts = if self.names.is_empty() {
            let found = install::found(&places);
            found.into_iter().map(str::to_owned).collect()
        } else {
            self.names.clone()
        };
        if hosts.is_empty() {
            let what = "no host found here: name one (saferun-tui guard --help lists them)";
            return Err(Failure::Usage(what.to_owned()).into());
        }
        let mut exit = Exit::Done;
        for host in hosts {
            let plan = plan(&host, how).map_err(Failure::Usage)?;
            if !self.one(cx, &plan, &places)? {
                exit = Exit::NoMatch;
            }
        }
        Ok(exit)
    }

    /// Applies the change for one host. Returns false if the user declined.
    fn one(&self, cx: &mut Cx, plan: &Plan, places: &Places) -> anyhow::Result<bool> {
        let path = cx.out.style.clean(&plan.path.display().to_string());
        if !plan.is_change() {
            cx.out
                .line(&format!("{}: {path} needs no change", plan.host))?;
            return Ok(true);
        }
        for line in plan.diff().lines() {
            let role = match line.chars().next() {
                Some('+') => Role::Good,
                Some('-') => Role::Bad,
                _ => Role::Dim,
            };
            let line = cx.out.style.clean(line);
            cx.out.painted(role, &line)?;
        }
        for note in &plan.notes {
            cx.notes.note(note);
        }
        if !self.yes && !agreed(cx, &path)? {
            cx.out
                .line(&format!("{}: nothing was written", plan.host))?;
            return Ok(false);
        }
        plan.apply(places)?;
        cx.out.line(&format!("{}: wrote {path}", plan.host))?;
        Ok(true)
    }
}

/// Asks for confirmation on the terminal.
fn agreed(cx: &mut Cx, path: &str) -> anyhow::Result<bool> {
    if !io::stdin().is_terminal() {
        let what = "cannot ask for confirmation: standard input is not a terminal (--yes skips it)";
        return Err(Failure::Usage(what.to_owned()).into());
    }
    cx.out.prompt(&format!("write {path}? [y/N] "))?;
    let mut line = String::new();
    io::stdin().lock().read_line(&mut line)?;
    Ok(matches!(line.trim(), "y" | "Y" | "yes"))
}

/// A policy to begin with.
const FIRST: &str = r#"version = 1
[[rule]]
id = "delete"
effect = "ask"
when = 'args.command~"rm -r"'
reason = "deletes folders""#;

impl Install {
    fn run(self, cx: &mut Cx) -> anyhow::Result<Exit> {
        let exit = self.hosts.change(cx, self.observe, install::install)?;
        let places = places()?;
        let rules = Rules::load(&places, None);
        if rules.files().next().is_none() && rules.broken().is_none() {
            let path = places.policy();
            cx.notes.note(&format!(
                "there is no policy yet ({}): calls are recorded, none is blocked. A first one:",
                path.display()
            ));
            for line in FIRST.lines() {
                cx.notes.line(&format!("    {line}"));
            }
        } else if matches!(exit, Exit::Done) && !self.observe {
            cx.notes.note(
                "sessions that start now are guarded; answer questions in saferun-tui (key 0), or with saferun-tui asks",
            );
        }
        if let Some(broken) = rules.broken() {
            cx.notes.error(&format!(
                "until this is fixed, every call needs approval: {broken}"
            ));
        }
        Ok(exit)
    }
}

impl Uninstall {
    fn run(self, cx: &mut Cx) -> anyhow::Result<Exit> {
        self.hosts.change(cx, false, install::uninstall)
    }
}

fn status(cx: &mut Cx) -> anyhow::Result<Exit> {
    let places = places()?;
    let how = How {
        places: &places,
        project: None,
        is_observing: false,
    };
    let rules = Rules::load(&places, None);
    let mut all = Vec::new();
    for host in hooks::hosts().filter(|host| *host != "sdk") {
        all.push(install::standing(host, how).map_err(Failure::Usage)?);
    }
    let heard = |at: std::time::SystemTime| {
        let since = at.duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        i64::try_from(since.as_micros()).unwrap_or(i64::MAX)
    };
    if cx.global.json {
        let hosts = all.iter().map(|it| {
            json!({
                "host": it.host,
                "path": it.path,
                "used": it.is_used,
                "installed": it.is_installed,
                "observe": it.is_observing,
                "problems": it.problems,
                "heard": it.heard.map(|at| human::rfc3339(heard(at))),
                "unguarded": it.unguarded,
            })
        });
        let document = json!({
            "schema": "saferun.tui/guard@1",
            "policy": {"files": rules.files().collect::<Vec<_>>(), "rules": rules.count(), "broken": rules.broken()},
            "hosts": hosts.collect::<Vec<_>>(),
        });
        cx.out.json(&document)?;
        return Ok(Exit::Done);
    }
    let policy = match (rules.broken(), rules.files().next()) {
        (Some(broken), _) => {
            format!("policy cannot be used, so every call needs approval: {broken}")
        }
        (None, Some(file)) => format!(
            "policy {file}: {}",
            human::counted(rules.count() as u64, "rule")
        ),
        (None, None) => format!(
            "no policy ({}): calls are recorded, none is blocked",
            places.policy().display()
        ),
    };
    for line in policy.lines() {
        let line = cx.out.style.clean(line);
        cx.out.line(&line)?;
    }
    for it in all.iter().filter(|it| it.is_used || it.is_installed) {
        let state = match (it.is_installed, it.is_observing) {
            (true, false) => "guarded",
            (true, true) => "observed only",
            (false, _) => "not guarded",
        };
        let when = it.heard.map_or_else(
            || "no events yet".to_owned(),
            |at| {
                format!(
                    "last event {}",
                    human::when(heard(at), System.now(), &cx.out.style.zone)
                )
            },
        );
        let line = format!("{:12} {state:14} {when}  {}", it.host, it.path.display());
        let line = cx.out.style.clean(&line);
        let role = if it.problems.is_empty() {
            Role::Good
        } else {
            Role::Warn
        };
        cx.out.painted(role, &line)?;
        let unguarded = (it.unguarded > 0).then(|| {
            let calls = human::counted(u64::from(it.unguarded), "call");
            format!("{calls} in its last run ran without asking the hook")
        });
        for problem in it.problems.iter().chain(&unguarded) {
            let line = cx.out.style.clean(&format!("             {problem}"));
            cx.out.painted(Role::Warn, &line)?;
        }
    }
    Ok(Exit::Done)
}

impl Try {
    fn run(self, cx: &mut Cx) -> anyhow::Result<Exit> {
        let (tool, args) = match (&self.call, &self.file) {
            (Some(call), _) => described(call)?,
            (None, Some(file)) => from_file(file)?,
            (None, None) => return Err(Failure::Usage("no call was given".to_owned()).into()),
        };
        let places = places()?;
        let here = std::env::current_dir()?;
        let here = here.to_string_lossy().into_owned();
        let home = places.home().to_string_lossy().into_owned();
        let rules = Rules::load(&places, Some(&here));
        let call = Call {
            tool: &tool,
            args: Some(&args),
            host: &self.host,
            ..Call::default()
        };
        let context = Context {
            cwd: Some(&here),
            home: Some(&home),
            ..Context::default()
        };
        let Some(decided) = rules.decide(&call, &context) else {
            let path = places.policy();
            cx.out
                .line(&format!("allow: there is no policy ({})", path.display()))?;
            return Ok(Exit::Done);
        };
        if cx.global.json {
            cx.out.json(&json!({
                "schema": "saferun.tui/guard-test@1",
                "tool": tool,
                "args": args,
                "effect": decided.effect.word(),
                "rule": decided.rule,
                "reason": decided.reason,
                "matched": decided.matched,
            }))?;
            return Ok(Exit::Done);
        }
        let rule = decided.rule.as_deref().unwrap_or("no rule, the default");
        let parts = [rule, &decided.reason];
        let parts = parts.iter().filter(|part| !part.is_empty());
        let why = parts.copied().collect::<Vec<&str>>().join(" · ");
        let head = format!("{}: {why}", decided.effect.word());
        for line in head.lines() {
            let line = cx.out.style.clean(line);
            cx.out.painted(role_of(decided.effect), &line)?;
        }
        for (is_match, words) in rules.explain(&call, &context) {
            let mark = match is_match {
                Some(true) => "yes",
                Some(false) => "no ",
                None => "?  ",
            };
            let line = cx.out.style.clean(&format!("  {mark} {words}"));
            cx.out.line(&line)?;
        }
        Ok(Exit::Done)
    }
}

fn role_of(effect: Effect) -> Role {
    match effect {
        Effect::Allow => Role::Good,
        Effect::Deny | Effect::Error => Role::Bad,
        Effect::Ask | Effect::Warn | Effect::Unknown => Role::Warn,
    }
}

/// A call from a file, in our form or as a hook payload.
fn from_file(file: &Path) -> Result<(String, Value), Failure> {
    let wrong = |why: String| Failure::Usage(format!("{}: {why}", file.display()));
    let text = fs::read_to_string(file).map_err(|error| wrong(error.to_string()))?;
    let call: Value = serde_json::from_str(&text).map_err(|error| wrong(error.to_string()))?;
    let first = |names: &[&str]| names.iter().find_map(|name| call.get(*name)).cloned();
    let tool = first(&["tool", "tool_name", "toolName"]);
    let tool = tool.and_then(|it| it.as_str().map(str::to_owned));
    let tool = tool.ok_or_else(|| wrong("no tool is named".to_owned()))?;
    let args = first(&["args", "tool_input", "toolArgs"]);
    Ok((tool, args.unwrap_or_else(|| json!({}))))
}

/// `tool:Bash args.command="rm -rf build"` as a call.
fn described(text: &str) -> Result<(String, Value), Failure> {
    let wrong = |what: &str| {
        Failure::Usage(format!(
            "{what}: describe a call as tool:NAME args.NAME=VALUE (or give it as JSON with --file)"
        ))
    };
    let expr = query::parse(text).map_err(|error| wrong(&error.message))?;
    let parts = match expr {
        Expr::And(parts) => parts,
        one => vec![one],
    };
    let (mut tool, mut args) = (None, Map::new());
    for part in parts {
        let Expr::Term(term) = part else {
            return Err(wrong("not a call"));
        };
        let value = value_of(&term).ok_or_else(|| wrong("not a value"))?;
        match &term.subject {
            Subject::Field(field) if field.info().name == "tool" => {
                tool = value.as_str().map(str::to_owned);
            }
            Subject::Args(path) => {
                put(&mut args, path, value).ok_or_else(|| wrong("not an argument"))?;
            }
            Subject::Field(_) | Subject::Label(_) | Subject::Result(_) => {
                return Err(wrong("a call has only a tool and arguments"));
            }
        }
    }
    let tool = tool.ok_or_else(|| wrong("no tool is named"))?;
    Ok((tool, Value::Object(args)))
}

fn value_of(term: &Term) -> Option<Value> {
    let word = match &term.test {
        Test::Matches(words) | Test::Equals(words) => match words.as_slice() {
            [Word::Word(word)] => {
                return Some(serde_json::from_str(word).unwrap_or_else(|_| json!(word)));
            }
            [Word::Quoted(word)] => word,
            _ => return None,
        },
        Test::Regex(regex) => return Some(json!(regex.source())),
        Test::Differs(_) | Test::Compare(..) => return None,
    };
    Some(json!(word))
}

fn put(args: &mut Map<String, Value>, path: &[Step], value: Value) -> Option<()> {
    match path {
        [Step::Key(name)] => {
            args.insert(name.clone(), value);
            Some(())
        }
        [Step::Key(name), rest @ ..] => {
            let inner = args.entry(name.clone()).or_insert_with(|| json!({}));
            put(inner.as_object_mut()?, rest, value)
        }
        _ => None,
    }
}
