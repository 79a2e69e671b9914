//! Our own `policy.toml`: deny, ask, warn, allow; the strictest rule that matches decides, then `default`.

#[cfg(feature = "cel")]
mod expression;
mod matched;
mod options;
mod read;

use std::borrow::Cow;

use serde_json::{Value, json};

use crate::analysis::policy::call::Call;
use crate::analysis::policy::stars::Stars;
use crate::analysis::policy::{
    Broken, Context, Effect, Engine, File, Kind, NO_ARGS, Needs, Reason, Rule, RuleIx, Verdict,
    has_extension,
};
use crate::ingest::body::Matched;
use crate::model::class::Class;
use crate::query::body::Answer;
use crate::query::call_filter::{CallFilter, Known};
use crate::query::expr::Expr;
use crate::query::fields::Field;

pub use crate::analysis::policy::native::options::{NoApprover, Options};
pub use crate::analysis::policy::native::read::{Use, uses};

pub static KIND: Kind = Kind {
    name: "native",
    host: "",
    is: |path, _| has_extension(path, "toml"),
    read: |files| Ok(Box::new(Native::read(files)?)),
};

#[derive(Debug)]
pub struct Native {
    rules: Vec<Rule>,
    conditions: Vec<Condition>,
    default: Effect,
    /// Those of the first file.
    pub options: Options,
}

/// What must hold for a rule to match: all of it.
#[derive(Debug, Default)]
pub(crate) struct Condition {
    /// Any of these; empty for every tool.
    tools: Vec<Stars>,
    class: Option<Class>,
    /// Any of these; empty for every host.
    hosts: Vec<String>,
    when: Option<CallFilter>,
    expr: Option<Expr>,
    when_text: String,
    #[cfg(feature = "cel")]
    cel: Option<expression::Cel>,
    cel_text: String,
    reason: String,
}

/// Whether a rule matches.
#[derive(Debug, Clone, PartialEq, Eq)]
enum ConditionMatch {
    Yes,
    /// The condition that does not hold.
    No(&'static str),
    Unknown(Cow<'static, str>),
}

struct About<'a> {
    call: &'a Call<'a>,
    context: &'a Context<'a>,
}

impl Known for About<'_> {
    fn args(&self) -> Option<&Value> {
        self.call.args
    }

    fn field(&self, field: Field) -> Option<Value> {
        let call = self.call;
        let name = |name: &str| (!name.is_empty()).then(|| json!(name));
        let number = |number: u32| (number > 0).then(|| json!(number));
        match field {
            Field::Tool => name(call.tool),
            Field::Class => name(call.class().word()),
            Field::Command => call.command().map(Value::String),
            Field::Agent => name(call.agent),
            Field::Model => name(call.model),
            Field::User => name(call.user),
            Field::Provider => name(call.run.provider),
            Field::Run => name(call.run.id),
            Field::Task => name(call.run.task),
            Field::Env => name(call.run.env),
            Field::Service => name(call.run.service),
            Field::Release => name(call.run.release),
            Field::Turn => number(call.turn),
            Field::Seq => number(call.seq),
            Field::Calls => Some(json!(self.context.before.calls)),
            Field::Errors => Some(json!(self.context.before.errors)),
            _ => None,
        }
    }
}

impl Condition {
    fn is_for(&self, tool: &str) -> bool {
        let is_named = self.tools.is_empty() || self.tools.iter().any(|it| it.matches(tool));
        is_named && self.class.is_none_or(|class| class == Class::of(tool))
    }

    fn test(&self, call: &Call<'_>, context: &Context<'_>) -> ConditionMatch {
        if !self.is_for(call.tool) {
            return ConditionMatch::No(if self.class.is_some() {
                "another class of tool"
            } else {
                "another tool"
            });
        }
        if !self.hosts.is_empty() && !self.hosts.iter().any(|it| it == call.host) {
            return ConditionMatch::No("another host");
        }
        match self.when(call, context) {
            ConditionMatch::Yes => self.cel(call, context),
            // The other condition may still rule it out.
            ConditionMatch::Unknown(why) => match self.cel(call, context) {
                ConditionMatch::No(why) => ConditionMatch::No(why),
                ConditionMatch::Yes | ConditionMatch::Unknown(_) => ConditionMatch::Unknown(why),
            },
            ConditionMatch::No(why) => ConditionMatch::No(why),
        }
    }

    fn when(&self, call: &Call<'_>, context: &Context<'_>) -> ConditionMatch {
        let Some(when) = &self.when else {
            return ConditionMatch::Yes;
        };
        match when.test(&About { call, context }) {
            Answer::True => ConditionMatch::Yes,
            Answer::Unknown if call.args.is_none() => ConditionMatch::Unknown(NO_ARGS.into()),
            Answer::Unknown => ConditionMatch::Unknown("a number is compared with text".into()),
            Answer::False => ConditionMatch::No("the condition `when` is not met"),
        }
    }

    #[cfg(feature = "cel")]
    fn cel(&self, call: &Call<'_>, context: &Context<'_>) -> ConditionMatch {
        match self.cel.as_ref().map(|it| it.test(call, context)) {
            None | Some(Ok(true)) => ConditionMatch::Yes,
            Some(Ok(false)) => ConditionMatch::No("the condition `cel` is not met"),
            Some(Err(why)) => ConditionMatch::Unknown(why.into()),
        }
    }

    /// A policy with such a condition is refused when it is read.
    #[cfg(not(feature = "cel"))]
    fn cel(&self, _: &Call<'_>, _: &Context<'_>) -> ConditionMatch {
        ConditionMatch::Yes
    }

    fn needs(&self) -> Needs {
        let when = match &self.when {
            Some(when) if when.needs_run() => Needs::Run,
            Some(_) => Needs::Args,
            None => Needs::Tool,
        };
        when.max(self.cel_needs())
    }

    #[cfg(feature = "cel")]
    fn cel_needs(&self) -> Needs {
        let cel = self.cel.as_ref();
        cel.map_or(Needs::Tool, expression::Cel::needs)
    }

    #[cfg(not(feature = "cel"))]
    fn cel_needs(&self) -> Needs {
        Needs::Tool
    }

    #[cfg(feature = "cel")]
    fn looks_at_past(&self) -> bool {
        self.cel
            .as_ref()
            .is_some_and(expression::Cel::looks_at_past)
    }

    #[cfg(not(feature = "cel"))]
    fn looks_at_past(&self) -> bool {
        false
    }

    #[cfg(feature = "cel")]
    fn looks_at_spent(&self) -> bool {
        let cel = self.cel.as_ref();
        cel.is_some_and(expression::Cel::looks_at_run)
    }

    #[cfg(not(feature = "cel"))]
    fn looks_at_spent(&self) -> bool {
        false
    }

    #[cfg(feature = "cel")]
    fn looks_at_record(&self) -> bool {
        let cel = self.cel.as_ref();
        cel.is_some_and(expression::Cel::looks_at_record)
    }

    #[cfg(not(feature = "cel"))]
    fn looks_at_record(&self) -> bool {
        false
    }
}

impl Native {
    pub fn read(files: &[File]) -> Result<Native, Broken> {
        let mut native = Native {
            rules: Vec::new(),
            conditions: Vec::new(),
            default: Effect::Allow,
            options: Options::default(),
        };
        for (at, file) in files.iter().enumerate() {
            let read =
                read::read(&file.text, at).map_err(|mistake| Broken { file: at, mistake })?;
            if at == 0 {
                native.options = read.options;
            }
            // The strictest default of several files holds.
            native.default = if at == 0 {
                read.default
            } else {
                native.default.max(read.default)
            };
            for (rule, condition) in read.rules {
                native.rules.push(rule);
                native.conditions.push(condition);
            }
        }
        Ok(native)
    }

    fn found(&self, at: usize, call: &Call<'_>, context: &Context<'_>) -> ConditionMatch {
        self.conditions[at].test(call, context)
    }
}

impl Engine for Native {
    fn kind(&self) -> &'static Kind {
        &KIND
    }

    fn rules(&self) -> &[Rule] {
        &self.rules
    }

    fn needs(&self, tool: &str) -> Needs {
        let needs = self
            .conditions
            .iter()
            .filter(|it| it.is_for(tool))
            .map(Condition::needs);
        needs.max().unwrap_or(Needs::Tool)
    }

    fn decide(&self, call: &Call<'_>, context: &Context<'_>) -> Verdict {
        let mut best: Option<Verdict> = None;
        for (at, rule) in self.rules.iter().enumerate() {
            let ix = RuleIx(at as u32);
            let verdict = match self.found(at, call, context) {
                ConditionMatch::No(_) => continue,
                ConditionMatch::Yes => Verdict::by(rule.effect, ix),
                ConditionMatch::Unknown(why) => Verdict::unjudged(Effect::Error, Some(ix), why),
            };
            if best
                .as_ref()
                .is_none_or(|best| verdict.effect > best.effect)
            {
                best = Some(verdict);
            }
        }
        best.unwrap_or_else(|| Verdict::default(self.default))
    }

    fn looks_at_past(&self) -> bool {
        self.conditions.iter().any(Condition::looks_at_past)
    }

    fn looks_at_spent(&self) -> bool {
        self.conditions.iter().any(Condition::looks_at_spent)
    }

    fn looks_at_record(&self, rule: RuleIx) -> bool {
        let condition = self.conditions.get(rule.0 as usize);
        condition.is_some_and(Condition::looks_at_record)
    }

    fn reason(&self, rule: RuleIx) -> Option<&str> {
        let condition = self.conditions.get(rule.0 as usize)?;
        Some(&condition.reason)
    }

    fn matched(&self, rule: RuleIx, call: &Call<'_>, context: &Context<'_>) -> Vec<Matched> {
        let condition = self.conditions.get(rule.0 as usize);
        condition.map_or_else(Vec::new, |it| matched::of(it, call, context))
    }

    fn explain(&self, call: &Call<'_>, context: &Context<'_>) -> Vec<Reason> {
        let all = self.conditions.iter().enumerate();
        all.map(|(at, condition)| {
            let found = condition.test(call, context);
            let (is_match, words) = match found {
                ConditionMatch::Yes => (Some(true), Cow::Borrowed("matches")),
                ConditionMatch::No(why) => (Some(false), Cow::Borrowed(why)),
                ConditionMatch::Unknown(why) => (None, why),
            };
            let mut words = words.into_owned();
            let (when, cel) = (condition.when_text.as_str(), condition.cel_text.as_str());
            let texts = [("when", when), ("cel", cel)];
            for (name, text) in texts.into_iter().filter(|(_, text)| !text.is_empty()) {
                if condition.is_for(call.tool) {
                    words.extend([" · ", name, " ", text]);
                }
            }
            if is_match == Some(true) && !condition.reason.is_empty() {
                words.extend([" · ", &condition.reason]);
            }
            Reason {
                rule: RuleIx(at as u32),
                is_match,
                words,
            }
        })
        .collect()
    }
}

#[cfg(test)]
mod tests;
