//! Tracks followed runs as data arrives.

use std::collections::BTreeSet;
use std::ops::Range;

use super::{Life, Open, Rate};
use crate::analysis::runs::has_content;
use crate::analysis::windows::window;
use crate::model::action::{ActionIx, Flags, Kind, SourceIx, Status, Verdict};
use crate::model::outcome::AttachedKind;
use crate::model::quantity::Cost;
use crate::model::run::{CostSource, Run, RunIx, RunStatus};
use crate::store::Store;
use crate::store::row::Row;

/// What one batch added to the store.
#[derive(Debug, Clone)]
pub struct Arrival<'a> {
    pub rows: Range<u32>,
    pub settled: &'a [ActionIx],
    pub runs: &'a [RunIx],
}

/// When data last arrived for each run, what it has open, and its rate.
#[derive(Debug, Default)]
pub struct Pulse {
    /// By run.
    beats: Vec<RunPulse>,
    /// How many of them are active.
    active: usize,
    all: Rate,
    /// The known cost of all runs, in picodollars, and whether it includes estimates.
    spent: Option<(i64, bool)>,
    /// When following began. What arrived before is not news.
    since: Option<i64>,
    /// Actions before this one were evicted.
    first: u32,
    /// Sources whose writers are gone.
    gone: BTreeSet<SourceIx>,
    is_over: bool,
}

/// The state of one run. Kept small, since there may be very many that ended.
#[derive(Debug, Default)]
struct RunPulse {
    /// When data last arrived, by our clock; `None` if nothing has since following began.
    last_data: Option<i64>,
    has_end: bool,
    actions: u32,
    /// The sum over its calls, and the cost of the whole run, both in picodollars.
    sum: i64,
    cost: i64,
    /// Its newest prompt, model call or tool call.
    last: Option<ActionIx>,
    activity: Option<Box<Activity>>,
}

/// State that matters only while a run is active.
#[derive(Debug, Default)]
struct Activity {
    /// Pending calls and approvals, oldest first.
    open: BTreeSet<ActionIx>,
    /// The main agent's last model call.
    called: Option<ActionIx>,
    rate: Rate,
}

/// Beyond this many active runs, those that have ended are dropped.
const MAX_ACTIVE: usize = 10_000;

impl Pulse {
    /// The existing data is loaded: from now on, everything is news.
    pub fn begin(&mut self, now: i64) {
        self.since.get_or_insert(now);
        self.all.begin(now);
    }

    /// Nothing more can arrive.
    pub fn end(&mut self) {
        self.is_over = true;
    }

    pub fn is_over(&self) -> bool {
        self.is_over
    }

    /// A source lost its writer, or has one again.
    pub fn miss(&mut self, source: SourceIx, is_gone: bool) {
        if is_gone {
            self.gone.insert(source);
        } else {
            self.gone.remove(&source);
        }
    }

    /// Records what arrived. Call after the store has taken it.
    pub fn see(&mut self, store: &Store, arrival: &Arrival<'_>, now: i64) {
        self.beats
            .resize_with(store.runs().len().max(self.beats.len()), RunPulse::default);
        self.evict(store.first());
        let rows = arrival.rows.start.max(store.first())..arrival.rows.end;
        for ix in rows.map(ActionIx) {
            let row = store.row(ix);
            let is_main = row.kind() == Kind::Response && !is_lane(&row);
            if row.kind() == Kind::RunEnd {
                self.beats[row.run_ix().0 as usize].has_end = true;
            }
            if is_main {
                self.activity(row.run_ix()).called = Some(ix);
            }
            if is_open(&row) {
                self.activity(row.run_ix()).open.insert(ix);
            }
            if shows_activity(&row) {
                self.beats[row.run_ix().0 as usize].last = Some(ix);
            }
        }
        for &ix in arrival.settled.iter().filter(|ix| ix.0 >= store.first()) {
            let row = store.row(ix);
            if is_open(&row) {
                self.activity(row.run_ix()).open.insert(ix);
            } else if let Some(activity) = &mut self.beats[row.run_ix().0 as usize].activity {
                activity.open.remove(&ix);
            }
        }
        for &ix in arrival.runs {
            self.record(ix, store.run(ix), now);
        }
        if self.active > 2 * MAX_ACTIVE {
            self.drop_ended(now);
        }
    }

    fn activity(&mut self, ix: RunIx) -> &mut Activity {
        let activity = &mut self.beats[ix.0 as usize].activity;
        self.active += usize::from(activity.is_none());
        activity.get_or_insert_default()
    }

    /// Evicted actions are not open.
    fn evict(&mut self, first: u32) {
        if self.first == first {
            return;
        }
        self.first = first;
        let first = ActionIx(first);
        for activity in self.beats.iter_mut().filter_map(|it| it.activity.as_mut()) {
            activity.open = activity.open.split_off(&first);
            activity.called = activity.called.filter(|ix| *ix >= first);
        }
    }

    fn record(&mut self, ix: RunIx, run: &Run, now: i64) {
        // Evicted runs keep their final cost.
        if !has_content(run) {
            return;
        }
        let at = ix.0 as usize;
        if let Some((cost, source)) = run.cost() {
            let (spent, is_estimate) = self.spent.unwrap_or_default();
            let cost = cost.get().unwrap_or_default();
            let spent = spent.saturating_add(cost - self.beats[at].cost);
            self.spent = Some((spent, is_estimate || source != CostSource::Recorded));
            self.beats[at].cost = cost;
        }
        let totals = &run.totals;
        // A total recorded at the end of a run was not spent at that moment.
        let sum = (totals.recorded_cost + totals.estimated_cost).get();
        let sum = sum.unwrap_or_default();
        if let Some(since) = self.since {
            let beat = &mut self.beats[at];
            beat.last_data = Some(now);
            let actions = u64::from(totals.actions.saturating_sub(beat.actions));
            let spent = sum.saturating_sub(beat.sum);
            let rate = &mut self.activity(ix).rate;
            rate.begin(since);
            rate.add(now, actions, spent);
            self.all.add(now, actions, spent);
        }
        let beat = &mut self.beats[at];
        (beat.actions, beat.sum) = (totals.actions, sum);
    }

    /// Drops the activity of runs that have ended and are quiet.
    fn drop_ended(&mut self, now: i64) {
        for beat in self.beats.iter_mut().filter(|beat| beat.has_end) {
            if beat
                .activity
                .as_ref()
                .is_some_and(|it| it.rate.is_quiet(now))
            {
                beat.activity = None;
            }
        }
        self.active = self.beats.iter().filter(|it| it.activity.is_some()).count();
    }

    pub fn life(&self, store: &Store, ix: RunIx, now: i64) -> Life {
        let run = store.run(ix);
        let beat = self.beats.get(ix.0 as usize);
        let has_end = !matches!(run.status, RunStatus::Unknown | RunStatus::Running);
        if has_end || beat.is_some_and(|beat| beat.has_end) {
            return Life::Recorded(run.status);
        }
        if self.is_over || self.gone.contains(&run.source) {
            return Life::Gone;
        }
        let last_data = beat.and_then(|beat| beat.last_data).or(run.ended.get());
        // Without any time, the recorded status is all we can say.
        let Some(last_data) = last_data else {
            return Life::Recorded(run.status);
        };
        let open = beat.and_then(|beat| beat.open(store, last_data, now));
        Life::of(open, (now - last_data).max(0))
    }

    /// Microseconds since an action was opened. `None` if it is not open or its run has ended.
    pub fn clock(&self, row: &Row<'_>, now: i64) -> Option<i64> {
        if !is_open(row) {
            return None;
        }
        let life = self.life(row.store, row.run_ix(), now);
        if matches!(life, Life::Recorded(_) | Life::Gone) {
            return None;
        }
        let beat = self.beats.get(row.run_ix().0 as usize);
        let last_data = beat.and_then(|beat| beat.last_data);
        Some(since(row, last_data.unwrap_or(now), now))
    }

    /// What a run is doing: the call that waits for a person, else the newest open call, else what it did last.
    pub fn doing(&self, store: &Store, ix: RunIx) -> Option<ActionIx> {
        let beat = self.beats.get(ix.0 as usize)?;
        let open = || beat.activity.iter().flat_map(|it| it.open.iter().rev());
        let asked = open().find(|ix| store.row(**ix).flags().has(Flags::WAITING));
        let found = asked.or_else(|| open().next()).copied().or(beat.last);
        found.filter(|ix| ix.0 >= store.first())
    }

    /// The percentage of the context window used by the main agent's last model call. `None` if
    /// tokens or window are unknown.
    pub fn context(&self, store: &Store, ix: RunIx) -> Option<u64> {
        let row = store.row(self.known(ix)?.called?);
        let usage = row.usage();
        let parts = [usage.input, usage.cache_read, usage.cache_write];
        let used: u64 = parts.iter().map(|tokens| tokens.or_zero()).sum();
        let window = window(row.model()).filter(|window| used > 0 && used <= *window)?;
        Some(used * 100 / window)
    }

    pub fn rate(&self, ix: RunIx) -> Option<&Rate> {
        self.known(ix).map(|activity| &activity.rate)
    }

    fn known(&self, ix: RunIx) -> Option<&Activity> {
        self.beats.get(ix.0 as usize)?.activity.as_deref()
    }

    /// The known cost of all runs, and whether it includes estimates.
    pub fn spent(&self) -> Option<(Cost, CostSource)> {
        let (spent, is_estimate) = self.spent?;
        let source = if is_estimate {
            CostSource::Mixed
        } else {
            CostSource::Recorded
        };
        Some((Cost(spent), source))
    }

    /// Of all runs together.
    pub fn rate_of_all(&self) -> &Rate {
        &self.all
    }
}

impl RunPulse {
    /// The oldest pending approval, since a person has to act, otherwise the oldest pending call.
    fn open(&self, store: &Store, last_data: i64, now: i64) -> Option<Open> {
        let activity = self.activity.as_ref()?;
        let rows = || activity.open.iter().map(|ix| store.row(*ix));
        let span = |row: &Row<'_>| since(row, last_data, now);
        let asked = rows().find(|row| row.flags().has(Flags::WAITING));
        asked
            .map(|row| Open::Asked(span(&row)))
            .or_else(|| rows().next().map(|row| Open::Called(span(&row))))
    }
}

fn is_open(row: &Row<'_>) -> bool {
    row.status() == Status::Pending || row.flags().has(Flags::WAITING)
}

fn shows_activity(row: &Row<'_>) -> bool {
    let is_told = matches!(row.kind(), Kind::Prompt | Kind::Response | Kind::ToolCall);
    is_told && !row.flags().has(Flags::COPIED) && !row.flags().has(Flags::META)
}

fn is_lane(row: &Row<'_>) -> bool {
    let symbols = row.store.symbols();
    let mut lanes = row.run().lanes.iter();
    lanes.any(|lane| symbols.name(lane.agent) == row.agent())
}

/// Microseconds since something was opened: by its recorded time unless that is in the future,
/// otherwise since data last arrived.
fn since(row: &Row<'_>, last_data: i64, now: i64) -> i64 {
    let asked = row.attached().filter(|attached| {
        attached.kind == AttachedKind::Approval && attached.verdict == Verdict::Requested
    });
    let asked = asked.map(|attached| attached.time).last();
    let recorded = asked.filter(|time| time.is_some()).unwrap_or(row.time());
    let begun = recorded
        .get()
        .filter(|begun| *begun <= now)
        .unwrap_or(last_data);
    (now - begun).max(0)
}
