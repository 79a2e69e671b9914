//! What a host tells a hook, whatever its names for it.

use serde_json::Value;

/// One call of a hook.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Told {
    pub(super) event: Event,
    /// The session of the host.
    pub(super) run: String,
    pub(super) tool: String,
    /// Null where there are none.
    pub(super) args: Value,
    /// The host's id of the tool call; none where it has none.
    pub(super) call: Option<String>,
    pub(super) cwd: Option<String>,
    /// The subagent that acts; none for the main one.
    pub(super) agent: Option<String>,
    pub(super) model: Option<String>,
    pub(super) host_version: Option<String>,
    /// Nobody sits at the host, so it can ask nobody.
    pub(super) is_headless: bool,
}

/// What happens in the host.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Event {
    /// A tool call is about to run.
    Before,
    After(Outcome),
    /// All calls of one model call are over, also those that never ran.
    Batch(Vec<Over>),
    /// The host is about to ask its user.
    Permission,
    Prompt(String),
    Said(String),
    Start,
    End(Option<String>),
    /// Nothing to tell or to decide.
    Other,
}

/// How a tool call ended, as far as the host tells.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Outcome {
    pub(super) status: Option<&'static str>,
    pub(super) result: Option<Value>,
    pub(super) error: Option<String>,
    pub(super) duration_ms: Option<Value>,
}

/// A call that is over.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Over {
    pub(super) call: String,
    pub(super) result: Option<Value>,
}

impl Told {
    pub(super) fn of(event: Event, run: &str) -> Told {
        Told {
            event,
            run: run.to_owned(),
            tool: String::new(),
            args: Value::Null,
            call: None,
            cwd: None,
            agent: None,
            model: None,
            host_version: None,
            is_headless: false,
        }
    }
}

/// The members of a payload.
#[derive(Debug, Clone, Copy)]
pub(super) struct Payload<'a>(pub(super) &'a Value);

impl<'a> Payload<'a> {
    pub(super) fn text(self, name: &str) -> Option<&'a str> {
        self.0.get(name)?.as_str()
    }

    pub(super) fn owned(self, name: &str) -> Option<String> {
        self.text(name)
            .filter(|it| !it.is_empty())
            .map(str::to_owned)
    }

    /// A member that is there and not null.
    pub(super) fn value(self, name: &str) -> Option<&'a Value> {
        self.0.get(name).filter(|it| !it.is_null())
    }

    /// Arguments: an object, or the text of one.
    pub(super) fn args(self, name: &str) -> Value {
        match self.value(name) {
            Some(Value::String(text)) => {
                serde_json::from_str(text).unwrap_or_else(|_| Value::String(text.clone()))
            }
            Some(other) => other.clone(),
            None => Value::Null,
        }
    }

    pub(super) fn has(self, name: &str) -> bool {
        self.value(name).is_some()
    }
}
