//! The text of the asks. It comes from agents, so everything is sanitised here.

use jiff::tz::TimeZone;
use serde_json::Value;

use crate::act::ask::{Ask, Standing};
use crate::act::events::ApprovalRequest;
use crate::analysis::summary;
use crate::base::{human, text};
use crate::model::action::ActionIx;
use crate::model::run::RunIx;
use crate::store::bodies::Depth;
use crate::tui::asks;
use crate::tui::session::Opened;

/// A line of the list.
#[derive(Debug, Clone)]
pub(super) struct Listed {
    pub(super) is_selected: bool,
    pub(super) is_open: bool,
    pub(super) asked: String,
    pub(super) left: String,
    pub(super) host: String,
    pub(super) tool: String,
    pub(super) what: String,
    pub(super) rule: String,
}

/// A line of a question.
#[derive(Debug, Clone)]
pub(super) struct Line {
    pub(super) tone: Tone,
    pub(super) words: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tone {
    Plain,
    Faint,
    Strong,
    /// Must not be overlooked.
    Warning,
}

pub(super) fn listed(
    asked: &ApprovalRequest,
    is_selected: bool,
    (now, zone): (i64, &TimeZone),
) -> Listed {
    let ask = &asked.ask;
    let clean = |text: &str| text::sanitize(text).into_owned();
    Listed {
        is_selected,
        is_open: asked.standing == Standing::Open,
        asked: ask
            .asked()
            .map_or_else(String::new, |at| human::time_of_day(at, zone)),
        left: left(asked, now),
        host: clean(&ask.host),
        tool: clean(&ask.tool),
        what: clean(&short(&ask.args)),
        rule: clean(rule(ask)),
    }
}

/// The time left, or why there is none.
pub(super) fn left(asked: &ApprovalRequest, now: i64) -> String {
    match (asked.standing, asked.ask.until()) {
        (Standing::Open, Some(until)) => asks::left(until, now),
        (Standing::Open, None) => String::new(),
        (Standing::Answered, _) => "answered".to_owned(),
        (Standing::Gone, _) => "gone".to_owned(),
        (Standing::Expired, _) => "expired".to_owned(),
    }
}

/// The rule that asks, else the policy.
fn rule(ask: &Ask) -> &str {
    ask.rule.as_deref().unwrap_or(&ask.policy)
}

pub(super) fn title(asked: &ApprovalRequest) -> String {
    let ask = &asked.ask;
    text::sanitize(&format!("may {} run {}?", ask.host, ask.tool)).into_owned()
}

/// The main argument in one line, else all of them.
fn short(args: &Value) -> String {
    const MAIN: &[&str] = &["command", "cmd", "file_path", "path", "url"];
    let main = MAIN.iter().find_map(|name| args.get(*name)?.as_str());
    main.map_or_else(|| args.to_string(), str::to_owned)
}

/// Everything about a question: why it is asked, the exact arguments, and the run.
pub(super) fn about(asked: &ApprovalRequest, ran: &[Line], width: usize) -> Vec<Line> {
    let ask = &asked.ask;
    let mut lines = Vec::new();
    let mut say = |tone: Tone, words: &str| {
        if words.is_empty() {
            let words = String::new();
            lines.push(Line { tone, words });
        }
        for line in text::sanitize_lines(words) {
            for row in text::wrap(&line, width.max(1)) {
                lines.push(Line { tone, words: row });
            }
        }
    };
    let why = match &ask.rule {
        Some(rule) => format!("rule {rule}: {}", ask.reason),
        None => ask.reason.clone(),
    };
    say(Tone::Strong, &why);
    for matched in &ask.matched {
        say(Tone::Plain, &condition(matched));
    }
    if let Some(word) = mixed(&ask.tool).or_else(|| mixed_in(&ask.args)) {
        let words = format!("'{word}' contains look-alike letters");
        say(Tone::Warning, &words);
    }
    say(Tone::Faint, "");
    say(
        Tone::Faint,
        &format!("{} with exactly these arguments:", ask.tool),
    );
    match &ask.args {
        Value::Object(members) if !members.is_empty() => {
            for (name, value) in members {
                argument(name, value, &mut say);
            }
        }
        other => say(Tone::Plain, &pretty(other)),
    }
    say(Tone::Faint, "");
    let place = ask.cwd.as_deref().map(|cwd| format!("in {cwd}"));
    let agent = ask.agent.as_deref().map(|agent| format!("agent {agent}"));
    let run = format!("{} run {}", ask.host, ask.run_id);
    let parts = [Some(run), agent, place].into_iter().flatten();
    say(Tone::Faint, &parts.collect::<Vec<_>>().join(" · "));
    lines.extend(ran.iter().cloned());
    lines
}

fn argument(name: &str, value: &Value, say: &mut dyn FnMut(Tone, &str)) {
    match value {
        Value::String(words) if words.contains('\n') => {
            say(Tone::Faint, &format!("{name}:"));
            say(Tone::Plain, words);
        }
        Value::String(words) => say(Tone::Plain, &format!("{name}: {words}")),
        other => say(Tone::Plain, &format!("{name}: {}", pretty(other))),
    }
}

fn pretty(value: &Value) -> String {
    serde_json::to_string_pretty(value).unwrap_or_else(|_| value.to_string())
}

fn condition(matched: &Value) -> String {
    let text = |name: &str| {
        let value = matched.get(name)?;
        Some(
            value
                .as_str()
                .map_or_else(|| value.to_string(), str::to_owned),
        )
    };
    let [path, op, value, actual] = ["path", "op", "value", "actual"].map(text);
    let was = actual.map(|actual| format!(" (it is {actual})"));
    let parts = [path, op, value].into_iter().flatten();
    let parts: Vec<String> = parts.collect();
    format!("because {}{}", parts.join(" "), was.unwrap_or_default())
}

/// A word that mixes Latin letters with look-alikes from another alphabet.
fn mixed(words: &str) -> Option<&str> {
    let mut words = words.split(|c: char| !c.is_alphanumeric());
    words.find(|word| {
        let has_plain = word.chars().any(|c| c.is_ascii_alphabetic());
        // Greek, Cyrillic and full-width letters.
        let alike = |c: char| matches!(c, '\u{370}'..='\u{52f}' | '\u{ff21}'..='\u{ff5a}');
        has_plain && word.chars().any(alike)
    })
}

fn mixed_in(args: &Value) -> Option<&str> {
    match args {
        Value::String(text) => mixed(text),
        Value::Array(items) => items.iter().find_map(mixed_in),
        Value::Object(members) => {
            let mut members = members.iter();
            members.find_map(|(name, value)| mixed(name).or_else(|| mixed_in(value)))
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => None,
    }
}

/// How many of the latest actions in the store are searched for those of the run.
const NEAR: u32 = 4000;
const LAST: usize = 3;

/// The run's cost so far and its last actions, if it is open here.
pub(super) fn run(ask: &Ask, opened: &mut Opened) -> Vec<Line> {
    let store = &opened.store;
    let Some(at) = store.runs().iter().position(|run| *run.id == *ask.run_id) else {
        return Vec::new();
    };
    let ix = RunIx(at as u32);
    let line = |tone, words: &str| Line {
        tone,
        words: text::sanitize(words).into_owned(),
    };
    let mut lines = Vec::new();
    let cost = store.run(ix).cost().and_then(|(cost, _)| cost.usd());
    if let Some(cost) = cost {
        lines.push(line(
            Tone::Faint,
            &format!("cost so far {}", human::usd(cost)),
        ));
    }
    let first = store.len().saturating_sub(NEAR);
    let rows = (first..store.len()).rev().map(|ix| store.row(ActionIx(ix)));
    let own = rows.filter(|row| row.run_ix() == ix);
    let told = own.filter(|row| row.seq() > 0);
    let mut last: Vec<_> = told
        .take(LAST)
        .map(|row| {
            let body = opened.bodies.open(&row, Depth::Glance);
            format!(
                "#{} {} {}",
                row.seq(),
                row.tool(),
                summary::line(&row, &body)
            )
        })
        .collect();
    last.reverse();
    lines.extend(last.iter().map(|words| line(Tone::Faint, words)));
    lines
}

/// A rule that would decide such calls, for the policy file.
pub(super) fn rule_for(ask: &Ask) -> String {
    let main = ["command", "cmd", "file_path", "path", "url"];
    let main = main
        .iter()
        .find_map(|name| Some((name, ask.args.get(*name)?.as_str()?)));
    let quoted = |text: &str| Value::from(text).to_string();
    let when = match main {
        Some((name, value)) => {
            let filter = format!("args.{name}={}", quoted(value));
            format!("when = {}\n", quoted(&filter))
        }
        None => String::new(),
    };
    let id: String = ask
        .tool
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .collect();
    format!(
        "[[rule]]\nid = \"{}\"\neffect = \"allow\"\ntool = {}\n{when}",
        id.to_lowercase(),
        quoted(&ask.tool)
    )
}
