//! Commands of the command line that the palette knows: the explorer has no screen for them, so it writes the line.

use crate::analysis::naming;
use crate::base::text;
use crate::tui::session::Session;

#[derive(Debug)]
pub(super) struct Shell {
    pub(super) name: &'static str,
    pub(super) about: &'static str,
    /// The options after the address.
    options: &'static str,
    of: Of,
}

/// What a command is about.
#[derive(Debug, Clone, Copy)]
enum Of {
    Trace,
    Action,
}

pub(super) const COMMANDS: &[Shell] = &[
    Shell {
        name: "stats",
        about: "copies the command for statistics of calls, time and cost by tool, model, day, …",
        options: " --by tool",
        of: Of::Trace,
    },
    Shell {
        name: "export",
        about: "copies the command that writes the model call of this action: request, curl or fixture",
        options: " --as curl",
        of: Of::Action,
    },
    Shell {
        name: "fork",
        about: "copies the command that writes a new trace up to this action, with edits",
        options: " -o fork.jsonl",
        of: Of::Action,
    },
    Shell {
        name: "serve",
        about: "copies the command that serves this run as the model of an agent",
        options: " -- COMMAND",
        of: Of::Action,
    },
    Shell {
        name: "rerun",
        about: "copies the command that shows what rerunning this step would do",
        options: " --dry-run",
        of: Of::Action,
    },
    Shell {
        name: "show",
        about: "copies the command that prints this action",
        options: "",
        of: Of::Action,
    },
];

pub(super) fn named(name: &str) -> Option<&'static Shell> {
    COMMANDS.iter().find(|command| command.name == name)
}

impl Shell {
    /// The line to run in a shell; `None` where nothing is selected that it could be about.
    pub(super) fn line(&self, session: &Session) -> Option<String> {
        let store = &session.loaded.store;
        let action = session.here.action;
        let row = store.row(action.filter(|ix| (store.first()..store.len()).contains(&ix.0))?);
        let address = naming::address(&row);
        let subject = match self.of {
            Of::Action => address,
            Of::Trace => row.source().path.display().to_string(),
        };
        let quoted = format!("'{}'", subject.replace('\'', "'\\''"));
        let is_plain = |c: char| c.is_ascii_alphanumeric() || "/._-#:@+,".contains(c);
        let subject = if subject.chars().all(is_plain) {
            subject
        } else {
            quoted
        };
        let line = format!("saferun-tui {} {subject}{}", self.name, self.options);
        Some(text::sanitize(&line).into_owned())
    }
}
