//! Turns the traffic of the proxy into events, on its own thread.

use std::collections::{HashMap, HashSet};
use std::panic::{self, AssertUnwindSafe};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use crossbeam_channel::RecvTimeoutError;
use hyper::HeaderMap;
use serde_json::{Value, json};

use super::answering::{Answering, LONGEST};
use super::audit::Audit;
use super::breaker::Breaker;
use super::copy::{Copies, End, Head, Lost, Message, What};
use super::headers;
use super::mcp::Called;
use super::response::{ModelCall, Placement};
use super::time::{Clockwork, Steps};
use super::trace::Trace;
use crate::act::guard::run_state::hash;
use crate::act::net::coding;
use crate::base::clock::{Clock, System};
use crate::base::sha256;
use crate::ingest::prices::PriceTable;
use crate::ingest::wire::delta::Base;
use crate::ingest::wire::lanes::{EventSink, From, Lanes};
use crate::ingest::wire::model_in_path;
use crate::ingest::wire::request::{Answered, ModelRequest};

/// How often to check for calls that are due.
const GLANCE: Duration = Duration::from_millis(250);
/// After this many checks without a message, everything still open is considered ended.
const QUIET: u32 = 8;
/// How much of the requests in flight may be held, in bytes.
const IN_FLIGHT: usize = 256 << 20;

/// How much of a request is recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bodies {
    /// As the difference from the previous one.
    Delta,
    Full,
    None,
}

/// What is recorded, and how.
#[derive(Debug)]
pub(super) struct Manner {
    /// The run of the recorder.
    pub(super) run: String,
    /// The name of the main agent.
    pub(super) agent: String,
    /// The host sends session names on the wire, and the run is one of them.
    pub(super) has_sessions: bool,
    /// The host's hooks carry no call ids: both sides derive the same ones.
    pub(super) derives_ids: bool,
    /// Recorded at the start of a run.
    pub(super) recorder: Value,
    pub(super) bodies: Bodies,
    pub(super) is_guarded: bool,
}

/// What was recorded.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Counts {
    pub model_calls: u64,
    pub tool_calls: u64,
    pub blocked: u64,
    pub unguarded: u64,
    /// Model calls that a breaker stopped.
    pub stopped: u64,
    pub usd: f64,
    /// Model calls without a known price.
    pub unpriced: u64,
    /// Events that could not be written.
    pub missing: u64,
    /// The reason of the last failure.
    pub problem: Option<String>,
    /// The recorded runs, in order.
    pub runs: Vec<String>,
}

pub(super) struct Writer {
    pub(super) trace: Trace,
    pub(super) manner: Manner,
    pub(super) breaker: Arc<Breaker>,
    pub(super) prices: PriceTable,
    pub(super) clock: Clockwork,
    steps: Steps,
    open: HashMap<u64, Passing>,
    held: usize,
    pub(super) lanes: Lanes,
    audit: Audit,
    counts: Counts,
    /// The run for events that belong to no other.
    home: Option<String>,
    started: HashSet<String>,
    notes: Vec<(i64, Value)>,
    events: u64,
    /// How often each call was made, for hosts whose calls have no ids.
    nth: HashMap<String, u32>,
}

/// A request in flight.
pub(super) struct Passing {
    pub(super) head: Head,
    pub(super) began: i64,
    body: Vec<u8>,
    /// Only part of it is held.
    is_short: bool,
    placed: Option<Placement>,
    /// Tool calls at an MCP server.
    pub(super) called: Vec<Called>,
    pub(super) answer: Option<Answering>,
}

/// How the child ended.
#[derive(Debug, Clone)]
pub(super) struct Ended {
    pub(super) status: &'static str,
    pub(super) reason: Option<String>,
}

impl Writer {
    pub(super) fn new(
        trace: Trace,
        manner: Manner,
        (breaker, prices): (Arc<Breaker>, PriceTable),
        clock: Clockwork,
    ) -> Writer {
        let audit = Audit::new(trace.path(), manner.is_guarded);
        let home = (!manner.has_sessions).then(|| manner.run.clone());
        Writer {
            trace,
            manner,
            breaker,
            prices,
            clock,
            steps: Steps::default(),
            open: HashMap::new(),
            held: 0,
            lanes: Lanes::default(),
            audit,
            counts: Counts::default(),
            home,
            started: HashSet::new(),
            notes: Vec::new(),
            events: 0,
            nth: HashMap::new(),
        }
    }

    /// Writes until all senders are gone. After the child has ended, that does not take long.
    pub(super) fn run(mut self, copies: &Copies, ended: &OnceLock<Ended>) -> Counts {
        if let Some(home) = self.home.clone() {
            self.start(&home, self.clock.now(), None);
        }
        let mut quiet = 0;
        loop {
            match copies.next(GLANCE) {
                Ok(message) => {
                    quiet = 0;
                    self.survive(message);
                }
                Err(RecvTimeoutError::Timeout) if ended.get().is_some() && quiet > QUIET => break,
                Err(RecvTimeoutError::Timeout) => quiet += 1,
                Err(RecvTimeoutError::Disconnected) if ended.get().is_some() => break,
                // Nothing is proxied: what hooks report is still checked.
                Err(RecvTimeoutError::Disconnected) => std::thread::sleep(GLANCE),
            }
            self.audit(self.clock.now());
            self.watch_clock(System.now());
        }
        let ended = ended.get().cloned();
        self.finish(&ended.unwrap_or(Ended {
            status: "error",
            reason: None,
        }));
        self.counts
    }

    fn finish(&mut self, ended: &Ended) {
        let now = self.clock.now();
        let left: Vec<u64> = self.open.keys().copied().collect();
        for number in left {
            self.end(number, End::Over { is_whole: false }, Lost::default(), now);
        }
        self.audit(i64::MAX);
        self.audit.look();
        let hooked = self.audit.first.clone();
        let home = self.home.clone().or(hooked);
        let home = home.unwrap_or_else(|| self.manner.run.clone());
        self.home = Some(home.clone());
        self.start(&home, now, None);
        for run in self.counts.runs.clone() {
            let more = json!({"status": ended.status, "reason": ended.reason});
            self.trace.tell(("run_end", &run, now), more);
        }
        self.trace.sync();
        let spent = self.breaker.spent();
        self.counts.usd = spent.usd;
        self.counts.unpriced = spent.unpriced;
        self.counts.blocked = self.audit.blocked;
        self.counts.missing = self.trace.missing;
        self.counts.problem = self.trace.problem().map(str::to_owned);
    }

    fn watch_clock(&mut self, machine: i64) {
        let now = self.clock.now();
        if let Some(words) = self.steps.seen(now, machine) {
            self.note_without_run(now, json!({"content": words}));
        }
    }

    fn audit(&mut self, now: i64) {
        for due in self.audit.unguarded(now) {
            self.counts.unguarded += 1;
            let more = json!({"call_id": due.call, "host": self.manner.agent});
            self.trace
                .tell(("unguarded", &due.run, self.clock.now()), more);
        }
    }

    /// A panic loses the exchange that caused it, not the rest of the recording.
    fn survive(&mut self, message: Message) {
        let (exchange, at) = (message.exchange, message.at);
        let took = panic::catch_unwind(AssertUnwindSafe(|| self.take(message)));
        if took.is_err() {
            self.open.remove(&exchange);
            self.held = self.open.values().map(|it| it.body.len()).sum();
            let run = self.home();
            let more = json!({"events": 1, "cause": "a fault of the recorder at this model call"});
            self.trace.tell(("gap", &run, at), more);
        }
    }

    fn take(&mut self, message: Message) {
        let Message { exchange, at, what } = message;
        match what {
            What::Begin(head) => {
                let passing = Passing {
                    head: *head,
                    began: at,
                    body: Vec::new(),
                    is_short: false,
                    placed: None,
                    called: Vec::new(),
                    answer: None,
                };
                self.open.insert(exchange, passing);
            }
            What::Asked(bytes) => {
                let room = self.held + bytes.len() <= IN_FLIGHT;
                let Some(passing) = self.open.get_mut(&exchange) else {
                    return;
                };
                if room && passing.body.len() + bytes.len() <= LONGEST as usize {
                    passing.body.extend_from_slice(&bytes);
                    self.held += bytes.len();
                } else {
                    passing.is_short = true;
                }
            }
            What::AskedAll(lost) => {
                if let Some(passing) = self.open.get_mut(&exchange) {
                    passing.is_short |= lost != Lost::default();
                }
                self.asked(exchange);
            }
            What::Answer { status, headers } => {
                if let Some(passing) = self.open.get_mut(&exchange) {
                    let head = (status, headers::recorded(&headers));
                    let encoding = headers::encoding(&headers);
                    let answer = Answering::new(passing.head.api, head, encoding);
                    passing.answer = Some(answer.keeping(passing.head.server.is_some()));
                }
            }
            What::Said(bytes) => {
                let passing = self.open.get_mut(&exchange);
                if let Some(answer) = passing.and_then(|it| it.answer.as_mut()) {
                    answer.push(&bytes, at);
                }
            }
            What::End { how, lost } => self.end(exchange, how, lost, at),
            What::Settle(done) => {
                self.settle(at);
                // The client may have left.
                let _ = done.send(());
            }
        }
    }

    /// Ends the answers whose last event was seen: their clients go on without waiting for the connection to end.
    fn settle(&mut self, at: i64) {
        let is_over = |it: &Passing| it.answer.as_ref().is_some_and(Answering::is_over);
        let over = self.open.iter().filter(|(_, it)| is_over(it));
        let mut over: Vec<u64> = over.map(|(number, _)| *number).collect();
        over.sort_unstable();
        for number in over {
            self.end(number, End::Over { is_whole: true }, Lost::default(), at);
        }
    }

    /// A note without a run waits until a run is known.
    fn note_without_run(&mut self, at: i64, note: Value) {
        match self.home.clone() {
            Some(home) => self.trace.tell(("note", &home, at), note),
            None => self.notes.push((at, note)),
        }
    }

    /// The run of a request.
    fn from(&mut self, headers: &HeaderMap) -> From {
        match headers::session(headers) {
            Some(run) => {
                self.home.get_or_insert_with(|| run.clone());
                From {
                    run,
                    is_named: true,
                }
            }
            None => From {
                run: self.home(),
                is_named: false,
            },
        }
    }

    /// Records the start of a run, once.
    pub(super) fn start(&mut self, run: &str, at: i64, model: Option<&str>) {
        if !self.started.insert(run.to_owned()) {
            return;
        }
        self.counts.runs.push(run.to_owned());
        let home = self.home.as_deref();
        let is_inner = home.is_some_and(|home| home != run && self.started.contains(home));
        let more = json!({
            "v": 1,
            "agent": self.manner.agent,
            "model": model,
            "parent_run_id": home.filter(|_| is_inner),
            "pid": self.manner.recorder.get("pid"),
            "recorder": self.manner.recorder,
        });
        self.trace.tell(("run_start", run, at), more);
        if self.home.as_deref() == Some(run) {
            for (at, note) in std::mem::take(&mut self.notes) {
                self.trace.tell(("note", run, at), note);
            }
        }
    }

    pub(super) fn id(&mut self) -> String {
        self.events += 1;
        let tag: String = self.manner.run.chars().rev().take(6).collect();
        format!("w{}-{tag}", self.events)
    }

    /// Takes out a request to an MCP server that was not read so far.
    fn take_server(&mut self, exchange: u64) -> Option<Passing> {
        let passing = self.open.get(&exchange)?;
        let is_new = passing.head.server.is_some() && !passing.body.is_empty();
        is_new.then(|| self.open.remove(&exchange)).flatten()
    }

    /// The body of a request, which is no longer held.
    pub(super) fn release(&mut self, passing: &mut Passing) -> Vec<u8> {
        let body = std::mem::take(&mut passing.body);
        self.held = self.held.saturating_sub(body.len());
        body
    }

    /// The run for what names none.
    pub(super) fn home(&self) -> String {
        let home = self.home.clone();
        home.unwrap_or_else(|| self.manner.run.clone())
    }

    /// Records what is new in a request.
    fn asked(&mut self, exchange: u64) {
        if let Some(mut passing) = self.take_server(exchange) {
            if let Some(server) = passing.head.server.clone() {
                self.called_at(&mut passing, &server);
            }
            self.open.insert(exchange, passing);
            return;
        }
        let Some(passing) = self.open.get_mut(&exchange) else {
            return;
        };
        let Some(api) = passing.head.api.filter(|_| passing.placed.is_none()) else {
            return;
        };
        let body = std::mem::take(&mut passing.body);
        self.held = self.held.saturating_sub(body.len());
        let sent = body.len();
        let sha256 = sha256::hex(&body);
        let encoding = headers::encoding(&passing.head.headers).map(str::to_owned);
        let decoded = coding::decode(encoding.as_deref(), body, 2 * LONGEST as usize);
        let value: Option<Value> = decoded
            .ok()
            .and_then(|bytes| serde_json::from_slice(&bytes).ok());
        let is_short = passing.is_short;
        let began = passing.began;
        let request_headers = passing.head.headers.clone();
        let path_model = model_in_path(&passing.head.path);
        let from = self.from(&request_headers);
        let mut request = value
            .as_ref()
            .map_or_else(ModelRequest::default, |it| ModelRequest::read(api, it));
        request.model = request.model.or(path_model);
        self.start(&from.run, began, request.model.as_deref());
        let placed = self.lanes.place(&from, &request);
        let lane = self.lanes.get(placed.at);
        let (run, agent) = (lane.run.clone(), lane.agent.clone());
        self.start(&run, began, request.model.as_deref());
        let target = Target {
            run: run.clone(),
            agent,
            lane: placed.at,
            at: began,
        };
        if placed.is_new {
            self.begin(&target, &request, &placed);
        }
        for message in self.lanes.news(&placed, &request) {
            self.message(&target, message);
        }
        let id = self.id();
        let lane = self.lanes.get(placed.at);
        let recorded = match (self.manner.bodies, value) {
            (Bodies::None, _) | (_, None) => Value::Null,
            (Bodies::Full, Some(value)) => value,
            (Bodies::Delta, Some(value)) => {
                if let Some(base) = &mut lane.base {
                    base.record(&id, value)
                } else {
                    lane.base = Some(Base::new(&id, value.clone()));
                    value
                }
            }
        };
        let placement = Placement {
            id,
            lane: placed.at,
            run,
            agent: target.agent,
            parent: lane.prompt.clone(),
            model: request.model,
            request: recorded,
            sha256,
            sent,
            is_short,
        };
        if let Some(passing) = self.open.get_mut(&exchange) {
            passing.placed = Some(placement);
        }
    }

    fn end(&mut self, exchange: u64, how: End, lost: Lost, at: i64) {
        if self.open.contains_key(&exchange) {
            self.asked(exchange);
        }
        let Some(passing) = self.open.remove(&exchange) else {
            return;
        };
        self.held = self.held.saturating_sub(passing.body.len());
        if !passing.called.is_empty() {
            self.answered_by(&passing, &how, at);
            return;
        }
        let Passing {
            head,
            began,
            placed,
            answer,
            ..
        } = passing;
        if let Some(placement) = placed {
            let call = ModelCall {
                head: &head,
                placement,
                began,
                at,
                answer,
                how,
                lost,
            };
            self.response(call);
        } else {
            let status = answer.as_ref().map(|it| it.status);
            let bytes = answer.as_ref().map(|it| it.bytes);
            let words = other(&head, &how, status, bytes);
            let note = json!({
                "content": words,
                "method": head.method,
                "path": head.path,
                "host": head.upstream,
                "http_status": status,
                "bytes": bytes,
            });
            self.note_without_run(began, note);
        }
    }

    pub(super) fn spent(&mut self, usd: Option<f64>) {
        self.counts.model_calls += 1;
        self.breaker.spend(usd);
    }

    pub(super) fn stopped(&mut self) {
        self.counts.stopped += 1;
    }

    /// Notes a tool call of a lane; returns the id that it has in the trace.
    pub(super) fn called(
        &mut self,
        lane: usize,
        run: &str,
        (id, tool, args): (Option<&str>, &str, &Value),
    ) -> String {
        self.counts.tool_calls += 1;
        let call = if let Some(id) = id.filter(|_| !self.manner.derives_ids) {
            id.to_owned()
        } else {
            let hash = hash(tool, args);
            let nth = self.nth.entry(format!("{run}\u{1f}{hash}")).or_default();
            *nth += 1;
            format!("x-{hash}-{nth}")
        };
        self.lanes.get(lane).called(&call, tool, args);
        call
    }

    pub(super) fn ran_at_host(&mut self, lane: usize, call: &str) {
        self.lanes.get(lane).close(Some(call), None);
    }

    pub(super) fn answered(&mut self, lane: usize, id: &str) {
        self.lanes.get(lane).answered(id);
    }
}

impl EventSink for Writer {
    type Place = Target;

    fn note(&mut self, target: &Target, words: &str) {
        let more = json!({"agent": target.agent, "content": words});
        self.trace.tell(("note", &target.run, target.at), more);
    }

    fn prompt(&mut self, target: &Target, role: &str, prompt: (&Value, bool)) {
        let id = self.id();
        let fields = self.lanes.get(target.lane).prompted(id, role, prompt);
        self.trace.tell(("prompt", &target.run, target.at), fields);
    }

    fn result(&mut self, target: &Target, answered: &Answered) {
        let lane = self.lanes.get(target.lane);
        let (call, tool) = (answered.call.as_deref(), answered.tool.as_deref());
        let by_id = call.filter(|_| !self.manner.derives_ids);
        let known = lane.close(by_id, tool);
        let is_known = known.is_some();
        let Some(call) = known.or_else(|| call.map(str::to_owned)) else {
            let more = json!({"agent": target.agent, "content": answered.result});
            self.trace.tell(("note", &target.run, target.at), more);
            return;
        };
        let fields = answered.fields(&call, target.agent.as_deref());
        self.trace
            .tell(("tool_result", &target.run, target.at), fields);
        if is_known {
            self.audit.ran(&target.run, &call, target.at);
        }
    }
}

/// Where the new parts of a request are recorded.
pub(super) struct Target {
    run: String,
    agent: Option<String>,
    lane: usize,
    at: i64,
}

/// A description of a request that is not a model call.
fn other(head: &Head, how: &End, status: Option<u16>, bytes: Option<u64>) -> String {
    let Head { method, path, .. } = head;
    match (how, status) {
        (End::Failed(why), _) => format!("{method} {path}: {why}"),
        (_, Some(status)) => {
            format!(
                "{method} {path}: {status}, {} bytes",
                bytes.unwrap_or_default()
            )
        }
        (_, None) => format!("{method} {path}: no answer"),
    }
}

#[cfg(test)]
mod tests;
