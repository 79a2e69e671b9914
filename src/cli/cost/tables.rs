//! The tables of `cost`.

use crate::analysis::costs::spent::Spent;
use crate::analysis::costs::{By, Key, Line};
use crate::analysis::runs::shown_ids;
use crate::cli::Cx;
use crate::cli::cost::CostReport;
use crate::cli::table::{self, Cell, Column, Cut};
use crate::cli::text_style::TextStyle;
use crate::export::costs as cost_text;
use crate::export::words::{self, Role};
use crate::model::action::ActionIx;
use crate::model::quantity::Cost;

const COUNTED: [Column<'_>; 4] = [
    Column::right("CALLS", 3),
    Column::right("TOKENS", 2),
    Column::right("COST", 0),
    Column::right("SHARE", 1),
];

/// Writes one list, at most `limit` lines of it.
pub(super) fn write(
    cx: &mut Cx,
    found: &CostReport<'_>,
    by: By,
    limit: Option<usize>,
) -> anyhow::Result<()> {
    let limit = limit.unwrap_or(usize::MAX);
    let style = cx.out.style.clone();
    let (mut columns, mut rows) = rows(found, by, &style);
    if found.costs.runs.len() == 1 && by != By::Run && columns[0].head == "RUN" {
        columns.remove(0);
        for row in &mut rows {
            row.remove(0);
        }
    }
    let all = rows.len();
    rows.truncate(limit);
    if rows.is_empty() {
        let words = nothing(by);
        cx.notes.note(words);
        return Ok(());
    }
    table::write(&mut cx.out, &columns, &rows)?;
    if all > rows.len() {
        let more = format!("… {} more (--by {})", all - rows.len(), by.word());
        cx.out.painted(Role::Dim, &more)?;
    }
    Ok(())
}

fn nothing(by: By) -> &'static str {
    match by {
        By::Result => "no result was read by a later model call",
        By::Miss => "no cache miss found",
        By::Call | By::Turn | By::Model | By::Tool | By::Subagent | By::Kind | By::Run => {
            "no model call"
        }
    }
}

fn rows(
    found: &CostReport<'_>,
    by: By,
    style: &TextStyle,
) -> (Vec<Column<'static>>, Vec<Vec<Cell>>) {
    match by {
        By::Call => calls(found, style),
        By::Kind => kinds(found),
        By::Result => tolls(found, style),
        By::Miss => misses(found, style),
        By::Turn | By::Model | By::Tool | By::Subagent | By::Run => {
            let heads = heads(by).into_iter().chain(COUNTED).collect();
            let ids: Vec<&str> = found.store.runs().iter().map(|run| &*run.id).collect();
            let ids = shown_ids(&ids);
            let lines = found.lines(by).iter();
            let cells = lines.map(|line| {
                let mut cells = names(found, line, &ids, style);
                cells.extend(counted(&line.spent, found));
                cells
            });
            (heads, cells.collect())
        }
    }
}

fn heads(by: By) -> Vec<Column<'static>> {
    match by {
        By::Turn => vec![
            Column::left("RUN", 4),
            Column::right("TURN", 0),
            Column::right("FROM", 3),
        ],
        By::Run => vec![Column::left("RUN", 0)],
        By::Model => vec![Column::left("MODEL", 0).cut_to(16).dropping(Cut::Model)],
        By::Tool => vec![Column::left("TOOL", 0).cut_to(16)],
        By::Subagent => vec![Column::left("AGENT", 0).cut_to(16)],
        By::Call | By::Kind | By::Result | By::Miss => Vec::new(),
    }
}

fn names(found: &CostReport<'_>, line: &Line, ids: &[String], style: &TextStyle) -> Vec<Cell> {
    let id = |at: u32| Cell::new(style.clean(ids.get(at as usize).map_or("", String::as_str)));
    match line.key {
        Key::Run(run) => vec![id(run.0)],
        Key::Turn(run, turn) => vec![
            id(run.0),
            Cell::new(turn.to_string()),
            Cell::new(format!("#{}", found.store.row(line.action).seq())),
        ],
        Key::Model(_) | Key::Tool(_) | Key::Agent { .. } => {
            vec![Cell::new(
                style.clean(&cost_text::name(found.store, line.key)),
            )]
        }
    }
}

fn counted(spent: &Spent, found: &CostReport<'_>) -> Vec<Cell> {
    vec![
        Cell::new(spent.calls.to_string()),
        Cell::new(words::tokens(spent.usage.total())),
        Cell::new(cost_text::spent(spent)),
        Cell::new(share(spent.cost().map(|(cost, _)| cost), found)),
    ]
}

fn share(cost: Option<Cost>, found: &CostReport<'_>) -> String {
    cost_text::share(cost.unwrap_or(Cost::NONE), &found.costs.total)
}

fn kinds(found: &CostReport<'_>) -> (Vec<Column<'static>>, Vec<Vec<Cell>>) {
    let columns = vec![
        Column::left("KIND", 0),
        Column::right("TOKENS", 0),
        Column::right("COST", 0),
        Column::right("SHARE", 1),
    ];
    let lines = found.costs.kinds.iter().map(|line| {
        let cost = line.cost.is_some().then_some((line.cost, line.source));
        let indent = if line.kind.part_of().is_some() {
            "  "
        } else {
            ""
        };
        vec![
            Cell::new(format!("{indent}{}", line.kind.about())),
            Cell::new(words::tokens(line.tokens)),
            Cell::new(words::cost(cost)),
            Cell::new(share(cost.map(|(cost, _)| cost), found)),
        ]
    });
    (columns, lines.collect())
}

/// The run, the number of the action and its turn.
fn place(found: &CostReport<'_>, ix: ActionIx, style: &TextStyle) -> Vec<Cell> {
    let row = found.store.row(ix);
    vec![
        Cell::new(style.clean(&cost_text::short_run(found.store, row.run_ix()))),
        Cell::new(format!("#{}", words::seq(row.seq()))),
        Cell::new(row.turn().to_string()),
    ]
}

const PLACE: [Column<'_>; 3] = [
    Column::left("RUN", 4),
    Column::right("#", 0),
    Column::right("TURN", 5),
];

fn calls(found: &CostReport<'_>, style: &TextStyle) -> (Vec<Column<'static>>, Vec<Vec<Cell>>) {
    let own = [
        Column::left("MODEL", 6).cut_to(12),
        Column::right("INPUT", 7),
        Column::right("READ", 3),
        Column::right("WRITTEN", 3),
        Column::right("OUTPUT", 2),
        Column::right("COST", 0),
        Column::right("SHARE", 1),
    ];
    let lines = found.costs.calls.iter().map(|ix| {
        let row = found.store.row(*ix);
        let (usage, spent) = (row.usage(), Spent::of(&row));
        let mut cells = place(found, *ix, style);
        cells.push(Cell::new(style.clean(words::name(row.model()))));
        let kinds = [
            usage.input,
            usage.cache_read,
            usage.cache_write,
            usage.output,
        ];
        cells.extend(kinds.map(|tokens| Cell::new(words::tokens(tokens))));
        cells.push(Cell::new(cost_text::spent(&spent)));
        cells.push(Cell::new(share(spent.cost().map(|(cost, _)| cost), found)));
        cells
    });
    (PLACE.into_iter().chain(own).collect(), lines.collect())
}

fn tolls(found: &CostReport<'_>, style: &TextStyle) -> (Vec<Column<'static>>, Vec<Vec<Cell>>) {
    let own = [
        Column::left("TOOL", 0).cut_to(12),
        Column::right("TOKENS", 0),
        Column::right("READ BY", 0),
        Column::right("TOLL", 0),
        Column::left("UNTIL", 3),
    ];
    let lines = found.tolls.iter().flatten().map(|toll| {
        let mut cells = place(found, toll.action, style);
        cells.extend([
            Cell::new(style.clean(words::name(found.store.row(toll.action).tool()))),
            Cell::new(format!("≈{}", words::tokens(toll.tokens.into()))),
            Cell::new(toll.readers.to_string()),
            Cell::new(cost_text::toll(toll)),
            Cell::new(cost_text::until(found.store, toll)),
        ]);
        cells
    });
    (PLACE.into_iter().chain(own).collect(), lines.collect())
}

fn misses(found: &CostReport<'_>, style: &TextStyle) -> (Vec<Column<'static>>, Vec<Vec<Cell>>) {
    let own = [
        Column::right("TOKENS", 0),
        Column::right("COST", 0),
        Column::right("EXTRA", 2),
        Column::left("WHY", 0).cut_to(30),
    ];
    let lines = found.misses.iter().flat_map(|it| &it.found).map(|miss| {
        let mut cells = place(found, miss.call, style);
        cells.extend([
            Cell::new(words::tokens(miss.tokens.into())),
            Cell::new(cost_text::estimate(miss.cost)),
            Cell::new(cost_text::estimate(miss.extra)),
            Cell::new(style.clean(&cost_text::cause(found.store, miss))),
        ]);
        cells
    });
    (PLACE.into_iter().chain(own).collect(), lines.collect())
}
