//! Policies asked about recorded calls. Opens only calls whose arguments some rule of their tool looks at, and judges
//! equal calls once.

use std::collections::HashMap;

use serde_json::Value;

use crate::analysis::policy::call::{Call, Of};
use crate::analysis::policy::set::Set;
use crate::analysis::policy::{Before, Context, Effect, Needs, Verdict};
use crate::base::cancel::CancelFlag;
use crate::ingest::body::Body;
use crate::model::action::{ActionIx, Kind, SourceIx, Status};
use crate::model::chunk::CHUNK_ROWS;
use crate::model::outcome::AttachedKind;
use crate::model::run::RunIx;
use crate::model::symbol::Sym;
use crate::store::Store;
use crate::store::bodies;
use crate::store::row::Row;
use crate::store::search::in_order;

/// What happened to a call, as recorded.
pub fn recorded(row: &Row<'_>) -> Effect {
    let is_answered = || row.attached().any(|it| it.kind == AttachedKind::Approval);
    match row.status() {
        Status::Blocked | Status::Denied => Effect::Deny,
        _ if is_answered() => Effect::Ask,
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

/// What traces do not tell about the machine that they were written on.
#[derive(Debug, Clone, Default)]
pub struct Place {
    pub home: Option<String>,
    /// Taken as the working directory where a trace does not record it.
    pub cwd: Option<String>,
}

/// A call, what was recorded about it, and what a policy says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judged {
    pub ix: ActionIx,
    pub verdict: Verdict,
}

/// What a policy says about every tool call, in the order of the store. Incomplete if cancelled.
pub fn judge(store: &Store, set: &Set, place: &Place, cancel: &CancelFlag) -> Vec<Judged> {
    judge_from(store, set, (place, ActionIx(0)), cancel)
}

/// The same, from one action on.
pub fn judge_from(
    store: &Store,
    set: &Set,
    (place, from): (&Place, ActionIx),
    cancel: &CancelFlag,
) -> Vec<Judged> {
    let history = History::new(store, set, place);
    let mut found = Vec::new();
    let first = from.0 as usize / CHUNK_ROWS;
    let chunks = store.chunks().len().saturating_sub(first);
    let work = |memo: &mut Memo, number: usize| history.chunk(memo, (first + number, from));
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
    before: Before,
}

impl Opened {
    pub fn new(row: &Row<'_>, place: &Place) -> Opened {
        Opened {
            before: before(row.store, row.run_ix(), row.ix()),
            ..Opened::without_run(row, place)
        }
    }

    /// Without counting what the run did before.
    pub fn without_run(row: &Row<'_>, place: &Place) -> Opened {
        let body = bodies::own(row);
        let cwd = cwd_of(&body).map(str::to_owned);
        Opened {
            cwd: cwd_of_run(row).or(cwd).or_else(|| place.cwd.clone()),
            before: Before::default(),
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
        call(row, &self.body)
    }

    pub fn context<'a>(&'a self, place: &'a Place) -> Context<'a> {
        Context {
            cwd: self.cwd(),
            home: place.home.as_deref(),
            before: self.before,
        }
    }
}

fn call<'a>(row: &Row<'a>, body: &'a Body) -> Call<'a> {
    Call {
        tool: row.tool(),
        id: body.id.as_deref().unwrap_or_default(),
        args: body.args.as_ref(),
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

/// The working directory at the start of the run. Rules are about that one, wherever a shell went since.
fn cwd_of_run(row: &Row<'_>) -> Option<String> {
    let first = row.run().first_action.get()?;
    let first = (first.0 < row.store.len()).then(|| row.store.row(first))?;
    cwd_of(&bodies::own(&first)).map(str::to_owned)
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
        if row.kind() != Kind::ToolCall {
            return;
        }
        self.calls += 1;
        match row.status() {
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
    /// Per run, where some record of it tells.
    cwds: Vec<Option<String>>,
    /// Per action, where some rule needs it; empty otherwise.
    before: Vec<Before>,
}

/// Verdicts that can be used again; each thread has its own.
#[derive(Debug, Default)]
struct Memo {
    by_tool: Map<(Sym, SourceIx), Verdict>,
    by_call: Map<String, Verdict>,
}

/// Verdicts that are kept. Beyond it, they are dropped and worked out again.
const KEPT: usize = 1 << 16;
/// Longer arguments are rarely equal.
const LONGEST: usize = 4 << 10;

impl<'a> History<'a> {
    fn new(store: &'a Store, set: &'a Set, place: &'a Place) -> History<'a> {
        let mut needs: Map<Sym, Needs> = Map::default();
        for row in store.rows().filter(|row| row.kind() == Kind::ToolCall) {
            let tool = row.tool_sym();
            needs.entry(tool).or_insert_with(|| set.needs(row.tool()));
        }
        let opens = needs.values().any(|it| *it != Needs::Tool);
        let counts = needs.values().any(|it| *it == Needs::Run);
        History {
            store,
            set,
            place,
            needs,
            cwds: if opens { cwds(store) } else { Vec::new() },
            before: if counts { counted(store) } else { Vec::new() },
        }
    }

    fn chunk(&self, memo: &mut Memo, (number, from): (usize, ActionIx)) -> Vec<Judged> {
        let first = (number * CHUNK_ROWS) as u32;
        let len = self
            .store
            .chunk(number)
            .map_or(0, |(chunk, _)| chunk.len() as u32);
        let rows = (first..first + len).map(|ix| self.store.row(ActionIx(ix)));
        let calls = rows.filter(|row| row.ix() >= from && row.kind() == Kind::ToolCall);
        calls
            .map(|row| Judged {
                ix: row.ix(),
                verdict: self.row(memo, &row),
            })
            .collect()
    }

    fn row(&self, memo: &mut Memo, row: &Row<'_>) -> Verdict {
        let needs = self.needs.get(&row.tool_sym()).copied();
        let needs = needs.unwrap_or(Needs::Run);
        if needs == Needs::Tool {
            let key = (row.tool_sym(), row.source_ix());
            let decide = || {
                self.set
                    .decide(&call(row, &Body::default()), &Context::default())
            };
            return memo.by_tool.entry(key).or_insert_with(decide).clone();
        }
        let body = bodies::own(row);
        let of_run = self
            .cwds
            .get(row.run_ix().0 as usize)
            .and_then(Option::as_deref);
        let context = Context {
            cwd: of_run
                .or_else(|| cwd_of(&body))
                .or(self.place.cwd.as_deref()),
            home: self.place.home.as_deref(),
            before: self
                .before
                .get(row.ix().0 as usize)
                .copied()
                .unwrap_or_default(),
        };
        let decide = || self.set.decide(&call(row, &body), &context);
        let Some(key) = (needs == Needs::Args)
            .then(|| key(row, &body, &context))
            .flatten()
        else {
            return decide();
        };
        if memo.by_call.len() >= KEPT {
            memo.by_call.clear();
        }
        memo.by_call.entry(key).or_insert_with(decide).clone()
    }
}

/// What a verdict depends on; none where it is too long to be worth keeping.
fn key(row: &Row<'_>, body: &Body, context: &Context<'_>) -> Option<String> {
    let args = body.args.as_ref().map(Value::to_string).unwrap_or_default();
    let host = row.source().format.name();
    let key = || {
        format!(
            "{host}\0{}\0{}\0{args}",
            row.tool(),
            context.cwd.unwrap_or_default()
        )
    };
    (args.len() <= LONGEST).then(key)
}

fn cwds(store: &Store) -> Vec<Option<String>> {
    let of = |first: ActionIx| {
        let first = first.get().filter(|ix| ix.0 < store.len())?;
        cwd_of(&bodies::own(&store.row(first))).map(str::to_owned)
    };
    store
        .runs()
        .iter()
        .map(|run| of(run.first_action))
        .collect()
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
