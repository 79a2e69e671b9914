//! What is wrong with the rules of a policy, by themselves and in the light of what was recorded.

mod facts;
mod names;

use std::collections::BTreeMap;

use crate::analysis::policy::bypass::{self, Way};
use crate::analysis::policy::call::Call;
use crate::analysis::policy::claude::{self, Claude};
use crate::analysis::policy::set::Set;
use crate::analysis::policy::stars::Stars;
use crate::analysis::policy::suggest::CODE;
use crate::analysis::policy::{
    Context, Dead, Effect, Engine, Rule, RuleIx, native, opencode, paths,
};
use crate::base::human;
use crate::query::fields::nearest;

pub use crate::analysis::policy::lint::facts::{Facts, Known};

/// How much a finding matters, most important first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Weight {
    /// The rule does not do what it seems to.
    Wrong,
    Warning,
    Note,
}

/// Something about a rule, or about the policy as a whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// A stable name, for machine output.
    pub id: &'static str,
    pub weight: Weight,
    pub rule: Option<RuleIx>,
    pub words: String,
    /// In how many recorded calls; none without a history.
    pub calls: Option<u64>,
}

/// Adds findings about one rule.
fn about(
    rule: RuleIx,
    found: &mut Vec<Finding>,
) -> impl FnMut(&'static str, Weight, String, Option<u64>) + '_ {
    move |id, weight, words, calls| {
        found.push(Finding {
            id,
            weight,
            rule: Some(rule),
            words,
            calls,
        });
    }
}

/// All findings in the order of the rules; those about no single rule come last.
pub fn lint(set: &Set, facts: Option<&Facts>) -> Vec<Finding> {
    let rules: Vec<(RuleIx, &Rule, &'static str)> = set
        .rules()
        .enumerate()
        .map(|(at, rule)| {
            let ix = RuleIx(at as u32);
            let kind = set.home_of(ix).map_or("", |(engine, _)| engine.kind().name);
            (ix, rule, kind)
        })
        .collect();
    let mut found = Vec::new();
    for (at, (ix, rule, kind)) in rules.iter().enumerate() {
        let mut say = about(*ix, &mut found);
        match &rule.dead {
            Some(Dead::NeverConsulted(instead)) => {
                say(
                    "never-consulted",
                    Weight::Wrong,
                    format!("never consulted: {instead}"),
                    None,
                );
                continue;
            }
            Some(Dead::NotInForce) => say(
                "not-in-force",
                Weight::Warning,
                "not in force: the folder is not trusted".to_owned(),
                None,
            ),
            None => {}
        }
        let earlier = rules.get(..at).unwrap_or_default();
        if let Some((_, other, _)) = earlier
            .iter()
            .find(|(_, it, _)| it.effect == rule.effect && it.name == rule.name)
        {
            say(
                "duplicate",
                Weight::Warning,
                format!("the same rule is in line {}", other.line),
                None,
            );
        } else if *kind == claude::KIND.name
            && let Some(other) = shadow(rule, &rules)
        {
            let words = format!(
                "shadowed by {} {}, which contains it",
                other.effect.word(),
                other.name
            );
            say("shadowed", Weight::Warning, words, None);
        }
        if *kind == claude::KIND.name {
            of_claude(rule, facts, &mut say);
        }
        if set.looks_at_record(*ix) {
            say(
                "recorded",
                Weight::Warning,
                "'recorded' is known only in a what-if: the guard cannot judge this rule, and asks"
                    .to_owned(),
                None,
            );
        }
        if *kind == opencode::KIND.name {
            let tool = names::tool(&rule.name);
            let mut earlier = earlier.iter();
            let is_first = earlier.all(|(_, it, _)| names::tool(&it.name) != tool);
            if is_first && let Some(words) = names::unknown(tool, facts) {
                say("unknown-tool", Weight::Warning, words, None);
            }
        }
    }
    if let Some(facts) = facts {
        of_history(&rules, set, facts, &mut found);
    }
    found.sort_by_key(|it| it.rule.map_or(u32::MAX, |ix| ix.0));
    of_policy(set, &rules, facts, &mut found);
    found
}

/// The text in the brackets of a rule for a tool.
fn inside<'a>(rule: &'a Rule, tool: &str) -> Option<&'a str> {
    rule.name
        .strip_prefix(tool)?
        .strip_prefix('(')?
        .strip_suffix(')')
}

/// A rule of the same tool that decides first and contains this one.
fn shadow<'a>(rule: &Rule, rules: &[(RuleIx, &'a Rule, &'static str)]) -> Option<&'a Rule> {
    let spec = Stars::command(inside(rule, "Bash")?);
    let stricter = rules
        .iter()
        .filter(|(_, it, _)| it.dead.is_none() && it.name != rule.name && it.effect >= rule.effect);
    let mut contains = stricter.filter(|(_, other, _)| {
        let is_all = other.name == "Bash" || other.name == "Bash(*)";
        is_all || inside(other, "Bash").is_some_and(|it| Stars::command(it).contains(&spec))
    });
    contains.next().map(|(_, other, _)| *other)
}

fn of_claude(
    rule: &Rule,
    facts: Option<&Facts>,
    say: &mut dyn FnMut(&'static str, Weight, String, Option<u64>),
) {
    if let Some(spec) = inside(rule, "Bash") {
        if let Some(at) = spec.find(":*").filter(|at| at + 2 < spec.len()) {
            let head = spec.get(..at).unwrap_or_default();
            say(
                "colon-star",
                Weight::Wrong,
                format!(
                    "':*' has its meaning only at the end; '{head}' is followed by a colon here"
                ),
                None,
            );
        }
        let program = spec.split([' ', ':', '*']).next().unwrap_or_default();
        let runs = CODE.contains(&program)
            || spec.starts_with("docker exec")
            || spec.starts_with("docker run");
        if rule.effect == Effect::Allow && spec.contains('*') && (runs || spec == "*") {
            say(
                "runs-anything",
                Weight::Warning,
                if program.is_empty() {
                    "it allows any command".to_owned()
                } else {
                    format!("'{program}' runs any command it is given")
                },
                None,
            );
        }
        if rule.effect == Effect::Deny && spec.contains('*') {
            let (words, calls) = ways_around(rule, facts);
            say("ways-around", Weight::Warning, words, calls);
        }
    }
    of_files(rule, say);
}

/// Patterns for files that match elsewhere than it seems.
fn of_files(rule: &Rule, say: &mut dyn FnMut(&'static str, Weight, String, Option<u64>)) {
    for tool in ["Read", "Edit"] {
        let own = inside(rule, tool).filter(|_| rule.effect == Effect::Allow);
        let own = own.map(|it| it.strip_prefix("./").unwrap_or(it));
        if let Some(folder) = own.filter(|it| paths::is_one_folder(it)) {
            // The documentation says otherwise, and is what the verdicts follow.
            let words = format!(
                "Claude Code {} allows '{folder}' at any depth, not only in the working directory; write {tool}(/{folder}) for the \
                 folder beside the settings file",
                claude::HELD_AGAINST
            );
            say("any-depth", Weight::Warning, words, None);
        }
        let path = inside(rule, tool).filter(|it| it.starts_with('/') && !it.starts_with("//"));
        let top = path.and_then(|it| it.split('/').nth(1)).unwrap_or_default();
        if matches!(
            top,
            "home" | "Users" | "etc" | "usr" | "var" | "tmp" | "opt" | "root" | "private" | "mnt"
        ) {
            let path = path.unwrap_or_default();
            let words = format!(
                "'{path}' is relative to the settings file; write {tool}(/{path}) for the absolute path"
            );
            say("beside-settings", Weight::Wrong, words, None);
        }
    }
}

/// How a deny can be bypassed, and how often that was done.
fn ways_around(rule: &Rule, facts: Option<&Facts>) -> (String, Option<u64>) {
    let count = Way::ALL.len();
    let listed: Vec<&str> = Way::ALL.iter().map(|it| it.word()).collect();
    let all = format!("{count} ways around it: {}", listed.join("  "));
    let Some(facts) = facts else {
        return (all, None);
    };
    let Ok(engine) = Claude::of(&[(Effect::Deny, &rule.name)]) else {
        return (all, None);
    };
    let mut used: BTreeMap<Way, u64> = BTreeMap::new();
    let mut calls = 0;
    for known in facts.calls().iter().filter(|it| it.tool == "Bash") {
        let line = known
            .args
            .get("command")
            .and_then(serde_json::Value::as_str)
            .unwrap_or_default();
        if denies(&engine, line) {
            continue;
        }
        let ways = bypass::hidden(line)
            .into_iter()
            .filter(|(_, inner)| denies(&engine, inner));
        let ways: std::collections::BTreeSet<Way> = ways.map(|(way, _)| way).collect();
        calls += if ways.is_empty() { 0 } else { known.count };
        for way in ways {
            *used.entry(way).or_default() += known.count;
        }
    }
    let used: Vec<String> = used
        .iter()
        .map(|(way, count)| format!("{} ({count})", way.word()))
        .collect();
    let words = if used.is_empty() {
        format!(
            "{count} ways around it, none used here: {}",
            listed.join("  ")
        )
    } else {
        format!("{count} ways around it; used here: {}", used.join(", "))
    };
    (words, Some(calls))
}

fn denies(engine: &Claude, line: &str) -> bool {
    let args = serde_json::json!({ "command": line });
    let call = Call {
        tool: "Bash",
        args: Some(&args),
        ..Call::default()
    };
    engine.decide(&call, &Context::default()).effect == Effect::Deny
}

/// Lints that need recorded calls: rules that never match, rules that others override, conditions that fail.
fn of_history(
    rules: &[(RuleIx, &Rule, &'static str)],
    set: &Set,
    facts: &Facts,
    found: &mut Vec<Finding>,
) {
    let counts = facts.count(set);
    for (ix, rule, kind) in rules.iter().filter(|(_, rule, _)| rule.dead.is_none()) {
        let of = &counts[ix.0 as usize];
        let mut say = about(*ix, found);
        if of.errors > 0 {
            let why = of.why.as_deref().unwrap_or("it cannot be evaluated");
            // What a trace leaves out is no fault of the rule.
            let weight = if of.only_unrecorded() {
                Weight::Note
            } else {
                Weight::Wrong
            };
            let (errors, total) = (human::count(of.errors), human::count(facts.total()));
            let words = format!("cannot be judged in {errors} of {total} calls: {why}");
            say("error", weight, words, Some(of.errors));
        }
        if let Some(words) = wide(rule, of.folders.len()) {
            say("wide", Weight::Note, words, Some(of.matches));
        }
        if of.matches == 0 && (of.errors == 0 || of.only_unrecorded()) {
            let near = facts
                .near(rule, kind)
                .map(|near| format!(" · nearest: {near}"));
            let near = near.unwrap_or_default();
            let words = if facts.lack_the_run(set) {
                format!(
                    "matched none of {} calls when each is judged alone; `policy eval` also considers earlier calls of the run{near}",
                    facts.total()
                )
            } else {
                format!("never matched in {} calls{near}", facts.total())
            };
            say("never-matched", Weight::Note, words, Some(0));
        } else if of.decides == 0 && of.matches > 0 {
            let by = of.by.and_then(|ix| set.rule(ix));
            let by = by.map_or("others".to_owned(), |rule| {
                format!("{} {}", rule.effect.word(), rule.name)
            });
            let words = format!("all {} of its matches are decided by {by}", of.matches);
            say(
                "always-decided-by-others",
                Weight::Warning,
                words,
                Some(of.matches),
            );
        }
    }
}

/// An allow for files that was used in several projects.
fn wide(rule: &Rule, folders: usize) -> Option<String> {
    let is_of_files = ["Edit", "Read"]
        .iter()
        .any(|tool| inside(rule, tool).is_some());
    let is_wide = rule.effect == Effect::Allow && is_of_files && folders > 1;
    is_wide.then(|| format!("wide: it allows files in {folders} working directories"))
}

fn of_policy(
    set: &Set,
    rules: &[(RuleIx, &Rule, &'static str)],
    facts: Option<&Facts>,
    found: &mut Vec<Finding>,
) {
    let mut say = |id, weight, words: String| {
        found.push(Finding {
            id,
            weight,
            rule: None,
            words,
            calls: None,
        });
    };
    let own: Vec<&Rule> = rules
        .iter()
        .filter(|it| it.2 == native::KIND.name)
        .map(|it| it.1)
        .collect();
    let is_deny_list = !own.is_empty() && own.iter().all(|it| it.effect == Effect::Deny);
    let asks_by_default = set.engines().any(|engine| {
        let call = Call {
            tool: "a tool that no rule names",
            ..Call::default()
        };
        engine.kind().name == native::KIND.name
            && engine.decide(&call, &Context::default()).effect == Effect::Allow
    });
    if is_deny_list && asks_by_default {
        say("deny-list", Weight::Warning, "this is a deny list: everything that no rule names is allowed; 69–98 % of such lists could be bypassed".to_owned());
    }
    let newest = facts.and_then(Facts::newest_claude);
    if let Some(newest) = newest.filter(|it| is_newer(it, claude::HELD_AGAINST))
        && set.engines().any(|it| it.kind().name == claude::KIND.name)
    {
        say(
            "newer-client",
            Weight::Note,
            format!(
                "judged as Claude Code {} does; the history was written by {newest}",
                claude::HELD_AGAINST
            ),
        );
    }
}

fn is_newer(version: &str, than: &str) -> bool {
    let numbers =
        |text: &str| -> Vec<u32> { text.split('.').map_while(|it| it.parse().ok()).collect() };
    numbers(version) > numbers(than)
}

/// The nearest name that occurs, for a name that does not.
fn near_name<'a>(name: &str, known: impl Iterator<Item = &'a str> + Clone) -> Option<&'a str> {
    let squeezed = |text: &str| -> String {
        text.chars()
            .filter(|it| it.is_alphanumeric())
            .collect::<String>()
            .to_lowercase()
    };
    let sorted = |text: &str| -> String {
        let mut all: Vec<char> = squeezed(text).chars().collect();
        all.sort_unstable();
        all.into_iter().collect()
    };
    // `Stop Task` is `TaskStop`.
    let same = known
        .clone()
        .find(|it| *it != name && sorted(it) == sorted(name));
    same.or_else(|| nearest(name, known).filter(|it| *it != name))
}

#[cfg(test)]
mod tests;
