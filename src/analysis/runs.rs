//! Runs as table rows: how they are sorted, grouped and totalled.

use std::borrow::Cow;
use std::cmp::Ordering;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::analysis::project;
use crate::analysis::statistics::ranks::{median, ordered};
use crate::base::{order, text};
use crate::model::quantity::{Cost, Elapsed};
use crate::model::run::{CostSource, Run, RunIx};
use crate::query::sql;
use crate::store::Store;

/// What runs are sorted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Key {
    Started,
    /// When it did something last.
    Active,
    Duration,
    Cost,
    Turns,
    Actions,
    Tools,
    Errors,
    Blocked,
    Retries,
    Tokens,
    Score,
    Run,
    Agent,
    Model,
    Outcome,
    File,
}

impl Key {
    pub const ALL: &[Key] = &[
        Key::Started,
        Key::Active,
        Key::Duration,
        Key::Cost,
        Key::Turns,
        Key::Actions,
        Key::Tools,
        Key::Errors,
        Key::Blocked,
        Key::Retries,
        Key::Tokens,
        Key::Score,
        Key::Run,
        Key::Agent,
        Key::Model,
        Key::Outcome,
        Key::File,
    ];

    pub fn word(self) -> &'static str {
        match self {
            Key::Started => "started",
            Key::Active => "active",
            Key::Duration => "duration",
            Key::Cost => "cost",
            Key::Turns => "turns",
            Key::Actions => "actions",
            Key::Tools => "tools",
            Key::Errors => "errors",
            Key::Blocked => "blocked",
            Key::Retries => "retries",
            Key::Tokens => "tokens",
            Key::Score => "score",
            Key::Run => "run",
            Key::Agent => "agent",
            Key::Model => "model",
            Key::Outcome => "outcome",
            Key::File => "file",
        }
    }

    /// Whether the largest value is the interesting one: numbers and times, but not names.
    pub fn is_number(self) -> bool {
        !matches!(
            self,
            Key::Run | Key::Agent | Key::Model | Key::Outcome | Key::File
        )
    }
}

/// What the runs of a group have together of what they are sorted by. `None` if that cannot be added up, or is
/// not recorded.
pub fn total(store: &Store, runs: &[RunIx], key: Key) -> Option<f64> {
    let counted = |number: fn(&Run) -> u64| {
        let numbers = runs.iter().map(|ix| number(store.run(*ix)));
        Some(numbers.sum::<u64>() as f64)
    };
    match key {
        Key::Cost => {
            let known = CostSum::of(store, runs).known;
            known.and_then(|(cost, _)| cost.get()).map(|it| it as f64)
        }
        Key::Duration => {
            let spans = runs.iter().map(|ix| store.run(*ix).duration().get());
            let known: Vec<i64> = spans.flatten().collect();
            (!known.is_empty()).then(|| known.iter().sum::<i64>() as f64)
        }
        Key::Tokens => {
            let tokens = runs
                .iter()
                .map(|ix| store.run(*ix).totals.usage.total().get());
            let known: Vec<u64> = tokens.flatten().collect();
            (!known.is_empty()).then(|| known.iter().sum::<u64>() as f64)
        }
        Key::Score => {
            let tally = Tally::of(store, runs);
            (tally.judged > 0).then(|| tally.right as f64 / tally.judged as f64)
        }
        Key::Turns => counted(|run| run.totals.turns.into()),
        Key::Actions => counted(|run| run.totals.actions.into()),
        Key::Tools => counted(|run| run.totals.tool_calls.into()),
        Key::Errors => counted(|run| run.totals.errors.into()),
        Key::Blocked => counted(|run| stopped(run).into()),
        Key::Retries => counted(|run| run.totals.retries.into()),
        Key::Started
        | Key::Active
        | Key::Run
        | Key::Agent
        | Key::Model
        | Key::Outcome
        | Key::File => None,
    }
}

/// A sort key and its direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Order {
    pub key: Key,
    pub falling: bool,
}

impl Default for Order {
    fn default() -> Order {
        Order {
            key: Key::Started,
            falling: true,
        }
    }
}

/// The value to sort by. Unknown values come last in either direction.
#[derive(Debug, PartialEq, PartialOrd)]
enum Rank {
    Number(f64),
    Name(String),
}

impl Order {
    /// Parses `cost` or `-cost`. Returns the word if it is not a key.
    pub fn parse(text: &str) -> Result<Order, &str> {
        let (name, falling) = order::parse(text);
        let key = Key::ALL.iter().copied().find(|key| key.word() == name);
        key.map(|key| Order { key, falling }).ok_or(name)
    }

    /// `-cost`, as it is parsed.
    pub fn words(self) -> String {
        order::words(self.key.word(), self.falling)
    }

    /// The same order of the rows that `load` writes, in SQL.
    pub fn sql(self) -> String {
        let column = match self.key {
            Key::Started => "started",
            Key::Active => "coalesce(ended, started)",
            Key::Duration => "duration_us",
            Key::Cost => "cost_pico",
            Key::Turns => "turns",
            Key::Actions => "actions",
            Key::Tools => "tool_calls",
            Key::Errors => "errors",
            Key::Blocked => "blocked + denied",
            Key::Retries => "retries",
            Key::Tokens => return self.in_sql(&sql::sum(sql::ALL_TOKENS)),
            Key::Score => "coalesce(score, toFloat64(correct))",
            Key::Agent => "nullIf(agent, '')",
            Key::Model => "nullIf(arrayStringConcat(models, ' '), '')",
            Key::Outcome => "status",
            Key::File => "path",
            Key::Run => "run_id",
        };
        self.in_sql(column)
    }

    fn in_sql(self, column: &str) -> String {
        let direction = if self.falling { "DESC" } else { "ASC" };
        format!("{column} {direction} NULLS LAST")
    }

    /// A stable sort: equal runs keep the order in which they were read.
    pub fn sort(self, store: &Store, runs: &mut [RunIx]) {
        runs.sort_by_cached_key(|ix| Sorted {
            rank: self.rank(store, store.run(*ix)),
            falling: self.falling,
        });
    }

    fn rank(self, store: &Store, run: &Run) -> Option<Rank> {
        let totals = &run.totals;
        let number = |number: Option<i64>| number.map(|number| Rank::Number(number as f64));
        let count = |count: u32| Some(Rank::Number(count.into()));
        let name = |name: &str| (!name.is_empty()).then(|| Rank::Name(name.to_owned()));
        match self.key {
            Key::Started => number(run.started.get()),
            Key::Active => number(run.ended.get().or(run.started.get())),
            Key::Duration => number(run.duration().get()),
            Key::Cost => number(run.cost().and_then(|(cost, _)| cost.get())),
            Key::Turns => count(totals.turns),
            Key::Actions => count(totals.actions),
            Key::Tools => count(totals.tool_calls),
            Key::Errors => count(totals.errors),
            Key::Blocked => count(stopped(run)),
            Key::Retries => count(totals.retries),
            Key::Tokens => totals
                .usage
                .total()
                .get()
                .map(|tokens| Rank::Number(tokens as f64)),
            Key::Score => {
                let right = run.correct.map(|it| f64::from(u8::from(it)));
                run.score.or(right).map(Rank::Number)
            }
            Key::Agent => name(store.symbols().name(run.who.agent)),
            Key::Model => name(&models(store, run)),
            Key::Outcome => name(run.status.word()),
            Key::File => name(&store.source(run.source).path.to_string_lossy()),
            Key::Run => name(&run.id),
        }
    }
}

struct Sorted {
    rank: Option<Rank>,
    falling: bool,
}

impl Ord for Sorted {
    fn cmp(&self, other: &Sorted) -> Ordering {
        order::compare(self.rank.as_ref(), other.rank.as_ref(), self.falling)
    }
}

impl PartialOrd for Sorted {
    fn partial_cmp(&self, other: &Sorted) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Sorted {
    fn eq(&self, other: &Sorted) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Sorted {}

/// What runs are grouped by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Grouping {
    Agent,
    Model,
    /// The repository or directory that the agent worked in.
    Project,
    /// Of a project.
    Branch,
    User,
    Task,
    Day,
    File,
}

impl Grouping {
    pub const ALL: &[Grouping] = &[
        Grouping::Agent,
        Grouping::Model,
        Grouping::Project,
        Grouping::Branch,
        Grouping::User,
        Grouping::Task,
        Grouping::Day,
        Grouping::File,
    ];

    pub fn word(self) -> &'static str {
        match self {
            Grouping::Agent => "agent",
            Grouping::Model => "model",
            Grouping::Project => "project",
            Grouping::Branch => "branch",
            Grouping::User => "user",
            Grouping::Task => "task",
            Grouping::Day => "day",
            Grouping::File => "file",
        }
    }

    pub fn find(word: &str) -> Option<Grouping> {
        Grouping::ALL
            .iter()
            .copied()
            .find(|grouping| grouping.word() == word)
    }

    /// Whether actions must be opened to find a run's group.
    pub fn opens_actions(self) -> bool {
        matches!(self, Grouping::Project | Grouping::Branch)
    }

    /// The name of a run's group, raw; empty if not recorded.
    pub fn group(self, store: &Store, run: &Run, zone: &TimeZone) -> String {
        let name = |sym| store.symbols().name(sym).to_owned();
        match self {
            Grouping::Agent => name(run.who.agent),
            Grouping::Model => models(store, run),
            Grouping::Project => project::of(store, run).place,
            Grouping::Branch => project::of(store, run).branch_words(),
            Grouping::User => name(run.who.user),
            Grouping::Task => name(run.who.task),
            Grouping::Day => run
                .started
                .get()
                .and_then(|us| Timestamp::from_microsecond(us).ok())
                .map(|time| {
                    time.to_zoned(zone.clone())
                        .strftime("%Y-%m-%d %a")
                        .to_string()
                })
                .unwrap_or_default(),
            Grouping::File => store.source(run.source).path.to_string_lossy().into_owned(),
        }
    }
}

/// The models of a run in order of first use, raw; empty if none was recorded.
pub fn models(store: &Store, run: &Run) -> String {
    let names = run.who.models.iter();
    let names: Vec<&str> = names.map(|model| store.symbols().name(*model)).collect();
    names.join(" ")
}

/// The outcomes of some runs, as far as known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tally {
    pub runs: usize,
    pub judged: usize,
    pub right: usize,
    /// The median duration of the runs that record one, as in the cohort view.
    pub median: Elapsed,
}

impl Tally {
    pub fn of(store: &Store, runs: &[RunIx]) -> Tally {
        let of_runs = || runs.iter().map(|ix| store.run(*ix));
        let judged: Vec<bool> = of_runs().filter_map(|run| run.correct).collect();
        let spans = ordered(of_runs().filter_map(|run| run.duration().millis()));
        Tally {
            runs: runs.len(),
            judged: judged.len(),
            right: judged.iter().filter(|it| **it).count(),
            median: median(&spans).map_or(Elapsed::NONE, Elapsed::from_millis),
        }
    }
}

/// Calls blocked by a policy or denied by a person.
pub fn stopped(run: &Run) -> u32 {
    run.totals.blocked.saturating_add(run.totals.denied)
}

/// Whether a run contains more than malformed lines, which belong to no run and are collected in
/// one without a name.
pub fn has_content(run: &Run) -> bool {
    !run.id.is_empty() || run.totals.actions > 0
}

/// The total cost of some runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CostSum {
    /// Of the runs whose cost is known.
    pub known: Option<(Cost, CostSource)>,
    /// The number of runs whose cost is unknown.
    pub unknown: usize,
}

impl CostSum {
    pub fn of(store: &Store, runs: &[RunIx]) -> CostSum {
        let costs = runs.iter().map(|ix| store.run(*ix).cost());
        let known: Vec<(Cost, CostSource)> = costs.flatten().collect();
        let is_recorded = |(_, source): &(Cost, CostSource)| *source == CostSource::Recorded;
        let source = if known.iter().all(is_recorded) {
            CostSource::Recorded
        } else {
            CostSource::Mixed
        };
        let sum = known.iter().fold(Cost::NONE, |sum, (cost, _)| sum + *cost);
        CostSum {
            known: (!known.is_empty()).then_some((sum, source)),
            unknown: runs.len() - known.len(),
        }
    }
}

/// Ids up to this length are shown whole.
const MAX_WHOLE: usize = 12;
/// The minimum length of a shortened id.
const MIN_LENGTH: usize = 8;

/// Shortens each id to a unique prefix of at least eight characters.
pub fn short_ids(ids: &[&str]) -> Vec<String> {
    let mut sorted: Vec<&str> = ids.to_vec();
    sorted.sort_unstable();
    sorted.dedup();
    let common = |a: &str, b: &str| a.chars().zip(b.chars()).take_while(|(a, b)| a == b).count();
    let short = |id: &&str| {
        let at = sorted.partition_point(|it| it < id);
        let before = at.checked_sub(1).map_or(0, |at| common(sorted[at], id));
        let after = sorted.get(at + 1).map_or(0, |it| common(it, id));
        let need = (before.max(after) + 1).max(MIN_LENGTH);
        if id.chars().count() <= MAX_WHOLE {
            (*id).to_owned()
        } else {
            id.chars().take(need).collect()
        }
    };
    ids.iter().map(short).collect()
}

/// Ids as tables show them: random ones as unique prefixes, the others whole, because all of a name can matter.
pub fn shown_ids(ids: &[&str]) -> Vec<String> {
    let short = short_ids(ids).into_iter();
    let shown = short.zip(ids).map(|(short, id)| {
        if is_random(id) {
            short
        } else {
            (*id).to_owned()
        }
    });
    shown.collect()
}

/// An id where there is little room, up to twelve cells: a random one by its beginning, as it is typed; of the others,
/// the middle gives way to a `…`.
pub fn brief_id(id: &str) -> Cow<'_, str> {
    if is_random(id) {
        Cow::Borrowed(id.get(..MIN_LENGTH).unwrap_or(id))
    } else {
        text::cut_middle(id, MAX_WHOLE)
    }
}

/// Hexadecimal, as UUIDs are.
fn is_random(id: &str) -> bool {
    let is_hex = |byte: u8| byte.is_ascii_hexdigit() || byte == b'-';
    id.bytes().all(is_hex) && id.bytes().any(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests;
