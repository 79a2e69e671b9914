//! How the permission mode of a run changes a verdict: whether a person is asked. Compared with the program, as the
//! rules are.

use crate::analysis::policy::claude::rule::argument_of_editor;
use crate::analysis::policy::claude::{Claude, JudgedCall};
use crate::analysis::policy::{Effect, Verdict, paths, shell};

/// The permission modes whose effect is known.
pub const MODES: &[&str] = &[
    "default",
    "acceptEdits",
    "plan",
    "auto",
    "dontAsk",
    "bypassPermissions",
];
/// Programs that a run may use on files in its folder while edits are accepted.
const FILES: &[&str] = &["mkdir", "touch", "rm", "rmdir", "mv", "cp", "sed"];

impl Claude {
    /// The verdict of the rules, in the recorded mode. Without one, the default mode is assumed.
    pub(super) fn in_mode(&self, judged: &JudgedCall<'_>, verdict: Verdict) -> Verdict {
        let is_asked = matches!(verdict.effect, Effect::Ask | Effect::Error);
        let by_default = is_asked && verdict.rule.is_none();
        match judged.context.mode.unwrap_or("default") {
            "plan" if argument_of_editor(judged.call.tool).is_some() => Verdict {
                effect: Effect::Deny.max(verdict.effect),
                ..verdict
            },
            "acceptEdits" if by_default && self.is_edit(judged) => Verdict::default(Effect::Allow),
            "bypassPermissions" if by_default => Verdict::default(Effect::Allow),
            "dontAsk" if verdict.effect == Effect::Ask => Verdict {
                effect: Effect::Deny,
                ..verdict
            },
            "auto" if by_default => {
                Verdict::unjudged(Effect::Unknown, None, "a classifier decides in auto mode")
            }
            mode if by_default && !MODES.contains(&mode) => {
                Verdict::unjudged(Effect::Unknown, None, "the permission mode is not known")
            }
            _ => verdict,
        }
    }

    /// Whether a call only changes files in the folder of the run.
    fn is_edit(&self, judged: &JudgedCall<'_>) -> bool {
        if let Some(key) = argument_of_editor(judged.call.tool) {
            return judged.call.args.is_some() && self.is_inside(judged, judged.file(key));
        }
        let Some(shell) = judged.shell.as_ref().filter(|_| judged.call.tool == "Bash") else {
            return false;
        };
        let Some(line) = shell.line.as_ref().filter(|it| !it.traits.any()) else {
            return false;
        };
        // After `cd`, relative paths lead elsewhere.
        let moves = (0..line.commands.len()).any(|at| shell.bare(at).starts_with("cd "));
        let edits = |at: usize| shell.is_reader(at) || self.edits_inside(judged, shell.bare(at));
        !moves
            && shell.writes.iter().all(|file| self.is_inside(judged, file))
            && (0..line.commands.len()).all(edits)
    }

    fn edits_inside(&self, judged: &JudgedCall<'_>, command: &str) -> bool {
        let Some(words) = shell::words(command) else {
            return false;
        };
        let Some((program, operands)) = words.split_first() else {
            return false;
        };
        let mut files = operands.iter().filter(|it| !it.starts_with('-'));
        FILES.contains(&program.as_str()) && files.all(|file| self.is_inside(judged, file))
    }

    fn is_inside(&self, judged: &JudgedCall<'_>, file: &str) -> bool {
        let Some(cwd) = judged.context.cwd else {
            return false;
        };
        let file = paths::resolved(cwd, file);
        let mut all = std::iter::once(cwd).chain(self.folders.iter().map(String::as_str));
        all.any(|folder| paths::below(&paths::resolved(cwd, folder), &file).is_some())
    }
}
