//! Runs filters: from a text to the rows it keeps.

use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::analysis::alerts::check;
use crate::base::cancel::CancelFlag;
use crate::base::text;
use crate::model::action::ActionIx;
use crate::model::chunk::CHUNK_ROWS;
use crate::model::quantity::Time;
use crate::model::run::RunIx;
use crate::model::symbol::Sym;
use crate::query::eval::{Buffers, Query, Tally};
use crate::query::expr::Expr;
use crate::query::hint::{self, Over};
use crate::query::{self, Context, matches};
use crate::store::Store;
use crate::store::row::Row;
use crate::tui::alerting::InForce;
use crate::tui::session::Session;

/// Why a text is not a filter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Cells of the text before the error.
    pub column: usize,
    pub message: String,
}

/// Which part of a store a list is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    Run(RunIx),
    /// One agent of a run.
    Agent(RunIx, Sym),
}

impl Scope {
    /// Whether any row of a chunk is of its run.
    fn is_in(self, store: &Store, number: usize) -> bool {
        let (Scope::Run(run) | Scope::Agent(run, _)) = self;
        let chunk = store.chunk(number);
        chunk.is_some_and(|(chunk, _)| chunk.run.contains(&run))
    }

    fn holds(self, row: &Row<'_>) -> bool {
        match self {
            Scope::Run(run) => row.run_ix() == run,
            Scope::Agent(run, agent) => row.run_ix() == run && row.agent_sym() == agent,
        }
    }
}

/// What to test, and how far an earlier answer went.
#[derive(Debug, Clone, Default)]
pub struct Task {
    pub store: Store,
    pub filter: Option<Expr>,
    pub scope: Option<Scope>,
    /// Rows below this were tested before.
    pub tested: u32,
    /// Rows below `tested` that have changed since.
    pub again: Vec<ActionIx>,
    pub context: Context,
}

/// Which of the tested rows a filter keeps.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Answer {
    pub tested: Range<u32>,
    pub rows: Vec<ActionIx>,
    pub again: Vec<(ActionIx, bool)>,
    pub tally: Tally,
    /// What to try instead if nothing matched; not sanitised.
    pub hint: Option<String>,
}

/// The progress of a long search.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Progress {
    pub tested: u32,
    /// Matches since the last report.
    pub found: Vec<ActionIx>,
}

/// Progress is reported at most this often.
const TELL: Duration = Duration::from_millis(50);

/// Parses a filter; `None` if it keeps everything. Where a policy lies over the actions, its verdicts can be tested.
pub fn parse(filter: &str, is_over_policy: bool) -> Result<Option<Expr>, Problem> {
    let parsed = if is_over_policy {
        query::parse_over_policy(filter)
    } else {
        query::parse(filter)
    };
    match parsed {
        Ok(Expr::All) => Ok(None),
        Ok(expr) => Ok(Some(expr)),
        Err(error) => {
            let hint = error
                .suggestion
                .map(|suggestion| format!(" · did you mean '{suggestion}'?"));
            let before = filter.get(..error.span.start).unwrap_or(filter);
            Err(Problem {
                column: text::width(&text::sanitize(before)),
                message: format!("{}{}", error.message, hint.unwrap_or_default()),
            })
        }
    }
}

/// What a filter depends on apart from the trace. Alert rules are read when a filter needs them.
pub(crate) fn context(session: &Session) -> Context {
    let source = session.setup.alerts.clone();
    let alerts = check::lookup(move || {
        let in_force = (source.read)(&source).unwrap_or_else(|_| InForce::built_in());
        (in_force.rules, in_force.known.to_vec())
    });
    Context {
        alerts,
        marked: Arc::clone(session.marks.all()),
        now: Time(session.clock.now()),
        zone: session.zone.clone(),
        would: session
            .loaded
            .overlay
            .as_ref()
            .map(|it| Arc::clone(&it.would)),
    }
}

/// Tests the rows of `task`; checks for cancellation between chunks.
pub fn run(task: &Task, cancel: &CancelFlag, tell: &mut dyn FnMut(Progress)) -> Answer {
    let store = &task.store;
    let query = task
        .filter
        .as_ref()
        .map(|expr| Query::compile(expr, store, &task.context));
    let is_ours = |ix: ActionIx| task.scope.is_none_or(|scope| scope.holds(&store.row(ix)));
    let mut answer = Answer {
        tested: task.tested..store.len(),
        ..Answer::default()
    };
    let mut buffers = Buffers::default();
    match &query {
        Some(query) if task.tested == 0 && task.scope.is_none() => {
            let found = matches::matches(store, query, cancel, &mut paced(tell));
            (answer.rows, answer.tally) = (found.rows, found.tally);
        }
        Some(query) => {
            for number in task.tested as usize / CHUNK_ROWS..store.chunks().len() {
                if cancel.is_raised() {
                    break;
                }
                let first = (number * CHUNK_ROWS) as u32;
                if !task.scope.is_none_or(|scope| scope.is_in(store, number)) {
                    continue;
                }
                let rows = task.tested.saturating_sub(first) as usize..CHUNK_ROWS;
                let (bits, tally) = query.test_chunk(store, number, rows, &mut buffers);
                let found = bits.rows().map(|row| ActionIx(first + row as u32));
                answer.rows.extend(found.filter(|ix| is_ours(*ix)));
                answer.tally += tally;
            }
        }
        None => answer.rows.extend(
            answer
                .tested
                .clone()
                .map(ActionIx)
                .filter(|ix| is_ours(*ix)),
        ),
    }
    let mut keeps = |ix: &ActionIx| {
        let passes = query
            .as_ref()
            .is_none_or(|query| query.test(&store.row(*ix), &mut buffers));
        (*ix, is_ours(*ix) && passes)
    };
    answer.again = task.again.iter().map(&mut keeps).collect();
    if answer.rows.is_empty() && task.tested == 0 && task.scope.is_none() && !cancel.is_raised() {
        let hint = |expr| hint::hint(store, expr, &task.context, Over::Actions);
        answer.hint = task
            .filter
            .as_ref()
            .and_then(hint)
            .map(|hint| hint.to_string());
    }
    answer
}

fn paced(tell: &mut dyn FnMut(Progress)) -> impl FnMut(matches::Progress<'_>) {
    let (mut told, mut known) = (Instant::now(), 0);
    move |progress| {
        if told.elapsed() >= TELL {
            told = Instant::now();
            tell(Progress {
                tested: progress.tested,
                found: progress.rows.get(known..).unwrap_or_default().to_vec(),
            });
            known = progress.rows.len();
        }
    }
}
