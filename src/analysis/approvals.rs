//! Who was asked about which call, what they answered, after how long, and whether that is what ran. A ledger of what
//! traces record; what only follows from it is marked as inferred.

use std::collections::HashMap;

use crate::base::cancel::CancelFlag;
use crate::ingest::body::{ApprovalText, Body, DecisionText, Difference};
use crate::model::action::{ActionIx, Flags, Status, Verdict};
use crate::model::outcome::{Attached, AttachedKind};
use crate::model::quantity::{Elapsed, Time};
use crate::model::run::RunIx;
use crate::store::Store;
use crate::store::bodies::{self, Depth};
use crate::store::row::Row;
use crate::store::search::in_order;

/// How a question about a call ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Answer {
    Approved,
    Denied,
    Expired,
    /// No answer so far.
    Waiting,
    /// Whether and how it was answered is not recorded.
    Unrecorded,
}

impl Answer {
    pub fn word(self) -> &'static str {
        match self {
            Answer::Approved => "approved",
            Answer::Denied => "denied",
            Answer::Expired => "expired",
            Answer::Waiting => "waiting",
            Answer::Unrecorded => "not recorded",
        }
    }

    fn of(verdict: Verdict) -> Option<Answer> {
        match verdict {
            Verdict::Approved | Verdict::Allow => Some(Answer::Approved),
            Verdict::Denied | Verdict::Block => Some(Answer::Denied),
            Verdict::Expired => Some(Answer::Expired),
            Verdict::Unrecorded
            | Verdict::RequireApproval
            | Verdict::Redact
            | Verdict::Warn
            | Verdict::Requested => None,
        }
    }
}

/// How far an approval reaches beyond its call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Grant {
    /// Similar calls need no further approval in this session.
    Session,
    /// Nor in later ones.
    Always,
}

impl Grant {
    pub fn word(self) -> &'static str {
        match self {
            Grant::Session => "session",
            Grant::Always => "always",
        }
    }

    /// From the word for the answer: `approved_for_session`, `ProceedAlways`, `approve-permanently`.
    fn of(state: &str) -> Option<Grant> {
        let state = state.to_ascii_lowercase();
        if state.contains("session") {
            Some(Grant::Session)
        } else if ["always", "permanent", "forever"]
            .iter()
            .any(|it| state.contains(it))
        {
            Some(Grant::Always)
        } else {
            None
        }
    }
}

/// Who answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Person,
    /// A hook, a classifier, a permission rule or a reviewing model answered in place of a person.
    Program,
}

/// One question about a call, and its answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    pub ix: ActionIx,
    pub answer: Answer,
    /// No record states the answer: it follows from what happened to the call.
    pub is_inferred: bool,
    pub kind: Kind,
    /// Who answered, or else was asked; empty if not recorded.
    pub by: String,
    /// The policy that asked, with its rule; empty if not recorded.
    pub asked_by: String,
    pub reason: Option<String>,
    pub asked: Time,
    pub answered: Time,
    /// As recorded, or from the recorded times of the question and the answer.
    pub wait: Elapsed,
    pub grant: Option<Grant>,
    /// What the person was shown, if recorded.
    pub shown: Option<serde_json::Value>,
    /// How the approved arguments differ from those of the call; none if they cannot be compared.
    pub differs: Option<Vec<Difference>>,
}

impl Entry {
    /// Whether something else ran than was approved.
    pub fn is_different(&self) -> bool {
        self.differs.as_ref().is_some_and(|all| !all.is_empty())
    }
}

/// Every question about a call, in the order of the store. Incomplete if cancelled.
pub fn ledger(store: &Store, cancel: &CancelFlag) -> Vec<Entry> {
    let mut found = Vec::new();
    let work = |(): &mut (), number: usize| -> Vec<Entry> {
        asked(store, number)
            .flat_map(|row| entries(&row, &bodies::open(&row, Depth::Full)))
            .collect()
    };
    in_order(store.chunks().len(), cancel, work, &mut |_, entries| {
        found.extend(entries);
    });
    found
}

/// The rows of a chunk that needed approval, or were decided in place of a person.
fn asked(store: &Store, number: usize) -> impl Iterator<Item = Row<'_>> {
    let chunk = store.chunk(number);
    let marks = Flags::HAS_APPROVAL.with(Flags::HAS_POLICY);
    let rows = chunk.into_iter().flat_map(move |(chunk, outcomes)| {
        (0..chunk.len())
            .filter(move |at| outcomes.flags[*at].has(marks))
            .map(move |at| Row {
                store,
                chunk,
                outcomes,
                ix: ActionIx((number * crate::model::chunk::CHUNK_ROWS + at) as u32),
                at,
            })
    });
    rows.filter(|row| row.attached().any(|it| role(row, it) != Role::Aside))
}

/// What a verdict is in the ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    Question,
    Answer(Kind),
    /// Unrelated to approvals.
    Aside,
}

/// Policies that answer in place of a person, by the beginnings of the names that readers give them.
const STAND_INS: &[&str] = &[
    "hook",
    "PreToolUse",
    "PermissionRequest",
    "auto mode classifier",
    "permission rule",
    "guardian",
];

fn role(row: &Row<'_>, attached: &Attached) -> Role {
    let answers = Answer::of(attached.verdict).is_some();
    match attached.kind {
        _ if attached.shadow => Role::Aside,
        AttachedKind::Approval if answers => Role::Answer(Kind::Person),
        AttachedKind::Approval => Role::Question,
        AttachedKind::Decision if attached.verdict == Verdict::RequireApproval => Role::Question,
        AttachedKind::Decision => {
            let policy = row.store.symbols().name(attached.policy);
            if answers && STAND_INS.iter().any(|it| policy.starts_with(it)) {
                Role::Answer(Kind::Program)
            } else {
                Role::Aside
            }
        }
    }
}

/// The questions about one action: each begins with a request, or with an answer to none.
fn entries(row: &Row<'_>, body: &Body) -> Vec<Entry> {
    let (mut decisions, mut approvals) = (body.decisions.iter(), body.approvals.iter());
    let mut found: Vec<Entry> = Vec::new();
    for attached in row.attached() {
        let (decision, approval) = match attached.kind {
            AttachedKind::Decision => (decisions.next(), None),
            AttachedKind::Approval => (None, approvals.next()),
        };
        let texts = VerdictTexts {
            row,
            attached,
            decision,
            approval,
        };
        let open = found.last().filter(|it| it.answer == Answer::Waiting);
        match role(row, attached) {
            Role::Aside => {}
            // A policy asks for an approval, then a person is asked: one question.
            Role::Question if open.is_some() => {
                if let Some(entry) = found.last_mut() {
                    texts.ask(entry, body);
                }
            }
            Role::Question => {
                let mut entry = new(row.ix());
                texts.ask(&mut entry, body);
                found.push(entry);
            }
            Role::Answer(kind) => {
                if open.is_none() {
                    found.push(new(row.ix()));
                }
                if let Some(entry) = found.last_mut() {
                    texts.answer(entry, kind, body);
                }
            }
        }
    }
    for entry in found.iter_mut().filter(|it| it.answer == Answer::Waiting) {
        infer(entry, row);
    }
    found
}

fn new(ix: ActionIx) -> Entry {
    Entry {
        ix,
        answer: Answer::Waiting,
        is_inferred: false,
        kind: Kind::Person,
        by: String::new(),
        asked_by: String::new(),
        reason: None,
        asked: Time::NONE,
        answered: Time::NONE,
        wait: Elapsed::NONE,
        grant: None,
        shown: None,
        differs: None,
    }
}

/// A verdict with its texts.
struct VerdictTexts<'a> {
    row: &'a Row<'a>,
    attached: &'a Attached,
    decision: Option<&'a DecisionText>,
    approval: Option<&'a ApprovalText>,
}

impl VerdictTexts<'_> {
    fn ask(&self, entry: &mut Entry, body: &Body) {
        entry.asked = entry.asked.or(self.attached.time);
        if self.attached.kind == AttachedKind::Decision {
            entry.asked_by = self.policy();
        }
        self.note(entry, body);
    }

    fn answer(&self, entry: &mut Entry, kind: Kind, body: &Body) {
        entry.answer = Answer::of(self.attached.verdict).unwrap_or(Answer::Unrecorded);
        entry.is_inferred = self.attached.is_inferred();
        entry.kind = kind;
        entry.reason = None;
        if !entry.is_inferred {
            entry.answered = self.attached.time;
            let between = self.attached.time.since(entry.asked);
            entry.wait = match kind {
                Kind::Person => self.attached.wait.or(between),
                Kind::Program => Elapsed::NONE,
            };
        }
        if kind == Kind::Program {
            entry.by = self.policy();
        }
        let state = self.approval.and_then(|it| it.state.as_deref());
        if entry.answer == Answer::Approved {
            entry.grant = state.and_then(Grant::of);
        }
        self.note(entry, body);
    }

    /// Who, why and what, which either a request or an answer may record.
    fn note(&self, entry: &mut Entry, body: &Body) {
        let symbol = self.row.store.symbols().name(self.attached.by);
        let by = self.approval.and_then(|it| it.by.as_deref());
        let by = by.filter(|it| !it.is_empty()).unwrap_or(symbol);
        if !by.is_empty() {
            by.clone_into(&mut entry.by);
        }
        let reason = match (self.decision, self.approval) {
            (Some(decision), _) => decision.reason.clone(),
            (None, approval) => approval.and_then(|it| it.reason.clone()),
        };
        entry.reason = reason
            .filter(|it| !it.is_empty())
            .or_else(|| entry.reason.take());
        if let Some(approval) = self.approval.filter(|it| it.args.is_some()) {
            entry.shown.clone_from(&approval.args);
            entry.differs = approval.differences(body.args.as_ref());
        }
    }

    fn policy(&self) -> String {
        let symbols = self.row.store.symbols();
        let named =
            |written: Option<&str>, known| written.unwrap_or(symbols.name(known)).to_owned();
        let policy = named(
            self.decision.and_then(|it| it.policy.as_deref()),
            self.attached.policy,
        );
        let rule = named(
            self.decision.and_then(|it| it.rule.as_deref()),
            self.attached.rule,
        );
        let mut words = [policy, rule].to_vec();
        words.retain(|it| !it.is_empty());
        words.join(" ")
    }
}

/// Infers the answer from what happened to the call, if nothing else records it.
fn infer(entry: &mut Entry, row: &Row<'_>) {
    let answer = match row.status() {
        _ if row.flags().has(Flags::WAITING) => return,
        Status::Ok | Status::Error | Status::Timeout => Answer::Approved,
        Status::Denied => Answer::Denied,
        Status::Unrecorded | Status::Blocked | Status::Pending | Status::Cancelled => {
            Answer::Unrecorded
        }
    };
    entry.answer = answer;
    entry.is_inferred = answer != Answer::Unrecorded;
}

/// What all questions come to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Totals {
    pub approved: u64,
    pub denied: u64,
    pub waiting: u64,
    pub unrecorded: u64,
    pub inferred: u64,
    /// Answered by a program.
    pub programs: u64,
    /// Something else ran than was approved.
    pub differs: u64,
    /// Sum of the known waits for people, and of how many answers.
    pub wait: Elapsed,
    pub waits: u64,
}

impl Totals {
    pub fn of<'a>(entries: impl Iterator<Item = &'a Entry>) -> Totals {
        let mut all = Totals::default();
        for entry in entries {
            match entry.answer {
                Answer::Approved => all.approved += 1,
                Answer::Denied | Answer::Expired => all.denied += 1,
                Answer::Waiting => all.waiting += 1,
                Answer::Unrecorded => all.unrecorded += 1,
            }
            all.inferred += u64::from(entry.is_inferred);
            all.programs += u64::from(entry.kind == Kind::Program);
            all.differs += u64::from(entry.is_different());
            if entry.wait.is_some() {
                all.wait = added(all.wait, entry.wait);
                all.waits += 1;
            }
        }
        all
    }
}

/// The sum of what is known of two durations.
fn added(a: Elapsed, b: Elapsed) -> Elapsed {
    match (a.get(), b.get()) {
        (Some(a), Some(b)) => Elapsed(a.saturating_add(b)),
        _ => a.or(b),
    }
}

/// How long each run waited for people, from the columns of the store alone: runs that are not in it recorded no wait.
pub fn waits(store: &Store) -> HashMap<RunIx, Elapsed> {
    let mut all: HashMap<RunIx, Elapsed> = HashMap::new();
    let chunks = 0..store.chunks().len();
    for row in chunks.flat_map(|number| asked(store, number)) {
        let waited = waited(&row);
        if waited.is_some() {
            let sum = all.entry(row.run_ix()).or_default();
            *sum = added(*sum, waited);
        }
    }
    all
}

/// How long people took to answer all questions about an action.
pub fn waited(row: &Row<'_>) -> Elapsed {
    let (mut asked, mut sum) = (Time::NONE, Elapsed::NONE);
    for attached in row.attached() {
        match role(row, attached) {
            Role::Aside => {}
            Role::Question => asked = asked.or(attached.time),
            Role::Answer(kind) => {
                if kind == Kind::Person && !attached.is_inferred() {
                    let wait = attached.wait.or(attached.time.since(asked));
                    sum = added(sum, wait);
                }
                asked = Time::NONE;
            }
        }
    }
    sum
}

#[cfg(test)]
mod tests;
