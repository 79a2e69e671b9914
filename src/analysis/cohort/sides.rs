//! Which runs are compared, and which are excluded and why.

use std::collections::{BTreeMap, HashSet};

use jiff::tz::TimeZone;

use crate::analysis::runs::{Grouping, has_content};
use crate::analysis::statistics::random::SplitMix64;
use crate::analysis::statistics::sample::MIN_TASKS;
use crate::ingest::formats::Format;
use crate::ingest::formats::any_json::AnyJson;
use crate::model::run::{Run, RunIx, RunStatus};
use crate::model::symbol::Sym;
use crate::store::Store;

/// Excluded runs, and the reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Excluded {
    pub reason: String,
    pub count: usize,
    /// Those that are in the store.
    pub runs: Vec<RunIx>,
}

/// The runs of both sides that can be compared.
#[derive(Debug, Clone, Default)]
pub struct Sides {
    pub a: Vec<RunIx>,
    pub b: Vec<RunIx>,
    pub excluded: Vec<Excluded>,
}

/// Excludes runs that cannot be compared: on both sides, unfinished, cancelled, or failed for
/// infrastructure reasons. The last are errors without a grade where other runs have one: counting
/// them as wrong would blame the model.
pub fn sides(store: &Store, a: &[RunIx], b: &[RunIx]) -> Sides {
    let on_a: HashSet<RunIx> = a.iter().copied().collect();
    let both: HashSet<RunIx> = b.iter().copied().filter(|run| on_a.contains(run)).collect();
    let has_grade = |run: &Run| run.correct.is_some() || run.score.is_some();
    let are_graded = a.iter().chain(b).any(|ix| has_grade(store.run(*ix)));
    let mut left_out: BTreeMap<&str, Vec<RunIx>> = BTreeMap::new();
    let mut select = |runs: &[RunIx]| -> Vec<RunIx> {
        let mut kept = Vec::new();
        for ix in runs.iter().filter(|ix| has_content(store.run(**ix))) {
            let run = store.run(*ix);
            let format = store.source(run.source).format;
            let reason = match run.status {
                _ if both.contains(ix) => "on both sides",
                _ if format.name() == AnyJson.name() => "of unknown format",
                RunStatus::Error if are_graded && !has_grade(run) => "failed without a grade",
                RunStatus::Running | RunStatus::Unfinished => "without a recorded end",
                RunStatus::Cancelled => "cancelled",
                RunStatus::Unknown | RunStatus::Ok | RunStatus::Error | RunStatus::Blocked => {
                    kept.push(*ix);
                    continue;
                }
            };
            left_out.entry(reason).or_default().push(*ix);
        }
        kept
    };
    let (a, b) = (select(a), select(b));
    let excluded = left_out.into_iter().map(|(reason, mut runs)| {
        runs.sort_unstable();
        runs.dedup();
        Excluded {
            reason: reason.to_owned(),
            count: runs.len(),
            runs,
        }
    });
    Sides {
        excluded: excluded.collect(),
        a,
        b,
    }
}

/// Which group becomes A.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Order {
    /// The earliest: A is what came before.
    #[default]
    ByTime,
    /// The one whose file was named first.
    AsNamed,
}

impl Order {
    /// Several paths are in the order that the user wants.
    pub fn of(paths: usize) -> Order {
        if paths > 1 {
            Order::AsNamed
        } else {
            Order::ByTime
        }
    }
}

/// Groups the runs. Runs whose group is not recorded are dropped. If a run has several models, the first
/// counts.
pub fn groups(
    store: &Store,
    runs: &[RunIx],
    by: Grouping,
    order: Order,
    zone: &TimeZone,
) -> Vec<(String, Vec<RunIx>)> {
    let mut groups: BTreeMap<String, Vec<RunIx>> = BTreeMap::new();
    for ix in runs {
        let run = store.run(*ix);
        let name = match (by, run.who.models.first()) {
            (Grouping::Model, Some(model)) => store.symbols().name(*model).to_owned(),
            _ => by.group(store, run, zone),
        };
        if !name.is_empty() {
            groups.entry(name).or_default().push(*ix);
        }
    }
    let mut groups: Vec<_> = groups.into_iter().collect();
    let first = |runs: &[RunIx]| {
        runs.iter()
            .filter_map(|ix| store.run(*ix).started.get())
            .min()
    };
    let source = |runs: &[RunIx]| runs.iter().map(|ix| store.run(*ix).source).min();
    match order {
        Order::ByTime => groups.sort_by_key(|(_, runs)| first(runs).unwrap_or(i64::MAX)),
        Order::AsNamed => groups.sort_by_key(|(_, runs)| (source(runs), first(runs))),
    }
    groups
}

/// The two groups that ran the same tasks, if only two did: those were made to be compared.
pub fn on_common_tasks(store: &Store, groups: &[(String, Vec<RunIx>)]) -> Option<[usize; 2]> {
    let tasks = |runs: &Vec<RunIx>| -> HashSet<Sym> {
        let tasks = runs.iter().map(|ix| store.run(*ix).who.task);
        tasks.filter(|task| task.is_some()).collect()
    };
    let tasks: Vec<HashSet<Sym>> = groups.iter().map(|(_, runs)| tasks(runs)).collect();
    let pairs = (0..tasks.len()).flat_map(|b| (0..b).map(move |a| [a, b]));
    let mut found = pairs.filter(|[a, b]| tasks[*a].intersection(&tasks[*b]).count() >= MIN_TASKS);
    match (found.next(), found.next()) {
        (Some(pair), None) => Some(pair),
        _ => None,
    }
}

/// Splits one cohort in half at random: within tasks if most tasks have several runs, otherwise by
/// task.
pub fn halves(store: &Store, runs: &[RunIx], seed: u64) -> (Vec<RunIx>, Vec<RunIx>) {
    let mut random = SplitMix64::new(seed);
    let mut tasks: BTreeMap<&str, Vec<RunIx>> = BTreeMap::new();
    let mut alone = Vec::new();
    for ix in runs {
        match store.run(*ix).who.task {
            Sym::NONE => alone.push(*ix),
            task => tasks
                .entry(store.symbols().name(task))
                .or_default()
                .push(*ix),
        }
    }
    let repeated = tasks.values().filter(|runs| runs.len() > 1).count();
    let mut groups: Vec<Vec<RunIx>> = tasks.into_values().collect();
    if repeated * 2 >= groups.len() && alone.is_empty() && repeated > 0 {
        let (mut a, mut b) = (Vec::new(), Vec::new());
        for group in &mut groups {
            shuffle(group, &mut random);
            let mut half = group.len() / 2;
            half += usize::from(group.len() % 2 == 1 && random.below(2) == 1);
            let (left, right) = group.split_at(half);
            a.extend_from_slice(left);
            b.extend_from_slice(right);
        }
        return (a, b);
    }
    groups.extend(alone.into_iter().map(|ix| vec![ix]));
    shuffle(&mut groups, &mut random);
    let right = groups.split_off(groups.len() / 2);
    (groups.concat(), right.concat())
}

/// The Fisher–Yates shuffle.
fn shuffle<T>(list: &mut [T], random: &mut SplitMix64) {
    for last in (1..list.len()).rev() {
        list.swap(last, random.below(last as u64 + 1) as usize);
    }
}
