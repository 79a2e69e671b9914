//! What was heard of runs while they are followed.

use std::collections::BTreeSet;
use std::ops::Range;

use super::{Life, Open, Rate};
use crate::analysis::runs::is_told;
use crate::analysis::windows::window;
use crate::model::action::{ActionIx, Flags, Kind, SourceIx, Status, Verdict};
use crate::model::outcome::AttachedKind;
use crate::model::quantity::Cost;
use crate::model::run::{CostSource, Run, RunIx, RunStatus};
use crate::store::Store;
use crate::store::row::Row;

/// What came with one message.
#[derive(Debug, Clone)]
pub struct Seen<'a> {
    pub rows: Range<u32>,
    pub settled: &'a [ActionIx],
    pub runs: &'a [RunIx],
}

/// When which run was heard of, what it has open and how fast it goes.
#[derive(Debug, Default)]
pub struct Pulse {
    /// By run.
    beats: Vec<Beat>,
    /// So many of them are lively.
    lively: usize,
    all: Rate,
    /// What all runs cost as far as it is known, in picodollars, and whether an estimate is among it.
    spent: Option<(i64, bool)>,
    /// Since when what comes is news and not what was there.
    since: Option<i64>,
    /// Actions before this one were let go.
    first: u32,
    /// Sources whose writers went away.
    gone: BTreeSet<SourceIx>,
    is_over: bool,
}

/// What is known of a run. There may be very many that ended.
#[derive(Debug, Default)]
struct Beat {
    /// By the clock of whoever looks; none when nothing came since following began.
    heard: Option<i64>,
    has_end: bool,
    actions: u32,
    /// The sum over its calls, and what it costs as a whole; in picodollars.
    sum: i64,
    cost: i64,
    lively: Option<Box<Lively>>,
}

/// What matters of a run as long as something happens in it.
#[derive(Debug, Default)]
struct Lively {
    /// Calls without a result and questions without an answer, the oldest first.
    open: BTreeSet<ActionIx>,
    /// The last call of the main agent's model.
    called: Option<ActionIx>,
    rate: Rate,
}

/// Beyond so many lively runs it is looked which of them have ended.
const KEEP: usize = 10_000;

impl Pulse {
    /// What was there is loaded: from now on all is news.
    pub fn begin(&mut self, now: i64) {
        self.since.get_or_insert(now);
        self.all.begin(now);
    }

    /// Nothing can come any more.
    pub fn end(&mut self) {
        self.is_over = true;
    }

    pub fn is_over(&self) -> bool {
        self.is_over
    }

    /// The writer of a source went away, or somebody writes there again.
    pub fn miss(&mut self, source: SourceIx, is_gone: bool) {
        if is_gone {
            self.gone.insert(source);
        } else {
            self.gone.remove(&source);
        }
    }

    /// Takes in what came, after the store did.
    pub fn see(&mut self, store: &Store, seen: &Seen<'_>, now: i64) {
        self.beats
            .resize_with(store.runs().len().max(self.beats.len()), Beat::default);
        self.let_go(store.first());
        let rows = seen.rows.start.max(store.first())..seen.rows.end;
        for ix in rows.map(ActionIx) {
            let row = store.row(ix);
            let is_main = row.kind() == Kind::Response && !is_lane(&row);
            if row.kind() == Kind::RunEnd {
                self.beats[row.run_ix().0 as usize].has_end = true;
            }
            if is_main {
                self.lively(row.run_ix()).called = Some(ix);
            }
            if is_open(&row) {
                self.lively(row.run_ix()).open.insert(ix);
            }
        }
        for &ix in seen.settled.iter().filter(|ix| ix.0 >= store.first()) {
            let row = store.row(ix);
            if is_open(&row) {
                self.lively(row.run_ix()).open.insert(ix);
            } else if let Some(lively) = &mut self.beats[row.run_ix().0 as usize].lively {
                lively.open.remove(&ix);
            }
        }
        for &ix in seen.runs {
            self.hear(ix, store.run(ix), now);
        }
        if self.lively > 2 * KEEP {
            self.calm(now);
        }
    }

    fn lively(&mut self, ix: RunIx) -> &mut Lively {
        let lively = &mut self.beats[ix.0 as usize].lively;
        self.lively += usize::from(lively.is_none());
        lively.get_or_insert_default()
    }

    /// Of what nobody keeps any more nothing is open.
    fn let_go(&mut self, first: u32) {
        if self.first == first {
            return;
        }
        self.first = first;
        let first = ActionIx(first);
        for lively in self.beats.iter_mut().filter_map(|it| it.lively.as_mut()) {
            lively.open = lively.open.split_off(&first);
            lively.called = lively.called.filter(|ix| *ix >= first);
        }
    }

    fn hear(&mut self, ix: RunIx, run: &Run, now: i64) {
        // A run that was let go came to what it came to.
        if !is_told(run) {
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
        // What a recorder tells of a whole run at its end was not spent in that moment.
        let sum = (totals.recorded_cost + totals.estimated_cost).get();
        let sum = sum.unwrap_or_default();
        if let Some(since) = self.since {
            let beat = &mut self.beats[at];
            beat.heard = Some(now);
            let actions = u64::from(totals.actions.saturating_sub(beat.actions));
            let spent = sum.saturating_sub(beat.sum);
            let rate = &mut self.lively(ix).rate;
            rate.begin(since);
            rate.add(now, actions, spent);
            self.all.add(now, actions, spent);
        }
        let beat = &mut self.beats[at];
        (beat.actions, beat.sum) = (totals.actions, sum);
    }

    /// Of runs that ended and are quiet nothing need be remembered but what they came to.
    fn calm(&mut self, now: i64) {
        for beat in self.beats.iter_mut().filter(|beat| beat.has_end) {
            if beat.lively.as_ref().is_some_and(|it| it.rate.is_quiet(now)) {
                beat.lively = None;
            }
        }
        self.lively = self.beats.iter().filter(|it| it.lively.is_some()).count();
    }

    pub fn life(&self, store: &Store, ix: RunIx, now: i64) -> Life {
        let run = store.run(ix);
        let beat = self.beats.get(ix.0 as usize);
        let has_end = !matches!(run.status, RunStatus::Unknown | RunStatus::Running);
        if has_end || beat.is_some_and(|beat| beat.has_end) {
            return Life::Told(run.status);
        }
        if self.is_over || self.gone.contains(&run.source) {
            return Life::Gone;
        }
        let heard = beat.and_then(|beat| beat.heard).or(run.ended.get());
        // Of a run of which nothing tells a time it can only be said that it was there.
        let Some(heard) = heard else {
            return Life::Told(run.status);
        };
        let open = beat.and_then(|beat| beat.open(store, heard, now));
        Life::of(open, (now - heard).max(0))
    }

    /// How many microseconds an action has been open; none when it is not, or when its run has ended.
    pub fn clock(&self, row: &Row<'_>, now: i64) -> Option<i64> {
        if !is_open(row) {
            return None;
        }
        let life = self.life(row.store, row.run_ix(), now);
        if matches!(life, Life::Told(_) | Life::Gone) {
            return None;
        }
        let beat = self.beats.get(row.run_ix().0 as usize);
        let heard = beat.and_then(|beat| beat.heard);
        Some(since(row, heard.unwrap_or(now), now))
    }

    /// How full the window of the model is after the last call of the main agent, in percent; none where the
    /// trace tells no tokens or the window is not known.
    pub fn context(&self, store: &Store, ix: RunIx) -> Option<u64> {
        let row = store.row(self.known(ix)?.called?);
        let usage = row.usage();
        let parts = [usage.input, usage.cache_read, usage.cache_write];
        let used: u64 = parts.iter().map(|tokens| tokens.or_zero()).sum();
        let window = window(row.model()).filter(|window| used > 0 && used <= *window)?;
        Some(used * 100 / window)
    }

    pub fn rate(&self, ix: RunIx) -> Option<&Rate> {
        self.known(ix).map(|lively| &lively.rate)
    }

    fn known(&self, ix: RunIx) -> Option<&Lively> {
        self.beats.get(ix.0 as usize)?.lively.as_deref()
    }

    /// What all runs cost, as far as it is known, and whether that holds estimates.
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

impl Beat {
    /// A question to a person comes before a call: somebody has to do something. Of several the oldest.
    fn open(&self, store: &Store, heard: i64, now: i64) -> Option<Open> {
        let lively = self.lively.as_ref()?;
        let rows = || lively.open.iter().map(|ix| store.row(*ix));
        let span = |row: &Row<'_>| since(row, heard, now);
        let asked = rows().find(|row| row.flags().has(Flags::WAITING));
        asked
            .map(|row| Open::Asked(span(&row)))
            .or_else(|| rows().next().map(|row| Open::Called(span(&row))))
    }
}

fn is_open(row: &Row<'_>) -> bool {
    row.status() == Status::Pending || row.flags().has(Flags::WAITING)
}

fn is_lane(row: &Row<'_>) -> bool {
    let symbols = row.store.symbols();
    let mut lanes = row.run().lanes.iter();
    lanes.any(|lane| symbols.name(lane.agent) == row.agent())
}

/// Since when something is open: since it was asked or called, where that is recorded and not in the future,
/// else since the run was heard of last.
fn since(row: &Row<'_>, heard: i64, now: i64) -> i64 {
    let asked = row.attached().filter(|attached| {
        attached.kind == AttachedKind::Approval && attached.verdict == Verdict::Requested
    });
    let asked = asked.map(|attached| attached.time).last();
    let told = asked.filter(|time| time.is_some()).unwrap_or(row.time());
    let begun = told.get().filter(|begun| *begun <= now).unwrap_or(heard);
    (now - begun).max(0)
}
