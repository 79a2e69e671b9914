//! Decisions that another engine made about recorded calls (OPA, Cedar, anything): one JSON object a line, found by run and
//! call. A call without a decision is unknown.

use std::borrow::Cow;
use std::collections::HashMap;

use serde_json::Value;

use crate::analysis::policy::call::Call;
use crate::analysis::policy::mistake::Mistake;
use crate::analysis::policy::{
    Broken, Context, Effect, Engine, File, Kind, Needs, Reason, Rule, RuleIx, Verdict,
    has_extension,
};

pub static KIND: Kind = Kind {
    name: "decisions",
    host: "",
    is: |path, _| has_extension(path, "jsonl"),
    read: |files| Ok(Box::new(Decisions::read(files)?)),
};

#[derive(Debug, Default)]
pub struct Decisions {
    rules: Vec<Rule>,
    /// By run and call.
    made: HashMap<(String, String), Made>,
}

#[derive(Debug)]
struct Made {
    effect: Effect,
    rule: Option<RuleIx>,
    reason: String,
}

const MISSING: &str = "no decision is given for the call";

impl Decisions {
    pub fn read(files: &[File]) -> Result<Decisions, Broken> {
        let mut decisions = Decisions::default();
        for (file, source) in files.iter().enumerate() {
            for (at, line) in source
                .text
                .lines()
                .enumerate()
                .filter(|(_, it)| !it.trim().is_empty())
            {
                let wrong = |what: &str| Broken {
                    file,
                    mistake: Mistake::at_line(&source.text, at + 1, 1, what),
                };
                let value: Value =
                    serde_json::from_str(line).map_err(|_| wrong("the line is not JSON"))?;
                decisions.add(&value, (file, at + 1)).map_err(wrong)?;
            }
        }
        Ok(decisions)
    }

    fn add(&mut self, value: &Value, (file, line): (usize, usize)) -> Result<(), &'static str> {
        let input = value.get("input").unwrap_or(value);
        let text = |key: &str| {
            let found = value.get(key).or_else(|| input.get(key));
            found.and_then(Value::as_str)
        };
        let run = text("run_id").ok_or("the decision names no run_id")?;
        let call = text("call_id").ok_or("the decision names no call_id")?;
        let result = value
            .get("effect")
            .or_else(|| value.get("result"))
            .ok_or("the decision has no effect or result")?;
        let effect = effect(result).ok_or(
            "the effect is not one of allow, warn, ask, deny, error, unknown, true, false",
        )?;
        let name = text("rule").or_else(|| result.get("rule").and_then(Value::as_str));
        let reason = text("reason").or_else(|| result.get("reason").and_then(Value::as_str));
        let made = Made {
            effect,
            rule: name.map(|name| self.rule(name, effect, (file, line))),
            reason: reason.unwrap_or_default().to_owned(),
        };
        self.made.insert((run.to_owned(), call.to_owned()), made);
        Ok(())
    }

    fn rule(&mut self, name: &str, effect: Effect, (file, line): (usize, usize)) -> RuleIx {
        let known = self
            .rules
            .iter()
            .position(|it| it.name == name && it.effect == effect);
        let at = known.unwrap_or_else(|| {
            self.rules.push(Rule {
                name: name.to_owned(),
                effect,
                file,
                line: line as u32,
                column: 1,
                dead: None,
            });
            self.rules.len() - 1
        });
        RuleIx(at as u32)
    }

    fn of(&self, call: &Call<'_>) -> Option<&Made> {
        self.made.get(&(call.run.id.to_owned(), call.id.to_owned()))
    }
}

/// A word, true or false, or an object that says so (`{"allow": true}`, `{"deny": ["too much"]}`).
fn effect(result: &Value) -> Option<Effect> {
    match result {
        Value::Bool(is_allowed) => Some(if *is_allowed {
            Effect::Allow
        } else {
            Effect::Deny
        }),
        Value::String(word) => match word.to_ascii_lowercase().as_str() {
            "allow" | "allowed" | "permit" => Some(Effect::Allow),
            "deny" | "denied" | "block" | "forbid" => Some(Effect::Deny),
            "warn" => Some(Effect::Warn),
            "ask" | "require_approval" | "prompt" => Some(Effect::Ask),
            "error" => Some(Effect::Error),
            "unknown" => Some(Effect::Unknown),
            _ => None,
        },
        Value::Object(parts) => {
            let is_denied = parts.get("deny").is_some_and(|it| match it {
                Value::Bool(denied) => *denied,
                Value::Array(reasons) => !reasons.is_empty(),
                Value::Null | Value::Number(_) | Value::String(_) | Value::Object(_) => false,
            });
            if is_denied {
                return Some(Effect::Deny);
            }
            let word = parts.get("effect").or_else(|| parts.get("decision"));
            match (word, parts.get("allow"), parts.get("deny")) {
                (Some(word @ (Value::String(_) | Value::Bool(_))), ..) => effect(word),
                (None, Some(allow @ Value::Bool(_)), _) => effect(allow),
                (None, None, Some(_)) => Some(Effect::Allow),
                _ => None,
            }
        }
        Value::Null | Value::Number(_) | Value::Array(_) => None,
    }
}

impl Engine for Decisions {
    fn kind(&self) -> &'static Kind {
        &KIND
    }

    fn rules(&self) -> &[Rule] {
        &self.rules
    }

    fn needs(&self, _tool: &str) -> Needs {
        Needs::Id
    }

    fn decide(&self, call: &Call<'_>, _context: &Context<'_>) -> Verdict {
        match self.of(call) {
            None => Verdict::unjudged(Effect::Unknown, None, MISSING),
            Some(made) => {
                let is_unjudged = matches!(made.effect, Effect::Error | Effect::Unknown);
                Verdict {
                    effect: made.effect,
                    rule: made.rule,
                    why: if is_unjudged {
                        Cow::Owned(made.reason.clone())
                    } else {
                        Cow::Borrowed("")
                    },
                }
            }
        }
    }

    fn explain(&self, call: &Call<'_>, _context: &Context<'_>) -> Vec<Reason> {
        let made = self.of(call);
        let rules = (0..self.rules.len() as u32).map(RuleIx);
        rules
            .map(|rule| {
                let is_match = made.is_some_and(|it| it.rule == Some(rule));
                Reason {
                    rule,
                    is_match: Some(is_match),
                    words: made
                        .filter(|_| is_match)
                        .map_or_else(String::new, |it| it.reason.clone()),
                }
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[track_caller]
    fn check(result: &Value, expected: Option<Effect>) {
        assert_eq!(effect(result), expected, "{result}");
    }

    #[test]
    fn results_of_other_engines_are_understood() {
        check(&json!(true), Some(Effect::Allow));
        check(&json!("Deny"), Some(Effect::Deny));
        check(&json!({"allow": false}), Some(Effect::Deny));
        check(&json!({"deny": ["too much"]}), Some(Effect::Deny));
        check(&json!({"deny": []}), Some(Effect::Allow));
        check(&json!({"allow": true, "deny": ["no"]}), Some(Effect::Deny));
        check(&json!({"decision": "ask"}), Some(Effect::Ask));
        check(&json!("perhaps"), None);
        check(&json!(1), None);
    }
}
