//! What an expression can name: the variables of a call, and our own functions.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::Arc;

use cel::objects::Key;
use cel::{Context as Scope, ExecutionError, Value};
use regex::Regex;
use serde_json::Value as Json;

use crate::analysis::policy::call::Call;
use crate::analysis::policy::past::{Past, Record, newest};
use crate::analysis::policy::stars::Stars;
use crate::analysis::policy::{Context, NO_ARGS, Needs, paths, shell};

macro_rules! variables {
    ($($variable:ident $name:literal $needs:ident)*) => {
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(super) enum Variable { $($variable),* }

        impl Variable {
            pub(super) const NAMES: &[(Variable, &str)] = &[$((Variable::$variable, $name)),*];

            pub(super) fn name(self) -> &'static str {
                match self { $(Variable::$variable => $name),* }
            }

            pub(super) fn needs(self) -> Needs {
                match self { $(Variable::$variable => Needs::$needs),* }
            }
        }
    };
}

variables! {
    Tool       "tool"        Tool
    Class      "class"       Tool
    Host       "host"        Args
    Agent      "agent"       Run
    Model      "model"       Run
    User       "user"        Run
    Cwd        "cwd"         Args
    Args       "args"        Args
    Command    "command"     Args
    Path       "path"        Args
    Url        "url"         Args
    Parts      "parts"       Args
    PartsKnown "parts_known" Args
    Step       "step"        Run
    Turn       "turn"        Run
    Run        "run"         Run
    History    "history"     Run
    Recorded   "recorded"    Run
}

const NO_PAST: &str = "the calls before this one are not known here";
const NO_RECORD: &str = "'recorded' is known only in a what-if: nothing is recorded yet about a call that is still to be made";

/// Arguments that are nested deeper, or contain a longer text, are not converted: the condition is an error.
const DEEPEST: usize = 64;
const LONGEST: usize = 64 << 10;

impl Variable {
    /// Empty where it is not recorded; an error where it cannot be given.
    pub(super) fn value(self, call: &Call<'_>, context: &Context<'_>) -> Result<Value, String> {
        let args = || call.args.ok_or_else(|| NO_ARGS.to_owned());
        Ok(match self {
            Variable::Tool => text(call.tool),
            Variable::Class => text(call.class().word()),
            Variable::Host => text(call.host),
            Variable::Agent => text(call.agent),
            Variable::Model => text(call.model),
            Variable::User => text(call.user),
            Variable::Cwd => text(context.cwd.unwrap_or_default()),
            Variable::Args => of_json(args()?, 0)?,
            Variable::Command => {
                args()?;
                text(&call.command().unwrap_or_default())
            }
            Variable::Path => {
                args()?;
                text(call.path().unwrap_or_default())
            }
            Variable::Url => {
                args()?;
                text(call.url().unwrap_or_default())
            }
            Variable::Parts => {
                args()?;
                let line = call.command().and_then(|it| shell::line(&it));
                let commands = line.unwrap_or_default().commands;
                Value::List(Arc::new(commands.iter().map(|it| text(it)).collect()))
            }
            Variable::PartsKnown => {
                args()?;
                let line = call.command().map(|it| shell::line(&it));
                Value::Bool(line.is_none_or(|line| line.is_some()))
            }
            Variable::Step => Value::Int(i64::from(context.before.calls) + 1),
            Variable::Turn => Value::Int(i64::from(call.turn)),
            Variable::Run => run(call, context),
            Variable::History => {
                let calls = newest(context.past.ok_or(NO_PAST)?).iter();
                Value::List(Arc::new(calls.map(past).collect()))
            }
            Variable::Recorded => recorded(&context.record.ok_or(NO_RECORD)?),
        })
    }
}

fn run(call: &Call<'_>, context: &Context<'_>) -> Value {
    let (of, before) = (&call.run, &context.before);
    let texts = [
        ("id", of.id),
        ("provider", of.provider),
        ("task", of.task),
        ("env", of.env),
        ("service", of.service),
        ("release", of.release),
    ];
    let counts = [
        ("calls", before.calls),
        ("errors", before.errors),
        ("blocked", before.blocked),
    ];
    let texts = texts.into_iter().map(|(name, it)| (name, text(it)));
    let counts = counts.into_iter();
    let counts = counts.map(|(name, count)| (name, Value::Int(i64::from(count))));
    map(texts.chain(counts).chain(spent(context)))
}

/// What is not recorded has no key, so that a condition about it is an error and not met by 0.
fn spent(context: &Context<'_>) -> impl Iterator<Item = (&'static str, Value)> + use<> {
    let spent = context.spent;
    let steps = spent.map(|it| Value::Int(i64::from(it.steps)));
    let tokens = spent.and_then(|it| it.tokens.get());
    let cost = spent.and_then(|it| it.cost.get());
    let time = spent.and_then(|it| it.time.get());
    let all = [
        ("steps", steps),
        ("tokens", tokens.map(|it| Value::Int(it.cast_signed()))),
        ("cost_usd", cost.map(|it| Value::Float(it as f64 / 1e12))),
        ("minutes", time.map(|it| Value::Float(it as f64 / 6e7))),
    ];
    let known = all.into_iter();
    known.filter_map(|(name, value)| Some((name, value?)))
}

fn past(call: &Past) -> Value {
    let texts = [
        ("tool", call.tool.as_str()),
        ("class", call.class().word()),
        ("command", call.command.as_str()),
        ("path", call.path.as_str()),
        ("status", call.status.word()),
    ];
    let texts = texts.into_iter().map(|(name, it)| (name, text(it)));
    let others = [
        ("error", Value::Bool(call.has_failed())),
        ("step", Value::Int(i64::from(call.step))),
    ];
    map(texts.chain(others))
}

fn recorded(record: &Record<'_>) -> Value {
    let texts = [
        ("effect", record.effect.word()),
        ("rule", record.rule),
        ("policy", record.policy),
        ("by", record.by),
    ];
    map(texts.into_iter().map(|(name, it)| (name, text(it))))
}

fn text(text: &str) -> Value {
    Value::String(Arc::new(text.to_owned()))
}

fn map<'a>(entries: impl Iterator<Item = (&'a str, Value)>) -> Value {
    let entries = entries.map(|(key, value)| (name(key), value));
    Value::from(entries.collect::<HashMap<Key, Value>>())
}

fn name(key: &str) -> Key {
    Key::String(Arc::new(key.to_owned()))
}

/// By hand: numbers keep their digits here (`arbitrary_precision`), and the crate's own conversion would take them for
/// objects.
fn of_json(value: &Json, depth: usize) -> Result<Value, String> {
    if depth > DEEPEST {
        return Err(format!("the arguments are nested deeper than {DEEPEST}"));
    }
    Ok(match value {
        Json::Null => Value::Null,
        Json::Bool(value) => Value::Bool(*value),
        Json::Number(number) => {
            let whole = number.as_i64().map(Value::Int);
            let whole = whole.or_else(|| number.as_u64().map(Value::UInt));
            let number = whole.or_else(|| number.as_f64().map(Value::Float));
            number.ok_or("an argument is a number that cannot be read")?
        }
        Json::String(long) if long.len() > LONGEST => {
            return Err(format!("an argument is longer than {} KiB", LONGEST >> 10));
        }
        Json::String(short) => text(short),
        Json::Array(items) => {
            let items = items.iter().map(|it| of_json(it, depth + 1));
            Value::List(Arc::new(items.collect::<Result<_, _>>()?))
        }
        Json::Object(entries) => {
            let entries = entries.iter();
            let entries = entries.map(|(name, it)| Ok((name.as_str(), of_json(it, depth + 1)?)));
            map(entries.collect::<Result<Vec<_>, String>>()?.into_iter())
        }
    })
}

/// Our own functions.
pub(super) const FUNCTIONS: &[&str] = &["glob", "under", "re", "count"];

pub(super) fn functions() -> Scope<'static, 'static> {
    let mut scope = Scope::default();
    let glob = |text: Arc<String>, pattern: Arc<String>| Stars::plain(&pattern).matches(&text);
    let under = |path: Arc<String>, folder: Arc<String>| {
        let resolved = |path: &str| paths::resolved("/", path);
        paths::below(&resolved(&folder), &resolved(&path)).is_some()
    };
    let re = |text: Arc<String>, pattern: Arc<String>| matches(&text, pattern);
    let count = |calls: Arc<Vec<Value>>, tool: Arc<String>| {
        let tool = Stars::plain(&tool);
        let is_named = |call: &&Value| match call {
            Value::Map(call) => call
                .map
                .get(&name("tool"))
                .is_some_and(|it| matches!(it, Value::String(name) if tool.matches(name))),
            _ => false,
        };
        calls.iter().filter(is_named).count() as i64
    };
    // None of these names has an overload of its own.
    let added = scope
        .add_function("glob", glob)
        .and_then(|()| scope.add_function("under", under))
        .and_then(|()| scope.add_function("re", re))
        .and_then(|()| scope.add_function("count", count));
    debug_assert!(added.is_ok());
    scope
}

/// The most compiled patterns kept; beyond it, all are dropped.
const PATTERNS: usize = 256;

thread_local! {
    static COMPILED: RefCell<HashMap<Arc<String>, Regex>> = RefCell::new(HashMap::new());
}

fn matches(text: &str, pattern: Arc<String>) -> Result<bool, ExecutionError> {
    COMPILED.with_borrow_mut(|compiled| {
        if let Some(regex) = compiled.get(&pattern) {
            return Ok(regex.is_match(text));
        }
        let regex = Regex::new(&pattern).map_err(|_| ExecutionError::FunctionError {
            function: "re".to_owned(),
            message: "the pattern is invalid".to_owned(),
        })?;
        if compiled.len() >= PATTERNS {
            compiled.clear();
        }
        let holds = regex.is_match(text);
        compiled.insert(pattern, regex);
        Ok(holds)
    })
}
