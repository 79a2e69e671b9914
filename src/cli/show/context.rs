//! `show --context`: what the model saw at a call, with the origin and size of every part.

use crate::analysis::context::{Context, Origin, Part, line};
use crate::base::human;
use crate::cli::Cx;
use crate::cli::table::{self, Cell, Column};
use crate::export::json::context as context_json;
use crate::export::words::{self, Role};
use crate::store::Store;

const PARTS: &[Column] = &[
    Column::left("PART", 0),
    Column::right("FROM", 2),
    Column::left("", 0),
    Column::right("TOKENS", 1),
    Column::left("WHO", 0),
    Column::left("WHAT", 0).cut_to(24),
];

pub(super) fn run(cx: &mut Cx, store: &Store, context: &Context) -> anyhow::Result<()> {
    if cx.global.json {
        cx.out.json(&context_json::context(store, context))?;
        return Ok(());
    }
    for line in head(cx, store, context) {
        cx.out.line(&line)?;
    }
    cx.out.line("")?;
    let (known, missing): (Vec<&Part>, Vec<&Part>) = context
        .parts
        .iter()
        .partition(|part| part.origin != Origin::Missing);
    let rows: Vec<Vec<Cell>> = known
        .iter()
        .map(|part| cells(cx, store, context, part))
        .collect();
    table::write(&mut cx.out, PARTS, &rows)?;
    if !missing.is_empty() {
        cx.out.line("")?;
        cx.out.painted(Role::Head, "NOT IN THE TRACE")?;
    }
    for part in missing {
        let from = part.action.map_or_else(String::new, |action| {
            format!(" (#{})", store.row(action).seq())
        });
        let note = cx.out.style.clean(&part.note);
        cx.out.line(&format!("  {note}{from}"))?;
    }
    Ok(())
}

fn head(cx: &Cx, store: &Store, context: &Context) -> Vec<String> {
    let row = store.row(context.call);
    let model = cx.out.style.clean(words::name(row.model()));
    let turn = match row.turn() {
        0 => String::new(),
        turn => format!(" · turn {turn}"),
    };
    let exactness = words::exactness(context.exactness);
    vec![
        format!(
            "call #{}{turn} · {model} · {}",
            row.seq(),
            context.api.word()
        ),
        format!("{} · {}", context.exactness.word(), exactness),
        words::fill(context),
    ]
}

fn cells(cx: &Cx, store: &Store, context: &Context, part: &Part) -> Vec<Cell> {
    let style = &cx.out.style;
    let from = part.action.map_or_else(String::new, |action| {
        format!("#{}", store.row(action).seq())
    });
    let new = if part.is_new { "new" } else { "" };
    let tokens = part.estimate.map_or_else(
        || words::NOTHING.to_owned(),
        |it| format!("≈{}", human::count(it)),
    );
    let who = part.role.map_or("", crate::ingest::request::Role::word);
    let what = match context.value(part) {
        Some(value) if part.note.is_empty() => line(value),
        _ => part.note.clone(),
    };
    vec![
        Cell::new(style.clean(&part.path)),
        Cell::role(from, Role::Dim),
        Cell::role(new, Role::Good),
        Cell::role(tokens, Role::Dim),
        Cell::new(who),
        Cell::new(style.clean(&what)),
    ]
}
