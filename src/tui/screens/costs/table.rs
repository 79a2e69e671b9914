//! The lists in words. Here names of the trace become text: every one is sanitised.

use crate::analysis::costs::spent::Spent;
use crate::analysis::costs::{By, Key, Line};
use crate::analysis::models;
use crate::analysis::summary;
use crate::base::text;
use crate::export::costs as cost_text;
use crate::export::words;
use crate::model::action::ActionIx;
use crate::model::quantity::Cost;
use crate::store::Store;
use crate::store::bodies::Depth;
use crate::tui::screens::costs::Costs;
use crate::tui::screens::costs::tasks::Counted;
use crate::tui::session::Opened;

/// A column of a list.
#[derive(Debug, Clone, Copy)]
pub(super) struct Column {
    pub(super) head: &'static str,
    pub(super) is_right: bool,
    /// 0 for what the others leave.
    pub(super) width: usize,
    /// The place of its cell in a row.
    pub(super) at: usize,
}

/// A line of a list: its cells, and how long its bar is, from 0 to 1.
#[derive(Debug, Default)]
pub(super) struct Row {
    pub(super) cells: Vec<String>,
    pub(super) part: f64,
    pub(super) is_selected: bool,
}

const fn left(head: &'static str, width: usize) -> (&'static str, bool, usize) {
    (head, false, width)
}

const fn right(head: &'static str, width: usize) -> (&'static str, bool, usize) {
    (head, true, width)
}

const SUM: [(&str, bool, usize); 4] = [
    right("CALLS", 7),
    right("TOKENS", 13),
    right("COST", 10),
    right("SHARE", 7),
];

/// Below this width, the columns with these heads are left out.
const WIDE: usize = 100;
const SPARE: &[&str] = &["MODEL", "UNTIL", "EXTRA", "FROM"];
/// In the list of calls these are dropped too: the text of a call matters more.
const SPARE_OF_CALLS: &[&str] = &["TURN", "SHARE"];

/// The columns of a list that fit.
pub(super) fn columns(by: By, is_all: bool, width: usize) -> Vec<Column> {
    let heads: Vec<(&str, bool, usize)> = match by {
        By::Call => [
            place().as_slice(),
            &[
                left("  MODEL", 22),
                right("INPUT", 9),
                right("READ", 11),
                right("WRITTEN", 9),
                right("OUTPUT", 9),
                right("COST", 10),
                right("SHARE", 7),
                left("  WHAT", 0),
            ],
        ]
        .concat(),
        By::Turn => [
            [left("RUN", 13), right("TURN", 6), right("FROM", 8)].as_slice(),
            &SUM,
        ]
        .concat(),
        By::Model => [[left("MODEL", 34)].as_slice(), &SUM].concat(),
        By::Tool => [[left("TOOL", 34)].as_slice(), &SUM].concat(),
        By::Subagent => [[left("AGENT", 34)].as_slice(), &SUM].concat(),
        By::Run => [[left("RUN", 38)].as_slice(), &SUM].concat(),
        By::Kind => KINDS.to_vec(),
        By::Result => [
            place().as_slice(),
            &[
                left("  TOOL", 16),
                right("TOKENS", 9),
                right("READ BY", 9),
                right("TOLL", 9),
                left("  UNTIL", 20),
                left("  WHAT", 0),
            ],
        ]
        .concat(),
        By::Miss => [
            place().as_slice(),
            &[
                right("TOKENS", 10),
                right("COST", 10),
                right("EXTRA", 10),
                left("  WHY", 0),
            ],
        ]
        .concat(),
    };
    let is_shown = |head: &str| {
        let is_of_calls = by == By::Call && SPARE_OF_CALLS.contains(&head);
        let is_spare = width < WIDE && (is_of_calls || SPARE.contains(&head.trim()));
        !is_spare && (is_all || head != "RUN" || by == By::Run)
    };
    let columns = heads.into_iter().enumerate();
    columns
        .filter(|(_, (head, ..))| is_shown(head))
        .map(|(at, (head, is_right, width))| Column {
            head,
            is_right,
            width,
            at,
        })
        .collect()
}

fn place() -> [(&'static str, bool, usize); 3] {
    [left("RUN", 13), right("#", 7), right("TURN", 6)]
}

const KINDS: [(&str, bool, usize); 4] = [
    left("KIND OF TOKEN", 34),
    right("TOKENS", 20),
    right("COST", 10),
    right("SHARE", 7),
];

/// The columns of the kinds above the list.
pub(super) fn kind_columns() -> Vec<Column> {
    columns(By::Kind, true, WIDE)
}

/// The lines of the current list by their places, in its order.
pub(super) fn lines(costs: &Costs) -> Vec<usize> {
    let made = &costs.made;
    let count = match costs.by {
        By::Call => made.costs.calls.len(),
        By::Kind => made.costs.kinds.len(),
        By::Result => made.tolls.len(),
        By::Miss => made.misses.found.len(),
        By::Turn | By::Model | By::Tool | By::Subagent | By::Run => sums(costs).len(),
    };
    let mut lines: Vec<usize> = (0..count).collect();
    if costs.in_order && costs.by != By::Kind {
        lines.sort_by_key(|at| action(costs, *at));
    }
    lines
}

fn sums(costs: &Costs) -> &[Line] {
    let made = &costs.made.costs;
    match costs.by {
        By::Turn => &made.turns,
        By::Model => &made.models,
        By::Tool => &made.tools,
        By::Subagent => &made.agents,
        By::Run => &made.runs,
        By::Call | By::Kind | By::Result | By::Miss => &[],
    }
}

/// The action that a line leads to.
pub(super) fn action(costs: &Costs, at: usize) -> ActionIx {
    let made = &costs.made;
    match costs.by {
        By::Call => made.costs.calls[at],
        By::Kind => made.costs.kinds[at].action,
        By::Result => made.tolls[at].action,
        By::Miss => made.misses.found[at].call,
        By::Turn | By::Model | By::Tool | By::Subagent | By::Run => sums(costs)[at].action,
    }
}

/// The lines that are on the screen.
pub(super) fn rows(costs: &Costs, opened: &mut Opened, rows: usize) -> Vec<Row> {
    let lines = costs.lines.iter().enumerate();
    let seen = lines.skip(costs.view.top()).take(rows);
    seen.map(|(number, at)| {
        let mut row = row(costs, &opened.store, *at);
        if matches!(costs.by, By::Call | By::Result) {
            row.cells
                .push(format!("  {}", what(opened, action(costs, *at))));
        }
        row.is_selected = number == costs.view.cursor;
        row
    })
    .collect()
}

/// The summary of an action in one line.
fn what(opened: &mut Opened, ix: ActionIx) -> String {
    let row = opened.store.row(ix);
    let body = opened.bodies.open(&row, Depth::Glance);
    clean(&summary::line(&row, &body))
}

fn row(costs: &Costs, store: &Store, at: usize) -> Row {
    match costs.by {
        By::Call => call(&costs.made, store, costs.made.costs.calls[at]),
        By::Kind => kind(&costs.made, at),
        By::Result => result(&costs.made, store, at),
        By::Miss => miss(&costs.made, store, at),
        By::Turn | By::Model | By::Tool | By::Subagent | By::Run => {
            sum(&costs.made, store, &sums(costs)[at])
        }
    }
}

pub(super) fn kinds(made: &Counted) -> Vec<Row> {
    (0..made.costs.kinds.len())
        .map(|at| kind(made, at))
        .collect()
}

fn kind(made: &Counted, at: usize) -> Row {
    let line = &made.costs.kinds[at];
    let cost = line.cost.is_some().then_some((line.cost, line.source));
    let indent = if line.kind.part_of().is_some() {
        "  "
    } else {
        ""
    };
    Row {
        cells: vec![
            format!("{indent}{}", line.kind.about()),
            words::tokens(line.tokens),
            words::cost(cost),
            cost_text::share(line.cost, &made.costs.total),
        ],
        part: part(line.cost, made),
        is_selected: false,
    }
}

fn sum(made: &Counted, store: &Store, line: &Line) -> Row {
    let mut cells = match line.key {
        Key::Turn(run, turn) => vec![
            clean(&cost_text::short_run(store, run)),
            turn.to_string(),
            format!("#{}", store.row(line.action).seq()),
        ],
        key @ (Key::Run(_) | Key::Model(_) | Key::Tool(_) | Key::Agent { .. }) => {
            vec![clean(&cost_text::name(store, key))]
        }
    };
    let cost = known(&line.spent);
    cells.extend([
        line.spent.calls.to_string(),
        words::tokens(line.spent.usage.total()),
        cost_text::spent(&line.spent),
        cost_text::share(cost, &made.costs.total),
    ]);
    Row {
        cells,
        part: part(cost, made),
        is_selected: false,
    }
}

fn call(made: &Counted, store: &Store, ix: ActionIx) -> Row {
    let row = store.row(ix);
    let (usage, spent) = (row.usage(), Spent::of(&row));
    let cost = known(&spent);
    let mut cells = where_it_is(store, ix);
    cells.extend([
        format!("  {}", clean(words::name(models::bare(row.model())))),
        words::tokens(usage.input),
        words::tokens(usage.cache_read),
        words::tokens(usage.cache_write),
        words::tokens(usage.output),
        cost_text::spent(&spent),
        cost_text::share(cost, &made.costs.total),
    ]);
    Row {
        cells,
        part: part(cost, made),
        is_selected: false,
    }
}

fn result(made: &Counted, store: &Store, at: usize) -> Row {
    let toll = &made.tolls[at];
    let mut cells = where_it_is(store, toll.action);
    cells.extend([
        format!("  {}", clean(words::name(store.row(toll.action).tool()))),
        format!("≈{}", words::tokens(toll.tokens.into())),
        toll.readers.to_string(),
        cost_text::toll(toll),
        format!("  {}", cost_text::until(store, toll)),
    ]);
    Row {
        cells,
        ..Row::default()
    }
}

fn miss(made: &Counted, store: &Store, at: usize) -> Row {
    let miss = &made.misses.found[at];
    let mut cells = where_it_is(store, miss.call);
    cells.extend([
        words::tokens(miss.tokens.into()),
        cost_text::estimate(miss.cost),
        cost_text::estimate(miss.extra),
        format!("  {}", clean(&cost_text::cause(store, miss))),
    ]);
    Row {
        cells,
        ..Row::default()
    }
}

fn where_it_is(store: &Store, ix: ActionIx) -> Vec<String> {
    let row = store.row(ix);
    vec![
        clean(&cost_text::short_run(store, row.run_ix())),
        format!("#{}", words::seq(row.seq())),
        row.turn().to_string(),
    ]
}

fn clean(raw: &str) -> String {
    text::sanitize(raw).into_owned()
}

fn known(spent: &Spent) -> Cost {
    spent.cost().map_or(Cost::NONE, |(cost, _)| cost)
}

fn part(cost: Cost, made: &Counted) -> f64 {
    let total = known(&made.costs.total);
    match (cost.get(), total.get()) {
        (Some(cost), Some(total)) if total > 0 => cost as f64 / total as f64,
        _ => 0.0,
    }
}

/// How the figures of a list come about.
pub(super) fn about(by: By) -> &'static str {
    match by {
        By::Call => "tokens of each model call, and its cost",
        By::Turn => "model calls of each turn; a line opens the turn",
        By::Model | By::Run => "a line opens its most expensive call",
        By::Tool => "the model calls that asked for the tool; a call for several is split evenly",
        By::Subagent => "model calls of each agent; enter on a line opens its most expensive call",
        By::Kind => "recorded sums are split by list prices; reasoning is part of the output",
        By::Result => "toll: ≈tokens × their price in every later prompt, until compaction",
        By::Miss => "cached tokens paid for anew; EXTRA: what cache reads would have saved",
    }
}

/// The message of an empty list.
pub(super) fn nothing(by: By) -> &'static str {
    match by {
        By::Result => "no result was read by a later model call",
        By::Miss => "no cache miss found, or cache reads are not recorded",
        By::Call | By::Turn | By::Model | By::Tool | By::Subagent | By::Kind | By::Run => {
            "no model call"
        }
    }
}

/// The title of a list's tab.
pub(super) fn title(by: By) -> &'static str {
    match by {
        By::Call => "calls",
        By::Turn => "turns",
        By::Model => "models",
        By::Tool => "tools",
        By::Subagent => "agents",
        By::Kind => "kinds",
        By::Result => "results",
        By::Miss => "cache misses",
        By::Run => "runs",
    }
}
