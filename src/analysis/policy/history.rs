//! Policies asked about recorded calls. Opens only calls whose arguments some rule of their tool looks at, and judges
//! equal calls once.

use std::collections::HashMap;

use memchr::memmem;
use serde_json::Value;

use crate::analysis::policy::call::{Call, Of};
use crate::analysis::policy::modes::Modes;
use crate::analysis::policy::past::{self, Past, PastCalls, Record, Spent};
use crate::analysis::policy::set::Set;
use crate::analysis::policy::{Before, Context, Effect, Needs, Verdict};
use crate::base::cancel::CancelFlag;
use crate::ingest::body::Body;
use crate::ingest::json::Cursor;
use crate::model::action::{ActionIx, Kind, SourceIx, Status};
use crate::model::chunk::CHUNK_ROWS;
use crate::model::outcome::AttachedKind;
use crate::model::run::RunIx;
use crate::model::symbol::Sym;
use crate::query::args;
use crate::store::Store;
use crate::store::bodies;
use crate::store::row::Row;
use crate::store::search::in_order;
use crate::store::sweep::Sweep;

/// What happened to a call, as recorded.
pub fn recorded(row: &Row<'_>) -> Effect {
    match row.status() {
        Status::Blocked | Status::Denied => Effect::Deny,
        _ if was_asked(row) => Effect::Ask,
        Status::Ok | Status::Error | Status::Timeout => Effect::Allow,
        Status::Unrecorded | Status::Pending | Status::Cancelled => {
            let has_result = row.result_place().is_some() || bodies::own(row).result.is_some();
            if has_result {
                Effect::Allow
            } else {
                Effect::Unknown
            }
        }
    }
}

/// Whether a person was asked about a call, whatever the answer.
pub fn was_asked(row: &Row<'_>) -> bool {
    row.attached().any(|it| it.kind == AttachedKind::Approval)
}

/// Facts about the machine of a trace that the trace does not record.
#[derive(Debug, Clone, Default)]
pub struct Place {
    pub home: Option<String>,
    /// Taken as the working directory where a trace does not record it.
    pub cwd: Option<String>,
    /// Taken as the permission mode of every run, whatever mode its trace records.
    pub mode: Option<String>,
}

/// A call, and what a policy says about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judged {
    pub ix: ActionIx,
    pub verdict: Verdict,
}

/// What a policy says about every tool call, in the order of the store. Incomplete if cancelled.
pub fn judge(store: &Store, set: &Set, place: &Place, cancel: &CancelFlag) -> Vec<Judged> {
    let modes = set.modes(store, place);
    judge_in(store, set, (place, &modes, ActionIx(0)), cancel)
}

/// The same from one action on, in permission modes that were read before.
pub fn judge_in(
    store: &Store,
    set: &Set,
    (place, modes, from): (&Place, &Modes, ActionIx),
    cancel: &CancelFlag,
) -> Vec<Judged> {
    let history = History::new(store, set, (place, modes));
    let mut found = Vec::new();
    let first = from.0 as usize / CHUNK_ROWS;
    let chunks = store.chunks().len().saturating_sub(first);
    let work = |kept: &mut ThreadCache, number: usize| history.chunk(kept, (first + number, from));
    in_order(chunks, cancel, work, &mut |_, judged: Vec<Judged>| {
        found.extend(judged);
    });
    found
}

/// The call of one row, opened, for one question about it.
#[derive(Debug)]
pub struct Opened {
    body: Body,
    cwd: Option<String>,
    mode: Option<String>,
    before: Before,
    past: Vec<Past>,
    spent: Spent,
}

impl Opened {
    pub fn new(row: &Row<'_>, place: &Place, modes: &Modes) -> Opened {
        Opened {
            before: before(row.store, row.run_ix(), row.ix()),
            past: past::before(row.store, row.run_ix(), row.ix()),
            spent: Spent::before(row),
            mode: modes.at(row).map(str::to_owned),
            ..Opened::without_run(row, place)
        }
    }

    /// Without counting what the run did before.
    pub fn without_run(row: &Row<'_>, place: &Place) -> Opened {
        let body = bodies::own(row);
        let cwd = cwd_of(&body).map(str::to_owned);
        Opened {
            cwd: cwd_at_start(row.store, row.run().first_action)
                .or(cwd)
                .or_else(|| place.cwd.clone()),
            mode: None,
            before: Before::default(),
            past: Vec::new(),
            spent: Spent::NONE,
            body,
        }
    }

    pub fn args(&self) -> Option<&Value> {
        self.body.args.as_ref()
    }

    pub fn cwd(&self) -> Option<&str> {
        self.cwd.as_deref()
    }

    pub fn call<'a>(&'a self, row: &Row<'a>) -> Call<'a> {
        let id = self.body.id.as_deref().unwrap_or_default();
        call(row, id, self.args())
    }

    pub fn context<'a>(&'a self, row: &Row<'a>, place: &'a Place) -> Context<'a> {
        Context {
            cwd: self.cwd(),
            home: place.home.as_deref(),
            mode: place.mode.as_deref().or(self.mode.as_deref()),
            before: self.before,
            past: Some(&self.past),
            spent: Some(self.spent),
            record: Some(Record::of(row)),
        }
    }
}

pub(super) fn call<'a>(row: &Row<'a>, id: &'a str, args: Option<&'a Value>) -> Call<'a> {
    Call {
        tool: row.tool(),
        id,
        args,
        host: row.source().format.name(),
        agent: row.agent(),
        model: row.model(),
        user: row.user(),
        run: of(row),
        seq: row.seq(),
        turn: row.turn(),
    }
}

fn of<'a>(row: &Row<'a>) -> Of<'a> {
    let (run, symbols) = (row.run(), row.store.symbols());
    Of {
        id: &run.id,
        provider: symbols.name(run.who.provider),
        task: symbols.name(run.who.task),
        env: symbols.name(run.who.env),
        service: symbols.name(run.who.service),
        release: symbols.name(run.who.release),
    }
}

fn cwd_of(body: &Body) -> Option<&str> {
    let mut labels = body.labels.iter();
    labels
        .find(|(name, value)| name == "cwd" && value.starts_with('/'))
        .map(|(_, cwd)| cwd.as_str())
}

/// What a run did before one of its actions.
fn before(store: &Store, run: RunIx, ix: ActionIx) -> Before {
    let mut count = Before::default();
    let earlier = store.rows().take_while(|row| row.ix() < ix);
    earlier
        .filter(|row| row.run_ix() == run)
        .for_each(|row| count.add(&row));
    count
}

impl Before {
    fn add(&mut self, row: &Row<'_>) {
        if row.kind() == Kind::ToolCall {
            self.count(row.status());
        }
    }

    /// Counts one more call, by its status.
    pub fn count(&mut self, status: Status) {
        self.calls += 1;
        match status {
            Status::Error | Status::Timeout => self.errors += 1,
            Status::Blocked | Status::Denied => self.blocked += 1,
            Status::Unrecorded | Status::Ok | Status::Pending | Status::Cancelled => {}
        }
    }
}

type Map<K, V> = HashMap<K, V, foldhash::fast::RandomState>;

struct History<'a> {
    store: &'a Store,
    set: &'a Set,
    place: &'a Place,
    /// Of every tool: what its verdicts need.
    needs: Map<Sym, Needs>,
    around: Surroundings,
    /// Per action, where some rule needs it; empty otherwise.
    before: Vec<Before>,
    past: Option<PastCalls>,
    /// The same.
    spent: Vec<Spent>,
    looks_at_record: bool,
}

/// What one thread keeps between chunks.
#[derive(Debug, Default)]
struct ThreadCache {
    sweep: Sweep,
    verdicts: Verdicts,
}

/// Verdicts that can be used again.
#[derive(Debug, Default)]
struct Verdicts {
    by_tool: Map<(Sym, SourceIx), Verdict>,
    by_call: Map<Alike, Map<Box<[u8]>, Verdict>>,
    count: usize,
}

/// What calls with equal arguments must also have in common: their tool, their host and their surroundings.
type Alike = (Sym, &'static str, u32);

/// Verdicts that are kept. Beyond it, they are dropped and worked out again.
const KEPT: usize = 1 << 16;
/// Longer arguments are rarely equal.
const LONGEST: usize = 4 << 10;

impl Verdicts {
    fn of(
        &mut self,
        (alike, args): (Alike, &[u8]),
        decide: impl FnOnce() -> Option<Verdict>,
    ) -> Option<Verdict> {
        let known = self.by_call.get(&alike).and_then(|it| it.get(args));
        if let Some(verdict) = known {
            return Some(verdict.clone());
        }
        let verdict = decide()?;
        if args.len() <= LONGEST {
            if self.count >= KEPT {
                self.by_call.clear();
                self.count = 0;
            }
            self.count += 1;
            let of = self.by_call.entry(alike).or_default();
            of.insert(args.into(), verdict.clone());
        }
        Some(verdict)
    }
}

impl<'a> History<'a> {
    fn new(store: &'a Store, set: &'a Set, (place, modes): (&'a Place, &Modes)) -> History<'a> {
        let mut needs: Map<Sym, Needs> = Map::default();
        for row in store.rows().filter(|row| row.kind() == Kind::ToolCall) {
            let tool = row.tool_sym();
            needs.entry(tool).or_insert_with(|| set.needs(row.tool()));
        }
        let opens = needs.values().any(|it| *it != Needs::Tool);
        let counts = needs.values().any(|it| *it >= Needs::Run);
        let modes = Some(modes).filter(|_| place.mode.is_none() && set.looks_at_mode());
        History {
            store,
            set,
            place,
            needs,
            around: Surroundings::of(store, opens, modes),
            before: if counts { counted(store) } else { Vec::new() },
            past: set.looks_at_past().then(|| PastCalls::of(store)),
            spent: if set.looks_at_spent() {
                Spent::before_each(store)
            } else {
                Vec::new()
            },
            looks_at_record: set.looks_at_any_record(),
        }
    }

    fn chunk(&self, kept: &mut ThreadCache, (number, from): (usize, ActionIx)) -> Vec<Judged> {
        let first = (number * CHUNK_ROWS) as u32;
        let chunk = self.store.chunk(number);
        let len = chunk.map_or(0, |(chunk, _)| chunk.len() as u32);
        let rows = (first..first + len).map(|ix| self.store.row(ActionIx(ix)));
        let mut judged = Vec::new();
        let mut by_args: Vec<u16> = Vec::new();
        for row in rows.filter(|row| row.ix() >= from && row.kind() == Kind::ToolCall) {
            let verdict = match self.needs_of(&row) {
                Needs::Tool => self.by_tool(&mut kept.verdicts, &row),
                Needs::Args | Needs::Run if row.source().format.finds_args().is_some() => {
                    by_args.push((row.ix().0 - first) as u16);
                    Verdict::default(Effect::Unknown)
                }
                Needs::Args | Needs::Run | Needs::Id => self.opened(&mut kept.verdicts, &row),
            };
            judged.push(Judged {
                ix: row.ix(),
                verdict,
            });
        }
        let ThreadCache { sweep, verdicts } = kept;
        sweep.records(self.store, (number, &by_args), &mut |at, record| {
            let row = self.store.row(ActionIx(first + u32::from(at)));
            let quick = record.and_then(|record| self.unopened(verdicts, &row, record));
            let verdict = quick.unwrap_or_else(|| self.opened(verdicts, &row));
            if let Ok(found) = judged.binary_search_by_key(&row.ix(), |it| it.ix) {
                judged[found].verdict = verdict;
            }
        });
        judged
    }

    fn needs_of(&self, row: &Row<'_>) -> Needs {
        let needs = self.needs.get(&row.tool_sym());
        needs.copied().unwrap_or(Needs::Id)
    }

    fn by_tool(&self, verdicts: &mut Verdicts, row: &Row<'_>) -> Verdict {
        let key = (row.tool_sym(), row.source_ix());
        let decide = || {
            let around = self.around.at(row).1;
            let context = self.context(row, around, None);
            self.set.decide(&call(row, "", None), &context)
        };
        if self.around.has_modes {
            return decide();
        }
        verdicts.by_tool.entry(key).or_insert_with(decide).clone()
    }

    /// By the arguments alone, as they are written. None if the action has to be opened.
    fn unopened(
        &self,
        verdicts: &mut Verdicts,
        row: &Row<'_>,
        record: Cursor<'_>,
    ) -> Option<Verdict> {
        let (number, around) = self.around.at(row);
        let whole = &record.bytes()[record.position()..];
        let args = args::bytes(row, record)?;
        if around.cwd.is_none() && memmem::find(whole, b"\"cwd\"").is_some() {
            return None;
        }
        let decide = || {
            let value: Value = serde_json::from_slice(args).ok()?;
            let context = self.context(row, around, None);
            Some(self.set.decide(&call(row, "", Some(&value)), &context))
        };
        if self.needs_of(row) > Needs::Args {
            return decide();
        }
        let alike = (row.tool_sym(), row.source().format.name(), number);
        verdicts.of((alike, args), decide)
    }

    fn opened(&self, verdicts: &mut Verdicts, row: &Row<'_>) -> Verdict {
        let body = bodies::own(row);
        let (number, around) = self.around.at(row);
        let own = cwd_of(&body).filter(|_| around.cwd.is_none());
        let context = self.context(row, around, own);
        let id = body.id.as_deref().unwrap_or_default();
        let decide = || {
            self.set
                .decide(&call(row, id, body.args.as_ref()), &context)
        };
        let args = body.args.as_ref();
        let is_kept = self.needs_of(row) == Needs::Args && own.is_none();
        let Some(args) = args.filter(|_| is_kept) else {
            return decide();
        };
        let alike = (row.tool_sym(), row.source().format.name(), number);
        let verdict = verdicts.of((alike, args.to_string().as_bytes()), || Some(decide()));
        verdict.unwrap_or_else(decide)
    }

    fn context<'c>(
        &'c self,
        row: &Row<'c>,
        around: &'c Surrounding,
        own_cwd: Option<&'c str>,
    ) -> Context<'c> {
        let before = self.before.get(row.ix().0 as usize).copied();
        let before = before.unwrap_or_default();
        let past = self.past.as_ref();
        let (cwd, mode) = (around.cwd.as_deref(), around.mode.as_deref());
        Context {
            cwd: cwd.or(own_cwd).or(self.place.cwd.as_deref()),
            home: self.place.home.as_deref(),
            mode: self.place.mode.as_deref().or(mode),
            before,
            past: past.map(|it| it.before(row.run_ix(), before.calls)),
            spent: self.spent.get(row.ix().0 as usize).copied(),
            record: self.looks_at_record.then(|| Record::of(row)),
        }
    }
}

/// What surrounds the calls of a run from some action on.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
struct Surrounding {
    cwd: Option<String>,
    mode: Option<String>,
}

/// The surroundings of all calls; equal ones are stored once.
#[derive(Debug, Default)]
struct Surroundings {
    all: Vec<Surrounding>,
    /// Per run: from which action on which of them.
    of_run: Vec<Vec<(ActionIx, u32)>>,
    has_modes: bool,
}

impl Surroundings {
    fn of(store: &Store, opens: bool, modes: Option<&Modes>) -> Surroundings {
        let mut found = Surroundings {
            all: vec![Surrounding::default()],
            of_run: Vec::new(),
            has_modes: modes.is_some(),
        };
        if !opens && modes.is_none() {
            return found;
        }
        let mut known: HashMap<Surrounding, u32> = HashMap::new();
        for (at, run) in store.runs().iter().enumerate() {
            let cwd = cwd_at_start(store, run.first_action);
            let start = (ActionIx(0), None);
            let later = modes.map_or(&[][..], |modes| modes.of_run(RunIx(at as u32)));
            let later = later.iter().map(|(ix, mode)| (*ix, Some(mode)));
            let spans = std::iter::once(start).chain(later).map(|(from, mode)| {
                let (cwd, mode) = (cwd.clone(), mode.cloned());
                let one = Surrounding { cwd, mode };
                let number = *known.entry(one).or_insert_with_key(|one| {
                    found.all.push(one.clone());
                    found.all.len() as u32 - 1
                });
                (from, number)
            });
            found.of_run.push(spans.collect());
        }
        found
    }

    /// The surrounding of an action, and its number.
    fn at(&self, row: &Row<'_>) -> (u32, &Surrounding) {
        let spans = self.of_run.get(row.run_ix().0 as usize);
        let span = spans.and_then(|it| it.iter().rfind(|(from, _)| *from <= row.ix()));
        let number = span.map_or(0, |(_, number)| *number);
        (number, &self.all[number as usize])
    }
}

/// The working directory at the start of a run. Rules are about that one, wherever a shell went since.
fn cwd_at_start(store: &Store, first: ActionIx) -> Option<String> {
    let first = first.get().filter(|ix| ix.0 < store.len())?;
    cwd_of(&bodies::own(&store.row(first))).map(str::to_owned)
}

fn counted(store: &Store) -> Vec<Before> {
    let mut runs: Vec<Before> = vec![Before::default(); store.runs().len()];
    let mut all = vec![Before::default(); store.len() as usize];
    for row in store.rows() {
        if let Some(count) = runs.get_mut(row.run_ix().0 as usize) {
            all[row.ix().0 as usize] = *count;
            count.add(&row);
        }
    }
    all
}
