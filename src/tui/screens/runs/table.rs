//! The lines of the table: which runs, in which order, under which groups. Pure.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use jiff::tz::TimeZone;

use crate::analysis::approvals;
use crate::analysis::runs::{
    CostSum, Grouping, Key, Order, Tally, has_content, shown_ids, stopped, total,
};
use crate::base::{human, text};
use crate::export::words as export;
use crate::model::quantity::{Cost, Elapsed};
use crate::model::run::{Run, RunIx, RunStatus};
use crate::store::Store;
use crate::tui::screens::outcome;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Line {
    Run(RunIx),
    /// The head of a group, by its raw name.
    Group(String),
}

impl Line {
    pub(super) fn run(&self) -> Option<RunIx> {
        match self {
            Line::Run(ix) => Some(*ix),
            Line::Group(_) => None,
        }
    }
}

/// How the user wants the table.
#[derive(Debug, Clone)]
pub(super) struct Wanted {
    pub(super) order: Order,
    pub(super) grouping: Option<Grouping>,
    pub(super) folded: HashSet<String>,
    pub(super) zone: TimeZone,
    /// The runs that the filter keeps; none for all.
    pub(super) kept: Option<Arc<HashSet<RunIx>>>,
}

#[derive(Debug, Default)]
pub(super) struct Table {
    pub(super) lines: Vec<Line>,
    /// Runs that the filter keeps, of `all`.
    pub(super) kept: usize,
    pub(super) all: usize,
    pub(super) costs: Option<CostSum>,
    /// Cells of the longest id that is shown.
    pub(super) id_width: usize,
    /// More than one name among the agents.
    pub(super) has_agents: bool,
    /// Some of the runs were judged.
    pub(super) has_grades: bool,
    /// How long runs waited for people, where that is recorded.
    pub(super) waits: HashMap<RunIx, Elapsed>,
    ids: HashMap<RunIx, String>,
    groups: HashMap<String, Group>,
}

#[derive(Debug, Default)]
struct Group {
    runs: Vec<RunIx>,
    words: String,
    facts: Vec<(&'static str, String)>,
}

impl Table {
    pub(super) fn new(store: &Store, wanted: &Wanted) -> Table {
        let all = (0..store.runs().len() as u32).map(RunIx);
        let mut kept: Vec<RunIx> = all.filter(|ix| has_content(store.run(*ix))).collect();
        let all = kept.len();
        if let Some(wanted) = &wanted.kept {
            kept.retain(|ix| wanted.contains(ix));
        }
        wanted.order.sort(store, &mut kept);
        let ids = ids(store, &kept);
        let agents: HashSet<_> = kept.iter().map(|ix| store.run(*ix).who.agent).collect();
        let mut table = Table {
            kept: kept.len(),
            all,
            costs: Some(CostSum::of(store, &kept)),
            id_width: ids.values().map(|id| text::width(id)).max().unwrap_or(0),
            has_agents: agents.len() > 1,
            has_grades: kept.iter().any(|ix| store.run(*ix).grade().is_some()),
            waits: approvals::waits(store),
            ids,
            ..Table::default()
        };
        match wanted.grouping {
            None => table.lines = kept.into_iter().map(Line::Run).collect(),
            Some(grouping) => table.gather(store, kept, (grouping, wanted)),
        }
        table
    }

    /// Groups are ordered by the totals that their lines show; by their first runs where nothing adds up.
    fn gather(&mut self, store: &Store, kept: Vec<RunIx>, (by, wanted): (Grouping, &Wanted)) {
        let mut names: Vec<String> = Vec::new();
        for ix in kept {
            let name = by.group(store, store.run(ix), &wanted.zone);
            let group = self.groups.entry(name.clone()).or_insert_with(|| {
                names.push(name);
                Group::default()
            });
            group.runs.push(ix);
        }
        order_groups(store, &mut names, (&self.groups, wanted.order));
        for name in names {
            let Some(group) = self.groups.get_mut(&name) else {
                continue;
            };
            group.words = words(store, (by, &name), (&group.runs, wanted.order.key));
            group.facts = facts(store, &group.runs);
            self.lines.push(Line::Group(name.clone()));
            if !wanted.folded.contains(&name) {
                self.lines.extend(group.runs.iter().copied().map(Line::Run));
            }
        }
    }

    /// The group that a line is in or the head of.
    pub(super) fn group_at(&self, at: usize) -> Option<&str> {
        let above = self.lines.iter().take(at + 1).rev();
        above.into_iter().find_map(|line| match line {
            Line::Group(name) => Some(name.as_str()),
            Line::Run(_) => None,
        })
    }

    pub(super) fn group_names(&self) -> impl Iterator<Item = &String> {
        self.groups.keys()
    }

    pub(super) fn group_words(&self, name: &str) -> String {
        self.groups
            .get(name)
            .map(|group| group.words.clone())
            .unwrap_or_default()
    }

    /// More about a group, with a word for each line.
    pub(super) fn group_facts(&self, name: &str) -> Vec<(&'static str, String)> {
        let group = self.groups.get(name);
        group.map(|group| group.facts.clone()).unwrap_or_default()
    }

    /// A run's id as tables show it, sanitised.
    pub(super) fn id(&self, run: RunIx) -> String {
        self.ids.get(&run).cloned().unwrap_or_default()
    }
}

fn ids(store: &Store, runs: &[RunIx]) -> HashMap<RunIx, String> {
    let ids: Vec<&str> = runs.iter().map(|ix| &*store.run(*ix).id).collect();
    let short = shown_ids(&ids);
    let clean = short.iter().map(|id| text::sanitize(id).into_owned());
    runs.iter().copied().zip(clean).collect()
}

/// A stable sort: groups with equal totals keep their order, those without a total come last.
fn order_groups(
    store: &Store,
    names: &mut [String],
    (groups, order): (&HashMap<String, Group>, Order),
) {
    let totals: HashMap<String, Option<f64>> = names
        .iter()
        .map(|name| {
            let runs = groups.get(name).map_or(&[][..], |group| &group.runs);
            (name.clone(), total(store, runs, order.key))
        })
        .collect();
    let known = |name: &String| totals.get(name).copied().flatten();
    names.sort_by(|a, b| match (known(a), known(b)) {
        (Some(a), Some(b)) if order.falling => b.total_cmp(&a),
        (Some(a), Some(b)) => a.total_cmp(&b),
        (a, b) => b.is_some().cmp(&a.is_some()),
    });
}

/// `gpt-5 · 12 runs · $4.20 · 3 errors`, and the total of what the runs are sorted by.
fn words(store: &Store, (by, name): (Grouping, &str), (runs, key): (&[RunIx], Key)) -> String {
    let name = if name.is_empty() {
        format!("no {} recorded", by.word())
    } else {
        text::sanitize(name).into_owned()
    };
    let count = runs.len() as u64;
    let plural = if count == 1 { "" } else { "s" };
    let mut parts = vec![name, format!("{} run{plural}", human::count(count))];
    parts.extend(export::right(&Tally::of(store, runs)));
    parts.extend(outcome::cost(CostSum::of(store, runs).known));
    let errors = runs
        .iter()
        .map(|ix| u64::from(store.run(*ix).totals.errors));
    let errors: u64 = errors.sum();
    if errors > 0 {
        parts.push(format!(
            "{} error{}",
            human::count(errors),
            if errors == 1 { "" } else { "s" }
        ));
    }
    parts.extend(sorted_by(store, runs, key));
    parts.join(" · ")
}

/// The total that groups are ordered by, unless their lines show it anyway.
fn sorted_by(store: &Store, runs: &[RunIx], key: Key) -> Option<String> {
    let total = total(store, runs, key)?;
    let counted = |one: &str| human::counted(total as u64, one);
    Some(match key {
        Key::Duration => human::span(total as i64),
        Key::Tokens => format!("{} tokens", human::short_count(total as u64)),
        Key::Turns => counted("turn"),
        Key::Actions => counted("action"),
        Key::Tools => counted("tool call"),
        Key::Blocked => format!("{} blocked", human::count(total as u64)),
        Key::Retries if total as u64 == 1 => "1 retry".to_owned(),
        Key::Retries => format!("{} retries", human::count(total as u64)),
        Key::Cost
        | Key::Score
        | Key::Errors
        | Key::Started
        | Key::Active
        | Key::Run
        | Key::Agent
        | Key::Model
        | Key::Outcome
        | Key::File => return None,
    })
}

/// How the runs of a group ended, what they cost together and one by one, and what went wrong in them.
fn facts(store: &Store, runs: &[RunIx]) -> Vec<(&'static str, String)> {
    let count = |status: RunStatus| {
        let of_status = runs.iter().filter(|ix| store.run(**ix).status == status);
        of_status.count() as u64
    };
    let ends = RunStatus::ALL
        .iter()
        .map(|status| (*status, count(*status)));
    let ends = ends.filter(|(_, count)| *count > 0);
    let ends = ends.map(|(status, count)| format!("{} {}", human::count(count), status.word()));
    let ends: Vec<String> = ends.collect();
    let sum = |number: fn(&Run) -> u32, (one, many): (&str, &str)| {
        let numbers = runs.iter().map(|ix| u64::from(number(store.run(*ix))));
        let all: u64 = numbers.sum();
        format!(
            "{} {}",
            human::count(all),
            if all == 1 { one } else { many }
        )
    };
    let costs = CostSum::of(store, runs);
    let known = (runs.len() - costs.unknown) as i64;
    let each = costs
        .known
        .map(|(cost, source)| (Cost(cost.0 / known.max(1)), source));
    let cost = [
        outcome::cost(costs.known),
        outcome::cost(each).map(|each| format!("{each} per run")),
        (costs.unknown > 0)
            .then(|| format!("{} of unknown cost", human::count(costs.unknown as u64))),
    ];
    let cost: Vec<String> = cost.into_iter().flatten().collect();
    let actions = [
        sum(|run| run.totals.actions, ("action", "actions")),
        sum(|run| run.totals.errors, ("error", "errors")),
        sum(stopped, ("blocked", "blocked")),
        sum(|run| run.totals.retries, ("retry", "retries")),
    ];
    vec![
        ("runs", export::tally(&Tally::of(store, runs))),
        ("ended", ends.join(" · ")),
        ("cost", cost.join(" · ")),
        ("total", actions.join(" · ")),
    ]
}
