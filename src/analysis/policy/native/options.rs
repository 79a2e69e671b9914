//! The options of a policy for the guard, in addition to its rules.

use std::time::Duration;

use crate::analysis::policy::mistake::Mistake;
use crate::analysis::policy::toml_file::Entry;

/// The options of a policy; only the guard uses them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    pub no_approver: NoApprover,
    /// The longest time to wait for a person's answer.
    pub wait: Duration,
    /// Whether the host's own questions are also shown in the explorer.
    pub host_prompts: bool,
    /// A call that cannot be recorded does not run.
    pub must_record: bool,
}

/// What happens to a question without an approver.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoApprover {
    /// The host asks, if it can; otherwise it is denied.
    Host,
    Deny,
    /// It waits for an approver to appear.
    Wait,
    /// The host puts the call off, if it can; otherwise as [`NoApprover::Host`].
    Defer,
}

pub(super) const NAMES: &[&str] = &["no_approver", "wait", "host_prompts", "must_record"];

impl Default for Options {
    fn default() -> Options {
        Options {
            no_approver: NoApprover::Host,
            wait: Duration::from_mins(10),
            host_prompts: true,
            must_record: false,
        }
    }
}

impl Options {
    /// Reads one of [`NAMES`].
    pub(super) fn read(&mut self, entry: &Entry<'_>) -> Result<(), Mistake> {
        match entry.name {
            "no_approver" => {
                self.no_approver = match entry.string()? {
                    "host" => NoApprover::Host,
                    "deny" => NoApprover::Deny,
                    "wait" => NoApprover::Wait,
                    "defer" => NoApprover::Defer,
                    other => {
                        return Err(entry.no_such(other, &["host", "deny", "wait", "defer"]));
                    }
                }
            }
            "wait" => {
                let text = entry.string()?;
                self.wait = span(text).ok_or_else(|| {
                    entry.wrong("expected a time such as \"90s\", \"10m\" or \"1h\"")
                })?;
            }
            "host_prompts" => self.host_prompts = entry.bool()?,
            _ => self.must_record = entry.bool()?,
        }
        Ok(())
    }
}

fn span(text: &str) -> Option<Duration> {
    let unit = text.chars().last()?;
    let number: u64 = text.strip_suffix(unit)?.parse().ok()?;
    let seconds = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3600,
        _ => return None,
    };
    let all = number.checked_mul(seconds)?;
    (1..=86_400)
        .contains(&all)
        .then(|| Duration::from_secs(all))
}
