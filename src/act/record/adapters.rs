//! Agents that are recognised by their program's name: their names in traces and hooks, and what they need other than
//! variables.

use std::path::Path;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Adapter {
    /// The name of the program.
    program: &'static str,
    /// Its name in hooks.
    pub(super) host: &'static str,
    /// It uses the same session names on the wire and in its hooks.
    pub(super) has_sessions: bool,
    /// Its hooks carry no call ids.
    pub(super) derives_ids: bool,
    /// What its user should know.
    pub(super) notice: Option<&'static str>,
    pub(super) wire: Wire,
    pub(super) hooks: Hooks,
}

/// How hooks are added for one run only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Hooks {
    /// An option that takes settings.
    Option(&'static str),
    /// A variable that takes settings, among them the path of a plugin.
    Plugin(&'static str),
    None,
}

/// How its model calls reach the proxy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wire {
    /// Through environment variables.
    Variables,
    /// Through an option that takes the URL in place of `{}`, and the variable that holds the URL.
    Option(&'static [&'static str], &'static str),
    /// Only if the user has a provider of their own, in this variable.
    Only(&'static str),
    None,
}

const fn known(program: &'static str, host: &'static str) -> Adapter {
    Adapter {
        program,
        host,
        has_sessions: false,
        derives_ids: false,
        notice: None,
        wire: Wire::Variables,
        hooks: Hooks::None,
    }
}

const ADAPTERS: &[Adapter] = &[
    Adapter {
        has_sessions: true,
        notice: Some(
            "Claude Code leaves out some features (such as Remote Control) with a base URL; --no-proxy keeps them",
        ),
        hooks: Hooks::Option("--settings"),
        ..known("claude", "claude-code")
    },
    Adapter {
        has_sessions: true,
        // It does not read OPENAI_BASE_URL.
        wire: Wire::Option(&["-c", "openai_base_url=\"{}\""], "OPENAI_BASE_URL"),
        ..known("codex", "codex")
    },
    Adapter {
        derives_ids: true,
        ..known("gemini", "gemini")
    },
    Adapter {
        has_sessions: true,
        hooks: Hooks::Plugin("OPENCODE_CONFIG_CONTENT"),
        ..known("opencode", "opencode")
    },
    known("qwen", "qwen"),
    known("aider", "aider"),
    known("goose", "goose"),
    known("kimi", "kimi"),
    Adapter {
        derives_ids: true,
        notice: Some("models that GitHub hosts cannot be redirected: only hooks see them"),
        wire: Wire::Only("COPILOT_PROVIDER_BASE_URL"),
        ..known("copilot", "copilot")
    },
    Adapter {
        notice: Some("Cursor's models cannot be redirected: only hooks see them"),
        wire: Wire::None,
        ..known("cursor-agent", "cursor")
    },
];

/// Hosts that read variables even when another program starts them.
const FOLLOWING: &[&str] = &["claude-code", "gemini", "opencode", "qwen"];

pub(super) fn of(command: &Path) -> Option<&'static Adapter> {
    let name = command.file_name()?.to_str()?;
    ADAPTERS.iter().find(|it| it.program == name)
}

/// The hosts whose model calls the proxy sees, for their hooks.
pub(super) fn on_wire(adapter: Option<&Adapter>, is_set: impl Fn(&str) -> bool) -> String {
    let Some(adapter) = adapter else {
        return FOLLOWING.join(",");
    };
    let is_seen = match adapter.wire {
        Wire::Variables | Wire::Option(..) => true,
        Wire::Only(variable) => is_set(variable),
        Wire::None => false,
    };
    if is_seen {
        adapter.host.to_owned()
    } else {
        String::new()
    }
}

impl Adapter {
    /// Whether only its own telemetry reports its model calls.
    pub(super) fn is_unseen(&self, is_set: impl Fn(&str) -> bool) -> bool {
        match self.wire {
            Wire::Variables | Wire::Option(..) | Wire::None => false,
            Wire::Only(variable) => !is_set(variable),
        }
    }

    /// The arguments that point it to the proxy.
    pub(super) fn options(&self, url: impl Fn(&str) -> Option<String>) -> Vec<String> {
        match self.wire {
            Wire::Option(options, variable) => {
                let url = url(variable).unwrap_or_default();
                options.iter().map(|it| it.replace("{}", &url)).collect()
            }
            Wire::Variables | Wire::Only(_) | Wire::None => Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_that_read_no_variable_get_an_option() {
        let codex = of(Path::new("/usr/local/bin/codex")).expect("known");
        let options = codex.options(|name| Some(format!("http://here/{name}")));
        assert_eq!(
            options,
            ["-c", "openai_base_url=\"http://here/OPENAI_BASE_URL\""]
        );
        assert_eq!(on_wire(Some(codex), |_| false), "codex");
        let copilot = of(Path::new("copilot")).expect("known");
        assert_eq!(on_wire(Some(copilot), |_| false), "");
        assert_eq!(on_wire(Some(copilot), |_| true), "copilot");
        assert!(of(Path::new("python3")).is_none());
        assert!(on_wire(None, |_| false).contains("claude-code"));
    }
}
