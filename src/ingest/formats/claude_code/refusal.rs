//! Who refused a call of Claude Code, or what else kept it from running.
//!
//! New transcripts name the kind of refusal; older ones are recognized by the fixed phrases of the harness.

use crate::model::action::{Status, Verdict};

/// Why a requested call did not run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refusal {
    Person,
    /// A permission rule, or a mode that asks for permission when no user is present.
    Rule,
    /// The model that judges actions in auto mode.
    Classifier,
    Hook,
    /// Not a refusal: the user interrupted the run, or another call of the message failed.
    Interruption,
}

impl Refusal {
    /// From the recorded kind, if there is one, and the beginning of the result.
    pub(super) fn of(kind: &[u8], begin: &str) -> Option<Refusal> {
        let recorded = match kind {
            b"" => return Refusal::from_words(begin),
            b"interrupted" | b"cancelled" => Refusal::Interruption,
            b"user-rejected" => Refusal::Person,
            _ if kind.starts_with(b"automode") => Refusal::Classifier,
            // A hook that denies counts as a rule there; its message distinguishes them.
            _ => Refusal::Rule,
        };
        let hook = Refusal::from_words(begin) == Some(Refusal::Hook);
        Some(if hook { Refusal::Hook } else { recorded })
    }

    /// From the fixed phrases of the harness.
    fn from_words(begin: &str) -> Option<Refusal> {
        let starts = |phrases: &[&str]| phrases.iter().any(|phrase| begin.starts_with(phrase));
        if starts(&[
            "The user doesn't want to proceed with this tool use",
            "The user doesn't want to take this action",
        ]) {
            Some(Refusal::Person)
        } else if starts(&["Permission for this action has been denied"])
            || begin.contains("auto mode classifier")
        {
            Some(Refusal::Classifier)
        } else if begin.contains("operation blocked by hook")
            || starts(&["PreToolUse:"]) && begin.contains("hook error")
            || starts(&["Hook PreToolUse:", "Hook PermissionRequest:"])
        {
            Some(Refusal::Hook)
        } else if starts(&["Claude requested permissions to", "Permission to use "]) {
            Some(Refusal::Rule)
        } else if begin.contains("Sibling tool call errored")
            || starts(&["[Request interrupted by user"])
        {
            Some(Refusal::Interruption)
        } else {
            None
        }
    }

    pub(super) fn status(self) -> Status {
        match self {
            Refusal::Person => Status::Denied,
            Refusal::Rule | Refusal::Classifier | Refusal::Hook => Status::Blocked,
            Refusal::Interruption => Status::Cancelled,
        }
    }

    pub(super) fn verdict(self) -> Verdict {
        match self {
            Refusal::Person => Verdict::Denied,
            Refusal::Rule | Refusal::Classifier | Refusal::Hook => Verdict::Block,
            Refusal::Interruption => Verdict::Unrecorded,
        }
    }

    /// The name of the policy that decided.
    pub(super) fn policy(self) -> &'static str {
        match self {
            Refusal::Person | Refusal::Interruption => "",
            Refusal::Rule => "permission rule",
            Refusal::Classifier => "auto mode classifier",
            Refusal::Hook => "hook",
        }
    }
}

/// The status of a call whose result is marked as an error.
pub(super) fn failure(kind: &[u8], begin: &str) -> Status {
    match Refusal::of(kind, begin) {
        Some(refusal) => refusal.status(),
        None if begin.contains("Command timed out after") => Status::Timeout,
        None => Status::Error,
    }
}

#[cfg(test)]
mod tests {
    use super::Refusal;

    #[track_caller]
    fn check(kind: &str, begin: &str, expected: Option<Refusal>) {
        assert_eq!(Refusal::of(kind.as_bytes(), begin), expected);
    }

    #[test]
    fn the_recorded_kind_identifies_who_refused() {
        check("user-rejected", "No.", Some(Refusal::Person));
        check("permission-rule", "No.", Some(Refusal::Rule));
        check("automode-blocked", "No.", Some(Refusal::Classifier));
        check("automode-unavailable", "No.", Some(Refusal::Classifier));
        check("interrupted", "No.", Some(Refusal::Interruption));
        let hook = "PreToolUse:Bash hook error: [guard.sh]: not on main";
        check("permission-rule", hook, Some(Refusal::Hook));
    }

    #[test]
    fn without_a_kind_the_phrases_of_the_harness_tell_it() {
        let person = "The user doesn't want to proceed with this tool use. The tool use was";
        check("", person, Some(Refusal::Person));
        let rule = "Permission to use Bash with command rm x has been denied.";
        check("", rule, Some(Refusal::Rule));
        let judged = "Permission for this action has been denied. Reason: pushes to main";
        check("", judged, Some(Refusal::Classifier));
        check(
            "",
            "Bash operation blocked by hook: no",
            Some(Refusal::Hook),
        );
        check("", "Sibling tool call errored", Some(Refusal::Interruption));
        check("", "cat: no such file", None);
    }
}
