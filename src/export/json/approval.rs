//! One question about a call, and its answer: a line of `approvals --jsonl`.

use serde::Serialize;
use serde_json::{Number, Value};

use super::number;
use crate::analysis::approvals::{Entry, Grant, Kind, Totals};
use crate::model::action::Status;
use crate::store::Store;

pub const SCHEMA: &str = "saferun.tui/approvals@1";

/// The columns of a table of approvals.
pub const MEMBERS: &[&str] = &[
    "run_id",
    "seq",
    "tool",
    "answer",
    "inferred",
    "by",
    "by_kind",
    "asked_by",
    "reason",
    "asked_at",
    "answered_at",
    "wait_ms",
    "grant",
    "approved_args",
    "args_differ",
    "differences",
    "status",
    "path",
    "line",
];

#[derive(Debug, Serialize)]
pub struct ApprovalJson<'a> {
    pub run_id: &'a str,
    pub seq: u32,
    pub tool: &'a str,
    pub answer: &'static str,
    /// No record states the answer: it follows from what happened to the call.
    pub inferred: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by: Option<&'a str>,
    pub by_kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub asked_by: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub asked_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub answered_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wait_ms: Option<Number>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grant: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub approved_args: Option<&'a Value>,
    /// Absent where what was approved cannot be compared with what ran.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub args_differ: Option<bool>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub differences: Vec<DifferenceJson<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<&'static str>,
    pub path: String,
    pub line: u32,
}

#[derive(Debug, Serialize)]
pub struct DifferenceJson<'a> {
    pub name: &'a str,
    pub approved: &'a Value,
    pub ran: &'a Value,
}

pub fn approval<'a>(store: &'a Store, entry: &'a Entry) -> ApprovalJson<'a> {
    let row = store.row(entry.ix);
    let spot = row.spot();
    let differences = entry.differs.iter().flatten().map(|it| DifferenceJson {
        name: &it.name,
        approved: &it.approved,
        ran: &it.ran,
    });
    ApprovalJson {
        run_id: &row.run().id,
        seq: row.seq(),
        tool: row.tool(),
        answer: entry.answer.word(),
        inferred: entry.is_inferred,
        by: number::name(&entry.by),
        by_kind: kind(entry.kind),
        asked_by: number::name(&entry.asked_by),
        reason: entry.reason.as_deref(),
        asked_at: number::time(entry.asked),
        answered_at: number::time(entry.answered),
        wait_ms: number::millis(entry.wait),
        grant: entry.grant.map(Grant::word),
        approved_args: entry.shown.as_ref(),
        args_differ: entry.differs.as_ref().map(|_| entry.is_different()),
        differences: differences.collect(),
        status: (row.status() != Status::Unrecorded).then(|| row.status().word()),
        path: spot.path.to_string_lossy().into_owned(),
        line: spot.line,
    }
}

fn kind(kind: Kind) -> &'static str {
    match kind {
        Kind::Person => "person",
        Kind::Program => "program",
    }
}

/// What all questions come to.
#[derive(Debug, Serialize)]
pub struct TotalsJson {
    pub approved: u64,
    pub denied: u64,
    pub waiting: u64,
    pub not_recorded: u64,
    pub inferred: u64,
    pub by_programs: u64,
    pub args_differ: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wait_ms: Option<Number>,
    /// How many answers the wait is the sum of.
    pub waits: u64,
}

pub fn totals(totals: &Totals) -> TotalsJson {
    TotalsJson {
        approved: totals.approved,
        denied: totals.denied,
        waiting: totals.waiting,
        not_recorded: totals.unrecorded,
        inferred: totals.inferred,
        by_programs: totals.programs,
        args_differ: totals.differs,
        wait_ms: number::millis(totals.wait),
        waits: totals.waits,
    }
}
