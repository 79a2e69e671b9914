//! Counts actions grouped by fields, with cost, tokens and percentiles of durations.

use std::collections::{HashMap, HashSet};

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::analysis::costs::spent::Spent;
use crate::analysis::costs::tool_calls::ToolCalls;
use crate::model::action::{Flags, Kind, Status};
use crate::model::quantity::{Cost, Elapsed, Usage};
use crate::model::run::CostSource;
use crate::store::row::Row;

macro_rules! fields {
    ($($variant:ident = $word:literal),* $(,)?) => {
        /// What actions can be grouped by.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Field { $($variant),* }

        impl Field {
            pub const ALL: &[Field] = &[$(Field::$variant),*];

            pub fn word(self) -> &'static str {
                match self { $(Field::$variant => $word),* }
            }
        }
    };
}

fields! {
    Tool = "tool",
    Model = "model",
    Agent = "agent",
    Kind = "kind",
    Status = "status",
    User = "user",
    Run = "run",
    Task = "task",
    Trial = "trial",
    Service = "service",
    Env = "env",
    Release = "release",
    Provider = "provider",
    Turn = "turn",
    Day = "day",
    Format = "format",
    File = "file",
}

impl Field {
    pub fn from_word(word: &str) -> Option<Field> {
        Field::ALL
            .iter()
            .copied()
            .find(|field| field.word() == word)
    }

    /// Empty if not recorded.
    fn of(self, row: &Row<'_>, zone: &TimeZone) -> String {
        let who = &row.run().who;
        let name = |sym| row.store.symbols().name(sym).to_owned();
        match self {
            Field::Tool => row.tool().to_owned(),
            Field::Model => model(row).to_owned(),
            Field::Agent => row.agent().to_owned(),
            Field::Kind => row.kind().word().to_owned(),
            Field::Status => row.status().word().to_owned(),
            Field::User => row.user().to_owned(),
            Field::Run => row.run().id.to_string(),
            Field::Task => name(who.task),
            Field::Trial => name(who.trial),
            Field::Service => name(who.service),
            Field::Env => name(who.env),
            Field::Release => name(who.release),
            Field::Provider => name(who.provider),
            Field::Turn if row.turn() == 0 => String::new(),
            Field::Turn => row.turn().to_string(),
            Field::Day => day(row, zone),
            Field::Format => row.source().format.name().to_owned(),
            Field::File => row.source().path.to_string_lossy().into_owned(),
        }
    }
}

/// `2026-11-19`: the day on which an action began.
fn day(row: &Row<'_>, zone: &TimeZone) -> String {
    let time = row.time().get();
    let time = time.and_then(|us| Timestamp::from_microsecond(us).ok());
    time.map_or_else(String::new, |time| {
        let time = time.to_zoned(zone.clone());
        time.strftime("%Y-%m-%d").to_string()
    })
}

/// The model that acted. For a tool call, the model that requested it.
pub fn model<'a>(row: &Row<'a>) -> &'a str {
    match row.parent() {
        Some(parent) if row.model().is_empty() && row.kind() == Kind::ToolCall => {
            row.store.row(parent).model()
        }
        _ => row.model(),
    }
}

/// Actions with the same values in all grouping fields.
#[derive(Debug, Clone, Default)]
pub struct Group {
    pub key: Vec<String>,
    pub runs: u64,
    pub actions: u64,
    pub tool_calls: u64,
    pub errors: u64,
    pub blocked: u64,
    pub denied: u64,
    pub retries: u64,
    pub spent: Spent,
    /// `None` if no duration was recorded.
    pub durations: Option<Durations>,
}

/// Percentiles are by nearest rank, so that each is a duration that was recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Durations {
    pub p50: Elapsed,
    pub p90: Elapsed,
    pub p99: Elapsed,
    pub longest: Elapsed,
    pub total: Elapsed,
}

impl Durations {
    fn of(mut spans: Vec<Elapsed>) -> Option<Durations> {
        spans.sort_unstable();
        let sum = |a: i64, b: &Elapsed| a.saturating_add(b.0);
        Some(Durations {
            p50: nearest_rank(&spans, 50)?,
            p90: nearest_rank(&spans, 90)?,
            p99: nearest_rank(&spans, 99)?,
            longest: *spans.last()?,
            total: Elapsed(spans.iter().fold(0, sum)),
        })
    }
}

/// A group while its actions are added.
#[derive(Default)]
struct Growing {
    group: Group,
    runs: HashSet<u32>,
    spans: Vec<Elapsed>,
}

impl Group {
    /// Of a tool: its share of the model calls that asked for it.
    pub fn usage(&self) -> &Usage {
        &self.spent.usage
    }

    /// `None` if no action of the group has a known cost. Of a tool: its share of the model calls that asked
    /// for it, and what its calls cost themselves.
    pub fn cost(&self) -> Option<(Cost, CostSource)> {
        self.spent.cost()
    }

    /// The sum of all durations; `None` if none was recorded.
    pub fn total_time(&self) -> Elapsed {
        self.durations.map_or(Elapsed::NONE, |it| it.total)
    }

    /// The longest duration.
    pub fn longest(&self) -> Elapsed {
        self.durations.map_or(Elapsed::NONE, |it| it.longest)
    }
}

impl Growing {
    fn add(&mut self, row: &Row<'_>, spent: &Spent) {
        let group = &mut self.group;
        group.actions += 1;
        group.tool_calls += u64::from(row.kind() == Kind::ToolCall);
        match row.status() {
            Status::Error | Status::Timeout => group.errors += 1,
            Status::Blocked => group.blocked += 1,
            Status::Denied => group.denied += 1,
            Status::Unrecorded | Status::Ok | Status::Pending | Status::Cancelled => {}
        }
        group.retries += u64::from(row.flags().has(Flags::RETRY));
        group.spent = group.spent.plus(spent);
        self.runs.insert(row.run_ix().0);
        // A run end carries the duration of the run, not of an action.
        if row.duration().is_some() && row.kind() != Kind::RunEnd {
            self.spans.push(row.duration());
        }
    }

    fn done(self, key: Vec<String>) -> Group {
        Group {
            key,
            runs: self.runs.len() as u64,
            durations: Durations::of(self.spans),
            ..self.group
        }
    }
}

/// The time of all groups together; `None` if no duration was recorded.
pub fn time(groups: &[Group]) -> Elapsed {
    let known = groups.iter().filter_map(|group| group.total_time().get());
    known
        .reduce(i64::saturating_add)
        .map_or(Elapsed::NONE, Elapsed)
}

/// The part of this time that a group took, from 0 to 1, with four decimals.
pub fn time_share(group: &Group, time: Elapsed) -> Option<f64> {
    let (own, all) = (
        group.total_time().get()?,
        time.get().filter(|all| *all > 0)?,
    );
    Some((own as f64 / all as f64 * 10_000.0).round() / 10_000.0)
}

/// Groups `rows`: most actions first, ties by name.
///
/// Grouping by tool counts only tool calls, with their shares of the model calls that asked for them, and
/// by model only rows with a model: for a prompt, neither could have been recorded. Days begin at midnight in `zone`.
pub fn groups<'a>(
    rows: impl Iterator<Item = Row<'a>>,
    by: &[Field],
    zone: &TimeZone,
) -> Vec<Group> {
    let mut found: HashMap<Vec<String>, Growing> = HashMap::new();
    let by_tool = by.contains(&Field::Tool);
    let mut tool_calls: Option<ToolCalls> = None;
    for row in rows {
        // It counts in the session that it was copied from.
        if row.flags().has(Flags::COPIED) {
            continue;
        }
        if by_tool && row.kind() != Kind::ToolCall {
            continue;
        }
        if by == [Field::Model] && model(&row).is_empty() {
            continue;
        }
        let key: Vec<String> = by.iter().map(|field| field.of(&row, zone)).collect();
        let spent = if by_tool {
            tool_calls
                .get_or_insert_with(|| ToolCalls::of(row.store))
                .share(&row)
        } else {
            Spent::of(&row)
        };
        found.entry(key).or_default().add(&row, &spent);
    }
    let mut groups: Vec<Group> = found
        .into_iter()
        .map(|(key, growing)| growing.done(key))
        .collect();
    in_order(&mut groups);
    groups
}

/// Most actions first, ties by name.
pub fn in_order(groups: &mut [Group]) {
    groups.sort_by(|a, b| b.actions.cmp(&a.actions).then_with(|| a.key.cmp(&b.key)));
}

/// The smallest value that at least `percent` of the values do not exceed.
fn nearest_rank(sorted: &[Elapsed], percent: usize) -> Option<Elapsed> {
    let rank = (sorted.len() * percent).div_ceil(100).max(1);
    sorted.get(rank - 1).copied()
}

#[cfg(test)]
mod tests;
