//! `show RUN`: the run, its totals, its tools and its turns.

use crate::analysis::grouped::{self, Field};
use crate::analysis::{profile, summary};
use crate::base::cancel::CancelFlag;
use crate::base::human;
use crate::cli::Cx;
use crate::cli::table::{self, Cell, Column};
use crate::export::words::{self, Role};
use crate::model::action::{ActionIx, Flags, Kind, Status};
use crate::model::run::{CostSource, Run, RunIx};
use crate::store::Store;
use crate::store::bodies::{Bodies, Depth};

pub(super) fn run(cx: &mut Cx, store: &Store, ix: RunIx, rows: &[ActionIx]) -> anyhow::Result<()> {
    head(cx, store, ix)?;
    tools(cx, store, rows)?;
    turns(cx, store, rows)
}

fn head(cx: &mut Cx, store: &Store, ix: RunIx) -> anyhow::Result<()> {
    let run = store.run(ix);
    let source = store.source(run.source);
    let (who, totals) = (&run.who, &run.totals);
    let named = |sym| store.symbols().name(sym).to_owned();
    let zone = &cx.out.style.zone;
    let started = words::date_time(run.started, zone);
    let cost = match run.cost() {
        Some((_, CostSource::Recorded)) => format!("{} (recorded)", words::cost(run.cost())),
        Some((_, CostSource::Estimated)) => {
            format!("{} (estimated from tokens)", words::cost(run.cost()))
        }
        Some((_, CostSource::Mixed)) => format!("{} (partly estimated)", words::cost(run.cost())),
        None => "not recorded".to_owned(),
    };
    let unpriced = match totals.unpriced {
        0 => String::new(),
        count => format!(", without {}", human::counted(count.into(), "model call")),
    };
    let score = run.score.map(|score| format!("score {score}"));
    let correct = run
        .correct
        .map(|it| if it { "correct" } else { "not correct" }.to_owned());
    let outcome = [Some(words::run_status(run).0.to_owned()), score, correct];
    let ended = profile::profile(store, ix, 0, &CancelFlag::new());
    let why = ended.why(store, ix, &mut Bodies::new());
    let facts = [
        ("run", run.id.to_string()),
        ("title", run.title.as_deref().unwrap_or_default().to_owned()),
        (
            "file",
            format!(
                "{} ({})",
                source.path.to_string_lossy(),
                source.format.name()
            ),
        ),
        (
            "part of",
            run.parent_run.as_deref().unwrap_or_default().to_owned(),
        ),
        ("agent", named(who.agent)),
        (
            "models",
            who.models
                .iter()
                .map(|it| named(*it))
                .collect::<Vec<_>>()
                .join(", "),
        ),
        ("user", named(who.user)),
        ("service", named(who.service)),
        ("env", named(who.env)),
        ("task", named(who.task)),
        ("trial", named(who.trial)),
        ("release", named(who.release)),
        ("started", started),
        ("took", words::span(run.duration())),
        (
            "outcome",
            outcome.into_iter().flatten().collect::<Vec<_>>().join(", "),
        ),
        ("ended", why.unwrap_or_default()),
        ("cost", format!("{cost}{unpriced}")),
        (
            "tokens",
            words::usage(&totals.usage).unwrap_or_else(|| "not recorded".to_owned()),
        ),
        ("actions", counts(run)),
    ];
    for (name, value) in facts.iter().filter(|(_, value)| !value.is_empty()) {
        let value = cx.out.style.clean(value);
        let name = cx.out.style.paint(Role::Dim, &format!("{name:<10}"));
        cx.out.line(&format!("{name}{value}"))?;
    }
    Ok(())
}

fn counts(run: &Run) -> String {
    let totals = &run.totals;
    let always = [
        (totals.actions, "action"),
        (totals.turns, "turn"),
        (totals.tool_calls, "tool call"),
        (totals.errors, "error"),
    ];
    let mut parts: Vec<String> = always
        .into_iter()
        .map(|(count, word)| human::counted(count.into(), word))
        .collect();
    let others = [
        (totals.blocked, "blocked"),
        (totals.denied, "denied"),
        (totals.pending, "without a result"),
        (totals.copies, "duplicate lines dropped"),
    ];
    parts.extend(
        others
            .into_iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, word)| format!("{count} {word}")),
    );
    let retries = (totals.retries > 0).then(|| format!("{} retried", totals.retries));
    let agents =
        (!run.lanes.is_empty()).then(|| human::counted(run.lanes.len() as u64, "subagent"));
    parts.extend(retries.into_iter().chain(agents));
    parts.join(" · ")
}

const TOOLS: &[Column] = &[
    Column::left("TOOL", 0).cut_to(12),
    Column::right("CALLS", 0),
    Column::right("ERR", 0),
    Column::right("BLK", 0),
    Column::right("RTY", 2),
    Column::right("P50", 1),
    Column::right("P99", 3),
];

fn tools(cx: &mut Cx, store: &Store, rows: &[ActionIx]) -> anyhow::Result<()> {
    let groups = grouped::groups(
        rows.iter().map(|ix| store.row(*ix)),
        &[Field::Tool],
        &cx.out.style.zone,
    );
    if groups.is_empty() {
        return Ok(());
    }
    let style = cx.out.style.clone();
    let rows = groups.iter().map(|group| {
        let spans = group.durations;
        let name = group.key.first().map_or("", String::as_str);
        let span =
            |it: Option<_>| Cell::new(it.map_or_else(|| words::NOTHING.to_owned(), words::span));
        vec![
            Cell::new(style.clean(words::name(name))),
            Cell::new(group.tool_calls.to_string()),
            Cell::alarm(group.errors, Role::Bad),
            Cell::alarm(group.blocked + group.denied, Role::Warn),
            Cell::alarm(group.retries, Role::Warn),
            span(spans.map(|it| it.p50)),
            span(spans.map(|it| it.p99)),
        ]
    });
    let rows: Vec<_> = rows.collect();
    cx.out.line("")?;
    table::write(&mut cx.out, TOOLS, &rows)?;
    Ok(())
}

const TURNS: &[Column] = &[
    Column::right("TURN", 0),
    Column::left("TIME", 1),
    Column::right("FROM", 0),
    Column::right("ACTS", 0),
    Column::right("ERR", 0),
    Column::right("BLK", 0),
    Column::left("PROMPT", 0).cut_to(20),
];

/// The actions of one turn.
#[derive(Debug)]
struct Turn {
    number: u32,
    first: ActionIx,
    prompt: Option<ActionIx>,
    actions: u64,
    errors: u64,
    stopped: u64,
}

fn turns(cx: &mut Cx, store: &Store, rows: &[ActionIx]) -> anyhow::Result<()> {
    let found = found_turns(store, rows);
    if found.is_empty() {
        return Ok(());
    }
    let style = cx.out.style.clone();
    let mut bodies = Bodies::new();
    let rows = found.iter().map(|turn| {
        let first = store.row(turn.first);
        let title = turn.prompt.map(|prompt| {
            let row = store.row(prompt);
            summary::line(&row, &bodies.open(&row, Depth::Glance))
        });
        vec![
            Cell::new(turn.number.to_string()),
            Cell::new(words::time_of_day(first.time(), &style.zone)),
            Cell::new(format!("#{}", first.seq())),
            Cell::new(turn.actions.to_string()),
            Cell::alarm(turn.errors, Role::Bad),
            Cell::alarm(turn.stopped, Role::Warn),
            Cell::new(style.clean(title.as_deref().unwrap_or_default())),
        ]
    });
    let rows: Vec<_> = rows.collect();
    cx.out.line("")?;
    table::write(&mut cx.out, TURNS, &rows)?;
    Ok(())
}

fn found_turns(store: &Store, rows: &[ActionIx]) -> Vec<Turn> {
    let mut turns: Vec<Turn> = Vec::new();
    for row in rows
        .iter()
        .map(|ix| store.row(*ix))
        .filter(|row| row.turn() > 0)
    {
        let known = turns.iter().rposition(|turn| turn.number == row.turn());
        let at = known.unwrap_or_else(|| {
            turns.push(Turn {
                number: row.turn(),
                first: row.ix(),
                prompt: None,
                actions: 0,
                errors: 0,
                stopped: 0,
            });
            turns.len() - 1
        });
        let turn = &mut turns[at];
        turn.actions += 1;
        turn.errors += u64::from(matches!(row.status(), Status::Error | Status::Timeout));
        turn.stopped += u64::from(matches!(row.status(), Status::Blocked | Status::Denied));
        if row.kind() == Kind::Prompt && turn.prompt.is_none() && !row.flags().has(Flags::META) {
            turn.prompt = Some(row.ix());
        }
    }
    turns
}
