//! What a policy says to the guard besides its rules.

use std::time::Duration;

use crate::analysis::policy::mistake::Mistake;
use crate::analysis::policy::toml_file::Entry;

/// The options of a policy; others than the guard have no use for them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    pub no_approver: NoApprover,
    /// How long a question waits for a person, at most.
    pub wait: Duration,
    /// Whether questions of the host itself are asked in the explorer as well.
    pub host_prompts: bool,
    /// Nothing runs that cannot be recorded.
    pub must_record: bool,
}

/// What becomes of a question where nobody can answer it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoApprover {
    /// The host asks, if it can; otherwise it is denied.
    Host,
    Deny,
    /// It waits for somebody to come.
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
