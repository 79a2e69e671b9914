//! Gemini CLI policies: the rule with the highest priority decides. A tier (project, user, administrator) outweighs every
//! priority below it. Each command of a chained line is judged, and the strictest holds.

use regex::Regex;
use serde_json::Value;
use toml::de::DeTable;

use crate::analysis::policy::call::Call;
use crate::analysis::policy::mistake::{Mistake, spot};
use crate::analysis::policy::stars::Stars;
use crate::analysis::policy::toml_file::{Entry, entries, table};
use crate::analysis::policy::{
    Broken, Context, Effect, Engine, File, Kind, NO_ARGS, Needs, Reason, Rule, RuleIx, Scope,
    Verdict, has_extension, shell,
};
use crate::ingest::json::stable;

pub static KIND: Kind = Kind {
    name: "gemini",
    host: "gemini",
    is: is_policy,
    read: |files| Ok(Box::new(Gemini::read(files)?)),
};

/// Native files are TOML as well: theirs have an `effect`, these a `decision`.
fn is_policy(path: &str, text: &str) -> bool {
    let has = |key: &str| {
        let mut keys = text.lines().filter_map(|line| line.split('=').next());
        keys.any(|it| it.trim() == key)
    };
    has_extension(path, "toml")
        && !has("effect")
        && (has("decision") || has("toolName") || has("commandPrefix"))
}

#[derive(Debug)]
pub struct Gemini {
    rules: Vec<Rule>,
    tests: Vec<Test>,
    /// Highest priority first; of equals, the first in the files.
    order: Vec<usize>,
}

#[derive(Debug, Default)]
struct Test {
    /// Any of these; empty for every tool.
    tools: Vec<String>,
    server: Option<String>,
    subagent: Option<String>,
    /// On the arguments as JSON with sorted keys; any of them.
    patterns: Vec<Regex>,
    priority: f64,
    /// Needs annotations of tools, which no trace has.
    is_unjudged: bool,
    /// Only for other modes or for runs without a person.
    is_elsewhere: bool,
    may_redirect: bool,
}

const SHELL: &str = "run_shell_command";
const UNKNOWN: &str = "no rule matches: the built-in policies decide";

const RULE: &[&str] = &[
    "toolName",
    "mcpName",
    "subagent",
    "argsPattern",
    "commandPrefix",
    "commandRegex",
    "decision",
    "priority",
    "modes",
    "interactive",
    "denyMessage",
    "deny_message",
    "toolAnnotations",
    "allowRedirection",
    "allow_redirection",
    "name",
];

impl Gemini {
    pub fn read(files: &[File]) -> Result<Gemini, Broken> {
        let mut gemini = Gemini {
            rules: Vec::new(),
            tests: Vec::new(),
            order: Vec::new(),
        };
        for (file, source) in files.iter().enumerate() {
            gemini
                .add(source, file)
                .map_err(|mistake| Broken { file, mistake })?;
        }
        gemini.order = (0..gemini.rules.len()).collect();
        let priority = |at: &usize| gemini.tests[*at].priority;
        gemini
            .order
            .sort_by(|a, b| priority(b).total_cmp(&priority(a)));
        Ok(gemini)
    }

    fn add(&mut self, source: &File, file: usize) -> Result<(), Mistake> {
        let text = &source.text;
        let tier = match source.scope {
            Scope::Project => 3.0,
            Scope::User => 4.0,
            Scope::Admin => 5.0,
        };
        let table = table(text)?;
        for entry in entries(text, table.get_ref()) {
            entry.known(&["rule", "safety_checker"])?;
            if entry.name != "rule" {
                continue;
            }
            for (rule, span) in entry.tables()? {
                let (mut test, effect) = one(text, rule, &span)?;
                test.priority += tier;
                let (line, column) = spot(text, span.start);
                self.rules.push(Rule {
                    name: name(text, rule),
                    effect,
                    file,
                    line,
                    column,
                    dead: None,
                });
                self.tests.push(test);
            }
        }
        Ok(())
    }

    /// The rule that decides about a call, without looking into its line.
    fn whole(&self, call: &Call<'_>, json: Option<&str>) -> Verdict {
        for at in &self.order {
            let ix = RuleIx(*at as u32);
            match self.tests[*at].matches(call, json) {
                Some(false) => {}
                Some(true) => return Verdict::by(self.rules[*at].effect, ix),
                None => {
                    return Verdict::unjudged(
                        Effect::Error,
                        Some(ix),
                        "the arguments or annotations are not recorded",
                    );
                }
            }
        }
        Verdict::unjudged(Effect::Unknown, None, UNKNOWN)
    }

    /// A line of commands: what is allowed as a whole must be allowed command by command.
    fn line(&self, call: &Call<'_>, whole: Verdict) -> Verdict {
        if call.tool != SHELL || whole.effect == Effect::Deny {
            return whole;
        }
        let Some(text) = call.text("command") else {
            // Each of its commands would be judged, and where it writes to.
            return if call.args.is_none() && whole.effect == Effect::Allow {
                Verdict::unjudged(Effect::Error, whole.rule, NO_ARGS)
            } else {
                whole
            };
        };
        let Some(line) = shell::line(text) else {
            return Verdict {
                effect: Effect::Ask.max(whole.effect),
                ..whole
            };
        };
        let may_redirect = whole
            .rule
            .is_some_and(|ix| self.tests[ix.0 as usize].may_redirect);
        let mut strictest = whole;
        if strictest.effect == Effect::Allow && !may_redirect && !shell::writes(text).is_empty() {
            strictest.effect = Effect::Ask;
        }
        for command in line.commands.iter().filter(|_| line.commands.len() > 1) {
            let args = serde_json::json!({ "command": command });
            let part = Call {
                args: Some(&args),
                ..*call
            };
            let verdict = self.whole(&part, Some(&stable(&args)));
            if verdict.effect > strictest.effect {
                strictest = verdict;
            }
        }
        strictest
    }
}

/// What a person calls a rule, which has no name of its own.
fn name(text: &str, rule: &DeTable<'_>) -> String {
    let parts = entries(text, rule).filter_map(|entry| match entry.name {
        "toolName" | "mcpName" | "commandPrefix" | "commandRegex" | "argsPattern" | "subagent" => {
            entry.strings().ok().map(|it| it.join("|"))
        }
        _ => None,
    });
    let parts: Vec<String> = parts.collect();
    if parts.is_empty() {
        "*".to_owned()
    } else {
        parts.join(" ")
    }
}

fn one(
    text: &str,
    table: &DeTable<'_>,
    span: &std::ops::Range<usize>,
) -> Result<(Test, Effect), Mistake> {
    let mut test = Test::default();
    let mut effect = None;
    for entry in entries(text, table) {
        match entry.known(RULE)? {
            "toolName" => test.tools = entry.strings()?.into_iter().map(str::to_owned).collect(),
            "mcpName" => test.server = Some(entry.string()?.to_owned()),
            "subagent" => test.subagent = Some(entry.string()?.to_owned()),
            "argsPattern" => test.patterns.push(regex(&entry, entry.string()?)?),
            "commandRegex" => test.patterns.push(regex(
                &entry,
                &format!("\"command\":\"(?:{})", entry.string()?),
            )?),
            "commandPrefix" => test.patterns.extend(prefixes(&entry)?),
            "decision" => effect = Some(decision(&entry)?),
            "priority" => test.priority = priority(&entry)?,
            "modes" => test.is_elsewhere |= !entry.strings()?.contains(&"default"),
            "interactive" => test.is_elsewhere |= !entry.bool()?,
            "toolAnnotations" => test.is_unjudged = true,
            "allowRedirection" | "allow_redirection" => test.may_redirect = entry.bool()?,
            _ => {}
        }
    }
    let effect = effect.ok_or_else(|| {
        Mistake::at(
            text,
            span.clone(),
            "the rule has no decision (allow, deny or ask_user)",
        )
    })?;
    Ok((test, effect))
}

fn decision(entry: &Entry<'_>) -> Result<Effect, Mistake> {
    match entry.string()? {
        "allow" => Ok(Effect::Allow),
        "deny" => Ok(Effect::Deny),
        "ask_user" => Ok(Effect::Ask),
        other => Err(entry.no_such(other, &["allow", "deny", "ask_user"])),
    }
}

/// Within its tier: from 0 to 0.999.
fn priority(entry: &Entry<'_>) -> Result<f64, Mistake> {
    let number = entry.integer()?;
    let is_in_range = (0..1000).contains(&number);
    is_in_range
        .then_some(number as f64 / 1000.0)
        .ok_or_else(|| entry.wrong("a priority is from 0 to 999"))
}

fn regex(entry: &Entry<'_>, source: &str) -> Result<Regex, Mistake> {
    Regex::new(source).map_err(|error| {
        let what = error.to_string();
        let what = what.lines().last().unwrap_or_default();
        entry.wrong(format!(
            "the expression is not valid: {}",
            what.trim_start_matches("error: ")
        ))
    })
}

/// A prefix ends at the end of a word.
fn prefixes(entry: &Entry<'_>) -> Result<Vec<Regex>, Mistake> {
    let all = entry.strings()?.into_iter().map(|prefix| {
        let json = Value::String(prefix.to_owned()).to_string();
        let inside = json
            .strip_prefix('"')
            .and_then(|it| it.strip_suffix('"'))
            .unwrap_or(prefix);
        regex(
            entry,
            &format!("\"command\":\"{}(?:[\\s\"]|\\\\\")", regex::escape(inside)),
        )
    });
    all.collect()
}

impl Test {
    fn is_for(&self, call: &Call<'_>) -> bool {
        let server = self.server.as_deref();
        let own = server.is_none_or(|server| {
            server == "*" && call.tool.starts_with("mcp_")
                || call.tool.starts_with(&format!("mcp_{server}_"))
                || call.tool.starts_with(&format!("{server}__"))
        });
        let is_tool = |name: &String| {
            let bare = server.and_then(|server| call.tool.strip_prefix(&format!("mcp_{server}_")));
            Stars::plain(name).matches(bare.unwrap_or(call.tool))
        };
        let is_agent = self.subagent.as_deref().is_none_or(|it| it == call.agent);
        let is_shell = self.patterns.is_empty()
            || !self.tools.is_empty()
            || server.is_some()
            || call.tool == SHELL;
        own && is_agent
            && !self.is_elsewhere
            && is_shell
            && (self.tools.is_empty() || self.tools.iter().any(is_tool))
    }

    /// None where what it asks for is not recorded.
    fn matches(&self, call: &Call<'_>, json: Option<&str>) -> Option<bool> {
        if !self.is_for(call) {
            return Some(false);
        }
        let is_match = match json {
            _ if self.patterns.is_empty() => true,
            None => return None,
            Some(json) => self.patterns.iter().any(|it| it.is_match(json)),
        };
        if is_match && self.is_unjudged {
            return None;
        }
        Some(is_match)
    }
}

impl Engine for Gemini {
    fn kind(&self) -> &'static Kind {
        &KIND
    }

    fn rules(&self) -> &[Rule] {
        &self.rules
    }

    fn needs(&self, tool: &str) -> Needs {
        let call = Call {
            tool,
            ..Call::default()
        };
        if self.tests.iter().any(|it| it.subagent.is_some()) {
            return Needs::Run;
        }
        let reads = tool == SHELL
            || self
                .tests
                .iter()
                .any(|it| !it.patterns.is_empty() && it.is_for(&call));
        if reads { Needs::Args } else { Needs::Tool }
    }

    fn decide(&self, call: &Call<'_>, _context: &Context<'_>) -> Verdict {
        let json = call.args.map(stable);
        self.line(call, self.whole(call, json.as_deref()))
    }

    fn explain(&self, call: &Call<'_>, _context: &Context<'_>) -> Vec<Reason> {
        let json = call.args.map(stable);
        let all = self.tests.iter().enumerate();
        all.map(|(at, test)| {
            let is_match = test.matches(call, json.as_deref());
            let words = match is_match {
                None => "the arguments or annotations are not recorded".to_owned(),
                Some(false) if test.is_elsewhere => "only for another mode".to_owned(),
                Some(false) if !test.is_for(call) => "another tool".to_owned(),
                Some(false) => "the pattern does not match".to_owned(),
                Some(true) => format!("matches with priority {:.3}", test.priority),
            };
            Reason {
                rule: RuleIx(at as u32),
                is_match,
                words,
            }
        })
        .collect()
    }

    fn assumptions(&self) -> &'static [&'static str] {
        &["Gemini CLI in its default mode, with a person to ask"]
    }
}

#[cfg(test)]
mod tests;
