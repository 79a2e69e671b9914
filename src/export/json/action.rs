//! One action with everything that is recorded about it: a line of `query --jsonl`.

use serde::Serialize;
use serde_json::{Number, Value};

use super::number::{self, UsageJson};
use crate::ingest::body::{ApprovalText, Body, DecisionText, ErrorText, Matched};
use crate::ingest::records;
use crate::model::action::{Flags, Kind, Status};
use crate::model::outcome::{Attached, AttachedKind};
use crate::store::bodies::{self, Depth};
use crate::store::row::Row;

/// The schema of a document that lists actions.
pub const SCHEMA: &str = "saferun.tui/actions@1";

/// The columns of a table of actions.
pub const MEMBERS: &[&str] = &[
    "run_id",
    "seq",
    "turn",
    "id",
    "parent_id",
    "kind",
    "agent",
    "model",
    "user",
    "tool",
    "status",
    "ts",
    "duration_ms",
    "input_tokens",
    "output_tokens",
    "cache_read_tokens",
    "cache_write_tokens",
    "reasoning_tokens",
    "total_tokens",
    "cost_usd",
    "cost_source",
    "args",
    "result",
    "text",
    "error",
    "policy",
    "approval",
    "path",
    "line",
    "offset",
];

#[derive(Debug, Serialize)]
pub struct ActionJson<'a> {
    /// Absent for a malformed line, which belongs to no run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seq: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub turn: Option<u32>,
    /// The run that a fork copied it from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub copied_from: Option<&'a str>,
    /// Whether the status is inferred from the wording of the result.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub inferred: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parent_id: Option<String>,
    pub kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agent: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tool: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<&'static str>,
    /// What the policy that was named on the command line would do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub would: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ts: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duration_ms: Option<Number>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub usage: Option<UsageJson>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cost_usd: Option<Number>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cost_source: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub args: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub result: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<ErrorJson>,
    /// The result as the model saw it, if it differs from what the tool returned.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seen: Option<String>,
    /// Whether the recorder saw it run without any hook being asked.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub unguarded: bool,
    /// The writers that reported it, in a trace with several writers.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub via: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub policy: Vec<DecisionJson>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub approval: Vec<ApprovalJson>,
    pub path: String,
    pub line: u32,
    pub offset: u64,
}

#[derive(Debug, Serialize)]
pub struct ErrorJson {
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    pub message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stack: Option<String>,
}

#[derive(Debug, Serialize)]
pub struct DecisionJson {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decision: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mode: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub matched: Vec<MatchedJson>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ts: Option<String>,
}

#[derive(Debug, Serialize)]
pub struct MatchedJson {
    pub path: String,
    pub op: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub actual: Option<Value>,
}

#[derive(Debug, Serialize)]
pub struct ApprovalJson {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wait_ms: Option<Number>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub args: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ts: Option<String>,
}

/// Reads the records of the action from disk, in full.
pub fn action<'a>(row: &Row<'a>) -> ActionJson<'a> {
    let body = bodies::open(row, Depth::Full);
    let estimated = row.flags().has(Flags::ESTIMATED);
    let cost_source = if estimated { "estimated" } else { "recorded" };
    let of_run = row.kind() != Kind::Malformed;
    let (policy, approval) = attached(row, &body);
    let spot = row.spot();
    ActionJson {
        run_id: of_run.then_some(&row.run().id),
        seq: Some(row.seq()).filter(|seq| *seq > 0),
        turn: (row.turn() > 0).then(|| row.turn()),
        copied_from: row.copied_from(),
        inferred: row.flags().has(Flags::INFERRED),
        id: body.id,
        parent_id: body.parent_id,
        kind: row.kind().word(),
        agent: number::name(row.agent()),
        model: number::name(row.model()),
        user: number::name(row.user()).filter(|_| of_run),
        tool: number::name(row.tool()),
        status: (row.status() != Status::Unrecorded).then(|| row.status().word()),
        would: None,
        ts: number::time(row.time()),
        duration_ms: number::millis(row.duration()),
        usage: number::usage(&row.usage()),
        cost_usd: number::usd(row.cost()),
        cost_source: row.cost().is_some().then_some(cost_source),
        args: body.args,
        result: body.result,
        text: body.text,
        error: body.error.map(error).or_else(|| malformed(row)),
        seen: body.seen,
        unguarded: row.flags().has(Flags::UNGUARDED),
        via: body.via,
        policy,
        approval,
        path: spot.path.to_string_lossy().into_owned(),
        line: spot.line,
        offset: spot.offset,
    }
}

fn error(error: ErrorText) -> ErrorJson {
    ErrorJson {
        kind: error.kind,
        message: error.message,
        stack: error.stack,
    }
}

/// How many bytes of a malformed line are read to say what is wrong with it.
pub const REASON_HEAD: usize = 4 << 20;

/// Why a line could not be understood.
fn malformed(row: &Row<'_>) -> Option<ErrorJson> {
    (row.kind() == Kind::Malformed).then(|| ErrorJson {
        kind: Some("malformed".to_owned()),
        message: records::reason(&bodies::raw(row, row.place(), REASON_HEAD), row.place()),
        stack: None,
    })
}

/// Joins the text of a decision (on disk) with its time (in the columns).
fn attached(row: &Row<'_>, body: &Body) -> (Vec<DecisionJson>, Vec<ApprovalJson>) {
    let of = |kind: AttachedKind| row.attached().filter(move |it| it.kind == kind);
    let mut decided = of(AttachedKind::Decision);
    let mut approved = of(AttachedKind::Approval);
    let decisions = body
        .decisions
        .iter()
        .map(|text| decision(text, decided.next()))
        .collect();
    let approvals = body
        .approvals
        .iter()
        .map(|text| approval(text, approved.next()))
        .collect();
    (decisions, approvals)
}

fn decision(text: &DecisionText, known: Option<&Attached>) -> DecisionJson {
    DecisionJson {
        policy: text.policy.clone(),
        rule: text.rule.clone(),
        decision: text.decision.clone(),
        mode: text.mode.clone(),
        reason: text.reason.clone(),
        matched: text.matched.iter().map(matched).collect(),
        ts: known.and_then(|known| number::time(known.time)),
    }
}

fn matched(found: &Matched) -> MatchedJson {
    MatchedJson {
        path: found.path.clone(),
        op: found.op.clone(),
        value: found.value.clone(),
        actual: found.actual.clone(),
    }
}

fn approval(text: &ApprovalText, known: Option<&Attached>) -> ApprovalJson {
    ApprovalJson {
        state: text.state.clone(),
        by: text.by.clone(),
        reason: text.reason.clone(),
        wait_ms: known.and_then(|known| number::millis(known.wait)),
        args: text.args.clone(),
        ts: known.and_then(|known| number::time(known.time)),
    }
}
