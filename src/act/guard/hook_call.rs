//! The content of a hook payload, independent of each host's names.

use serde_json::Value;

/// What tools do, in the names of events.
const DOING: &[&str] = &[
    "tool",
    "tools",
    "call",
    "shell",
    "command",
    "exec",
    "execute",
    "execution",
    "mcp",
    "permission",
    "approval",
    "read",
    "write",
    "edit",
    "delete",
    "patch",
    "fetch",
];
/// Members that only a call has. Longer names contain `tool` or `call`.
const OF_A_CALL: &[&str] = &["command", "args", "arguments"];

/// One hook call.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct HookCall {
    pub(super) event: Event,
    /// The host's session id.
    pub(super) run: String,
    pub(super) tool: String,
    /// Null if there are none.
    pub(super) args: Value,
    /// The host's id of the tool call, if it has one.
    pub(super) call: Option<String>,
    pub(super) cwd: Option<String>,
    /// The acting subagent; none for the main agent.
    pub(super) agent: Option<String>,
    pub(super) model: Option<String>,
    pub(super) host_version: Option<String>,
    /// The host runs unattended, with no user to ask.
    pub(super) is_headless: bool,
}

/// What happened in the host.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Event {
    /// A tool call is about to run.
    Before,
    After(Outcome),
    /// All tool calls of one model call are over, including those that never ran.
    Batch(Vec<Over>),
    /// The host is about to ask its user.
    Permission,
    Prompt(String),
    Said(String),
    Start,
    End(Option<String>),
    /// Nothing to record or decide.
    Other,
}

/// How a tool call ended, as far as the host reports it.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Outcome {
    pub(super) status: Option<&'static str>,
    pub(super) result: Option<Value>,
    pub(super) error: Option<String>,
    pub(super) duration_ms: Option<Value>,
    /// The host sends no more than the beginning of the result.
    pub(super) is_cut: bool,
}

/// A call that has ended.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Over {
    pub(super) call: String,
    pub(super) result: Option<Value>,
}

impl HookCall {
    pub(super) fn of(event: Event, run: &str) -> HookCall {
        HookCall {
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

    /// The one rule for events that are unknown or cannot be read: they pass, unless they are about a tool. What may be
    /// a request to run one must be understood or denied.
    pub(super) fn unknown(self, event: &str) -> Option<Event> {
        (!self.is_about_tool(event)).then_some(Event::Other)
    }

    /// Whether an event, by its name or its members, is about a tool.
    pub(super) fn is_about_tool(self, event: &str) -> bool {
        let members = self.0.as_object().into_iter().flatten();
        let mut given = members.filter(|(_, value)| !value.is_null());
        // The names of the `sdk` host, whose programs are the user's own.
        let is_own = matches!(event, "before" | "after");
        is_own
            || words(event).any(|word| DOING.contains(&word.as_str()))
            || given.any(|(name, _)| {
                OF_A_CALL.contains(&name.as_str())
                    || words(name).any(|word| word == "tool" || word == "call")
            })
    }

    /// The tool of an event. None if the event is about a call, and has no tool.
    pub(super) fn tool(self, name: &str, event: &Event) -> Option<String> {
        match event {
            Event::Before | Event::After(_) | Event::Permission => self.owned(name),
            Event::Batch(_)
            | Event::Prompt(_)
            | Event::Said(_)
            | Event::Start
            | Event::End(_)
            | Event::Other => Some(self.owned(name).unwrap_or_default()),
        }
    }

    /// A member that is present and not null.
    pub(super) fn value(self, name: &str) -> Option<&'a Value> {
        self.0.get(name).filter(|it| !it.is_null())
    }

    /// Arguments: an object, or its JSON text.
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

/// The words of `tool.execute.before`, `beforeMCPExecution` or `tool_use_id`, in lower case.
fn words(name: &str) -> impl Iterator<Item = String> {
    let mut apart = String::new();
    let mut letters = name.chars().peekable();
    let mut before = ' ';
    while let Some(letter) = letters.next() {
        let is_next_small = letters.peek().is_some_and(|it| it.is_lowercase());
        // `executeTool`, and the end of the capitals in `MCPExecution`.
        let is_start = letter.is_uppercase()
            && (before.is_lowercase() || (before.is_uppercase() && is_next_small));
        if !letter.is_alphanumeric() || is_start {
            apart.push(' ');
        }
        if letter.is_alphanumeric() {
            apart.extend(letter.to_lowercase());
        }
        before = letter;
    }
    let words: Vec<String> = apart.split_whitespace().map(str::to_owned).collect();
    words.into_iter()
}
