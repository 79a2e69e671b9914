//! Tests that need no body: they read columns, side tables and the run.

use std::ops::Range;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::model::action::{ActionIx, Flags, Kind, Status, Verdict};
use crate::model::chunk::Chunk;
use crate::model::outcome::{Attached, AttachedKind, Outcomes};
use crate::model::quantity::{Time, Tokens, Usage};
use crate::model::run::{Run, RunIx};
use crate::model::symbol::Sym;
use crate::query::bits::Bits;
use crate::query::body::Bounds;
use crate::query::pattern::{SymSet, TextTest};
use crate::query::value::Interval;
use crate::store::Store;
use crate::store::row::Row;

/// The chunk being tested.
#[derive(Debug, Clone, Copy)]
pub struct Columns<'a> {
    pub store: &'a Store,
    pub chunk: &'a Chunk,
    pub outcomes: &'a Outcomes,
    /// The index of the first row.
    pub first: u32,
}

#[derive(Debug, Clone)]
pub enum ColumnTest {
    /// Bit `1 << kind`.
    Kinds(u16),
    /// Bit `1 << status`.
    Statuses(u16),
    Symbol(SymbolColumn, SymSet),
    Number(NumberColumn, Numbers),
    /// Any of these flags.
    Flags(Flags),
    Attached(AttachedTest),
    Run(RunTest),
    File(TextTest),
    Since(Time),
    At(TimeOfDayTest),
    Marked(std::sync::Arc<std::collections::HashSet<u32>>),
    /// The symbol column has a value.
    HasSymbol(SymbolColumn),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SymbolColumn {
    Agent,
    Tool,
    Model,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NumberColumn {
    Turn,
    Seq,
    Line,
    Cost,
    Latency,
    Tokens(TokenKind),
    Parent,
    Lane,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenKind {
    Input,
    Output,
    Cache,
    Total,
}

impl TokenKind {
    pub fn of(self, usage: &Usage) -> Tokens {
        match self {
            TokenKind::Input => usage.input,
            TokenKind::Output => usage.output,
            TokenKind::Cache => usage.cache_read + usage.cache_write,
            TokenKind::Total => usage.total(),
        }
    }
}

/// Has a value within any of the intervals or, if negated, in none of them.
#[derive(Debug, Clone)]
pub struct Numbers {
    pub any: Vec<Interval>,
    pub negated: bool,
}

impl Numbers {
    /// Any recorded number.
    pub fn recorded() -> Numbers {
        Numbers {
            any: vec![Interval::EVERYTHING],
            negated: false,
        }
    }

    pub fn is_true_of(&self, value: Option<i64>) -> bool {
        value.is_some_and(|value| {
            self.any.iter().any(|interval| interval.contains(value)) != self.negated
        })
    }

    /// `missing` is the column's value for "not recorded"; `wide` widens a value to 64 bits.
    fn rows<T: Copy>(&self, column: &[T], wide: impl Fn(T) -> i64) -> Bits {
        let mut found = Bits::NONE;
        for interval in &self.any {
            let (lo, width) = (interval.lo, interval.hi.wrapping_sub(interval.lo) as u64);
            if interval.lo <= interval.hi {
                found |= &Bits::of(column, |value| wide(value).wrapping_sub(lo) as u64 <= width);
            }
        }
        if self.negated {
            return Bits::of(column, |value| wide(value) != i64::MIN).without(&found);
        }
        found
    }
}

#[derive(Debug, Clone)]
pub enum AttachedTest {
    Policy(SymSet),
    Rule(SymSet),
    Approver(SymSet),
    Verdict { any: Vec<Verdict>, negated: bool },
    Wait(Numbers),
    HasRule,
    HasApprover,
    HasVerdict,
}

impl AttachedTest {
    fn is_true_of(&self, attached: &Attached) -> bool {
        match self {
            AttachedTest::Policy(set) => set.contains(attached.policy),
            AttachedTest::Rule(set) => set.contains(attached.rule),
            AttachedTest::Approver(set) => {
                attached.kind == AttachedKind::Approval && set.contains(attached.by)
            }
            AttachedTest::Verdict { any, negated } => {
                attached.verdict != Verdict::Unrecorded
                    && any.contains(&attached.verdict) != *negated
            }
            AttachedTest::Wait(numbers) => numbers.is_true_of(attached.wait.get()),
            AttachedTest::HasRule => attached.rule.is_some(),
            AttachedTest::HasApprover => {
                attached.kind == AttachedKind::Approval && attached.by.is_some()
            }
            AttachedTest::HasVerdict => attached.verdict != Verdict::Unrecorded,
        }
    }
}

/// A test of the run that an action belongs to.
#[derive(Debug, Clone)]
pub enum RunTest {
    Id(TextTest),
    Symbol(RunSymbol, SymSet),
    HasSymbol(RunSymbol),
    Number(RunNumber, Numbers),
    Score {
        any: Vec<Bounds>,
        negated: bool,
    },
    /// Judged correct, or judged incorrect.
    Correct(bool),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunSymbol {
    User,
    Task,
    Trial,
    Env,
    Service,
    Release,
    Provider,
}

impl RunSymbol {
    fn of(self, run: &Run) -> Sym {
        match self {
            RunSymbol::User => run.who.user,
            RunSymbol::Task => run.who.task,
            RunSymbol::Trial => run.who.trial,
            RunSymbol::Env => run.who.env,
            RunSymbol::Service => run.who.service,
            RunSymbol::Release => run.who.release,
            RunSymbol::Provider => run.who.provider,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunNumber {
    Turns,
    Actions,
    Calls,
    Errors,
    Retries,
}

impl RunNumber {
    fn of(self, run: &Run) -> u32 {
        match self {
            RunNumber::Turns => run.totals.turns,
            RunNumber::Actions => run.totals.actions,
            RunNumber::Calls => run.totals.tool_calls,
            RunNumber::Errors => run.totals.errors,
            RunNumber::Retries => run.totals.retries,
        }
    }
}

impl RunTest {
    pub fn is_true_of(&self, run: &Run) -> bool {
        match self {
            RunTest::Id(test) => !run.id.is_empty() && test.is_true_of(&run.id),
            RunTest::Symbol(which, set) => set.contains(which.of(run)),
            RunTest::HasSymbol(which) => which.of(run).is_some(),
            RunTest::Number(which, numbers) => numbers.is_true_of(Some(i64::from(which.of(run)))),
            RunTest::Correct(right) => run.correct == Some(*right),
            RunTest::Score { any, negated } => run
                .score
                .is_some_and(|score| any.iter().any(|bounds| bounds.contains(score)) != *negated),
        }
    }
}

/// A time of day in a zone: from the first second to the last, wrapping past midnight if needed.
#[derive(Debug, Clone)]
pub struct TimeOfDayTest {
    pub zone: TimeZone,
    pub seconds: Range<i64>,
}

impl ColumnTest {
    /// Adds symbols that are new since the last call.
    pub fn extend(&mut self, store: &Store) {
        match self {
            ColumnTest::Symbol(_, set)
            | ColumnTest::Attached(
                AttachedTest::Policy(set) | AttachedTest::Rule(set) | AttachedTest::Approver(set),
            )
            | ColumnTest::Run(RunTest::Symbol(_, set)) => set.extend(store.symbols()),
            _ => {}
        }
    }

    /// Whether it tests row by row instead of a whole column.
    pub fn is_by_row(&self) -> bool {
        match self {
            ColumnTest::Kinds(_)
            | ColumnTest::Statuses(_)
            | ColumnTest::Symbol(..)
            | ColumnTest::Flags(_)
            | ColumnTest::Since(_)
            | ColumnTest::HasSymbol(_) => false,
            ColumnTest::Number(column, _) => matches!(
                column,
                NumberColumn::Tokens(_) | NumberColumn::Parent | NumberColumn::Lane
            ),
            ColumnTest::Attached(_)
            | ColumnTest::Run(_)
            | ColumnTest::File(_)
            | ColumnTest::At(_)
            | ColumnTest::Marked(_) => true,
        }
    }

    /// The rows of `candidates` that match.
    pub fn rows(&self, columns: &Columns<'_>, candidates: &Bits) -> Bits {
        let Columns {
            chunk, outcomes, ..
        } = *columns;
        let found = match self {
            ColumnTest::Kinds(kinds) if chunk.stat.kinds & kinds == 0 => Bits::NONE,
            ColumnTest::Kinds(kinds) if chunk.stat.kinds & !kinds == 0 => *candidates,
            ColumnTest::Kinds(kinds) => {
                enum_rows(&chunk.kind, *kinds, Kind::ALL, |kind| kind as u8)
            }
            ColumnTest::Statuses(some) => {
                enum_rows(&outcomes.status, *some, Status::ALL, |status| status as u8)
            }
            ColumnTest::Symbol(column, set) => set.rows(column.of(chunk)),
            ColumnTest::HasSymbol(column) => Bits::of(column.of(chunk), Sym::is_some),
            ColumnTest::Number(column, numbers) => column.rows(columns, numbers, candidates),
            ColumnTest::Flags(any) => Bits::of(&outcomes.flags, |flags| flags.0 & any.0 != 0),
            ColumnTest::Attached(test) => {
                let with = Bits::of(&outcomes.flags, |flags| {
                    flags.has(Flags::HAS_POLICY.with(Flags::HAS_APPROVAL))
                });
                some_rows(&(with & candidates), |row| {
                    outcomes
                        .attached(row)
                        .any(|attached| test.is_true_of(attached))
                })
            }
            ColumnTest::Run(test) => by_last(&chunk.run, candidates, |run: RunIx| {
                columns
                    .store
                    .runs()
                    .get(run.0 as usize)
                    .is_some_and(|run| test.is_true_of(run))
            }),
            ColumnTest::File(test) => by_last(&chunk.source, candidates, |source| {
                columns
                    .store
                    .sources()
                    .get(source.0 as usize)
                    .is_some_and(|source| is_file(test, &source.path))
            }),
            ColumnTest::Since(time) if chunk.stat.latest < *time => Bits::NONE,
            ColumnTest::Since(time) => {
                let from = time.0.max(i64::MIN + 1);
                Bits::of(&chunk.time, |time| time.0 >= from)
            }
            ColumnTest::At(test) => test.rows(&chunk.time, candidates),
            ColumnTest::Marked(marked) => some_rows(candidates, |row| {
                marked.contains(&(columns.first + row as u32))
            }),
        };
        found & candidates
    }
}

/// Whether the path, or its file name, matches.
pub fn is_file(test: &TextTest, path: &std::path::Path) -> bool {
    let whole = path.to_string_lossy();
    let name = path
        .file_name()
        .map(|name| name.to_string_lossy())
        .unwrap_or_default();
    let any = test
        .any
        .iter()
        .any(|pattern| pattern.matches(&whole) || pattern.matches(&name));
    any != test.negated
}

/// Compares with one or two values directly, which vectorises best. More are looked up in the mask.
fn enum_rows<T: Copy>(column: &[T], mask: u16, all: &[T], number: impl Fn(T) -> u8) -> Bits {
    let wanted: Vec<u8> = all
        .iter()
        .map(|value| number(*value))
        .filter(|value| mask >> value & 1 == 1)
        .collect();
    match *wanted.as_slice() {
        [] => Bits::NONE,
        [a] => Bits::of(column, |value| number(value) == a),
        [a, b] => Bits::of(column, |value| (number(value) == a) | (number(value) == b)),
        _ => Bits::of(column, |value| mask >> number(value) & 1 == 1),
    }
}

fn some_rows(candidates: &Bits, test: impl Fn(usize) -> bool) -> Bits {
    let mut found = Bits::NONE;
    for row in candidates.rows().filter(|row| test(*row)) {
        found.set(row);
    }
    found
}

/// Tests once per stretch of equal values, since rows of one run or file are mostly adjacent.
fn by_last<T: Copy + PartialEq>(column: &[T], candidates: &Bits, test: impl Fn(T) -> bool) -> Bits {
    let mut found = Bits::NONE;
    let mut last = None;
    for row in candidates.rows() {
        let value = column[row];
        let answer = match last {
            Some((known, answer)) if known == value => answer,
            _ => test(value),
        };
        last = Some((value, answer));
        if answer {
            found.set(row);
        }
    }
    found
}

impl SymbolColumn {
    fn of(self, chunk: &Chunk) -> &[Sym] {
        match self {
            SymbolColumn::Agent => &chunk.agent,
            SymbolColumn::Tool => &chunk.tool,
            SymbolColumn::Model => &chunk.model,
        }
    }
}

impl NumberColumn {
    fn rows(self, columns: &Columns<'_>, numbers: &Numbers, candidates: &Bits) -> Bits {
        let Columns {
            chunk, outcomes, ..
        } = *columns;
        match self {
            NumberColumn::Turn => numbers.rows(&chunk.turn, i64::from),
            NumberColumn::Seq => numbers.rows(&chunk.seq, i64::from),
            NumberColumn::Line => numbers.rows(&chunk.line, i64::from),
            NumberColumn::Cost => numbers.rows(&outcomes.cost, |cost| cost.0),
            NumberColumn::Latency => numbers.rows(&outcomes.duration, |span| span.0),
            NumberColumn::Tokens(kind) => some_rows(candidates, |row| {
                let tokens = kind.of(&outcomes.usage(row)).get();
                numbers.is_true_of(tokens.map(|tokens| i64::try_from(tokens).unwrap_or(i64::MAX)))
            }),
            NumberColumn::Parent => some_rows(candidates, |row| {
                numbers.is_true_of(columns.seq_of(chunk.parent[row]).map(i64::from))
            }),
            NumberColumn::Lane => some_rows(candidates, |row| {
                numbers.is_true_of(Some(columns.lane(row)))
            }),
        }
    }
}

impl<'a> Columns<'a> {
    /// A row of the chunk.
    pub(super) fn row(&self, at: u16) -> Row<'a> {
        self.store.row(ActionIx(self.first + u32::from(at)))
    }
}

impl Columns<'_> {
    fn seq_of(&self, action: ActionIx) -> Option<u32> {
        let action = action.get().filter(|action| action.0 < self.store.len())?;
        Some(self.store.row(action).seq())
    }

    /// 0 for the main agent, otherwise the 1-based index of the subagent in its run.
    fn lane(&self, row: usize) -> i64 {
        let agent = self.chunk.agent[row];
        let run = self.store.runs().get(self.chunk.run[row].0 as usize);
        let lane = run.and_then(|run| {
            run.lanes
                .iter()
                .position(|lane| lane.agent == agent && agent.is_some())
        });
        lane.map_or(0, |lane| lane as i64 + 1)
    }
}

impl TimeOfDayTest {
    /// Looks up the zone's offset once for all times up to its next transition.
    fn rows(&self, times: &[Time], candidates: &Bits) -> Bits {
        let mut found = Bits::NONE;
        let mut known = (0..0_i64, 0_i64);
        for row in candidates.rows() {
            let Some(us) = times[row].get() else { continue };
            let second = us.div_euclid(1_000_000);
            if !known.0.contains(&second) {
                let Ok(at) = Timestamp::from_second(second) else {
                    continue;
                };
                let offset = i64::from(self.zone.to_offset(at).seconds());
                let until = self
                    .zone
                    .following(at)
                    .next()
                    .map_or(i64::MAX, |change| change.timestamp().as_second());
                known = (second..until, offset);
            }
            let of_day = (second + known.1).rem_euclid(86_400);
            let Range { start, end } = self.seconds;
            let inside = if start <= end {
                start <= of_day && of_day < end
            } else {
                of_day >= start || of_day < end
            };
            if inside {
                found.set(row);
            }
        }
        found
    }
}
