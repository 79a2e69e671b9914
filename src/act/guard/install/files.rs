//! Which file holds a host's hooks, and what goes into it.

use std::env;
use std::path::PathBuf;

use crate::act::guard::install::settings::{Entry, Shape};
use crate::act::guard::install::{How, plugin, settings, tables};

/// A settings file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct File {
    pub(super) path: PathBuf,
    /// The host's folder, which exists if the host is used.
    pub(super) home: PathBuf,
    kind: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// JSON with hooks among other settings.
    Settings(Shape),
    Tables,
    Plugin,
}

/// An event that a host reports, and what a failing hook means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Event {
    /// A call waits for the answer, and must not run without one.
    Gate(&'static str),
    /// For information only.
    Report(&'static str),
}

use Event::{Gate, Report};

const CLAUDE: &[Event] = &[
    Gate("PreToolUse"),
    Gate("PermissionRequest"),
    Report("PostToolUse"),
    Report("PostToolUseFailure"),
    Report("PostToolBatch"),
    Report("PermissionDenied"),
    Report("UserPromptSubmit"),
    Report("SessionStart"),
    Report("SessionEnd"),
    Report("Stop"),
    Report("SubagentStart"),
    Report("SubagentStop"),
    Report("PreCompact"),
];
const CODEX: &[Event] = &[
    Gate("PreToolUse"),
    Gate("PermissionRequest"),
    Report("PostToolUse"),
    Report("UserPromptSubmit"),
    Report("SessionStart"),
    Report("SessionEnd"),
    Report("Stop"),
    Report("SubagentStart"),
    Report("SubagentStop"),
];
const GEMINI: &[Event] = &[
    Gate("BeforeTool"),
    Report("AfterTool"),
    Report("BeforeAgent"),
    Report("AfterAgent"),
    Report("SessionStart"),
    Report("SessionEnd"),
];
const COPILOT: &[Event] = &[
    Gate("preToolUse"),
    Gate("permissionRequest"),
    Report("postToolUse"),
    Report("postToolUseFailure"),
    Report("userPromptSubmitted"),
    Report("sessionStart"),
    Report("sessionEnd"),
    Report("agentStop"),
    Report("errorOccurred"),
];
const CURSOR: &[Event] = &[
    Gate("preToolUse"),
    Report("postToolUse"),
    Report("postToolUseFailure"),
    Report("beforeSubmitPrompt"),
    Report("afterAgentResponse"),
    Report("stop"),
    Report("sessionStart"),
    Report("sessionEnd"),
];
const KIMI: &[Event] = &[
    Gate("PreToolUse"),
    Report("PostToolUse"),
    Report("PostToolUseFailure"),
    Report("UserPromptSubmit"),
    Report("SessionStart"),
    Report("SessionEnd"),
    Report("Stop"),
];

/// The host's events that the guard subscribes to.
fn events(host: &str) -> &'static [Event] {
    match host {
        "codex" => CODEX,
        "gemini" => GEMINI,
        "copilot" => COPILOT,
        "cursor" => CURSOR,
        "kimi" => KIMI,
        _ => CLAUDE,
    }
}

/// How long the host waits, in its own unit: longer than the guard waits for a person.
fn timeout(host: &str) -> u64 {
    match host {
        "gemini" => 3_600_000,
        "qwen" => 900,
        "kimi" => 600,
        _ => 3600,
    }
}

/// The settings file of a host.
pub(super) fn of(host: &str, how: How<'_>) -> Result<File, String> {
    let set = |name: &str| {
        let path = env::var_os(name).map(PathBuf::from);
        path.filter(|path| path.is_absolute())
    };
    let user = how.places.home();
    let home = |variable: &str, usual: &str| set(variable).unwrap_or_else(|| user.join(usual));
    let file = |home: PathBuf, name: &str, kind| File {
        path: home.join(name),
        home,
        kind,
    };
    let settings = Kind::Settings;
    if let Some(project) = how.project {
        return match host {
            "claude-code" => Ok(file(
                project.join(".claude"),
                "settings.local.json",
                settings(Shape::Nested),
            )),
            "opencode" => Ok(file(
                project.join(".opencode"),
                "plugin/saferun.js",
                Kind::Plugin,
            )),
            other => Err(format!("{other} has no private project settings")),
        };
    }
    Ok(match host {
        "codex" => file(
            home("CODEX_HOME", ".codex"),
            "hooks.json",
            settings(Shape::Nested),
        ),
        "gemini" => {
            let around = set("GEMINI_CLI_HOME").unwrap_or_else(|| user.to_owned());
            file(
                around.join(".gemini"),
                "settings.json",
                settings(Shape::Named),
            )
        }
        "copilot" => file(
            user.join(".copilot"),
            "hooks/saferun.json",
            settings(Shape::Copilot),
        ),
        "qwen" => file(user.join(".qwen"), "settings.json", settings(Shape::Nested)),
        "cursor" => file(user.join(".cursor"), "hooks.json", settings(Shape::Cursor)),
        "kimi" => file(user.join(".kimi-code"), "config.toml", Kind::Tables),
        "opencode" => {
            let config = home("XDG_CONFIG_HOME", ".config").join("opencode");
            file(config, "plugin/saferun.js", Kind::Plugin)
        }
        _ => file(
            home("CLAUDE_CONFIG_DIR", ".claude"),
            "settings.json",
            settings(Shape::Nested),
        ),
    })
}

/// `'/abs/saferun-tui' guard HOST …`: the command that the host runs. For a gate, failure means that the call does not
/// run.
fn command(event: Event, (host, program, is_observing): (&str, &str, bool)) -> String {
    let program = format!("'{}'", program.replace('\'', r"'\''"));
    let observe = if is_observing { " --observe" } else { "" };
    let guard = format!("{program} guard {host}{observe}");
    match event {
        Gate(_) if !is_observing => format!(
            "{guard} || {{ echo 'saferun-tui guard failed; remove with: saferun-tui guard uninstall {host}' >&2; exit 2; }}"
        ),
        Gate(_) | Report(_) => format!("{guard} || true"),
    }
}

/// Whether a command, or text containing commands, is ours.
pub(super) fn is_ours(text: &str, host: &str) -> bool {
    text.contains(&format!("saferun-tui' guard {host}"))
}

fn entries(ours: (&str, &str, bool)) -> Vec<Entry> {
    let (host, _, is_observing) = ours;
    let entry = |event: &Event| Entry {
        event: match event {
            Gate(name) | Report(name) => name,
        },
        is_gate: matches!(event, Gate(_)) && !is_observing,
        command: command(*event, ours),
        timeout: match (host, event) {
            // Codex shortens longer timeouts, with a warning at every start.
            ("codex", Report("SessionEnd")) => 3,
            _ => timeout(host),
        },
    };
    events(host).iter().map(entry).collect()
}

/// Settings with only our hooks, for Claude Code.
pub(super) fn alone(program: &str) -> Result<String, String> {
    settings::add(
        None,
        Shape::Nested,
        &entries(("claude-code", program, false)),
    )
}

/// The text with our hooks in it.
pub(super) fn added(
    file: &File,
    text: Option<&str>,
    ours: (&str, &str, bool),
) -> Result<String, String> {
    let (_, program, is_observing) = ours;
    let entries = entries(ours);
    match file.kind {
        Kind::Settings(shape) => settings::add(text, shape, &entries).map_err(|why| {
            let path = file.path.display();
            let paste = settings::add(None, shape, &entries).unwrap_or_default();
            format!("{path}: {why}; add this to it yourself:\n{paste}")
        }),
        Kind::Tables => {
            tables::add(text, &entries).map_err(|why| format!("{}: {why}", file.path.display()))
        }
        Kind::Plugin => Ok(plugin::text(program, is_observing)),
    }
}

/// The text without our hooks; none if nothing is left.
pub(super) fn removed(file: &File, text: &str, host: &str) -> Result<Option<String>, String> {
    let wrong = |why: String| format!("{}: {why}", file.path.display());
    match file.kind {
        Kind::Settings(shape) => settings::remove(text, shape, host).map_err(wrong),
        Kind::Tables => tables::remove(text, host).map_err(wrong),
        Kind::Plugin if is_ours(text, host) => Ok(None),
        Kind::Plugin => Err(wrong("not written by saferun-tui".to_owned())),
    }
}

/// The change in one sentence: settings files are long, and the question comes at their end.
fn summary(host: &str, is_observing: bool) -> String {
    if host == "opencode" {
        return "this adds a plugin that asks the guard before each tool call".to_owned();
    }
    let all = events(host);
    let gates = all.iter().filter_map(|event| match event {
        Gate(name) => Some(*name),
        Report(_) => None,
    });
    let gates: Vec<&str> = gates.collect();
    let deciding = gates.join(" and ");
    match (is_observing, all.len(), all.len() - gates.len()) {
        (true, all, _) => format!("this adds {all} hooks, which only record"),
        (false, all, rest) => {
            format!(
                "this adds {all} hooks: {deciding} may stop a tool call, the other {rest} only record"
            )
        }
    }
}

/// What the user should know about a host.
pub(super) fn notes(host: &str, how: How<'_>) -> Vec<String> {
    let mut notes = vec![summary(host, how.is_observing)];
    match host {
        "codex" => notes.push(
            "codex runs new or changed hooks only once you trust them: type /hooks in codex"
                .to_owned(),
        ),
        "gemini" => notes.push("gemini runs user hooks only in trusted folders".to_owned()),
        "cursor" => notes
            .push("the guard's answer may also skip cursor's own prompt: not tested".to_owned()),
        _ => {}
    }
    if how.project.is_some() && host == "claude-code" {
        notes.push("Copilot and Cursor also read a project's Claude Code hooks".to_owned());
    }
    notes
}
