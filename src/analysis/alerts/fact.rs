//! What rules see of an action: small values and hashes, computed once from its row and its opened body.

use std::borrow::Cow;
use std::hash::Hasher;

use serde_json::Value;

use crate::analysis::alerts::mask::{Masked, hasher};
use crate::analysis::diff::step::{canon, write_object};
use crate::analysis::windows::window;
use crate::ingest::body::Body;
use crate::model::action::{ActionIx, Flags, Kind, Status};
use crate::model::quantity::{Cost, Time};
use crate::model::run::RunIx;
use crate::model::symbol::Sym;
use crate::store::bodies::{self, Depth};
use crate::store::row::Row;

/// An action.
#[derive(Debug, Clone, Copy)]
pub struct Fact {
    pub ix: ActionIx,
    pub run: RunIx,
    /// The agent that acted. Each agent of a run is a lane: loops are detected within one lane.
    pub lane: Sym,
    pub time: Time,
    pub cost: Cost,
    pub is_estimate: bool,
    /// Copied from another session, where it was paid for.
    pub is_copy: bool,
    pub what: What,
}

#[derive(Debug, Clone, Copy)]
pub enum What {
    /// With a hash of its text.
    Prompt(u64),
    Response(Response),
    Call(Call),
    End,
    Other,
}

#[derive(Debug, Clone, Copy)]
pub struct Response {
    /// A hash of the text; none if it is too short to be an echo.
    pub said: Option<u64>,
    pub tokens: u64,
    /// The input tokens; none if not recorded.
    pub context: Option<u64>,
    /// The size of the context window, if known.
    pub window: Option<u64>,
    /// The tokens are known, but not their price.
    pub is_unpriced: bool,
}

#[derive(Debug, Clone, Copy)]
pub struct Call {
    pub tool: Sym,
    /// A hash of the tool and its arguments.
    pub key: u64,
    /// A hash of the result; none if there is none.
    pub result: Option<u64>,
    /// There is a result, but it is empty.
    pub is_empty: bool,
    pub outcome: Outcome,
    /// Its purpose is to wait.
    pub waits: bool,
}

/// How a call ended, as far as streaks care.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It failed with a message.
    Failed,
    /// It failed without a message.
    Quiet,
    /// It has no result so far, or was cancelled.
    Open,
    /// A policy or a person stopped it.
    Stopped,
    Other,
}

/// Longer records are compared by their first bytes, up to this many.
const HEAD: u32 = 1 << 20;

/// An echo has at least this many characters.
const ECHO: usize = 20;

/// Which actions to open: reading records from disk dominates the cost of a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Opens {
    /// Calls, and the prompts between them.
    pub calls: bool,
    /// Responses of the model.
    pub answers: bool,
}

/// Buffers that are used again for the next action.
#[derive(Debug, Default)]
pub struct Scratch {
    masked: Masked,
    args: String,
}

impl Fact {
    /// The fact of a row, which is opened only if some rule needs its contents.
    pub fn of(row: &Row<'_>, opens: Opens, scratch: &mut Scratch) -> Fact {
        let is_asked = matches!(row.kind(), Kind::Prompt | Kind::ToolCall);
        let is_answer = row.kind() == Kind::Response;
        let needs = (opens.calls && is_asked) || (opens.answers && is_answer);
        let body = if needs {
            bodies::open(row, Depth::UpTo(HEAD))
        } else {
            Body::default()
        };
        Fact {
            ix: row.ix(),
            run: row.run_ix(),
            lane: row.agent_sym(),
            time: row.time(),
            cost: row.cost(),
            is_estimate: row.flags().has(Flags::ESTIMATED),
            is_copy: row.flags().has(Flags::COPIED),
            what: what(row, &body, scratch),
        }
    }

    /// Whether it is a call that may still get a result.
    pub fn is_open(&self) -> bool {
        match self.what {
            What::Call(call) => call.outcome == Outcome::Open && call.result.is_none(),
            What::Prompt(_) | What::Response(_) | What::End | What::Other => false,
        }
    }

    /// Whether it is a response whose tokens may still be reported.
    pub fn is_uncounted(&self) -> bool {
        matches!(self.what, What::Response(response) if response.context.is_none())
    }
}

fn what(row: &Row<'_>, body: &Body, scratch: &mut Scratch) -> What {
    let text = body.text.as_deref().unwrap_or_default();
    match row.kind() {
        Kind::Prompt => {
            scratch.masked.take(text);
            What::Prompt(scratch.masked.hash())
        }
        Kind::Response => What::Response(response(row, text, &mut scratch.masked)),
        Kind::ToolCall => What::Call(call(row, body, scratch)),
        Kind::RunEnd => What::End,
        Kind::Reasoning
        | Kind::PolicyDecision
        | Kind::Approval
        | Kind::Error
        | Kind::Note
        | Kind::RunStart
        | Kind::Malformed
        | Kind::Unknown => What::Other,
    }
}

fn response(row: &Row<'_>, text: &str, said: &mut Masked) -> Response {
    said.take(text);
    let usage = row.usage();
    let context = (usage.input + usage.cache_read + usage.cache_write).get();
    Response {
        said: said.is_at_least(ECHO).then(|| said.hash()),
        tokens: usage.total().or_zero(),
        context,
        window: context.and_then(|_| window(row.model())),
        is_unpriced: usage.is_unpriced(row.cost()),
    }
}

fn call(row: &Row<'_>, body: &Body, scratch: &mut Scratch) -> Call {
    let told = result(body);
    let has_result = told.is_some();
    let masked = &mut scratch.masked;
    masked.take(told.as_deref().unwrap_or_default());
    let outcome = match row.status() {
        Status::Error | Status::Timeout if masked.is_quiet() => Outcome::Quiet,
        Status::Error | Status::Timeout => Outcome::Failed,
        Status::Pending | Status::Cancelled => Outcome::Open,
        Status::Blocked | Status::Denied => Outcome::Stopped,
        Status::Unrecorded | Status::Ok => Outcome::Other,
    };
    Call {
        tool: row.tool_sym(),
        key: key(row.tool(), body.args.as_ref(), &mut scratch.args),
        result: has_result.then(|| masked.hash()),
        is_empty: has_result && masked.is_empty(),
        outcome,
        waits: waits(row.tool(), body.args.as_ref()),
    }
}

/// Arguments that say why, not what: they differ between equal calls.
const VOLATILE: &[&str] = &[
    "description",
    "explanation",
    "justification",
    "reason",
    "reasoning",
    "security_risk",
    "summary",
    "thought",
];

fn key(tool: &str, args: Option<&Value>, asked: &mut String) -> u64 {
    asked.clear();
    match args {
        Some(Value::Object(args)) => {
            let kept = args.iter().map(|(name, value)| (name.as_str(), value));
            let kept = kept.filter(|(name, _)| !VOLATILE.contains(name));
            write_object(kept.collect(), asked);
        }
        Some(other) => asked.push_str(&canon(other)),
        None => asked.push_str("null"),
    }
    let mut hasher = hasher();
    hasher.write(tool.as_bytes());
    hasher.write_u8(0);
    hasher.write(asked.as_bytes());
    hasher.finish()
}

/// The result, or the error message if there is none.
fn result(body: &Body) -> Option<Cow<'_, str>> {
    match &body.result {
        Some(Value::String(text)) => Some(Cow::Borrowed(text)),
        Some(Value::Null) | None => {
            let error = body.error.as_ref()?;
            Some(Cow::Borrowed(&error.message))
        }
        Some(other) => Some(Cow::Owned(canon(other))),
    }
}

/// Tools whose purpose is to wait, in lower case.
const WAITING: &[&str] = &[
    "agentoutput",
    "bashoutput",
    "monitor",
    "poll",
    "sleep",
    "taskoutput",
    "wait",
    "write_stdin",
];

fn waits(tool: &str, args: Option<&Value>) -> bool {
    let tool = tool.to_ascii_lowercase();
    let is_kind = |word: &str| {
        let rest = tool.strip_prefix(word).filter(|it| it.starts_with('_'));
        rest.is_some() || tool.strip_suffix(word).is_some_and(|it| it.ends_with('_'))
    };
    let command = || args?.get("command")?.as_str();
    WAITING.contains(&tool.as_str())
        || is_kind("wait")
        || is_kind("poll")
        || command().is_some_and(sleeps)
}

/// Whether a shell command line begins with a program that waits.
fn sleeps(line: &str) -> bool {
    let (program, rest) = word(line.trim_start());
    match program {
        "sleep" | "wait" | "watch" => true,
        "tail" => {
            let options = rest.trim_start();
            let (letters, _) = word(options.strip_prefix('-').unwrap_or_default());
            let is_letter = |it: char| it.is_ascii_lowercase() || it.is_ascii_digit();
            options.len() < rest.len() && letters.ends_with('f') && letters.chars().all(is_letter)
        }
        _ => false,
    }
}

/// The word at the start of a text, and the rest.
fn word(text: &str) -> (&str, &str) {
    let end = text.find(|it: char| it != '_' && !it.is_alphanumeric());
    text.split_at(end.unwrap_or(text.len()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::waits;

    fn key(tool: &str, args: Option<&serde_json::Value>) -> u64 {
        super::key(tool, args, &mut String::from("of the call before"))
    }

    #[test]
    fn calls_are_equal_whatever_their_stated_reason() {
        let one = json!({"command": "ls", "description": "List the files"});
        let other = json!({"description": "Look again", "command": "ls"});
        assert_eq!(key("Bash", Some(&one)), key("Bash", Some(&other)));
        assert_eq!(
            key("n", Some(&json!({"a": 1}))),
            key("n", Some(&json!({"a": 1.0})))
        );
        assert_ne!(key("Bash", Some(&one)), key("Sh", Some(&one)));
        // Only at the top level: deeper down, a description may be the content itself.
        let inside = |why: &str| json!({"issue": {"description": why}});
        assert_ne!(
            key("open", Some(&inside("a"))),
            key("open", Some(&inside("b")))
        );
    }

    #[test]
    fn waiting_calls_are_recognised_by_their_tool_or_command() {
        assert!(waits("BashOutput", None));
        assert!(waits("wait_for_agent", None));
        assert!(waits("bash", Some(&json!({"command": " tail -f log"}))));
        assert!(!waits("bash", Some(&json!({"command": "sleepy"}))));
        assert!(waits("bash", Some(&json!({"command": "tail -20f log"}))));
        assert!(waits("wait", None) && waits("job_poll", None) && waits("Poll_job", None));
        assert!(!waits("await", None) && !waits("waiter", None));
        assert!(!waits("bash", Some(&json!({"command": "tail log"}))));
    }
}
