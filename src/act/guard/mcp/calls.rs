//! The calls to one MCP server: records them, and decides which may pass.

use std::collections::HashMap;
use std::env;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::act::ask::mailbox::Mailbox;
use crate::act::ask::wait::{Ended, wait};
use crate::act::ask::{Ask, State, approver};
use crate::act::guard::asking::{About, ask_about};
use crate::act::guard::mcp::message::{Message, blocked, elicitation, progress};
use crate::act::guard::past;
use crate::act::guard::record::{self, Trace, name, of_recorder};
use crate::act::guard::rules::{Decided, Rules};
use crate::act::guard::run_state::{run_of, tripped};
use crate::act::guard::{RUN, blocked_by, protect, stopped};
use crate::act::places::Places;
use crate::analysis::policy::call::Call;
use crate::analysis::policy::native::NoApprover;
use crate::analysis::policy::{Context, Effect};
use crate::base::clock::{Clock, System};
use crate::base::sha256;

/// What to do with a message from the agent.
#[derive(Debug)]
pub(super) enum Held {
    Passes,
    /// It was meant for us.
    Swallowed,
    /// The agent gets this answer instead.
    Refused(Value),
    /// A person has to decide.
    Asks(Box<Asking>),
}

/// A call waiting for approval.
#[derive(Debug)]
pub(super) struct Asking {
    id: Value,
    call: String,
    tool: String,
    args: Value,
    token: Option<Value>,
    decided: Decided,
    rules: Rules,
    /// The agent cancelled the call or disconnected.
    is_over: Arc<AtomicBool>,
}

#[derive(Debug)]
pub(super) struct Calls {
    name: String,
    is_guarded: bool,
    places: Places,
    inner: Mutex<Inner>,
    /// Signals the answer to an elicitation.
    answer_came: Condvar,
    asked: AtomicU64,
}

#[derive(Debug, Default)]
struct Inner {
    run: String,
    path: PathBuf,
    trace: Option<Trace>,
    /// By request id, as JSON.
    open: HashMap<String, Open>,
    waiting: HashMap<String, Arc<AtomicBool>>,
    listing: Vec<String>,
    tools: Option<String>,
    elicits: bool,
    elicited: HashMap<String, Value>,
}

#[derive(Debug)]
struct Open {
    call: String,
    began: Instant,
}

/// How often the agent is notified that its call is still waiting.
const PROGRESS: Duration = Duration::from_secs(5);
const MINE: &str = "saferun-elicit-";

impl Calls {
    pub(super) fn new(name: String, is_guarded: bool, places: Places) -> Calls {
        let run = env::var(RUN).ok().filter(|run| !run.is_empty());
        let run = run.unwrap_or_else(|| format!("mcp-{name}-{}", std::process::id()));
        let inner = Inner {
            run,
            ..Inner::default()
        };
        Calls {
            name,
            is_guarded,
            places,
            inner: Mutex::new(inner),
            answer_came: Condvar::new(),
            asked: AtomicU64::new(0),
        }
    }

    pub(super) fn is_guarded(&self) -> bool {
        self.is_guarded
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tell(&self, kind: &str, more: Value) {
        let mut inner = self.inner();
        let places = &self.places;
        if inner.trace.is_none() {
            inner.path = of_recorder()
                .unwrap_or_else(|| name(places, &format!("mcp-{}", self.name), &inner.run));
            let mut trace = Trace::at(places, &inner.path, &inner.run, "mcp");
            if trace.is_new() {
                let recorder = json!({
                    "name": "saferun-tui",
                    "version": env!("CARGO_PKG_VERSION"),
                    "via": "mcp",
                    "host": self.name,
                });
                trace.tell(
                    "run_start",
                    json!({"v": 1, "agent": self.name, "recorder": recorder}),
                );
            }
            inner.trace = Some(trace);
        }
        if let Some(trace) = &mut inner.trace {
            trace.tell(kind, more);
        }
    }

    /// Continues in the trace of the run whose hook saw the call, unless a recorder chose another.
    fn join(&self, run: &str, path: PathBuf) {
        let mut inner = self.inner();
        if of_recorder().is_none() && inner.run != run {
            inner.trace = Some(Trace::at(&self.places, &path, run, "mcp"));
            run.clone_into(&mut inner.run);
            inner.path = path;
        }
    }

    pub(super) fn note(&self, text: &str, more: Value) {
        let mut note = json!({"content": text, "server": self.name});
        if let (Value::Object(note), Value::Object(more)) = (&mut note, more) {
            note.extend(more);
        }
        self.tell("note", note);
    }

    /// Handles a message from the agent.
    pub(super) fn hold(&self, message: &Message) -> Held {
        match message.method.as_str() {
            "initialize" => {
                let elicits = message
                    .params
                    .pointer("/capabilities/elicitation")
                    .is_some();
                self.inner().elicits = elicits;
            }
            "tools/call" => return self.call(message),
            "tools/list" => self.inner().listing.push(message.id.to_string()),
            "resources/read" => self.note(
                &format!("read {}", message.param("uri")),
                json!({"method": "resources/read"}),
            ),
            "prompts/get" => self.note(
                &format!("prompt {}", message.param("name")),
                json!({"method": "prompts/get"}),
            ),
            "notifications/cancelled" => {
                let id = message.params.get("requestId").unwrap_or(&Value::Null);
                if let Some(is_over) = self.inner().waiting.get(&id.to_string()) {
                    is_over.store(true, Ordering::Relaxed);
                    return Held::Swallowed;
                }
            }
            "" if message.id.as_str().is_some_and(|id| id.starts_with(MINE)) => {
                let id = message.id.as_str().unwrap_or_default().to_owned();
                let answer = message.result.clone().unwrap_or_default();
                self.inner().elicited.insert(id, answer);
                self.answer_came.notify_all();
                return Held::Swallowed;
            }
            _ => {}
        }
        Held::Passes
    }

    fn call(&self, message: &Message) -> Held {
        let tool = format!("mcp__{}__{}", self.name, message.param("name"));
        let args = message.params.get("arguments").cloned();
        let args = args.unwrap_or_else(|| json!({}));
        let host_call = message.host_call();
        let hooked = host_call.and_then(|call| run_of(&self.places, call));
        let is_hooked = hooked.is_some();
        if let Some((run, path)) = hooked {
            self.join(&run, path);
        }
        let call = match host_call {
            Some(call) => call.to_owned(),
            None => format!("mcp-{}-{}", std::process::id(), message.id),
        };
        self.tell(
            "tool_call",
            json!({"id": call, "tool": tool, "args": args, "server": self.name}),
        );
        // A call that the agent's hook saw has already been decided there.
        let held = if self.is_guarded && !is_hooked {
            self.decide(message, (&call, &tool, &args))
        } else {
            Held::Passes
        };
        if matches!(held, Held::Passes) {
            self.open(&message.id, &call);
        }
        held
    }

    fn open(&self, id: &Value, call: &str) {
        let open = Open {
            call: call.to_owned(),
            began: Instant::now(),
        };
        self.inner().open.insert(id.to_string(), open);
    }

    fn decide(&self, message: &Message, (id, tool, args): (&str, &str, &Value)) -> Held {
        let here = env::current_dir()
            .ok()
            .map(|it| it.to_string_lossy().into_owned());
        let home = self.places.home().to_string_lossy().into_owned();
        let rules = Rules::load(&self.places, here.as_deref());
        let call = Call {
            tool,
            id,
            args: Some(args),
            host: "mcp",
            ..Call::default()
        };
        let (path, run) = {
            let inner = self.inner();
            (inner.path.clone(), inner.run.clone())
        };
        let read = || past::calls(&path, &run, (id, None));
        let seen = rules.look_back(tool).then(read).flatten();
        let (before, past) = seen.unzip();
        let context = Context {
            cwd: here.as_deref(),
            home: Some(&home),
            before: before.unwrap_or_default(),
            past: past.as_deref(),
            ..Context::default()
        };
        let protected = protect::touches(&call, &self.places);
        let decided = protected
            .map(|why| stopped("saferun", protect::RULE, why))
            .or_else(|| {
                let trip = tripped(&self.places, &run, System.now())?;
                Some(stopped("breaker", &trip.rule, trip.reason))
            })
            .or_else(|| rules.decide(&call, &context));
        let Some(decided) = decided else {
            return Held::Passes;
        };
        let event = record::decision(id, &decided, "enforce", &rules.sha256);
        self.tell("policy_decision", event);
        match decided.effect {
            Effect::Allow | Effect::Unknown | Effect::Warn => Held::Passes,
            Effect::Deny => {
                let why = blocked_by(&decided);
                Held::Refused(self.stop(&message.id, id, "blocked", &why))
            }
            Effect::Ask | Effect::Error => {
                let is_over = Arc::new(AtomicBool::new(false));
                let key = message.id.to_string();
                self.inner().waiting.insert(key, Arc::clone(&is_over));
                Held::Asks(Box::new(Asking {
                    id: message.id.clone(),
                    call: id.to_owned(),
                    tool: tool.to_owned(),
                    args: args.clone(),
                    token: message.progress_token().cloned(),
                    decided,
                    rules,
                    is_over,
                }))
            }
        }
    }

    /// Writes the result of a call that did not run, and returns the answer for the agent.
    fn stop(&self, id: &Value, call: &str, status: &str, why: &str) -> Value {
        let error = json!({"type": "guard", "message": why});
        self.tell(
            "tool_result",
            json!({"call_id": call, "status": status, "error": error}),
        );
        blocked(id, why)
    }

    /// Waits for a person. None lets the call pass; null sends the agent nothing, since it cancelled the call.
    pub(super) fn ask(&self, asking: &Asking, say: &dyn Fn(&Value)) -> Option<Value> {
        let ended = self.answer_to(asking, say);
        self.inner().waiting.remove(&asking.id.to_string());
        match ended {
            Reply::Approved => {
                self.open(&asking.id, &asking.call);
                None
            }
            Reply::Denied(why) => Some(self.stop(&asking.id, &asking.call, "denied", &why)),
            Reply::NoApprover(why) => Some(self.stop(&asking.id, &asking.call, "blocked", &why)),
            Reply::Cancelled => {
                let why = "the agent cancelled the call";
                self.stop(&asking.id, &asking.call, "cancelled", why);
                Some(Value::Null)
            }
        }
    }

    fn answer_to(&self, asking: &Asking, say: &dyn Fn(&Value)) -> Reply {
        let policy = asking.rules.options.no_approver;
        let is_there = approver::is_there(&self.places);
        if !is_there && self.inner().elicits && policy != NoApprover::Deny {
            return self.elicit(asking, say);
        }
        if !is_there && policy != NoApprover::Wait {
            let why = blocked_by(&asking.decided);
            return Reply::NoApprover(format!(
                "{why} (needs approval, but no approver is available)"
            ));
        }
        match self.question(asking) {
            Ok((mailbox, question)) => self.wait_for(asking, &mailbox, &question, say),
            Err(error) => {
                let why = blocked_by(&asking.decided);
                Reply::NoApprover(format!("{why} (cannot ask for approval: {error})"))
            }
        }
    }

    fn question(&self, asking: &Asking) -> std::io::Result<(Mailbox, Ask)> {
        let mailbox = Mailbox::usable(&self.places)?;
        let (run, path) = {
            let inner = self.inner();
            (inner.run.clone(), inner.path.clone())
        };
        let about = About {
            host: format!("mcp {}", self.name),
            run,
            call: &asking.call,
            tool: &asking.tool,
            args: &asking.args,
        };
        let question = Ask {
            trace: Some(path.to_string_lossy().into_owned()),
            ..ask_about(about, &asking.decided, asking.rules.options.wait)?
        };
        mailbox.put(&question)?;
        Ok((mailbox, question))
    }

    fn wait_for(
        &self,
        asking: &Asking,
        mailbox: &Mailbox,
        question: &Ask,
        say: &dyn Fn(&Value),
    ) -> Reply {
        self.requested(asking);
        let began = Instant::now();
        let patience = asking.rules.options.wait;
        let ended = loop {
            let left = patience.saturating_sub(began.elapsed());
            let is_over = || asking.is_over.load(Ordering::Relaxed);
            match wait(mailbox, question, left.min(PROGRESS), &is_over) {
                Ended::Expired if left > PROGRESS => {
                    if let Some(token) = &asking.token {
                        say(&progress(token, began.elapsed().as_secs()));
                    }
                }
                ended => break ended,
            }
        };
        mailbox.withdraw(question);
        match ended {
            Ended::Answered(answer) => {
                let reply = (answer.state.word(), Some(&*answer.by), &*answer.reason);
                self.replied(asking, reply, began);
                match answer.state {
                    State::Approved => Reply::Approved,
                    State::Denied => {
                        Reply::Denied(format!("denied by {}: {}", answer.by, answer.reason))
                    }
                }
            }
            Ended::Expired => {
                let why = "no answer in time";
                self.replied(asking, ("expired", None, why), began);
                Reply::Denied(why.to_owned())
            }
            Ended::Withdrawn => {
                let why = "the agent cancelled the call";
                self.replied(asking, ("expired", None, why), began);
                Reply::Cancelled
            }
        }
    }

    /// Asks the agent's user through the agent, if no explorer is running.
    fn elicit(&self, asking: &Asking, say: &dyn Fn(&Value)) -> Reply {
        self.requested(asking);
        let began = Instant::now();
        let id = format!("{MINE}{}", self.asked.fetch_add(1, Ordering::Relaxed));
        let args = serde_json::to_string_pretty(&asking.args).unwrap_or_default();
        let words = format!(
            "{} with {args}\n{}",
            asking.tool,
            blocked_by(&asking.decided)
        );
        say(&elicitation(&id, &words));
        let until = began + asking.rules.options.wait;
        let mut inner = self.inner();
        let answer = loop {
            if let Some(answer) = inner.elicited.remove(&id) {
                break Some(answer);
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() || asking.is_over.load(Ordering::Relaxed) {
                break None;
            }
            let waited = self
                .answer_came
                .wait_timeout(inner, left.min(Duration::from_millis(200)));
            inner = waited.unwrap_or_else(PoisonError::into_inner).0;
        };
        drop(inner);
        let by = Some("mcp-elicitation");
        let Some(answer) = answer else {
            let why = "no answer in time";
            self.replied(asking, ("expired", None, why), began);
            return if asking.is_over.load(Ordering::Relaxed) {
                Reply::Cancelled
            } else {
                Reply::Denied(why.to_owned())
            };
        };
        let is_accepted = answer["action"] == "accept" && answer["content"]["approve"] == true;
        let reason = answer["content"]["reason"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        if is_accepted {
            self.replied(asking, ("approved", by, reason.as_str()), began);
            Reply::Approved
        } else {
            self.replied(asking, ("denied", by, reason.as_str()), began);
            Reply::Denied(format!("denied by the agent's user: {reason}"))
        }
    }

    fn requested(&self, asking: &Asking) {
        let event = record::requested(&asking.call, &asking.args, &asking.decided.reason);
        self.tell("approval", event);
    }

    fn replied(&self, asking: &Asking, answer: (&str, Option<&str>, &str), began: Instant) {
        let event = record::replied(&asking.call, answer, began.elapsed());
        self.tell("approval", event);
    }

    /// Handles a message from the server.
    pub(super) fn answered(&self, message: &Message) {
        if !message.method.is_empty() {
            return;
        }
        let key = message.id.to_string();
        let (open, is_listing) = {
            let mut inner = self.inner();
            let at = inner.listing.iter().position(|it| *it == key);
            if let Some(at) = at {
                inner.listing.remove(at);
            }
            (inner.open.remove(&key), at.is_some())
        };
        if let Some(open) = open {
            let is_error = message.result.as_ref().and_then(|it| it.get("isError"));
            let is_error = message.error.is_some() || is_error == Some(&Value::Bool(true));
            let text = |name: &str| message.error.as_ref()?.get(name).cloned();
            let error = message
                .error
                .as_ref()
                .map(|_| json!({"type": text("code"), "message": text("message")}));
            self.tell(
                "tool_result",
                json!({
                    "call_id": open.call,
                    "status": if is_error { "error" } else { "ok" },
                    "result": message.result,
                    "error": error,
                    "duration_ms": u64::try_from(open.began.elapsed().as_millis()).unwrap_or(u64::MAX),
                }),
            );
        } else if is_listing
            && let Some(tools) = message.result.as_ref().and_then(|it| it.get("tools"))
        {
            self.listed(tools);
        }
    }

    /// Records the tools: a server that changes them while running may have changed what they do.
    fn listed(&self, tools: &Value) {
        let hash = sha256::hex(tools.to_string().as_bytes());
        let before = self.inner().tools.replace(hash.clone());
        let words = match before {
            Some(before) if before == hash => return,
            Some(_) => "the server's tools changed",
            None => "the server's tools",
        };
        self.note(words, json!({"tools_sha256": hash, "tools": tools}));
    }

    /// Ends all waiting: the agent has disconnected.
    pub(super) fn give_up(&self) {
        for is_over in self.inner().waiting.values() {
            is_over.store(true, Ordering::Relaxed);
        }
    }

    pub(super) fn end(&self) {
        let own = format!("mcp-{}-{}", self.name, std::process::id());
        let is_own = self.inner().run == own;
        if is_own && self.inner().trace.is_some() {
            self.tell("run_end", json!({}));
        }
    }
}

/// How a question ended.
enum Reply {
    Approved,
    Denied(String),
    /// There was no approver to ask.
    NoApprover(String),
    Cancelled,
}
