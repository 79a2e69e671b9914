//! Which of their own runs agents delete, and when: their defaults, and their settings.

use serde_json::Value;

use super::{Homes, Recent};
use crate::ingest::bytes::Bytes;
use crate::ingest::json;
use crate::model::quantity::Time;

/// Microseconds of a day.
pub const DAY: i64 = 86_400 * 1_000_000;

/// How long a run must be unchanged before its agent deletes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    pub days: i64,
    /// The setting for that.
    pub setting: &'static str,
    pub is_default: bool,
}

impl Rule {
    /// When a run will be deleted, unless it changes.
    pub fn ends(&self, run: &Recent) -> Option<i64> {
        Some(run.modified.get()? + self.days * DAY)
    }

    /// Whether a run will be deleted within some days from now.
    pub fn is_due(&self, run: &Recent, now: Time, within: i64) -> bool {
        let ends = self.ends(run);
        ends.zip(now.get())
            .is_some_and(|(ends, now)| ends <= now + within * DAY)
    }
}

/// The rule by which a format's agent deletes its runs; none if it is not known to delete any.
pub fn rule(format: &str, homes: &Homes) -> Option<Rule> {
    match format {
        "claude-code" => {
            let settings = setting(homes, ".claude/settings.json")?;
            let days = settings.get("cleanupPeriodDays").and_then(Value::as_i64);
            Some(Rule {
                days: days.unwrap_or(30),
                setting: "cleanupPeriodDays in ~/.claude/settings.json",
                is_default: days.is_none(),
            })
        }
        "gemini" => {
            let settings = setting(homes, ".gemini/settings.json")?;
            let kept = settings.pointer("/general/sessionRetention")?;
            let is_on = kept.get("enabled").and_then(Value::as_bool) != Some(false);
            let age = kept.get("maxAge").and_then(Value::as_str);
            Some(Rule {
                days: days_of(age.filter(|_| is_on)?)?,
                setting: "general.sessionRetention in ~/.gemini/settings.json",
                is_default: false,
            })
        }
        // At every start, and more if there are many sessions.
        "vscode-traces" => Some(Rule {
            days: 7,
            setting: "none: Copilot Chat has no setting for it",
            is_default: true,
        }),
        _ => None,
    }
}

/// The runs that their agents will delete within some days from now.
pub fn due<'a>(found: &'a [Recent], homes: &Homes, now: Time, within: i64) -> Vec<&'a Recent> {
    let mut rules: Vec<(&str, Option<Rule>)> = Vec::new();
    let mut is_due = |run: &Recent| {
        let name = run.format.name();
        let known = rules.iter().position(|(format, _)| *format == name);
        let at = known.unwrap_or_else(|| {
            rules.push((name, rule(name, homes)));
            rules.len() - 1
        });
        let own = rules[at].1.as_ref();
        own.is_some_and(|rule| rule.is_due(run, now, within))
    };
    found.iter().filter(|run| is_due(run)).collect()
}

/// A settings file; empty if there is none.
fn setting(homes: &Homes, file: &str) -> Option<Value> {
    let Ok(bytes) = Bytes::open(&homes.folder(file)) else {
        return Some(Value::Null);
    };
    json::value(&bytes.slice(0, 1 << 20).ok()?)
}

/// `30d`, `4w`, `720h`.
fn days_of(age: &str) -> Option<i64> {
    let (number, unit) = age.split_at_checked(age.len().checked_sub(1)?)?;
    let number: i64 = number.parse().ok()?;
    match unit {
        "h" => Some(number / 24),
        "d" => Some(number),
        "w" => Some(number * 7),
        "m" => Some(number * 30),
        _ => None,
    }
}

/// Prompts in the history of Claude Code whose sessions were deleted, and the number of those sessions.
pub fn lost_prompts(homes: &Homes, found: &[Recent]) -> (usize, usize) {
    let Ok(bytes) = Bytes::open(&homes.folder(".claude/history.jsonl")) else {
        return (0, 0);
    };
    let text = bytes
        .len()
        .and_then(|len| bytes.slice(0, len as usize))
        .unwrap_or_default();
    let sessions = text.split(|byte| *byte == b'\n').filter_map(json::value);
    let id = |record: Value| Some(record.get("sessionId")?.as_str()?.to_owned());
    let ids: Vec<String> = sessions.filter_map(id).collect();
    let is_there = |id: &str| {
        found
            .iter()
            .any(|run| run.path.file_stem().is_some_and(|stem| *stem == *id))
    };
    let lost: Vec<&String> = ids.iter().filter(|id| !is_there(id)).collect();
    let distinct: std::collections::HashSet<&&String> = lost.iter().collect();
    (lost.len(), distinct.len())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::ingest::recent;

    #[test]
    fn the_settings_of_an_agent_say_what_it_deletes() {
        let home = tempfile::tempdir().expect("a folder");
        let homes = Homes::below(home.path());
        let days = |format: &str| rule(format, &homes).map(|rule| (rule.days, rule.is_default));
        assert_eq!(days("claude-code"), Some((30, true)));
        assert_eq!(days("gemini"), None);
        assert_eq!(days("codex"), None);
        for folder in [".claude/projects/p", ".gemini"] {
            fs::create_dir_all(home.path().join(folder)).expect("a folder");
        }
        fs::write(
            home.path().join(".claude/settings.json"),
            r#"{"cleanupPeriodDays":9}"#,
        )
        .expect("written");
        let kept = r#"{"general":{"sessionRetention":{"enabled":true,"maxAge":"2w"}}}"#;
        fs::write(home.path().join(".gemini/settings.json"), kept).expect("written");
        assert_eq!(days("claude-code"), Some((9, false)));
        assert_eq!(days("gemini"), Some((14, false)));
        fs::write(home.path().join(".claude/projects/p/a.jsonl"), "{}\n").expect("written");
        let history = "{\"sessionId\":\"a\"}\n{\"sessionId\":\"b\"}\n{\"sessionId\":\"b\"}\n";
        fs::write(home.path().join(".claude/history.jsonl"), history).expect("written");
        let found = recent::find(&homes);
        assert_eq!(lost_prompts(&homes, &found), (2, 1));
        let now = Time(found[0].modified.get().expect("a time"));
        let rule = rule("claude-code", &homes).expect("a rule");
        assert!(rule.is_due(&found[0], now, 9) && !rule.is_due(&found[0], now, 8));
    }
}
