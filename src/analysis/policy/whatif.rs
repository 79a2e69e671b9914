//! What would have been decided, compared with what was: the table, the first change of every run, and what no rule
//! covers.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use crate::analysis::policy::history::{Judged, recorded, was_asked};
use crate::analysis::policy::modes::Modes;
use crate::analysis::policy::set;
use crate::analysis::policy::{Dead, Effect, RuleIx, Verdict};
use crate::model::action::ActionIx;
use crate::model::outcome::AttachedKind;
use crate::model::quantity::Elapsed;
use crate::model::run::RunIx;
use crate::model::symbol::Sym;
use crate::store::Store;

/// A call whose verdict differs from what it is compared with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    pub ix: ActionIx,
    pub run: RunIx,
    pub was: Verdict,
    pub now: Verdict,
    /// A person was asked about it, whatever the answer; or the other policy asks.
    pub was_asked: bool,
}

impl Change {
    /// Whether the call would newly be stopped, or no longer be.
    fn is_about_a_stop(&self) -> bool {
        let (was, now) = (self.was.effect, self.now.effect);
        (was == Effect::Deny) != (now == Effect::Deny) && was != Effect::Unknown
    }

    /// Whether both verdicts are known: a call whose outcome is not recorded may have gone the same way.
    pub fn is_known(&self) -> bool {
        self.was.effect != Effect::Unknown && self.now.effect != Effect::Unknown
    }
}

/// The result of a what-if.
#[derive(Debug, Clone, Default)]
pub struct Report {
    pub calls: u64,
    pub runs: u64,
    /// Calls by what was and what would be; a warning counts as allowed.
    pub table: BTreeMap<(Effect, Effect), u64>,
    /// The same, in runs.
    pub table_runs: BTreeMap<(Effect, Effect), u64>,
    /// All calls whose effect differs, in order. Those after a first change are counterfactual.
    pub changes: Vec<Change>,
    /// The first call of each run that would be stopped, or not be stopped any more.
    pub first: Vec<Change>,
    /// Calls after the first change of their run.
    pub behind: u64,
    /// How many calls each rule decides, in the order of the rules.
    pub hits: Vec<u64>,
    pub by_no_rule: u64,
    /// Calls that no rule covers, by tool, most first.
    pub uncovered: Vec<(String, u64)>,
    /// Why calls cannot be judged, most first.
    pub unjudged: Vec<(String, u64)>,
    pub errors: Vec<Failure>,
    /// Calls by the permission mode that their run records, where verdicts depend on it; most first.
    pub modes: Vec<(String, u64)>,
    pub asks: Asks,
}

/// A rule that could not be evaluated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    pub rule: Option<RuleIx>,
    pub message: String,
    pub calls: u64,
}

/// How often people are asked, whatever they answer. Calls whose verdict is an error are not counted: the guard asks
/// about them too, but the rule has to be mended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Asks {
    pub before: u64,
    pub after: u64,
    /// Calls that would be asked about, but were not.
    pub newly: u64,
    pub no_longer: u64,
    /// Days (UTC) with a call that has a time.
    pub days: u64,
    /// The median of the recorded waits.
    pub wait: Elapsed,
}

/// What the verdicts are compared with.
#[derive(Debug, Clone, Copy)]
pub enum Against<'a> {
    Recorded,
    /// The verdicts of another policy on the same calls.
    Policy(&'a [Judged]),
}

/// Adds up verdicts. `kept` chooses the calls that count; `modes` are those that the calls were judged by.
pub fn report(
    store: &Store,
    (set, modes): (&set::Set, &Modes),
    (judged, against): (&[Judged], Against<'_>),
    kept: &dyn Fn(ActionIx) -> bool,
) -> Report {
    let mut sums = Sums {
        report: Report {
            hits: vec![0; set.rules().count()],
            ..Report::default()
        },
        ..Sums::default()
    };
    let looks = set.looks_at_mode();
    let mode = |ix: ActionIx| modes.at(&store.row(ix)).filter(|_| looks);
    for (at, judged) in judged.iter().enumerate().filter(|(_, it)| kept(it.ix)) {
        let Some(before) = before(store, (at, judged.ix), against) else {
            continue;
        };
        sums.add(store, judged, before);
        sums.count_mode(mode(judged.ix));
    }
    sums.finish(store)
}

/// What a call is compared with.
struct Before {
    verdict: Verdict,
    was_asked: bool,
}

fn before(store: &Store, (at, ix): (usize, ActionIx), against: Against<'_>) -> Option<Before> {
    match against {
        Against::Recorded => {
            let row = store.row(ix);
            Some(Before {
                verdict: Verdict::default(recorded(&row)),
                was_asked: was_asked(&row),
            })
        }
        Against::Policy(others) => others.get(at).map(|other| Before {
            verdict: other.verdict.clone(),
            was_asked: other.verdict.effect == Effect::Ask,
        }),
    }
}

type Set<T> = HashSet<T, foldhash::fast::RandomState>;
type Map<K, V> = HashMap<K, V, foldhash::fast::RandomState>;

/// Calls by what was and what would be, a row of new effects for each old one.
type Cells = [[u64; Effect::ALL.len()]; Effect::ALL.len()];

#[derive(Default)]
struct Sums {
    report: Report,
    /// Per run, the cells of the table that it has calls in.
    runs: Map<RunIx, Cells>,
    changed: Set<RunIx>,
    uncovered: Map<Sym, u64>,
    unjudged: HashMap<Cow<'static, str>, u64>,
    errors: BTreeMap<(Option<RuleIx>, Cow<'static, str>), u64>,
    in_mode: BTreeMap<String, u64>,
    days: BTreeSet<i64>,
    waits: Vec<i64>,
}

impl Sums {
    fn add(&mut self, store: &Store, judged: &Judged, before: Before) {
        let row = store.row(judged.ix);
        let run = row.run_ix();
        let report = &mut self.report;
        let (then, now) = (seen(before.verdict.effect), seen(judged.verdict.effect));
        report.calls += 1;
        self.runs.entry(run).or_default()[then as usize][now as usize] += 1;
        let rule = judged.verdict.rule;
        let hits = rule.and_then(|ix| report.hits.get_mut(ix.0 as usize));
        if let Some(hits) = hits {
            *hits += 1;
        } else {
            report.by_no_rule += 1;
            *self.uncovered.entry(row.tool_sym()).or_default() += 1;
        }
        if !judged.verdict.why.is_empty() {
            let why = judged.verdict.why.clone();
            *self.unjudged.entry(why).or_default() += 1;
        }
        if now == Effect::Error {
            let key = (judged.verdict.rule, judged.verdict.why.clone());
            *self.errors.entry(key).or_default() += 1;
        }
        report.asks.count(before.was_asked, now == Effect::Ask);
        self.days.extend(row.time().day());
        let waits = row
            .attached()
            .filter(|it| it.kind == AttachedKind::Approval);
        self.waits.extend(waits.filter_map(|it| it.wait.get()));
        self.compare(judged, before, run);
    }

    fn compare(&mut self, judged: &Judged, before: Before, run: RunIx) {
        let (then, now) = (seen(before.verdict.effect), seen(judged.verdict.effect));
        let is_behind = self.changed.contains(&run);
        self.report.behind += u64::from(is_behind);
        if then == now {
            return;
        }
        let change = Change {
            ix: judged.ix,
            run,
            was: before.verdict,
            now: judged.verdict.clone(),
            was_asked: before.was_asked,
        };
        if !is_behind && change.is_about_a_stop() {
            self.changed.insert(run);
            self.report.first.push(change.clone());
        }
        self.report.changes.push(change);
    }

    fn count_mode(&mut self, mode: Option<&str>) {
        let Some(mode) = mode else { return };
        if let Some(calls) = self.in_mode.get_mut(mode) {
            *calls += 1;
        } else {
            self.in_mode.insert(mode.to_owned(), 1);
        }
    }

    fn finish(self, store: &Store) -> Report {
        let mut report = self.report;
        report.runs = self.runs.len() as u64;
        for cells in self.runs.values() {
            report.add(cells);
        }
        let tools = self.uncovered.into_iter();
        let name = |tool: Sym| store.symbols().name(tool).to_owned();
        report.uncovered = most_first(tools.map(|(tool, calls)| (name(tool), calls)));
        let unjudged = self.unjudged.into_iter();
        report.unjudged = most_first(unjudged.map(|(why, calls)| (why.into_owned(), calls)));
        let errors = self.errors.into_iter();
        report.errors = errors
            .map(|((rule, message), calls)| Failure {
                rule,
                message: message.into_owned(),
                calls,
            })
            .collect();
        report.modes = most_first(self.in_mode.into_iter());
        report.asks.days = self.days.len() as u64;
        report.asks.wait = median(self.waits);
        report
    }
}

impl Asks {
    fn count(&mut self, before: bool, after: bool) {
        self.before += u64::from(before);
        self.after += u64::from(after);
        self.newly += u64::from(after && !before);
        self.no_longer += u64::from(before && !after);
    }

    /// Rounded; none where no call has a time.
    pub fn per_day(&self) -> Option<u64> {
        (self.days > 0).then(|| (self.after + self.days / 2) / self.days)
    }

    /// How long people would be waited for, in minutes, at the recorded median.
    pub fn minutes(&self) -> Option<f64> {
        self.wait
            .get()
            .map(|wait| self.after as f64 * wait as f64 / 60_000_000.0)
    }
}

impl Report {
    /// Adds the calls of one run.
    fn add(&mut self, cells: &Cells) {
        for (was, row) in Effect::ALL.iter().zip(cells) {
            for (now, calls) in Effect::ALL.iter().zip(row).filter(|(_, calls)| **calls > 0) {
                *self.table.entry((*was, *now)).or_default() += calls;
                *self.table_runs.entry((*was, *now)).or_default() += 1;
            }
        }
    }

    /// How many calls have a verdict that is known to change.
    pub fn changed(&self) -> u64 {
        self.changes.iter().filter(|it| it.is_known()).count() as u64
    }

    pub fn cell(&self, was: Effect, now: Effect) -> u64 {
        self.table.get(&(was, now)).copied().unwrap_or(0)
    }

    /// Calls that ran or needed approval, and would be stopped.
    pub fn newly_denied(&self) -> u64 {
        let others = Effect::ALL.iter().filter(|was| **was != Effect::Deny);
        others.map(|was| self.cell(*was, Effect::Deny)).sum()
    }

    /// Calls that were stopped, and would not even need approval.
    pub fn newly_allowed(&self) -> u64 {
        self.cell(Effect::Deny, Effect::Allow)
    }

    pub fn errors(&self) -> u64 {
        Effect::ALL
            .iter()
            .map(|was| self.cell(*was, Effect::Error))
            .sum()
    }
}

/// Rules that decided nothing although they could have.
pub fn never_hit(set: &set::Set, report: &Report) -> Vec<RuleIx> {
    let rules = set.rules().zip(&report.hits).enumerate();
    let never = rules.filter(|(_, (rule, hits))| rule.dead.is_none() && **hits == 0);
    never.map(|(at, _)| RuleIx(at as u32)).collect()
}

/// Rules that can decide nothing, and why.
pub fn dead(set: &set::Set) -> Vec<(RuleIx, &Dead)> {
    let rules = set.rules().enumerate();
    rules
        .filter_map(|(at, rule)| Some((RuleIx(at as u32), rule.dead.as_ref()?)))
        .collect()
}

/// In a table, a warning is an allowed call.
pub fn seen(effect: Effect) -> Effect {
    match effect {
        Effect::Warn => Effect::Allow,
        effect => effect,
    }
}

fn most_first(counts: impl Iterator<Item = (String, u64)>) -> Vec<(String, u64)> {
    let mut all: Vec<(String, u64)> = counts.collect();
    all.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    all
}

fn median(mut all: Vec<i64>) -> Elapsed {
    all.sort_unstable();
    let middle = all.get(all.len().saturating_sub(1) / 2);
    middle.map_or(Elapsed::NONE, |wait| Elapsed(*wait))
}
