//! The hook itself: the host describes on standard input what is about to happen, and reads on standard output whether
//! it may. Each call is a separate process.
//!
//! Hosts treat a hook that fails or is slow as one without an opinion, and continue. So this fails closed: any error is
//! a denial, and the command that hosts run ends with `|| exit 2`.

mod asking;
mod hook_call;
mod host;
mod hosts;
mod past;
mod protect;
mod record;
pub(in crate::act) mod run_state;

pub mod install;
pub mod mcp;
pub mod rules;

use std::env;
use std::io::{self, Read, Write};
use std::panic;
use std::path::Path;
use std::process;

use serde_json::{Value, json};

use crate::act::guard::hook_call::{Event, HookCall, Outcome, Over, Payload};
use crate::act::guard::host::{HOSTS, Host, HostAnswer};
use crate::act::guard::record::Trace;
use crate::act::guard::rules::{Decided, Rules};
use crate::act::guard::run_state::{Held, hash, short, tripped};
use crate::act::places::Places;
use crate::analysis::policy::call::Call;
use crate::analysis::policy::past::Past;
use crate::analysis::policy::{Before, Context, Effect};
use crate::base::clock::{Clock, System};
use crate::base::text;

/// The exit code that every host reads as a denial, whatever the output.
const BLOCKS: u8 = 2;
/// The largest payload accepted from a host.
const LARGEST: u64 = 8 << 20;
/// The run id set by a recorder around the host.
const RUN: &str = "SAFERUN_RUN";
/// The hosts whose model calls a recorder captures on the wire, separated by commas.
const WIRE: &str = "SAFERUN_WIRE";

/// Whether a host has this name.
pub fn is_host(name: &str) -> bool {
    host::by_name(name).is_some()
}

/// The names of all hosts.
pub fn hosts() -> impl Iterator<Item = &'static str> {
    HOSTS.iter().map(|host| host.name)
}

/// Answers one hook call and returns the exit code. With `is_observing`, decisions are recorded but not enforced.
pub fn hook(name: &str, is_observing: bool) -> u8 {
    let Some(host) = host::by_name(name) else {
        complain(&format!("'{name}' is not a host"));
        return BLOCKS;
    };
    fail_closed(host, is_observing);
    let (hook, host) = match read_payload(host) {
        Ok(read) => read,
        Err(why) => return refuse(host, None, &why, is_observing),
    };
    let Some(places) = Places::of_environment() else {
        let why = "no home folder (HOME is not set)";
        return refuse(host, Some(&hook), why, is_observing);
    };
    let guard = Guard {
        host,
        places,
        hook,
        is_observing,
    };
    let answer = guard.answer();
    let written = write(&(host.reply)(&guard.hook, &answer.say));
    match (written, answer.say) {
        (Err(_), HostAnswer::Deny(_)) => BLOCKS,
        _ if answer.is_cut => BLOCKS,
        _ => 0,
    }
}

/// Turns a panic into a denial.
fn fail_closed(host: &'static Host, is_observing: bool) {
    panic::set_hook(Box::new(move |panicked| {
        let place = panicked
            .location()
            .map(ToString::to_string)
            .unwrap_or_default();
        let code = refuse(
            host,
            None,
            &format!("the guard failed at {place}"),
            is_observing,
        );
        process::exit(code.into());
    }));
}

/// Denies a call that could not be processed.
fn refuse(host: &Host, hook: Option<&HookCall>, why: &str, is_observing: bool) -> u8 {
    complain(why);
    if is_observing {
        return 0;
    }
    let before = HookCall::of(Event::Before, "");
    let hook = hook.unwrap_or(&before);
    let _ = write(&(host.reply)(
        hook,
        &HostAnswer::Deny(format!("saferun-tui guard: {why}")),
    ));
    BLOCKS
}

fn complain(why: &str) {
    let _ = writeln!(io::stderr().lock(), "saferun-tui guard: {why}");
}

fn write(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()
}

/// Reads the payload. Some hosts also run the hooks of another; its payloads are answered in its own shape.
fn read_payload(host: &'static Host) -> Result<(HookCall, &'static Host), String> {
    let mut text = Vec::new();
    let read = io::stdin().lock().take(LARGEST + 1).read_to_end(&mut text);
    read.map_err(|error| format!("cannot read input from {}: {error}", host.name))?;
    if text.len() as u64 > LARGEST {
        return Err(format!("more than 8 MiB of input from {}", host.name));
    }
    let payload: Value = serde_json::from_slice(&text)
        .map_err(|error| format!("input from {} is not JSON: {error}", host.name))?;
    if let Some(hook) = (host.read)(&payload) {
        return Ok((hook, host));
    }
    let others = HOSTS.iter().filter(|other| other.name != host.name);
    let mut others = others.filter_map(|other| Some(((other.read)(&payload)?, *other)));
    if let Some(read) = others.next() {
        return Ok(read);
    }
    let found = |names: &[&str]| names.iter().find_map(|name| payload.get(*name)?.as_str());
    let event = found(&["hook_event_name", "hook", "event"]);
    let run = found(SESSIONS);
    match (event, run) {
        (Some(event), Some(run)) if !Payload(&payload).is_about_tool(event) => {
            complain(&not_read(host, Some(event)));
            Ok((HookCall::of(Event::Other, run), host))
        }
        (event, _) => {
            let event = not_read(host, event);
            Err(format!(
                "{event}: nothing may run (update saferun-tui, or remove its hook for this event)"
            ))
        }
    }
}

/// What hosts call the session of an event.
const SESSIONS: &[&str] = &[
    "session_id",
    "sessionId",
    "sessionID",
    "conversation_id",
    "run_id",
];

fn not_read(host: &Host, event: Option<&str>) -> String {
    let event = text::sanitize(event.unwrap_or_default());
    let event = text::cut(&event, 80);
    if event.is_empty() {
        format!("an event from {} is not understood", host.name)
    } else {
        format!("the event '{event}' from {} is not understood", host.name)
    }
}

struct Guard {
    host: &'static Host,
    places: Places,
    hook: HookCall,
    is_observing: bool,
}

/// The answer, and whether the guard was terminated before it was decided.
struct Answer {
    say: HostAnswer,
    is_cut: bool,
}

impl From<HostAnswer> for Answer {
    fn from(say: HostAnswer) -> Answer {
        Answer { say, is_cut: false }
    }
}

/// A call that is being decided.
struct Deciding<'a> {
    trace: Trace,
    rules: Rules,
    call: &'a str,
    hash: &'a str,
    path: &'a str,
}

impl Guard {
    /// The run of the session: the host's id if the wire carries the same one, else the recorder's run.
    fn run(&self) -> String {
        let given = env::var(RUN).ok().filter(|run| !run.is_empty());
        match given {
            Some(run) if !self.host.shares_id => run,
            Some(_) | None => self.hook.run.clone(),
        }
    }

    fn is_on_wire(&self) -> bool {
        let named = env::var(WIRE).unwrap_or_default();
        named.split(',').any(|name| name == self.host.name)
    }

    fn answer(&self) -> Answer {
        let run = self.run();
        let mut held = match Held::of(&self.places, &run) {
            Ok(held) => held,
            Err(error) => return self.without_state(&error),
        };
        let mut trace = Trace::open(&self.places, self.host.name, &run, &mut held.state);
        if trace.is_new() {
            self.start(&mut trace);
        }
        (held.state.run_id, held.state.host) = (run, self.host.name.to_owned());
        match &self.hook.event {
            Event::Before => self.before(held, trace),
            Event::Permission => self.permission(held, trace),
            Event::After(outcome) => self.after(&mut held, &mut trace, outcome),
            Event::Batch(calls) => self.batch(&mut held, &mut trace, calls),
            Event::Prompt(text) if !self.is_on_wire() => {
                trace.tell("prompt", json!({"role": "user", "content": text}));
                self.say_nothing(&mut held, &trace)
            }
            Event::Said(text) if !self.is_on_wire() => {
                trace.tell(
                    "response",
                    json!({"content": text, "model": self.hook.model}),
                );
                self.say_nothing(&mut held, &trace)
            }
            Event::End(reason) => {
                trace.tell("run_end", json!({"reason": reason}));
                trace.sync();
                self.say_nothing(&mut held, &trace)
            }
            Event::Prompt(_) | Event::Said(_) | Event::Start | Event::Other => {
                self.say_nothing(&mut held, &trace)
            }
        }
    }

    /// An event that needs no decision.
    fn say_nothing(&self, held: &mut Held, trace: &Trace) -> Answer {
        if let Err(error) = held.save() {
            self.log(&error.to_string());
        }
        if let Some(problem) = trace.problem() {
            self.log(&problem);
        }
        HostAnswer::Nothing.into()
    }

    /// Without the folders nothing can be asked or recorded. Calls that the policy allows still run, unless recording
    /// is required.
    fn without_state(&self, error: &io::Error) -> Answer {
        if self.hook.event != Event::Before || self.is_observing {
            complain(&error.to_string());
            return HostAnswer::Nothing.into();
        }
        let rules = Rules::load(&self.places, self.hook.cwd.as_deref());
        let decided = self.decide(&rules, Before::default(), None);
        let is_allowed = decided
            .is_none_or(|it| matches!(it.effect, Effect::Allow | Effect::Warn | Effect::Unknown));
        let is_whole = is_allowed && !rules.options.must_record;
        if is_whole && self.protected().is_none() {
            complain(&error.to_string());
            return HostAnswer::Nothing.into();
        }
        HostAnswer::Deny(format!("saferun-tui guard: {error}")).into()
    }

    fn start(&self, trace: &mut Trace) {
        let hook = &self.hook;
        let mut recorder = json!({
            "name": "saferun-tui",
            "version": env!("CARGO_PKG_VERSION"),
            "via": "hook",
            "host": self.host.name,
        });
        for (name, value) in [("host_version", &hook.host_version), ("cwd", &hook.cwd)] {
            if let Some(value) = value {
                recorder[name] = json!(value);
            }
        }
        let start = json!({
            "v": 1,
            "agent": self.host.name,
            "model": hook.model,
            "recorder": recorder,
        });
        trace.tell("run_start", start);
    }

    fn call(&self) -> Call<'_> {
        let hook = &self.hook;
        Call {
            tool: &hook.tool,
            id: hook.call.as_deref().unwrap_or_default(),
            args: Some(&hook.args).filter(|it| !it.is_null()),
            host: self.host.name,
            agent: hook.agent.as_deref().unwrap_or_default(),
            model: hook.model.as_deref().unwrap_or_default(),
            ..Call::default()
        }
    }

    fn decide(&self, rules: &Rules, before: Before, past: Option<&[Past]>) -> Option<Decided> {
        let home = self.places.home().to_string_lossy().into_owned();
        let context = Context {
            cwd: self.hook.cwd.as_deref(),
            home: Some(&home),
            before,
            past,
            ..Context::default()
        };
        rules.decide(&self.call(), &context)
    }

    /// A denial that no policy can lift.
    fn protected(&self) -> Option<Decided> {
        let why = protect::touches(&self.call(), &self.places)?;
        Some(stopped("saferun", protect::RULE, why))
    }

    fn before(&self, mut held: Held, mut trace: Trace) -> Answer {
        let hook = &self.hook;
        let hash = hash(&hook.tool, &hook.args);
        let state = &mut held.state;
        let before = Before {
            calls: state.calls,
            errors: state.errors,
            blocked: state.blocked,
        };
        let call = state.begin(hook.call.as_deref(), &hook.tool, &hash);
        let (path, run) = (state.trace.clone(), state.run_id.clone());
        let saved = held.save();
        drop(held);
        let mut event = json!({"id": call, "tool": hook.tool, "args": hook.args});
        event["agent"] = json!(hook.agent);
        event["cwd"] = json!(hook.cwd);
        trace.tell("tool_call", event);
        let rules = Rules::load(&self.places, hook.cwd.as_deref());
        let decided = self
            .protected()
            .or_else(|| {
                let trip = tripped(&self.places, &run, System.now())?;
                Some(stopped("breaker", &trip.rule, trip.reason))
            })
            .or_else(|| {
                let call = (call.as_str(), Some(before.calls));
                let read = || past::calls(Path::new(&path), &run, call);
                let past = rules.look_at_past().then(read).flatten();
                let past = past.map(|(_, past)| past);
                self.decide(&rules, before, past.as_deref())
            });
        let deciding = Deciding {
            trace,
            rules,
            call: &call,
            hash: &hash,
            path: &path,
        };
        let mut answer = match decided {
            Some(decided) => self.carry_out(deciding, &decided),
            None => self.recorded(&deciding, HostAnswer::Nothing),
        };
        if let (Err(error), HostAnswer::Nothing | HostAnswer::Allow(_)) = (saved, &answer.say) {
            self.log(&error.to_string());
        }
        if self.is_observing {
            answer = HostAnswer::Nothing.into();
        }
        answer
    }

    fn carry_out(&self, mut deciding: Deciding<'_>, decided: &Decided) -> Answer {
        let mode = if self.is_observing {
            "shadow"
        } else {
            "enforce"
        };
        let sha256 = &deciding.rules.sha256;
        let event = record::decision(deciding.call, decided, mode, sha256);
        deciding.trace.tell("policy_decision", event);
        if self.is_observing {
            return self.recorded(&deciding, HostAnswer::Nothing);
        }
        match decided.effect {
            Effect::Allow | Effect::Unknown | Effect::Warn => {
                self.recorded(&deciding, HostAnswer::Nothing)
            }
            Effect::Deny => {
                let why = blocked_by(decided);
                self.stop(&mut deciding, "blocked", &why);
                HostAnswer::Deny(why).into()
            }
            Effect::Ask | Effect::Error => self.ask(deciding, decided),
        }
    }

    /// Lets a call run, unless recording is required and failed.
    fn recorded(&self, deciding: &Deciding<'_>, say: HostAnswer) -> Answer {
        if let Some(problem) = deciding.trace.problem() {
            self.log(&problem);
            if deciding.rules.options.must_record && !self.is_observing {
                return HostAnswer::Deny(format!(
                    "saferun-tui guard: cannot record this call: {problem}"
                ))
                .into();
            }
        }
        say.into()
    }

    /// Writes the result of a call that never ran: most hosts report nothing further about it.
    fn stop(&self, deciding: &mut Deciding<'_>, status: &str, why: &str) {
        let event = record::never_ran(deciding.call, status, why);
        deciding.trace.tell("tool_result", event);
        let ended = Held::of(&self.places, &self.run()).and_then(|mut held| {
            held.state.end(deciding.call, deciding.hash, status);
            held.state.denied.push(deciding.call.to_owned());
            held.state.blocked += 1;
            held.save()
        });
        if let Some(problem) = ended
            .err()
            .map(|it| it.to_string())
            .or(deciding.trace.problem())
        {
            self.log(&problem);
        }
    }

    fn after(&self, held: &mut Held, trace: &mut Trace, outcome: &Outcome) -> Answer {
        let hook = &self.hook;
        let hash = hash(&hook.tool, &hook.args);
        let state = &mut held.state;
        let known = state.find(hook.call.as_deref(), &hash);
        let call = known
            .or_else(|| hook.call.clone())
            .unwrap_or_else(|| format!("x-{hash}-1"));
        if state.denied.contains(&call) {
            return self.say_nothing(held, trace);
        }
        let said = outcome.result.as_ref().map(Value::to_string);
        let said = said.or_else(|| outcome.error.clone()).unwrap_or_default();
        state.end(&call, &hash, &short(said.as_bytes()));
        state.failed(outcome.status == Some("error"));
        let error = outcome
            .error
            .as_ref()
            .map(|message| json!({"message": message}));
        trace.tell(
            "tool_result",
            json!({
                "call_id": call,
                "status": outcome.status,
                "result": outcome.result,
                "error": error,
                "duration_ms": outcome.duration_ms,
                "truncated": outcome.is_cut.then_some(true),
            }),
        );
        self.say_nothing(held, trace)
    }

    /// A call in a finished batch whose end was never reported did not run: the host or its user stopped it.
    fn batch(&self, held: &mut Held, trace: &mut Trace, calls: &[Over]) -> Answer {
        for over in calls {
            let open = held.state.open.iter().find(|it| it.call == over.call);
            let Some(open) = open.cloned() else {
                continue;
            };
            held.state.end(&open.call, &open.hash, "");
            trace.tell(
                "tool_result",
                json!({"call_id": open.call, "result": over.result}),
            );
        }
        self.say_nothing(held, trace)
    }

    /// Logs a problem that no answer to the host can carry.
    fn log(&self, what: &str) {
        complain(what);
        let line = json!({
            "ts": crate::base::human::rfc3339(System.now()),
            "host": self.host.name,
            "run_id": self.run(),
            "problem": what,
        });
        let opened = crate::act::append::Appender::open(&self.places.log());
        // There is nowhere left to report a failure.
        let _ = opened.and_then(|mut log| log.append(&line));
    }
}

fn stopped(policy: &str, rule: &str, reason: String) -> Decided {
    Decided {
        effect: Effect::Deny,
        policy: policy.to_owned(),
        rule: Some(rule.to_owned()),
        reason,
        matched: Vec::new(),
    }
}

fn blocked_by(decided: &Decided) -> String {
    let rule = decided.rule.as_deref().unwrap_or("default");
    if decided.reason.is_empty() || decided.reason == rule {
        format!("Blocked by policy {rule}")
    } else {
        format!("Blocked by policy {rule}: {}", decided.reason)
    }
}

#[cfg(test)]
mod tests;
