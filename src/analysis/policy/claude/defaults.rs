//! What Claude Code does in its default mode with a call that no rule matches.

use crate::analysis::policy::claude::JudgedCall;
use crate::analysis::policy::claude::rule::{argument_of_editor, argument_of_reader};
use crate::analysis::policy::{Effect, NO_ARGS, Verdict, paths};

/// Tools that never need approval.
const FREE: &[&str] = &[
    "TodoWrite",
    "ExitPlanMode",
    "BashOutput",
    "TaskOutput",
    "Task",
    "Agent",
    "TaskCreate",
    "TaskUpdate",
    "TaskList",
    "AskUserQuestion",
    "ToolSearch",
];

pub(super) fn needs_args(tool: &str) -> bool {
    tool == "Bash" || argument_of_reader(tool).is_some() || argument_of_editor(tool).is_some()
}

pub(super) fn without_rule(judged: &JudgedCall<'_>, folders: &[String]) -> Verdict {
    let tool = judged.call.tool;
    if let Some(key) = argument_of_reader(tool) {
        if judged.call.args.is_none() && judged.context.cwd.is_some() {
            return Verdict::unjudged(Effect::Error, None, NO_ARGS);
        }
        let is_free = judged
            .context
            .cwd
            .is_none_or(|cwd| is_inside(judged.file(key), cwd, folders));
        return Verdict::default(if is_free { Effect::Allow } else { Effect::Ask });
    }
    if FREE.contains(&tool) {
        return Verdict::default(Effect::Allow);
    }
    if tool != "Bash" {
        return Verdict::default(Effect::Ask);
    }
    match &judged.shell {
        Some(shell) if shell.only_reads() => Verdict::default(Effect::Allow),
        Some(_) => Verdict::default(Effect::Ask),
        None => Verdict::unjudged(Effect::Error, None, NO_ARGS),
    }
}

fn is_inside(file: &str, cwd: &str, folders: &[String]) -> bool {
    let file = paths::resolved(cwd, file);
    let mut all = std::iter::once(cwd).chain(folders.iter().map(String::as_str));
    all.any(|folder| paths::below(&paths::resolved(cwd, folder), &file).is_some())
}
