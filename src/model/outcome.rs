//! What is learned about an action after it was read: its result, its cost, policy decisions.

use crate::model::action::{ActionIx, Flags, Kind, Place, Status, Verdict};
use crate::model::quantity::{Cost, Elapsed, Time, Usage};
use crate::model::sparse::{Places, Usages};
use crate::model::symbol::Sym;

/// The mutable side of a chunk: columns parallel to its rows, and sparse tables sorted by row.
#[derive(Debug, Clone, Default)]
pub struct Outcomes {
    pub status: Vec<Status>,
    pub flags: Vec<Flags>,
    pub duration: Vec<Elapsed>,
    pub cost: Vec<Cost>,
    /// The record with the result of a call, or with the text of a model call.
    pub result: Places,
    usage: Usages,
    verdicts: Vec<(u16, Attached)>,
    /// Where other writers of the trace recorded the same action.
    other_records: Vec<(u16, Place)>,
}

/// A policy decision or a human approval, attached to its action.
#[derive(Debug, Clone, Copy)]
pub struct Attached {
    pub kind: AttachedKind,
    pub verdict: Verdict,
    /// A policy in shadow mode reports without acting.
    pub shadow: bool,
    pub policy: Sym,
    pub rule: Sym,
    /// Who approved or denied.
    pub by: Sym,
    pub time: Time,
    /// How long a person took to answer.
    pub wait: Elapsed,
    pub place: Place,
    pub line: u32,
}

impl Attached {
    /// Parts beyond those of any record: answers that no record states and that follow from several.
    pub const INFERRED_APPROVAL: u16 = u16::MAX;
    pub const INFERRED_DENIAL: u16 = u16::MAX - 1;

    pub fn is_inferred(&self) -> bool {
        self.place.part >= Attached::INFERRED_DENIAL
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AttachedKind {
    Decision,
    Approval,
}

impl AttachedKind {
    /// The kind of its own row, used if its action is unknown.
    pub fn row(self) -> Kind {
        match self {
            AttachedKind::Decision => Kind::PolicyDecision,
            AttachedKind::Approval => Kind::Approval,
        }
    }
}

/// An update to one action. Unset fields leave the known values.
#[derive(Debug, Clone, Copy)]
pub struct Settled {
    pub action: ActionIx,
    pub status: Option<Status>,
    pub flags: Flags,
    pub clear: Flags,
    pub duration: Elapsed,
    pub cost: Cost,
    pub result: Place,
    pub extra: Extra,
}

/// The less common part of an update.
#[derive(Debug, Clone, Copy)]
pub enum Extra {
    Nothing,
    Usage(Usage),
    Attached(Attached),
    /// Another writer of the trace recorded the same action, or its result, here.
    Record(Place),
}

impl Settled {
    pub fn new(action: ActionIx) -> Settled {
        Settled {
            action,
            status: None,
            flags: Flags::NONE,
            clear: Flags::NONE,
            duration: Elapsed::NONE,
            cost: Cost::NONE,
            result: Place::NONE,
            extra: Extra::Nothing,
        }
    }
}

impl Outcomes {
    pub fn len(&self) -> usize {
        self.status.len()
    }

    pub fn is_empty(&self) -> bool {
        self.status.is_empty()
    }

    /// Empty, with capacity for exactly `rows` rows.
    pub fn with_room(rows: usize) -> Outcomes {
        Outcomes {
            status: Vec::with_capacity(rows),
            flags: Vec::with_capacity(rows),
            duration: Vec::with_capacity(rows),
            cost: Vec::with_capacity(rows),
            result: Places::with_room(rows),
            usage: Usages::default(),
            verdicts: Vec::new(),
            other_records: Vec::new(),
        }
    }

    /// Adds a row about which nothing is known yet.
    pub fn push(&mut self, flags: Flags) {
        self.status.push(Status::Unrecorded);
        self.flags.push(flags);
        self.duration.push(Elapsed::NONE);
        self.cost.push(Cost::NONE);
        self.result.push(Place::NONE);
    }

    pub fn settle(&mut self, row: usize, news: &Settled) {
        if let Some(status) = news.status {
            self.status[row] = status;
        }
        self.flags[row] = self.flags[row].without(news.clear).with(news.flags);
        self.duration[row] = news.duration.or(self.duration[row]);
        if news.cost.is_some() {
            self.cost[row] = news.cost;
        }
        if news.result.is_some() {
            self.result.set(row, news.result);
        }
        match news.extra {
            Extra::Nothing => {}
            Extra::Usage(usage) => self.usage.set(row, usage),
            Extra::Attached(attached) => insert(&mut self.verdicts, row, attached),
            Extra::Record(place) => insert(&mut self.other_records, row, place),
        }
    }

    /// Releases unused capacity.
    pub fn shrink(&mut self) {
        self.usage.shrink();
        self.verdicts.shrink_to_fit();
        self.other_records.shrink_to_fit();
    }

    /// Appends the given rows of `other`.
    pub fn append_range(&mut self, other: &Outcomes, rows: std::ops::Range<usize>) {
        let shift = |at: u16| (usize::from(at) - rows.start + self.status.len()) as u16;
        let inside = |at: u16| rows.contains(&usize::from(at));
        for row in other.usage.rows().filter(|row| rows.contains(row)) {
            let usage = other.usage.get(row);
            self.usage.set(usize::from(shift(row as u16)), usage);
        }
        let verdicts = other.verdicts.iter().filter(|(at, _)| inside(*at));
        let verdicts = verdicts.map(|(at, verdict)| (shift(*at), *verdict));
        self.verdicts.extend(verdicts);
        let other_records = other.other_records.iter().filter(|(at, _)| inside(*at));
        let other_records = other_records.map(|(at, place)| (shift(*at), *place));
        self.other_records.extend(other_records);
        self.status.extend_from_slice(&other.status[rows.clone()]);
        self.flags.extend_from_slice(&other.flags[rows.clone()]);
        self.duration
            .extend_from_slice(&other.duration[rows.clone()]);
        self.cost.extend_from_slice(&other.cost[rows.clone()]);
        self.result.append_range(&other.result, rows);
    }

    pub fn usage(&self, row: usize) -> Usage {
        self.usage.get(row)
    }

    /// The decisions and approvals of a row, in recorded order.
    pub fn attached(&self, row: usize) -> impl ExactSizeIterator<Item = &Attached> {
        of_row(&self.verdicts, row)
    }

    /// The records in which other writers recorded the same action as a row, in recorded order.
    pub fn other_records(&self, row: usize) -> impl ExactSizeIterator<Item = &Place> {
        of_row(&self.other_records, row)
    }
}

/// Adds to a sparse table, after the row's existing entries.
fn insert<T>(table: &mut Vec<(u16, T)>, row: usize, value: T) {
    let key = row as u16;
    let place = table.partition_point(|(at, _)| *at <= key);
    table.insert(place, (key, value));
}

fn of_row<T>(table: &[(u16, T)], row: usize) -> impl ExactSizeIterator<Item = &T> {
    let key = row as u16;
    let start = table.partition_point(|(at, _)| *at < key);
    let end = table.partition_point(|(at, _)| *at <= key);
    table[start..end].iter().map(|(_, value)| value)
}
