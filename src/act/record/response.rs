//! The events of a model's answer: its reasoning, the response, and the tool calls that it asks for.

use serde_json::{Value, json};

use super::answering::{Answering, LONGEST};
use super::copy::{End, Head, Lost};
use super::headers;
use super::writer::Writer;
use crate::ingest::wire::Api;
use crate::ingest::wire::answer::{Call, Failed, ModelAnswer, Part, reported};

/// Where a model call belongs, and its request.
#[derive(Debug)]
pub(super) struct Placement {
    pub(super) id: String,
    pub(super) lane: usize,
    pub(super) run: String,
    pub(super) agent: Option<String>,
    pub(super) parent: Option<String>,
    pub(super) model: Option<String>,
    /// As recorded: whole or as a difference.
    pub(super) request: Value,
    pub(super) sha256: String,
    /// In bytes.
    pub(super) sent: usize,
    pub(super) is_short: bool,
}

/// A model call that has ended.
pub(super) struct ModelCall<'a> {
    pub(super) head: &'a Head,
    pub(super) placement: Placement,
    pub(super) began: i64,
    pub(super) at: i64,
    pub(super) answer: Option<Answering>,
    pub(super) how: End,
    pub(super) lost: Lost,
}

impl Writer {
    /// Records a model call that has ended.
    pub(super) fn response(&mut self, call: ModelCall<'_>) {
        let ModelCall {
            head,
            placement,
            began,
            at,
            mut answer,
            how,
            lost,
        } = call;
        if let End::Stopped { rule, reason } = &how {
            self.stop(&placement, (rule, reason), at);
        }
        let is_whole = matches!(how, End::Over { is_whole: true });
        let mut reply = answer
            .as_mut()
            .map_or_else(ModelAnswer::default, |it| it.end(is_whole));
        if let Some(error) = no_answer(&how) {
            reply.error = Some(error);
        }
        let cost = self.cost(&placement, &reply);
        let was_made = !matches!(how, End::Stopped { .. });
        if was_made {
            // A failed call cost nothing.
            let is_free = reply.error.is_some() && reply.usage.is_none();
            self.spent(if is_free { Some(0.0) } else { cost });
        }
        let answer = answer.as_ref();
        let too_long = answer.is_some_and(Answering::is_too_long);
        let is_cut = was_made && !reply.is_complete && reply.error.is_none();
        let dropped = lost.bytes
            + answer
                .filter(|_| too_long)
                .map_or(0, |it| it.bytes.saturating_sub(LONGEST));
        let is_short = placement.is_short || too_long || lost != Lost::default();
        let (run, agent) = (placement.run.as_str(), &placement.agent);
        if let Some(thought) = reply.thought() {
            let more = json!({"agent": agent, "parent_id": placement.parent, "content": thought});
            self.trace.tell(("reasoning", run, began), more);
        }
        let spoke = answer
            .and_then(|it| it.spoke)
            .filter(|_| !reply.parts.is_empty());
        let status = answer.map(|it| it.status);
        let more = json!({
            "id": placement.id,
            "parent_id": placement.parent,
            "agent": agent,
            "model": reply.model.as_ref().or(placement.model.as_ref()),
            "content": reply.text(),
            "usage": reported(&reply.usage),
            "cost_usd": reply.cost_usd,
            "duration_ms": millis(began, at),
            "ttft_ms": spoke.map(|spoke| millis(began, spoke)),
            "finish_reason": if is_cut { Some("cut".to_owned()) } else { reply.finish.clone() },
            "error": reply.error.as_ref().map(|it| json!({
                "type": it.kind, "message": it.message, "http_status": status.filter(|it| *it >= 400),
            })),
            "api": head.api.map(Api::word),
            "host": head.upstream,
            "response_id": reply.id,
            "headers": headers(head, answer),
            "truncated": is_short.then_some(true),
            "dropped_bytes": (dropped > 0).then_some(dropped),
            "request_sha256": placement.sha256,
            "request_bytes": placement.sent,
            "request": placement.request,
        });
        self.trace.tell(("response", run, began), more);
        if lost.pieces > 0 {
            let more = json!({"events": lost.pieces, "bytes": lost.bytes, "cause": "the writer was behind"});
            self.trace.tell(("gap", run, at), more);
        }
        if let Some(id) = &reply.id {
            self.answered(placement.lane, id);
        }
        for part in &reply.parts {
            self.asks(&placement, part, is_cut, at);
        }
    }

    fn asks(&mut self, placement: &Placement, part: &Part, is_cut: bool, at: i64) {
        let (run, agent) = (placement.run.as_str(), &placement.agent);
        match part {
            Part::Text(_) | Part::Reasoning(_) => {}
            Part::Call(Call { id, tool, args }) => {
                let call = self.called(placement.lane, run, (id.as_deref(), tool, args));
                let more = json!({
                    "id": call,
                    "parent_id": placement.id,
                    "agent": agent,
                    "tool": tool,
                    "args": args,
                    // The answer was cut off: the agent never saw its end.
                    "truncated": is_cut.then_some(true),
                });
                self.trace.tell(("tool_call", run, at), more);
            }
            Part::Result { call, result } => {
                self.ran_at_host(placement.lane, call);
                let more = json!({"call_id": call, "agent": agent, "result": result});
                self.trace.tell(("tool_result", run, at), more);
            }
        }
    }

    fn stop(&mut self, placement: &Placement, (rule, reason): (&str, &str), at: i64) {
        self.stopped();
        let more = json!({
            "policy": "breaker",
            "rule": rule,
            "decision": "block",
            "mode": "enforce",
            "reason": reason,
            "agent": placement.agent,
        });
        self.trace
            .tell(("policy_decision", &placement.run, at), more);
    }

    /// The cost of a call: as reported, else estimated; none if its price is not known.
    fn cost(&self, placement: &Placement, reply: &ModelAnswer) -> Option<f64> {
        if let Some(cost) = reply.cost_usd.as_ref().and_then(Value::as_f64) {
            return Some(cost);
        }
        let models = [reply.model.as_deref(), placement.model.as_deref()];
        let mut costs = models.into_iter().flatten();
        costs.find_map(|model| self.prices.estimate(model, &reply.usage).usd())
    }
}

fn no_answer(how: &End) -> Option<Failed> {
    match how {
        End::Over { .. } => None,
        End::Failed(why) => Some(Failed {
            kind: Some("connection".to_owned()),
            message: why.clone(),
        }),
        End::Stopped { rule, reason } => Some(Failed {
            kind: Some("saferun_breaker".to_owned()),
            message: format!("stopped by breaker {rule}: {reason}"),
        }),
    }
}

fn headers(head: &Head, answer: Option<&Answering>) -> Option<Value> {
    let asked = headers::recorded(&head.headers);
    let answered = answer.and_then(|it| it.headers.clone());
    let is_some = asked.is_some() || answered.is_some();
    is_some.then(|| json!({"request": asked, "response": answered}))
}

pub(super) fn millis(from: i64, to: i64) -> f64 {
    (to - from) as f64 / 1000.0
}
