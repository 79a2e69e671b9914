//! Reads `policy.toml`, strictly: every mistake has a line, a column and what was meant. The examples of a rule are
//! tested when it is read.

use std::ops::Range;

use serde_json::Value;
use toml::de::{DeTable, DeValue};

use crate::analysis::policy::call::Call;
use crate::analysis::policy::mistake::{Mistake, spot};
#[cfg(feature = "cel")]
use crate::analysis::policy::native::expression::Cel;
use crate::analysis::policy::native::options::{self, Options};
use crate::analysis::policy::native::{Condition, ConditionMatch};
use crate::analysis::policy::stars::Stars;
use crate::analysis::policy::toml_file::{Entry, entries, json, table};
use crate::analysis::policy::{Context, Effect, Rule};
use crate::model::class::Class;
use crate::query::call_filter::CallFilter;
use crate::query::expr::Expr;
use crate::query::fields::nearest;

pub(super) struct Read {
    pub(super) default: Effect,
    pub(super) options: Options,
    pub(super) rules: Vec<(Rule, Condition)>,
}

/// Another policy file that this one includes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Use {
    pub file: String,
    /// The folder that its relative patterns begin at, if not its own.
    pub root: Option<String>,
    pub mistake: Mistake,
}

const TOP: &[&str] = &[
    "version",
    "default",
    "rule",
    "use",
    "no_approver",
    "wait",
    "host_prompts",
    "must_record",
];
const RULE: &[&str] = &[
    "id",
    "effect",
    "tool",
    "class",
    "host",
    "when",
    "cel",
    "reason",
    "match",
    "not_match",
];
const USE: &[&str] = &["file", "root"];
const VERSION: i64 = 1;

pub(super) fn read(text: &str, file: usize) -> Result<Read, Mistake> {
    let table = table(text)?;
    let mut read = Read {
        default: Effect::Allow,
        options: Options::default(),
        rules: Vec::new(),
    };
    for entry in entries(text, table.get_ref()) {
        match entry.known(TOP)? {
            "version" if entry.integer()? != VERSION => {
                return Err(entry.wrong(format!("version {VERSION} is the only one")));
            }
            "default" => read.default = default(&entry)?,
            "rule" => {
                for (rule, span) in entry.tables()? {
                    let rule = one(text, rule, span, file)?;
                    let is_twice = read
                        .rules
                        .iter()
                        .any(|(known, _)| known.name == rule.0.name);
                    if is_twice {
                        return Err(Mistake {
                            line: rule.0.line,
                            column: rule.0.column,
                            ..entry.wrong(format!("two rules have the id '{}'", rule.0.name))
                        });
                    }
                    read.rules.push(rule);
                }
            }
            name if options::NAMES.contains(&name) => read.options.read(&entry)?,
            _ => {}
        }
    }
    Ok(read)
}

/// The files that a policy includes, in order; empty for a text that is not a policy.
pub fn uses(text: &str) -> Result<Vec<Use>, Mistake> {
    let table = table(text)?;
    let mut found = Vec::new();
    for entry in entries(text, table.get_ref()).filter(|it| it.name == "use") {
        for (used, span) in entry.tables()? {
            let mut file = None;
            let mut root = None;
            for part in entries(text, used) {
                match part.known(USE)? {
                    "file" => {
                        let name = part.string()?.to_owned();
                        file = Some((name, part.wrong("the file does not exist")));
                    }
                    _ => root = Some(part.string()?.to_owned()),
                }
            }
            let (file, mistake) =
                file.ok_or_else(|| Mistake::at(text, span, "[[use]] needs a file"))?;
            found.push(Use {
                file,
                root,
                mistake,
            });
        }
    }
    Ok(found)
}

fn default(entry: &Entry<'_>) -> Result<Effect, Mistake> {
    match entry.string()? {
        "allow" => Ok(Effect::Allow),
        "ask" => Ok(Effect::Ask),
        "deny" => Ok(Effect::Deny),
        other => Err(entry.no_such(other, &["allow", "ask", "deny"])),
    }
}

fn one(
    text: &str,
    table: &DeTable<'_>,
    span: Range<usize>,
    file: usize,
) -> Result<(Rule, Condition), Mistake> {
    let (line, column) = spot(text, span.start);
    let mut rule = Rule {
        name: String::new(),
        effect: Effect::Unknown,
        file,
        line,
        column,
        dead: None,
    };
    let mut condition = Condition::default();
    let mut examples = Vec::new();
    for entry in entries(text, table) {
        match entry.known(RULE)? {
            "id" => rule.name = id(&entry)?,
            "effect" => rule.effect = effect(&entry)?,
            "tool" => condition.tools = entry.strings()?.into_iter().map(Stars::plain).collect(),
            "class" => condition.class = Some(class(&entry)?),
            "host" => condition.hosts = entry.strings()?.into_iter().map(str::to_owned).collect(),
            "when" => {
                let (when, expr) = when(&entry)?;
                (condition.when, condition.expr) = (Some(when), Some(expr));
                entry.string()?.clone_into(&mut condition.when_text);
            }
            "cel" => cel(&entry, &mut condition)?,
            "reason" => entry.string()?.clone_into(&mut condition.reason),
            "match" => examples.push((entry, true)),
            _ => examples.push((entry, false)),
        }
    }
    let missing = |what: &str| {
        Err(Mistake::at(
            text,
            span.clone(),
            format!("the rule has no {what}"),
        ))
    };
    if rule.name.is_empty() {
        return missing("id");
    }
    if rule.effect == Effect::Unknown {
        return missing("effect (deny, ask, warn or allow)");
    }
    let is_open = condition.tools.is_empty()
        && condition.class.is_none()
        && condition.when.is_none()
        && condition.cel_text.is_empty();
    if rule.effect == Effect::Allow && is_open {
        return missing("tool, class, when or cel: to allow everything, write default = \"allow\"");
    }
    for (entry, expected) in examples {
        check(&entry, &condition, expected)?;
    }
    Ok((rule, condition))
}

fn unlike(why: &str) -> String {
    format!("the rule does not match this example: {why}")
}

fn id(entry: &Entry<'_>) -> Result<String, Mistake> {
    let id = entry.string()?;
    let is_plain = |it: char| it.is_ascii_alphanumeric() || matches!(it, '-' | '_' | '.');
    if id.is_empty() || !id.chars().all(is_plain) {
        return Err(entry.wrong("an id has letters, digits, '-', '_' and '.'"));
    }
    Ok(id.to_owned())
}

fn effect(entry: &Entry<'_>) -> Result<Effect, Mistake> {
    match entry.string()? {
        "deny" => Ok(Effect::Deny),
        "ask" => Ok(Effect::Ask),
        "warn" => Ok(Effect::Warn),
        "allow" => Ok(Effect::Allow),
        other => Err(entry.no_such(other, &["deny", "ask", "warn", "allow"])),
    }
}

fn class(entry: &Entry<'_>) -> Result<Class, Mistake> {
    let word = entry.string()?;
    let known: Vec<&str> = Class::ALL.iter().map(|it| it.word()).collect();
    Class::from_word(word).ok_or_else(|| entry.no_such(word, &known))
}

/// A filter; a mistake in it is shown at its place in the file.
fn when(entry: &Entry<'_>) -> Result<(CallFilter, Expr), Mistake> {
    let expr = entry.filter()?;
    let filter = CallFilter::compile(&expr).map_err(|what| entry.wrong(what))?;
    Ok((filter, expr))
}

#[cfg(feature = "cel")]
fn cel(entry: &Entry<'_>, condition: &mut Condition) -> Result<(), Mistake> {
    let text = entry.string()?;
    let cel = Cel::compile(text).map_err(|wrong| {
        let place = entry.inside(text, wrong.at);
        Mistake::at(entry.text, place, wrong.what).meaning(wrong.meant)
    })?;
    condition.cel = Some(cel);
    text.clone_into(&mut condition.cel_text);
    Ok(())
}

#[cfg(not(feature = "cel"))]
fn cel(entry: &Entry<'_>, _: &mut Condition) -> Result<(), Mistake> {
    Err(entry.wrong_name("this program was built without cel"))
}

/// Tests the examples of a rule.
fn check(entry: &Entry<'_>, condition: &Condition, expected: bool) -> Result<(), Mistake> {
    let DeValue::Array(examples) = entry.value.get_ref() else {
        return Err(entry.wrong("expected a list of calls: [{ tool = \"…\", args = { … } }]"));
    };
    for example in examples {
        let span = example.span();
        let call = json(example);
        let wrong = |what: &str| Mistake::at(entry.text, span.clone(), what);
        let tool = call
            .get("tool")
            .and_then(Value::as_str)
            .ok_or_else(|| wrong("the example names no tool"))?;
        let odd = call
            .as_object()
            .into_iter()
            .flatten()
            .find(|(key, _)| !matches!(key.as_str(), "tool" | "args" | "host"));
        if let Some((key, _)) = odd {
            let near = nearest(key, ["tool", "args", "host"]);
            return Err(
                wrong(&format!("an example has tool, args and host, not '{key}'")).meaning(near),
            );
        }
        let empty = Value::Object(serde_json::Map::new());
        let call = Call {
            tool,
            args: Some(call.get("args").unwrap_or(&empty)),
            host: call.get("host").and_then(Value::as_str).unwrap_or_default(),
            ..Call::default()
        };
        match (condition.test(&call, &Context::of_first()), expected) {
            (ConditionMatch::Yes, true) | (ConditionMatch::No(_), false) => {}
            (ConditionMatch::Yes, false) => {
                return Err(wrong("the rule matches this example of not_match"));
            }
            (ConditionMatch::No(why), _) => return Err(wrong(&unlike(why))),
            (ConditionMatch::Unknown(why), _) => return Err(wrong(&unlike(&why))),
        }
    }
    Ok(())
}
